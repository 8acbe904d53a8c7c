//! The dashboard in process: what each section shows of a project that has lived for a day, and of one that is new; and forms
//! that are sent as a browser would.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod audit;
mod browser;
mod forms;
mod given;
mod pages;

use web::test::TestServer;

/// The pages alone, of a project that was just set up.
async fn fresh() -> TestServer {
    TestServer::start(|app| dashboard::router(&app)).await
}

/// The pages alone, of a project to which everything has happened.
async fn lived() -> TestServer {
    let server = fresh().await;
    server.live().await;
    server
}
