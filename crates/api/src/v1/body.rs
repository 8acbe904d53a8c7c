//! Bodies as client SDKs send them.

use super::{Error, error::Code};
use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;
use std::{convert::Infallible, time::Duration};
use utoipa::{
    ToSchema,
    openapi::{
        ObjectBuilder, Schema, Type,
        schema::{AdditionalProperties, SchemaType},
    },
};
use web::{
    App, body,
    described::{Answers, Asks, Description},
    problem,
};

/// How long a client is asked to wait while others hold the room for its body.
const BUSY: Duration = Duration::from_secs(4);

/// A JSON body. What cannot be read is told as SDKs expect it.
pub(crate) struct Said<T>(pub(crate) T);

/// A body there is.
pub(crate) trait Says: DeserializeOwned + ToSchema {
    /// What is answered where it cannot be read.
    const UNREADABLE: Code = Code::BadRequest;
    /// Most of it that is read, in bytes.
    const LARGEST: usize = body::LARGEST;
    /// What is answered where there is more.
    const TOO_LARGE: Code = Code::BadRequest;
}

impl<T: Says> FromRequest<App> for Said<T> {
    type Rejection = Error;
    async fn from_request(request: Request<Body>, _: &App) -> Result<Self, Error> {
        let bytes = body::read_at_most(request, T::LARGEST)
            .await
            .map_err(|problem| {
                let error = match problem.code() {
                    problem::Code::TooLarge => Error::new(T::TOO_LARGE),
                    // Fit to be sent again: SDKs take anything else for the last word.
                    problem::Code::TooSlow => Error::new(Code::Internal),
                    problem::Code::Busy => Error::again_after(Code::Later, BUSY),
                    _ => Error::new(Code::BadRequest),
                };
                error.because(problem.detail())
            })?;
        body::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Error::new(T::UNREADABLE).because(error.to_string()))
    }
}

impl<T: Says> Asks for Said<T> {
    fn ask(of: &mut Description) {
        of.takes_body::<T>();
        Error::answer(of);
    }
}

/// A body that nothing is read of, whatever it holds: so much of it is taken that whoever sends it hears the answer.
pub(crate) struct Ignored;

impl FromRequest<App> for Ignored {
    type Rejection = Infallible;
    async fn from_request(request: Request<Body>, _: &App) -> Result<Self, Infallible> {
        // What is too much, too slow or cut off is as little read as the rest.
        drop(body::read_at_most(request, body::LARGEST).await);
        Ok(Self)
    }
}

impl Asks for Ignored {
    fn ask(of: &mut Description) {
        of.takes_any_body();
    }
}

/// A body whose members are read one by one, each of which may be of a type that is passed over: the schema names what is
/// read, not what is refused.
macro_rules! members {
    ($($(#[$doc:meta])* $name:ident = $called:literal, $schema:ident;)*) => {$(
        $(#[$doc])*
        #[derive(serde::Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(super) $crate::v1::members::Members);

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $schema().into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $called.into()
            }
        }
    )*};
}

pub(super) use members;

/// A schema of these types.
pub(super) fn of(types: &[Type]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(types.iter().cloned().collect::<SchemaType>())
}

/// That of a text, or none.
pub(super) fn text() -> ObjectBuilder {
    of(&[Type::String, Type::Null])
}

/// That of a list, or none, whose entries are read one by one.
pub(super) fn list(of_what: &str) -> ObjectBuilder {
    of(&[Type::Array, Type::Null]).description(Some(of_what))
}

/// Attributes by name.
pub(super) fn attributes_by_name() -> ObjectBuilder {
    let value = of(&[Type::String, Type::Number, Type::Boolean, Type::Null]);
    let written = of(&[Type::Integer, Type::String, Type::Null]);
    let attribute = ObjectBuilder::new()
        .property("value", value.description(Some("Null removes it.")))
        .property(
            "updated_at_ms",
            written.description(Some("When it was written; now when absent.")),
        );
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::<Schema>::RefOr(
            attribute.into(),
        )))
}
