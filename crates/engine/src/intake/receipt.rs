//! Purchases that somebody sends in for a customer: a client its receipt, an operator an import, a key of the project a
//! statement.

use super::{
    Accepted, Intake, IntakeError,
    manner::{Manner, Word, left_open},
    message::{Named, digest},
    profile::{check_given, check_vouched},
};
use crate::{
    places::Place,
    setup::{AppSetup, Setup},
};
use domain::{
    AppId, ProjectId,
    customer::{A_NAME, AppPurchase, NOT_OURS, is_name, is_ours},
    fact::Note,
};
use jiff::Timestamp;
use ledger::{InboxMessage, Origin};
use serde_json::json;
use sources::{
    Content, OfferAsked, Question, Receipt, Refusal, RefusalCode, SignedOffer, Source, Trouble,
    Wrong,
};

/// What an import of one purchase led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// The customer has purchases now.
    Purchase,
    /// The store knows it, but nothing was paid yet.
    Nothing,
}

/// What a stored receipt says.
pub(super) fn stored(source: &dyn Source, message: &InboxMessage) -> Result<Content, Refusal> {
    let receipt: Receipt = serde_json::from_slice(&message.body)
        .map_err(|error| Refusal::park(RefusalCode::MalformedReceipt, error.to_string()))?;
    content(source, &receipt, message.received_at)
}

/// What a receipt says, with what only the client knows.
fn content(source: &dyn Source, receipt: &Receipt, now: Timestamp) -> Result<Content, Refusal> {
    let mut content = source.receipt(receipt, now)?;
    match &mut content {
        Content::Nothing(_) | Content::Notice(_) => {}
        Content::Ask(question) => question.offering.clone_from(&receipt.offering),
        Content::Observed(seen) => {
            let offering = receipt.offering.clone();
            seen.notes
                .extend(offering.map(|offering| Note::Offered { at: now, offering }));
        }
    }
    Ok(content)
}

/// Whom a receipt names, and who does.
fn word(receipt: &Receipt) -> Word {
    Word {
        name: receipt.app_user_id.clone(),
        sender: receipt.sender,
    }
}

/// A receipt as a message: one for each customer and token.
fn message(
    app: &AppSetup,
    receipt: &Receipt,
    origin: Origin,
    title: &str,
    now: Timestamp,
) -> InboxMessage {
    let name = format!("{}\n{}", receipt.app_user_id, receipt.token);
    let named = Named {
        origin,
        key: digest(app, name.as_bytes()).to_string(),
        title: title.into(),
        signed_at: Timestamp::UNIX_EPOCH,
    };
    app.message(named, json!(receipt).to_string().as_bytes(), now)
}

/// Whether a statement may name somebody like that; otherwise what it has to be.
fn given(name: &str) -> Result<(), &'static str> {
    match name {
        name if !is_name(name) => Err(A_NAME),
        name if is_ours(name) => Err(NOT_OURS),
        _ => Ok(()),
    }
}

impl Intake {
    /// How somebody got the app itself, where its store signed that.
    pub fn app_purchase(&self, app: AppId, signed: &str) -> Result<AppPurchase, IntakeError> {
        let setup = self.core.setup();
        let source = setup.known_app(app)?.usable_source()?;
        source.app_purchase(signed).map_err(IntakeError::Refused)
    }

    /// A promotional offer of an app, signed with its settings' key.
    pub fn sign_offer(
        &self,
        app: AppId,
        asked: &OfferAsked<'_>,
    ) -> Result<SignedOffer, IntakeError> {
        let setup = self.core.setup();
        let source = setup.known_app(app)?.usable_source()?;
        source.sign_offer(asked).map_err(IntakeError::Store)
    }

    /// Takes in a purchase that a client sends for one customer, or each of those that its receipt is a list of, and waits until its store has
    /// said what it is, where the receipt does not say so itself.
    pub async fn take_receipt(&self, app: AppId, receipt: &Receipt) -> Result<(), IntakeError> {
        let setup = self.core.setup();
        let held = {
            let source = setup.known_app(app)?.usable_source()?;
            source.unpacked(&receipt.token)
        };
        let Some(held) = held else {
            return self.take_one(&setup, app, receipt).await;
        };
        check_given(&receipt.app_user_id)?;
        for token in held {
            let receipt = Receipt {
                token,
                ..receipt.clone()
            };
            self.take_one(&setup, app, &receipt).await?;
        }
        Ok(())
    }

