//! What the operating system lets this process have, and what it lets others have of it.

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

/// Of so many descriptors, how many may be of those who connect: half of what is not [`KEPT`]; the other half is for what goes
/// out. Errors: there are too few to begin with.
pub(crate) fn connections(descriptors: usize, wanted: usize) -> Result<usize, String> {
    if descriptors < FEWEST {
        return Err(format!(
            "only {descriptors} files may be open; allow at least {FEWEST} (`ulimit -n`, LimitNOFILE=)"
        ));
    }
    Ok(wanted.min((descriptors - KEPT) / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_everything_else() {
        assert_eq!(connections(256, 4096), Ok(96));
        assert_eq!(connections(65_536, 4096), Ok(4096));
        assert_eq!(connections(usize::MAX, 10), Ok(10));
        assert!(connections(127, 4096).is_err());
    }
}
