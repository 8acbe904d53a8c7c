//! How each destination wants to hear an event.
//!
//! A destination is one file and one entry in [`ALL`]: a [`Spec`] that describes it and its settings, and a [`Configured`]
//! value made from those settings, whose functions are pure: `plan` (is this event for us, as which messages), `render`
//! (the request), `sign`, `classify` (what an answer means). Sockets, retries, limits, storage, the settings form and the
//! contract tests iterate over [`ALL`] and know no destination by name.
#![warn(missing_docs)]

pub mod adjust;
pub mod airbridge;
pub mod airship;
pub mod amplitude;
pub mod appmetrica;
pub mod appsflyer;
pub mod appstack;
pub mod asapty;
mod aws;
pub mod azure_blob;
mod batch;
pub mod bigquery;
pub mod branch;
pub mod braze;
mod chat;
pub mod clevertap;
pub mod clickhouse;
mod common;
pub mod customerio;
mod destination;
pub mod discord;
pub mod email;
mod encode;
mod envelope;
pub mod eventbridge;
mod files;
pub mod ga4;
pub mod gcs;
mod google;
mod grant;
pub mod intercom;
pub mod iterable;
pub mod kafka;
pub mod klaviyo;
pub mod kochava;
mod mail;
pub mod meta;
pub mod mixpanel;
pub mod mparticle;
pub mod nats;
mod now;
mod oauth;
pub mod onesignal;
pub mod postgres;
pub mod posthog;
mod preset;
mod publication;
pub mod pubsub;
pub mod pushwoosh;
pub mod rabbitmq;
mod record;
mod request;
mod revenuecat;
mod routed;
pub mod rudderstack;
pub mod s3;
pub mod segment;
mod segmentlike;
mod server;
mod settings;
mod sign;
pub mod singular;
pub mod slack;
pub mod snapchat;
pub mod sns;
pub mod solarengine;
mod spec;
pub mod splitmetrics;
pub mod sqs;
pub mod statsig;
mod subject;
pub mod superwall;
mod table;
mod tags;
pub mod teams;
pub mod telegram;
pub mod telemetrydeck;
pub mod tenjin;
pub mod tiktok;
mod timer;
mod token;
mod told;
mod tried;
mod url;
pub mod webhook;
mod xml;

pub use batch::{Batching, Item};
pub use destination::{
    Configured, Context, Destination, Handshake, Outcome, Plan, Timer, Unsendable, Window,
};
pub use grant::{Grant, ServiceAccount, SignedClient};
pub use now::{AppFacts, Now};
pub use request::{Header, KEPT_HEADERS, Method, Request, Response, Via};
pub use settings::{EventSwitch, Events, Invalid, parse};
pub use spec::{Category, Field, FieldKind, Group, Spec, Travel, When};
pub use token::Token;
pub use url::check_url;

/// Every destination, sorted by key.
pub static ALL: &[&dyn Destination] = &[
    &adjust::Adjust,
    &airbridge::Airbridge,
    &airship::Airship,
    &amplitude::Amplitude,
    &appmetrica::Appmetrica,
    &appsflyer::AppsFlyer,
    &appstack::Appstack,
    &asapty::Asapty,
    &azure_blob::AzureBlob,
    &bigquery::BigQuery,
    &branch::Branch,
    &braze::Braze,
    &clevertap::CleverTap,
    &clickhouse::ClickHouse,
    &customerio::CustomerIo,
    &discord::Discord,
    &email::Email,
    &eventbridge::EventBridge,
    &ga4::Ga4,
    &gcs::Gcs,
    &intercom::Intercom,
    &iterable::Iterable,
    &kafka::Kafka,
    &klaviyo::Klaviyo,
    &kochava::Kochava,
    &meta::Meta,
    &mixpanel::Mixpanel,
    &mparticle::Mparticle,
    &nats::Nats,
    &onesignal::OneSignal,
    &postgres::Postgres,
    &posthog::Posthog,
    &pubsub::PubSub,
    &pushwoosh::Pushwoosh,
    &rabbitmq::RabbitMq,
    &rudderstack::Rudderstack,
    &s3::S3,
    &segment::Segment,
    &singular::Singular,
    &slack::Slack,
    &snapchat::Snapchat,
    &sns::Sns,
    &solarengine::SolarEngine,
    &splitmetrics::SplitMetrics,
    &sqs::Sqs,
    &statsig::Statsig,
    &superwall::Superwall,
    &teams::Teams,
    &telegram::Telegram,
    &telemetrydeck::Telemetrydeck,
    &tenjin::Tenjin,
    &tiktok::TikTok,
    &webhook::Webhook,
];

/// Finds a destination by its key.
pub fn find(key: &str) -> Option<&'static dyn Destination> {
    ALL.iter()
        .copied()
        .find(|destination| destination.spec().key == key)
}
