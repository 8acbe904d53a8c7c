//! Whether Apple has revoked a certificate, asked of its OCSP responder. Source: RFC 6960 and the App
//! Store Server Library.
//!
//! Pure: this makes requests and judges answers; the engine sends them. An answer that cannot be had is no verdict: the store
//! is asked to send its message again.

use super::{
    ber::{Malformed, Reader},
    certificate::{Chain, signed_by},
};
use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use x509_parser::{
    certificate::X509Certificate,
    der_parser::{Oid, oid},
    extensions::{GeneralName, ParsedExtension},
    prelude::FromDer,
};

const SHA256_OID: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const OCSP_ACCESS: Oid<'static> = oid!(1.3.6.1.5.5.7.48.1);
/// How far our clock and the responder's may differ, in seconds.
const SKEW: i64 = 300;

/// One question to a responder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Where to ask, by `POST` of `application/ocsp-request`.
    pub url: String,
    /// What to ask, DER.
    pub request: Vec<u8>,
    certificate_id: Vec<u8>,
    issuer: Vec<u8>,
}

/// Why an answer does not vouch for a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The certificate was revoked. Final.
    #[error("the signing certificate was revoked")]
    Revoked,
    /// The answer is no verdict. Ask again later.
    #[error("the revocation answer cannot be used: {0}")]
    Unusable(&'static str),
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=127), _) => out.push(short),
        (Ok(byte), _) => out.extend([0x81, byte]),
        (_, Ok(long)) => out.extend([&[0x82][..], &long.to_be_bytes()].concat()),
        _ => out.extend(
            [
                &[0x84][..],
                &u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes(),
            ]
            .concat(),
        ),
    }
    out.extend_from_slice(content);
    out
}

impl From<Malformed> for Doubt {
    fn from(_: Malformed) -> Self {
        Self::Unusable("it is not well formed")
    }
}

impl Chain {
    /// The questions to ask before the chain is believed: about the leaf and about the intermediate. A certificate that
    /// names no responder cannot be asked about.
    pub fn revocation_checks(&self) -> Vec<Check> {
        self.certificates
            .windows(2)
            .filter_map(|pair| check(&pair[0], &pair[1]))
            .collect()
    }
}

fn check(subject: &[u8], issuer: &[u8]) -> Option<Check> {
    let (_, certificate) = X509Certificate::from_der(subject).ok()?;
    let (_, parent) = X509Certificate::from_der(issuer).ok()?;
    let url = certificate.extensions().iter().find_map(|extension| {
        match extension.parsed_extension() {
            ParsedExtension::AuthorityInfoAccess(access) => {
                access.accessdescs.iter().find_map(|description| {
                    match &description.access_location {
                        GeneralName::URI(url) if description.access_method == OCSP_ACCESS => {
                            Some((*url).to_owned())
                        }
                        _ => None,
                    }
                })
            }
            _ => None,
        }
    })?;
    let algorithm = der(0x30, &[der(0x06, SHA256_OID), der(0x05, &[])].concat());
    let name = digest(&SHA256, parent.subject().as_raw());
    let key = digest(&SHA256, &parent.public_key().subject_public_key.data);
    let id = [
        algorithm,
        der(0x04, name.as_ref()),
        der(0x04, key.as_ref()),
        der(0x02, certificate.raw_serial()),
    ]
    .concat();
    let certificate_id = der(0x30, &id);
    let request = der(0x30, &der(0x30, &der(0x30, &der(0x30, &certificate_id))));
    Some(Check {
        url,
        request,
        certificate_id,
        issuer: issuer.to_vec(),
    })
}

