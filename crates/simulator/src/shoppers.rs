//! Customers of the fake Google Play and Stripe, living in real time: each change happens in the store first, and the
//! store then tells the server, again and again until it is answered.

use crate::{
    Faults, Faulty, Pace, PlayStore, Random, StripeAccount, StripeSubscription, Subscription,
    stripe::sign,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Tells a server what happens in a store.
#[derive(Clone)]
pub struct Shoppers {
    url: String,
    pace: Pace,
    seed: u64,
    started: Instant,
    started_at: Timestamp,
    client: reqwest::Client,
    told: Arc<AtomicU64>,
    faults: Faults,
    sent: Arc<AtomicU64>,
}

/// How often a store tells again before it gives up.
const TRIES: u32 = 200;

impl Shoppers {
    /// Tells the callback URL `url`. `now` is the present.
    pub fn new(url: String, pace: Pace, seed: u64, now: Timestamp) -> anyhow::Result<Self> {
        Ok(Self {
            url,
            pace,
            seed,
            started: Instant::now(),
            started_at: now,
            client: reqwest::Client::builder().no_proxy().build()?,
            told: Arc::default(),
            faults: Faults::default(),
            sent: Arc::default(),
        })
    }

    /// With faults on the way to the server: told twice, late, or lost and told again much later.
    #[must_use]
    pub const fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Messages that were accepted.
    pub fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(0);
        Timestamp::from_microsecond(self.started_at.as_microsecond() + elapsed)
            .unwrap_or(self.started_at)
    }

    fn days(&self, days: i32) -> SignedDuration {
        self.pace.day * days
    }

    fn later(&self, days: i32) -> Timestamp {
        let now = self.now();
        now.saturating_add(self.days(days)).unwrap_or(now)
    }

    async fn sleep(&self, days: i32) {
        let pause = Duration::try_from(self.days(days)).unwrap_or_default();
        tokio::time::sleep(pause).await;
    }

    async fn send(&self, body: String, headers: &[(&'static str, String)]) {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let mut random = Random::new(self.seed ^ number.wrapping_mul(0x2545_f491));
        let (twice, late, lost) = (
            random.chance(self.faults.twice),
            random.chance(self.faults.late),
            random.chance(self.faults.lost),
        );
        if twice || late || lost {
            let delay = i32::try_from(random.below(40)).unwrap_or(0) + if lost { 60 } else { 1 };
            let (later, body, headers) = (self.clone(), body.clone(), headers.to_vec());
            tokio::spawn(async move {
                later.sleep(delay).await;
                later.deliver(body, &headers).await;
            });
        }
        if !late && !lost {
            self.deliver(body, headers).await;
        }
    }

    async fn deliver(&self, body: String, headers: &[(&'static str, String)]) {
        for _ in 0..TRIES {
            let mut request = self
                .client
                .post(&self.url)
                .header("content-type", "application/json")
                .body(body.clone());
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            if request
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                self.told.fetch_add(1, Ordering::Relaxed);
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Lives of Google Play customers, begun one after the other within `spread_days`; they go on until the task is dropped.
    pub async fn live_on_play(
        self,
        store: Arc<Faulty<PlayStore>>,
        customers: u64,
        spread_days: u64,
    ) {
        let lives = (0..customers).map(|number| {
            let (shoppers, store) = (self.clone(), Arc::clone(&store));
            async move {
                let mut random = Random::new(shoppers.seed ^ (number + 1).wrapping_mul(0x9e37));
                let wait = i32::try_from(random.below(spread_days.max(1))).unwrap_or(0);
                shoppers.sleep(wait).await;
                for life in 0_u64.. {
                    shoppers.play_life(&store, number, life, &mut random).await;
                    shoppers.sleep(20).await;
                }
            }
        });
        futures_util::future::join_all(lives).await;
    }

    async fn push(&self, store: &PlayStore, kind: u8, token: &str) {
        let now = self.now();
        let body = store.tell(kind, token, now);
        if let Ok(authorization) = store.push_authorization(&self.url, now) {
            self.send(body, &[("authorization", authorization)]).await;
        }
    }

    async fn play_life(
        &self,
        store: &Faulty<PlayStore>,
        number: u64,
        life: u64,
        random: &mut Random,
    ) {
        let store = &store.api;
        let token = format!("token-{number}-{life}");
        let trial = random.chance(50);
        let first = if trial { 7 } else { 30 };
        let mut ends = self.later(first);
        let new = Subscription {
            token: token.clone(),
            product: "meditation".into(),
            plan: "monthly".into(),
            price_micros: 8_990_000,
            currency: "USD".into(),
            account: format!("android-{number}"),
            is_trial: trial,
            linked: None,
        };
        store.subscribe(&new, self.now(), ends);
        self.push(store, 4, &token).await;
        self.sleep(first).await;
        for _ in 0..random.below(5) {
            if random.chance(20) {
                let grace = ends.saturating_add(self.days(3)).unwrap_or(ends);
                store.set_state(&token, "IN_GRACE_PERIOD", Some(grace));
                self.push(store, 6, &token).await;
                self.sleep(2).await;
            }
            let start = ends;
            ends = self.later(30);
            store.renew(&token, start, ends);
            self.push(store, 2, &token).await;
            self.sleep(30).await;
        }
        if random.below(3) == 0 {
            store.expire(&token, "userInitiatedCancellation", self.now());
            self.push(store, 12, &token).await;
        } else {
            store.cancel(&token, self.now());
            self.push(store, 3, &token).await;
            self.sleep(3).await;
            store.expire(&token, "userInitiatedCancellation", self.now());
        }
        self.push(store, 13, &token).await;
    }

    /// Lives of Stripe customers, as [`Shoppers::live_on_play`].
    pub async fn live_on_stripe(
        self,
        account: Arc<Faulty<StripeAccount>>,
        customers: u64,
        spread_days: u64,
    ) {
        let lives = (0..customers).map(|number| {
            let (shoppers, account) = (self.clone(), Arc::clone(&account));
            async move {
                let mut random = Random::new(shoppers.seed ^ (number + 1).wrapping_mul(0x51a1));
                let wait = i32::try_from(random.below(spread_days.max(1))).unwrap_or(0);
                shoppers.sleep(wait).await;
                for life in 0_u64.. {
                    shoppers
                        .stripe_life(&account, number, life, &mut random)
                        .await;
                    shoppers.sleep(20).await;
                }
            }
        });
        futures_util::future::join_all(lives).await;
    }

    async fn hook(&self, account: &StripeAccount, kind: &str, object: &Value) {
        let (body, _) = account.tell(kind, object, self.now());
        let signature = sign(&body, self.now());
        self.send(body, &[("stripe-signature", signature)]).await;
    }

    async fn stripe_life(
        &self,
        account: &Faulty<StripeAccount>,
        number: u64,
        life: u64,
        random: &mut Random,
    ) {
        let account = &account.api;
        let id = format!("sub_{number}x{life}");
        let told = |kind: &'static str| {
            let object = account.get("subscriptions", &id).unwrap_or_default();
            async move { self.hook(account, kind, &object).await }
        };
        let trial = random.chance(40);
        let first = if trial { 7 } else { 30 };
        let mut start = self.now();
        let mut ends = self.later(first);
        let new = StripeSubscription {
            id: id.clone(),
            account: format!("web-{number}"),
            product: "prod_meditation".into(),
            price: "price_monthly".into(),
            amount: 899,
        };
        account.subscribe(&new, start, ends, trial);
        let amount = if trial { 0 } else { 899 };
        let mut invoice = format!("in_{number}x{life}x0");
        account.invoice(
            &invoice,
            &id,
            "subscription_create",
            amount,
            (start, ends),
            start,
        );
        told("customer.subscription.created").await;
        self.sleep(first).await;
        for period in 1..=random.below(5) {
            start = ends;
            ends = self.later(30);
            account.change("subscriptions", &id, |it| {
                it["status"] = "active".into();
                it["items"]["data"][0]["current_period_start"] = start.as_second().into();
                it["items"]["data"][0]["current_period_end"] = ends.as_second().into();
            });
            if random.chance(20) {
                account.change("subscriptions", &id, |it| it["status"] = "past_due".into());
                told("invoice.payment_failed").await;
                self.sleep(2).await;
                account.change("subscriptions", &id, |it| it["status"] = "active".into());
            }
            invoice = format!("in_{number}x{life}x{period}");
            account.invoice(
                &invoice,
                &id,
                "subscription_cycle",
                899,
                (start, ends),
                self.now(),
            );
            told("customer.subscription.updated").await;
            self.sleep(30).await;
        }
        if random.chance(20) && account.get("charges", &format!("ch_{invoice}")).is_some() {
            account.refund(&format!("re_{invoice}"), &invoice, 899, self.now());
            let refund = account
                .get("refunds", &format!("re_{invoice}"))
                .unwrap_or_default();
            self.hook(account, "refund.created", &refund).await;
        }
        let now = self.now().as_second();
        account.change("subscriptions", &id, |it| {
            it["status"] = "canceled".into();
            it["canceled_at"] = now.into();
            it["ended_at"] = now.into();
            it["cancellation_details"] = json!({ "reason": "cancellation_requested" });
        });
        told("customer.subscription.deleted").await;
    }
}
