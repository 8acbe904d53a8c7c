//! One function for each parser of outside bytes. None may panic, whatever it is given; what that means is for tests beside the
//! parsers. Signatures keep a fuzzer out, so what lies behind one is signed here. What a store says of a purchase is taken in as
//! well: absorbed, derived and compared.

mod answer;
mod apple;
mod google;
mod life;
mod moment;
mod ocsp;
mod stripe;

use configuration::{Desired, Means, Vault};

/// Takes whatever it is given.
pub type Parser = fn(&[u8]);

/// Parsers by the name of their target.
pub const ALL: [(&str, Parser); 12] = [
    ("amqp", engine::parsers::amqp),
    ("answer", answer::answer),
    ("body", body),
    ("jws", apple::jws),
    ("kafka", engine::parsers::kafka),
    ("missed", answer::missed),
    ("ocsp", ocsp::ocsp),
    ("project", project),
    ("push", google::push),
    ("receipt", apple::receipt),
    ("smtp", engine::parsers::smtp),
    ("stripe", stripe::stripe),
];

/// A body that a client SDK sends under `/v1`.
fn body(bytes: &[u8]) {
    api::read_client_body(bytes);
}

/// A project file.
fn project(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(desired) = toml::from_str::<Desired>(text) else {
        return;
    };
    let means = Means {
        current: &ledger::Configuration::default(),
        vault: &Vault::with_key([1; 32]),
        public_url: "",
        fresh: &uuid::Uuid::nil,
    };
    drop(configuration::plan(&desired, &means));
}
