//! What destinations of third parties have in common: the settings that each of them has, which events go out, whom they are about, and which
//! amounts are told. No destination multiplies, looks into attributes, or decides about consent by itself.

mod account;
mod amounts;
mod contact;
mod extinfo;
mod fields;
mod keys;
mod names;
mod pause;
mod platform;
mod properties;
mod row;
mod settings;
mod status;
mod verdict;
mod who;

pub(crate) use crate::told::money::moves_money;
pub(crate) use account::Account;
pub(crate) use amounts::{Refunds, minor_units, number, revenue};
pub(crate) use extinfo::extinfo;
pub(crate) use fields::{
    ATTRIBUTES, BY_ID, DELIVERY, DELIVERY_ONCE, DELIVERY_THERE, DOLLARS, ENDPOINT, EVENT_SWITCHES,
    EVENTS, EXCLUDE_SANDBOX, HISTORY, IDENTIFIED, MONEY, NAMES, PACE, REPEATS, RETRY, SANDBOX,
    TIMERS,
};
pub(crate) use keys::Keys;
pub(crate) use names::{
    ATTRIBUTED, ATTRIBUTED_AND_ACTIVE, CONVERSIONS, CONVERSIONS_AND_ACTIVE, LIFECYCLE,
    LIFECYCLE_AND_ACTIVE, revenuecat,
};
pub(crate) use pause::{pause, pause_in, pause_until};
pub(crate) use platform::PerPlatform;
pub(crate) use properties::{Times, flat, properties};
pub(crate) use row::Row;
pub(crate) use settings::{Common, read};
pub(crate) use status::{active_entitlements, is_subscribed, subscription_status};
pub(crate) use verdict::{by_status, said};
pub(crate) use who::{Att, Platform, Who};
