//! The alert desk: folds the output log into alerts, and tells the stream, the sinks and whoever asks.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use siaga_alerts::alert::{Alert, AlertChange, ChangeKind, Facts, Moment, Topic};
use siaga_alerts::engine::{CommandFault, Engine, LocalDepth};
use siaga_alerts::rules::Rule;
use siaga_alerts::text::{self, Language};
use siaga_risk::event::{AlertCommand, Output, OutputKey, Seq};
use siaga_risk::ids::{AlertId, InstrumentId};
use siaga_risk::pipeline::Numbered;
use siaga_risk::units::Ts;
use tokio::sync::watch;

use super::alert_names::DirectoryNames;
use super::evidence::{EvidenceBook, Point};
use super::local_alerts;
use super::log_source::Logged;
use super::notes::Notes;
use super::reserved::Reserved;
use super::statement::statement;
use crate::gateway::core::{self as rim, AlertFilter, AlertRecord, Evidence, TimelineEntry};
use crate::gateway::directory::Directory;

/// Longest wait for the fold behind an answer of the core: it is milliseconds behind unless the sinks hold it back.
const TOLD_WAIT: Duration = Duration::from_secs(1);
/// Commands dropped by the fold that are remembered for who sent them: far more than wait at a time.
const DROPPED_MAX: usize = 1_024;

/// All alerts, and the prices around them.
pub struct AlertDesk {
    engine: Mutex<Engine>,
    pub evidence: Arc<EvidenceBook>,
    snapshot: PathBuf,
    /// Where alerts outside the journal are kept, until [`local_alerts::keep`] takes it.
    local: Mutex<Option<Reserved>>,
    /// The input of the command that was folded last. The answer to a command comes before its echo in the log, so
    /// what is applied does not say that a command is.
    told: watch::Sender<Seq>,
    /// Commands that the fold dropped, newest last.
    dropped: Mutex<VecDeque<(Seq, CommandFault)>>,
}

impl AlertDesk {
    /// The desk as its snapshot left it, or empty: the log from there on brings it up to date. One that has folded
    /// more than `end`, the last output of the log, is set aside: it would pass over everything up to there. Alerts that
    /// an earlier run raised outside the journal are as that run left them until [`Self::end_local`].
    ///
    /// # Errors
    /// When that snapshot cannot be renamed.
    pub fn open(
        snapshot: &Path,
        end: OutputKey,
        evidence: Arc<EvidenceBook>,
    ) -> anyhow::Result<Self> {
        let mut engine = kept(snapshot);
        if engine.applied() > end {
            let aside = snapshot.with_extension("bin.ahead");
            replace(snapshot, &aside)
                .with_context(|| format!("{} cannot be set aside", snapshot.display()))?;
            tracing::error!(
                applied = engine.applied().seq,
                end = end.seq,
                "the alerts' snapshot is ahead of the output log and was set aside (alerts.bin.ahead): alerts are folded anew from the log"
            );
            engine = Engine::default();
        }
        let local = open_local(
            &snapshot.with_file_name(local_alerts::FILE),
            &mut engine,
            end,
        );
        Ok(Self {
            local: Mutex::new(local),
            engine: Mutex::new(engine),
            evidence,
            snapshot: snapshot.to_owned(),
            told: watch::Sender::new(0),
            dropped: Mutex::default(),
        })
    }

    /// The last output folded.
    pub fn applied(&self) -> OutputKey {
        self.lock().applied()
    }

    /// Folds one output; what changed comes back in order.
    pub fn apply(&self, logged: &Logged) -> Vec<AlertChange> {
        let (changes, refused) = {
            let mut engine = self.lock();
            let changes = engine.apply(logged.key, logged.ts, &logged.output).to_vec();
            (changes, engine.refused())
        };
        self.note_evidence(&changes);
        if let Output::Alert(_) = &logged.output {
            self.tell(logged.key.seq, refused);
        }
        changes
    }

