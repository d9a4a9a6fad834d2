//! What an access token says, and when it is believed.

use serde::Deserialize;
use serde_json::{Value, json};
use siaga_risk::units::{SECOND_NS, Ts};
use uuid::Uuid;

/// Who signs, and whom it is for: this program. A token of another issuer is none of ours.
pub const ISSUER: &str = "siaga";
/// Life of an access token, seconds (S0.01).
pub const ACCESS_S: u64 = 15 * 60;
/// Clocks of two machines of one desk differ by less, seconds.
pub const LEEWAY_S: u64 = 5;

/// An access token's claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The person.
    pub user: Uuid,
    /// The session, whose end ends the token.
    pub session: Uuid,
    /// When it was made, seconds.
    pub issued_s: u64,
}

/// Why claims are not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimFault {
    /// It is over.
    Expired,
    /// It begins later.
    NotYetValid,
    /// Made in the future, or for longer than we make them.
    Issued,
    /// Not ours, not for us, or not complete.
    Foreign,
}

#[derive(Deserialize)]
struct Wire {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    iat: u64,
    nbf: u64,
    exp: u64,
}

impl Claims {
    /// Claims of a token made now.
    pub fn new(user: Uuid, session: Uuid, now: Ts) -> Self {
        Self {
            user,
            session,
            issued_s: now.0 / SECOND_NS,
        }
    }

    /// For signing.
    pub fn to_json(&self, id: Uuid) -> Value {
        json!({
            "iss": ISSUER, "aud": ISSUER, "sub": self.user, "sid": self.session, "jti": id,
            "iat": self.issued_s, "nbf": self.issued_s, "exp": self.issued_s + ACCESS_S,
        })
    }

    /// Reads the payload of a token whose signature is right.
    ///
    /// # Errors
    /// [`ClaimFault`].
    pub fn read(payload: &[u8], now: Ts) -> Result<Self, ClaimFault> {
        let wire: Wire = serde_json::from_slice(payload).map_err(|_| ClaimFault::Foreign)?;
        if wire.iss != ISSUER || wire.aud != ISSUER {
            return Err(ClaimFault::Foreign);
        }
        let now_s = now.0 / SECOND_NS;
        times(Some(wire.exp), Some(wire.nbf), now_s, LEEWAY_S)?;
        if wire.iat > now_s.saturating_add(LEEWAY_S) || wire.exp.saturating_sub(wire.iat) > ACCESS_S
        {
            return Err(ClaimFault::Issued);
        }
        Ok(Self {
            user: wire.sub,
            session: wire.sid,
            issued_s: wire.iat,
        })
    }
}

/// Judges `exp` and `nbf` (RFC 7519): over at `exp`, not before `nbf`, give or take the leeway. A token
/// without an end is over.
///
/// # Errors
/// [`ClaimFault::Expired`] or [`ClaimFault::NotYetValid`].
pub fn times(
    exp: Option<u64>,
    nbf: Option<u64>,
    now_s: u64,
    leeway_s: u64,
) -> Result<(), ClaimFault> {
    if exp.is_none_or(|exp| now_s >= exp.saturating_add(leeway_s)) {
        return Err(ClaimFault::Expired);
    }
    if nbf.is_some_and(|nbf| now_s < nbf.saturating_sub(leeway_s)) {
        return Err(ClaimFault::NotYetValid);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Ts {
        Ts(s * SECOND_NS)
    }

    fn read(change: impl FnOnce(&mut Value), now_s: u64) -> Result<Claims, ClaimFault> {
        let claims = Claims::new(Uuid::from_u128(1), Uuid::from_u128(2), at(1_000));
        let mut json = claims.to_json(Uuid::from_u128(3));
        change(&mut json);
        Claims::read(json.to_string().as_bytes(), at(now_s))
    }

    #[test]
    fn a_token_is_believed_for_a_quarter_of_an_hour() {
        assert_eq!(
            read(|_| {}, 1_000).map(|claims| claims.session),
            Ok(Uuid::from_u128(2))
        );
        assert!(read(|_| {}, 1_000 + ACCESS_S + LEEWAY_S - 1).is_ok());
        assert_eq!(
            read(|_| {}, 1_000 + ACCESS_S + LEEWAY_S),
            Err(ClaimFault::Expired)
        );
        assert_eq!(read(|_| {}, 994), Err(ClaimFault::NotYetValid));
    }

    #[test]
    fn claims_that_we_do_not_make_are_refused() {
        let expected = [
            ("iss", json!("another"), ClaimFault::Foreign),
            ("aud", json!("another"), ClaimFault::Foreign),
            ("aud", json!(["siaga"]), ClaimFault::Foreign),
            ("sub", json!("sari"), ClaimFault::Foreign),
            ("exp", json!("2000"), ClaimFault::Foreign),
            ("exp", json!(1e9), ClaimFault::Foreign),
            ("exp", json!(-1), ClaimFault::Foreign),
            ("exp", json!(9_999_999_999_u64), ClaimFault::Issued),
            ("iat", json!(5_000), ClaimFault::Issued),
            ("nbf", json!(5_000), ClaimFault::NotYetValid),
        ];
        for (name, value, fault) in expected {
            assert_eq!(
                read(|claims| claims[name] = value.clone(), 1_000),
                Err(fault),
                "{name} {value}"
            );
        }
        for name in ["iss", "aud", "sub", "sid", "iat", "nbf", "exp"] {
            let without =
                |claims: &mut Value| drop(claims.as_object_mut().and_then(|map| map.remove(name)));
            assert_eq!(
                read(without, 1_000),
                Err(ClaimFault::Foreign),
                "without {name}"
            );
        }
    }
}
