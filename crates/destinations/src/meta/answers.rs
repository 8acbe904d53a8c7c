//! What answers mean. Source: Meta for Developers, "Handle Errors" of the Graph API.

use crate::{
    Outcome, Response,
    common::{by_status, said},
};

/// What is wrong for the moment, by its code.
const TRANSIENT: [i64; 5] = [1, 2, 341, 368, 5000];
/// Too much, of the app or of the user.
const THROTTLED: [i64; 2] = [4, 17];
/// The token is dead.
const TOKEN: i64 = 190;
/// A parameter is wrong; which one the second code says.
const PARAMETER: i64 = 100;
/// There is no such dataset, or not for this token.
const NO_SUCH_OBJECT: i64 = 33;

/// What an answer means: the code in its body decides, whatever the status.
pub(super) fn classify(response: &Response) -> Outcome {
    let body = response.json();
    let error = &body["error"];
    let why = || said("Meta", response);
    let Some(code) = error["code"].as_i64() else {
        let is_nothing = body["events_received"] == 0 || body["success"] == false;
        return match response.status {
            200..=299 if is_nothing => Outcome::Rejected(why()),
            _ => by_status("Meta", response),
        };
    };
    let is_transient = error["is_transient"] == true || TRANSIENT.contains(&code);
    match (code, error["error_subcode"].as_i64()) {
        (TOKEN, _) | (PARAMETER, Some(NO_SUCH_OBJECT)) => Outcome::CredentialsRefused(why()),
        _ if is_transient || THROTTLED.contains(&code) => Outcome::Retry(response.retry_after),
        _ if (200..=299).contains(&response.status) => Outcome::Rejected(why()),
        _ => by_status("Meta", response),
    }
}
