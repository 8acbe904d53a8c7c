//! The things that a project has by name: each is put and removed in the same steps.

use super::{Configured, configure_unless, decide_in};
use crate::{App, problem::Problem, project::InProject};
use configuration::{
    Desired, DesiredApp, DesiredEntitlement, DesiredIntegration, DesiredOffering, DesiredProduct,
};
use engine::Setup;
use ledger::ConfigurationChange;
use std::{collections::BTreeMap, sync::Arc};

/// How a named thing of a project should be.
pub trait Named: Sized {
    /// Where it stands in a document.
    fn stand(document: &mut Desired) -> &mut BTreeMap<String, Self>;
}

macro_rules! named {
    ($($thing:ty: $place:ident,)*) => {$(
        impl Named for $thing {
            fn stand(document: &mut Desired) -> &mut BTreeMap<String, Self> {
                &mut document.$place
            }
        }
    )*};
}

named! {
    DesiredApp: apps,
    DesiredEntitlement: entitlements,
    DesiredIntegration: integrations,
    DesiredOffering: offerings,
    DesiredProduct: products,
}

/// Plans and applies named things of one kind, and nothing else. Either the steps that were taken, or every problem.
pub async fn put<T: Named>(
    app: &App,
    project: &InProject,
    things: impl IntoIterator<Item = (String, T)>,
) -> Configured {
    put_unless(app, project, things, |_| Vec::new()).await
}

/// [`put`] where the project, as it is when that is planned, allows it. `refusals` says what is wrong.
pub async fn put_unless<T: Named>(
    app: &App,
    project: &InProject,
    things: impl IntoIterator<Item = (String, T)>,
    refusals: impl Fn(&InProject) -> Vec<configuration::Problem>,
) -> Configured {
    let mut document = project.desired();
    T::stand(&mut document).extend(things);
    let refusals = |setup: &Arc<Setup>| refusals(&project.with(setup));
    configure_unless(app, &project.caller, &document, refusals).await
}

/// A kind of named thing that can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What a product unlocks.
    Entitlement,
    /// A destination; its unsent deliveries fail.
    Integration,
    /// What is shown to be sold together.
    Offering,
    /// What is sold.
    Product,
}

/// Removes a named thing.
///
/// Errors: there is none of this name, or something needs it.
pub async fn remove(app: &App, project: &InProject, kind: Kind, name: &str) -> Result<(), Problem> {
    decide_in(app, project, |project| {
        Ok((vec![kind.removal(project, name)?], ()))
    })
    .await
}

impl Kind {
    fn removal(self, project: &InProject, name: &str) -> Result<ConfigurationChange, Problem> {
        let (id, rows) = (project.id, &project.setup.configuration);
        let mut products = rows.products.iter().filter(|row| row.project == id);
        let named = name.to_owned();
        match self {
            Self::Integration => {
                let known = project.integration(name)?;
                Ok(ConfigurationChange::RemoveIntegration(known.row.id))
            }
            Self::Offering => {
                let mut known = rows.offerings.iter();
                if !known.any(|row| row.project == id && row.key == name) {
                    return Err(Problem::not_found("offering", name));
                }
                let project = project.setup.project(id);
                let current = project.and_then(|known| known.row.current_offering.as_deref());
                if current == Some(name) {
                    return Err(Problem::invalid(vec![configuration::Problem {
                        path: vec!["offerings".to_owned(), named],
                        message:
                            "everybody is shown it; change the project's current_offering first"
                                .to_owned(),
                    }]));
                }
                Ok(ConfigurationChange::RemoveOffering(id, named))
            }
            Self::Product => {
                if !products.any(|row| row.id == name) {
                    return Err(Problem::not_found("product", name));
                }
                Ok(ConfigurationChange::RemoveProduct(id, named))
            }
            Self::Entitlement => {
                let mut known = rows.entitlements.iter();
                if !known.any(|row| row.project == id && row.key == name) {
                    return Err(Problem::not_found("entitlement", name));
                }
                if let Some(product) = products.find(|row| row.entitlements.contains(&named)) {
                    return Err(Problem::invalid(vec![configuration::Problem {
                        path: vec!["entitlements".to_owned(), named],
                        message: format!(
                            "product {} unlocks it; change the product first",
                            product.id
                        ),
                    }]));
                }
                Ok(ConfigurationChange::RemoveEntitlement(id, named))
            }
        }
    }
}
