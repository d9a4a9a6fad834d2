//! Personal data at rest: each field sealed with AES-256-GCM under a data key of its subject, the data
//! key wrapped under a key-encryption key of the [`Keyring`]. Destroying a subject's data key makes
//! everything sealed under it unreadable wherever a copy is (crypto-shredding).
//!
//! All cryptography is `aws-lc-rs`: one library for this and for the signing of tokens.

mod blind;
mod keyring;
mod mask;
mod sealed;
mod subject;
mod transit;

pub use blind::{BlindIndex, blind, grams};
pub use keyring::{KeyService, Keyring, KeyringError, Origin, ROTATE_DAYS};
pub use mask::{mask_email, mask_name, mask_number};
pub use sealed::{SealError, Sealed, Sealer};
pub use subject::{SubjectKey, Wrapped};
pub use transit::{Transit, TransitFault};

/// `N` random bytes.
///
/// # Panics
/// When the operating system has none: nothing safe can follow.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
