//! What time alone does to alerts: fire, wake up, ease, escalate, archive.

use siaga_risk::ids::AlertId;
use siaga_risk::units::{DAY_NS, Ts};

use super::fold::{Author, Fold, repage};
use crate::alert::*;

/// A resolved alert is archived after this long.
const ARCHIVE_AFTER_NS: u64 = DAY_NS;
/// Archived alerts kept in memory; the store has all of them.
const ARCHIVED_MAX: usize = 2_000;
/// How often an alert that nobody takes is passed on.
pub(super) const ESCALATIONS_MAX: u8 = 3;

/// The next time something happens to an alert by itself.
pub(super) fn next_due(alert: &Alert) -> Option<Ts> {
    match alert.state {
        AlertState::Pending => alert.fires_at,
        AlertState::Firing | AlertState::Acknowledged => [
            alert.snooze.map(|hush| hush.until),
            alert.silence.map(|hush| hush.until),
            alert.easing.map(|easing| easing.at),
            alert.repage_at,
        ]
        .into_iter()
        .flatten()
        .min(),
        AlertState::Resolved => alert.ended.map(|ended| ended.plus(ARCHIVE_AFTER_NS)),
        AlertState::Archived => None,
    }
}

impl Fold {
    pub(super) fn poll_deadline(&self) -> Option<Ts> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Runs every timer up to and at `until`, each at its own time.
    pub(super) fn run_until(&mut self, until: Ts) {
        while let Some((at, id)) = self.due.first().copied() {
            if at > until {
                break;
            }
            self.state.now = self.state.now.max(at);
            self.on_due(id, at);
        }
        self.state.now = self.state.now.max(until);
    }

    /// Does the one thing that is due first; called again while more is due.
    fn on_due(&mut self, id: AlertId, at: Ts) {
        let alert = &self.state.alerts[&id];
        let is_due = |hush: Option<Hush>| hush.is_some_and(|hush| hush.until <= at);
        match alert.state {
            AlertState::Pending => self.fire(id, at),
            AlertState::Resolved | AlertState::Archived => self.archive(id, at),
            _ if is_due(alert.snooze) => {
                self.change(
                    id,
                    ChangeKind::SnoozeEnded,
                    at,
                    Author::default(),
                    |alert| {
                        alert.snooze = None;
                    },
                );
            }
            _ if is_due(alert.silence) => {
                self.state.silences.remove(&alert.topic);
                self.change(
                    id,
                    ChangeKind::SilenceEnded,
                    at,
                    Author::default(),
                    |alert| {
                        alert.silence = None;
                    },
                );
            }
            _ => match alert.easing {
                Some(Easing { at: due, to }) if due <= at => match to {
                    Some(signal) => self.settle(id, &signal, at),
                    None => self.resolve(id, at, Author::default()),
                },
                _ => self.page_again(id, at),
            },
        }
    }

    fn page_again(&mut self, id: AlertId, at: Ts) {
        let alert = &self.state.alerts[&id];
        let is_ending = alert.easing.is_some_and(|easing| easing.to.is_none());
        if alert.is_suppressed() || is_ending || alert.state != AlertState::Firing {
            // Whoever hushed it is answerable until then; what is about to end pages when it does not.
            let next = (alert.state == AlertState::Firing)
                .then(|| repage(alert, at))
                .flatten();
            return self.quietly(id, |alert| alert.repage_at = next);
        }
        self.change(id, ChangeKind::Escalated, at, Author::default(), |alert| {
            alert.escalated = (alert.escalated + 1).min(ESCALATIONS_MAX);
            let is_last = alert.escalated == ESCALATIONS_MAX;
            alert.repage_at = if is_last { None } else { repage(alert, at) };
        });
    }

    fn archive(&mut self, id: AlertId, at: Ts) {
        self.change(id, ChangeKind::Archived, at, Author::default(), |alert| {
            alert.state = AlertState::Archived;
        });
        self.state.archived.push_back(id);
        if self.state.archived.len() > ARCHIVED_MAX
            && let Some(oldest) = self.state.archived.pop_front()
        {
            self.forget(oldest);
        }
    }
}
