//! Asks, where an app wants it, whether the certificates that signed a message were revoked.

use crate::{Engine, Guarded};
use destinations::{Header, Request, Via};
use jiff::{SignedDuration, Timestamp};
use sources::{
    Refusal, Verdict,
    apple::ocsp::{Check, Doubt},
};
use std::{collections::BTreeMap, time::Duration};

/// How long a good answer is believed, and how many are remembered. Source: App Store Server Library,
/// whose values these are.
const BELIEVED: SignedDuration = SignedDuration::from_mins(15);
const REMEMBERED: usize = 64;
const TIMEOUT: Duration = Duration::from_secs(10);

/// Good answers, by question.
#[derive(Default)]
pub(crate) struct Vouched(Guarded<BTreeMap<Vec<u8>, Timestamp>>);

impl Vouched {
    fn holds(&self, check: &Check, now: Timestamp) -> bool {
        let known = self.0.lock();
        known
            .get(&check.request)
            .is_some_and(|at| at.duration_until(now) < BELIEVED)
    }

    fn remember(&self, check: &Check, now: Timestamp) {
        let mut known = self.0.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(check.request.clone(), now);
    }
}

impl Engine {
    /// Refuses a revoked certificate for good, and asks the store to come back when there is no verdict.
    pub(crate) async fn check_revocation(
        &self,
        checks: &[Check],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        for check in checks
            .iter()
            .filter(|check| !self.inner.vouched.holds(check, now))
        {
            let header = Header {
                name: "content-type",
                value: "application/ocsp-request".into(),
                secret: false,
            };
            let request = Request {
                via: Via::Http,
                url: check.url.clone(),
                secret_url: false,
                headers: vec![header],
                body: check.request.clone(),
            };
            let answer = self.core().transport().send(&request, TIMEOUT).await;
            let again = |detail: String| Refusal {
                code: "revocation_unknown",
                detail,
                verdict: Verdict::Again,
            };
            match answer {
                Ok(answer) if answer.status == 200 => match check.judge(&answer.body, now) {
                    Ok(()) => self.inner.vouched.remember(check, now),
                    Err(Doubt::Revoked) => {
                        return Err(Refusal {
                            code: "certificate_revoked",
                            detail: Doubt::Revoked.to_string(),
                            verdict: Verdict::Refuse,
                        });
                    }
                    Err(doubt) => return Err(again(doubt.to_string())),
                },
                Ok(answer) => {
                    return Err(again(format!(
                        "the revocation responder answered {}",
                        answer.status
                    )));
                }
                Err(error) => {
                    return Err(again(format!(
                        "the revocation responder could not be asked: {error}"
                    )));
                }
            }
        }
        Ok(())
    }
}
