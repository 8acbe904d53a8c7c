//! What the stores say. Each source verifies what it received, asks its store for what the message does not say, and
//! translates both into [`domain::Observation`]s. No source decides what an event is, and none knows another.
//!
//! **How it works.** A message is authenticated ([`Source::authenticate`]), then read ([`Source::receive`]). It either
//! states facts by itself or leads to a [`Question`] for the store's API. [`Source::ask`] holds that conversation and
//! returns the store's words as they came, an [`Answer`]; [`Source::read`] turns an answer into facts. Reading is a pure
//! function of the bytes, so an answer that was kept can be read again, years later, with the same result.
//!
//! **What to know before changing it.** Facts are made only in `receive` and `read`; whatever they need must be in the bytes.
#![warn(missing_docs)]

pub mod apple;
mod claim;
pub mod google;
mod jwt;
mod naming;
pub mod rates;
mod refund;
mod refusal;
pub mod stated;
pub mod stripe;
pub mod table;
mod web;

pub use claim::{Sender, stands_for};
pub use refund::{DeliveryStatus, RefundAnswer, RefundAsked, RefundPreference, Unanswered};
pub use refusal::{Refusal, RefusalCode, Verdict, Wrong};
pub use web::{Call, Method, Purpose, Reply, Trouble, Web};

use async_trait::async_trait;
use domain::customer::AppPurchase;
use domain::{
    ChainKey, Environment, EventKind, Facts, Observation, Snapshot, Store, event::Request,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A message as it came.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// Its body.
    pub body: &'a [u8],
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The `Stripe-Signature` header.
    pub signature: Option<&'a str>,
    /// The URL it was sent to.
    pub url: &'a str,
}

/// A verified message.
#[derive(Debug, Clone)]
pub struct Received {
    /// The source's own id of it: told twice, it is one message.
    pub key: String,
    /// What the source calls it, for people and the audit trail: `DID_RENEW / BILLING_RECOVERY`.
    pub title: String,
    /// When the source signed it.
    pub signed_at: Timestamp,
    /// What it says.
    pub content: Content,
    /// Questions to ask before it is believed, where that is switched on.
    pub revocation: Vec<apple::ocsp::Check>,
    /// What it is, in a sentence for people, where its title does not say and nothing may follow from it.
    pub remark: Option<String>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Nothing about a purchase: what it is, and why nothing follows, in a sentence for people.
    Nothing(String),
    /// Facts.
    Observed(Box<Observation>),
    /// That something happened; what, only the store can tell.
    Ask(Question),
    /// Something that somebody has to act on, about no purchase.
    Notice(Notice),
}

/// What a store says to whoever runs the app, about no purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is.
    pub kind: EventKind,
    /// The store that says it.
    pub store: Store,
    /// Where it holds.
    pub environment: Environment,
    /// What it is about, by the store's name of it.
    pub subject: String,
    /// The store's own id of the customer, where it says.
    pub account: Option<String>,
    /// The app's own name for the customer, where the store carries it.
    pub user_token: Option<String>,
    /// When it was said.
    pub at: Timestamp,
    /// What is asked.
    pub request: Option<Request>,
}

/// Something to ask a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// What kind of thing is asked about: `subscription`, `product`, `charge` ...
    pub about: String,
    /// The store's id of it.
    pub id: String,
    /// What the message that led here said, as far as the store does not repeat it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub prompt: Value,
    /// Ask for everything that ever happened to it, not only for how it stands.
    #[serde(default)]
    pub with_history: bool,
    /// Take what is answered for known, and tell nothing of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// The app's name for the customer, where whoever sent the message says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Who says it.
    #[serde(default, skip_serializing_if = "Sender::is_client")]
    pub sender: Sender,
    /// The offering that led to the purchase, where the client that sent it in said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offering: Option<String>,
    /// When the message that led here was received, or first sent, where its store sends again for days what does not arrive: neither a store
    /// that answers late nor a server that was away makes history of news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
}

impl Question {
    /// How a thing stands.
    pub fn about(about: &str, id: impl Into<String>) -> Self {
        Self {
            about: about.to_owned(),
            id: id.into(),
            prompt: Value::Null,
            with_history: false,
            silent: false,
            owner: None,
            sender: Sender::Client,
            offering: None,
            heard_at: None,
        }
    }
}

/// What a store answered about one purchase, in its own words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// When it was asked: the version of every fact that has none of its own.
    pub asked_at: Timestamp,
    /// The parts of the conversation.
    pub parts: Vec<Part>,
}

/// One thing a store answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is: `subscription`, `order` ...
    pub name: String,
    /// The store's id of it.
    pub id: String,
    /// The answer's body.
    pub body: Value,
}

impl Answer {
    /// The parts called `name`.
    pub fn parts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Part> {
        self.parts.iter().filter(move |part| part.name == name)
    }
}

/// A purchase that a client sent in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What the store gave the client.
    pub token: String,
    /// The product, where the client said.
    pub product: Option<String>,
    /// The app's name for the customer.
    pub app_user_id: String,
    /// Who sends it.
    #[serde(default, skip_serializing_if = "Sender::is_client")]
    pub sender: Sender,
    /// The offering that led to the purchase, where the client said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offering: Option<String>,
    /// What the client said was paid. Kept with the message and never believed: the store knows, and a client may be anyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_price: Option<String>,
}

