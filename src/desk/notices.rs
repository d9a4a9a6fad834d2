//! What the desk says of itself outside the log: a disk that is full, a reader or a sink that fails.

use siaga_alerts::alert::{AlertChange, Facts, Family, Topic};
use siaga_alerts::outbox::SinkEvent;
use siaga_alerts::rules::Rule;
use siaga_broker::router::Difference;
use siaga_risk::event::Seq;
use siaga_risk::journal::LogEvent;
use siaga_risk::pipeline::Numbered;
use siaga_risk::units::Ts;

use super::alert_desk::AlertDesk;

/// Names of the readers of the output log; an alert holds the place of one.
const READERS: [&str; 5] = ["alert_desk", "store", "alerts", "platform", "router"];

/// Heard by the follower, the one who tells the stream and the sinks.
#[derive(Clone, Debug)]
pub enum Notice {
    /// The journal can record nothing more; raised outside the machine.
    Poisoned,
    /// A part of the desk has ended, and what is recorded was refused because of it.
    Refused,
    /// A margin or stop-out output while poisoned: sent at once, marked unrecorded.
    Unrecorded(Box<Numbered>),
    /// A reader of the output log was cut off, or segments were removed.
    Log(LogEvent),
    /// A reader of the output log stands still because of the database, or goes on.
    Reader {
        name: &'static str,
        stands_still: bool,
    },
    /// The output log itself failed, which ends the journal too.
    LogFailed(String),
    /// The second machine does not follow the first one from this input on.
    Standby { input: Seq, reason: String },
    /// A fresh second machine has passed where the other one stopped, and is at this input.
    StandbyFollows { input: Seq },
    /// Alerts do not get through to a sink, or do again.
    Sink(SinkEvent),
    /// The start found that recorded inputs are gone.
    Lost { first: Seq, last: Seq, orders: u64 },
    /// A broker holds something else than the books say, or no longer.
    Holdings(Difference),
}

impl Notice {
    /// Why nothing is recorded any more, when it says so.
    pub fn ends_recording(&self) -> Option<String> {
        match self {
            Notice::Poisoned => {
                Some("a write to the journal failed: free the disk and restart".into())
            }
            Notice::Refused => Some("a part of the desk has ended: see the log and restart".into()),
            Notice::LogFailed(error) => Some(format!(
                "the output log cannot be written ({error}): free the disk and restart, it is made again from the journal"
            )),
            _ => None,
        }
    }

    /// Writes it to the program's own log.
    pub fn trace(&self) {
        match self {
            Notice::Poisoned | Notice::Refused | Notice::LogFailed(_) => {
                let reason = self.ends_recording();
                tracing::error!(reason, "nothing is recorded any more: orders are refused");
            }
            Notice::Standby { input, reason } => tracing::error!(
                input,
                reason,
                "the standby does not follow: keep the data folder, verify a copy of it, restart"
            ),
            Notice::StandbyFollows { input } => {
                tracing::warn!(input, "a fresh standby follows: snapshots go on");
            }
            Notice::Log(event) => tracing::warn!(?event, "the output log"),
            Notice::Reader { name, stands_still } => match stands_still {
                true => tracing::error!(name, "a reader of the output log stands still"),
                false => tracing::info!(name, "a reader of the output log goes on"),
            },
            Notice::Sink(event) => tracing::warn!(?event, "a receiver of alerts"),
            Notice::Lost {
                first,
                last,
                orders,
            } => tracing::error!(
                first,
                last,
                orders,
                "recorded inputs are gone: compare orders, positions and payments by hand"
            ),
            Notice::Holdings(difference) if difference.is_over() => {
                tracing::info!(?difference, "a broker and the books agree again");
            }
            Notice::Holdings(difference) => tracing::error!(
                ?difference,
                "a broker holds something else than the books say: compare with it by hand"
            ),
            Notice::Unrecorded(_) => {}
        }
    }

