//! dYdX v4: which account is liquidated first, and at which prices its positions are taken over.
//! Sources: dYdX v4-chain, `protocol/lib/margin` (risk) and `protocol/x/clob/keeper/liquidations.go`.
//!
//! Money is counted in quote quantums: notional is cut towards zero, maintenance rounds up, and the share of the
//! collateral that a close takes with it rounds towards minus infinity, so that no price is too low for the fund.

use crate::exact::Exact;
use std::cmp::Ordering;

/// Parts per million in one.
const PPM: i128 = 1_000_000;

/// Net collateral and maintenance requirement of an account, in one unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Risk {
    pub collateral: i128,
    pub maintenance: i128,
}

/// Greater is riskier. Ratios of collateral to maintenance are compared without division; at equal ratios the higher
/// maintenance is riskier, and without any the lower collateral.
pub fn compare_risk(a: Risk, b: Risk) -> Ordering {
    let product = |left: i128, right: i128| {
        let mut sum = crate::wide::Fractions::whole(0);
        sum.add(left, right, 1);
        sum
    };
    let mut difference = product(b.collateral, a.maintenance);
    difference.add(a.collateral.saturating_neg(), b.maintenance, 1);
    difference
        .compare(0)
        .then(a.maintenance.cmp(&b.maintenance))
        .then(b.collateral.cmp(&a.collateral))
}

/// A position of an account and how it is margined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Perpetual {
    /// Signed.
    pub size: Exact,
    /// Oracle price per unit.
    pub price: Exact,
    /// Maintenance rate in millionths.
    pub maintenance_ppm: i128,
}

/// An account that is being liquidated; money in quote quantums.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Value of a quantum in quote units.
    pub quantum: Exact,
    pub balance: i128,
    pub positions: Vec<Perpetual>,
}

/// What an account is worth and what it must keep, without any rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Balance and the value of all positions, quote units.
    pub collateral: Exact,
    /// Share of the positions' sizes, quote units.
    pub maintenance: Exact,
}

impl Standing {
    /// The sums over an account; `None` when one is too large.
    pub fn of(balance: Exact, positions: &[Perpetual]) -> Option<Standing> {
        let mut sums = Standing {
            collateral: balance,
            maintenance: Exact::ZERO,
        };
        for position in positions {
            let value = position.size.times(position.price)?;
            let rate = Exact::new(position.maintenance_ppm, PPM)?;
            sums.collateral = sums.collateral.plus(value)?;
            sums.maintenance = sums.maintenance.plus(value.abs().times(rate)?)?;
        }
        Some(sums)
    }

    /// The requirement is above zero and above the collateral; equality is safe.
    pub fn is_liquidatable(&self) -> bool {
        self.maintenance.signum() > 0
            && self.maintenance.compare(self.collateral) == Ordering::Greater
    }
}

/// Why there is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The change of size is zero, does not close, or closes more than there is.
    SizeDelta,
    ZeroFill,
    /// Nothing requires margin, so nothing is shared out.
    NoMaintenance,
    TooLarge,
}

impl Perpetual {
    fn notional(&self, size: Exact, quantum: Exact) -> Result<i128, Refusal> {
        let quantums = size.times(self.price).and_then(|value| value.over(quantum));
        let quantums = quantums.ok_or(Refusal::TooLarge)?;
        Ok(quantums.num() / quantums.den())
    }

    fn maintenance(&self, size: Exact, quantum: Exact) -> Result<i128, Refusal> {
        let notional = self.notional(size, quantum)?.abs();
        crate::wide::mul_div_ceil(notional, self.maintenance_ppm, PPM).ok_or(Refusal::TooLarge)
    }
}

impl Account {
    /// Net collateral and maintenance of the whole account.
    ///
    /// # Errors
    /// `TooLarge`.
    pub fn risk(&self) -> Result<Risk, Refusal> {
        let mut risk = Risk {
            collateral: self.balance,
            maintenance: 0,
        };
        for position in &self.positions {
            let notional = position.notional(position.size, self.quantum)?;
            let maintenance = position.maintenance(position.size, self.quantum)?;
            risk.collateral = sum(risk.collateral, notional)?;
            risk.maintenance = sum(risk.maintenance, maintenance)?;
        }
        Ok(risk)
    }

    /// Quote quantums the account gets (negative: pays) when `delta` of a position is closed at its bankruptcy price:
    /// `−Δnotional − floor(collateral × |Δmaintenance| / maintenance)`.
    ///
    /// # Errors
    /// `SizeDelta`, `NoMaintenance`, `TooLarge`.
    pub fn bankruptcy(&self, index: usize, delta: Exact) -> Result<i128, Refusal> {
        let position = self.positions.get(index).ok_or(Refusal::SizeDelta)?;
        let closes = delta.signum() * position.size.signum() < 0
            && delta.abs().compare(position.size.abs()) != Ordering::Greater;
        if !closes {
            return Err(Refusal::SizeDelta);
        }
        let after = position.size.plus(delta).ok_or(Refusal::TooLarge)?;
        let notional = position.notional(after, self.quantum)?
            - position.notional(position.size, self.quantum)?;
        let maintenance = position.maintenance(after, self.quantum)?
            - position.maintenance(position.size, self.quantum)?;
        let risk = self.risk()?;
        if risk.maintenance == 0 {
            return Err(Refusal::NoMaintenance);
        }
        let share =
            crate::wide::mul_div_floor(risk.collateral, maintenance.abs(), risk.maintenance)
                .ok_or(Refusal::TooLarge)?
                .0;
        sum(-notional, -share)
    }

