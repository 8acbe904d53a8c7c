//! What client SDKs are told of customers whose lives are generated, beside what truly happened: `/v1` at every moment at which it may
//! change, and some days later. Source: RevenueCat, "CustomerInfo" and its SDKs, which decide by `expires_date` alone whether somebody
//! has an entitlement.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod stores;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use simulator::{
    Channel, Message, Stores,
    truth::{Info, Kinds, Life, Lived, Market, Said},
};
use sources::Incoming;
use std::collections::BTreeMap;
use web::test::TestServer;

const LIVES: u64 = 6;
const DAY: SignedDuration = SignedDuration::from_hours(24);
const LASTS_DAYS: i32 = 200;

/// What is due.
enum Turn {
    Happens(usize, usize),
    Looks(usize),
}

/// Lives that are lived together, in one store.
struct Drive {
    server: TestServer,
    stores: Stores,
    lives: Vec<(Life, Lived)>,
    differences: Vec<String>,
}

impl Drive {
    async fn of(market: Market) -> Self {
        let (server, stores) = stores::server().await;
        let from = server.now() + DAY;
        let lasts = DAY * LASTS_DAYS;
        let one = |number| {
            let life = Life::random(market, Kinds::Ordinary, number, (from, DAY * 7), lasts);
            let lived = life.live(number, from + lasts);
            (life, lived)
        };
        Self {
            server,
            stores,
            lives: (0..LIVES).map(one).collect(),
            differences: Vec::new(),
        }
    }

    /// When what happens, and when it is looked.
    fn turns(&self) -> BTreeMap<(Timestamp, usize), Turn> {
        let mut turns = BTreeMap::new();
        for (number, (_, lived)) in self.lives.iter().enumerate() {
            for (index, act) in lived.acts.iter().enumerate() {
                turns.insert((act.at, turns.len()), Turn::Happens(number, index));
            }
            for at in lived.history.turning_points() {
                let days = i32::try_from(at.as_second() % 13).unwrap();
                for at in [at + SignedDuration::from_secs(1), at + DAY * days] {
                    turns.insert((at, turns.len()), Turn::Looks(number));
                }
            }
        }
        turns
    }

    async fn live(&mut self) {
        for ((at, _), turn) in self.turns() {
            self.pass_until(at).await;
            match turn {
                Turn::Happens(number, index) => self.happens(number, index).await,
                Turn::Looks(number) => self.look_at(number).await,
            }
        }
    }

    async fn pass_until(&self, at: Timestamp) {
        while self.server.now() < at {
            let left = self.server.now().duration_until(at);
            // What is due at a moment is due after what happens then: an answer of the same moment would be as new.
            self.server.catch_up().await;
            self.server.pass(left.min(DAY)).await;
        }
    }

    async fn happens(&self, number: usize, index: usize) {
        let act = &self.lives[number].1.acts[index];
        act.happen(&self.stores);
        for word in &act.says {
            match word.said(&self.stores, act.at).unwrap() {
                Said::Message(message) => self.deliver(&message).await,
                Said::Statement(statement) => {
                    let app = self.server.app_id("shop");
                    let intake = self.server.app.engine.intake();
                    let taken = intake.take_statement(app, statement.as_bytes()).await;
                    taken.unwrap();
                }
            }
        }
        self.server.app.engine.idle().await;
        self.server.catch_up().await;
    }

    async fn deliver(&self, message: &Message) {
        let app = match message.channel {
            Channel::Apple => "ios",
            Channel::Google => "android",
            Channel::Stripe => "web",
        };
        let signature = match message.channel {
            Channel::Stripe => Some(simulator::sign(&message.body, self.server.now())),
            Channel::Apple | Channel::Google => None,
        };
        let incoming = Incoming {
            body: message.body.as_bytes(),
            authorization: None,
            signature: signature.as_deref(),
            url: "https://tidings.example/callbacks",
        };
        let app = self.server.app_id(app);
        let intake = self.server.app.engine.intake();
        intake.accept(app, &incoming).await.unwrap();
    }

    async fn look_at(&mut self, number: usize) {
        let (life, lived) = &self.lives[number];
        let now = self.server.now();
        self.server.catch_up().await;
        let path = format!("/v1/subscribers/{}", lived.who);
        let client = self.server.by(web::test::Who::PublicKey);
        let answer = client.get(&path).await.json();
        let found = differences(lived, &answer["subscriber"], now);
        self.differences.extend(found.into_iter().map(|what| {
            let told = lived.history.told.iter().filter(|told| told.at <= now);
            let told: String = told.map(|told| format!("\n  {told:?}")).collect();
            format!("{now} {what}\n{life:?}{told}\n{answer:#}")
        }));
    }
}

/// A time as it is told, in whole seconds.
fn time(told: &Value) -> Option<Timestamp> {
    told.as_str().map(|told| told.parse().unwrap())
}

fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap()
}

/// In what the answer differs from the truth.
fn differences(lived: &Lived, answer: &Value, now: Timestamp) -> Vec<String> {
    let mut found = Vec::new();
    let history = &lived.history;
    let entitlement = &answer["entitlements"]["premium"];
    let told = time(&entitlement["expires_date"]).filter(|until| now < *until);
    let levels = history.levels("premium", now);
    let truly = levels.iter().map(|level| level.until).max();
    if told != truly.map(whole) {
        found.push(format!("access until {truly:?}, told {told:?}"));
    }
    let Some(info) = history.info(now) else {
        return found;
    };
    let product = info.product.split(':').next().unwrap_or_default();
    let subscription = &answer["subscriptions"][product];
    if !subscription.is_object() {
        found.push(format!("no subscription of {product}"));
        return found;
    }
    found.extend(stands_otherwise(&info, subscription));
    found
}

/// In what a subscription that is told stands otherwise than the one that there is.
fn stands_otherwise(info: &Info, told: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |name: &str, truly: Option<Timestamp>, is_dated: bool| {
        let told = time(&told[name]);
        let agrees = match (truly, told) {
            (None, None) => true,
            (Some(truly), Some(told)) => !is_dated || whole(truly) <= told,
            _ => false,
        };
        if !agrees {
            found.push(format!("{name} {truly:?}, told {told:?}"));
        }
    };
    compare("refunded_at", info.refunded_at, true);
    // The App Store does not say since when: each word of it that repeats it is later.
    // Of what is over nobody asks why it will not renew.
    if !info.has_ended && info.refunded_at.is_none() {
        compare("unsubscribe_detected_at", info.off_since, true);
        compare("billing_issues_detected_at", info.unpaid_since, false);
    }
    found
}

async fn check(market: Market) {
    let mut drive = Drive::of(market).await;
    drive.live().await;
    let count = drive.differences.len();
    let first = drive.differences.first();
    assert!(first.is_none(), "{count} differences: {}", first.unwrap());
}

#[tokio::test]
async fn clients_of_the_app_store_are_told_the_truth() {
    check(Market::AppStore).await;
}

#[tokio::test]
async fn clients_of_google_play_are_told_the_truth() {
    check(Market::Play).await;
}

#[tokio::test]
async fn clients_of_stripe_are_told_the_truth() {
    check(Market::Stripe).await;
}

#[tokio::test]
async fn clients_of_what_is_stated_are_told_the_truth() {
    check(Market::Stated).await;
}
