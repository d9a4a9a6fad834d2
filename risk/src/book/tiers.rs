//! Leverage by bands: each slice of what an account holds is charged the share of the band it falls in. Positions fill
//! the bands first, then orders; only the first rule that names an instrument applies to it (MetaTrader 5, leverages;
//! brokers' tables of dynamic margin).

use super::instruments::ten;
use crate::convert::FINE_DIGITS;
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::view::LeverageFrom;
use crate::wide::{Fractions, gcd, mul_div_floor, mul_div_round};
use std::cmp::Ordering;

/// Digits of the lots that bands are written in.
pub const BAND_LOT_DIGITS: u8 = 8;

/// What fills bands: a position, an order, or all of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    pub held: bool,
    pub position: Option<PositionId>,
    /// Margin before leverage, fine units of the account's currency.
    pub amount: i128,
    /// What divides it in bands without a leverage of their own, and where that came from.
    pub leverage: Leverage,
    pub from: LeverageFrom,
    /// What no band's own leverage goes beyond, and where that came from; absent where nothing binds it.
    pub cap: Option<(Leverage, LeverageFrom)>,
    /// Fine units of lots.
    pub lots: i128,
    /// Fine units of the rule's currency.
    pub value: i128,
}

/// What one slice was charged in one band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierPart {
    pub held: bool,
    pub position: Option<PositionId>,
    pub band: u16,
    /// Lots or value that fell into it, fine units.
    pub measure: i128,
    pub ratio: Ratio,
    /// The leverage charged and where it came from; absent where instruments with different ones share the band.
    pub leverage: Option<(Leverage, LeverageFrom)>,
    /// Fine units of the account's currency.
    pub amount: i128,
}

/// What a rule charges in sum, and how it came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tiered {
    /// Minor units.
    pub minor: i64,
    /// Margin before the bands, and the lots or value that fill them, fine units.
    pub before: i128,
    pub measure: i128,
    /// What one lot, or one unit of value, costs before the bands, fine units.
    pub unit: i128,
    pub parts: Vec<TierPart>,
}

/// A sum of `amount × num / den`.
type Terms = Vec<(i128, i128, i128)>;

impl Slice {
    /// The leverage it is charged at in a band, and where that came from. A band's own goes before that of the group,
    /// higher or lower, and never beyond a cap.
    fn in_band(&self, band: Leverage) -> (Leverage, LeverageFrom) {
        if band == Leverage::NONE {
            return (self.leverage.or_one(), self.from);
        }
        match self.cap {
            Some((cap, by)) if cap < band => (cap, by),
            _ => (band, LeverageFrom::Band),
        }
    }
}

impl TierRule {
    /// The rule says something of an instrument.
    pub fn names(&self, instrument: InstrumentId) -> bool {
        self.instruments.is_empty() || self.instruments.binary_search(&instrument).is_ok()
    }

    /// Bands are filled by value, not by lots.
    pub fn by_value(&self) -> bool {
        matches!(self.by, TierBy::Notional | TierBy::NotionalPerSymbol)
    }

    /// Every instrument fills the bands by itself.
    pub fn per_symbol(&self) -> bool {
        matches!(self.by, TierBy::VolumePerSymbol | TierBy::NotionalPerSymbol)
    }

    fn measure(&self, slice: &Slice) -> i128 {
        if self.by_value() {
            slice.value
        } else {
            slice.lots
        }
    }

    /// Where a band ends, fine units; `None` for the last.
    fn end(&self, band: &Band, currency_digits: u8) -> Option<i128> {
        let digits = if self.by_value() {
            currency_digits
        } else {
            BAND_LOT_DIGITS
        };
        (band.to > 0).then(|| i128::from(band.to) * ten(FINE_DIGITS - digits))
    }
}

