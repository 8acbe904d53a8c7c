//! docs/conformance.md says what each format of the webhook makes of every kind of event. `TIDINGS_WRITE_DOCS=1 cargo test -p destinations --test
//! conformance` writes it.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

#[path = "sample/mod.rs"]
#[expect(dead_code, reason = "nothing is sent")]
mod sample;

use destinations::webhook::{FORMATS, payloads};
use domain::{
    CancellationReason, Event, EventKind, Present, Store, change::ByAccess, event::AppRef,
    fact::Ownership, snapshot::Standing,
};
use serde_json::Value;
use std::{env, fmt::Write as _, fs, path::PathBuf};

const HEAD: &str = "# Conformance

What each format of the [webhook](docs/webhooks.md) sends for every kind of event: made from the code by `crates/destinations/tests/conformance.rs`, which fails where this page says
something else. All are about one customer, `12345`, and a monthly subscription at 5.99 dollars, as far as the kind allows it. What a format does not name it does not send.

## Receivers that were run

Each by the project's own test command, over simulated lives by the real binary; what others published runs as it is published.

| receiver | format | what is compared | where |
|---|---|---|---|
| `standardwebhooks` 1 (npm) | all, with both handshakes of `adapty` | every signature verifies | `crates/tidings/tests/e2e/published.rs` |
| `standardwebhooks` 1 (PyPI) | all, with both handshakes of `adapty` | every signature verifies | the same |
| `examples/receivers` for Node, Python, Go, PHP, Ruby and Rust | `standard` | the state of every customer equals that of the server | `crates/tidings/tests/e2e/receivers.rs` |

`examples/receivers` for Supabase, Convex and Firebase were not run: they need services that are no programs of their own.
";

/// Events whose kind is told in several ways, by what led to them.
fn others() -> Vec<(String, Event)> {
    let mut all = Vec::new();
    let of = |rule: &str, standing: Standing| {
        let mut event = sample::event(EventKind::AccessLevelUpdated);
        event.cause.rule = rule.into();
        event.purchase.as_mut().unwrap().standing = standing;
        event
    };
    let at = sample::time("2026-02-01T10:00:00Z");
    for step in ByAccess::ALL {
        let mut event = match step {
            ByAccess::PauseBegan => of(step.rule(), Standing::Paused { until: Some(at) }),
            ByAccess::HoldBegan => of(step.rule(), Standing::Retry { since: at }),
            ByAccess::GrantRevoked => of(step.rule(), Standing::Revoked { at }),
            ByAccess::GrantEnded => {
                let reason = CancellationReason::VoluntarilyCancelled;
                of(step.rule(), Standing::Expired { at, reason })
            }
            _ => of(step.rule(), Standing::Current),
        };
        if step.rule().starts_with("access.share") {
            event.purchase.as_mut().unwrap().ownership = Ownership::FamilyShared;
        }
        if step.rule().starts_with("access.grant") {
            event.app = event.app.map(|app| AppRef {
                store: Store::Promotional,
                ..app
            });
            event.product = Some("rc_promo_premium_monthly".into());
        }
        all.push((step.rule().to_owned(), event));
    }
    let rule = Present::Customer.rule();
    all.push((rule.to_owned(), of(rule, Standing::Current)));
    all
}

fn shown(title: &str, format: &str, event: &Event, text: &mut String) {
    let told = payloads(format, event);
    if told.is_empty() {
        writeln!(text, "\n### `{title}`\n\nNot sent.").unwrap();
        return;
    }
    let names: Vec<_> = told.iter().map(|told| format!("`{}`", told.name)).collect();
    writeln!(
        text,
        "\n### `{title}`\n\n{}\n\n```json",
        names.join(", then ")
    )
    .unwrap();
    for payload in told {
        let body: Value = serde_json::from_slice(&payload.body.unwrap()).unwrap();
        writeln!(text, "{body}").unwrap();
    }
    text.push_str("```\n");
}

fn page() -> String {
    let mut text = HEAD.replace("(docs/", "(");
    for format in FORMATS {
        write!(text, "\n## Format `{format}`\n").unwrap();
        for kind in EventKind::ALL {
            shown(kind.id(), format, &sample::event(*kind), &mut text);
        }
        for (rule, event) in others() {
            let title = format!("access_level_updated` by `{rule}");
            shown(&title, format, &event, &mut text);
        }
    }
    text
}

#[test]
fn the_page_of_conformance_says_what_is_sent() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conformance.md");
    let (file, page) = (PathBuf::from(file), page());
    if env::var_os("TIDINGS_WRITE_DOCS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    assert!(
        fs::read_to_string(&file).unwrap() == page,
        "docs/conformance.md is not as the code says; write it anew with TIDINGS_WRITE_DOCS=1"
    );
}
