//! Open positions in slots that are used again; slots never leave the machine.

use super::Position;
use super::index::Index;
use super::packed::{self, Cold, Extra, Hot, Wide, pack, unpack};
use crate::codec::CodecError;
use crate::event::ProtectiveKind;
use crate::ids::*;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

/// The open positions.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    hot: Vec<Hot>,
    cold: Vec<Cold>,
    free: Vec<u32>,
    extras: Vec<Extra>,
    extras_free: Vec<u32>,
    wide: BTreeMap<u32, Wide>,
    index: Index,
    open: usize,
}

impl crate::watch::Holdings for Positions {
    fn account(&self, slot: u32) -> u32 {
        Positions::account(self, slot).map_or(u32::MAX, |account| account.0)
    }

    fn cost(&self, slot: u32) -> i128 {
        self.get(slot).map_or(0, |position| position.cost)
    }
}

/// A position taken out to be changed; it goes back when this is dropped.
pub struct Taken<'a> {
    positions: &'a mut Positions,
    slot: u32,
    position: Position,
}

impl Deref for Taken<'_> {
    type Target = Position;

    fn deref(&self) -> &Position {
        &self.position
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut Position {
        &mut self.position
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.positions
            .write(self.slot, packed::pack(&self.position));
    }
}

impl Positions {
    /// Takes a position in; its slot.
    pub fn insert(&mut self, position: Position) -> u32 {
        let slot = self.place(pack(&position));
        let cold = &self.cold;
        self.index
            .insert(position.id.0, slot, |slot| cold[slot as usize].id);
        slot
    }

