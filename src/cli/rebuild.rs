//! `siaga rebuild`: the read model emptied and filled again from the output log.

use std::sync::Arc;

use anyhow::Context;
use siaga_risk::journal::{
    DirectoryLock, Disk, FileDisk, Options, OutputLog, OutputOptions, Preparation, Stream,
    newest_epoch,
};
use siaga_risk::machine::Machine;

use super::{Exit, progress};
use crate::config::Config;
use crate::desk::recover::CORE_DIR;
use crate::desk::store::open_embedded;
use siaga_platform::source::LogSource;

use crate::store::db::{Db, PoolOptions};
use crate::store::{migrate, rebuild};

/// Name of the reader that rebuilds.
const REBUILDER: &str = "rebuild";
/// Connections a rebuild needs.
const CONNECTIONS: u32 = 2;

/// Rebuilds while the desk is stopped.
pub fn run(config: &Config, json: bool) -> anyhow::Result<Exit> {
    let dir = config.data.dir.join(CORE_DIR);
    if !dir.is_dir() {
        anyhow::bail!(
            "{} holds no output log: nothing was started with this data directory",
            dir.display()
        );
    }
    // The desk writes the log: one of both at a time.
    let _lock = DirectoryLock::acquire(&dir)?;
    let disk: Arc<dyn Disk> = FileDisk::new(&dir)?;
    let epoch = newest_epoch(&disk, Stream::Output)?.map_or(1, |(epoch, _)| epoch);
    let options = OutputOptions {
        segment_bytes: Options::SEGMENT_BYTES,
        bytes_max: u64::MAX,
        fingerprint: Machine::FINGERPRINT,
        epoch,
        first_seq: 1,
        journal_end: None,
        preparation: Preparation::Inline,
    };
    let (log, _) = OutputLog::open(disk, options)?;
    let consumers = log.consumers();
    let last = log.durable().seq;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let rebuilt = runtime.block_on(async {
        let db = open(config).await?;
        let bar = progress(json, last, "rebuilding");
        let rebuilt = rebuild::rebuild(
            &db,
            rebuild::projections(),
            || Ok(Box::new(LogSource::new(&consumers, REBUILDER))),
            |key| bar.set_position(key.seq),
        )
        .await?;
        bar.finish_and_clear();
        db.close().await;
        anyhow::Ok(rebuilt)
    })?;
    log.close()?;
    if json {
        println!(
            "{}",
            serde_json::json!({ "outputs": rebuilt.outputs, "kept_up_to": rebuilt.kept_up_to, "lost": rebuilt.lost })
        );
    } else {
        println!("read {} outputs", rebuilt.outputs);
        if let Some(seq) = rebuilt.kept_up_to {
            println!("the log begins behind input {seq}: older rows were kept as they were");
        }
        if let Some((after, last)) = rebuilt.lost {
            println!(
                "nobody has the rows of inputs {after} to {last}: the log was trimmed before they were read"
            );
        }
    }
    Ok(Exit::Well)
}

async fn open(config: &Config) -> anyhow::Result<Db> {
    match &config.store.url {
        Some(url) => {
            let db = Db::server(&PoolOptions {
                url: url.clone(),
                connections_max: CONNECTIONS,
            })?;
            migrate::run(&db)
                .await
                .context("the schema cannot be brought up to date")?;
            Ok(db)
        }
        None => open_embedded(&config.data.dir)
            .await
            .map_err(anyhow::Error::msg),
    }
}
