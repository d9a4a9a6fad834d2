use super::QUEUE_MAX;
use crate::refusal::Said;

/// SQLSTATE of a statement that ran into its timeout or was cancelled.
const QUERY_CANCELED: &str = "57014";

/// Where SQLSTATEs of what passes begin: no room, memory or connection (53), a disk that fails (58), and a transaction that
/// lost against another one.
const PASSING: [&str; 4] = ["53", "58", "40001", "40P01"];

/// SQLSTATE of a full disk.
const DISK_FULL: &str = "53100";

/// SQLSTATE of a second row where one is allowed.
const UNIQUE_VIOLATION: &str = "23505";

/// SQLSTATEs of values that no column takes and no check before foresaw: a NUL in a text, one in JSON, a number or an instant
/// beyond its type, a key of a row that is not there.
const OF_INPUT: [&str; 5] = ["22021", "22P05", "22003", "22008", "23503"];

/// Why a transaction did not happen. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The queue is full; the caller answers 503.
    #[error("the database is busy: {QUEUE_MAX} transactions wait already; try again in a moment")]
    Busy,
    /// The statement timeout ended it.
    #[error(
        "the database did not answer within the statement timeout; narrow the request or try again"
    )]
    Timeout,
    /// [`super::Db::close`] was called.
    #[error("the database is closed: the program is stopping")]
    Closed,
    /// No connection.
    #[error(
        "the database cannot be reached: {0}; check that it runs and that [store] url is right"
    )]
    Unavailable(String),
    /// The URL is none.
    #[error(
        "the database URL is not understood: {0}; it looks like postgres://user@host:5432/siaga"
    )]
    BadUrl(String),
    /// A report that cannot be cut into slices.
    #[error(
        "{0} needs a PostgreSQL server: the embedded database cannot run long statements; set [store] url"
    )]
    NeedsServer(&'static str),
    /// Stored data that this program did not write or does not understand.
    #[error("{0}")]
    Unexpected(String),
    /// A bug in the work itself.
    #[error("a transaction panicked and was rolled back; its cause is in the log")]
    Panicked,
    /// A rule of the platform said no, and the transaction was rolled back.
    #[error("{0}")]
    Refused(Box<Said>),
    /// PostgreSQL refused a statement.
    #[error("the database refused a statement: {0}")]
    Sql(sqlx::Error),
}

impl DbError {
    /// True when the same call may succeed a moment later, or once there is room on the disk.
    pub fn may_retry(&self) -> bool {
        let gone = matches!(
            self,
            DbError::Busy | DbError::Timeout | DbError::Unavailable(_)
        );
        gone || self.sqlstate().is_some_and(|state| passes(&state))
    }

    /// True when PostgreSQL found no room on its disk.
    pub fn is_disk_full(&self) -> bool {
        self.sqlstate().as_deref() == Some(DISK_FULL)
    }

    /// True when it is worth a word to people: a full queue or a slow statement is over before they have read it.
    pub fn lasts(&self) -> bool {
        !matches!(self, DbError::Busy | DbError::Timeout)
    }

    /// SQLSTATE of a refused statement, e.g. `23505` for a duplicate.
    pub fn sqlstate(&self) -> Option<String> {
        match self {
            DbError::Sql(sqlx::Error::Database(error)) => {
                error.code().map(|code| code.into_owned())
            }
            _ => None,
        }
    }

    /// True when PostgreSQL refused a value, and not the statement: whoever sent it has to send another.
    pub fn is_of_input(&self) -> bool {
        self.sqlstate()
            .is_some_and(|state| OF_INPUT.contains(&state.as_str()))
    }

    /// True when a unique constraint or index of that name refused a second row.
    pub fn is_duplicate_of(&self, constraint: &str) -> bool {
        match self {
            DbError::Sql(sqlx::Error::Database(error)) => {
                error.code().as_deref() == Some(UNIQUE_VIOLATION)
                    && error.constraint() == Some(constraint)
            }
            _ => false,
        }
    }

    /// True when the connection is of no further use.
    pub(super) fn broke_connection(&self) -> bool {
        matches!(self, DbError::Unavailable(_) | DbError::Panicked)
    }
}

fn passes(state: &str) -> bool {
    PASSING.iter().any(|start| state.starts_with(start))
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => DbError::Busy,
            sqlx::Error::PoolClosed => DbError::Closed,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => DbError::Unavailable(error.to_string()),
            sqlx::Error::Database(database) => match database.code().as_deref() {
                Some(QUERY_CANCELED) => DbError::Timeout,
                // Class 57: the server ends sessions; class 08: the connection failed.
                Some(code) if code.starts_with("57P") || code.starts_with("08") => {
                    DbError::Unavailable(error.to_string())
                }
                _ => DbError::Sql(error),
            },
            _ => DbError::Sql(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again_and_what_is_wrong_is_not() {
        for state in ["53100", "53200", "58030", "40001", "40P01"] {
            assert!(passes(state), "{state}");
        }
        for state in ["23505", "22021", "25P02", "40002", "42P01", "XX000"] {
            assert!(!passes(state), "{state}");
        }
        let gone = DbError::Unavailable("connection refused".into());
        assert!(gone.may_retry() && gone.lasts());
        assert!(DbError::Busy.may_retry() && !DbError::Busy.lasts());
        assert!(!DbError::Closed.may_retry() && !DbError::Closed.is_disk_full());
    }
}
