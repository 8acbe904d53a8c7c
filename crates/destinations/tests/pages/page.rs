//! The page of one destination.

use super::{sample, settings::settings};
use destinations::{Configured, Context, Destination, Field, FieldKind, Group, Spec};
use domain::{EventKind, NotSent, pace::Rate};
use jiff::SignedDuration;
use std::{fmt::Write as _, fs, path::Path, time::Duration};

/// The page of a destination.
pub(crate) fn of(destination: &dyn Destination) -> String {
    let spec = destination.spec();
    let configured = settings(spec.key).into_iter().next().unwrap();
    let configured = destination
        .configure(&configured, &Context::default())
        .ok()
        .unwrap();
    let mut text = format!("# {}\n\n{}\n", spec.title, spec.summary);
    for note in spec.notes {
        write!(text, "\n> {note}\n").unwrap();
    }
    needs(&mut text, spec);
    events(&mut text, spec, configured.as_ref());
    limits(&mut text, spec, configured.as_ref());
    write!(
        text,
        "\n## What is sent, and what answers mean\n\n{}",
        head(spec.key)
    )
    .unwrap();
    reasons(&mut text, configured.as_ref());
    text
}

fn holds(field: &Field) -> String {
    let words = |words: &[&str]| format!("`{}`", words.join("`, `"));
    match field.kind {
        FieldKind::Text | FieldKind::LongText => "text".into(),
        FieldKind::Url => "URL".into(),
        FieldKind::Secret | FieldKind::LongSecret => "secret".into(),
        FieldKind::Secrets => "secrets".into(),
        FieldKind::Lines => "texts".into(),
        FieldKind::Switch => "yes or no".into(),
        FieldKind::Choice(all) => format!("one of {}", words(all)),
        FieldKind::Choices(all) => format!("any of {}", words(all)),
        FieldKind::Number => "number".into(),
        FieldKind::Events => "per kind: on, off, or a name".into(),
        FieldKind::EventSwitches => "per kind: on or off".into(),
        FieldKind::Retry => "retry policy".into(),
    }
}

/// Its settings, group by group.
fn needs(text: &mut String, spec: &Spec) {
    text.push_str("\n## Settings\n");
    for group in Group::ALL {
        let of: Vec<_> = spec
            .fields
            .iter()
            .filter(|field| field.group == group)
            .collect();
        if of.is_empty() {
            continue;
        }
        if group != Group::Main {
            write!(text, "\n### {}\n", group.title()).unwrap();
        }
        text.push_str("\n| setting | holds | |\n|---|---|---|\n");
        for field in of {
            let when = field.when.map_or_else(String::new, |when| {
                format!("Where `{}` is `{}`. ", when.field, when.is)
            });
            writeln!(
                text,
                "| `{}` | {} | {when}{} |",
                field.name,
                holds(field),
                field.help
            )
            .unwrap();
        }
    }
}

/// What each kind is called there.
fn events(text: &mut String, spec: &Spec, configured: &dyn Configured) {
    text.push_str("\n## Events\n\nAs they are called unless `events` says another name.\n\n| event | sent as |\n|---|---|\n");
    for kind in EventKind::ALL {
        let planned = configured.plan(&sample::event(*kind));
        let sent = match planned {
            Ok(messages) => {
                let names = messages.iter().map(|message| format!("`{}`", message.name));
                names.collect::<Vec<_>>().join(", then ")
            }
            Err(NotSent::EventDisabled) => match is_of_days(spec, *kind) {
                Some(setting) => format!("off unless `{setting}` is set"),
                None => "off unless it is switched on".into(),
            },
            Err(NotSent::EventUnsupported) => continue,
            Err(other) => other.id().into(),
        };
        writeln!(text, "| `{}` | {sent} |", kind.id()).unwrap();
    }
    let rest = EventKind::ALL
        .iter()
        .filter(|kind| !spec.events.contains(kind));
    let rest: Vec<_> = rest.map(|kind| format!("`{}`", kind.id())).collect();
    if !rest.is_empty() {
        write!(text, "\nNever sent here: {}.\n", rest.join(", ")).unwrap();
    }
}

/// The setting that says after how many days something is told that is still active.
fn is_of_days(spec: &Spec, kind: EventKind) -> Option<&'static str> {
    let name = format!("{}_days", kind.id());
    let mut fields = spec.fields.iter();
    let field = fields.find(|field| field.name == name);
    field.map(|field| field.name)
}

