//! docs/destinations says what the code says: a page for every destination, made from its `SPEC` and the head of its module, and a list of
//! all. `TIDINGS_WRITE_DOCS=1 cargo test -p destinations --test pages` writes them.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod page;
#[path = "../sample/mod.rs"]
#[expect(dead_code, reason = "nothing is sent")]
mod sample;
#[path = "../settings/mod.rs"]
mod settings;

use destinations::{ALL, Category};
use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/destinations"
    ))
}

/// Every destination by category, each with its page.
fn list() -> String {
    let mut text = "# Destinations\n\nWhere events can go. Each page is made from the code: what a destination needs, what it receives, what its answers prove. Choose one in the\ndashboard under *Integrations*, or name its key as `destination` in a [configuration file](docs/configuration.md).\n".replace("docs/", "../");
    for category in Category::ALL {
        let of = ALL.iter().map(|destination| destination.spec());
        let of: Vec<_> = of.filter(|spec| spec.category == category).collect();
        if of.is_empty() {
            continue;
        }
        write!(
            text,
            "\n## {}\n\n| destination | key | |\n|---|---|---|\n",
            category.title()
        )
        .unwrap();
        for spec in of {
            writeln!(
                text,
                "| [{}]({}.md) | `{}` | {} |",
                spec.title, spec.key, spec.key, spec.summary
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn every_destination_has_its_page_and_no_page_is_of_another() {
    let writes = env::var_os("TIDINGS_WRITE_DOCS").is_some();
    let mut pages = vec![("README.md".to_owned(), list())];
    for destination in ALL {
        let name = format!("{}.md", destination.spec().key);
        pages.push((name, page::of(*destination)));
    }
    if writes {
        fs::create_dir_all(folder()).unwrap();
        for entry in fs::read_dir(folder()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for (name, text) in &pages {
            fs::write(folder().join(name), text).unwrap();
        }
    }
    let there = fs::read_dir(folder()).unwrap();
    let there: BTreeSet<_> = there
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted: BTreeSet<_> = pages.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(there, wanted);
    for (name, text) in pages {
        let is = fs::read_to_string(folder().join(&name)).unwrap();
        assert!(
            is == text,
            "docs/destinations/{name} is not as the code says; write it anew with TIDINGS_WRITE_DOCS=1"
        );
    }
}
