//! Alerts and halts of one instrument: what breaches, what latches, and how a halt ends.

use super::halt::{Halt, Step};
use super::instrument::Instrument;
use super::{Effect, Sink};
use crate::event::*;
use crate::units::*;

impl Instrument {
    /// Alerts and latches by what a price did within its window.
    #[inline]
    pub(super) fn judge(&mut self, step: &Step, mid2: i64, now: Ts, sink: &mut Sink) {
        if let Some(moved) = &step.moved {
            let thresholds = std::iter::once(&self.terms.halt.alert).chain(&self.terms.watch);
            for (threshold, alarm) in thresholds.zip(&mut self.alarms) {
                if threshold.0 > 0
                    && moved.reaches(*threshold)
                    && alarm.on_breach(now, self.terms.halt.cooldown_ns)
                {
                    sink.out.push(Output::Breach(Breach {
                        instrument: self.terms.id,
                        direction: moved.direction,
                        moved: moved.ratio(),
                        threshold: *threshold,
                        mid2,
                        ts: now,
                    }));
                }
            }
        }
        let Some(beyond) = &step.beyond else {
            return;
        };
        if let Some(halt) = &mut self.halt {
            halt.last_breach = now;
            halt.awaiting_resume = false;
        } else if step.latched {
            self.latch(beyond.ratio(), now, sink);
            sink.latched = Some((self.terms.id, self.terms.family, beyond.ratio()));
        }
    }

    /// A person sets or lifts a halt. True when something changed.
    pub fn set_halt(&mut self, on: bool, now: Ts, sink: &mut Sink) -> bool {
        match (&mut self.halt, on) {
            (Some(halt), true) if halt.manual => return false,
            (Some(halt), true) => {
                halt.manual = true;
                halt.awaiting_resume = false;
            }
            (None, true) => {
                self.halt = Some(Halt {
                    since: now,
                    manual: true,
                    awaiting_resume: false,
                    last_breach: now,
                    moved: Ratio(0),
                });
                sink.effects.push(Effect::Halt {
                    instrument: self.terms.id,
                    on: true,
                });
            }
            (Some(_), false) => {
                self.resume(true, sink);
                return true;
            }
            (None, false) => return false,
        }
        self.tell_halt(true, sink);
        true
    }

    /// Halts because of a breach (its own or a relative's) unless it is halted.
    pub fn latch(&mut self, moved: Ratio, now: Ts, sink: &mut Sink) {
        if self.halt.is_some() {
            return;
        }
        self.halt = Some(Halt {
            since: now,
            manual: false,
            awaiting_resume: false,
            last_breach: now,
            moved,
        });
        self.tell_halt(true, sink);
        sink.effects.push(Effect::Halt {
            instrument: self.terms.id,
            on: true,
        });
    }

    /// When the quiet time of a halt is over.
    #[inline]
    pub(super) fn quiet_at(&self) -> Ts {
        match &self.halt {
            Some(halt) if !halt.manual && !halt.awaiting_resume => {
                halt.last_breach.plus(self.terms.halt.quiet_ns)
            }
            _ => Ts(u64::MAX),
        }
    }

    pub(super) fn end_quiet(&mut self, sink: &mut Sink) {
        if !self.terms.halt.manual_resume {
            return self.resume(false, sink);
        }
        if let Some(halt) = &mut self.halt {
            halt.awaiting_resume = true;
        }
        self.tell_halt(true, sink);
    }

    fn resume(&mut self, manual: bool, sink: &mut Sink) {
        let Some(halt) = self.halt.take() else {
            return;
        };
        self.mids.resume();
        if let Some(prints) = &mut self.prints {
            prints.resume();
        }
        sink.out.push(Output::Halt(HaltChange {
            instrument: self.terms.id,
            on: false,
            manual,
            awaiting_resume: false,
            moved: halt.moved,
            holders: 0,
        }));
        sink.effects.push(Effect::Halt {
            instrument: self.terms.id,
            on: false,
        });
    }

    fn tell_halt(&self, on: bool, sink: &mut Sink) {
        if let Some(halt) = &self.halt {
            sink.out.push(Output::Halt(HaltChange {
                instrument: self.terms.id,
                on,
                manual: halt.manual,
                awaiting_resume: halt.awaiting_resume,
                moved: halt.moved,
                holders: 0,
            }));
        }
    }
}
