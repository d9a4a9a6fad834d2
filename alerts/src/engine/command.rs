//! What people do to alerts. Commands come back from the core as echoes, so they are part of the fold.

use siaga_risk::event::{AlertCommand, AlertEcho, AlertVerb};
use siaga_risk::ids::ActorId;
use siaga_risk::units::{DAY_NS, Ts};

use super::fold::{Author, Fold, is_over, repage};
use super::timer::ESCALATIONS_MAX;
use crate::alert::*;

/// Longest snooze or silence: a month; longer ones hide what nobody remembers.
const HUSH_NS_MAX: u64 = 31 * DAY_NS;

/// Why a command on an alert is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandFault {
    #[error("there is no such alert; it may have been archived")]
    UnknownAlert,
    #[error("the alert got worse since: it is at revision {revision}, read it and decide again")]
    Stale { revision: u32 },
    #[error("a note is required for a critical alert")]
    NoteMissing,
    #[error("the alert is over or has not fired yet")]
    NotActive,
    #[error("nobody has acknowledged it")]
    NotAcknowledged,
    #[error("the time must lie in the future, at most 31 days")]
    BadTime,
}

impl Fold {
    /// Whether a command would be taken.
    pub(super) fn check(&self, command: &AlertCommand, now: Ts) -> Result<(), CommandFault> {
        let alert = self
            .alert(command.alert)
            .ok_or(CommandFault::UnknownAlert)?;
        // Whoever saw the present severity may act, though a number has changed since.
        let is_fresh =
            command.revision >= alert.severity_revision && command.revision <= alert.revision;
        if !is_fresh {
            return Err(CommandFault::Stale {
                revision: alert.revision,
            });
        }
        let is_comment = matches!(command.verb, AlertVerb::Comment | AlertVerb::SilenceOff);
        if !is_comment && (!alert.is_active() || is_over(alert)) {
            return Err(CommandFault::NotActive);
        }
        if alert.severity >= Severity::Critical && command.note == 0 {
            return Err(CommandFault::NoteMissing);
        }
        match command.verb {
            AlertVerb::Snooze | AlertVerb::SilenceOn => {
                let until = Ts(command.argument);
                if until <= now || until.since(now) > HUSH_NS_MAX {
                    return Err(CommandFault::BadTime);
                }
            }
            AlertVerb::Unacknowledge if alert.acks.is_empty() => {
                return Err(CommandFault::NotAcknowledged);
            }
            _ => {}
        }
        Ok(())
    }

    /// Does what somebody asked for.
    pub(super) fn command(&mut self, echo: &AlertEcho, ts: Ts) -> Result<(), CommandFault> {
        let command = &echo.command;
        self.check(command, ts)?;
        let id = command.alert;
        let author = Author {
            by: echo.actor,
            note: command.note,
        };
        let what = match command.verb {
            AlertVerb::Acknowledge => ChangeKind::Acknowledged,
            AlertVerb::Unacknowledge => ChangeKind::Unacknowledged,
            AlertVerb::Comment => ChangeKind::Commented,
            AlertVerb::Assign => ChangeKind::Assigned,
            AlertVerb::Escalate => ChangeKind::Escalated,
            AlertVerb::Snooze => ChangeKind::Snoozed,
            AlertVerb::SilenceOn => ChangeKind::Silenced,
            AlertVerb::SilenceOff => ChangeKind::SilenceEnded,
            AlertVerb::Resolve => {
                self.resolve(id, ts, author);
                return Ok(());
            }
        };
        let topic = self.state.alerts[&id].topic;
        let hush = Hush {
            until: Ts(command.argument),
            severity: self.state.alerts[&id].severity,
            by: echo.actor,
        };
        match command.verb {
            AlertVerb::SilenceOn => drop(self.state.silences.insert(topic, hush)),
            AlertVerb::SilenceOff => drop(self.state.silences.remove(&topic)),
            _ => {}
        }
        self.change(id, what, ts, author, |alert| {
            apply_verb(alert, command, author, hush, ts);
        });
        Ok(())
    }
}

fn apply_verb(alert: &mut Alert, command: &AlertCommand, author: Author, hush: Hush, ts: Ts) {
    match command.verb {
        AlertVerb::Acknowledge => {
            alert.owner = alert.owner.or(Some(author.by));
            alert.acks.push(Ack {
                by: author.by,
                at: ts,
                severity: alert.severity,
                note: author.note,
            });
            alert.repage_at = None;
        }
        AlertVerb::Unacknowledge => {
            alert.acks.clear();
            alert.repage_at = repage(alert, ts);
        }
        AlertVerb::Assign => {
            let whom = u32::try_from(command.argument).unwrap_or(0);
            alert.owner = (whom != 0).then_some(ActorId(whom));
        }
        AlertVerb::Escalate => alert.escalated = (alert.escalated + 1).min(ESCALATIONS_MAX),
        AlertVerb::Snooze => alert.snooze = Some(hush),
        AlertVerb::SilenceOn => alert.silence = Some(hush),
        AlertVerb::SilenceOff => alert.silence = None,
        AlertVerb::Comment | AlertVerb::Resolve => {}
    }
}
