//! What the data directory and its disk say.

use std::path::Path;
use std::sync::Arc;

use siaga_feed::catalog::Catalog;
use siaga_risk::journal::{
    Damage, Disk, FileDisk, JournalError, JournalFiles, Snapshot, SnapshotMeta, Snapshots, Stream,
    inspect_told, newest_epoch,
};
use siaga_risk::machine::Machine;
use siaga_risk::record;
use siaga_risk::recovery;
use siaga_risk::verify::{journal_gone, outputs_gone};

use super::Finding;
use crate::cli::{moves, progress};
use crate::clock::Clock;
use crate::config::{Config, Data};
use crate::desk::kept_names::KeptNames;
use crate::desk::{listed, recover, sources, terms};

/// Segments that must find room at any time: one in use and one prepared, of the journal and of the
/// output log.
const SEGMENTS: u64 = 4;
const MIB: u64 = 1 << 20;

/// Every finding about files; a bar shows how far the long ones are unless `json` is printed.
pub(super) fn look(config: &Config, json: bool) -> Vec<Finding> {
    let mut findings = vec![
        directory(&config.data.dir),
        disk(&config.data),
        names(config),
    ];
    let disk = match recover::folder(&config.data.dir) {
        Ok(Some(dir)) => FileDisk::new(&dir).map_err(|error| error.to_string()),
        Ok(None) => {
            findings.push(Finding::well(
                "journal",
                "none yet: the first start makes it, and brings in the program's terms",
            ));
            return findings;
        }
        Err(fault) => Err(fault.to_string()),
    };
    match disk {
        Ok(disk) => {
            let disk: Arc<dyn Disk> = disk;
            let (journal, last) = log("journal", "inputs", &disk, Stream::Journal, json);
            let (outputs, _) = log("output log", "outputs", &disk, Stream::Output, json);
            findings.push(whole(journal, journal_gone(&disk)));
            findings.push(whole(outputs, outputs_gone(&disk)));
            let (snapshots, newest) = snapshots(&disk);
            findings.push(snapshots);
            let taken = newest.as_ref().map(|found| found.meta);
            let latest = latest(&disk, newest, last, json);
            let fault = latest.as_ref().err().map(String::as_str);
            findings.push(rules(&disk, taken, fault));
            match latest {
                Ok(Some(machine)) => {
                    findings.push(in_force(config, &machine));
                    findings.push(clock(&machine));
                }
                Ok(None) => findings.push(Finding::well("terms", "the first start brings them in")),
                // Whatever is damaged has been named above.
                Err(why) => findings.push(Finding::well("terms", format!("not compared: {why}"))),
            }
        }
        Err(why) => findings.push(Finding::look("journal", why)),
    }
    findings
}

fn directory(dir: &Path) -> Finding {
    let shown = dir.display();
    if dir.exists() && !dir.is_dir() {
        let detail = format!("{shown} is a file: name a folder in data.dir");
        return Finding::look("data", detail);
    }
    match nearest(dir).map(tempfile::NamedTempFile::new_in) {
        Some(Ok(_)) => Finding::well("data", format!("{shown} can be written")),
        Some(Err(error)) => Finding::look(
            "data",
            format!(
                "{shown} cannot be written: {error}; give its folder to the user who runs the desk"
            ),
        ),
        None => Finding::well("data", format!("{shown} will be made")),
    }
}

/// Names, calendars and holidays that were imported: a start reads them first.
fn names(config: &Config) -> Finding {
    let part = "names";
    let kept = match KeptNames::open(&config.data.dir) {
        Ok(kept) => kept,
        Err(error) => return Finding::look(part, format!("{error:#}")),
    };
    // The terms in force add nothing that could not be read.
    match listed::catalog(&kept, &[], &sources(config)) {
        Ok(_) if kept == KeptNames::default() => Finding::well(part, "the program's own"),
        Ok(_) => Finding::well(part, "those that were imported can be read"),
        Err(error) => Finding::look(part, format!("{error:#}")),
    }
}

/// The folder itself, or the nearest one above it that is there.
fn nearest(dir: &Path) -> Option<&Path> {
    let existing = dir.ancestors().find(|path| path.is_dir())?;
    Some(match existing.as_os_str().is_empty() {
        true => Path::new("."),
        false => existing,
    })
}

fn disk(data: &Data) -> Finding {
    let at = nearest(&data.dir).unwrap_or(Path::new("."));
    match rustix::fs::statvfs(at) {
        Ok(found) => room(data, found.f_bavail.saturating_mul(found.f_frsize)),
        Err(error) => Finding::look("disk", format!("{}: {error}", at.display())),
    }
}

