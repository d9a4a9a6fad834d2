use super::*;
use crate::recordings;
use siaga_risk::event::{GapCause, Quote};
use siaga_risk::ids::InstrumentId;

const NOW: Ts = Ts(1_700_000_000_000_000_000);

fn session() -> Kraken {
    let listing = |symbol: &str, id, price_digits| VenueListing {
        symbol: symbol.to_owned(),
        instrument: InstrumentId(id),
        price_digits,
        qty_digits: 8,
        negative_prices: false,
    };
    let mut session = Kraken::new(
        SourceId(4),
        vec![listing("BTC/USD", 1, 2), listing("EUR/USD", 2, 5)],
    );
    session.on_open(NOW);
    assert!(inputs(&mut session).is_empty(), "it has said nothing yet");
    session.on_frame(trade("EUR/USD", 1).as_bytes(), NOW);
    assert!(
        matches!(inputs(&mut session)[..], [Input::Gap(gap), Input::Trade(_)] if gap.cause == GapCause::Reconnect)
    );
    session
}

fn inputs(session: &mut Kraken) -> Vec<Input> {
    std::iter::from_fn(|| session.poll_input()).collect()
}

fn trade(symbol: &str, id: u64) -> String {
    format!(
        r#"{{"channel":"trade","type":"update","data":[{{"symbol":"{symbol}","side":"buy","price":5.5,"qty":1,"trade_id":{id}}}]}}"#
    )
}

fn ticker(bid: &str, ask: &str) -> String {
    format!(
        r#"{{"channel":"ticker","type":"update","data":[{{"symbol":"BTC/USD","bid":{bid},"bid_qty":0.5,"ask":{ask},"ask_qty":1.25,"last":1}}]}}"#
    )
}

fn not_supported(symbol: &str) -> String {
    format!(
        r#"{{"error":"Currency pair not supported {symbol}","method":"subscribe","success":false,"symbol":"{symbol}"}}"#
    )
}

fn quotes(session: &mut Kraken) -> Vec<Quote> {
    let quote = |input| {
        if let Input::Quote(quote) = input {
            Some(quote)
        } else {
            None
        }
    };
    inputs(session).into_iter().filter_map(quote).collect()
}

#[test]
fn documented_frames_are_read() {
    let mut session = session();
    let Some(frame) = recordings::text("wire/nautilus/kraken/ws_ticker_snapshot.json") else {
        return;
    };
    session.on_frame(frame.as_bytes(), NOW);
    let quote = quotes(&mut session)[0];
    assert_eq!(
        (quote.bid, quote.ask),
        (Price(10_594_420), Price(10_594_430))
    );
    assert_eq!(
        (quote.bid_qty, quote.ask_qty),
        (Qty(250_000_000), Qty(320_000_000))
    );
    assert_eq!(quote.kind, QuoteKind::Snapshot);

    let trades = recordings::text("wire/nautilus/kraken/ws_trade_update.json").unwrap();
    session.on_frame(trades.as_bytes(), NOW);
    match inputs(&mut session).as_slice() {
        [Input::Trade(buy), Input::Trade(sell)] => {
            assert_eq!(
                (buy.price, buy.qty, buy.side),
                (Price(10_594_420), Qty(27_625), Side::Buy)
            );
            assert_eq!(
                (sell.price, sell.qty, sell.side),
                (Price(10_591_050), Qty(12_460), Side::Sell)
            );
            let recorded_us = 1_696_613_755_440_295i64;
            let lag = ((NOW.0 / 1_000) as i64 - recorded_us)
                .clamp(i64::from(i32::MIN) + 1, i64::from(i32::MAX));
            assert_eq!(i64::from(buy.venue_lag_us), lag);
        }
        other => panic!("{other:?}"),
    }
    for name in [
        "ws_book_snapshot",
        "ws_book_update",
        "ws_ohlc_update",
        "ws_pong",
        "ws_subscribe_response",
    ] {
        let frame = recordings::text(&format!("wire/nautilus/kraken/{name}.json")).unwrap();
        session.on_frame(frame.as_bytes(), NOW);
    }
    assert_eq!(session.counts().other, 5);
    assert_eq!(session.counts().refused_total(), 0);
}

