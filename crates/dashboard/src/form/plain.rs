//! Forms that have a struct of their own: which fields there are, and what each may say.

use super::problems::wrong;
use axum::{
    body::Body,
    extract::FromRequest,
    http::{Request, Uri},
};
use configuration::Given;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use std::ops::Deref;
use web::{
    body,
    problem::{Code, Problem},
};

/// What a form sent, read into the fields it has. A field that it does not have, or has once and was sent twice, is refused by
/// name.
pub(crate) struct Form<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;
    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Problem> {
        read(&body::read(request).await?)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<Form<T>, Problem> {
    fields(body)
        .map(Form)
        .map_err(|problem| Problem::invalid(vec![problem]))
}

/// The same, of a form with these fields that is sent as a page's address. What else stands in it was added by others, and is
/// passed over.
pub(crate) fn asked<T: DeserializeOwned>(uri: &Uri, known: &[&str]) -> Result<T, Problem> {
    let query = uri.query().unwrap_or_default().split('&');
    let ours: Vec<_> = query
        .filter(|pair| known.contains(&pair.split('=').next().unwrap_or_default()))
        .collect();
    fields(ours.join("&").as_bytes()).map_err(|configuration::Problem { path, message }| {
        let told = format!("{}: {message}", path.join("."));
        Problem::new(Code::MalformedQuery, told)
    })
}

fn fields<T: DeserializeOwned>(sent: &[u8]) -> Result<T, configuration::Problem> {
    let sent = serde_html_form::Deserializer::from_bytes(sent);
    serde_path_to_error::deserialize(sent)
        .map_err(|error| wrong(&error.path().to_string(), error.inner().to_string()))
}

/// One line, without the white space around it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Trimmed(String);

impl<'de> Deserialize<'de> for Trimmed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let typed = String::deserialize(from)?;
        Ok(Self(typed.trim().to_owned()))
    }
}

impl Deref for Trimmed {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Trimmed> for String {
    fn from(line: Trimmed) -> Self {
        line.0
    }
}

/// Whether a box was ticked: browsers send the others not at all.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticked(pub(crate) bool);

impl<'de> Deserialize<'de> for Ticked {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Trimmed::deserialize(from).map(|word| Self(!word.is_empty()))
    }
}

/// What a field says: one that was not sent is kept, one that was emptied has its default.
pub(crate) fn given(field: Option<Trimmed>) -> Given<String> {
    match field {
        None => Given::Keep,
        Some(text) if text.is_empty() => Given::Default,
        Some(text) => Given::Set(text.into()),
    }
}

/// The same of a field that is more than text; what is wrong with it is added to the problems.
pub(crate) fn parsed<T>(
    name: &str,
    field: Option<Trimmed>,
    read: impl Fn(&str) -> Result<T, String>,
    problems: &mut Vec<configuration::Problem>,
) -> Given<T> {
    match given(field) {
        Given::Keep => Given::Keep,
        Given::Default => Given::Default,
        Given::Set(text) => match read(&text) {
            Ok(value) => Given::Set(value),
            Err(message) => {
                problems.push(wrong(name, message));
                Given::Keep
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Sample {
        name: Option<Trimmed>,
        password: String,
        sure: Ticked,
        kinds: Vec<String>,
    }

    fn sample(body: &str) -> Result<Sample, String> {
        let read = read::<Sample>(body.as_bytes());
        read.map(|Form(sample)| sample)
            .map_err(|problem| problem.detail().to_owned())
    }

    #[test]
    fn fields_are_read_as_browsers_send_them() {
        let all = sample("name=+Ann+&password=+a+&sure=on&kinds=a&kinds=b").unwrap();
        let wanted = Sample {
            name: Some(Trimmed("Ann".into())),
            password: " a ".into(),
            sure: Ticked(true),
            kinds: vec!["a".into(), "b".into()],
        };
        assert_eq!(all, wanted);
        assert_eq!(sample("").unwrap(), Sample::default());
        let one = sample("kinds=a&sure=").unwrap();
        assert_eq!((one.kinds.len(), one.sure), (1, Ticked(false)));
    }

    #[test]
    fn a_field_that_a_form_does_not_have_is_refused_by_name() {
        for (body, field) in [
            ("nmae=Ann", "nmae: "),
            ("password=a&password=b", "password: "),
        ] {
            let problem = sample(body).unwrap_err();
            assert!(problem.starts_with(field), "{body}: {problem}");
        }
    }

    #[test]
    fn a_field_is_kept_set_or_at_its_default() {
        let name = |body: &str| given(sample(body).unwrap().name);
        assert_eq!(name("name=+Ann+"), Given::Set("Ann".into()));
        assert_eq!(name("name="), Given::Default);
        assert_eq!(name(""), Given::Keep);
    }
}
