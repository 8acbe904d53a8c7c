//! Where a customer's page is.

use crate::text::encode;

/// The page of a customer, by the key of the project and any name.
pub(crate) fn path_of(project: &str, who: &str) -> String {
    format!("/projects/{project}/customers/{}", encode(who))
}
