//! Keeps the alerts that no journal holds, after each of their changes: most of them come when the disk is full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use siaga_alerts::engine::LocalDepth;
use siaga_risk::journal::Disk;
use siaga_risk::recovery;
use tokio::sync::watch;

use super::alert_desk::AlertDesk;
use super::reserved::Reserved;

/// Name of their file, beside the snapshot of the others.
pub const FILE: &str = "local_alerts.bin";
/// A state above this many bytes is written less often: a poisoned journal may have a margin call for every account.
const LARGE_BYTES: usize = 1 << 20;
/// How long the next write waits behind one of a large state.
const LARGE_PAUSE: Duration = Duration::from_secs(1);

/// Recorded inputs that are gone: each start tells of them until their alert is kept.
pub struct Owed {
    disk: Arc<dyn Disk>,
    told: AtomicBool,
}

impl Owed {
    /// Of the files on that disk.
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            told: AtomicBool::new(false),
        }
    }

    /// The alert is raised: any state that is taken from now on holds it.
    pub fn tell(&self) {
        self.told.store(true, Ordering::Release);
    }

    fn is_told(&self) -> bool {
        self.told.load(Ordering::Acquire)
    }

    fn settle(&self) {
        if let Err(error) = recovery::settled(&self.disk) {
            tracing::warn!(%error, "the next start tells again of the inputs that are gone");
        }
    }
}

/// Writes the newest state whenever `rung`, apart from whoever tells of the alerts: a disk that hangs must not hold them
/// up. What is `owed` is settled when a state with its alert is written. Ends when the bell's owner is gone and the last
/// state is written.
pub async fn keep(
    alerts: Arc<AlertDesk>,
    mut owed: Option<Arc<Owed>>,
    mut rung: watch::Receiver<()>,
) {
    let Some(mut file) = alerts.take_local() else {
        return;
    };
    while rung.changed().await.is_ok() {
        let of = alerts.clone();
        // Asked before the state is taken.
        let due = owed.clone().filter(|owed| owed.is_told());
        let settles = due.is_some();
        let written = tokio::task::spawn_blocking(move || {
            let written = write(&of, &mut file);
            if let Some(owed) = due.filter(|_| written.is_ok()) {
                owed.settle();
            }
            (file, written)
        });
        let Ok((back, written)) = written.await else {
            tracing::error!(
                "alerts raised outside the journal are no longer kept: see the log above"
            );
            return;
        };
        file = back;
        owed = owed.filter(|_| !settles || written.is_err());
        match written {
            Ok(bytes) if bytes > LARGE_BYTES => tokio::time::sleep(LARGE_PAUSE).await,
            Ok(_) => {}
            Err(error) => tracing::error!(
                %error,
                "alerts raised outside the journal could not be kept: after a restart their receivers may hear of no end"
            ),
        }
    }
}

/// Bytes of the state that was written: everything, or what is open where the disk has no room for more.
fn write(alerts: &AlertDesk, file: &mut Reserved) -> std::io::Result<usize> {
    let whole = alerts.local_state(LocalDepth::Whole);
    let Err(error) = file.write(&whole) else {
        return Ok(whole.len());
    };
    tracing::warn!(%error, bytes = whole.len(), "alerts raised outside the journal are kept without those that ended");
    let open = alerts.local_state(LocalDepth::Open);
    file.write(&open).map(|()| open.len())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use siaga_alerts::alert::ChangeKind;
    use siaga_risk::event::OutputKey;
    use siaga_risk::journal::FileDisk;
    use siaga_risk::units::Ts;

    use super::*;
    use crate::desk::notices::Notice;

    fn open(folder: &Path) -> Arc<AlertDesk> {
        let snapshot = folder.join("alerts.bin");
        let desk = AlertDesk::open(&snapshot, OutputKey::default(), Arc::default());
        Arc::new(desk.expect("there is nothing to set aside"))
    }

    #[tokio::test]
    async fn an_alert_outside_the_journal_is_there_at_the_next_start_and_ends_under_one_revision() {
        let folder = tempfile::tempdir().expect("a folder");
        let desk = open(folder.path());
        let (bell, rung) = watch::channel(());
        let keeper = tokio::spawn(keep(desk.clone(), None, rung));
        let raised = Notice::Poisoned.tell(&desk, Ts(1));
        bell.send_replace(());
        drop(bell);
        keeper.await.expect("it ends with its bell");
        let next = open(folder.path());
        assert!(next.holds(raised[0].alert.id));
        let ended = next.end_local(Ts(9));
        assert_eq!(ended.len(), 1);
        assert_eq!(ended[0].moment.what, ChangeKind::Resolved);
        // Killed before that was kept: receivers know the delivery by its revision.
        let again = open(folder.path()).end_local(Ts(10));
        let revision = |changes: &[siaga_alerts::alert::AlertChange]| changes[0].alert.revision;
        assert_eq!(revision(&again), revision(&ended));
    }

    #[tokio::test]
    async fn a_loss_is_settled_when_its_alert_is_kept_and_not_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let pending = folder.path().join("lost.pending");
        std::fs::write(&pending, "901 1100 0 0 -\n").expect("written");
        let disk = FileDisk::new(folder.path()).expect("a disk");
        let owed = Arc::new(Owed::new(disk));
        let lost = Notice::Lost {
            first: 901,
            last: 1_100,
            orders: 0,
        };
        let mut raised = Vec::new();
        // Killed after something else was kept: the loss is told again.
        for is_told in [false, true] {
            let desk = open(folder.path());
            let (bell, rung) = watch::channel(());
            let keeper = tokio::spawn(keep(desk.clone(), Some(owed.clone()), rung));
            if is_told {
                raised = lost.tell(&desk, Ts(2));
                owed.tell();
            } else {
                Notice::Poisoned.tell(&desk, Ts(1));
            }
            bell.send_replace(());
            drop(bell);
            keeper.await.expect("it ends with its bell");
            assert_eq!(pending.exists(), !is_told);
        }
        assert!(open(folder.path()).holds(raised[0].alert.id));
    }
}
