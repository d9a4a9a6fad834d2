//! Positions come, change and go; their own loss alerts are set; bands become numbers of the account's unit.

use super::chunks::NONE;
use super::leg::followed;
use super::page::*;
use super::scaled::{squeeze_down, squeeze_up};
use super::units::Unit;
use super::{Band, Holdings, Leg, Quoted, Valuing, WORTH_MAX, Watch, bit};
use crate::convert::Prices;

/// Prices within this distance of an instrument's base are watched without a new one.
pub(super) const RANGE: i64 = 1 << 30;
/// Most that one of an account's first positions, and one of its further ones, can be worth in units inside that range:
/// with as many positions as an account may hold the sum stays inside 64 bits.
const WORTH_FIRST: i128 = 1 << 57;
const WORTH_FURTHER: i128 = 1 << 48;
// What a page's positions are worth a step is a number of 32 bits, even all of them together.
const _: () = assert!(WORTH_FIRST / (2 * RANGE as i128) * (LEGS as i128) <= i32::MAX as i128);

impl Watch {
    /// A position was opened or changed: watch it as it is now. Due at every touch until its account has a new band.
    pub fn put(&mut self, slot: u32, leg: &Leg, view: Valuing<'_>, holdings: &impl Holdings) {
        self.grow(leg.account, leg.instrument, view);
        let account = leg.account;
        self.leave(account);
        self.marks[account as usize].flags |= STALE;
        if self.marks[account as usize].page == NONE {
            self.marks[account as usize].page = self.pages.legs.take(&Page::EMPTY);
        }
        let first = self.marks[account as usize].page;
        let at = self
            .find(account, leg.instrument, slot)
            .unwrap_or_else(|| self.append(first, leg.instrument, slot));
        let alone = self.pages.walk(first).nth(1).is_none();
        self.set_leg(at, leg, alone, view, holdings);
        self.await_place(account);
        let pending = self.pages.legs[first].pending as usize;
        let mut mask = bit(leg.instrument);
        for (page, at) in self.pages.factors(first) {
            mask |= bit(u32::from(self.pages.rates[page].factor[at]));
        }
        self.pending[pending].0 |= mask;
    }

    /// An account that nobody follows yet, with all its positions: none of them has to be searched for. Due at every
    /// touch until it has a band.
    pub fn put_all(&mut self, legs: &[(u32, Leg)], view: Valuing<'_>, holdings: &impl Holdings) {
        let Some(account) = legs.first().map(|(_, leg)| leg.account) else {
            return;
        };
        let known = self.marks.get(account as usize);
        if known.is_some_and(|mark| mark.page != NONE) {
            for (slot, leg) in legs {
                self.put(*slot, leg, view, holdings);
            }
            return;
        }
        let first = self.pages.legs.take(&Page::EMPTY);
        for (number, (slot, leg)) in legs.iter().enumerate() {
            self.grow(account, leg.instrument, view);
            if number == 0 {
                let mark = &mut self.marks[account as usize];
                (mark.page, mark.flags) = (first, mark.flags | STALE);
            }
            let at = self.append(first, leg.instrument, *slot);
            self.set_leg(at, leg, number == 0, view, holdings);
        }
        self.await_place(account);
    }

    /// The numbers of a position at its place; `alone` when its account has no other.
    fn set_leg(
        &mut self,
        at: At,
        leg: &Leg,
        alone: bool,
        view: Valuing<'_>,
        holdings: &impl Holdings,
    ) {
        let first = self.marks[leg.account as usize].page;
        let numbers = self.numbers(first, at, leg, alone, view);
        let page = &mut self.pages.legs[at.page];
        let (coef, cost) = numbers.unwrap_or((0, 0));
        page.coef[at.index] = coef;
        page.loss_set &= !(1 << at.index);
        page.loss_put &= !(1 << at.index);
        page.converted = page.converted & !(1 << at.index) | u8::from(leg.converted) << at.index;
        if numbers.is_none() {
            self.marks[leg.account as usize].flags |= OPAQUE;
        }
        if leg.converted || leg.margin_route.is_some() || self.pages.legs[first].rates != NONE {
            self.set_conversion(leg.account, at, leg, cost, view, holdings);
        }
    }

