//! `siaga audit`: whether the record of who did what is whole, and the record as lines for a search engine.

use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use jiff::Timestamp;
use siaga_platform::audit;
use siaga_risk::units::Ts;

use super::Exit;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Compute the chain of hashes anew and compare it with the rows, with its heads, and with what the
    /// program wrote down outside of the database. With the embedded database the desk must be stopped.
    Verify {
        /// The file of heads; the data directory's `audit.anchors` when absent.
        #[arg(long)]
        anchors: Option<PathBuf>,
    },
    /// Write the log as lines of JSON, oldest first, for a search engine. What is sealed is left out; the error output says
    /// with which --after the next export goes on. With the embedded database the desk must be stopped.
    Export {
        /// Number of the last row that is there already.
        #[arg(long, default_value_t = 0)]
        after: i64,
        /// Rows at or after this instant, as 2026-11-01T00:00:00+07:00.
        #[arg(long)]
        from: Option<Timestamp>,
        /// Rows before this instant.
        #[arg(long)]
        to: Option<Timestamp>,
    },
}

/// Does it.
pub fn run(config: &Config, action: &Action, json: bool) -> anyhow::Result<Exit> {
    match action {
        Action::Verify { anchors } => verify(config, anchors.as_ref(), json),
        Action::Export { after, from, to } => export(config, *after, span(*from, *to)?),
    }
}

async fn opened(config: &Config) -> anyhow::Result<Store> {
    let now = Timestamp::from_nanosecond(i128::from(Clock::start().now().0))?;
    Store::open(config.store.url.as_deref(), &config.data.dir, now)
        .await
        .context("the database cannot be used")
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

/// What of the log is asked for.
fn span(from: Option<Timestamp>, to: Option<Timestamp>) -> anyhow::Result<audit::Span> {
    let instant = |at: Timestamp| Ts(u64::try_from(at.as_nanosecond()).unwrap_or(0));
    let span = audit::Span {
        from: from.map(instant),
        until: to.map(instant),
    };
    anyhow::ensure!(
        !span.is_nothing(),
        "there is no time between --from and --to: give --to an instant behind --from"
    );
    Ok(span)
}

fn export(config: &Config, after: i64, span: audit::Span) -> anyhow::Result<Exit> {
    let exported = runtime()?.block_on(async {
        let store = opened(config).await?;
        let mut out = BufWriter::new(std::io::stdout().lock());
        let done = audit::export(&store.db, after, span, |line| {
            serde_json::to_writer(&mut out, line)?;
            out.write_all(b"\n")?;
            anyhow::Ok(())
        });
        let done = done.await;
        store.db.close().await;
        out.flush()?;
        done
    })?;
    eprintln!(
        "{} rows; the next export begins with --after {}",
        exported.rows, exported.number
    );
    Ok(Exit::Well)
}

/// Looks, and says every fault.
fn verify(config: &Config, anchors: Option<&PathBuf>, json: bool) -> anyhow::Result<Exit> {
    let path = match anchors {
        Some(path) => path.clone(),
        None => config.data.dir.join(audit::ANCHORS_FILE),
    };
    let anchors =
        audit::anchors_of(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let restores =
        audit::restores_of(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut report = runtime()?.block_on(async {
        let store = opened(config).await?;
        let report = audit::verify(&store.db, &anchors).await;
        store.db.close().await;
        anyhow::Ok(report?)
    })?;
    report.explain(&restores);
    let faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    if json {
        println!(
            "{}",
            serde_json::json!({ "months": report.months, "rows": report.rows, "dropped_months": report.dropped,
                "anchors": report.anchors, "faults": faults })
        );
    } else {
        println!(
            "{} rows in {} months, {} heads compared that were written down outside of the database",
            report.rows, report.months, report.anchors
        );
        for fault in &faults {
            println!("{fault}");
        }
        if faults.is_empty() {
            println!("the chain is whole");
        }
    }
    Ok(match faults.is_empty() {
        true => Exit::Well,
        false => Exit::Found,
    })
}
