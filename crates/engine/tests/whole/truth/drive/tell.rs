//! What stores say, on its way: what becomes of each message, and what is noted of it.

use super::{Customer, DAY, Drive, Turn, Word, store};
use crate::truth::{compare::Hearing, way::Way};
use domain::Store;
use engine::IntakeError;
use jiff::SignedDuration;
use simulator::{
    Message, Random,
    truth::{Act, Change, First, Market, Said},
};
use sources::Verdict;

impl Drive {
    pub(super) async fn happens(&mut self, number: usize, index: usize) {
        let act = self.customers[number].lived.acts[index].clone();
        act.happen(&self.world.stores);
        self.customers[number].take_over(&act);
        let earlier = &self.customers[number].lived.acts[..index];
        let begins = |purchase| {
            !earlier
                .iter()
                .any(|act| act.about().any(|of| of == purchase))
        };
        let about: Vec<_> = act
            .about()
            .map(|purchase| (purchase, begins(purchase)))
            .collect();
        let sends = self.plan.way == Way::Crossing && begins(act.purchase);
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
                is_again: false,
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
        let store = store(customer.life.market);
        if let Some(receipt) = act.receipt(&self.world.stores).unwrap() {
            let who = &customer.lived.who;
            let sent = match store {
                Store::Stripe => self.world.vouched_receipt(store, who, &receipt.token).await,
                _ => self.world.receipt(store, who, &receipt.token).await,
            };
            sent.unwrap();
            self.customers[number].is_sent_in = true;
            self.catch_up().await;
        }
    }

    /// A message is on its way. What becomes of it depends on when it was sent and on nothing else, so that a part of a life
    /// meets what the whole one met.
    async fn send(&mut self, act: &Act, word: Word) {
        let second = u64::try_from(act.at.as_second()).unwrap();
        let mut random = Random::new(self.plan.seed ^ second);
        match self.plan.way {
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
                    is_again: true,
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
                let first = First::at(word.at);
                customer.known.entry(purchase).or_insert(first);
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

    pub(super) async fn deliver(&mut self, word: Word) {
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
        if !self.has_more_mail() {
            self.catch_up().await;
        }
        self.note(&word);
        if self.plan.way.is_whole() {
            self.look_at(word.number).await;
        }
    }

    /// Whether more was kept for a server that was away: it is there for all of it before it is for the clock, which would ask the store
    /// what has become of it since.
    fn has_more_mail(&self) -> bool {
        let next = self.turns.first_key_value();
        let is_mail = |turn: &Turn| matches!(turn, Turn::Says(_));
        let is_now = next.is_some_and(|((at, _), turn)| *at <= self.world.now() && is_mail(turn));
        self.plan.way == Way::ServerDown && is_now
    }

    /// As of when the store was heard. What is signed says how things stood then, unless something newer is known; who is
    /// asked says how they stand now.
    fn note(&mut self, word: &Word) {
        let now = self.world.now();
        let customer = &mut self.customers[word.number];
        if word.is_again || !customer.hears(word) {
            return;
        }
        let is_asked = matches!(customer.life.market, Market::Play | Market::Stripe);
        let as_of = if is_asked { now } else { word.at };
        let is_answered =
            !(is_asked && self.plan.way == Way::StoreDown && self.down_until.is_some());
        for (purchase, begins) in word.about.iter().copied() {
            let heard = if begins { as_of } else { now };
            // Whoever states a purchase does so when it comes.
            let is_stated = customer.life.market == Market::Stated;
            let sent = if is_stated { heard } else { word.at };
            let first = First { heard, sent };
            customer.known.entry(purchase).or_insert(first);
            let mut heard = customer.heard.iter();
            let is_stale = heard.any(|heard| heard.purchase == purchase && heard.as_of > as_of);
            if is_answered && !is_stale {
                // An outage is over for the mail before it is for the clock.
                let is_shuffled = self.plan.way == Way::Shuffled;
                customer.heard.push(Hearing {
                    purchase,
                    as_of,
                    came_at: if is_shuffled { now } else { as_of },
                });
            }
        }
    }
}

impl Customer {
    /// Another purchase of Google Play takes over from one.
    fn take_over(&mut self, act: &Act) {
        let replaced = act.changes.iter().find_map(|change| match change {
            Change::PlayReplaced { token, .. } => Some(token),
            _ => None,
        });
        let begun = act.says.iter().find_map(|word| match word {
            simulator::truth::Word::Play { token, .. } => Some(token),
            _ => None,
        });
        if let Some((replaced, begun)) = replaced.zip(begun) {
            self.replaced.insert(replaced.clone());
            self.unheard.insert(act.purchase, begun.clone());
        }
    }

    /// Whether a word says how what it is about stands.
    fn hears(&mut self, word: &Word) -> bool {
        let Said::Message(Message { subject, .. }) = &word.said else {
            return true;
        };
        self.unheard.retain(|_, token| token != subject);
        !self.replaced.contains(subject)
    }
}
