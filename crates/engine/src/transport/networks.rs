//! Networks, and which of them are not the public Internet.

use std::{fmt, net::IpAddr, str::FromStr};

/// Networks, as CIDR blocks.
#[derive(Debug, Clone, Default)]
pub struct Networks(Vec<(IpAddr, u8)>);

impl FromStr for Networks {
    type Err = String;
    /// Blocks separated by commas: `10.0.0.0/8,127.0.0.1/32`.
    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(block)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// A block, such as `10.0.0.0/8`; an address alone is a block of one.
fn block(text: &str) -> Result<(IpAddr, u8), String> {
    let problem = || format!("{text:?} is not a network such as 10.0.0.0/8");
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().map_err(|_| problem())?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let bits = if bits.is_empty() {
        Ok(longest)
    } else {
        bits.parse()
    };
    let bits = bits.ok().filter(|bits| *bits <= longest);
    bits.map(|bits| (address, bits)).ok_or_else(problem)
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (address, bits)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{address}/{bits}")?;
        }
        Ok(())
    }
}

impl Networks {
    /// Whether `address` is in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|block| contains(*block, address))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These and others.
    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

fn contains((network, bits): (IpAddr, u8), address: IpAddr) -> bool {
    let same = |a: u128, b: u128, width: u8| bits == 0 || (a ^ b) >> (width - bits) == 0;
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            same(network.to_bits().into(), address.to_bits().into(), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            same(network.to_bits(), address.to_bits(), 128)
        }
        _ => false,
    }
}

/// Addresses that are not on the public Internet. Source: IANA special-purpose address registries.
pub(super) fn is_internal(address: IpAddr) -> bool {
    const V4: [(u32, u8); 14] = [
        (0x0000_0000, 8),  // this network
        (0x0a00_0000, 8),  // private
        (0x6440_0000, 10), // carrier-grade NAT
        (0x7f00_0000, 8),  // loopback
        (0xa9fe_0000, 16), // link local, cloud metadata
        (0xac10_0000, 12), // private
        (0xc000_0000, 24), // protocol assignments
        (0xc000_0200, 24), // documentation
        (0xc0a8_0000, 16), // private
        (0xc612_0000, 15), // benchmarking
        (0xc633_6400, 24), // documentation
        (0xcb00_7100, 24), // documentation
        (0xe000_0000, 4),  // multicast
        (0xf000_0000, 4),  // reserved, broadcast
    ];
    match address {
        IpAddr::V4(address) => V4
            .iter()
            .any(|(network, bits)| (address.to_bits() ^ network) >> (32 - bits) == 0),
        // Only global unicast is public, less documentation, Teredo and 6to4, which embed IPv4 addresses.
        IpAddr::V6(address) => {
            let segments = address.segments();
            segments[0] & 0xe000 != 0x2000
                || segments[0] == 0x2002
                || (segments[0] == 0x2001 && (segments[1] == 0 || segments[1] == 0xdb8))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_public_internet_is_internal() {
        for internal in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
        ] {
            let address: IpAddr = internal.parse().unwrap();
            assert!(is_internal(address.to_canonical()), "{internal}");
        }
        for public in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"] {
            assert!(!is_internal(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn networks_are_read_and_said_again() {
        let some: Networks = "10.0.0.0/8, ::1/128,192.0.2.7".parse().unwrap();
        assert_eq!(some.to_string(), "10.0.0.0/8,::1/128,192.0.2.7/32");
        for (address, is_in) in [("10.9.9.9", true), ("::1", true), ("127.0.0.1", false)] {
            assert_eq!(some.contain(address.parse().unwrap()), is_in, "{address}");
        }
        for wrong in ["10.0.0.0/33", "ten"] {
            assert!(wrong.parse::<Networks>().is_err(), "{wrong}");
        }
    }
}
