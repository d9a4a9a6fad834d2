use siaga_platform::db::{DbError, Tx};
use siaga_platform::source::Entry;
use siaga_platform::values::{bound, count, word};
use siaga_risk::event::{CashBooked, Deal, OrderChange, Output, OutputKey, PositionChange};
use siaga_risk::units::Ts;

use super::{column, newest};

/// A row, where it comes from and when.
type Keyed<'a, R> = (OutputKey, Ts, &'a R);

pub(super) fn apply(tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), DbError> {
    let orders = pick(entries, |output| match output {
        Output::Order(change) => Some(change),
        _ => None,
    });
    write_orders(tx, &newest(orders, |(_, _, change)| change.id))?;
    let deals = pick(entries, |output| match output {
        Output::Deal(deal) => Some(deal),
        _ => None,
    });
    write_deals(tx, &deals)?;
    let closed = pick(entries, |output| match output {
        Output::Position(position) if position.qty.0 == 0 => Some(position),
        _ => None,
    });
    write_closed_positions(tx, &newest(closed, |(_, _, position)| position.id))?;
    let cash = pick(entries, |output| match output {
        Output::Cash(booked) => Some(booked),
        _ => None,
    });
    write_cash(tx, &cash)
}

fn pick<R>(entries: &[Entry], wanted: fn(&Output) -> Option<&R>) -> Vec<Keyed<'_, R>> {
    entries
        .iter()
        .filter_map(|entry| wanted(&entry.output).map(|row| (entry.key, entry.ts, row)))
        .collect()
}

fn write_orders(tx: &mut Tx<'_>, rows: &[Keyed<'_, OrderChange>]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    tx.execute(
        sqlx::query(
            "INSERT INTO orders (id, account, instrument, link, side, kind, tif, qty, price, stop, expires, position, reduce_only,
                 stop_loss, take_profit, trail, client_id, trader, desk, strategy, origin, state, filled, filled_value, reason,
                 seen, placed, changed, seq, index, unbooked)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::bigint[],
                 $9::bigint[], $10::bigint[], $11::timestamptz[], $12::bigint[], $13::boolean[], $14::bigint[], $15::bigint[],
                 $16::bigint[], $17::bytea[], $18::bigint[], $19::bigint[], $20::bigint[], $21::text[], $22::text[], $23::bigint[],
                 $24::text[]::numeric[], $25::integer[], $26::bigint[], $27::timestamptz[], $28::timestamptz[], $29::bigint[], $30::bigint[],
                 $31::bigint[])
             ON CONFLICT (id) DO UPDATE SET link = excluded.link, qty = excluded.qty, price = excluded.price, stop = excluded.stop,
                 expires = excluded.expires, position = excluded.position, stop_loss = excluded.stop_loss,
                 take_profit = excluded.take_profit, trail = excluded.trail, state = excluded.state, filled = excluded.filled,
                 filled_value = excluded.filled_value, reason = excluded.reason, changed = excluded.changed,
                 seq = excluded.seq, index = excluded.index, unbooked = excluded.unbooked",
        )
        .bind(column(rows, |(_, _, change)| count(change.id.0)))
        .bind(column(rows, |(_, _, change)| i64::from(change.order.account.0)))
        .bind(column(rows, |(_, _, change)| i64::from(change.order.instrument.0)))
        .bind(column(rows, |(_, _, change)| i32::from(change.link.0)))
        .bind(column(rows, |(_, _, change)| word(&change.order.side)))
        .bind(column(rows, |(_, _, change)| word(&change.order.kind)))
        .bind(column(rows, |(_, _, change)| word(&change.order.tif)))
        .bind(column(rows, |(_, _, change)| change.order.qty.0))
        .bind(column(rows, |(_, _, change)| change.order.price.map(|price| price.0)))
        .bind(column(rows, |(_, _, change)| change.order.stop.map(|price| price.0)))
        .bind(column(rows, |(_, _, change)| change.order.expires.map(bound)))
        .bind(column(rows, |(_, _, change)| change.order.position.map(|id| count(id.0))))
        .bind(column(rows, |(_, _, change)| change.order.reduce_only))
        .bind(column(rows, |(_, _, change)| change.order.protection.stop_loss.map(|price| price.0)))
        .bind(column(rows, |(_, _, change)| change.order.protection.take_profit.map(|price| price.0)))
        .bind(column(rows, |(_, _, change)| change.order.protection.trailing.0))
        .bind(column(rows, |(_, _, change)| change.order.client_id.as_slice()))
        .bind(column(rows, |(_, _, change)| i64::from(change.order.trader)))
        .bind(column(rows, |(_, _, change)| i64::from(change.order.desk)))
        .bind(column(rows, |(_, _, change)| i64::from(change.order.strategy)))
        .bind(column(rows, |(_, _, change)| word(&change.origin)))
        .bind(column(rows, |(_, _, change)| word(&change.state)))
        .bind(column(rows, |(_, _, change)| change.filled.0))
        .bind(column(rows, |(_, _, change)| change.value.to_string()))
        .bind(column(rows, |(_, _, change)| i32::from(change.reason)))
        .bind(column(rows, |(_, _, change)| change.seen.0))
        .bind(column(rows, |(_, _, change)| bound(change.placed)))
        .bind(column(rows, |(_, ts, _)| bound(*ts)))
        .bind(column(rows, |(key, _, _)| count(key.seq)))
        .bind(column(rows, |(key, _, _)| i64::from(key.index)))
        .bind(column(rows, |(_, _, change)| i64::from(change.unbooked))),
    )
    .map(drop)
}

