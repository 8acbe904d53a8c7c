//! What native SDKs make of an answer, restated from their own decoders: which members they cannot do without, of which type, and how dates are
//! written. Whatever they would refuse panics here.

pub(crate) mod android;
pub(crate) mod ios;
