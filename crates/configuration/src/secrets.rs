//! Secrets in settings: masked where settings are shown, put back where they return.
//!
//! The settings of an app and of an integration are both an object described by a list of fields, and both take this way.
//! A secret is shown as `"***"`, a list of secrets as one `"***"` for each. What comes back in a secret's place means:
//!
//! | given | means |
//! |---|---|
//! | `"***"` for a secret | the one that is stored |
//! | `"***"` as entry *i* of a list | the stored entry *i* |
//! | `"***2"` anywhere in a list | the second stored entry |
//! | any other text | itself |
//!
//! So a list can be sent back as it was shown; and one from which an entry was taken, to which one was added, or whose
//! order is another, names the entries it keeps: `["whsec_new", "***1"]`. What stands for an entry that is not stored is
//! refused, as is any other text that begins with `***`: it was never meant to be a secret.

use crate::stored::Stored;
use destinations::{Field, FieldKind, Invalid};
use serde_json::{Map, Value};

/// What is shown instead of a secret.
const MASK: &str = "***";

/// What stands for the stored entry `index`, counted from 0, of a list of secrets.
pub fn masked_entry(index: usize) -> String {
    format!("{MASK}{}", index + 1)
}

/// Settings as they may be shown: every secret replaced by `"***"`.
pub fn masked(fields: &[Field], settings: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = settings.clone();
    for field in fields.iter().filter(|field| field.kind.is_secret()) {
        match shown.get_mut(field.name) {
            Some(Value::Array(values)) => values.iter_mut().for_each(|value| *value = MASK.into()),
            Some(value) if !value.is_null() && value.as_str() != Some("") => *value = MASK.into(),
            _ => {}
        }
    }
    shown
}

/// New settings, in which everything that stands for a stored secret is replaced by it, and what stands for none.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The settings; what a problem is about stands in them as it was given.
    pub settings: Map<String, Value>,
    /// What cannot be put back, by field.
    pub problems: Vec<Invalid>,
}

/// Puts what is stored in the place of what stands for it.
pub fn merged(fields: &[Field], stored: &Stored, given: &Map<String, Value>) -> Merged {
    let (mut settings, mut problems) = (given.clone(), Vec::new());
    for field in fields.iter().filter(|field| field.kind.is_secret()) {
        let Some(value) = settings
            .get_mut(field.name)
            .filter(|value| !value.is_null())
        else {
            continue;
        };
        let read = match (field.kind, &*value) {
            (FieldKind::Secrets, Value::Array(entries)) => list(entries, field.name, stored),
            (FieldKind::Secrets, _) => Err("expected a list of texts".to_owned()),
            (_, Value::String(text)) => single(text, field.name, stored),
            _ => Err("expected a text".to_owned()),
        };
        match read {
            Ok(read) => *value = read,
            Err(problem) => problems.push(Invalid::new(field.name, problem)),
        }
    }
    Merged { settings, problems }
}

/// What a text in the place of a secret is.
enum Meant {
    /// A secret.
    Itself,
    /// The one that is stored in this place.
    Same,
    /// A stored entry, counted from 1.
    Entry(usize),
}

fn meant(text: &str) -> Result<Meant, String> {
    match text.strip_prefix(MASK) {
        None => Ok(Meant::Itself),
        Some("") => Ok(Meant::Same),
        Some(number) => number
            .parse()
            .map(Meant::Entry)
            .map_err(|_| format!("{text:?} is neither a secret nor stands for one")),
    }
}

fn single(text: &str, name: &str, stored: &Stored) -> Result<Value, String> {
    match meant(text)? {
        Meant::Itself => Ok(text.into()),
        Meant::Same => match (stored.settings.get(name), &stored.unreadable) {
            (Some(secret), _) if !secret.is_null() => Ok(secret.clone()),
            (_, Some(problem)) => Err(unreadable(text, problem)),
            _ => Err(format!("is {text:?}, but nothing is stored yet")),
        },
        Meant::Entry(_) => Err(format!("is {text:?}, which stands for an entry of a list")),
    }
}

fn list(entries: &[Value], name: &str, stored: &Stored) -> Result<Value, String> {
    let known = stored.settings.get(name).and_then(Value::as_array);
    let known = known.map_or(&[][..], Vec::as_slice);
    let entry = |(index, entry): (usize, &Value)| {
        let text = entry.as_str().ok_or("expected a list of texts")?;
        let index = match meant(text)? {
            Meant::Itself => return Ok(entry.clone()),
            Meant::Same => Some(index),
            Meant::Entry(number) => number.checked_sub(1),
        };
        let secret = index.and_then(|index| known.get(index));
        secret.cloned().ok_or_else(|| match &stored.unreadable {
            Some(problem) => unreadable(text, problem),
            None => format!(
                "has a {text:?} for a secret that is not stored: {} are",
                known.len()
            ),
        })
    };
    entries.iter().enumerate().map(entry).collect()
}

