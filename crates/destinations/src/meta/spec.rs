//! What people set up.

use crate::{Category, Field, FieldKind, Group, Spec, Travel, common, spec::fields};

const OWN: &[Field] = &[
    Field::new(
        "type",
        FieldKind::Choice(&["conversions_api", "app_events"]),
        "Which API: the Conversions API, or App Events, which is older.",
    ),
    Field::new(
        "dataset_id",
        FieldKind::Text,
        "Dataset: Events Manager, Settings.",
    )
    .when("type", "conversions_api"),
    Field::new(
        "access_token",
        FieldKind::Secret,
        "Token of the dataset: Events Manager, Settings, Conversions API.",
    )
    .when("type", "conversions_api"),
    Field::new("app_id", FieldKind::Text, "App in Meta: App settings, Basic.")
        .when("type", "app_events"),
    Field::new(
        "client_token",
        FieldKind::Secret,
        "Client token of the app: App settings, Advanced.",
    )
    .when("type", "app_events"),
    Field::new("ios_bundle_id", FieldKind::Text, "Bundle id of the iOS app."),
    Field::new(
        "android_package",
        FieldKind::Text,
        "Package name of the Android app.",
    ),
    Field::new(
        "send_without_att",
        FieldKind::Switch,
        "Also send events of customers on iOS who did not say yes to being followed, without their identifier for advertisers.",
    )
    .of(Group::Privacy)
    .when("type", "conversions_api"),
    Field::new(
        "sandbox_dataset_id",
        FieldKind::Text,
        "Dataset for test purchases; without it they are not sent.",
    )
    .of(Group::Events)
    .when("type", "conversions_api"),
    Field::new(
        "sandbox_access_token",
        FieldKind::Secret,
        "Token of that dataset.",
    )
    .of(Group::Events)
    .when("type", "conversions_api"),
    Field::new(
        "test_event_code",
        FieldKind::Text,
        "Code of Events Manager, Test events: a test shows up there, and counts nowhere.",
    )
    .of(Group::Events)
    .when("type", "conversions_api"),
    Field::new(
        "sandbox_app_id",
        FieldKind::Text,
        "App in Meta for test purchases; without it they are not sent.",
    )
    .of(Group::Events)
    .when("type", "app_events"),
    Field::new(
        "sandbox_client_token",
        FieldKind::Secret,
        "Client token of that app.",
    )
    .of(Group::Events)
    .when("type", "app_events"),
    Field::new(
        "api_version",
        FieldKind::Text,
        "Version of the Graph API. Default: `v24.0`.",
    )
    .of(Group::Delivery),
];

/// What decides who receives the tokens.
const TO: &[&str] = &["endpoint"];

pub(super) static SPEC: Spec = Spec {
    key: "meta",
    title: "Meta",
    category: Category::Attribution,
    summary: "Ads on Facebook and Instagram: purchases, trials and subscriptions, so that ads find more of them.",
    notes: &[
        "Switch off the automatic logging of in-app purchases in Meta's own SDK, or money counts twice; it then has to log installs and starts by itself.",
        "Refunds are not sent: Meta takes no amount below zero.",
        "What was taken shows up within a day.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::TIMERS,
        common::MONEY,
        common::DELIVERY,
    ),
    travels: &[
        Travel {
            secret: "access_token",
            to: TO,
        },
        Travel {
            secret: "client_token",
            to: TO,
        },
        Travel {
            secret: "sandbox_access_token",
            to: TO,
        },
        Travel {
            secret: "sandbox_client_token",
            to: TO,
        },
    ],
    events: common::CONVERSIONS_AND_ACTIVE,
    ordered: true,
    concurrency: 16,
};
