//! What became of a message, in words: what it was, and why no event came of it where none did.
//!
//! Nothing is kept for this. A message is read again as it was read when it came, which is a pure function of its bytes, and the events
//! that it led to name it as their cause.

use super::{Intake, inbox, manner::wanted};
use crate::setup::AppSetup;
use domain::{CustomerId, EventId, EventKind, Observation, ProjectId};
use jiff::{SignedDuration, Timestamp};
use ledger::{EventFilter, FeedRow, InboxMessage, LedgerError, Origin, Page};
use sources::{Answer, Content, Question, Source};

/// Events looked through for those of one message: of one moment, or of one customer.
const LOOKED_THROUGH: usize = 500;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Became {
    /// Stable code.
    pub code: Fate,
    /// The same in words.
    pub words: String,
    /// The events that it led to, in order.
    pub events: Vec<(EventId, EventKind)>,
}

/// The kinds of what can become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It waits, with a reason.
    Waits,
    /// Events came of it.
    Told,
    /// It says only that something happened: its store was asked, and the answer is a message of its own.
    Asked,
    /// It says something about a purchase, and nothing that an event is made of.
    NothingNew,
    /// It is about no purchase.
    NoPurchase,
}

impl Fate {
    /// The id used in the API.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Told => "told",
            Self::Asked => "asked",
            Self::NothingNew => "nothing_new",
            Self::NoPurchase => "no_purchase",
        }
    }
}

/// What a message is, read again.
struct Reread {
    fate: Fate,
    words: String,
    /// The purchase that it is about.
    seen: Option<Box<Observation>>,
}

impl Reread {
    fn of(fate: Fate, words: impl Into<String>) -> Self {
        Self {
            fate,
            words: words.into(),
            seen: None,
        }
    }
}

impl Intake {
    /// What became of a message, which waits for that reason or was processed.
    pub async fn became(
        &self,
        message: &InboxMessage,
        parked: Option<&str>,
    ) -> Result<Became, LedgerError> {
        if let Some(reason) = parked {
            return Ok(Became {
                code: Fate::Waits,
                words: format!("It waits, and is tried again by itself: {reason}."),
                events: Vec::new(),
            });
        }
        let setup = self.core.setup();
        let app = setup.app(message.app);
        let again = match app {
            Some(app) => reread(app, message),
            None => Reread::of(Fate::NothingNew, "Its app was removed."),
        };
        let mut events = self.events_of_its_moment(message).await?;
        if events.is_empty()
            && let Some((app, seen)) = app.zip(again.seen.as_ref())
        {
            events = self.events_of_its_purchase(app, seen, message).await?;
        }
        if events.is_empty() {
            return Ok(Became {
                code: again.fate,
                words: again.words,
                events,
            });
        }
        let count = events.len();
        Ok(Became {
            code: Fate::Told,
            words: match count {
                1 => "One event came of it.".to_owned(),
                _ => format!("{count} events came of it."),
            },
            events,
        })
    }

    /// Events that were recorded when it came.
    async fn events_of_its_moment(
        &self,
        message: &InboxMessage,
    ) -> Result<Vec<(EventId, EventKind)>, LedgerError> {
        let after = message.received_at + SignedDuration::from_micros(1);
        let span = Some(message.received_at).zip(Some(after));
        self.events_among(message, None, span).await
    }

