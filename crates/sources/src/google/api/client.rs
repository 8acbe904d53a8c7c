//! One call to the API, as the service account.

use super::token::{Credentials, Tokens};
use crate::{Call, Purpose, Trouble, Web, web};
use jiff::Timestamp;
use serde_json::Value;

pub(super) const WHO: &str = "Google Play";

#[derive(Debug)]
pub(in crate::google) struct Api {
    pub(super) package: String,
    purchases: String,
    pub(super) tokens: Tokens,
    pub(super) acknowledge: bool,
}

/// An id as one segment of a path.
pub(super) fn segment(id: &str) -> String {
    id.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

impl Api {
    pub(in crate::google) fn new(
        url: String,
        package: &str,
        credentials: Credentials,
        acknowledge: bool,
    ) -> Self {
        Self {
            package: package.to_owned(),
            purchases: format!(
                "{url}/androidpublisher/v3/applications/{}",
                segment(package)
            ),
            tokens: Tokens::of(credentials),
            acknowledge,
        }
    }

    pub(super) async fn get(
        &self,
        path: &str,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Value, Trouble> {
        let token = self.tokens.get(web, now).await?;
        let call = Call::get(
            Purpose::Store,
            format!("{}/{path}", self.purchases),
            Some(&token),
        );
        let reply = web::call(web, &call, WHO).await?;
        if reply.status == 401 {
            // It may have been revoked early: the next call asks for another.
            self.tokens.forget().await;
        }
        reply.check(WHO, now)?.json(WHO)
    }

    pub(super) async fn post(
        &self,
        path: &str,
        body: &Value,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let token = self.tokens.get(web, now).await?;
        let url = format!("{}/{path}", self.purchases);
        let call = Call::post(
            Purpose::Store,
            url,
            Some(&token),
            "application/json",
            body.to_string().into_bytes(),
        );
        web::call(web, &call, WHO)
            .await?
            .check(WHO, now)
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_one_segment_of_a_path() {
        assert_eq!(segment("a/b c"), "a%2Fb%20c");
    }
}
