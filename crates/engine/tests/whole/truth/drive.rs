//! Lets lives be lived in the stores of a world, and has the stores tell of them in one way.
//!
//! One file, although it is long: what happens, what is said of it and what is noted of that are turns of one loop.

use super::{
    compare::{Hearing, Measure, differences},
    way::{Way, outages},
};
use crate::world::{DAY, World};
use domain::{Event, Store};
use engine::IntakeError;
use jiff::{SignedDuration, Timestamp};
use simulator::{
    Message, Outage, Random,
    truth::{Act, Form, History, Life, Lived, Market, Said},
};
use sources::Verdict;
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

/// One customer among others.
struct Customer {
    life: Life,
    lived: Lived,
    heard: Vec<Hearing>,
    /// Since when anything is known of a purchase.
    known: BTreeMap<usize, Timestamp>,
    differences: BTreeSet<String>,
}

/// Something that a store said, about a purchase and what is in it.
struct Word {
    number: usize,
    /// Which, and whether it begins it.
    about: Vec<(usize, bool)>,
    at: Timestamp,
    said: Said,
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
    way: Way,
    span: Span,
    seed: u64,
    customers: Vec<Customer>,
    turns: BTreeMap<(Timestamp, usize), Turn>,
    count: usize,
    /// The server or the stores are down until then.
    down_until: Option<Timestamp>,
    /// When it was looked at everything that always holds.
    looked_at: Timestamp,
}

/// A life, and in which ways what was heard of it is not what happened.
pub(super) struct Outcome {
    pub(super) life: Life,
    pub(super) differences: BTreeSet<String>,
    /// What happened, was expected and was heard, for who looks into it.
    pub(super) report: String,
}

impl Drive {
    /// Lives all of them at once, each as a customer of its own.
    pub(super) async fn all(lives: Vec<Life>, way: Way, seed: u64, span: Span) -> Vec<Outcome> {
        let mut drive = Self {
            world: World::with_stores().await,
            way,
            span,
            seed,
            customers: Vec::new(),
            turns: BTreeMap::new(),
            count: 0,
            down_until: None,
            looked_at: span.from,
        };
        for (number, life) in lives.into_iter().enumerate() {
            drive.add(life, number);
        }
        if matches!(way, Way::ServerDown | Way::StoreDown) {
            for (begins, ends) in outages(&mut Random::new(seed), (span.from, span.until)) {
                drive.later(begins, Turn::Breaks);
                drive.later(ends, Turn::Mends);
            }
        }
        drive.live().await;
        drive.outcomes().await
    }

    fn add(&mut self, life: Life, number: usize) {
        let lived = life.live(u64::try_from(number).unwrap(), self.span.until);
        for (index, act) in lived.acts.iter().enumerate() {
            self.later(act.at, Turn::Happens(number, index));
        }
        if self.way.is_whole() {
            for at in moments(&lived.history, self.seed) {
                self.later(at, Turn::Looks(number));
            }
        }
        self.customers.push(Customer {
            life,
            lived,
            heard: Vec::new(),
            known: BTreeMap::new(),
            differences: BTreeSet::new(),
        });
    }

    fn later(&mut self, at: Timestamp, turn: Turn) {
        self.turns.insert((at, self.count), turn);
        self.count += 1;
    }

    /// Before that, the server is not set up.
    fn hears_from(&self) -> Timestamp {
        if self.way == Way::Midway {
            self.span.from + self.span.from.duration_until(self.span.until) / 3
        } else {
            self.span.from
        }
    }

    async fn live(&mut self) {
        while let Some(((at, _), turn)) = self.turns.pop_first() {
            self.pass_until(at.min(self.span.until)).await;
            self.take(turn).await;
        }
        self.pass_until(self.span.until).await;
        self.world.settled().await;
        self.world.rederives().await;
        for number in 0..self.customers.len() {
            self.look_at(number).await;
        }
    }

