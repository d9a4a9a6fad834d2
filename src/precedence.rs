//! Which threads run first where there are more of them than processors.
//!
//! A price passes three threads before anybody can be sent it, and each of them works for microseconds. Behind a thread that
//! serialises frames for a hundred clients each of the three would wait for a slice of the scheduler, milliseconds long: so those
//! that serve give way to the core, and those that only follow give way to both. The core itself runs as the system starts it:
//! that needs no privilege.

use rustix::process::setpriority_process;

/// Below the core's threads, which run at zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// The gateway, the consumers of the log, the database: somebody waits for them.
    Serving,
    /// The standby: nobody waits for it.
    Background,
}

impl Precedence {
    /// What the system calls niceness, 0 to 19.
    const fn niceness(self) -> i32 {
        match self {
            Self::Serving => 5,
            Self::Background => 10,
        }
    }
}

/// Lowers the calling thread; where the system refuses, it runs as all others.
pub fn give_way(precedence: Precedence) {
    let own = rustix::thread::gettid();
    if let Err(error) = setpriority_process(Some(own), precedence.niceness()) {
        tracing::debug!(%error, ?precedence, "a thread runs at the usual priority");
    }
}
