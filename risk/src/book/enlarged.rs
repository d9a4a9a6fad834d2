//! Positions that were enlarged while a halt or a window raised the requirements: what was added then is new exposure,
//! whatever the policy says of what was held before.

use super::instruments::Instrument;
use super::positions::Position;
use super::{Book, Env};
use crate::ids::*;
use crate::record;
use crate::units::*;

record! {
    /// A quantity that was added to a position, and when.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Added {
        pub at: Ts,
        pub qty: i64,
    }
}

impl Book {
    /// Remembers what was added to a position while its instrument's requirement is raised.
    pub(super) fn note_added(&mut self, position: &Position, qty: i64, env: &Env<'_>) {
        let Some(instrument) = self.instrument(position.instrument) else {
            return;
        };
        if self.flight_factor(instrument, env) == Ratio::ONE {
            return;
        }
        let last = self.enlarged.get(&position.id).and_then(|all| all.last());
        let alike = last.is_some_and(|last| self.is_alike(position.instrument, last.at, env));
        let all = self.enlarged.entry(position.id).or_default();
        match all.last_mut().filter(|_| alike) {
            Some(last) => last.qty = last.qty.saturating_add(qty),
            None => all.push(Added { at: env.now, qty }),
        }
    }

    /// Nothing that tells old exposure from new has begun since then.
    fn is_alike(&self, instrument: InstrumentId, then: Ts, env: &Env<'_>) -> bool {
        let halted = env
            .halted(instrument)
            .is_some_and(|halt| halt.since >= then);
        let mut windows = self.windows_of(instrument);
        !halted && !windows.any(|window| window.from > then && window.from <= env.now)
    }

    /// Closing takes the oldest quantity first.
    pub(super) fn note_closed(&mut self, id: PositionId, left: i64) {
        let Some(all) = self.enlarged.get_mut(&id) else {
            return;
        };
        let mut over = all.iter().map(|added| added.qty).sum::<i64>() - left;
        for added in all.iter_mut() {
            let gone = added.qty.min(over.max(0));
            added.qty -= gone;
            over -= gone;
        }
        all.retain(|added| added.qty > 0);
        if all.is_empty() {
            self.enlarged.remove(&id);
        }
    }

    /// The factor on a position as `num / den`: every quantity by the time it was added.
    pub(super) fn position_factor(
        &self,
        instrument: &Instrument,
        position: &Position,
        env: &Env<'_>,
    ) -> (i128, i128) {
        let factor = |at| i128::from(self.held_factor(instrument, at, env).0);
        let added = self.enlarged.get(&position.id);
        let added = added.map_or(&[][..], Vec::as_slice);
        let mut first = i128::from(position.qty);
        let mut num = 0i128;
        for one in added {
            first -= i128::from(one.qty);
            num += i128::from(one.qty) * factor(one.at);
        }
        num += first * factor(position.opened);
        let den = i128::from(position.qty.max(1)) * i128::from(Ratio::ONE.0);
        (num, den)
    }
}
