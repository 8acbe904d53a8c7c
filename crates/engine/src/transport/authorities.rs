//! Certificate authorities that are trusted: those of the system, and what an installation or an integration adds to them.

use reqwest::Client;
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;
use std::sync::Arc;

/// What is added to those of the system.
#[derive(Debug, Clone, Default)]
pub struct Authorities(Vec<CertificateDer<'static>>);

/// Why certificates cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// There is none.
    #[error(
        "there are no certificates in PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"
    )]
    Missing,
    /// It is not what PEM says it is.
    #[error("the certificates cannot be read: {0}")]
    Unreadable(String),
    /// It certifies nothing, or there is nothing of the system to add it to.
    #[error("the certificate authorities cannot be used: {0}")]
    Unusable(String),
}

fn unusable(error: rustls::Error) -> AuthorityError {
    AuthorityError::Unusable(error.to_string())
}

impl Authorities {
    /// Reads certificates in PEM, one after the other.
    ///
    /// # Errors
    ///
    /// When there is none, or one of them cannot be used.
    pub fn read(pem: &str) -> Result<Self, AuthorityError> {
        let certificates = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| AuthorityError::Unreadable(error.to_string()))?;
        if certificates.is_empty() {
            return Err(AuthorityError::Missing);
        }
        let read = Self(certificates);
        read.tls()?;
        Ok(read)
    }

    /// These and others.
    pub(super) fn and(&self, others: Self) -> Self {
        let mut all = self.clone();
        all.0.extend(others.0);
        all
    }

    /// How connections are encrypted that are certified by one of them, or of the system's; `None` where there are none to add.
    pub(super) fn added(&self) -> Result<Option<ClientConfig>, AuthorityError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.tls().map(Some)
    }

    /// What says whether a certificate is by one of them, or of the system's.
    pub(super) fn verifier(&self) -> Result<Arc<Verifier>, AuthorityError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Verifier::new_with_extra_roots(self.0.clone(), provider);
        verifier.map(Arc::new).map_err(unusable)
    }

    /// How connections are encrypted that are certified by one of them, or of the system's.
    pub(super) fn tls(&self) -> Result<ClientConfig, AuthorityError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = self.verifier()?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(config)
    }

    /// A client that trusts them.
    pub(super) fn client(&self, builder: reqwest::ClientBuilder) -> Result<Client, ClientError> {
        let builder = match self.added()? {
            Some(tls) => builder.tls_backend_preconfigured(tls),
            None => builder,
        };
        Ok(builder.build()?)
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// For its certificate authorities.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// For anything else.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}
