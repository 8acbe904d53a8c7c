//! Whoever has only the public key of an app may be anyone: whom it makes, and what it leaves waiting for a store, comes at a pace.
//!
//! A customer that is there is never slowed. Writes are put off with 503: iOS finishes a transaction at any other answer, and Android takes what
//! it wrote for written.

use super::{Client, Error, error::Code};
use engine::IntakeError;
use ledger::{CustomerRecord, Scope};
use web::{App, paces::Made};

impl Client {
    /// Whether it has only the public key of an app.
    pub(super) fn is_public(&self) -> bool {
        self.caller.scope == Scope::Client
    }

    /// Whom one more customer of this caller counts for.
    fn made(&self) -> [Made; 3] {
        let of_app = self.caller.app.map_or(Made::AnyCustomer, Made::CustomerOf);
        [Made::Customer(self.address), of_app, Made::AnyCustomer]
    }

    /// The customer of a name, if there is one. Otherwise one more may be made for this caller, or it is put off with `later`.
    pub(super) async fn let_in(
        &self,
        app: &App,
        name: &str,
        later: Code,
    ) -> Result<Option<CustomerRecord>, Error> {
        let known = app.engine.customers().known(self.project, name).await?;
        if known.is_none() && self.is_public() {
            let uptime = app.engine.system().uptime();
            app.gate
                .paces
                .take_all(&self.made(), uptime)
                .map_err(|wait| Error::again_after(later, wait))?;
        }
        Ok(known)
    }

    /// The same for a purchase that is sent in. Where only those of all addresses together come too fast, it is let in, and nothing else is
    /// written before it is proved: whoever pays is no stranger.
    pub(super) async fn let_in_with_purchase(&self, app: &App, name: &str) -> Result<LetIn, Error> {
        let known = app.engine.customers().known(self.project, name).await?;
        if known.is_some() || !self.is_public() {
            return Ok(LetIn {
                known,
                is_counted: true,
            });
        }
        let uptime = app.engine.system().uptime();
        let [of_address, totals @ ..] = self.made();
        app.gate
            .paces
            .take(of_address, uptime)
            .map_err(|wait| Error::again_after(Code::Later, wait))?;
        let is_counted = app.gate.paces.take_all(&totals, uptime).is_ok();
        Ok(LetIn { known, is_counted })
    }

    /// One more receipt may be left waiting by this caller; it counts until it is [given back](Waits::ends).
    pub(super) fn leave_waiting<'a>(
        &self,
        app: &'a App,
        of: Option<&CustomerRecord>,
    ) -> Result<Waits<'a>, Error> {
        if !self.is_public() {
            return Ok(Waits(None));
        }
        let owner = of.filter(|known| !known.purchases.is_empty());
        let made = owner.map_or(Made::Receipt(self.address), |owner| {
            Made::ReceiptOf(owner.customer.id, self.address)
        });
        app.gate
            .paces
            .take(made, app.engine.system().uptime())
            .map_err(|wait| Error::again_after(Code::Later, wait))?;
        Ok(Waits(Some((app, made))))
    }
}

/// Somebody who sends a purchase in.
pub(super) struct LetIn {
    /// The customer, if there is one.
    pub(super) known: Option<CustomerRecord>,
    /// One more may be made before the purchase is proved.
    pub(super) is_counted: bool,
}

/// A receipt that counts as left waiting.
pub(super) struct Waits<'a>(Option<(&'a App, Made)>);

impl Waits<'_> {
    /// Takes note of what came of it: what does not wait does not count.
    pub(super) fn ends(self, taken: Result<(), &IntakeError>) {
        if let Some((app, made)) = self.0
            && !waits(taken)
        {
            app.gate.paces.give_back(made);
        }
    }
}

/// Whether a receipt is kept and tried again.
const fn waits(taken: Result<(), &IntakeError>) -> bool {
    match taken {
        Err(
            IntakeError::Store(_)
            | IntakeError::Ledger(_)
            | IntakeError::Contended
            | IntakeError::Stopping,
        ) => true,
        Ok(())
        | Err(
            IntakeError::UnknownApp(_)
            | IntakeError::AppUnusable(_)
            | IntakeError::Refused(_)
            | IntakeError::Name(..)
            | IntakeError::Ours(_)
            | IntakeError::OwnedByAnother
            | IntakeError::Crowded,
        ) => false,
    }
}