    /// Price per unit at which a position is offered, quote units: `(notional − ABR × spread × maintenance) / size`
    /// with `ABR = clamp(adjustment × (1 − collateral / maintenance), 0, 1)`. It does not depend on how much is closed.
    ///
    /// # Errors
    /// `SizeDelta` without a position, `NoMaintenance`, `TooLarge`.
    pub fn fillable(
        &self,
        index: usize,
        adjustment_ppm: i128,
        spread_ppm: i128,
    ) -> Result<Exact, Refusal> {
        let position = self.positions.get(index).ok_or(Refusal::SizeDelta)?;
        let risk = self.risk()?;
        if risk.maintenance == 0 {
            return Err(Refusal::NoMaintenance);
        }
        let notional = position.notional(position.size, self.quantum)?;
        let maintenance = position.maintenance(position.size, self.quantum)?;
        let price = || {
            let covered = Exact::new(risk.collateral, risk.maintenance)?;
            let short = Exact::ONE.minus(covered)?;
            let rating = Exact::new(adjustment_ppm, PPM)?.times(short)?;
            let rating = match (rating.signum() < 0, rating.compare(Exact::ONE).is_gt()) {
                (true, _) => Exact::ZERO,
                (_, true) => Exact::ONE,
                _ => rating,
            };
            let spread = rating
                .times(Exact::new(spread_ppm, PPM)?)?
                .times(Exact::whole(maintenance))?;
            let quantums = Exact::whole(notional).minus(spread)?;
            quantums.times(self.quantum)?.over(position.size)
        };
        price().ok_or(Refusal::TooLarge)
    }

    /// What the insurance fund gets (negative: pays) when `size` of a position fills at `price`, quote quantums:
    /// proceeds less the bankruptcy price; a gain is the liquidation fee and capped at `fee_max_ppm` of the fill.
    ///
    /// # Errors
    /// `ZeroFill`, and those of [`Account::bankruptcy`].
    pub fn insurance(
        &self,
        index: usize,
        is_buy: bool,
        size: Exact,
        price: Exact,
        fee_max_ppm: i128,
    ) -> Result<i128, Refusal> {
        if size.signum() == 0 {
            return Err(Refusal::ZeroFill);
        }
        let filled = size.times(price).and_then(|value| value.over(self.quantum));
        let filled = filled.and_then(|quantums| quantums.floor(1));
        let filled = filled.ok_or(Refusal::TooLarge)?;
        let (delta, proceeds) = if is_buy {
            (size, -filled)
        } else {
            (size.negative(), filled)
        };
        let fund = sum(proceeds, -self.bankruptcy(index, delta)?)?;
        if fund <= 0 {
            return Ok(fund);
        }
        let fee = crate::wide::mul_div_floor(filled, fee_max_ppm, PPM);
        Ok(fund.min(fee.ok_or(Refusal::TooLarge)?.0))
    }
}

fn sum(a: i128, b: i128) -> Result<i128, Refusal> {
    a.checked_add(b).ok_or(Refusal::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn risk(collateral: i128, maintenance: i128) -> Risk {
        Risk {
            collateral,
            maintenance,
        }
    }

    #[test]
    fn products_beyond_128_bits_are_compared() {
        let (a, b) = (
            risk(i128::MAX / 2, i128::MAX / 3),
            risk(i128::MAX / 2, i128::MAX / 4),
        );
        assert_eq!(compare_risk(a, b), Ordering::Greater);
        assert_eq!(compare_risk(b, a), Ordering::Less);
        assert_eq!(compare_risk(a, a), Ordering::Equal);
    }

    #[test]
    fn an_order_of_risk_is_a_total_order_on_these() {
        let all = [
            risk(-1, 2),
            risk(0, 0),
            risk(0, 5),
            risk(3, 0),
            risk(7, 7),
            risk(14, 14),
        ];
        for a in all {
            for b in all {
                assert_eq!(
                    compare_risk(a, b),
                    compare_risk(b, a).reverse(),
                    "{a:?} {b:?}"
                );
            }
        }
    }

    #[test]
    fn shares_round_for_the_fund_on_both_sides() {
        let account = |balance, size| Account {
            quantum: Exact::ONE,
            balance,
            positions: vec![Perpetual {
                size: Exact::whole(size),
                price: Exact::whole(100),
                maintenance_ppm: 100_000,
            }],
        };
        // Collateral 7 of maintenance 30: a third of the position takes 10/30 of it, 2.33.
        let long = account(-293, 3);
        assert_eq!(long.bankruptcy(0, Exact::whole(-1)), Ok(100 - 2));
        let short = account(307, -3);
        assert_eq!(short.bankruptcy(0, Exact::whole(1)), Ok(-100 - 2));
        let under = account(-307, 3);
        assert_eq!(under.bankruptcy(0, Exact::whole(-1)), Ok(100 + 3));
        assert_eq!(
            long.bankruptcy(0, Exact::whole(-4)),
            Err(Refusal::SizeDelta)
        );
        assert_eq!(
            long.bankruptcy(1, Exact::whole(-1)),
            Err(Refusal::SizeDelta)
        );
    }
}
