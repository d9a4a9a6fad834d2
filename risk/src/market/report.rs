//! Answers about one instrument.

use super::instrument::Instrument;
use crate::event::{Bar, BarSpan, DropReason};
use crate::units::*;
use crate::view::*;

impl Instrument {
    /// The instrument now.
    pub fn view(&self) -> InstrumentView {
        InstrumentView {
            terms: self.terms.clone(),
            mark: self.mark,
            feed: self.freshness.state,
            halted: self.halt.is_some(),
            volatility: self.volatility.state(),
            realised_5m: self.volatility.realised.volatility(),
            session_until: self.calendar.until(),
            usual_gap_ns: self.usual_gap_ns,
            quotes: self.tape.rows,
            dropped: self.drops.iter().sum(),
        }
    }

    /// Bars of a span that are not closed.
    pub fn open_bars(&self, span: BarSpan) -> Vec<Bar> {
        self.bars.open(self.terms.id, span)
    }

    /// How much it moves.
    pub fn volatility_view(&self, now: Ts) -> VolatilityView {
        let spans = self.bar_volatility.view();
        self.volatility.view(&self.terms.halt, now, spans)
    }

    /// Its sources.
    pub fn source_views(&self, now: Ts) -> Vec<SourceView> {
        let active = self.choice.active();
        let view = |(place, slot): (usize, &super::failover::Slot)| SourceView {
            source: slot.source,
            kind: slot.kind,
            active: active == Some(place),
            silent: slot.silent(slot.good, now),
            last_good: slot.good,
            rows: slot.quality.rows,
            faults: slot.quality.faults,
            offset: slot.quality.offset,
            samples: slot.quality.samples,
            score: slot.quality.score(self.terms.halt.alert),
        };
        self.slots.iter().enumerate().map(view).collect()
    }

    /// What lifting its halt would do now; the book adds the accounts.
    pub fn resume_view(&self, now: Ts) -> ResumeView {
        let detector = |look: super::halt::Look| DetectorView {
            cause: look.cause,
            moved: look.moved.map(|moved| moved.ratio()),
            fires: look.beyond,
            needed: look.needed,
        };
        let quiet_at = self.quiet_at();
        let halt = self.halt.as_ref();
        ResumeView {
            halted: halt.is_some(),
            cause: halt.map(|halt| halt.cause),
            manual: halt.is_some_and(|halt| halt.manual),
            awaiting_resume: halt.is_some_and(|halt| halt.awaiting_resume),
            since: halt.map(|halt| halt.since),
            quiet_at: (quiet_at < Ts(u64::MAX)).then_some(quiet_at),
            feed: self.freshness.state,
            volatility: self.volatility.state(),
            detectors: self.looks(now).into_iter().map(detector).collect(),
            holders: 0,
            changes: 0,
            accounts: Vec::new(),
        }
    }

    /// The halt in force, if any.
    pub fn halt_view(&self) -> Option<HaltView> {
        self.halt.as_ref().map(|halt| HaltView {
            instrument: self.terms.id,
            since: halt.since,
            awaiting_resume: halt.awaiting_resume,
            by_person: halt.manual || self.terms.halt.manual_resume,
        })
    }

    /// The facts of its tape.
    pub fn tape_view(&self) -> TapeView {
        let breaches = || {
            let thresholds = std::iter::once(&self.terms.halt.alert).chain(&self.terms.watch);
            let counted = thresholds.zip(&self.alarms);
            counted
                .map(|(threshold, alarm)| BreachCount {
                    threshold: *threshold,
                    ticks: alarm.ticks,
                    alerts: alarm.alerts,
                })
                .collect()
        };
        let detail = self.recorder.as_ref();
        self.tape
            .view(detail.map(|recorder| recorder.detail(self.tape.last, breaches())))
    }

    /// The newest mid or print was beyond a halt's limit.
    pub fn beyond_halt(&self) -> bool {
        self.mids.is_beyond()
            || self.band.as_ref().is_some_and(|band| band.is_limit())
            || self
                .prints
                .as_ref()
                .is_some_and(|prints| prints.is_beyond())
    }

    /// Quotes that were not used for `reason`.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize]
    }

    /// Quotes whose venue time was more than 5 s from ours.
    pub fn skewed(&self) -> u64 {
        self.skewed
    }
}
