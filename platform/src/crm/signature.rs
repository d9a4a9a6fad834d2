//! The signature of a hook: HMAC-SHA-256 over the instant and the raw body, looked at before anything else is done.

use crate::refusal::Refusal;
use crate::signatures::stamped::{self, Stamped};

use super::faults::BAD_SIGNATURE;

/// Oldest and most future signature, seconds: what clocks may differ and a network may wait.
pub const TOLERANCE_S: u64 = 300;

/// Longest header, bytes: an instant and two signatures have less.
const HEADER_MAX: usize = 512;

/// The scheme of our signatures in a header.
const SCHEME: &str = "v1";

/// Signs a body as a sender does: `t=<seconds>,v1=<hex>`.
pub fn sign(secret: &[u8], seconds: u64, body: &[u8]) -> String {
    stamped::sign(SCHEME, secret, seconds, body)
}

/// What everybody is told who does not know the secret of a source, also of one that does not exist.
pub(super) fn wrong() -> Refusal {
    BAD_SIGNATURE
        .because("send X-Siaga-Signature: t=<unix seconds>,v1=<hex HMAC-SHA-256 of t.body>")
}

/// Checks the header of a hook against its raw body; several `v1` are tried, so that a sender may change its secret. Only who knows
/// the secret hears of the clock: other words would tell a stranger that the source exists.
///
/// # Errors
/// [`BAD_SIGNATURE`], with the same words whatever is wrong but the clock.
pub fn check(secret: &[u8], header: &str, body: &[u8], now_seconds: u64) -> Result<(), Refusal> {
    if header.len() > HEADER_MAX {
        return Err(wrong());
    }
    let stamped = Stamped::of(header).ok_or_else(wrong)?;
    if !stamped.fits(SCHEME, secret, body) {
        return Err(wrong());
    }
    if now_seconds.abs_diff(stamped.seconds) > TOLERANCE_S {
        return Err(BAD_SIGNATURE.because(format!(
            "the signature is more than {TOLERANCE_S} s from our clock; sign it again"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"whsec_contoh";
    const BODY: &[u8] = br#"{"phone":"081234567842"}"#;

    #[test]
    fn a_signed_body_passes_within_five_minutes() {
        let header = sign(SECRET, 1_000_000, BODY);
        for now in [1_000_000 - TOLERANCE_S, 1_000_000, 1_000_000 + TOLERANCE_S] {
            assert!(check(SECRET, &header, BODY, now).is_ok(), "{now}");
        }
        for now in [1_000_000 - TOLERANCE_S - 1, 1_000_000 + TOLERANCE_S + 1, 0] {
            assert_eq!(
                check(SECRET, &header, BODY, now).expect_err("late").fault(),
                Some(BAD_SIGNATURE)
            );
        }
    }

    #[test]
    fn only_who_knows_the_secret_hears_of_the_clock() {
        let said = |header: &str, now: u64| {
            let refused = check(SECRET, header, BODY, now).expect_err("refused");
            refused.to_string()
        };
        let late = 1_000_000 + TOLERANCE_S + 1;
        let forged = sign(b"another", 1_000_000, BODY);
        assert_eq!(said(&forged, late), wrong().to_string());
        assert_eq!(said(&forged, 1_000_000), wrong().to_string());
        assert_ne!(
            said(&sign(SECRET, 1_000_000, BODY), late),
            wrong().to_string()
        );
    }

    #[test]
    fn every_changed_byte_of_body_and_header_is_seen() {
        let header = sign(SECRET, 1_000_000, BODY);
        for at in 0..BODY.len() {
            let mut changed = BODY.to_vec();
            changed[at] ^= 1;
            assert!(
                check(SECRET, &header, &changed, 1_000_000).is_err(),
                "byte {at}"
            );
        }
        for at in 0..header.len() {
            let mut changed = header.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(
                check(SECRET, &changed, BODY, 1_000_000).is_err(),
                "{changed}"
            );
        }
        assert!(check(b"another", &header, BODY, 1_000_000).is_err());
        for bad in ["", "t=1000000", "v1=00", "t=x,v1=00", &"t".repeat(600)] {
            assert!(check(SECRET, bad, BODY, 1_000_000).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_sender_may_sign_with_the_old_and_the_new_secret() {
        let old = sign(b"old", 1_000_000, BODY);
        let new = sign(SECRET, 1_000_000, BODY);
        let both = format!("{old},{}", new.split_once(',').expect("two parts").1);
        assert!(check(SECRET, &both, BODY, 1_000_000).is_ok());
    }
}
