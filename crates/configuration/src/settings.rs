//! What a document says of settings, put over those that are stored.
//!
//! Whatever has settings, an app or an integration, lists them as fields; each is kept, set or gone by itself. What is set
//! is checked here as far as its kind says what it must be; what it means, the store or the destination knows.

use crate::{Given, given::Settings, secrets, stored::Stored};
use destinations::{Field, FieldKind, Invalid, Travel, check_url};
use domain::{name::is_plain, retry};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Settings as they are to be.
#[derive(Debug, Clone)]
pub struct Merged {
    /// Those that are not at their default, but for what a problem is about.
    pub settings: Map<String, Value>,
    /// What cannot be used, by field.
    pub problems: Vec<Invalid>,
}

/// Puts what a document says over what is stored. A secret that is kept stays where it is sent: see `secrets::astray`.
pub fn merged(fields: &[Field], travels: &[Travel], stored: &Stored, given: &Settings) -> Merged {
    let (mut settings, mut problems) = (Map::new(), Vec::new());
    for field in fields {
        let known = stored.settings.get(field.name);
        let value = match given.get(field.name).unwrap_or(&Given::Keep) {
            Given::Default => None,
            Given::Keep => known.cloned(),
            Given::Set(value) => match checked(field, value, stored) {
                Ok(value) => Some(value),
                Err(problem) => {
                    problems.push(Invalid::new(field.name, problem));
                    None
                }
            },
        };
        settings.extend(value.map(|value| (field.name.to_owned(), value)));
    }
    problems.extend(secrets::astray(travels, stored, given, &settings));
    Merged { settings, problems }
}

/// Settings that nothing has, each with the name that was perhaps meant. `beside` are names of what is no setting.
pub(crate) fn unknown(fields: &[Field], beside: &[&str], given: &Settings) -> Vec<Invalid> {
    let fields = fields.iter().map(|field| field.name);
    let known: Vec<&str> = fields.chain(beside.iter().copied()).collect();
    let unknown = given.keys().filter(|name| !known.contains(&name.as_str()));
    unknown
        .map(|name| {
            let problem = match nearest(name, &known) {
                Some(nearest) => format!("is no setting of it; did you mean `{nearest}`?"),
                None => format!("is no setting of it; there are {}", known.join(", ")),
            };
            Invalid::new(name, problem)
        })
        .collect()
}

/// Which of these names was perhaps meant: no more than half of it is another.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |known: &&str| strsim::damerau_levenshtein(name, known);
    let nearest = known.iter().copied().min_by_key(|known| distance(known))?;
    (distance(&nearest) <= name.len().div_ceil(2)).then_some(nearest)
}

/// Longest text of one line, in bytes: a name, an address, a secret.
const LONGEST_TEXT: usize = 2_000;
/// Longest text of several lines, in bytes: certificates, a key file.
const LONGEST_FILE: usize = 64 << 10;
/// Most entries of a list.
const MOST_ENTRIES: usize = 100;

/// What is wrong with the length of a value, or with its letters.
fn unbounded(kind: FieldKind, value: &Value) -> Option<String> {
    let (longest, is_name) = match kind {
        FieldKind::Text => (LONGEST_TEXT, true),
        FieldKind::Url | FieldKind::Secret => (LONGEST_TEXT, false),
        FieldKind::LongText | FieldKind::LongSecret | FieldKind::Secrets => (LONGEST_FILE, false),
        FieldKind::Lines => (LONGEST_FILE, true),
        FieldKind::Switch
        | FieldKind::Number
        | FieldKind::Choice(_)
        | FieldKind::Choices(_)
        | FieldKind::Events
        | FieldKind::EventSwitches
        | FieldKind::Retry => return None,
    };
    let entries = value.as_array().map_or(&[][..], Vec::as_slice);
    let mut texts = entries.iter().chain([value]).filter_map(Value::as_str);
    if entries.len() > MOST_ENTRIES {
        Some(format!(
            "has {} entries; at most {MOST_ENTRIES}",
            entries.len()
        ))
    } else if let Some(long) = texts.clone().find(|text| text.len() > longest) {
        Some(format!("has {} bytes; at most {longest}", long.len()))
    } else if is_name && !texts.all(is_plain) {
        Some(
            "has a control character, or one that turns the direction of the text around it".into(),
        )
    } else {
        None
    }
}

/// A value as it is stored, if it is one of its kind.
fn checked(field: &Field, value: &Value, stored: &Stored) -> Result<Value, String> {
    if let Some(problem) = unbounded(field.kind, value) {
        return Err(problem);
    }
    let is_right = match field.kind {
        FieldKind::Secret | FieldKind::LongSecret | FieldKind::Secrets => {
            return secrets::put_back(field, value, stored);
        }
        FieldKind::Text | FieldKind::LongText => value.is_string(),
        FieldKind::Url => {
            let mut problems = Vec::new();
            check_url(field.name, value.as_str(), &mut problems);
            if let Some(Invalid { problem, .. }) = problems.pop() {
                return Err(problem);
            }
            value.is_string()
        }
        FieldKind::Switch => value.is_boolean(),
        FieldKind::Number => value.is_u64(),
        FieldKind::Lines => all(value, |_| true),
        FieldKind::Choice(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        FieldKind::Choices(words) => all(value, |word| words.contains(&word)),
        FieldKind::Retry => {
            retry::Policy::deserialize(value).map_err(|error| error.to_string())?;
            true
        }
        // Which kinds of events there are, and whether they have names, is the destination's to say.
        FieldKind::Events | FieldKind::EventSwitches => value.is_object(),
    };
    if is_right {
        Ok(value.clone())
    } else {
        Err(format!("is {value}; expected {}", expected(field.kind)))
    }
}

fn all(value: &Value, is_right: impl Fn(&str) -> bool) -> bool {
    let entries = value.as_array();
    entries.is_some_and(|entries| {
        entries
            .iter()
            .all(|entry| entry.as_str().is_some_and(&is_right))
    })
}

fn expected(kind: FieldKind) -> String {
    match kind {
        FieldKind::Text | FieldKind::LongText | FieldKind::Secret | FieldKind::LongSecret => {
            "a text".into()
        }
        FieldKind::Url => "a URL".into(),
        FieldKind::Switch => "true or false".into(),
        FieldKind::Number => "a whole number that is not negative".into(),
        FieldKind::Lines | FieldKind::Secrets => "a list of texts".into(),
        FieldKind::Choice(words) => format!("one of {}", words.join(", ")),
        FieldKind::Choices(words) => format!("a list of any of {}", words.join(", ")),
        FieldKind::Retry => "a retry policy".into(),
        FieldKind::Events | FieldKind::EventSwitches => {
            "an object with a member for each kind of event".into()
        }
    }
}
