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
        let known_name = known.map(|known| &known.name);
        let name = self.name(&["entitlements", key], &desired.name, known_name, key);
        let wanted = Entitlement {
            project,
            key: key.into(),
            name,
        };
        self.step(
            format!("entitlement {key}"),
            known,
            wanted,
            ConfigurationChange::PutEntitlement,
        );
    }

    pub(crate) fn product(&mut self, id: &str, desired: &DesiredProduct, all: &Desired) {
        if let Some(problem) = domain::name::problem(id) {
            self.problem(
                &["products", id],
                format!("as the id of a product {problem}"),
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
        let known_name = known.map(|known| &known.name);
        let name = self.name(&["products", id], &desired.name, known_name, id);
        let wanted = Product {
            project,
            id: id.into(),
            name,
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
