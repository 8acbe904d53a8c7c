//! Of every operation the route, its access rule, its handler, its types and its tests are found in one file: whoever reads it opens no other to know
//! what is called, by whom, and with what.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Types that handlers share, which `ARCHITECTURE.md` ("The folders") says where to find: what all of them take and answer,
const SHARED: [&str; 37] = [
    "App",
    "InProject",
    "Caller",
    "Right",
    "Problem",
    "Filters",
    "NoFilters",
    "PageQuery",
    "Answer",
    "List",
    "Configured",
    "Done",
    "Noted",
    "Empty",
    "There",
    "With",
    "LastEventId",
    "Messages",
    "Client",
    "Again",
    "AskedAs",
    "Platform",
    "Said",
    "Ignored",
    "AtLeast",
    "Page",
    "Pages",
    "Failure",
    "Shown",
    "Error",
    "Form",
    "Names",
    "AccountForm",
    "Address",
    "Whereabouts",
    "Lives",
    "Counted",
];

/// and what two surfaces read: queries, views, bodies that are project files or stores' messages as well.
const OF_TWO: [&str; 24] = [
    "EventQuery",
    "EventStreamQuery",
    "DeliveryQuery",
    "DeliveryStreamQuery",
    "EventView",
    "CustomerView",
    "DeliveryView",
    "ReplayForm",
    "Asked",
    "DesiredApp",
    "DesiredEntitlement",
    "DesiredIntegration",
    "DesiredOffering",
    "DesiredProduct",
    "RefundAnswer",
    "NotificationEnvelope",
    "PushEnvelope",
    "EventEnvelope",
    "Attributes",
    "Attribution",
    "Purchased",
    "Introductory",
    "Restorable",
    "Unsigned",
];

/// Of the language and of axum.
const OF_ALL: [&str; 18] = [
    "State",
    "Path",
    "Query",
    "Option",
    "Result",
    "String",
    "Vec",
    "Self",
    "Json",
    "Uri",
    "HeaderMap",
    "Request",
    "Response",
    "Body",
    "Bytes",
    "Arc",
    "Secret",
    "Redirect",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

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

/// A file that declares routes.
struct Declared {
    name: String,
    text: String,
}

impl Declared {
    /// Every file of the two surfaces that does.
    fn all() -> Vec<Self> {
        let mut files = Vec::new();
        for surface in ["crates/api/src", "crates/dashboard/src"] {
            sources(&root().join(surface), &mut files);
        }
        let read = files.into_iter().map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            let name = file.strip_prefix(root()).unwrap().display().to_string();
            // Routes of unit tests are none.
            let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
            Self { name, text }
        });
        read.filter(|file| !file.routes().is_empty()).collect()
    }

    /// What stands in the brackets of each route.
    fn routes(&self) -> Vec<&str> {
        let calls = ["Route::operation(", "Route::page("];
        let begins = calls.iter().flat_map(|call| self.text.match_indices(call));
        let inside = begins.map(|(at, call)| {
            let inside = self.text.get(at + call.len()..).unwrap();
            let mut depth = 1;
            let mut is_text = false;
            let end = inside.find(|character| {
                is_text ^= character == '"';
                depth += match character {
                    '(' if !is_text => 1,
                    ')' if !is_text => -1,
                    _ => 0,
                };
                depth == 0
            });
            inside.get(..end.unwrap()).unwrap()
        });
        inside.collect()
    }

    /// The paths of its routes.
    fn paths(&self) -> impl Iterator<Item = &str> {
        let begin = self.text.find("fn routes(").unwrap_or(0);
        let body = self.text.get(begin..).unwrap();
        let body = body.split("\n}\n").next().unwrap();
        let texts = body.split('"').skip(1).step_by(2);
        texts.filter(|text| text.starts_with('/'))
    }

    /// The files in which its header says that its tests are.
    fn tests(&self) -> Vec<&str> {
        let header = self.text.lines().take_while(|line| line.starts_with("//!"));
        let said = header.filter_map(|line| line.strip_prefix("//! Tests: "));
        said.flat_map(|line| line.split('`').skip(1).step_by(2))
            .collect()
    }

    /// What its handler takes and answers, as it is written.
    fn signature(&self, handler: &str) -> Option<&str> {
        let begins = [format!("fn {handler}("), format!("fn {handler}<")];
        let at = begins.iter().find_map(|begin| self.text.find(begin))?;
        self.text.get(at..)?.split('{').next()
    }

    fn declares(&self, name: &str) -> bool {
        ["struct", "enum", "type", "trait"].iter().any(|kind| {
            let head = format!("{kind} {name}");
            self.text.match_indices(&head).any(|(at, _)| {
                let after = self.text.get(at + head.len()..).unwrap();
                !after.starts_with(|next: char| next.is_alphanumeric() || next == '_')
            })
        })
    }
}

/// The names of types in a text; letters alone stand for some type.
fn types(text: &str) -> BTreeSet<&str> {
    let words = text.split(|character: char| !character.is_alphanumeric() && character != '_');
    words
        .filter(|word| word.len() > 1 && word.starts_with(|first: char| first.is_uppercase()))
        .collect()
}

#[test]
fn every_route_has_its_handler_and_types_in_its_file() {
    let (mut routes, mut shared) = (0, BTreeSet::new());
    for file in Declared::all() {
        for route in file.routes() {
            routes += 1;
            let handler = route
                .trim()
                .trim_end_matches(',')
                .rsplit([',', '\n'])
                .next();
            let handler = handler.unwrap().trim();
            // Of the document, which is made of all the others.
            if handler.contains("move") {
                continue;
            }
            let (handler, of) = handler.split_once("::<").unwrap_or((handler, ""));
            let signature = file.signature(handler);
            let signature = signature.unwrap_or_else(|| panic!("{}: {handler}", file.name));
            for name in types(signature).into_iter().chain(types(of)) {
                let is_known = OF_ALL.contains(&name) || file.declares(name);
                let is_shared = SHARED.contains(&name) || OF_TWO.contains(&name);
                assert!(
                    is_known || is_shared,
                    "{}: {handler} has {name}, which is declared elsewhere",
                    file.name
                );
                if !is_known {
                    shared.insert(name.to_owned());
                }
            }
        }
    }
    assert!(routes > 120, "{routes}");
    let mut listed = SHARED.iter().chain(&OF_TWO);
    let unused = listed.find(|name| !shared.contains(**name));
    assert_eq!(unused, None, "no handler has it any longer");
}

#[test]
fn every_file_with_routes_names_its_tests_and_they_call_them() {
    for file in Declared::all() {
        let tests = file.tests();
        assert!(!tests.is_empty(), "{} names no tests", file.name);
        let read = tests.iter().map(|test| {
            let text = fs::read_to_string(root().join(test));
            text.unwrap_or_else(|error| panic!("{}: {test}: {error}", file.name))
        });
        let text = read.collect::<String>();
        for path in file.paths() {
            let mut segments = path.split('/').rev();
            let named = segments.find(|segment| !segment.is_empty() && !segment.starts_with('{'));
            let Some(named) = named else { continue };
            let is_called = ["/", "\""].iter().any(|before| {
                let called = format!("{before}{named}");
                text.contains(&called)
            });
            assert!(is_called, "{}: {tests:?} never call {path}", file.name);
        }
    }
}
