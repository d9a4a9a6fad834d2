//! The program as a child process.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// Names the program to measure.
const PROGRAM: &str = "SIAGA_BIN";

/// A running desk on a free port, with a directory that goes with it.
pub struct Server {
    child: Child,
    address: String,
    secret: String,
    _data: tempfile::TempDir,
}

/// Where and how a client connects.
#[derive(Clone)]
pub struct Stream {
    pub url: String,
    pub bearer: String,
}

impl Server {
    /// Starts the program with the simulator at a multiple of its usual pace.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start(pace: f64) -> Self {
        let program =
            std::env::var_os(PROGRAM).expect("SIAGA_BIN names the program: run make bench");
        let data = crate::throughput::data_directory();
        let mut child = Command::new(program)
            .args(["--json", "serve", "--listen", "127.0.0.1:0"])
            .env("SIAGA__DATA__DIR", data.path())
            .env("SIAGA__STORE__ENABLED", "false")
            .env("SIAGA__FEED__RATE", format!("{pace:.3}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let out = child.stdout.take().expect("its output is read");
        let line = BufReader::new(out)
            .lines()
            .next_line()
            .await
            .expect("its output is text")
            .expect("it says where it listens");
        let said: Value = serde_json::from_str(&line).expect("it speaks JSON");
        let text = |key: &str| said[key].as_str().expect("a text").to_owned();
        let secret = std::fs::read_to_string(text("secret_file")).expect("the secret is there");
        Self {
            child,
            address: text("listening"),
            secret: secret.trim().to_owned(),
            _data: data,
        }
    }

    pub fn stream(&self) -> Stream {
        Stream {
            url: format!("ws://{}/ws/v1", self.address),
            bearer: format!("Bearer {}", self.secret),
        }
    }

    /// Every symbol it quotes; waits until a first start has brought in its terms.
    pub async fn symbols(&self) -> Vec<String> {
        loop {
            let body = self.get("/api/v1/instruments?limit=500").await;
            let page: Value = serde_json::from_str(&body).expect("JSON");
            let items = page["items"].as_array().expect("a page").iter();
            let symbols = items.map(|item| item["symbol"].as_str().expect("a symbol").to_owned());
            let symbols: Vec<String> = symbols.collect();
            if !symbols.is_empty() {
                return symbols;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Prices published while this waits, and how long it took.
    #[allow(clippy::disallowed_methods)] // a bench is where time is measured
    pub async fn marks_during(&self, wait: Duration) -> (u64, Duration) {
        let (before, start) = (self.marks().await, Instant::now());
        tokio::time::sleep(wait).await;
        (self.marks().await - before, start.elapsed())
    }

    /// Latencies the program itself has seen so far, p50 and p99 in nanoseconds: to the output of the machine, to the frame.
    pub async fn inside(&self) -> [(f64, f64); 2] {
        let text = self.get("/metrics").await;
        ["output", "frame"].map(|stage| {
            let at = |quantile: &str| {
                let name = format!("siaga_tick_to_{stage}_seconds{{quantile=\"{quantile}\"}} ");
                let value = text.lines().find_map(|line| line.strip_prefix(&name));
                let seconds = value.and_then(|value| value.parse::<f64>().ok());
                seconds.expect("the program's own latency") * 1e9
            };
            (at("0.5"), at("0.99"))
        })
    }

    async fn marks(&self) -> u64 {
        let text = self.get("/metrics").await;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("siaga_marks_total "));
        line.and_then(|value| value.parse().ok())
            .expect("the count of prices")
    }

    /// Processor time it has used.
    ///
    /// # Panics
    /// When the system does not say.
    pub fn cpu(&self) -> Duration {
        // Fields 14 and 15 of proc(5) stat, in hundredths of a second on every Linux.
        let id = self.child.id().expect("it runs");
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<u64> = after_name
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        Duration::from_millis((fields[11] + fields[12]) * 10)
    }

    /// Stops it gracefully.
    pub async fn stop(mut self) {
        let id = self.child.id().expect("it runs").to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(
            told.is_ok_and(|status| status.success()),
            "it takes a signal"
        );
        let ended = self.child.wait().await.expect("it ends");
        assert!(ended.success(), "it stops well: {ended}");
    }

    async fn get(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).await.expect("it listens");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            self.address, self.secret
        );
        socket.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        body.to_owned()
    }
}
