//! From the files of the last run to a machine that stands where it stood.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use siaga_risk::event::{Output, Seq};
use siaga_risk::journal::{
    Cursor, DirectoryLock, Disk, FileDisk, Journal, Options, OutputLog, OutputOptions, Preparation,
    Snapshot, Snapshots, Stream, newest_epoch,
};
use siaga_risk::machine::Machine;
use siaga_risk::record;

/// Folder of the core's files inside the data directory.
pub const CORE_DIR: &str = "core";

/// Sizes of the files; they never change a decision.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub segment_bytes: u32,
    pub log_bytes: u64,
}

/// The core as it stood.
pub struct Recovered {
    pub machine: Machine,
    pub journal: Journal,
    pub log: OutputLog,
    pub snapshots: Snapshots,
    pub last: Seq,
    /// Identity of the live streams' history: new after an unclean stop.
    pub stream_epoch: u64,
    /// Epoch of the rules, part of the ids sent to brokers.
    pub rules_epoch: u32,
    pub report: Report,
    pub lock: DirectoryLock,
}

/// What the start found, for people.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Report {
    pub first_start: bool,
    pub clean: bool,
    pub snapshot_seq: Option<Seq>,
    pub replayed: u64,
    pub remarks: Vec<String>,
}

/// Opens the data directory and brings the machine to the last durable input. `progress` is told
/// how many inputs have been replayed, of how many.
///
/// # Errors
/// Another process owns the directory; damage in the middle; files of rules this build cannot
/// replay. Each says what to do.
pub fn open(
    data: &Path,
    sizes: Sizes,
    mut progress: impl FnMut(u64, u64),
) -> anyhow::Result<Recovered> {
    let dir = data.join(CORE_DIR);
    let lock = DirectoryLock::acquire(&dir)?;
    let disk: Arc<dyn Disk> =
        FileDisk::new(&dir).with_context(|| format!("{} cannot be used", dir.display()))?;
    let snapshots = Snapshots::new(disk.clone());
    let mut report = Report::default();
    let rules_epoch = rules_epoch(&disk, &snapshots, &mut report)?;

    let first_seq = first_seq(&snapshots)?;
    let options = Options {
        segment_bytes: sizes.segment_bytes,
        first_seq,
        ..Options::new(Machine::FINGERPRINT, rules_epoch)
    };
    let (journal, found) = Journal::open(disk.clone(), options)?;
    report.first_start = found.last_seq == 0;
    report.clean = found.clean;
    if let Some(torn) = &found.torn {
        report.remarks.push(format!("journal: {torn}"));
    }
    let output_options = OutputOptions {
        segment_bytes: sizes.segment_bytes,
        bytes_max: sizes.log_bytes,
        fingerprint: Machine::FINGERPRINT,
        epoch: rules_epoch,
        first_seq,
        journal_end: Some(found.last_seq),
        preparation: Preparation::Helper,
    };
    let (mut log, log_found) = OutputLog::open(disk, output_options)?;
    if log_found.cut {
        report
            .remarks
            .push("output log: cut to the journal's end".into());
    }
    let snapshot = choose_snapshot(&snapshots, &log, found.last_seq, &mut report)?;
    let (mut machine, from) = restore(snapshot, &mut report)?;
    report.replayed = replay(
        &mut machine,
        &journal,
        &mut log,
        from,
        found.last_seq,
        &mut progress,
    )?;
    let stream_epoch = stream_epoch(&dir, found.clean)?;
    Ok(Recovered {
        machine,
        journal,
        log,
        snapshots,
        last: found.last_seq,
        stream_epoch,
        rules_epoch,
        report,
        lock,
    })
}

/// The epoch to write under: the one on the disk, or the next when this build decides differently
/// and a snapshot of everything before exists.
fn rules_epoch(
    disk: &Arc<dyn Disk>,
    snapshots: &Snapshots,
    report: &mut Report,
) -> anyhow::Result<u32> {
    let Some((epoch, fingerprint)) = newest_epoch(disk, Stream::Journal)? else {
        return Ok(1);
    };
    if fingerprint == Machine::FINGERPRINT {
        return Ok(epoch);
    }
    if snapshots.sequences()?.is_empty() {
        bail!(
            "the journal was written by a version that decides differently, and there is no \
             snapshot to go on from: start that version once more and stop it with SIGTERM, then \
             start this one"
        );
    }
    report.remarks.push(format!(
        "this version decides differently: epoch {} begins from the newest snapshot",
        epoch + 1
    ));
    Ok(epoch + 1)
}

