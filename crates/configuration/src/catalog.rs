//! Entitlements and products as they should be.

use crate::{
    desired::{Desired, DesiredEntitlement, DesiredProduct},
    planner::Planner,
};
use domain::time::Term;
use ledger::{ConfigurationChange, Entitlement, Product};

impl Planner<'_> {
    pub(crate) fn entitlement(&mut self, key: &str, desired: &DesiredEntitlement) {
        self.check_key(&["entitlements", key], key);
        let (means, project) = (self.means, self.project);
        let known = means
            .current
            .entitlements
            .iter()
            .find(|known| known.project == project && known.key == key);
        let wanted = Entitlement {
            project,
            key: key.into(),
            name: desired
                .name
                .over(known.map(|known| &known.name))
                .unwrap_or_else(|| key.into()),
        };
        self.step(
            format!("entitlement {key}"),
            known,
            wanted,
            ConfigurationChange::PutEntitlement,
        );
    }

    pub(crate) fn product(&mut self, id: &str, desired: &DesiredProduct, all: &Desired) {
        if id.is_empty() || id.len() > 255 || id.chars().any(char::is_control) {
            self.problem(
                &["products", id],
                "a product id has 1 to 255 characters, none of them a control character",
            );
        }
        let (means, project) = (self.means, self.project);
        let known = means
            .current
            .products
            .iter()
            .find(|known| known.project == project && known.id == id);
        let entitlements = desired
            .entitlements
            .over(known.map(|known| &known.entitlements))
            .unwrap_or_default();
        let exists = |key: &String| {
            all.entitlements.contains_key(key)
                || means
                    .current
                    .entitlements
                    .iter()
                    .any(|known| known.project == project && known.key == *key)
        };
        for missing in entitlements.iter().filter(|key| !exists(key)) {
            self.problem(
                &["products", id, "entitlements"],
                format!("there is no entitlement {missing:?}; add [entitlements.{missing}]"),
            );
        }
        let kept = known.and_then(|known| known.duration.clone());
        let duration = desired.duration.over(kept.map(String::from).as_ref());
        let duration = match duration.map(Term::try_from).transpose() {
            Ok(duration) => duration,
            Err(problem) => {
                self.problem(&["products", id, "duration"], problem);
                None
            }
        };
        let wanted = Product {
            project,
            id: id.into(),
            name: desired
                .name
                .over(known.map(|known| &known.name))
                .unwrap_or_else(|| id.into()),
            entitlements,
            duration,
        };
        self.step(
            format!("product {id}"),
            known,
            wanted,
            ConfigurationChange::PutProduct,
        );
    }
}
