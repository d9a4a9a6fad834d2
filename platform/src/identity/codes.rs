//! Codes that are sent or written down, and tokens that are kept as digests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use siaga_risk::units::{MINUTE_NS, Ts};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::crypto::{Keyring, blind, random};

/// Recovery codes of one set.
pub const RECOVERY_CODES: usize = 10;
/// Letters of a recovery code: none of those that look alike (0 O, 1 I L).
const LETTERS: &[u8; 31] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789";
/// Characters of a recovery code: 49 bits, far beyond the few tries there are at the door.
const RECOVERY_CHARS: usize = 10;
/// A sent code is worth something for this long.
pub const SENT_NS: u64 = 10 * MINUTE_NS;
/// Tries at one sent code: with six digits the chance of a guess stays below 1 in 200,000.
pub const SENT_TRIES: i16 = 5;
/// A code is sent again not sooner than this.
pub const RESEND_NS: u64 = MINUTE_NS;
/// Digits of a sent code.
const SENT_DIGITS: usize = 6;
/// Largest byte that maps evenly onto the letters or digits.
const fn even(of: usize) -> usize {
    256 / of * of
}

/// What a sent code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Shows that the address is the person's.
    ConfirmEmail,
    /// Shows that the number is.
    ConfirmPhone,
    /// A second factor by mail.
    MfaEmail,
    /// A second factor by telephone.
    MfaSms,
    /// A forgotten password, or the first one.
    Password,
    /// Shows that the address that is to come in place of the present one is the person's.
    NewEmail,
}

impl Purpose {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::ConfirmEmail => "confirm_email",
            Purpose::ConfirmPhone => "confirm_phone",
            Purpose::MfaEmail => "mfa_email",
            Purpose::MfaSms => "mfa_sms",
            Purpose::Password => "password",
            Purpose::NewEmail => "new_email",
        }
    }
}

/// A code that was sent, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its digest.
    pub digest: Vec<u8>,
    /// When it was made.
    pub made: Ts,
    /// Tries so far.
    pub tries: i16,
}

/// What becomes of a sent code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// Right: it is used up.
    Right,
    /// Wrong, and counted.
    Wrong,
    /// Too old, or tried too often: a new one is needed.
    Over,
}

/// Judges a code. The digest is bound to the person and the purpose.
pub fn judge(sent: &Sent, digest: &[u8; 32], now: Ts) -> Tried {
    if now.since(sent.made) >= SENT_NS || sent.tries >= SENT_TRIES {
        return Tried::Over;
    }
    match bool::from(sent.digest.as_slice().ct_eq(digest)) {
        true => Tried::Right,
        false => Tried::Wrong,
    }
}

/// Six digits.
pub fn sent_code() -> String {
    drawn(SENT_DIGITS, b"0123456789")
}

/// A set of recovery codes, as they are shown: `ABCDE-FGHJK`.
pub fn recovery_codes() -> Vec<String> {
    (0..RECOVERY_CODES)
        .map(|_| {
            let code = drawn(RECOVERY_CHARS, LETTERS);
            let (front, back) = code.split_at(RECOVERY_CHARS / 2);
            format!("{front}-{back}")
        })
        .collect()
}

/// A recovery code without what people add or leave out in writing.
pub fn recovery_form(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .take(2 * RECOVERY_CHARS)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// 256 random bits as text for addresses and headers.
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

/// The refresh token that follows `text`. It is computed, so whoever comes with one token twice gets the same
/// successor again, and nothing that opens a door has to be stored for that.
pub fn successor(keyring: &Keyring, text: &str) -> String {
    URL_SAFE_NO_PAD.encode(blind(keyring, "refresh_token.next", text))
}

/// What is kept of a code, which is short enough to be tried out by whoever has the table: keyed, and bound to its
/// purpose and person.
pub fn keyed(keyring: &Keyring, context: &str, user: Uuid, code: &str) -> [u8; 32] {
    blind(keyring, context, &format!("{user} {code}"))
}

/// What is kept of a token, which nobody guesses: bound to `context`, so that one is taken for nothing else.
pub fn digest(context: &str, text: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(context.as_bytes());
    hash.update([0u8]);
    hash.update(text.as_bytes());
    hash.finalize().into()
}

fn drawn(count: usize, letters: &[u8]) -> String {
    let mut text = String::with_capacity(count);
    while text.len() < count {
        for byte in random::<16>() {
            let byte = usize::from(byte);
            // The uneven rest would make the first letters more likely.
            if byte < even(letters.len()) && text.len() < count {
                text.push(char::from(letters[byte % letters.len()]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn drawn_codes_have_their_form_and_do_not_repeat() {
        let mut seen = HashSet::new();
        for _ in 0..100 {
            for code in recovery_codes() {
                assert_eq!(code.len(), 11);
                assert_eq!(
                    recovery_form(&code.to_lowercase().replace('-', " ")),
                    code.replace('-', "")
                );
                assert!(seen.insert(code));
            }
            let sent = sent_code();
            assert!(sent.len() == 6 && sent.chars().all(|c| c.is_ascii_digit()));
        }
        assert_eq!(token().len(), 43);
    }

    #[test]
    fn who_has_the_table_cannot_try_codes_out() {
        let (keyring, sari) = (Keyring::generate("k1"), Uuid::from_u128(1));
        let kept = keyed(&keyring, "recovery_codes", sari, "ABCDEFGHJK");
        assert_eq!(kept, keyed(&keyring, "recovery_codes", sari, "ABCDEFGHJK"));
        for other in [
            keyed(
                &Keyring::generate("k1"),
                "recovery_codes",
                sari,
                "ABCDEFGHJK",
            ),
            keyed(&keyring, "sent_codes", sari, "ABCDEFGHJK"),
            keyed(&keyring, "recovery_codes", Uuid::from_u128(2), "ABCDEFGHJK"),
            digest("recovery_codes", &format!("{sari} ABCDEFGHJK")),
        ] {
            assert_ne!(kept, other);
        }
    }

    #[test]
    fn a_token_has_one_successor_that_only_the_keyring_knows() {
        let keyring = Keyring::generate("k1");
        let first = token();
        let next = successor(&keyring, &first);
        assert_eq!(next, successor(&keyring, &first));
        assert_eq!(next.len(), first.len());
        assert_ne!(next, successor(&keyring, &next));
        assert_ne!(next, successor(&Keyring::generate("k1"), &first));
    }

    #[test]
    fn a_sent_code_ends_by_time_and_by_tries() {
        let right = digest("a", "123456");
        let sent = |tries| Sent {
            digest: right.to_vec(),
            made: Ts(0),
            tries,
        };
        assert_eq!(judge(&sent(4), &right, Ts(SENT_NS - 1)), Tried::Right);
        assert_eq!(
            judge(&sent(0), &digest("b", "123456"), Ts(0)),
            Tried::Wrong,
            "of another purpose"
        );
        assert_eq!(judge(&sent(5), &right, Ts(0)), Tried::Over);
        assert_eq!(judge(&sent(0), &right, Ts(SENT_NS)), Tried::Over);
    }
}
