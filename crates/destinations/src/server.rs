//! Servers that are not asked over HTTP: where they are, and whether the connection is encrypted.

use serde::Deserialize;

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encryption {
    /// From the beginning.
    #[default]
    Tls,
    /// It is not.
    None,
}

/// A server with its port: this one where none is named.
pub(crate) fn with_port(server: &str, port: u16) -> String {
    let behind = server.rsplit(']').next().unwrap_or(server);
    if behind.contains(':') {
        server.to_owned()
    } else {
        format!("{server}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_named_stays() {
        for (server, whole) in [
            ("a.example", "a.example:1"),
            ("a.example:2", "a.example:2"),
            ("[2001:db8::1]", "[2001:db8::1]:1"),
            ("[2001:db8::1]:2", "[2001:db8::1]:2"),
        ] {
            assert_eq!(with_port(server, 1), whole);
        }
    }
}
