//! What makes other alerts needless: a margin alert its account's loss and volatility noise, a lost source the
//! staleness of its instruments. Only something at least as bad inhibits.

use siaga_risk::ids::AlertId;
use siaga_risk::units::Ts;

use super::fold::{Author, Fold};
use crate::alert::*;

impl Fold {
    /// Whether something at least as bad makes this alert needless.
    pub(super) fn is_inhibited(&self, alert: &Alert) -> bool {
        let Some(source) = inhibitor_of(alert) else {
            return false;
        };
        self.open
            .get(&source)
            .and_then(|id| self.alert(*id))
            .is_some_and(|source| source.is_active() && source.severity >= alert.severity)
    }

    /// After a change of this alert: is it inhibited, and what does it inhibit?
    pub(super) fn inhibit_around(&mut self, id: AlertId, at: Ts) {
        let alert = &self.state.alerts[&id];
        let mut touched = match alert.topic.family {
            Family::Margin => self.of_account(alert.topic.first),
            Family::FeedDown => self.of_source(alert.topic.first),
            _ => Vec::new(),
        };
        if alert.is_active() {
            touched.push(id);
        }
        for id in touched {
            let alert = &self.state.alerts[&id];
            let inhibited = self.is_inhibited(alert);
            if !alert.is_active() || inhibited == alert.inhibited {
                continue;
            }
            let what = match inhibited {
                true => ChangeKind::Inhibited,
                false => ChangeKind::InhibitionEnded,
            };
            self.change(id, what, at, Author::default(), |alert| {
                alert.inhibited = inhibited;
            });
        }
    }

    fn of_account(&self, account: u64) -> Vec<AlertId> {
        let positions = |second| Topic {
            family: Family::LossPosition,
            first: account,
            second,
        };
        let rungs = |second| Topic {
            family: Family::Rung,
            first: account,
            second,
        };
        let of_account = self.open.get(&Topic::of(Family::LossAccount, account));
        of_account
            .into_iter()
            .chain(
                self.open
                    .range(rungs(0)..=rungs(u64::MAX))
                    .map(|(_, id)| id),
            )
            .chain(
                self.open
                    .range(positions(0)..=positions(u64::MAX))
                    .map(|(_, id)| id),
            )
            .copied()
            .collect()
    }

    fn of_source(&self, source: u64) -> Vec<AlertId> {
        let feed = |first| Topic {
            family: Family::Feed,
            first,
            second: 0,
        };
        self.open
            .range(feed(0)..=feed(u64::MAX))
            .map(|(_, id)| *id)
            .filter(|id| {
                let label = self.state.alerts[id].labels.source;
                label.is_some_and(|label| u64::from(label.0) == source)
            })
            .collect()
    }
}

fn inhibitor_of(alert: &Alert) -> Option<Topic> {
    match alert.topic.family {
        Family::LossAccount
        | Family::LossPosition
        | Family::Rung
        | Family::Volatility
        | Family::Breach => {
            let account = alert.labels.account?;
            Some(Topic::of(Family::Margin, account.0.into()))
        }
        Family::Feed => {
            let source = alert.labels.source?;
            Some(Topic::of(Family::FeedDown, source.0.into()))
        }
        _ => None,
    }
}
