//! Where an account stands: on the highest rung on which all its prices together, at their worst inside their reach,
//! leave it inside its band with as much again to spare.

use super::chunks::NONE;
use super::converted::{Box, Corners};
use super::page::*;
use super::purse::{Guard, POCKETS, Purse, Rates, bounds, guard};
use super::rows::{FAR, REACH_PARTS_LOG, RUNGS, Room, Rung, TAG_MAX, finest, reach};
use super::{Quoted, Valuing, WORTH_MAX, Watch};

/// So many times what a rung may take unseen must be there before an account stands on it.
const TIMES: u64 = 3;
/// A rung saves something when its reach is more than so many times what prices go lately.
pub(super) const PACES: u64 = 2;
/// An account climbs when it may climb so many rungs.
pub(super) const CLIMB: usize = 2;
/// A purse takes in only positions that are worth less than this part of what a sum takes, wherever their prices go: their
/// rates go on from there. Until all whom a price converts are met it may double, spread included a little more than
/// that, and a rate is made of two prices at most.
const RESERVE: i128 = 8;
/// What one step is worth is told apart in these parts of a unit.
const WORTH_PARTS_LOG: u32 = 8;

/// What a purse will hold, without the prices it begins at.
struct Draft {
    rate: [u16; POCKETS],
    used: usize,
    /// Sums of the sizes of single results.
    size: [i64; POCKETS],
    /// About what a step of each price on the finest reach is worth together, in parts of both.
    weight: u128,
    /// The same of a step of the pace.
    pace: u128,
}

impl Watch {
    /// Watches an account in the way that is cheapest now.
    pub(super) fn place(&mut self, account: u32, view: Valuing<'_>) {
        let mark = self.marks[account as usize];
        if mark.is(ALWAYS) || self.wild > 0 && self.is_wild(mark.page) {
            self.stand(account, 0, Class::Boxed, [0; LEGS]);
        } else if self.pages.legs[mark.page].rates != NONE {
            self.place_converted(account, view);
        } else {
            self.place_plain(account);
        }
        self.put_losses(account);
    }

    /// A price of its cannot be compared with its base.
    fn is_wild(&self, first: u32) -> bool {
        let wild = |instrument: u16| self.quoted[usize::from(instrument)].wild;
        let legs = &mut self.pages.walk(first);
        legs.any(|at| wild(self.pages.legs[at.page].instrument[at.index]))
            || (self.pages.factors(first)).any(|(page, at)| wild(self.pages.rates[page].factor[at]))
    }

    fn place_plain(&mut self, account: u32) {
        let first = self.marks[account as usize].page;
        let Some((rung, weight)) = self.rung_of(first) else {
            return self.stand(account, 0, Class::Boxed, [0; LEGS]);
        };
        self.stand(account, rung, Class::Summed, [0; LEGS]);
        let room = self.room(first, rung);
        let seat = self.pages.legs[first].seat;
        let seats = &mut self.seats[rung].plain;
        seats.set_room(seat, room);
        seats.set_climbs(seat, climbs(rung, weight));
    }

    /// What an account may lose and gain at the prices its rows were swept at.
    pub(super) fn room(&self, first: u32, rung: usize) -> Room {
        let page = &self.pages.legs[first];
        let (low, high) = (page.low, page.high);
        let (mut value, mut span) = (i128::from(page.base), 0i128);
        let mut number = first;
        while number != NONE {
            let page = &self.pages.legs[number];
            for at in 0..usize::from(page.len) {
                let quoted = &self.quoted[usize::from(page.instrument[at])];
                let coef = i128::from(page.coef[at]);
                let side = usize::from(page.coef[at] < 0);
                value += coef * i128::from(quoted.rungs[rung].at[side]);
                span += coef.abs() * i128::from(reach(quoted.finest, rung));
            }
            number = page.next;
        }
        let held = |room: i128| room.clamp(0, i128::from(FAR)) as i64;
        let down = match low {
            i64::MIN => FAR,
            low => held(value - span - i128::from(low)),
        };
        let up = match high {
            i64::MAX => FAR,
            high => held(i128::from(high) - value - span),
        };
        Room { down, up }
    }

