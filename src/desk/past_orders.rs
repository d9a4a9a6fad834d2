//! Orders of the past: the page of the database and what memory holds as one. Both read the log on their own: whoever has read further
//! says how an order stands.

use std::collections::BTreeMap;

use siaga_risk::event::{OrderChange, OutputKey};
use siaga_risk::ids::{AccountId, OrderId};

use super::handle::Handle;
use crate::gateway::core::CoreError;
use crate::gateway::events::OrdersHeld;
use crate::store::consumer::read_cursor;
use crate::store::db::{Actor, DbError, Tx};
use crate::store::projection::ReadModel;
use crate::store::read::{self, OrderPage, PAGE_MAX};

/// Orders of an account with an id below `before`, newest first. Memory answers alone where it holds all of them, and
/// where there is no database to ask.
///
/// # Errors
/// The database is not there, does not answer, or has not yet read what memory no longer holds: a page with holes would be
/// taken for the whole.
pub async fn orders(
    handle: &Handle,
    account: AccountId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<OrderChange>, CoreError> {
    let held = handle.events.orders_held(account, before, limit);
    let status = Handle::read(&*handle.store);
    if held.forgotten == OutputKey::default() || !status.is_configured() {
        return Ok(held.orders);
    }
    let Some(db) = Handle::read(&*handle.db) else {
        return Err(CoreError::Away(format!(
            "earlier orders are in the database, which is not there: {}",
            status.detail
        )));
    };
    let read = db.read(&Actor::SYSTEM, move |tx: &mut Tx<'_>| {
        stored(tx, account, before, limit)
    });
    let (applied, rows) = read.await.map_err(|error| silent(&error))?;
    // Looked at behind the rows: what changed since they were read is newer here.
    let held = handle.events.orders_held(account, before, limit);
    if applied < held.forgotten {
        let status = Handle::read(&*handle.store);
        return Err(CoreError::Away(format!(
            "the database has not read all earlier orders yet: {}; ask again in a moment",
            status.detail
        )));
    }
    merged(applied, &rows, held, limit)
}

/// How far the tables are, and the page.
fn stored(
    tx: &mut Tx<'_>,
    account: AccountId,
    before: Option<u64>,
    limit: usize,
) -> Result<(OutputKey, Vec<OrderPage>), DbError> {
    // First: rows that are written meanwhile are more than it says.
    let applied = read_cursor(tx, ReadModel::NAME)?;
    let (mut from, mut rows) = (before, Vec::new());
    while rows.len() < limit {
        let page = read::orders(tx, Some(account), from, PAGE_MAX)?;
        let ended = page.len() < PAGE_MAX as usize;
        from = page.last().map(|row| row.id.cast_unsigned());
        rows.extend(page);
        if ended {
            break;
        }
    }
    rows.truncate(limit);
    Ok((applied, rows))
}

/// The newest `limit` orders, each once; the rows are of `applied` or newer.
fn merged(
    applied: OutputKey,
    rows: &[OrderPage],
    held: OrdersHeld,
    limit: usize,
) -> Result<Vec<OrderChange>, CoreError> {
    let mut stored = Vec::with_capacity(rows.len());
    for row in rows {
        let order = read::order_of(row).ok_or_else(|| {
            let id = row.id;
            CoreError::NotAvailable(format!(
                "order {id} stands in the database as this version does not know it: start the newer one"
            ))
        })?;
        stored.push(order);
    }
    let (older, newer) = match applied >= held.newest {
        true => (held.orders, stored),
        false => (stored, held.orders),
    };
    let all = older.into_iter().chain(newer);
    let all: BTreeMap<OrderId, OrderChange> = all.map(|order| (order.id, order)).collect();
    Ok(all.into_values().rev().take(limit).collect())
}

fn silent(error: &DbError) -> CoreError {
    if error.may_retry() {
        tracing::debug!(%error, "earlier orders could not be read");
        return CoreError::Busy;
    }
    CoreError::Away(format!(
        "earlier orders are in the database, which does not answer: {error}"
    ))
}

#[cfg(test)]
mod tests {
    use siaga_risk::event::{NewOrder, OrderKind, OrderState, Origin, Protection, Side, Tif};
    use siaga_risk::ids::{InstrumentId, LinkId, PositionId};
    use siaga_risk::units::{Price, Qty, SECOND_NS, Ts};

