//! Who follows: live streams, and requests that wait for something to happen, are counted, because each keeps a connection for as long as it likes.

use crate::{
    access::Caller,
    problem::{Code, Problem},
};
use domain::{ApiKeyId, UserId};
use guarded::Guarded;
use std::{collections::BTreeMap, sync::Arc};

/// Most of one caller.
pub const MOST_OF_ONE: usize = 20;

/// Whom a place is counted for; the operator where it is neither.
type Who = (Option<UserId>, Option<ApiKeyId>);

/// How many follow at once.
#[derive(Debug)]
pub struct Followers {
    most: usize,
    now: Guarded<BTreeMap<Who, usize>>,
}

/// One that follows, until it is dropped.
#[derive(Debug)]
pub struct Follower {
    of: Arc<Followers>,
    who: Who,
}

impl Followers {
    /// At most so many at once.
    pub fn at_most(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            now: Guarded::default(),
        })
    }

    /// A place for a caller, if there is one.
    pub fn join(self: &Arc<Self>, caller: &Caller) -> Result<Follower, Problem> {
        let who = (caller.user, caller.key);
        let mut now = self.now.lock();
        if now.get(&who).is_some_and(|count| *count >= MOST_OF_ONE) {
            return Err(Problem::new(
                Code::TooManyStreams,
                format!("one caller follows at most {MOST_OF_ONE} things at once; close some"),
            ));
        }
        if now.values().sum::<usize>() >= self.most {
            return Err(Problem::new(
                Code::TooManyStreams,
                format!(
                    "at most {} things are followed at once; try again later",
                    self.most
                ),
            ));
        }
        *now.entry(who).or_default() += 1;
        drop(now);
        Ok(Follower {
            of: Arc::clone(self),
            who,
        })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut now = self.of.now.lock();
        if let Some(count) = now.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                now.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Scope;

    fn caller(key: &str) -> Caller {
        Caller {
            name: "key of a test".into(),
            project: None,
            app: None,
            scope: Scope::Read,
            role: None,
            user: None,
            key: Some(key.parse().unwrap()),
        }
    }

    #[test]
    fn one_takes_no_more_than_its_part_and_all_no_more_than_there_is() {
        let followers = Followers::at_most(MOST_OF_ONE + 1);
        let (one, other) = (
            caller("key_00000000000000000000000001"),
            caller("key_00000000000000000000000002"),
        );
        let mut those_of_one: Vec<_> = (0..MOST_OF_ONE)
            .map(|_| followers.join(&one).unwrap())
            .collect();
        assert_eq!(
            followers.join(&one).unwrap_err().code(),
            Code::TooManyStreams
        );
        let _last = followers.join(&other).unwrap();
        assert!(followers.join(&other).is_err(), "all are taken");
        those_of_one.pop();
        assert!(followers.join(&other).is_ok());
        drop(those_of_one);
        assert_eq!(
            followers.now.lock().len(),
            1,
            "nothing is remembered of who left"
        );
    }
}
