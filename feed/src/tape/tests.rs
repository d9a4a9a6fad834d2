use super::*;
use crate::recordings;
use serde_json::Value;
use siaga_risk::units::{Price, Ts, pow10};
use std::io::Write;

fn open_recording(path: &str) -> Option<Tape> {
    let path = recordings::find(path)?;
    Some(
        open(&path, &Options::default())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    )
}

fn utc(ts: Ts) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(ts.0))
        .unwrap()
        .to_string()
}

fn clock_text(row: &Row) -> String {
    let ms = row.local_ms_of_day();
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1_000 % 60,
        ms % 1_000
    )
}

fn quote(row: &Row) -> (i64, i64) {
    match row.data {
        Data::Quote { bid, ask, .. } => (bid.0, ask.0),
        other => panic!("{other:?}"),
    }
}

/// A number of the facts at a scale; serde_json keeps the digits of the text.
fn scaled(value: &Value, digits: u8) -> i64 {
    crate::decimal::parse_exact(value.to_string().as_bytes(), digits).unwrap()
}

#[test]
fn tick_files_give_the_published_facts() {
    let Some(facts) = recordings::facts() else {
        return;
    };
    let ticks = facts["ticks"].as_object().unwrap();
    assert!(ticks.len() >= 6);
    for (name, fact) in ticks {
        let Some(tape) = open_recording(&format!("ticks/lean/{name}")) else {
            return;
        };
        let digits = tape.price_digits();
        assert_eq!(tape.kind(), Kind::Quotes);
        let rows: Vec<Row> = tape.map(|row| row.unwrap()).collect();
        assert_eq!(rows.len() as u64, fact["rows"].as_u64().unwrap(), "{name}");
        let (first, last) = (rows.first().unwrap(), rows.last().unwrap());
        for (row, fact) in [(first, &fact["first"]), (last, &fact["last"])] {
            let want = (scaled(&fact[1], digits), scaled(&fact[2], digits));
            assert_eq!(
                (clock_text(row).as_str(), quote(row)),
                (fact[0].as_str().unwrap(), want),
                "{name}"
            );
        }
        let crossed = rows
            .iter()
            .filter(|row| quote(row).0 > quote(row).1)
            .count() as u64;
        let locked = rows
            .iter()
            .filter(|row| quote(row).0 == quote(row).1)
            .count() as u64;
        assert_eq!(
            (crossed, locked),
            (
                fact["crossed"].as_u64().unwrap(),
                fact["locked"].as_u64().unwrap()
            ),
            "{name}"
        );
        let mid2 = |row: &&Row| quote(row).0 + quote(row).1;
        let doubled = |fact: &Value| scaled(&fact[0], digits + 1) / 5;
        assert_eq!(
            mid2(&rows.iter().min_by_key(mid2).unwrap()),
            doubled(&fact["min_mid"]),
            "{name}"
        );
        assert_eq!(
            mid2(&rows.iter().max_by_key(mid2).unwrap()),
            doubled(&fact["max_mid"]),
            "{name}"
        );
        let unordered = rows
            .windows(2)
            .filter(|pair| pair[1].ts < pair[0].ts)
            .count() as u64;
        assert_eq!(unordered, fact["out_of_order"].as_u64().unwrap(), "{name}");
    }
}

#[test]
fn two_brokers_clocks_land_on_the_same_minute() {
    // Payrolls of 2 May 2014: 12:30 UTC, whatever clock the file uses.
    for name in [
        "fxcm_EURUSD_20140502_tick.csv.gz",
        "oanda_EURUSD_20140502_tick.csv.gz",
    ] {
        let Some(tape) = open_recording(&format!("ticks/lean/{name}")) else {
            return;
        };
        let rows: Vec<Row> = tape.map(|row| row.unwrap()).collect();
        let minute = |row: &Row| utc(row.ts)[..16].to_owned();
        let mut busiest = std::collections::BTreeMap::<String, usize>::new();
        for row in &rows {
            *busiest.entry(minute(row)).or_default() += 1;
        }
        let (busiest, _) = busiest.iter().max_by_key(|(_, count)| **count).unwrap();
        assert_eq!(busiest, "2014-05-02T12:30", "{name}");
    }
}

