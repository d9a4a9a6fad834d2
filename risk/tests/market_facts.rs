//! The recorded days through the market: every fact that was computed independently must come out.

mod recordings;

use recordings::{read, scaled};
use serde_json::Value;
use siaga_risk::codec::{decode, encode};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::market::Market;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::TapeView;

const ID: InstrumentId = InstrumentId(0);
const SOURCE: SourceId = SourceId(0);

const FILES: [(&str, usize, [i64; 2]); 6] = [
    ("fxcm_EURUSD_20140502_tick.csv.gz", 5, [10, 20]),
    ("fxcm_EURUSD_20140508_tick.csv.gz", 5, [10, 20]),
    ("oanda_EURUSD_20140502_tick.csv.gz", 5, [10, 20]),
    ("oanda_EURUSD_20140508_tick.csv.gz", 5, [10, 20]),
    ("oanda_XAUUSD_20140502_tick.csv.gz", 3, [25, 50]),
    ("oanda_XAUUSD_20140509_tick.csv.gz", 3, [25, 50]),
];

/// A market with one open instrument, filters off, crossed quotes accepted.
fn market(digits: usize, thresholds: [i64; 2]) -> Market {
    let mut market = Market::default();
    for id in 0..2 {
        let currency = CurrencyTerms {
            id: CurrencyId(id),
            digits: 2,
            pivot: 0,
        };
        market.set_currency(&currency).unwrap();
    }
    let source = SourceTerms {
        id: SOURCE,
        kind: SourceKind::Datafeed,
        crossed: Crossed::Accept,
        filtered: false,
    };
    market.set_source(&source).unwrap();
    let class = if digits == 3 {
        AssetClass::Metal
    } else {
        AssetClass::Forex
    };
    let mut terms =
        InstrumentTerms::of_class(ID, class, CurrencyId(0), CurrencyId(1), digits as u8);
    terms.feeds = vec![Feed {
        source: SOURCE,
        timeout_ns: 10 * SECOND_NS,
    }];
    terms.halt.alert = Ratio::basis_points(thresholds[0]);
    terms.watch = vec![Ratio::basis_points(thresholds[1])];
    market.set_instrument(&terms).unwrap();
    market.record_tape(true);
    let session = Session {
        instrument: ID,
        open: true,
        at: Ts(0),
        until: Ts(u64::MAX),
    };
    market.on_session(&session, Ts(0), &mut Vec::new()).unwrap();
    market
}

fn quotes(text: &str, digits: usize) -> impl Iterator<Item = Quote> {
    text.lines().map(move |line| {
        let mut fields = line.split(',');
        let mut field = |digits| scaled(fields.next().expect("three fields"), digits);
        Quote {
            ts: Ts(field(6) as u64),
            bid: Price(field(digits)),
            ask: Price(field(digits)),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: NO_VENUE_TIME,
            instrument: ID,
            source: SOURCE,
            merged: 0,
            kind: QuoteKind::Firm,
        }
    })
}

/// Runs a day and one more to close its bars.
fn run(market: &mut Market, quotes: impl Iterator<Item = Quote>, out: &mut Vec<Output>) {
    let mut effects = Vec::new();
    let mut step = Vec::new();
    for quote in quotes {
        market.on_quote(&quote, quote.ts, &mut step);
        market.take_effects(&mut effects);
        effects.clear();
        out.extend(step.drain(..).filter(Output::is_durable));
    }
    market.on_clock(Ts(2 * DAY_NS), out);
}

fn clock(ts: Ts) -> String {
    let ms = (ts.0 + 500_000) / 1_000_000;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1_000 % 60,
        ms % 1_000
    )
}

fn minute(ts: Ts) -> String {
    clock(ts)[..5].to_owned()
}

/// `part / whole` in percent with four digits.
fn percent(part: i64, whole: i64) -> String {
    let share = div_round(i128::from(part) * 1_000_000, i128::from(whole));
    let (sign, share) = (if share < 0 { "-" } else { "" }, share.abs());
    format!("{sign}{}.{:04}%", share / 10_000, share % 10_000)
}

