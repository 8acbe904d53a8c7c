//! A project in a file: read, with what it takes from the environment, and whatever is wrong with it at its line.

use configuration::{Desired, Given, Problem};
use serde_json::Value;
use toml::de::{DeTable, DeValue};

/// A problem with the line it is on, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) line: usize,
    pub(crate) message: String,
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

/// Reads the file and fills in `${NAME}` in settings from the environment.
pub(crate) fn read(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Desired, Vec<Located>> {
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
pub(crate) fn located(text: &str, problems: Vec<Problem>) -> Vec<Located> {
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
    use configuration::{Action, Means, Vault};
    use engine::{System, WallSystem};
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

    /// Who tries it takes nothing out of it and fills in one address.
    #[test]
    fn the_example_asks_for_the_url_of_a_slack_channel_and_nothing_else() {
        let example = include_str!("../../../examples/project.toml");
        let url = "https://hooks.slack.com/services/T/B/x";
        let environment = |name: &str| (name == "ACME_SLACK_URL").then(|| url.to_owned());
        let wanted = read(example, &environment).unwrap();
        assert_eq!(wanted.integrations.keys().collect::<Vec<_>>(), ["slack"]);
        let missing = read(example, &|_| None).unwrap_err();
        let [missing] = &missing[..] else {
            panic!("{missing:?}");
        };
        let said = "integrations.slack.settings.webhook_url: the environment variable ACME_SLACK_URL is not set";
        assert_eq!(missing.message, said);
        let line = example.lines().nth(missing.line - 1).unwrap();
        assert!(line.contains("${ACME_SLACK_URL}"), "{line}");
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
