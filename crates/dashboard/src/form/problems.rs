//! What is wrong with a form, at its place.

use super::field::Field;
use std::collections::BTreeMap;

/// Something wrong with a field.
pub(crate) fn wrong(field: &str, message: impl Into<String>) -> configuration::Problem {
    configuration::Problem {
        path: vec![field.to_owned()],
        message: message.into(),
    }
}

/// What is wrong with a form: beside the field it is about, or above all of them.
#[derive(Default)]
pub(crate) struct Placed {
    beside: BTreeMap<String, String>,
    pub(crate) above: Vec<String>,
}

impl Placed {
    pub(crate) fn of(problems: Vec<configuration::Problem>, fields: &[Field]) -> Self {
        let mut placed = Self::default();
        for configuration::Problem { path, message } in problems {
            // A part of a field, such as the pauses of a policy or one kind of event, belongs to the whole.
            let within = path.get(2..).filter(|within| !within.is_empty());
            let whole = within.unwrap_or(&path).iter().rev().find_map(|part| {
                let whole = part.split('.').next().unwrap_or(part);
                fields.iter().find(|field| field.name == whole)
            });
            match (whole, path.last()) {
                (Some(field), Some(part)) => {
                    let told = if part == field.name {
                        message
                    } else {
                        format!("{part}: {message}")
                    };
                    let beside = placed.beside.entry(field.name.to_owned()).or_default();
                    if !beside.is_empty() {
                        beside.push_str("; ");
                    }
                    beside.push_str(&told);
                }
                (None, Some(part)) => placed.above.push(format!("{part}: {message}")),
                (_, None) => placed.above.push(message),
            }
        }
        placed
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.beside.is_empty() && self.above.is_empty()
    }

    /// What stands beside a field; nothing where it is right.
    pub(crate) fn beside(&self, field: &str) -> String {
        self.beside
            .get(field)
            .map_or_else(String::new, String::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::FIELDS, *};

    #[test]
    fn a_problem_stands_beside_its_field() {
        let problem = |path: &[&str]| configuration::Problem {
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            message: "no".into(),
        };
        let problems = vec![
            problem(&["integrations", "x", "settings", "url"]),
            problem(&["integrations", "x", "settings", "events", "trial_started"]),
            problem(&["settings", "retry.delays"]),
            problem(&["integrations", "x"]),
        ];
        let placed = Placed::of(problems, FIELDS);
        assert_eq!(placed.beside("url"), "no");
        assert_eq!(placed.beside("events"), "trial_started: no");
        assert_eq!(placed.beside("retry"), "retry.delays: no");
        assert_eq!(placed.above, ["x: no"]);
    }
}
