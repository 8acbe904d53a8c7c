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
