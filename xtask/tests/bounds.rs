//! What docs/security.md says of a bound is where it says: every constant is in its file, and every test is there.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

const DOCUMENT: &str = "docs/security.md";
const SECTION: &str = "### Where each bound stands, and what attacks it";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The Rust files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// What stands between backticks in a cell.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Whether a file has a constant or a function of this name, and not only one whose name begins so.
fn defines(text: &str, name: &str) -> bool {
    let ways = [("const", ":"), ("fn", "("), ("fn", "<")];
    let mut ways = ways.iter();
    ways.any(|(kind, end)| text.contains(&format!("{kind} {name}{end}")))
}

#[test]
fn a_name_is_not_there_because_another_begins_so() {
    assert!(defines("const MOST: usize = 1;", "MOST"));
    assert!(!defines("const MOST_OF_ONE: usize = 1;", "MOST"));
    assert!(defines("fn of(self) {", "of") && defines("fn of<T>(", "of"));
    assert!(!defines("fn offers(self) {", "of"));
}

/// The last part of a name: `of` of `Bounds::of`.
fn last(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

#[test]
fn every_bound_and_every_test_that_is_named_is_there() {
    let root = root();
    let mut files = Vec::new();
    sources(&root.join("crates"), &mut files);
    let texts: Vec<String> = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let document = fs::read_to_string(root.join(DOCUMENT)).unwrap();
    let (_, section) = document.split_once(SECTION).unwrap();
    let section = section.split("\n### ").next().unwrap();
    let (mut rows, mut missing) = (0, Vec::new());
    for row in section
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
    {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        rows += 1;
        // Names, and then the file that has them.
        let mut names = Vec::new();
        for word in quoted(cells[2]) {
            if !word.starts_with("crates/") {
                names.push(word);
                continue;
            }
            let text = fs::read_to_string(root.join(word)).unwrap_or_default();
            for name in names.drain(..) {
                let name = last(name);
                if !defines(&text, name) {
                    missing.push(format!("{name} in {word}"));
                }
            }
        }
        missing.extend(names.iter().map(|name| format!("a file for {name}")));
        for test in quoted(cells[3]) {
            let defined = format!("fn {test}(");
            if !texts.iter().any(|text| text.contains(&defined)) {
                missing.push(format!("the test {test}"));
            }
        }
    }
    assert!(rows > 25, "{rows}");
    assert!(missing.is_empty(), "not there:\n{}", missing.join("\n"));
}
