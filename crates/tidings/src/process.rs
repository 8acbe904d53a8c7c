//! What the operating system lets this process have, and what it lets others have of it.

use engine::Outgoing;
use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, getrlimit, setrlimit, umask},
};

/// Files and sockets that are kept for the database, the log and the like.
const KEPT: usize = 64;
/// Fewest that a server can work with.
const FEWEST: usize = 128;

/// Whatever this process creates is its user's alone: databases, their logs, copies, exports, keys.
pub(crate) fn keep_files_private() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Files and sockets that this process may have open, raised to what the system allows.
pub(crate) fn descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, most) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit of open files could not be raised");
            limit.current
        }
    };
    // None is no limit.
    current.map_or(usize::MAX, |current| {
        usize::try_from(current).unwrap_or(usize::MAX)
    })
}

/// Connections to the database that are among those that are kept.
const DATABASE: usize = 14;
/// Most requests that go out at once, and most connections that are kept for them, however many files may be open.
const MOST_OUT: usize = 1024;
/// Most clusters of NATS that are connected, most databases, and most connections that are kept to RabbitMQ and to Kafka.
const MOST_CLUSTERS: usize = 64;

/// Who may have how many descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Connections of those who connect.
    pub(crate) incoming: usize,
    /// Connections that go out.
    pub(crate) outgoing: Outgoing,
}

impl Shares {
    /// Of so many descriptors: half of what is not [`KEPT`], or more for a database with so many connections, is for those who connect, and no more
    /// than are `wanted`; of the other half a third each is for requests that go out and for connections that are kept for the next ones, and
    /// the last for clusters of NATS, databases, RabbitMQ and Kafka, for lookups of names and second tries.
    ///
    /// Errors: there are too few to begin with.
    pub(crate) fn of(descriptors: usize, wanted: usize, database: usize) -> Result<Self, String> {
        let kept = KEPT + database.saturating_sub(DATABASE);
        let fewest = FEWEST - KEPT + kept;
        if descriptors < fewest {
            return Err(format!(
                "only {descriptors} files may be open; allow at least {fewest} (`ulimit -n`, LimitNOFILE=)"
            ));
        }
        let half = (descriptors - kept) / 2;
        let third = (half / 3).min(MOST_OUT);
        Ok(Self {
            incoming: wanted.min(half),
            outgoing: Outgoing {
                at_once: third,
                kept: third,
                clusters: (third / 8).clamp(2, MOST_CLUSTERS),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_everything_else() {
        let incoming = |descriptors, wanted, database| {
            Shares::of(descriptors, wanted, database).map(|shares| shares.incoming)
        };
        assert_eq!(incoming(256, 4096, 14), Ok(96));
        assert_eq!(incoming(256, 4096, 114), Ok(46));
        assert_eq!(incoming(65_536, 4096, 14), Ok(4096));
        assert_eq!(incoming(usize::MAX, 10, 14), Ok(10));
        assert!(incoming(127, 4096, 14).is_err() && incoming(227, 4096, 114).is_err());
    }

    #[test]
    fn all_together_stay_below_the_limit() {
        for descriptors in [128, 256, 1024, 4096, 1 << 20] {
            let Shares { incoming, outgoing } = Shares::of(descriptors, usize::MAX, 14).unwrap();
            let Outgoing {
                at_once,
                kept,
                clusters,
            } = outgoing;
            assert!(at_once >= 10 && clusters >= 2, "{descriptors}");
            // A request may try two addresses at once, and one that ends may leave another connection behind.
            assert!(KEPT + incoming + 2 * at_once + kept <= descriptors);
            assert!(KEPT + incoming + at_once + kept + 4 * clusters <= descriptors);
        }
    }
}
