//! `siaga doctor`: looks at machine, data and configuration, says what is not as it should be and
//! what to do. Changes nothing.

use std::net::TcpListener;
use std::sync::Arc;

use siaga_risk::journal::{Disk, FileDisk, JournalError, Stream, inspect, newest_epoch};
use siaga_risk::machine::Machine;

use super::Exit;
use crate::config::Config;
use crate::desk::recover::CORE_DIR;

/// One finding.
struct Finding {
    part: &'static str,
    ok: bool,
    detail: String,
}

/// Prints every finding; anything wrong is exit code 5.
pub fn run(config: &Config, json: bool) -> anyhow::Result<Exit> {
    let findings = [
        port(config),
        directory(config),
        journal(config),
        rules(config),
        store(config),
        prices(config),
    ];
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
    let (ok, detail) = match TcpListener::bind(address) {
        Ok(_) => (true, format!("{address} is free")),
        Err(error) => (
            false,
            format!(
                "{address}: {error}; a desk may be running there, else choose another server.listen"
            ),
        ),
    };
    Finding {
        part: "port",
        ok,
        detail,
    }
}

fn directory(config: &Config) -> Finding {
    let dir = &config.data.dir;
    let shown = dir.display();
    let existing = dir.ancestors().find(|path| path.is_dir());
    let probe = existing.map(|path| {
        tempfile::NamedTempFile::new_in(if path.as_os_str().is_empty() {
            ".".as_ref()
        } else {
            path
        })
    });
    let (ok, detail) = match probe {
        Some(Ok(_)) => (true, format!("{shown} can be written")),
        Some(Err(error)) => (false, format!("{shown} cannot be written: {error}")),
        None => (true, format!("{shown} will be made")),
    };
    Finding {
        part: "data",
        ok,
        detail,
    }
}

fn journal(config: &Config) -> Finding {
    let part = "journal";
    let dir = config.data.dir.join(CORE_DIR);
    if !dir.is_dir() {
        return Finding {
            part,
            ok: true,
            detail: "none yet: the first start makes it".into(),
        };
    }
    let found = FileDisk::new(&dir)
        .map_err(anyhow::Error::from)
        .and_then(|disk| Ok(inspect(&(disk as Arc<dyn Disk>), Stream::Journal)?));
    match found {
        Ok(found) if found.damage.is_empty() => {
            let torn = found.torn.map_or(String::new(), |torn| {
                format!("; the next start cuts: {torn}")
            });
            Finding {
                part,
                ok: true,
                detail: format!("{} inputs{torn}", found.records),
            }
        }
        Ok(found) => Finding {
            part,
            ok: false,
            detail: found
                .damage
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        },
        Err(error) => Finding {
            part,
            ok: false,
            detail: error.to_string(),
        },
    }
}

fn rules(config: &Config) -> Finding {
    let part = "rules";
    let dir = config.data.dir.join(CORE_DIR);
    let newest = dir
        .is_dir()
        .then(|| FileDisk::new(&dir).map_err(|error| error.to_string()))
        .transpose()
        .and_then(|disk| {
            disk.map(|disk| {
                newest_epoch(&(disk as Arc<dyn Disk>), Stream::Journal)
                    .map_err(|error: JournalError| error.to_string())
            })
            .transpose()
        });
    match newest {
        Ok(Some(Some((epoch, fingerprint)))) if fingerprint != Machine::FINGERPRINT => Finding {
            part,
            ok: true,
            detail: format!(
                "the journal's epoch {epoch} was decided by other rules: the next start begins a new epoch, if they were stopped gracefully and left a snapshot at the journal's end"
            ),
        },
        Ok(Some(Some((epoch, _)))) => Finding {
            part,
            ok: true,
            detail: format!("epoch {epoch}, the same rules as this program"),
        },
        Ok(_) => Finding {
            part,
            ok: true,
            detail: "epoch 1 begins at the first start".into(),
        },
        Err(detail) => Finding {
            part,
            ok: false,
            detail,
        },
    }
}

fn store(config: &Config) -> Finding {
    let part = "store";
    if !config.store.enabled {
        return Finding {
            part,
            ok: true,
            detail: "off: no history beyond memory".into(),
        };
    }
    match &config.store.url {
        None if cfg!(feature = "embedded-postgres") => Finding {
            part,
            ok: true,
            detail: "embedded: for trial and demonstration; production takes a PostgreSQL URL (store.url)".into(),
        },
        None => Finding {
            part,
            ok: false,
            detail: "this build has no embedded database: set store.url, or store.enabled = false".into(),
        },
        Some(_) => Finding { part, ok: true, detail: "PostgreSQL by URL".into() },
    }
}

fn prices(config: &Config) -> Finding {
    let part = "prices";
    let live = config.feed.binance.enabled || config.feed.kraken.enabled;
    match (config.feed.simulator, live) {
        (false, false) => Finding {
            part,
            ok: false,
            detail: "no source of prices: set feed.simulator = true or enable a venue".into(),
        },
        (true, true) => Finding {
            part,
            ok: true,
            detail: "live venues and the simulator: everything shows DEMO".into(),
        },
        (true, false) => Finding {
            part,
            ok: true,
            detail: "simulated market: everything shows DEMO".into(),
        },
        (false, true) => Finding {
            part,
            ok: true,
            detail: "live venues".into(),
        },
    }
}
