//! What a message is filed under where readers choose by it: `tidings.production.ios.subscription_renewed`.

use domain::Event;

/// A part of a subject, which has no dots, blanks or wildcards.
pub(crate) fn token(text: &str) -> String {
    let safe = |letter: char| {
        if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_') {
            letter
        } else {
            '_'
        }
    };
    text.chars().map(safe).collect()
}

/// The subject of an event: what all begin with, its environment, its app or `-`, its kind.
pub(crate) fn of(begins: &str, event: &Event) -> String {
    let app = event.app.as_ref().map_or("-".into(), |app| token(&app.key));
    let (environment, kind) = (event.environment.id(), event.kind.id());
    format!("{begins}.{environment}.{app}.{kind}")
}

/// What is wrong with what subjects are to begin with.
pub(crate) fn check(begins: &str) -> Option<&'static str> {
    let is_bad = |part: &str| {
        part.is_empty()
            || part.contains(|letter: char| {
                letter.is_whitespace() || letter.is_control() || matches!(letter, '*' | '>' | '#')
            })
    };
    begins.split('.').any(is_bad).then_some(
        "must be words with dots between, without blanks or wildcards, such as acme.tidings",
    )
}
