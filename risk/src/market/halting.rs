//! Alerts and halts of one instrument: what breaches, what latches, and how a halt ends.

use super::band::Band;
use super::breakers::{dcb_halt_ns, dcb_variant};
use super::halt::{Alarm, Halt, Look, Reach, Step};
use super::instrument::Instrument;
use super::window::Move;
use super::{Effect, Sink};
use crate::event::*;
use crate::terms::BreakerTerms;
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
                        cause: HaltCause::Window,
                        direction: moved.direction,
                        moved: moved.ratio(),
                        threshold: *threshold,
                        mid2,
                        ts: now,
                    }));
                }
            }
        }
        if let Some((cause, moved)) = &step.entered {
            self.alert(*cause, moved, mid2, now, sink);
        }
        if let Some((cause, moved)) = &step.beyond {
            self.beyond(*cause, moved, step.latched, now, sink);
        }
    }

    /// The band's part of an accepted quote.
    #[inline]
    pub(super) fn judge_band(&mut self, bid: Price, ask: Price, now: Ts, sink: &mut Sink) {
        let halted = self.halt.is_some();
        let Some(band) = &mut self.band else {
            return;
        };
        let halt = &self.terms.halt;
        let terms = &halt.breakers.band;
        let step = band.on_quote((bid, ask), now, terms, halt.confirmations, halted);
        let Some(moved) = step.beyond else {
            return;
        };
        if step.entered {
            self.alert(HaltCause::Band, &moved, bid.0 + ask.0, now, sink);
        }
        self.beyond(HaltCause::Band, &moved, step.latched, now, sink);
    }

    /// A limit state that nobody quoted in may have lasted.
    pub(super) fn band_on_clock(&mut self, now: Ts, sink: &mut Sink) {
        let halt = &self.terms.halt;
        let Some(band) = self.band.as_ref().filter(|_| self.halt.is_none()) else {
            return;
        };
        if let Some(moved) = band.on_clock(now, &halt.breakers.band, halt.confirmations) {
            self.beyond(HaltCause::Band, &moved, true, now, sink);
        }
    }

    /// When a limit state has lasted.
    #[inline]
    pub(super) fn band_deadline(&self) -> Ts {
        let halt = &self.terms.halt;
        match &self.band {
            Some(band) => band.deadline(&halt.breakers.band, halt.confirmations),
            None => Ts(u64::MAX),
        }
    }

    /// A price beyond a limit keeps a halt alive, or begins one when it is the last of the confirmations.
    fn beyond(&mut self, cause: HaltCause, moved: &Move, latched: bool, now: Ts, sink: &mut Sink) {
        if let Some(halt) = &mut self.halt {
            halt.last_breach = now;
            halt.awaiting_resume = false;
        } else if latched {
            self.latch(moved.ratio(), cause, now, sink);
            sink.latched
                .push((self.terms.id, self.terms.family, moved.ratio()));
        }
    }

    /// The first price beyond the limit of a detector with confirmations alerts.
    fn alert(&mut self, cause: HaltCause, moved: &Move, mid2: i64, now: Ts, sink: &mut Sink) {
        let breakers = &self.terms.halt.breakers;
        let distance = match cause {
            HaltCause::Dynamic => self.reach.variant2,
            HaltCause::Velocity => self.reach.velocity2,
            _ => None,
        };
        let threshold = distance.map_or(breakers.band.share, |distance| {
            super::window::share(distance, moved.reference)
        });
        let alarm = &mut self.breaker_alarms[cause as usize];
        if alarm.on_breach(now, self.terms.halt.cooldown_ns) {
            sink.out.push(Output::Breach(Breach {
                instrument: self.terms.id,
                cause,
                direction: moved.direction,
                moved: moved.ratio(),
                threshold,
                mid2,
                ts: now,
            }));
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
                self.begin(HaltCause::Person, Ratio(0), now);
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
    pub fn latch(&mut self, moved: Ratio, cause: HaltCause, now: Ts, sink: &mut Sink) {
        if self.halt.is_some() {
            return;
        }
        self.begin(cause, moved, now);
        self.tell_halt(true, sink);
        sink.effects.push(Effect::Halt {
            instrument: self.terms.id,
            on: true,
        });
    }

    fn begin(&mut self, cause: HaltCause, moved: Ratio, now: Ts) {
        let breakers = &self.terms.halt.breakers;
        let closes = self.calendar.until().unwrap_or(Ts(u64::MAX));
        let pause_ns = match cause {
            HaltCause::Band => breakers.band.pause_ns,
            HaltCause::Dynamic => dcb_halt_ns(breakers.dynamic.pause_ns, closes, now),
            _ => 0,
        };
        if let Some(band) = &mut self.band {
            band.halted();
        }
        self.halt = Some(Halt {
            since: now,
            cause,
            manual: cause == HaltCause::Person,
            awaiting_resume: false,
            last_breach: now,
            not_before: now.plus(pause_ns),
            moved,
        });
    }

    /// When the quiet time of a halt is over.
    #[inline]
    pub(super) fn quiet_at(&self) -> Ts {
        match &self.halt {
            Some(halt) if !halt.manual && !halt.awaiting_resume => {
                let quiet = halt.last_breach.plus(self.terms.halt.quiet_ns);
                quiet.max(halt.not_before)
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
        self.look_anew();
        sink.out.push(Output::Halt(HaltChange {
            instrument: self.terms.id,
            on: false,
            cause: halt.cause,
            manual,
            awaiting_resume: false,
            moved: halt.moved,
            holders: 0,
        }));
        sink.effects.push(Effect::HaltTold {
            instrument: self.terms.id,
        });
        sink.effects.push(Effect::Halt {
            instrument: self.terms.id,
            on: false,
        });
    }

    /// What came before now no longer judges a price: trading resumes, or a session has ended.
    pub(super) fn look_anew(&mut self) {
        self.mids.resume();
        if let Some(prints) = &mut self.prints {
            prints.resume();
        }
        if let Some(band) = &mut self.band {
            band.reopen();
        }
    }

    fn tell_halt(&self, on: bool, sink: &mut Sink) {
        if let Some(halt) = &self.halt {
            sink.out.push(Output::Halt(HaltChange {
                instrument: self.terms.id,
                on,
                cause: halt.cause,
                manual: halt.manual,
                awaiting_resume: halt.awaiting_resume,
                moved: halt.moved,
                holders: 0,
            }));
            sink.effects.push(Effect::HaltTold {
                instrument: self.terms.id,
            });
        }
    }

    /// The detectors follow terms that changed; what they have seen is kept when theirs did not.
    pub(super) fn arrange_breakers(&mut self, before: &BreakerTerms) {
        let breakers = &self.terms.halt.breakers;
        let on = breakers.band.share.0 > 0;
        if on && (self.band.is_none() || before.band != breakers.band) {
            self.band = Some(Box::new(Band::new(&breakers.band)));
        } else if !on {
            self.band = None;
        }
        let distances = breakers.dynamic.share.0 > 0 || breakers.velocity.ticks > 0;
        if before.dynamic != breakers.dynamic || before.velocity != breakers.velocity {
            self.mids.prepare(false);
            if let Some(prints) = &mut self.prints {
                prints.prepare(false);
            }
        }
        self.mids.prepare(distances);
        self.measure();
    }

    /// The last mid of a day or session is its settlement: the variant is fixed for the next one.
    pub(super) fn settle(&mut self, mid2: i64) {
        self.settlement2 = Some(mid2);
        self.measure();
    }

    fn measure(&mut self) {
        let breakers = &self.terms.halt.breakers;
        let tick2 = Price(self.terms.tick.0.saturating_mul(2));
        let variant2 = self.settlement2.map(|settlement2| {
            let amount = Price(settlement2.saturating_abs());
            dcb_variant(amount, breakers.dynamic.share, tick2).0
        });
        let ticks = i64::from(breakers.velocity.ticks);
        self.reach = Reach {
            variant2: variant2.filter(|variant2| *variant2 > 0),
            velocity2: (ticks > 0).then(|| ticks.saturating_mul(tick2.0)),
        };
    }

    /// What every detector that is on says to the newest price, in the order of their causes.
    pub(super) fn looks(&self, now: Ts) -> Vec<Look> {
        let Some(mark) = &self.mark else {
            return Vec::new();
        };
        let halt = &self.terms.halt;
        let mid2 = mark.bid.0 + mark.ask.0;
        let mut looks = self.mids.look(mid2, now, halt, &self.reach);
        if let Some(band) = &self.band {
            let moved = band.beyond_at(mark.bid, mark.ask);
            looks.push(Look {
                cause: HaltCause::Band,
                moved,
                beyond: moved.is_some(),
                needed: band.needed(halt.confirmations),
            });
        }
        looks.sort_by_key(|look| look.cause);
        looks
    }
}

/// One alarm per cause that alerts through [`Instrument::alert`].
pub(super) const BREAKER_ALARMS: [Alarm; 4] = [Alarm {
    last: None,
    ticks: 0,
    alerts: 0,
}; 4];
