//! Kinds of integrations and their settings.
//!
//! Tests: `crates/api/tests/resources/destinations.rs`.

use super::answer::{Answer, List, list};
use destinations::{Category, Field, FieldKind, Group, Spec, When};
use domain::EventKind;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    query::{Filters, NoFilters},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Read;
    use Method::Get;
    vec![Route::operation(
        Get,
        "/api/v1/destinations",
        Read,
        "Kinds of integrations and their settings",
        destinations,
    )]
}

/// What a destination is.
#[derive(Serialize, ToSchema)]
#[schema(as = Destination)]
pub(crate) struct DestinationView {
    /// Stable key, as in configuration files.
    key: &'static str,
    /// Name people read.
    title: &'static str,
    /// Where it stands in the catalogue.
    category: Category,
    /// One sentence.
    summary: &'static str,
    /// What people should know before they rely on it, one sentence each: what to switch off elsewhere, what an answer does not prove.
    notes: &'static [&'static str],
    /// Its settings.
    fields: Vec<SettingView>,
    /// Kinds it can receive.
    events: &'static [EventKind],
    /// Whether one customer's deliveries leave in order.
    ordered: bool,
    /// Concurrent attempts per integration.
    concurrency: usize,
}

impl From<&Spec> for DestinationView {
    fn from(spec: &Spec) -> Self {
        Self {
            key: spec.key,
            title: spec.title,
            category: spec.category,
            summary: spec.summary,
            notes: spec.notes,
            fields: spec.fields.iter().map(SettingView::from).collect(),
            events: spec.events,
            ordered: spec.ordered,
            concurrency: spec.concurrency,
        }
    }
}

/// One setting of a destination, or of an app.
#[derive(Serialize, ToSchema)]
#[schema(as = Setting)]
struct SettingView {
    /// Key in the settings object.
    name: &'static str,
    /// What it holds.
    kind: KindView,
    /// One sentence of help.
    help: &'static str,
    /// What it is about.
    group: Group,
    /// When it is asked for, unless always.
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<ConditionView>,
}

impl From<&Field> for SettingView {
    fn from(field: &Field) -> Self {
        Self {
            name: field.name,
            kind: field.kind.into(),
            help: field.help,
            group: field.group,
            when: field.when.map(ConditionView::from),
        }
    }
}

/// What a setting holds.
#[derive(Serialize, ToSchema)]
#[schema(as = SettingKind)]
#[serde(rename_all = "snake_case")]
enum KindView {
    /// Plain text.
    Text,
    /// The same, of several lines.
    LongText,
    /// An `http` or `https` URL.
    Url,
    /// Encrypted at rest, never shown again.
    Secret,
    /// The same, of several lines.
    LongSecret,
    /// A list of secrets, newest first.
    Secrets,
    /// A list of texts.
    Lines,
    /// Yes or no.
    Switch,
    /// One of these words, the first unless it is said.
    Choice(&'static [&'static str]),
    /// Any of these words, in the order given.
    Choices(&'static [&'static str]),
    /// A whole number.
    Number,
    /// Per event kind: on, off, or a name.
    Events,
    /// Per event kind: on or off.
    EventSwitches,
    /// A retry policy.
    Retry,
}

impl From<FieldKind> for KindView {
    fn from(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Text => Self::Text,
            FieldKind::LongText => Self::LongText,
            FieldKind::Url => Self::Url,
            FieldKind::Secret => Self::Secret,
            FieldKind::LongSecret => Self::LongSecret,
            FieldKind::Secrets => Self::Secrets,
            FieldKind::Lines => Self::Lines,
            FieldKind::Switch => Self::Switch,
            FieldKind::Choice(words) => Self::Choice(words),
            FieldKind::Choices(words) => Self::Choices(words),
            FieldKind::Number => Self::Number,
            FieldKind::Events => Self::Events,
            FieldKind::EventSwitches => Self::EventSwitches,
            FieldKind::Retry => Self::Retry,
        }
    }
}

/// When a setting is asked for: only where another has this value.
#[derive(Serialize, ToSchema)]
#[schema(as = SettingCondition)]
struct ConditionView {
    /// The other setting: a choice.
    field: &'static str,
    /// Its value.
    is: &'static str,
}

impl From<When> for ConditionView {
    fn from(When { field, is }: When) -> Self {
        Self { field, is }
    }
}

pub(crate) async fn destinations(_: Filters<NoFilters>) -> Answer<List<DestinationView>> {
    let specs = destinations::ALL
        .iter()
        .map(|destination| DestinationView::from(destination.spec()));
    Ok(list(specs, None))
}
