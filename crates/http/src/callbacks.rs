//! What stores call.

use crate::{
    App, body,
    problem::{Code, Problem},
};
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, StatusCode},
};
use domain::AppId;

/// `POST /callbacks/apple/{app}`: an App Store Server Notification V2. Answers 200 once it is durable.
pub(crate) async fn apple(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<StatusCode, Problem> {
    let id: AppId = id.parse().map_err(|_| {
        Problem::new(
            Code::UnknownApp,
            format!("there is no app {id:?}; the URL ends with an id such as app_01h455vb4pex5vsknk084sn02q"),
        )
    })?;
    let bytes = body::read(request).await?;
    app.engine.accept(id, &bytes).await?;
    Ok(StatusCode::OK)
}
