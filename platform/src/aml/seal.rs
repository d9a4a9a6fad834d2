//! Sealed columns of this engine: all under the key that the law's term keeps.

use uuid::Uuid;

use crate::crypto::{Keyring, Sealed, SubjectKey};
use crate::db::Tx;
use crate::refusal::{Refusal, SEAL};
use crate::unit::{Unit, statutory_key};

/// Reasons of moves, decisions and exceptions.
pub const REASON: &str = "aml.reason";
/// Notes.
pub const NOTE: &str = "aml_notes.text";
/// Narratives of reports.
pub const NARRATIVE: &str = "aml_reports.narrative";
/// The listed name that a client is near to.
pub const HIT_NAME: &str = "aml_hits.name";
/// What was written beside a movement of money.
pub const CASH_NOTE: &str = "cash_requests.note";
/// Whose money it is.
pub const PAYER: &str = "cash_requests.payer";

/// Seals a text about a person.
pub fn seal(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    field: &str,
    text: &str,
) -> Result<Sealed, Refusal> {
    Ok(unit.statutory_key(user)?.seal(field, text))
}

/// Opens one; empty where nothing is stored or the key's term is over.
pub fn open(
    key: Option<&SubjectKey>,
    field: &str,
    sealed: Option<Vec<u8>>,
) -> Result<String, Refusal> {
    let Some((key, bytes)) = key.zip(sealed) else {
        return Ok(String::new());
    };
    key.open(field, &Sealed::from_bytes(bytes))
        .map_err(|error| {
            tracing::error!("{field}: {error}");
            SEAL.because("tell the desk; what was written about the person does not open")
        })
}

/// The key of a person, or nothing after its term.
pub fn key_of(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    user: Uuid,
) -> Result<Option<SubjectKey>, Refusal> {
    match statutory_key(tx, keyring, user) {
        Err(refusal) if refusal.fault() == Some(crate::refusal::ERASED) => Ok(None),
        other => other,
    }
}
