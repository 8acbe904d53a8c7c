//! Integrations as they should be.

use crate::{
    Given, Settings,
    desired::DesiredIntegration,
    planner::Planner,
    settings::{merged, nearest, unknown},
    stored::Stored,
};
use destinations::{Configured, Context, Destination, Field, FieldKind, Handshake, Invalid};
use domain::{Environment, IntegrationId, secret::Secret};
use ledger::{ConfigurationChange, Integration, Verdicts, Verification};
use serde_json::{Map, Value, json};

/// Settings as they are to be stored.
struct Settled {
    sealed: Vec<u8>,
    /// Whether their endpoints have shown that they are the integration's.
    verification: Verdicts,
    /// A secret among them that was made here.
    made: Option<Secret>,
}

impl Settled {
    /// With the settings there are, of which this is `configured` where they can be used. Saving them is asking the endpoint again: what it refused may
    /// have been mended on its side.
    fn as_it_is(known: &Integration, configured: Option<&dyn Configured>) -> Self {
        let verification = configured.map_or_else(
            || known.verification.clone(),
            |configured| asked_again(&known.verification, configured),
        );
        Self {
            sealed: known.sealed_settings.clone(),
            verification,
            made: None,
        }
    }
}

impl Planner<'_> {
    /// One integration as it should be: found by its key or made, its settings merged, tried and sealed. What is wrong with it is noted.
    pub(crate) fn integration(&mut self, key: &str, desired: &DesiredIntegration) {
        self.check_key(&["integrations", key], key);
        let (means, project) = (self.means, self.project);
        let known = means
            .current
            .integrations
            .iter()
            .find(|known| known.project == project && known.key == key);
        let known_name = known.map(|known| &known.name);
        let name = self.name(&["integrations", key], &desired.name, known_name, key);
        let wanted = desired
            .destination
            .over(known.map(|known| &known.destination));
        let Some(destination) = wanted.as_deref().and_then(destinations::find) else {
            let problem = no_destination(wanted.as_deref());
            self.problem(&["integrations", key, "destination"], problem);
            return;
        };
        let id = known.map_or_else(|| IntegrationId::new((means.fresh)()), |known| known.id);
        // Settings of another destination say nothing about this one's.
        let same = known.filter(|known| known.destination == destination.spec().key);
        let given = given(&desired.settings, destination.spec().fields);
        let unmoved = same.filter(|_| given.values().all(|given| *given == Given::Keep));
        let settled = match unmoved {
            Some(known) => {
                let stored = Stored::of_integration(means.vault, known);
                let context = Context {
                    public_url: means.public_url.to_owned(),
                };
                let configured = destination.configure(&json!(stored.settings), &context);
                Settled::as_it_is(known, configured.ok().as_deref())
            }
            None => match self.settings(key, id, destination, same, &given) {
                Some(settled) => settled,
                None => return,
            },
        };
        let wanted = Integration {
            id,
            project,
            key: key.into(),
            name,
            destination: destination.spec().key.into(),
            sealed_settings: settled.sealed,
            paused: desired
                .paused
                .over(known.map(|known| &known.paused))
                .unwrap_or_default(),
            verification: settled.verification,
        };
        self.step(
            format!("integration {key}"),
            known,
            wanted,
            ConfigurationChange::PutIntegration,
        );
        self.made(settled.made);
    }

    /// Settings as they are to be stored; `None` where they cannot be used.
    fn settings(
        &mut self,
        key: &str,
        id: IntegrationId,
        destination: &dyn Destination,
        known: Option<&Integration>,
        given: &Settings,
    ) -> Option<Settled> {
        let (means, spec) = (self.means, destination.spec());
        let fields = spec.fields;
        let stored = known.map_or_else(Stored::default, |known| {
            Stored::of_integration(means.vault, known)
        });
        let mut merged = merged(fields, spec.travels, &stored, given);
        merged.problems.extend(unknown(fields, &[], given));
        if !merged.problems.is_empty() {
            self.invalid(key, merged.problems);
            return None;
        }
        let mut settings = merged.settings;
        let made = self.make_secret(fields, &mut settings);
        let context = Context {
            public_url: means.public_url.to_owned(),
        };
        let configure =
            |settings: &Map<String, Value>| destination.configure(&json!(settings), &context);
        let mut configured = configure(&settings);
        if let Err(problems) = &configured
            && leave_behind(fields, given, problems, &mut settings)
        {
            configured = configure(&settings);
        }
        let configured = match configured {
            Ok(configured) => configured,
            Err(problems) => {
                self.invalid(key, problems);
                return None;
            }
        };
        let same_settings = stored.settings == settings;
        let settings = Value::Object(settings);
        if let Some(known) = known.filter(|_| same_settings) {
            return Some(Settled::as_it_is(known, Some(configured.as_ref())));
        }
        let settings = settings.to_string();
        let sealed = means.vault.seal(&id.to_string(), settings.as_bytes());
        let before = known.and_then(|known| Some((known, configure(&stored.settings).ok()?)));
        let before = before
            .as_ref()
            .map(|(known, before)| (*known, before.as_ref()));
        let verification = verdicts(configured.as_ref(), before);
        Some(Settled {
            sealed,
            verification,
            made,
        })
    }

    fn invalid(&mut self, key: &str, problems: Vec<Invalid>) {
        for Invalid { field, problem } in problems {
            let within = ["integrations", key, "settings"].into_iter();
            let path: Vec<&str> = within.chain(field.split('.')).collect();
            self.problem(&path, problem);
        }
    }

    /// A destination that signs gets a secret of its own unless one is given.
    fn make_secret(&self, fields: &[Field], settings: &mut Map<String, Value>) -> Option<Secret> {
        let signs = fields.iter().find(|field| field.kind == FieldKind::Secrets);
        let field = signs.filter(|field| !settings.contains_key(field.name))?;
        let fresh = || *(self.means.fresh)().as_bytes();
        let secret = destinations::webhook::secret_from(&[fresh(), fresh()].concat());
        let all = Value::Array(vec![secret.clone().into()]);
        settings.insert(field.name.into(), all);
        Some(Secret::new(secret))
    }
}

