//! Settings of cases, under the names they have here.

use serde_json::Value;

/// The settings of a destination's cases.
pub(crate) fn of(_key: &str, settings: Value) -> Value {
    settings
}

/// Whether an answer is to several messages, of which it names some: `classify_batch` is asked, in the test of the destination.
pub(crate) fn is_of_a_batch(answer: &Value) -> bool {
    answer.get("failed").is_some()
}
