//! How the OpenAPI document describes the settings of an app.

use super::{AppSettings, AppStoreSettings, ExternalSettings, PlayStoreSettings, StripeSettings};
use domain::Store;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, Type, schema::AdditionalProperties},
};

/// The settings of a store with its name among them, as serde writes an enum with a tag. The derive would demand that the
/// settings, which refuse what they do not know, hold without the name.
fn named(store: Store, settings: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(settings)) = settings else {
        return settings;
    };
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some([store.id()]));
    ObjectBuilder::from(settings)
        .property("store", name)
        .required("store")
        .into()
}

impl PartialSchema for AppSettings {
    fn schema() -> RefOr<Schema> {
        let nothing = AdditionalProperties::<Schema>::FreeForm(false);
        let nothing = ObjectBuilder::new().additional_properties(Some(nothing));
        OneOfBuilder::new()
            .item(named(Store::AppStore, AppStoreSettings::schema()))
            .item(named(Store::PlayStore, PlayStoreSettings::schema()))
            .item(named(Store::Stripe, StripeSettings::schema()))
            .item(named(Store::External, ExternalSettings::schema()))
            .item(named(Store::Promotional, nothing.into()))
            .description(Some(
                "Settings of an app, by store. None of them is secret.",
            ))
            .into()
    }
}

impl ToSchema for AppSettings {
    fn name() -> Cow<'static, str> {
        "AppSettings".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        AppStoreSettings::schemas(schemas);
        PlayStoreSettings::schemas(schemas);
        StripeSettings::schemas(schemas);
        ExternalSettings::schemas(schemas);
    }
}
