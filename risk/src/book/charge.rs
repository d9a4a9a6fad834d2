//! What one instrument of one account is charged: its formula, its rates, its hedges and its orders in flight. Each
//! component is rounded to the account's digits, half away from zero, before components are summed.

use super::accounts::MONEY_MAX;
use super::instruments::{Instrument, ten};
use crate::convert::FINE_DIGITS;
use crate::event::{OrderKind, Side};
use crate::terms::{Accounting, HedgeRule};
use crate::units::*;
use crate::wide::{gcd, mul_div_round};

/// A quantity and its margin before leverage, fine units of the account's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub qty: i128,
    /// As the formula says.
    pub base: i128,
    /// With the rates of what is held or ordered.
    pub plain: i128,
    /// With the factors of windows and halts on top.
    pub soft: i128,
    /// Value in the currency of the leverage rule, fine units; 0 where no rule asks for it.
    pub value: i128,
}

/// Which charge is meant: as the terms say, or with the factors of windows and halts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    Rates,
    Factors,
}

/// What one instrument holds in one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    pub long: Part,
    pub short: Part,
    /// Orders in flight that open, one part per side and kind.
    pub orders: Vec<(Side, OrderKind, Part)>,
}

/// How the sides are charged.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    pub instrument: &'a Instrument,
    pub accounting: Accounting,
    /// What opposite sides of a hedging account are charged.
    pub hedge: HedgeRule,
    /// The leverage that wins.
    pub leverage: Leverage,
    /// What is held is charged what it took to open it.
    pub holds_initial: bool,
    /// Digits of the account's currency.
    pub digits: u8,
    /// The unrounded sums are wanted too: a leverage rule goes on from them.
    pub exact: bool,
}

/// A sum of components.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Rounded components, minor units.
    pub minor: i64,
    /// Before leverage and rounding, fine units; kept only when it is wanted.
    pub exact: i128,
    /// Lots that count, fine units; covered ones by the hedged share.
    pub lots: i128,
    pub value: i128,
}

/// What is held, and what orders in flight add, which is never less than nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charged {
    pub held: Sum,
    pub raised: Sum,
    /// The covered part of what is held, and its quantity on one side.
    pub covered: i64,
    pub covered_qty: i128,
}

/// One component: `num / den` of an amount, a quantity and a value.
#[derive(Clone, Copy, Debug)]
struct Piece {
    amount: i128,
    num: i128,
    den: i128,
    qty: i128,
    /// Share of the quantity that counts as lots, and of the value.
    counted: (i128, i128),
    value: i128,
}

impl Rule<'_> {
    /// The share that covered lots are charged of what is held. An amount per covered lot stays that amount where what
    /// is held is charged more than the margin to hold.
    fn covered_of_held(&self) -> Option<(i128, i128)> {
        let share = (self.instrument.hedged.num, self.instrument.hedged.den);
        let is_amount = self.instrument.terms.margin.fixed_hedged.is_some();
        if self.holds_initial && is_amount {
            times(share, self.instrument.hold_by_open)
        } else {
            Some(share)
        }
    }

    /// The share that lots are charged of the margin to open, when they cover others.
    fn covered_of_open(&self) -> Option<(i128, i128)> {
        let share = self.covered_of_held()?;
        if self.holds_initial {
            Some(share)
        } else {
            times(share, self.instrument.hold_by_open)
        }
    }
}

impl Part {
    /// The sum of two.
    pub fn plus(self, other: Part) -> Option<Part> {
        Some(Part {
            qty: self.qty.checked_add(other.qty)?,
            base: self.base.checked_add(other.base)?,
            plain: self.plain.checked_add(other.plain)?,
            soft: self.soft.checked_add(other.soft)?,
            value: self.value.checked_add(other.value)?,
        })
    }

    /// `num / den` of it.
    pub fn share(self, num: i128, den: i128) -> Option<Part> {
        Some(Part {
            qty: mul_div_round(self.qty, num, den)?,
            base: mul_div_round(self.base, num, den)?,
            plain: mul_div_round(self.plain, num, den)?,
            soft: mul_div_round(self.soft, num, den)?,
            value: mul_div_round(self.value, num, den)?,
        })
    }

