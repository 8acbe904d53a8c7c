//! JSON Web Tokens: signed for stores (ES256, RS256), and verified from Google's push (RS256).

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_2048_8192_SHA256,
        RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// A private key that signs tokens.
pub(crate) enum SigningKey {
    /// ES256, Apple.
    Elliptic(EcdsaKeyPair),
    /// RS256, Google.
    Rsa(RsaKeyPair),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Elliptic(_) => "SigningKey(ES256)",
            Self::Rsa(_) => "SigningKey(RS256)",
        })
    }
}

/// The bytes in a PEM block, whatever kind it is.
fn pem(text: &str) -> Result<Vec<u8>, String> {
    let base64: String = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("-----"))
        .collect();
    STANDARD
        .decode(base64)
        .ok()
        .filter(|der| !der.is_empty())
        .ok_or_else(|| "expected a PEM block that begins with -----BEGIN PRIVATE KEY-----".into())
}

impl SigningKey {
    /// An EC P-256 key in PKCS#8 PEM, as App Store Connect hands out.
    pub(crate) fn elliptic(text: &str) -> Result<Self, String> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pem(text)?)
            .map(Self::Elliptic)
            .map_err(|_| "expected an EC P-256 private key in PKCS#8 form (a .p8 file)".into())
    }

    /// An RSA key in PKCS#8 PEM, as in a Google service account's key file.
    pub(crate) fn rsa(text: &str) -> Result<Self, String> {
        RsaKeyPair::from_pkcs8(&pem(text)?)
            .map(Self::Rsa)
            .map_err(|_| "expected an RSA private key in PKCS#8 form".into())
    }

    /// A signed token.
    pub(crate) fn sign(&self, key_id: &str, claims: &Value) -> Result<String, String> {
        let algorithm = match self {
            Self::Elliptic(_) => "ES256",
            Self::Rsa(_) => "RS256",
        };
        let header = json!({ "alg": algorithm, "kid": key_id, "typ": "JWT" });
        let text = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let failed = |_| "the key could not sign".to_owned();
        let random = SystemRandom::new();
        let signature = match self {
            Self::Elliptic(key) => key
                .sign(&random, text.as_bytes())
                .map_err(failed)?
                .as_ref()
                .to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
                    .map_err(failed)?;
                signature
            }
        };
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A set of public keys, as published.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct KeySet {
    keys: Vec<PublicKey>,
}

#[derive(Debug, Clone, Deserialize)]
struct PublicKey {
    #[serde(default)]
    kid: String,
    #[serde(default)]
    kty: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
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

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

/// The claims of an RS256 token signed by a key of the set. Times and names in it are the caller's to check.
pub(crate) fn verify<T: DeserializeOwned>(token: &str, keys: &KeySet) -> Result<T, TokenProblem> {
    let malformed = |what: &str| TokenProblem::Malformed(what.to_owned());
    let (text, signature) = token
        .rsplit_once('.')
        .ok_or_else(|| malformed("it has no signature"))?;
    let (header, claims) = text
        .split_once('.')
        .ok_or_else(|| malformed("it does not have three parts"))?;
    let decode = |part: &str| {
        URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| malformed("a part is not base64url"))
    };
    let header: Header = serde_json::from_slice(&decode(header)?)
        .map_err(|_| malformed("its header cannot be read"))?;
    if header.alg != "RS256" {
        return Err(malformed("its algorithm is not RS256"));
    }
    let key = keys
        .keys
        .iter()
        .find(|key| key.kid == header.kid && key.kty == "RSA")
        .ok_or(TokenProblem::UnknownKey(header.kid))?;
    let public = RsaPublicKeyComponents {
        n: decode(&key.n)?,
        e: decode(&key.e)?,
    };
    public
        .verify(
            &RSA_PKCS1_2048_8192_SHA256,
            text.as_bytes(),
            &decode(signature)?,
        )
        .map_err(|_| TokenProblem::Forged)?;
    serde_json::from_slice(&decode(claims)?).map_err(|_| malformed("its claims cannot be read"))
}
