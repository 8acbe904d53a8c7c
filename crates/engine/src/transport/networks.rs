//! Which addresses may be reached: those of the public Internet, and internal ones that somebody allowed.

use std::{net::IpAddr, str::FromStr};

/// Networks, as CIDR blocks.
#[derive(Debug, Clone, Default)]
pub struct Networks(Vec<(IpAddr, u8)>);

impl FromStr for Networks {
    type Err = String;
    /// Blocks separated by commas: `10.0.0.0/8,127.0.0.1/32`.
    fn from_str(text: &str) -> Result<Self, String> {
        let block = |text: &str| {
            let (address, bits) = text.split_once('/').unwrap_or((text, ""));
            let address: IpAddr = address
                .parse()
                .map_err(|_| format!("{text:?} is not a network such as 10.0.0.0/8"))?;
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let bits = if bits.is_empty() {
                Ok(longest)
            } else {
                bits.parse()
            };
            bits.ok()
                .filter(|bits| *bits <= longest)
                .map(|bits| (address, bits))
                .ok_or_else(|| format!("{text:?} is not a network such as 10.0.0.0/8"))
        };
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(block)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Networks {
    /// Whether `address` is in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|block| contains(*block, address))
    }
}

/// Internal networks that may be reached nevertheless.
#[derive(Debug, Clone, Default)]
pub struct AllowedNetworks(Networks);

impl FromStr for AllowedNetworks {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

impl AllowedNetworks {
    /// Whether `address` may be reached: a public one, or one in an allowed block.
    pub fn admits(&self, address: IpAddr) -> bool {
        !is_internal(address.to_canonical()) || self.0.contain(address)
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
fn is_internal(address: IpAddr) -> bool {
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
    fn internal_addresses_are_refused_unless_allowed() {
        let none = AllowedNetworks::default();
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
            assert!(!none.admits(internal.parse().unwrap()), "{internal}");
        }
        for public in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"] {
            assert!(none.admits(public.parse().unwrap()), "{public}");
        }
        let some: AllowedNetworks = "10.0.0.0/8, ::1/128".parse().unwrap();
        assert!(some.admits("10.9.9.9".parse().unwrap()) && some.admits("::1".parse().unwrap()));
        assert!(!some.admits("127.0.0.1".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<AllowedNetworks>().is_err());
        assert!("ten".parse::<AllowedNetworks>().is_err());
    }
}
