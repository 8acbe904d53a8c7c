//! Lets lives be lived in the stores of a world, and has the stores tell of them in one way.
//!
//! What happens, what is said of it ([`tell`]) and what is noted of that ([`outcome`]) are turns of one loop.

mod listen;
mod moments;
mod outcome;
mod tell;

pub(super) use outcome::Outcome;

use super::{
    compare::Hearing,
    way::{Way, outages},
};
use crate::world::{DAY, World};
use domain::{Currency, Store, rates::Rate};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use listen::Listener;
use moments::moments;
use simulator::{
    Outage, Random,
    truth::{First, Life, Lived, Market, Said},
};
use std::collections::{BTreeMap, BTreeSet};

/// Time passes in steps of no more than that.
const STEP: i64 = DAY;
/// Of so many customers at most, everything is looked at after each step.
const FEW: usize = 8;
/// Of more, not more often than this.
const SELDOM: SignedDuration = SignedDuration::from_hours(30 * 24);

/// When lives begin to be lived, and when all that is known of them is compared.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// How much of Tidings lives are told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leg {
    /// All of it, over a ledger of its own, with two endpoints.
    Whole,
    /// What decides: sources, intake, domain, and the clock where purchases and messages wait for it; over a ledger in memory. Nothing is
    /// delivered.
    Short,
}

/// How lives are told.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) way: Way,
    pub(super) leg: Leg,
    /// In the end all of it is derived again from what was kept.
    pub(super) is_derived_again: bool,
    /// What becomes of messages is drawn from that.
    pub(super) seed: u64,
    pub(super) span: Span,
}

/// One customer among others.
struct Customer {
    life: Life,
    lived: Lived,
    heard: Vec<Hearing>,
    /// Sent in what it bought, with its name.
    is_sent_in: bool,
    /// Since when anything is known of a purchase.
    known: BTreeMap<usize, First>,
    /// Purchases of Google Play that others took over from: what is said of one says nothing of the other.
    replaced: BTreeSet<String>,
    /// What took over, until it is heard of, by what it goes on with.
    unheard: BTreeMap<usize, String>,
    differences: BTreeSet<String>,
    /// What was told of access where it differs, for who looks into it.
    listened: String,
}

/// Something that a store said, about a purchase and what is in it.
struct Word {
    number: usize,
    /// Which, and whether it begins it.
    about: Vec<(usize, bool)>,
    at: Timestamp,
    said: Said,
    /// It was said before: a server that has it looks at it no more.
    is_again: bool,
}

/// What is due.
enum Turn {
    Happens(usize, usize),
    Says(Word),
    Looks(usize),
    Breaks,
    Mends,
}

/// Lives lived together in one world.
pub(super) struct Drive {
    world: World,
    plan: Plan,
    customers: Vec<Customer>,
    listener: Listener,
    turns: BTreeMap<(Timestamp, usize), Turn>,
    count: usize,
    /// The server or the stores are down until then.
    down_until: Option<Timestamp>,
    /// When it was looked at everything that always holds.
    looked_at: Timestamp,
    /// When everything was done last that time asks for.
    ticked_at: Timestamp,
}

impl Drive {
    /// Lives all of them at once, each as a customer of its own.
    pub(super) async fn all(lives: Vec<Life>, plan: Plan) -> Vec<Outcome> {
        let Plan { span, way, .. } = plan;
        let world = match (plan.leg, lives.first()) {
            (Leg::Short, Some(life)) => Box::pin(World::in_memory(store(life.market))).await,
            _ => Box::pin(World::with_selling_stores()).await,
        };
        world.engine.add_rates(rates(span)).await.unwrap();
        world.is_of(plan.seed);
        let mut drive = Self {
            world,
            plan,
            customers: Vec::new(),
            listener: Listener::default(),
            turns: BTreeMap::new(),
            count: 0,
            down_until: None,
            looked_at: span.from,
            ticked_at: Timestamp::MIN,
        };
        for (number, life) in lives.into_iter().enumerate() {
            drive.add(life, number);
        }
        if matches!(way, Way::ServerDown | Way::StoreDown) {
            for (begins, ends) in outages(&mut Random::new(plan.seed), (span.from, span.until)) {
                drive.later(begins, Turn::Breaks);
                drive.later(ends, Turn::Mends);
            }
        }
        Box::pin(drive.live()).await;
        drive.outcomes().await
    }

    fn add(&mut self, life: Life, number: usize) {
        let lived = life.live(u64::try_from(number).unwrap(), self.plan.span.until);
        for (index, act) in lived.acts.iter().enumerate() {
            self.later(act.at, Turn::Happens(number, index));
        }
        if self.plan.way.is_whole() {
            for at in moments(&lived.history, self.plan.seed) {
                self.later(at, Turn::Looks(number));
            }
        }
        self.customers.push(Customer {
            life,
            lived,
            heard: Vec::new(),
            is_sent_in: false,
            known: BTreeMap::new(),
            replaced: BTreeSet::new(),
            unheard: BTreeMap::new(),
            differences: BTreeSet::new(),
            listened: String::new(),
        });
    }

