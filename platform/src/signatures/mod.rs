//! How others sign what they send: a keyed hash over the raw body, a header with an instant ([`stamped`]), a digest over
//! joined parts, the start data of a mini app ([`init_data`]). Pure functions of bytes; whatever is secret is compared in
//! the same time wherever it differs.

pub mod init_data;
pub mod stamped;

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;

use crate::aml::lists::entry::hex;

/// A hash, plain or under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// Old senders and every authenticator app; safe under a key alone.
    Sha1,
    /// What most send.
    Sha256,
    /// The longest.
    Sha512,
}

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Lower-case hexadecimal digits.
    Hex,
    /// Base64 with padding (RFC 4648 section 4).
    Base64,
}

impl Encoding {
    fn text(self, bytes: &[u8]) -> String {
        match self {
            Encoding::Hex => hex(bytes),
            Encoding::Base64 => STANDARD.encode(bytes),
        }
    }
}

/// HMAC (RFC 2104) of `data`. Keys of every length are taken.
pub fn mac(hash: Hash, key: &[u8], data: &[u8]) -> Vec<u8> {
    let algorithm = match hash {
        Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha512 => hmac::HMAC_SHA512,
    };
    hmac::sign(&hmac::Key::new(algorithm, key), data)
        .as_ref()
        .to_vec()
}

/// The header value over a raw body: `prefix` and the signature (`X-Hub-Signature-256: sha256=…`).
pub fn header(hash: Hash, key: &[u8], encoding: Encoding, prefix: &str, body: &[u8]) -> String {
    format!("{prefix}{}", encoding.text(&mac(hash, key, body)))
}

/// Whether `presented` is the header value over a raw body: all of it, `prefix` included.
pub fn header_fits(
    hash: Hash,
    key: &[u8],
    encoding: Encoding,
    prefix: &str,
    body: &[u8],
    presented: &str,
) -> bool {
    same(&header(hash, key, encoding, prefix, body), presented)
}

/// The digest over parts that are joined with nothing between them, as payment providers sign their notifications: the
/// shared key is one of the parts, amounts are the text that was received. In hexadecimal digits.
pub fn digest_of(hash: Hash, parts: &[&str]) -> String {
    let algorithm = match hash {
        Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &digest::SHA256,
        Hash::Sha512 => &digest::SHA512,
    };
    hex(digest::digest(algorithm, parts.concat().as_bytes()).as_ref())
}

/// Whether two texts are one, in the same time wherever they differ; their lengths are no secret.
fn same(expected: &str, presented: &str) -> bool {
    expected.as_bytes().ct_eq(presented.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_and_bodies_have_their_signatures() {
        // RFC 2202 and RFC 4231, test case 2.
        let (key, body) = (
            b"Jefe".as_slice(),
            b"what do ya want for nothing?".as_slice(),
        );
        assert_eq!(
            header(Hash::Sha1, key, Encoding::Hex, "", body),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
        let right = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(
            header(Hash::Sha256, key, Encoding::Hex, "sha256=", body),
            right
        );
        assert_eq!(
            header(Hash::Sha256, key, Encoding::Base64, "", body),
            "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
        );
        assert_eq!(
            digest_of(Hash::Sha1, &["a", "", "bc"]),
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "FIPS 180: abc"
        );
    }

    #[test]
    fn a_header_is_compared_whole() {
        let fits = |presented: &str| {
            header_fits(
                Hash::Sha256,
                b"key",
                Encoding::Hex,
                "sha256=",
                b"body",
                presented,
            )
        };
        let right = header(Hash::Sha256, b"key", Encoding::Hex, "sha256=", b"body");
        assert!(fits(&right));
        for at in 0..right.len() {
            assert!(!fits(&right[..at]), "cut at {at}");
            let mut changed = right.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert!(!fits(&String::from_utf8(changed).expect("ASCII")), "{at}");
        }
        assert!(!fits(&format!("{right}0")));
        assert!(!fits(&right.to_uppercase()));
    }
}