    /// Time passes, in steps; a server that is down, or not set up, lets it pass.
    async fn pass_until(&mut self, at: Timestamp) {
        let is_away = self.way == Way::ServerDown && self.down_until.is_some();
        if is_away || at < self.hears_from() {
            if self.world.now() < at {
                self.world.away_until(at).await;
            }
            return;
        }
        while self.world.now() < at {
            let left = self.world.now().duration_until(at).as_secs();
            self.catch_up().await;
            let step = SignedDuration::from_secs(left.clamp(1, STEP));
            self.world.jump(self.world.now() + step);
        }
    }

    /// What is due happens. Everything that always holds is looked at, of many customers now and then: it takes longer the more
    /// there is.
    async fn catch_up(&mut self) {
        self.world.catch_up_unseen().await;
        let since = self.looked_at.duration_until(self.world.now());
        if self.customers.len() <= FEW || since >= SELDOM {
            self.world.holds().await;
            self.looked_at = self.world.now();
            self.world.endpoints.sent.lock().unwrap().clear();
        }
    }

    async fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Happens(number, index) => self.happens(number, index).await,
            Turn::Says(word) => self.deliver(word).await,
            Turn::Looks(number) => {
                self.catch_up().await;
                self.look_at(number).await;
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
        if self.way == Way::StoreDown {
            let outage = since.map_or(Outage::None, |_| Outage::Down);
            self.world.stores.apple.set(outage);
            self.world.stores.play.set(outage);
            self.world.stores.stripe.set(outage);
        }
    }

    async fn happens(&mut self, number: usize, index: usize) {
        let lived = &self.customers[number].lived;
        let act = lived.acts[index].clone();
        act.happen(&self.world.stores);
        let earlier = &lived.acts[..index];
        let begins = |purchase| {
            !earlier
                .iter()
                .any(|act| act.about().any(|of| of == purchase))
        };
        let about: Vec<_> = act
            .about()
            .map(|purchase| (purchase, begins(purchase)))
            .collect();
        let sends = self.way == Way::Crossing && begins(act.purchase);
        let is_first = act.at.as_second() % 2 == 0;
        if sends && is_first {
            self.send_in(number, &act).await;
        }
        for word in &act.says {
            let said = word.said(&self.world.stores, act.at).unwrap();
            let word = Word {
                number,
                about: about.clone(),
                at: act.at,
                said,
            };
            self.send(&act, word).await;
        }
        if sends && !is_first {
            self.send_in(number, &act).await;
        }
    }

    /// The customer's device sends in what was bought; the app's server does, where the store gives only an id of it.
    async fn send_in(&mut self, number: usize, act: &Act) {
        let customer = &self.customers[number];
        let store = match customer.life.market {
            Market::AppStore => Store::AppStore,
            Market::Play => Store::PlayStore,
            Market::Stripe => Store::Stripe,
            Market::Stated => Store::External,
        };
        if let Some(receipt) = act.receipt(&self.world.stores).unwrap() {
            let who = &customer.lived.who;
            let sent = match store {
                Store::Stripe => self.world.vouched_receipt(store, who, &receipt.token).await,
                _ => self.world.receipt(store, who, &receipt.token).await,
            };
            sent.unwrap();
            self.catch_up().await;
        }
    }

    /// A message is on its way. What becomes of it depends on when it was sent and on nothing else, so that a part of a life
    /// meets what the whole one met.
    async fn send(&mut self, act: &Act, word: Word) {
        let second = u64::try_from(act.at.as_second()).unwrap();
        let mut random = Random::new(self.seed ^ second);
        match self.way {
            Way::Midway if act.at < self.hears_from() => {}
            Way::Lost if random.chance(25) => self.lose(word),
            Way::Shuffled if random.chance(50) => {
                let minutes = i64::try_from(random.below(60 * 60)).unwrap();
                let at = act.at + SignedDuration::from_mins(minutes + 1);
                self.later(at, Turn::Says(word));
            }
            Way::ServerDown if self.down_until.is_some() => {
                let at = self.down_until.unwrap_or(act.at);
                self.later(at, Turn::Says(word));
            }
            Way::Doubled => {
                let days = i64::try_from(random.below(20)).unwrap();
                let again = Word {
                    about: word.about.clone(),
                    said: word.said.clone(),
                    ..word
                };
                self.deliver(word).await;
                let at = act.at + SignedDuration::from_secs(days * DAY + 1);
                self.later(at, Turn::Says(again));
            }
            _ => self.deliver(word).await,
        }
    }

