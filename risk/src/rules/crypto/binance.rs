//! Binance's mark price, and its formula of the liquidation price.
//! Sources: Binance, "Mark Price and Price Index of USDⓈ-M Futures", "How to Calculate Liquidation Price of USDⓈ-M
//! Futures Contracts".

use crate::exact::Exact;

/// Hours between two fundings, by which the funding rate is spread.
const FUNDING_HOURS: i128 = 8;

/// What the mark is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// `index × (1 + funding rate × hours to funding / 8)`.
    pub price1: Exact,
    /// `index + moving average of the basis`.
    pub price2: Exact,
    /// The median of both and the last trade.
    pub mark: Exact,
}

/// The mark price; `None` when a number is too large.
pub fn mark_price(
    index: Exact,
    funding_rate: Exact,
    hours_to_funding: Exact,
    basis: Exact,
    last: Exact,
) -> Option<Mark> {
    let share = hours_to_funding.over(Exact::whole(FUNDING_HOURS))?;
    let factor = Exact::ONE.plus(funding_rate.times(share)?)?;
    let (price1, price2) = (index.times(factor)?, index.plus(basis)?);
    let mut sorted = [price1, price2, last];
    sorted.sort_by(|a, b| a.compare(*b));
    Some(Mark {
        price1,
        price2,
        mark: sorted[1],
    })
}

/// A leg of a contract and the bracket that is named for it, whether its notional is in that bracket or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// A short one is negative.
    pub quantity: Exact,
    pub entry: Exact,
    /// Share of the notional, and what is taken off it.
    pub rate: Exact,
    pub amount: Exact,
}

/// `(money + Σ amounts − Σ quantity × entry) / Σ (|quantity| × rate − quantity)`, money being the wallet less the
/// maintenance margin plus the result of everything else. At or below zero where no price liquidates; `None` where
/// the price moves nothing, or a number is too large.
pub fn liquidation_price(money: Exact, legs: &[Leg]) -> Option<Exact> {
    let (mut above, mut below) = (money, Exact::ZERO);
    for leg in legs {
        let cost = leg.quantity.times(leg.entry)?;
        above = above.plus(leg.amount)?.minus(cost)?;
        let charged = leg.quantity.abs().times(leg.rate)?;
        below = below.plus(charged)?.minus(leg.quantity)?;
    }
    above.over(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(quantity: i128, entry: i128, rate_ppm: i128, amount: i128) -> Leg {
        Leg {
            quantity: Exact::whole(quantity),
            entry: Exact::whole(entry),
            rate: Exact::new(rate_ppm, 1_000_000).unwrap(),
            amount: Exact::whole(amount),
        }
    }

    #[test]
    fn a_leg_is_charged_by_the_bracket_that_is_named() {
        let price = |money, legs: &[Leg]| {
            let found = liquidation_price(Exact::whole(money), legs)?;
            found.round(100)
        };
        // (12,000 + 300 + 120,000) / 2.02.
        assert_eq!(
            price(12_000, &[leg(-2, 60_000, 10_000, 300)]),
            Some(6_549_505)
        );
        // (500,000 + 16,300 - 1,050,000) / (0.625 - 25), far below the bracket's notional.
        let low = leg(25, 42_000, 25_000, 16_300);
        assert_eq!(price(500_000, &[low]), Some(2_189_538));
        // More money than the position is worth.
        assert_eq!(price(200, &[leg(1, 100, 0, 0)]), Some(-10_000));
        // Legs that are equal and free: no price changes anything.
        assert_eq!(price(200, &[leg(1, 100, 0, 0), leg(-1, 90, 0, 0)]), None);
        assert_eq!(price(200, &[]), None);
    }

    #[test]
    fn the_mark_is_the_middle_one_of_three() {
        let of = |last| {
            let (rate, hours) = (Exact::new(4, 10_000).unwrap(), Exact::whole(4));
            let basis = Exact::new(-25, 2).unwrap();
            mark_price(Exact::whole(40_000), rate, hours, basis, Exact::whole(last)).unwrap()
        };
        assert_eq!(of(40_055).mark, Exact::whole(40_008));
        assert_eq!(of(40_000).mark, Exact::whole(40_000));
        assert_eq!(of(39_000).mark, of(40_055).price2);
    }
}
