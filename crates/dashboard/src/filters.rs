//! Template filters.
#![expect(
    unreachable_pub,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    clippy::inline_always,
    reason = "what askama's attribute makes of them"
)]

/// `not_sent` as people read it: `not sent`.
#[askama::filter_fn]
pub(crate) fn words(
    value: impl std::fmt::Display,
    _: &dyn askama::Values,
) -> askama::Result<String> {
    Ok(value.to_string().replace('_', " "))
}
