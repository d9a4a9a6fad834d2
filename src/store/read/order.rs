use std::fmt::Debug;

use siaga_platform::values::{from_micros, word};
use siaga_risk::event::{
    NewOrder, OrderChange, OrderKind, OrderState, Origin, Protection, Side, Tif,
};
use siaga_risk::ids::{AccountId, InstrumentId, LinkId, OrderId, PositionId};
use siaga_risk::units::{Price, Qty};

use super::OrderPage;

/// The order of a row; `None` when this version does not know what stands there.
///
/// How far it might slip is in no row: it counts while the order is sent, and no answer tells it.
pub fn order_of(row: &OrderPage) -> Option<OrderChange> {
    let order = NewOrder {
        account: AccountId(u32::try_from(row.account).ok()?),
        instrument: InstrumentId(u32::try_from(row.instrument).ok()?),
        side: named(Side::ALL, &row.side)?,
        kind: named(OrderKind::ALL, &row.kind)?,
        tif: named(Tif::ALL, &row.tif)?,
        qty: Qty(row.qty),
        price: row.price.map(Price),
        stop: row.stop.map(Price),
        expires: row.expires_us.map(from_micros),
        position: row.position.map(|id| PositionId(id.cast_unsigned())),
        reduce_only: row.reduce_only,
        slippage_max: Price(0),
        protection: Protection {
            stop_loss: row.stop_loss.map(Price),
            take_profit: row.take_profit.map(Price),
            trailing: Price(row.trail),
        },
        client_id: row.client_id.as_slice().try_into().ok()?,
        trader: u32::try_from(row.trader).ok()?,
        desk: u32::try_from(row.desk).ok()?,
        strategy: u32::try_from(row.strategy).ok()?,
    };
    Some(OrderChange {
        id: OrderId(row.id.cast_unsigned()),
        state: named(OrderState::ALL, &row.state)?,
        origin: named(Origin::ALL, &row.origin)?,
        link: LinkId(u16::try_from(row.link).ok()?),
        filled: Qty(row.filled),
        value: row.filled_value.parse().ok()?,
        reason: u16::try_from(row.reason).ok()?,
        unbooked: u32::try_from(row.unbooked).ok()?,
        seen: Price(row.seen),
        placed: from_micros(row.placed_us),
        order,
    })
}

/// The variant of a stored name.
fn named<T: Copy + Debug>(all: &[T], stored: &str) -> Option<T> {
    all.iter().copied().find(|variant| word(variant) == stored)
}
