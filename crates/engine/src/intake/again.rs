//! Messages read again by a release that reads more from them.
//!
//! **Motivation.** What is read from a message is stored, and the message is kept. A release that tells the lines of a purchase
//! apart finds purchases whose stored facts do not: the next message about such a purchase would tell of lines as if they were
//! new. So the messages that were kept are read once more when such a release starts, before it takes in anything.
//!
//! **How it works.** Each message is read and compared with what is stored of its purchase; mostly nothing is missing. Of the
//! purchases of which something is, all messages are read again from the first, and what that makes takes the place of what is
//! stored, with nothing told of it ([`decide::again`]). Killed half-way it begins anew, and finds nothing missing where it has
//! been. When all is read, the ledger says of which edition it is.
//!
//! **What it does not do.** It changes no event: where a rule of today would have told something else,
//! [`crate::rederive`] says so.

use super::{Intake, IntakeError, inbox::content, inquiry::answered, manner::wanted};
use crate::{
    decide::{self, Circumstances},
    setup::{AppSetup, Setup},
};
use domain::{AppId, ChainKey, Observation, fact::Facts};
use ledger::{Archived, Committed, InboxMessage, LedgerError, Loaded, Origin, Wanted};
use sources::Content;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What is read from messages today. The second edition tells the lines of a purchase apart, the third those of Stripe for which nothing was
/// charged yet. Raised by one when a release reads
/// more from messages that were taken in before.
const EDITION: u64 = 3;
/// Messages read at once.
const AT_ONCE: usize = 500;
/// Purchases whose facts are in memory at once. Are there more, messages are gone through once more for them.
const PURCHASES: usize = 50_000;
/// Between two words about how far it is.
const WORD_EVERY: Duration = Duration::from_secs(5);
/// How often what is read is written against a customer that keeps changing.
const TRIES: u32 = 64;

/// A purchase of an app, by the id it was first stored with.
type Purchase = (AppId, ChainKey);

/// What a kept message says of a purchase that is known.
struct Said<'a> {
    app: &'a AppSetup,
    seen: Observation,
    loaded: Loaded,
}

impl Said<'_> {
    fn purchase(&self) -> Option<Purchase> {
        let known = self.loaded.chain.as_ref()?;
        Some((self.app.row.id, known.key.clone()))
    }
}

impl Intake {
    /// Reads kept messages once more if what is stored is of an earlier edition.
    pub(crate) async fn keep_up(&self) -> Result<(), LedgerError> {
        if self.core.ledger().edition().await? >= EDITION {
            return Ok(());
        }
        self.read_again().await?;
        self.core.ledger().put_edition(EDITION).await
    }

    /// Reads kept messages once more, and answers of how many purchases they say more than was stored. Nothing is told of that.
    pub(crate) async fn read_again(&self) -> Result<u64, LedgerError> {
        let setup = self.core.setup();
        let mut renewed = BTreeSet::new();
        loop {
            let lacking = self.lacking(&setup, &renewed).await?;
            let is_last = lacking.len() < PURCHASES;
            if !lacking.is_empty() {
                for (purchase, facts) in self.whole(&setup, lacking).await? {
                    self.renew(&setup, &purchase, &facts).await?;
                    renewed.insert(purchase);
                }
            }
            if is_last {
                break;
            }
        }
        let purchases = renewed.len() as u64;
        if purchases > 0 {
            tracing::info!(
                purchases,
                "more is known now of purchases that an earlier release read; nothing is told of it"
            );
        }
        Ok(purchases)
    }

    /// Purchases, as many as are gone through at once, of which a message says more than is stored.
    async fn lacking(
        &self,
        setup: &Setup,
        renewed: &BTreeSet<Purchase>,
    ) -> Result<BTreeMap<Purchase, Facts>, LedgerError> {
        let mut lacking = BTreeMap::new();
        self.each_message(setup, |said, at| {
            let (Some(purchase), Some(known)) = (said.purchase(), &said.loaded.chain) else {
                return;
            };
            let is_known = renewed.contains(&purchase) || lacking.contains_key(&purchase);
            if !is_known
                && lacking.len() < PURCHASES
                && decide::again::says_more(&known.stored, &said.seen, at)
            {
                lacking.insert(purchase, Facts::default());
            }
        })
        .await?;
        Ok(lacking)
    }

