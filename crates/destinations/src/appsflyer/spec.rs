//! What people set up.

use crate::{Category, Field, FieldKind, Group, Spec, Travel, common, spec::fields};

const OWN: &[Field] = &[
    Field::new(
        "key",
        FieldKind::Secret,
        "S2S token of the account, or the dev key of the app.",
    ),
    Field::new(
        "key_kind",
        FieldKind::Choice(&["s2s_token", "dev_key"]),
        "Which of the two it is. One in place of the other is refused.",
    ),
    Field::new(
        "ios_app_id",
        FieldKind::Text,
        "Number of the app in the App Store: `id1234567890`.",
    ),
    Field::new(
        "android_app_id",
        FieldKind::Text,
        "Package name of the Android app, with its channel where it has one.",
    ),
    Field::new(
        "android_key",
        FieldKind::Secret,
        "Key of the Android app, where it has another.",
    ),
    Field::new(
        "web_app_id",
        FieldKind::Text,
        "Web app in AppsFlyer, for what is bought in no app; without it that is not sent.",
    ),
    Field::new("web_token", FieldKind::Secret, "Token of that app."),
    Field::new(
        "sandbox_key",
        FieldKind::Secret,
        "Key for test purchases; without it they are not sent.",
    )
    .of(Group::Events),
    Field::new(
        "sandbox_android_key",
        FieldKind::Secret,
        "The same of the Android app, where it has another.",
    )
    .of(Group::Events),
];

/// What decides who receives the keys.
const TO: &[&str] = &["key_kind", "endpoint"];

pub(super) static SPEC: Spec = Spec {
    key: "appsflyer",
    title: "AppsFlyer",
    category: Category::Attribution,
    summary: "Attribution: each event with its revenue, for the install that it goes back to.",
    notes: &[
        "Switch off the purchase connector and purchase events of AppsFlyer's own SDK, or money counts twice.",
        "200 does not say that the event is recorded: look for it in the raw data of in-app events.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::TIMERS,
        common::NAMES,
        common::MONEY,
        common::DELIVERY,
    ),
    travels: &[
        Travel {
            secret: "key",
            to: TO,
        },
        Travel {
            secret: "android_key",
            to: TO,
        },
        Travel {
            secret: "web_token",
            to: TO,
        },
        Travel {
            secret: "sandbox_key",
            to: TO,
        },
        Travel {
            secret: "sandbox_android_key",
            to: TO,
        },
    ],
    events: common::ATTRIBUTED_AND_ACTIVE,
    ordered: true,
    concurrency: 16,
};
