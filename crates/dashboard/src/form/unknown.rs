//! Fields that a form of settings does not have.

use super::field::{Field, Kind, Told};

/// What a widget of boxes sends beside them, because nothing is sent of those that are not ticked.
const SHOWN: &str = ".shown";

impl Field {
    /// Whether its widget is made of boxes.
    pub(super) fn has_boxes(&self) -> bool {
        matches!(
            self.kind,
            Kind::Switch | Kind::Choices(_) | Kind::Events | Kind::EventSwitches
        )
    }

    /// Whether its widget sends a field of this name.
    fn sends(&self, name: &str, events: &[Told]) -> bool {
        let Some(part) = name.strip_prefix(self.name) else {
            return false;
        };
        match (self.kind, part) {
            (_, SHOWN) => self.has_boxes(),
            (Kind::Events | Kind::EventSwitches, part) => {
                let Some(part) = part.strip_prefix('.') else {
                    return false;
                };
                let (event, has_name) = match part.strip_suffix(".name") {
                    Some(event) => (event, true),
                    None => (part, false),
                };
                let is_event = events.iter().any(|told| told.kind.id() == event);
                is_event && (!has_name || self.kind == Kind::Events)
            }
            (_, "")
            | (Kind::Secret | Kind::LongSecret | Kind::Secrets, ".remove")
            | (Kind::Retry, ".delays") => true,
            _ => false,
        }
    }
}

/// Whether one of these settings sends a field of this name.
pub(super) fn is_known(name: &str, fields: &[Field], events: &[Told]) -> bool {
    fields.iter().any(|field| field.sends(name, events))
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{EVENTS, FIELDS},
        *,
    };

    #[test]
    fn every_widget_sends_its_own_fields_and_no_other() {
        for (name, wanted) in [
            ("url", true),
            ("url.remove", false),
            ("key.remove", true),
            ("secrets.remove", true),
            ("retry", true),
            ("retry.delays", true),
            ("any", true),
            ("any.shown", true),
            ("on.shown", true),
            ("events.shown", true),
            ("url.shown", false),
            ("events", false),
            ("events.trial_started", true),
            ("events.trial_started.name", true),
            ("events.trial_started.name.x", false),
            ("events.trial_sarted", false),
            ("eventstrial_started", false),
            ("days.delays", false),
            ("ur", false),
            ("nmae", false),
        ] {
            assert_eq!(is_known(name, FIELDS, EVENTS), wanted, "{name}");
        }
    }
}