    /// A position is gone; its slot still tells its account.
    pub fn remove(&mut self, account: u32, instrument: u32, slot: u32, holdings: &impl Holdings) {
        let Some(at) = self.find(account, instrument, slot) else {
            return;
        };
        self.leave(account);
        let place = self.pages.legs[at.page].place[at.index];
        let own = &mut self.quoted[instrument as usize].own;
        own.swap_remove(place as usize);
        let last = own.len() as u32;
        if let Some(moved) = own.get(place as usize).copied() {
            self.replace(holdings.account(moved), instrument, last, place);
        }
        self.close_gap(account, at);
        if self.marks[account as usize].page != NONE {
            self.marks[account as usize].flags |= STALE;
            self.await_place(account);
        }
    }

    /// Results between which the position's own loss alert cannot change; at most one of them is set.
    pub fn set_loss(&mut self, slot: u32, leg: &Leg, low: i128, high: i128, view: Valuing<'_>) {
        let Some(at) = self.find(leg.account, leg.instrument, slot) else {
            return;
        };
        let back = low == i128::MIN;
        let bit = 1 << at.index;
        let set = low != i128::MIN || high != i128::MAX;
        let loss = if !set {
            Some(0)
        } else if leg.converted {
            self.loss_result(leg.account, if back { high } else { low }, back)
        } else {
            self.loss_price(leg, if back { high } else { low }, back, view)
        };
        let page = &mut self.pages.legs[at.page];
        let same = set == (page.loss_set & bit != 0)
            && (!set || loss == Some(page.loss[at.index]) && back == (page.loss_back & bit != 0));
        if same {
            return;
        }
        page.loss_set = if set {
            page.loss_set | bit
        } else {
            page.loss_set & !bit
        };
        page.loss_back = if back {
            page.loss_back | bit
        } else {
            page.loss_back & !bit
        };
        page.loss[at.index] = loss.unwrap_or(0);
        page.loss_put &= !bit;
        if loss.is_none() || low != i128::MIN && high != i128::MAX {
            self.marks[leg.account as usize].flags |= OPAQUE;
        }
        self.await_place(leg.account);
    }

    /// A loss of an unconverted position as the last price that has it, relative to the instrument's base.
    fn loss_price(&self, leg: &Leg, at: i128, back: bool, view: Valuing<'_>) -> Option<i32> {
        let scale = view
            .instruments
            .get(leg.instrument as usize)?
            .as_ref()?
            .profit;
        let qty = i128::from(leg.qty);
        // The result is floored, so it is at or below a low as soon as it is below the next whole one.
        let line = at.checked_add(i128::from(!back))?.checked_mul(scale.den)?;
        let raw = -(-line).div_euclid(scale.num) - i128::from(!back);
        let target = if leg.long {
            raw.checked_add(leg.cost)?
        } else {
            leg.cost.checked_sub(raw)?
        };
        let price = if leg.long != back {
            target.div_euclid(qty)
        } else {
            -(-target).div_euclid(qty)
        };
        let base = i128::from(self.quoted.get(leg.instrument as usize)?.base);
        let edge = i128::from(i32::MAX - 1);
        Some((price - base).clamp(-edge, edge) as i32)
    }

    /// A loss of a converted position in its account's units, squeezed towards being met too early.
    fn loss_result(&self, account: u32, at: i128, back: bool) -> Option<i32> {
        let page = self.marks.get(account as usize)?.page;
        let unit = self.units.get(self.pages.legs[page].unit);
        let value = i64::try_from(unit.floor(at.checked_add(i128::from(!back))?)?).ok()?;
        Some(if back {
            squeeze_down(value)
        } else {
            squeeze_up(value)
        })
    }

