//! The graceful stop: in the order of the flow, every step whatever became of the others, files last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use siaga_risk::journal::Journal;

use super::recorder::JournalRecorder;
use super::{Desk, STORE_STOP, egress, history, saver};

/// Raises a flag whatever way the stop ends: a thread that waits for it would outlive the desk.
struct Raise(Arc<AtomicBool>);

impl Raise {
    fn now(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Drop for Raise {
    fn drop(&mut self) {
        self.now();
    }
}

/// What went wrong on the way; the first one is what the stop says.
#[derive(Default)]
struct Faults(Option<anyhow::Error>);

impl Faults {
    fn take<T>(&mut self, part: &str, done: Result<T, impl Into<anyhow::Error>>) -> Option<T> {
        match done {
            Ok(done) => Some(done),
            Err(error) => {
                let error = error
                    .into()
                    .context(format!("{part} did not stop as it should"));
                tracing::error!(error = format!("{error:#}"), "stopping goes on");
                self.0.get_or_insert(error);
                None
            }
        }
    }

    fn first(self) -> anyhow::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

impl Desk {
    /// Stops in the order of the flow: producers, machine, egress, readers; then snapshots, and the closing marks of
    /// the files whatever went wrong before.
    ///
    /// # Errors
    /// The first thing that went wrong: nothing that was acknowledged is lost, the next start replays.
    pub async fn stop(self) -> anyhow::Result<()> {
        let handle = self.handle.0.clone();
        let standby_stop = Raise(self.standby_stop);
        handle.stopping.store(true, Ordering::Release);
        self.market_stop.store(true, Ordering::Release);
        self.venues_stop.send_replace(true);
        let mut faults = Faults::default();
        for venue in self.venues {
            faults.take("a venue", venue.await);
        }
        faults.take("the market", join(self.market).await);
        self.sweep.abort();
        let pipeline = self.pipeline;
        let stopped = tokio::task::spawn_blocking(move || whole(pipeline.stop_each())).await;
        let stopped = stopped.unwrap_or_else(|panic| Err(panic.into()));
        let Some((machine, recorder)) = faults.take("the machine", stopped) else {
            // Egress waits for the machine's last word, which will not come.
            self.store_stop.send_replace(true);
            return faults.first();
        };
        // Everybody behind it has heard of its end, and ends well without it.
        let recorder = faults.take("the journal's recorder", whole(recorder));
        let mut log = faults.take("egress", join(self.egress).await);
        faults.take("the alert desk", self.follower.await);
        faults.take("the deliveries", self.deliveries.await);
        let router = faults.take("the broker router", self.router.await);
        if let Some(Err(error)) = router {
            tracing::error!(%error, "the broker router could not keep its place");
        }
        self.store_stop.send_replace(true);
        let mut store = self.store;
        match tokio::time::timeout(STORE_STOP, &mut store).await {
            Ok(ended) => {
                faults.take("the store", ended);
            }
            Err(_) => {
                store.abort();
                tracing::warn!(
                    "the database did not end in time and is left: the next start reads on where its rows end"
                );
            }
        }
        let (seq, hash) = (machine.last_seq(), machine.state_hash());
        let journal = recorder.map(JournalRecorder::into_journal);
        let is_well = |journal: &Journal| journal.poisoned().is_none();
        // Behind a refused output log the machine is ahead of the journal.
        let mut recorded =
            journal.as_ref().is_some_and(is_well) && !handle.durable.is_poisoned() && seq > 0;
        if recorded {
            // A snapshot without its checkpoint would be passed over.
            recorded = log.as_mut().is_some_and(|log| {
                let written = egress::checkpoint(log, seq, hash);
                faults.take("the output log", written).is_some()
            });
        }
        standby_stop.now();
        faults.take("the standby", join(self.standby).await);
        let diverged = handle.standby.diverged.load(Ordering::Acquire);
        if diverged != 0 {
            tracing::error!(
                input = diverged,
                "no snapshot is written: the next start replays from the last one that both machines agree on"
            );
        } else if recorded {
            let state = machine.snapshot();
            let saved = saver::save(&self.snapshots, self.rules_epoch, seq, hash, &state);
            faults.take("the snapshot", saved);
        }
        if recorded {
            let told = history::History {
                epoch: handle.stream_epoch,
                told: handle.events.tip(),
            };
            if let Err(error) = history::end(&self.core_dir, told, handle.alerts.applied()) {
                tracing::warn!(%error, "the stream's place is not kept: its clients read again");
            }
        }
        if let Some(mut log) = log {
            faults.take("the output log", log.trim());
            faults.take("the output log", log.close());
        }
        // What a recorder has half written when it panicked is not closed as if it were whole.
        if let Some(journal) = journal {
            faults.take("the journal", journal.close());
        }
        faults.first()
    }
}

async fn join<T: Send + 'static>(thread: JoinHandle<T>) -> anyhow::Result<T> {
    whole(tokio::task::spawn_blocking(move || thread.join()).await?)
}

/// What a thread gave, unless it panicked.
fn whole<T>(joined: std::thread::Result<T>) -> anyhow::Result<T> {
    joined.map_err(|_| {
        anyhow::anyhow!("a thread of the desk panicked: see the log; the journal is whole")
    })
}