    fn amount(&self, with: With) -> i128 {
        match with {
            With::Rates => self.plain,
            With::Factors => self.soft,
        }
    }

    /// The rate its base is charged with.
    fn rate(&self, with: With) -> Option<i128> {
        let (whole, amount) = (i128::from(Ratio::ONE.0), self.amount(with));
        if amount == self.base || self.base == 0 {
            return Some(whole);
        }
        mul_div_round(amount, whole, self.base)
    }
}

impl Sides {
    /// Takes an order in flight in.
    pub fn add_order(&mut self, side: Side, kind: OrderKind, part: Part) -> Option<()> {
        let same = self
            .orders
            .iter_mut()
            .find(|order| (order.0, order.1) == (side, kind));
        match same {
            Some(order) => order.2 = order.2.plus(part)?,
            None => self.orders.push((side, kind, part)),
        }
        Some(())
    }

    fn ordered(&self, side: Side, started: bool) -> Option<Part> {
        let matching = |order: &&(Side, OrderKind, Part)| {
            order.0 == side && (!started || order.1 == OrderKind::Market)
        };
        self.orders
            .iter()
            .filter(matching)
            .try_fold(Part::default(), |sum, order| sum.plus(order.2))
    }
}

impl Sum {
    fn plus(self, other: Sum) -> Option<Sum> {
        Some(Sum {
            minor: self.minor.checked_add(other.minor)?,
            exact: self.exact.checked_add(other.exact)?,
            lots: self.lots.checked_add(other.lots)?,
            value: self.value.checked_add(other.value)?,
        })
    }

    /// What is above another sum; nothing when that one is not smaller.
    fn above(self, other: Sum) -> Sum {
        if crate::mutated!(FlightFree) || self.minor <= other.minor {
            return Sum::default();
        }
        Sum {
            minor: self.minor - other.minor,
            exact: (self.exact - other.exact).max(0),
            lots: (self.lots - other.lots).max(0),
            value: (self.value - other.value).max(0),
        }
    }

    fn larger(self, other: Sum) -> Sum {
        if other.minor > self.minor {
            other
        } else {
            self
        }
    }
}

/// One component: `base × shares / leverage`, rounded to minor units.
pub fn component(base: i128, shares: &[Ratio], leverage: Leverage, digits: u8) -> Option<i64> {
    let (mut num, mut den) = (1i128, 1i128);
    for share in shares {
        (num, den) = times((num, den), (i128::from(share.0), i128::from(Ratio::ONE.0)))?;
    }
    rounded(base, num, den, leverage, digits)
}

/// `amount × num / den / leverage` in minor units, rounded once where the denominators fit and else twice, the first
/// time to 10^-20.
fn rounded(amount: i128, num: i128, den: i128, leverage: Leverage, digits: u8) -> Option<i64> {
    let (over, under) = leverage.fraction();
    let minor = over.checked_mul(ten(FINE_DIGITS - digits))?;
    let once = num.checked_mul(under).and_then(|times| {
        let shared = gcd(times, minor);
        Some((times / shared, den.checked_mul(minor / shared)?))
    });
    let value = match once {
        Some((times, den)) => mul_div_round(amount, times, den)?,
        None => mul_div_round(mul_div_round(amount, num, den)?, under, minor)?,
    };
    let value = i64::try_from(value).ok()?;
    (value <= MONEY_MAX).then_some(value)
}

/// The product of two fractions in lowest terms.
fn times(a: (i128, i128), b: (i128, i128)) -> Option<(i128, i128)> {
    let (left, right) = (gcd(a.0, b.1), gcd(b.0, a.1));
    Some((
        (a.0 / left).checked_mul(b.0 / right)?,
        (a.1 / right).checked_mul(b.1 / left)?,
    ))
}

/// Charges an instrument with its orders in flight, which may only raise what is held.
pub fn charge(rule: &Rule<'_>, sides: &Sides, with: With) -> Option<Charged> {
    if rule.accounting == Accounting::Netting {
        return differing(rule, sides, with);
    }
    match rule.hedge {
        HedgeRule::Basic => basic(rule, sides, with),
        HedgeRule::LargerLeg | HedgeRule::Max => larger_leg(rule, sides, with),
        HedgeRule::Sum => both(rule, sides, with),
        HedgeRule::Net => differing(rule, sides, with),
    }
}

