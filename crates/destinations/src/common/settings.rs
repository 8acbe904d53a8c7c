//! The settings that destinations of third parties have in common, and what they decide.

use super::{
    amounts::{Amounts, Basis, Refunds, Reported},
    fields::{
        ATTRIBUTES, DELIVERY, EVENT_SWITCHES, EVENTS, EXCLUDE_SANDBOX, IDENTIFIED, MONEY, NAMES,
        SANDBOX, TIMERS,
    },
    names::revenuecat,
    row::{Row, row},
    who::Who,
};
use crate::{
    Category, EventSwitch, Events, Field, FieldKind, Invalid, Now, Spec, Timer, check_url, parse,
    settings::check_retry, timer, told::money::moves_money,
};
use domain::{Environment, Event, EventKind, Money, NotSent, pace::Rate, retry};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeSet, num::NonZeroU32, time::Duration};

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
    trial_active_days: Option<u32>,
    subscription_active_days: Option<u32>,
    send_attributes: bool,
    withhold_attributes: BTreeSet<String>,
    wait_minutes: Option<u32>,
    exclude_historical: bool,
    endpoint: Option<String>,
    max_per_second: Option<NonZeroU32>,
    repeat_unconfirmed: bool,
    retry: Option<retry::Policy>,
}

impl Stored {
    fn timers(&self) -> Vec<Timer> {
        timer::all(self.trial_active_days, self.subscription_active_days)
    }
}

/// The names of all of them.
const SHARED: [&[Field]; 10] = [
    EVENTS,
    TIMERS,
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
    /// Whether it is told what is still active for as long as it says; others hear what is made for these.
    has_timers: bool,
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
        problems.extend(timer::problems(&stored.timers()));
        if !problems.is_empty() {
            return Err(problems);
        }
        // What a team runs itself is waited for longer: what is lost there, nobody else has.
        let usual = match spec.category {
            Category::Storage | Category::Queue => retry::Policy::Standard,
            _ => retry::Policy::Adapty,
        };
        let retry = stored.retry.clone().unwrap_or(usual);
        let is_timer = |field: &Field| field.name == TIMERS[0].name;
        Ok(Self {
            stored,
            spec,
            has_timers: spec.fields.iter().any(is_timer),
            retry,
        })
    }

    /// "Still active" events that are wanted.
    pub(crate) fn timers(&self) -> Vec<Timer> {
        self.stored.timers()
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
        if timer::is_still_active(kind) {
            // RevenueCat knows none.
            return timer::usual(kind, &self.timers());
        }
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
        if self.has_timers && !timer::is_due(event, &self.timers()) {
            return Err(NotSent::EventDisabled);
        }
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
