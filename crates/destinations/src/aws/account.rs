//! Who signs, and where.

use crate::{Field, FieldKind, Invalid, Request, Travel, Unsendable, sign::aws4};
use domain::secret::Secret;
use jiff::Timestamp;
use serde::Deserialize;

/// Who signs, and where.
pub(crate) const FIELDS: &[Field] = &[
    Field::new(
        "region",
        FieldKind::Text,
        "Where it is, such as `eu-central-1`.",
    ),
    Field::new(
        "access_key_id",
        FieldKind::Text,
        "Access key of a user of IAM who may do this and nothing else.",
    ),
    Field::new(
        "secret_access_key",
        FieldKind::Secret,
        "The secret of that key. Requests are signed with it; it is not sent.",
    ),
];

/// What decides who receives what is signed.
pub(crate) const TRAVELS: &[Travel] = &[Travel {
    secret: "secret_access_key",
    to: &["region", "endpoint"],
}];

/// Who signs, and where.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Account {
    pub(crate) region: String,
    access_key_id: String,
    secret_access_key: Secret,
}

impl Account {
    /// What cannot be used.
    pub(crate) fn problems(&self) -> Vec<Invalid> {
        let is_word = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let mut problems = Vec::new();
        if !is_word(&self.region) || self.region.len() > 40 {
            problems.push(Invalid::new(
                "region",
                "is a word such as eu-central-1: letters, digits and -",
            ));
        }
        if !is_word(&self.access_key_id) {
            problems.push(Invalid::new(
                "access_key_id",
                "is letters and digits, such as AKIAIOSFODNN7EXAMPLE",
            ));
        }
        problems
    }

    /// That nothing is missing.
    pub(crate) fn check(&self) -> Result<(), Unsendable> {
        let missing = [
            ("region", self.region.is_empty()),
            ("access_key_id", self.access_key_id.is_empty()),
            ("secret_access_key", self.secret_access_key.is_empty()),
        ];
        match missing.iter().find(|(_, is_missing)| *is_missing) {
            Some((name, _)) => Err(Unsendable::lacks_setting(name)),
            None => Ok(()),
        }
    }

    /// The address of a service in the region. Source: AWS General Reference, "Service endpoints".
    pub(crate) fn host(&self, service: &str) -> String {
        let region = &self.region;
        let end = if region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        format!("https://{service}.{region}.{end}")
    }

    /// Signs for a service.
    pub(crate) fn sign(&self, request: &mut Request, service: &str, at: Timestamp) {
        let scope = aws4::Scope {
            key_id: &self.access_key_id,
            secret: &self.secret_access_key,
            region: &self.region,
            service,
        };
        aws4::sign(request, &scope, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_china_have_a_domain_of_their_own() {
        let host = |region: &str| {
            let account = Account {
                region: region.into(),
                ..Account::default()
            };
            account.host("sqs")
        };
        assert_eq!(host("eu-west-1"), "https://sqs.eu-west-1.amazonaws.com");
        assert_eq!(
            host("cn-north-1"),
            "https://sqs.cn-north-1.amazonaws.com.cn"
        );
    }
}
