//! Signatures of webhooks: Standard Webhooks 1.0.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Age at which a signed message is refused, seconds either way, inclusive.
pub const TOLERANCE_S: u64 = 300;

/// Prefix of a shared secret as text.
const SECRET_PREFIX: &str = "whsec_";
/// Keys the standard allows, bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A shared secret. Its bytes are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a text is no secret, or a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    #[error("a secret is base64 of 24 to 64 bytes behind \"whsec_\"")]
    BadSecret,
    #[error("the timestamp is more than the tolerance away from now")]
    Timestamp,
    #[error("no v1 signature matches")]
    Mismatch,
}

impl Secret {
    /// Reads `whsec_<base64>`.
    ///
    /// # Errors
    /// [`SignatureFault::BadSecret`].
    pub fn parse(text: &str) -> Result<Self, SignatureFault> {
        let encoded = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
        let key = STANDARD
            .decode(encoded)
            .map_err(|_| SignatureFault::BadSecret)?;
        match KEY_BYTES.contains(&key.len()) {
            true => Ok(Self(key)),
            false => Err(SignatureFault::BadSecret),
        }
    }

    /// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body` (Standard Webhooks 1.0).
    pub fn sign(&self, id: &str, timestamp_s: u64, body: &str) -> String {
        let signature = self.mac(id, timestamp_s, body).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(signature))
    }

    fn mac(&self, id: &str, timestamp_s: u64, body: &str) -> Hmac<Sha256> {
        let mut mac = keyed::<Hmac<Sha256>>(&self.0);
        for part in [id, ".", &timestamp_s.to_string(), ".", body] {
            mac.update(part.as_bytes());
        }
        mac
    }
}

/// The signature header: one entry per secret, so that a receiver may know the old or the new one.
pub fn header(secrets: &[Secret], id: &str, timestamp_s: u64, body: &str) -> String {
    let signed: Vec<String> = secrets
        .iter()
        .map(|secret| secret.sign(id, timestamp_s, body))
        .collect();
    signed.join(" ")
}

/// Believes a Standard Webhooks message or says why not.
///
/// # Errors
/// [`SignatureFault`].
pub fn verify(
    secrets: &[Secret],
    id: &str,
    timestamp_s: u64,
    body: &str,
    signatures: &str,
    now_s: u64,
    tolerance_s: u64,
) -> Result<(), SignatureFault> {
    if now_s.abs_diff(timestamp_s) > tolerance_s {
        return Err(SignatureFault::Timestamp);
    }
    let shown = signatures
        .split(' ')
        .filter_map(|entry| entry.strip_prefix("v1,"));
    for signature in shown.filter_map(|entry| STANDARD.decode(entry).ok()) {
        for secret in secrets {
            // Compares in constant time.
            if secret
                .mac(id, timestamp_s, body)
                .verify_slice(&signature)
                .is_ok()
            {
                return Ok(());
            }
        }
    }
    Err(SignatureFault::Mismatch)
}

/// HMAC takes keys of any length.
fn keyed<M: KeyInit>(key: &[u8]) -> M {
    match M::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of any length"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_published_vectors_hold() {
        let Some(vectors) = vectors() else {
            return;
        };
        let mut count = 0;
        for vector in &vectors {
            let (inputs, expect) = (&vector["inputs"], &vector["expect"]);
            let text = |name: &str| inputs[name].as_str().unwrap_or_default();
            let number = |name: &str| inputs[name].as_u64().unwrap_or_default();
            let payload = text("payload");
            let id = &vector["id"];
            match text("calc") {
                "standard_webhook_sign" => {
                    let secret = Secret::parse(text("secret")).expect("a secret");
                    let signature = secret.sign(text("message_id"), number("timestamp_s"), payload);
                    assert_eq!(expect["signature"], signature, "{id}");
                }
                "standard_webhook_verify" => {
                    let secret = [Secret::parse(text("secret")).expect("a secret")];
                    let result = verify(
                        &secret,
                        text("message_id"),
                        number("timestamp_s"),
                        payload,
                        text("signature_header"),
                        number("now_s"),
                        number("tolerance_s"),
                    );
                    let reason = match result {
                        Ok(()) => "ok",
                        Err(SignatureFault::Timestamp) => "timestamp",
                        Err(_) => "mismatch",
                    };
                    assert_eq!(expect["valid"], result.is_ok(), "{id}");
                    assert_eq!(expect["reason"], reason, "{id}");
                }
                _ => continue,
            }
            count += 1;
        }
        assert!(count >= 4, "the vectors are there: {count}");
    }

    #[test]
    fn two_secrets_sign_during_a_rotation() {
        let secret = |byte: u8| Secret::parse(&STANDARD.encode([byte; 32])).expect("a secret");
        let (old, new) = (secret(1), secret(2));
        let header = header(&[new.clone(), old.clone()], "id", 1_000, "{}");
        for known in [old, new] {
            assert_eq!(
                verify(&[known], "id", 1_000, "{}", &header, 1_000, TOLERANCE_S),
                Ok(())
            );
        }
        let stranger = [secret(3)];
        let result = verify(&stranger, "id", 1_000, "{}", &header, 1_000, TOLERANCE_S);
        assert_eq!(result, Err(SignatureFault::Mismatch));
    }

    #[test]
    fn a_secret_is_never_shown_and_must_be_long() {
        let secret = Secret::parse(&STANDARD.encode([7; 32])).expect("a secret");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        for text in [
            "",
            "whsec_",
            "whsec_abc",
            "whsec_!!!!",
            &STANDARD.encode([7; 23]),
        ] {
            assert_eq!(
                Secret::parse(text),
                Err(SignatureFault::BadSecret),
                "{text}"
            );
        }
    }

    fn vectors() -> Option<Vec<Value>> {
        let path = crate::shared::find("vectors/auth_and_identity.json")?;
        let text = std::fs::read_to_string(path).expect("readable vectors");
        let vectors: Value = serde_json::from_str(&text).expect("vectors are JSON");
        Some(vectors.as_array().expect("a list").clone())
    }
}
