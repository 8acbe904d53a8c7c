//! Every resource of the API, in process: one file each. Bodies are snapshots; read their diff as carefully as code.

mod deliveries;
mod products;

use web::test::TestServer;

/// The API alone.
async fn server() -> TestServer {
    TestServer::start(|app| api::router(&app)).await
}
