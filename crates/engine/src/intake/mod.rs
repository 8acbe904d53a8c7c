//! Taking messages in: verify, load, decide, commit, and only then answer.
//!
//! **How it works.** [`Intake::accept`] has a message authenticated and read by the source of its app; what it says is
//! followed ([`follow`]): a store is asked first where it must be ([`inquiry`]), facts are decided about and committed
//! ([`process`]), and whose the purchase is gets settled ([`owner`], [`handover`]). What is said of a purchase that nobody has heard of waits
//! for that ([`awaited`]). Receipts, imports, statements and
//! whatever is done to two customers are messages like any other ([`receipt`], [`inbox`]).
//!
//! **What it does not do.** It decides nothing about events (`decide` does) and sends nothing: it hands over to dispatch what
//! it committed.
//!
//! **Before changing it.** Nothing answers before its write is durable, and no store is asked before the message that leads
//! to the question is.

mod account;
mod again;
mod awaited;
mod became;
mod crowd;
mod crowds;
mod desk;
mod follow;
mod handover;
mod heard;
mod inbox;
mod inquiry;
mod look;
mod manner;
mod message;
mod notice;
mod outcome;
mod owner;
mod probe;
mod process;
mod profile;
mod receipt;
mod recheck;
mod refund_answer;
mod revocation;
mod unheard;
mod vouched;
mod words;

pub use became::{Became, Fate};
pub(crate) use handover::Handover;
pub use outcome::{Accepted, IntakeError};
pub use profile::Profile;
pub(crate) use profile::check_name;
pub use receipt::Imported;
pub use refund_answer::{RefundAnswerError, awaits_answer};

use crate::{
    Core, Dispatch,
    metric::Metric,
    setup::{AppSetup, Setup},
    trace,
    under_way::Going,
};
use domain::{AppId, ProjectId, customer::Customer, time::after};
use jiff::{SignedDuration, Timestamp};
use ledger::Origin;
use message::{Named, digest};
use sources::{Incoming, Refusal, Source, Verdict};
use std::sync::Arc;
use tracing::Instrument;

/// How long an unreadable message waits for its next try.
const PARKED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The room where messages come in. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    core: Core,
    dispatch: Dispatch,
    memory: Arc<Memory>,
}

/// What is remembered between messages. Nothing of it is missed after a crash.
#[derive(Default)]
struct Memory {
    vouched: vouched::Vouched,
    crowds: crowds::Crowds,
    desks: desk::Desks,
    heard: words::Heard,
    unheard: unheard::Unheard,
    asking: Going,
}

impl Intake {
    /// A room that hands over to `dispatch` what it commits.
    pub(crate) fn new(core: Core, dispatch: Dispatch) -> Self {
        Self {
            core,
            dispatch,
            memory: Arc::default(),
        }
    }

    /// Waits until every store that was asked after its message was answered has been.
    #[cfg(feature = "test")]
    pub(crate) async fn answered(&self) {
        self.memory.asking.over().await;
    }

    /// What waits to be sent of a customer who was forgotten is read again before it is.
    pub(crate) fn let_go_of(&self, forgotten: &Customer) {
        self.dispatch.give_back_of(forgotten);
    }

    /// Takes in one message that a store sent to an app.
    ///
    /// When this returns `Ok`, the message is durable, and so is everything it led to, unless its store has to be asked
    /// first. Told twice, it changes nothing.
    pub async fn accept(
        &self,
        app: AppId,
        incoming: &Incoming<'_>,
    ) -> Result<Accepted, IntakeError> {
        let result = self.take_in(app, incoming).await;
        let outcome = match &result {
            Ok(accepted) => accepted.code(),
            Err(error) => error.code(),
        };
        if result.is_ok() {
            self.memory.heard.note(app, self.core.system().now());
        }
        let setup = self.core.setup();
        let source = setup.app(app).map_or("unknown", |app| app.row.store().id());
        Metric::MessagesReceived.count([("source", source), ("outcome", outcome)]);
        result
    }

