//! Bodies as client SDKs send them.

use super::{Error, error::Code, members::Members};
use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use serde::{Deserialize, de::DeserializeOwned};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, ObjectBuilder, RefOr, Schema, Type,
        schema::{AdditionalProperties, SchemaType},
    },
};
use web::{
    App, body,
    described::{Answers, Asks, Description},
    problem,
};

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
                let code = match problem.code() {
                    problem::Code::TooLarge => T::TOO_LARGE,
                    _ => Code::BadRequest,
                };
                Error::new(code).because(problem.detail())
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

/// A body whose members are read one by one, each of which may be of a type that is passed over: the schema names what is
/// read, not what is refused.
macro_rules! members {
    ($($(#[$doc:meta])* $name:ident = $called:literal, $schema:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(super) Members);

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                $called.into()
            }
        }
    )*};
}

members! {
    /// A purchase that a client sends in.
    Receipt = "v1.Receipt", receipt;
    /// Attributes of a customer.
    Attributes = "v1.Attributes", attributes;
    /// What an advertising network says of a customer.
    Attribution = "v1.Attribution", attribution;
}

impl Says for Receipt {
    /// Receipts of StoreKit 1 hold every purchase there ever was.
    const LARGEST: usize = 4 << 20;
    /// A client that is told that the fault is its own finishes the transaction: the purchase would be lost.
    const TOO_LARGE: Code = Code::Internal;
}

impl Says for Attributes {
    const UNREADABLE: Code = Code::InvalidAttributes;
}

impl Says for Attribution {}

fn of(types: &[Type]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(types.iter().cloned().collect::<SchemaType>())
}

fn text() -> ObjectBuilder {
    of(&[Type::String, Type::Null])
}

/// Attributes by name.
fn attributes_by_name() -> ObjectBuilder {
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

fn receipt() -> ObjectBuilder {
    let amount = of(&[Type::Number, Type::String, Type::Null]);
    ObjectBuilder::new()
        .property("app_user_id", of(&[Type::String]))
        .required("app_user_id")
        .property(
            "fetch_token",
            of(&[Type::String]).description(Some(
                "What the store gave the client: a signed transaction, a receipt, a purchase token, a checkout session.",
            )),
        )
        .required("fetch_token")
        .property("product_id", text())
        .property(
            "product_ids",
            ArrayBuilder::new()
                .items(text())
                .description(Some("The first counts where there is no `product_id`.")),
        )
        .property("price", amount)
        .property("currency", text())
        .property("presented_offering_identifier", text())
        .property("attributes", attributes_by_name())
        .property(
            "create_events",
            of(&[Type::Boolean, Type::Null])
                .description(Some("When false, what is bought counts as told.")),
        )
}

fn attributes() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("attributes", attributes_by_name())
        .required("attributes")
}

fn attribution() -> ObjectBuilder {
    let ids = ["rc_idfa", "rc_idfv", "rc_gps_adid", "rc_ip_address"];
    let data = ids
        .into_iter()
        .fold(of(&[Type::Object, Type::Null]), |data, id| {
            data.property(id, text())
        });
    ObjectBuilder::new()
        .property("data", data)
        .property("network", of(&[Type::Integer, Type::String, Type::Null]))
}
