//! Two sources of prices that drop, repeat, reorder, fall silent and lie.

use crate::dice::Dice;
use crate::world::{LISTED, Listed, SOURCES};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::units::*;

/// A move that a market makes now and then, hundredths of a percent of the price.
const JUMP_BP_MAX: i64 = 400;

/// How one source behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Well,
    /// Says nothing until then, though it is connected.
    Mute(Ts),
}

/// The market, and what its sources make of it.
#[derive(Debug)]
pub struct Feeds {
    dice: Dice,
    mids: Vec<i64>,
    moods: [Mood; 2],
    /// What a source may say once more, or late.
    last: Vec<Quote>,
}

impl Feeds {
    /// A market at its first prices.
    pub fn new(dice: Dice) -> Feeds {
        Feeds {
            dice,
            mids: LISTED.iter().map(|listed| listed.price).collect(),
            moods: [Mood::Well; 2],
            last: Vec::new(),
        }
    }

    /// What a source says next; nothing when it is silent.
    pub fn next(&mut self, now: Ts) -> Option<Input> {
        let of = self.dice.below(LISTED.len() as u64) as usize;
        let listed = LISTED[of];
        self.walk(of, &listed);
        let source = self.dice.below(2) as usize;
        if self.is_mute(source, now) {
            return None;
        }
        match self.dice.below(100) {
            0 => Some(self.gap(source, now)),
            1 => Some(self.print(of, source, now)),
            2 | 3 => self.again(now),
            4 | 5 => Some(self.mark(of, source, now)),
            _ => Some(Input::Quote(self.quote(of, source, now))),
        }
    }

    fn walk(&mut self, of: usize, listed: &Listed) {
        let mid = self.mids[of];
        let step = (mid / 20_000).max(1);
        let jump = if self.dice.one_in(400) {
            mid / 10_000 * self.dice.between(-JUMP_BP_MAX, JUMP_BP_MAX)
        } else {
            0
        };
        let back = (listed.price - mid) / 500;
        self.mids[of] = (mid + self.dice.between(-step, step) + jump + back).max(listed.price / 4);
    }

    fn is_mute(&mut self, source: usize, now: Ts) -> bool {
        if let Mood::Mute(until) = self.moods[source] {
            if now < until {
                return true;
            }
            self.moods[source] = Mood::Well;
        }
        if self.dice.one_in(600) {
            let silence = self.dice.below(60) * SECOND_NS;
            self.moods[source] = Mood::Mute(now.plus(silence));
            return true;
        }
        false
    }

    fn quote(&mut self, of: usize, source: usize, now: Ts) -> Quote {
        let listed = LISTED[of];
        let (mid, half) = (self.mids[of], listed.half_spread);
        let (bid, ask) = match self.dice.below(120) {
            // Crossed, locked, negative, absurd: the machine must say what it does with them.
            0 => (mid + half, mid - half),
            1 => (mid, mid),
            2 => (-mid, mid),
            3 => (mid * 1_000, mid * 1_000 + half),
            4 => (0, 0),
            _ => (mid - half, mid + half),
        };
        let merged = u16::from(self.dice.one_in(20));
        let drop = |dice: &mut Dice| u32::from(merged) * dice.below(half as u64 * 20) as u32;
        let quote = Quote {
            ts: now,
            bid: Price(bid),
            ask: Price(ask),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            bid_drop: drop(&mut self.dice),
            ask_rise: drop(&mut self.dice),
            venue_lag_us: self.lag(),
            instrument: listed.id,
            source: SOURCES[source],
            merged,
            kind: QuoteKind::Firm,
        };
        if self.last.len() < 64 {
            self.last.push(quote);
        } else {
            let at = self.dice.below(64) as usize;
            self.last[at] = quote;
        }
        quote
    }

    /// Late, early, unknown, or far from our clock.
    fn lag(&mut self) -> i32 {
        match self.dice.below(50) {
            0 => NO_VENUE_TIME,
            1 => 7_000_000,
            2 => -7_000_000,
            _ => self.dice.between(-2_000, 80_000) as i32,
        }
    }

    /// Said once more: a repetition, or a message that was overtaken. Its receive time is now.
    fn again(&mut self, now: Ts) -> Option<Input> {
        if self.last.is_empty() {
            return None;
        }
        let mut quote = self.dice.pick(&self.last);
        let late_us = now.since(quote.ts) / 1_000;
        quote.venue_lag_us = quote
            .venue_lag_us
            .saturating_add(i32::try_from(late_us).unwrap_or(i32::MAX));
        quote.ts = now;
        Some(Input::Quote(quote))
    }

    fn print(&mut self, of: usize, source: usize, now: Ts) -> Input {
        Input::Trade(Trade {
            ts: now,
            price: Price(self.mids[of]),
            qty: Qty(self.dice.between(1, 100)),
            venue_lag_us: self.lag(),
            instrument: LISTED[of].id,
            source: SOURCES[source],
            side: self.dice.pick(&[Side::Buy, Side::Sell]),
        })
    }

    /// The venue's mark price, a little beside its market.
    fn mark(&mut self, of: usize, source: usize, now: Ts) -> Input {
        let mid = self.mids[of];
        let price = Price(mid + self.dice.between(-mid / 200, mid / 200));
        Input::Command(Box::new(Command {
            ts: now,
            actor: ActorId(0),
            token: 0,
            body: Body::MarkPrice(MarkPrice {
                instrument: LISTED[of].id,
                source: SOURCES[source],
                price,
                at: now,
            }),
        }))
    }

    fn gap(&mut self, source: usize, now: Ts) -> Input {
        let causes = [
            GapCause::Sequence,
            GapCause::Disconnect,
            GapCause::Reconnect,
            GapCause::Mute,
            GapCause::BadFrame,
        ];
        let instrument = InstrumentId(self.dice.below(LISTED.len() as u64 + 1) as u32);
        Input::Gap(Gap {
            ts: now,
            source: SOURCES[source],
            instrument: (instrument.0 > 0).then_some(instrument),
            cause: self.dice.pick(&causes),
            missing: self.dice.below(10) as u32,
        })
    }
}
