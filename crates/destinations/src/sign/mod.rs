//! Signatures over a whole request, made at the moment of sending: the secret itself stays here.

pub(crate) mod aws4;
mod parts;
pub(crate) mod shared_key;
