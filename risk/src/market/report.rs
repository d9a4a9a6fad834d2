//! Answers about one instrument.

use super::instrument::Instrument;
use crate::event::DropReason;
use crate::view::{BreachCount, InstrumentView, TapeView};

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
