//! How an attempt ended: what becomes of its delivery, and, apart from that, what it says about its endpoint.

use crate::TransportError;
use destinations::{Configured, Outcome, Response, Unsendable};
use domain::NotSent;
use std::time::Duration;

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum End {
    /// Nothing went out: the message could not be rendered.
    Unsendable(Unsendable),
    /// No answer came.
    Unanswered(TransportError),
    /// An answer came: its status, and what it means.
    Answered(u16, Outcome),
}

/// What an attempt says about its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// It took something.
    Accepted,
    /// It answered, and refused this delivery for good.
    Refused,
    /// It could not be reached, or could not take this now.
    Failing,
    /// Nothing: no request went out.
    Nothing,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Done.
    Delivered,
    /// Failed for good.
    Failed(NotSent),
    /// To be tried again, if its policy allows, not before the given pause.
    Again(NotSent, Option<Duration>),
}

impl End {
    pub(super) fn of(
        configured: &dyn Configured,
        answer: &Result<Response, TransportError>,
    ) -> Self {
        match answer {
            Err(error) => Self::Unanswered(error.clone()),
            Ok(response) => Self::Answered(response.status, configured.classify(response)),
        }
    }

    /// What it says about the endpoint. Whether its delivery is tried again or given up makes no difference.
    pub(super) const fn says(&self) -> Says {
        match self {
            Self::Unsendable(_) | Self::Unanswered(TransportError::Blocked(_)) => Says::Nothing,
            Self::Unanswered(TransportError::Network(_)) | Self::Answered(_, Outcome::Retry(_)) => {
                Says::Failing
            }
            Self::Answered(
                _,
                Outcome::Rejected(_) | Outcome::Gone(_) | Outcome::CredentialsRefused(_),
            ) => Says::Refused,
            Self::Answered(_, Outcome::Delivered) => Says::Accepted,
        }
    }

    /// What becomes of the delivery, and what people read about it.
    pub(super) fn judge(&self) -> (Verdict, String) {
        match self {
            Self::Unsendable(Unsendable { reason, detail }) => {
                (Verdict::Failed(*reason), detail.clone())
            }
            Self::Unanswered(TransportError::Blocked(why)) => {
                (Verdict::Failed(NotSent::BlockedAddress), why.clone())
            }
            Self::Unanswered(TransportError::Network(why)) => {
                (Verdict::Again(NotSent::NetworkError, None), why.clone())
            }
            Self::Answered(_, Outcome::Delivered) => (Verdict::Delivered, String::new()),
            Self::Answered(status, Outcome::Retry(asked)) => (
                Verdict::Again(NotSent::RejectedByDestination, *asked),
                format!("answered {status}"),
            ),
            Self::Answered(_, Outcome::Rejected(why) | Outcome::Gone(why)) => {
                (Verdict::Failed(NotSent::RejectedByDestination), why.clone())
            }
            Self::Answered(_, Outcome::CredentialsRefused(why)) => {
                (Verdict::Failed(NotSent::MissingCredentials), why.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_says_what_it_says_about_its_endpoint_whatever_becomes_of_its_delivery() {
        use Verdict::{Again, Delivered, Failed};
        let why = || "why".to_owned();
        let unsendable = |reason| {
            let detail = why();
            End::Unsendable(Unsendable { reason, detail })
        };
        let asked = Some(Duration::from_secs(30));
        let rejected = NotSent::RejectedByDestination;
        for (end, says, verdict) in [
            // Nothing went out.
            (
                unsendable(NotSent::MissingCustomerData),
                Says::Nothing,
                Failed(NotSent::MissingCustomerData),
            ),
            (
                unsendable(NotSent::MissingCredentials),
                Says::Nothing,
                Failed(NotSent::MissingCredentials),
            ),
            (
                End::Unanswered(TransportError::Blocked(why())),
                Says::Nothing,
                Failed(NotSent::BlockedAddress),
            ),
            // It did not work, whether that was the last try or not.
            (
                End::Unanswered(TransportError::Network(why())),
                Says::Failing,
                Again(NotSent::NetworkError, None),
            ),
            (
                End::Answered(500, Outcome::Retry(None)),
                Says::Failing,
                Again(rejected, None),
            ),
            (
                End::Answered(429, Outcome::Retry(asked)),
                Says::Failing,
                Again(rejected, asked),
            ),
            // It answered, and took nothing.
            (
                End::Answered(404, Outcome::Rejected(why())),
                Says::Refused,
                Failed(rejected),
            ),
            (
                End::Answered(410, Outcome::Gone(why())),
                Says::Refused,
                Failed(rejected),
            ),
            (
                End::Answered(401, Outcome::CredentialsRefused(why())),
                Says::Refused,
                Failed(NotSent::MissingCredentials),
            ),
            (
                End::Answered(200, Outcome::Delivered),
                Says::Accepted,
                Delivered,
            ),
        ] {
            assert_eq!((end.says(), end.judge().0), (says, verdict), "{end:?}");
        }
    }
}
