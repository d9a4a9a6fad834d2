//! `siaga import`: files of terms become inputs, after a diff that a person has seen.
//!
//! The journal is the truth of terms. The desk must be stopped: the inputs are appended to its
//! journal, checked by the machine, and one refusal leaves everything as it was. Beside a running
//! desk `POST /api/v1/terms/import` does the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use siaga_feed::catalog::{Catalog, Files};
use siaga_risk::event::{Command, Input};
use siaga_risk::ids::ActorId;
use siaga_risk::machine::Machine;
use siaga_risk::record;

use super::{Exit, moves, progress};
use crate::clock::Clock;
use crate::config::Config;
use crate::desk::catch_up::CatchUp;
use crate::desk::kept_names::{self, KeptNames};
use crate::desk::listed::{self, Beside, beside};
use crate::desk::recover::{self, Sizes};
use crate::desk::terms::{Change, Field, diff, try_on};
use crate::desk::terms_files::Texts;
use crate::desk::{calendars, sources};

/// What to import.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A file of terms (instruments.toml, currencies.toml, sources.toml, leverage.toml, groups.toml,
    /// demo.toml, calendars.toml or holidays.toml), or a folder of them; what is missing is taken from the program, but
    /// beside a file alone calendars and holidays that were imported before stay. Without one: the program's own terms,
    /// for the sources of prices that are switched on.
    pub file: Option<PathBuf>,
    /// Bring the changes in; without it they are only shown.
    #[arg(long)]
    pub apply: bool,
    /// Number of the person who answers for it.
    #[arg(long, default_value_t = 1)]
    pub author: u32,
}

/// Shows the diff, and applies it when asked.
pub fn run(config: &Config, args: &Args, json: bool) -> anyhow::Result<Exit> {
    let kept = KeptNames::open(&config.data.dir)?;
    let given = match &args.file {
        Some(file) => read(file, &kept)?,
        None => Texts::shipped(),
    };
    let mut catalog = Catalog::read(&given.files())?;
    // With the sources in use only, as the desk runs it.
    catalog.retain_sources(&sources(config))?;
    let beside = beside(&kept, &catalog, &given.files());
    let bar = progress(json, 0, "replaying");
    if !args.apply {
        let machine = recover::look(&config.data.dir, moves(&bar))?;
        bar.finish_and_clear();
        let changes = diff(&machine.terms(), &catalog);
        show(&changes, &beside, &[], json, false);
        return Ok(match changes.is_empty() && beside.is_empty() {
            true => Exit::Well,
            false => Exit::Found,
        });
    }
    let sizes = Sizes {
        segment_bytes: config.data.segment_mib.saturating_mul(1 << 20),
        log_bytes: u64::from(config.data.log_mib) << 20,
    };
    let mut recovered = recover::open(&config.data.dir, sizes, moves(&bar))?;
    bar.finish_and_clear();
    // Its alert and its deliveries are the desk's to settle, before anything is recorded behind the gap.
    if let Some(lost) = &recovered.report.lost {
        bail!(
            "{lost}. Start `siaga serve` once, which alerts of it, then import; nothing was imported"
        );
    }
    let changes = diff(&recovered.machine.terms(), &catalog);
    if changes.is_empty() {
        show(&changes, &beside, &[], json, true);
        kept_names::keep(&config.data.dir, &catalog, &given.files())?;
        recovered.log.close()?;
        recovered.journal.close()?;
        return Ok(Exit::Well);
    }
    let clock = Clock::start();
    let before = &recovered.machine;
    let behind_ns = clock.not_before(before.now());
    let listed = listed::catalog(&kept, &before.terms(), &sources(config))?;
    // What is imported carries today's time, and the next start looks no further back than that.
    let owed = CatchUp::new(
        calendars(config, &listed),
        recovered.last,
        before.now(),
        behind_ns,
        clock.now(),
    );
    show(&changes, &beside, &owed.remarks, json, true);
    let mut trial = Machine::restore(&before.snapshot()).context("the state cannot be copied")?;
    let mut inputs = Vec::new();
    let mut seq = recovered.last;
    for body in owed.bodies {
        seq += 1;
        let command = Command {
            ts: owed.ts,
            actor: ActorId(0),
            token: 0,
            body,
        };
        let input = Input::Command(Box::new(command));
        trial.apply(seq, &input, &mut Vec::new());
        inputs.push((seq, input));
    }
    for change in &changes {
        seq += 1;
        let command = Command {
            ts: clock.now(),
            actor: ActorId(args.author),
            token: seq,
            body: change.body.clone(),
        };
        let input = Input::Command(Box::new(command));
        if let Some(reason) = try_on(&mut trial, seq, &input).first() {
            bail!(
                "{}: {} ({}); nothing was imported",
                change.name,
                reason.name(),
                reason.lifts()
            );
        }
        inputs.push((seq, input));
    }
    let mut payload = Vec::new();
    for (seq, input) in &inputs {
        payload.clear();
        let kind = record::put_input(input, &mut payload);
        recovered.journal.append(*seq, kind, &payload)?;
    }
    recovered.journal.sync()?;
    // Behind the terms: names alone would stand for terms that are not in force. A crash in between
    // is healed by importing once more.
    kept_names::keep(&config.data.dir, &catalog, &given.files())?;
    recovered.journal.close()?;
    recovered.log.close()?;
    Ok(Exit::Well)
}

