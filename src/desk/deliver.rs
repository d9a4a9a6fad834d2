//! Deliveries of alerts: the outbox decides, the sinks are told, the record survives a restart.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use siaga_alerts::alert::{AlertChange, LOCAL_BIT};
use siaga_alerts::outbox::{Attempt, DeliveryId, End, Ended, Outbox};
use siaga_alerts::routing::{Route, Routing, SinkId};
use siaga_alerts::sinks::Sink;
use siaga_alerts::sinks::log::LogSink;
use siaga_alerts::sinks::message;
use siaga_alerts::text::Language;
use siaga_risk::units::Ts;
use tokio::sync::{mpsc, oneshot};

use super::alert_names::DirectoryNames;
use super::deliver_record::Record;
use super::handle::{DeskHandle, Handle};
use super::notices::Notice;
use super::reserved::Reserved;
use crate::config::{Config, ConfigError};
use crate::gateway::core::Core;

/// Changes that wait for the outbox.
pub const CHANGES_MAX: usize = 1_024;
/// Nothing is due: look again after this long.
const IDLE: Duration = Duration::from_secs(1);

/// Deliveries of alerts that no journal holds, where a full disk still has room for them.
const LOCAL_FILE: &str = "local_deliveries.bin";

const LOG: SinkId = SinkId(1);
const WEBHOOK: SinkId = SinkId(2);

/// Asks that everything heard so far is kept on the disk; the answer says whether it is.
pub type Keep = oneshot::Sender<bool>;

/// Name of a sink for people.
pub fn sink_name(sink: u16) -> &'static str {
    match SinkId(sink) {
        LOG => "log",
        WEBHOOK => "webhook",
        _ => "another",
    }
}

/// The sinks of the configuration.
pub struct Sinks(BTreeMap<u16, Arc<dyn Sink>>);

impl Sinks {
    /// The log, and the webhook when one is configured.
    ///
    /// # Errors
    /// A URL or secret that cannot be used, named.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let mut sinks: BTreeMap<u16, Arc<dyn Sink>> = BTreeMap::new();
        sinks.insert(LOG.0, Arc::new(LogSink));
        let webhook = config.alerts.webhook().map_err(|problem| ConfigError {
            origin: "configuration".into(),
            problem,
        })?;
        if let Some(webhook) = webhook {
            sinks.insert(WEBHOOK.0, Arc::new(webhook));
        }
        Ok(Self(sinks))
    }

    fn routing(&self) -> Routing {
        let all: Vec<SinkId> = self.0.keys().map(|id| SinkId(*id)).collect();
        Routing {
            root: Route::to(all.clone()),
            urgent: all,
        }
    }
}

/// What became of deliveries, for `/metrics`.
#[derive(Debug, Default)]
pub struct DeliveryFigures(Mutex<BTreeMap<(u16, &'static str), u64>>);

impl DeliveryFigures {
    fn count(&self, sink: u16, outcome: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((sink, outcome)).or_default() += 1;
    }

    /// Appends the counts in the Prometheus text format.
    pub fn write(&self, out: &mut String) {
        let name = "siaga_alert_deliveries_total";
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "# HELP {name} Deliveries of alerts by outcome; `failed` counts attempts, the others deliveries that ended.\n# TYPE {name} counter"
        );
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((sink, outcome), count) in counts.iter() {
            let sink = sink_name(*sink);
            let _ = writeln!(
                out,
                "{name}{{sink=\"{sink}\",outcome=\"{outcome}\"}} {count}"
            );
        }
    }
}

const fn outcome(end: End) -> &'static str {
    match end {
        End::Delivered => "delivered",
        End::Replaced => "replaced",
        End::Dead => "dead",
        End::Gone => "gone",
        End::Overflow => "overflow",
    }
}

