use std::panic::{AssertUnwindSafe, catch_unwind};

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::{AssertSqlSafe, Decode, Executor as _, FromRow, Postgres, Type};

use super::Actor;
use super::error::DbError;
use super::seat::Seat;

/// Arguments of a statement, as `sqlx::query` makes them.
type Arguments = <Postgres as sqlx::Database>::Arguments;

/// An open transaction. Every call waits for its answer; there is nothing to await.
pub struct Tx<'a> {
    connection: &'a mut PgConnection,
    seat: Seat<'a>,
}

impl Tx<'_> {
    /// Runs one statement; returns the rows it changed.
    ///
    /// # Errors
    /// PostgreSQL's refusal, a timeout, or a lost connection.
    pub fn execute<'q>(&mut self, query: Query<'q, Postgres, Arguments>) -> Result<u64, DbError> {
        let done = self.seat.wait(self.connection.execute(query))?;
        Ok(done.rows_affected())
    }

    /// All rows of a statement. The statement itself bounds them (`LIMIT`).
    ///
    /// # Errors
    /// As [`Tx::execute`], or that a row does not fit `T`.
    pub fn all<'q, T>(
        &mut self,
        query: QueryAs<'q, Postgres, T, Arguments>,
    ) -> Result<Vec<T>, DbError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        Ok(self.seat.wait(query.fetch_all(&mut *self.connection))?)
    }

    /// The row of a statement, if there is one.
    ///
    /// # Errors
    /// As [`Tx::all`].
    pub fn optional<'q, T>(
        &mut self,
        query: QueryAs<'q, Postgres, T, Arguments>,
    ) -> Result<Option<T>, DbError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        Ok(self
            .seat
            .wait(query.fetch_optional(&mut *self.connection))?)
    }

    /// The one row of a statement.
    ///
    /// # Errors
    /// As [`Tx::all`], or that there is no row.
    pub fn one<'q, T>(&mut self, query: QueryAs<'q, Postgres, T, Arguments>) -> Result<T, DbError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        Ok(self.seat.wait(query.fetch_one(&mut *self.connection))?)
    }

    /// The first column of the one row.
    ///
    /// # Errors
    /// As [`Tx::one`].
    pub fn scalar<'q, T>(
        &mut self,
        query: QueryScalar<'q, Postgres, T, Arguments>,
    ) -> Result<T, DbError>
    where
        T: for<'r> Decode<'r, Postgres> + Type<Postgres> + Send + Unpin,
    {
        Ok(self.seat.wait(query.fetch_one(&mut *self.connection))?)
    }

    /// Streams `rows` (PostgreSQL's text format) through `COPY … FROM STDIN`; returns the rows stored.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub fn copy_in(&mut self, statement: &'static str, rows: &[u8]) -> Result<u64, DbError> {
        let connection = &mut *self.connection;
        let stored = self.seat.wait(async move {
            let mut copy = connection.copy_in_raw(statement).await?;
            copy.send(rows).await?;
            copy.finish().await
        })?;
        Ok(stored)
    }

    /// Runs a script of statements without parameters: a migration, or text this program composed
    /// from its own tables. Never from input.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub fn script(&mut self, sql: String) -> Result<(), DbError> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql));
        self.seat.wait(self.connection.execute(script))?;
        Ok(())
    }

    /// Ends the transaction, runs one statement, and begins another transaction for what is left to do.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub(super) fn outside(&mut self, statement: &'static str) -> Result<(), DbError> {
        for sql in ["COMMIT", statement, "BEGIN"] {
            self.seat
                .wait(self.connection.execute(sqlx::raw_sql(sql)))?;
        }
        Ok(())
    }

    /// Starts a query whose text names tables this program found in its own schema. Never from input.
    pub fn composed(sql: String) -> Query<'static, Postgres, Arguments> {
        sqlx::query(AssertSqlSafe(sql))
    }

    /// As [`Tx::composed`], for one value per row.
    pub fn composed_scalar<T>(sql: String) -> QueryScalar<'static, Postgres, T, Arguments>
    where
        T: Send + Unpin,
        (T,): for<'r> FromRow<'r, PgRow>,
    {
        sqlx::query_scalar(AssertSqlSafe(sql))
    }

    /// Runs `work` so that its refusal undoes only what it did.
    ///
    /// # Errors
    /// What `work` returned, or a lost connection.
    pub fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, DbError>,
    ) -> Result<Result<T, DbError>, DbError> {
        self.execute(sqlx::query("SAVEPOINT attempt"))?;
        let outcome = work(self);
        match &outcome {
            Ok(_) => self.execute(sqlx::query("RELEASE SAVEPOINT attempt"))?,
            Err(error) if error.broke_connection() => return outcome.map(Ok),
            Err(_) => self.execute(sqlx::query("ROLLBACK TO SAVEPOINT attempt"))?,
        };
        Ok(outcome)
    }
}

/// How a transaction begins.
pub(super) struct Start {
    sql: String,
}

impl Start {
    pub(super) fn read(actor: &Actor, timeout_ms: u32) -> Self {
        Self::acting("BEGIN READ ONLY", actor, timeout_ms)
    }

    pub(super) fn write(actor: &Actor, timeout_ms: u32) -> Self {
        Self::acting("BEGIN", actor, timeout_ms)
    }

    pub(super) fn owner() -> Self {
        Self {
            sql: "BEGIN; SET LOCAL statement_timeout = 0; SELECT set_config('app.current_user_id', 'system', true)".into(),
        }
    }

    /// An actor's id holds no character that would need quoting, so one round trip does it all. Policies of rows make statements look
    /// costly to the planner, and the server would compile for a tenth of a second what runs in some milliseconds.
    fn acting(begin: &str, actor: &Actor, timeout_ms: u32) -> Self {
        let (id, role) = (actor.id(), actor.role());
        Self {
            sql: format!(
                "{begin}; SET LOCAL ROLE {role}; SET LOCAL jit = off; SET LOCAL statement_timeout = {timeout_ms}; \
                 SELECT set_config('app.current_user_id', '{id}', true)"
            ),
        }
    }
}

/// One whole transaction on a connection; the second value says whether the connection is still good.
pub(super) fn transact<T>(
    connection: &mut PgConnection,
    seat: Seat<'_>,
    start: Start,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, DbError>,
) -> (Result<T, DbError>, bool) {
    if let Err(error) = seat.wait(connection.execute(sqlx::raw_sql(AssertSqlSafe(start.sql)))) {
        // The batch may have stopped half way, inside a transaction.
        return (Err(error.into()), false);
    }
    let mut tx = Tx { connection, seat };
    let outcome =
        catch_unwind(AssertUnwindSafe(|| work(&mut tx))).unwrap_or(Err(DbError::Panicked));
    let end = if outcome.is_ok() {
        "COMMIT"
    } else {
        "ROLLBACK"
    };
    if matches!(&outcome, Err(error) if error.broke_connection()) {
        return (outcome, false);
    }
    match seat.wait(connection.execute(sqlx::raw_sql(end))) {
        Ok(_) => (outcome, true),
        Err(error) => (outcome.and(Err(error.into())), false),
    }
}
