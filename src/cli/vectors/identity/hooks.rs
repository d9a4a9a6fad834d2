//! Signatures of what others send.

use serde_json::{Value, json};
use siaga_alerts::sinks::signature::{self, Secret, SignatureFault};
use siaga_platform::signatures::stamped::{self, StampFault};
use siaga_platform::signatures::{self, Encoding, Hash, init_data};
use siaga_vectors::families::Calc;
use siaga_vectors::{Fault, Inputs};

use super::{HASHES, count, count_or, texts};

/// The names of the encodings.
const ENCODINGS: [(&str, Encoding); 2] = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];

/// The adapter of a rule.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "hmac_signature" => keyed,
        "hmac_verify" => keyed_fits,
        "standard_webhook_sign" => standard,
        "standard_webhook_verify" => standard_fits,
        "timestamped_signature_verify" => stamped_fits,
        "concat_digest" => digest,
        "init_data_hmac" => init,
        _ => return None,
    })
}

fn keyed(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let signature = signatures::header(
        hash(inputs)?,
        inputs.text("key_ascii")?.as_bytes(),
        encoding(inputs)?,
        inputs.text_or("prefix", "")?,
        inputs.text("payload")?.as_bytes(),
    );
    Ok(json!({ "signature": signature }))
}

fn keyed_fits(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let valid = signatures::header_fits(
        hash(inputs)?,
        inputs.text("key_ascii")?.as_bytes(),
        encoding(inputs)?,
        inputs.text_or("prefix", "")?,
        inputs.text("payload")?.as_bytes(),
        inputs.text("presented")?,
    );
    Ok(json!({ "valid": valid }))
}

fn standard(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let signature = secret(inputs)?.sign(
        inputs.text("message_id")?,
        count(inputs, "timestamp_s")?,
        inputs.text("payload")?,
    );
    Ok(json!({ "signature": signature }))
}

fn standard_fits(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let judged = signature::verify(
        &[secret(inputs)?],
        inputs.text("message_id")?,
        count(inputs, "timestamp_s")?,
        inputs.text("payload")?,
        inputs.text("signature_header")?,
        count(inputs, "now_s")?,
        count_or(inputs, "tolerance_s", signature::TOLERANCE_S)?,
    );
    let reason = match judged {
        Ok(()) => "ok",
        Err(SignatureFault::Timestamp) => "timestamp",
        Err(SignatureFault::Mismatch) => "mismatch",
        Err(SignatureFault::BadSecret) => "secret",
    };
    Ok(json!({ "valid": judged.is_ok(), "reason": reason }))
}

fn stamped_fits(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let judged = stamped::verify(
        inputs.text("scheme")?,
        inputs.text("key_ascii")?.as_bytes(),
        inputs.text("header")?,
        inputs.text("payload")?.as_bytes(),
        count(inputs, "now_s")?,
        count_or(inputs, "tolerance_s", signature::TOLERANCE_S)?,
    );
    let reason = match judged {
        Ok(()) => "ok",
        Err(StampFault::Malformed) => "malformed",
        Err(StampFault::Mismatch) => "mismatch",
        Err(StampFault::TooOld) => "too_old",
    };
    Ok(json!({ "valid": judged.is_ok(), "reason": reason }))
}

fn digest(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let parts = texts(inputs, "parts")?;
    Ok(json!({ "signature": signatures::digest_of(hash(inputs)?, &parts) }))
}

fn init(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (token, data) = (inputs.text("bot_token")?, inputs.text("init_data")?);
    Ok(json!({ "valid": init_data::is_genuine(token, data) }))
}

fn hash(inputs: &Inputs<'_>) -> Result<Hash, Fault> {
    inputs.one_of("algorithm", &HASHES)
}

fn encoding(inputs: &Inputs<'_>) -> Result<Encoding, Fault> {
    inputs.one_of_or("encoding", Encoding::Hex, &ENCODINGS)
}

fn secret(inputs: &Inputs<'_>) -> Result<Secret, Fault> {
    Secret::parse(inputs.text("secret")?).map_err(|fault| Fault::field("secret", fault.to_string()))
}
