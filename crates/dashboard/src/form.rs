//! Forms made from descriptions of settings, and settings made from what a form sends.
//!
//! Whatever is configured goes through [`configuration::plan`], pages included: a form only turns fields into the JSON that the
//! API takes, and shows each problem beside the field it names. Secrets are written and never shown: an empty field keeps
//! what is stored.

use axum::http::StatusCode;
use configuration::{self as desired, Given, Settings, masked_entry};
use destinations::FieldKind;
use domain::EventKind;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a form sent: every value of every field, in order.
#[derive(Debug, Default)]
pub(crate) struct Sent(BTreeMap<String, Vec<String>>);

impl Sent {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn read(body: &[u8]) -> Self {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            all.entry(name.into_owned())
                .or_default()
                .push(value.into_owned());
        }
        Self(all)
    }

    /// A field's value without surrounding white space; empty when it was not sent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.all(name).first().map_or("", |value| value.trim())
    }

    /// A field's value just as it was typed.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.all(name).first().map_or("", String::as_str)
    }

    /// Whether a box was ticked.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// Every value of a field, as it came.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// How a setting is shown and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One line.
    Text,
    /// A URL.
    Url,
    /// One line that is never shown again.
    Secret,
    /// Several lines that are never shown again.
    LongSecret,
    /// Secrets, one a line.
    Secrets,
    /// Texts, one a line.
    Lines,
    /// Yes or no.
    Switch,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Any of these.
    Choices(&'static [&'static str]),
    /// A whole number.
    Number,
    /// Per kind of event: on, off, or a name.
    Events,
    /// The same, without names.
    EventSwitches,
    /// A retry policy.
    Retry,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// Key in the settings object.
    pub(crate) name: &'static str,
    /// How it is shown.
    pub(crate) kind: Kind,
    /// One sentence of help.
    pub(crate) help: &'static str,
}

impl From<&destinations::Field> for Field {
    fn from(field: &destinations::Field) -> Self {
        Self {
            name: field.name,
            help: field.help,
            kind: match field.kind {
                FieldKind::Text => Kind::Text,
                FieldKind::Url => Kind::Url,
                FieldKind::Secret => Kind::Secret,
                FieldKind::LongSecret => Kind::LongSecret,
                FieldKind::Secrets => Kind::Secrets,
                FieldKind::Lines => Kind::Lines,
                FieldKind::Switch => Kind::Switch,
                FieldKind::Choice(options) => Kind::Choice(options),
                FieldKind::Choices(options) => Kind::Choices(options),
                FieldKind::Number => Kind::Number,
                FieldKind::Events => Kind::Events,
                FieldKind::EventSwitches => Kind::EventSwitches,
                FieldKind::Retry => Kind::Retry,
            },
        }
    }
}

/// An option of a choice, or a kind of event.
pub(crate) struct Offered {
    pub(crate) value: String,
    pub(crate) title: String,
    pub(crate) is_on: bool,
    /// What an event is called instead.
    pub(crate) name: String,
}

/// A field on a page.
pub(crate) struct Shown {
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) help: &'static str,
    /// Which widget: `line`, `secret`, `lines`, `switch`, `choice`, `choices`, `events`, `switches`.
    pub(crate) widget: &'static str,
    /// `type` of the input of a `line`.
    pub(crate) input: &'static str,
    pub(crate) value: String,
    /// How many secrets are stored.
    pub(crate) stored: usize,
    pub(crate) options: Vec<Offered>,
    pub(crate) problem: String,
}

