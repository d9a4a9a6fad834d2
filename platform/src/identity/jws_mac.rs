//! Tokens signed with a shared secret (HS256, RFC 7518 section 3.2), for the worked examples of the standard. No door takes
//! one: what people sign in with is read by `jws`, which knows one algorithm and no secret. Here a key is a type of its
//! own that is made of a secret alone, so no public key can stand in for one.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::jws::{JwsFault, Token};

/// The one algorithm.
pub const ALGORITHM: &str = "HS256";

/// A shared secret.
pub struct SharedSecret(hmac::Key);

impl SharedSecret {
    /// The secret of a text in base64url (`k` of RFC 7518); `None` where it is none, or empty.
    pub fn of(base64url: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(base64url).ok()?;
        (!bytes.is_empty()).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }
}

/// Verifies a token; its payload.
///
/// # Errors
/// [`JwsFault`]; [`JwsFault::Algorithm`] for every other algorithm, before the secret is looked at.
pub fn verify(token: &str, secret: &SharedSecret) -> Result<Vec<u8>, JwsFault> {
    let token = Token::of(token, ALGORITHM)?;
    let (payload, signature) = token.decoded()?;
    // Compares in constant time.
    hmac::verify(&secret.0, token.signed.as_bytes(), &signature)
        .map_err(|_| JwsFault::Signature)?;
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::jws::{self, PublicKey};

    /// A token of this algorithm under a secret.
    fn token(secret: &[u8]) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let input = format!("{}.{}", part(r#"{"alg":"HS256"}"#), part("{}"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = hmac::sign(&key, input.as_bytes());
        jws::joined(&input, tag.as_ref())
    }

    fn secret(bytes: &[u8]) -> SharedSecret {
        SharedSecret::of(&URL_SAFE_NO_PAD.encode(bytes)).expect("a secret")
    }

    #[test]
    fn a_token_is_believed_under_its_own_secret_and_unchanged() {
        let signed = token(b"secret");
        assert_eq!(verify(&signed, &secret(b"secret")), Ok(b"{}".to_vec()));
        assert_eq!(verify(&signed, &secret(b"other")), Err(JwsFault::Signature));
        let unsigned = jws::joined(signed.rsplit_once('.').expect("a token").0, b"");
        assert_eq!(
            verify(&unsigned, &secret(b"secret")),
            Err(JwsFault::Signature)
        );
        for text in ["", "=", "no base64!"] {
            assert!(SharedSecret::of(text).is_none(), "{text}");
        }
    }

    /// Whoever signs with the bytes of our public key as a secret is refused before any key is asked for.
    #[test]
    fn a_public_key_is_no_secret_at_the_door() {
        let public = PublicKey {
            n: vec![0xa5; 256],
            e: vec![1, 0, 1],
        };
        let signed = token(&public.n);
        let mut asked = false;
        let refused = jws::verify(&signed, |_| {
            asked = true;
            Some(public)
        });
        assert_eq!(refused, Err(JwsFault::Algorithm));
        assert!(!asked, "no key is needed to refuse it");
    }

    #[test]
    fn tokens_of_the_door_are_none_of_these() {
        let input = jws::signing_input("k", &serde_json::json!({}));
        let signed = jws::joined(&input, b"a signature");
        assert_eq!(
            verify(&signed, &secret(b"secret")),
            Err(JwsFault::Algorithm)
        );
    }
}