    async fn take_one(
        &self,
        setup: &Setup,
        app: AppId,
        receipt: &Receipt,
    ) -> Result<(), IntakeError> {
        let app = setup.known_app(app)?;
        let source = app.usable_source()?;
        let now = self.core.system().now();
        check_given(&receipt.app_user_id)?;
        let content = content(source.as_ref(), receipt, now).map_err(IntakeError::Refused)?;
        let message = message(app, receipt, Origin::Receipt, "RECEIPT", now);
        let (ledger, project) = (self.core.ledger(), app.row.project);
        let was_seen = ledger.seen(message.id).await?;
        if !was_seen && receipt.sender.is_client() {
            // What is refused makes nobody.
            let known = ledger.customer(project, &receipt.app_user_id).await?;
            let has_purchases = known.is_some_and(|known| !known.purchases.is_empty());
            self.may_one_more_wait(app.row.id, has_purchases).await?;
        }
        self.profile(project, &receipt.app_user_id, now).await?;
        if !was_seen {
            self.park_until_answered(app, &message).await?;
            return self.answer(setup, app, receipt, message, &content).await;
        }
        // Sent before: a store that has to be asked is asked how the purchase stands now, and whose it is is decided again.
        match &content {
            Content::Nothing(_) | Content::Notice(_) => {}
            Content::Ask(question) => {
                let _place = self.place_to_wait(app, receipt)?;
                let asked = self.inquire(setup, app, question).await?;
                asked.map_err(IntakeError::Store)?;
            }
            Content::Observed(seen) => {
                let manner = Manner {
                    owner: Some(word(receipt)),
                    silent: false,
                    heard_at: None,
                };
                self.process(setup, app, message, seen, manner).await?;
            }
        }
        Ok(())
    }

    /// Does what a parked receipt says; where its store has to be asked first, the client waits for it, if it may.
    async fn answer(
        &self,
        setup: &Setup,
        app: &AppSetup,
        receipt: &Receipt,
        message: InboxMessage,
        content: &Content,
    ) -> Result<(), IntakeError> {
        let source = app.usable_source()?.as_ref();
        let Some(question) = self.open_question(app, source, content).await? else {
            self.conclude(setup, app, message, content).await?;
            return Ok(());
        };
        let _place = match self.place_to_wait(app, receipt) {
            Err(IntakeError::Store(trouble)) => {
                self.park_for(&message, 0, &trouble).await?;
                return Err(IntakeError::Store(trouble));
            }
            place => place?,
        };
        self.ask_first(setup, app, message, 0, content, question)
            .await?;
        Ok(())
    }

    /// A place for whoever waits for what the store answers. A server of the project needs none: strangers come without end.
    ///
    /// Errors: so many clients wait already that the store counts as unavailable.
    fn place_to_wait(
        &self,
        app: &AppSetup,
        receipt: &Receipt,
    ) -> Result<Option<Place>, IntakeError> {
        if !receipt.sender.is_client() {
            return Ok(None);
        }
        let place = self.core.place_to_wait(app.row.id);
        let crowded = || {
            IntakeError::Store(Trouble::Unavailable {
                detail: "so many clients wait for its answers that this one does not".into(),
                again_at: None,
            })
        };
        place.map(Some).ok_or_else(crowded)
    }

    /// Brings in a purchase of one customer, as its store knows it. Nothing is told unless `tell_events`; what is known of the
    /// purchase already stays, and what was told stays told.
    pub async fn import(
        &self,
        app: AppId,
        receipt: &Receipt,
        tell_events: bool,
    ) -> Result<Imported, IntakeError> {
        let setup = self.core.setup();
        let app = setup.known_app(app)?;
        let source = app.usable_source()?;
        let (project, now) = (app.row.project, self.core.system().now());
        check_vouched(&receipt.app_user_id)?;
        let content = content(source.as_ref(), receipt, now).map_err(IntakeError::Refused)?;
        self.profile(project, &receipt.app_user_id, now).await?;
        let mut is_purchase = false;
        if let Some(question) = left_open(source.as_ref(), &content) {
            let question = Question {
                silent: !tell_events,
                owner: Some(receipt.app_user_id.clone()),
                sender: receipt.sender,
                ..question
            };
            let before = self.has_purchases(project, receipt).await?;
            let _place = self.place_to_wait(app, receipt)?;
            let asked = self.inquire(&setup, app, &question).await?;
            asked.map_err(IntakeError::Store)?;
            is_purchase = self.has_purchases(project, receipt).await? || before;
        }
        if let Content::Observed(seen) = &content {
            let origin = if tell_events {
                Origin::Receipt
            } else {
                Origin::Import
            };
            let message = message(app, receipt, origin, "IMPORT", now);
            let manner = Manner {
                owner: Some(word(receipt)),
                silent: !tell_events,
                heard_at: None,
            };
            self.process(&setup, app, message, seen, manner).await?;
            is_purchase = true;
        }
        Ok(if is_purchase {
            Imported::Purchase
        } else {
            Imported::Nothing
        })
    }

    async fn has_purchases(
        &self,
        project: ProjectId,
        receipt: &Receipt,
    ) -> Result<bool, IntakeError> {
        let ledger = self.core.ledger();
        let record = ledger.customer(project, &receipt.app_user_id).await?;
        Ok(record.is_some_and(|record| !record.purchases.is_empty()))
    }

    /// Takes in a purchase that a key of the project vouches for.
    pub async fn take_statement(&self, app: AppId, body: &[u8]) -> Result<Accepted, IntakeError> {
        let setup = self.core.setup();
        let source = setup.known_app(app)?.usable_source()?;
        let received = source.receive(body, self.core.system().now());
        // What cannot be read is refused below.
        if let Ok(Content::Observed(seen)) = received.map(|received| received.content)
            && let Err(says) = given(seen.user_token.as_deref().unwrap_or_default())
        {
            let wrong = vec![Wrong::new("app_user_id", says)];
            let refusal = Refusal::of_fields(RefusalCode::InvalidPurchase, wrong);
            return Err(IntakeError::Refused(refusal));
        }
        self.accept_trusted(app, body).await
    }
}
