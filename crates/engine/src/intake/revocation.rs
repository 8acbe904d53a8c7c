//! Asks, where an app wants it, whether the certificates that signed a message were revoked.

use super::Intake;
use jiff::Timestamp;
use sources::{
    Call, Purpose, Refusal, RefusalCode, Reply,
    apple::ocsp::{Check, Doubt},
};

impl Intake {
    /// Refuses a revoked certificate for good, and asks the store to come back when there is no verdict.
    pub(super) async fn check_revocation(
        &self,
        checks: &[Check],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let vouched = &self.memory.vouched;
        for check in checks.iter().filter(|check| !vouched.holds(check, now)) {
            let answer = self.core.web().call(&request(check)).await;
            verdict(check, answer, now)?;
            vouched.remember(check, now);
        }
        Ok(())
    }
}

fn request(check: &Check) -> Call {
    let (url, body) = (check.url.clone(), check.request.clone());
    Call::post(Purpose::Keys, url, None, "application/ocsp-request", body)
}

/// `Ok` for a certificate that stands.
fn verdict(check: &Check, answer: Result<Reply, String>, now: Timestamp) -> Result<(), Refusal> {
    let again = |detail: String| Refusal::again(RefusalCode::RevocationUnknown, detail);
    let answer = answer.map_err(|problem| {
        // Whoever sent the message is not told what is wrong inside.
        tracing::warn!(problem, "the revocation responder could not be asked");
        again("the revocation responder could not be asked".into())
    })?;
    if answer.status != 200 {
        let status = answer.status;
        return Err(again(format!("the revocation responder answered {status}")));
    }
    check.judge(&answer.body, now).map_err(|doubt| match doubt {
        Doubt::Revoked => Refusal::refuse(RefusalCode::CertificateRevoked, doubt.to_string()),
        doubt @ Doubt::Unusable(_) => again(doubt.to_string()),
    })
}
