//! What reads bodies of client SDKs, for fuzzing.

use super::{
    attributes::attribute_writes, customers::Identify, grants::Promotional, members::Members,
    receipts,
};

/// Reads bytes as every kind of body. Whatever they are, nothing panics.
pub fn read_client_body(bytes: &[u8]) {
    if let Ok(body) = serde_json::from_slice::<Members>(bytes) {
        drop(receipts::read(&body));
        for object in [body.get("attributes"), body.get("data"), Some(body)] {
            drop(object.map(|object: Members| attribute_writes(&object)));
        }
    }
    drop(serde_json::from_slice::<Identify>(bytes));
    drop(serde_json::from_slice::<Promotional>(bytes));
}
