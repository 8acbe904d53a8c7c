//! JSON Web Tokens: signed for stores (ES256, RS256), and verified from Google's push (RS256).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, crypto, decode, decode_header, encode,
    errors::{Error, ErrorKind},
    jwk::{AlgorithmParameters, Jwk, JwkSet},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A private key that signs tokens.
pub(crate) struct SigningKey {
    algorithm: Algorithm,
    key: EncodingKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({:?})", self.algorithm)
    }
}

/// A PEM block of a private key in PKCS#8 form, made anew from its base64: keys are pasted without their first and last line,
/// with spaces around, or under another title.
fn pem(text: &str) -> String {
    let base64: String = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("-----"))
        .collect();
    format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n")
}

impl SigningKey {
    /// An EC P-256 key in PKCS#8 PEM, as App Store Connect hands out.
    pub(crate) fn elliptic(text: &str) -> Result<Self, String> {
        Self::proven(
            Algorithm::ES256,
            EncodingKey::from_ec_pem(pem(text).as_bytes()),
        )
        .map_err(|_| "expected an EC P-256 private key in PKCS#8 form (a .p8 file)".to_owned())
    }

    /// An RSA key in PKCS#8 PEM, as in a Google service account's key file.
    pub(crate) fn rsa(text: &str) -> Result<Self, String> {
        Self::proven(
            Algorithm::RS256,
            EncodingKey::from_rsa_pem(pem(text).as_bytes()),
        )
        .map_err(|_| "expected an RSA private key in PKCS#8 form".to_owned())
    }

    /// The key, if it signs: the library reads no more of one than it must before it is used.
    fn proven(algorithm: Algorithm, key: Result<EncodingKey, Error>) -> Result<Self, Error> {
        let key = key?;
        encode(&Header::new(algorithm), &json!({}), &key)?;
        Ok(Self { algorithm, key })
    }

    /// A signed token.
    pub(crate) fn sign(&self, key_id: &str, claims: &Value) -> Result<String, String> {
        let header = Header {
            kid: Some(key_id.to_owned()),
            ..Header::new(self.algorithm)
        };
        encode(&header, claims, &self.key)
            .map_err(|error| format!("the key could not sign: {error}"))
    }
}

impl SigningKey {
    /// A signature of bytes, as tokens have it: of an elliptic key its two numbers, 32 bytes each.
    pub(crate) fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let signed = crypto::sign(message, &self.key, self.algorithm);
        let signed = signed.map_err(|error| format!("the key could not sign: {error}"))?;
        let decoded = URL_SAFE_NO_PAD.decode(signed);
        decoded.map_err(|error| format!("the key signed no base64: {error}"))
    }
}

/// Why a token was not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenProblem {
    /// It is not an RS256 token.
    Malformed(String),
    /// No key of the set has its id.
    UnknownKey(String),
    /// The signature does not match.
    Forged,
}