    /// The rung that an account without conversion may stand on, and what a step of each price on the finest reach is
    /// worth together, in parts; `None` outside its band.
    fn rung_of(&self, first: u32) -> Option<(usize, u128)> {
        let page = &self.pages.legs[first];
        let result = self.result(first);
        if result <= page.low || result >= page.high {
            return None;
        }
        let slack = slack(page, result, result);
        let (mut number, mut weight, mut pace) = (first, 0, 0);
        while number != NONE {
            let page = &self.pages.legs[number];
            for at in 0..usize::from(page.len) {
                let quoted = &self.quoted[usize::from(page.instrument[at])];
                let coef = u128::from(page.coef[at].unsigned_abs());
                weight += coef * u128::from(quoted.finest);
                pace += coef * u128::from(quoted.pace);
            }
            number = page.next;
        }
        let rung = highest(slack, weight, REACH_PARTS_LOG);
        Some((worth_climbing(rung, weight, pace), weight))
    }

    fn place_converted(&mut self, account: u32, view: Valuing<'_>) {
        let first = self.marks[account as usize].page;
        let page = &self.pages.legs[first];
        let inside = |corners: &Corners| {
            corners.worst > page.low && corners.best < page.high && !corners.loss_met
        };
        let Some(corners) = self.stands(first, view).filter(inside) else {
            return self.stand(account, 0, Class::Boxed, [0; LEGS]);
        };
        let slack = slack(page, corners.worst, corners.best);
        let Some((draft, pockets)) = self.draft(first, RESERVE) else {
            return self.box_in(account, RUNGS - 1, view);
        };
        let parts = REACH_PARTS_LOG + WORTH_PARTS_LOG;
        let rung = highest(slack, draft.weight, parts);
        let mut rung = worth_climbing(rung, draft.weight, draft.pace);
        loop {
            if let Some(guards) = self.guards(first, &draft, &pockets, rung)
                && (rung == 0 || self.is_far(&draft, &guards, slack))
            {
                self.stand(account, rung, Class::Summed, pockets);
                let made = self.purse(first, &draft, &pockets, rung);
                let room = self.purse_room(first, &made, &guards, rung);
                let Some(room) = room.filter(|room| !room.is_met()) else {
                    return self.stand(account, 0, Class::Boxed, [0; LEGS]);
                };
                let seat = self.pages.legs[first].seat;
                let (purse, guard) = self.seats[rung].purses.both(seat);
                (purse.room, purse.worth) = (room, made.worth);
                (purse.rate, purse.used, *guard) = (made.rate, made.used, guards);
                return;
            }
            if rung == 0 {
                // Rates may go too far for a purse: a box counts with the spread of now.
                return self.box_in(account, RUNGS - 1, view);
            }
            rung -= 1;
        }
    }

    /// Looked at whenever a price leaves its reach: on the highest rung whose reach keeps everything inside.
    fn box_in(&mut self, account: u32, highest: usize, view: Valuing<'_>) {
        let first = self.marks[account as usize].page;
        let page = &self.pages.legs[first];
        let (low, high) = (page.low, page.high);
        let holds = |rung: &usize| {
            self.corners(first, Box::Rung(*rung), view)
                .is_some_and(|corners| {
                    corners.worst > low && corners.best < high && !corners.loss_met
                })
        };
        // Halves: the wider box holds the narrower one.
        let (mut least, mut most) = (0, highest + 1);
        while most - least > 1 {
            let middle = (least + most) / 2;
            if holds(&middle) {
                least = middle;
            } else {
                most = middle;
            }
        }
        self.stand(account, least, Class::Boxed, [0; LEGS]);
    }

