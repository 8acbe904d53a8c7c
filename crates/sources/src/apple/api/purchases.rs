//! What a customer bought: history and statuses, chain by chain.

use super::{
    super::jws::Parts,
    client::{Api, WHO},
};
use crate::{Answer, Part, Question, Trouble, Web};
use domain::Environment;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Pages of history read for one question; 20 transactions each.
const MOST_PAGES: usize = 500;

#[derive(Deserialize)]
struct Statuses {
    #[serde(default)]
    data: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(default)]
    last_transactions: Vec<Last>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Last {
    original_transaction_id: String,
    status: Option<i64>,
    signed_transaction_info: Option<String>,
    signed_renewal_info: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct History {
    revision: Option<String>,
    #[serde(default)]
    has_more: bool,
    #[serde(default)]
    signed_transactions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Names {
    transaction_id: String,
    original_transaction_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct One {
    signed_transaction_info: String,
}

/// What a question says beyond its id.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Prompt {
    environment: Option<Environment>,
    /// Only these chains of the customer.
    chains: Option<BTreeSet<String>>,
    /// History from here on, milliseconds.
    since: Option<i64>,
}

impl Prompt {
    fn wants(&self, chain: &str) -> bool {
        self.chains
            .as_ref()
            .is_none_or(|chains| chains.contains(chain))
    }
}

/// The chain and transaction a signed string names, before it is verified: only to sort the answer.
fn names(signed: &str) -> Option<Names> {
    let json = Parts::split(signed).ok()?.unverified().ok()?;
    serde_json::from_slice(&json).ok()
}

/// An id that can stand in a path.
fn path_id(id: &str) -> Result<&str, Trouble> {
    let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain
        .then_some(id)
        .ok_or_else(|| Trouble::Unknown(format!("{id:?} is not a transaction id")))
}

impl Api {
    /// Every chain of the customer that the question's transaction belongs to, or just one. The environment is not
    /// always known: production is asked first.
    pub(in crate::apple) async fn purchases(
        &self,
        question: &Question,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Answer>, Trouble> {
        let prompt = Option::<Prompt>::deserialize(&question.prompt)
            .map_err(|error| Trouble::Nonsense(format!("the question cannot be read: {error}")))?
            .unwrap_or_default();
        let mut unknown = Trouble::Unknown(format!(
            "this app accepts no environment in which {} could be",
            question.id
        ));
        for (environment, host) in &self.hosts {
            if prompt
                .environment
                .is_some_and(|wanted| wanted != *environment)
            {
                continue;
            }
            match self.purchases_in(host, question, &prompt, web, now).await {
                Err(trouble @ Trouble::Unknown(_)) => unknown = trouble,
                other => return other,
            }
        }
        Err(unknown)
    }

    async fn purchases_in(
        &self,
        host: &str,
        question: &Question,
        prompt: &Prompt,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Answer>, Trouble> {
        let id = path_id(&question.id)?;
        let mut found = Found {
            prompt,
            parts: BTreeMap::new(),
        };
        if question.with_history {
            self.history(host, id, &mut found, web, now).await?;
        }
        self.statuses(host, id, &mut found, web, now).await?;
        if !found.answers(id) {
            // Neither a subscription nor part of the history: one that only the transaction itself tells of.
            let url = format!("{host}/inApps/v1/transactions/{id}");
            let One {
                signed_transaction_info: signed,
            } = self.get(url, web, now).await?.json(WHO)?;
            found.transaction(None, signed);
        }
        let answers = found.parts.into_iter().map(|(chain, parts)| Answer {
            question: Question {
                id: chain,
                ..question.clone()
            },
            asked_at: now,
            parts,
        });
        Ok(answers.collect())
    }

    /// Every transaction since what was asked for, page by page.
    async fn history(
        &self,
        host: &str,
        id: &str,
        found: &mut Found<'_>,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let since = found.prompt.since;
        let since = since.map(|since| format!("&startDate={since}"));
        let since = since.unwrap_or_default();
        let mut revision = String::new();
        for _ in 0..MOST_PAGES {
            let url = format!("{host}/inApps/v2/history/{id}?sort=ASCENDING{since}{revision}");
            let history: History = self.get(url, web, now).await?.json(WHO)?;
            for signed in history.signed_transactions {
                found.transaction(None, signed);
            }
            match history.revision.filter(|_| history.has_more) {
                Some(next) => revision = format!("&revision={next}"),
                None => return Ok(()),
            }
        }
        Err(Trouble::Nonsense(format!(
            "{WHO} answered more than {MOST_PAGES} pages of history for {id}"
        )))
    }

    /// How every subscription of the group stands.
    async fn statuses(
        &self,
        host: &str,
        id: &str,
        found: &mut Found<'_>,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let url = format!("{host}/inApps/v1/subscriptions/{id}");
        let statuses: Statuses = self.get(url, web, now).await?.json(WHO)?;
        let groups = statuses.data.into_iter();
        for last in groups.flat_map(|group| group.last_transactions) {
            let chain = last.original_transaction_id;
            if let Some(signed) = last.signed_transaction_info {
                found.transaction(Some(&chain), signed);
            }
            if let Some(signed) = last.signed_renewal_info {
                let body = json!({ "status": last.status, "signed": signed });
                found.add(chain.clone(), "renewal", chain, body);
            }
        }
        Ok(())
    }
}

/// What the store told of each purchase that was asked about.
struct Found<'a> {
    prompt: &'a Prompt,
    parts: BTreeMap<String, Vec<Part>>,
}

impl Found<'_> {
    fn add(&mut self, chain: String, name: &str, id: String, body: Value) {
        if self.prompt.wants(&chain) {
            self.parts.entry(chain).or_default().push(Part {
                name: name.into(),
                id,
                body,
            });
        }
    }

    /// Adds a transaction, to this chain or the one that it names; one that names nothing is passed over.
    fn transaction(&mut self, chain: Option<&String>, signed: String) {
        if let Some(names) = names(&signed) {
            let chain = chain.cloned().unwrap_or(names.original_transaction_id);
            self.add(chain, "transaction", names.transaction_id, signed.into());
        }
    }

    /// Whether this id is among what was told, as a chain or as a transaction.
    fn answers(&self, id: &str) -> bool {
        let is_named = |part: &Part| part.id == id;
        let mut parts = self.parts.iter();
        parts.any(|(chain, parts)| chain == id || parts.iter().any(is_named))
    }
}