fn write_deals(tx: &mut Tx<'_>, rows: &[Keyed<'_, Deal>]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    tx.execute(
        sqlx::query(
            "INSERT INTO deals (seq, index, time, order_id, account, instrument, position, side, qty, price, commission, realised,
                 balance, origin, exec)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                 $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::bytea[])
             ON CONFLICT (seq, index) DO NOTHING",
        )
        .bind(column(rows, |(key, _, _)| count(key.seq)))
        .bind(column(rows, |(key, _, _)| i64::from(key.index)))
        .bind(column(rows, |(_, ts, _)| bound(*ts)))
        .bind(column(rows, |(_, _, deal)| count(deal.order.0)))
        .bind(column(rows, |(_, _, deal)| i64::from(deal.account.0)))
        .bind(column(rows, |(_, _, deal)| i64::from(deal.instrument.0)))
        .bind(column(rows, |(_, _, deal)| count(deal.position.0)))
        .bind(column(rows, |(_, _, deal)| word(&deal.side)))
        .bind(column(rows, |(_, _, deal)| deal.qty.0))
        .bind(column(rows, |(_, _, deal)| deal.price.0))
        .bind(column(rows, |(_, _, deal)| deal.commission.0))
        .bind(column(rows, |(_, _, deal)| deal.realised.0))
        .bind(column(rows, |(_, _, deal)| deal.balance.0))
        .bind(column(rows, |(_, _, deal)| word(&deal.origin)))
        .bind(column(rows, |(_, _, deal)| deal.exec.as_slice())),
    )
    .map(drop)
}

fn write_closed_positions(
    tx: &mut Tx<'_>,
    rows: &[Keyed<'_, PositionChange>],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    tx.execute(
        sqlx::query(
            "INSERT INTO positions_closed (id, account, instrument, side, open_price, opened, closed, swap, commission, realised, seq)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[],
                 $7::timestamptz[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
             ON CONFLICT (id) DO UPDATE SET closed = excluded.closed, swap = excluded.swap, commission = excluded.commission,
                 realised = excluded.realised, seq = excluded.seq",
        )
        .bind(column(rows, |(_, _, position)| count(position.id.0)))
        .bind(column(rows, |(_, _, position)| i64::from(position.account.0)))
        .bind(column(rows, |(_, _, position)| i64::from(position.instrument.0)))
        .bind(column(rows, |(_, _, position)| word(&position.side)))
        .bind(column(rows, |(_, _, position)| position.open_price.0))
        .bind(column(rows, |(_, _, position)| bound(position.opened)))
        .bind(column(rows, |(_, ts, _)| bound(*ts)))
        .bind(column(rows, |(_, _, position)| position.swap.0))
        .bind(column(rows, |(_, _, position)| position.commission.0))
        .bind(column(rows, |(_, _, position)| position.realised.0))
        .bind(column(rows, |(key, _, _)| count(key.seq))),
    )
    .map(drop)
}

/// One side of a movement.
struct Leg<'a> {
    key: OutputKey,
    ts: Ts,
    booked: &'a CashBooked,
    is_house: bool,
}

/// Both legs of every movement in one statement: they sum to zero or are not there.
fn write_cash(tx: &mut Tx<'_>, rows: &[Keyed<'_, CashBooked>]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let legs = rows.iter().flat_map(|&(key, ts, booked)| {
        [false, true].map(|is_house| Leg {
            key,
            ts,
            booked,
            is_house,
        })
    });
    let legs: Vec<Leg<'_>> = legs.collect();
    let kind = |leg: &Leg<'_>| word(&leg.booked.cash.kind);
    tx.execute(
        sqlx::query(
            "INSERT INTO cash_movements (seq, index, leg, time, account, book, kind, amount, balance, credit, reference)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::timestamptz[], $5::bigint[], $6::text[], $7::text[],
                 $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
             ON CONFLICT (seq, index, leg) DO NOTHING",
        )
        .bind(column(&legs, |leg| count(leg.key.seq)))
        .bind(column(&legs, |leg| i64::from(leg.key.index)))
        .bind(column(&legs, |leg| i16::from(leg.is_house)))
        .bind(column(&legs, |leg| bound(leg.ts)))
        .bind(column(&legs, |leg| i64::from(leg.booked.cash.account.0)))
        .bind(column(&legs, |leg| if leg.is_house { format!("house:{}", kind(leg)) } else { "account".to_owned() }))
        .bind(column(&legs, kind))
        .bind(column(&legs, |leg| if leg.is_house { -leg.booked.cash.amount.0 } else { leg.booked.cash.amount.0 }))
        .bind(column(&legs, |leg| (!leg.is_house).then_some(leg.booked.balance.0)))
        .bind(column(&legs, |leg| (!leg.is_house).then_some(leg.booked.credit.0)))
        .bind(column(&legs, |leg| count(leg.booked.cash.reference))),
    )
    .map(drop)
}
