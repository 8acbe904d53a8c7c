//! What `Retry-After` asks for (RFC 9110, 10.2.3): seconds, or a date in any of the three forms of HTTP.

use domain::Headers;
use jiff::Timestamp;
use std::time::{Duration, SystemTime};

/// The longest that is understood.
const LONGEST: Duration = Duration::from_hours(24);

/// How long an answer that came at `now` asks to wait; the longest, where it asks more than once.
///
/// A date counts from the answer's own `Date`, because the other clock need not be ours; from `now` where there is none. One that is past asks for
/// nothing. Fractions of a second are rounded up, and what is absurd is capped.
pub(super) fn asked(headers: &Headers, now: Timestamp) -> Option<Duration> {
    let mut dates = headers.all("date").map(str::trim);
    let date = dates.find_map(|text| httpdate::parse_http_date(text).ok());
    let sent = date.unwrap_or_else(|| SystemTime::from(now));
    headers
        .all("retry-after")
        .map(str::trim)
        .filter_map(|text| seconds(text).or_else(|| until(text, sent)))
        .max()
        .map(|pause| pause.min(LONGEST))
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
            let pause = asked(&headers, now).map(|pause| pause.as_secs());
            assert_eq!(pause, expected, "{headers:?}");
        }
    }
}
