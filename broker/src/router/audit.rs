//! What a link says that accounts hold, beside what the books say. A difference that stays is told; one that is gone, too.

use std::collections::{BTreeMap, BTreeSet};

use siaga_risk::event::{PositionChange, Side};
use siaga_risk::ids::{AccountId, InstrumentId, LinkId, PositionId};
use siaga_risk::units::{MINUTE_NS, Qty, SECOND_NS, Ts};

use crate::link::Holdings;

/// The link is asked again about a difference after this long: what was on its way has arrived by then.
const CONFIRM_NS: u64 = 5 * SECOND_NS;
/// About one that was told it is asked this often, until it is gone.
const STANDING_NS: u64 = MINUTE_NS;
/// A link is asked this often while nothing differs, and again after this long when it did not answer.
const SCHEDULE_NS: u64 = 15 * MINUTE_NS;
/// Differences of a link that are told at once: a broker that has lost its book is one fault, and people need no more.
const TOLD_MAX: usize = 100;

/// Whose, and what of.
type Place = (AccountId, InstrumentId);
/// Bought less sold, lot steps: ours and theirs.
type Volumes = (i64, i64);

/// What an account holds of an instrument by the books and by its broker: bought less sold, lot steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    pub link: LinkId,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub ours: Qty,
    pub theirs: Qty,
}

impl Difference {
    /// It was told before, and both say the same now.
    pub fn is_over(&self) -> bool {
        self.ours == self.theirs
    }
}

/// Open positions by the books, and the link that each was opened on.
#[derive(Debug, Default)]
pub(super) struct Ours(BTreeMap<PositionId, (LinkId, Place, i64)>);

impl Ours {
    /// A position as it is now, of an account that trades on `link`; gives the link that it was opened on.
    pub(super) fn put(&mut self, position: &PositionChange, link: LinkId) -> LinkId {
        if position.qty == Qty(0) {
            let known = self.0.remove(&position.id);
            return known.map_or(link, |(on, ..)| on);
        }
        let place = (position.account, position.instrument);
        let known = self.0.entry(position.id).or_insert((link, place, 0));
        known.2 = signed(position);
        known.0
    }

    fn of(&self, link: LinkId) -> BTreeMap<Place, i64> {
        let mut nets = BTreeMap::new();
        for (_, place, qty) in self.0.values().filter(|(on, ..)| *on == link) {
            *nets.entry(*place).or_default() += qty;
        }
        nets
    }
}

/// A position's quantity, negative when it was sold.
pub(crate) fn signed(position: &PositionChange) -> i64 {
    match position.side {
        Side::Buy => position.qty.0,
        Side::Sell => -position.qty.0,
    }
}

/// The comparison of one link.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// Differences by the last answer, each since when it is seen with these volumes.
    seen: BTreeMap<Place, (Volumes, Ts)>,
    /// Those that were told.
    told: BTreeMap<Place, Volumes>,
    again_at: Option<Ts>,
}

impl Audit {
    /// When the link is to be asked again.
    pub(super) fn poll_deadline(&self) -> Option<Ts> {
        self.again_at
    }

    /// Whether it is to be asked now; said once.
    pub(super) fn is_due(&mut self, now: Ts) -> bool {
        self.again_at.take_if(|at| *at <= now).is_some()
    }

    /// The link was asked. One that never answers is asked again; an answer sets another time.
    pub(super) fn asked(&mut self, now: Ts) {
        self.again_at = Some(now.plus(SCHEDULE_NS));
    }

