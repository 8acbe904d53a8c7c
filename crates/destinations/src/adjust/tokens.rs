//! Tokens of events: what Adjust calls an event by, and what each app has its own of.

use crate::{EventSwitch, Events, Invalid, Spec, common::Platform};
use domain::EventKind;

/// The tokens of both platforms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tokens<'a> {
    /// Those of iOS, and of Android where it has no others.
    pub(super) all: &'a Events,
    /// Those of Android.
    pub(super) android: &'a Events,
    /// That of a test, on either.
    pub(super) test: Option<&'a str>,
}

impl<'a> Tokens<'a> {
    /// The token of a kind on a platform; `None` where there is none, and where it is switched off.
    pub(super) fn of(self, kind: EventKind, platform: Platform) -> Option<&'a str> {
        if kind == EventKind::Test && self.test.is_some() {
            return self.test;
        }
        let android = self.android.0.get(kind.id());
        let android = android.filter(|_| platform == Platform::Android);
        match android.or_else(|| self.all.0.get(kind.id()))? {
            EventSwitch::Named(token) => Some(token.trim()),
            EventSwitch::Enabled(_) => None,
        }
    }

    /// What is wrong with them: every kind that is switched on has a token.
    pub(super) fn problems(self, spec: &Spec) -> Vec<Invalid> {
        let lists = [
            ("event_tokens", self.all),
            ("android_event_tokens", self.android),
        ];
        let mut problems = Vec::new();
        for (field, events) in lists {
            problems.extend(events.problems(field, spec.events, true));
            let switched_on = events
                .0
                .iter()
                .filter(|(_, switch)| **switch == EventSwitch::Enabled(true));
            problems.extend(switched_on.map(|(kind, _)| {
                Invalid::new(
                    format!("{field}.{kind}"),
                    "is the token of an event in Adjust, as `abc123`, or false",
                )
            }));
        }
        problems
    }
}
