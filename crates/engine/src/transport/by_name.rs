//! Encrypted connections to an address, whose certificate is of the name that was looked up.
//!
//! Whoever connects by name looks it up once more, and may be led elsewhere than to the address that was checked. So connections go to
//! the address; what the certificate is of is said here.

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

/// Of which names a certificate may be, by the address that answers with it.
pub(super) type Names = BTreeMap<IpAddr, Vec<String>>;

/// Verifies certificates against the names that were looked up, with the authorities that are trusted.
#[derive(Debug)]
struct ByName {
    names: Names,
    verifier: Arc<dyn ServerCertVerifier>,
}

/// What connections to these addresses are encrypted with.
pub(super) fn encryption(
    names: Names,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let by_name = ByName { names, verifier };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(by_name))
        .with_no_client_auth())
}

impl ServerCertVerifier for ByName {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        connected: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let unknown = || Error::InvalidCertificate(CertificateError::NotValidForName);
        let ServerName::IpAddress(address) = connected else {
            return Err(unknown());
        };
        let names = self
            .names
            .get(&IpAddr::from(*address))
            .ok_or_else(unknown)?;
        let mut verdict = Err(unknown());
        for name in names {
            let name = ServerName::try_from(name.as_str())
                .map_err(|error| Error::General(format!("{name:?}: {error}")))?;
            verdict = self
                .verifier
                .verify_server_cert(leaf, intermediates, &name, ocsp, now);
            if verdict.is_ok() {
                break;
            }
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Says yes to one name, and notes which it is asked about.
    #[derive(Debug)]
    struct Only(&'static str, Mutex<Vec<String>>);

    impl ServerCertVerifier for Only {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            name: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            self.1.lock().unwrap().push(name.to_str().into_owned());
            if name.to_str() == self.0 {
                Ok(ServerCertVerified::assertion())
            } else {
                Err(Error::InvalidCertificate(CertificateError::NotValidForName))
            }
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            Vec::new()
        }
    }

    #[test]
    fn a_certificate_is_of_a_name_that_led_to_the_address() {
        let only = Arc::new(Only("nats.example", Mutex::default()));
        let names = ["other.example", "nats.example"].map(str::to_owned);
        let (here, elsewhere) = ("192.0.2.1", "192.0.2.2");
        let by_name = ByName {
            names: BTreeMap::from([(here.parse().unwrap(), names.to_vec())]),
            verifier: Arc::clone(&only) as Arc<dyn ServerCertVerifier>,
        };
        let is_good = |connected: &str| {
            let connected = ServerName::try_from(connected.to_owned()).unwrap();
            let leaf = CertificateDer::from(vec![0]);
            let now = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
            by_name
                .verify_server_cert(&leaf, &[], &connected, &[], now)
                .is_ok()
        };
        assert!(is_good(here));
        assert_eq!(*only.1.lock().unwrap(), names);
        assert!(!is_good(elsewhere), "nothing led there");
        assert!(!is_good("nats.example"), "nobody connects by name");
    }
}
