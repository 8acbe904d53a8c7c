//! A client of OAuth, for those whose server takes a token in place of a password. Source: RFC 6749, 4.4.

use crate::{Field, FieldKind, Grant, Invalid, Unsendable, check_url};
use domain::secret::Secret;
use serde::Deserialize;

/// Its settings, asked for where another setting has this value.
pub(crate) const fn fields(field: &'static str, is: &'static str) -> [Field; 4] {
    [
        Field::new(
            "token_url",
            FieldKind::Url,
            "Who gives tokens to the client, such as `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`.",
        )
        .when(field, is),
        Field::new("client_id", FieldKind::Text, "ID of the client.").when(field, is),
        Field::new(
            "client_secret",
            FieldKind::Secret,
            "Secret of the client. Only who gives tokens is told it.",
        )
        .when(field, is),
        Field::new(
            "scope",
            FieldKind::Text,
            "What tokens are asked for, where it has to be said.",
        )
        .when(field, is),
    ]
}

/// The same, as they are kept.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Client {
    token_url: Option<String>,
    client_id: String,
    client_secret: Secret,
    scope: Option<String>,
}

impl Client {
    /// What cannot be used.
    pub(crate) fn problems(&self, problems: &mut Vec<Invalid>) {
        check_url("token_url", self.token_url.as_deref(), problems);
    }

    /// What tokens are asked for with.
    pub(crate) fn grant(&self) -> Result<Grant, Unsendable> {
        let url = self.token_url.clone().filter(|url| !url.is_empty());
        let url = url.ok_or_else(|| Unsendable::lacks_setting("token_url"))?;
        for (name, is_missing) in [
            ("client_id", self.client_id.is_empty()),
            ("client_secret", self.client_secret.is_empty()),
        ] {
            if is_missing {
                return Err(Unsendable::lacks_setting(name));
            }
        }
        Ok(Grant::ClientCredentials {
            url,
            id: self.client_id.clone(),
            secret: self.client_secret.clone(),
            scope: self.scope.clone().filter(|scope| !scope.is_empty()),
            subject: None,
        })
    }
}