    /// Whether a command would be taken now.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, command: &AlertCommand, now: Ts) -> Result<(), rim::AlertFault> {
        self.lock().check(command, now).map_err(fault)
    }

    /// What the fold made of the command whose input is `seq`; waits for it, and `None` when it does not come in time.
    pub async fn told(&self, seq: Seq) -> Option<Result<(), rim::AlertFault>> {
        let mut told = self.told.subscribe();
        let waited = tokio::time::timeout(TOLD_WAIT, told.wait_for(|last| *last >= seq)).await;
        if !waited.is_ok_and(|seen| seen.is_ok()) {
            return None;
        }
        let dropped = self.dropped();
        let found = dropped.iter().rev().find(|(of, _)| *of == seq);
        Some(match found {
            Some((_, refused)) => Err(fault(*refused)),
            None => Ok(()),
        })
    }

    /// Lets time pass up to `watermark`.
    pub fn advance(&self, watermark: Ts) -> Vec<AlertChange> {
        let changes = self.lock().advance(watermark).to_vec();
        self.note_evidence(&changes);
        changes
    }

    /// Raises an alert outside the machine.
    pub fn raise(&self, rule: Rule, topic: Topic, facts: Facts, now: Ts) -> Vec<AlertChange> {
        self.lock().raise_local(rule, topic, facts, now).to_vec()
    }

    /// What was raised outside the machine is over.
    pub fn clear(&self, topic: Topic, now: Ts) -> Vec<AlertChange> {
        self.lock().clear_local(topic, now).to_vec()
    }

    /// Ends what an earlier run raised outside the machine.
    pub fn end_local(&self, now: Ts) -> Vec<AlertChange> {
        self.lock().end_local(now).to_vec()
    }

    /// The state of the alerts outside the journal.
    pub fn local_state(&self, depth: LocalDepth) -> Vec<u8> {
        self.lock().local_snapshot(depth)
    }

    /// The file for that state; one caller gets it, and none where there is no file.
    pub fn take_local(&self) -> Option<Reserved> {
        let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        local.take()
    }

    /// Whether the alert is among those in memory.
    pub fn holds(&self, id: AlertId) -> bool {
        self.lock().alert(id).is_some()
    }

    /// Tells of an output that nothing records.
    pub fn tell_unrecorded(&self, numbered: &Numbered) -> Vec<AlertChange> {
        let Numbered { key, ts, output } = numbered;
        let changes = self.lock().tell_unrecorded(*key, *ts, output).to_vec();
        self.note_evidence(&changes);
        changes
    }

    /// Keeps the state beside the core's snapshots.
    ///
    /// # Errors
    /// When the disk refuses; then the log is folded from the snapshot before.
    pub fn save(&self) -> std::io::Result<OutputKey> {
        let (bytes, applied) = {
            let engine = self.lock();
            (engine.snapshot(), engine.applied())
        };
        let half = self.snapshot.with_extension("tmp");
        let file = std::fs::File::create(&half)?;
        std::io::Write::write_all(&mut &file, &bytes)?;
        file.sync_data()?;
        replace(&half, &self.snapshot)?;
        Ok(applied)
    }

    /// Alerts that pass the filter, newest first.
    pub fn find(&self, filter: &AlertFilter, directory: &Directory) -> Vec<AlertRecord> {
        let engine = self.lock();
        let mut found: Vec<&Alert> = engine
            .alerts()
            .filter(|alert| passes(alert, filter))
            .collect();
        found.sort_by_key(|alert| std::cmp::Reverse(alert.id));
        found
            .iter()
            .take(filter.limit)
            .map(|alert| record_since(alert, engine.timeline(alert.id), directory))
            .collect()
    }

    /// One alert.
    pub fn record(&self, id: AlertId, directory: &Directory) -> Option<AlertRecord> {
        let engine = self.lock();
        let alert = engine.alert(id)?;
        Some(record_since(alert, engine.timeline(id), directory))
    }

    /// An alert as it stood after a change.
    pub fn changed(&self, change: &AlertChange, directory: &Directory) -> AlertRecord {
        let engine = self.lock();
        let timeline = engine.timeline(change.alert.id);
        let so_far = timeline.partition_point(|moment| moment.at <= change.moment.at);
        record_since(&change.alert, &timeline[..so_far], directory)
    }

    /// What happened to an alert, oldest first.
    pub fn timeline(&self, id: AlertId, notes: &Notes) -> Option<Vec<TimelineEntry>> {
        let engine = self.lock();
        engine.alert(id)?;
        let entries = engine.timeline(id).iter().map(|moment| TimelineEntry {
            at: moment.at,
            what: moment_name(moment.what).to_owned(),
            by: moment.by,
            note: notes.text(moment.note),
        });
        Some(entries.collect())
    }

    /// What an alert stands on.
    pub fn evidence(&self, id: AlertId, directory: &Directory) -> Option<Evidence> {
        let engine = self.lock();
        let alert = engine.alert(id)?;
        Some(evidence(alert, self.evidence.chart(id), directory))
    }

    /// The revision of an alert, and how many of its steps are held in memory.
    pub fn reach(&self, id: AlertId) -> Option<(u32, usize)> {
        let engine = self.lock();
        let revision = engine.alert(id)?.revision;
        Some((revision, engine.timeline(id).len()))
    }

    fn tell(&self, seq: Seq, refused: Option<CommandFault>) {
        if let Some(refused) = refused {
            let mut dropped = self.dropped();
            if dropped.len() == DROPPED_MAX {
                dropped.pop_front();
            }
            dropped.push_back((seq, refused));
        }
        self.told.send_replace(seq);
    }

    fn note_evidence(&self, changes: &[AlertChange]) {
        // Only what fires or becomes more severe: a chart made at another step would show other prices.
        let fired = |change: &&AlertChange| {
            matches!(change.moment.what, ChangeKind::Fired | ChangeKind::Rose)
        };
        for change in changes.iter().filter(fired) {
            if let Some(instrument) = change.alert.labels.instrument {
                self.evidence
                    .fired(change.alert.id, instrument, change.moment.at);
            }
        }
    }

    fn dropped(&self) -> MutexGuard<'_, VecDeque<(Seq, CommandFault)>> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Renames a file within its folder, durably.
