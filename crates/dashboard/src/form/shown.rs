//! A setting as a page shows it.

use super::field::{Field, Kind, Told};
use configuration::masked_entry;
use destinations::Group;
use domain::EventKind;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An option of a choice, or a kind of event.
pub(crate) struct Offered {
    pub(crate) value: String,
    pub(crate) title: String,
    pub(crate) is_on: bool,
    /// What an event is called instead.
    pub(crate) name: String,
    /// What it is called otherwise.
    pub(crate) usual: &'static str,
}

/// A field on a page.
pub(crate) struct Shown {
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) help: &'static str,
    /// Which widget: `line`, `secret`, `lines`, `switch`, `choice`, `choices`, `retry`, `events`, `switches`.
    pub(crate) widget: &'static str,
    /// `type` of the input of a `line`.
    pub(crate) input: &'static str,
    pub(crate) value: String,
    /// How many secrets are stored.
    pub(crate) stored: usize,
    pub(crate) options: Vec<Offered>,
    /// What a choice says that nobody has made.
    pub(crate) unset: String,
    pub(crate) problem: String,
    /// The other setting that has to have a value for this one to be asked for, and that value; empty where it always is.
    pub(crate) when: (&'static str, &'static str),
    /// Whether the other has that value.
    pub(crate) is_asked: bool,
    pub(crate) group: Group,
}

/// Settings of one group.
pub(crate) struct Grouped {
    /// What people read above them; empty above the first.
    pub(crate) title: &'static str,
    /// Whether they are shown at once: something is wrong there.
    pub(crate) is_open: bool,
    pub(crate) fields: Vec<Shown>,
}

impl Grouped {
    /// Settings in their groups, in the order of both.
    pub(crate) fn of(fields: Vec<Shown>) -> Vec<Self> {
        let mut groups: BTreeMap<Group, Vec<Shown>> = BTreeMap::new();
        for field in fields {
            groups.entry(field.group).or_default().push(field);
        }
        let groups = groups.into_iter().map(|(group, fields)| Self {
            title: if group == Group::Main {
                ""
            } else {
                group.title()
            },
            is_open: fields.iter().any(|field| !field.problem.is_empty()),
            fields,
        });
        groups.collect()
    }
}

const POLICIES: [(&str, &str); 4] = [
    ("adapty", "adapty: up to 9 retries over 24 hours"),
    (
        "revenuecat",
        "revenuecat: after 5, 10, 20, 40 and 80 minutes",
    ),
    ("standard", "standard: ten tries over three days"),
    ("custom", "custom: after each pause given here"),
];

impl Field {
    /// As a page shows it, with the value in `settings` (secrets masked), which events there are, and what is wrong.
    pub(crate) fn show(
        &self,
        settings: &Value,
        all: &[Self],
        events: &[Told],
        problem: String,
    ) -> Shown {
        let value = settings.get(self.name);
        let mut shown = Shown {
            name: self.name,
            title: title(self.name),
            help: self.help,
            widget: "line",
            input: "text",
            value: String::new(),
            stored: 0,
            options: Vec::new(),
            unset: String::new(),
            problem,
            when: self.when.map_or(("", ""), |when| (when.field, when.is)),
            is_asked: self.is_asked(settings, all),
            group: self.group,
        };
        match self.kind {
            Kind::Text => shown.value = plain(value),
            Kind::LongText => (shown.widget, shown.value) = ("lines", plain(value)),
            Kind::Url => (shown.input, shown.value) = ("url", plain(value)),
            Kind::Number => (shown.input, shown.value) = ("number", plain(value)),
            Kind::Secret => {
                (shown.widget, shown.input) = ("secret", "password");
                shown.stored = usize::from(!plain(value).is_empty());
            }
            Kind::LongSecret => {
                (shown.widget, shown.input) = ("secret", "long");
                shown.stored = usize::from(!plain(value).is_empty());
            }
            Kind::Secrets => {
                (shown.widget, shown.input) = ("secret", "long");
                shown.stored = value.and_then(Value::as_array).map_or(0, Vec::len);
                // One line for each, which stands for it: lines can be taken away, added and moved.
                let lines: Vec<String> = (0..shown.stored).map(masked_entry).collect();
                shown.value = lines.join("\n");
            }
            Kind::Lines => (shown.widget, shown.value) = ("lines", lines(value)),
            Kind::Switch => {
                shown.widget = "switch";
                shown.value = plain(value.filter(|value| value.as_bool() == Some(true)));
            }
            Kind::Choice(options) => {
                (shown.widget, shown.options) = ("choice", one_of(options, value));
                let first = options.first().copied().unwrap_or_default();
                shown.unset = format!("default: {first}");
            }
            Kind::Choices(options) => {
                (shown.widget, shown.options) = ("choices", any_of(options, value));
            }
            Kind::Retry => {
                shown.widget = "retry";
                shown.unset = "left alone".into();
                (shown.options, shown.value) = policies(value);
            }
            Kind::Events => (shown.widget, shown.options) = ("events", switches(events, value)),
            Kind::EventSwitches => {
                (shown.widget, shown.options) = ("switches", switches(events, value));
            }
        }
        shown
    }
}

