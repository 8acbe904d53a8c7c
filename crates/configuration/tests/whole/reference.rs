//! docs/stores.md lists every setting of an app as the code describes it.

use configuration::APPS;
use destinations::FieldKind;
use domain::Store;
use std::fmt::Write as _;

const fn holds(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text | FieldKind::LongText => "text",
        FieldKind::Url => "URL",
        FieldKind::Secret | FieldKind::LongSecret => "secret",
        FieldKind::Secrets => "secrets",
        FieldKind::Lines => "texts",
        FieldKind::Switch => "yes or no",
        FieldKind::Choice(_) => "one of",
        FieldKind::Choices(_) => "any of",
        FieldKind::Number => "number",
        FieldKind::Events | FieldKind::EventSwitches => "events",
        FieldKind::Retry => "retry policy",
    }
}

#[test]
fn every_setting_of_an_app_is_in_the_reference() {
    let page = include_str!("../../../../docs/stores.md");
    for spec in APPS {
        let heading = match spec.store {
            Store::External => "Any other store",
            store => store.title(),
        };
        let mut table = format!("### {heading}\n\n| setting | holds | |\n|---|---|---|\n");
        for field in spec.fields {
            let words = match field.kind {
                FieldKind::Choice(words) | FieldKind::Choices(words) => {
                    format!(" `{}`", words.join("`, `"))
                }
                _ => String::new(),
            };
            let (name, holds, help) = (field.name, holds(field.kind), field.help);
            writeln!(table, "| `{name}` | {holds}{words} | {help} |").unwrap();
        }
        assert!(
            page.contains(&table),
            "docs/stores.md should have:\n\n{table}"
        );
    }
}