/// A promotional offer that an app wants to make.
#[derive(Debug, Clone, Copy)]
pub struct OfferAsked<'a> {
    /// The product that it is of.
    pub product: &'a str,
    /// The offer, as the store calls it.
    pub offer: &'a str,
    /// For whom the app buys, as it tells the store; empty where it does not.
    pub account: &'a str,
    /// A UUID in small letters, never used before.
    pub nonce: &'a str,
    /// Now.
    pub at: Timestamp,
}

/// A promotional offer that a store will honour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedOffer {
    /// Which key signed.
    pub key_id: String,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// In base64.
    pub signature: String,
}

/// What came of asking a store whether an app's settings work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Where, for a store that has several places.
    pub environment: Option<Environment>,
    /// What was asked.
    pub asked: &'static str,
    /// What came of it.
    pub outcome: ProbeOutcome,
}

/// What came of a [`Probe`]. Texts are for people and hold nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// It works, and this is what was seen.
    Works(String),
    /// The store is at it; this token asks how it went.
    Waiting(String),
    /// It does not work.
    Fails {
        /// Stable code.
        code: &'static str,
        /// What is wrong and what would be right.
        detail: String,
    },
}

impl From<Trouble> for ProbeOutcome {
    fn from(trouble: Trouble) -> Self {
        Self::Fails {
            code: trouble.code(),
            detail: trouble.to_string(),
        }
    }
}

/// Verifies, decodes and asks for one app.
#[async_trait]
pub trait Source: Send + Sync {
    /// Whether the message is from whom it says, as far as its body alone cannot tell.
    async fn authenticate(
        &self,
        incoming: &Incoming<'_>,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<(), Refusal>;

    /// Decodes one authenticated message received at `now`, verifying what is signed inside.
    ///
    /// What says that it was so ahead of `now` is refused.
    fn receive(&self, body: &[u8], now: Timestamp) -> Result<Received, Refusal>;

    /// Decodes a message that was taken in before, as it was read then: what is kept passes by no rule of today's door, and so leads to the same events.
    /// What is signed inside is verified. Nothing lies ahead of [`Timestamp::MAX`].
    fn read_kept(&self, body: &[u8]) -> Result<Received, Refusal> {
        self.receive(body, Timestamp::MAX)
    }

    /// What a purchase sent in says. What is no proof of whose it is, is refused from a client as [`RefusalCode::UnprovenClaim`].
    fn receipt(&self, receipt: &Receipt, now: Timestamp) -> Result<Content, Refusal>;

    /// The receipts that one holds which is nothing but a list of others; `None` for what is a receipt itself.
    fn unpacked(&self, _token: &str) -> Option<Vec<String>> {
        None
    }

    /// What the store says of the app itself, signed: when this customer got it first, and which release that was.
    fn app_purchase(&self, _signed: &str) -> Result<AppPurchase, Refusal> {
        Err(Refusal::refuse(
            RefusalCode::MalformedReceipt,
            "the store of this app signs nothing about the app itself",
        ))
    }

    /// Signs a promotional offer, where the store of the app has such and its settings hold the key.
    fn sign_offer(&self, _asked: &OfferAsked<'_>) -> Result<SignedOffer, Trouble> {
        let why = "the store of this app has no promotional offers to sign";
        Err(Trouble::Refused(why.into()))
    }

    /// The question that tells what came before, when a purchase never heard of is first seen in the middle of its
    /// life; `None` when nothing can have come before, or there is nobody to ask.
    fn completes(&self, _seen: &Observation) -> Option<Question> {
        None
    }

    /// The question that tells how a known purchase stands now; `None` when there is nobody to ask.
    fn check(&self, chain: &ChainKey, facts: &Facts, snapshot: &Snapshot) -> Option<Question>;

    /// Asks the store. Several answers when the question leads to several purchases; none when it leads to none.
    async fn ask(
        &self,
        question: &Question,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Answer>, Trouble>;

    /// Asks the store for something harmless that it grants only when the app's settings are right, once per thing that can
    /// be wrong by itself. Empty when there is no store to ask.
    async fn probe(&self, web: &dyn Web, now: Timestamp) -> Vec<Probe>;

    /// How a probe went that was waiting.
    async fn probe_again(&self, probe: &Probe, _web: &dyn Web, _now: Timestamp) -> ProbeOutcome {
        probe.outcome.clone()
    }

    /// The facts in an answer; `None` when it holds no purchase yet.
    fn read(&self, answer: &Answer) -> Result<Option<Observation>, Refusal>;

    /// Answers what the store asks about a refund. What the store documents to refuse is not sent.
    async fn answer_refund(
        &self,
        _asked: &RefundAsked<'_>,
        _answer: &RefundAnswer,
        _web: &dyn Web,
        _now: Timestamp,
    ) -> Result<(), Unanswered> {
        let why = "the store of the purchase asks nobody about refunds";
        Err(Unanswered::Refused(why.into()))
    }

    /// Environments whose missed messages can be asked for.
    fn environments(&self) -> Vec<Environment> {
        Vec::new()
    }

    /// Bodies of messages the store could not deliver since `since`, as it would have sent them, oldest first.
    async fn missed(
        &self,
        _since: Timestamp,
        _environment: Environment,
        _web: &dyn Web,
        _now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        Ok(Vec::new())
    }
}
