//! What a form says of settings: each is kept, set, or at its default.

use super::{
    field::{Field, Kind, Told},
    sent::Sent,
};
use configuration::{Given, Settings};
use domain::EventKind;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a form says of settings, and what cannot be read, by field.
pub(crate) fn settings(
    fields: &[Field],
    sent: &Sent,
    stored: &Value,
    events: &[Told],
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

impl Field {
    /// What a form says of a setting, and what is wrong with it. `stored` is what is shown now, secrets masked.
    ///
    /// A field that is not in the form that was sent is kept, and so are secrets, long texts, and boxes that were left as they were shown. Any
    /// other value is set, be it the same. A field that was emptied has its default.
    fn given(
        &self,
        sent: &Sent,
        stored: Option<&Value>,
        events: &[Told],
    ) -> Result<Given<Value>, String> {
        if self.has_boxes() && !self.was_shown(sent) {
            return Ok(Given::Keep);
        }
        match self.kind {
            Kind::Switch => return Ok(switched(sent.is_on(self.name), stored)),
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
            (Kind::LongText, _) => {
                // Browsers end lines in their own way: what was shown and comes back is the same.
                let text = text.replace("\r\n", "\n");
                let kept = stored.and_then(Value::as_str).map(str::trim);
                if kept == Some(&text) {
                    Given::Keep
                } else {
                    Given::Set(text.into())
                }
            }
            (Kind::Number, _) => {
                let number: u64 = text
                    .parse()
                    .map_err(|_| format!("{text:?} is not a whole number"))?;
                Given::Set(number.into())
            }
            (Kind::Retry, "custom") => {
                let delays = seconds(sent.text(&format!("{}.delays", self.name)))?;
                Given::Set(json!({ "policy": "custom", "delays": delays }))
            }
            (Kind::Retry, policy) => Given::Set(json!({ "policy": policy })),
            _ => Given::Set(text.into()),
        })
    }

    /// Whether the form that was sent has this field. Of boxes that are not ticked nothing is sent, so the form says it beside them.
    fn was_shown(&self, sent: &Sent) -> bool {
        let within = |name: &str| {
            let part = name.strip_prefix(self.name);
            part.is_some_and(|part| part.is_empty() || part.starts_with('.'))
        };
        sent.names().any(within)
    }

    fn switches(&self, sent: &Sent, events: &[Told]) -> Given<Value> {
        let mut switches = Map::new();
        for Told { kind, usual } in events.iter().filter(|told| told.kind != EventKind::Test) {
            let field = format!("{}.{}", self.name, kind.id());
            let name = sent.text(&format!("{field}.name")).to_owned();
            let switch = match (sent.is_on(&field), name.as_str()) {
                (false, _) if usual.is_none() => continue,
                (false, _) => json!(false),
                (true, "") if usual.is_none() => json!(true),
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

/// What a box says that was ticked or not.
fn switched(is_on: bool, stored: Option<&Value>) -> Given<Value> {
    let was_on = stored.is_some_and(|stored| *stored == json!(true));
    match (is_on, was_on) {
        (true, _) => Given::Set(true.into()),
        (false, true) => Given::Default,
        (false, false) => Given::Keep,
    }
}

/// Pauses with commas or blanks between them.
fn seconds(text: &str) -> Result<Vec<u64>, String> {
    let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            part.parse()
                .map_err(|_| format!("{part:?} is not a number of seconds"))
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{EVENTS, FIELDS},
        *,
    };

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
    fn several_lines_that_come_back_as_they_were_shown_are_kept() {
        let stored = json!({ "long": "one\ntwo\n" });
        let sent = Sent::read(b"long=one%0D%0Atwo");
        let (given, _) = settings(FIELDS, &sent, &stored, EVENTS);
        assert!(matches!(given["long"], Given::Keep));
        let (settings, _) = read("long=one%0D%0Athree", &stored);
        assert_eq!(settings["long"], "one\nthree");
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
        let shown = field.show(&stored, FIELDS, EVENTS, String::new());
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
            ("", "on", Given::Keep),
            ("on.shown=on", "on", Given::Default),
            ("", "events", Given::Keep),
            (
                "events.trial_started=on",
                "events",
                Given::Set(json!({ "subscription_started": false, "subscription_renewed": false })),
            ),
            (
                "events.shown=on",
                "events",
                Given::Set(
                    json!({ "trial_started": false, "subscription_started": false, "subscription_renewed": false }),
                ),
            ),
            // What is off by itself and stays so is not written down; what is switched on is.
            (
                "events.trial_started=on&events.subscription_started=on&events.subscription_renewed=on&events.transfer=on",
                "events",
                Given::Set(json!({ "transfer": true })),
            ),
            // The same boxes say nothing about an order.
            ("any=a&any=b", "any", Given::Keep),
            ("any=a", "any", Given::Set(json!(["a"]))),
            ("", "any", Given::Keep),
            ("any.shown=on", "any", Given::Default),
        ] {
            assert_eq!(given(body)[field], wanted, "{body:?} {field}");
        }
    }
}