/// A number of the facts as twice its integer of `10^-digits` (half steps are exact).
fn doubled(value: &Value, digits: usize) -> i64 {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let text = text
        .strip_suffix("e-05")
        .map_or(text.clone(), |lead| format!("0.0000{lead}"));
    let ten = scaled(&text, digits + 3);
    i64::try_from(div_round(i128::from(ten) * 2, 1_000)).unwrap()
}

fn check_counts(tape: &TapeView, facts: &Value, file: &str) {
    let detail = tape.detail.as_ref().expect("recorded");
    for (name, got) in [
        ("rows", tape.quotes),
        ("minutes_with_ticks", detail.minutes_with_ticks),
        ("out_of_order", tape.out_of_order),
        ("same_ts_as_prev", tape.same_time),
        ("same_quote_as_prev", tape.same_quote),
        ("crossed", tape.crossed),
        ("locked", tape.locked),
    ] {
        assert_eq!(Some(got), facts[name].as_u64(), "{file} {name}");
    }
}

fn check_extremes(tape: &TapeView, facts: &Value, digits: usize, file: &str) {
    let detail = tape.detail.as_ref().expect("recorded");
    for (name, got) in [("min_mid", tape.mid2_min), ("max_mid", tape.mid2_max)] {
        let (mid2, ts) = got.unwrap();
        assert_eq!(mid2, doubled(&facts[name][0], digits), "{file} {name}");
        assert_eq!(clock(ts), facts[name][1], "{file} {name}");
    }
    let (spread, _) = tape.spread_max.unwrap();
    assert_eq!(
        spread * 2,
        doubled(&facts["max_spread"][0], digits),
        "{file}"
    );
    // The facts compared floating-point numbers, so of equal spreads they may name another than the first.
    let widest: Vec<String> = detail.widest.iter().map(|row| clock(row.0)).collect();
    assert!(
        widest.iter().any(|ts| *ts == facts["max_spread"][1]),
        "{file} {widest:?}"
    );
    assert_eq!(
        detail.spread_median_x2,
        Some(doubled(&facts["median_spread"], digits)),
        "{file}"
    );
    let (gap_ns, from) = tape.gap_max.unwrap();
    let gap_ms = (gap_ns + 500_000) / 1_000_000;
    assert_eq!(
        gap_ms as i64,
        scaled(&facts["longest_gap_s"][0].to_string(), 3),
        "{file}"
    );
    assert_eq!(
        format!("from {}", clock(from)),
        facts["longest_gap_s"][1],
        "{file}"
    );
    for (name, row) in [("first", detail.first), ("last", detail.last)] {
        let (ts, bid, ask) = row.unwrap();
        assert_eq!(clock(ts), facts[name][0], "{file} {name}");
        assert_eq!(bid.0 * 2, doubled(&facts[name][1], digits), "{file} {name}");
        assert_eq!(ask.0 * 2, doubled(&facts[name][2], digits), "{file} {name}");
    }
}

fn check_minutes(tape: &TapeView, facts: &Value, digits: usize, file: &str) {
    let detail = tape.detail.as_ref().expect("recorded");
    let (start, low, high) = detail.minute_range_max.unwrap();
    let range = &facts["biggest_minute_range"];
    assert_eq!(minute(start), range[0], "{file}");
    assert_eq!(
        (low, high),
        (doubled(&range[1], digits), doubled(&range[2], digits)),
        "{file}"
    );
    assert_eq!(percent(high - low, low), range[3], "{file}");
    let (start, from, to) = detail.minute_change_max.unwrap();
    let change = &facts["biggest_minute_close_to_close"];
    assert_eq!(minute(start), change[0], "{file}");
    assert_eq!(percent(to - from, from), change[1], "{file}");
    let (second, ticks) = detail.busiest_second.unwrap();
    assert_eq!(clock(second)[..8], facts["busiest_second"][0], "{file}");
    assert_eq!(Some(ticks), facts["busiest_second"][1].as_u64(), "{file}");
    let (start, ticks) = detail.busiest_minute.unwrap();
    assert_eq!(minute(start), facts["busiest_minute"][0], "{file}");
    assert_eq!(Some(ticks), facts["busiest_minute"][1].as_u64(), "{file}");
}