fn replace(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::rename(from, to)?;
    match to.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Opens the file of the alerts outside the journal, and gives the engine what it holds.
fn open_local(path: &Path, engine: &mut Engine, end: OutputKey) -> Option<Reserved> {
    let (file, state) = match Reserved::open(path) {
        Ok(opened) => opened,
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "alerts raised outside the journal are not kept: a restart forgets them");
            return None;
        }
    };
    if let Some(state) = state
        && let Err(error) = engine.restore_local(&state, end)
    {
        tracing::warn!(%error, path = %path.display(), "alerts that were raised outside the journal cannot be read and are forgotten");
    }
    Some(file)
}

/// The engine as a snapshot holds it, or a fresh one.
pub fn kept(snapshot: &Path) -> Engine {
    let restored = std::fs::read(snapshot)
        .ok()
        .and_then(|bytes| match Engine::restore(&bytes) {
            Ok(engine) => Some(engine),
            Err(error) => {
                tracing::warn!(%error, "the alerts' snapshot cannot be used: they are folded anew");
                None
            }
        });
    restored.unwrap_or_default()
}

/// What an alert stands on, with the prices around it.
pub fn evidence(
    alert: &Alert,
    chart: Option<(InstrumentId, Vec<Point>)>,
    directory: &Directory,
) -> Evidence {
    let (instrument, chart) = match chart {
        Some((instrument, chart)) => (Some(instrument), chart),
        None => (alert.labels.instrument, Vec::new()),
    };
    let names = DirectoryNames(directory);
    Evidence {
        seq: if alert.severity_revision > 1 {
            alert.evidence_last.seq
        } else {
            alert.evidence.seq
        },
        english: statement(alert, &names, Language::English),
        indonesian: statement(alert, &names, Language::Indonesian),
        instrument,
        chart,
    }
}

