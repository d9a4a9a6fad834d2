use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use siaga_alerts::alert::{Alert, AlertChange, Labels, Moment};
use siaga_alerts::engine::Engine;
use siaga_alerts::text::{self, Language, Names};
use siaga_platform::consumer::{BATCH_MAX, Projection};
use siaga_platform::db::{DbError, Tx};
use siaga_platform::source::{Entry, OutputSource, SourceError};
use siaga_platform::values::word;
use siaga_risk::codec::encode;
use siaga_risk::event::OutputKey;

use super::alert_engine::{Kept, write_engine};
use super::{AlertEventRow, AlertRow, apply_alert_changes, apply_alert_events};

/// Outputs after which the engine is kept again: a start folds no more of them than it reads in a moment.
const KEEP_EVERY: usize = 20_000;

/// Alerts and their timelines: the engine folds the log, its changes become rows.
pub struct AlertHistory<N> {
    names: N,
    fold: Mutex<Fold>,
    kept: Kept,
}

struct Fold {
    engine: Engine,
    /// Changes of the batch that is being written. Kept until the next batch shows that it was.
    pending: Vec<(OutputKey, AlertChange)>,
    /// Outputs since the engine was kept; the first batch keeps it at once.
    unkept: usize,
    /// Where it was kept by a transaction that may not have been committed.
    keeping: Option<OutputKey>,
}

impl<N: Names + Send + Sync + 'static> AlertHistory<N> {
    /// Name of its cursor.
    pub const NAME: &'static str = "alerts";

    /// Brings `engine` (a fresh one, or one from a snapshot) to `cursor`, where the tables are.
    ///
    /// # Errors
    /// The log no longer holds what the engine has not applied.
    pub fn open(
        engine: Engine,
        source: &mut dyn OutputSource,
        cursor: OutputKey,
        names: N,
    ) -> Result<Self, SourceError> {
        let from = engine.applied();
        Self::follow(engine, source, from, cursor, names)
    }

    /// As [`AlertHistory::open`], passing over what the log has forgotten: what began before is not known.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn resume(
        engine: Engine,
        source: &mut dyn OutputSource,
        cursor: OutputKey,
        names: N,
    ) -> Result<Self, SourceError> {
        let from = engine.applied().max(source.from());
        Self::follow(engine, source, from, cursor, names)
    }

    fn follow(
        mut engine: Engine,
        source: &mut dyn OutputSource,
        mut from: OutputKey,
        cursor: OutputKey,
        names: N,
    ) -> Result<Self, SourceError> {
        let begun = from;
        while from < cursor {
            let entries = source.read_from(from, BATCH_MAX)?;
            let known = entries.iter().take_while(|entry| entry.key <= cursor);
            let before = from;
            for entry in known {
                engine.apply(entry.key, entry.ts, &entry.output);
                from = entry.key;
            }
            if from == before {
                break;
            }
        }
        Ok(Self {
            names,
            kept: Kept::at(begun),
            fold: Mutex::new(Fold {
                engine,
                pending: Vec::new(),
                unkept: KEEP_EVERY,
                keeping: None,
            }),
        })
    }

    /// Up to where the engine is kept in the database: the log must hold what comes after.
    pub fn kept(&self) -> Kept {
        self.kept.clone()
    }

    fn fold(&self) -> MutexGuard<'_, Fold> {
        self.fold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<N: Names + Send + Sync + 'static> Projection for AlertHistory<N> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn apply(&self, tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), DbError> {
        let Some(first) = entries.first() else {
            return Ok(());
        };
        let mut fold = self.fold();
        let Fold {
            engine,
            pending,
            unkept,
            keeping,
        } = &mut *fold;
        // A batch that comes again was not written: the engine passes it over, its changes wait here.
        pending.retain(|(key, _)| *key >= first.key);
        if let Some(key) = keeping.take_if(|key| *key < first.key) {
            self.kept.set(key);
            *unkept = 0;
        }
        *unkept += entries.len();
        for entry in entries {
            let changes = engine.apply(entry.key, entry.ts, &entry.output);
            pending.extend(changes.iter().map(|change| (entry.key, change.clone())));
        }
        let rows = pending
            .iter()
            .map(|(key, change)| alert_rows(*key, change, &self.names));
        let (alerts, steps): (Vec<AlertRow>, Vec<AlertEventRow>) = rows.unzip();
        apply_alert_changes(tx, &alerts)?;
        apply_alert_events(tx, &steps)?;
        if *unkept >= KEEP_EVERY {
            write_engine(tx, engine)?;
            *keeping = Some(engine.applied());
        }
        Ok(())
    }
}

