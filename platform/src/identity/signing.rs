//! The keys that sign access tokens: one signs for 90 days, is published a day before and a day after.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use siaga_risk::units::{DAY_NS, Ts};
use zeroize::Zeroizing;

use super::jws::{self, PublicKey};

/// A key signs for this long (S0.17).
pub const ROTATE_NS: u64 = 90 * DAY_NS;
/// A new key is published so long before it signs, that everybody who caches the set has it.
pub const LEAD_NS: u64 = DAY_NS;
/// An old key stays published so long after it signed last; its tokens live a quarter of an hour.
pub const OVERLAP_NS: u64 = DAY_NS;

/// Why a key cannot be used. It says nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signing key cannot be used")]
pub struct BadKey;

/// A key that signs.
pub struct Signer {
    kid: String,
    made: Ts,
    pair: KeyPair,
    public: PublicKey,
}

impl Signer {
    /// Makes a key; its private form for storing. Takes a tenth of a second and more: not on an async thread.
    ///
    /// # Errors
    /// [`BadKey`] when the library cannot.
    pub fn generate(kid: String, made: Ts) -> Result<(Self, Zeroizing<Vec<u8>>), BadKey> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| BadKey)?;
        let der: Pkcs8V1Der<'static> = pair.as_der().map_err(|_| BadKey)?;
        let bytes: &[u8] = der.as_ref();
        let der = Zeroizing::new(bytes.to_vec());
        Ok((Self::of(kid, made, pair), der))
    }

    /// A stored key.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn open(kid: String, made: Ts, der: &[u8]) -> Result<Self, BadKey> {
        let pair = KeyPair::from_pkcs8(der).map_err(|_| BadKey)?;
        Ok(Self::of(kid, made, pair))
    }

    fn of(kid: String, made: Ts, pair: KeyPair) -> Self {
        let components = PublicKeyComponents::from(pair.public_key());
        let public = PublicKey {
            n: components.n,
            e: components.e,
        };
        Self {
            kid,
            made,
            pair,
            public,
        }
    }

    /// Its name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// When it was made.
    pub fn made(&self) -> Ts {
        self.made
    }

    /// Its public part.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A signed token.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn token(&self, payload: &Value) -> Result<String, BadKey> {
        let input = jws::signing_input(&self.kid, payload);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let signed = self.pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            input.as_bytes(),
            &mut signature,
        );
        signed.map_err(|_| BadKey)?;
        Ok(jws::joined(&input, &signature))
    }

    /// Its public part for the key set.
    pub fn jwk(&self) -> Value {
        json!({
            "kty": "RSA", "use": "sig", "alg": jws::ALGORITHM, "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(&self.public.n), "e": URL_SAFE_NO_PAD.encode(&self.public.e),
        })
    }
}

/// Which key of those made at these times (ascending) signs now: the newest that has been published for
/// long enough; the first key of all signs at once.
pub fn signs(made: &[Ts], now: Ts) -> Option<usize> {
    let ready = made.iter().rposition(|made| made.plus(LEAD_NS) <= now);
    ready.or(if made.is_empty() { None } else { Some(0) })
}

/// Whether a new key must be made now.
pub fn is_due(made: &[Ts], now: Ts) -> bool {
    made.last()
        .is_none_or(|newest| now.since(*newest) >= ROTATE_NS)
}

/// Which keys are believed and published: all but those whose successor has signed for long enough.
pub fn published(made: &[Ts], now: Ts) -> std::ops::Range<usize> {
    let gone = made
        .iter()
        .rposition(|made| made.plus(LEAD_NS).plus(OVERLAP_NS) <= now);
    gone.unwrap_or(0)..made.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: u64) -> Ts {
        Ts(1_000 * DAY_NS + n * DAY_NS)
    }

    #[test]
    fn keys_follow_each_other_with_an_overlap_on_both_sides() {
        assert!(is_due(&[], day(0)) && signs(&[], day(0)).is_none());
        let first = [day(0)];
        assert_eq!(
            (signs(&first, day(0)), published(&first, day(0))),
            (Some(0), 0..1),
            "the first signs at once"
        );
        assert!(!is_due(&first, Ts(day(90).0 - 1)) && is_due(&first, day(90)));
        let both = [day(0), day(90)];
        for (now, signing, known) in [
            (day(90), 0, 0..2),
            (Ts(day(91).0 - 1), 0, 0..2),
            (day(91), 1, 0..2),
            (Ts(day(92).0 - 1), 1, 0..2),
            (day(92), 1, 1..2),
        ] {
            assert_eq!(
                (signs(&both, now), published(&both, now)),
                (Some(signing), known),
                "{now:?}"
            );
        }
        assert!(!is_due(&both, day(92)));
    }

    #[test]
    fn a_token_is_believed_under_its_own_key_alone() {
        let (signer, der) = Signer::generate("k1".into(), day(0)).expect("a key");
        let (other, _) = Signer::generate("k1".into(), day(0)).expect("a key");
        let token = signer.token(&json!({"sub": "sari"})).expect("signed");
        let under =
            |key: &PublicKey| jws::verify(&token, |kid| (kid == Some("k1")).then(|| key.clone()));
        assert_eq!(under(signer.public()), Ok(br#"{"sub":"sari"}"#.to_vec()));
        assert_eq!(under(other.public()), Err(jws::JwsFault::Signature));
        let again = Signer::open("k1".into(), day(0), &der).expect("its own form");
        assert_eq!(again.public(), signer.public());
        let jwk: jws::Jwk = serde_json::from_value(signer.jwk()).expect("a key of a set");
        assert_eq!(jwk.key().as_ref(), Some(signer.public()));
        // Each character of the token counts.
        let (front, _) = token.rsplit_once('.').expect("three parts");
        for at in (0..front.len()).step_by(7) {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(
                changed == token
                    || jws::verify(&changed, |_| Some(signer.public().clone())).is_err(),
                "at {at}"
            );
        }
    }
}