/// A length of time in its largest whole unit.
fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    let (count, unit) = match seconds {
        0 => (time.as_millis().try_into().unwrap(), "millisecond"),
        _ if seconds.is_multiple_of(86_400) => (seconds / 86_400, "day"),
        _ if seconds.is_multiple_of(3_600) => (seconds / 3_600, "hour"),
        _ if seconds.is_multiple_of(60) => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

fn often(rate: Rate) -> String {
    let unit = match rate.per.as_secs() {
        1 => "a second".to_owned(),
        60 => "a minute".to_owned(),
        3_600 => "an hour".to_owned(),
        _ => format!("in {}", length(rate.per)),
    };
    format!("{} {unit}", rate.count)
}

fn limits(text: &mut String, spec: &Spec, configured: &dyn Configured) {
    text.push_str("\n## Limits\n\n");
    let mut say = |line: String| writeln!(text, "- {line}").unwrap();
    say(format!("Requests under way at once: {}.", spec.concurrency));
    if let Some(rate) = configured.rate() {
        say(format!("At most {}, by itself or as set.", often(rate)));
    }
    if let Some(rate) = configured.rate_per_customer() {
        say(format!("At most {} for one customer.", often(rate)));
    }
    if let Some(batching) = configured.batching() {
        say(format!(
            "Up to {} messages travel together, {} KiB at most; the first of them waits {} for others.",
            batching.most,
            batching.bytes >> 10,
            length(batching.linger)
        ));
    }
    let window = configured.window();
    if let Some(oldest) = window.oldest {
        say(format!(
            "What happened more than {} ago is not sent (`too_old`).",
            length(oldest.unsigned_abs())
        ));
    }
    match window.ahead.map(SignedDuration::unsigned_abs) {
        None => {}
        Some(Duration::ZERO) => say("What lies ahead waits until its time.".into()),
        Some(ahead) => say(format!(
            "What lies more than {} ahead waits.",
            length(ahead)
        )),
    }
    let waits = configured.waits_for_attributes();
    if !waits.is_zero() {
        say(format!(
            "An event waits {} for an attribute that its customer lacks, unless `wait_minutes` says another time.",
            length(waits)
        ));
    }
    let money = sample::event(EventKind::SubscriptionRenewed);
    let repeats = configured.plan(&money).unwrap_or_default();
    let repeats = repeats
        .iter()
        .all(|message| configured.repeatable(message, &money));
    say(if repeats {
        "A request that was not answered is sent again: a repetition counts once there, or does no harm.".into()
    } else {
        "A request that was not answered is not sent again by itself, because a repetition would count twice (`unconfirmed`), unless `repeat_unconfirmed` is on.".into()
    });
}

/// What the head of its module says.
fn head(key: &str) -> String {
    let src = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let file = [src.join(format!("{key}.rs")), src.join(key).join("mod.rs")];
    let file = file.iter().find(|file| file.exists());
    let source =
        fs::read_to_string(file.unwrap_or_else(|| panic!("{key} has no module of its name")))
            .unwrap();
    let lines = source.lines().take_while(|line| line.starts_with("//!"));
    let lines = lines.map(|line| line.trim_start_matches("//!").trim_start());
    let mut head = lines.collect::<Vec<_>>().join("\n");
    head.push('\n');
    head
}

/// What the reasons mean that are this destination's own.
fn reasons(text: &mut String, configured: &dyn Configured) {
    text.push_str("\n## Why something is not sent\n\n| reason | |\n|---|---|\n");
    let window = configured.window();
    for reason in NotSent::ALL {
        let is_shown = match reason {
            NotSent::TooOld => window.oldest.is_some(),
            NotSent::MissingCustomerData => !configured.waits_for_attributes().is_zero(),
            NotSent::EndpointUnverified => !configured.handshakes("nonce").is_empty(),
            NotSent::Unconfirmed => {
                let money = sample::event(EventKind::SubscriptionRenewed);
                let messages = configured.plan(&money).unwrap_or_default();
                messages
                    .iter()
                    .any(|message| !configured.repeatable(message, &money))
            }
            _ => true,
        };
        if is_shown {
            writeln!(text, "| `{}` | {} |", reason.id(), reason.text()).unwrap();
        }
    }
}
