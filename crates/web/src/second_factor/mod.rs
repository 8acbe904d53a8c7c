//! The second factor of members: codes that an app on their phone makes every half minute, and codes on paper for when it is lost.
//!
//! **How it works.** The phone and we have one secret, sealed in the ledger. A code is good in its own half minute and in its neighbours, once. A
//! recovery code is random enough that its digest is all that is kept of it.
//!
//! **What it does not do.** It does not slow down guessing: whoever asks counts tries first. Nor does it use a code up: the ledger does, with what the
//! code lets somebody do.

mod base32;
mod totp;

pub use totp::{Secret, step_at};

use crate::{
    App,
    access::digest,
    problem::{Code, Problem},
};
use configuration::{Sealed, Vault};
use domain::UserId;
use ledger::{FactorCode, LedgerError, SecondFactor};

/// How many recovery codes somebody gets.
const RECOVERY_CODES: usize = 10;
/// Bytes of one: nobody guesses 80 bits.
const RECOVERY_BYTES: usize = 10;

/// What the vault seals a secret for.
fn owner(user: UserId) -> String {
    format!("second factor of {user}")
}

fn opened(factor: &SecondFactor, vault: &Vault) -> Option<Secret> {
    let bytes = vault.open_sealed(&owner(factor.user), &factor.secret);
    Secret::of(&bytes.ok()?)
}

/// As one of the things that are sealed.
pub fn sealed(factor: SecondFactor) -> Sealed<'static> {
    let owner = owner(factor.user);
    Sealed::beside(owner.clone(), owner, factor.secret)
}

impl App {
    /// Gives a member a second factor, of which `step` was just used; answers with the recovery codes, which are shown once. `None` when the
    /// member has one, which stays as it is.
    pub async fn give_second_factor(
        &self,
        user: UserId,
        secret: &Secret,
        step: u64,
    ) -> Result<Option<Vec<String>>, LedgerError> {
        let (system, vault) = (self.engine.system(), self.engine.vault());
        let codes: Vec<String> = (0..RECOVERY_CODES)
            .map(|_| base32::grouped(&totp::random::<RECOVERY_BYTES>(system)))
            .collect();
        let digests = codes.iter().map(|code| digest(&base32::plain(code)));
        let factor = SecondFactor {
            user,
            secret: vault.seal(&owner(user), secret.bytes()),
            step,
            made_at: system.now(),
            recovery_codes: 0,
        };
        let ledger = self.engine.ledger();
        let is_given = ledger.put_second_factor(factor, digests.collect()).await?;
        Ok(is_given.then_some(codes))
    }

    /// What somebody typed, read as a code of a member's; `None` where the phone does not make it now. Whether it is good still, or one of those on paper
    /// at all, is known to the ledger.
    ///
    /// Errors: [`Code::SecretsUnreadable`] where the vault has another key than the secret was sealed with.
    pub fn read_code(
        &self,
        factor: &SecondFactor,
        code: &str,
    ) -> Result<Option<FactorCode>, Problem> {
        let code = base32::plain(code);
        if !totp::is_code(&code) {
            return Ok(Some(FactorCode::Recovery(digest(&code))));
        }
        let secret = opened(factor, self.engine.vault()).ok_or_else(|| {
            tracing::error!("a second factor cannot be opened with this secret key; `tidings doctor` says what else cannot, and what helps");
            Problem::new(
                Code::SecretsUnreadable,
                "your second factor was sealed with another secret key than the server has; a recovery code still works, an owner can reset it, and \
                 `tidings doctor` tells whoever runs the server what helps",
            )
        })?;
        let now = self.engine.system().now();
        let made_at = factor.made_at;
        let step = secret.step_of(&code, now);
        Ok(step.map(|step| FactorCode::Step { step, made_at }))
    }
}
