//! Integrations as they should be.

use crate::{desired::DesiredIntegration, planner::Planner, secrets::merged, stored::Stored};
use destinations::{FieldKind, Invalid};
use domain::IntegrationId;
use ledger::{ConfigurationChange, Integration, Verification};
use serde_json::Value;

impl Planner<'_> {
    pub(crate) fn integration(&mut self, key: &str, desired: &DesiredIntegration) {
        self.check_key(&["integrations", key], key);
        let (means, project) = (self.means, self.project);
        let Some(destination) = destinations::find(&desired.destination) else {
            let known: Vec<_> = destinations::ALL
                .iter()
                .map(|destination| destination.spec().key)
                .collect();
            self.problem(
                &["integrations", key, "destination"],
                format!(
                    "{:?} is not a destination; there are {}",
                    desired.destination,
                    known.join(", ")
                ),
            );
            return;
        };
        let spec = destination.spec();
        let known = means
            .current
            .integrations
            .iter()
            .find(|known| known.project == project && known.key == key);
        let id = known.map_or_else(|| IntegrationId::new((means.fresh)()), |known| known.id);
        // Settings of another destination say nothing about this one's.
        let stored = known
            .filter(|known| known.destination == desired.destination)
            .map_or_else(Stored::default, |known| {
                Stored::of_integration(means.vault, known)
            });
        let merged = merged(spec.fields, &stored, &desired.settings);
        if !merged.problems.is_empty() {
            self.invalid(key, merged.problems);
            return;
        }
        let mut settings = merged.settings;
        // A destination that signs gets a secret of its own unless one is given.
        let signs = spec
            .fields
            .iter()
            .find(|field| field.kind == FieldKind::Secrets);
        if let Some(field) = signs {
            let kept = stored.settings.get(field.name).cloned();
            settings.entry(field.name).or_insert_with(|| {
                kept.unwrap_or_else(|| Value::Array(vec![self.signing_secret().into()]))
            });
        }
        let same_settings = stored.settings == settings;
        let settings = Value::Object(settings);
        let handshakes = match destination.configure(&settings, means.context) {
            Ok(configured) => !configured.handshakes("").is_empty(),
            Err(problems) => {
                self.invalid(key, problems);
                return;
            }
        };
        let (sealed_settings, verification) = match known {
            Some(known) if same_settings => {
                (known.sealed_settings.clone(), known.verification.clone())
            }
            _ => (
                means
                    .vault
                    .seal(&id.to_string(), settings.to_string().as_bytes()),
                if handshakes {
                    Verification::Pending
                } else {
                    Verification::Passed
                },
            ),
        };
        let wanted = Integration {
            id,
            project,
            key: key.into(),
            name: desired.name.clone().unwrap_or_else(|| key.into()),
            destination: desired.destination.clone(),
            sealed_settings,
            paused: desired.paused,
            verification,
        };
        self.step(
            format!("integration {key}"),
            known,
            wanted,
            ConfigurationChange::PutIntegration,
        );
    }

    fn invalid(&mut self, key: &str, problems: Vec<Invalid>) {
        for Invalid { field, problem } in problems {
            let within = ["integrations", key, "settings"].into_iter();
            let path: Vec<&str> = within.chain(field.split('.')).collect();
            self.problem(&path, problem);
        }
    }

    fn signing_secret(&self) -> String {
        let bytes = [
            *(self.means.fresh)().as_bytes(),
            *(self.means.fresh)().as_bytes(),
        ]
        .concat();
        destinations::webhook::secret_from(&bytes)
    }
}