    /// It does not arrive; the App Store and Stripe keep lists of such, which are read within a day.
    fn lose(&mut self, word: Word) {
        let stores = &self.world.stores;
        let customer = &mut self.customers[word.number];
        if matches!(customer.life.market, Market::AppStore | Market::Stripe) {
            for (purchase, _) in word.about {
                customer.known.entry(purchase).or_insert(word.at);
            }
        }
        if let Said::Message(Message { body, .. }) = word.said {
            match customer.life.market {
                Market::AppStore => stores.apple.api.failed_to_deliver(word.at, body),
                Market::Stripe => {
                    let event = serde_json::from_str(&body).unwrap();
                    stores.stripe.api.put("events", event);
                }
                Market::Play | Market::Stated => {}
            }
        }
    }

    async fn deliver(&mut self, word: Word) {
        let taken = match &word.said {
            Said::Message(message) => self.world.deliver(message).await,
            Said::Statement(body) => {
                let app = self.world.app_of(Store::External);
                let intake = self.world.engine.intake();
                intake.take_statement(app, body.as_bytes()).await
            }
        };
        match taken {
            Err(IntakeError::Refused(refusal)) if refusal.verdict == Verdict::Again => {
                let at = self.world.now() + SignedDuration::from_hours(1);
                return self.later(at, Turn::Says(word));
            }
            taken => taken.unwrap(),
        };
        self.catch_up().await;
        self.note(&word);
        if self.way.is_whole() {
            self.look_at(word.number).await;
        }
    }

    /// As of when the store was heard. What is signed says how things stood then, unless something newer is known; who is
    /// asked says how they stand now.
    fn note(&mut self, word: &Word) {
        let now = self.world.now();
        let customer = &mut self.customers[word.number];
        let is_asked = matches!(customer.life.market, Market::Play | Market::Stripe);
        let as_of = if is_asked { now } else { word.at };
        let is_answered = !(is_asked && self.way == Way::StoreDown && self.down_until.is_some());
        for (purchase, begins) in word.about.iter().copied() {
            let since = if begins { as_of } else { now };
            customer.known.entry(purchase).or_insert(since);
            let mut heard = customer.heard.iter();
            let is_stale = heard.any(|heard| heard.purchase == purchase && heard.as_of > as_of);
            if is_answered && !is_stale {
                // An outage is over for the mail before it is for the clock.
                let is_shuffled = self.way == Way::Shuffled;
                customer.heard.push(Hearing {
                    purchase,
                    as_of,
                    came_at: if is_shuffled { now } else { as_of },
                });
            }
        }
    }

    /// Whether a customer is let in who should be.
    async fn look_at(&mut self, number: usize) {
        let now = self.world.now();
        let customer = &mut self.customers[number];
        let lived = &customer.lived;
        let history = &lived.history;
        // Who is named late may be named by what was lost, or by what was said before anybody listened.
        let is_named = history.named_at().is_some_and(|named| named <= now);
        if history.form == Form::Nameless && !self.way.is_whole() {
            return;
        }
        // Of a purchase of which the store never said a word since it is listened to, nobody knows.
        let known = &customer.known;
        let truly = |what| {
            let mut purchases = 0..history.purchases();
            purchases.any(|purchase| {
                let is_known = self.way.is_whole() || known.contains_key(&purchase);
                is_known && history.unlocks(purchase) == what && history.lets_in(purchase, now)
            })
        };
        let mut wrong = None;
        for what in ["premium", "hd"] {
            let truth = is_named && truly(what);
            if self.world.has(&lived.who, what).await != truth {
                wrong = Some(if truth { "shut out" } else { "let in" });
            }
        }
        let Some(wrong) = wrong else { return };
        let last = lived.history.told.iter().rfind(|told| told.at <= now);
        let what = last
            .map(|told| format!("{:?}", told.what))
            .unwrap_or_default();
        let what = what.split(['(', ' ']).next().unwrap_or_default();
        let kind = format!("{wrong} after {what}");
        customer.differences.insert(kind);
    }

