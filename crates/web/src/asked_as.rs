//! By what a request is known when it is made again: a key that whoever makes it thinks up. Source: the header that Stripe's API made usual,
//! draft-ietf-httpapi-idempotency-key-header.

use crate::{
    access::digest,
    described::{Asks, Description},
    problem::Problem,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use utoipa::openapi::{
    ObjectBuilder, Required, Type,
    path::{ParameterBuilder, ParameterIn},
};

/// As it is written.
const HEADER: &str = "Idempotency-Key";
/// Most characters of one.
const LONGEST: usize = 255;
/// What is wrong with one that cannot be taken.
pub const A_KEY: &str = "has 1 to 255 visible characters";

/// The digest of a request's key; `None` where it has none.
#[derive(Debug, Clone)]
pub struct AskedAs(pub Option<String>);

impl AskedAs {
    /// That of a request. The error says what is wrong with its key.
    pub fn of(headers: &HeaderMap) -> Result<Self, &'static str> {
        let Some(key) = headers.get(HEADER) else {
            return Ok(Self(None));
        };
        let key = key.to_str().map(str::trim).unwrap_or_default();
        if key.is_empty() || key.len() > LONGEST {
            return Err(A_KEY);
        }
        Ok(Self(Some(digest(key))))
    }

    /// What is answered to whoever sends the key of one request with another.
    pub fn of_another() -> Problem {
        Self::problem("was sent with another request before: a key stands for one request")
    }

    fn problem(message: &str) -> Problem {
        Problem::invalid(vec![configuration::Problem {
            path: vec![HEADER.into()],
            message: message.into(),
        }])
    }

    /// Says that an operation takes one.
    pub fn ask_of(of: &mut Description) {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let header = ParameterBuilder::new()
            .name(HEADER)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "Anything that no other request has: the same request with the same key is done once, however often it is made.",
            ))
            .schema(Some(text));
        of.takes([header.build()]);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AskedAs {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers).map_err(Self::problem)
    }
}

impl Asks for AskedAs {
    fn ask(of: &mut Description) {
        Self::ask_of(of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_key_is_short_and_can_be_seen_and_the_same_is_the_same() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                "idempotency-key",
                HeaderValue::from_bytes(text.as_bytes()).unwrap(),
            );
            AskedAs::of(&headers).map(|AskedAs(key)| key.unwrap())
        };
        assert_eq!(of("a"), of(" a "));
        assert_ne!(of("a"), of("b"));
        for wrong in ["", "  ", "ä", &"a".repeat(256)] {
            assert_eq!(of(wrong), Err(A_KEY), "{wrong}");
        }
        assert!(AskedAs::of(&HeaderMap::new()).unwrap().0.is_none());
    }
}
