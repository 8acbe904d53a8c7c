//! URLs that people enter: what is a place that can be asked, and nothing else.
//!
//! Programs differ over odd URLs: what one takes for a name and a password another takes for the host. Whatever is odd is refused when it is
//! saved, so that what is shown is where it goes. Source: RFC 3986, section 3; WHATWG, "URL", host parsing.

use crate::Invalid;
use domain::name::is_plain;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest URL, in bytes.
const LONGEST: usize = 2_000;
/// Longest host, and the longest part of one between its dots. Source: RFC 1035, section 2.3.4.
const LONGEST_HOST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// Checks a URL: `http` or `https`, a host, perhaps a port; no credentials, and no fragment, which is never sent.
pub fn check_url(field: &str, url: Option<&str>, problems: &mut Vec<Invalid>) {
    let Some(url) = url else { return };
    if let Err(problem) = checked(url) {
        let begins: String = url.chars().take(80).collect();
        problems.push(Invalid::new(field, format!("{problem}; it is {begins:?}")));
    }
}

fn checked(url: &str) -> Result<(), &'static str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let rest = rest.ok_or("must begin with https:// or http://")?;
    if url.len() > LONGEST {
        return Err("is longer than 2000 bytes");
    }
    if url.contains(char::is_whitespace) || !is_plain(url) {
        return Err("contains white space or a control character");
    }
    if url.contains('\\') {
        return Err("contains a backslash, which some programs take for a slash");
    }
    if url.contains('#') {
        return Err("has a fragment, from # on, which is never sent");
    }
    check_place(rest.split(['/', '?']).next().unwrap_or_default())
}

/// Checks what stands between `//` and the path: a host, perhaps with a port.
pub(crate) fn check_place(place: &str) -> Result<(), &'static str> {
    if place.is_empty() {
        return Err("has no host");
    }
    if place.contains('@') {
        return Err("must not contain a user name or password");
    }
    let (host, port) = if place.starts_with('[') {
        let end = place.find(']').ok_or("has no ] behind its IPv6 address")?;
        let (host, rest) = place.split_at(end + 1);
        check_ipv6(host)?;
        match rest.strip_prefix(':') {
            None if rest.is_empty() => return Ok(()),
            None => return Err("has something other than a port behind its IPv6 address"),
            Some(port) => (None, Some(port)),
        }
    } else {
        match place.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(place), None),
        }
    };
    host.map_or(Ok(()), check_host)?;
    port.map_or(Ok(()), check_port)
}

fn check_ipv6(host: &str) -> Result<(), &'static str> {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    if address.contains('%') {
        return Err("has an IPv6 address with a zone, which no other machine knows");
    }
    match address.parse::<Ipv6Addr>() {
        Ok(_) => Ok(()),
        Err(_) => Err("has no IPv6 address between [ and ]"),
    }
}

fn check_port(port: &str) -> Result<(), &'static str> {
    let is_number = !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if is_number => Ok(()),
        _ => Err("has a port that is not a number from 1 to 65535"),
    }
}

