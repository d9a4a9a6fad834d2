//! A desk as its own process, driven over HTTP: for tests from outside.
#![allow(dead_code)] // each test file uses its part
#![allow(clippy::disallowed_methods)] // tests wait on conditions, with a deadline

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a condition may take on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A stop may take no longer (deploy/README.md).
pub const STOP_MAX: Duration = Duration::from_secs(10);

/// Pause between two looks at a condition: each look is a connection.
pub const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// Where a desk answers.
pub struct Door {
    pub address: String,
    pub secret: String,
}

/// A running desk; killed when dropped.
pub struct Desk {
    pub child: Child,
    pub door: Door,
    /// What it said at its start.
    pub first: Value,
}

impl std::ops::Deref for Desk {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

impl Desk {
    pub fn start(data: &Path) -> Desk {
        Desk::start_with(data, |_| {})
    }

    /// Starts it with more in its environment.
    pub fn start_with(data: &Path, more: impl FnOnce(&mut Command)) -> Desk {
        let mut command = command(data);
        more(&mut command);
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut line)
            .expect("a line is read");
        let said: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("the first line is JSON: {line}"));
        let secret = std::fs::read_to_string(data.join("secret")).expect("the secret is kept");
        let door = Door {
            address: said["listening"].as_str().expect("an address").to_owned(),
            secret: secret.trim().to_owned(),
        };
        Desk {
            child,
            door,
            first: said,
        }
    }
}

impl Door {
    /// A request; the status and the JSON of the answer.
    pub fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let (status, text) = self.exchange(method, path, body);
        (status, json_of(&text).unwrap_or(Value::Null))
    }

    /// The same, while the desk may be killed: nothing when no whole answer came.
    pub fn try_call(&self, method: &str, path: &str, body: Option<Value>) -> Option<(u16, Value)> {
        let (status, text) = self.try_exchange(method, path, body).ok()?;
        Some((status, json_of(&text)?))
    }

    /// A request; the status and the text of the answer.
    pub fn exchange(&self, method: &str, path: &str, body: Option<Value>) -> (u16, String) {
        self.try_exchange(method, path, body)
            .expect("the desk answers")
    }

    /// A request with these header lines and without the secret.
    pub fn tell(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let told = self.send(method, path, headers, body);
        let (status, text) = told.expect("the desk answers");
        (status, json_of(&text).unwrap_or(Value::Null))
    }

    fn try_exchange(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> std::io::Result<(u16, String)> {
        let headers = format!("Authorization: Bearer {}\r\n", self.secret);
        self.send(method, path, &headers, body)
    }

    /// A file as its sender has it, of a type (`application/toml`), with the secret.
    pub fn hand_in(&self, path: &str, kind: &str, text: &str) -> (u16, Value) {
        let headers = format!(
            "Authorization: Bearer {}\r\nContent-Type: {kind}\r\n",
            self.secret
        );
        let told = self.send_text("POST", path, &headers, text);
        let (status, text) = told.expect("the desk answers");
        (status, json_of(&text).unwrap_or(Value::Null))
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: Option<Value>,
    ) -> std::io::Result<(u16, String)> {
        let headers = format!("{headers}Content-Type: application/json\r\n");
        let body = body.map_or_else(String::new, |body| body.to_string());
        self.send_text(method, path, &headers, &body)
    }

    fn send_text(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> std::io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let cut = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        let text = answer.split_once("\r\n\r\n").ok_or_else(cut)?.1;
        Ok((status.ok_or_else(cut)?, text.to_owned()))
    }

    /// A figure of `/metrics`.
    pub fn figure(&self, name: &str) -> u64 {
        let (_, text) = self.exchange("GET", "/metrics", None);
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = line.and_then(|value| value.trim().parse().ok());
        value.unwrap_or_else(|| panic!("{name} is exported: {text}"))
    }

    /// Looks at a figure until `is_so` holds, and gives it.
    pub fn wait_figure(&self, name: &str, is_so: impl Fn(u64) -> bool) -> u64 {
        let until = Instant::now() + PATIENCE;
        loop {
            let figure = self.figure(name);
            if is_so(figure) {
                return figure;
            }
            assert!(Instant::now() < until, "{name} stays at {figure}");
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, value) = self.call("GET", path, None);
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    /// Waits until EUR/USD can be traded: the first link is live, and so is the price.
    pub fn ready(&self) {
        self.wait("/api/v1/desk", "the link going live", |desk| {
            desk["links"][0]["mode"] == "live"
        });
        self.wait("/api/v1/quotes?symbols=EUR/USD", "a live price", |quotes| {
            quotes["items"][0]["feed"] == "live"
        });
    }

    /// Waits until the database can be asked.
    pub fn database_ready(&self) {
        self.wait("/readyz?verbose", "the database", |ready| {
            let parts = ready["parts"].as_array();
            parts.is_some_and(|parts| {
                parts
                    .iter()
                    .any(|part| part["name"] == "db" && part["ok"] == true)
            })
        });
    }

    /// Asks until `is_so` holds.
    pub fn wait(&self, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        self.wait_at_most(PATIENCE, path, what, is_so)
    }

    /// The same with a deadline of one's own: for what the market decides and not the machine.
    pub fn wait_at_most(
        &self,
        patience: Duration,
        path: &str,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        let until = Instant::now() + patience;
        loop {
            // On a first start the symbols come one by one: what is not known yet is not there yet.
            let (status, value) = self.call("GET", path, None);
            if status == 200 && is_so(&value) {
                return value;
            }
            assert!(
                Instant::now() < until,
                "{what} did not happen: {status} {value}"
            );
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

impl Desk {
    pub fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it ends");
    }

    /// Stops it, however long a machine that runs the other tests too takes for it.
    pub fn stop(self) {
        self.stop_within(PATIENCE);
    }

    /// Stops it, and asserts that it ends in time.
    pub fn stop_within(mut self, limit: Duration) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .expect("kill runs")
                .success()
        );
        let until = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                break status;
            }
            assert!(Instant::now() < until, "it does not stop within {limit:?}");
            std::thread::sleep(LOOK_AGAIN);
        };
        assert!(
            status.success(),
            "a graceful stop is exit code 0, this was {status}"
        );
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Already gone when it was stopped or killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga"));
    command
        .args(["--data", &data.display().to_string()])
        .env("SIAGA__STORE__ENABLED", "false")
        .env("SIAGA__DATA__SEGMENT_MIB", "4")
        .env("SIAGA__BROKER__PARTIAL_PERCENT", "0");
    command
}

/// Chunked or plain: the JSON is what stands between the first and the last bracket.
fn json_of(text: &str) -> Option<Value> {
    let (from, to) = text.find(['{', '[']).zip(text.rfind(['}', ']']))?;
    serde_json::from_str(&text[from..=to]).ok()
}
