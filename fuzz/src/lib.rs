//! Fuzzing of whatever parses outside bytes. `cargo xtask fuzz` builds the program, in which libFuzzer gives bytes to a function of
//! [`entries`], and runs it for each target; what it begins with is in the folder of the target's name under `seeds`.

pub mod entries;

#[cfg(test)]
mod tests {
    use super::entries::ALL;
    use std::{fs, path::Path};

    #[test]
    fn every_target_has_seeds_and_all_seeds_are_of_a_target() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
        let folders = fs::read_dir(folder).unwrap();
        let mut seeds: Vec<_> = folders.map(|entry| entry.unwrap().file_name()).collect();
        seeds.sort();
        let mut targets = ALL.map(|(name, _)| name);
        targets.sort_unstable();
        assert_eq!(seeds, targets);
    }
}