    /// Which pocket each position of a purse goes into; `None` when a purse cannot hold the account, or a position may be
    /// worth this part of what a sum takes.
    fn draft(&self, first: u32, parts: i128) -> Option<(Draft, [u8; LEGS])> {
        let page = &self.pages.legs[first];
        if page.next != NONE || page.loss_set & page.converted != 0 {
            return None;
        }
        let (rates, unit) = (&self.pages.rates[page.rates], self.units.get(page.unit));
        let most_fine = WORTH_MAX / unit.num * unit.den / parts;
        let mut draft = Draft {
            rate: [0; POCKETS],
            used: 0,
            size: [0; POCKETS],
            weight: 0,
            pace: 0,
        };
        let mut pockets = [0u8; LEGS];
        for (at, into) in pockets.iter_mut().enumerate().take(usize::from(page.len)) {
            let number = match rates.route[at] {
                UNCONVERTED => super::purse::HOME,
                route => Rates::number(route),
            };
            let known = draft.rate[..draft.used]
                .iter()
                .position(|one| *one == number);
            let pocket = known.unwrap_or(draft.used);
            if pocket == POCKETS {
                return None;
            }
            if known.is_none() {
                draft.rate[pocket] = number;
                draft.used += 1;
            }
            *into = pocket as u8;
            let coef = page.coef[at];
            let instrument = usize::from(page.instrument[at]);
            let price = self.prices[instrument][usize::from(coef < 0)];
            let native = i128::from(coef) * i128::from(price)
                - i128::from(rates.cost[at]) * i128::from(coef.signum());
            let native = i64::try_from(native).ok()?;
            draft.size[pocket] = draft.size[pocket].checked_add(native.checked_abs()?)?;
            let rate = self.rates.get(number);
            // Anywhere in its instrument's range the result must stay a number that the book can add up.
            let reach = self.quoted[instrument].base.unsigned_abs() + super::holders::RANGE as u64;
            let size = u128::from(coef.unsigned_abs()) * u128::from(reach)
                + u128::from(rates.cost[at].unsigned_abs());
            let most = rate.of_wide(size)?;
            if !rate.is_known() || most >= most_fine as u128 {
                return None;
            }
            let step = rate.of_wide(u128::from(coef.unsigned_abs()) << WORTH_PARTS_LOG)?;
            draft.weight += (step + 1) * u128::from(self.quoted[instrument].finest);
            draft.pace += (step + 1) * u128::from(self.quoted[instrument].pace);
        }
        Some((draft, pockets))
    }

    /// What each currency of a purse may be off by on a rung; `None` where rates may go too far on it.
    fn guards(
        &self,
        first: u32,
        draft: &Draft,
        pockets: &[u8; LEGS],
        rung: usize,
    ) -> Option<[Guard; POCKETS]> {
        let page = &self.pages.legs[first];
        let mut span = [0i64; POCKETS];
        for at in 0..usize::from(page.len) {
            let reach = self.reach_of(usize::from(page.instrument[at]), rung);
            let one = page.coef[at].checked_abs()?.checked_mul(reach)?;
            let sum = &mut span[usize::from(pockets[at])];
            *sum = sum.checked_add(one)?;
        }
        let mut guards = [Guard::NONE; POCKETS];
        for (pocket, into) in guards.iter_mut().enumerate().take(draft.used) {
            let kappa = self.rates.kappa(draft.rate[pocket], rung)?;
            // Their sizes are those of now; at the prices of the last sweep they may be larger by the span.
            let size = draft.size[pocket].checked_add(span[pocket])?;
            *into = guard(span[pocket], size, kappa)?;
        }
        Some(guards)
    }

    /// What a rung may take unseen leaves enough of the slack.
    fn is_far(&self, draft: &Draft, guards: &[Guard; POCKETS], slack: u64) -> bool {
        let guards = guards.iter().zip(draft.rate).take(draft.used);
        let each = guards.map(|(guard, number)| {
            let wide = self.rates.get(number).of_wide(guard.value() as u128);
            wide.unwrap_or(u128::MAX >> 8)
        });
        let apart: u128 = each.sum();
        apart * u128::from(TIMES) <= u128::from(slack)
    }

    /// What an account with these worths may lose and gain at the rates its rows were swept at.
    fn purse_room(
        &self,
        first: u32,
        purse: &Purse,
        guards: &[Guard; POCKETS],
        rung: usize,
    ) -> Option<Room> {
        let page = &self.pages.legs[first];
        let rates = purse.rate[..usize::from(purse.used)].iter();
        let swept = rates.map(|number| self.rates.swept(*number, rung));
        let (least, most) = bounds(&purse.worth, guards, swept)?;
        let room = |threshold: i64, none: i64, apart: i128| match threshold == none {
            true => FAR,
            false => apart.clamp(0, i128::from(FAR)) as i64,
        };
        let below = i128::from(least) - i128::from(page.low);
        let above = i128::from(page.high) - i128::from(most);
        Some(Room {
            down: room(page.low, i64::MIN, below),
            up: room(page.high, i64::MAX, above),
        })
    }

    /// What an account has by the prices and rates its rows were swept at: its purse, and its room at most.
    pub(super) fn purse_at(&self, first: u32, rung: usize) -> Option<(Purse, Room)> {
        // Its rates have gone on since it was taken in.
        let (draft, pockets) = self.draft(first, 1)?;
        let purse = self.purse(first, &draft, &pockets, rung);
        let guards = self.seats[rung].purses.guard(self.pages.legs[first].seat);
        let room = self.purse_room(first, &purse, guards, rung)?;
        Some((purse, room))
    }