/// Rows of everything an engine knows: what a database that never saw the log's beginning is given.
/// Steps that its timelines no longer hold are not known.
pub fn known_rows(engine: &Engine, names: &dyn Names) -> (Vec<AlertRow>, Vec<AlertEventRow>) {
    let (mut alerts, mut steps) = (Vec::new(), Vec::new());
    for alert in engine.alerts().filter(|alert| !alert.unrecorded) {
        let key = alert.evidence_last;
        let timeline = engine.timeline(alert.id);
        // Each step raised the revision by one.
        let before = u64::from(alert.revision).saturating_sub(timeline.len() as u64);
        for (revision, moment) in (before + 1..).zip(timeline) {
            let revision = u32::try_from(revision).unwrap_or(u32::MAX);
            steps.push(step_row(key, alert.id.0, revision, moment));
        }
        alerts.push(alert_row(key, alert, names));
    }
    (alerts, steps)
}

/// The rows of a change: the alert as it stands now, and the step in its timeline.
pub fn alert_rows(
    key: OutputKey,
    change: &AlertChange,
    names: &dyn Names,
) -> (AlertRow, AlertEventRow) {
    let AlertChange { alert, moment } = change;
    let step = step_row(key, alert.id.0, alert.revision, moment);
    (alert_row(key, alert, names), step)
}

fn step_row(key: OutputKey, alert: u64, revision: u32, moment: &Moment) -> AlertEventRow {
    AlertEventRow {
        alert,
        revision,
        ts: moment.at,
        kind: word(&moment.what),
        actor: moment.by.0,
        note: moment.note,
        detail: json!({"severity": word(&moment.severity)}),
        key,
    }
}

fn alert_row(key: OutputKey, alert: &Alert, names: &dyn Names) -> AlertRow {
    let spec = alert.rule.spec();
    let text = text::render(alert, names, Language::English);
    let figure = |figure| text::figure(alert, figure, names, Language::English);
    let ack = alert.acks.last();
    AlertRow {
        id: alert.id.0,
        revision: alert.revision,
        rule: spec.name.to_owned(),
        rule_revision: 1,
        fingerprint: format!("{:016x}", alert.fingerprint()),
        state: word(&alert.state),
        severity: word(&alert.severity),
        silenced: alert.silence.is_some(),
        inhibited: alert.inhibited,
        flapping: alert.flapping,
        snoozed_until: alert.snooze.map(|hush| hush.until),
        escalated: alert.escalated,
        account: alert.labels.account.map(|id| id.0),
        instrument: alert.labels.instrument.map(|id| id.0),
        labels: labels(&alert.labels),
        title: text.title,
        summary: text.summary,
        value: alert.value.map(figure),
        raise_level: alert.raise.map(figure),
        clear_level: alert.clear.map(figure),
        hold_ns: spec.hold_ns,
        started: alert.started,
        changed: alert.last,
        ended: alert.ended,
        evidence: json!({
            "raised": {"seq": alert.evidence.seq, "index": alert.evidence.index},
            "last": {"seq": alert.evidence_last.seq, "index": alert.evidence_last.index},
        }),
        money_at_risk: alert.money_at_risk.map(|money| money.0),
        owner: alert.owner.map(|actor| actor.0),
        acknowledged_by: ack.map(|ack| ack.by.0),
        acknowledged: ack.map(|ack| ack.at),
        body: encode(alert),
        key,
    }
}

fn labels(labels: &Labels) -> Value {
    let pairs = [
        ("account", labels.account.map(|id| u64::from(id.0))),
        ("group", labels.group.map(|id| u64::from(id.0))),
        ("instrument", labels.instrument.map(|id| u64::from(id.0))),
        ("position", labels.position.map(|id| id.0)),
        ("order", labels.order.map(|id| id.0)),
        ("link", labels.link.map(|id| u64::from(id.0))),
        ("source", labels.source.map(|id| u64::from(id.0))),
        ("desk", labels.desk.map(u64::from)),
    ];
    let set = pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
    Value::Object(set.collect())
}
