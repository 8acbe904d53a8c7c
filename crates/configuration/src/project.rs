//! Projects as they should be.

use crate::{desired::DesiredProject, planner::Planner};
use ledger::{ConfigurationChange, Project};

impl Planner<'_> {
    pub(crate) fn project(&mut self, desired: &DesiredProject, known: Option<&Project>) {
        self.check_key(&["project", "key"], &desired.key);
        let wanted = Project {
            id: self.project,
            key: desired.key.clone(),
            name: desired
                .name
                .clone()
                .unwrap_or_else(|| known.map_or(&desired.key, |known| &known.name).clone()),
            historical_window_hours: desired
                .historical_window_hours
                .unwrap_or_else(|| known.map_or(24, |known| known.historical_window_hours)),
            transfer_behaviour: desired.transfer_behaviour.unwrap_or_else(|| {
                known.map_or_else(Default::default, |known| known.transfer_behaviour)
            }),
            sandbox_transfer_behaviour: desired
                .sandbox_transfer_behaviour
                .or_else(|| known?.sandbox_transfer_behaviour),
        };
        self.step(
            format!("project {}", desired.key),
            known,
            wanted,
            ConfigurationChange::PutProject,
        );
    }
}