#[test]
fn one_bad_record_does_not_end_the_frame() {
    let mut session = session();
    let frame = r#"{"channel":"ticker","type":"snapshot","data":[
        {"symbol":"BTC/USD","bid":NaN,"bid_qty":1,"ask":2,"ask_qty":1},
        {"symbol":"QQQ/ZZZ","bid":1,"bid_qty":1,"ask":2,"ask_qty":1},
        {"symbol":"BTC/USD","bid":-1,"bid_qty":1,"ask":2,"ask_qty":1},
        {"symbol":"BTC/USD","bid":1},
        17,
        {"symbol":"BTC/USD","bid":1e308,"bid_qty":1,"ask":2,"ask_qty":1},
        {"symbol":"EUR/USD","bid":1.0851e0,"bid_qty":1,"ask":1.0852,"ask_qty":1e-05}]}"#;
    session.on_frame(frame.as_bytes(), NOW);
    let all = quotes(&mut session);
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].bid, all[0].ask, all[0].ask_qty),
        (Price(108_510), Price(108_520), Qty(1_000))
    );
    let refused = |reason| session.counts().refused(reason);
    assert_eq!(refused(Refusal::NotANumber), 2);
    assert_eq!(refused(Refusal::UnknownSymbol), 1);
    assert_eq!(refused(Refusal::NotPositive), 1);
    assert_eq!(refused(Refusal::MissingField), 2);
}

