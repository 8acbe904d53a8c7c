//! What the fuzzer gives to parsers, in small: the committed seeds, and copies of them that are cut and harmed.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

#[expect(
    unreachable_pub,
    reason = "the fuzzer's programs use them from another crate"
)]
#[path = "../../fuzz/src/entries.rs"]
mod entries;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Harmed copies of each seed.
const COPIES: u64 = 64;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds")
}

/// The committed seeds of a target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = fs::read_dir(folder().join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below.max(1)).unwrap()).unwrap()
    }
}

/// A copy of a seed, as a fuzzer begins: bytes changed, taken away, doubled, cut.
fn harmed(seed: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut copy = seed.to_vec();
    for _ in 0..=numbers.next(4) {
        if copy.is_empty() {
            break;
        }
        let at = numbers.next(copy.len());
        match numbers.next(5) {
            0 => copy[at] ^= 1 << numbers.next(8),
            1 => copy[at] = [0, 0x7f, 0x80, 0xff, b'"', b'{', b'-'][numbers.next(7)],
            2 => drop(copy.remove(at)),
            3 => copy.truncate(at),
            _ => {
                let end = (at + 1 + numbers.next(16)).min(copy.len());
                let part = copy[at..end].to_vec();
                copy.splice(at..at, part);
            }
        }
    }
    copy
}

#[test]
fn no_parser_panics_on_a_seed_or_a_harmed_copy_of_one() {
    for (target, parse) in entries::ALL {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{target} has no seeds");
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        for seed in &seeds {
            assert!(seed.len() < 8192, "seeds of {target} are small");
            parse(seed);
            for _ in 0..COPIES {
                parse(&harmed(seed, &mut numbers));
            }
        }
        parse(&[]);
    }
}

/// Without libFuzzer, and without its knowledge of what was reached: `TIDINGS_FUZZ_SECONDS` for each parser, of copies that are harmed
/// again and again. Says how many there were.
#[test]
#[ignore = "as long as one likes"]
fn no_parser_panics_on_copies_harmed_for_long() {
    #[expect(clippy::disallowed_methods, reason = "how long is for whoever runs it")]
    let seconds = std::env::var("TIDINGS_FUZZ_SECONDS");
    let seconds: u64 = seconds.map_or(60, |seconds| seconds.parse().unwrap());
    for (target, parse) in entries::ALL {
        let seeds = seeds(target);
        let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
        let (began, mut given) = (Instant::now(), 0_u64);
        let mut slowest = Duration::ZERO;
        while began.elapsed() < Duration::from_secs(seconds) {
            let mut copy = seeds[numbers.next(seeds.len())].clone();
            for _ in 0..=numbers.next(6) {
                copy = harmed(&copy, &mut numbers);
            }
            let at = Instant::now();
            parse(&copy);
            slowest = slowest.max(at.elapsed());
            given += 1;
        }
        say(&format!(
            "{target}: {given} inputs, the slowest in {slowest:?}"
        ));
    }
}

#[expect(clippy::print_stderr, reason = "what a developer asked for")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[test]
fn every_target_has_a_program_and_every_program_is_a_target() {
    let mut programs: Vec<_> = fs::read_dir(folder().join("../src/bin"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_owned())
        .collect();
    programs.sort();
    let mut targets: Vec<_> = entries::ALL.map(|(name, _)| name).to_vec();
    targets.sort_unstable();
    assert_eq!(programs, targets);
}
