//! Reading what one wrote: how new an answer has to be.
//!
//! Whoever changed a customer is told its sequence number, and may ask for an answer that is not older.

use crate::{
    described::{Asks, Description},
    problem::{Code, Problem},
};
use axum::{extract::FromRequestParts, http::request::Parts};
use utoipa::openapi::{
    ObjectBuilder, Required, Type,
    path::{ParameterBuilder, ParameterIn},
};

/// The parameter of a query.
const NAME: &str = "at_least";

/// The lowest `customer_seq` that an answer may have, where the request says.
#[derive(Debug, Clone, Copy, Default)]
pub struct AtLeast(Option<u64>);

impl AtLeast {
    /// Whether a customer that stands at `seq` is new enough.
    pub fn allows(self, seq: u64) -> bool {
        self.0.is_none_or(|wanted| seq >= wanted)
    }

    /// The same, or the problem to answer: nothing was seen of the change yet, and it may be asked for again in a moment.
    pub fn check(self, seq: u64) -> Result<(), Problem> {
        if self.allows(seq) {
            return Ok(());
        }
        let why =
            format!("the customer stands at {seq}, which is older than was asked for; ask again");
        Err(Problem::new(Code::NotYet, why))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AtLeast {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = parts.uri.query().unwrap_or_default().split('&');
        let mut values = pairs
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| *name == NAME);
        let Some((_, value)) = values.next() else {
            return Ok(Self(None));
        };
        let wrong = |_| Problem::new(Code::MalformedQuery, format!("{NAME}: expected a number"));
        value
            .parse()
            .map(|wanted| Self(Some(wanted)))
            .map_err(wrong)
    }
}

impl Asks for AtLeast {
    fn ask(of: &mut Description) {
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0));
        let parameter = ParameterBuilder::new()
            .name(NAME)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(
                "The lowest `customer_seq` that the answer may have, as a change was answered: 503 where nothing newer was seen yet.",
            ))
            .schema(Some(number));
        of.takes([parameter.build()]);
    }
}
