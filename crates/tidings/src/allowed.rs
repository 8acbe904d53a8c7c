//! Which internal networks this installation opens, and what for.

use clap::Args;
use engine::{AllowedNetworks, Errand};

/// Internal networks that may be reached.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Allowed {
    /// Internal networks that may be reached, each with what for, such as integrations=10.0.0.0/8,stores=127.0.0.1/32: `integrations`, `stores`
    /// (the URLs of apps), `keys` (of pushed messages, and whether certificates were revoked), `rates`. Where nothing is said of any, they are for all of these.
    /// Public addresses are always allowed.
    #[arg(
        long = "allow-networks",
        env = "TIDINGS_ALLOW_NETWORKS",
        default_value = ""
    )]
    pub(crate) networks: AllowedNetworks,
}

impl Allowed {
    /// What is open, a line for each errand.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        Errand::ALL.into_iter().map(|errand| {
            let networks = self.networks.of(errand);
            if networks.is_empty() {
                format!("{} reach public addresses only", errand.id())
            } else {
                format!("{} reach public addresses, and {networks}", errand.id())
            }
        })
    }
}
