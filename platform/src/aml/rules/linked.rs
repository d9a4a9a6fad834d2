use std::collections::BTreeSet;

use siaga_risk::event::Side;
use siaga_risk::units::{SECOND_NS, Ts};

/// Deals of two accounts so near in time may be arranged.
pub const NEAR_NS: u64 = 60 * SECOND_NS;

/// Volumes that differ by no more than this, percent of the larger, are the same.
pub const VOLUME_PCT: i64 = 10;

/// So many pairs are no chance any more.
pub const PAIRS_MIN: usize = 3;

/// Deals of one account that are compared: a day of a busy client.
pub const DEALS_MAX: usize = 2_000;

/// A deal of one of two linked accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkedDeal {
    /// Its input in the journal, by which evidence names it.
    pub seq: i64,
    /// When.
    pub at: Ts,
    /// In what.
    pub instrument: u32,
    /// Which side.
    pub side: Side,
    /// Millionths of a lot.
    pub lots: i64,
}

/// Pairs of deals by which two linked accounts dealt against each other: the same instrument, other sides, about the same
/// volume, within [`NEAR_NS`]; each deal once. Fewer than [`PAIRS_MIN`] are none. Both lists are in order of time.
pub fn linked(one: &[LinkedDeal], other: &[LinkedDeal]) -> Vec<(i64, i64)> {
    let (one, other) = (
        &one[..one.len().min(DEALS_MAX)],
        &other[..other.len().min(DEALS_MAX)],
    );
    let mut taken = BTreeSet::new();
    let mut pairs = Vec::new();
    let mut from = 0;
    for deal in one {
        while other
            .get(from)
            .is_some_and(|old| old.at.0.saturating_add(NEAR_NS) < deal.at.0)
        {
            from += 1;
        }
        let near = other[from..]
            .iter()
            .take_while(|counter| counter.at.0 <= deal.at.0.saturating_add(NEAR_NS));
        let counter = near
            .filter(|counter| !taken.contains(&counter.seq))
            .find(|counter| is_against(deal, counter));
        if let Some(counter) = counter {
            taken.insert(counter.seq);
            pairs.push((deal.seq, counter.seq));
        }
    }
    if pairs.len() < PAIRS_MIN {
        Vec::new()
    } else {
        pairs
    }
}

fn is_against(deal: &LinkedDeal, counter: &LinkedDeal) -> bool {
    let (small, large) = (deal.lots.min(counter.lots), deal.lots.max(counter.lots));
    deal.instrument == counter.instrument
        && deal.side != counter.side
        && i128::from(large - small) * 100 <= i128::from(large) * i128::from(VOLUME_PCT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deal(seq: i64, second: u64, side: Side, lots: i64) -> LinkedDeal {
        LinkedDeal {
            seq,
            at: Ts(second * SECOND_NS),
            instrument: 1,
            side,
            lots,
        }
    }

    #[test]
    fn three_pairs_against_each_other_are_told_and_two_are_not() {
        let buys: Vec<_> = (0..3)
            .map(|n| {
                deal(
                    n,
                    100 * u64::try_from(n).expect("small"),
                    Side::Buy,
                    1_000_000,
                )
            })
            .collect();
        let sells: Vec<_> = (0..3)
            .map(|n| {
                deal(
                    10 + n,
                    100 * u64::try_from(n).expect("small") + 60,
                    Side::Sell,
                    950_000,
                )
            })
            .collect();
        assert_eq!(linked(&buys, &sells), [(0, 10), (1, 11), (2, 12)]);
        assert_eq!(linked(&buys[..2], &sells), []);
    }

    #[test]
    fn what_is_not_against_each_other() {
        let buys: Vec<_> = (0..3).map(|n| deal(n, 0, Side::Buy, 1_000_000)).collect();
        let same_side: Vec<_> = (10..13).map(|n| deal(n, 0, Side::Buy, 1_000_000)).collect();
        let late: Vec<_> = (10..13)
            .map(|n| deal(n, 61, Side::Sell, 1_000_000))
            .collect();
        let small: Vec<_> = (10..13).map(|n| deal(n, 0, Side::Sell, 899_999)).collect();
        let elsewhere: Vec<_> = (10..13)
            .map(|n| LinkedDeal {
                instrument: 2,
                ..deal(n, 0, Side::Sell, 1_000_000)
            })
            .collect();
        for others in [same_side, late, small, elsewhere] {
            assert_eq!(linked(&buys, &others), [], "{others:?}");
        }
        let one = [deal(10, 0, Side::Sell, 1_000_000)];
        assert_eq!(
            linked(&buys, &one),
            [],
            "one deal is no counterpart of three"
        );
    }
}
