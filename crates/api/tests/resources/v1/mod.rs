//! The shapes of client SDKs, a file for each of `v1`.

mod attributes;
mod client;
mod customers;
mod grants;
mod offerings;
mod receipts;

use web::test::{TestServer, Transcript, Who};

fn client(server: &TestServer) -> Transcript<'_> {
    let mut told = server.transcript();
    told.go_on_as(server.by(Who::PublicKey));
    told
}
