//! One customer's life with a subscription, as Google Play would report it. Numbers are the kinds of notifications in
//! Google's "Real-time developer notifications reference guide".

use super::{
    step::{Happening, Step},
    story::{Story, after},
};
use crate::play::{PlayStore, Subscription};
use jiff::Timestamp;

const RECOVERED: u8 = 1;
const RENEWED: u8 = 2;
const CANCELED: u8 = 3;
const PURCHASED: u8 = 4;
const ON_HOLD: u8 = 5;
const IN_GRACE_PERIOD: u8 = 6;
const RESTARTED: u8 = 7;
const PAUSE_SCHEDULE_CHANGED: u8 = 11;
const PAUSED: u8 = 10;
const REVOKED: u8 = 12;
const EXPIRED: u8 = 13;

struct Script {
    story: Story,
    number: u64,
    tokens: u64,
    token: String,
    plan: &'static str,
    steps: Vec<Step>,
}

const fn days_of(plan: &str) -> i64 {
    if plan.len() == "yearly".len() {
        365
    } else {
        30
    }
}

pub(super) fn live(story: Story, number: u64, limit: usize) -> Vec<Step> {
    let mut script = Script {
        story,
        number,
        tokens: 0,
        token: String::new(),
        plan: "monthly",
        steps: Vec::new(),
    };
    let trial = script.story.random.chance(50);
    script.buy("monthly", trial, None);
    while script.steps.len() < limit {
        match script.story.random.below(100) {
            0..50 => script.renew(),
            50..62 => script.cancel(),
            62..76 => script.billing_issue(),
            76..83 => script.change_plan(),
            83..89 => script.pause(),
            89..94 => script.revoke(),
            _ => script.lapse(),
        }
    }
    script.steps.truncate(limit);
    script.steps
}

impl Script {
    /// Something changes in the store, and Google says which kind of thing.
    fn happens(&mut self, kind: u8, change: impl Fn(&PlayStore, &str) + Send + Sync + 'static) {
        let token = self.token.clone();
        let of = token.clone();
        self.steps.push(Step {
            at: self.story.at,
            happening: Happening::Google {
                change: Box::new(move |store| change(store, &of)),
                kind,
                token,
            },
        });
    }

    fn buy(&mut self, plan: &'static str, is_trial: bool, linked: Option<String>) {
        self.tokens += 1;
        self.token = format!("token-{}-{}", self.number, self.tokens);
        self.plan = plan;
        let yearly = plan == "yearly";
        let new = Subscription {
            token: self.token.clone(),
            product: "meditation".into(),
            plan: plan.into(),
            price_micros: if yearly { 59_990_000 } else { 8_990_000 },
            currency: if self.number.is_multiple_of(4) {
                "EUR"
            } else {
                "USD"
            }
            .into(),
            account: format!("android-{}", self.number),
            is_trial,
            linked,
        };
        let days = if is_trial { 7 } else { days_of(plan) };
        let (start, ends) = self.story.period(self.story.at, days);
        self.happens(PURCHASED, move |store, _| {
            store.subscribe(&new, start, ends);
        });
    }

    fn charge(&mut self, kind: u8, start: Timestamp) {
        let (start, ends) = self.story.period(start, days_of(self.plan));
        self.happens(kind, move |store, token| store.renew(token, start, ends));
    }

    fn renew(&mut self) {
        self.story.wait_for_end();
        self.charge(RENEWED, self.story.ends_at);
    }

    fn cancel(&mut self) {
        self.story.wait_within();
        let at = self.story.at;
        self.happens(CANCELED, move |store, token| store.cancel(token, at));
        if self.story.random.chance(35) {
            self.story.wait_within();
            return self.happens(RESTARTED, PlayStore::restart);
        }
        self.story.wait_for_end();
        self.expire("userInitiatedCancellation");
    }

    fn lapse(&mut self) {
        self.story.wait_for_end();
        self.expire("systemInitiatedCancellation");
    }

    fn expire(&mut self, context: &'static str) {
        let ended = self.story.at;
        self.happens(EXPIRED, move |store, token| {
            store.expire(token, context, ended);
        });
        let pause = 500 + self.story.random.below(4_000);
        self.story.wait(i64::try_from(pause).unwrap_or(500));
        let plan = if self.story.random.chance(30) {
            "yearly"
        } else {
            self.plan
        };
        self.buy(plan, false, None);
    }

    fn billing_issue(&mut self) {
        self.story.wait_for_end();
        if self.story.random.chance(60) {
            let until = after(self.story.at, self.story.days(7));
            self.happens(IN_GRACE_PERIOD, move |store, token| {
                store.set_state(token, "IN_GRACE_PERIOD", Some(until));
            });
            if self.story.random.chance(60) {
                let start = self.story.ends_at;
                self.story.wait(300);
                return self.charge(RENEWED, start);
            }
            self.story.at = until;
        }
        self.happens(ON_HOLD, |store, token| {
            store.set_state(token, "ON_HOLD", None);
        });
        self.story.wait(500);
        if self.story.random.chance(50) {
            return self.charge(RECOVERED, self.story.at);
        }
        self.expire("systemInitiatedCancellation");
    }

    fn change_plan(&mut self) {
        self.story.wait_within();
        let plan = if self.plan == "monthly" {
            "yearly"
        } else {
            "monthly"
        };
        let old = self.token.clone();
        self.buy(plan, false, Some(old));
    }

    fn pause(&mut self) {
        self.story.wait_within();
        let resumes = after(self.story.ends_at, self.story.days(14));
        self.happens(PAUSE_SCHEDULE_CHANGED, |_, _| {});
        self.story.wait_for_end();
        self.happens(PAUSED, move |store, token| store.pause(token, resumes));
        self.story.at = resumes;
        self.charge(RENEWED, resumes);
    }

    fn revoke(&mut self) {
        self.story.wait_within();
        let at = self.story.at;
        self.happens(REVOKED, move |store, token| {
            store.expire(token, "developerInitiatedCancellation", at);
        });
        self.story.wait(2_000);
        self.buy("monthly", false, None);
    }
}