fn check_breaches(tape: &TapeView, out: &[Output], facts: &Value, digits: usize, file: &str) {
    let detail = tape.detail.as_ref().expect("recorded");
    for (place, count) in detail.breaches.iter().enumerate() {
        let wanted = &facts["rolling_60s"][place];
        assert_eq!(
            Some(count.ticks),
            wanted["ticks_in_breach"].as_u64(),
            "{file}"
        );
        let alerts: Vec<&Breach> = out
            .iter()
            .filter_map(|output| match output {
                Output::Breach(breach) if breach.threshold == count.threshold => Some(breach),
                _ => None,
            })
            .collect();
        assert_eq!(
            Some(alerts.len() as u64),
            wanted["alerts_with_300s_cooldown"].as_u64(),
            "{file}"
        );
        assert_eq!(alerts.len() as u64, count.alerts);
        for (alert, wanted) in alerts.iter().zip(wanted["alerts"].as_array().unwrap()) {
            assert_eq!(clock(alert.ts), wanted[0], "{file}");
            assert_eq!(
                format!("{:?}", alert.direction).to_lowercase(),
                wanted[1],
                "{file}"
            );
            // The facts print the price with five digits.
            let off = alert.mid2 - doubled(&wanted[2], digits);
            assert!(off.abs() <= 1, "{file}: {alert:?} {wanted}");
        }
        let (moved, ts, direction) = detail.move_max.unwrap();
        assert_eq!(percent(moved.0, Ratio::ONE.0), wanted["worst"][0], "{file}");
        assert_eq!(clock(ts), wanted["worst"][1], "{file}");
        assert_eq!(
            format!("{direction:?}").to_lowercase(),
            wanted["worst"][2],
            "{file}"
        );
    }
}

#[test]
fn every_fact_of_the_recorded_days_comes_out() {
    let Some(facts) = read("data/expected_facts.json") else {
        return;
    };
    let facts: Value = serde_json::from_str(&facts).expect("JSON");
    for (file, digits, thresholds) in FILES {
        let Some(text) = read(&format!("data/ticks/lean/{file}")) else {
            return;
        };
        let facts = &facts["ticks"][file];
        let mut market = market(digits, thresholds);
        let mut out = Vec::new();
        run(&mut market, quotes(&text, digits), &mut out);
        let tape = market.tape(ID).unwrap();
        check_counts(&tape, facts, file);
        check_extremes(&tape, facts, digits, file);
        check_minutes(&tape, facts, digits, file);
        check_breaches(&tape, &out, facts, digits, file);
        let minutes = out
            .iter()
            .filter(|output| matches!(output, Output::Bar(bar) if bar.span == BarSpan::M1));
        assert_eq!(
            Some(minutes.count() as u64),
            facts["minutes_with_ticks"].as_u64()
        );
        let halts = out
            .iter()
            .filter(|output| matches!(output, Output::Halt(_)));
        assert_eq!(halts.count(), 0, "{file}: no recorded day halts");
    }
}

/// The facts follow the rule of the machine: with another window the recorded day shows other ones.
#[cfg(feature = "mutations")]
#[test]
fn a_changed_rule_of_the_window_changes_the_facts() {
    use siaga_risk::mutation::{Mutation, with};
    let (file, digits, thresholds) = FILES[0];
    let Some(text) = read(&format!("data/ticks/lean/{file}")) else {
        return;
    };
    let seen = || {
        let mut market = market(digits, thresholds);
        run(&mut market, quotes(&text, digits), &mut Vec::new());
        let detail = market.tape(ID).unwrap().detail.expect("recorded");
        let breaches: Vec<u64> = detail.breaches.iter().map(|count| count.ticks).collect();
        (detail.move_max, breaches, detail.busiest_minute)
    };
    let (worst, breaches, busiest) = seen();
    let (other_worst, other_breaches, same) = with(Mutation::WindowHalved, seen);
    assert_ne!((worst, breaches), (other_worst, other_breaches));
    assert_eq!(busiest, same, "what the rule does not touch stays");
}

