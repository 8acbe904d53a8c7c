//! The settings that destinations of third parties have in common, as forms ask for them.

use crate::{Field, FieldKind, Group, spec::fields};

/// Events that can be switched off and renamed.
pub(crate) const EVENTS: &[Field] = &[Field::new(
    "events",
    FieldKind::Events,
    "Per kind: on, off, or the name to send.",
)
.of(Group::Events)];

/// Events that can be switched off.
pub(crate) const EVENT_SWITCHES: &[Field] = &[Field::new(
    "events",
    FieldKind::EventSwitches,
    "Switch kinds of events off.",
)
.of(Group::Events)];

/// "Still active" events, which nobody has unless days are said.
pub(crate) const TIMERS: &[Field] = &[
    Field::new(
        "trial_active_days",
        FieldKind::Number,
        "Send `trial_active` this many days after a trial began, if it still runs: 1 to 90.",
    )
    .of(Group::Events),
    Field::new(
        "subscription_active_days",
        FieldKind::Number,
        "Send `subscription_active` this many days after a subscription began, if it still runs: 1 to 90.",
    )
    .of(Group::Events),
];

/// Whose names are sent unless `events` says another.
pub(crate) const NAMES: &[Field] = &[Field::new(
    "names",
    FieldKind::Choice(&["tidings", "revenuecat"]),
    "Names that `events` does not change: as here (`subscription_started`), or as RevenueCat sends them (`rc_initial_purchase_event`).",
)
.of(Group::Events)];

/// Which amounts are told.
pub(crate) const MONEY: &[Field] = &[
    Field::new(
        "currency",
        FieldKind::Choice(&["local", "usd"]),
        "`local` tells what the customer paid, `usd` converts where the rate is known; the currency told is always that of the amount.",
    )
    .of(Group::Money),
    Field::new(
        "revenue",
        FieldKind::Choice(&["price", "proceeds", "net"]),
        "What the customer paid, what the store's commission leaves of it, or what commission and tax leave.",
    )
    .of(Group::Money),
];

/// The same for vendors that keep no currency beside an amount, and add up what they are told: dollars unless it is said otherwise.
pub(crate) const DOLLARS: &[Field] = &[
    Field::new(
        "currency",
        FieldKind::Choice(&["usd", "local"]),
        "`usd` converts where the rate is known, `local` tells what the customer paid: there amounts are added up whatever their currency.",
    )
    .of(Group::Money),
    MONEY[1],
];

/// Whether test purchases are told, where there is no key of their own for them.
pub(crate) const SANDBOX: &[Field] = &[Field::new(
    "send_sandbox",
    FieldKind::Switch,
    "Also send events of test purchases.",
)
.of(Group::Events)];

/// Whether the customer's attributes go along.
pub(crate) const ATTRIBUTES: &[Field] = &[Field::new(
    "send_attributes",
    FieldKind::Switch,
    "Also send the customer's attributes, but those withheld and those that identify devices.",
)
.of(Group::Privacy)];

/// For those who need an attribute to know whom an event is about.
pub(crate) const IDENTIFIED: &[Field] = &[Field::new(
    "wait_minutes",
    FieldKind::Number,
    "How long an event waits for an attribute that its customer lacks. Default: 10.",
)
.of(Group::Identity)];

/// Whether test purchases are kept from who runs what they go to.
pub(crate) const EXCLUDE_SANDBOX: &[Field] = &[Field::new(
    "exclude_sandbox",
    FieldKind::Switch,
    "Do not send events of test purchases.",
)
.of(Group::Events)];

/// Whether what is past is kept.
pub(crate) const HISTORY: &[Field] = &[Field::new(
    "exclude_historical",
    FieldKind::Switch,
    "Do not send events older than the customer.",
)
.of(Group::Events)];

/// What never leaves.
const WITHHELD: &[Field] = &[Field::new(
    "withhold_attributes",
    FieldKind::Lines,
    "Attributes that never leave, by name, also where they would tell who the customer is.",
)
.of(Group::Privacy)];

/// Where to, instead of to the vendor.
pub(crate) const ENDPOINT: &[Field] = &[Field::new(
    "endpoint",
    FieldKind::Url,
    "Sent here instead of to the vendor: a proxy, another region, a server of the same kind.",
)
.of(Group::Delivery)];

/// How fast.
pub(crate) const PACE: &[Field] = &[Field::new(
    "max_per_second",
    FieldKind::Number,
    "Requests a second, at most, from all nodes together.",
)
.of(Group::Delivery)];

/// Whether what may have been taken is sent again.
pub(crate) const REPEATS: &[Field] = &[Field::new(
    "repeat_unconfirmed",
    FieldKind::Switch,
    "Also send again what may have been taken: a request that was not answered. Where the vendor cannot tell a repetition, it counts twice.",
)
.of(Group::Delivery)];

/// When again.
pub(crate) const RETRY: &[Field] = &[Field::new(
    "retry",
    FieldKind::Retry,
    "`adapty`, `revenuecat`, `standard`, or `custom` with delays in seconds.",
)
.of(Group::Delivery)];

/// How it is sent to a vendor.
pub(crate) const DELIVERY: &[Field] = fields!(HISTORY, WITHHELD, ENDPOINT, PACE, REPEATS, RETRY);

/// The same for those who know a repetition, and take it for none: there is nothing to choose.
pub(crate) const DELIVERY_ONCE: &[Field] = fields!(HISTORY, WITHHELD, ENDPOINT, PACE, RETRY);

/// The same where a setting of the destination's own is the address.
pub(crate) const DELIVERY_THERE: &[Field] = fields!(HISTORY, WITHHELD, PACE, REPEATS, RETRY);

/// How it is sent where each message carries its id, by which whoever reads it knows a repetition.
pub(crate) const BY_ID: &[Field] = fields!(HISTORY, WITHHELD, PACE, RETRY);