    /// Other results between which nothing can change, of an account that is not converted; all else is as it was.
    pub fn set_thresholds(&mut self, account: u32, low: i128, high: i128) {
        let Some(mark) = self.marks.get(account as usize) else {
            return;
        };
        if mark.page == NONE {
            return;
        }
        let page = &mut self.pages.legs[mark.page];
        let unit = self.units.get(page.unit);
        page.low = threshold(low, unit.floor(low), i64::MIN);
        page.high = threshold(high, unit.ceil(high), i64::MAX);
        self.await_place(account);
    }

    /// The band in the account's units, and what the sum of `coef × price` lacks now.
    pub(super) fn scale_band(&mut self, account: u32, band: Band, now: (i128, i128)) {
        let first = self.marks[account as usize].page;
        let unit = self.units.get(self.pages.legs[first].unit);
        let converted = self.pages.legs[first].rates != NONE;
        let (mut legs, mut sum, mut dead) = (0, 0i128, false);
        for at in self.pages.walk(first) {
            let page = &self.pages.legs[at.page];
            let instrument = usize::from(page.instrument[at.index]);
            let price = self.prices[instrument][usize::from(page.coef[at.index] < 0)];
            sum += i128::from(page.coef[at.index]) * i128::from(price);
            dead |= self.quoted[instrument].cut != [0, 0];
            legs += 1;
        }
        // Floors of single results lose less than one fine unit each.
        let lost = if converted || unit.den != 1 { legs } else { 0 };
        let cut = now.0 - now.1;
        let low = band.plain_low.max(shifted(band.soft_low, cut));
        let low = shifted(low, lost);
        let high = band.plain_high.min(shifted(band.soft_high, cut - lost));
        let scaled = || {
            let base = if converted {
                0
            } else {
                i64::try_from(unit.ceil(now.0)?.checked_sub(sum)?).ok()?
            };
            (base.unsigned_abs() < 1 << 61).then_some(base)
        };
        let page = &mut self.pages.legs[first];
        page.low = threshold(low, unit.floor(low), i64::MIN);
        page.high = threshold(high, unit.ceil(high), i64::MAX);
        match scaled() {
            Some(base) if !(converted && dead) => page.base = base,
            _ => self.marks[account as usize].flags |= if dead { SHUT } else { OPAQUE },
        }
    }

    /// Coefficient and cost of a position in the unit of its account, which may become a smaller one for it.
    fn numbers(
        &mut self,
        first: u32,
        at: At,
        leg: &Leg,
        alone: bool,
        view: Valuing<'_>,
    ) -> Option<(i64, i64)> {
        let scale = view
            .instruments
            .get(leg.instrument as usize)?
            .as_ref()?
            .profit;
        let unit = if alone {
            Unit {
                num: scale.num,
                den: scale.den,
            }
        } else {
            self.units.common(self.pages.legs[first].unit, scale)?
        };
        let number = self.units.number(unit)?;
        if !alone && number != self.pages.legs[first].unit {
            self.change_unit(first, at, unit)?;
        }
        self.pages.legs[first].unit = number;
        let step = unit.per(scale)?;
        let coef = step.checked_mul(i128::from(leg.qty))?;
        let cost = step.checked_mul(leg.cost)?;
        let reach =
            i128::from(self.quoted[leg.instrument as usize].base).abs() + 2 * i128::from(RANGE);
        let most = coef.checked_mul(reach)?.checked_add(cost.checked_abs()?)?;
        let is_first = at.page == first;
        let allowed = if is_first { WORTH_FIRST } else { WORTH_FURTHER };
        let fine = most.checked_mul(unit.num)?;
        let fine = if unit.den == 1 { fine } else { fine / unit.den };
        if most > allowed || fine > WORTH_MAX / 2 {
            return None;
        }
        let signed = if leg.long { coef } else { -coef };
        Some((i64::try_from(signed).ok()?, i64::try_from(cost).ok()?))
    }

