//! Contact data as networks of advertisers compare it: normalised, and of that the digest. Source: Meta, "Customer Information Parameters";
//! Snapchat, "Data hygiene"; TikTok, "Events API parameters"; they agree but for the plus of telephone numbers.

use super::who::Who;
use crate::encode::sha256;

impl Who<'_> {
    /// The digest of the mail address: without space around it, in lower case.
    pub(crate) fn hashed_email(self) -> Option<String> {
        let email = self.attribute("$email")?;
        Some(sha256(email.trim().to_lowercase()))
    }

    /// The digest of the telephone number: digits alone, from the country code on.
    pub(crate) fn hashed_phone(self) -> Option<String> {
        self.digits().map(|digits| sha256(&digits))
    }

    /// The same of the number as ITU-T E.164 writes it: with a plus.
    pub(crate) fn hashed_phone_with_plus(self) -> Option<String> {
        self.digits().map(|digits| sha256(format!("+{digits}")))
    }

    /// The digest of the app's name for the customer, in lower case.
    pub(crate) fn hashed_id(self) -> String {
        sha256(self.app_user_id().trim().to_lowercase())
    }

    fn digits(self) -> Option<String> {
        let said = self.attribute("$phoneNumber")?.chars();
        let digits: String = said.filter(char::is_ascii_digit).collect();
        let digits = digits.trim_start_matches('0');
        (!digits.is_empty()).then(|| digits.to_owned())
    }
}