#[test]
fn histdata_is_winter_time_of_new_york() {
    let Some(facts) = recordings::facts() else {
        return;
    };
    let fact = &facts["bars"]["histdata_EURUSD_20200101"];
    let Some(tape) = open_recording("ticks/histdata_EURUSD_20200101_tick.csv.gz") else {
        return;
    };
    assert_eq!((tape.symbol(), tape.price_digits()), ("EUR/USD", 5));
    let rows: Vec<Row> = tape.map(|row| row.unwrap()).collect();
    assert_eq!(rows.len() as u64, fact["rows"].as_u64().unwrap());
    assert_eq!(utc(rows[0].ts), fact["first_utc"].as_str().unwrap());
    assert_eq!(
        utc(rows.last().unwrap().ts),
        fact["last_utc"].as_str().unwrap()
    );
    let mids: Vec<i64> = rows.iter().map(|row| quote(row).0 + quote(row).1).collect();
    assert_eq!(*mids.iter().min().unwrap(), scaled(&fact["min_mid"], 6) / 5);
    assert_eq!(*mids.iter().max().unwrap(), scaled(&fact["max_mid"], 6) / 5);
}

#[test]
fn truefx_is_read_whole() {
    let Some(tape) = open_recording("ticks/truefx_USDJPY_20130101_tick.csv") else {
        return;
    };
    assert_eq!(
        (tape.symbol(), tape.price_digits(), tape.rows_total()),
        ("USD/JPY", 3, 1_000)
    );
    let rows: Vec<Row> = tape.map(|row| row.unwrap()).collect();
    assert_eq!(utc(rows[0].ts), "2013-01-01T22:00:00.295Z");
    let low = rows
        .iter()
        .map(|row| quote(row).0 + quote(row).1)
        .min()
        .unwrap();
    assert_eq!(low, 2 * 86_691 + 1, "86.6915 doubled");
}

fn bars(path: &str) -> Option<(u8, Vec<(Row, Bar)>)> {
    let tape = open_recording(path)?;
    assert_eq!(tape.kind(), Kind::Bars);
    let digits = tape.price_digits();
    let rows = tape.map(|row| row.unwrap()).map(|row| match row.data {
        Data::Bar(bar) => (row, bar),
        other => panic!("{other:?}"),
    });
    Some((digits, rows.collect()))
}

/// The bar with the largest (high - low) / low, compared by cross products.
fn widest(rows: &[(Row, Bar)], side: impl Fn(&Bar) -> Option<Ohlc>) -> (Row, Ohlc) {
    let mut best: Option<(Row, Ohlc)> = None;
    for (row, bar) in rows {
        let Some(ohlc) = side(bar) else { continue };
        let wider = best.is_none_or(|(_, known)| {
            let (a, b) = (
                i128::from(ohlc.high.0 - ohlc.low.0),
                i128::from(known.high.0 - known.low.0),
            );
            a * i128::from(known.low.0) > b * i128::from(ohlc.low.0)
        });
        if wider {
            best = Some((*row, ohlc));
        }
    }
    best.unwrap()
}

#[test]
fn metatrader_hours_are_points_in_server_time() {
    let Some((digits, rows)) = bars("ticks/mt5_USDCHF_h1_2012-2022.csv.gz") else {
        return;
    };
    assert_eq!((digits, rows.len()), (5, 57_600));
    let (row, ohlc) = widest(&rows, |bar| bar.bid);
    assert_eq!(
        (utc(row.ts).as_str(), ohlc.low.0, ohlc.high.0),
        ("2015-01-15T09:00:00Z", 81_941, 102_189)
    );

    let Some((digits, rows)) = bars("ticks/mt5_AUDJPY_h1_2012-2022.csv.gz") else {
        return;
    };
    assert_eq!((digits, rows.len()), (3, 57_600));
    let (row, _) = widest(&rows, |bar| bar.bid);
    assert_eq!(utc(row.ts), "2016-06-24T02:00:00Z");
}

#[test]
fn exchange_minutes_keep_both_sides() {
    let Some(facts) = recordings::facts() else {
        return;
    };
    let empty_sides = &facts["bars"]["comex_GCZ3"]["quote_rows_with_an_empty_side"];
    for (day, want_empty) in ["20131007", "20131008", "20131009", "20131010"]
        .iter()
        .zip(empty_sides.as_array().unwrap())
    {
        let fact = &facts["bars"]["comex_GCZ3"][*day];
        let Some((_, rows)) = bars(&format!("ticks/lean/comex_GCZ3_{day}_minute_trade.csv.gz"))
        else {
            return;
        };
        assert_eq!(rows.len() as u64, fact["rows"].as_u64().unwrap());
        let volume: i64 = rows.iter().map(|(_, bar)| bar.volume.unwrap().0).sum();
        assert_eq!(volume, fact["vol"].as_i64().unwrap());
        let Some((_, rows)) = bars(&format!("ticks/lean/comex_GCZ3_{day}_minute_quote.csv.gz"))
        else {
            return;
        };
        let empty = rows
            .iter()
            .filter(|(_, bar)| bar.bid.is_none() || bar.ask.is_none())
            .count() as u64;
        assert_eq!(empty, want_empty.as_u64().unwrap(), "{day}");
    }
}