/// MetaTrader 5, hedged margin, basic.
fn basic(rule: &Rule<'_>, sides: &Sides, with: With) -> Option<Charged> {
    let (open, covered) = hedged(rule, &sides.long, &sides.short, with)?;
    let held = open.plus(covered)?;
    let mut raised = Sum::default();
    for (_, kind, part) in &sides.orders {
        if *kind != OrderKind::Market {
            raised = raised.plus(whole(rule, part, with)?)?;
        }
    }
    let (buys, sells) = (
        sides.ordered(Side::Buy, true)?,
        sides.ordered(Side::Sell, true)?,
    );
    let started = if buys.qty == 0 && sells.qty == 0 {
        Sum::default()
    } else if rule.instrument.fixed {
        to_open(rule, sides, &buys, Side::Buy, with)?.larger(to_open(
            rule,
            sides,
            &sells,
            Side::Sell,
            with,
        )?)
    } else {
        let filled = |long: &Part, short: &Part| {
            let (open, covered) = hedged(rule, long, short, with)?;
            open.plus(covered)
        };
        let bought = filled(&sides.long.plus(buys)?, &sides.short)?;
        let sold = filled(&sides.long, &sides.short.plus(sells)?)?;
        bought.larger(sold).above(held)
    };
    Some(Charged {
        held,
        raised: raised.plus(started)?,
        covered: covered.minor,
        covered_qty: sides.long.qty.min(sides.short.qty),
    })
}

/// Fixed margins: what is held keeps its own, newly covered lots pay the hedged margin, the excess the initial one
/// (MetaTrader 5, hedging orders with fixed margin).
fn to_open(rule: &Rule<'_>, sides: &Sides, ordered: &Part, side: Side, with: With) -> Option<Sum> {
    if ordered.qty == 0 {
        return Some(Sum::default());
    }
    let uncovered = match side {
        Side::Buy => sides.short.qty - sides.long.qty,
        Side::Sell => sides.long.qty - sides.short.qty,
    };
    let covering = uncovered.clamp(0, ordered.qty);
    let (num, den) = times((covering, ordered.qty), rule.covered_of_open()?)?;
    let covered = Piece {
        amount: ordered.amount(with),
        num,
        den,
        qty: covering,
        counted: rule.covered_of_held()?,
        value: mul_div_round(ordered.value, covering, ordered.qty)?,
    };
    let excess = Piece {
        amount: ordered.amount(with),
        num: ordered.qty - covering,
        den: ordered.qty,
        qty: ordered.qty - covering,
        counted: (1, 1),
        value: mul_div_round(ordered.value, ordered.qty - covering, ordered.qty)?,
    };
    total(rule, &[covered, excess])
}

/// The uncovered volume of the larger side at its own average, the covered volume at the average of all with the
/// hedged share and the mean of both rates.
fn hedged(rule: &Rule<'_>, long: &Part, short: &Part, with: With) -> Option<(Sum, Sum)> {
    let (large, small) = if long.qty >= short.qty {
        (long, short)
    } else {
        (short, long)
    };
    if small.qty == 0 {
        return Some((whole(rule, large, with)?, Sum::default()));
    }
    let open = Piece {
        amount: large.amount(with),
        num: large.qty - small.qty,
        den: large.qty,
        qty: large.qty - small.qty,
        counted: (1, 1),
        value: mul_div_round(large.value, large.qty - small.qty, large.qty)?,
    };
    let all = large.plus(*small)?;
    let share = rule.covered_of_held()?;
    let mean = (
        large.rate(with)?.checked_add(small.rate(with)?)?,
        2 * i128::from(Ratio::ONE.0),
    );
    let (num, den) = times(times((small.qty, all.qty), mean)?, share)?;
    let covered = Piece {
        amount: all.base,
        num,
        den,
        qty: small.qty,
        counted: share,
        value: mul_div_round(all.value, small.qty, all.qty)?,
    };
    Some((total(rule, &[open])?, total(rule, &[covered])?))
}

