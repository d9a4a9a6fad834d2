//! Signed tokens in the compact form (RFC 7515), of one algorithm: RS256. What else the standard allows
//! is refused before a key is looked at. (`jws_mac` reads examples of another one, with keys of another type.)

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

/// The one algorithm.
pub const ALGORITHM: &str = "RS256";
/// Longest token: an identity token of a provider has about 2 KiB.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsFault {
    /// Not three parts of base64url, or no JSON in the header.
    #[error("the token has another form")]
    Form,
    /// Another algorithm, `none` among them.
    #[error("the algorithm is not allowed")]
    Algorithm,
    /// An extension that must be understood, and is not.
    #[error("the token asks for an extension")]
    Critical,
    /// No such key.
    #[error("the key is not known")]
    Key,
    /// It was changed, or signed with another key.
    #[error("the signature does not fit")]
    Signature,
}

/// A public key, big-endian without zeros in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The modulus.
    pub n: Vec<u8>,
    /// The exponent.
    pub e: Vec<u8>,
}

/// A key of a set (RFC 7517). Members that say nothing about whether it may verify are not read.
#[derive(Clone, Debug, Deserialize)]
pub struct Jwk {
    /// `RSA`.
    pub kty: String,
    /// Its name.
    pub kid: Option<String>,
    /// `sig` or nothing.
    #[serde(rename = "use")]
    pub purpose: Option<String>,
    /// `verify` among them, or nothing.
    pub key_ops: Option<Vec<String>>,
    /// `RS256` or nothing.
    pub alg: Option<String>,
    /// The modulus.
    pub n: Option<String>,
    /// The exponent.
    pub e: Option<String>,
}

impl Jwk {
    /// The key, when it may verify signatures of the one algorithm.
    pub fn key(&self) -> Option<PublicKey> {
        let verifies = self.kty == "RSA"
            && self
                .purpose
                .as_deref()
                .is_none_or(|purpose| purpose == "sig")
            && self
                .key_ops
                .as_ref()
                .is_none_or(|ops| ops.iter().any(|op| op == "verify"))
            && self.alg.as_deref().is_none_or(|alg| alg == ALGORITHM);
        if !verifies {
            return None;
        }
        let number = |text: &Option<String>| {
            let bytes = URL_SAFE_NO_PAD.decode(text.as_deref()?).ok()?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            Some(bytes[zeros..].to_vec())
        };
        Some(PublicKey {
            n: number(&self.n)?,
            e: number(&self.e)?,
        })
    }
}

/// A repeated member is an error of the parser, so two readers cannot see two algorithms.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
    b64: Option<Value>,
}

/// Verifies a token; its payload. `key_of` finds the key that the header names, `None` for a header that names none.
///
/// # Errors
/// [`JwsFault`].
pub fn verify(
    token: &str,
    key_of: impl FnOnce(Option<&str>) -> Option<PublicKey>,
) -> Result<Vec<u8>, JwsFault> {
    let token = Token::of(token, ALGORITHM)?;
    let (payload, signature) = token.decoded()?;
    let key = key_of(token.kid.as_deref()).ok_or(JwsFault::Key)?;
    PublicKeyComponents { n: key.n, e: key.e }
        .verify(
            &RSA_PKCS1_2048_8192_SHA256,
            token.signed.as_bytes(),
            &signature,
        )
        .map_err(|_| JwsFault::Signature)?;
    Ok(payload)
}

/// A token taken apart, nothing of it believed yet.
pub(super) struct Token<'a> {
    kid: Option<String>,
    /// Header and payload as they stand there.
    pub(super) signed: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Token<'a> {
    /// Takes a token apart that says it is of `algorithm`: each caller has one algorithm and keys for nothing else.
    pub(super) fn of(token: &'a str, algorithm: &str) -> Result<Self, JwsFault> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(JwsFault::Form);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwsFault::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsFault::Form)?;
        let header: Header =
            serde_json::from_slice(&decoded(header)?).map_err(|_| JwsFault::Form)?;
        if header.alg != algorithm {
            return Err(JwsFault::Algorithm);
        }
        if header.crit.is_some() || header.b64.is_some() {
            return Err(JwsFault::Critical);
        }
        Ok(Self {
            kid: header.kid,
            signed,
            payload,
            signature,
        })
    }

    /// Payload and signature as bytes.
    pub(super) fn decoded(&self) -> Result<(Vec<u8>, Vec<u8>), JwsFault> {
        Ok((decoded(self.payload)?, decoded(self.signature)?))
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, JwsFault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JwsFault::Form)
}

/// What is signed: header and payload.
pub fn signing_input(kid: &str, payload: &Value) -> String {
    let header = serde_json::json!({"alg": ALGORITHM, "kid": kid, "typ": "JWT"});
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(payload.to_string())
    )
}

/// The token of what was signed.
pub fn joined(input: &str, signature: &[u8]) -> String {
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(header), part("{}"), part("a signature"))
    }

    #[test]
    fn what_is_not_ours_is_refused_before_a_key_is_asked_for() {
        for (header, fault) in [
            (r#"{"alg":"none"}"#, JwsFault::Algorithm),
            (r#"{"alg":"NONE"}"#, JwsFault::Algorithm),
            (r#"{"alg":"rs256"}"#, JwsFault::Algorithm),
            (r#"{"alg":"HS256"}"#, JwsFault::Algorithm),
            (r#"{"alg":"RS512"}"#, JwsFault::Algorithm),
            (
                r#"{"alg":"RS256","crit":["b64"],"b64":false}"#,
                JwsFault::Critical,
            ),
            (r#"{"alg":"RS256","crit":[]}"#, JwsFault::Critical),
            (r#"{"alg":"HS256","alg":"RS256"}"#, JwsFault::Form),
            (r#"{"alg":["RS256"]}"#, JwsFault::Form),
            (r#"{"typ":"JWT"}"#, JwsFault::Form),
            ("RS256", JwsFault::Form),
        ] {
            let refused = verify(&token(header), |_| panic!("no key is needed for {header}"));
            assert_eq!(refused, Err(fault), "{header}");
        }
        let long = token(&format!(
            r#"{{"alg":"RS256","x":"{}"}}"#,
            "y".repeat(TOKEN_BYTES_MAX)
        ));
        for text in ["", ".", "..", "a.b", &long] {
            assert_eq!(verify(text, |_| None), Err(JwsFault::Form), "{:.20}", text);
        }
        assert_eq!(
            verify(&token(r#"{"alg":"RS256","kid":"k"}"#), |kid| {
                assert_eq!(kid, Some("k"));
                None
            }),
            Err(JwsFault::Key)
        );
    }
}
