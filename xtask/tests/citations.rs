//! What the repository cites is in the repository: a comment that leads to a document nobody has explains nothing.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Ends of the files that are read.
const KINDS: [&str; 10] = [
    "rs", "md", "toml", "sql", "html", "css", "js", "yml", "yaml", "sh",
];

/// Folders with which a path from the top begins, one that is only on somebody's desk among them. Test vectors beside the
/// checkout are no documents: their tests say where they look.
const FOLDERS: [&str; 6] = ["crates", "deploy", "docs", "examples", "spec", "xtask"];

/// Names of documents that are only on somebody's desk, cited without an ending.
const ELSEWHERE: [&str; 2] = ["DESIGN", "STYLE"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The files below a folder that people write, without what is built and what is hidden.
fn written(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            written(&path, found);
        } else if KINDS
            .iter()
            .any(|kind| path.extension().is_some_and(|end| end == *kind))
        {
            found.push(path);
        }
    }
}

/// What a line cites, as it is written. Addresses on the web are not looked at.
fn cited(line: &str) -> impl Iterator<Item = &str> {
    let is_part =
        |character: char| character.is_ascii_alphanumeric() || "._-/#".contains(character);
    let words = line.split(move |character| !is_part(character));
    words
        .filter(|word| !word.starts_with("//"))
        .filter_map(|word| Some(word.split('#').next()?.trim_end_matches('.')))
        .filter(|path| {
            let plain = plain(path);
            let folder = plain.split_once('/').filter(|(_, rest)| !rest.is_empty());
            let is_below = folder.is_some_and(|(folder, _)| FOLDERS.contains(&folder));
            let is_document = plain
                .strip_suffix(".md")
                .is_some_and(|name| !name.is_empty());
            is_below || is_document || ELSEWHERE.contains(&plain)
        })
}

/// A path from the top of the repository, however it was reached.
fn plain(path: &str) -> &str {
    path.trim_start_matches(['.', '/'])
}

#[test]
fn what_is_cited_is_here() {
    let (root, mut files) = (root(), Vec::new());
    written(&root, &mut files);
    assert!(files.len() > 300, "{}", files.len());
    let own = Path::new(file!()).file_name();
    let mut missing = Vec::new();
    for file in files.iter().filter(|file| file.file_name() != own) {
        let text = fs::read_to_string(file).unwrap();
        for (index, line) in text.lines().enumerate() {
            for path in cited(line) {
                let beside = file.parent().unwrap().join(path);
                if !root.join(plain(path)).exists() && !beside.exists() {
                    let place = file.strip_prefix(&root).unwrap().display();
                    missing.push(format!("{place}:{}: {path}", index + 1));
                }
            }
        }
    }
    assert!(
        missing.is_empty(),
        "not in the repository:\n{}",
        missing.join("\n")
    );
}

/// The rows of the walks through the files.
fn stops(text: &str) -> impl Iterator<Item = (u32, &str)> {
    text.lines().filter_map(|line| {
        let number = line.split('|').nth(1).map(str::trim);
        Some((number?.parse().ok()?, line))
    })
}

/// Walks go forward: the first row begins, each other is called by one before it.
#[test]
fn the_walks_of_the_architecture_go_forward() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (mut last, mut walks, mut files) = (0, 0, BTreeSet::new());
    for (number, row) in stops(&text) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if number == 1 {
            (walks, last) = (walks + 1, 0);
            files.clear();
        }
        assert_eq!(number, last + 1, "{row}");
        assert!(number <= 20, "{row}");
        assert!(files.insert(cells[2]), "opened twice: {row}");
        let mut callers = cells[4].split(" or ").filter(|from| !from.is_empty());
        let is_before = |from: &str| from.parse::<u32>().is_ok_and(|from| from < number);
        assert!(callers.all(is_before), "{row}");
        assert_eq!(number == 1, cells[4].is_empty(), "{row}");
        last = number;
    }
    assert_eq!(walks, 3);
}

/// A row of a walk: where to look, and for which names.
fn stop(row: &str) -> Option<(&str, Vec<&str>)> {
    let mut cells = row.split('|').map(str::trim).skip(2);
    let file = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
    let names = cells.next()?.split('`').skip(1).step_by(2);
    let names = names
        .filter(|name| !name.contains('.'))
        .filter_map(|name| name.rsplit("::").next())
        .collect();
    Some((file, names))
}

#[test]
fn the_walks_of_the_architecture_name_what_their_files_hold() {
    let root = root();
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let stops: Vec<_> = stops(&text).filter_map(|(_, row)| stop(row)).collect();
    assert!(stops.len() > 40, "{}", stops.len());
    let mut missing = Vec::new();
    for (file, names) in stops {
        let code = fs::read_to_string(root.join(file)).unwrap();
        // Whole names: `configure` is no part of `configure_and_requeue`.
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        let words: BTreeSet<&str> = code.split(|character| !is_part(character)).collect();
        let absent = names.into_iter().filter(|name| !words.contains(name));
        missing.extend(absent.map(|name| format!("{file}: {name}")));
    }
    assert!(
        missing.is_empty(),
        "not in the file that a walk names:\n{}",
        missing.join("\n")
    );
}

#[test]
fn citations_are_found_in_prose_and_code() {
    for (line, expected) in [
        ("//! Source: spec/stores.md 2.4.", vec!["spec/stores.md"]),
        (
            "see [a](deployment.md#traces), docs/api.md.",
            vec!["deployment.md", "docs/api.md"],
        ),
        ("include_str!(\"../../docs/x.md\")", vec!["../../docs/x.md"]),
        ("DESIGN section 3 says so", vec!["DESIGN"]),
        (
            "`crates/domain/tests/x.rs`, and docs/*.md",
            vec!["crates/domain/tests/x.rs"],
        ),
        ("https://docs.acme.example/spec/x.md and docs/", vec![]),
        ("DESIGNED, crates, .md", vec![]),
    ] {
        assert_eq!(cited(line).collect::<Vec<_>>(), expected, "{line}");
    }
}
