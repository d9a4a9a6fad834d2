//! A person's data: all of them as JSON, and their end.
//!
//! An erasure visits every store, writes what it did in each into a ledger, and destroys the person's
//! key last, so that copies which nobody can reach (dumps, the audit log, files) are unreadable too.
//! What the law says to keep is sealed under the statutory key, which stays until no store needs it.

mod documents;
mod ground;
mod lists;
mod notes;
mod request;
mod run;
mod told;

use serde_json::Value;
use uuid::Uuid;

use crate::crypto::SubjectKey;
use crate::db::Tx;
use crate::refusal::Refusal;
use crate::unit::Unit;

pub use ground::ground;
pub use request::{
    DAYS_MAX, Kind, Request, SUBJECT_READ, Status, list, may, of_subject, request, request_once,
};
pub use run::{erase, erase_due, export, ledger};

/// What may be done with requests of subjects.
pub const PERMISSIONS: &[crate::people::Permission] = &[SUBJECT_READ, request::SUBJECT_REQUEST];

/// What was done in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Rows or files are gone.
    Deleted,
    /// Rows stay and name nobody.
    Anonymised,
    /// It holds ciphertext alone, and the key is destroyed.
    KeyDestroyed,
    /// A law says to keep it; sealed under the statutory key.
    KeptByLaw,
    /// There was nothing.
    NothingFound,
}

impl Done {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Done::Deleted => "deleted",
            Done::Anonymised => "anonymised",
            Done::KeyDestroyed => "key_destroyed",
            Done::KeptByLaw => "kept_by_law",
            Done::NothingFound => "nothing_found",
        }
    }
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// What.
    pub done: Done,
    /// Rows or files.
    pub items: u64,
    /// Which law, or what else there is to say.
    pub reason: Option<String>,
}

impl Erased {
    /// So many rows; none at all is nothing found.
    pub fn rows(done: Done, items: u64) -> Self {
        Self {
            done: if items == 0 { Done::NothingFound } else { done },
            items,
            reason: None,
        }
    }

    /// Kept, and by which law.
    pub fn kept(items: u64, law: &str) -> Self {
        Self {
            reason: Some(law.to_owned()),
            ..Self::rows(Done::KeptByLaw, items)
        }
    }
}

/// The keys an export opens a person's data with.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// `None` when nothing was ever sealed under it.
    pub personal: Option<SubjectKey>,
    /// The same of what the law says to keep.
    pub statutory: Option<SubjectKey>,
}

/// A long list of a store: an export reads it by pages, each in a transaction of its own, and nobody waits for their place meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// Its name in what the store exports.
    pub name: &'static str,
    /// What it is read by: of a person (`$1`) the next account behind this one (`$2`).
    pub accounts: &'static str,
    /// One page, newest first: of an account (`$1`), what comes behind two keys (`$2`, `$3`), so many rows (`$4`). Each with its keys.
    pub page: &'static str,
    /// Rows of one person that are given. Where there are more the export says so.
    pub rows_max: usize,
}

/// A place with data of persons. Every engine names its own.
pub trait Store: Send + Sync + 'static {
    /// Its name in the ledger and the export.
    fn name(&self) -> &'static str;

    /// Ends what it holds of `subject`, as the system. Files are left to an event of the unit. It is asked twice: once more behind
    /// the end of the key, for what was written meanwhile.
    ///
    /// # Errors
    /// A refusal stops the whole erasure, which stays open: an account with positions, a case under way.
    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal>;

    /// All it holds of `subject` that the person may be told, opened; `Null` when nothing.
    ///
    /// # Errors
    /// The database, or a value that does not open.
    fn export(&self, tx: &mut Tx<'_>, keys: &Keys, subject: Uuid) -> Result<Value, Refusal>;

    /// What it exports beside that, into the same object, because it is long.
    fn lists(&self) -> &'static [List] {
        &[]
    }
}