fn first_seq(snapshots: &Snapshots) -> anyhow::Result<Seq> {
    Ok(snapshots.sequences()?.last().map_or(1, |seq| seq + 1))
}

/// The newest good snapshot that is not ahead of the output log: replay from there continues both.
fn choose_snapshot(
    snapshots: &Snapshots,
    log: &OutputLog,
    journal_last: Seq,
    report: &mut Report,
) -> anyhow::Result<Option<Snapshot>> {
    let log_last = log.last().seq;
    for seq in snapshots.sequences()?.into_iter().rev() {
        if seq > journal_last {
            report.remarks.push(format!(
                "snapshot {seq} is ahead of the journal: passed over"
            ));
            continue;
        }
        if seq > log_last {
            report.remarks.push(format!(
                "snapshot {seq} is ahead of the output log: passed over"
            ));
            continue;
        }
        match snapshots.read(seq) {
            Ok(snapshot) => return Ok(Some(snapshot)),
            Err(error) => report
                .remarks
                .push(format!("snapshot {seq} passed over: {error}")),
        }
    }
    Ok(None)
}

fn restore(snapshot: Option<Snapshot>, report: &mut Report) -> anyhow::Result<(Machine, Seq)> {
    let Some(snapshot) = snapshot else {
        return Ok((Machine::new(), 1));
    };
    let seq = snapshot.meta.seq;
    let machine = Machine::restore(&snapshot.payload)
        .with_context(|| format!("snapshot {seq} cannot be read by this version"))?;
    if machine.state_hash() != snapshot.meta.state_hash {
        bail!("snapshot {seq} does not give the state it was taken of: remove it and start again");
    }
    report.snapshot_seq = Some(seq);
    Ok((machine, seq + 1))
}

fn replay(
    machine: &mut Machine,
    journal: &Journal,
    log: &mut OutputLog,
    from: Seq,
    last: Seq,
    progress: &mut impl FnMut(u64, u64),
) -> anyhow::Result<u64> {
    if from > last {
        return Ok(0);
    }
    let mut records = journal.records(from)?;
    let (mut outputs, mut payload) = (Vec::new(), Vec::with_capacity(512));
    let mut replayed = 0;
    while let Some(found) = records.next()? {
        let input = record::get_input(found.kind, found.payload)
            .with_context(|| format!("input {} of the journal cannot be read", found.seq))?;
        machine.apply(found.seq, &input, &mut outputs);
        for (index, output) in outputs.drain(..).enumerate() {
            if output.is_durable() {
                append(
                    log,
                    found.seq,
                    index as u32,
                    input.ts(),
                    &output,
                    &mut payload,
                )?;
            }
        }
        replayed += 1;
        if replayed % 65_536 == 0 {
            log.sync()?;
            progress(replayed, last + 1 - from);
        }
    }
    log.sync()?;
    progress(replayed, last + 1 - from);
    Ok(replayed)
}

fn append(
    log: &mut OutputLog,
    seq: Seq,
    index: u32,
    ts: siaga_risk::units::Ts,
    output: &Output,
    payload: &mut Vec<u8>,
) -> anyhow::Result<()> {
    payload.clear();
    let kind = record::put_output(ts, output, payload);
    log.append_missing(Cursor { seq, index }, kind, payload)?;
    Ok(())
}

/// A number that names the history of the live streams; it rises after each unclean stop.
fn stream_epoch(dir: &Path, clean: bool) -> anyhow::Result<u64> {
    let path = dir.join("stream-epoch");
    let before: Option<u64> = std::fs::read_to_string(&path)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let epoch = match (before, clean) {
        (Some(epoch), true) => epoch,
        (before, _) => before.unwrap_or(0) + 1,
    };
    let half = dir.join("stream-epoch.tmp");
    std::fs::write(&half, format!("{epoch}\n"))
        .and_then(|()| std::fs::rename(&half, &path))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(epoch)
}