    async fn outcomes(self) -> Vec<Outcome> {
        let events = self.world.events().await;
        let until = self.span.until;
        let compared = self.customers.into_iter().map(|mut customer| {
            let (who, market) = (&customer.lived.who, customer.life.market);
            // What was told before anybody knew whose it is has the chains of the customer.
            let is_nameless = customer.lived.history.form == Form::Nameless;
            let told = events.iter().filter(|event| {
                let chain = event
                    .purchase
                    .as_ref()
                    .map(|purchase| purchase.chain.as_str());
                let is_owned = is_nameless && chain.is_some_and(|chain| customer.lived.owns(chain));
                is_owned || event.customer.answers_to(who)
            });
            let told: Vec<Event> = told.cloned().collect();
            let known = &customer.known;
            let expected = if self.way.is_whole() {
                customer.lived.history.expected(market)
            } else {
                let first_heard = |purchase| known.get(&purchase).copied();
                let mut events = customer.lived.history.expected_since(market, first_heard);
                events.retain(|event| known.contains_key(&event.purchase));
                events
            };
            // What was missed is listed, and taken from the list before the end.
            if self.way == Way::Lost && market != Market::Play {
                let all = 0..customer.lived.history.purchases();
                customer.heard.extend(all.map(|purchase| Hearing {
                    purchase,
                    as_of: until,
                    came_at: until,
                }));
            }
            let measure = Measure {
                is_whole: self.way.is_whole(),
                heard: &customer.heard,
            };
            let mut found = differences(&expected, &told, &measure);
            found.extend(customer.differences);
            let report = report(&customer.lived, &expected, &told);
            Outcome {
                life: customer.life,
                differences: found,
                report,
            }
        });
        compared.collect()
    }
}

/// When somebody may be let in or shut out: a second after each moment at which that may change, and once some days later.
fn moments(history: &History, seed: u64) -> Vec<Timestamp> {
    let after = |at: Timestamp| {
        let second = u64::try_from(at.as_second()).unwrap();
        let drawn = Random::new(seed ^ second).below(20 * 86_400);
        let later = SignedDuration::from_secs(i64::try_from(drawn).unwrap());
        [at + SignedDuration::from_secs(1), at + later]
    };
    history
        .turning_points()
        .into_iter()
        .flat_map(after)
        .collect()
}

fn report(lived: &Lived, expected: &[simulator::truth::Expected], told: &[Event]) -> String {
    let happened = lived
        .history
        .told
        .iter()
        .map(|told| format!("\n  {told:?}"));
    let expected = expected.iter().map(|event| format!("\n  {event:?}"));
    let told = told.iter().map(|event| {
        let money = event.transaction.as_ref().map(|transaction| {
            let price = transaction.price.map(|price| price.micros);
            (price, transaction.refunded.map(|refunded| refunded.micros))
        });
        let (at, kind, product) = (event.occurred_at, event.kind.id(), &event.product);
        let reason = event.cancellation_reason;
        format!("\n  {at} {kind} {product:?} {money:?} {reason:?}")
    });
    format!(
        "happened{}\nexpected{}\ntold{}",
        happened.collect::<String>(),
        expected.collect::<String>(),
        told.collect::<String>()
    )
}
