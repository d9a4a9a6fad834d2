//! Servers of the tests' own that are no database: on a free port of the loopback, in a folder of their
//! own, ended with the test.

#![allow(clippy::disallowed_methods)] // tests wait on conditions, with a deadline

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to answer.
const START: Duration = Duration::from_secs(20);

/// A running server.
pub struct Service {
    process: Child,
    pub port: u16,
    _folder: TempDir,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// NATS with JetStream, or `None` where it is not installed.
///
/// # Panics
/// When it is not installed and `CI=true`, or when it does not start.
pub fn nats() -> Option<Service> {
    start(
        "NATS",
        &["nats-server", "/usr/sbin/nats-server"],
        |command, port, folder| {
            command.args(["-a", "127.0.0.1", "-p", port, "-js", "-sd", folder]);
        },
    )
}

/// Redis or Valkey, or `None` where neither is installed.
///
/// # Panics
/// As [`nats`].
pub fn redis() -> Option<Service> {
    start(
        "Redis",
        &["valkey-server", "redis-server"],
        |command, port, folder| {
            command.args(["--bind", "127.0.0.1", "--port", port, "--dir", folder]);
            command.args(["--save", "", "--appendonly", "no"]);
        },
    )
}

fn start(
    name: &str,
    programs: &[&str],
    arguments: impl Fn(&mut Command, &str, &str),
) -> Option<Service> {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    for program in programs {
        let mut command = Command::new(program);
        let path = folder.path().to_str().expect("a path of plain text");
        arguments(&mut command, &port.to_string(), path);
        let started = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = started else {
            continue;
        };
        let service = Service {
            process,
            port,
            _folder: folder,
        };
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "{name} does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        return Some(service);
    }
    crate::shared::missing(&format!("{name} not found"));
    None
}