/// Charges slices by a rule. `digits` are those of the account's currency, `rule_digits` those of the rule's. Where
/// what is held goes on being charged the initial margin (`initial`), no band's maintenance counts.
pub fn charge(
    rule: &TierRule,
    slices: &[Slice],
    digits: u8,
    rule_digits: u8,
    initial: bool,
) -> Option<Tiered> {
    let mut tiered = Tiered::default();
    for slice in slices {
        let (over, under) = slice.leverage.fraction();
        let (levered, _) = mul_div_floor(slice.amount, under, over)?;
        tiered.before = tiered.before.checked_add(levered)?;
        tiered.measure = tiered.measure.checked_add(rule.measure(slice))?;
    }
    let all = tiered.measure;
    if all <= 0 {
        // Nothing fills a band: what there is falls into the first.
        let ratio = rule.bands.first()?.initial;
        let share = (i128::from(ratio.0), i128::from(Ratio::ONE.0));
        let terms = costs(slices, Leverage::NONE)
            .into_iter()
            .map(|(amount, leverage)| levered(amount, leverage, share))
            .collect::<Option<Terms>>()?;
        tiered.minor = rounded(&terms, digits)?;
        return Some(tiered);
    }
    tiered.unit = mul_div_round(tiered.before, ten(FINE_DIGITS), all)?;
    if rule.cost == TierCost::AverageCut {
        tiered.unit = i128::from(unit_cut(&costs(slices, Leverage::NONE), all, digits)?)
            * ten(FINE_DIGITS - digits);
    }
    let (mut filled, mut sum, mut minor) = (0i128, Terms::new(), 0i64);
    // The oldest trade first, whatever its instrument: what comes later re-prices nothing before it.
    let mut ordered: Vec<&Slice> = slices.iter().filter(|slice| slice.held).collect();
    ordered.sort_by_key(|slice| slice.position);
    ordered.extend(slices.iter().filter(|slice| !slice.held));
    for slice in ordered {
        let own = [*slice];
        let (of, whole) = if rule.cost == TierCost::Own {
            (&own[..], rule.measure(slice))
        } else {
            (slices, all)
        };
        let mut left = rule.measure(slice);
        while left > 0 {
            let (at, take) = next_band(rule, rule_digits, filled, left)?;
            let band = &rule.bands[at];
            let ratio = if slice.held && !initial {
                band.maintenance
            } else {
                band.initial
            };
            let terms = terms(rule, of, whole, (band.leverage, take, ratio), digits)?;
            tiered.parts.push(TierPart {
                held: slice.held,
                position: slice.position,
                band: at as u16,
                measure: take,
                ratio,
                leverage: shared(of, band.leverage),
                amount: fine(&terms)?,
            });
            if rule.rounding == RoundingStage::Band {
                minor = minor.checked_add(rounded(&terms, digits)?)?;
            } else {
                sum.extend(terms);
            }
            (filled, left) = (filled.checked_add(take)?, left - take);
        }
    }
    tiered.minor = minor.checked_add(rounded(&sum, digits)?)?;
    Some(tiered)
}

/// The band that is filled next and how much of a slice it takes.
fn next_band(rule: &TierRule, digits: u8, filled: i128, left: i128) -> Option<(usize, i128)> {
    rule.bands
        .iter()
        .enumerate()
        .find_map(|(at, band)| match rule.end(band, digits) {
            Some(end) if end <= filled || crate::mutated!(BandEnds) && end == filled + left => None,
            Some(end) => Some((at, left.min(end - filled))),
            None => Some((at, left)),
        })
}