    async fn take_in(&self, app: AppId, incoming: &Incoming<'_>) -> Result<Accepted, IntakeError> {
        if self.core.is_stopping() {
            return Err(IntakeError::Stopping);
        }
        if self.core.setup().app(app).is_none() {
            // It may have been added a moment ago by another process.
            self.core.reload().await?;
        }
        let setup = self.core.setup();
        let found = setup.known_app(app)?;
        let source = found.usable_source()?;
        source
            .authenticate(incoming, self.core.web(), self.core.system().now())
            .instrument(trace::verify(found.row.store().id()))
            .await
            .map_err(IntakeError::Refused)?;
        self.accept_trusted(app, incoming.body).await
    }

    /// Takes in a message whose sender was authenticated, or that was fetched from its store.
    pub(crate) async fn accept_trusted(
        &self,
        app: AppId,
        body: &[u8],
    ) -> Result<Accepted, IntakeError> {
        self.accept_as(app, body, None).await
    }

    /// The same of a message that is known by a key of its own, where it has one: told twice on a day by that, it changes nothing, whatever it says.
    pub(crate) async fn accept_as(
        &self,
        app: AppId,
        body: &[u8],
        key: Option<String>,
    ) -> Result<Accepted, IntakeError> {
        let setup = self.core.setup();
        let app = setup.known_app(app)?;
        let source = app.usable_source()?;
        let now = self.core.system().now();
        let received = match source.receive(body, now) {
            Ok(received) => received,
            Err(refusal) if refusal.verdict == Verdict::Park => {
                return self.keep_unreadable(app, body, refusal, now).await;
            }
            Err(refusal) => return Err(IntakeError::Refused(refusal)),
        };
        self.check_revocation(&received.revocation, now)
            .await
            .map_err(IntakeError::Refused)?;
        let (key, signed_at) = match key {
            // When it was made says nothing of which it is: whoever makes it again does so later.
            Some(key) => (key, beginning_of_day(now)),
            None => (received.key, received.signed_at),
        };
        let named = Named {
            origin: Origin::Store(app.row.store()),
            key,
            title: received.title,
            signed_at,
        };
        let message = app.message(named, body, now);
        let source = source.as_ref();
        self.follow(&setup, app, source, message, received.content)
            .await
    }

    /// Keeps a message that is genuine, for a release that can read it.
    async fn keep_unreadable(
        &self,
        app: &AppSetup,
        body: &[u8],
        refusal: Refusal,
        now: Timestamp,
    ) -> Result<Accepted, IntakeError> {
        let named = Named {
            origin: Origin::Store(app.row.store()),
            // Its own id cannot be trusted: its content names it.
            key: digest(app, body).to_string(),
            title: "unreadable".into(),
            signed_at: Timestamp::UNIX_EPOCH,
        };
        let message = app.message(named, body, now);
        let id = message.id;
        tracing::warn!(inbox.id = %id, app.id = %app.row.id, reason = refusal.detail, "a message cannot be read yet; it is kept and tried again");
        self.core
            .ledger()
            .park(message, refusal.detail, after(now, PARKED_FOR))
            .await?;
        Ok(Accepted::Parked { id })
    }
}

impl Setup {
    /// An app that must be there.
    fn known_app(&self, app: AppId) -> Result<&AppSetup, IntakeError> {
        self.app(app).ok_or(IntakeError::UnknownApp(app))
    }

    /// A project that must be there, with the app that its grants belong to.
    pub(crate) fn known_project(
        &self,
        project: ProjectId,
    ) -> Result<(&crate::ProjectSetup, &AppSetup), IntakeError> {
        self.project(project)
            .zip(self.grants(project))
            .ok_or_else(|| IntakeError::AppUnusable("its project is gone".into()))
    }
}

impl AppSetup {
    /// Its source, which must be usable.
    fn usable_source(&self) -> Result<&Arc<dyn Source>, IntakeError> {
        self.source
            .as_ref()
            .map_err(|problem| IntakeError::AppUnusable(problem.clone()))
    }
}

/// Midnight before, in UTC.
fn beginning_of_day(at: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400;
    let begun = at.as_second().div_euclid(DAY).saturating_mul(DAY);
    Timestamp::from_second(begun).unwrap_or(at)
}
