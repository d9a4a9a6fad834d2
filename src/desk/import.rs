//! An import of terms while the desk runs: the same reader and the same diff as `siaga import`, tried on a copy, then sent as
//! ordinary commands of whoever asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use siaga_feed::catalog::Catalog;
use siaga_risk::event::{Command, Input, Seq, TermsChange};
use siaga_risk::ids::ActorId;
use siaga_risk::machine::Machine;
use siaga_risk::units::Ts;
use siaga_risk::verdict::Reject;
use tokio::sync::Mutex;

use super::handle::Handle;
use super::kept_names::{self, KeptNames};
use super::listed::{Beside, beside};
use super::names::NameSource;
use super::terms::{Change, Field, diff, is_known, try_on, unchanged};
use super::terms_files::Texts;
use crate::gateway::core::{CoreError, Imported};
use crate::gateway::dto::import::{
    ImportFault, TermsBeside, TermsDiff, TermsEffect, TermsField, TermsImport, TermsImportDto,
    TermsOutcome, TermsWhat, TermsWhen,
};

/// What an import needs beside the desk.
pub struct Importer {
    data: PathBuf,
    /// Sources of prices in use.
    sources: Vec<&'static str>,
    /// Held from the diff to the last change: there is one import at a time.
    turn: Mutex<()>,
}

impl Importer {
    pub fn new(data: &Path, sources: Vec<&'static str>) -> Importer {
        Importer {
            data: data.to_owned(),
            sources,
            turn: Mutex::new(()),
        }
    }
}

/// What files of terms come to beside what is in force.
struct Plan {
    texts: Texts,
    catalog: Catalog,
    in_force: Vec<TermsChange>,
    changes: Vec<Change>,
    /// For each change why the desk would refuse it.
    refusals: Vec<Vec<Reject>>,
    beside: Vec<Beside>,
    unchanged: usize,
}

/// Why an import ended early.
enum Stop {
    Refused(Vec<Reject>),
    Failed(CoreError),
}

/// Shows an import, or makes it. Not to be dropped half-way: run it as a task of its own.
///
/// # Errors
/// There is no copy to try it on now, or the names could not be kept.
pub async fn run(handle: Arc<Handle>, import: TermsImport) -> Result<Imported, CoreError> {
    let _turn = handle.importer.turn.lock().await;
    let (data, sources) = (
        handle.importer.data.clone(),
        handle.importer.sources.clone(),
    );
    let (files, now) = (import.files, handle.clock.now());
    let looked = handle.what_if.clone();
    let planned = looked.look(move |machine| plan(machine, files, &data, &sources, now));
    let planned = planned.await?;
    let plan = match planned.map_err(|error| CoreError::NotAvailable(format!("{error:#}")))? {
        Ok(plan) => plan,
        Err(fault) => return Ok(Err(fault)),
    };
    let Some(by) = import.by else {
        return Ok(Ok(plan.told(None, true)));
    };
    if let Some(at) = plan.refusals.iter().position(|reasons| !reasons.is_empty()) {
        return Ok(Err(ImportFault::Refused {
            at: plan.place(at),
            reasons: plan.refusals[at].clone(),
        }));
    }
    apply(&handle, plan, by).await
}

/// Sends the changes one after the other, and keeps the names behind those that are in force.
async fn apply(handle: &Handle, plan: Plan, by: ActorId) -> Result<Imported, CoreError> {
    let before = handle.names.load_full();
    // Known before the follower hears of the terms; on the disk only behind them.
    let mut kept = KeptNames::clone(&before.kept);
    let new = unknown(&plan.catalog, &plan.in_force);
    kept.take(&new, &Catalog::shipped());
    handle.names.store(Arc::new(NameSource {
        catalog: before.catalog.clone(),
        kept: Arc::new(kept),
    }));
    let (mut seq, mut stop, mut applied) = (None, None, 0);
    for change in &plan.changes {
        match handle.send(by, change.body.clone()).await {
            Ok(answered) if answered.answer.reasons.is_empty() => seq = Some(answered.seq),
            Ok(answered) => stop = Some(Stop::Refused(answered.answer.reasons)),
            Err(error) => stop = Some(Stop::Failed(error)),
        }
        if stop.is_some() {
            break;
        }
        applied += 1;
    }
    // What no answer came for may be in force: then its name has to be there.
    let is_open = matches!(&stop, Some(Stop::Failed(error)) if may_be_in_force(error));
    if applied == 0
        && !is_open
        && let Some(stop) = stop
    {
        handle.names.store(before);
        return match stop {
            Stop::Refused(reasons) => Ok(Err(ImportFault::Refused {
                at: plan.place(0),
                reasons,
            })),
            Stop::Failed(error) => Err(error),
        };
    }
    keep(handle, &plan).await?;
    Ok(match stop {
        None => Ok(plan.told(seq, false)),
        Some(stop) => Err(plan.ended(applied, stop)),
    })
}