    /// The alerts that it raises or clears.
    pub fn tell(&self, alerts: &AlertDesk, now: Ts) -> Vec<AlertChange> {
        match self {
            Notice::Poisoned | Notice::LogFailed(_) => {
                let topic = Topic::of(Family::Journal, 0);
                alerts.raise(Rule::Journal, topic, Facts::Journal, now)
            }
            Notice::Refused => {
                let topic = Topic::of(Family::Part, 0);
                alerts.raise(Rule::PartEnded, topic, Facts::Part, now)
            }
            Notice::Unrecorded(numbered) => alerts.tell_unrecorded(numbered),
            Notice::Standby { input, .. } => {
                let facts = Facts::Standby { input: *input };
                let topic = Topic::of(Family::Standby, 0);
                alerts.raise(Rule::StandbyDiverged, topic, facts, now)
            }
            Notice::StandbyFollows { .. } => alerts.clear(Topic::of(Family::Standby, 0), now),
            Notice::Lost {
                first,
                last,
                orders,
            } => {
                let (first, last, orders) = (*first, *last, *orders);
                let facts = Facts::Lost {
                    first,
                    last,
                    orders,
                };
                let topic = Topic::of(Family::Recovery, 0);
                alerts.raise(Rule::InputsLost, topic, facts, now)
            }
            Notice::Holdings(difference) => tell_holdings(difference, alerts, now),
            Notice::Log(LogEvent::Trimmed { .. }) => Vec::new(),
            Notice::Log(LogEvent::CutOff { name, .. }) => {
                let reader = reader_of(name);
                let topic = Topic::of(Family::Reader, reader.into());
                alerts.raise(Rule::ReaderCutOff, topic, Facts::Reader { reader }, now)
            }
            Notice::Reader { name, stands_still } => {
                let reader = reader_of(name);
                // Beside the topic of one that was cut off, which only a rebuild ends.
                let topic = Topic {
                    second: 1,
                    ..Topic::of(Family::Reader, reader.into())
                };
                match stands_still {
                    true => alerts.raise(Rule::ReaderStopped, topic, Facts::Reader { reader }, now),
                    false => alerts.clear(topic, now),
                }
            }
            Notice::Sink(event) => tell_sink(*event, alerts, now),
        }
    }
}

fn tell_sink(event: SinkEvent, alerts: &AlertDesk, now: Ts) -> Vec<AlertChange> {
    let (sink, rule, failed) = match event {
        SinkEvent::Failing { sink, failed } => (sink.0, Rule::SinkFailing, failed),
        SinkEvent::Disabled { sink } => (sink.0, Rule::SinkDisabled, 0),
        SinkEvent::Working { sink } => {
            return alerts.clear(Topic::of(Family::Sink, sink.0.into()), now);
        }
    };
    let topic = Topic::of(Family::Sink, sink.into());
    alerts.raise(rule, topic, Facts::Sink { sink, failed }, now)
}

/// One alert for each instrument of an account that differs.
fn tell_holdings(difference: &Difference, alerts: &AlertDesk, now: Ts) -> Vec<AlertChange> {
    let Difference {
        link,
        account,
        instrument,
        ours,
        theirs,
    } = *difference;
    let topic = Topic {
        family: Family::Holdings,
        first: u64::from(link.0) << 32 | u64::from(account.0),
        second: instrument.0.into(),
    };
    if difference.is_over() {
        return alerts.clear(topic, now);
    }
    let facts = Facts::Holdings {
        link,
        account,
        instrument,
        ours,
        theirs,
    };
    alerts.raise(Rule::HoldingsDiffer, topic, facts, now)
}

/// Name of a reader by its place; the place behind the last one is anybody else.
pub fn reader_name(reader: u16) -> &'static str {
    READERS
        .get(usize::from(reader))
        .copied()
        .unwrap_or("another")
}

