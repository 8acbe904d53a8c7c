//! The settings that destinations of third parties have in common, and what they decide.

use super::{
    amounts::{Amounts, Basis, Refunds, Reported},
    names::revenuecat,
    row::{Row, row},
    who::Who,
};
use crate::{
    Category, EventSwitch, Events, Field, FieldKind, Group, Invalid, Now, Spec, check_url, parse,
    settings::check_retry, spec::fields, told::money::moves_money,
};
use domain::{Environment, Event, EventKind, Money, NotSent, pace::Rate, retry};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeSet, num::NonZeroU32, time::Duration};

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

/// How long an event waits for an attribute, unless the settings say.
const WAITS_MINUTES: u32 = 10;
/// How long it may be told to.
const LONGEST_WAIT_MINUTES: u32 = 24 * 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Names {
    #[default]
    Tidings,
    Revenuecat,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Stored {
    events: Events,
    names: Names,
    currency: Option<Reported>,
    revenue: Basis,
    send_sandbox: bool,
    exclude_sandbox: bool,
    send_attributes: bool,
    withhold_attributes: BTreeSet<String>,
    wait_minutes: Option<u32>,
    exclude_historical: bool,
    endpoint: Option<String>,
    max_per_second: Option<NonZeroU32>,
    repeat_unconfirmed: bool,
    retry: Option<retry::Policy>,
}

/// The names of all of them.
const SHARED: [&[Field]; 9] = [
    EVENTS,
    NAMES,
    MONEY,
    SANDBOX,
    ATTRIBUTES,
    IDENTIFIED,
    DELIVERY,
    EVENT_SWITCHES,
    EXCLUDE_SANDBOX,
];

/// Settings that destinations of third parties have in common, checked.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    stored: Stored,
    spec: &'static Spec,
    retry: retry::Policy,
}

/// Reads settings: the destination's own, and what it has in common with others. All problems are named by their fields.
pub(crate) fn read<T: DeserializeOwned>(
    settings: &Value,
    spec: &'static Spec,
) -> Result<(T, Common), Vec<Invalid>> {
    let shared = |name: &str| {
        let mut common = SHARED.iter().flat_map(|list| list.iter());
        common.any(|field| field.name == name) && spec.fields.iter().any(|field| field.name == name)
    };
    let all = settings.as_object().cloned().unwrap_or_default();
    let (shared, own): (Map<_, _>, Map<_, _>) = all.into_iter().partition(|(name, _)| shared(name));
    let own = parse::<T>(&Value::Object(own));
    let common = parse(&Value::Object(shared)).and_then(|stored| Common::checked(stored, spec));
    match (own, common) {
        (Ok(own), Ok(common)) => Ok((own, common)),
        (Err(mut problems), Err(more)) => {
            problems.extend(more);
            Err(problems)
        }
        (Err(problems), Ok(_)) | (Ok(_), Err(problems)) => Err(problems),
    }
}

impl Common {
    fn checked(stored: Stored, spec: &'static Spec) -> Result<Self, Vec<Invalid>> {
        let renames = spec
            .fields
            .iter()
            .any(|field| matches!(field.kind, FieldKind::Events));
        let mut problems = stored.events.problems("events", spec.events, renames);
        check_url("endpoint", stored.endpoint.as_deref(), &mut problems);
        check_retry(stored.retry.as_ref(), &mut problems);
        if stored
            .wait_minutes
            .is_some_and(|minutes| minutes > LONGEST_WAIT_MINUTES)
        {
            problems.push(Invalid::new(
                "wait_minutes",
                format!("is at most {LONGEST_WAIT_MINUTES}, a day"),
            ));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        // What a team runs itself is waited for longer: what is lost there, nobody else has.
        let usual = match spec.category {
            Category::Storage | Category::Queue => retry::Policy::Standard,
            _ => retry::Policy::Adapty,
        };
        let retry = stored.retry.clone().unwrap_or(usual);
        Ok(Self {
            stored,
            spec,
            retry,
        })
    }

    /// What an event is called, unless `events` says another: as here, or as RevenueCat calls it.
    pub(crate) fn usual_name(&self, kind: EventKind) -> Option<&'static str> {
        self.usual_name_by(kind, revenuecat, EventKind::id)
    }