impl Check {
    /// Judges an answer: signed by the issuer or its delegate, about this certificate, in force at `now`, and good.
    pub fn judge(&self, answer: &[u8], now: Timestamp) -> Result<(), Doubt> {
        let mut response = Reader(Reader(answer).expect(0x30)?.content);
        if response.expect(0x0a)?.content != [0] {
            return Err(Doubt::Unusable("the responder declined"));
        }
        let wrapped = response.expect(0xa0)?;
        let mut bytes = Reader(Reader(wrapped.content).expect(0x30)?.content);
        bytes.expect(0x06)?;
        let mut basic = Reader(Reader(bytes.expect(0x04)?.content).expect(0x30)?.content);
        let data = basic.expect(0x30)?;
        let algorithm = Reader(basic.expect(0x30)?.content).expect(0x06)?;
        let signature = basic.expect(0x03)?.content.get(1..).unwrap_or_default();
        let certificates = basic.optional(0xa0).map(|wrapped| wrapped.content);
        self.check_signer(data.whole, algorithm.content, signature, certificates, now)?;

        let mut fields = Reader(data.content);
        fields.optional(0xa0);
        fields
            .next()
            .ok_or(Doubt::Unusable("it names no responder"))?;
        fields.expect(0x18)?;
        let mut answers = Reader(fields.expect(0x30)?.content);
        while let Some(single) = answers.next() {
            let mut single = Reader(single.content);
            if single.expect(0x30)?.whole != self.certificate_id {
                continue;
            }
            let status = single
                .next()
                .ok_or(Doubt::Unusable("it gives no status"))?
                .tag;
            let this_update = time(single.expect(0x18)?.content)?;
            let next_update = single
                .optional(0xa0)
                .map(|wrapped| {
                    let end = Reader(wrapped.content).expect(0x18)?;
                    time(end.content)
                })
                .transpose()?;
            let second = now.as_second();
            if this_update > second + SKEW || next_update.is_some_and(|end| end < second - SKEW) {
                return Err(Doubt::Unusable("it is not in force now"));
            }
            return match status {
                0x80 => Ok(()),
                0xa1 => Err(Doubt::Revoked),
                _ => Err(Doubt::Unusable(
                    "the responder does not know the certificate",
                )),
            };
        }
        Err(Doubt::Unusable("it is about other certificates"))
    }