    /// An answer of the link. A fill on its way makes another difference at the next one, or none: told is what answers
    /// say that lie [`CONFIRM_NS`] apart, and all between them.
    pub(super) fn compare(&mut self, ours: &Ours, theirs: &Holdings, now: Ts) -> Vec<Difference> {
        let link = theirs.link;
        let ours = ours.of(link);
        let mut held: BTreeMap<Place, i64> = BTreeMap::new();
        for holding in &theirs.positions {
            let place = (holding.account, holding.instrument);
            *held.entry(place).or_default() += holding.qty.0;
        }
        let of = |map: &BTreeMap<Place, i64>, place: &Place| {
            let qty = map.get(place).copied();
            qty.unwrap_or_default()
        };
        let places: BTreeSet<&Place> = ours.keys().chain(held.keys()).collect();
        let volumes = |place: &Place| (of(&ours, place), of(&held, place));
        let found: BTreeMap<Place, Volumes> = places
            .into_iter()
            .map(|place| (*place, volumes(place)))
            .filter(|(_, (own, other))| own != other)
            .collect();
        let mut changes = Vec::new();
        let mut change = |place: &Place, (ours, theirs): Volumes| {
            changes.push(Difference {
                link,
                account: place.0,
                instrument: place.1,
                ours: Qty(ours),
                theirs: Qty(theirs),
            });
        };
        let before = std::mem::take(&mut self.told);
        for (place, told) in before {
            if found.contains_key(&place) {
                self.told.insert(place, told);
            } else {
                change(&place, volumes(&place));
            }
        }
        let mut seen = BTreeMap::new();
        let mut waits = false;
        for (place, volumes) in &found {
            let before = self.seen.get(place).filter(|(same, _)| same == volumes);
            let since = before.map_or(now, |(_, since)| *since);
            seen.insert(*place, (*volumes, since));
            let is_new = self.told.get(place) != Some(volumes);
            let has_room = self.told.len() < TOLD_MAX || self.told.contains_key(place);
            if !is_new || !has_room {
                continue;
            }
            if now.since(since) >= CONFIRM_NS {
                self.told.insert(*place, *volumes);
                change(place, *volumes);
            } else {
                waits = true;
            }
        }
        let wait_ns = match (found.is_empty(), waits) {
            (true, _) => SCHEDULE_NS,
            (false, true) => CONFIRM_NS,
            (false, false) => STANDING_NS,
        };
        self.again_at = Some(now.plus(wait_ns));
        self.seen = seen;
        changes
    }
}

#[cfg(test)]
mod tests {
    use siaga_risk::units::HOUR_NS;

    use super::*;
    use crate::link::Holding;

    const START: Ts = Ts(HOUR_NS);

    fn theirs(held: &[(u32, i64)]) -> Holdings {
        let positions = held.iter().map(|(account, qty)| Holding {
            account: AccountId(*account),
            instrument: InstrumentId(7),
            qty: Qty(*qty),
        });
        Holdings {
            link: LinkId(1),
            positions: positions.collect(),
            balances: Vec::new(),
        }
    }

    /// What an answer makes known, so long after the first one.
    fn answer(audit: &mut Audit, held: &[(u32, i64)], after_ns: u64) -> Vec<(u32, i64)> {
        let told = audit.compare(&Ours::default(), &theirs(held), START.plus(after_ns));
        let told = told.iter().map(|told| (told.account.0, told.theirs.0));
        told.collect()
    }

    #[test]
    fn two_answers_at_once_are_no_proof() {
        let mut audit = Audit::default();
        assert_eq!(answer(&mut audit, &[(1, 5)], 0), []);
        // The link came back in between and was asked at once.
        assert_eq!(answer(&mut audit, &[(1, 5)], 1), []);
        assert_eq!(audit.poll_deadline(), Some(START.plus(1 + CONFIRM_NS)));
        // Other volumes are another difference.
        assert_eq!(answer(&mut audit, &[(1, 6)], CONFIRM_NS), []);
        assert_eq!(answer(&mut audit, &[(1, 6)], 2 * CONFIRM_NS - 1), []);
        assert_eq!(answer(&mut audit, &[(1, 6)], 2 * CONFIRM_NS), [(1, 6)]);
        let standing = START.plus(2 * CONFIRM_NS + STANDING_NS);
        assert_eq!(audit.poll_deadline(), Some(standing));
    }

    #[test]
    fn a_new_difference_beside_a_known_one_is_confirmed_at_once() {
        let mut audit = Audit::default();
        answer(&mut audit, &[(1, 5)], 0);
        assert_eq!(answer(&mut audit, &[(1, 5)], CONFIRM_NS), [(1, 5)]);
        let both = [(1, 5), (2, 3)];
        assert_eq!(answer(&mut audit, &both, STANDING_NS), []);
        let again = START.plus(STANDING_NS + CONFIRM_NS);
        assert_eq!(audit.poll_deadline(), Some(again));
        let told = answer(&mut audit, &both, STANDING_NS + CONFIRM_NS);
        assert_eq!(told, [(2, 3)]);
    }
}