/// The leverage that all of what is charged has in a band.
fn shared(slices: &[Slice], band: Leverage) -> Option<(Leverage, LeverageFrom)> {
    let charged = slices.iter().filter(|slice| slice.amount != 0);
    let mut all = charged.map(|slice| slice.in_band(band));
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// Margin before leverage, summed by the leverage of a band.
fn costs(slices: &[Slice], band: Leverage) -> Vec<(i128, Leverage)> {
    let mut costs: Vec<(i128, Leverage)> = Vec::with_capacity(1);
    for slice in slices {
        let (leverage, _) = slice.in_band(band);
        match costs.iter_mut().find(|cost| cost.1 == leverage) {
            Some(cost) => cost.0 = cost.0.saturating_add(slice.amount),
            None => costs.push((slice.amount, leverage)),
        }
    }
    costs
}

/// What `take` of `whole` costs in a band.
fn terms(
    rule: &TierRule,
    slices: &[Slice],
    whole: i128,
    (leverage, take, ratio): (Leverage, i128, Ratio),
    digits: u8,
) -> Option<Terms> {
    let shares = product(
        (take, whole),
        (i128::from(ratio.0), i128::from(Ratio::ONE.0)),
    )?;
    let costs = costs(slices, leverage);
    if rule.cost == TierCost::AverageCut {
        let cut = i128::from(unit_cut(&costs, whole, digits)?) * ten(FINE_DIGITS - digits);
        let lots = product(
            (take, ten(FINE_DIGITS)),
            (i128::from(ratio.0), i128::from(Ratio::ONE.0)),
        )?;
        return Some(vec![(cut, lots.0, lots.1)]);
    }
    costs
        .into_iter()
        .map(|(amount, leverage)| levered(amount, leverage, shares))
        .collect()
}

/// What a lot costs, cut to minor units.
fn unit_cut(costs: &[(i128, Leverage)], whole: i128, digits: u8) -> Option<i64> {
    let unit: Terms = costs
        .iter()
        .map(|(amount, leverage)| levered(*amount, *leverage, (ten(FINE_DIGITS), whole)))
        .collect::<Option<_>>()?;
    floored(&unit, digits)
}

/// `amount × share / leverage`. Where the fractions do not fit together the leverage is taken of the amount first,
/// rounded to a fine unit.
fn levered(amount: i128, leverage: Leverage, share: (i128, i128)) -> Option<(i128, i128, i128)> {
    let (over, under) = leverage.fraction();
    match product(share, (under, over)) {
        Some((num, den)) => Some((amount, num, den)),
        None => Some((mul_div_round(amount, under, over)?, share.0, share.1)),
    }
}

fn product(a: (i128, i128), b: (i128, i128)) -> Option<(i128, i128)> {
    let reduce = |(num, den): (i128, i128)| {
        let shared = gcd(num, den);
        (num / shared, den / shared)
    };
    let (a, b) = (reduce(a), reduce(b));
    let (left, right) = (reduce((a.0, b.1)), reduce((b.0, a.1)));
    Some((left.0.checked_mul(right.0)?, left.1.checked_mul(right.1)?))
}

/// The sum in fine units, each term rounded.
fn fine(terms: &Terms) -> Option<i128> {
    terms.iter().try_fold(0i128, |sum, (amount, num, den)| {
        sum.checked_add(mul_div_round(*amount, *num, *den)?)
    })
}

/// The exact sum in minor units, half away from zero. Sums here are never negative.
fn rounded(terms: &Terms, digits: u8) -> Option<i64> {
    let minor = ten(FINE_DIGITS - digits);
    let near = i64::try_from(fine(terms)?.checked_add(minor / 2)? / minor).ok()?;
    // Each term is off by at most one fine unit, so only the two ties beside can be in doubt.
    let tie = |above: i64| i128::from(above) * minor - minor / 2;
    if compare(terms, tie(near))? == Ordering::Less {
        near.checked_sub(1)
    } else if compare(terms, tie(near.checked_add(1)?))? == Ordering::Less {
        Some(near)
    } else {
        near.checked_add(1)
    }
}

/// The exact sum in minor units, cut off.
fn floored(terms: &Terms, digits: u8) -> Option<i64> {
    let minor = ten(FINE_DIGITS - digits);
    let near = i64::try_from(fine(terms)? / minor).ok()?;
    if compare(terms, i128::from(near) * minor)? == Ordering::Less {
        near.checked_sub(1)
    } else if compare(terms, i128::from(near.checked_add(1)?) * minor)? == Ordering::Less {
        Some(near)
    } else {
        near.checked_add(1)
    }
}

/// Compares the exact sum with a whole number of fine units: by floors where they decide, else by fractions.
fn compare(terms: &Terms, whole: i128) -> Option<Ordering> {
    let mut floor = 0i128;
    let mut slack = 0i128;
    for (amount, num, den) in terms {
        let (value, exact) = mul_div_floor(*amount, *num, *den)?;
        floor = floor.checked_add(value)?;
        slack += i128::from(!exact);
    }
    if slack == 0 {
        return Some(floor.cmp(&whole));
    }
    if floor >= whole {
        return Some(Ordering::Greater);
    }
    if floor + slack <= whole {
        return Some(Ordering::Less);
    }
    let mut sum = Fractions::whole(0);
    for (amount, num, den) in terms {
        sum.add(*amount, *num, *den);
    }
    Some(sum.compare(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leverage_that_does_not_fit_beside_a_share_is_taken_first() {
        // A prime share of a prime whole, and a leverage without a common factor.
        let share = ((1i128 << 107) - 1, (1i128 << 89) - 1);
        let leverage = Leverage(3_333_333_333);
        let (over, under) = leverage.fraction();
        assert_eq!(product(share, (under, over)), None);
        let amount = 110_010 * ten(FINE_DIGITS);
        let first = mul_div_round(amount, under, over).unwrap();
        assert_eq!(
            levered(amount, leverage, share),
            Some((first, share.0, share.1))
        );
        assert_eq!(
            levered(amount, Leverage::of(100), (1, 2)),
            Some((amount, 1, 200))
        );
    }

    #[test]
    fn a_band_gives_no_more_leverage_than_a_cap_and_says_which() {
        let slice = |cap| Slice {
            held: true,
            position: None,
            amount: 1,
            leverage: Leverage::of(30),
            from: LeverageFrom::ClassCap,
            cap,
            lots: 1,
            value: 0,
        };
        let capped = slice(Some((Leverage::of(30), LeverageFrom::ClassCap)));
        let free = slice(None);
        for (slice, band, charged) in [
            (capped, 500, (Leverage::of(30), LeverageFrom::ClassCap)),
            (capped, 30, (Leverage::of(30), LeverageFrom::Band)),
            (capped, 20, (Leverage::of(20), LeverageFrom::Band)),
            (capped, 0, (Leverage::of(30), LeverageFrom::ClassCap)),
            (free, 500, (Leverage::of(500), LeverageFrom::Band)),
        ] {
            assert_eq!(slice.in_band(Leverage::of(band)), charged);
        }
        let all = [capped, free];
        assert_eq!(shared(&all, Leverage::of(500)), None);
        let same = Some((Leverage::of(20), LeverageFrom::Band));
        assert_eq!(shared(&all, Leverage::of(20)), same);
    }
}