    fn change_unit(&mut self, first: u32, except: At, unit: Unit) -> Option<()> {
        let old = self.units.get(self.pages.legs[first].unit);
        let all: Vec<At> = self.pages.walk(first).collect();
        for at in all {
            if (at.page, at.index) == (except.page, except.index) {
                continue;
            }
            let coef = &mut self.pages.legs[at.page].coef[at.index];
            *coef = unit.rescale(old, *coef)?;
            let allowed = if at.page == first {
                WORTH_FIRST
            } else {
                WORTH_FURTHER
            };
            let instrument = self.pages.legs[at.page].instrument[at.index];
            let reach =
                i128::from(self.quoted[usize::from(instrument)].base).abs() + 2 * i128::from(RANGE);
            if i128::from(self.pages.legs[at.page].coef[at.index])
                .abs()
                .checked_mul(reach)?
                > allowed
            {
                return None;
            }
            if at.rates != NONE {
                let cost = &mut self.pages.rates[at.rates].cost[at.index];
                *cost = unit.rescale(old, *cost)?;
            }
        }
        Some(())
    }

    fn set_conversion(
        &mut self,
        account: u32,
        at: At,
        leg: &Leg,
        cost: i64,
        view: Valuing<'_>,
        holdings: &impl Holdings,
    ) {
        let first = self.marks[account as usize].page;
        self.make_rates(account, holdings, view);
        let Some(at) = self
            .pages
            .walk(first)
            .find(|other| (other.page, other.index) == (at.page, at.index))
        else {
            return;
        };
        let rates = &mut self.pages.rates[at.rates];
        rates.cost[at.index] = cost;
        rates.route[at.index] = match u16::try_from(leg.route) {
            Ok(route) if leg.converted && route != UNCONVERTED => route,
            _ if leg.converted => {
                self.marks[account as usize].flags |= OPAQUE;
                UNCONVERTED
            }
            _ => UNCONVERTED,
        };
        let mut followed_now = std::mem::take(&mut self.followed);
        followed(leg, view.routes, &mut followed_now);
        for instrument in &followed_now {
            self.grow(account, *instrument, view);
            self.add_factor(first, *instrument);
        }
        self.followed = followed_now;
        if let Ok(route) = u16::try_from(leg.route)
            && leg.converted
            && route != UNCONVERTED
            && !self.is_rated(route)
        {
            self.rate(route, view);
        }
    }

    /// One page of conversion for each page of positions; what stood there before gets its cost.
    fn make_rates(&mut self, account: u32, holdings: &impl Holdings, view: Valuing<'_>) {
        let first = self.marks[account as usize].page;
        let (mut page, mut before) = (first, NONE);
        while page != NONE {
            let known = match before {
                NONE => self.pages.legs[first].rates,
                before => self.pages.rates[before].next,
            };
            let rates = if known == NONE {
                let made = self.pages.rates.take(&RatePage::EMPTY);
                match before {
                    NONE => self.pages.legs[first].rates = made,
                    before => self.pages.rates[before].next = made,
                }
                for index in 0..usize::from(self.pages.legs[page].len) {
                    match self.cost_of(first, page, index, view, holdings) {
                        Some(cost) => self.pages.rates[made].cost[index] = cost,
                        None => self.marks[account as usize].flags |= OPAQUE,
                    }
                }
                made
            } else {
                known
            };
            (before, page) = (rates, self.pages.legs[page].next);
        }
    }

    fn cost_of(
        &self,
        first: u32,
        page: u32,
        index: usize,
        view: Valuing<'_>,
        holdings: &impl Holdings,
    ) -> Option<i64> {
        let page = &self.pages.legs[page];
        let instrument = usize::from(page.instrument[index]);
        let slot = *self.quoted[instrument]
            .own
            .get(page.place[index] as usize)?;
        let scale = view.instruments.get(instrument)?.as_ref()?.profit;
        let unit = self.units.get(self.pages.legs[first].unit);
        i64::try_from(unit.per(scale)?.checked_mul(holdings.cost(slot))?).ok()
    }

