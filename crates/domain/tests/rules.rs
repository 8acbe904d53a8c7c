//! The table of rules in the documentation of `domain::change` and the rules in the code are the same, in the same order.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

const TABLE: &str = include_str!("../src/change/mod.rs");

/// The families in the order in which they are asked, and what each is made of.
const FAMILIES: [(&str, &[&str]); 5] = [
    (
        "charges",
        &[
            include_str!("../src/change/charges.rs"),
            include_str!("../src/charge.rs"),
        ],
    ),
    ("refunds", &[include_str!("../src/change/refunds.rs")]),
    ("renewal", &[include_str!("../src/change/renewal.rs")]),
    ("standing", &[include_str!("../src/change/standing.rs")]),
    ("terms", &[include_str!("../src/change/terms.rs")]),
];

/// Names such as `charge.renewed` between `open` and `close`, each where it stands first.
fn names(text: &str, open: &str, close: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in text.split(open).skip(1) {
        let name = rest.split(close).next().unwrap();
        let is_rule = name.split('.').count() == 2
            && name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || ".-_".contains(letter));
        if is_rule && !found.contains(&name.to_owned()) {
            found.push(name.to_owned());
        }
    }
    found
}

#[test]
fn the_table_of_rules_says_what_the_code_has_in_the_same_order() {
    let (_, rows) = TABLE.split_once("# The rules").unwrap();
    let mut sections = rows.split("| **").skip(1);
    let mut all = BTreeSet::new();
    for (family, files) in FAMILIES {
        let section = sections.next().unwrap();
        assert!(section.starts_with(family), "{family}: {section}");
        let table = names(section, "| `", "` |");
        let code: Vec<String> = files
            .iter()
            .flat_map(|file| names(file, "\"", "\""))
            .collect();
        assert_eq!(table, code, "{family}");
        for rule in table {
            assert!(all.insert(rule.clone()), "{rule} is there twice");
        }
    }
    assert!(sections.next().is_none());
    assert_eq!(all.len(), 36, "a rule that comes or goes is counted here");
    let first = include_str!("../src/change/first_seen.rs");
    assert_eq!(names(first, "\"", "\""), Vec::<String>::new());
}