#[test]
fn minutes_of_futures_and_of_a_broker() {
    let Some((digits, rows)) = bars("ticks/ftx_BTC-PERP_1m_20220101-20220114.csv.gz") else {
        return;
    };
    let scale = pow10(digits);
    assert_eq!(rows.len(), 20_219);
    let (row, ohlc) = widest(&rows, |bar| bar.last);
    assert_eq!(
        (&utc(row.ts)[..16], ohlc.low.0, ohlc.high.0),
        ("2022-01-07T08:27", 41_741 * scale, 42_869 * scale)
    );

    let Some((_, rows)) = bars("ticks/fxcm_USDJPY_m1_bid_201302.csv.gz") else {
        return;
    };
    assert_eq!(rows.len(), 28_761);
    let (row, ohlc) = widest(&rows, |bar| bar.bid);
    assert_eq!(
        (&utc(row.ts)[..16], ohlc.low.0, ohlc.high.0),
        ("2013-02-12T13:56", 93_414, 94_268)
    );

    let Some((_, rows)) = bars("ticks/lean/oanda_XAUUSD_daily.csv.gz") else {
        return;
    };
    assert!(
        rows.iter()
            .all(|(_, bar)| bar.bid.is_some() && bar.ask.is_some())
    );
}

#[test]
fn oil_below_zero_is_a_price() {
    let Some((digits, rows)) = bars("ticks/oil_wti_daily.csv.gz") else {
        return;
    };
    assert_eq!((digits, rows.len()), (2, 10_226));
    let negative: Vec<_> = rows
        .iter()
        .filter(|(_, bar)| bar.last.unwrap().close.0 < 0)
        .collect();
    assert_eq!(negative.len(), 1);
    assert_eq!(
        (
            &utc(negative[0].0.ts)[..10],
            negative[0].1.last.unwrap().close
        ),
        ("2020-04-20", Price(-3_698))
    );
}

