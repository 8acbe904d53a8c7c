//! Who we are at a vendor that knows us by a name and a secret, one pair for each platform or environment.

use super::who::Who;
use crate::Unsendable;
use domain::secret::Secret;

/// A name and its secret, as the settings hold them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account<'a> {
    /// The name.
    pub(crate) id: &'a str,
    /// Its secret.
    pub(crate) secret: &'a Secret,
    /// Which setting holds the name.
    pub(crate) id_setting: &'static str,
    /// Which setting holds the secret.
    pub(crate) secret_setting: &'static str,
}

impl Account<'_> {
    /// The same, where both are filled in.
    pub(crate) fn whole(self) -> Result<Self, Unsendable> {
        if self.id.is_empty() {
            return Err(Unsendable::lacks_setting(self.id_setting));
        }
        if self.secret.is_empty() {
            return Err(Unsendable::lacks_setting(self.secret_setting));
        }
        Ok(self)
    }

    /// That of the customer's platform. What is neither of iOS nor of Android goes where something is set up, iOS first.
    pub(crate) fn of_platform(who: Who<'_>, ios: Self, android: Self) -> Result<Self, Unsendable> {
        let is_ios = who.is_of_ios(!ios.id.is_empty(), !android.id.is_empty());
        let account = if is_ios { ios } else { android };
        account.whole()
    }
}