    fn place(&mut self, parts: packed::Parts) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            if self.hot.len() == self.hot.capacity() {
                // A doubling would leave up to half of the largest table empty.
                let more = self.hot.len() / 8 + 16;
                self.hot.reserve_exact(more);
                self.cold.reserve_exact(more);
            }
            self.hot.push(Hot::default());
            self.cold.push(Cold::default());
            self.hot.len() as u32 - 1
        });
        self.write(slot, parts);
        self.open += 1;
        slot
    }

    /// Writes a position into its slot; its id stays.
    fn write(&mut self, slot: u32, parts: packed::Parts) {
        let index = slot as usize;
        let before = self.hot[index];
        self.hot[index] = parts.hot;
        self.cold[index] = parts.cold;
        match (before.has_extra(), parts.extra) {
            (true, Some(extra)) => {
                self.hot[index].extra = before.extra;
                self.extras[before.extra as usize] = extra;
            }
            (true, None) => self.extras_free.push(before.extra),
            (false, Some(extra)) => {
                let at = self.extras_free.pop().unwrap_or_else(|| {
                    self.extras.push(extra);
                    self.extras.len() as u32 - 1
                });
                self.extras[at as usize] = extra;
                self.hot[index].extra = at;
            }
            (false, None) => {}
        }
        match parts.wide {
            Some(wide) => drop(self.wide.insert(slot, wide)),
            None if before.has_wide() => drop(self.wide.remove(&slot)),
            None => {}
        }
    }

    /// Removes it.
    pub fn remove(&mut self, slot: u32) {
        let Some(hot) = self.line(slot).copied() else {
            return;
        };
        let id = self.cold[slot as usize].id;
        let cold = &self.cold;
        self.index.remove(id, |slot| cold[slot as usize].id);
        if hot.has_extra() {
            self.extras_free.push(hot.extra);
        }
        if hot.has_wide() {
            self.wide.remove(&slot);
        }
        self.hot[slot as usize] = Hot::default();
        self.free.push(slot);
        self.open -= 1;
    }

    #[inline]
    fn line(&self, slot: u32) -> Option<&Hot> {
        self.hot.get(slot as usize).filter(|hot| hot.is_open())
    }

    #[inline]
    fn rare(&self, slot: u32, hot: &Hot) -> (Option<&Extra>, Option<&Wide>) {
        let extra = hot.has_extra().then(|| &self.extras[hot.extra as usize]);
        let wide = if hot.has_wide() {
            self.wide.get(&slot)
        } else {
            None
        };
        (extra, wide)
    }

    /// The slot of an id.
    pub fn slot(&self, id: PositionId) -> Option<u32> {
        self.index.find(id.0, |slot| self.cold[slot as usize].id)
    }

    /// The position in a slot.
    #[inline]
    pub fn get(&self, slot: u32) -> Option<Position> {
        let hot = self.line(slot)?;
        let (extra, wide) = self.rare(slot, hot);
        Some(unpack(hot, self.cold.get(slot as usize)?, extra, wide))
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, slot: u32) -> Option<Taken<'_>> {
        let position = self.get(slot)?;
        Some(Taken {
            positions: self,
            slot,
            position,
        })
    }

    /// The account that holds the position in a slot.
    #[inline]
    pub fn account(&self, slot: u32) -> Option<AccountId> {
        self.line(slot).map(|hot| AccountId(hot.account))
    }

    /// What the position in a slot is in.
    #[inline]
    pub fn instrument(&self, slot: u32) -> Option<InstrumentId> {
        self.line(slot).map(|hot| InstrumentId(hot.instrument))
    }

    /// The id of the position in a slot.
    #[inline]
    pub fn id(&self, slot: u32) -> Option<PositionId> {
        self.line(slot)?;
        Some(PositionId(self.cold[slot as usize].id))
    }

    /// The protective price that has fired of the position in a slot.
    #[inline]
    pub fn fired(&self, slot: u32) -> Option<ProtectiveKind> {
        self.line(slot)?.fired()
    }

    /// The position with an id.
    pub fn find(&self, id: PositionId) -> Option<Position> {
        self.get(self.slot(id)?)
    }

    /// All, by slot.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Position)> + '_ {
        (0..self.hot.len() as u32).filter_map(|slot| Some((slot, self.get(slot)?)))
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.open
    }

    /// None is open.
    pub fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// The ids of all, when no slot is free.
    pub fn ids(&self) -> Vec<u64> {
        self.cold.iter().map(|cold| cold.id).collect()
    }

    /// The index of [`ids`](Self::ids).
    pub fn set_index(&mut self, index: Index) {
        self.index = index;
    }

    /// Room for so many more, taken at once.
    pub fn reserve(&mut self, more: usize) {
        self.hot.reserve_exact(more);
        self.cold.reserve_exact(more);
    }

    /// Appends the encoding of the position in a slot, without its account.
    pub fn put(&self, slot: u32, out: &mut Vec<u8>) {
        if let Some(hot) = self.line(slot) {
            let (extra, wide) = self.rare(slot, hot);
            packed::put(hot, &self.cold[slot as usize], extra, wide, out);
        }
    }

    /// Takes in the position of an account that [`put`](Self::put) has written; its slot. Nobody finds it by its id
    /// before all are [indexed](Self::set_index).
    ///
    /// # Errors
    /// When the bytes are not what `put` writes.
    pub fn take(&mut self, account: AccountId, input: &mut &[u8]) -> Result<u32, CodecError> {
        Ok(self.place(packed::get(account, input)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::*;

    #[test]
    fn slots_are_used_again_and_nothing_rare_is_left_behind() {
        let mut positions = Positions::default();
        let parts = packed::Parts::default();
        let plain = Position {
            qty: 5,
            cost: 500,
            ..unpack(&parts.hot, &parts.cold, None, None)
        };
        let slots: Vec<u32> = (1..=9)
            .map(|id| {
                positions.insert(Position {
                    id: PositionId(id),
                    realised: Money(id as i64 % 2),
                    ..plain
                })
            })
            .collect();
        assert_eq!((positions.len(), positions.extras.len()), (9, 5));
        positions.get_mut(slots[0]).unwrap().realised = Money(0);
        positions.get_mut(slots[1]).unwrap().cost = 1 << 100;
        assert_eq!(positions.find(PositionId(2)).unwrap().cost, 1 << 100);
        for slot in &slots {
            positions.remove(*slot);
        }
        assert!(positions.is_empty() && positions.wide.is_empty());
        assert_eq!((positions.free.len(), positions.extras_free.len()), (9, 5));
        assert_eq!(positions.slot(PositionId(3)), None);
        let again = positions.insert(Position {
            id: PositionId(10),
            ..plain
        });
        assert!(slots.contains(&again));
        let found = positions.find(PositionId(10)).unwrap();
        assert_eq!((found.best, found.realised), (0, Money(0)));
    }
}