impl Field {
    /// Whether the setting that it depends on has the value it takes, or has it by itself.
    fn is_asked(&self, settings: &Value, all: &[Self]) -> bool {
        let Some(when) = self.when else { return true };
        let chosen = plain(settings.get(when.field));
        if !chosen.is_empty() {
            return chosen == when.is;
        }
        let other = all.iter().find(|field| field.name == when.field);
        other.is_some_and(|other| match other.kind {
            Kind::Choice(options) => options.first() == Some(&when.is),
            _ => false,
        })
    }
}

/// Words of settings that are written in capitals.
const CAPITALS: [&str; 16] = [
    "api", "arn", "aws", "ca", "csv", "eu", "http", "id", "jwt", "json", "sas", "smtp", "sql",
    "tls", "uri", "url",
];

/// `production_url` as people read it: `Production URL`.
fn title(name: &str) -> String {
    let words: Vec<String> = name
        .split('_')
        .map(|word| match word {
            "ios" => "iOS".to_owned(),
            "ids" => "IDs".to_owned(),
            word if CAPITALS.contains(&word) => word.to_uppercase(),
            word => word.to_owned(),
        })
        .collect();
    let text = words.join(" ");
    let mut letters = text.chars();
    let first = letters.next();
    // A name that begins with a small letter has a capital after it: iOS.
    if letters.clone().next().is_some_and(char::is_uppercase) {
        return text;
    }
    first.map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

fn lines(value: Option<&Value>) -> String {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join("\n")
}

fn plain(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

fn option(value: &str, title: &str, is_on: bool) -> Offered {
    Offered {
        value: value.to_owned(),
        title: title.to_owned(),
        is_on,
        name: String::new(),
        usual: "",
    }
}

fn one_of(options: &[&str], value: Option<&Value>) -> Vec<Offered> {
    let chosen = plain(value);
    let options = options.iter();
    options
        .map(|word| option(word, word, *word == chosen))
        .collect()
}

fn any_of(options: &[&str], value: Option<&Value>) -> Vec<Offered> {
    let chosen = lines(value);
    let is_chosen = |word: &str| chosen.lines().any(|line| line == word);
    let options = options.iter();
    options
        .map(|word| option(word, &title(word), is_chosen(word)))
        .collect()
}

/// The policies of retries, and the pauses of the one that has its own.
fn policies(value: Option<&Value>) -> (Vec<Offered>, String) {
    let policy = plain(value.and_then(|value| value.get("policy")));
    let options = POLICIES
        .iter()
        .map(|(id, title)| option(id, title, *id == policy));
    let delays = value
        .and_then(|value| value["delays"].as_array())
        .into_iter()
        .flatten();
    let delays: Vec<String> = delays.map(ToString::to_string).collect();
    (options.collect(), delays.join(", "))
}

fn switches(events: &[Told], value: Option<&Value>) -> Vec<Offered> {
    let events = events.iter().filter(|told| told.kind != EventKind::Test);
    events
        .map(|told| {
            let set = value.and_then(|value| value.get(told.kind.id()));
            Offered {
                value: told.kind.id().into(),
                title: told.kind.title().into(),
                // Kinds that are not listed are as the destination has them.
                is_on: set.map_or(told.usual.is_some(), |set| *set != json!(false)),
                name: set.and_then(Value::as_str).unwrap_or_default().into(),
                usual: told.usual.unwrap_or(told.kind.id()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{EVENTS, FIELDS},
        *,
    };

    #[test]
    fn secrets_are_never_shown() {
        let settings =
            json!({ "key": "s3cret", "secrets": ["a", "b"], "url": "https://a.example/" });
        for field in FIELDS {
            let shown = field.show(&settings, FIELDS, EVENTS, String::new());
            assert!(!shown.value.contains("s3cret") && shown.value != "a");
            let stored = match field.name {
                "key" => 1,
                "secrets" => 2,
                _ => 0,
            };
            assert_eq!(shown.stored, stored, "{}", field.name);
        }
    }

    #[test]
    fn names_are_read_as_titles() {
        assert_eq!(title("production_url"), "Production URL");
        assert_eq!(title("api_key_id"), "API key ID");
        assert_eq!(title("ios_bundle_id"), "iOS bundle ID");
        assert_eq!(title("sandbox_ios_app_ids"), "Sandbox iOS app IDs");
    }
}
