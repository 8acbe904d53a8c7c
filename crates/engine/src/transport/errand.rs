//! What somebody goes out for, and which internal networks that opens: an app's URL leads nowhere that only integrations may reach.

use super::networks::{Networks, is_internal};
use sources::Purpose;
use std::{fmt, net::IpAddr, str::FromStr};

/// What somebody goes out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Errand {
    /// To deliver to an integration.
    Integrations,
    /// To ask a store.
    Stores,
    /// To read keys that signatures are checked with, or whether a certificate was revoked.
    Keys,
    /// To read exchange rates.
    Rates,
}

impl Errand {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Integrations, Self::Stores, Self::Keys, Self::Rates];

    /// Its name in options.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Integrations => "integrations",
            Self::Stores => "stores",
            Self::Keys => "keys",
            Self::Rates => "rates",
        }
    }
}

impl From<Purpose> for Errand {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Store => Self::Stores,
            Purpose::Keys => Self::Keys,
            Purpose::Rates => Self::Rates,
        }
    }
}

/// Internal networks that may be reached nevertheless, for each errand its own.
#[derive(Debug, Clone, Default)]
pub struct AllowedNetworks([Networks; Errand::ALL.len()]);

impl AllowedNetworks {
    /// Those of an errand.
    pub const fn of(&self, errand: Errand) -> &Networks {
        &self.0[errand as usize]
    }

    /// Whether `address` may be reached on an errand: a public one, or one in a network that was allowed for it.
    pub(super) fn admit(&self, errand: Errand, address: IpAddr) -> Result<(), Closed> {
        if !is_internal(address.to_canonical()) || self.of(errand).contain(address) {
            Ok(())
        } else {
            Err(Closed { errand, address })
        }
    }
}

impl FromStr for AllowedNetworks {
    type Err = String;

    /// Networks with commas between, each with what it is for: `integrations=10.0.0.0/8,stores=127.0.0.1/32`. Where nothing is said of any, they
    /// are for everything; said of one, it has to be said of all, so that none is opened for what nobody meant.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut allowed = Self::default();
        let is_said = text.contains('=');
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (errands, network) = match part.split_once('=') {
                Some((name, network)) => (vec![errand(name.trim())?], network),
                None if is_said => {
                    return Err(format!("{part}: say what it is for, such as stores={part}"));
                }
                None => (Errand::ALL.to_vec(), part),
            };
            for errand in errands {
                allowed.0[errand as usize].extend(network.parse()?);
            }
        }
        Ok(allowed)
    }
}

fn errand(name: &str) -> Result<Errand, String> {
    let mut all = Errand::ALL.into_iter();
    all.find(|errand| errand.id() == name).ok_or_else(|| {
        format!(
            "{name:?} is nothing that networks are for; integrations, stores, keys and rates are"
        )
    })
}

/// An address that may not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) struct Closed {
    errand: Errand,
    pub(super) address: IpAddr,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, errand) = (self.address.to_canonical(), self.errand.id());
        let bits = if address.is_ipv4() { 32 } else { 128 };
        write!(
            f,
            "{address}, an internal address; `--allow-networks {errand}={address}/{bits}` opens it"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_for_one_errand_is_closed_to_every_other() {
        let (inside, public) = ("10.1.2.3".parse().unwrap(), "1.1.1.1".parse().unwrap());
        for errand in Errand::ALL {
            let option = format!("{}=10.0.0.0/8", errand.id());
            let allowed: AllowedNetworks = option.parse().unwrap();
            for other in Errand::ALL {
                assert_eq!(allowed.admit(other, inside).is_ok(), other == errand);
                assert_eq!(allowed.admit(other, public), Ok(()));
            }
        }
    }

    #[test]
    fn whoever_is_refused_reads_which_option_opens_it() {
        let none = AllowedNetworks::default();
        for (address, errand, option) in [
            ("10.1.2.3", Errand::Stores, "stores=10.1.2.3/32"),
            ("::ffff:10.1.2.3", Errand::Keys, "keys=10.1.2.3/32"),
            ("fd00::1", Errand::Rates, "rates=fd00::1/128"),
        ] {
            let address = address.parse().unwrap();
            let refused = none.admit(errand, address).unwrap_err();
            let said = refused.to_string();
            assert!(
                said.contains(&format!("`--allow-networks {option}`")),
                "{said}"
            );
            let opened: AllowedNetworks = option.parse().unwrap();
            assert_eq!(opened.admit(errand, address), Ok(()), "{option}");
        }
    }

    #[test]
    fn networks_of_which_nothing_is_said_are_for_everything() {
        let read = |text: &str| {
            let allowed: AllowedNetworks = text.parse()?;
            let shown = |errand| allowed.of(errand).to_string();
            Ok::<_, String>(Errand::ALL.map(shown))
        };
        let plain = read("10.0.0.0/8,127.0.0.1").unwrap();
        assert_eq!(plain, ["10.0.0.0/8,127.0.0.1/32"; 4]);
        let said = read("stores=127.0.0.1/32, keys=127.0.0.1/32, stores=::1").unwrap();
        assert_eq!(said, ["", "127.0.0.1/32,::1/128", "127.0.0.1/32", ""]);
        assert_eq!(read("").unwrap(), ["", "", "", ""]);
        for (wrong, why) in [
            ("stores=10.0.0.0/8,192.168.0.0/16", "stores=192.168.0.0/16"),
            ("shops=10.0.0.0/8", "integrations, stores, keys and rates"),
            ("stores=ten", "is not a network"),
        ] {
            let problem = read(wrong).unwrap_err();
            assert!(problem.contains(why), "{problem}");
        }
    }
}
