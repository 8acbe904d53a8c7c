//! Headers: what travels beside a body, and what is kept of it.
//!
//! They are named here because requests, answers and the records of both carry the same ones, through crates that know nothing of each other.

use serde::{Deserialize, Serialize};

/// One header. Serialized as a pair: `["name", "value"]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, String)", into = "(String, String)")]
pub struct Header {
    /// Its name, as it was written.
    pub name: String,
    /// Its value, as it was written.
    pub value: String,
}

/// Headers in the order in which they came, or go; a name may come several times. Serialized as a list of pairs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(Vec<Header>);

impl Headers {
    /// Adds one after the others.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        self.0.push(Header { name, value });
    }

    /// The values of all with this name, written exactly so.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |header| header.name == name);
        named.map(|header| header.value.as_str())
    }

    /// The value of the first with this name, written exactly so.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Header> {
        self.0.iter()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(pairs: T) -> Self {
        let headers = pairs.into_iter().map(Header::from);
        Self(headers.collect())
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a Header;
    type IntoIter = std::slice::Iter<'a, Header>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<N: Into<String>, V: Into<String>> From<(N, V)> for Header {
    fn from((name, value): (N, V)) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

impl From<Header> for (String, String) {
    fn from(header: Header) -> Self {
        (header.name, header.value)
    }
}

#[cfg(test)]
mod tests {
    use super::Headers;

    #[test]
    fn they_are_stored_as_a_list_of_pairs() {
        let stored = r#"[["retry-after","7"],["retry-after","3"],["x-request-id","r1"]]"#;
        let headers: Headers = serde_json::from_str(stored).unwrap();
        assert_eq!(headers.all("retry-after").collect::<Vec<_>>(), ["7", "3"]);
        assert_eq!(headers.first("x-request-id"), Some("r1"));
        assert_eq!(headers.first("X-Request-Id"), None);
        assert_eq!(serde_json::to_string(&headers).unwrap(), stored);
    }
}
