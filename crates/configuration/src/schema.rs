//! How the OpenAPI document describes what a document may say, where that is a table here and not a type.

use crate::APPS;
use destinations::{Field, FieldKind};
use serde_json::Value;
use utoipa::openapi::{
    ArrayBuilder, ObjectBuilder, OneOfBuilder, RefOr, Schema, Type, schema::AdditionalProperties,
};

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    text().enum_values(Some(words.into_iter().map(Value::from)))
}

/// A value, or null for the default.
fn given(value: impl Into<RefOr<Schema>>, help: &str) -> Schema {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    let either = OneOfBuilder::new().item(null).item(value);
    either.description(Some(help)).build().into()
}

/// A setting, as far as its kind says what it must be.
fn setting(field: &Field) -> Schema {
    let object = |kind| ObjectBuilder::new().schema_type(kind);
    let value: RefOr<Schema> = match field.kind {
        FieldKind::Text
        | FieldKind::LongText
        | FieldKind::Url
        | FieldKind::Secret
        | FieldKind::LongSecret => text().into(),
        FieldKind::Secrets | FieldKind::Lines => ArrayBuilder::new().items(text()).into(),
        FieldKind::Switch => object(Type::Boolean).into(),
        FieldKind::Number => object(Type::Integer).minimum(Some(0)).into(),
        FieldKind::Choice(words) => one_of(words.iter().copied()).into(),
        FieldKind::Choices(words) => ArrayBuilder::new()
            .items(one_of(words.iter().copied()))
            .into(),
        FieldKind::Events | FieldKind::EventSwitches | FieldKind::Retry => {
            object(Type::Object).into()
        }
    };
    given(value, field.help)
}

/// Key of a destination there is.
pub(crate) fn destination() -> Schema {
    let known = destinations::ALL.iter().map(|known| known.spec().key);
    given(
        one_of(known),
        "Key of the destination. A new integration has to say it.",
    )
}

/// An app, with the settings of every store, each once: which of them it has depends on its store.
pub(crate) fn app() -> RefOr<Schema> {
    let stores = APPS.iter().map(|spec| spec.store.id());
    let app = ObjectBuilder::new()
        .description(Some(
            "An app. Which settings it has depends on its store. A secret given as `\"***\"` stays as it is.",
        ))
        .property("name", given(text(), "Its name. Default: the key."))
        .property(
            "store",
            given(one_of(stores), "A new app has to say it, and none can change it."),
        );
    let fields = APPS.iter().flat_map(|spec| spec.fields);
    fields
        .fold(app, |app, field| app.property(field.name, setting(field)))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        .into()
}
