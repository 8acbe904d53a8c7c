//! Sessions of keys and of the operator: in memory, so a restart ends them. Those of users are in the ledger.

use super::{Caller, Lasting, Use, digest, random_text};
use domain::time::after;
use engine::{Setup, System};
use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How long such a session lasts at most.
const LASTS: SignedDuration = SignedDuration::from_hours(12);
/// Most sessions of one key, or of the operator; the oldest ends when another begins.
const MOST_OF_ONE: usize = 20;
/// Most sessions of all of them.
const MOST: usize = 1000;

#[derive(Debug)]
struct Open {
    caller: Caller,
    until: Timestamp,
    /// When it ends unless somebody uses it.
    idle_until: Timestamp,
}

impl Open {
    fn ends(&self) -> Timestamp {
        self.until.min(self.idle_until)
    }
}

/// Who is signed in by a key or by the operator's link.
#[derive(Debug, Default)]
pub struct Sessions {
    /// By the digest of the session's token.
    open: Guarded<BTreeMap<String, Open>>,
    /// How long any session lasts.
    pub(super) lasting: Lasting,
}

impl Sessions {
    /// With sessions that last so long.
    pub fn new(lasting: Lasting) -> Self {
        Self {
            open: Guarded::default(),
            lasting,
        }
    }

    /// Opens a session that ends with the process at the latest; answers with its token.
    pub fn open(&self, system: &dyn System, caller: Caller) -> String {
        let (token, now) = (random_text(system), system.now());
        let mut open = self.open.lock();
        open.retain(|_, session| now < session.ends());
        keep_below(&mut open, MOST_OF_ONE, |known| *known == caller);
        keep_below(&mut open, MOST, |_| true);
        let until = LASTS.min(self.lasting.longest);
        let session = Open {
            caller,
            until: after(now, until),
            idle_until: after(now, self.lasting.idle),
        };
        open.insert(digest(&token), session);
        token
    }

    /// Ends a session of this process.
    pub fn close(&self, token: &str) {
        self.open.lock().remove(&digest(token));
    }

    /// Whose session it is. One whose key was revoked has ended.
    pub(super) fn find(
        &self,
        digest: &str,
        by: Use,
        now: Timestamp,
        setup: &Setup,
    ) -> Option<Caller> {
        let mut open = self.open.lock();
        let session = open.get_mut(digest)?;
        if now < session.ends() && session.caller.is_still(setup) {
            if by == Use::Person {
                session.idle_until = after(now, self.lasting.idle);
            }
            return Some(session.caller.clone());
        }
        open.remove(digest);
        None
    }
}

/// Ends the oldest sessions of certain callers until there are fewer than `most`.
fn keep_below(
    open: &mut BTreeMap<String, Open>,
    most: usize,
    is_counted: impl Fn(&Caller) -> bool,
) {
    loop {
        let counted = || {
            open.iter()
                .filter(|(_, session)| is_counted(&session.caller))
        };
        if counted().count() < most {
            return;
        }
        let oldest = counted().min_by_key(|(_, session)| session.until);
        let Some(oldest) = oldest.map(|(digest, _)| digest.clone()) else {
            return;
        };
        open.remove(&oldest);
    }
}