    /// The issuer itself, or a certificate it issued for signing such answers.
    fn check_signer(
        &self,
        data: &[u8],
        algorithm: &[u8],
        signature: &[u8],
        certificates: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<(), Doubt> {
        let unsigned = Doubt::Unusable("it is not signed by the issuer or its delegate");
        let algorithm = Oid::new(algorithm.into());
        let (_, issuer) = X509Certificate::from_der(&self.issuer).map_err(|_| unsigned.clone())?;
        let issuer_key = &issuer.public_key().subject_public_key.data;
        if signed_by(issuer_key, &algorithm, data, signature) {
            return Ok(());
        }
        let mut delegates = Reader(
            certificates
                .and_then(|wrapped| Reader(wrapped).next())
                .map(|sequence| sequence.content)
                .unwrap_or_default(),
        );
        while let Some(delegate) = delegates.next() {
            let Ok((_, delegate)) = X509Certificate::from_der(delegate.whole) else {
                continue;
            };
            let may_sign = delegate
                .extended_key_usage()
                .ok()
                .flatten()
                .is_some_and(|usage| usage.value.ocsp_signing);
            let in_force = (delegate.validity().not_before.timestamp()
                ..=delegate.validity().not_after.timestamp())
                .contains(&now.as_second());
            let issued = signed_by(
                issuer_key,
                &delegate.signature_algorithm.algorithm,
                delegate.tbs_certificate.as_ref(),
                &delegate.signature_value.data,
            );
            if may_sign
                && in_force
                && issued
                && signed_by(
                    &delegate.public_key().subject_public_key.data,
                    &algorithm,
                    data,
                    signature,
                )
            {
                return Ok(());
            }
        }
        Err(unsigned)
    }
}

/// `YYYYMMDDHHMMSSZ` as seconds.
fn time(text: &[u8]) -> Result<i64, Doubt> {
    let unusable = || Doubt::Unusable("a time in it cannot be read");
    let text = std::str::from_utf8(text).map_err(|_| unusable())?;
    let civil = jiff::civil::DateTime::strptime("%Y%m%d%H%M%SZ", text).map_err(|_| unusable())?;
    civil
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map(|zoned| zoned.timestamp().as_second())
        .map_err(|_| unusable())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{path::PathBuf, process::Command};

    /// A certificate authority made with the `openssl` command, which also plays the responder.
    struct Responder(PathBuf);

    impl Responder {
        fn new(name: &str) -> Self {
            let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("../../target/ocsp")
                .join(format!("{name}-{}", std::process::id()));
            assert!(!directory.exists() || std::fs::remove_dir_all(&directory).is_ok());
            std::fs::create_dir_all(&directory).unwrap();
            let responder = Self(directory);
            responder.run("openssl ecparam -name prime256v1 -genkey -noout -out ca.key");
            responder.run(
                "openssl req -x509 -new -key ca.key -sha256 -subj /CN=Test -days 3650 -out ca.pem",
            );
            responder.run("openssl ecparam -name prime256v1 -genkey -noout -out leaf.key");
            responder.run("openssl req -new -key leaf.key -subj /CN=Leaf -out leaf.csr");
            std::fs::write(
                responder.0.join("leaf.ext"),
                "authorityInfoAccess = OCSP;URI:http://ocsp.example/",
            )
            .unwrap();
            responder.run("openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 4660 -days 3650 -sha256 -extfile leaf.ext -out leaf.pem");
            responder.run("openssl x509 -in ca.pem -outform DER -out ca.der");
            responder.run("openssl x509 -in leaf.pem -outform DER -out leaf.der");
            responder
        }

        fn run(&self, command: &str) {
            let mut words = command.split(' ');
            let output = Command::new(words.next().unwrap())
                .args(words)
                .current_dir(&self.0)
                .output()
                .expect("the revocation tests need the openssl command");
            assert!(
                output.status.success(),
                "{command}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }

        fn check(&self) -> Check {
            check(
                &std::fs::read(self.0.join("leaf.der")).unwrap(),
                &std::fs::read(self.0.join("ca.der")).unwrap(),
            )
            .unwrap()
        }

        /// The answer while the index lists the certificate with this status.
        fn answer(&self, status: &str) -> Vec<u8> {
            std::fs::write(
                self.0.join("index.txt"),
                format!("{status}\t1234\tunknown\t/CN=Leaf\n"),
            )
            .unwrap();
            std::fs::write(self.0.join("request.der"), self.check().request).unwrap();
            self.run("openssl ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -reqin request.der -respout response.der -ndays 3000");
            std::fs::read(self.0.join("response.der")).unwrap()
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the openssl command answers as of now"
    )]
    fn now() -> Timestamp {
        Timestamp::now()
    }

    #[test]
    fn answers_of_a_real_responder_are_judged() {
        let responder = Responder::new("judged");
        let check = responder.check();
        assert_eq!(check.url, "http://ocsp.example/");
        let good = responder.answer("V\t400101000000Z\t");
        assert_eq!(check.judge(&good, now()), Ok(()));
        let revoked = responder.answer("R\t400101000000Z\t200101000000Z");
        assert_eq!(check.judge(&revoked, now()), Err(Doubt::Revoked));
        let year = jiff::SignedDuration::from_hours(24 * 366);
        assert_eq!(
            check.judge(&good, now() - year),
            Err(Doubt::Unusable("it is not in force now"))
        );
        assert_eq!(
            check.judge(&good, now() + year * 10),
            Err(Doubt::Unusable("it is not in force now"))
        );
    }

    #[test]
    fn answers_of_others_and_damaged_ones_are_no_verdict() {
        let (responder, other) = (Responder::new("own"), Responder::new("other"));
        let check = responder.check();
        assert!(matches!(
            check.judge(&other.answer("V\t400101000000Z\t"), now()),
            Err(Doubt::Unusable(_))
        ));
        let good = responder.answer("V\t400101000000Z\t");
        for at in 0..good.len() {
            let mut damaged = good.clone();
            damaged[at] ^= 1;
            // Bits outside what is signed may change without changing the verdict; none may turn it.
            assert!(
                check.judge(&damaged, now()) != Err(Doubt::Revoked),
                "byte {at}"
            );
            assert!(
                matches!(check.judge(&good[..at], now()), Err(Doubt::Unusable(_))),
                "cut at {at}"
            );
        }
    }
}
