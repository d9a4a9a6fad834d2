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
    data: tempfile::TempDir,
}

/// How a desk is started.
#[derive(Clone, Copy, Debug)]
pub struct Launch {
    /// The simulator's pace, as a multiple of its usual one.
    pub pace: f64,
    pub scenario: &'static str,
    /// With the embedded database, as a newcomer has it.
    pub store: bool,
}

impl Launch {
    /// What `make run` starts.
    pub const DEMO: Self = Self {
        pace: 1.0,
        scenario: "calm",
        store: true,
    };
}

/// Where and how a client connects.
#[derive(Clone)]
pub struct Stream {
    pub url: String,
    pub bearer: String,
}

impl Server {
    /// Starts the program with the simulator at a multiple of its usual pace, without the database.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start(pace: f64) -> Self {
        let launch = Launch {
            pace,
            store: false,
            ..Launch::DEMO
        };
        Self::launch(launch, crate::throughput::data_directory()).await
    }

    /// Starts the program on a directory.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn launch(launch: Launch, data: tempfile::TempDir) -> Self {
        Self::launch_with(launch, data, &[]).await
    }

    /// As [`Server::launch`], with more of its configuration.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn launch_with(
        launch: Launch,
        data: tempfile::TempDir,
        more: &[(&'static str, String)],
    ) -> Self {
        let program =
            std::env::var_os(PROGRAM).expect("SIAGA_BIN names the program: run make bench");
        let mut child = Command::new(program)
            .args(["--json", "serve", "--listen", "127.0.0.1:0"])
            .args(["--scenario", launch.scenario])
            .env("SIAGA__DATA__DIR", data.path())
            .env("SIAGA__STORE__ENABLED", launch.store.to_string())
            .env("SIAGA__FEED__RATE", format!("{:.3}", launch.pace))
            .envs(more.iter().map(|(name, value)| (*name, value)))
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
            data,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
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
        self.metric("siaga_marks_total").await
    }

    async fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").await;
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
        let value = lines.find_map(|rest| rest.trim().parse().ok());
        value.expect("the metric is there")
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

    /// Ends it as the power does; its directory stays.
    ///
    /// # Panics
    /// When it has ended before.
    pub async fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().await.expect("it runs");
        self.data
    }

    /// Inputs it has taken since its directory was empty.
    pub async fn inputs(&self) -> u64 {
        self.metric("siaga_input_seq").await
    }

    /// Stops it gracefully; its directory stays as long as what is given.
    ///
    /// # Panics
    /// When it does not end well.
    pub async fn stop(mut self) -> tempfile::TempDir {
        let id = self.child.id().expect("it runs").to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(
            told.is_ok_and(|status| status.success()),
            "it takes a signal"
        );
        let ended = self.child.wait().await.expect("it ends");
        assert!(ended.success(), "it stops well: {ended}");
        self.data
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
