//! A PostgreSQL server: a pool of connections, each closure on a thread of the blocking pool.

use std::str::FromStr as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::error::DbError;
use super::listen::Listener;
use super::seat::Seat;
use super::tx::{Start, Tx, transact};
use super::{Lane, QUEUE_MAX};

/// How long a transaction waits for a free connection before the caller is told to come again.
const ACQUIRE_WAIT: Duration = Duration::from_secs(2);

/// How a server is reached.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// `postgres://user:password@host:port/database`, with TLS by `sslmode`.
    pub url: String,
    /// Most connections; at least 2, one of which background work never takes.
    pub connections_max: u32,
}

pub(super) struct ServerPool {
    pool: PgPool,
    /// Background work takes at most half of the connections.
    background: Semaphore,
    waiting: AtomicUsize,
}

impl ServerPool {
    pub(super) fn open(options: &PoolOptions) -> Result<Self, DbError> {
        let connect = PgConnectOptions::from_str(&options.url)
            .map_err(|error| DbError::BadUrl(error.to_string()))?
            .application_name("siaga");
        let connections_max = options.connections_max.max(2);
        let pool = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(ACQUIRE_WAIT)
            .connect_lazy_with(connect);
        Ok(Self {
            pool,
            background: Semaphore::new(connections_max as usize / 2),
            waiting: AtomicUsize::new(0),
        })
    }

    pub(super) async fn run<T, F>(&self, lane: Lane, start: Start, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        let place = Place::take(&self.waiting)?;
        let _slice = match lane {
            Lane::Background => Some(
                self.background
                    .acquire()
                    .await
                    .map_err(|_| DbError::Closed)?,
            ),
            Lane::Interactive => None,
        };
        let mut connection = self.pool.acquire().await?;
        drop(place);
        let handle = Handle::current();
        let run = move || {
            let (outcome, good) = transact(&mut connection, Seat::Borrowed(&handle), start, work);
            if !good {
                let _runtime = handle.enter();
                drop(connection.detach());
            }
            outcome
        };
        tokio::task::spawn_blocking(run)
            .await
            .map_err(|_| DbError::Panicked)?
    }

    pub(super) async fn listener(&self, channel: &str) -> Result<Listener, DbError> {
        Listener::open(self.pool.connect_options().as_ref().clone(), channel).await
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) async fn close(&self) {
        self.background.close();
        self.pool.close().await;
    }
}

/// A place in the queue, given back when dropped, also when the caller goes away.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self, DbError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) < QUEUE_MAX {
            Ok(place)
        } else {
            Err(DbError::Busy)
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