fn what(change: &Change) -> &'static str {
    match change.is_new {
        true => "new",
        false => "changed",
    }
}

/// The diff for programs, with what somebody has to know of the time that passed.
fn as_json(
    changes: &[Change],
    beside: &[Beside],
    remarks: &[String],
    applied: bool,
) -> serde_json::Value {
    let told = |field: &Field| serde_json::json!({ "field": field.name, "from": field.from, "to": field.to });
    let list: Vec<_> = changes
        .iter()
        .map(|change| {
            let fields: Vec<_> = change.fields.iter().map(told).collect();
            serde_json::json!({ "terms": change.name, "what": what(change), "fields": fields })
        })
        .collect();
    let others: Vec<_> = beside
        .iter()
        .map(|change| {
            let fields: Vec<_> = change.fields.iter().map(told).collect();
            serde_json::json!({ "name": change.name, "fields": fields })
        })
        .collect();
    serde_json::json!({ "changes": list, "beside": others, "remarks": remarks, "applied": applied })
}

fn show(changes: &[Change], beside: &[Beside], remarks: &[String], json: bool, applied: bool) {
    if json {
        println!("{}", as_json(changes, beside, remarks, applied));
        return;
    }
    for change in changes {
        println!("{:8} {}", what(change), change.name);
        for field in &change.fields {
            println!("         {}: {} -> {}", field.name, field.from, field.to);
        }
    }
    if changes.iter().any(|change| !change.fields.is_empty()) {
        println!(
            "as the journal holds them: ratios in 10^-12, times in nanoseconds, prices and sizes in steps, money in minor units"
        );
    }
    for change in beside {
        println!(
            "{:8} {} (takes effect at the next start)",
            "changed", change.name
        );
        for field in &change.fields {
            println!("         {}: {} -> {}", field.name, field.from, field.to);
        }
    }
    for remark in remarks {
        println!("{:8} {remark}", "note");
    }
    let count = changes.len() + beside.len();
    match (count, applied) {
        (0, _) => println!("nothing differs from what is in force"),
        (count, true) => println!("{count} changes imported"),
        (count, false) => println!("{count} changes; run again with --apply to bring them in"),
    }
}

/// The texts of a file or a folder; what is missing is the program's. A file alone says nothing of the hours that were
/// imported before it.
fn read(given: &Path, kept: &KeptNames) -> anyhow::Result<Texts> {
    let named = given.file_name().and_then(|name| name.to_str());
    if given.is_file() && !named.is_some_and(|name| Files::NAMES.contains(&name)) {
        bail!(
            "{} is not a file of terms: name it one of {}",
            given.display(),
            Files::NAMES.join(", ")
        );
    }
    if !given.exists() {
        bail!("{} is neither a file nor a folder", given.display());
    }
    let mut texts = BTreeMap::new();
    for name in Files::NAMES {
        let path = match given.is_dir() {
            true => given.join(name),
            false => given.with_file_name(name),
        };
        if path.exists() && (given.is_dir() || path == given) {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            texts.insert(name, text);
        }
    }
    Ok(Texts::of(texts, kept, given.is_file()))
}

