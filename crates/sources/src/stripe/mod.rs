//! Stripe: signed webhooks and the API.
//!
//! An event says which object changed; the object is fetched, because events come in any order and are rendered in the
//! endpoint's API version, not ours. A subscription is a chain and each paid invoice of it a transaction; a one-time
//! payment is a chain of its own, and so is an invoice of a customer without one. Source: Stripe, "Using webhooks with subscriptions".

mod answered;
mod api;
mod app;
mod facts;
mod invoice;
mod model;
mod signature;
mod talk;
mod webhook;

pub use app::{App, OwnerSource};
pub use signature::verify as verify_signature;
pub use webhook::EventEnvelope;

use crate::{
    Answer, Content, Incoming, Probe, Question, Receipt, Received, Refusal, RefusalCode, Source,
    Trouble, Web,
};
use api::Api;
use async_trait::async_trait;
use domain::{ChainKey, Environment, Facts, Observation, Snapshot};
use jiff::Timestamp;

/// The production host of the API.
pub const API_URL: &str = "https://api.stripe.com";

/// Stripe as a [`Source`].
#[derive(Debug)]
pub struct Stripe {
    app: App,
    api: Option<Api>,
}

impl Stripe {
    /// Hears and asks for an app.
    pub fn new(app: App) -> Self {
        let api = app
            .api_key
            .clone()
            .map(|key| Api::new(app.api_url.clone(), key));
        Self { app, api }
    }

    fn api(&self) -> Result<&Api, Trouble> {
        self.api.as_ref().ok_or_else(|| {
            Trouble::Credentials(
                "the app has no API key: set `api_key` to a secret or restricted key, so that Stripe can be asked"
                    .into(),
            )
        })
    }
}

#[async_trait]
impl Source for Stripe {
    async fn authenticate(
        &self,
        incoming: &Incoming<'_>,
        _: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.app.signing_secrets.is_empty() {
            return Err(Refusal::again(
                RefusalCode::SigningSecretMissing,
                "the app has no signing secret: set `signing_secrets` to the `whsec_...` that Stripe shows for the endpoint",
            ));
        }
        signature::verify(
            incoming.signature,
            incoming.body,
            &self.app.signing_secrets,
            self.app.tolerance,
            now,
        )
        .map_err(|problem| Refusal::refuse(problem.code(), problem.to_string()))
    }

    fn receive(&self, body: &[u8], now: Timestamp) -> Result<Received, Refusal> {
        webhook::receive(body, now)
    }

    fn receipt(&self, receipt: &Receipt, _: Timestamp) -> Result<Content, Refusal> {
        let token = receipt.token.trim();
        let about = match token.split_once('_').map(|(kind, _)| kind) {
            Some("sub") => "subscription",
            Some("cs") => "session",
            Some("in") => "invoice",
            Some("pi") => "payment_intent",
            _ => {
                return Err(Refusal::refuse(
                    RefusalCode::MalformedReceipt,
                    "expected a Stripe id that begins with sub_, cs_, in_ or pi_",
                ));
            }
        };
        receipt.sender.must_not_be_a_client(
            "a Stripe id",
            "it from your server, with a secret key that may write",
        )?;
        Ok(Content::Ask(Question {
            owner: Some(receipt.app_user_id.clone()),
            sender: receipt.sender,
            ..Question::about(about, token)
        }))
    }

    fn check(&self, chain: &ChainKey, _: &Facts, _: &Snapshot) -> Option<Question> {
        self.api.as_ref()?;
        chain
            .id
            .starts_with("sub_")
            .then(|| Question::about("subscription", &chain.id))
    }

    async fn ask(
        &self,
        question: &Question,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Answer>, Trouble> {
        talk::ask(self.api()?, question, web, now).await
    }

    async fn probe(&self, web: &dyn Web, now: Timestamp) -> Vec<Probe> {
        match self.api() {
            Ok(api) => api.probe(web, now).await,
            Err(trouble) => vec![Probe {
                environment: None,
                asked: "API key",
                outcome: trouble.into(),
            }],
        }
    }

    fn read(&self, answer: &Answer) -> Result<Option<Observation>, Refusal> {
        facts::read(answer, &self.app)
    }

    fn environments(&self) -> Vec<Environment> {
        // A key reaches either live or test mode.
        self.api
            .as_ref()
            .map(Api::environment)
            .into_iter()
            .collect()
    }

    async fn missed(
        &self,
        since: Timestamp,
        environment: Environment,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        match &self.api {
            Some(api) if api.environment() == environment => {
                api.missed_events(since, web, now).await
            }
            _ => Ok(Vec::new()),
        }
    }
}
