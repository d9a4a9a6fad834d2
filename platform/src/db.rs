//! The one door to PostgreSQL: every statement of the program runs inside [`Db::read`] or [`Db::write`].
//!
//! A closure is given a transaction and cannot await anything, so a transaction never spans other
//! IO. Behind the door stands a server with a pool, or one connection owned by one worker (the
//! embedded database has a single backend). Every transaction acts as the role `siaga_app` for a
//! named [`Actor`], and row-level security decides what it sees.

mod actor;
mod error;
mod listen;
mod pool;
mod seat;
mod tx;
mod worker;

use std::sync::Arc;

pub use actor::{Actor, BadActor};
pub use error::DbError;
pub use listen::Listener;
pub use pool::PoolOptions;
pub use tx::Tx;
pub use worker::Connector;

use pool::ServerPool;
use tx::Start;
use worker::Worker;

/// Most transactions that wait for their turn, per lane: at 1 ms each the last one has waited as
/// long as a caller is patient.
pub const QUEUE_MAX: usize = 1_000;

/// Longest statement of a request somebody waits for (servers only), milliseconds.
pub const INTERACTIVE_TIMEOUT_MS: u32 = 2_000;

/// Longest statement of a background job (servers only), milliseconds.
pub const BACKGROUND_TIMEOUT_MS: u32 = 30_000;

/// Who waits for the answer, which decides the order of work and the statement timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// A person or a program waits.
    Interactive,
    /// Consumers, dumps, reports: they run in slices when nobody waits.
    Background,
}

impl Lane {
    fn timeout_ms(self) -> u32 {
        match self {
            Lane::Interactive => INTERACTIVE_TIMEOUT_MS,
            Lane::Background => BACKGROUND_TIMEOUT_MS,
        }
    }
}

/// A handle to the database; cloning is cheap.
#[derive(Clone)]
pub struct Db {
    backend: Backend,
    lane: Lane,
}

#[derive(Clone)]
enum Backend {
    Server(Arc<ServerPool>),
    Single(Arc<Worker>),
}

impl Db {
    /// A PostgreSQL server by URL. Connections open on demand, so this cannot fail for a server that is down.
    ///
    /// # Errors
    /// [`DbError::BadUrl`] when the URL is none.
    pub fn server(options: &PoolOptions) -> Result<Self, DbError> {
        Ok(Self {
            backend: Backend::Server(Arc::new(ServerPool::open(options)?)),
            lane: Lane::Interactive,
        })
    }

    /// A database with a single backend, whose connection one worker thread owns.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when the thread cannot be started.
    pub fn single(connector: Box<dyn Connector>) -> Result<Self, DbError> {
        Ok(Self {
            backend: Backend::Single(Arc::new(Worker::start(connector)?)),
            lane: Lane::Interactive,
        })
    }

    /// The same database for work nobody waits for.
    pub fn background(&self) -> Self {
        Self {
            backend: self.backend.clone(),
            lane: Lane::Background,
        }
    }

    /// True when a server answers: statements can be interrupted and run side by side.
    pub fn is_server(&self) -> bool {
        matches!(self.backend, Backend::Server(_))
    }

    /// Refuses work that cannot be cut into slices unless a server answers.
    ///
    /// # Errors
    /// [`DbError::NeedsServer`] naming `what`.
    pub fn need_server(&self, what: &'static str) -> Result<(), DbError> {
        if self.is_server() {
            Ok(())
        } else {
            Err(DbError::NeedsServer(what))
        }
    }

    /// Runs `work` in a read-only transaction for `actor`. Once begun it runs to its end, also
    /// when the caller has gone.
    ///
    /// # Errors
    /// What `work` returned, or that the database is busy, slow or gone.
    pub async fn read<T, F>(&self, actor: &Actor, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        let start = Start::read(actor, self.lane.timeout_ms());
        self.run(start, work).await
    }

    /// Runs `work` in a transaction for `actor` and commits it when `work` returns `Ok`.
    ///
    /// # Errors
    /// What `work` returned (then nothing is written), or that the database is busy, slow or gone.
    pub async fn write<T, F>(&self, actor: &Actor, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        let start = Start::write(actor, self.lane.timeout_ms());
        self.run(start, work).await
    }

    /// Runs `work` as the owner of the schema, without a statement timeout: migrations, rebuilds,
    /// dumps and restores, and nothing that a request can reach.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn own<T, F>(&self, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        self.run(Start::owner(), work).await
    }

    /// Runs one statement that PostgreSQL refuses inside a transaction (`VACUUM`), as the owner of
    /// the schema and without a statement timeout. Gives what `now` says right before it and right
    /// behind it: how long it took is not how long it waited for its turn.
    ///
    /// # Errors
    /// As [`Db::write`], without the transaction.
    pub async fn outside<T>(
        &self,
        statement: &'static str,
        now: impl Fn() -> T + Send + 'static,
    ) -> Result<(T, T), DbError>
    where
        T: Send + 'static,
    {
        self.own(move |tx| {
            let before = now();
            tx.outside(statement)?;
            Ok((before, now()))
        })
        .await
    }

    /// Hears what is said on a channel of the server; `None` for the embedded database, which one program has for itself.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn listener(&self, channel: &str) -> Result<Option<Listener>, DbError> {
        match &self.backend {
            Backend::Server(pool) => pool.listener(channel).await.map(Some),
            Backend::Single(_) => Ok(None),
        }
    }

    /// Transactions waiting for their turn in both lanes.
    pub fn waiting(&self) -> usize {
        match &self.backend {
            Backend::Server(pool) => pool.waiting(),
            Backend::Single(worker) => worker.waiting(),
        }
    }

    /// Finishes what is queued and closes every connection. Later calls answer [`DbError::Closed`].
    pub async fn close(&self) {
        match &self.backend {
            Backend::Server(pool) => pool.close().await,
            Backend::Single(worker) => worker.close().await,
        }
    }

    async fn run<T, F>(&self, start: Start, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        match &self.backend {
            Backend::Server(pool) => pool.run(self.lane, start, work).await,
            Backend::Single(worker) => worker.run(self.lane, start, work).await,
        }
    }
}
