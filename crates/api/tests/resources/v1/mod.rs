//! The shapes of client SDKs, a file for each of `v1`.

mod advisory;
mod attributes;
mod client;
mod customers;
mod decoders;
mod grants;
mod offerings;
mod offers;
mod receipts;
mod sdks;
mod sequence;
mod start;

use web::test::{TestServer, Transcript, Who};

fn client(server: &TestServer) -> Transcript<'_> {
    let mut told = server.transcript();
    told.go_on_as(server.by(Who::PublicKey));
    told
}
