//! Time passes when a test says so, and with it everything happens that is due.

use super::{World, room::Room};
use ::ledger::invariants::verify;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Looks at what is waited for, and the pause between two: a minute, longer than anything here takes on a busy machine.
const LOOKS: usize = 12_000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// How often a ledger may say that it is too busy.
const TRIES: usize = 20;

impl World {
    /// Moves the clock once nothing is under way, and nothing is due: what is due at a moment happens at that moment, and no time
    /// passes during an attempt, whose lease would end.
    pub(crate) async fn pass(&self, seconds: i64) {
        if self.is_running {
            self.engine.idle().await;
        } else {
            self.catch_up().await;
        }
        self.jump(self.now() + SignedDuration::from_secs(seconds));
    }

    /// Moves the clock, although something may be due: for tests of what comes late, and of what happens without the clock.
    pub(crate) fn jump(&self, at: Timestamp) {
        let mut room = self.room.lock().unwrap();
        room.is_exceeded |= room.made_at.duration_until(at) > Room::LASTS;
        self.clock.set(at);
    }

    /// The machine sleeps so long: its clock goes on, and nothing runs.
    pub(crate) async fn sleep(&self, so_long: SignedDuration) {
        self.clock.sleep(so_long.unsigned_abs());
        self.has_room().await;
    }

    /// Somebody sets the clock ahead, and nothing has passed.
    pub(crate) async fn set_ahead(&self, by: SignedDuration) {
        self.clock.set_ahead(by.unsigned_abs());
        self.has_room().await;
    }

    /// Room for what is written now.
    async fn has_room(&self) {
        let now = self.now();
        self.ledger.make_room(now).await.unwrap();
        self.room.lock().unwrap().made_at = now;
    }

    /// The server is away until then, and makes room when it comes back.
    pub(crate) async fn away_until(&self, at: Timestamp) {
        self.clock.set(at);
        self.ledger.make_room(at).await.unwrap();
        self.room.lock().unwrap().made_at = at;
    }

    /// Lets time pass in steps, with all that is due after each, until something holds; fails loudly when it never does.
    pub(crate) async fn pass_until(
        &self,
        step: i64,
        what: &str,
        mut holds: impl AsyncFnMut() -> bool,
    ) {
        for _ in 0..500 {
            self.catch_up().await;
            if holds().await {
                return;
            }
            self.pass(step).await;
        }
        panic!("never: {what}");
    }

    /// Lets happen what is due now; afterwards everything holds that always holds.
    pub(crate) async fn catch_up(&self) {
        self.catch_up_unseen().await;
        self.holds().await;
    }

    /// The same, and nobody looks at everything afterwards. Where the ledger is too busy, it is done again, as the clock does it.
    pub(crate) async fn catch_up_unseen(&self) {
        self.make_room().await;
        for _ in 0..TRIES {
            match self.engine.catch_up().await {
                Err(error) if error.is_retryable() => {}
                done => return done.unwrap(),
            }
        }
        panic!("the ledger is never available");
    }

    /// Room for what is written now, where some days have passed since there was any made.
    async fn make_room(&self) {
        let now = self.now();
        if self.room.lock().unwrap().made_at.duration_until(now) >= Room::LASTS / 2 {
            self.ledger.make_room(now).await.unwrap();
            self.room.lock().unwrap().made_at = now;
        }
    }

    /// Everything holds that always holds. A clock that moves by weeks at once passes what its ledger has room for: on PostgreSQL
    /// that is said of the ledger, rightly, and is no fault of it.
    pub(crate) async fn holds(&self) {
        let verified = verify(self.engine.ledger(), self.now(), |_| {}).await;
        let findings = verified.unwrap().findings;
        let is_exceeded = self.room.lock().unwrap().is_exceeded;
        let is_about_room = |finding: &str| finding.ends_with("some clock was months ahead");
        let told: Vec<String> = findings
            .iter()
            .map(ToString::to_string)
            .filter(|finding| !(is_exceeded && is_about_room(finding)))
            .collect();
        assert!(told.is_empty(), "{}: {told:#?}", self.witness);
    }

    /// Waits until something holds; fails loudly when it never does.
    pub(crate) async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        self.eventually(what, async || holds()).await;
    }

    /// The same of what is asked of the ledger.
    pub(crate) async fn eventually(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        for _ in 0..LOOKS {
            if !self.is_running {
                self.catch_up().await;
            }
            if holds().await {
                return;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        panic!("never: {what}");
    }

    /// Waits until every delivery is sent, with its outcome recorded, and no message waits for its store.
    pub(crate) async fn settled(&self) {
        let ledger = self.engine.ledger();
        if self.is_running {
            self.eventually("nothing waits", async || {
                ledger.backlog().await.unwrap().is_empty() && self.parked().await == 0
            })
            .await;
            // What is recorded may not be known yet to the lane that sent it.
            self.engine.idle().await;
        } else {
            self.catch_up().await;
            assert_eq!(ledger.backlog().await.unwrap(), []);
            let parked = ledger.parked(self.project, None, None, 10).await.unwrap();
            assert!(parked.is_empty(), "still waiting: {parked:?}");
        }
    }
}
