//! `siaga rebuild`: the read model emptied and filled again from the output log.

use std::sync::{Arc, RwLock};

use anyhow::Context;
use jiff::Timestamp;
use siaga_feed::catalog::Catalog;
use siaga_risk::event::{Output, OutputKey};
use siaga_risk::journal::{
    DirectoryLock, Disk, Options, OutputConsumers, OutputLog, OutputOptions, Preparation,
    Snapshots, Stream, newest_epoch,
};
use siaga_risk::machine::Machine;

use super::{Exit, progress};
use crate::clock::Clock;
use crate::config::Config;
use crate::desk::alert_names::LiveNames;
use crate::desk::kept_names::KeptNames;
use crate::desk::names::NameSource;
use crate::desk::recover::{self, DataFault};
use crate::desk::{alert_desk, alerts_path};
use crate::store::projection::{AlertHistory, Held, Kept};
use crate::store::source::{LogSource, OutputSource as _};
use crate::store::{Store, rebuild, upkeep};

/// Name of the reader that rebuilds.
const REBUILDER: &str = "rebuild";
/// Outputs looked through at a time for the terms in force.
const LOOK_THROUGH: usize = 10_000;

/// Rebuilds while the desk is stopped.
pub fn run(config: &Config, json: bool) -> anyhow::Result<Exit> {
    let (disk, dir) = recover::started(&config.data.dir)?;
    // The desk writes the log: one of both at a time.
    let _lock = DirectoryLock::acquire(&dir)?;
    // One that was made here would begin at the first input, and the next start could use no snapshot.
    let Some((epoch, _)) = newest_epoch(&disk, Stream::Output)? else {
        let why = "it holds no output log: start the desk once, it makes the log again from the journal, then rebuild";
        return Err(DataFault::of(&dir, why).into());
    };
    let options = OutputOptions {
        segment_bytes: Options::SEGMENT_BYTES,
        bytes_max: u64::MAX,
        fingerprint: Machine::FINGERPRINT,
        epoch,
        first_seq: 1,
        journal_end: None,
        preparation: Preparation::Inline,
    };
    let (log, _) = OutputLog::open(disk.clone(), options)?;
    let consumers = log.consumers();
    let last = log.durable().seq;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let names = names(config, &disk, &consumers)?;
    let rebuilt = runtime.block_on(async {
        let now = Timestamp::from_nanosecond(i128::from(Clock::start().now().0))?;
        let store = open(config, now).await?;
        let bar = progress(json, last, "rebuilding");
        let desk = alert_desk::kept(&alerts_path(config));
        let mut source = LogSource::new(&consumers, REBUILDER);
        let (alerts, start) = rebuild::alerts(&store.db, desk, &mut source, names).await?;
        let mut projections = rebuild::projections();
        projections.push(Arc::new(alerts));
        let rebuilt = rebuild::rebuild(
            &store.db,
            projections,
            |name| {
                let from = match name == AlertHistory::<LiveNames>::NAME {
                    true => start,
                    false => OutputKey::default(),
                };
                let source = LogSource::new(&consumers, REBUILDER);
                Ok(Box::new(Held::new(source, Kept::all(), from)))
            },
            |key| bar.set_position(key.seq),
        )
        .await?;
        bar.finish_and_clear();
        // The log may reach further back than such bars are kept.
        upkeep::delete_second_bars(&store.db, config.store.keep_second_hours, now).await?;
        upkeep::tidy(&store.db).await?;
        store.db.close().await;
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

async fn open(config: &Config, now: Timestamp) -> anyhow::Result<Store> {
    let url = config.store.url.as_deref();
    Store::open(url, &config.data.dir, now)
        .await
        .context("the database cannot be used")
}

/// Names for the texts of alerts: the terms of the newest snapshot, and what the log has of later ones.
fn names(
    config: &Config,
    disk: &Arc<dyn Disk>,
    consumers: &OutputConsumers,
) -> anyhow::Result<LiveNames> {
    let names = NameSource {
        catalog: Arc::new(Catalog::shipped()),
        kept: Arc::new(KeptNames::open(&config.data.dir)?),
    };
    let snapshots = Snapshots::new(disk.clone());
    let newest = snapshots.sequences()?.into_iter().rev().find_map(|seq| {
        let snapshot = snapshots.read(seq).ok()?;
        Machine::restore(&snapshot.payload).ok()
    });
    let terms = newest.map(|machine| machine.terms()).unwrap_or_default();
    let mut directory = names.directory(&terms);
    let mut source = LogSource::new(consumers, REBUILDER);
    let mut from = source.from();
    loop {
        let entries = source.read_from(from, LOOK_THROUGH)?;
        let Some(last) = entries.last() else {
            return Ok(LiveNames(Arc::new(RwLock::new(Arc::new(directory)))));
        };
        from = last.key;
        for entry in &entries {
            if let Output::Terms(change) = &entry.output {
                names.put(&mut directory, change);
            }
        }
    }
}