    fn add_factor(&mut self, first: u32, instrument: u32) {
        let (mut number, mut last) = (self.pages.legs[first].rates, NONE);
        while number != NONE {
            let page = &self.pages.rates[number];
            let used = &page.factor[..usize::from(page.factors)];
            if used.contains(&(instrument as u16)) {
                return;
            }
            (last, number) = (number, page.next);
        }
        if usize::from(self.pages.rates[last].factors) == FACTORS {
            let made = self.pages.rates.take(&RatePage::EMPTY);
            self.pages.rates[last].next = made;
            last = made;
        }
        let page = &mut self.pages.rates[last];
        let at = usize::from(page.factors);
        page.factor[at] = instrument as u16;
        page.factors += 1;
    }

    pub(super) fn find(&self, account: u32, instrument: u32, slot: u32) -> Option<At> {
        let page = self.marks.get(account as usize)?.page;
        let own = &self.quoted.get(instrument as usize)?.own;
        self.pages.walk(page).find(|at| {
            let page = &self.pages.legs[at.page];
            u32::from(page.instrument[at.index]) == instrument
                && own.get(page.place[at.index] as usize) == Some(&slot)
        })
    }

    /// A holder stands at another place now.
    fn replace(&mut self, account: u32, instrument: u32, from: u32, to: u32) {
        let page = self.marks[account as usize].page;
        let moved = self.pages.walk(page).find(|at| {
            let page = &self.pages.legs[at.page];
            u32::from(page.instrument[at.index]) == instrument && page.place[at.index] == from
        });
        if let Some(at) = moved {
            self.pages.legs[at.page].place[at.index] = to;
        }
    }

    fn append(&mut self, first: u32, instrument: u32, slot: u32) -> At {
        let mut number = first;
        while usize::from(self.pages.legs[number].len) == LEGS {
            let next = self.pages.legs[number].next;
            number = if next == NONE {
                let made = self.pages.legs.take(&Page::EMPTY);
                self.pages.legs[number].next = made;
                made
            } else {
                next
            };
        }
        let own = &mut self.quoted[instrument as usize].own;
        let page = &mut self.pages.legs[number];
        let index = usize::from(page.len);
        page.clear_leg(index);
        page.instrument[index] = instrument as u16;
        page.place[index] = own.len() as u32;
        page.len += 1;
        if own.len() == own.capacity() {
            // By a little: the lists of all instruments are a tenth of all that is held.
            own.reserve_exact(own.len() / 32 + 16);
        }
        own.push(slot);
        At {
            page: number,
            index,
            rates: NONE,
        }
    }

    /// The last position of the account takes the place of one that is gone.
    fn close_gap(&mut self, account: u32, gone: At) {
        let first = self.marks[account as usize].page;
        let Some(last) = self.pages.walk(first).last() else {
            return;
        };
        let leg = self.pages.legs[last.page];
        self.pages.legs[gone.page].copy_leg(gone.index, &leg, last.index);
        if gone.rates != NONE {
            let from = self.pages.rates[last.rates];
            let to = &mut self.pages.rates[gone.rates];
            to.cost[gone.index] = from.cost[last.index];
            to.route[gone.index] = from.route[last.index];
        }
        self.pages.legs[last.page].clear_leg(last.index);
        self.pages.legs[last.page].len -= 1;
        if self.pages.legs[last.page].len > 0 {
            return;
        }
        if last.page == first {
            let mut rates = self.pages.legs[first].rates;
            while rates != NONE {
                let next = self.pages.rates[rates].next;
                self.pages.rates.give(rates);
                rates = next;
            }
            let mark = &mut self.marks[account as usize];
            (mark.page, mark.flags) = (NONE, mark.flags & DUE);
        } else {
            let before = self.pages.walk(first).last().map_or(first, |at| at.page);
            self.pages.legs[before].next = NONE;
        }
        self.pages.legs.give(last.page);
    }

