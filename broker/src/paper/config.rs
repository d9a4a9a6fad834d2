//! What the paper broker does to an order, as numbers.

use siaga_risk::event::Mark;
use siaga_risk::units::{Money, Price, Ratio};

/// Settings of a paper broker. Shares of the spread scale with the instrument by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaperConfig {
    /// Seed of every random decision.
    pub seed: u64,
    /// Market orders fill at the price their owner saw and nothing is random: for replays.
    pub exact: bool,
    /// Time from us to the broker's book, nanoseconds.
    pub latency_ns: u64,
    /// Up to this much more, nanoseconds.
    pub jitter_ns: u64,
    /// Added to each side, as a share of the current spread.
    pub markup: Ratio,
    /// Worst adverse move of a market fill, as a share of the current spread.
    pub slippage: Ratio,
    /// Share of orders that are refused.
    pub reject: Ratio,
    /// Share of executions that fill only a part.
    pub partial: Ratio,
    /// Charge per lot, minor units of the account's currency.
    pub commission_per_lot: Money,
}

impl PaperConfig {
    /// A believable retail broker: 20 ms away, half the spread slippage at worst, few refusals.
    pub fn retail(seed: u64) -> Self {
        Self {
            seed,
            exact: false,
            latency_ns: 15_000_000,
            jitter_ns: 10_000_000,
            markup: Ratio::percent(10),
            slippage: Ratio::percent(50),
            reject: Ratio::ppm(2_000),
            partial: Ratio::percent(5),
            commission_per_lot: Money(0),
        }
    }

    /// No latency, no cost, no chance: fills exactly at the crossing quote.
    pub fn exact() -> Self {
        Self {
            seed: 0,
            exact: true,
            latency_ns: 0,
            jitter_ns: 0,
            markup: Ratio(0),
            slippage: Ratio(0),
            reject: Ratio(0),
            partial: Ratio(0),
            commission_per_lot: Money(0),
        }
    }
}

/// The broker's own bid and ask: the market's, each side worse by `markup` of the spread, rounded up.
pub(super) fn marked_up(mark: &Mark, markup: Ratio) -> (Price, Price) {
    let extra = share(mark.ask.0.saturating_sub(mark.bid.0), markup);
    (
        Price(mark.bid.0.saturating_sub(extra)),
        Price(mark.ask.0.saturating_add(extra)),
    )
}

/// `ratio` of a spread in whole steps, rounded up; nothing of a crossed or locked one.
pub(super) fn share(spread: i64, ratio: Ratio) -> i64 {
    if spread <= 0 || ratio.0 <= 0 {
        return 0;
    }
    let scale = i128::from(Ratio::ONE.0);
    let steps = (i128::from(spread) * i128::from(ratio.0) + scale - 1) / scale;
    i64::try_from(steps).unwrap_or(i64::MAX)
}

/// SplitMix64 (Steele, Lea, Flood 2014): seeded, portable, good enough to vary a demonstration.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`; zero when the bound is zero.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        if bound == 0 { 0 } else { mixed % bound }
    }

    /// True in `share` of the cases.
    pub(super) fn hits(&mut self, share: Ratio) -> bool {
        share.0 > 0 && self.below(Ratio::ONE.0 as u64) < share.0 as u64
    }
}
