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
//!
//! **A secret stays with its target.** Whoever may change settings does not see their secrets, and must not be able to have
//! them sent to a place of their own: where anything changes that decides who receives a secret (the address, the certificates that
//! are believed there), the secret is given again. What decides that stands beside the settings themselves, as [`Travel`].

use crate::{Given, given::Settings, stored::Stored};
use destinations::{Field, FieldKind, Invalid, Travel};
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

/// A value given for a secret, with what is stored in the place of what stands for it.
pub(crate) fn put_back(field: &Field, given: &Value, stored: &Stored) -> Result<Value, String> {
    match (field.kind, given) {
        (FieldKind::Secrets, Value::Array(entries)) => list(entries, field.name, stored),
        (FieldKind::Secrets, _) => Err("expected a list of texts".into()),
        (_, Value::String(text)) => single(text, field.name, stored),
        _ => Err("expected a text".into()),
    }
}

/// Secrets that would be kept while what decides who receives them changes.
///
/// What cannot be read now may be read again once its key is back, and counts as held where other settings of the same are read: each of an
/// app's is sealed by itself, those of an integration all together.
pub(crate) fn astray(
    travels: &[Travel],
    stored: &Stored,
    given: &Settings,
    settings: &Map<String, Value>,
) -> Vec<Invalid> {
    let is_held = |secret: &str| match stored.settings.get(secret) {
        Some(held) => held.as_str() != Some(""),
        None => stored.unreadable.is_some() && !stored.settings.is_empty(),
    };
    let is_kept = |secret: &str| match given.get(secret) {
        None | Some(Given::Keep) => true,
        Some(Given::Set(text)) => text.as_str().is_some_and(|text| text.starts_with(MASK)),
        Some(Given::Default) => false,
    };
    let moved = |to: &&&str| settings.get(**to) != stored.settings.get(**to);
    let astray = travels.iter().filter_map(|Travel { secret, to }| {
        let moved = to.iter().find(moved)?;
        (is_held(secret) && is_kept(secret)).then(|| {
            let problem =
                format!("must be given again, because `{moved}` changes: it would be sent there");
            Invalid::new(*secret, problem)
        })
    });
    astray.collect()
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
        Field::new("url", FieldKind::Url, ""),
        Field::new("key", FieldKind::Secret, ""),
        Field::new("long", FieldKind::LongSecret, ""),
        Field::new("list", FieldKind::Secrets, ""),
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

    fn back(name: &str, given: &Value, stored: &Stored) -> Result<Value, String> {
        let field = FIELDS.iter().find(|field| field.name == name).unwrap();
        put_back(field, given, stored)
    }

    #[test]
    fn what_comes_back_as_it_was_shown_is_what_is_stored() {
        let stored = stored();
        let shown = masked(FIELDS, &stored.settings);
        for name in ["key", "list"] {
            let kept = back(name, &shown[name], &stored);
            assert_eq!(kept.as_ref(), Ok(&stored.settings[name]), "{name}");
        }
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
            assert_eq!(back("list", &given, &stored()), Ok(wanted), "{given}");
        }
    }

    #[test]
    fn what_stands_for_nothing_is_refused() {
        for (name, given, mentions) in [
            ("list", json!(["***", "***", "***", "***"]), "3 are"),
            ("list", json!(["***4"]), "\"***4\""),
            ("list", json!(["***0"]), "\"***0\""),
            ("list", json!(["***last"]), "\"***last\""),
            ("list", json!(["a", 1]), "a list of texts"),
            ("list", json!("***"), "a list of texts"),
            ("key", json!("***1"), "entry of a list"),
            ("key", json!("****"), "\"****\""),
            ("key", json!(["***"]), "a text"),
            ("long", json!("***"), "nothing is stored"),
        ] {
            let problem = back(name, &given, &stored()).unwrap_err();
            assert!(problem.contains(mentions), "{name} {given}: {problem}");
        }
    }

    #[test]
    fn what_cannot_be_read_cannot_stay_but_can_be_replaced() {
        let lost = Stored {
            settings: Map::new(),
            unreadable: Some("another key".into()),
        };
        for (name, given) in [("key", json!("***")), ("list", json!(["***", "new"]))] {
            let problem = back(name, &given, &lost).unwrap_err();
            assert!(problem.contains("another key"), "{problem}");
        }
        for (name, given) in [("key", json!("new")), ("list", json!(["new"]))] {
            assert_eq!(back(name, &given, &lost).as_ref(), Ok(&given));
        }
    }
}