    fn purse(&self, first: u32, draft: &Draft, pockets: &[u8; LEGS], rung: usize) -> Purse {
        let page = &self.pages.legs[first];
        let rates = &self.pages.rates[page.rates];
        let mut purse = Purse {
            rate: draft.rate,
            used: draft.used as u8,
            ..Purse::EMPTY
        };
        for (at, pocket) in pockets.iter().enumerate().take(usize::from(page.len)) {
            let coef = page.coef[at];
            let quoted = &self.quoted[usize::from(page.instrument[at])];
            let price = quoted.rungs[rung].at[usize::from(coef < 0)];
            let native = coef
                .wrapping_mul(price)
                .wrapping_sub(rates.cost[at] * coef.signum());
            let worth = &mut purse.worth[usize::from(*pocket)];
            *worth = worth.wrapping_add(native);
        }
        purse
    }

    /// The account stands on a rung from now on, in every row that concerns it.
    fn stand(&mut self, account: u32, rung: usize, class: Class, pockets: [u8; LEGS]) {
        let mark = self.marks[account as usize];
        let first = mark.page;
        if mark.class == class && usize::from(self.pages.legs[first].rung) == rung {
            return;
        }
        self.leave(account);
        let with_purse = class == Class::Summed && self.pages.legs[first].rates != NONE;
        let seats = &mut self.seats[rung];
        let seat = match class {
            Class::Summed if with_purse => seats.purses.take(account),
            Class::Summed => seats.plain.take(account),
            _ => NONE,
        };
        self.pages.legs[first].seat = seat;
        self.marks[account as usize].class = class;
        self.pages.legs[first].rung = rung as u8;
        let mut number = first;
        while number != NONE {
            // What stands in its third line is not needed.
            let page = &self.pages.legs[number];
            let (instruments, coefs, len) = (page.instrument, page.coef, usize::from(page.len));
            let next = page.next;
            for (at, pocket) in pockets.iter().enumerate().take(len) {
                let same = |other: &usize| {
                    instruments[*other] == instruments[at] && (coefs[*other] < 0) == (coefs[at] < 0)
                };
                if (0..at).any(|other| same(&other)) {
                    continue;
                }
                let all = (at..len).filter(same);
                let coef = all.fold(0i64, |sum, other| sum.wrapping_add(coefs[other]));
                let instrument = usize::from(instruments[at]);
                let into = match (class, with_purse) {
                    (Class::Boxed, _) => Into::Boxed(account),
                    (_, false) => Into::Plain(seat, coef),
                    (_, true) => Into::Purse(seat, *pocket, coef),
                };
                self.enter(instrument, rung, into);
            }
            number = next;
        }
        let mut number = self.pages.legs[first].rates;
        while number != NONE {
            let page = self.pages.rates[number];
            for at in 0..usize::from(page.factors) {
                let into = match class {
                    Class::Summed => Into::Factor(seat),
                    _ => Into::Boxed(account),
                };
                self.enter(usize::from(page.factor[at]), rung, into);
            }
            number = page.next;
        }
    }

    fn enter(&mut self, instrument: usize, rung: usize, into: Into) {
        let prices = self.prices[instrument];
        let fault = self.fault;
        let Watch {
            quoted,
            marks,
            seats,
            rates,
            ..
        } = self;
        let (quoted, seats) = (&mut quoted[instrument], &seats[rung]);
        if quoted.rungs.is_empty() {
            quoted.rungs.resize_with(RUNGS, Rung::default);
        }
        let row = &mut quoted.rungs[rung];
        if row.is_empty() {
            row.at = prices;
            row.reach = too_wide(reach(quoted.finest, rung), fault);
            for route in &quoted.routes {
                rates.sweep(*route, rung);
            }
        }
        let tag = |who: u32| marks[who as usize].tag;
        let seat_tag = |who: u32| seats.plain.tag(who);
        let purse_tag = |who: u32| seats.purses.get(who).tag;
        match into {
            Into::Plain(who, coef) => row.plain.push(who, seat_tag(who), 0, coef, seat_tag),
            Into::Boxed(who) => row.boxed.push(who, tag(who), 0, 0, tag),
            Into::Factor(who) => row.factors.push(who, purse_tag(who), 0, 0, purse_tag),
            Into::Purse(who, pocket, coef) => {
                row.purses
                    .push(who, purse_tag(who), pocket, coef, purse_tag);
            }
        }
        let (at, reach) = (row.at, row.reach);
        quoted.narrow(at, reach);
    }

