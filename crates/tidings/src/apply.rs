//! `tidings apply`: a project from a file, with a plan shown first and errors that name their line.

use crate::{data::Opened, options::Data, public_url::PublicUrl, reached::Reached, say};
use anyhow::{Context, Result, bail};
use clap::Args;
use configuration::{Action, Desired, Given, Means, Problem, Step};
use engine::{System, WallSystem};
use ledger::Configuration;
use serde_json::Value;
use std::{path::PathBuf, process::ExitCode};
use toml::de::{DeTable, DeValue};

/// How often it is planned against a configuration that keeps changing.
const TRIES: u32 = 32;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The project file.
    file: PathBuf,
    #[command(flatten)]
    data: Data,
    /// Show the plan, change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Where stores reach the server, for the callback URLs shown; as it was started last, unless its data is in PostgreSQL.
    #[arg(long, env = "TIDINGS_PUBLIC_URL")]
    public_url: Option<PublicUrl>,
}

pub(crate) async fn run(options: &Options) -> Result<ExitCode> {
    let text = std::fs::read_to_string(&options.file)
        .with_context(|| format!("cannot read {}", options.file.display()))?;
    let name = options.file.display().to_string();
    let environment = |name: &str| environment_variable(name);
    let wanted = match read(&text, &environment) {
        Ok(wanted) => wanted,
        Err(problems) => return Ok(report(&name, &problems)),
    };
    let opened = options.data.open().await?;
    let reached = options.data.reached(options.public_url.as_ref())?;
    let public_url = reached.url.to_string();
    match applied(&opened, &wanted, &public_url, options.dry_run).await? {
        Ok(Applied::InEffect) => {
            tell_callbacks(&opened, &wanted.project.key, &reached).await?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(Applied::OnlyShown) => {
            say::line("Nothing was changed (--dry-run).");
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => Ok(report(&name, &located(&text, problems))),
    }
}

/// What became of a plan.
enum Applied {
    InEffect,
    OnlyShown,
}

/// Shows what has to change and changes it, planned again where the configuration has moved meanwhile; or answers with everything
/// that is wrong.
async fn applied(
    opened: &Opened,
    wanted: &Desired,
    public_url: &str,
    is_dry: bool,
) -> Result<Result<Applied, Vec<Problem>>> {
    let mut shown = String::new();
    for _ in 0..TRIES {
        let (steps, current) = match plan(opened, wanted, public_url).await? {
            Ok(planned) => planned,
            Err(problems) => return Ok(Err(problems)),
        };
        // Where it has to be planned again, it is mostly the same plan.
        let plan = told(&steps);
        if plan != shown {
            say::line(&plan);
            shown = plan;
        }
        if is_dry {
            return Ok(Ok(Applied::OnlyShown));
        }
        let (mut changes, mut made) = (Vec::new(), Vec::new());
        for step in steps {
            changes.extend(step.change);
            made.extend(step.made.map(|secret| (step.subject, secret)));
        }
        let (ledger, now) = (&opened.ledger, WallSystem.now());
        let again = engine::mended(&current, &changes);
        let revision = current.revision;
        if changes.is_empty()
            || ledger
                .configure_and_requeue(revision, changes, again, "command line", now)
                .await?
        {
            for (subject, secret) in &made {
                let secret = secret.expose();
                say::line(format!("{subject} signs with {secret}, shown this once"));
            }
            return Ok(Ok(Applied::InEffect));
        }
    }
    bail!("the configuration is being changed all the time; apply again")
}

/// Where stores reach the apps of a project.
async fn tell_callbacks(opened: &Opened, project: &str, reached: &Reached) -> Result<()> {
    let after = opened.ledger.configuration().await?;
    let project = after
        .projects
        .iter()
        .find(|known| known.key == project)
        .map(|project| project.id);
    let apps = after.apps.iter();
    let mut callbacks = apps
        .filter(|app| Some(app.project) == project)
        .filter_map(|app| Some((app, web::callback_path(app)?)))
        .peekable();
    // Without a callback nobody has to know where the server is.
    let remark = callbacks.peek().and_then(|_| reached.remark());
    for (app, path) in callbacks {
        say::line(format!(
            "{} notification URL of {}: {}{path}",
            app.store().title(),
            app.key,
            reached.url
        ));
    }
    remark.into_iter().for_each(say::line);
    Ok(())
}

/// What has to change, and of which configuration; or everything that is wrong.
async fn plan(
    opened: &Opened,
    wanted: &Desired,
    public_url: &str,
) -> Result<Result<(Vec<Step>, Configuration), Vec<Problem>>> {
    let current = opened.ledger.configuration().await?;
    let means = Means {
        current: &current,
        vault: &opened.vault,
        public_url,
        fresh: &|| WallSystem.uuid(),
    };
    let steps = match configuration::plan(wanted, &means) {
        Ok(steps) => steps,
        Err(problems) => return Ok(Err(problems)),
    };
    let waiting = web::configure::under_backlog(&*opened.ledger, &steps, &current).await?;
    Ok(if waiting.is_empty() {
        Ok((steps, current))
    } else {
        Err(waiting)
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "secrets named in the project file come from the environment of this command"
)]
fn environment_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A problem with the line it is on, counted from 1.
#[derive(Debug, PartialEq, Eq)]
struct Located {
    line: usize,
    message: String,
}

fn report(file: &str, problems: &[Located]) -> ExitCode {
    for problem in problems {
        say::line(format!("{file}:{}: {}", problem.line, problem.message));
    }
    say::line("Nothing was changed.");
    ExitCode::FAILURE
}

/// A plan, a line for each step.
fn told(steps: &[Step]) -> String {
    let lines = steps.iter().map(|step| {
        let (sign, word) = match step.action {
            Action::Create => ("+", "create"),
            Action::Update => ("~", "update"),
            Action::Keep => ("=", "keep"),
        };
        format!("{sign} {word:<6} {}", step.subject)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

/// Reads the file and fills in `${NAME}` in settings from the environment.
fn read(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Desired, Vec<Located>> {
    let mut wanted: Desired = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        vec![Located {
            line,
            message: error.message().to_owned(),
        }]
    })?;
    let mut problems = Vec::new();
    for (key, app) in &mut wanted.apps {
        for (name, given) in &mut app.settings {
            if let Given::Set(value) = given {
                fill(value, &["apps", key, name], environment, &mut problems);
            }
        }
    }
    for (key, integration) in &mut wanted.integrations {
        let Given::Set(settings) = &mut integration.settings else {
            continue;
        };
        for (name, given) in settings {
            if let Given::Set(value) = given {
                let path = ["integrations", key, "settings", name];
                fill(value, &path, environment, &mut problems);
            }
        }
    }
    if problems.is_empty() {
        Ok(wanted)
    } else {
        Err(located(text, problems))
    }
}

fn fill(
    value: &mut Value,
    path: &[&str],
    environment: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<Problem>,
) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
                fill(field, &path, environment, problems);
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| fill(item, path, environment, problems)),
        Value::String(text) => {
            let Some(name) = text
                .strip_prefix("${")
                .and_then(|rest| rest.strip_suffix('}'))
            else {
                return;
            };
            match environment(name) {
                Some(secret) => *value = secret.into(),
                None => problems.push(Problem {
                    path: path.iter().map(|part| (*part).to_owned()).collect(),
                    message: format!("the environment variable {name} is not set"),
                }),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Finds the line of each problem: that of the deepest part of its path that the file has.
fn located(text: &str, problems: Vec<Problem>) -> Vec<Located> {
    let document = DeTable::parse(text).ok();
    problems
        .into_iter()
        .map(|problem| {
            let mut offset = 0;
            let mut table = document.as_ref().map(toml::Spanned::get_ref);
            for part in &problem.path {
                let found = table
                    .and_then(|table| table.iter().find(|(key, _)| key.get_ref() == part.as_str()));
                let Some((key, value)) = found else { break };
                offset = key.span().start;
                table = if let DeValue::Table(inner) = value.get_ref() {
                    Some(inner)
                } else {
                    None
                };
            }
            Located {
                line: line_at(text, offset),
                message: format!("{}: {}", problem.path.join("."), problem.message),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use configuration::Vault;
    use ledger::Configuration;

    fn problems(text: &str) -> Vec<Located> {
        let wanted = match read(text, &|name| {
            (name == "URL").then(|| "https://hooks.example.com/x".to_owned())
        }) {
            Ok(wanted) => wanted,
            Err(problems) => return problems,
        };
        let means = Means {
            current: &Configuration::default(),
            vault: &Vault::with_key([0; 32]),
            public_url: "",
            fresh: &|| WallSystem.uuid(),
        };
        configuration::plan(&wanted, &means)
            .map_or_else(|problems| located(text, problems), |_| Vec::new())
    }

    /// The example with what it has of integrations in comments.
    fn with_all_integrations(example: &str) -> String {
        let mut is_integration = false;
        let lines = example.lines().map(|line| {
            let inside = line.strip_prefix("# ");
            is_integration = match inside {
                Some(inside) if inside.starts_with('[') => inside.starts_with("[integrations."),
                _ => is_integration && line.starts_with('#'),
            };
            inside.filter(|_| is_integration).unwrap_or(line)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_example_is_accepted() {
        let example = include_str!("../../../examples/project.toml");
        for example in [example.to_owned(), with_all_integrations(example)] {
            let wanted = read(&example, &|name| {
                let value = match name {
                    "ACME_SLACK_URL" => "https://hooks.slack.com/services/T/B/x",
                    "ACME_NATS_CREDS" => {
                        "-----BEGIN NATS USER JWT-----\nx\n-----BEGIN USER NKEY SEED-----\nx"
                    }
                    _ => "a-key",
                };
                Some(value.into())
            })
            .unwrap();
            let means = Means {
                current: &Configuration::default(),
                vault: &Vault::with_key([0; 32]),
                public_url: "",
                fresh: &|| WallSystem.uuid(),
            };
            let steps = configuration::plan(&wanted, &means).unwrap();
            assert!(steps.iter().all(|step| step.action == Action::Create));
        }
    }

    /// One of each category, at least.
    #[test]
    fn the_example_shows_destinations_of_each_category() {
        let example = include_str!("../../../examples/project.toml");
        let wanted = read(&with_all_integrations(example), &|_| Some("a-key".into())).unwrap();
        let shown = wanted.integrations.values();
        let shown: Vec<_> = shown
            .filter_map(|integration| match &integration.destination {
                Given::Set(key) => destinations::find(key),
                _ => None,
            })
            .map(|destination| destination.spec().category)
            .collect();
        for destination in destinations::ALL {
            let category = destination.spec().category;
            assert!(shown.contains(&category), "{category:?}");
        }
    }

    #[test]
    fn every_problem_names_its_line_and_field() {
        for (text, line, message) in [
            (
                "[project]\nkey = \"a\"\nnane = \"x\"",
                3,
                "unknown field `nane`",
            ),
            (
                "[project]\nkey = \"a b\"",
                2,
                "project.key: \"a b\" is not a key",
            ),
            (
                "[project]\nkey = \"a\"\n[products.m]\nentitlements = [\"premium\"]",
                4,
                "products.m.entitlements: there is no entitlement \"premium\"",
            ),
            (
                "[project]\nkey = \"a\"\n[apps.ios]\nstore = \"app_store\"\nbundle_id = \"x\"",
                3,
                "apps.ios.app_apple_id: is required for production",
            ),
            (
                "[project]\nkey = \"a\"\n[apps.ios]\nstore = \"play\"\nbundle_id = \"x\"",
                4,
                "apps.ios.store: \"play\" is not a store",
            ),
            (
                "[project]\nkey = \"a\"\n[integrations.w]\ndestination = \"webhook\"\n[integrations.w.settings]\nproduction_url = \"ftp://x\"",
                6,
                "integrations.w.settings.production_url: must begin with https://",
            ),
            (
                "[project]\nkey = \"a\"\n[integrations.w]\ndestination = \"webhook\"\n[integrations.w.settings.events]\ntrial_started = \"\"",
                6,
                "integrations.w.settings.events.trial_started: has an empty name",
            ),
            (
                "[project]\nkey = \"a\"\n[integrations.s]\ndestination = \"slack\"\n[integrations.s.settings]\nwebhook_url = \"${MISSING}\"",
                6,
                "integrations.s.settings.webhook_url: the environment variable MISSING is not set",
            ),
            ("[project\nkey", 1, ""),
        ] {
            let found = problems(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(
                found[0].line == line && found[0].message.contains(message),
                "{text}: {found:?}"
            );
        }
        assert_eq!(
            problems(
                "[project]\nkey = \"a\"\n[integrations.s]\ndestination = \"slack\"\n[integrations.s.settings]\nwebhook_url = \"${URL}\""
            ),
            []
        );
    }

    #[test]
    fn a_file_keeps_what_it_does_not_name_and_can_ask_for_the_default() {
        let text = "[project]\nkey = \"a\"\nname = { default = true }\n[apps.web]\nstore = \"stripe\"\napi_key = { default = true }\n[integrations.w]\npaused = { default = true }\n[integrations.w.settings]\nsandbox_url = { default = true }\nretry = { policy = \"adapty\" }";
        let wanted = read(text, &|_| None).unwrap();
        assert_eq!(wanted.project.name, Given::Default);
        assert_eq!(wanted.project.transfer_behaviour, Given::Keep);
        let web = &wanted.apps["web"];
        assert_eq!(web.name, Given::Keep);
        assert_eq!(web.store, Given::Set("stripe".into()));
        assert_eq!(web.settings["api_key"], Given::Default);
        let integration = &wanted.integrations["w"];
        assert_eq!(integration.paused, Given::Default);
        let Given::Set(settings) = &integration.settings else {
            panic!("the file names settings");
        };
        assert_eq!(settings["sandbox_url"], Given::Default);
        assert!(matches!(settings["retry"], Given::Set(_)));
        // What is wrong with a value is still said at its line.
        let text = "[project]\nkey = \"a\"\nhistorical_window_hours = \"soon\"";
        assert_eq!(problems(text)[0].line, 3);
    }

    #[test]
    fn a_production_app_never_trusts_roots_of_its_own() {
        let text = "[project]\nkey = \"a\"\n[apps.ios]\nstore = \"app_store\"\nbundle_id = \"x\"\napp_apple_id = 1\nenvironments = [\"production\", \"local_testing\"]\nlocal_roots = [\"AAAA\"]";
        assert!(problems(text).iter().any(|problem| {
            problem.line == 7
                && problem
                    .message
                    .contains("cannot accept xcode or local_testing")
        }));
    }
}
