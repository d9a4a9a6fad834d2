//! Codes of authenticator apps.

use serde_json::{Value, json};
use siaga_platform::identity::totp::{self, Verdict};
use siaga_platform::signatures::Hash;
use siaga_vectors::families::Calc;
use siaga_vectors::{Fault, Inputs};

use super::{HASHES, count, count_or};

/// Digits a code may have: a truncated value has ten, of which the first says little (RFC 4226 section 5.3).
const DIGITS: std::ops::RangeInclusive<u64> = 1..=9;
/// Most steps either way: each is computed.
const SKEW_MAX: u64 = 1_000;

/// The adapter of a rule.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "totp" => timed,
        "hotp" => counted,
        "totp_accept" => accepted,
        _ => return None,
    })
}

fn timed(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let counter = totp::counter(since_start(inputs)?, step(inputs)?);
    let code = code(inputs, counter)?;
    Ok(json!({ "time_counter_hex": format!("{counter:016X}"), "code": code }))
}

fn counted(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let code = code(inputs, count(inputs, "counter")?)?;
    Ok(json!({ "code": code }))
}

fn code(inputs: &Inputs<'_>, counter: u64) -> Result<String, Fault> {
    let key = inputs.text("key_ascii")?.as_bytes();
    Ok(totp::hotp(hash(inputs)?, key, counter, digits(inputs)?))
}

fn accepted(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let skew = count_or(inputs, "skew_steps", totp::SKEW_STEPS)?;
    if skew > SKEW_MAX {
        return Err(Fault::field(
            "skew_steps",
            format!("is more than {SKEW_MAX}"),
        ));
    }
    let last = inputs.get("last_used_counter");
    let last = last.map(|_| count(inputs, "last_used_counter"));
    let verdict = totp::judge(
        hash(inputs)?,
        inputs.text("key_ascii")?.as_bytes(),
        digits(inputs)?,
        step(inputs)?,
        skew,
        since_start(inputs)?,
        inputs.text("code")?,
        last.transpose()?,
    );
    let (accepted, reason) = match verdict {
        Verdict::Accepted(_) => (true, "ok"),
        Verdict::Replayed => (false, "replayed"),
        Verdict::Mismatch => (false, "mismatch"),
    };
    Ok(json!({ "accepted": accepted, "reason": reason }))
}

fn hash(inputs: &Inputs<'_>) -> Result<Hash, Fault> {
    inputs.one_of_or("algorithm", Hash::Sha1, &HASHES)
}

fn digits(inputs: &Inputs<'_>) -> Result<u32, Fault> {
    let digits = count_or(inputs, "digits", u64::from(totp::DIGITS))?;
    u32::try_from(digits)
        .ok()
        .filter(|_| DIGITS.contains(&digits))
        .ok_or_else(|| Fault::field("digits", "is no count of digits from 1 to 9"))
}

fn step(inputs: &Inputs<'_>) -> Result<u64, Fault> {
    match count_or(inputs, "step_s", totp::STEP_S)? {
        0 => Err(Fault::field("step_s", "is no length of time")),
        step => Ok(step),
    }
}

/// Seconds from the instant that steps are counted from, the Unix epoch unless it is given.
fn since_start(inputs: &Inputs<'_>) -> Result<u64, Fault> {
    count(inputs, "unix_time_s")?
        .checked_sub(count_or(inputs, "t0_s", 0)?)
        .ok_or_else(|| Fault::field("t0_s", "is later than unix_time_s"))
}
