//! Keeps the alerts that no journal holds, after each of their changes: most of them come when the disk is full.

use std::sync::Arc;
use std::time::Duration;

use siaga_alerts::engine::LocalDepth;
use tokio::sync::watch;

use super::alert_desk::AlertDesk;
use super::reserved::Reserved;

/// Name of their file, beside the snapshot of the others.
pub const FILE: &str = "local_alerts.bin";
/// A state above this many bytes is written less often: a poisoned journal may have a margin call for every account.
const LARGE_BYTES: usize = 1 << 20;
/// How long the next write waits behind one of a large state.
const LARGE_PAUSE: Duration = Duration::from_secs(1);

/// Writes the newest state whenever `rung`, apart from whoever tells of the alerts: a disk that hangs must not hold them
/// up. Ends when the bell's owner is gone and the last state is written.
pub async fn keep(alerts: Arc<AlertDesk>, mut rung: watch::Receiver<()>) {
    let Some(mut file) = alerts.take_local() else {
        return;
    };
    while rung.changed().await.is_ok() {
        let of = alerts.clone();
        let written = tokio::task::spawn_blocking(move || {
            let written = write(&of, &mut file);
            (file, written)
        });
        let Ok((back, written)) = written.await else {
            tracing::error!("alerts raised outside the journal are no longer kept: see the log above");
            return;
        };
        file = back;
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