    use super::*;

    fn row(id: i64) -> OrderPage {
        OrderPage {
            id,
            account: 8,
            instrument: 3,
            side: "sell".into(),
            kind: "stop_limit".into(),
            tif: "gtd".into(),
            qty: 100,
            price: Some(330_000),
            stop: Some(330_100),
            expires_us: Some(2_000_000),
            position: Some(5),
            reduce_only: true,
            stop_loss: Some(331_000),
            take_profit: None,
            trail: 40,
            client_id: vec![1; 16],
            trader: 1,
            desk: 2,
            strategy: 3,
            link: 4,
            origin: "take_profit".into(),
            state: "partly_filled".into(),
            filled: 60,
            filled_value: "19800000".into(),
            reason: 2_101,
            unbooked: 1,
            seen: 329_990,
            placed_us: 1_000_000,
            changed_us: 1_500_000,
        }
    }

    fn whole(id: u64) -> OrderChange {
        OrderChange {
            id: OrderId(id),
            state: OrderState::PartlyFilled,
            origin: Origin::TakeProfit,
            link: LinkId(4),
            filled: Qty(60),
            value: 19_800_000,
            reason: 2_101,
            unbooked: 1,
            seen: Price(329_990),
            placed: Ts(SECOND_NS),
            order: NewOrder {
                account: AccountId(8),
                instrument: InstrumentId(3),
                side: Side::Sell,
                kind: OrderKind::StopLimit,
                tif: Tif::Gtd,
                qty: Qty(100),
                price: Some(Price(330_000)),
                stop: Some(Price(330_100)),
                expires: Some(Ts(2 * SECOND_NS)),
                position: Some(PositionId(5)),
                reduce_only: true,
                slippage_max: Price(0),
                protection: Protection {
                    stop_loss: Some(Price(331_000)),
                    take_profit: None,
                    trailing: Price(40),
                },
                client_id: [1; 16],
                trader: 1,
                desk: 2,
                strategy: 3,
            },
        }
    }

    #[test]
    fn a_row_is_the_order_that_was_written() {
        let none = OrdersHeld::default();
        let told = merged(key(4), &[row(9)], none, 10);
        assert_eq!(told, Ok(vec![whole(9)]));
    }

    fn key(seq: u64) -> OutputKey {
        OutputKey { seq, index: 0 }
    }

    /// What memory holds that has read the log up to input 8.
    fn held(orders: &[OrderChange]) -> OrdersHeld {
        OrdersHeld {
            orders: orders.to_vec(),
            forgotten: key(4),
            newest: key(8),
        }
    }

    #[test]
    fn memory_lies_over_a_database_that_is_behind_it_and_no_order_comes_twice() {
        let rows = [row(9), row(7), row(5)];
        let newer = OrderChange {
            state: OrderState::Filled,
            filled: Qty(100),
            ..whole(7)
        };
        let orders = [whole(11), newer];
        let all = vec![whole(11), whole(9), newer, whole(5)];
        let told = |limit| merged(key(7), &rows, held(&orders), limit);
        assert_eq!(told(10), Ok(all.clone()));
        assert_eq!(told(3), Ok(all[..3].to_vec()));
    }

    #[test]
    fn a_database_that_has_read_as_far_lies_over_memory() {
        let behind = OrderChange {
            state: OrderState::Working,
            filled: Qty(0),
            ..whole(7)
        };
        let orders = [whole(11), behind];
        for applied in [key(8), key(9)] {
            let told = merged(applied, &[row(9), row(7)], held(&orders), 10);
            assert_eq!(told, Ok(vec![whole(11), whole(9), whole(7)]));
        }
    }

    #[test]
    fn a_row_of_a_newer_version_is_said_and_not_left_out() {
        let stranger = OrderPage {
            state: "postponed".into(),
            ..row(9)
        };
        let told = merged(key(4), &[stranger], OrdersHeld::default(), 10);
        let told = told.expect_err("it is not known");
        assert!(told.to_string().contains("order 9"), "{told}");
    }

    #[test]
    fn a_database_that_is_gone_is_no_empty_page() {
        assert_eq!(silent(&DbError::Busy), CoreError::Busy);
        assert!(matches!(silent(&DbError::Closed), CoreError::Away(_)));
    }
}
