//! Headers `t=<unix seconds>,<scheme>=<hex>,…`: HMAC-SHA-256 over `t.body`. Several signatures may stand in one header, so
//! that a sender may change its secret, and others of schemes that are not ours.

use aws_lc_rs::hmac;

use crate::aml::lists::entry::hex;

/// Bytes of HMAC-SHA-256.
const TAG_BYTES: usize = 32;

/// Why a header is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StampFault {
    /// No instant stands in it.
    #[error("the header has no t=<unix seconds>")]
    Malformed,
    /// No signature of the scheme fits.
    #[error("no signature of the scheme fits")]
    Mismatch,
    /// Older than the tolerance.
    #[error("the signature is older than the tolerance")]
    TooOld,
}

/// A header taken apart, nothing of it believed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped<'a> {
    header: &'a str,
    /// The instant as it stands there, which is what was signed.
    stamp: &'a str,
    /// The instant, Unix seconds.
    pub seconds: u64,
}

impl<'a> Stamped<'a> {
    /// Takes a header apart; `None` when no instant stands in it.
    pub fn of(header: &'a str) -> Option<Self> {
        let (_, stamp) = pairs(header).find(|(name, _)| *name == "t")?;
        // A number that is read may have a sign.
        let digits = stamp.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = stamp.parse::<u64>().ok().filter(|_| digits)?;
        Some(Self {
            header,
            stamp,
            seconds,
        })
    }

    /// Whether one of the header's signatures of `scheme` is over its instant and this body.
    pub fn fits(&self, scheme: &str, secret: &[u8], body: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let data = signed(self.stamp, body);
        pairs(self.header)
            .filter(|(name, _)| *name == scheme)
            .filter_map(|(_, digits)| tag(digits))
            // Compares in constant time.
            .any(|tag| hmac::verify(&key, &data, &tag).is_ok())
    }
}

/// Signs a body as a sender does.
pub fn sign(scheme: &str, secret: &[u8], seconds: u64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, &signed(&seconds.to_string(), body));
    format!("t={seconds},{scheme}={}", hex(tag.as_ref()))
}

/// Believes a header over a raw body or says why not. An age of `tolerance_s` is still taken; an instant ahead of `now_s`
/// has none.
///
/// # Errors
/// [`StampFault`].
pub fn verify(
    scheme: &str,
    secret: &[u8],
    header: &str,
    body: &[u8],
    now_s: u64,
    tolerance_s: u64,
) -> Result<(), StampFault> {
    let stamped = Stamped::of(header).ok_or(StampFault::Malformed)?;
    if !stamped.fits(scheme, secret, body) {
        return Err(StampFault::Mismatch);
    }
    if now_s.saturating_sub(stamped.seconds) > tolerance_s {
        return Err(StampFault::TooOld);
    }
    Ok(())
}

fn pairs(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
}

fn signed(stamp: &str, body: &[u8]) -> Vec<u8> {
    let mut data = format!("{stamp}.").into_bytes();
    data.extend_from_slice(body);
    data
}

fn tag(text: &str) -> Option<[u8; TAG_BYTES]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * TAG_BYTES {
        return None;
    }
    let mut tag = [0; TAG_BYTES];
    for (byte, pair) in tag.iter_mut().zip(digits.chunks(2)) {
        for digit in pair {
            let value = char::from(*digit).to_digit(16)?;
            *byte = (*byte << 4) | u8::try_from(value).ok()?;
        }
    }
    Some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"secret";
    const AT: u64 = 1_533_204_620;

    fn judged(header: &str, now_s: u64) -> Result<(), StampFault> {
        verify("v1", SECRET, header, b"{}", now_s, 300)
    }

    #[test]
    fn an_age_is_taken_up_to_the_tolerance() {
        let header = sign("v1", SECRET, AT, b"{}");
        for now in [AT - 1_000, AT, AT + 300] {
            assert_eq!(judged(&header, now), Ok(()), "{now}");
        }
        assert_eq!(judged(&header, AT + 301), Err(StampFault::TooOld));
    }

    #[test]
    fn one_signature_of_the_scheme_is_enough_and_others_are_passed_over() {
        let right = sign("v1", SECRET, AT, b"{}");
        let (stamp, tag) = right.split_once(',').expect("two parts");
        let old = sign("v1", b"old", AT, b"{}");
        assert_eq!(judged(&format!("{old},{tag}"), AT), Ok(()));
        assert_eq!(judged(&format!("{tag}, {stamp}, v0=aaaa"), AT), Ok(()));
        assert_eq!(judged(&old, AT), Err(StampFault::Mismatch));
        let other = sign("v0", SECRET, AT, b"{}");
        assert_eq!(judged(&other, AT), Err(StampFault::Mismatch));
        let cut = &right[..right.len() - 2];
        assert_eq!(judged(cut, AT), Err(StampFault::Mismatch));
        assert_eq!(judged(stamp, AT), Err(StampFault::Mismatch));
    }

    #[test]
    fn a_header_without_an_instant_has_another_form() {
        let right = sign("v1", SECRET, AT, b"{}");
        let (_, tag) = right.split_once(',').expect("two parts");
        for header in [
            "",
            "t",
            "t=",
            "t=x",
            "t=-1",
            "t=+1",
            "t=99999999999999999999",
            tag,
        ] {
            assert_eq!(judged(header, AT), Err(StampFault::Malformed), "{header}");
        }
    }
}