#[cfg(test)]
mod tests {
    use siaga_risk::event::Body;
    use siaga_risk::journal::JournalFiles;
    use siaga_risk::units::{DAY_NS, Ts};

    use super::*;

    /// A data folder on which the first start came no further than its terms, at an instant.
    fn begun(config: &Config, then: Ts) {
        let sizes = Sizes {
            segment_bytes: 4 << 20,
            log_bytes: 1 << 30,
        };
        let mut fresh = recover::open(&config.data.dir, sizes, |_, _| {}).unwrap();
        let catalog = Catalog::shipped_with(&sources(config)).unwrap();
        let mut payload = Vec::new();
        for (seq, body) in (1..).zip(catalog.bodies()) {
            let command = Command {
                ts: then,
                actor: ActorId(0),
                token: 0,
                body,
            };
            payload.clear();
            let kind = record::put_input(&Input::Command(Box::new(command)), &mut payload);
            fresh.journal.append(seq, kind, &payload).unwrap();
        }
        fresh.journal.sync().unwrap();
        fresh.journal.close().unwrap();
        fresh.log.close().unwrap();
    }

    #[test]
    fn nights_that_passed_before_an_import_are_told_before_its_terms() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.data.dir = folder.path().join("data");
        config.data.segment_mib = 4;
        let now = Clock::start().now();
        let then = Ts(now.0 - 5 * DAY_NS);
        begun(&config, then);
        let file = folder.path().join("instruments.toml");
        let changed = Files::SHIPPED
            .instruments
            .replacen("swap_long = -7", "swap_long = -8", 1);
        std::fs::write(&file, changed).unwrap();
        let args = Args {
            file: Some(file),
            apply: true,
            author: 7,
        };
        assert_eq!(run(&config, &args, true).unwrap(), Exit::Well);

        let disk = recover::disk(&config.data.dir).unwrap();
        let files = JournalFiles::open(&disk).unwrap().unwrap();
        let mut records = files.records(1).unwrap();
        let (mut nights, mut terms) = (Vec::new(), 0);
        while let Some(found) = records.next().unwrap() {
            let input = record::get_input(found.kind, found.payload).unwrap();
            let Input::Command(command) = &input else {
                panic!("only commands were written");
            };
            match &command.body {
                Body::Rollover(night) if night.at <= now => {
                    assert_eq!((command.ts, terms), (then, 0));
                    nights.push(night.at);
                }
                _ if command.actor == ActorId(7) => {
                    assert!(command.ts >= now);
                    terms += 1;
                }
                _ => {}
            }
        }
        nights.dedup();
        // Five; where summer time begins or ends, one may lie outside.
        assert!((4..=6).contains(&nights.len()), "{nights:?}");
        assert_eq!(terms, 1);
    }

    #[test]
    fn what_an_import_leaves_to_people_stands_beside_the_diff() {
        let catalog = Catalog::shipped_with(&sources(&Config::default())).unwrap();
        let now = Clock::start().now();
        let then = Ts(now.0 - 365 * DAY_NS);
        let calendars = calendars(&Config::default(), &catalog);
        let owed = CatchUp::new(calendars, 9, then, 0, now);
        let told = as_json(&[], &[], &owed.remarks, true);
        let said = told["remarks"][0].as_str().unwrap();
        assert!(said.contains("settle those by hand"), "{said}");
        assert_eq!(told["applied"], true);
    }

    #[test]
    fn a_file_alone_leaves_imported_hours_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("leverage.toml");
        std::fs::write(&file, Files::SHIPPED.leverage).unwrap();
        let kept = KeptNames {
            calendars: Some("ours".to_owned()),
            holidays: Some("free".to_owned()),
            ..KeptNames::default()
        };
        let alone = read(&file, &kept).unwrap();
        assert_eq!(
            (alone.calendars.as_str(), alone.holidays.as_str()),
            ("ours", "free")
        );
        let whole = read(folder.path(), &kept).unwrap();
        assert_eq!(whole.calendars, Files::SHIPPED.calendars);
        assert_eq!(whole.holidays, Files::SHIPPED.holidays);
    }
}