/// What is known of endpoints whose settings are new: nothing, but of one that would be asked the same in the same place as it was when it passed.
fn verdicts(
    configured: &dyn Configured,
    before: Option<(&Integration, &dyn Configured)>,
) -> Verdicts {
    Verdicts::each(|endpoint| {
        let Some(asked) = handshake(configured, endpoint) else {
            return Verification::Passed;
        };
        let passed = before.is_some_and(|(known, before)| {
            *known.verification.of(endpoint) == Verification::Passed
                && handshake(before, endpoint).as_ref() == Some(&asked)
        });
        if passed {
            Verification::Passed
        } else {
            Verification::Pending
        }
    })
}

/// The same verdicts, but on endpoints that refused what they were sent: those are known as if they had never been asked.
fn asked_again(known: &Verdicts, configured: &dyn Configured) -> Verdicts {
    Verdicts::each(|endpoint| match known.of(endpoint) {
        Verification::Refused { .. } if handshake(configured, endpoint).is_some() => {
            Verification::Pending
        }
        Verification::Refused { .. } => Verification::Passed,
        other => other.clone(),
    })
}

fn handshake(configured: &dyn Configured, endpoint: Environment) -> Option<Handshake> {
    let mut all = configured.handshakes("").into_iter();
    all.find(|handshake| handshake.endpoint == endpoint)
}

/// Where the names of all destinations are.
const ALL_DESTINATIONS: &str =
    "`GET /api/v1/destinations` lists those there are, and so does docs/destinations";

/// What is wrong with the name of a destination that there is not.
fn no_destination(wanted: Option<&str>) -> String {
    let specs = destinations::ALL.iter().map(|known| known.spec());
    let titles = specs.map(|spec| (spec.title.to_ascii_lowercase(), spec.key));
    let titles: Vec<_> = titles.collect();
    let names = titles.iter();
    let names: Vec<&str> = names
        .flat_map(|(title, key)| [*key, title.as_str()])
        .collect();
    let Some(wanted) = wanted else {
        return format!("is missing; {ALL_DESTINATIONS}");
    };
    let nearest = nearest(&wanted.to_ascii_lowercase(), &names);
    let called = |name: &str| {
        titles
            .iter()
            .find(|(title, key)| title == name || *key == name)
    };
    match nearest.and_then(called) {
        Some((_, key)) => format!("{wanted:?} is not a destination; did you mean `{key}`?"),
        None => format!("{wanted:?} is not a destination; {ALL_DESTINATIONS}"),
    }
}

/// What is given of each field.
fn given(settings: &Given<Settings>, fields: &[Field]) -> Settings {
    match settings {
        Given::Keep => Settings::new(),
        Given::Set(given) => given.clone(),
        Given::Default => {
            let all = fields.iter();
            all.map(|field| (field.name.into(), Given::Default))
                .collect()
        }
    }
}

/// Takes away kinds of events that were kept and that what is given now has no use for: another format tells others, and names them itself. `false`
/// where anything else is wrong, or where somebody wants them now; then nothing is taken away.
fn leave_behind(
    fields: &[Field],
    given: &Settings,
    problems: &[Invalid],
    settings: &mut Map<String, Value>,
) -> bool {
    let kept = |name: &str| {
        let is_of_events = fields.iter().any(|field| {
            field.name == name && matches!(field.kind, FieldKind::Events | FieldKind::EventSwitches)
        });
        is_of_events && matches!(given.get(name), None | Some(Given::Keep))
    };
    let entries: Option<Vec<(&str, &str)>> = problems
        .iter()
        .map(|problem| problem.field.split_once('.').filter(|(name, _)| kept(name)))
        .collect();
    let Some(entries) = entries else { return false };
    for (name, entry) in entries {
        if let Some(Value::Object(of_events)) = settings.get_mut(name) {
            of_events.remove(entry);
        }
    }
    true
}
