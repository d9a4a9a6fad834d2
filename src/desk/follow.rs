//! The follower of the output log: alerts, the durable stream, bars, exposure, names. It also hears
//! what the desk says outside the log, so that events have one who numbers them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use siaga_alerts::alert::AlertChange;
use siaga_risk::event::Output;
use siaga_risk::journal::{Cursor, OutputConsumers};
use siaga_risk::units::Ts;
use tokio::sync::{mpsc, oneshot, watch};

use super::deliver::Keep;
use super::handle::Handle;
use super::local_alerts::{self, Owed};
use super::log_source::{LogSource, Logged};
use super::notices::Notice;
use super::vital;
use crate::gateway::events::EventBody;

/// Name of the follower's cursor: the log keeps what its snapshot does not hold.
pub const READER: &str = "alert_desk";
/// Alerts that ease or escalate by time alone are looked at this often.
const TIMERS_EVERY: Duration = Duration::from_millis(250);
/// Its snapshot is written after this many outputs, so a start folds little again.
const SAVE_EVERY: u64 = 100_000;

/// Runs until the log closes.
pub struct Follower {
    pub handle: Arc<Handle>,
    pub source: LogSource,
    pub consumers: OutputConsumers,
    /// Changes for the sinks.
    pub deliveries: mpsc::Sender<AlertChange>,
    /// Asks the sinks' task to keep what it has heard.
    pub keeps: mpsc::Sender<Keep>,
    pub notices: mpsc::Receiver<Notice>,
    /// Says that the desk has opened well; gone where it has not.
    pub opened: oneshot::Receiver<()>,
    /// Rings when an alert outside the journal changed.
    pub local: watch::Sender<()>,
    /// What the start found gone, to be settled behind its alert.
    pub owed: Option<Arc<Owed>>,
    pub unsaved: u64,
}

impl Follower {
    /// Follows the log. Ends when egress has ended and everything is folded.
    pub async fn run(mut self) {
        let (alerts, owed) = (self.handle.alerts.clone(), self.owed.clone());
        let keeper = local_alerts::keep(alerts, owed, self.local.subscribe());
        let keeper = tokio::spawn(keeper);
        // Before any time passes for them: nobody is called again for the time in which nothing ran.
        if (&mut self.opened).await.is_ok() {
            let now = self.handle.clock.now();
            let changes = self.handle.alerts.end_local(now);
            self.tell(changes).await;
        } else {
            // Of a start that failed nobody has heard: the next one tells.
            self.owed = None;
        }
        self.follow().await;
        drop(self.local);
        if let Err(panic) = keeper.await {
            tracing::error!(%panic, "alerts raised outside the journal were not kept to the end");
        }
    }

    async fn follow(&mut self) {
        let mut timers = tokio::time::interval(TIMERS_EVERY);
        loop {
            let folded = tokio::select! {
                outputs = self.source.next() => match outputs {
                    Ok(Some(outputs)) => {
                        self.fold(&outputs).await;
                        Ok(())
                    }
                    Ok(None) => break,
                    Err(error) => Err(error),
                },
                Some(notice) = self.notices.recv() => {
                    self.hear(&notice).await;
                    Ok(())
                }
                _ = timers.tick() => self.advance().await,
            };
            if let Err(error) = folded {
                tracing::error!(
                    error = format!("{error:#}"),
                    "alerts cannot be followed any further: restart, the log is folded again"
                );
                vital::lost("alert desk", &self.handle);
                return self.attend().await;
            }
        }
        self.hear_rest().await;
        self.save().await;
    }

    /// The log can no longer be read: what is said outside it is told all the same.
    async fn attend(&mut self) {
        loop {
            tokio::select! {
                () = self.source.ended() => break,
                Some(notice) = self.notices.recv() => self.hear(&notice).await,
            }
        }
        self.hear_rest().await;
    }

    /// What egress said before it ended.
    async fn hear_rest(&mut self) {
        while let Ok(notice) = self.notices.try_recv() {
            self.hear(&notice).await;
        }
    }

    async fn hear(&mut self, notice: &Notice) {
        notice.trace();
        if let Some(reason) = notice.ends_recording() {
            vital::tell_cause(&self.handle.poisoned, reason);
        }
        let now = self.handle.clock.now();
        let changes = notice.tell(&self.handle.alerts, now);
        if let (Notice::Lost { .. }, Some(owed)) = (notice, &self.owed) {
            owed.tell();
            // An alert that an earlier start has raised already may not change.
            self.local.send_replace(());
        }
        self.tell(changes).await;
    }

    async fn fold(&mut self, outputs: &[Logged]) {
        for logged in outputs {
            self.take(logged);
            let changes = self.handle.alerts.apply(logged);
            self.tell(changes).await;
        }
        self.unsaved += outputs.len() as u64;
        if self.unsaved >= SAVE_EVERY {
            self.save().await;
        }
    }

    async fn advance(&mut self) -> anyhow::Result<()> {
        let watermark = Ts(self.handle.figures.watermark.load(Ordering::Acquire));
        // A timer that runs before an older output would not run so in a replay of the log.
        loop {
            let outputs = self.source.read()?;
            if outputs.is_empty() {
                break;
            }
            self.fold(&outputs).await;
        }
        let changes = self.handle.alerts.advance(watermark);
        self.tell(changes).await;
        Ok(())
    }

    fn take(&mut self, logged: &Logged) {
        let handle = &self.handle;
        match &logged.output {
            Output::Bar(bar) => handle.bars.push(logged.key, *bar),
            Output::Position(change) => handle.exposure.put(change),
            Output::Order(change) => {
                let body = EventBody::Order(*change);
                handle.events.push_output(logged.key, body);
            }
            Output::Terms(change) => {
                let mut held = handle
                    .directory
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                let mut directory = (**held).clone();
                handle.names.load().put(&mut directory, change);
                *held = Arc::new(directory);
            }
            _ => {}
        }
    }

    async fn tell(&mut self, changes: Vec<AlertChange>) {
        for change in changes {
            if change.alert.unrecorded {
                self.local.send_replace(());
            }
            let directory = {
                let held = self
                    .handle
                    .directory
                    .read()
                    .unwrap_or_else(PoisonError::into_inner);
                held.clone()
            };
            let body = EventBody::Alert(Box::new(self.handle.alerts.changed(&change, &directory)));
            self.handle.events.push(body);
            // The sinks' task ends only after this one; its limit holds the fold back.
            let _ = self.deliveries.send(change).await;
        }
    }

    async fn save(&mut self) {
        self.unsaved = 0;
        // Its timers have run past what is recorded: a restart folds the log from the state before.
        if self.handle.durable.is_poisoned() {
            return;
        }
        // The deliveries first: what the alerts' state holds is not folded, and so not told, again.
        let (keep, kept) = oneshot::channel();
        let asked = self.keeps.send(keep).await.is_ok();
        if !asked || !kept.await.unwrap_or(false) {
            return;
        }
        match self.handle.alerts.save() {
            Ok(applied) => {
                let cursor = Cursor {
                    seq: applied.seq,
                    index: applied.index,
                };
                if let Err(error) = self.consumers.set_cursor(READER, cursor) {
                    tracing::warn!(%error, "the output log does not wait for the alert desk");
                }
            }
            Err(error) => tracing::warn!(%error, "the alerts' snapshot could not be written"),
        }
    }
}