    fn later(&mut self, at: Timestamp, turn: Turn) {
        self.turns.insert((at, self.count), turn);
        self.count += 1;
    }

    /// Before that, the server is not set up.
    fn hears_from(&self) -> Timestamp {
        if self.plan.way == Way::Midway {
            self.plan.span.from + self.plan.span.from.duration_until(self.plan.span.until) / 3
        } else {
            self.plan.span.from
        }
    }

    async fn live(&mut self) {
        while let Some(((at, _), turn)) = self.turns.pop_first() {
            self.pass_until(at.min(self.plan.span.until)).await;
            self.take(turn).await;
        }
        self.pass_until(self.plan.span.until).await;
        self.world.settled().await;
        if self.plan.is_derived_again {
            self.world.rederives().await;
        }
        self.listener.listen(&self.world).await;
        for number in 0..self.customers.len() {
            self.look_at(number).await;
            self.agrees_with_the_listener(number).await;
        }
    }

    /// Time passes, in steps; a server that is down, or not set up, lets it pass.
    async fn pass_until(&mut self, at: Timestamp) {
        let is_away = self.plan.way == Way::ServerDown && self.down_until.is_some();
        if is_away || at < self.hears_from() {
            if self.world.now() < at {
                self.world.away_until(at).await;
            }
            return;
        }
        while self.world.now() < at {
            self.catch_up().await;
            self.world.jump(self.next_step(at));
        }
    }

    /// How far time passes at once, on its way to a moment.
    fn next_step(&self, at: Timestamp) -> Timestamp {
        let now = self.world.now();
        match self.plan.leg {
            Leg::Whole => {
                let left = now.duration_until(at).as_secs();
                now + SignedDuration::from_secs(left.clamp(1, STEP))
            }
            Leg::Short => {
                let due = self.world.due_next().filter(|due| *due > now);
                let tick = self.ticked_at + SignedDuration::from_secs(STEP);
                at.min(tick).min(due.unwrap_or(at))
            }
        }
    }

    /// What is due happens.
    async fn catch_up(&mut self) {
        match self.plan.leg {
            Leg::Whole => self.catch_up_and_look().await,
            Leg::Short => self.catch_up_shortly().await,
        }
    }

    /// Everything that always holds is looked at, of many customers now and then: it takes longer the more there is.
    async fn catch_up_and_look(&mut self) {
        self.world.catch_up_unseen().await;
        let since = self.looked_at.duration_until(self.world.now());
        if self.customers.len() <= FEW || since >= SELDOM {
            self.world.holds().await;
            self.looked_at = self.world.now();
            self.world.endpoints.sent.lock().unwrap().clear();
        }
    }

    /// Lists of what stores could not deliver are read once a day; else what waits is looked at when its time comes.
    async fn catch_up_shortly(&mut self) {
        let now = self.world.now();
        let engine = &self.world.engine;
        // A store that was asked has answered.
        engine.idle().await;
        let is_tick = self.ticked_at.duration_until(now).as_secs() >= STEP;
        if is_tick {
            self.world.catch_up_unseen().await;
            self.ticked_at = now;
        } else if self.world.due_next().is_some_and(|due| due <= now) {
            engine.catch_up_with_purchases().await.unwrap();
        }
    }

    async fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Happens(number, index) => self.happens(number, index).await,
            Turn::Says(word) => self.deliver(word).await,
            Turn::Looks(number) => {
                self.catch_up().await;
                self.look_at(number).await;
                self.listener.listen(&self.world).await;
                self.was_told(number);
            }
            Turn::Breaks => self.set_down(Some(self.world.now())),
            Turn::Mends => self.set_down(None),
        }
    }

    fn set_down(&mut self, since: Option<Timestamp>) {
        // The next turn that mends it.
        let mut turns = self.turns.iter();
        let mends = turns.find(|(_, turn)| matches!(turn, Turn::Mends));
        self.down_until = since.and(mends.map(|((at, _), _)| *at));
        if self.plan.way == Way::StoreDown {
            let outage = since.map_or(Outage::None, |_| Outage::Down);
            self.world.stores.apple.set(outage);
            self.world.stores.play.set(outage);
            self.world.stores.stripe.set(outage);
        }
    }
}

/// Exchange rates of every day on which somebody may pay.
fn rates(span: Span) -> Vec<Rate> {
    let day = |at: Timestamp| at.as_second().div_euclid(DAY);
    let days = day(span.from) - 1..=day(span.until) + 1;
    let of_day = days.flat_map(|day| {
        let date = Timestamp::from_second(day * DAY).unwrap();
        let date = date.to_zoned(TimeZone::UTC).date();
        simulator::truth::rates(day).map(|(currency, micros_per_euro)| Rate {
            date,
            currency: Currency::try_from(currency).unwrap(),
            micros_per_euro,
        })
    });
    of_day.collect()
}

const fn store(market: Market) -> Store {
    match market {
        Market::AppStore => Store::AppStore,
        Market::Play => Store::PlayStore,
        Market::Stripe => Store::Stripe,
        Market::Stated => Store::External,
    }
}
