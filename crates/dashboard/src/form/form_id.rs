//! By what a form is known that a page showed: pressed twice, it is done once.

use super::Trimmed;
use domain::{ApiKeyId, EventId, ProjectId};
use engine::System;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, json};
use web::access::digest;

/// Digits of one, in hexadecimal, and how many of these are the milliseconds of when it was made. Source: RFC 9562, 5.7.
const DIGITS: usize = 32;
const OF_TIME: usize = 12;

/// That of a form; none where whoever sends it has it from no page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FormId(Option<String>);

impl FormId {
    /// One for a page that is shown now.
    pub(crate) fn fresh(system: &dyn System) -> String {
        system.uuid().simple().to_string()
    }

    /// By what a request is known that says this: what is changed in the form before it is pressed again makes another one.
    pub(crate) fn asked_as(&self, said: &Value) -> Option<String> {
        let form = self.0.as_ref()?;
        Some(digest(&json!([form, said]).to_string()))
    }

    /// The id of a test event that the form sends to something.
    pub(crate) fn event(&self, project: ProjectId, to: &str) -> Option<EventId> {
        let (form, at) = (self.0.as_ref()?, self.shown_at()?);
        let name = format!("test of {to}: {form}");
        Some(EventId::derived(project.uuid(), &name, at))
    }

    /// The id of the key that the form makes.
    pub(crate) fn key(&self, project: ProjectId) -> Option<ApiKeyId> {
        let (form, at) = (self.0.as_ref()?, self.shown_at()?);
        let name = format!("key: {form}");
        Some(ApiKeyId::derived(project.uuid(), &name, at))
    }

    fn shown_at(&self) -> Option<Timestamp> {
        let digits = self.0.as_ref()?.get(..OF_TIME)?;
        let millisecond = i64::from_str_radix(digits, 16).ok()?;
        Timestamp::from_millisecond(millisecond).ok()
    }
}

impl<'de> Deserialize<'de> for FormId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::from(Trimmed::deserialize(from)?);
        if text.is_empty() {
            return Ok(Self::default());
        }
        let form = Self(Some(text.to_ascii_lowercase()));
        let is_one = text.len() == DIGITS && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        if is_one && form.shown_at().is_some() {
            Ok(form)
        } else {
            Err(D::Error::custom("is of no page: load it again"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::WallSystem;

    fn read(text: &str) -> Result<FormId, serde_json::Error> {
        serde_json::from_value(json!(text))
    }

    #[test]
    fn a_form_is_known_by_its_page_and_by_what_it_says() {
        let [one, other] = [(); 2].map(|()| read(&FormId::fresh(&WallSystem)).unwrap());
        assert_ne!(one.asked_as(&json!(1)), other.asked_as(&json!(1)));
        assert_ne!(one.asked_as(&json!(1)), one.asked_as(&json!(2)));
        assert_eq!(one.asked_as(&json!(1)), one.asked_as(&json!(1)));
    }

    #[test]
    fn what_no_page_has_is_refused_and_none_is_none() {
        assert_eq!(read("").unwrap(), FormId::default());
        for wrong in [
            "1",
            "g19aeb3c40007000800000000000000f",
            "ffffffffffff7000800000000000000f",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
