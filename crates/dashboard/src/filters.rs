//! Template filters.
#![expect(
    unreachable_pub,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    clippy::inline_always,
    reason = "what askama's attribute makes of them"
)]

use askama::filters::{Html, Safe, escape};
use std::fmt::Write as _;

/// `not_sent` as people read it: `not sent`.
#[askama::filter_fn]
pub(crate) fn words(
    value: impl std::fmt::Display,
    _: &dyn askama::Values,
) -> askama::Result<String> {
    Ok(value.to_string().replace('_', " "))
}

/// A sentence of ours or of a store, in which what stands between backticks is code: ``set `api_key` `` as a page shows it.
#[askama::filter_fn]
pub(crate) fn marked(
    value: impl std::fmt::Display,
    _: &dyn askama::Values,
) -> askama::Result<Safe<String>> {
    let text = value.to_string();
    let parts: Vec<&str> = text.split('`').collect();
    let mut html = String::new();
    for (index, part) in parts.iter().enumerate() {
        let Ok(escaped) = escape(part, Html);
        // One that is not closed stays as it is.
        let (is_code, is_last) = (index % 2 == 1, index + 1 == parts.len());
        match (is_code, is_last) {
            (true, false) => write!(html, "<code>{escaped}</code>")?,
            (true, true) => write!(html, "`{escaped}")?,
            (false, _) => write!(html, "{escaped}")?,
        }
    }
    Ok(Safe(html))
}

#[cfg(test)]
mod tests {
    use crate::filters;
    use askama::Template;

    #[derive(Template)]
    #[template(source = "{{ text|marked }}", ext = "html")]
    struct Shown {
        text: &'static str,
    }

    #[test]
    fn what_stands_between_backticks_is_code_and_all_of_it_is_escaped() {
        for (text, html) in [
            ("plain", "plain"),
            ("set `api_key`, please", "set <code>api_key</code>, please"),
            ("a `b` `c`", "a <code>b</code> <code>c</code>"),
            ("`<b>` & <i>", "<code>&#60;b&#62;</code> &#38; &#60;i&#62;"),
            ("one ` alone", "one ` alone"),
        ] {
            assert_eq!(Shown { text }.render().unwrap(), html);
        }
    }
}
