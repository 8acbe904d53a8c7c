//! How an attempt ended: what becomes of its delivery, and, apart from that, what it says about its endpoint.

use crate::TransportError;
use destinations::{Outcome, Response, Unsendable, Via};
use domain::NotSent;
use jiff::Timestamp;
use std::time::Duration;

/// What people should know of an answer, whatever it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Remark {
    /// Somebody else should have been asked: at this URL, if it said so.
    Redirected(Option<String>),
    /// Not all of it came, and why.
    Unread(String),
}

impl Remark {
    /// What there is to remark about an answer, if anything is. Only over HTTP is a status what it is there.
    pub(super) fn of(via: &Via, response: &Response) -> Option<Self> {
        if !matches!(via, Via::Http(_)) {
            return None;
        }
        if !is_redirect(response.status) {
            return response.unread.clone().map(Self::Unread);
        }
        let location = response.headers.first("location");
        Some(Self::Redirected(location.map(str::to_owned)))
    }

    /// What metrics and traces call a delivery that its format takes for accepted all the same.
    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::Redirected(_) => "redirected",
            Self::Unread(_) => "answer_not_whole",
        }
    }

    /// In words, for a delivery that its format takes for accepted, or one that it does not.
    pub(super) fn text(&self, is_delivered: bool) -> String {
        let to = match self {
            Self::Unread(why) => return why.clone(),
            Self::Redirected(to) => to,
        };
        let to = to.as_deref();
        let (to, helps) = to.map_or(("without saying where".to_owned(), ""), |to| {
            (format!("to {to}"), ": set that URL")
        });
        let doubt = if is_delivered {
            ": accepted by the rule of its format, probably not processed"
        } else {
            ""
        };
        format!("redirected {to}{doubt}; redirects are not followed{helps}")
    }
}

/// Source: RFC 9110, 15.4. "Not Modified" leads nowhere else.
const fn is_redirect(status: u16) -> bool {
    matches!(status, 300..=303 | 305..=399)
}

/// Too Many Requests. Source: RFC 6585, 4.
const TOO_MANY: u16 = 429;

/// How an attempt ended.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// Nothing went out: the message could not be rendered.
    Unsendable(Unsendable),
    /// Nothing went out yet, for want of this: it is looked again then.
    Waits(Unsendable, Timestamp),
    /// No answer came.
    Unanswered(TransportError),
    /// It was sent, no answer came, and it must not be sent again by itself.
    Unconfirmed(String),
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
    /// It asks to be left alone, for so long or without saying how long.
    NotNow(Option<Duration>),
    /// It does not take our credentials.
    LockedOut,
    /// Nothing: no request went out.
    Nothing,
}

impl Says {
    /// Whether it is an outcome that health is made of: what never went out is not, nor what was asked to come later.
    pub(super) const fn is_outcome(self) -> bool {
        match self {
            Self::Accepted | Self::Refused | Self::Failing | Self::LockedOut => true,
            Self::NotNow(_) | Self::Nothing => false,
        }
    }
}

/// What is made of how an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judgement {
    /// What it says about its endpoint.
    pub(super) says: Says,
    /// What becomes of its delivery.
    pub(super) verdict: Verdict,
    /// What people read about it.
    pub(super) detail: String,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Done.
    Delivered,
    /// Failed for good.
    Failed(NotSent),
    /// To be tried again, if its policy allows.
    Again(NotSent),
    /// To be sent first once its endpoint takes anything: that it does not now says nothing of this one.
    Later(NotSent),
    /// To be looked at again then: what it lacks may be there. That is no try of its own.
    Waits(NotSent, Timestamp),
}

impl End {
    /// Whether it was refused for good.
    pub(super) const fn is_rejected(&self) -> bool {
        matches!(self, Self::Answered(_, Outcome::Rejected(_)))
    }

    /// What is made of it, whatever else is known of the endpoint.
    pub(super) fn judge(&self) -> Judgement {
        Judgement {
            says: self.says(),
            verdict: self.verdict(),
            detail: self.detail(),
        }
    }

