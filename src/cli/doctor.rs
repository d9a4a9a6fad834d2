//! `siaga doctor`: looks at machine, data and configuration, says what is not as it should be and
//! what to do. Changes nothing.

mod files;
mod reach;

use std::net::TcpListener;

use rustix::process::{Resource, getrlimit};

use super::Exit;
use crate::config::Config;

/// Files and sockets the program may need at once: some hundred streams, the journal, the database.
const FILES_MIN: u64 = 1_024;

/// One finding.
struct Finding {
    part: &'static str,
    ok: bool,
    detail: String,
}

impl Finding {
    fn well(part: &'static str, detail: impl Into<String>) -> Finding {
        Finding {
            part,
            ok: true,
            detail: detail.into(),
        }
    }

    fn look(part: &'static str, detail: impl Into<String>) -> Finding {
        Finding {
            part,
            ok: false,
            detail: detail.into(),
        }
    }
}

/// Prints every finding; anything wrong is exit code 5.
pub fn run(config: &Config, json: bool) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let mut findings = vec![port(config), limits()];
    findings.extend(files::look(config, json));
    findings.extend(runtime.block_on(reach::look(config)));
    // A server that does not answer is not waited for.
    runtime.shutdown_background();
    findings.push(prices(config));
    let well = findings.iter().all(|finding| finding.ok);
    if json {
        let list: Vec<_> = findings
            .iter()
            .map(|finding| serde_json::json!({ "part": finding.part, "ok": finding.ok, "detail": finding.detail }))
            .collect();
        println!("{}", serde_json::json!({ "ok": well, "findings": list }));
    } else {
        for finding in &findings {
            let mark = if finding.ok { "ok  " } else { "LOOK" };
            println!("{mark} {:10} {}", finding.part, finding.detail);
        }
    }
    Ok(if well { Exit::Well } else { Exit::Found })
}

fn port(config: &Config) -> Finding {
    let address = config.server.listen;
    match TcpListener::bind(address) {
        Ok(_) => Finding::well("port", format!("{address} is free")),
        Err(error) => Finding::look(
            "port",
            format!(
                "{address}: {error}; a desk may be running there, else choose another server.listen"
            ),
        ),
    }
}

/// How many files this process may open; the desk inherits the same.
fn limits() -> Finding {
    match getrlimit(Resource::Nofile).current {
        Some(files) if files < FILES_MIN => Finding::look(
            "limits",
            format!(
                "{files} files and sockets may be open at once: raise it to {FILES_MIN} (ulimit -n, LimitNOFILE=), or streams \
                 are refused when many people watch"
            ),
        ),
        Some(files) => Finding::well("limits", format!("{files} files and sockets at once")),
        None => Finding::well("limits", "no limit of files and sockets"),
    }
}

fn prices(config: &Config) -> Finding {
    let live = config.feed.binance.enabled || config.feed.kraken.enabled;
    match (config.feed.simulator, live) {
        (false, false) => Finding::look(
            "prices",
            "no source of prices: set feed.simulator = true or enable a venue",
        ),
        (true, true) => Finding::well(
            "prices",
            "live venues and the simulator: everything shows DEMO",
        ),
        (true, false) => Finding::well("prices", "simulated market: everything shows DEMO"),
        (false, true) => Finding::well("prices", "live venues"),
    }
}
