//! Messages: everything that came in, and what became of each, in words.

mod list;
mod page;

use crate::state::Dashboard;
use web::route::Route;

/// The routes of this section.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    [list::routes(), page::routes()]
        .into_iter()
        .flatten()
        .collect()
}
