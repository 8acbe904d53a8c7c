//! What `Retry-After` asks for (RFC 9110, 10.2.3): seconds, or a date in any of the three forms of HTTP; and, where an answer of 429 has none, what
//! vendors say in headers of their own.

use domain::Headers;
use jiff::Timestamp;
use std::time::{Duration, SystemTime};

/// The longest that is understood.
const LONGEST: Duration = Duration::from_hours(24);
/// Too Many Requests. Source: RFC 6585, 4.
const TOO_MANY: u16 = 429;
/// A number of seconds beyond it is a moment, counted from 1970: 9 September 2001.
const EPOCH: u64 = 1_000_000_000;

/// How long an answer that came at `now` asks to wait; the longest, where it asks more than once.
///
/// A date counts from the answer's own `Date`, because the other clock need not be ours; from `now` where there is none. One that is past asks for
/// nothing. Fractions of a second are rounded up, and what is absurd is capped.
pub(super) fn asked(status: u16, headers: &Headers, now: Timestamp) -> Option<Duration> {
    let mut dates = headers.all("date").map(str::trim);
    let date = dates.find_map(|text| httpdate::parse_http_date(text).ok());
    let sent = date.unwrap_or_else(|| SystemTime::from(now));
    let said = headers.all("retry-after").map(str::trim);
    let said = said.filter_map(|text| seconds(text).or_else(|| until(text, sent)));
    let said = said.max();
    let said = said.or_else(|| {
        (status == TOO_MANY)
            .then(|| of_vendor(headers, sent))
            .flatten()
    });
    said.map(|pause| pause.min(LONGEST))
}

/// The same in headers of vendors: Discord's `X-RateLimit-Reset-After` (seconds with a fraction), Braze's `X-Ratelimit-Retry-After` (seconds), and
/// `X-RateLimit-Reset`, which is a moment at Intercom and Braze and seconds elsewhere.
fn of_vendor(headers: &Headers, sent: SystemTime) -> Option<Duration> {
    let said = |name| headers.first(name).map(str::trim);
    let after = said("x-ratelimit-reset-after").and_then(seconds);
    let after = after.or_else(|| said("x-ratelimit-retry-after").and_then(seconds));
    after.or_else(|| {
        let reset = said("x-ratelimit-reset")?;
        let moment = reset.parse().ok().filter(|moment| *moment > EPOCH);
        match moment {
            None => seconds(reset),
            Some(moment) => {
                let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(moment))?;
                at.duration_since(sent).ok()
            }
        }
    })
}

fn seconds(text: &str) -> Option<Duration> {
    let is_number = text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = text.parse().ok().filter(|_| is_number)?;
    let capped = seconds.ceil().min(LONGEST.as_secs_f64());
    Some(Duration::from_secs_f64(capped))
}

fn until(text: &str, sent: SystemTime) -> Option<Duration> {
    let until = httpdate::parse_http_date(text).ok()?;
    until.duration_since(sent).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_by_a_date() {
        let now: Timestamp = "2027-01-15T08:00:30Z".parse().unwrap();
        let sent = Some("Fri, 15 Jan 2027 08:00:00 GMT");
        let day = 24 * 3600;
        for (retry_after, date, expected) in [
            (&["120"][..], None, Some(120)),
            (&[" 120 "], sent, Some(120)),
            (&["0"], sent, Some(0)),
            (&["7.5"], None, Some(8)),
            (&["3", "7", "x"], None, Some(7)),
            (&["99999999999999999999999999"], None, Some(day)),
            (&["Fri, 15 Jan 2027 08:01:30 GMT"], sent, Some(90)),
            (&["Friday, 15-Jan-27 08:01:30 GMT"], sent, Some(90)),
            (&["Fri Jan 15 08:01:30 2027"], sent, Some(90)),
            (&["Fri, 15 Jan 2027 08:00:00 GMT"], sent, Some(0)),
            (&["Fri, 15 Jan 2027 07:59:59 GMT"], sent, None),
            // By our clock, where theirs is not told.
            (&["Fri, 15 Jan 2027 08:01:30 GMT"], None, Some(60)),
            (&["Fri, 15 Jan 2027 08:01:30 GMT"], Some("today"), Some(60)),
            (&["Sat, 15 Jan 2050 08:01:30 GMT"], None, Some(day)),
            (&["soon"], sent, None),
            (&["-1"], sent, None),
            (&["1e9"], sent, None),
            (&["inf"], sent, None),
            (&[""], sent, None),
            (&[], sent, None),
        ] {
            let headers = retry_after.iter().map(|value| ("retry-after", *value));
            let headers: Headers = headers.chain(date.map(|date| ("date", date))).collect();
            let pause = asked(503, &headers, now).map(|pause| pause.as_secs());
            assert_eq!(pause, expected, "{headers:?}");
        }
    }

    #[test]
    fn where_there_is_no_retry_after_an_answer_of_429_asks_in_headers_of_its_vendor() {
        let now: Timestamp = "2027-01-15T08:00:30Z".parse().unwrap();
        let moment = now.as_second() + 90;
        let moment = moment.to_string();
        for (status, headers, expected) in [
            (429, &[("x-ratelimit-reset-after", "64.57")][..], Some(65)),
            (429, &[("x-ratelimit-retry-after", "3")], Some(3)),
            (429, &[("x-ratelimit-reset", "12")], Some(12)),
            (429, &[("x-ratelimit-reset", moment.as_str())], Some(90)),
            // What says how long comes before what says until when.
            (
                429,
                &[
                    ("x-ratelimit-reset", moment.as_str()),
                    ("x-ratelimit-reset-after", "1.5"),
                ],
                Some(2),
            ),
            (429, &[("x-ratelimit-reset", "1000000001")], None),
            (
                429,
                &[("retry-after", "7"), ("x-ratelimit-reset-after", "64.57")],
                Some(7),
            ),
            (503, &[("x-ratelimit-reset-after", "64.57")], None),
            (200, &[("x-ratelimit-reset", "12")], None),
        ] {
            let headers: Headers = headers.iter().copied().collect();
            let pause = asked(status, &headers, now).map(|pause| pause.as_secs());
            assert_eq!(pause, expected, "{status} {headers:?}");
        }
    }
}
