//! Integrations as they should be.

use crate::{desired::DesiredIntegration, planner::Planner, secrets::merged_settings};
use destinations::FieldKind;
use domain::IntegrationId;
use ledger::{ConfigurationChange, Integration, Verification};
use serde_json::{Map, Value};

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
        let stored = known
            .and_then(|known| {
                means
                    .vault
                    .open_sealed(&id.to_string(), &known.sealed_settings)
                    .ok()
            })
            .and_then(|plain| serde_json::from_slice::<Value>(&plain).ok());
        let given = if desired.settings.is_null() {
            Value::Object(Map::new())
        } else {
            desired.settings.clone()
        };
        let mut settings = merged_settings(spec, stored.as_ref(), &given);
        // A destination that signs gets a secret of its own unless one is given.
        let signs = spec
            .fields
            .iter()
            .find(|field| field.kind == FieldKind::Secrets);
        if let (Some(field), Some(object)) = (signs, settings.as_object_mut()) {
            let kept = stored
                .as_ref()
                .and_then(|stored| stored.get(field.name))
                .cloned();
            object.entry(field.name).or_insert_with(|| {
                kept.unwrap_or_else(|| Value::Array(vec![self.signing_secret().into()]))
            });
        }
        let handshakes = match destination.configure(&settings, means.context) {
            Ok(configured) => !configured.handshakes("").is_empty(),
            Err(problems) => {
                for problem in problems {
                    let path: Vec<&str> = ["integrations", key, "settings"]
                        .into_iter()
                        .chain(problem.field.split('.'))
                        .collect();
                    self.problem(&path, problem.problem);
                }
                return;
            }
        };
        let same_settings = stored.as_ref() == Some(&settings);
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

    fn signing_secret(&self) -> String {
        let bytes = [
            *(self.means.fresh)().as_bytes(),
            *(self.means.fresh)().as_bytes(),
        ]
        .concat();
        destinations::webhook::secret_from(&bytes)
    }
}