    /// With another base of an instrument its numbers may not fit any more.
    pub(super) fn check_reach(&mut self, account: u32, instrument: usize, reach: i128) {
        let first = self.marks[account as usize].page;
        let fits = self.pages.walk(first).all(|at| {
            let page = &self.pages.legs[at.page];
            let allowed = if at.page == first {
                WORTH_FIRST
            } else {
                WORTH_FURTHER
            };
            let most = i128::from(page.coef[at.index]).abs().checked_mul(reach);
            usize::from(page.instrument[at.index]) != instrument
                || most.is_some_and(|most| {
                    let unit = self.units.get(self.pages.legs[first].unit);
                    let fine = most.checked_mul(unit.num).map(|fine| fine / unit.den);
                    // The cost, which is left out here, takes no more than the other half.
                    most <= allowed && fine.is_some_and(|fine| fine <= WORTH_MAX / 2)
                })
        });
        let mark = &mut self.marks[account as usize];
        mark.flags |= if fits { STALE } else { STALE | OPAQUE };
        self.await_place(account);
    }

    /// Tables are as long as the numbers in use.
    fn grow(&mut self, account: u32, instrument: u32, view: Valuing<'_>) {
        if self.marks.len() <= account as usize {
            self.marks.resize(account as usize + 1, Mark::EMPTY);
        }
        self.grow_instruments(instrument);
        if let Some(prices) = view.prices.get(instrument as usize)
            && prices.known
            && !self.quoted[instrument as usize].known
        {
            self.quote(instrument, prices);
        }
    }

    pub(super) fn grow_instruments(&mut self, instrument: u32) {
        if self.quoted.len() <= instrument as usize {
            self.quoted
                .resize_with(instrument as usize + 1, Quoted::default);
            self.prices.resize(instrument as usize + 1, [0; 2]);
        }
    }

    /// New prices, without looking at anybody.
    pub(super) fn quote(&mut self, instrument: u32, prices: &Prices) {
        self.grow_instruments(instrument);
        let quoted = &mut self.quoted[instrument as usize];
        if !quoted.known {
            quoted.known = true;
            quoted.base = prices.bid;
            quoted.era = prices.bid.min(prices.ask).max(1);
            quoted.spread_most = prices
                .ask
                .saturating_sub(prices.bid)
                .abs()
                .saturating_mul(2);
            quoted.set_reaches(self.fault);
        }
        let cut = cuts(prices);
        self.cuts = self.cuts + u32::from(cut != [0, 0]) - u32::from(quoted.cut != [0, 0]);
        quoted.cut = cut;
        self.prices[instrument as usize] = [prices.bid, prices.ask];
        self.tame(instrument as usize);
    }

    /// Whether the prices of now can be compared with what is counted from the base.
    pub(super) fn tame(&mut self, instrument: usize) {
        let quoted = &mut self.quoted[instrument];
        let far = |price: i64| {
            let apart = price.checked_sub(quoted.base);
            apart.is_none_or(|apart| apart.abs() >= RANGE)
        };
        let wild = self.prices[instrument].into_iter().any(far);
        self.wild = self.wild + u32::from(wild) - u32::from(quoted.wild);
        quoted.wild = wild;
    }
}

/// How far dead prices are moved.
pub(super) fn cuts(prices: &Prices) -> [i64; 2] {
    [
        prices.bid.saturating_sub(prices.soft_bid),
        prices.soft_ask.saturating_sub(prices.ask),
    ]
}

/// A threshold moved; none stays none.
fn shifted(fine: i128, by: i128) -> i128 {
    match fine {
        i128::MIN | i128::MAX => fine,
        fine => fine.saturating_add(by),
    }
}

/// A threshold in units: absent, or held inside 64 bits.
fn threshold(fine: i128, units: Option<i128>, none: i64) -> i64 {
    match units {
        Some(units) if fine != i128::MIN && fine != i128::MAX => {
            units.clamp(i128::from(i64::MIN) / 4, i128::from(i64::MAX) / 4) as i64
        }
        // Absent, or too far away to be reached by a sum of results.
        _ => none,
    }
}
