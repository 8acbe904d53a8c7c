//! Fuzzing of whatever parses outside bytes. `cargo xtask fuzz --seconds 60` builds and runs the targets, each of which hands its
//! bytes to a function of [`entries`]; `cargo test` gives the committed seeds, and harmed copies of them, to the same functions.

pub mod entries;
