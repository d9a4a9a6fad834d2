//! Where a future is waited for: a thread of the server's blocking pool, or the worker's own runtime.

use std::future::Future;

use tokio::runtime::{Handle, Runtime};

/// Runs one future of the database client to its end on the current thread.
#[derive(Clone, Copy)]
pub(super) enum Seat<'a> {
    /// The sockets are driven by the program's runtime.
    Borrowed(&'a Handle),
    /// The sockets are driven by this thread.
    Own(&'a Runtime),
}

impl Seat<'_> {
    pub(super) fn wait<F: Future>(self, future: F) -> F::Output {
        match self {
            Seat::Borrowed(handle) => handle.block_on(future),
            Seat::Own(runtime) => runtime.block_on(future),
        }
    }
}
