//! What answers mean. Source: Adjust developer docs, "S2S events", "Troubleshooting".

use crate::{
    Outcome, Response,
    common::{by_status, said},
};

/// What an answer means. The status says little: what was refused stands behind `Event request failed`.
pub(super) fn classify(response: &Response) -> Outcome {
    let body = response.json();
    let error = body["error"].as_str().unwrap_or_default();
    let error = error.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    let why = || said("Adjust", response);
    match response.status {
        // It was counted when it came before.
        200..=499 if says(&["earlier unique event tracked"]) => Outcome::Delivered,
        200..=299 if !error.is_empty() => Outcome::Rejected(why()),
        400 | 404 if says(&["app token", "app not found"]) => Outcome::CredentialsRefused(why()),
        // Of this device, and not of the app.
        403 if says(&["tracking"]) => Outcome::Rejected(why()),
        _ => by_status("Adjust", response),
    }
}
