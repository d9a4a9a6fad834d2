use jiff::civil::Date;
use uuid::Uuid;

use super::document::Kind;
use super::rows;
use crate::crypto::Keyring;
use crate::db::Tx;
use crate::refusal::{ERASED, Refusal};
use crate::unit;

/// What the documents of a client say of them.
#[derive(Clone, Default)]
pub struct Known {
    /// Names, as each document writes them.
    pub names: Vec<String>,
    /// Birth date.
    pub birth: Option<Date>,
    /// Nationalities in three letters.
    pub nationalities: Vec<String>,
}

/// What was read on the documents of the running attempt; nothing when none were handed in. As the system.
///
/// # Errors
/// The database, or a reading that does not open.
pub fn known(tx: &mut Tx<'_>, keyring: &Keyring, user: Uuid) -> Result<Known, Refusal> {
    let mut known = Known::default();
    let Some(case) = rows::case_of(tx, user)? else {
        return Ok(known);
    };
    let key = match unit::statutory_key(tx, keyring, user) {
        Ok(Some(key)) => key,
        Ok(None) => return Ok(known),
        Err(refusal) if refusal.fault() == Some(ERASED) => return Ok(known),
        Err(refusal) => return Err(refusal),
    };
    for document in rows::current(tx, case.id, case.standing.attempt)? {
        let fields = document.fields(&key)?;
        known.birth = known.birth.or(fields.birth());
        let foreign = fields.is_foreign();
        known.names.extend(fields.nama);
        // The card of a citizen does not always say so; a foreigner's says of where.
        let nationality = if document.kind == Kind::Ktp && !foreign {
            Some("IDN".to_owned())
        } else {
            fields.kewarganegaraan
        };
        known.nationalities.extend(nationality);
    }
    Ok(known)
}