    /// Events of whoever has the purchase that it is about, or had: one that waited long is among much later ones.
    async fn events_of_its_purchase(
        &self,
        app: &AppSetup,
        seen: &Observation,
        message: &InboxMessage,
    ) -> Result<Vec<(EventId, EventKind)>, LedgerError> {
        let known = self.core.ledger().load(&wanted(app, seen, None)).await?;
        let (owner, formers) = known.chain.map_or((None, Vec::new()), |chain| {
            (
                known.customer.map(|known| known.customer.id),
                chain.stored.formers,
            )
        });
        for customer in owner.into_iter().chain(formers) {
            let found = self.events_among(message, Some(customer), None).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    async fn events_among(
        &self,
        message: &InboxMessage,
        customer: Option<CustomerId>,
        span: Option<(Timestamp, Timestamp)>,
    ) -> Result<Vec<(EventId, EventKind)>, LedgerError> {
        let project: ProjectId = message.project;
        let (since, until) = span.unzip();
        let filter = EventFilter {
            project: Some(project),
            customer,
            since,
            until,
            ..EventFilter::default()
        };
        let page = Page::Before(None, LOOKED_THROUGH);
        let rows = self.core.ledger().events(&filter, page).await?;
        let is_its = |row: &FeedRow| row.event.cause.inbox == Some(message.id);
        let its = rows.into_iter().rev().filter(is_its);
        Ok(its.map(|row| (row.event.id, row.event.kind)).collect())
    }
}

fn reread(app: &AppSetup, message: &InboxMessage) -> Reread {
    let Ok(source) = &app.source else {
        let why = "The settings of its app cannot be used now, so it cannot be read again.";
        return Reread::of(Fate::NothingNew, why);
    };
    let source = source.as_ref();
    match message.origin {
        Origin::Store(_) => of_store(app, source, message),
        Origin::Answer(_) => of_answer(app, source, message),
        Origin::Receipt => of_receipt(app, source, message, RECEIPT),
        Origin::Import => of_receipt(app, source, message, IMPORT),
        Origin::Operation => Reread::of(Fate::NothingNew, OPERATION),
        Origin::Clock => Reread::of(Fate::NothingNew, CLOCK),
    }
}

const RECEIPT: &str =
    "What was sent in was known already, or changes nothing that an event is made of.";
const IMPORT: &str =
    "It was imported: what it says was taken for known, and nothing is told of it.";
const OPERATION: &str = "What was done to the customer changed nothing that an event is made of.";
const CLOCK: &str = "Time had passed, and changed nothing that an event is made of.";

fn of_store(app: &AppSetup, source: &dyn Source, message: &InboxMessage) -> Reread {
    let received = match source.read_kept(&message.body) {
        Ok(received) => received,
        Err(refusal) => {
            let why = format!("It cannot be read again now: {}.", refusal.detail);
            return Reread::of(Fate::NothingNew, why);
        }
    };
    match received.content {
        Content::Nothing(why) => Reread::of(Fate::NoPurchase, why),
        Content::Ask(question) => Reread::of(Fate::Asked, asked(app, &question)),
        Content::Notice(_) => Reread::of(Fate::NothingNew, "The same was told before."),
        Content::Observed(seen) => {
            let known = "What it says of the purchase was known already, or changes nothing that an event is made of.";
            Reread {
                seen: Some(seen),
                ..Reread::of(
                    Fate::NothingNew,
                    received.remark.unwrap_or_else(|| known.to_owned()),
                )
            }
        }
    }
}

fn asked(app: &AppSetup, Question { about, id, .. }: &Question) -> String {
    let store = app.row.store().title();
    format!(
        "It says only that something happened to the {} {id}. {store} was asked, and its answer is a message of its own: events come of that.",
        about.replace('_', " ")
    )
}

fn of_answer(app: &AppSetup, source: &dyn Source, message: &InboxMessage) -> Reread {
    let store = app.row.store().title();
    let Ok(answer) = serde_json::from_slice::<Answer>(&message.body) else {
        return Reread::of(Fate::NothingNew, "It cannot be read again now.");
    };
    let Question { about, id, .. } = &answer.question;
    let about = about.replace('_', " ");
    match source.read(&answer) {
        Ok(Some(seen)) if seen.transactions.is_empty() => Reread {
            seen: Some(Box::new(seen)),
            ..Reread::of(
                Fate::NothingNew,
                format!(
                    "{store} was asked about the {about} {id}, and shows it no more. That something of it was given back was known already, or is about a purchase that nothing else was ever heard of."
                ),
            )
        },
        Ok(Some(seen)) => Reread {
            seen: Some(Box::new(seen)),
            ..Reread::of(
                Fate::NothingNew,
                format!(
                    "{store} was asked about the {about} {id}. What it answered was known already, or changes nothing that an event is made of."
                ),
            )
        },
        Ok(None) => Reread::of(
            Fate::NoPurchase,
            format!(
                "{store} was asked about the {about} {id}, and shows nothing that was bought: the payment is pending or never came, or is of a kind that this app does not count."
            ),
        ),
        Err(refusal) => Reread::of(
            Fate::NothingNew,
            format!("It cannot be read again now: {}.", refusal.detail),
        ),
    }
}

fn of_receipt(app: &AppSetup, source: &dyn Source, message: &InboxMessage, known: &str) -> Reread {
    match inbox::content(source, message) {
        Ok(Content::Ask(question)) => Reread::of(Fate::Asked, asked(app, &question)),
        Ok(Content::Observed(seen)) => Reread {
            seen: Some(seen),
            ..Reread::of(Fate::NothingNew, known)
        },
        Ok(Content::Nothing(_) | Content::Notice(_)) | Err(_) => {
            Reread::of(Fate::NothingNew, known)
        }
    }
}
