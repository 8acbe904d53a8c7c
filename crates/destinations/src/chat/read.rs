//! The settings that chats have in common.

use crate::{
    Context, Field, FieldKind, Invalid, Spec, check_url,
    common::{self, Common},
    parse,
    spec::fields,
};
use domain::secret::Secret;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// What messages show, and where they lead.
pub(crate) const SHOWN: &[Field] = &[
    Field::new(
        "show",
        FieldKind::Choices(&["store", "environment", "event"]),
        "What messages also say: the store, whether it is a test purchase, a link to the event here.",
    ),
    Field::new(
        "link_base",
        FieldKind::Url,
        "Customers are linked to this URL followed by a slash and their id. Default: this dashboard.",
    ),
];

/// How it is sent: no attributes leave, so none are withheld, and who has a URL of the chat needs no other.
pub(crate) const DELIVERY: &[Field] = fields!(
    common::HISTORY,
    common::PACE,
    common::REPEATS,
    common::RETRY,
);

/// What a message may show beside the product and the amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shown {
    Store,
    Environment,
    Event,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Stored {
    show: Vec<Shown>,
    link_base: Option<String>,
}

/// Settings that chats have in common, checked.
#[derive(Debug, Clone)]
pub(crate) struct Chat {
    /// Those that all destinations of third parties have in common.
    pub(crate) common: Common,
    /// In the order in which it is shown.
    pub(super) show: Vec<Shown>,
    pub(super) link_base: String,
    /// Where people reach this installation, without a trailing slash.
    pub(super) site: String,
}

/// Reads settings: the chat's own, and what it has in common with others. All problems are named by their fields.
pub(crate) fn read<T: DeserializeOwned>(
    settings: &Value,
    spec: &'static Spec,
    context: &Context,
) -> Result<(T, Chat), Vec<Invalid>> {
    let all = settings.as_object().cloned().unwrap_or_default();
    let is_shown = |name: &str| SHOWN.iter().any(|field| field.name == name);
    let (shown, rest): (Map<_, _>, Map<_, _>) =
        all.into_iter().partition(|(name, _)| is_shown(name));
    let mut problems = Vec::new();
    let stored = parse::<Stored>(&Value::Object(shown)).unwrap_or_else(|found| {
        problems.extend(found);
        Stored::default()
    });
    check_url("link_base", stored.link_base.as_deref(), &mut problems);
    match common::read(&Value::Object(rest), spec) {
        Ok((own, common)) if problems.is_empty() => Ok((own, Chat::of(stored, common, context))),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

impl Chat {
    fn of(stored: Stored, common: Common, context: &Context) -> Self {
        let customers = || format!("{}/customers", context.public_url);
        Self {
            common,
            show: stored.show,
            link_base: stored.link_base.unwrap_or_else(customers),
            site: context.public_url.clone(),
        }
    }
}

/// Checks the URL of a webhook, which is itself the secret: what is wrong is said without showing it.
pub(crate) fn check_webhook(field: &str, url: &Secret, problems: &mut Vec<Invalid>) {
    let mut found = Vec::new();
    let url = Some(url.expose()).filter(|url| !url.is_empty());
    check_url(field, url, &mut found);
    if !found.is_empty() {
        let problem = "must be the https:// URL of an incoming webhook";
        problems.push(Invalid::new(field, problem));
    }
}
