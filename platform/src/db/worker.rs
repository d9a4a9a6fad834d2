//! A database with one backend: one thread owns the connection, two bounded queues feed it.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::error::DbError;
use super::seat::Seat;
use super::tx::{Start, Tx, transact};
use super::{Lane, QUEUE_MAX};

/// Interactive work goes first, but after this many in a row a waiting background slice runs, so
/// that consumers and dumps cannot starve.
const INTERACTIVE_RUN_MAX: u32 = 64;

/// Opens the one connection, and again after it broke. Dropped with the worker, on its thread.
pub trait Connector: Send {
    /// A fresh connection; starts or restarts what is behind it when needed.
    fn connect(
        &mut self,
    ) -> Pin<Box<dyn Future<Output = Result<PgConnection, DbError>> + Send + '_>>;
}

/// The queue's end that callers hold.
pub(super) struct Worker {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    pub(super) fn start(connector: Box<dyn Connector>) -> Result<Self, DbError> {
        let queue = Arc::new(Queue::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| DbError::Unavailable(error.to_string()))?;
        let feed = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name("database".into())
            .spawn(move || Desk::new(runtime, connector).work(&feed))
            .map_err(|error| DbError::Unavailable(error.to_string()))?;
        Ok(Self {
            queue,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) async fn run<T, F>(&self, lane: Lane, start: Start, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = move |desk: &mut Desk| {
            // A caller that has gone costs nothing.
            if !answer.is_closed() {
                let _ = answer.send(desk.transact(start, work));
            }
        };
        self.queue.push(lane, Box::new(job))?;
        answered.await.unwrap_or(Err(DbError::Closed))
    }

    pub(super) fn waiting(&self) -> usize {
        let jobs = self.queue.lock();
        jobs.interactive.len() + jobs.background.len()
    }

    pub(super) async fn close(&self) {
        self.queue.close();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.close();
    }
}

type Job = Box<dyn FnOnce(&mut Desk) + Send>;

#[derive(Default)]
struct Queue {
    jobs: Mutex<Jobs>,
    filled: Condvar,
}

#[derive(Default)]
struct Jobs {
    interactive: VecDeque<Job>,
    background: VecDeque<Job>,
    interactive_run: u32,
    closed: bool,
}

impl Queue {
    fn push(&self, lane: Lane, job: Job) -> Result<(), DbError> {
        let mut jobs = self.lock();
        if jobs.closed {
            return Err(DbError::Closed);
        }
        let queue = match lane {
            Lane::Interactive => &mut jobs.interactive,
            Lane::Background => &mut jobs.background,
        };
        if queue.len() >= QUEUE_MAX {
            return Err(DbError::Busy);
        }
        queue.push_back(job);
        drop(jobs);
        self.filled.notify_one();
        Ok(())
    }

    /// The next job, or `None` when the queue is closed and empty.
    fn pop(&self) -> Option<Job> {
        let mut jobs = self.lock();
        loop {
            if let Some(job) = jobs.take() {
                return Some(job);
            }
            if jobs.closed {
                return None;
            }
            jobs = self
                .filled
                .wait(jobs)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Jobs {
    fn take(&mut self) -> Option<Job> {
        let yield_turn = self.interactive_run >= INTERACTIVE_RUN_MAX && !self.background.is_empty();
        if !yield_turn && let Some(job) = self.interactive.pop_front() {
            self.interactive_run += 1;
            return Some(job);
        }
        self.interactive_run = 0;
        self.background.pop_front()
    }
}

/// The worker's side: the connection and what reopens it.
struct Desk {
    connection: Option<PgConnection>,
    connector: Box<dyn Connector>,
    runtime: Runtime,
}

impl Desk {
    fn new(runtime: Runtime, connector: Box<dyn Connector>) -> Self {
        Self {
            connection: None,
            connector,
            runtime,
        }
    }

    fn work(mut self, queue: &Queue) {
        while let Some(job) = queue.pop() {
            job(&mut self);
        }
        if let Some(connection) = self.connection.take() {
            let _ = self.runtime.block_on(connection.close());
        }
    }

    fn transact<T>(
        &mut self,
        start: Start,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        if self.connection.is_none() {
            self.connection = Some(self.runtime.block_on(self.connector.connect())?);
        }
        let Some(connection) = self.connection.as_mut() else {
            return Err(DbError::Unavailable("no connection was opened".into()));
        };
        let (outcome, good) = transact(connection, Seat::Own(&self.runtime), start, work);
        if !good {
            self.connection = None;
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(log: &Arc<Mutex<Vec<char>>>, name: char) -> Job {
        let log = Arc::clone(log);
        Box::new(move |_| log.lock().expect("log").push(name))
    }

    fn order_of(jobs: &mut Jobs, desk: &mut Desk) {
        while let Some(job) = jobs.take() {
            job(desk);
        }
    }

    struct Never;

    impl Connector for Never {
        fn connect(
            &mut self,
        ) -> Pin<Box<dyn Future<Output = Result<PgConnection, DbError>> + Send + '_>> {
            Box::pin(async { Err(DbError::Unavailable("this test has no database".into())) })
        }
    }

    fn desk() -> Desk {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("runtime");
        Desk::new(runtime, Box::new(Never))
    }

    #[test]
    fn people_go_first_and_background_is_not_starved() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut jobs = Jobs::default();
        jobs.background.push_back(mark(&log, 'b'));
        jobs.background.push_back(mark(&log, 'b'));
        for _ in 0..INTERACTIVE_RUN_MAX + 1 {
            jobs.interactive.push_back(mark(&log, 'i'));
        }
        order_of(&mut jobs, &mut desk());
        let log = log.lock().expect("log");
        let run = INTERACTIVE_RUN_MAX as usize;
        assert!(log[..run].iter().all(|&name| name == 'i'));
        assert_eq!(log[run..], ['b', 'i', 'b']);
    }

    #[test]
    fn a_full_queue_says_busy_and_a_closed_one_closed() {
        let queue = Queue::default();
        let log = Arc::new(Mutex::new(Vec::new()));
        for _ in 0..QUEUE_MAX {
            queue.push(Lane::Background, mark(&log, 'b')).expect("room");
        }
        assert!(matches!(
            queue.push(Lane::Background, mark(&log, 'b')),
            Err(DbError::Busy)
        ));
        queue
            .push(Lane::Interactive, mark(&log, 'i'))
            .expect("the other lane has room");
        queue.close();
        assert!(matches!(
            queue.push(Lane::Interactive, mark(&log, 'i')),
            Err(DbError::Closed)
        ));
        assert!(queue.pop().is_some(), "what was queued is still done");
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_is_an_error_and_not_a_hang() {
        let worker = Worker::start(Box::new(Never)).expect("worker");
        let answer = worker
            .run(Lane::Interactive, Start::owner(), |_| Ok(()))
            .await;
        assert!(matches!(answer, Err(DbError::Unavailable(_))));
        worker.close().await;
        let answer = worker
            .run(Lane::Interactive, Start::owner(), |_| Ok(()))
            .await;
        assert!(matches!(answer, Err(DbError::Closed)));
    }
}