    /// What it says about the endpoint. Whether its delivery is tried again or given up makes no difference.
    const fn says(&self) -> Says {
        match self {
            Self::Unsendable(_)
            | Self::Waits(..)
            | Self::Unanswered(TransportError::Blocked(_)) => Says::Nothing,
            Self::Answered(TOO_MANY, Outcome::Retry(pause))
            | Self::Answered(_, Outcome::Retry(pause @ Some(_))) => Says::NotNow(*pause),
            Self::Unanswered(TransportError::Network(_) | TransportError::Unanswered(_))
            | Self::Unconfirmed(_)
            | Self::Answered(_, Outcome::Retry(_)) => Says::Failing,
            Self::Answered(_, Outcome::CredentialsRefused(_)) => Says::LockedOut,
            Self::Answered(_, Outcome::Rejected(_) | Outcome::Gone(_)) => Says::Refused,
            // Whoever redirects has taken nothing, whatever its format makes of that.
            Self::Answered(status, Outcome::Delivered) if is_redirect(*status) => Says::Refused,
            Self::Answered(_, Outcome::Delivered | Outcome::Partly(_)) => Says::Accepted,
        }
    }

    /// Whether it was accepted with a reservation.
    pub(super) const fn is_partly(&self) -> bool {
        matches!(self, Self::Answered(_, Outcome::Partly(_)))
    }

    /// How long whoever answered asks to wait, where it says so.
    pub(super) const fn asked(&self) -> Option<Duration> {
        match self {
            Self::Answered(_, Outcome::Retry(pause)) => *pause,
            Self::Answered(..)
            | Self::Unsendable(_)
            | Self::Waits(..)
            | Self::Unanswered(_)
            | Self::Unconfirmed(_) => None,
        }
    }

    const fn verdict(&self) -> Verdict {
        match self {
            Self::Unsendable(Unsendable { reason, .. }) => Verdict::Failed(*reason),
            Self::Unanswered(TransportError::Blocked(_)) => {
                Verdict::Failed(NotSent::BlockedAddress)
            }
            Self::Waits(Unsendable { reason, .. }, until) => Verdict::Waits(*reason, *until),
            Self::Unanswered(TransportError::Network(_) | TransportError::Unanswered(_)) => {
                Verdict::Again(NotSent::NetworkError)
            }
            Self::Unconfirmed(_) => Verdict::Failed(NotSent::Unconfirmed),
            Self::Answered(_, Outcome::Delivered | Outcome::Partly(_)) => Verdict::Delivered,
            Self::Answered(TOO_MANY, Outcome::Retry(_))
            | Self::Answered(_, Outcome::Retry(Some(_))) => {
                Verdict::Later(NotSent::RejectedByDestination)
            }
            Self::Answered(_, Outcome::Retry(None)) => {
                Verdict::Again(NotSent::RejectedByDestination)
            }
            Self::Answered(_, Outcome::Rejected(_) | Outcome::Gone(_)) => {
                Verdict::Failed(NotSent::RejectedByDestination)
            }
            Self::Answered(_, Outcome::CredentialsRefused(_)) => {
                Verdict::Later(NotSent::MissingCredentials)
            }
        }
    }