    /// The account is in no row any more.
    pub(super) fn leave(&mut self, account: u32) {
        let Some(mark) = self.marks.get(account as usize).copied() else {
            return;
        };
        if mark.class == Class::Nowhere {
            return;
        }
        let first = mark.page;
        let rung = usize::from(self.pages.legs[first].rung);
        let boxed = mark.class == Class::Boxed;
        let with_purse = !boxed && self.pages.legs[first].rates != NONE;
        let mut number = first;
        while number != NONE {
            let page = &self.pages.legs[number];
            for at in 0..usize::from(page.len) {
                let rung = &mut self.quoted[usize::from(page.instrument[at])].rungs[rung];
                match (boxed, with_purse) {
                    (true, _) => rung.boxed.left(),
                    (_, true) => rung.purses.left(),
                    (_, false) => rung.plain.left(),
                }
            }
            number = page.next;
        }
        let mut number = self.pages.legs[first].rates;
        while number != NONE {
            let page = &self.pages.rates[number];
            for at in 0..usize::from(page.factors) {
                let rung = &mut self.quoted[usize::from(page.factor[at])].rungs[rung];
                if boxed {
                    rung.boxed.left();
                } else {
                    rung.factors.left();
                }
            }
            number = page.next;
        }
        let page = &mut self.pages.legs[first];
        let seat = std::mem::replace(&mut page.seat, NONE);
        page.rung = NOWHERE;
        self.marks[account as usize].class = Class::Nowhere;
        let seats = &mut self.seats[rung];
        match (boxed, with_purse) {
            (true, _) => self.retag(account),
            (_, true) => seats.purses.give(seat),
            (_, false) => seats.plain.give(seat),
        }
    }

    /// What the account left in rows of those who are looked at is stale from now on.
    fn retag(&mut self, account: u32) {
        let tag = &mut self.marks[account as usize].tag;
        if *tag < TAG_MAX {
            *tag += 1;
            return;
        }
        // Tags begin anew, and nothing stale is left to be taken for what is live: no entry carries this one.
        *tag = u16::MAX;
        let Watch { quoted, marks, .. } = self;
        for rung in quoted.iter_mut().flat_map(|quoted| &mut quoted.rungs) {
            rung.boxed.retag(|who| marks[who as usize].tag);
        }
        marks.iter_mut().for_each(|mark| mark.tag = 0);
    }

    /// Whoever deserves a much higher rung waits for it.
    pub(super) fn climb(&mut self) {
        let climbing = std::mem::take(&mut self.climbing);
        for account in &climbing {
            let mark = self.marks[*account as usize];
            if mark.page == NONE || mark.class == Class::Nowhere {
                continue;
            }
            let page = &self.pages.legs[mark.page];
            let wanted = match mark.class {
                _ if page.pending != NONE || mark.is(ALWAYS) => continue,
                // Only a look at all its prices says.
                Class::Boxed => RUNGS,
                _ if page.rates != NONE => self.purse_climbs(page.seat, usize::from(page.rung)),
                _ => self.rung_of(mark.page).map_or(0, |(rung, _)| rung),
            };
            if wanted >= usize::from(page.rung) + CLIMB {
                self.await_place(*account);
            }
        }
        self.climbing = climbing;
        self.climbing.clear();
    }

    fn purse_climbs(&self, number: u32, rung: usize) -> usize {
        let (purse, guard) = {
            let purses = &self.seats[rung].purses;
            (purses.get(number), purses.guard(number))
        };
        let rates = purse.rate[..usize::from(purse.used)].iter();
        let swept = rates.map(|number| self.rates.swept(*number, rung));
        let Some((least, most)) = bounds(&[0; POCKETS], guard, swept) else {
            return 0;
        };
        let (room, apart) = (purse.room.down.min(purse.room.up), (most - least).max(1));
        if room >> CLIMB >= apart.saturating_mul(TIMES as i64) / 2 {
            rung + CLIMB
        } else {
            0
        }
    }