/// Whether what is free bears the next segments, and what the files may come to.
fn room(data: &Data, free_bytes: u64) -> Finding {
    let next = SEGMENTS * u64::from(data.segment_mib) * MIB;
    let most = (u64::from(data.keep_mib) + u64::from(data.log_mib)) * MIB;
    let (free, most_mib) = (free_bytes / MIB, most / MIB);
    if free_bytes < next {
        return Finding::look(
            "disk",
            format!(
                "{free} MiB are free and the next segments take {}: free the disk, or orders are refused when it is full",
                next / MIB
            ),
        );
    }
    let advice = match free_bytes < most {
        true => {
            format!("; the files may grow to {most_mib} MiB: see data.keep_mib and data.log_mib")
        }
        false => String::new(),
    };
    Finding::well("disk", format!("{free} MiB are free{advice}"))
}

/// What a log holds, and its last sequence.
fn log(
    part: &'static str,
    of: &str,
    disk: &Arc<dyn Disk>,
    stream: Stream,
    json: bool,
) -> (Finding, u64) {
    let bar = progress(json, 0, "reading");
    let found = inspect_told(disk, stream, &mut moves(&bar));
    bar.finish_and_clear();
    let last = found.as_ref().ok().and_then(|found| found.last_seq);
    let finding = match found {
        Ok(found) if found.damage.is_empty() => {
            let torn = found.torn.map_or(String::new(), |torn| {
                format!("; the next start cuts: {torn}")
            });
            Finding::well(part, format!("{} {of}{torn}", found.records))
        }
        Ok(found) => {
            let damage = found.damage.iter().map(ToString::to_string);
            Finding::look(part, damage.collect::<Vec<_>>().join("; "))
        }
        Err(error) => Finding::look(part, error.to_string()),
    };
    (finding, last.unwrap_or(0))
}

/// What was found of a log, unless other files prove that some of it is gone.
fn whole(finding: Finding, gone: Result<Option<Damage>, JournalError>) -> Finding {
    match gone {
        Ok(Some(gone)) if finding.ok => Finding::look(finding.part, gone.text),
        // Whatever cannot be read is named by the look at it.
        _ => finding,
    }
}

/// The newest state that can be read is looked at further.
fn snapshots(disk: &Arc<dyn Disk>) -> (Finding, Option<Snapshot>) {
    let part = "snapshots";
    let (newest, skipped) = match Snapshots::new(disk.clone()).newest_good(u64::MAX, None) {
        Ok(found) => found,
        Err(error) => return (Finding::look(part, error.to_string()), None),
    };
    let said = newest.as_ref().map_or(
        "none yet: a start replays the whole journal".to_owned(),
        |found| format!("the newest is of input {}", found.meta.seq),
    );
    let finding = match skipped.first() {
        None => Finding::well(part, said),
        Some(bad) => Finding::look(
            part,
            format!(
                "{}: {}; {said}; keep a copy of the folder and run `siaga journal verify`",
                bad.file, bad.reason
            ),
        ),
    };
    (finding, newest)
}

/// Under which rules the next start goes on. Where there is no journal it does so from the newest snapshot, if it can: `fault` is why
/// it cannot.
fn rules(disk: &Arc<dyn Disk>, newest: Option<SnapshotMeta>, fault: Option<&str>) -> Finding {
    let part = "rules";
    match newest_epoch(disk, Stream::Journal).map_err(|error: JournalError| error.to_string()) {
        Ok(Some((epoch, fingerprint))) if fingerprint != Machine::FINGERPRINT => Finding::well(
            part,
            format!(
                "the journal's epoch {epoch} was decided by other rules: the next start begins a new epoch, if they were \
                 stopped gracefully and left a snapshot at the journal's end"
            ),
        ),
        Ok(Some((epoch, _))) => Finding::well(
            part,
            format!("epoch {epoch}, the same rules as this program"),
        ),
        Ok(None) => match (fault, newest) {
            (Some(fault), _) => Finding::look(part, fault),
            (None, None) => Finding::well(part, "epoch 1 begins at the first start"),
            (None, Some(meta)) if meta.fingerprint == Machine::FINGERPRINT => {
                Finding::well(part, "those of the newest snapshot go on")
            }
            (None, Some(meta)) => Finding::well(
                part,
                format!(
                    "the newest snapshot is of other rules: the next start goes on from it and begins epoch {}",
                    meta.epoch.saturating_add(1)
                ),
            ),
        },
        Err(detail) => Finding::look(part, detail),
    }
}