    /// The same where RevenueCat has other names, or we have: `own`, or `theirs`.
    pub(crate) fn usual_name_by(
        &self,
        kind: EventKind,
        theirs: impl FnOnce(EventKind) -> Option<&'static str>,
        own: impl FnOnce(EventKind) -> &'static str,
    ) -> Option<&'static str> {
        match self.stored.names {
            Names::Tidings => Some(own(kind)),
            Names::Revenuecat => theirs(kind),
        }
    }

    /// The name to send an event under, or why it is not sent. `usual` says what it is called where `events` does not: nothing where it is off
    /// by itself. `has_sandbox`: whether there is a place of its own for test purchases.
    pub(crate) fn name(
        &self,
        event: &Event,
        has_sandbox: bool,
        usual: impl FnOnce(EventKind) -> Option<&'static str>,
    ) -> Result<String, NotSent> {
        if !self.spec.events.contains(&event.kind) {
            return Err(NotSent::EventUnsupported);
        }
        let is_wanted = event.environment == Environment::Production
            || event.kind == EventKind::Test
            || has_sandbox
            || self.stored.send_sandbox;
        let usual = usual(event.kind);
        let name = self.stored.events.named(event.kind, usual);
        let name = name.filter(|_| is_wanted).ok_or(NotSent::EventDisabled)?;
        if self.stored.exclude_historical && event.predates_customer() {
            return Err(NotSent::Historical);
        }
        Ok(name.to_owned())
    }

    /// The same where test purchases go along unless they are excluded: the event is called by its kind.
    pub(crate) fn handed_on(&self, event: &Event) -> Result<String, NotSent> {
        let with_sandbox = !self.stored.exclude_sandbox;
        self.name(event, with_sandbox, |kind| Some(kind.id()))
    }

    /// The whole event, without the attributes that are withheld.
    pub(crate) fn told<'a>(&self, event: &'a Event) -> Cow<'a, Event> {
        let withheld = &self.stored.withhold_attributes;
        if withheld.is_empty() {
            return Cow::Borrowed(event);
        }
        let mut told = event.clone();
        let customers = [Some(&mut told.customer), told.transferred_from.as_mut()];
        for customer in customers.into_iter().flatten() {
            customer
                .attributes
                .retain(|name, _| !withheld.contains(name));
        }
        Cow::Owned(told)
    }

    /// The event as a row of a table.
    pub(crate) fn row(&self, event: &Event, now: Now<'_>) -> Row {
        row(event, self.who(event, now), self.stored.send_attributes)
    }

    /// Whom an event is about.
    pub(crate) fn who<'a>(&'a self, event: &'a Event, now: Now<'a>) -> Who<'a> {
        Who::new(event, now, &self.stored.withhold_attributes)
    }

    /// The amount to tell.
    pub(crate) fn amount(&self, event: &Event, refunds: Refunds) -> Option<Money> {
        let amounts = Amounts {
            reported: self
                .stored
                .currency
                .unwrap_or_else(|| self.usual_currency()),
            basis: self.stored.revenue,
        };
        amounts.of(event, refunds)
    }

    /// The same where the vendor knows some currencies alone: in US dollars where it does not know that of the customer.
    pub(crate) fn amount_in(
        &self,
        currencies: &[&str],
        event: &Event,
        refunds: Refunds,
    ) -> Option<Money> {
        let is_known = |amount: &Money| currencies.contains(&amount.currency.code());
        let dollars = Amounts {
            reported: Reported::Usd,
            basis: self.stored.revenue,
        };
        let told = self.amount(event, refunds).filter(is_known);
        told.or_else(|| dollars.of(event, refunds).filter(is_known))
    }

    /// Whether amounts are what the store's share leaves.
    pub(crate) fn tells_what_is_left(&self) -> bool {
        self.stored.revenue != Basis::Price
    }

    /// In which currency amounts are told unless it is said: the first that the form offers.
    fn usual_currency(&self) -> Reported {
        let mut fields = self.spec.fields.iter();
        let field = fields.find(|field| field.name == "currency");
        match field.map(|field| field.kind) {
            Some(FieldKind::Choice(["usd", ..])) => Reported::Usd,
            _ => Reported::Local,
        }
    }

    /// Whether the customer's attributes go along.
    pub(crate) const fn sends_attributes(&self) -> bool {
        self.stored.send_attributes
    }

    /// Where a path of the vendor's is: below its own address, or the one that is set instead.
    pub(crate) fn url(&self, vendor: &str, path: &str) -> String {
        let base = self.stored.endpoint.as_deref().unwrap_or(vendor);
        format!("{}{path}", base.trim_end_matches('/'))
    }

    /// Whether another address than the vendor's is set.
    pub(crate) const fn has_endpoint(&self) -> bool {
        self.stored.endpoint.is_some()
    }

    /// How long an event waits for an attribute.
    pub(crate) fn wait(&self) -> Duration {
        let minutes = self.stored.wait_minutes.unwrap_or(WAITS_MINUTES);
        Duration::from_secs(u64::from(minutes) * 60)
    }

    /// Whether what may have been taken is sent again where the vendor counts that twice.
    pub(crate) const fn repeats(&self) -> bool {
        self.stored.repeat_unconfirmed
    }

    /// The same for an event: what moves no money does no damage when it is told twice.
    pub(crate) const fn may_repeat(&self, event: &Event) -> bool {
        self.repeats() || !moves_money(event.kind)
    }

    /// The names that `events` gives to kinds, by kind.
    pub(crate) fn given_names(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.stored.events.0.iter();
        all.filter_map(|(kind, switch)| match switch {
            EventSwitch::Named(name) => Some((kind.as_str(), name.as_str())),
            EventSwitch::Enabled(_) => None,
        })
    }

    /// What stands before the names of properties that RevenueCat has named, where its names are sent: `rc_`.
    pub(crate) const fn prefix(&self) -> &'static str {
        match self.stored.names {
            Names::Tidings => "",
            Names::Revenuecat => "rc_",
        }
    }

    /// How often something is sent: as the vendor says, or less often.
    pub(crate) fn rate(&self, vendor: Option<Rate>) -> Option<Rate> {
        let own = self.stored.max_per_second.map(Rate::per_second);
        match (own, vendor) {
            (Some(own), Some(vendor)) if vendor.apart() > own.apart() => Some(vendor),
            (own, vendor) => own.or(vendor),
        }
    }

    /// When failed deliveries are tried again.
    pub(crate) const fn retry(&self) -> &retry::Policy {
        &self.retry
    }
}