/// Whether a command may have been recorded all the same.
fn may_be_in_force(error: &CoreError) -> bool {
    matches!(
        error,
        CoreError::Timeout | CoreError::Poisoned { .. } | CoreError::NotPassedOn { .. }
    )
}

async fn keep(handle: &Handle, plan: &Plan) -> Result<(), CoreError> {
    let data = handle.importer.data.clone();
    let (catalog, texts) = (plan.catalog.clone(), plan.texts.clone());
    let kept =
        tokio::task::spawn_blocking(move || kept_names::keep(&data, &catalog, &texts.files()));
    let kept = kept.await.map_err(|_| CoreError::Stopped)?;
    kept.map_err(|error| {
        let why = format!(
            "the terms are in force and their names are not kept: {error:#}; send the files again"
        );
        CoreError::NotAvailable(why)
    })
}

/// Reads the files and tries what they change on a copy.
fn plan(
    mut machine: Machine,
    files: BTreeMap<&'static str, String>,
    data: &Path,
    sources: &[&str],
    now: Ts,
) -> anyhow::Result<Result<Plan, ImportFault>> {
    let kept = KeptNames::open(data)?;
    let alone = files.len() == 1;
    let texts = Texts::of(files, &kept, alone);
    let read = Catalog::read(&texts.files()).and_then(|mut catalog| {
        catalog.retain_sources(sources)?;
        Ok(catalog)
    });
    let catalog = match read {
        Ok(catalog) => catalog,
        Err(error) => {
            let flaw = texts.flaw(&error);
            return Ok(Err(ImportFault::Unreadable {
                file: flaw.file,
                line: flaw.line,
                message: flaw.message,
            }));
        }
    };
    let in_force = machine.terms();
    let changes = diff(&in_force, &catalog);
    let first = machine.last_seq() + 1;
    let ts = now.max(machine.now());
    let refusals = changes.iter().zip(first..).map(|(change, seq): (_, Seq)| {
        let command = Command {
            ts,
            actor: ActorId(0),
            token: seq,
            body: change.body.clone(),
        };
        try_on(&mut machine, seq, &Input::Command(Box::new(command)))
    });
    Ok(Ok(Plan {
        refusals: refusals.collect(),
        beside: beside(&kept, &catalog, &texts.files()),
        unchanged: unchanged(&in_force, &catalog),
        texts,
        catalog,
        in_force,
        changes,
    }))
}

/// A catalog without what is in force already: names of that change at the next start, with everything that is bound to them.
fn unknown(catalog: &Catalog, in_force: &[TermsChange]) -> Catalog {
    let mut new = catalog.clone();
    let is_new = |change: &TermsChange| !is_known(in_force, change);
    new.currencies
        .retain(|found| is_new(&TermsChange::Currency(found.terms)));
    new.sources
        .retain(|found| is_new(&TermsChange::Source(found.terms)));
    new.links
        .retain(|found| is_new(&TermsChange::Link(found.terms)));
    new.instruments
        .retain(|found| is_new(&TermsChange::Instrument(Box::new(found.terms.clone()))));
    new.groups
        .retain(|found| is_new(&TermsChange::Group(Box::new(found.terms))));
    new.accounts.clear();
    new
}

impl Plan {
    fn line(&self, change: &Change) -> Option<usize> {
        self.texts.line(change.file, &change.entry, None)
    }

    /// A change and where it stands.
    fn place(&self, at: usize) -> String {
        let change = &self.changes[at];
        match self.line(change) {
            Some(line) => format!("{} ({}, line {line})", change.name, change.file),
            None => format!("{} ({})", change.name, change.file),
        }
    }

    /// Sources of prices and calendars read the catalog of the house once.
    fn waits_for_a_start(&self) -> bool {
        let of_feeds =
            |field: &Field| field.name.starts_with("feeds") || field.name.starts_with("swap.week");
        let waits = |change: &Change| {
            let is_new_price = change.is_new && change.file == "instruments.toml";
            is_new_price || change.fields.iter().any(of_feeds)
        };
        !self.beside.is_empty() || self.changes.iter().any(waits)
    }

