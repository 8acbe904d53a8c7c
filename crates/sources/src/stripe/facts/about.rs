//! What an answer is about: its objects, its amounts, whose it is.

use super::super::{
    App, OwnerSource,
    model::{Charge, Metadata, Session},
};
use crate::{Answer, Refusal, RefusalCode, claim::carried};
use domain::{
    ChainKey, Environment, Observation, Store,
    fact::{Note, RefundFact},
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

pub(super) fn objects<T: DeserializeOwned>(answer: &Answer, name: &str) -> Result<Vec<T>, Refusal> {
    answer
        .parts
        .iter()
        .filter(|part| part.name == name)
        .map(|part| {
            serde_json::from_value(part.body.clone()).map_err(|error| {
                Refusal::park(
                    RefusalCode::StoreAnswerUnreadable,
                    format!("the {name} {} cannot be read: {error}", part.id),
                )
            })
        })
        .collect()
}

pub(super) struct About<'a> {
    pub(super) answer: &'a Answer,
    pub(super) app: &'a App,
    pub(super) refunds: Vec<RefundFact>,
    pub(super) sessions: Vec<Session>,
    pub(super) charges: Vec<Charge>,
}

impl About<'_> {
    pub(super) fn version(&self) -> Timestamp {
        self.answer.asked_at
    }

    pub(super) fn chain(id: &str, livemode: bool) -> Observation {
        Observation::of(ChainKey {
            store: Store::Stripe,
            environment: if livemode {
                Environment::Production
            } else {
                Environment::Sandbox
            },
            id: id.to_owned(),
        })
    }

    /// What the message said that is no more than said.
    pub(super) fn notes(&self) -> Vec<Note> {
        let said = |what: &str| {
            let second = self.answer.question.prompt[what].as_i64()?;
            Timestamp::from_second(second).ok()
        };
        let ends = said("trial_will_end").map(|at| Note::TrialWillEnd { at });
        let paused = said("paused_at").map(|at| Note::Paused { at });
        ends.into_iter().chain(paused).collect()
    }

    /// The first name found, in the configured order.
    pub(super) fn owner(&self, own: Option<&Metadata>) -> Option<String> {
        let key = &self.app.owner_key;
        let customer = self.answer.parts("customer").next();
        let session = self.sessions.first();
        self.app.owner_sources.iter().find_map(|source| {
            let name = match source {
                OwnerSource::SubscriptionMetadata => own?.get(key).map(String::as_str),
                OwnerSource::SessionMetadata => {
                    session?.metadata.as_ref()?.get(key).map(String::as_str)
                }
                OwnerSource::ClientReferenceId => session?.client_reference_id.as_deref(),
                OwnerSource::CustomerMetadata => customer?.body["metadata"][key].as_str(),
                OwnerSource::CustomerId => customer.map(|customer| customer.id.as_str()),
            };
            carried(name)
        })
    }
}