/// Runs until the follower is gone; what is still waiting is kept for the next start.
pub async fn run(
    handle: Arc<Handle>,
    sinks: Sinks,
    path: PathBuf,
    mut changes: mpsc::Receiver<AlertChange>,
    mut keeps: mpsc::Receiver<Keep>,
    notices: mpsc::Sender<Notice>,
) {
    let mut outbox = open(&path, &sinks);
    let mut record = recall(&path.with_extension("ndjson"), &mut outbox);
    let mut reserved = recall_local(&path.with_file_name(LOCAL_FILE), &mut outbox);
    outbox.forget_local(|alert| handle.alerts.holds(alert));
    let (attempted, mut outcomes) = mpsc::channel::<(DeliveryId, Attempt)>(CHANGES_MAX);
    // The log makes other alerts again after a kill; those that stand in none wait on the disk.
    let mut unkept = false;
    loop {
        let now = handle.clock.now();
        while let Some(delivery) = outbox.poll_delivery(now) {
            let Some(sink) = sinks.0.get(&delivery.id.sink).cloned() else {
                unkept |= learn(&mut outbox, delivery.id, Attempt::Gone, now);
                continue;
            };
            let directory = DeskHandle(handle.clone()).directory();
            let message = message::render(
                &delivery,
                &DirectoryNames(&directory),
                Language::English,
                now,
            );
            let attempted = attempted.clone();
            tokio::spawn(async move {
                let outcome = sink.attempt(&message).await;
                // The outbox is gone only when the desk has stopped: the delivery is tried again then.
                let _ = attempted.send((delivery.id, outcome)).await;
            });
        }
        // Behind the first attempts: a disk that hangs must not hold up who tells of it.
        if std::mem::take(&mut unkept) {
            reserved = keep_local(reserved, &outbox).await;
            save(&path, &outbox).await;
        }
        let wait = outbox.poll_deadline().map_or(IDLE, |at| {
            Duration::from_nanos(at.since(now)).clamp(Duration::from_millis(5), IDLE)
        });
        tokio::select! {
            change = changes.recv() => match change {
                Some(change) => unkept |= hear(&change, &mut changes, &mut outbox),
                None => break,
            },
            Some((id, attempt)) = outcomes.recv() => {
                if matches!(attempt, Attempt::Failed { .. }) {
                    handle.deliveries.count(id.sink, "failed");
                }
                unkept |= learn(&mut outbox, id, attempt, handle.clock.now());
                while let Some(event) = outbox.poll_sink() {
                    // Who hears it also fills `changes`: neither may wait for the other.
                    if let Err(error) = notices.try_send(Notice::Sink(event)) {
                        tracing::warn!(%error, ?event, "nobody heard of a receiver of alerts");
                    }
                }
            }
            Some(keep) = keeps.recv() => {
                while let Ok(change) = changes.try_recv() {
                    outbox.on_change(&change);
                    unkept |= change.alert.unrecorded;
                }
                record = note(record, &mut outbox, &handle.deliveries).await;
                // Who asked may have given up: it is kept all the same.
                let _ = keep.send(save(&path, &outbox).await);
            }
            () = tokio::time::sleep(wait) => {}
        }
        record = note(record, &mut outbox, &handle.deliveries).await;
    }
    note(record, &mut outbox, &handle.deliveries).await;
    keep_local(reserved, &outbox).await;
    save(&path, &outbox).await;
}

/// Takes a change and those that wait behind it; true when one of them comes from no log.
fn hear(
    first: &AlertChange,
    changes: &mut mpsc::Receiver<AlertChange>,
    outbox: &mut Outbox,
) -> bool {
    outbox.on_change(first);
    let mut unrecorded = first.alert.unrecorded;
    for _ in 0..CHANGES_MAX {
        let Ok(change) = changes.try_recv() else {
            break;
        };
        outbox.on_change(&change);
        unrecorded |= change.alert.unrecorded;
    }
    unrecorded
}

/// Takes what became of an attempt; true when it is of an alert that comes from no log.
fn learn(outbox: &mut Outbox, id: DeliveryId, attempt: Attempt, now: Ts) -> bool {
    outbox.on_attempt(id, attempt, now);
    id.alert.0 & LOCAL_BIT != 0
}

/// Forgets what was heard after `end`, where the journal ends now that inputs behind it are gone. To be called before
/// [`run`].
///
/// # Errors
/// When a file cannot be read or written.
pub fn forget_after(path: &Path, sinks: &Sinks, end: Ts) -> std::io::Result<()> {
    Record::set_aside_after(&path.with_extension("ndjson"), end)?;
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    // One that cannot be read is told of when it is opened.
    let Ok(mut outbox) = Outbox::restore(sinks.routing(), &bytes) else {
        return Ok(());
    };
    outbox.forget_after(end);
    write(path, &outbox.snapshot())
}

fn open(path: &Path, sinks: &Sinks) -> Outbox {
    let routing = sinks.routing();
    let mut outbox = match std::fs::read(path).map(|bytes| Outbox::restore(routing.clone(), &bytes))
    {
        Ok(Ok(outbox)) => outbox,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the record of deliveries cannot be read: deliveries may be repeated under their old ids");
            Outbox::new(routing)
        }
        Err(_) => Outbox::new(routing),
    };
    // A receiver that was gone may have been put right meanwhile: one attempt tells.
    for sink in sinks.0.keys() {
        outbox.enable(SinkId(*sink));
    }
    outbox
}

/// Opens the record of what has ended, and tells the outbox of it.
fn recall(path: &Path, outbox: &mut Outbox) -> Option<Record> {
    match Record::open(path) {
        Ok((record, ended)) => {
            for ended in &ended {
                outbox.recall(ended);
            }
            Some(record)
        }
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "deliveries of alerts are not recorded: a restart may repeat some under their old ids");
            None
        }
    }
}

