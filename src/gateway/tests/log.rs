//! The lines that a test's own thread writes to the log.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::Value;
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber, set_default};

/// A log in memory, a line of JSON each.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().expect("not poisoned");
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Hears what this thread says from now on, at level INFO and above, until the guard falls.
    pub fn listen() -> (Log, DefaultGuard) {
        // With one subscriber alone, a line that another thread says first is asked of that thread,
        // where nobody listens, and is then left out everywhere; with two, all are asked.
        static DEAF: OnceLock<Dispatch> = OnceLock::new();
        DEAF.get_or_init(|| Dispatch::new(NoSubscriber::new()));
        let log = Log::default();
        let writer = log.clone();
        let lines = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::INFO)
            .with_writer(move || writer.clone())
            .finish();
        (log, set_default(lines))
    }

    pub fn text(&self) -> String {
        let log = self.0.lock().expect("not poisoned");
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The fields of the lines that say this.
    pub fn said(&self, message: &str) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"))
            .map(|line| line["fields"].clone())
            .filter(|fields| fields["message"] == message)
            .collect()
    }
}

#[test]
fn a_line_that_another_thread_said_first_is_heard() {
    fn say(thread: &str) {
        tracing::info!(thread, "a line of two threads");
    }
    let (log, _here) = Log::listen();
    std::thread::spawn(|| say("other"))
        .join()
        .expect("nothing to fail");
    say("this");
    let said = log.said("a line of two threads");
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0]["thread"], "this");
}
