//! Pauses that vendors ask for elsewhere than in `Retry-After`.

use crate::Response;
use std::time::Duration;

/// The longest that is understood.
const LONGEST_SECONDS: f64 = 86_400.0;

/// So many seconds, rounded up to whole ones; `None` for what is none. Numbers and texts of numbers are both met.
pub(crate) fn pause(said: &serde_json::Value) -> Option<Duration> {
    let seconds = said.as_f64().or_else(|| said.as_str()?.trim().parse().ok());
    of_seconds(seconds?)
}

/// The same in a header.
pub(crate) fn pause_in(response: &Response, header: &str) -> Option<Duration> {
    let said = response.headers.first(header)?;
    of_seconds(said.trim().parse().ok()?)
}

/// How long it is from when the answer was given until the second that a header names, counted since 1970.
pub(crate) fn pause_until(response: &Response, header: &str) -> Option<Duration> {
    let until: i64 = response.headers.first(header)?.trim().parse().ok()?;
    let date = response.headers.first("date")?;
    let date = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let seconds = u64::try_from(until.checked_sub(date.as_second())?).ok()?;
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    of_seconds(f64::from(seconds))
}

fn of_seconds(seconds: f64) -> Option<Duration> {
    let is_some = seconds.is_finite() && seconds >= 0.0;
    is_some.then(|| Duration::from_secs_f64(seconds.ceil().min(LONGEST_SECONDS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Headers;
    use serde_json::json;

    #[test]
    fn a_pause_is_whole_seconds_of_a_day_at_most() {
        for (said, expected) in [
            (json!(0.337), Some(1)),
            (json!(35), Some(35)),
            (json!("35"), Some(35)),
            (json!(1e300), Some(86_400)),
            (json!(-1), None),
            (json!("soon"), None),
            (json!(null), None),
            (json!([3]), None),
        ] {
            let seconds = pause(&said).map(|pause| pause.as_secs());
            assert_eq!(seconds, expected, "{said}");
        }
    }

    /// Source: RFC 5322 for the date; 1796000010 is 2026-11-30T00:53:30Z.
    #[test]
    fn a_moment_counts_from_the_answer_s_own_date() {
        let asked = |headers: &[(&str, &str)]| {
            let response = Response {
                status: 429,
                retry_after: None,
                headers: headers.iter().copied().collect::<Headers>(),
                body: Vec::new(),
                unread: None,
            };
            pause_until(&response, "x-ratelimit-reset").map(|pause| pause.as_secs())
        };
        let date = ("date", "Mon, 30 Nov 2026 00:53:20 GMT");
        assert_eq!(
            asked(&[date, ("x-ratelimit-reset", "1796000010")]),
            Some(10)
        );
        assert_eq!(asked(&[date, ("x-ratelimit-reset", "1796000000")]), Some(0));
        assert_eq!(asked(&[date, ("x-ratelimit-reset", "1795000000")]), None);
        assert_eq!(asked(&[("x-ratelimit-reset", "1796000010")]), None);
        assert_eq!(asked(&[date]), None);
    }
}