/// An alert under the names people use, with the time at which it last became more severe.
fn record_since(alert: &Alert, timeline: &[Moment], directory: &Directory) -> AlertRecord {
    let mut rose = timeline.iter().rev();
    let rose = rose.find(|moment| moment.what == ChangeKind::Rose);
    AlertRecord {
        since: rose.map_or(alert.started, |moment| moment.at),
        ..record(alert, directory)
    }
}

/// Whether an alert passes a filter.
pub fn passes(alert: &Alert, filter: &AlertFilter) -> bool {
    let state = state(alert);
    let severity = severity(alert);
    (filter.states.is_empty() || filter.states.contains(&state))
        && (filter.severities.is_empty() || filter.severities.contains(&severity))
        && filter
            .account
            .is_none_or(|account| alert.labels.account == Some(account))
        && filter.since.is_none_or(|since| alert.last >= since)
        && filter.before.is_none_or(|before| alert.id < before)
}

/// An alert under the names people use.
pub fn record(alert: &Alert, directory: &Directory) -> AlertRecord {
    let names = DirectoryNames(directory);
    let words = |language| {
        let text::Text {
            title,
            summary,
            advice,
        } = text::render(alert, &names, language);
        rim::AlertText {
            title,
            summary,
            advice,
        }
    };
    let english = words(Language::English);
    let figure = |found: Option<_>| {
        found.map_or_else(String::new, |value| {
            text::figure(alert, value, &names, Language::English)
        })
    };
    let currency = alert
        .labels
        .account
        .and_then(|id| directory.account(id))
        .map(|entry| entry.terms.currency);
    AlertRecord {
        id: alert.id,
        revision: alert.revision,
        rule: alert.rule.spec().name.to_owned(),
        severity: severity(alert),
        state: state(alert),
        title: english.title.clone(),
        summary: format!("{} {}", english.summary, english.advice)
            .trim()
            .to_owned(),
        texts: rim::AlertTexts {
            english,
            indonesian: words(Language::Indonesian),
        },
        labels: labels(alert, directory),
        value: figure(alert.value),
        raise: figure(alert.raise),
        clear: figure(alert.clear),
        started: alert.started,
        since: alert.started,
        last: alert.last,
        ended: alert.ended,
        owner: alert.owner,
        acked_by: alert.acks.last().map(|ack| ack.by),
        escalated: alert.escalated,
        flapping: alert.flapping,
        silenced: alert.is_suppressed(),
        unrecorded: alert.unrecorded,
        money_at_risk: alert.money_at_risk.zip(currency),
    }
}

fn labels(alert: &Alert, directory: &Directory) -> Vec<(String, String)> {
    let found = &alert.labels;
    let mut labels = Vec::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            labels.push((name.to_owned(), value));
        }
    };
    put("account", found.account.map(|id| id.to_string()));
    put("group", found.group.map(|id| directory.group_name(id)));
    let symbol = |id| directory.instrument(id).map(|entry| entry.symbol.clone());
    put("instrument", found.instrument.and_then(symbol));
    put("position", found.position.map(|id| id.to_string()));
    put("order", found.order.map(|id| id.to_string()));
    put("link", found.link.map(|id| directory.link_name(id)));
    put("source", found.source.map(|id| directory.source_name(id)));
    put("desk", found.desk.map(|id| id.to_string()));
    labels
}

fn state(alert: &Alert) -> rim::AlertState {
    use siaga_alerts::alert::AlertState::*;
    match alert.state {
        Pending => rim::AlertState::Pending,
        Firing => rim::AlertState::Firing,
        Acknowledged => rim::AlertState::Acknowledged,
        Resolved => rim::AlertState::Resolved,
        Archived => rim::AlertState::Archived,
    }
}