/// The newest state brought to the journal's end at `last`, by reading alone; nothing when there is no input yet.
fn latest(
    disk: &Arc<dyn Disk>,
    newest: Option<Snapshot>,
    last: u64,
    json: bool,
) -> Result<Option<Machine>, String> {
    let files = JournalFiles::open(disk).map_err(|error| error.to_string())?;
    // Without a journal the next start goes on from the snapshot, whatever rules have left it.
    let Some(files) = files else {
        drop(newest);
        let machine = recovery::look(disk, &mut |_, _| {}).map_err(|error| error.to_string())?;
        return Ok((machine.last_seq() > 0).then_some(machine));
    };
    let newest = newest.and_then(|found| Machine::restore(&found.payload).ok());
    let mut machine = newest.unwrap_or_default();
    let bar = progress(json, last.saturating_sub(machine.last_seq()), "replaying");
    let mut outputs = Vec::new();
    let mut tail = files
        .records(machine.last_seq() + 1)
        .map_err(|error| error.to_string())?;
    while let Some(found) = tail.next().map_err(|error| error.to_string())? {
        let input = record::get_input(found.kind, found.payload)
            .map_err(|error| format!("input {}: {error}", found.seq))?;
        machine.apply(found.seq, &input, &mut outputs);
        outputs.clear();
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((machine.last_seq() > 0).then_some(machine))
}

/// A changed file or switch alone changes nothing: somebody has to be told.
fn in_force(config: &Config, machine: &Machine) -> Finding {
    let part = "terms";
    let sources = sources(config);
    let catalog = match Catalog::shipped_with(&sources) {
        Ok(catalog) => catalog,
        Err(error) => return Finding::look(part, error.to_string()),
    };
    let in_force = machine.terms();
    let remarks = terms::remarks(&in_force, &catalog, &sources);
    if !remarks.is_empty() {
        return Finding::look(part, remarks.join("; "));
    }
    let changes = terms::diff(&in_force, &catalog);
    let names: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
    Finding::well(
        part,
        match names.len() {
            0 => "the program's own are in force".to_owned(),
            count => format!(
                "{count} in force differ from the program's own ({}): `siaga import` shows them",
                terms::some_of(&names)
            ),
        },
    )
}

/// The core's time never goes back: it goes on from where the journal ends, ahead of a clock that is behind it.
fn clock(machine: &Machine) -> Finding {
    let part = "clock";
    let (now, reached) = (Clock::start().now(), machine.now());
    if reached <= now {
        return Finding::well(part, "not behind the journal");
    }
    Finding::look(
        part,
        format!(
            "this machine's clock is {} s behind the journal: set it right before the start, or the desk's time runs ahead of \
             it until it has caught up, which takes 2,000 times as long",
            reached.since(now) / 1_000_000_000
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_risk::event::Input;
    use siaga_risk::journal::MemoryDisk;
    use siaga_risk::units::Ts;

    /// What is said of rules and terms without a journal, beside a snapshot of epoch 4 whose first bytes are these.
    fn without_journal(front: Option<(u64, u8)>) -> (Finding, Result<bool, String>) {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
        if let Some((fingerprint, layout)) = front {
            let mut machine = Machine::new();
            machine.apply(1, &Input::Clock(Ts(1_000)), &mut Vec::new());
            let mut payload = machine.snapshot();
            payload[..8].copy_from_slice(&fingerprint.to_le_bytes());
            payload[8] ^= layout;
            let meta = SnapshotMeta {
                seq: 1,
                fingerprint,
                epoch: 4,
                state_hash: machine.state_hash(),
            };
            let written = Snapshots::new(disk.clone()).write(&meta, &payload);
            written.expect("written");
        }
        let (_, newest) = snapshots(&disk);
        let taken = newest.as_ref().map(|found| found.meta);
        let latest = latest(&disk, newest, 0, true);
        let fault = latest.as_ref().err().map(String::as_str);
        let rules = rules(&disk, taken, fault);
        (rules, latest.map(|machine| machine.is_some()))
    }

    #[test]
    fn without_a_journal_the_next_start_goes_on_from_what_it_can_read() {
        let (rules, terms) = without_journal(None);
        assert!(
            rules.ok && rules.detail.contains("epoch 1"),
            "{}",
            rules.detail
        );
        assert_eq!(terms, Ok(false), "the first start brings them in");
        let (rules, terms) = without_journal(Some((Machine::FINGERPRINT, 0)));
        assert!(
            rules.ok && rules.detail.contains("go on"),
            "{}",
            rules.detail
        );
        assert_eq!(terms, Ok(true));
        let (rules, terms) = without_journal(Some((0x01d, 0)));
        assert!(
            rules.ok && rules.detail.contains("epoch 5"),
            "{}",
            rules.detail
        );
        assert_eq!(terms, Ok(true), "those of the snapshot");
        let (rules, terms) = without_journal(Some((0x01d, 0x40)));
        assert!(
            !rules.ok && rules.detail.contains("cannot be read"),
            "{}",
            rules.detail
        );
        assert!(terms.is_err());
    }

    #[test]
    fn a_disk_that_does_not_bear_the_next_segments_is_told() {
        let data = Data::default();
        let full = room(&data, 255 * MIB);
        assert!(!full.ok && full.detail.contains("256"), "{}", full.detail);
        let small = room(&data, 1_024 * MIB);
        assert!(small.ok && small.detail.contains("data.keep_mib"));
        let wide = room(&data, 100_000 * MIB);
        assert!(wide.ok && !wide.detail.contains("grow"), "{}", wide.detail);
    }
}
