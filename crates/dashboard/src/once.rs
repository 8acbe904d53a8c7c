//! What is shown once. It is durable when it is shown, and nobody can be shown it later: where the page around it cannot be made, it stands alone.

use crate::respond::html;
use askama::Template;
use axum::response::Response;
use web::problem::Problem;

/// A secret that was just made.
#[derive(Template)]
#[template(path = "once.html")]
pub(crate) struct Once {
    pub(crate) title: String,
    pub(crate) hint: &'static str,
    pub(crate) secret: String,
    /// The page it would have stood on.
    pub(crate) back: String,
}

impl Once {
    /// The page that shows it; without that page, itself.
    pub(crate) async fn shown_on(
        self,
        page: impl Future<Output = Result<Response, Problem>>,
    ) -> Response {
        page.await.unwrap_or_else(|problem| {
            tracing::warn!(?problem, "a page with a secret that was just made could not be shown; the secret is shown alone");
            html(&self)
        })
    }
}
