//! No circle of files: of two files that use each other, neither can be understood, nor moved, without the other.
//!
//! **How it works.** Every crate is read from its root, module by module. What a file names by `use`, or by a path of several parts, is looked
//! up where Rust looks for it, through whatever hands it on, to the file that defines it: that file is used. What only hands a name on
//! (`pub use`) does not use it, so a face at the top of a room is free to show what rests on it.
//!
//! **What it does not do.** It follows no types: a method that is called on a value leads nowhere. What a macro makes is where the macro stands.
mod modules;
mod uses;

use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};
use uses::circles;

/// Where crates are, from the top of the repository.
const FOLDERS: [&str; 3] = ["crates", "fuzz", "xtask"];

/// No two files of ours use each other.
pub(crate) fn none() -> Result<()> {
    let mut all = Vec::new();
    for folder in FOLDERS {
        roots(Path::new(folder), &mut all)
            .with_context(|| format!("cannot read {folder}; run this from the top"))?;
    }
    let read = |path: &Path| fs::read_to_string(path).ok();
    let found: Vec<_> = all.iter().flat_map(|root| circles(&read, root)).collect();
    if all.is_empty() || !found.is_empty() {
        bail!(
            "of {} crates, files that use each other:\n{}",
            all.len(),
            found.join("\n")
        );
    }
    Ok(())
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "rs")
}

/// Files from which crates below a folder are read.
fn roots(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = |path: &Path| path.file_name()?.to_str().map(str::to_owned);
        let own = name(&path).unwrap_or_default();
        let is_of_its_own = matches!(
            name(folder).as_deref(),
            Some("tests" | "benches" | "examples" | "bin")
        );
        if path.is_dir() {
            if !own.starts_with('.') && own != "target" {
                roots(&path, found)?;
            }
        } else if matches!(&*own, "lib.rs" | "main.rs") || (is_of_its_own && is_rust(&path)) {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a crate of these files.
    fn of(files: &[(&str, &str)]) -> Vec<String> {
        let read = |path: &Path| {
            let mut files = files.iter();
            let found = files.find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        circles(&read, Path::new("lib.rs")).into_iter().collect()
    }

    #[test]
    fn two_files_that_use_each_other_are_found_however_they_are_named() {
        let lib = ("lib.rs", "mod a; mod b; pub use a::A; pub struct Top;");
        let b = ("b.rs", "pub struct B; use crate::A;");
        for (a, is_circle) in [
            ("use crate::b::B; pub struct A;", true),
            ("use super::b::{self, B}; pub struct A;", true),
            (
                "pub struct A; fn f() { let _: super::b::B = panic!(); }",
                true,
            ),
            ("use crate::b; pub struct A; fn f(_: b::B) {}", true),
            ("use crate::b::*; pub struct A;", true),
            (
                "pub struct A; #[cfg(test)] mod tests { use super::super::b::B; }",
                true,
            ),
            (
                "pub struct A; // use crate::b::B;\n const T: &str = \"crate::b::B\";",
                false,
            ),
            ("pub use crate::b::B; pub struct A;", false),
            ("use crate::b; pub struct A;", false),
            ("use std::b::B; pub struct A;", false),
            ("use crate::Top; pub struct A;", false),
        ] {
            let found = of(&[lib, ("a.rs", a), b]);
            let wanted: &[&str] = if is_circle { &["a.rs <-> b.rs"] } else { &[] };
            assert_eq!(found, wanted, "{a}");
        }
    }

    #[test]
    fn a_face_may_show_what_rests_on_it_and_may_not_use_it() {
        let child = ("room/child.rs", "use super::Room; pub struct Seat;");
        let lib = ("lib.rs", "mod room;");
        for (room, wanted) in [
            ("mod child; pub use child::Seat; pub struct Room;", &[][..]),
            (
                "mod child; use child::Seat; pub struct Room(Seat);",
                &["room/child.rs <-> room/mod.rs"],
            ),
        ] {
            assert_eq!(of(&[lib, ("room/mod.rs", room), child]), wanted, "{room}");
        }
    }

    #[test]
    fn what_is_private_is_not_named_by_those_who_name_all() {
        let files = [
            (
                "lib.rs",
                "mod at; mod other; pub use at::*; pub use other::*;",
            ),
            ("at.rs", "pub fn at() {}"),
            ("other.rs", "use super::at; fn at() {}"),
        ];
        assert!(of(&files).is_empty());
    }
}