/// The claims of an RS256 token signed by a key of the set. Times and names in it are the caller's to check: it knows what time
/// it is, and says which of them is wrong.
pub(crate) fn verify<T: DeserializeOwned>(token: &str, keys: &JwkSet) -> Result<T, TokenProblem> {
    let malformed = |error: Error| TokenProblem::Malformed(error.to_string());
    let header = decode_header(token).map_err(malformed)?;
    if header.alg != Algorithm::RS256 {
        return Err(TokenProblem::Malformed("its algorithm is not RS256".into()));
    }
    let id = header.kid.unwrap_or_default();
    let is_rsa = |key: &&Jwk| matches!(key.algorithm, AlgorithmParameters::RSA(_));
    let Some(key) = keys.find(&id).filter(is_rsa) else {
        return Err(TokenProblem::UnknownKey(id));
    };
    let mut only_signature = Validation::new(Algorithm::RS256);
    only_signature.required_spec_claims.clear();
    only_signature.validate_exp = false;
    only_signature.validate_aud = false;
    let key = DecodingKey::from_jwk(key).map_err(malformed)?;
    match decode(token, &key, &only_signature) {
        Ok(token) => Ok(token.claims),
        Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => {
            Err(TokenProblem::Forged)
        }
        Err(error) => Err(malformed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        encoding::AsDer,
        rsa::KeySize,
        signature::{
            ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING,
            ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256,
            RsaKeyPair, UnparsedPublicKey,
        },
    };
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde::Deserialize;

    /// A PEM block as tools write one, of lines of 64 characters.
    fn block(der: &[u8]) -> String {
        let base64 = STANDARD.encode(der);
        let lines: Vec<_> = base64
            .as_bytes()
            .chunks(64)
            .map(String::from_utf8_lossy)
            .collect();
        format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        )
    }

    fn elliptic() -> EcdsaKeyPair {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
    }

    /// What is signed, and the signature.
    fn parts(token: &str) -> (Value, Value, &str, Vec<u8>) {
        let (text, signature) = token.rsplit_once('.').unwrap();
        let (header, claims) = text.split_once('.').unwrap();
        let json =
            |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        (json(header), json(claims), text, signature)
    }

    #[test]
    fn apple_and_google_can_verify_what_is_signed() {
        let claims = json!({ "iss": "who", "iat": 1_800_000_000 });
        let key = elliptic();
        let pem = block(key.to_pkcs8v1().unwrap().as_ref());
        // As it is handed out, and as it is pasted.
        let inner: Vec<_> = pem.lines().filter(|line| !line.starts_with('-')).collect();
        for pem in [
            pem.clone(),
            pem.replace('\n', "\r\n"),
            inner.concat(),
            format!("  {}  ", inner.join("  \n  ")),
            pem.replace("PRIVATE KEY", "KEY OF OURS"),
        ] {
            let token = SigningKey::elliptic(&pem)
                .unwrap()
                .sign("K1", &claims)
                .unwrap();
            let (header, said, text, signature) = parts(&token);
            assert_eq!(header, json!({ "alg": "ES256", "kid": "K1", "typ": "JWT" }));
            assert_eq!(said, claims);
            let public =
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref());
            public.verify(text.as_bytes(), &signature).unwrap();
        }

        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let pem = block(
            AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key)
                .unwrap()
                .as_ref(),
        );
        let token = SigningKey::rsa(&pem).unwrap().sign("K2", &claims).unwrap();
        let (header, said, text, signature) = parts(&token);
        assert_eq!(header, json!({ "alg": "RS256", "kid": "K2", "typ": "JWT" }));
        assert_eq!(said, claims);
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
        public.verify(text.as_bytes(), &signature).unwrap();
    }

    #[test]
    fn other_keys_are_refused_when_they_are_given() {
        let other_curve = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let other_curve = block(other_curve.to_pkcs8v1().unwrap().as_ref());
        let elliptic = block(elliptic().to_pkcs8v1().unwrap().as_ref());
        for text in [
            "",
            "secret",
            "-----BEGIN PRIVATE KEY-----",
            "MIGTAgEA",
            &other_curve,
        ] {
            let refused = SigningKey::elliptic(text).unwrap_err();
            assert!(
                refused.contains("P-256") && !refused.contains("secret"),
                "{text}: {refused}"
            );
        }
        for text in ["", "MIGTAgEA", &other_curve, &elliptic] {
            assert!(SigningKey::rsa(text).unwrap_err().contains("RSA"), "{text}");
        }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Claims {
        exp: i64,
    }

    #[test]
    fn only_what_a_published_key_signed_is_believed() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).unwrap();
        let signing = SigningKey::rsa(&block(der.as_ref())).unwrap();
        let public = key.public_key();
        let [n, e] = [public.modulus(), public.exponent()]
            .map(|part| URL_SAFE_NO_PAD.encode(part.big_endian_without_leading_zero()));
        // As Google publishes them, among keys of kinds that nobody knows yet.
        let set = json!({ "keys": [
            { "kid": "K0", "kty": "OCTOPUS", "arms": 8 },
            { "kid": "K1", "kty": "RSA", "alg": "RS256", "use": "sig", "n": n, "e": e },
            { "kid": "K2", "kty": "EC", "crv": "P-256", "x": n, "y": n, "alg": "ES256" },
        ] });
        let set: JwkSet = serde_json::from_value(set).unwrap();
        // Long over: whether that matters is the caller's to say.
        let claims = json!({ "exp": 1, "aud": "somebody", "iss": "somebody" });
        let token = signing.sign("K1", &claims).unwrap();
        assert_eq!(verify::<Claims>(&token, &set), Ok(Claims { exp: 1 }));

        let unknown = |id: &str| Err(TokenProblem::UnknownKey(id.to_owned()));
        for id in ["K0", "K2", "K3", ""] {
            let token = signing.sign(id, &claims).unwrap();
            assert_eq!(verify::<Claims>(&token, &set), unknown(id));
        }
        let (text, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = text.split_once('.').unwrap();
        let other = URL_SAFE_NO_PAD.encode(r#"{"exp":9999999999}"#);
        let forged = format!("{header}.{other}.{signature}");
        assert_eq!(verify::<Claims>(&forged, &set), Err(TokenProblem::Forged));

        // A public key is no secret: it must not serve as one, and no signature is none.
        let shared = EncodingKey::from_secret(public.as_ref());
        let mut hmac = Header::new(Algorithm::HS256);
        hmac.kid = Some("K1".into());
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"K1"}"#);
        for token in [
            encode(&hmac, &claims, &shared).unwrap(),
            format!("{none}.{other}."),
            format!("{none}.{other}"),
            "a.b.c".to_owned(),
            String::new(),
            signing.sign("K1", &json!({ "exp": "soon" })).unwrap(),
        ] {
            let refused = verify::<Claims>(&token, &set).unwrap_err();
            assert!(
                matches!(refused, TokenProblem::Malformed(_)),
                "{token}: {refused:?}"
            );
        }
    }
}
