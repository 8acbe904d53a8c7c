//! What is stored and what is shown are two things: what has members is shown by a view (`web::view`, or the file of its resource), never as it is
//! kept. Only words, of which a list is the whole type, are described where they are.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Crates whose types are kept or computed with. Bodies of requests, which `sources` and `configuration` read, describe themselves there.
const KEPT: [&str; 3] = ["domain", "ledger", "destinations"];

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

/// The types of a file that describe themselves to the OpenAPI document by a derive, each with whether it has members.
fn described(text: &str) -> Vec<(String, bool)> {
    let mut lines = text.lines().map(str::trim);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if !line.starts_with("#[") || !line.contains("ToSchema") {
            continue;
        }
        let head = lines.by_ref().find(|line| line.starts_with("pub "));
        let head = head.unwrap_or_else(|| panic!("nothing follows {line}"));
        // That of a macro stands on one line.
        let is_whole = head.ends_with('}');
        let variants = lines.by_ref().take_while(|line| !is_whole && *line != "}");
        let has_members = |line: &str| line.contains(['(', '{']) && !line.starts_with(['/', '#']);
        let is_list = head.starts_with("pub enum ");
        found.push((
            head.to_owned(),
            !is_list || variants.filter(|line| has_members(line)).count() > 0,
        ));
    }
    found
}

#[test]
fn only_words_are_shown_as_they_are_kept() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut words = 0;
    for name in KEPT {
        let mut files = Vec::new();
        sources(&crates.join(name).join("src"), &mut files);
        for file in files {
            for (head, has_members) in described(&fs::read_to_string(&file).unwrap()) {
                let file = file.display();
                assert!(
                    !has_members,
                    "{file}: {head} has members: make a view of it"
                );
                words += 1;
            }
        }
    }
    assert!(words > 10, "{words}");
}

#[test]
fn what_has_members_is_noticed() {
    let of = |kind: &str, body: &str| {
        let text = format!("#[derive(ToSchema)]\n#[derive(Debug)]\npub {kind} Of {{\n{body}\n}}\n");
        described(&text)[0].1
    };
    assert!(!of("enum", "    /// One (of two).\n    One,\n    Two,"));
    for (kind, body) in [
        ("struct", "    pub one: u8,"),
        ("enum", "    One,\n    Two(u8),"),
        ("enum", "    One {\n        two: u8,\n    },"),
    ] {
        assert!(of(kind, body), "{kind} {body}");
    }
}