/// MetaTrader 5, larger leg, and cTrader, MAX.
fn larger_leg(rule: &Rule<'_>, sides: &Sides, with: With) -> Option<Charged> {
    let (mut long, mut short) = (
        whole(rule, &sides.long, with)?,
        whole(rule, &sides.short, with)?,
    );
    let held = long.larger(short);
    for (side, _, part) in &sides.orders {
        let leg = if *side == Side::Buy {
            &mut long
        } else {
            &mut short
        };
        *leg = leg.plus(whole(rule, part, with)?)?;
    }
    Some(Charged {
        held,
        raised: long.larger(short).above(held),
        ..Charged::default()
    })
}

/// cTrader, SUM.
fn both(rule: &Rule<'_>, sides: &Sides, with: With) -> Option<Charged> {
    let held = whole(rule, &sides.long, with)?.plus(whole(rule, &sides.short, with)?)?;
    let mut raised = Sum::default();
    for (_, _, part) in &sides.orders {
        raised = raised.plus(whole(rule, part, with)?)?;
    }
    Some(Charged {
        held,
        raised,
        ..Charged::default()
    })
}

/// Netting accounts, and cTrader, NET: the excess of one side; while orders are in flight, the worst of what is held
/// and what would be held if all buys, or all sells, were filled (MetaTrader 5, checking margin).
fn differing(rule: &Rule<'_>, sides: &Sides, with: With) -> Option<Charged> {
    let held = excess(rule, &sides.long, &sides.short, with)?;
    let mut raised = Sum::default();
    if !sides.orders.is_empty() {
        let (buys, sells) = (
            sides.ordered(Side::Buy, false)?,
            sides.ordered(Side::Sell, false)?,
        );
        let bought = excess(rule, &sides.long.plus(buys)?, &sides.short, with)?;
        let sold = excess(rule, &sides.long, &sides.short.plus(sells)?, with)?;
        raised = bought.larger(sold).above(held);
    }
    Some(Charged {
        held,
        raised,
        ..Charged::default()
    })
}

fn excess(rule: &Rule<'_>, long: &Part, short: &Part, with: With) -> Option<Sum> {
    let (large, small) = if long.qty >= short.qty {
        (long, short)
    } else {
        (short, long)
    };
    if small.qty == 0 {
        return whole(rule, large, with);
    }
    let rest = large.qty - small.qty;
    let piece = Piece {
        amount: large.amount(with),
        num: rest,
        den: large.qty,
        qty: rest,
        counted: (1, 1),
        value: mul_div_round(large.value, rest, large.qty)?,
    };
    total(rule, &[piece])
}

fn whole(rule: &Rule<'_>, part: &Part, with: With) -> Option<Sum> {
    if part.qty == 0 {
        return Some(Sum::default());
    }
    let piece = Piece {
        amount: part.amount(with),
        num: 1,
        den: 1,
        qty: part.qty,
        counted: (1, 1),
        value: part.value,
    };
    total(rule, &[piece])
}

fn total(rule: &Rule<'_>, pieces: &[Piece]) -> Option<Sum> {
    let mut sum = Sum::default();
    for piece in pieces {
        let minor = rounded(
            piece.amount,
            piece.num,
            piece.den,
            rule.leverage,
            rule.digits,
        )?;
        sum.minor = sum.minor.checked_add(minor)?;
        if rule.exact {
            let exact = mul_div_round(piece.amount, piece.num, piece.den)?;
            let lots = piece
                .qty
                .checked_mul(ten(FINE_DIGITS - rule.instrument.terms.qty_digits))?;
            let (num, den) = piece.counted;
            sum.exact = sum.exact.checked_add(exact)?;
            sum.lots = sum.lots.checked_add(mul_div_round(lots, num, den)?)?;
            sum.value = sum
                .value
                .checked_add(mul_div_round(piece.value, num, den)?)?;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_that_do_not_fit_beside_a_leverage_are_taken_in_two_steps() {
        let base = 110_010 * ten(FINE_DIGITS);
        let leverage = Leverage(3_333_333_333);
        // A share of all but eleven parts in 10^12, three times over: 10^36 before the leverage.
        let shares = [Ratio(999_999_999_989); 3];
        assert_eq!(component(base, &shares, leverage, 2), Some(330_030));
        assert_eq!(component(base, &[], leverage, 2), Some(330_030));
    }
}