/// `production_url` as people read it: `Production URL`.
fn title(name: &str) -> String {
    let words: Vec<String> = name
        .split('_')
        .map(|word| match word {
            "url" | "api" | "id" | "json" => word.to_uppercase(),
            word => word.to_owned(),
        })
        .collect();
    let text = words.join(" ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
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
    pub(crate) fn show(&self, settings: &Value, events: &[EventKind], problem: String) -> Shown {
        let value = settings.get(self.name);
        let one = |value: &str, title: &str, is_on: bool| Offered {
            value: value.to_owned(),
            title: title.to_owned(),
            is_on,
            name: String::new(),
        };
        let mut shown = Shown {
            name: self.name,
            title: title(self.name),
            help: self.help,
            widget: "line",
            input: "text",
            value: String::new(),
            stored: 0,
            options: Vec::new(),
            problem,
        };
        match self.kind {
            Kind::Text => shown.value = plain(value),
            Kind::Url => (shown.input, shown.value) = ("url", plain(value)),
            Kind::Number => (shown.input, shown.value) = ("number", plain(value)),
            Kind::Secret | Kind::LongSecret => {
                shown.widget = "secret";
                shown.input = if self.kind == Kind::Secret {
                    "password"
                } else {
                    "long"
                };
                shown.stored =
                    usize::from(value.is_some_and(|value| !plain(Some(value)).is_empty()));
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
                shown.widget = "choice";
                let chosen = plain(value);
                let options = options
                    .iter()
                    .map(|option| one(option, option, *option == chosen));
                shown.options = options.collect();
            }
            Kind::Choices(options) => {
                shown.widget = "choices";
                let chosen = lines(value);
                let options = options.iter().map(|option| {
                    one(
                        option,
                        &title(option),
                        chosen.lines().any(|line| line == *option),
                    )
                });
                shown.options = options.collect();
            }
            Kind::Retry => {
                shown.widget = "retry";
                let policy = value.map_or(String::new(), |value| plain(value.get("policy")));
                let options = POLICIES
                    .iter()
                    .map(|(id, title)| one(id, title, *id == policy));
                shown.options = options.collect();
                let delays = value
                    .and_then(|value| value["delays"].as_array())
                    .into_iter()
                    .flatten();
                let delays: Vec<String> = delays.map(ToString::to_string).collect();
                shown.value = delays.join(", ");
            }
            Kind::Events | Kind::EventSwitches => {
                shown.widget = if self.kind == Kind::Events {
                    "events"
                } else {
                    "switches"
                };
                shown.options = events
                    .iter()
                    .filter(|kind| **kind != EventKind::Test)
                    .map(|kind| {
                        let set = value.and_then(|value| value.get(kind.id()));
                        Offered {
                            value: kind.id().into(),
                            title: kind.title().into(),
                            // Kinds that are not listed have the destination's default, which is on.
                            is_on: set.is_none_or(|set| *set != json!(false)),
                            name: set.and_then(Value::as_str).unwrap_or_default().into(),
                        }
                    })
                    .collect();
            }
        }
        shown
    }

    /// What a form says of a setting, and what is wrong with it. `stored` is what is shown now, secrets masked.
    ///
    /// A field that was not sent is kept, and so is what was left as it was shown, empty secrets among them. A field that was
    /// emptied has its default.
    fn given(
        &self,
        sent: &Sent,
        stored: Option<&Value>,
        events: &[EventKind],
    ) -> Result<Given<Value>, String> {
        match self.kind {
            Kind::Switch => {
                let was_on = stored.is_some_and(|stored| *stored == json!(true));
                return Ok(match (sent.is_on(self.name), was_on) {
                    (true, _) => Given::Set(true.into()),
                    (false, true) => Given::Default,
                    (false, false) => Given::Keep,
                });
            }
            Kind::Choices(_) => return Ok(chosen(sent.all(self.name), stored)),
            Kind::Events | Kind::EventSwitches => return Ok(self.switches(sent, events)),
            _ => {}
        }
        let is_removed = sent.is_on(&format!("{}.remove", self.name));
        let text = match sent.all(self.name).first() {
            Some(text) => text.trim(),
            None if is_removed => "",
            None => return Ok(Given::Keep),
        };
        let lines = || {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            Given::Set(lines.map(Value::from).collect())
        };
        Ok(match (self.kind, text) {
            (Kind::Secrets, "") if is_removed => Given::Set(json!([])),
            (Kind::Secret | Kind::LongSecret, "") if is_removed => Given::Default,
            (Kind::Secret | Kind::LongSecret | Kind::Secrets, "") => Given::Keep,
            (_, "") => Given::Default,
            (Kind::Secrets | Kind::Lines, _) => lines(),
            (Kind::Number, _) => {
                let number: u64 = text
                    .parse()
                    .map_err(|_| format!("{text:?} is not a whole number"))?;
                Given::Set(number.into())
            }
            (Kind::Retry, "custom") => {
                let delays = sent.text(&format!("{}.delays", self.name)).to_owned();
                let seconds = delays
                    .split([',', ' '])
                    .filter(|part| !part.is_empty())
                    .map(|part| {
                        part.parse::<u64>()
                            .map_err(|_| format!("{part:?} is not a number of seconds"))
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                Given::Set(json!({ "policy": "custom", "delays": seconds }))
            }
            (Kind::Retry, policy) => Given::Set(json!({ "policy": policy })),
            _ => Given::Set(text.into()),
        })
    }

    fn switches(&self, sent: &Sent, events: &[EventKind]) -> Given<Value> {
        let mut switches = Map::new();
        for kind in events.iter().filter(|kind| **kind != EventKind::Test) {
            let field = format!("{}.{}", self.name, kind.id());
            let name = sent.text(&format!("{field}.name")).to_owned();
            let switch = match (sent.is_on(&field), name.as_str()) {
                (false, _) => json!(false),
                (true, "") => continue,
                (true, name) => json!(name),
            };
            switches.insert(kind.id().into(), switch);
        }
        if switches.is_empty() {
            Given::Default
        } else {
            Given::Set(switches.into())
        }
    }
}

/// What boxes say. Boxes have no order, and the list they show may have one: what has the same boxes ticked is kept.
fn chosen(ticked: &[String], stored: Option<&Value>) -> Given<Value> {
    let shown: BTreeSet<&str> = stored
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let chosen: BTreeSet<&str> = ticked.iter().map(String::as_str).collect();
    if chosen == shown {
        Given::Keep
    } else if chosen.is_empty() {
        Given::Default
    } else {
        Given::Set(json!(ticked))
    }
}

/// A name in a form: its default where it was emptied.
pub(crate) fn name(sent: &Sent, field: &str) -> Given<String> {
    match sent.all(field).first().map(|text| text.trim()) {
        None => Given::Keep,
        Some("") => Given::Default,
        Some(text) => Given::Set(text.to_owned()),
    }
}

/// A field that a form of its own has, read; what is wrong with it is added to the problems.
pub(crate) fn parsed<T>(
    sent: &Sent,
    field: &str,
    read: impl Fn(&str) -> Result<T, String>,
    problems: &mut Vec<desired::Problem>,
) -> Given<T> {
    match name(sent, field) {
        Given::Keep => Given::Keep,
        Given::Default => Given::Default,
        Given::Set(text) => match read(&text) {
            Ok(value) => Given::Set(value),
            Err(message) => {
                problems.push(desired::Problem {
                    path: vec![field.to_owned()],
                    message,
                });
                Given::Keep
            }
        },
    }
}

/// What is wrong with a form: beside the field it is about, or above all of them.
#[derive(Default)]
pub(crate) struct Placed {
    beside: BTreeMap<String, String>,
    pub(crate) above: Vec<String>,
}

impl Placed {
    pub(crate) fn of(problems: Vec<desired::Problem>, fields: &[Field]) -> Self {
        let mut placed = Self::default();
        for desired::Problem { path, message } in problems {
            // A part of a field, such as the pauses of a policy or one kind of event, belongs to the whole.
            let within = path.get(2..).filter(|within| !within.is_empty());
            let whole = within.unwrap_or(&path).iter().rev().find_map(|part| {
                let whole = part.split('.').next().unwrap_or(part);
                fields.iter().find(|field| field.name == whole)
            });
            match (whole, path.last()) {
                (Some(field), Some(part)) => {
                    let told = if part == field.name {
                        message
                    } else {
                        format!("{part}: {message}")
                    };
                    let beside = placed.beside.entry(field.name.to_owned()).or_default();
                    if !beside.is_empty() {
                        beside.push_str("; ");
                    }
                    beside.push_str(&told);
                }
                (None, Some(part)) => placed.above.push(format!("{part}: {message}")),
                (_, None) => placed.above.push(message),
            }
        }
        placed
    }

    /// A form with something wrong cannot be processed.
    pub(crate) fn status(&self) -> StatusCode {
        if self.beside.is_empty() && self.above.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }

    /// What stands beside a field; nothing where it is right.
    pub(crate) fn beside(&self, field: &str) -> String {
        self.beside
            .get(field)
            .map_or_else(String::new, String::clone)
    }
}

/// What a form says of settings, and what cannot be read, by field.
pub(crate) fn settings(
    fields: &[Field],
    sent: &Sent,
    stored: &Value,
    events: &[EventKind],
) -> (Settings, BTreeMap<String, String>) {
    let (mut settings, mut problems) = (Settings::new(), BTreeMap::new());
    for field in fields {
        match field.given(sent, stored.get(field.name), events) {
            Ok(given) => {
                settings.insert(field.name.into(), given);
            }
            Err(problem) => {
                problems.insert(field.name.into(), problem);
            }
        }
    }
    (settings, problems)
}

/// Settings that a form sent and that were refused, as they are shown again: what was typed, but secrets as they are stored.
pub(crate) fn shown_again(fields: &[Field], typed: &Settings, stored: &Value) -> Value {
    let mut shown = Map::new();
    for field in fields {
        let known = stored.get(field.name);
        let is_secret = matches!(field.kind, Kind::Secret | Kind::LongSecret | Kind::Secrets);
        let value = match typed.get(field.name) {
            Some(given) if !is_secret => given.over(known),
            _ => known.cloned(),
        };
        shown.extend(value.map(|value| (field.name.to_owned(), value)));
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        Field {
            name: "url",
            kind: Kind::Url,
            help: "",
        },
        Field {
            name: "key",
            kind: Kind::Secret,
            help: "",
        },
        Field {
            name: "secrets",
            kind: Kind::Secrets,
            help: "",
        },
        Field {
            name: "on",
            kind: Kind::Switch,
            help: "",
        },
        Field {
            name: "days",
            kind: Kind::Number,
            help: "",
        },
        Field {
            name: "retry",
            kind: Kind::Retry,
            help: "",
        },
        Field {
            name: "events",
            kind: Kind::Events,
            help: "",
        },
        Field {
            name: "any",
            kind: Kind::Choices(&["a", "b"]),
            help: "",
        },
    ];
    const EVENTS: &[EventKind] = &[
        EventKind::TrialStarted,
        EventKind::SubscriptionStarted,
        EventKind::SubscriptionRenewed,
        EventKind::Test,
    ];

    fn read(body: &str, stored: &Value) -> (Value, Vec<String>) {
        let (given, problems) = settings(FIELDS, &Sent::read(body.as_bytes()), stored, EVENTS);
        let settings = given.into_iter().filter_map(|(name, given)| {
            let value = given.over(stored.get(&name))?;
            Some((name, value))
        });
        (
            Value::Object(settings.collect()),
            problems.into_keys().collect(),
        )
    }

    #[test]
    fn what_a_form_sends_becomes_settings() {
        let stored = json!({ "key": "***", "secrets": ["***", "***"] });
        let all_on = "events.trial_started=on&events.subscription_renewed=on";
        let (settings, problems) = read(
            &format!(
                "url=+https%3A%2F%2Fa.example%2F+&key=&secrets=&on=on&days=30&retry=custom&retry.delays=1%2C+20&{all_on}&events.trial_started.name=begun"
            ),
            &stored,
        );
        assert_eq!(
            settings,
            json!({
                "url": "https://a.example/", "key": "***", "secrets": ["***", "***"], "on": true, "days": 30,
                "retry": { "policy": "custom", "delays": [1, 20] },
                "events": { "trial_started": "begun", "subscription_started": false },
            })
        );
        assert!(problems.is_empty());
        let (settings, _) = read("key=new&secrets=a%0D%0A%0D%0Ab&key.remove=on", &stored);
        assert_eq!(
            (&settings["key"], &settings["secrets"]),
            (&json!("new"), &json!(["a", "b"]))
        );
        let (settings, _) = read("key.remove=on", &stored);
        assert_eq!(settings.get("key"), None, "taken away");
        let (_, problems) = read("days=many&retry=custom&retry.delays=soon", &stored);
        assert_eq!(problems, ["days", "retry"]);
    }

    #[test]
    fn a_list_of_secrets_comes_back_as_it_was_shown() {
        let stored = json!({ "secrets": ["***", "***", "***"] });
        let field = FIELDS.iter().find(|field| field.name == "secrets").unwrap();
        let shown = field.show(&stored, EVENTS, String::new());
        assert_eq!(shown.value, "***1\n***2\n***3");
        for (lines, wanted) in [
            (
                shown.value.replace('\n', "%0D%0A"),
                json!(["***1", "***2", "***3"]),
            ),
            ("***1%0D%0A***3".into(), json!(["***1", "***3"])),
            ("new%0D%0A***1".into(), json!(["new", "***1"])),
            (String::new(), json!(["***", "***", "***"])),
        ] {
            let (settings, problems) = read(&format!("secrets={lines}"), &stored);
            assert!(problems.is_empty());
            assert_eq!(settings["secrets"], wanted, "{lines}");
        }
        let (settings, _) = read("secrets=&secrets.remove=on", &stored);
        assert_eq!(settings["secrets"], json!([]), "all are taken away");
        let (settings, _) = read("secrets=", &json!({}));
        assert_eq!(settings.get("secrets"), None, "nothing is said");
    }

    #[test]
    fn what_was_refused_is_shown_again_without_the_secrets_that_were_typed() {
        let stored = json!({ "url": "https://a.example/", "secrets": ["***", "***"] });
        let sent = Sent::read(b"url=no&key=typed&secrets=typed");
        let (typed, _) = settings(FIELDS, &sent, &stored, &[]);
        assert_eq!(
            shown_again(FIELDS, &typed, &stored),
            json!({ "url": "no", "secrets": ["***", "***"] })
        );
    }

    #[test]
    fn a_form_says_of_each_field_whether_it_is_kept_set_or_at_its_default() {
        let stored = json!({ "url": "u", "key": "***", "on": true, "days": 3, "any": ["b", "a"] });
        let given = |body: &str| settings(FIELDS, &Sent::read(body.as_bytes()), &stored, EVENTS).0;
        for (body, field, wanted) in [
            ("", "url", Given::Keep),
            ("url=", "url", Given::Default),
            ("url=v", "url", Given::Set(json!("v"))),
            ("", "key", Given::Keep),
            ("key=", "key", Given::Keep),
            ("key=&key.remove=on", "key", Given::Default),
            ("key=k", "key", Given::Set(json!("k"))),
            ("days=", "days", Given::Default),
            ("on=on", "on", Given::Set(json!(true))),
            ("", "on", Given::Default),
            // The same boxes say nothing about an order.
            ("any=a&any=b", "any", Given::Keep),
            ("any=a", "any", Given::Set(json!(["a"]))),
            ("", "any", Given::Default),
        ] {
            assert_eq!(given(body)[field], wanted, "{body:?} {field}");
        }
        let sent = Sent::read(b"name=+Ann+&empty=");
        assert_eq!(name(&sent, "name"), Given::Set("Ann".into()));
        assert_eq!(name(&sent, "empty"), Given::Default);
        assert_eq!(name(&sent, "other"), Given::Keep);
    }

    #[test]
    fn a_problem_stands_beside_its_field() {
        let problem = |path: &[&str]| desired::Problem {
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            message: "no".into(),
        };
        let problems = vec![
            problem(&["integrations", "x", "settings", "url"]),
            problem(&["integrations", "x", "settings", "events", "trial_started"]),
            problem(&["settings", "retry.delays"]),
            problem(&["integrations", "x"]),
        ];
        let placed = Placed::of(problems, FIELDS);
        assert_eq!(placed.beside("url"), "no");
        assert_eq!(placed.beside("events"), "trial_started: no");
        assert_eq!(placed.beside("retry"), "retry.delays: no");
        assert_eq!(placed.above, ["x: no"]);
    }

    #[test]
    fn secrets_are_never_shown() {
        let settings =
            json!({ "key": "s3cret", "secrets": ["a", "b"], "url": "https://a.example/" });
        for field in FIELDS {
            let shown = field.show(&settings, EVENTS, String::new());
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
    }
}
