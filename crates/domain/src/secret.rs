//! A value that must not be shown: its `Debug` prints a mask and it has no `Display`.

use std::fmt;

/// A secret text. Reading it is explicit ([`Secret::expose`]); logging it shows `Secret(***)`.
#[derive(Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The secret itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn debug_shows_no_part_of_the_secret() {
        assert_eq!(format!("{:?}", super::Secret::new("xoxb-1")), "Secret(***)");
    }
}