fn severity(alert: &Alert) -> rim::Severity {
    use siaga_alerts::alert::Severity::*;
    match alert.severity {
        Info => rim::Severity::Info,
        Warning => rim::Severity::Warning,
        Critical => rim::Severity::Critical,
        Emergency => rim::Severity::Emergency,
    }
}

fn fault(refused: CommandFault) -> rim::AlertFault {
    match refused {
        CommandFault::UnknownAlert => rim::AlertFault::Unknown,
        CommandFault::Stale { revision } => rim::AlertFault::Stale { revision },
        CommandFault::NoteMissing => rim::AlertFault::NoteMissing,
        CommandFault::NotActive => rim::AlertFault::NotActive,
        CommandFault::NotAcknowledged => rim::AlertFault::NotAcknowledged,
        CommandFault::BadTime => rim::AlertFault::BadTime,
    }
}

/// The API's name of a step under its stored name.
pub fn step_name(stored: &str) -> &str {
    match stored {
        "rose" => moment_name(ChangeKind::Rose),
        "eased" => moment_name(ChangeKind::Eased),
        other => other,
    }
}

/// The API's name of a step.
fn moment_name(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Pending => "pending",
        ChangeKind::Fired => "fired",
        ChangeKind::Rose => "severity_rose",
        ChangeKind::Eased => "severity_fell",
        ChangeKind::Updated => "updated",
        ChangeKind::Acknowledged => "acknowledged",
        ChangeKind::Unacknowledged => "unacknowledged",
        ChangeKind::Assigned => "assigned",
        ChangeKind::Commented => "commented",
        ChangeKind::Snoozed => "snoozed",
        ChangeKind::SnoozeEnded => "snooze_ended",
        ChangeKind::Silenced => "silenced",
        ChangeKind::SilenceEnded => "silence_ended",
        ChangeKind::Inhibited => "inhibited",
        ChangeKind::InhibitionEnded => "inhibition_ended",
        ChangeKind::Escalated => "escalated",
        ChangeKind::Flapping => "flapping",
        ChangeKind::Resolved => "resolved",
        ChangeKind::Archived => "archived",
        ChangeKind::Withdrawn => "withdrawn",
    }
}

#[cfg(test)]
mod tests {
    use siaga_alerts::alert::Family;
    use siaga_risk::event::{AlertEcho, AlertVerb};
    use siaga_risk::ids::ActorId;

    use super::*;

    #[tokio::test]
    async fn who_sent_a_command_hears_what_the_fold_made_of_it() {
        let nowhere = Path::new("no-such-folder/alerts.bin");
        let desk = AlertDesk::open(nowhere, OutputKey::default(), Arc::default())
            .expect("there is nothing to set aside");
        let topic = Topic::of(Family::Journal, 0);
        let raised = desk.raise(Rule::Journal, topic, Facts::Journal, Ts(1));
        let command = |verb| AlertCommand {
            alert: raised[0].alert.id,
            verb,
            revision: 1,
            argument: 0,
            note: 9,
        };
        let echo = |seq, verb| Logged {
            key: OutputKey { seq, index: 1 },
            ts: Ts(2),
            output: Output::Alert(AlertEcho {
                command: command(verb),
                actor: ActorId(1),
            }),
        };
        let never: Result<(), _> = Err(rim::AlertFault::NotAcknowledged);
        assert_eq!(desk.check(&command(AlertVerb::Unacknowledge), Ts(2)), never);
        desk.apply(&echo(5, AlertVerb::Unacknowledge));
        desk.apply(&echo(6, AlertVerb::Acknowledge));
        assert_eq!(desk.told(5).await, Some(never));
        assert_eq!(desk.told(6).await, Some(Ok(())));
        let comes = async { desk.apply(&echo(7, AlertVerb::Comment)).len() };
        let (told, changes) = tokio::join!(desk.told(7), comes);
        assert_eq!((told, changes), (Some(Ok(())), 1));
        assert_eq!(desk.told(8).await, None, "nobody waits for ever");
    }
}