    /// How far a price may go on a rung.
    pub(super) fn reach_of(&self, instrument: usize, rung: usize) -> i64 {
        reach(self.quoted[instrument].finest, rung)
    }
}

/// A row to enter.
enum Into {
    Plain(u32, i64),
    Purse(u32, u8, i64),
    Factor(u32),
    Boxed(u32),
}

impl Quoted {
    /// What happens at these prices happens unseen on the rung as well.
    pub(super) fn narrow(&mut self, at: [i64; 2], reach: i64) {
        for (quiet, at) in self.quiet.iter_mut().zip(at) {
            quiet.0 = quiet.0.max(at.saturating_sub(reach));
            quiet.1 = quiet.1.min(at.saturating_add(reach));
        }
    }

    /// Prices at which no rung is left, from all that somebody stands on.
    pub(super) fn find_quiet(&mut self) {
        self.quiet = [(i64::MIN, i64::MAX); 2];
        for at in 0..self.rungs.len() {
            if !self.rungs[at].is_empty() {
                let (prices, reach) = (self.rungs[at].at, self.rungs[at].reach);
                self.narrow(prices, reach);
            }
        }
    }

    /// Reaches follow the base.
    pub(super) fn set_reaches(&mut self, fault: u32) {
        self.finest = finest(self.base);
        for (number, rung) in self.rungs.iter_mut().enumerate() {
            rung.reach = too_wide(reach(self.finest, number), fault);
        }
        self.find_quiet();
    }
}

/// What an account may lose or gain, whichever is less.
fn slack(page: &Page, worst: i64, best: i64) -> u64 {
    let below = match page.low {
        i64::MIN => u64::MAX,
        low => worst.abs_diff(low),
    };
    let above = match page.high {
        i64::MAX => u64::MAX,
        high => best.abs_diff(high),
    };
    below.min(above).min(1 << 62)
}

/// The highest rung that takes no more than its part of a slack; the weight is counted in so many parts.
fn highest(slack: u64, weight: u128, parts_log: u32) -> usize {
    let have = u128::from(slack) << parts_log;
    let need = weight.saturating_mul(u128::from(TIMES)).max(1);
    let bits = |value: u128| 128 - value.leading_zeros();
    let Some(apart) = bits(have).checked_sub(bits(need)) else {
        return 0;
    };
    let fits = need.checked_shl(apart).is_some_and(|need| need <= have);
    let rung = if fits { apart + 1 } else { apart };
    (rung as usize).min(RUNGS - 1)
}

/// The rung itself, or the lowest when prices leave its reach almost every time: then standing on it saves nothing, and
/// every sweep would meet the account.
fn worth_climbing(rung: usize, weight: u128, pace: u128) -> usize {
    let reach = (weight << rung.max(1)) >> 1;
    if reach > pace.saturating_mul(u128::from(PACES)) {
        rung
    } else {
        0
    }
}

/// With less room than this nobody deserves to climb: the slack that is asked for, less what the prices may have gone
/// since their rows were swept, less what they may go, and some that rounding takes.
fn climbs(rung: usize, weight: u128) -> u64 {
    let span = |rung: usize| match rung {
        0 => 0,
        rung => weight.saturating_mul(1 << (rung - 1)) >> REACH_PARTS_LOG,
    };
    let asked = span(rung + CLIMB).saturating_mul(u128::from(TIMES));
    let room = asked.saturating_sub(3 * span(rung));
    u64::try_from(room - room / 64)
        .unwrap_or(u64::MAX)
        .min(1 << 62)
}

/// The fault that the audit is tested with.
fn too_wide(steps: i64, millionths: u32) -> i64 {
    if steps == 0 || millionths == 0 {
        return steps;
    }
    let more = i128::from(steps) * i128::from(millionths) / 1_000_000;
    steps.saturating_add(more.max(1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_rung_is_the_last_one_that_leaves_enough() {
        for weight in [1u128, 7, 1_000, 123_456_789] {
            for slack in [0u64, 1, 5, 999, 1 << 20, 1 << 40, 1 << 62] {
                let rung = highest(slack, weight, 8);
                let takes = |rung: usize| (weight * 3) << (rung - 1) <= u128::from(slack) << 8;
                assert!(rung == 0 || takes(rung), "{slack} / {weight}: {rung}");
                assert!(
                    rung == RUNGS - 1 || !takes(rung + 1),
                    "{slack} / {weight}: {rung}"
                );
            }
        }
    }
}
