//! Template filters.

/// `not_sent` as people read it: `not sent`.
#[expect(
    unreachable_pub,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    clippy::inline_always,
    reason = "what the attribute makes of it"
)]
#[askama::filter_fn]
pub(crate) fn words(
    value: impl std::fmt::Display,
    _: &dyn askama::Values,
) -> askama::Result<String> {
    Ok(value.to_string().replace('_', " "))
}
