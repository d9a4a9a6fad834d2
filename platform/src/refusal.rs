//! Why a command or a question was refused: a stable number, a name, and what to do.
//!
//! Each engine lists its faults as constants in a `faults` module of its own, in its hundred of numbers
//! (see [`GROUND`] for how), and adds the list to [`all`]. A number is never reused.

use std::fmt;

use crate::db::DbError;

/// What kind of "no" it is; the gateway makes the HTTP status of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nobody is signed in, or a code or password is wrong (401).
    Unauthenticated,
    /// Signed in, and not allowed (403).
    Forbidden,
    /// It does not exist, or not for this person (404).
    NotFound,
    /// It does not fit the state of things (409).
    Conflict,
    /// It changed since it was looked at (412).
    Stale,
    /// A file or text is too large (413).
    TooLarge,
    /// The type of a file is not accepted (415).
    BadType,
    /// A field is missing or wrong (422).
    Invalid,
    /// Locked for a time (423).
    Locked,
    /// Too often (429).
    TooMany,
    /// A part that is needed does not answer (503).
    Unavailable,
}

/// A fault by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// 11000 and up, see `platform/README.md`.
    pub code: u16,
    /// `snake_case`, stable.
    pub name: &'static str,
    /// One sentence for a person.
    pub title: &'static str,
    /// What kind of "no".
    pub kind: Kind,
}

impl Fault {
    /// A fault; written as a constant.
    pub const fn new(code: u16, name: &'static str, title: &'static str, kind: Kind) -> Self {
        Self {
            code,
            name,
            title,
            kind,
        }
    }

    /// A refusal of this fault. `detail` says what happened and what to do, and names no internals.
    pub fn because(self, detail: impl Into<String>) -> Refusal {
        Refusal::Said(Said {
            fault: self,
            detail: detail.into(),
            field: None,
            retry_after_s: None,
        })
    }

    /// A refusal that names the wrong field.
    pub fn field(self, field: impl Into<String>, detail: impl Into<String>) -> Refusal {
        Refusal::Said(Said {
            fault: self,
            detail: detail.into(),
            field: Some(field.into()),
            retry_after_s: None,
        })
    }

    /// A refusal that ends by itself.
    pub fn for_seconds(self, seconds: u32, detail: impl Into<String>) -> Refusal {
        Refusal::Said(Said {
            fault: self,
            detail: detail.into(),
            field: None,
            retry_after_s: Some(seconds),
        })
    }
}

/// Not permitted at all.
pub const FORBIDDEN: Fault =
    Fault::new(11_001, "forbidden", "You may not do this", Kind::Forbidden);
/// No such thing, or none for this person.
pub const NOT_FOUND: Fault = Fault::new(
    11_002,
    "no_such_thing",
    "There is no such thing",
    Kind::NotFound,
);
/// A field is missing or wrong.
pub const INVALID: Fault = Fault::new(
    11_003,
    "invalid",
    "A field is missing or wrong",
    Kind::Invalid,
);
/// The state does not allow it.
pub const CONFLICT: Fault = Fault::new(
    11_004,
    "conflict",
    "It does not fit the state of things",
    Kind::Conflict,
);
/// Somebody else changed it.
pub const STALE: Fault = Fault::new(11_005, "stale", "It changed since you looked", Kind::Stale);
/// The key was used with another request.
pub const KEY_REUSED: Fault = Fault::new(
    11_006,
    "idempotency_key_reused",
    "This Idempotency-Key came with another request",
    Kind::Conflict,
);
/// A limit of a page or a list.
pub const BAD_PAGE: Fault = Fault::new(
    11_007,
    "bad_page",
    "The page is asked for in a wrong way",
    Kind::Invalid,
);
/// Two persons are needed.
pub const FOUR_EYES: Fault = Fault::new(
    11_008,
    "four_eyes",
    "Another person has to do this",
    Kind::Forbidden,
);
/// A second factor is needed.
pub const NEEDS_MFA: Fault = Fault::new(
    11_009,
    "mfa_required",
    "Confirm with a second factor first",
    Kind::Forbidden,
);
/// The subject's key is destroyed.
pub const ERASED: Fault = Fault::new(
    11_010,
    "erased",
    "The person's data were erased",
    Kind::NotFound,
);
/// A legal hold keeps the rows.
pub const HELD: Fault = Fault::new(
    11_011,
    "legal_hold",
    "A legal hold keeps these data",
    Kind::Conflict,
);
/// Personal data cannot be opened or sealed.
pub const SEAL: Fault = Fault::new(
    11_012,
    "seal",
    "Personal data cannot be read now",
    Kind::Unavailable,
);

/// The ground's faults. Engines have 11100 (identity), 11200 (CRM), 11300 (KYC), 11400 (AML).
pub const GROUND: &[Fault] = &[
    FORBIDDEN, NOT_FOUND, INVALID, CONFLICT, STALE, KEY_REUSED, BAD_PAGE, FOUR_EYES, NEEDS_MFA,
    ERASED, HELD, SEAL,
];

/// Every fault of the platform.
pub fn all() -> impl Iterator<Item = Fault> {
    GROUND
        .iter()
        .chain(crate::identity::faults::ALL)
        .chain(crate::crm::faults::ALL)
        .chain(crate::kyc::faults::ALL)
        .chain(crate::aml::faults::ALL)
        .copied()
}

/// A refusal in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which.
    pub fault: Fault,
    /// What happened and what to do.
    pub detail: String,
    /// The field that is wrong.
    pub field: Option<String>,
    /// Seconds after which it may succeed.
    pub retry_after_s: Option<u32>,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.fault.title, self.detail)
    }
}

/// Why nothing was done. A refused command has written nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A rule of the platform.
    #[error("{0}")]
    Said(Said),
    /// The database.
    #[error(transparent)]
    Db(DbError),
}

impl Refusal {
    /// The fault, unless the database is to blame.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Refusal::Said(said) => Some(said.fault),
            Refusal::Db(_) => None,
        }
    }

    /// This refusal, or `otherwise` where the database refused a duplicate of the named constraint or index.
    pub fn on_duplicate(self, constraint: &str, otherwise: impl FnOnce() -> Refusal) -> Refusal {
        match &self {
            Refusal::Db(error) if error.is_duplicate_of(constraint) => otherwise(),
            _ => self,
        }
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Refused(said) => Refusal::Said(*said),
            error => Refusal::Db(error),
        }
    }
}

/// A closure of the database ends with a [`DbError`], and so rolls back.
impl From<Refusal> for DbError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Said(said) => DbError::Refused(Box::new(said)),
            Refusal::Db(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_in_range() {
        let (mut codes, mut names) = (BTreeSet::new(), BTreeSet::new());
        for fault in all() {
            assert!((11_000..12_000).contains(&fault.code), "{}", fault.code);
            assert!(codes.insert(fault.code), "{} twice", fault.code);
            assert!(names.insert(fault.name), "{} twice", fault.name);
        }
    }

    #[test]
    fn a_refusal_comes_through_the_database_as_it_was() {
        let refusal = CONFLICT.field("stage", "the lead is closed");
        let back = Refusal::from(DbError::from(refusal));
        assert!(matches!(back, Refusal::Said(said)
            if said.fault == CONFLICT && said.field.as_deref() == Some("stage") && said.detail == "the lead is closed"));
    }
}