    /// What all messages say of these purchases.
    async fn whole(
        &self,
        setup: &Setup,
        mut purchases: BTreeMap<Purchase, Facts>,
    ) -> Result<BTreeMap<Purchase, Facts>, LedgerError> {
        self.each_message(setup, |said, at| {
            let facts = said
                .purchase()
                .and_then(|purchase| purchases.get_mut(&purchase));
            if let Some(facts) = facts {
                *facts = decide::again::with_message(std::mem::take(facts), &said.seen, at);
            }
        })
        .await?;
        Ok(purchases)
    }

    /// Goes through what every kept message says of a purchase that is known, in the order in which they were processed.
    async fn each_message(
        &self,
        setup: &Setup,
        mut does: impl FnMut(&Said<'_>, &Circumstances<'_>),
    ) -> Result<(), LedgerError> {
        let (ledger, system) = (self.core.ledger(), self.core.system());
        let (mut read, mut spoke) = (0_u64, system.uptime());
        for project in setup.projects() {
            let mut after = 0;
            loop {
                let page = ledger.archive(project.row.id, after, AT_ONCE).await?;
                if page.is_empty() {
                    break;
                }
                for Archived { position, message } in page {
                    (after, read) = (position, read + 1);
                    let Some(said) = self.said(setup, &message).await? else {
                        continue;
                    };
                    let at = Circumstances {
                        project,
                        app: said.app,
                        inbox: None,
                        now: system.now(),
                        heard_at: message.received_at,
                        rates: &self.core.rates(),
                    };
                    does(&said, &at);
                }
                if system.uptime().saturating_sub(spoke) >= WORD_EVERY {
                    spoke = system.uptime();
                    let project = &project.row.key;
                    tracing::info!(%project, messages = read, "reading messages again for this release, before anything is taken in");
                }
            }
        }
        Ok(())
    }

    /// What a message says of a purchase. `None` where it says nothing, or cannot be read any more.
    async fn said<'a>(
        &self,
        setup: &'a Setup,
        message: &InboxMessage,
    ) -> Result<Option<Said<'a>>, LedgerError> {
        let Some(app) = setup.app(message.app) else {
            return Ok(None);
        };
        let seen = match observation(app, message) {
            Ok(Some(seen)) => seen,
            Ok(None) => return Ok(None),
            Err(error) => {
                tracing::debug!(inbox.id = %message.id, %error, "a message cannot be read again");
                return Ok(None);
            }
        };
        let loaded = self.core.ledger().load(&wanted(app, &seen, None)).await?;
        Ok(Some(Said { app, seen, loaded }))
    }

    /// Puts what was read in the place of what is stored.
    async fn renew(
        &self,
        setup: &Setup,
        (app, chain): &Purchase,
        facts: &Facts,
    ) -> Result<(), LedgerError> {
        let Some(app) = setup.app(*app) else {
            return Ok(());
        };
        let Ok((project, _)) = setup.known_project(app.row.project) else {
            return Ok(());
        };
        let wanted = Wanted {
            project: app.row.project,
            app: app.row.id,
            chain: chain.clone(),
            links: Vec::new(),
            app_user_id: None,
        };
        let now = self.core.system().now();
        let at = Circumstances {
            project,
            app,
            inbox: None,
            now,
            heard_at: now,
            rates: &self.core.rates(),
        };
        for _ in 0..TRIES {
            let loaded = self.core.ledger().load(&wanted).await?;
            let Some(commit) = decide::again::renewed(loaded, facts, &at) else {
                return Ok(());
            };
            if self.core.commit(commit).await? != Committed::Conflict {
                return Ok(());
            }
        }
        tracing::error!(
            chain = chain.id,
            "a purchase kept changing and was not read again"
        );
        Ok(())
    }
}

/// What a kept message says of a purchase, if it does.
fn observation(app: &AppSetup, message: &InboxMessage) -> Result<Option<Observation>, IntakeError> {
    let source = app.usable_source()?.as_ref();
    match message.origin {
        Origin::Operation | Origin::Clock => Ok(None),
        Origin::Answer(_) => answered(source, message).map(|(_, seen)| seen),
        Origin::Store(_) | Origin::Receipt | Origin::Import => {
            match content(source, message).map_err(IntakeError::Refused)? {
                Content::Observed(seen) => Ok(Some(*seen)),
                Content::Notice(_) | Content::Nothing(_) | Content::Ask(_) => Ok(None),
            }
        }
    }
}