/// Opens the file of what concerns alerts that no journal holds, and tells the outbox of it.
fn recall_local(path: &Path, outbox: &mut Outbox) -> Option<Reserved> {
    let (file, state) = match Reserved::open(path) {
        Ok(opened) => opened,
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "deliveries of alerts outside the journal are not kept while the disk is full");
            return None;
        }
    };
    if let Some(state) = state
        && let Err(error) = outbox.recall_local(&state)
    {
        tracing::warn!(%error, path = %path.display(), "deliveries of alerts outside the journal cannot be read: some may not be told of an end");
    }
    Some(file)
}

/// Keeps what concerns alerts that no journal holds.
async fn keep_local(reserved: Option<Reserved>, outbox: &Outbox) -> Option<Reserved> {
    let mut file = reserved?;
    let state = outbox.local_snapshot();
    let written = tokio::task::spawn_blocking(move || {
        let written = file.write(&state);
        (file, written)
    });
    let (file, written) = written.await.ok()?;
    if let Err(error) = written {
        tracing::warn!(%error, "deliveries of alerts outside the journal could not be kept");
    }
    Some(file)
}

/// Counts and writes down what has ended, and says what nobody was told.
async fn note(
    record: Option<Record>,
    outbox: &mut Outbox,
    figures: &DeliveryFigures,
) -> Option<Record> {
    let ended: Vec<Ended> = std::iter::from_fn(|| outbox.poll_ended()).collect();
    if ended.is_empty() {
        return record;
    }
    for ended in &ended {
        figures.count(ended.id.sink, outcome(ended.end));
    }
    let is_lost = |ended: &&Ended| matches!(ended.end, End::Dead | End::Gone | End::Overflow);
    let lost = ended.iter().filter(is_lost).count();
    if lost > 0 {
        tracing::error!(
            lost,
            "alerts were not delivered: deliveries.ndjson says which"
        );
    }
    let mut record = record?;
    let written = tokio::task::spawn_blocking(move || {
        let written = record.add(&ended);
        (record, written)
    });
    let (record, written) = written.await.ok()?;
    if let Err(error) = written {
        tracing::warn!(%error, "deliveries could not be recorded: a restart may repeat some under their old ids");
    }
    Some(record)
}

/// Keeps the outbox on the disk; true when it is there.
async fn save(path: &Path, outbox: &Outbox) -> bool {
    let (path, bytes) = (path.to_owned(), outbox.snapshot());
    let written = tokio::task::spawn_blocking(move || write(&path, &bytes));
    match written.await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "waiting deliveries could not be kept: the alerts' state stays where it was, a restart makes them again");
            false
        }
        Err(_) => false,
    }
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let half = path.with_extension("tmp");
    let file = std::fs::File::create(&half)?;
    std::io::Write::write_all(&mut &file, bytes)?;
    file.sync_data()?;
    std::fs::rename(&half, path)
}

#[cfg(test)]
mod tests {
    use siaga_alerts::alert::{Facts, Family, Topic};
    use siaga_alerts::engine::Engine;
    use siaga_alerts::rules::Rule;
    use siaga_risk::ids::AlertId;
    use siaga_risk::units::HOUR_NS;

    use super::*;

    /// On a full disk the record of what has ended cannot be written.
    #[tokio::test]
    async fn a_delivery_of_an_alert_from_no_log_that_ended_is_kept_beside_the_record() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(LOCAL_FILE);
        let log: Arc<dyn Sink> = Arc::new(LogSink);
        let sinks = Sinks(BTreeMap::from([(LOG.0, log)]));
        let mut outbox = Outbox::new(sinks.routing());
        let reserved = recall_local(&path, &mut outbox);
        let topic = Topic::of(Family::Journal, 0);
        let mut engine = Engine::default();
        let raised = engine.raise_local(Rule::Journal, topic, Facts::Journal, Ts(1))[0].clone();
        outbox.on_change(&raised);
        let now = Ts(HOUR_NS);
        let id = outbox.poll_delivery(now).expect("it is due").id;
        let unkept = learn(&mut outbox, id, Attempt::Delivered, now);
        assert!(unkept, "no log has it");
        keep_local(reserved, &outbox).await;
        let mut next = Outbox::new(sinks.routing());
        recall_local(&path, &mut next);
        next.on_change(&raised);
        assert_eq!(next.waiting().count(), 0, "it is not delivered again");
        let of_the_log = DeliveryId {
            alert: AlertId(1),
            ..id
        };
        assert!(!learn(&mut outbox, of_the_log, Attempt::Delivered, now));
    }
}
