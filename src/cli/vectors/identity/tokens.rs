//! Signed tokens and their times.

use serde_json::{Value, json};
use siaga_platform::identity::jws::{self, Jwk, JwsFault};
use siaga_platform::identity::jws_mac::{self, SharedSecret};
use siaga_platform::identity::token::{ClaimFault, times};
use siaga_vectors::families::Calc;
use siaga_vectors::{Fault, Inputs};

use super::{count, count_or, texts};

/// The adapter of a rule.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "jws_rs256_verify" => public,
        "jws_hs256_verify" => shared,
        "jwt_time_claims" => times_of,
        _ => return None,
    })
}

/// A token under a public key, which verifies one algorithm whatever the list allows.
fn public(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let token = inputs.text("token")?;
    let jwk: Jwk = serde_json::from_value(inputs.object("jwk")?.raw().clone())
        .map_err(|fault| Fault::field("jwk", format!("is no key: {fault}")))?;
    if !is_allowed(inputs, jws::ALGORITHM)? {
        return Ok(verdict(Err(JwsFault::Algorithm)));
    }
    Ok(verdict(jws::verify(token, |_| jwk.key())))
}

/// A token under a shared secret, which verifies one algorithm whatever the list allows.
fn shared(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let token = inputs.text("token")?;
    let secret = SharedSecret::of(inputs.text("key_base64url")?)
        .ok_or_else(|| Fault::field("key_base64url", "is no secret in base64url"))?;
    if !is_allowed(inputs, jws_mac::ALGORITHM)? {
        return Ok(verdict(Err(JwsFault::Algorithm)));
    }
    Ok(verdict(jws_mac::verify(token, &secret)))
}

fn is_allowed(inputs: &Inputs<'_>, algorithm: &str) -> Result<bool, Fault> {
    Ok(texts(inputs, "allowed_algorithms")?.contains(&algorithm))
}

fn verdict(judged: Result<Vec<u8>, JwsFault>) -> Value {
    let reason = match judged {
        Ok(_) => "ok",
        Err(JwsFault::Form) => "malformed",
        Err(JwsFault::Algorithm) => "algorithm_not_allowed",
        Err(JwsFault::Critical) => "extension",
        Err(JwsFault::Key) => "key",
        Err(JwsFault::Signature) => "mismatch",
    };
    json!({ "valid": judged.is_ok(), "reason": reason })
}

/// A claim that is missing refuses nothing here (RFC 7519 section 4.1); our own tokens must have an end.
fn times_of(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let claims = inputs.object("claims")?;
    if !claims.raw().is_object() {
        return Err(Fault::field("claims", "is no object"));
    }
    let judged = times(
        claim(&claims, "exp")?.or(Some(u64::MAX)),
        claim(&claims, "nbf")?,
        count(inputs, "now_s")?,
        count_or(inputs, "leeway_s", 0)?,
    );
    let reason = match judged {
        Ok(()) => "ok",
        Err(ClaimFault::NotYetValid) => "not_yet_valid",
        Err(_) => "expired",
    };
    Ok(json!({ "valid": judged.is_ok(), "reason": reason }))
}

/// An instant, Unix seconds; what is before the epoch is its beginning.
fn claim(claims: &Inputs<'_>, name: &str) -> Result<Option<u64>, Fault> {
    match claims.get(name) {
        None => Ok(None),
        Some(_) => Ok(Some(u64::try_from(claims.integer(name)?).unwrap_or(0))),
    }
}
