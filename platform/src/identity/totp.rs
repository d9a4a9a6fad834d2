//! Time-based codes (RFC 6238) of authenticator apps.

use siaga_risk::units::{SECOND_NS, Ts};
use subtle::ConstantTimeEq as _;

use crate::signatures::mac;

/// The hash under the code. Apps know SHA-1 only, others are in the standard (RFC 6238).
pub use crate::signatures::Hash;

/// Seconds of a step.
pub const STEP_S: u64 = 30;
/// Digits of a code.
pub const DIGITS: u32 = 6;
/// Steps before and behind the own one whose codes are taken: clocks of telephones differ.
pub const SKEW_STEPS: u64 = 1;
/// Bytes of a new secret: the length of the hash (RFC 4226 section 4).
pub const SECRET_BYTES: usize = 20;

/// What becomes of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Right; remember the counter, so that no code of it or before it is taken again.
    Accepted(u64),
    /// Right, and of a step from which a code was taken already.
    Replayed,
    /// Wrong.
    Mismatch,
}

/// The code of a counter (RFC 4226): zeros in front are kept. At most 9 digits.
pub fn hotp(hash: Hash, secret: &[u8], counter: u64, digits: u32) -> String {
    let bytes = mac(hash, secret, &counter.to_be_bytes());
    let at = usize::from(bytes.last().copied().unwrap_or_default() & 0x0f);
    let mut word = [0u8; 4];
    for (to, from) in word.iter_mut().zip(bytes.iter().skip(at)) {
        *to = *from;
    }
    let number = u32::from_be_bytes(word) & 0x7fff_ffff;
    let width = digits.min(9);
    let code = number % 10u32.pow(width);
    format!(
        "{code:0width$}",
        width = usize::try_from(width).unwrap_or(9)
    )
}

/// The counter of an instant.
pub fn counter(unix_s: u64, step_s: u64) -> u64 {
    unix_s / step_s.max(1)
}

/// Judges a code. `last` is the counter of the newest code that was taken. All steps are compared, in
/// the same time whatever fits.
pub fn judge(
    hash: Hash,
    secret: &[u8],
    digits: u32,
    step_s: u64,
    skew: u64,
    unix_s: u64,
    code: &str,
    last: Option<u64>,
) -> Verdict {
    let now = counter(unix_s, step_s);
    let mut found = None;
    for step in now.saturating_sub(skew)..=now.saturating_add(skew) {
        let right = hotp(hash, secret, step, digits);
        if bool::from(right.as_bytes().ct_eq(code.as_bytes())) {
            found = Some(step);
        }
    }
    match found {
        None => Verdict::Mismatch,
        Some(step) if last.is_some_and(|last| step <= last) => Verdict::Replayed,
        Some(step) => Verdict::Accepted(step),
    }
}

/// Judges a code of an app at `now`.
pub fn accept(secret: &[u8], code: &str, last: Option<u64>, now: Ts) -> Verdict {
    judge(
        Hash::Sha1,
        secret,
        DIGITS,
        STEP_S,
        SKEW_STEPS,
        now.0 / SECOND_NS,
        code,
        last,
    )
}

/// The secret as apps want it: base32 without padding (RFC 4648).
pub fn base32(secret: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(secret.len().div_ceil(5) * 8);
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in secret {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            let index = usize::try_from((bits >> held) & 31).unwrap_or_default();
            text.push(char::from(LETTERS[index]));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        let index = usize::try_from((bits << (5 - held)) & 31).unwrap_or_default();
        text.push(char::from(LETTERS[index]));
    }
    text
}

/// What the picture says: issuer and account as apps show them.
pub fn uri(secret: &[u8], issuer: &str, account: &str) -> String {
    let (issuer, account) = (escaped(issuer), escaped(account));
    format!(
        "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_S}",
        base32(secret)
    )
}

/// Percent-encoded but for what every address may hold.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standards() {
        assert_eq!(
            hotp(Hash::Sha1, SECRET, 0, 6),
            "755224",
            "RFC 4226 appendix D"
        );
        assert_eq!(
            hotp(Hash::Sha1, SECRET, counter(59, 30), 8),
            "94287082",
            "RFC 6238 appendix B"
        );
        assert_eq!(
            hotp(Hash::Sha1, SECRET, counter(1_111_111_109, 30), 8),
            "07081804",
            "the zero in front stays"
        );
    }

    #[test]
    fn a_code_is_taken_once_and_near_its_step() {
        let at = |s: u64| Ts(s * SECOND_NS);
        let code = hotp(Hash::Sha1, SECRET, 1, DIGITS);
        assert_eq!(
            accept(SECRET, &code, None, at(29)),
            Verdict::Accepted(1),
            "a telephone that is ahead"
        );
        assert_eq!(accept(SECRET, &code, None, at(59)), Verdict::Accepted(1));
        assert_eq!(
            accept(SECRET, &code, None, at(89)),
            Verdict::Accepted(1),
            "one that is behind"
        );
        assert_eq!(accept(SECRET, &code, None, at(90)), Verdict::Mismatch);
        assert_eq!(accept(SECRET, &code, Some(1), at(59)), Verdict::Replayed);
        assert_eq!(
            accept(SECRET, &code, Some(2), at(59)),
            Verdict::Replayed,
            "an older one than the last"
        );
        for wrong in ["", "28708", "2870822", "000000", "٢٨٧٠٨٢"] {
            assert_eq!(
                accept(SECRET, wrong, None, at(59)),
                Verdict::Mismatch,
                "{wrong}"
            );
        }
    }

    #[test]
    fn secrets_and_addresses_have_the_form_apps_read() {
        for (plain, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), text, "RFC 4648 section 10");
        }
        assert_eq!(
            uri(b"foobar", "Siaga Desk", "sari@contoh.id"),
            "otpauth://totp/Siaga%20Desk:sari%40contoh.id?secret=MZXW6YTBOI&issuer=Siaga%20Desk&algorithm=SHA1&digits=6&period=30"
        );
    }
}