    fn told(self, seq: Option<Seq>, dry_run: bool) -> TermsImportDto {
        let changes = self.changes.iter().zip(&self.refusals);
        let changes = changes.map(|(change, reasons)| TermsDiff {
            terms: change.name.clone(),
            what: match change.is_new {
                true => TermsWhat::Added,
                false => TermsWhat::Changed,
            },
            file: change.file.to_owned(),
            line: self.line(change).map(|line| line as u64),
            fields: change.fields.iter().map(field).collect(),
            outcome: match (reasons.is_empty(), dry_run) {
                (false, _) => TermsOutcome::Refused,
                (true, true) => TermsOutcome::Shown,
                (true, false) => TermsOutcome::Applied,
            },
            reasons: reasons.iter().copied().map(Into::into).collect(),
        });
        let others = self.beside.iter().map(|other| TermsBeside {
            name: other.name.clone(),
            fields: other.fields.iter().map(field).collect(),
            takes_effect: TermsWhen::Restart,
        });
        TermsImportDto {
            dry_run,
            changes: changes.collect(),
            beside: others.collect(),
            unchanged: self.unchanged as u64,
            takes_effect: TermsEffect {
                terms: TermsWhen::Now,
                feeds: match self.waits_for_a_start() {
                    true => TermsWhen::Restart,
                    false => TermsWhen::Now,
                },
            },
            seq,
        }
    }

    /// What stands behind so many changes, and what was not made.
    fn ended(&self, applied: usize, stop: Stop) -> ImportFault {
        let at = self.place(applied);
        let done = self.changes[..applied].iter();
        let applied = done.map(|change| change.name.clone()).collect();
        match stop {
            Stop::Refused(reasons) => ImportFault::Halfway {
                applied,
                at,
                reasons,
            },
            Stop::Failed(error) => ImportFault::Broken { applied, at, error },
        }
    }
}

fn field(found: &Field) -> TermsField {
    TermsField {
        field: found.name.clone(),
        from: found.from.clone(),
        to: found.to.clone(),
    }
}

#[cfg(test)]
mod tests {
    use siaga_feed::catalog::Files;

    use super::*;
    use crate::desk::terms::tests::machine_of;

    fn planned(file: &'static str, text: String) -> Result<Plan, ImportFault> {
        let data = tempfile::tempdir().expect("a folder");
        let machine = machine_of(&Catalog::shipped(), usize::MAX);
        let files = BTreeMap::from([(file, text)]);
        let sources = [
            siaga_feed::catalog::SIM_PRIMARY,
            siaga_feed::catalog::SIM_SECONDARY,
        ];
        plan(machine, files, data.path(), &sources, Ts(1)).expect("names can be read")
    }

    #[test]
    fn a_change_is_told_with_its_line_and_what_was_not_touched_is_counted() {
        let text = Files::SHIPPED
            .groups
            .replacen("leverage = 50", "leverage = 40", 1);
        let plan = planned("groups.toml", text).expect("it can be read");
        let told = plan.told(None, true);
        assert_eq!(told.changes.len(), 1, "{told:?}");
        let change = &told.changes[0];
        assert_eq!(
            (change.file.as_str(), change.line, change.outcome),
            ("groups.toml", Some(6), TermsOutcome::Shown)
        );
        assert_eq!(
            (change.fields[0].from.as_str(), change.fields[0].to.as_str()),
            ("50", "40")
        );
        assert!(told.unchanged > 50, "{}", told.unchanged);
        assert_eq!(told.takes_effect.feeds, TermsWhen::Now);
    }

    #[test]
    fn what_the_desk_would_refuse_is_told_before_anything_is_sent() {
        // Digits of money that is there may not move.
        let text = Files::SHIPPED.currencies.replacen(
            "name = \"US Dollar\", digits = 2",
            "name = \"US Dollar\", digits = 3",
            1,
        );
        let plan = planned("currencies.toml", text).expect("it can be read");
        let at = plan.refusals.iter().position(|reasons| !reasons.is_empty());
        let at = at.expect("it is refused");
        assert_eq!(plan.place(at), "currency 1 (currencies.toml, line 3)");
        let told = plan.told(None, true);
        assert_eq!(told.changes[at].outcome, TermsOutcome::Refused);
        assert!(!told.changes[at].reasons.is_empty());
    }

    #[test]
    fn an_import_that_is_broken_off_says_how_far_it_came() {
        let text = Files::SHIPPED
            .groups
            .replace("leverage = 50", "leverage = 40")
            .replace("leverage = 20,", "leverage = 10,");
        let plan = planned("groups.toml", text).expect("it can be read");
        assert_eq!(plan.changes.len(), 2);
        let fault = plan.ended(1, Stop::Failed(CoreError::Timeout));
        let ImportFault::Broken { applied, at, .. } = fault else {
            panic!("{fault:?}");
        };
        assert_eq!(applied, ["group 4"]);
        assert_eq!(at, "group 5 (groups.toml, line 7)");
    }
}
