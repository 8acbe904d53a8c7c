//! What a document says of one field: keep it, set it, or give it its default.
//!
//! The same everywhere: in a body of the API, in a project file, and in what a form sends.
//!
//! | the field is | of a thing that is there | of a new thing |
//! |---|---|---|
//! | absent | stays as it is | has its default |
//! | `null`; in a project file, which has no `null`, `{ default = true }` | has its default | has its default |
//! | a value | has that value | has that value |

use serde::{
    Deserialize, Deserializer,
    de::{
        Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt, marker::PhantomData};

/// What a document says of one field.
///
/// Reading makes `Set` of a value and `Default` of `null`; for `Keep` the field has to be `#[serde(default)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Given<T> {
    /// Nothing: as it is, or the default where nothing is stored.
    #[default]
    Keep,
    /// This.
    Set(T),
    /// The default, whatever is stored.
    Default,
}

/// What a document says of each setting, by name.
pub type Settings = BTreeMap<String, Given<Value>>;

impl<T: Clone> Given<T> {
    /// The value where `known` is stored; `None` is the default.
    pub fn over(&self, known: Option<&T>) -> Option<T> {
        match self {
            Self::Keep => known.cloned(),
            Self::Set(value) => Some(value.clone()),
            Self::Default => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader(PhantomData))
    }
}

/// Hands whatever comes on to the type of the field, but for what means the default.
struct Reader<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
    type Value = Given<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or null for the default")
    }

    fn visit_unit<E: Error>(self) -> Result<Given<T>, E> {
        Ok(Given::Default)
    }

    fn visit_none<E: Error>(self) -> Result<Given<T>, E> {
        Ok(Given::Default)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Given<T>, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Given<T>, E> {
        T::deserialize(value.into_deserializer()).map(Given::Set)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Given<T>, E> {
        T::deserialize(value.into_deserializer()).map(Given::Set)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Given<T>, E> {
        T::deserialize(value.into_deserializer()).map(Given::Set)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Given<T>, E> {
        T::deserialize(value.into_deserializer()).map(Given::Set)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Given<T>, E> {
        T::deserialize(value.into_deserializer()).map(Given::Set)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, entries: A) -> Result<Given<T>, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(entries)).map(Given::Set)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Given<T>, A::Error> {
        let object = Map::deserialize(MapAccessDeserializer::new(members))?;
        if object.len() == 1 && object.get("default") == Some(&Value::Bool(true)) {
            return Ok(Given::Default);
        }
        let object = T::deserialize(Value::Object(object)).map_err(Error::custom)?;
        Ok(Given::Set(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Some,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        #[serde(default)]
        word: Given<Word>,
        #[serde(default)]
        text: Given<String>,
        #[serde(default)]
        number: Given<u32>,
        #[serde(default)]
        switch: Given<bool>,
        #[serde(default)]
        list: Given<Vec<String>>,
        #[serde(default)]
        any: Given<Value>,
    }

    fn read(document: Value) -> Document {
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn absent_null_and_a_value_are_three_things() {
        let nothing = read(json!({}));
        assert!(matches!(
            nothing,
            Document {
                word: Given::Keep,
                text: Given::Keep,
                number: Given::Keep,
                switch: Given::Keep,
                list: Given::Keep,
                any: Given::Keep,
            }
        ));
        for default in [json!(null), json!({ "default": true })] {
            let document = read(json!({
                "word": default, "text": default, "number": default, "switch": default, "list": default, "any": default,
            }));
            assert!(matches!(
                document,
                Document {
                    word: Given::Default,
                    text: Given::Default,
                    number: Given::Default,
                    switch: Given::Default,
                    list: Given::Default,
                    any: Given::Default,
                }
            ));
        }
        let any = json!({ "policy": "custom", "delays": [1] });
        assert_eq!(
            read(
                json!({ "word": "some", "text": "", "number": 0, "switch": false, "list": [], "any": any })
            ),
            Document {
                word: Given::Set(Word::Some),
                text: Given::Set(String::new()),
                number: Given::Set(0),
                switch: Given::Set(false),
                list: Given::Set(Vec::new()),
                any: Given::Set(any),
            }
        );
    }

    #[test]
    fn what_does_not_fit_says_so() {
        for (document, mentions) in [
            (json!({ "word": "other" }), "unknown variant `other`"),
            (json!({ "number": "1" }), "expected u32"),
            (json!({ "text": { "default": false } }), "expected a string"),
            (json!({ "list": [1] }), "expected a string"),
        ] {
            let error = serde_json::from_value::<Document>(document).unwrap_err();
            assert!(error.to_string().contains(mentions), "{error}");
        }
    }

    #[test]
    fn a_field_is_kept_set_or_gone() {
        let known = Some(&1);
        assert_eq!(Given::Keep.over(known), Some(1));
        assert_eq!(Given::Set(2).over(known), Some(2));
        assert_eq!(Given::Default.over(known), None);
        assert_eq!(Given::<u8>::Keep.over(None), None);
    }
}
