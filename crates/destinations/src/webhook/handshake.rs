//! The check of an endpoint before anything is delivered to it, in both editions. Source: Adapty docs, "Webhook integration", verification of the endpoint.

use super::{
    format::Format,
    settings::{Edition, Settings},
};
use crate::{Handshake, Response};
use domain::Environment;

/// One for each endpoint that has a URL; none where the format knows no handshake.
pub(super) fn all(settings: &Settings, nonce: &str) -> Vec<Handshake> {
    if settings.format != Format::Adapty {
        return Vec::new();
    }
    let (body, expected) = match settings.handshake {
        Edition::Current => (b"{}".to_vec(), None),
        Edition::Earlier => (
            serde_json::json!({ "adapty_check": nonce })
                .to_string()
                .into_bytes(),
            Some(nonce.to_owned()),
        ),
    };
    [Environment::Production, Environment::Sandbox]
        .into_iter()
        .filter_map(|endpoint| {
            Some(Handshake {
                endpoint,
                request: settings.request(endpoint, body.clone())?,
                expected: expected.clone(),
            })
        })
        .collect()
}

/// The error says what is wrong with the answer.
pub(super) fn check(handshake: &Handshake, response: &Response) -> Result<(), String> {
    let status = response.status;
    let json = serde_json::from_slice::<serde_json::Value>(&response.body);
    match (&handshake.expected, json) {
        (None, Ok(_)) if (200..300).contains(&status) => Ok(()),
        (None, Err(_)) if (200..300).contains(&status) => Err(format!("it answered {status} without a JSON body; answer `{{}}`")),
        (None, _) => Err(format!("it answered {status}; any status from 200 to 299 with a JSON body passes")),
        (Some(word), Ok(json)) if matches!(status, 200 | 201) => match json.get("adapty_check_response") {
            Some(echo) if echo == word => Ok(()),
            Some(_) => Err("it answered with another `adapty_check_response` than the `adapty_check` it was sent".into()),
            None => Err("its answer has no `adapty_check_response`; echo the `adapty_check` of the request".into()),
        },
        (Some(_), Err(_)) if matches!(status, 200 | 201) => {
            Err("it answered without a JSON object; echo `adapty_check` as `adapty_check_response`".into())
        }
        (Some(_), _) => Err(format!("it answered {status}; 200 or 201 with `adapty_check_response` passes")),
    }
}
