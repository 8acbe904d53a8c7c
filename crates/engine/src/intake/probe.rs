//! Whether the settings of an app work, as its store sees it.

use super::{Intake, IntakeError};
use domain::AppId;
use sources::{Probe, ProbeOutcome};
use std::time::Duration;

/// How often a store is asked whether what it was asked to do is done, a second apart.
const LOOKS: u32 = 8;

impl Intake {
    /// Asks the store of an app whether its settings work. Takes a few seconds for a store that answers by calling back.
    pub async fn probe(&self, app: AppId) -> Result<Vec<Probe>, IntakeError> {
        let setup = self.core.setup();
        let app = setup.known_app(app)?;
        let source = app.usable_source()?;
        let (web, system) = (self.core.web(), self.core.system());
        let mut probes = source.probe(web, system.now()).await;
        for _ in 0..LOOKS {
            let waiting = |probe: &&mut Probe| matches!(probe.outcome, ProbeOutcome::Waiting(_));
            let mut waiting = probes.iter_mut().filter(waiting).peekable();
            if waiting.peek().is_none() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            for probe in waiting {
                probe.outcome = source.probe_again(probe, web, system.now()).await;
            }
        }
        Ok(probes)
    }
}
