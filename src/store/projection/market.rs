use siaga_platform::db::{DbError, Tx};
use siaga_platform::source::Entry;
use siaga_platform::values::{bound, count, word};
use siaga_risk::event::{Bar, Ohlc, Output, TermsChange};
use siaga_risk::terms::InstrumentTerms;

use super::{column, newest};

pub(super) fn apply(tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), DbError> {
    let bars = entries.iter().filter_map(|entry| match &entry.output {
        Output::Bar(bar) if bar.closed => Some((entry.key.seq, bar)),
        _ => None,
    });
    write_bars(
        tx,
        &newest(bars, |(_, bar)| (bar.instrument, bar.span.tag(), bar.start)),
    )?;
    let instruments = entries.iter().filter_map(|entry| match &entry.output {
        Output::Terms(TermsChange::Instrument(terms)) => Some((entry.key.seq, terms.as_ref())),
        _ => None,
    });
    write_instruments(tx, &newest(instruments, |(_, terms)| terms.id))
}

fn write_bars(tx: &mut Tx<'_>, rows: &[(u64, &Bar)]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut query = sqlx::query(
        "INSERT INTO bars (instrument, span, start, ticks, volume, late, seq,
             bid_open, bid_high, bid_low, bid_close, ask_open, ask_high, ask_low, ask_close,
             mid2_open, mid2_high, mid2_low, mid2_close)
         SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
             $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
             $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[])
         ON CONFLICT (instrument, span, start) DO UPDATE SET
             ticks = excluded.ticks, volume = excluded.volume, late = excluded.late, seq = excluded.seq,
             bid_open = excluded.bid_open, bid_high = excluded.bid_high, bid_low = excluded.bid_low, bid_close = excluded.bid_close,
             ask_open = excluded.ask_open, ask_high = excluded.ask_high, ask_low = excluded.ask_low, ask_close = excluded.ask_close,
             mid2_open = excluded.mid2_open, mid2_high = excluded.mid2_high, mid2_low = excluded.mid2_low, mid2_close = excluded.mid2_close",
    )
    .bind(column(rows, |(_, bar)| i64::from(bar.instrument.0)))
    .bind(column(rows, |(_, bar)| i16::from(bar.span.tag())))
    .bind(column(rows, |(_, bar)| bound(bar.start)))
    .bind(column(rows, |(_, bar)| i64::from(bar.ticks)))
    .bind(column(rows, |(_, bar)| bar.volume.0))
    .bind(column(rows, |(_, bar)| i64::from(bar.late)))
    .bind(column(rows, |(seq, _)| count(*seq)));
    let prices: [fn(&Bar) -> &Ohlc; 3] = [|bar| &bar.bid, |bar| &bar.ask, |bar| &bar.mid];
    let corners: [fn(&Ohlc) -> i64; 4] = [|p| p.open, |p| p.high, |p| p.low, |p| p.close];
    for price in prices {
        for corner in corners {
            query = query.bind(column(rows, |(_, bar)| corner(price(bar))));
        }
    }
    tx.execute(query).map(drop)
}

fn write_instruments(tx: &mut Tx<'_>, rows: &[(u64, &InstrumentTerms)]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    tx.execute(
        sqlx::query(
            "INSERT INTO instruments (id, class, price_digits, qty_digits, base, quote, contract_size, contract_digits, trade_mode, leverage_max,
                 leverage, seq)
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::smallint[], $4::smallint[], $5::bigint[], $6::bigint[], $7::bigint[],
                 $8::smallint[], $9::text[], $10::bigint[], $11::text[]::numeric[], $12::bigint[])
             ON CONFLICT (id) DO UPDATE SET class = excluded.class, price_digits = excluded.price_digits,
                 qty_digits = excluded.qty_digits, base = excluded.base, quote = excluded.quote,
                 contract_size = excluded.contract_size, contract_digits = excluded.contract_digits,
                 trade_mode = excluded.trade_mode, leverage_max = excluded.leverage_max,
                 leverage = excluded.leverage, seq = excluded.seq",
        )
        .bind(column(rows, |(_, terms)| i64::from(terms.id.0)))
        .bind(column(rows, |(_, terms)| word(&terms.class)))
        .bind(column(rows, |(_, terms)| i16::from(terms.price_digits)))
        .bind(column(rows, |(_, terms)| i16::from(terms.qty_digits)))
        .bind(column(rows, |(_, terms)| i64::from(terms.base.0)))
        .bind(column(rows, |(_, terms)| i64::from(terms.quote.0)))
        .bind(column(rows, |(_, terms)| terms.contract_size))
        .bind(column(rows, |(_, terms)| i16::from(terms.contract_digits)))
        .bind(column(rows, |(_, terms)| word(&terms.trade_mode)))
        // What is before the point, for readers of before `leverage` was there.
        .bind(column(rows, |(_, terms)| count(terms.leverage_max.whole())))
        .bind(column(rows, |(_, terms)| terms.leverage_max.to_string()))
        .bind(column(rows, |(seq, _)| count(*seq))),
    )
    .map(drop)
}
