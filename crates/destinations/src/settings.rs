//! Reading settings: typed, with every problem named by its field.

use crate::spec::Field;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{EventKind, name, retry};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct Invalid {
    /// Which setting.
    pub field: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl Invalid {
    /// A problem with one field.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// Off, on, or on under another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EventSwitch {
    /// `true` or `false`.
    Enabled(bool),
    /// The name to send.
    Named(String),
}

/// Which kinds of events are sent, under which names. Kinds not listed have the destination's default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Events(pub BTreeMap<String, EventSwitch>);

impl Events {
    /// The name to send `kind` under; `None` when it is off.
    pub fn name(&self, kind: EventKind, on_by_default: bool) -> Option<&str> {
        match self.0.get(kind.id()) {
            Some(EventSwitch::Named(name)) => Some(name),
            Some(EventSwitch::Enabled(true)) => Some(kind.id()),
            Some(EventSwitch::Enabled(false)) => None,
            None => on_by_default.then(|| kind.id()),
        }
    }

    /// The same where a kind has a name of its own by itself: `None` for one that is off by itself, and is called by its id when it is
    /// switched on.
    pub fn named(&self, kind: EventKind, usual: Option<&'static str>) -> Option<&str> {
        match self.0.get(kind.id()) {
            Some(EventSwitch::Named(name)) => Some(name),
            Some(EventSwitch::Enabled(true)) => Some(usual.unwrap_or(kind.id())),
            Some(EventSwitch::Enabled(false)) => None,
            None => usual,
        }
    }

    /// Unknown kinds, and enabled kinds with an empty name, as problems of the setting `named`.
    pub fn problems(&self, named: &str, supported: &[EventKind], can_rename: bool) -> Vec<Invalid> {
        let known = supported.iter().map(|kind| kind.id()).collect::<Vec<_>>();
        self.0
            .iter()
            .filter_map(|(id, switch)| {
                let field = format!("{named}.{id}");
                match switch {
                    _ if !known.contains(&id.as_str()) => Some(Invalid::new(
                        field,
                        format!(
                            "is not an event this destination receives; it receives {}",
                            known.join(", ")
                        ),
                    )),
                    EventSwitch::Named(name) if name.trim().is_empty() => Some(Invalid::new(
                        field,
                        "has an empty name; give a name, or false to switch it off",
                    )),
                    EventSwitch::Named(name) if name::problem(name).is_some() => {
                        name::problem(name).map(|problem| Invalid::new(field, problem))
                    }
                    EventSwitch::Named(_) if !can_rename => Some(Invalid::new(
                        field,
                        "cannot be renamed here; use true or false",
                    )),
                    _ => None,
                }
            })
            .collect()
    }
}

/// Reads typed settings from JSON, naming the field that does not fit.
pub fn parse<T: DeserializeOwned>(settings: &Value) -> Result<T, Vec<Invalid>> {
    T::deserialize(settings).map_err(|error| {
        let text = error.to_string();
        let field = text.split('`').nth(1).unwrap_or("settings").to_owned();
        vec![Invalid::new(field, text)]
    })
}

/// Reads those of the settings that these fields are; the rest is handed back.
pub(crate) fn take<T: DeserializeOwned>(
    settings: &Value,
    fields: &[Field],
) -> (Result<T, Vec<Invalid>>, Value) {
    let all = settings.as_object().cloned().unwrap_or_default();
    let is_of_them = |name: &str| fields.iter().any(|field| field.name == name);
    let (these, rest): (Map<_, _>, Map<_, _>) =
        all.into_iter().partition(|(name, _)| is_of_them(name));
    (parse(&Value::Object(these)), Value::Object(rest))
}

/// What was read; or `None`, and the problems beside the others.
pub(crate) fn gather<T>(read: Result<T, Vec<Invalid>>, problems: &mut Vec<Invalid>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(found) => {
            problems.extend(found);
            None
        }
    }
}

/// Checks the pauses of a retry policy of one's own.
pub(crate) fn check_retry(policy: Option<&retry::Policy>, problems: &mut Vec<Invalid>) {
    let Some(retry::Policy::Custom { delays }) = policy else {
        return;
    };
    let is_off = |delay: &u64| *delay == 0 || *delay > 7 * 86_400;
    if delays.len() > 20 || delays.iter().any(is_off) {
        problems.push(Invalid::new(
            "retry.delays",
            "holds at most 20 pauses of 1 second to 7 days, in seconds",
        ));
    }
}

/// Most of certificates that are taken: some twenty.
const LONGEST_CERTIFICATES: usize = 64 << 10;

/// Checks certificates: PEM, one after the other, and nothing that should be kept secret.
pub(crate) fn check_certificates(field: &str, text: Option<&str>, problems: &mut Vec<Invalid>) {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let Some(text) = text else { return };
    let is_certificate = |part: &str| {
        let body = part.split_once(END).map(|(body, _)| body);
        let body: Option<String> = body.map(|body| body.split_whitespace().collect());
        let decoded = body.and_then(|body| STANDARD.decode(body).ok());
        // Of ASN.1 a sequence.
        decoded.is_some_and(|bytes| bytes.first() == Some(&0x30))
    };
    let mut parts = text.split(BEGIN).skip(1).peekable();
    let problem = if text.len() > LONGEST_CERTIFICATES {
        "is longer than 64 KiB"
    } else if text.contains("PRIVATE KEY-----") {
        "holds a private key; give the certificates only"
    } else if parts.peek().is_none() || !parts.all(is_certificate) {
        "holds no certificates in PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"
    } else {
        return;
    };
    problems.push(Invalid::new(field, problem));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_pem_and_no_keys() {
        let pem = |what: &str, body: &str| {
            format!("-----BEGIN {what}-----\n{body}\n-----END {what}-----\n")
        };
        let one = pem("CERTIFICATE", "MAA=");
        for (text, problem) in [
            (one.clone(), None),
            (format!("# ours\n{one}{one}"), None),
            (String::new(), Some("holds no certificates")),
            ("MAA=".into(), Some("holds no certificates")),
            (pem("CERTIFICATE", "!"), Some("holds no certificates")),
            (pem("CERTIFICATE", "AAAA"), Some("holds no certificates")),
            (one.replace("END", "FIN"), Some("holds no certificates")),
            (
                one.clone() + &pem("PRIVATE KEY", "MAA="),
                Some("holds a private key"),
            ),
            (one.repeat(2_000), Some("is longer than")),
        ] {
            let mut problems = Vec::new();
            check_certificates("ca_certificates", Some(&text), &mut problems);
            let found = problems.first().map(|invalid| invalid.problem.as_str());
            match problem {
                None => assert_eq!(found, None, "{text:?}"),
                Some(begins) => assert!(found.unwrap().starts_with(begins), "{text:?}"),
            }
        }
    }
}