fn check_host(host: &str) -> Result<(), &'static str> {
    if host.is_empty() {
        return Err("has no host");
    }
    if !host.is_ascii() {
        return Err("has a host with letters beyond ASCII; write it as DNS has it, with xn--");
    }
    if host.ends_with('.') {
        return Err("has a host that ends with a dot");
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !host.bytes().all(is_letter) {
        return Err("has a host with something other than letters, digits, -, _ and dots");
    }
    let mut labels = host.split('.');
    if host.len() > LONGEST_HOST
        || labels.any(|label| label.is_empty() || label.len() > LONGEST_LABEL)
    {
        return Err("has a host that is no name: at most 253 letters, 1 to 63 between dots");
    }
    // Where the last part is a number, programs read an address, in more ways than one: 127.1, 0x7f000001, 017700000001.
    let last = host.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_hex = hex.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let is_number = is_hex || last.bytes().all(|digit| digit.is_ascii_digit());
    if is_number && host.parse::<Ipv4Addr>().is_err() {
        return Err("has a host that ends with a number and is no IPv4 address such as 192.0.2.1");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(url: &str) -> Option<String> {
        let mut problems = Vec::new();
        check_url("url", Some(url), &mut problems);
        problems.pop().map(|invalid| invalid.problem)
    }

    #[test]
    fn a_place_that_can_be_asked_is_taken() {
        for url in [
            "https://a.example",
            "https://a.example/",
            "http://a.example:8080/path?query=1@2",
            "https://a.example?x",
            "http://localhost",
            "http://under_score.internal:1",
            "https://xn--bcher-kva.example/%20",
            "http://127.0.0.1:65535",
            "http://[::1]:8080/",
            "http://[2001:db8::1]",
            "https://1password.example",
            "https://a.4you",
        ] {
            assert_eq!(problem(url), None, "{url}");
        }
    }

    #[test]
    fn whatever_programs_differ_over_is_refused() {
        let long_label = format!("https://{}.example", "a".repeat(64));
        let long_host = format!("https://{}example", "a.".repeat(124));
        let long_url = format!("https://a.example/{}", "a".repeat(2_000));
        for (url, said) in [
            ("ftp://a.example", "must begin with"),
            ("HTTPS://a.example", "must begin with"),
            ("//a.example", "must begin with"),
            ("", "must begin with"),
            ("https://", "has no host"),
            ("https:///path", "has no host"),
            ("https://:80", "has no host"),
            ("https://?x", "has no host"),
            ("https://me:secret@a.example", "must not contain a user"),
            ("https://me@a.example", "must not contain a user"),
            ("https://@a.example", "must not contain a user"),
            ("https://a.example\\@evil.example", "contains a backslash"),
            ("https://a.example/\\b", "contains a backslash"),
            ("https://a.example/ b", "contains white space"),
            ("https://a.example/\n", "contains white space"),
            ("https://a.example/\u{0}", "contains white space"),
            ("https://a.example/\u{a0}", "contains white space"),
            ("https://a.example/\u{202e}", "contains white space"),
            ("https://a.example/#x", "has a fragment"),
            ("https://a.example#@evil.example", "has a fragment"),
            ("https://a.example:99999", "has a port"),
            ("https://a.example:65536/", "has a port"),
            ("https://a.example:0", "has a port"),
            ("https://a.example:", "has a port"),
            ("https://a.example:+80", "has a port"),
            ("https://a.example:80:80", "has a port"),
            ("https://a.example:https", "has a port"),
            ("http://[::1]:99999", "has a port"),
            ("http://[::1]:", "has a port"),
            ("http://[::1]8080", "has something other than a port"),
            ("http://[::1", "has no ] behind"),
            ("http://[fe80::1%25eth0]", "has an IPv6 address with a zone"),
            (
                "http://[fe80::1%eth0]:80",
                "has an IPv6 address with a zone",
            ),
            ("http://[127.0.0.1]", "has no IPv6 address"),
            ("http://[]", "has no IPv6 address"),
            ("http://[[::1]]", "has something other than a port"),
            ("https://bücher.example", "has a host with letters beyond"),
            ("https://ａ.example", "has a host with letters beyond"),
            ("https://a.example.", "has a host that ends with a dot"),
            ("https://a.example./x", "has a host that ends with a dot"),
            ("https://a..example", "has a host that is no name"),
            ("https://.example", "has a host that is no name"),
            (&long_label, "has a host that is no name"),
            (&long_host, "has a host that is no name"),
            (&long_url, "is longer than 2000 bytes"),
            ("https://a%2eexample", "has a host with something other"),
            ("https://a,b", "has a host with something other"),
            ("https://a<b>", "has a host with something other"),
            ("http://127.1", "has a host that ends with a number"),
            ("http://2130706433", "has a host that ends with a number"),
            ("http://0x7f000001", "has a host that ends with a number"),
            ("http://a.0x", "has a host that ends with a number"),
            ("http://0177.0.0.1", "has a host that ends with a number"),
            ("http://256.1.1.1", "has a host that ends with a number"),
            ("http://a.example.1", "has a host that ends with a number"),
        ] {
            let problem = problem(url).unwrap_or_default();
            assert!(problem.starts_with(said), "{url}: {problem:?}");
        }
    }
}