#[test]
fn subscriptions_ask_for_every_change_of_the_best_prices() {
    let mut session = session();
    let ticker = session.poll_send().unwrap();
    assert_eq!(
        ticker,
        r#"{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD","EUR/USD"],"event_trigger":"bbo","snapshot":true},"req_id":1}"#
    );
    session.on_deadline(NOW.plus(SEND_INTERVAL_NS));
    let trade = session.poll_send().unwrap();
    assert!(
        trade.contains(r#""channel":"trade""#)
            && serde_json::from_str::<serde_json::Value>(&trade).is_ok()
    );
}

#[test]
fn a_refused_symbol_is_counted_and_not_asked_for_again() {
    let mut session = session();
    let refusal = br#"{"error":"Currency pair not supported EUR/USD","method":"subscribe","success":false,"symbol":"EUR/USD","req_id":1}"#;
    session.on_frame(refusal, NOW);
    assert_eq!(session.counts().refused(Refusal::Request), 1);
    session.on_closed(NOW.plus(1));
    session.on_open(NOW.plus(2));
    let frame = session.poll_send().unwrap();
    assert!(
        frame.contains("BTC/USD") && !frame.contains("EUR/USD"),
        "{frame}"
    );
}

#[test]
fn any_other_refusal_leaves_the_pair_known() {
    let mut session = session();
    for error in ["Already subscribed", "Subscription Not Found"] {
        let frame = format!(
            r#"{{"error":"{error}","method":"subscribe","req_id":2,"success":false,"symbol":"BTC/USD","time_in":"2025-12-20T07:39:28.809188Z","time_out":"2025-12-20T07:39:28.809200Z"}}"#
        );
        session.on_frame(frame.as_bytes(), NOW);
    }
    assert_eq!(session.counts().refused(Refusal::Request), 2);
    session.on_deadline(NOW.plus(31 * SECOND_NS));
    let is_mute =
        |input: &Input| matches!(input, Input::Gap(gap) if gap.instrument == Some(InstrumentId(1)));
    assert!(
        inputs(&mut session).iter().any(is_mute),
        "it is looked after all the same"
    );
    session.on_closed(NOW.plus(32 * SECOND_NS));
    session.on_open(NOW.plus(33 * SECOND_NS));
    let frame = session.poll_send().unwrap();
    assert!(frame.contains(r#"["BTC/USD","EUR/USD"]"#), "{frame}");
}

#[test]
fn a_pair_that_is_priced_is_known_whatever_was_said() {
    let mut session = session();
    let asked = |session: &mut Kraken, second: u64| {
        session.on_closed(NOW.plus(second * SECOND_NS));
        session.on_open(NOW.plus((second + 1) * SECOND_NS));
        session.poll_send().unwrap()
    };
    session.on_frame(not_supported("BTC/USD").as_bytes(), NOW);
    session.on_frame(not_supported("EUR/USD").as_bytes(), NOW);
    session.on_frame(ticker("1.5", "1.6").as_bytes(), NOW);
    let frame = asked(&mut session, 1);
    assert!(
        frame.contains("BTC/USD") && !frame.contains("EUR/USD"),
        "{frame}"
    );
    session.on_frame(not_supported("BTC/USD").as_bytes(), NOW.plus(2 * SECOND_NS));
    let frame = asked(&mut session, 3);
    assert!(
        frame.contains(r#"["BTC/USD","EUR/USD"]"#),
        "with no pair left there would be nothing to ask for: {frame}"
    );
}

#[test]
fn the_old_subscription_ends_before_a_mute_pair_is_asked_for_anew() {
    let mut session = session();
    let mut sent = Vec::new();
    for second in 1..=33 {
        let now = NOW.plus(second * SECOND_NS);
        session.on_frame(ticker("1.5", "1.6").as_bytes(), now);
        session.on_deadline(now);
        sent.extend(session.poll_send());
    }
    assert_eq!(
        sent[2..],
        [
            r#"{"method":"unsubscribe","params":{"channel":"ticker","symbol":["EUR/USD"],"event_trigger":"bbo"},"req_id":3}"#,
            r#"{"method":"subscribe","params":{"channel":"ticker","symbol":["EUR/USD"],"event_trigger":"bbo","snapshot":true},"req_id":4}"#,
        ]
    );
}

#[test]
fn a_refused_pair_is_asked_for_every_minute_until_it_is_priced_and_told_once() {
    let mut session = session();
    let mut asked = Vec::new();
    for second in 1..=185 {
        let now = NOW.plus(second * SECOND_NS);
        // Another pair goes on: the connection is never mute.
        session.on_frame(ticker("1.5", "1.6").as_bytes(), now);
        if second == 152 {
            let priced = ticker("1.5", "1.6").replace("BTC/USD", "EUR/USD");
            session.on_frame(priced.as_bytes(), now);
        }
        session.on_deadline(now);
        let Some(frame) = session.poll_send().filter(|_| second > 2) else {
            continue;
        };
        assert!(frame.contains(r#"["EUR/USD"]"#), "{frame}");
        let is_subscribe = frame.contains(r#""method":"subscribe""#);
        if is_subscribe && second < 100 {
            let refusal = br#"{"error":"Exceeded msg rate","method":"subscribe","success":false,"symbol":"EUR/USD","req_id":4}"#;
            session.on_frame(refusal, now);
        }
        asked.push((second, is_subscribe));
    }
    assert_eq!(session.counts().refused(Refusal::Request), 2);
    assert_eq!(
        asked,
        [
            (30, false),
            (31, true),
            (90, false),
            (91, true),
            (150, false),
            (151, true),
            (182, false),
            (183, true),
        ]
    );
    let told: Vec<(Ts, Option<InstrumentId>)> = inputs(&mut session)
        .iter()
        .filter_map(|input| match input {
            Input::Gap(gap) if gap.cause == GapCause::Mute => Some((gap.ts, gap.instrument)),
            _ => None,
        })
        .collect();
    let mute = |second: u64| (NOW.plus(second * SECOND_NS), Some(InstrumentId(2)));
    assert_eq!(told, [mute(30), mute(182)]);
}

#[test]
fn a_venue_that_has_none_of_our_pairs_is_left_and_asked_for_all_of_them() {
    let mut session = session();
    for symbol in ["BTC/USD", "EUR/USD"] {
        session.on_frame(not_supported(symbol).as_bytes(), NOW);
    }
    let mut closed = None;
    for second in 1..=90 {
        let now = NOW.plus(second * SECOND_NS);
        session.on_frame(br#"{"channel":"heartbeat"}"#, now);
        session.on_deadline(now);
        closed = closed.or(session.poll_close().map(|reason| (second, reason)));
    }
    assert_eq!(closed, Some((90, CloseReason::Mute)));
    session.on_closed(NOW.plus(90 * SECOND_NS));
    assert!(
        matches!(inputs(&mut session)[..], [Input::Gap(gap)] if gap.cause == GapCause::Disconnect),
        "the source is lost"
    );
    session.on_open(NOW.plus(95 * SECOND_NS));
    let frame = session.poll_send().unwrap();
    assert!(frame.contains(r#"["BTC/USD","EUR/USD"]"#), "{frame}");
}

/// Digits of the venue's own prices, by the names it uses now.
fn pair_digits() -> Option<std::collections::BTreeMap<String, u8>> {
    let text = recordings::text("wire/cryptofeed/KRAKEN.0.gz")?;
    let line = text.lines().next().expect("the answer's line");
    let (_, body) = line.split_once(": ").expect("a time, then the answer");
    let answer: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let pairs = answer["result"].as_object().expect("pairs by name");
    let pair = |pair: &serde_json::Value| {
        // The older protocol had names of its own for two currencies.
        let name = pair["wsname"].as_str()?;
        let name = name.replace("XBT", "BTC").replace("XDG", "DOGE");
        let digits = pair["pair_decimals"].as_u64().expect("digits");
        Some((name, u8::try_from(digits).expect("few digits")))
    };
    Some(pairs.values().filter_map(pair).collect())
}

#[test]
fn every_shipped_listing_takes_prices_as_fine_as_the_venue_writes_them() {
    let Some(digits) = pair_digits() else {
        return;
    };
    let catalog = crate::catalog::Catalog::shipped_with(&["kraken"]).unwrap();
    let listings = crate::venue::listings(&catalog, SourceId(4));
    let mut session = Kraken::new(SourceId(4), listings.clone());
    session.on_open(NOW);
    inputs(&mut session);
    let mut finer = Vec::new();
    let mut known = 0;
    for listing in &listings {
        // Some pairs are younger than the recording.
        let Some(&venue) = digits.get(&listing.symbol) else {
            continue;
        };
        known += 1;
        let venue_digits = usize::from(venue);
        let (bid, ask) = (
            format!("7.{:0>venue_digits$}", 1),
            format!("7.{:0>venue_digits$}", 3),
        );
        let frame = ticker(&bid, &ask).replace("BTC/USD", &listing.symbol);
        session.on_frame(frame.as_bytes(), NOW);
        let all = quotes(&mut session);
        assert_eq!(all.len(), 1, "{} at {bid}", listing.symbol);
        let ours = pow10(listing.price_digits);
        let want = if venue > listing.price_digits {
            finer.push(listing.symbol.as_str());
            (7 * ours, 7 * ours + 1)
        } else {
            let step = pow10(listing.price_digits - venue);
            (7 * ours + step, 7 * ours + 3 * step)
        };
        assert_eq!(
            (all[0].bid.0, all[0].ask.0),
            want,
            "{} at {bid}",
            listing.symbol
        );
    }
    assert!(known >= 20, "{known} of {} are recorded", listings.len());
    finer.sort_unstable();
    assert_eq!(
        finer,
        ["ADA/USDT", "DOT/USDT", "LINK/USDT", "LTC/USDT", "XRP/USDT"]
    );
    assert_eq!(session.counts().rounded, finer.len() as u64);
    assert_eq!(session.counts().refused_total(), 0);
}

#[test]
fn heartbeats_keep_the_connection_and_are_not_data() {
    let mut session = session();
    let mut reasons = Vec::new();
    for second in 1..=120 {
        let now = NOW.plus(second * SECOND_NS);
        session.on_frame(br#"{"channel":"heartbeat"}"#, now);
        session.on_deadline(now);
        reasons.extend(session.poll_close().map(|reason| (second, reason)));
    }
    assert_eq!(reasons[0], (90, CloseReason::Mute));
    let mutes = inputs(&mut session)
        .iter()
        .filter(|i| matches!(i, Input::Gap(g) if g.cause == GapCause::Mute))
        .count();
    assert_eq!(mutes, 2, "each instrument once");

    let mut session = self::session();
    session.on_deadline(NOW.plus(4 * SECOND_NS));
    assert_eq!(session.poll_close(), None);
    session.on_deadline(NOW.plus(6 * SECOND_NS));
    assert_eq!(
        session.poll_close(),
        Some(CloseReason::Silent),
        "no heartbeat either"
    );
}

#[test]
fn trade_ids_show_holes_per_symbol() {
    let mut session = session();
    for id in [5, 6, 9] {
        session.on_frame(trade("BTC/USD", id).as_bytes(), NOW);
    }
    let gaps: Vec<u32> = inputs(&mut session)
        .iter()
        .filter_map(|i| {
            if let Input::Gap(g) = i {
                Some(g.missing)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(gaps, [2]);
}

#[test]
fn garbage_is_counted() {
    let mut session = session();
    let good = ticker("1.5", "1.6");
    for end in 0..good.len() {
        session.on_frame(&good.as_bytes()[..end], NOW);
    }
    assert_eq!(
        session.counts().refused_total(),
        good.len() as u64,
        "each once"
    );
    assert!(session.counts().refused(Refusal::Malformed) > 100);
}
