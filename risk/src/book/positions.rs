//! Positions and where they are kept: packed by how often each part is read, handed out whole.

mod index;
mod packed;
mod store;

pub use index::Index;
pub use packed::BYTES as ENCODED_BYTES;
pub use store::{Positions, Taken};

use crate::convert::Rate;
use crate::event::*;
use crate::ids::*;
use crate::units::*;

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
    /// Sum of quantity × size of the margin price (`open` margin; refreshed at the rollover): fills on both sides of zero
    /// do not cancel out.
    pub margin_cost: i128,
    /// Rate of the margin currency stored with it; `None` while it was missing.
    pub margin_rate: Option<Rate>,
    pub opened: Ts,
    pub swap: Money,
    pub commission: Money,
    pub realised: Money,
    pub protection: Protection,
    /// It has had a protective price, so its broker may know one.
    pub told: bool,
    /// Best closing price since a trailing stop was set; 0 without one.
    pub best: i64,
    /// The protective price that has fired, while the whole position is being closed for it.
    pub fired: Option<ProtectiveKind>,
    pub loss_on: bool,
    /// Its own margin, standing alone.
    pub margin: Money,
    pub trader: u32,
    pub desk: u32,
    pub strategy: u32,
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

    /// Where a trailing stop counts from: its best price, or its open price while it has none.
    pub fn best_or(&self, open_price: Price) -> i64 {
        match self.protection.trailing {
            Price(0) => open_price.0,
            _ => self.best,
        }
    }

    /// As it is told to the world.
    pub fn change(&self, open_price: Price) -> PositionChange {
        PositionChange {
            id: self.id,
            account: self.account,
            instrument: self.instrument,
            side: self.side,
            qty: Qty(self.qty),
            open_price,
            opened: self.opened,
            margin: self.margin,
            swap: self.swap,
            commission: self.commission,
            realised: self.realised,
            protection: self.protection,
        }
    }
}
