//! Positions and where they are kept.

use crate::convert::Rate;
use crate::event::*;
use crate::ids::*;
use crate::record;
use crate::units::*;
use std::collections::BTreeMap;

record! {
    /// An open position.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Position {
        pub id: PositionId,
        pub account: AccountId,
        pub instrument: InstrumentId,
        pub side: Side,
        pub qty: i64,
        /// Sum of quantity × open price.
        pub cost: i128,
        /// Sum of quantity × margin price (`open` margin; refreshed at the rollover).
        pub margin_cost: i128,
        /// Rate of the margin currency stored with it; `None` while it was missing.
        pub margin_rate: Option<Rate>,
        pub opened: Ts,
        pub swap: Money,
        pub commission: Money,
        pub realised: Money,
        pub protection: Protection,
        /// Best closing price since it was opened, for trailing.
        pub best: i64,
        /// A protective price has fired and its close is under way.
        pub fired: bool,
        pub loss_on: bool,
        /// Its own margin, standing alone.
        pub margin: Money,
        pub trader: u32,
        pub desk: u32,
        pub strategy: u32,
    }
}

impl Position {
    /// Buyer's side.
    pub fn is_long(&self) -> bool {
        self.side == Side::Buy
    }

    /// Quantity with its sign.
    pub fn signed(&self) -> i128 {
        if self.is_long() {
            i128::from(self.qty)
        } else {
            -i128::from(self.qty)
        }
    }

    /// Average open price, rounded to a step.
    pub fn open_price(&self) -> Price {
        Price(div_round(self.cost, i128::from(self.qty.max(1))) as i64)
    }

    /// As it is told to the world.
    pub fn change(&self) -> PositionChange {
        PositionChange {
            id: self.id,
            account: self.account,
            instrument: self.instrument,
            side: self.side,
            qty: Qty(self.qty),
            open_price: self.open_price(),
            opened: self.opened,
            margin: self.margin,
            swap: self.swap,
            commission: self.commission,
            realised: self.realised,
            protection: self.protection,
        }
    }
}

/// Open positions in slots that are used again; slots never leave the machine.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    slots: Vec<Option<Position>>,
    free: Vec<u32>,
    index: BTreeMap<PositionId, u32>,
}

impl Positions {
    /// Takes a position in; its slot.
    pub fn insert(&mut self, position: Position) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.index.insert(position.id, slot);
        self.slots[slot as usize] = Some(position);
        slot
    }

    /// Removes it.
    pub fn remove(&mut self, slot: u32) {
        if let Some(position) = self.slots.get_mut(slot as usize).and_then(Option::take) {
            self.index.remove(&position.id);
            self.free.push(slot);
        }
    }

    /// The slot of an id.
    pub fn slot(&self, id: PositionId) -> Option<u32> {
        self.index.get(&id).copied()
    }

    /// The position in a slot.
    pub fn get(&self, slot: u32) -> Option<&Position> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut Position> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// The position with an id.
    pub fn find(&self, id: PositionId) -> Option<&Position> {
        self.get(self.slot(id)?)
    }

    /// All, by id.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Position)> {
        self.index
            .values()
            .filter_map(|slot| Some((*slot, self.get(*slot)?)))
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// None is open.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
}