fn unreadable(text: &str, problem: &str) -> String {
    format!(
        "{text:?} cannot stay as it is, because what is stored cannot be read: {problem}; was the key file replaced?"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FIELDS: &[Field] = &[
        Field {
            name: "url",
            kind: FieldKind::Url,
            help: "",
        },
        Field {
            name: "key",
            kind: FieldKind::Secret,
            help: "",
        },
        Field {
            name: "long",
            kind: FieldKind::LongSecret,
            help: "",
        },
        Field {
            name: "list",
            kind: FieldKind::Secrets,
            help: "",
        },
    ];

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn stored() -> Stored {
        let settings = json!({ "url": "u", "key": "k", "list": ["a", "b", "c"] });
        Stored {
            settings: object(settings),
            unreadable: None,
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let settings = json!({ "url": "u", "key": "k", "long": "", "list": ["a", "b"] });
        assert_eq!(
            Value::from(masked(FIELDS, &object(settings))),
            json!({ "url": "u", "key": "***", "long": "", "list": ["***", "***"] })
        );
        assert_eq!(masked(FIELDS, &Map::new()), Map::new());
    }

    #[test]
    fn what_comes_back_as_it_was_shown_is_what_is_stored() {
        let stored = stored();
        let back = merged(FIELDS, &stored, &masked(FIELDS, &stored.settings));
        assert!(back.problems.is_empty());
        assert_eq!(back.settings, stored.settings);
    }

    #[test]
    fn an_entry_of_a_list_stands_for_its_place_or_for_the_one_it_names() {
        for (given, wanted) in [
            (json!(["***", "***"]), json!(["a", "b"])),
            (json!(["***", "new", "***"]), json!(["a", "new", "c"])),
            (
                json!(["new", "***1", "***2", "***3"]),
                json!(["new", "a", "b", "c"]),
            ),
            (json!(["***1", "***3"]), json!(["a", "c"])),
            (json!(["***3", "***2", "***1"]), json!(["c", "b", "a"])),
            (json!(["***3", "***"]), json!(["c", "b"])),
            (json!(["new"]), json!(["new"])),
            (json!([]), json!([])),
        ] {
            let found = merged(FIELDS, &stored(), &object(json!({ "list": given })));
            assert!(found.problems.is_empty(), "{given}: {:?}", found.problems);
            assert_eq!(found.settings["list"], wanted, "{given}");
        }
    }

    #[test]
    fn what_stands_for_nothing_names_its_field() {
        for (given, field, mentions) in [
            (
                json!({ "list": ["***", "***", "***", "***"] }),
                "list",
                "3 are",
            ),
            (json!({ "list": ["***4"] }), "list", "\"***4\""),
            (json!({ "list": ["***0"] }), "list", "\"***0\""),
            (json!({ "list": ["***last"] }), "list", "\"***last\""),
            (json!({ "list": ["a", 1] }), "list", "a list of texts"),
            (json!({ "list": "***" }), "list", "a list of texts"),
            (json!({ "key": "***1" }), "key", "entry of a list"),
            (json!({ "key": "****" }), "key", "\"****\""),
            (json!({ "key": ["***"] }), "key", "a text"),
            (json!({ "long": "***" }), "long", "nothing is stored"),
        ] {
            let found = merged(FIELDS, &stored(), &object(given.clone())).problems;
            assert_eq!(found.len(), 1, "{given}: {found:?}");
            assert_eq!(found[0].field, field, "{given}");
            assert!(found[0].problem.contains(mentions), "{given}: {found:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_cannot_stay_but_can_be_replaced() {
        let lost = Stored {
            settings: Map::new(),
            unreadable: Some("another key".into()),
        };
        let given = json!({ "url": "u", "key": "***", "list": ["***", "new"] });
        let found = merged(FIELDS, &lost, &object(given));
        let fields: Vec<_> = found
            .problems
            .iter()
            .map(|problem| problem.field.as_str())
            .collect();
        assert_eq!(fields, ["key", "list"]);
        assert!(found.problems[0].problem.contains("another key"));
        let given = object(json!({ "key": "new", "list": ["new"] }));
        let found = merged(FIELDS, &lost, &given);
        assert!(found.problems.is_empty());
        assert_eq!(found.settings, given);
    }
}