fn reader_of(name: &str) -> u16 {
    let place = READERS.iter().position(|known| *known == name);
    place.unwrap_or(READERS.len()) as u16
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use siaga_alerts::alert::ChangeKind;
    use siaga_alerts::routing::SinkId;
    use siaga_risk::event::OutputKey;
    use siaga_risk::ids::{AccountId, InstrumentId, LinkId};
    use siaga_risk::journal::Cursor;
    use siaga_risk::units::Qty;

    use super::*;
    use crate::desk::evidence::EvidenceBook;
    use crate::gateway::directory::Directory;

    fn desk() -> AlertDesk {
        let nowhere = std::path::Path::new("no-such-folder/alerts.bin");
        AlertDesk::open(
            nowhere,
            OutputKey::default(),
            Arc::new(EvidenceBook::default()),
        )
        .expect("there is nothing to set aside")
    }

    #[test]
    fn a_reader_that_is_cut_off_is_an_alert_with_its_name() {
        let desk = desk();
        let cut_off = |name: &str| {
            Notice::Log(LogEvent::CutOff {
                name: name.into(),
                at: Cursor::START,
                from: Cursor { seq: 9, index: 0 },
            })
        };
        for name in READERS.into_iter().chain(["somebody"]) {
            let told = cut_off(name).tell(&desk, Ts(1));
            assert_eq!(told.len(), 1, "{name}");
            let alert = crate::desk::alert_desk::record(&told[0].alert, &Directory::default());
            assert_eq!(alert.rule, "reader_cut_off");
            let shown = if name == "somebody" { "another" } else { name };
            assert!(alert.title.contains(shown), "{}", alert.title);
        }
        let trimmed = Notice::Log(LogEvent::Trimmed {
            segments: 1,
            from: Cursor::START,
        });
        assert!(trimmed.tell(&desk, Ts(2)).is_empty());
    }

    #[test]
    fn a_reader_that_stands_still_is_an_alert_until_it_goes_on() {
        let desk = desk();
        let reader = |stands_still| Notice::Reader {
            name: "store",
            stands_still,
        };
        assert!(reader(false).tell(&desk, Ts(1)).is_empty());
        let told = reader(true).tell(&desk, Ts(2));
        let alert = crate::desk::alert_desk::record(&told[0].alert, &Directory::default());
        assert_eq!(alert.rule, "reader_stopped");
        assert!(alert.title.contains("store"), "{}", alert.title);
        let over = reader(false).tell(&desk, Ts(3));
        assert_eq!(over[0].moment.what, ChangeKind::Resolved);
    }

    #[test]
    fn a_part_that_ended_sends_nobody_to_the_disk() {
        let told = Notice::Refused.tell(&desk(), Ts(1));
        let alert = crate::desk::alert_desk::record(&told[0].alert, &Directory::default());
        assert_eq!(
            (alert.rule.as_str(), alert.unrecorded),
            ("part_ended", true)
        );
        assert!(!alert.summary.contains("disk"), "{}", alert.summary);
    }

    #[test]
    fn inputs_that_are_gone_are_an_alert_with_their_range() {
        let (first, last, orders) = (901, 1_100, 3);
        let told = Notice::Lost {
            first,
            last,
            orders,
        }
        .tell(&desk(), Ts(1));
        let alert = crate::desk::alert_desk::record(&told[0].alert, &Directory::default());
        assert_eq!(alert.rule, "inputs_lost");
        assert_eq!(alert.title, "Inputs 901 to 1100 are gone");
        assert!(alert.summary.contains("3 orders"), "{}", alert.summary);
    }

    #[test]
    fn a_standby_that_stopped_is_an_alert_until_a_fresh_one_follows() {
        let desk = desk();
        let stopped = |reason: &str| Notice::Standby {
            input: 100,
            reason: reason.into(),
        };
        let told = stopped("another output").tell(&desk, Ts(1));
        assert_eq!(told[0].alert.rule, Rule::StandbyDiverged);
        let again = stopped("no snapshot is written").tell(&desk, Ts(2));
        assert!(
            again
                .iter()
                .all(|change| change.alert.id == told[0].alert.id)
        );
        let over = Notice::StandbyFollows { input: 200 }.tell(&desk, Ts(3));
        assert_eq!(over[0].moment.what, ChangeKind::Resolved);
    }

    #[test]
    fn a_sink_that_fails_is_an_alert_until_it_works() {
        let desk = desk();
        let sink = SinkId(2);
        let failing = Notice::Sink(SinkEvent::Failing { sink, failed: 3 });
        let told = failing.tell(&desk, Ts(1));
        let alert = crate::desk::alert_desk::record(&told[0].alert, &Directory::default());
        assert_eq!(alert.rule, "sink_failing");
        assert!(alert.title.contains("webhook"), "{}", alert.title);
        let worse = Notice::Sink(SinkEvent::Disabled { sink }).tell(&desk, Ts(2));
        assert_eq!(worse[0].moment.what, ChangeKind::Rose);
        assert_eq!(worse[0].alert.rule, Rule::SinkDisabled);
        let now = desk.record(worse[0].alert.id, &Directory::default());
        let now = now.map(|alert| (alert.started, alert.since));
        assert_eq!(now, Some((Ts(1), Ts(2))));
        let over = Notice::Sink(SinkEvent::Working { sink }).tell(&desk, Ts(3));
        assert_eq!(over[0].moment.what, ChangeKind::Resolved);
    }

    #[test]
    fn what_a_broker_holds_otherwise_is_an_alert_until_both_agree() {
        let desk = desk();
        let differ = |instrument, ours, theirs| {
            Notice::Holdings(Difference {
                link: LinkId(1),
                account: AccountId(7),
                instrument: InstrumentId(instrument),
                ours: Qty(ours),
                theirs: Qty(theirs),
            })
        };
        for (instrument, ours, theirs, word) in [
            (1, 100, 0, "missing"),
            (2, 0, -100, "extra"),
            (3, 100, 40, "other volume"),
        ] {
            let now = Ts(u64::from(instrument) * 2);
            let told = differ(instrument, ours, theirs).tell(&desk, now);
            let alert = crate::desk::alert_desk::record(&told[0].alert, &Directory::default());
            assert_eq!(alert.rule, "holdings_differ");
            assert!(alert.summary.contains(word), "{}", alert.summary);
            let (account, link) = (told[0].alert.labels.account, told[0].alert.labels.link);
            assert_eq!((account, link), (Some(AccountId(7)), Some(LinkId(1))));
            let over = differ(instrument, ours, ours).tell(&desk, now.plus(1));
            assert_eq!(over[0].moment.what, ChangeKind::Resolved);
        }
    }
}
