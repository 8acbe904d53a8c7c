//! The walks of `ARCHITECTURE.md`: whoever follows one opens at most twenty files, none of them twice, and finds in each what is said of it.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use std::{collections::BTreeSet, fs, path::Path};

/// Most files of a walk.
const MOST: usize = 20;

/// A row of a walk: its number, its file, what is to be read there, and from which rows.
struct Step {
    number: usize,
    file: String,
    read: String,
    from: Vec<usize>,
}

impl Step {
    fn of(line: &str) -> Option<Self> {
        let mut cells = line.strip_prefix("| ")?.strip_suffix('|')?.split(" | ");
        let number = cells.next()?.trim().parse().ok()?;
        let file = cells.next()?.trim().strip_prefix('`')?.strip_suffix('`')?;
        let rest: Vec<_> = cells.collect();
        let (from, read) = rest.split_last()?;
        let from = from.split(|character: char| !character.is_ascii_digit());
        Some(Self {
            number,
            file: file.to_owned(),
            read: read.join(" | "),
            from: from.filter_map(|number| number.parse().ok()).collect(),
        })
    }
}

/// Every walk with its rows.
fn walks(text: &str) -> Vec<(&str, Vec<Step>)> {
    let sections = text.split("\n## ").skip(1);
    let walks = sections.map(|section| {
        let steps = section.lines().filter_map(Step::of).collect::<Vec<_>>();
        (section.lines().next().unwrap(), steps)
    });
    walks.filter(|(_, steps)| !steps.is_empty()).collect()
}

/// The last name in what is cited: `Ledger::load` is found as `load`.
fn name(cited: &str) -> Option<&str> {
    let words = cited.split(|character: char| !character.is_alphanumeric() && character != '_');
    words.rev().find(|word| !word.is_empty())
}

#[test]
fn each_is_at_most_twenty_files_none_of_them_twice_and_as_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let walks = walks(&text);
    let names: Vec<_> = walks.iter().map(|(name, _)| *name).collect();
    let (callback, receipt, form) = (
        "A notification becomes a webhook",
        "A client sends in a purchase",
        "Settings are saved",
    );
    assert_eq!(names, [callback, receipt, form]);
    for (walk, steps) in walks {
        assert!(steps.len() <= MOST, "{walk}: {}", steps.len());
        let mut files = BTreeSet::new();
        for (index, step) in steps.iter().enumerate() {
            assert_eq!(step.number, index + 1, "{walk}");
            assert!(files.insert(&step.file), "{walk}: {} again", step.file);
            let is_first = step.number == 1;
            assert_eq!(step.from.is_empty(), is_first, "{walk}: {}", step.file);
            // It is called by what was read before.
            let is_ahead = step.from.iter().any(|from| *from >= step.number);
            assert!(!is_ahead, "{walk}: {}", step.file);
            let code = fs::read_to_string(root.join(&step.file)).unwrap();
            for cited in step.read.split('`').skip(1).step_by(2) {
                let name = name(cited).unwrap();
                let is_there = cited.contains('.') || code.contains(name);
                assert!(is_there, "{walk}: {} has no {cited}", step.file);
            }
        }
    }
}
