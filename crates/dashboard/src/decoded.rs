//! Store messages as people read them: what is signed or encoded inside them, taken apart.
//!
//! For reading only: nothing here checks a signature, and nothing is decided by it.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::Value;

/// Nesting beyond this is shown as it came.
const DEEPEST: usize = 6;

fn object(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok().filter(Value::is_object)
}

/// The payload of a JWS, or of base64 that holds JSON, as Google's pushes do.
fn inside(text: &str) -> Option<Value> {
    let mut parts = text.split('.');
    if let (Some(header), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    {
        object(&BASE64_URL_SAFE_NO_PAD.decode(header).ok()?)?;
        return object(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?);
    }
    object(&BASE64_STANDARD.decode(text).ok()?)
}

fn open(value: &mut Value, depth: usize) -> bool {
    match value {
        Value::String(text) => {
            let Some(mut found) = inside(text).filter(|_| depth < DEEPEST) else {
                return false;
            };
            open(&mut found, depth + 1);
            *value = found;
            true
        }
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |any, item| open(item, depth) | any),
        Value::Object(fields) => fields
            .values_mut()
            .fold(false, |any, field| open(field, depth) | any),
        _ => false,
    }
}

/// The message with everything in it decoded; `None` when that shows nothing new.
pub(crate) fn decoded(body: &[u8]) -> Option<String> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    open(&mut value, 0).then(|| format!("{value:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn signed_and_encoded_parts_are_shown_open() {
        let jws = |payload: &Value| {
            let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
            format!(
                "{}.{}.c2ln",
                part(&json!({ "alg": "ES256" })),
                part(payload)
            )
        };
        let transaction = jws(&json!({ "transactionId": "7" }));
        let body = json!({ "signedPayload": jws(&json!({ "data": { "signedTransactionInfo": transaction } })) });
        let shown = decoded(body.to_string().as_bytes()).unwrap();
        assert!(shown.contains("\"transactionId\": \"7\""), "{shown}");
        let data = BASE64_STANDARD.encode(json!({ "packageName": "com.example" }).to_string());
        let push = json!({ "message": { "data": data } });
        assert!(
            decoded(push.to_string().as_bytes())
                .unwrap()
                .contains("com.example")
        );
        for plain in ["{\"id\":\"evt_1\",\"a\":\"b.c.d\"}", "not json", ""] {
            assert_eq!(decoded(plain.as_bytes()), None, "{plain}");
        }
    }
}
