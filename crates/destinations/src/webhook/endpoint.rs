//! One URL per environment, each with its own `Authorization` value.

use super::settings::Settings;
use crate::{Header, Request};
use domain::{Environment, secret::Secret};

impl Settings {
    fn endpoint(&self, environment: Environment) -> (Option<&str>, &Secret) {
        match environment {
            Environment::Production => (
                self.production_url.as_deref(),
                &self.production_authorization,
            ),
            Environment::Sandbox => (self.sandbox_url.as_deref(), &self.sandbox_authorization),
        }
    }

    /// Those that have a URL.
    pub(super) fn endpoints(&self) -> Vec<Environment> {
        let mut all = Environment::ALL.to_vec();
        all.retain(|environment| self.endpoint(*environment).0.is_some());
        all
    }

    /// A request there; `None` without a URL.
    pub(super) fn request(&self, environment: Environment, body: Vec<u8>) -> Option<Request> {
        let (url, authorization) = self.endpoint(environment);
        let mut request = Request {
            authorities: self.ca_certificates.clone(),
            ..Request::json(url?, body)
        };
        if !authorization.is_empty() {
            request.headers.push(Header {
                name: "authorization",
                value: authorization.expose().to_owned(),
                secret: true,
            });
        }
        Some(request)
    }
}
