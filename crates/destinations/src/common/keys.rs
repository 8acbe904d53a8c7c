//! Keys of which test purchases may have another, or places that are as good as keys.

use crate::Unsendable;
use domain::{Environment, secret::Secret};

/// A secret for each environment, under the names of its settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys<'a> {
    production: (&'static str, &'a Secret),
    sandbox: (&'static str, &'a Secret),
}

impl<'a> Keys<'a> {
    pub(crate) const fn new(
        production: (&'static str, &'a Secret),
        sandbox: (&'static str, &'a Secret),
    ) -> Self {
        Self {
            production,
            sandbox,
        }
    }

    /// Whether test purchases have one of their own.
    pub(crate) fn has_sandbox(self) -> bool {
        !self.sandbox.1.is_empty()
    }

    /// That of an environment, which has none but its own.
    pub(crate) fn own(self, environment: Environment) -> Result<&'a Secret, Unsendable> {
        let (named, key) = match environment {
            Environment::Production => self.production,
            Environment::Sandbox => self.sandbox,
        };
        if key.is_empty() {
            return Err(Unsendable::lacks_setting(named));
        }
        Ok(key)
    }

    /// That of an environment, where test purchases go with the others unless they have one of their own.
    pub(crate) fn shared(self, environment: Environment) -> Result<&'a Secret, Unsendable> {
        self.own(self.endpoint(environment))
    }

    /// Which endpoint events of an environment go to.
    pub(crate) fn endpoint(self, environment: Environment) -> Environment {
        if self.has_sandbox() {
            environment
        } else {
            Environment::Production
        }
    }

    /// Those that something can go to.
    pub(crate) fn endpoints(self) -> Vec<Environment> {
        let mut all = Environment::ALL.to_vec();
        all.retain(|environment| self.own(*environment).is_ok());
        all
    }
}
