//! Exchange FORTS futures (MetaTrader 5 Administration, Margin Calculation, Basic): buys and sells are summed apart and
//! the larger sum is charged. Prices and money in `10^-digits` as the caller chose, the same for all.

use crate::event::Side;

/// What is held or ordered, at the price it counts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lots {
    pub side: Side,
    /// A position counts in both sums, with opposite sign in the one it is not of.
    pub held: bool,
    pub qty: i128,
    pub price: i128,
}

/// What the exchange publishes of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    pub settlement: i128,
    pub margin_buy: i128,
    pub margin_sell: i128,
    /// Money per tick and size of a tick.
    pub tick: (i128, i128),
    /// Exchange's rate on top of a price difference, as a fraction above 1.
    pub rate: (i128, i128),
}

/// The buying and the selling sum of `qty × money`; exact fractions over the returned denominator.
pub fn margins(contract: &Contract, all: &[Lots]) -> Option<(i128, i128, i128)> {
    let den = contract.tick.1.checked_mul(contract.rate.1)?;
    let weight = contract.tick.0.checked_mul(contract.rate.0)?;
    let lot = |side: Side, price: i128| {
        let (margin, distance) = match side {
            Side::Buy => (contract.margin_buy, price - contract.settlement),
            Side::Sell => (contract.margin_sell, contract.settlement - price),
        };
        margin
            .checked_mul(den)?
            .checked_add(distance.checked_mul(weight)?)
    };
    let sum = |side: Side| {
        all.iter().try_fold(0i128, |sum, lots| {
            let sign = match (lots.side == side, lots.held) {
                (true, _) => 1,
                (false, true) => -1,
                (false, false) => return Some(sum),
            };
            sum.checked_add(
                lot(side, lots.price)?
                    .checked_mul(lots.qty)?
                    .checked_mul(sign)?,
            )
        })
    };
    Some((sum(Side::Buy)?, sum(Side::Sell)?, den))
}
