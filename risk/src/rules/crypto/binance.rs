//! Binance's mark price. Source: Binance, "Mark Price and Price Index of USDⓈ-M Futures".

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

#[cfg(test)]
mod tests {
    use super::*;

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