    /// What people read about it; empty where all is well.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::Unsendable(Unsendable { detail: why, .. })
            | Self::Waits(Unsendable { detail: why, .. }, _)
            | Self::Unanswered(
                TransportError::Blocked(why)
                | TransportError::Network(why)
                | TransportError::Unanswered(why),
            )
            | Self::Answered(
                _,
                Outcome::Partly(why)
                | Outcome::Rejected(why)
                | Outcome::Gone(why)
                | Outcome::CredentialsRefused(why),
            ) => why.clone(),
            Self::Unconfirmed(why) => format!(
                "{why}: it went out and may have been taken, and the destination would count it twice; look there, then send it again by hand, or switch `repeat_unconfirmed` on"
            ),
            Self::Answered(_, Outcome::Delivered) => String::new(),
            Self::Answered(status, Outcome::Retry(Some(pause))) => {
                format!("answered {status}: it asks to wait {} s", pause.as_secs())
            }
            Self::Answered(status @ TOO_MANY, Outcome::Retry(None)) => {
                format!("answered {status}: it asks to wait")
            }
            Self::Answered(status, Outcome::Retry(None)) => format!("answered {status}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use destinations::{Method, nats};

    #[test]
    fn an_attempt_says_what_it_says_about_its_endpoint_whatever_becomes_of_its_delivery() {
        use Verdict::{Again, Delivered, Failed, Later, Waits};
        let why = || "why".to_owned();
        let unsendable = |reason| {
            let detail = why();
            End::Unsendable(Unsendable { reason, detail })
        };
        let asked = Some(Duration::from_secs(30));
        let later = Timestamp::from_second(30).unwrap();
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
            (
                End::Waits(
                    Unsendable {
                        reason: NotSent::MissingCustomerData,
                        detail: why(),
                    },
                    later,
                ),
                Says::Nothing,
                Waits(NotSent::MissingCustomerData, later),
            ),
            // It did not work, whether that was the last try or not.
            (
                End::Unanswered(TransportError::Unanswered(why())),
                Says::Failing,
                Again(NotSent::NetworkError),
            ),
            // Nobody knows whether it did: that says of the endpoint what a time-out says.
            (
                End::Unconfirmed(why()),
                Says::Failing,
                Failed(NotSent::Unconfirmed),
            ),
            (
                End::Unanswered(TransportError::Network(why())),
                Says::Failing,
                Again(NotSent::NetworkError),
            ),
            (
                End::Answered(500, Outcome::Retry(None)),
                Says::Failing,
                Again(rejected),
            ),
            // It asks to be left alone.
            (
                End::Answered(429, Outcome::Retry(asked)),
                Says::NotNow(asked),
                Later(rejected),
            ),
            (
                End::Answered(429, Outcome::Retry(None)),
                Says::NotNow(None),
                Later(rejected),
            ),
            (
                End::Answered(503, Outcome::Retry(asked)),
                Says::NotNow(asked),
                Later(rejected),
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
                Says::LockedOut,
                Later(NotSent::MissingCredentials),
            ),
            (
                End::Answered(200, Outcome::Delivered),
                Says::Accepted,
                Delivered,
            ),
            (
                End::Answered(207, Outcome::Partly(why())),
                Says::Accepted,
                Delivered,
            ),
            (
                End::Answered(308, Outcome::Delivered),
                Says::Refused,
                Delivered,
            ),
        ] {
            let judged = end.judge();
            assert_eq!((judged.says, judged.verdict), (says, verdict), "{end:?}");
        }
    }

    #[test]
    fn a_redirect_and_a_body_that_is_not_whole_are_remarked() {
        let answer = |status, location: &[&str], unread: Option<&str>| Response {
            status,
            retry_after: None,
            headers: location.iter().map(|to| ("location", *to)).collect(),
            body: Vec::new(),
            unread: unread.map(str::to_owned),
        };
        let (to, cut) = ("https://www.example/", "its body broke off");
        let doubted = "redirected to https://www.example/: accepted by the rule of its format, probably not processed; redirects are not followed: set that URL";
        let refused =
            "redirected to https://www.example/; redirects are not followed: set that URL";
        let nowhere = "redirected without saying where; redirects are not followed";
        for (response, is_delivered, expected) in [
            (answer(200, &[], None), true, None),
            (answer(200, &[to], None), true, None),
            (answer(304, &[], None), true, None),
            (
                answer(200, &[], Some(cut)),
                true,
                Some(("answer_not_whole", cut)),
            ),
            (
                answer(308, &[to], None),
                true,
                Some(("redirected", doubted)),
            ),
            (
                answer(308, &[to], None),
                false,
                Some(("redirected", refused)),
            ),
            (
                answer(302, &[], Some(cut)),
                false,
                Some(("redirected", nowhere)),
            ),
        ] {
            let remark = Remark::of(&Via::Http(Method::Post), &response);
            let told = remark.map(|remark| (remark.outcome(), remark.text(is_delivered)));
            let told = told
                .as_ref()
                .map(|(outcome, text)| (*outcome, text.as_str()));
            assert_eq!(told, expected, "{response:?}");
        }
        // A broker says 312 of a message that no queue takes, and leads nowhere.
        let broker = Via::Nats(nats::Publication {
            servers: Vec::new(),
            subject: String::new(),
            login: nats::Login::Nobody,
        });
        assert_eq!(Remark::of(&broker, &answer(312, &[], None)), None);
    }
}
