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
    /// A position as it is now, of an account that trades on `link`.
    pub(super) fn put(&mut self, position: &PositionChange, link: LinkId) {
        if position.qty == Qty(0) {
            self.0.remove(&position.id);
            return;
        }
        let place = (position.account, position.instrument);
        let known = self.0.entry(position.id).or_insert((link, place, 0));
        known.2 = signed(position);
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
    /// Differences by the last answer, and those that were told.
    seen: BTreeMap<Place, Volumes>,
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

    /// An answer of the link. A fill on its way makes another difference at the next one, or none: told is what two
    /// answers in a row say.
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
        for (place, now) in &found {
            let is_new = self.told.get(place) != Some(now);
            let has_room = self.told.len() < TOLD_MAX || self.told.contains_key(place);
            if is_new && has_room && self.seen.get(place) == Some(now) {
                self.told.insert(*place, *now);
                change(place, *now);
            }
        }
        let standing = found == self.seen;
        self.again_at = match (found.is_empty(), standing) {
            (true, _) => None,
            (false, true) => Some(now.plus(STANDING_NS)),
            (false, false) => Some(now.plus(CONFIRM_NS)),
        };
        self.seen = found;
        changes
    }
}
