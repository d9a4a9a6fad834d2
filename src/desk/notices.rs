//! What egress says outside the log: a poisoned journal, margin calls that nothing records.

use std::sync::{Arc, PoisonError};

use crossbeam::channel::Receiver;

use super::alert_desk::record;
use super::egress::Notice;
use super::handle::Handle;
use super::log_source::Logged;
use crate::gateway::events::EventBody;

/// Takes what egress says until egress is gone.
pub fn spawn(notices: Receiver<Notice>, handle: Arc<Handle>) -> tokio::task::JoinHandle<()> {
    tokio::task::spawn_blocking(move || {
        for notice in notices {
            take_notice(&handle, notice);
        }
    })
}

fn take_notice(handle: &Handle, notice: Notice) {
    match notice {
        Notice::Poisoned => {
            let reason = "a write to the journal failed: free the disk and restart".to_owned();
            *handle
                .poisoned
                .write()
                .unwrap_or_else(PoisonError::into_inner) = Some(reason);
            let now = handle.clock.now();
            for change in handle.alerts.poisoned(now) {
                push_alert(handle, &change.alert);
            }
        }
        Notice::Unrecorded(numbered) => {
            let logged = Logged {
                key: numbered.key,
                ts: numbered.ts,
                output: numbered.output,
            };
            for mut change in handle.alerts.apply(&logged) {
                change.alert.unrecorded = true;
                push_alert(handle, &change.alert);
            }
        }
        Notice::Standby { input, reason } => {
            tracing::error!(
                input,
                reason,
                "the standby does not follow: keep the data folder, verify a copy of it, restart"
            );
            let now = handle.clock.now();
            for change in handle.alerts.standby_diverged(input, now) {
                push_alert(handle, &change.alert);
            }
        }
        Notice::Log(event) => tracing::warn!(?event, "the output log"),
        Notice::LogFailed(error) => tracing::error!(
            error,
            "the output log cannot be written: restart, it is made again from the journal"
        ),
    }
}

fn push_alert(handle: &Handle, alert: &siaga_alerts::alert::Alert) {
    let directory = handle
        .directory
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let body = EventBody::Alert(Box::new(record(alert, &directory)));
    handle.events.push(handle.events.tip() + 1, body);
}