#[test]
fn a_snapshot_in_the_middle_of_a_day_goes_on_like_the_original() {
    let Some(text) = read("data/ticks/lean/oanda_XAUUSD_20140502_tick.csv.gz") else {
        return;
    };
    let mut original = market(3, [25, 50]);
    let rows: Vec<Quote> = quotes(&text, 3).collect();
    run_part(&mut original, &rows[..67_000]);
    let mut copy: Market = decode(&encode(&original)).expect("a market");
    assert_eq!(copy, original);
    let outs = [&mut original, &mut copy].map(|market| run_part(market, &rows[67_000..100_000]));
    assert_eq!(outs[0], outs[1]);
    assert_eq!(encode(&original), encode(&copy));
}

fn run_part(market: &mut Market, rows: &[Quote]) -> Vec<Output> {
    let mut out = Vec::new();
    let mut effects = Vec::new();
    for quote in rows {
        market.on_quote(quote, quote.ts, &mut out);
        market.take_effects(&mut effects);
    }
    out
}

#[test]
fn the_flash_crash_alerts_once_halts_once_and_touches_no_mark() {
    let Some(text) = read("data/ticks/binance_ATOMUSDT_flash_20251010.csv") else {
        return;
    };
    let mut market = market(3, [25, 50]);
    let mut terms = market.terms(ID).unwrap().clone();
    terms.class = AssetClass::Crypto;
    terms.halt = HaltTerms::of_class(AssetClass::Crypto);
    terms.watch.clear();
    terms.price_digits = 4;
    market.set_instrument(&terms).unwrap();
    let mut out = Vec::new();
    let mut prices = Vec::new();
    for line in text.lines() {
        let Some(trade) = trade(line) else { continue };
        prices.push(trade.price.0);
        market.on_trade(&trade, trade.ts, &mut out);
    }
    assert!(prices.len() >= 71, "{} prints", prices.len());
    let first = prices[0];
    let beyond = |share: i64| {
        prices
            .iter()
            .filter(move |price| (first - **price) * 100 >= share * first)
    };
    let breaches: Vec<&Breach> = out
        .iter()
        .filter_map(|output| match output {
            Output::Breach(breach) => Some(breach),
            _ => None,
        })
        .collect();
    assert_eq!(breaches.len(), 1);
    assert_eq!(breaches[0].mid2, beyond(3).next().unwrap() * 2);
    let halted_after = out
        .iter()
        .position(|output| matches!(output, Output::Halt(_)))
        .unwrap();
    let prints = out[..halted_after]
        .iter()
        .filter(|output| matches!(output, Output::Print(_)));
    let third = beyond(10).nth(2).unwrap();
    assert_eq!(prices[prints.count() - 1], *third);
    assert_eq!(
        out.iter()
            .filter(|output| matches!(output, Output::Halt(_)))
            .count(),
        1
    );
    assert!(market.mark(ID).is_none());
}

/// A line of the aggregated trades: id, price, quantity, first, last, `2025-10-10T21:20:37.689043Z`, side.
fn trade(line: &str) -> Option<Trade> {
    let fields: Vec<&str> = line.split(',').collect();
    let (_, time) = fields[5].strip_suffix('Z')?.split_once('T')?;
    let (hours, rest) = time.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    let whole = |text: &str| text.parse::<u64>().ok();
    let ns = whole(hours)? * HOUR_NS + whole(minutes)? * MINUTE_NS + scaled(seconds, 9) as u64;
    Some(Trade {
        ts: Ts(ns),
        price: Price(scaled(fields[1], 4)),
        qty: Qty(scaled(fields[2], 3)),
        venue_lag_us: NO_VENUE_TIME,
        instrument: ID,
        source: SOURCE,
        side: Side::Sell,
    })
}
