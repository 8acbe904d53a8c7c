//! What an app of each store is configured with.
//!
//! One list from which everything about an app's settings comes: the check of a document, what is sealed and masked, the
//! form, and the tables of docs/stores.md.

use destinations::{
    Field,
    FieldKind::{self, Choices, Lines, LongSecret, Number, Secret, Secrets, Switch, Text, Url},
    Travel,
};
use domain::Store;

/// What an app of a store is.
#[derive(Debug)]
pub struct AppSpec {
    /// Its store.
    pub store: Store,
    /// Its settings, in the order in which they are asked for.
    pub fields: &'static [Field],
    /// Which of its secrets are sent, or vouched for, and which settings decide where.
    pub travels: &'static [Travel],
    /// Where its callback URL is entered, and how; empty for stores that call nobody.
    pub instructions: &'static str,
}

/// Stores an app can be of, in the order in which teams meet them.
pub static APPS: &[AppSpec] = &[APP_STORE, PLAY_STORE, STRIPE, EXTERNAL];

/// What an app of this store is configured with; `None` for a store that no app can be of.
pub fn app_spec(store: Store) -> Option<&'static AppSpec> {
    APPS.iter().find(|spec| spec.store == store)
}

const fn field(name: &'static str, kind: FieldKind, help: &'static str) -> Field {
    Field::new(name, kind, help)
}

const fn travel(secret: &'static str, to: &'static [&'static str]) -> Travel {
    Travel { secret, to }
}

const COMMISSION: Field = field(
    "commission",
    Text,
    "What the store keeps: standard, small_business, or percent such as 15. Proceeds are unknown without it.",
);

const APP_STORE: AppSpec = AppSpec {
    store: Store::AppStore,
    fields: &[
        field(
            "bundle_id",
            Text,
            "As in App Store Connect: com.example.app.",
        ),
        field(
            "app_apple_id",
            Number,
            "The number in the app's App Store URL, after /id. Required for production.",
        ),
        field(
            "environments",
            Choices(&["production", "sandbox", "xcode", "local_testing"]),
            "Which purchases it accepts. Xcode and local testing never beside production.",
        ),
        field(
            "api_issuer",
            Text,
            "Issuer id: App Store Connect, Users and Access, Integrations, In-App Purchase.",
        ),
        field("api_key_id", Text, "Id of the In-App Purchase key."),
        field(
            "api_key",
            LongSecret,
            "Content of the .p8 file of that key.",
        ),
        field(
            "check_revocation",
            Switch,
            "Ask Apple whether the certificates that signed a notification were revoked. What clients send in is verified without asking.",
        ),
        field(
            "local_roots",
            Lines,
            "Root certificates of Xcode or local tests, base64 DER, one a line.",
        ),
        field(
            "api_url",
            Url,
            "Where the App Store Server API is, when it is not Apple's.",
        ),
        COMMISSION,
    ],
    travels: &[travel("api_key", &["api_url"])],
    instructions: "In App Store Connect, open the app, then App Information, App Store Server Notifications, and enter this URL for Production and Sandbox, version 2.",
};

const PLAY_STORE: AppSpec = AppSpec {
    store: Store::PlayStore,
    fields: &[
        field("package", Text, "Package name: com.example.app."),
        field(
            "push_service_account",
            Text,
            "E-mail of the service account that the Pub/Sub push subscription authenticates with.",
        ),
        field(
            "push_audience",
            Text,
            "Audience set on the subscription; the callback URL when empty.",
        ),
        field(
            "service_account",
            LongSecret,
            "The JSON key file of a service account with rights to view financial data and manage orders.",
        ),
        field(
            "acknowledge",
            Switch,
            "Acknowledge new purchases; leave off where the app does it.",
        ),
        field(
            "push_unauthenticated",
            Switch,
            "Believe pushes without a token. For development only.",
        ),
        field(
            "push_keys_url",
            Url,
            "Where push keys are, when they are not Google's.",
        ),
        field(
            "api_url",
            Url,
            "Where the Android Publisher API is, when it is not Google's.",
        ),
        COMMISSION,
    ],
    travels: &[travel("service_account", &["api_url", "push_keys_url"])],
    instructions: "In Google Cloud, add a push subscription with this endpoint URL and authentication by a service account to the topic that Play Console, Monetization setup, publishes to.",
};

const STRIPE: AppSpec = AppSpec {
    store: Store::Stripe,
    fields: &[
        field(
            "api_key",
            Secret,
            "A secret or restricted key that may read subscriptions, their schedules, prices, invoices, charges, refunds, disputes, sessions and customers.",
        ),
        field(
            "signing_secrets",
            Secrets,
            "The whsec_ secret of the webhook endpoint; two, one a line, while one is rolled.",
        ),
        field(
            "owner_key",
            Text,
            "Metadata key that holds your user id; app_user_id when empty.",
        ),
        field(
            "owner_sources",
            Choices(&[
                "subscription_metadata",
                "session_metadata",
                "client_reference_id",
                "customer_metadata",
                "customer_id",
            ]),
            "Where your user id is looked for, first found wins.",
        ),
        field(
            "past_due_access",
            Switch,
            "Keep access while Stripe retries a failed charge.",
        ),
        field(
            "bare_payments",
            Switch,
            "Take payments made without Checkout for purchases.",
        ),
        field(
            "tolerance_seconds",
            Number,
            "How many seconds old a signature may be; 300 when empty.",
        ),
        field("api_url", Url, "Where the API is, when it is not Stripe's."),
        COMMISSION,
    ],
    travels: &[travel("api_key", &["api_url"])],
    instructions: "In Stripe, Developers, Webhooks, add an endpoint with this URL for customer.subscription.*, invoice.*, charge.*, refund.*, checkout.session.* and subscription_schedule.*.",
};

const EXTERNAL: AppSpec = AppSpec {
    store: Store::External,
    fields: &[
        field(
            "store_name",
            Text,
            "What it is called in payloads: paddle, amazon, my_shop.",
        ),
        COMMISSION,
    ],
    travels: &[],
    instructions: "",
};
