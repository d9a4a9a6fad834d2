//! Addresses and numbers of people who sign in, in the one form of [`crate::address`].

use super::faults::{EMAIL_REFUSED, PHONE_REFUSED};
use crate::refusal::Refusal;

/// The canonical address.
///
/// # Errors
/// [`EMAIL_REFUSED`] with the field `email`.
pub fn email(text: &str) -> Result<String, Refusal> {
    crate::address::email(text).map_err(|why| EMAIL_REFUSED.field("email", why))
}

/// The number in E.164 form.
///
/// # Errors
/// [`PHONE_REFUSED`] with the field `phone`.
pub fn phone(text: &str) -> Result<String, Refusal> {
    crate::address::phone(text).map_err(|why| PHONE_REFUSED.field("phone", why))
}
