//! Configuration as it should be: checked, compared with what is, and turned into changes.
//!
//! The management API and `tidings apply` both go through here, so both accept the same things and say the same about
//! what is wrong. Nothing is removed that is not named for removal.

use crate::{
    desired::Desired,
    planner::{Means, Planner, Problem, Step},
};
use domain::ProjectId;

/// Compares what should be with what is. Either a plan, in an order that can be applied, or every problem.
pub fn plan(desired: &Desired, means: &Means<'_>) -> Result<Vec<Step>, Vec<Problem>> {
    let known = means
        .current
        .projects
        .iter()
        .find(|project| project.key == desired.project.key);
    let project = known.map_or_else(|| ProjectId::new((means.fresh)()), |project| project.id);
    let mut planner = Planner::new(means, project);
    planner.project(desired, known);
    for (key, entitlement) in &desired.entitlements {
        planner.entitlement(key, entitlement);
    }
    for (id, product) in &desired.products {
        planner.product(id, product, desired);
    }
    for (key, app) in &desired.apps {
        planner.app(key, app);
    }
    for (key, offering) in &desired.offerings {
        planner.offering(key, offering);
    }
    for (key, integration) in &desired.integrations {
        planner.integration(key, integration);
    }
    planner.finish()
}
