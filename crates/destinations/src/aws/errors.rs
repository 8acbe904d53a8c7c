//! What errors mean. Source: AWS, "Common errors" of Amazon SQS, Amazon SNS and Amazon EventBridge, and "Error responses" of Amazon S3, read 2026-11.

use crate::{Outcome, Response, xml};

/// What an error is about, which is all that its code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// The key, its rights, or what the settings name: nothing gets through.
    Settings,
    /// The moment.
    Moment,
    /// What was sent.
    Content,
}

/// Parts of the codes that are about the key, its rights, or what the settings name.
const OF_SETTINGS: [&str; 17] = [
    "AccessDenied",
    "AllAccessDisabled",
    "AuthFailure",
    "AuthorizationError",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "MissingAuthenticationToken",
    "NonExistentQueue",
    "NotAuthorized",
    "NotFound",
    "OptInRequired",
    "Signature",
    "UnrecognizedClient",
];
/// The same, where a part would say too much.
const OF_SETTINGS_WHOLE: [&str; 5] = [
    "KMSDisabledException",
    "NoSuchBucket",
    "PermanentRedirect",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
];
/// Parts of the codes that are about the moment.
const OF_MOMENT: [&str; 9] = [
    "Internal",
    "OverLimit",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttl",
    "TooManyRequests",
];

fn about(code: &str) -> About {
    let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
    if has(&OF_MOMENT) {
        About::Moment
    } else if has(&OF_SETTINGS) || OF_SETTINGS_WHOLE.contains(&code) {
        About::Settings
    } else {
        About::Content
    }
}

/// The code of an error: JSON's `__type` behind its `#`, XML's `Code`, the header that both have, or, of who says no more, the body itself.
fn code(response: &Response) -> String {
    let json = response.json();
    let body = String::from_utf8_lossy(&response.body);
    let header = response.headers.first("x-amzn-errortype");
    let code = json["__type"]
        .as_str()
        .or_else(|| xml::text(&body, "Code"))
        .or(header)
        .unwrap_or(&body);
    let code = code.rsplit('#').next().unwrap_or_default();
    code.split(':').next().unwrap_or_default().trim().to_owned()
}

/// Whether our clock, or theirs, is at fault. Source: AWS, "Troubleshoot Signature Version 4": the codes are those of a wrong signature.
fn is_of_clock(response: &Response) -> bool {
    let body = String::from_utf8_lossy(&response.body);
    body.contains("Signature expired") || body.contains("Signature not yet current")
}

/// What an answer means that is about a whole request; `whom` answered.
pub(crate) fn outcome(response: &Response, whom: &str) -> Outcome {
    let why = || format!("{whom} answered {}: {}", response.status, response.said());
    if matches!(response.status, 200..=299) {
        return Outcome::Delivered;
    }
    if is_of_clock(response) {
        return Outcome::Retry(response.retry_after);
    }
    match (about(&code(response)), response.status) {
        (About::Moment, _) | (_, 408 | 429 | 500..) => Outcome::Retry(response.retry_after),
        (About::Settings, _) | (About::Content, 300..=399 | 401 | 403 | 404) => {
            Outcome::CredentialsRefused(why())
        }
        (About::Content, _) => Outcome::Rejected(why()),
    }
}

/// Taken, or answered by somebody else, who proves nothing.
pub(crate) const fn taken(is_taken: bool) -> Outcome {
    if is_taken {
        Outcome::Delivered
    } else {
        Outcome::Retry(None)
    }
}

/// What the code of one entry of a batch means; `is_ours` where the service says that the sender is to blame.
pub(crate) fn outcome_of_entry(whom: &str, code: &str, said: &str, is_ours: bool) -> Outcome {
    let why = format!("{whom} refused it: {code} {said}");
    match about(code) {
        About::Settings => Outcome::CredentialsRefused(why),
        About::Content if is_ours => Outcome::Rejected(why),
        About::Content | About::Moment => Outcome::Retry(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Headers;

    fn answer(status: u16, body: &str) -> Outcome {
        let response = Response {
            status,
            retry_after: None,
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
            unread: None,
        };
        outcome(&response, "AWS")
    }

    /// Codes as the references of the services list them.
    #[test]
    fn a_code_says_more_than_a_status() {
        for body in [
            r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}"#,
            r#"{"__type":"com.amazonaws.sqs#AWS.SimpleQueueService.NonExistentQueue"}"#,
            r#"{"__type":"UnrecognizedClientException"}"#,
            r#"{"__type":"InvalidSignatureException"}"#,
            "<Error><Code>InvalidAccessKeyId</Code></Error>",
            "<Error><Code>AuthorizationHeaderMalformed</Code></Error>",
        ] {
            assert!(
                matches!(answer(400, body), Outcome::CredentialsRefused(_)),
                "{body}"
            );
        }
        for body in [
            r#"{"__type":"com.amazonaws.kms#KmsThrottled"}"#,
            "<Error><Code>RequestTimeout</Code></Error>",
            "<Error><Code>RequestTimeTooSkewed</Code></Error>",
            r#"{"__type":"InvalidSignatureException","message":"Signature expired: 20261120T093002Z is now earlier than 20261120T093503Z"}"#,
        ] {
            assert_eq!(answer(400, body), Outcome::Retry(None), "{body}");
        }
        for body in [
            r#"{"__type":"com.amazonaws.sqs#InvalidMessageContents"}"#,
            "<Error><Code>EntityTooLarge</Code></Error>",
            "",
        ] {
            assert!(matches!(answer(400, body), Outcome::Rejected(_)), "{body}");
        }
        assert!(matches!(answer(301, ""), Outcome::CredentialsRefused(_)));
    }
}