#[test]
fn the_atom_flash_is_71_aggregates_in_one_instant() {
    let Some(tape) = open_recording("ticks/binance_ATOMUSDT_flash_20251010.csv") else {
        return;
    };
    assert_eq!(
        (
            tape.symbol(),
            tape.kind(),
            tape.price_digits(),
            tape.qty_digits()
        ),
        ("ATOM/USDT", Kind::Trades, 3, 3)
    );
    let rows: Vec<Row> = tape.map(|row| row.unwrap()).collect();
    let trades: Vec<(i64, i64, u32)> = rows
        .iter()
        .map(|row| match row.data {
            Data::Trade {
                price, qty, prints, ..
            } => (price.0, qty.0, prints),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        (
            trades.len(),
            trades.iter().map(|trade| trade.2).sum::<u32>()
        ),
        (71, 92)
    );
    assert_eq!(trades.iter().map(|trade| trade.1).sum::<i64>(), 9_695_330);
    assert_eq!((trades[0].0, trades[70].0), (1_688, 1));
    assert!(
        rows.iter()
            .all(|row| utc(row.ts) == "2025-10-10T21:20:37.689043Z")
    );
}

fn written(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    File::create(&path).unwrap().write_all(content).unwrap();
    (dir, path)
}

#[test]
fn a_bad_line_is_an_error_and_the_next_goes_on() {
    let long = vec![b'1'; LINE_BYTES_MAX * 3];
    let mut content = b"10,1.1,1.2\n20,NaN,1.2\n30,1.1\n\n99999999999,1,1\n".to_vec();
    content.extend_from_slice(&long);
    content.extend_from_slice(b"\n40,1.1,1.3");
    let (_dir, path) = written("oanda_EURUSD_20140502_tick.csv", &content);
    let rows: Vec<_> = open(&path, &Options::default()).unwrap().collect();
    assert_eq!(rows.len(), 6);
    assert!(rows[0].is_ok() && rows[5].is_ok());
    let text = |index: usize| rows[index].as_ref().unwrap_err().to_string();
    assert_eq!(text(1), "line 2 (row 2): column 2: not a decimal number");
    assert!(
        text(2).ends_with("2 columns where the format has 3 to 4"),
        "{}",
        text(2)
    );
    assert!(
        text(3).starts_with("line 5 (row 4): column 1"),
        "{}",
        text(3)
    );
    assert!(text(4).contains("longer"), "{}", text(4));
}

#[test]
fn what_is_no_recording_says_so() {
    let (_dir, path) = written("notes.txt", b"dear diary\n");
    let error = open(&path, &Options::default()).err().unwrap().to_string();
    assert!(
        error.contains("dear diary") && error.contains("HistData"),
        "{error}"
    );
    let (_dir, path) = written("empty.csv", b"");
    assert!(matches!(
        open(&path, &Options::default()),
        Err(TapeError::Empty(_))
    ));
    let (_dir, path) = written("oanda_EURUSD_20140502_tick.csv", b"1,1.12345678901,1.2\n");
    assert!(matches!(
        open(&path, &Options::default()),
        Err(TapeError::TooFine {
            line: 1,
            row: 1,
            digits: 11
        })
    ));
    assert!(matches!(
        open(Path::new("/nowhere/x.csv"), &Options::default()),
        Err(TapeError::Read { .. })
    ));
}

#[test]
fn public_dumps_of_an_exchange_are_read() {
    let (_dir, path) = written(
        "BTCUSDT_20250101_aggTrades.csv",
        b"3358734801,93548.8,0.00114,4358113181,4358113183,1735689600044568,True,True\n",
    );
    let row = open(&path, &Options::default())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(utc(row.ts), "2025-01-01T00:00:00.044568Z");
    assert!(matches!(
        row.data,
        Data::Trade {
            price: Price(935_488),
            prints: 3,
            ..
        }
    ));
    let (_dir, path) = written(
        "BTCUSDT_bookTicker.csv",
        b"update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n1,42.10,3.5,42.2,1,1700000000123,1700000000125\n",
    );
    let tape = open(&path, &Options::default()).unwrap();
    assert_eq!((tape.price_digits(), tape.qty_digits()), (1, 1));
    let row = tape.into_iter().next().unwrap().unwrap();
    assert_eq!(quote(&row), (421, 422));
    assert!(row.input(InstrumentId(1), SourceId(5)).is_some());
}

#[test]
fn a_price_larger_than_the_machine_uses_is_a_bad_row() {
    let content = b"1000,1.39000,1.39010\n2000,92233720368547.75807,-92233720368547.75807\n";
    let (_dir, path) = written("oanda_EURUSD_20140502_tick.csv", content);
    let rows: Vec<_> = open(&path, &Options::default()).unwrap().collect();
    assert!(rows[0].is_ok());
    let error = rows[1].as_ref().unwrap_err().to_string();
    assert_eq!(error, "line 2 (row 2): column 2: too large for its scale");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    let iso = "timestamp,bid,ask\n\
        2013-01-01 22:00:00+00:00,1.3,1.4\n\
        2013-01-01 22:00:01+00:00,1.3,1.4\n";
    let lean = "1000,1.39000,1.39010\n2000,1.39000,1.39010\n";
    for (name, content) in [
        ("oanda_EURUSD_20140502_tick.csv", lean),
        ("truefx_EURUSD_20130104.csv", iso),
    ] {
        let marked = format!("\u{feff}{content}");
        let (_dir, path) = written(name, marked.as_bytes());
        let mut tape = open(&path, &Options::default()).unwrap();
        assert_eq!(tape.rows_total(), 2, "{name}");
        assert!(tape.all(|row| row.is_ok()), "{name}");
    }
}

#[test]
fn a_bar_whose_high_is_below_its_low_is_a_bad_row() {
    let content = b"timestamp,open,high,low,close\n\n\
        2013-02-01 00:00:00+00:00,91.7,91.6,91.8,91.7\n\
        2013-02-01 00:01:00+00:00,91.7,91.8,91.6,91.7\n";
    let (_dir, path) = written("fxcm_USDJPY_m1_bid.csv", content);
    let rows: Vec<_> = open(&path, &Options::default()).unwrap().collect();
    let error = rows[0].as_ref().unwrap_err().to_string();
    assert_eq!(error, "line 3 (row 1): column 3: the high is below the low");
    assert!(rows[1].is_ok());
    let content = b"Date,open,high,low,close,tick_volume\r\n\
        2012-11-15 23:00:00,83841.0,83755.0,83787.0,83794.0,2377\r\n";
    let (_dir, path) = written("mt5_EURUSD_h1.csv", content);
    let mut rows = open(&path, &Options::default()).unwrap();
    assert!(rows.next().is_some_and(|row| row.is_err()));
}
