//! Certificates of the name `localhost` by an authority that nobody else knows, in files.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A directory of one's own, gone with this value.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{name}-{}-{number}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// An authority, and what it certifies.
pub(crate) struct Certified {
    /// The authority, in PEM.
    pub(crate) authority: String,
    pub(crate) directory: Directory,
}

impl Certified {
    pub(crate) fn new(name: &str) -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(DnType::CommonName, name);
        let root = ca.self_signed(&ca_key).unwrap();
        let authority = pem("CERTIFICATE", root.der());
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &issuer).unwrap();
        let directory = Directory::new(name);
        fs::write(directory.file("server.pem"), pem("CERTIFICATE", leaf.der())).unwrap();
        let key = pem("PRIVATE KEY", &key.serialize_der());
        fs::write(directory.file("server.key"), key).unwrap();
        fs::write(directory.file("ca.pem"), &authority).unwrap();
        Self {
            authority,
            directory,
        }
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.directory.file("server.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.directory.file("server.key")
    }
}

/// Source: RFC 7468, section 2.
fn pem(label: &str, bytes: &[u8]) -> String {
    use base64::prelude::*;
    let text = BASE64_STANDARD.encode(bytes);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
