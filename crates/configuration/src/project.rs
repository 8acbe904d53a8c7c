//! Projects as they should be.

use crate::{desired::Desired, planner::Planner};
use ledger::{ConfigurationChange, Project};

/// Hours after which a purchase first heard of is history, unless a project says otherwise.
const USUAL_WINDOW_HOURS: u32 = 24;

impl Planner<'_> {
    pub(crate) fn project(&mut self, document: &Desired, known: Option<&Project>) {
        let desired = &document.project;
        self.check_key(&["project", "key"], &desired.key);
        let known_name = known.map(|known| &known.name);
        let name = self.name(&["project"], &desired.name, known_name, &desired.key);
        let known_offering = known.and_then(|known| known.current_offering.as_ref());
        let current_offering = desired.current_offering.over(known_offering);
        self.current_offering(document, current_offering.as_ref());
        let wanted = Project {
            id: self.project,
            key: desired.key.clone(),
            name,
            historical_window_hours: desired
                .historical_window_hours
                .over(known.map(|known| &known.historical_window_hours))
                .unwrap_or(USUAL_WINDOW_HOURS),
            transfer_behaviour: desired
                .transfer_behaviour
                .over(known.map(|known| &known.transfer_behaviour))
                .unwrap_or_default(),
            sandbox_transfer_behaviour: desired
                .sandbox_transfer_behaviour
                .over(known.and_then(|known| known.sandbox_transfer_behaviour.as_ref())),
            current_offering,
        };
        self.step(
            format!("project {}", desired.key),
            known,
            wanted,
            ConfigurationChange::PutProject,
        );
    }
}
