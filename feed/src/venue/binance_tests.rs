use super::*;
use crate::recordings;
use siaga_risk::event::{Gap, GapCause, NO_VENUE_TIME, Quote};
use siaga_risk::ids::InstrumentId;

const NOW: Ts = Ts(1_723_161_254_000_000_000);

/// How the venue refuses a request.
const REFUSED: &[u8] = br#"{"error":{"code":2,"msg":"Invalid request"},"id":1}"#;

fn listing(symbol: &str, id: u32, price_digits: u8, qty_digits: u8) -> VenueListing {
    VenueListing {
        symbol: symbol.to_owned(),
        instrument: InstrumentId(id),
        price_digits,
        qty_digits,
        negative_prices: false,
    }
}

fn session() -> Binance {
    let mut session = Binance::new(
        SourceId(3),
        vec![listing("BTCUSDT", 1, 2, 5), listing("ETHUSDT", 2, 2, 4)],
    );
    session.on_open(NOW);
    assert!(inputs(&mut session).is_empty(), "it has said nothing yet");
    let first = trade(1, 1).replace("BTCUSDT", "ETHUSDT");
    session.on_frame(first.as_bytes(), NOW);
    assert!(
        matches!(inputs(&mut session)[..], [Input::Gap(gap), Input::Trade(_)] if gap.cause == GapCause::Reconnect)
    );
    session
}

fn inputs(session: &mut Binance) -> Vec<Input> {
    std::iter::from_fn(|| session.poll_input()).collect()
}

fn ticker(update: u64, bid: &str, ask: &str) -> String {
    format!(
        r#"{{"stream":"btcusdt@bookTicker","data":{{"u":{update},"s":"BTCUSDT","b":"{bid}","B":"3.78826000","a":"{ask}","A":"1.54698000"}}}}"#
    )
}

fn trade(first: u64, last: u64) -> String {
    format!(
        r#"{{"stream":"btcusdt@aggTrade","data":{{"e":"aggTrade","E":1723161255343,"a":1,"s":"BTCUSDT","p":"61837.63000000","q":"0.02000000","f":{first},"l":{last},"T":1723161255342,"m":true,"M":true}}}}"#
    )
}

#[test]
fn a_ticker_is_a_quote_of_integers() {
    let mut session = session();
    session.on_frame(
        ticker(7, "61837.63000000", "61837.64000000").as_bytes(),
        NOW.plus(5),
    );
    let quote = match inputs(&mut session).as_slice() {
        [Input::Quote(quote)] => *quote,
        other => panic!("{other:?}"),
    };
    assert_eq!((quote.bid, quote.ask), (Price(6_183_763), Price(6_183_764)));
    assert_eq!((quote.bid_qty, quote.ask_qty), (Qty(378_826), Qty(154_698)));
    assert_eq!(
        (quote.instrument, quote.source, quote.ts),
        (InstrumentId(1), SourceId(3), NOW.plus(5))
    );
    assert_eq!(
        quote.venue_lag_us, NO_VENUE_TIME,
        "spot tickers carry no time"
    );
}

#[test]
fn the_quick_reader_and_the_thorough_one_agree() {
    let usual = [
        ticker(7, "61837.63000000", "61837.64000000"),
        r#"{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256314}}"#.to_owned(),
    ];
    for frame in &usual {
        let (mut quick, mut thorough) = (session(), session());
        assert_eq!(
            quick.usual_ticker(frame.as_bytes()),
            Some(Ok(())),
            "the usual order is read quickly"
        );
        let event = decode(frame.as_bytes()).unwrap();
        assert_eq!(thorough.apply(event), Ok(()));
        assert_eq!(inputs(&mut quick), inputs(&mut thorough));
    }
    // Fields added, moved or spaced: slower, but read.
    let moved = r#"{"data": {"s":"BTCUSDT","u":9,"a":"2","A":"1","b":"1","B":"1","st":1}, "stream":"btcusdt@bookTicker"}"#;
    let mut session = session();
    assert_eq!(session.usual_ticker(moved.as_bytes()), None);
    session.on_frame(moved.as_bytes(), NOW);
    assert_eq!(inputs(&mut session).len(), 1);
}

#[test]
fn bad_records_are_counted_by_reason_and_never_used() {
    let mut session = session();
    let cases: Vec<(String, Refusal)> = vec![
        (ticker(1, "NaN", "1"), Refusal::NotANumber),
        (ticker(1, "Infinity", "1"), Refusal::NotANumber),
        (ticker(1, "", "1"), Refusal::NotANumber),
        (ticker(1, "-5.00", "1"), Refusal::NotPositive),
        (ticker(1, "0.00000000", "0.00000000"), Refusal::NotPositive),
        (
            ticker(1, "99999999999999999", "99999999999999999"),
            Refusal::TooLarge,
        ),
        (
            ticker(1, "9999999999999999999999999", "1"),
            Refusal::TooLarge,
        ),
        (
            ticker(1, "1", "2").replace("BTCUSDT", "DOGEUSDT"),
            Refusal::UnknownSymbol,
        ),
        (
            ticker(1, "1", "2").replace(r#""u":1,"#, ""),
            Refusal::MissingField,
        ),
        ("{".to_owned(), Refusal::Malformed),
        ("not json at all".to_owned(), Refusal::Malformed),
        (String::new(), Refusal::Malformed),
        ("[".repeat(100_000), Refusal::Malformed),
        (
            r#"{"error":{"code":2,"msg":"Invalid request"},"id":1}"#.to_owned(),
            Refusal::Request,
        ),
        (ticker(1, "1", "2").repeat(20_000), Refusal::Oversize),
    ];
    for (frame, reason) in &cases {
        let before = session.counts().refused(*reason);
        session.on_frame(frame.as_bytes(), NOW);
        let shown: String = frame.chars().take(120).collect();
        assert_eq!(
            session.counts().refused(*reason),
            before + 1,
            "{reason:?}: {shown}"
        );
    }
    assert_eq!(session.counts().refused_total(), cases.len() as u64);
    assert!(inputs(&mut session).is_empty());
    session.on_frame(ticker(1, "1", "2").as_bytes(), NOW);
    assert_eq!(
        inputs(&mut session).len(),
        1,
        "a good frame behind bad ones is used"
    );
}

/// A venue may change how fine its prices are at any time: that must not silence it.
#[test]
fn prices_finer_than_our_step_are_rounded_and_counted() {
    let mut session = session();
    session.on_frame(ticker(1, "1.005", "2").as_bytes(), NOW);
    session.on_frame(ticker(2, "1.00", "2.00001").as_bytes(), NOW);
    session.on_frame(ticker(3, "1.00", "2.00").as_bytes(), NOW);
    let finer = trade(1, 1).replace("61837.63000000", "61837.635");
    session.on_frame(finer.as_bytes(), NOW);
    let prices: Vec<(i64, i64)> = inputs(&mut session)
        .iter()
        .map(|input| match input {
            Input::Quote(quote) => (quote.bid.0, quote.ask.0),
            Input::Trade(trade) => (trade.price.0, trade.price.0),
            other => panic!("{other:?}"),
        })
        .collect();
    let trade = (6_183_764, 6_183_764);
    assert_eq!(
        prices,
        [(100, 200), (100, 201), (100, 200), trade],
        "bids down, asks up, trades to the nearest"
    );
    assert_eq!(session.counts().rounded, 3);
    assert_eq!(session.counts().refused_total(), 0);
    // Rounded down to nothing, it is no price.
    session.on_frame(ticker(4, "0.001", "2").as_bytes(), NOW);
    assert_eq!(session.counts().refused(Refusal::NotPositive), 1);
    assert_eq!(session.counts().rounded, 3);
}

#[test]
fn repeats_and_latecomers_are_dropped_until_the_venue_counts_anew() {
    let mut session = session();
    for update in [10, 10, 9, 11] {
        session.on_frame(ticker(update, "1", "2").as_bytes(), NOW);
    }
    assert_eq!(inputs(&mut session).len(), 2);
    assert_eq!(session.counts().refused(Refusal::Duplicate), 1);
    assert_eq!(session.counts().refused(Refusal::OutOfOrder), 1);
    for update in 1..=30 {
        session.on_frame(ticker(update % 10, "1", "2").as_bytes(), NOW);
    }
    let holes = inputs(&mut session)
        .iter()
        .filter(|i| matches!(i, Input::Gap(g) if g.cause == GapCause::Sequence))
        .count();
    assert!(holes >= 1, "a restart is told");
}

#[test]
fn a_hole_in_trade_ids_is_told_with_its_size() {
    let mut session = session();
    for (first, last) in [(100, 104), (105, 105), (109, 110), (109, 110), (50, 60)] {
        session.on_frame(trade(first, last).as_bytes(), NOW);
    }
    let all = inputs(&mut session);
    let gap = all
        .iter()
        .find_map(|i| {
            if let Input::Gap(gap) = i {
                Some(*gap)
            } else {
                None
            }
        })
        .unwrap();
    assert_eq!(
        (gap.cause, gap.missing, gap.instrument),
        (GapCause::Sequence, 3, Some(InstrumentId(1)))
    );
    assert_eq!(
        all.iter().filter(|i| matches!(i, Input::Trade(_))).count(),
        3
    );
    assert_eq!(session.counts().refused(Refusal::Duplicate), 1);
    assert_eq!(session.counts().refused(Refusal::OutOfOrder), 1);
    assert!(
        matches!(&all[0], Input::Trade(t) if t.side == Side::Sell && t.venue_lag_us == -1_343_000)
    );
}

#[test]
fn trades_too_are_taken_again_when_the_venue_counts_anew() {
    let mut session = session();
    session.on_frame(trade(1_000, 1_000).as_bytes(), NOW);
    for id in 1..=30 {
        session.on_frame(trade(id, id).as_bytes(), NOW);
    }
    let all = inputs(&mut session);
    assert!(
        all.iter().all(|input| matches!(input, Input::Trade(_))),
        "quotes have no hole: {all:?}"
    );
    assert_eq!(all.len(), 1 + 11, "the twentieth in a row settles it");
    assert_eq!(session.counts().refused(Refusal::OutOfOrder), 19);
    assert_eq!(session.counts().trade_breaks, 1);
}

#[test]
fn a_tape_that_stands_still_is_asked_for_anew_and_is_no_gap_of_quotes() {
    let mut session = session();
    let mut sent = Vec::new();
    for second in 1..=620 {
        let now = NOW.plus(second * SECOND_NS);
        for symbol in ["BTCUSDT", "ETHUSDT"] {
            let frame = ticker(second, "1", "2").replace("BTCUSDT", symbol);
            session.on_frame(frame.as_bytes(), now);
        }
        session.on_deadline(now);
        sent.extend(session.poll_send());
    }
    let all = inputs(&mut session);
    assert_eq!(all.len(), 2 * 620);
    assert!(all.iter().all(|input| matches!(input, Input::Quote(_))));
    assert_eq!(session.counts().gaps, 0);
    assert_eq!(session.counts().trade_breaks, 2, "each tape once");
    assert_eq!(
        sent[1..],
        [
            r#"{"method":"UNSUBSCRIBE","params":["btcusdt@aggTrade","ethusdt@aggTrade"],"id":2}"#,
            r#"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","ethusdt@aggTrade"],"id":3}"#,
        ]
    );
}

#[test]
fn a_tape_is_asked_for_again_in_a_minute_when_refused_and_in_ten_when_thin() {
    let mut session = session();
    let mut sent = Vec::new();
    for second in 1..=1_270 {
        let now = NOW.plus(second * SECOND_NS);
        for symbol in ["BTCUSDT", "ETHUSDT"] {
            let frame = ticker(second, "1", "2").replace("BTCUSDT", symbol);
            session.on_frame(frame.as_bytes(), now);
        }
        session.on_deadline(now);
        if session.poll_send().is_none() {
            continue;
        }
        sent.push(second);
        if second == 601 {
            let refused = br#"{"error":{"code":2,"msg":"Invalid request"},"id":3}"#;
            session.on_frame(refused, now);
        }
        // Of another request: the tape is merely thin.
        if second == 661 {
            session.on_frame(REFUSED, now);
        }
    }
    assert_eq!(sent, [1, 600, 601, 660, 661, 1_260, 1_261]);
    assert_eq!(session.counts().trade_breaks, 2, "each tape once");
}

#[test]
fn a_mute_pair_whose_subscription_was_refused_is_asked_for_in_a_minute() {
    let mut session = session();
    let mut sent = Vec::new();
    for second in 1..=100 {
        let now = NOW.plus(second * SECOND_NS);
        session.on_frame(ticker(second, "1", "2").as_bytes(), now);
        session.on_deadline(now);
        let Some(frame) = session.poll_send() else {
            continue;
        };
        if second == 31 {
            session.on_frame(REFUSED, now);
        }
        sent.push((second, frame));
    }
    let seconds: Vec<u64> = sent.iter().map(|(second, _)| *second).collect();
    assert_eq!(seconds, [1, 30, 31, 90, 91]);
    assert_eq!(
        sent[4].1,
        r#"{"method":"SUBSCRIBE","params":["ethusdt@bookTicker"],"id":5}"#
    );
    assert_eq!(session.counts().gaps, 1, "it is told once");
}

#[test]
fn requests_do_not_queue_behind_requests() {
    let mut session = session();
    let mut sent = Vec::new();
    for second in 1..=304 {
        let now = NOW.plus(second * SECOND_NS);
        session.on_frame(ticker(second, "1", "2").as_bytes(), now);
        session.on_deadline(now);
        // The first request waits for five minutes.
        if second > 300 {
            sent.extend(session.poll_send());
        }
    }
    assert_eq!(
        sent[1..],
        [
            r#"{"method":"UNSUBSCRIBE","params":["ethusdt@bookTicker"],"id":2}"#,
            r#"{"method":"SUBSCRIBE","params":["ethusdt@bookTicker"],"id":3}"#,
        ]
    );
}

#[test]
fn subscriptions_leave_in_batches_at_the_venues_pace() {
    let many = (0..120)
        .map(|n| listing(&format!("C{n}USDT"), n, 2, 2))
        .collect();
    let mut session = Binance::new(SourceId(3), many);
    session.on_open(NOW);
    let first = session.poll_send().unwrap();
    assert!(first.starts_with(
        r#"{"method":"SUBSCRIBE","params":["c0usdt@bookTicker","c0usdt@aggTrade","c1usdt"#
    ));
    assert!(first.ends_with(r#"],"id":1}"#));
    assert!(serde_json::from_str::<serde_json::Value>(&first).is_ok());
    assert_eq!(session.poll_send(), None, "not at once");
    let deadline = session.poll_deadline().unwrap();
    assert_eq!(deadline, NOW.plus(SEND_INTERVAL_NS));
    let mut sent = vec![first];
    let mut now = NOW;
    for _ in 0..10 {
        now = now.plus(SEND_INTERVAL_NS);
        session.on_deadline(now);
        sent.extend(session.poll_send());
    }
    assert_eq!(sent.len(), 3);
    let names: usize = sent.iter().map(|frame| frame.matches('@').count()).sum();
    assert_eq!(names, 240);
}

#[test]
fn silence_age_and_shutdown_ask_for_a_new_connection() {
    let mut session = session();
    session.on_deadline(NOW.plus(59 * SECOND_NS));
    assert_eq!(session.poll_close(), None);
    session.on_deadline(NOW.plus(61 * SECOND_NS));
    assert_eq!(session.poll_close(), Some(CloseReason::Silent));

    let mut session = self::session();
    session.on_frame(br#"{"e":"serverShutdown","E":1770123456789}"#, NOW);
    assert_eq!(session.poll_close(), Some(CloseReason::Shutdown));

    let mut session = self::session();
    let mut now = NOW;
    let mut reason = None;
    let mut update = 0;
    while reason.is_none() {
        now = now.plus(20 * SECOND_NS);
        update += 1;
        session.on_frame(ticker(update, "1", "2").as_bytes(), now);
        session.on_deadline(now);
        reason = session.poll_close();
    }
    assert_eq!(reason, Some(CloseReason::Age));
    assert!(now.since(NOW) < 24 * HOUR_NS && now.since(NOW) > 23 * HOUR_NS);
}

#[test]
fn connected_but_mute_is_found_per_instrument() {
    let mut session = session();
    while session.poll_send().is_some() {}
    let mut update = 0;
    for second in 1..=40 {
        update += 1;
        let now = NOW.plus(second * SECOND_NS);
        session.on_frame(ticker(update, "1", "2").as_bytes(), now);
        session.on_deadline(now);
    }
    let mutes: Vec<Gap> = inputs(&mut session)
        .into_iter()
        .filter_map(|input| {
            if let Input::Gap(gap) = input {
                Some(gap)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(mutes.len(), 1, "ETH alone, once: {mutes:?}");
    assert_eq!(
        (mutes[0].cause, mutes[0].instrument),
        (GapCause::Mute, Some(InstrumentId(2)))
    );
    let left = session.poll_send().unwrap();
    assert_eq!(
        left,
        r#"{"method":"UNSUBSCRIBE","params":["ethusdt@bookTicker"],"id":2}"#
    );
    session.on_deadline(NOW.plus(41 * SECOND_NS));
    let again = session.poll_send().unwrap();
    assert_eq!(
        again,
        r#"{"method":"SUBSCRIBE","params":["ethusdt@bookTicker"],"id":3}"#
    );

    // Pings are no data: a connection without any quote is opened anew although it pings.
    let mut reason = None;
    for second in 42..200 {
        let now = NOW.plus(second * SECOND_NS);
        session.on_alive(now);
        session.on_deadline(now);
        reason = reason.or(session.poll_close());
    }
    assert_eq!(reason, Some(CloseReason::Mute));
}

#[test]
fn a_lost_connection_is_a_gap_and_so_is_its_return() {
    let mut session = session();
    session.on_frame(ticker(10, "1", "2").as_bytes(), NOW);
    session.on_closed(NOW.plus(1));
    session.on_closed(NOW.plus(2));
    assert_eq!(session.poll_deadline(), None);
    session.on_open(NOW.plus(3));
    session.on_frame(ticker(3, "1", "2").as_bytes(), NOW.plus(4));
    let all = inputs(&mut session);
    assert!(
        matches!(all[2], Input::Gap(gap) if gap.ts == NOW.plus(4)),
        "with its first record, and before it: {all:?}"
    );
    let causes: Vec<GapCause> = all
        .iter()
        .filter_map(|i| {
            if let Input::Gap(g) = i {
                Some(g.cause)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(causes, [GapCause::Disconnect, GapCause::Reconnect]);
    assert_eq!(all.len(), 4, "update ids start anew with a connection");
}

#[test]
fn only_data_ends_an_outage_and_it_is_told_once() {
    let mut session = session();
    for nth in 0..3 {
        let now = NOW.plus(nth * MINUTE_NS);
        session.on_open(now);
        session.on_alive(now);
        session.on_frame(br#"{"result":null,"id":1}"#, now);
        session.on_frame(ticker(1, "NaN", "1").as_bytes(), now);
        session.on_closed(now);
        session.on_unreachable(now);
    }
    assert!(
        matches!(inputs(&mut session)[..], [Input::Gap(gap)] if gap.cause == GapCause::Disconnect)
    );
    session.on_open(NOW.plus(3 * MINUTE_NS));
    session.on_frame(ticker(1, "1", "2").as_bytes(), NOW.plus(3 * MINUTE_NS));
    assert!(
        matches!(inputs(&mut session)[..], [Input::Gap(gap), Input::Quote(_)] if gap.cause == GapCause::Reconnect)
    );
    assert_eq!(session.counts().gaps, 2);
}

/// A captured connection against the facts somebody else computed.
fn capture(name: &str, symbol: &str, qty_digits: u8) {
    let Some(facts) = recordings::facts() else {
        return;
    };
    let fact = &facts["wire"][format!("binance_capture/{name}")];
    let Some(text) = recordings::text(&format!("wire/binance_capture/{name}.jsonl.gz")) else {
        return;
    };
    let mut session = Binance::new(SourceId(3), vec![listing(symbol, 1, 2, qty_digits)]);
    let (mut quotes, mut trades, mut volume) = (Vec::<Quote>::new(), 0u64, 0i64);
    let (mut returns, mut gaps) = (0, 0);
    let mut lags = Vec::new();
    for (line, entry) in text.lines().enumerate() {
        let (local_ns, frame) = entry.split_once(' ').unwrap();
        let now = Ts(local_ns.parse().unwrap());
        if line == 0 {
            session.on_open(now);
            assert!(inputs(&mut session).is_empty(), "it has said nothing yet");
        }
        session.on_frame(frame.as_bytes(), now);
        while let Some(input) = session.poll_input() {
            match input {
                Input::Quote(quote) => quotes.push(quote),
                Input::Trade(trade) => {
                    trades += 1;
                    volume += trade.qty.0;
                    lags.push(f64::from(trade.venue_lag_us) / 1_000.0);
                }
                Input::Gap(gap) if gap.cause == GapCause::Reconnect => returns += 1,
                Input::Gap(_) => gaps += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    let counts = session.counts();
    assert_eq!(counts.frames, fact["frames"].as_u64().unwrap());
    assert_eq!(quotes.len() as u64, fact["bookTicker"].as_u64().unwrap());
    assert_eq!(trades, fact["trade"].as_u64().unwrap());
    assert_eq!(
        counts.other,
        fact["depth"].as_u64().unwrap() + 1,
        "depth and the book snapshot are for others"
    );
    assert_eq!((counts.refused_total(), gaps, counts.skewed), (0, 0, 0));
    assert_eq!(returns, 1);
    assert_eq!(fact["trade_id_gaps"].as_u64(), Some(0));
    // The fact is rounded to four digits.
    let volume = i128::from(volume) * i128::from(pow10(8 - qty_digits));
    let want = fact["trade_base_volume"].as_str().unwrap();
    let want = crate::decimal::parse_exact(want.as_bytes(), 4).unwrap();
    assert_eq!(div_round(volume, 10_000), i128::from(want));
    let mid2 = |quote: &Quote| quote.bid.0 + quote.ask.0;
    let doubled =
        |key: &str| crate::decimal::parse_exact(fact[key].to_string().as_bytes(), 3).unwrap() / 5;
    assert_eq!(quotes.iter().map(mid2).min().unwrap(), doubled("min_mid"));
    assert_eq!(quotes.iter().map(mid2).max().unwrap(), doubled("max_mid"));
    if let Some(lag) = fact.get("local_minus_E_ms") {
        lags.sort_by(f64::total_cmp);
        let bound = |key: &str| lag[key].as_f64().unwrap();
        assert!(lags[0] >= bound("min") - 0.1 && lags[lags.len() - 1] <= bound("max") + 0.1);
        assert!(
            (lags[lags.len() / 2] - bound("median")).abs() < 2.0,
            "the local clock is behind: {}",
            lags[lags.len() / 2]
        );
    }
}

#[test]
fn a_captured_spot_connection_gives_the_published_facts() {
    capture("spot_btcusdt_20240808", "BTCUSDT", 5);
    capture("spot_ethusdt_20240808", "ETHUSDT", 4);
}

#[test]
fn a_captured_futures_connection_gives_the_published_facts() {
    capture("usdm_btcusdt_20240808", "BTCUSDT", 3);
}

#[test]
fn other_peoples_captures_are_read_too() {
    for (name, symbol, id_digits) in [
        ("BINANCE", "NKNUSDT", (4, 8)),
        ("BINANCE_FUTURES", "SUSHIUSDT", (4, 8)),
    ] {
        let Some(facts) = recordings::facts() else {
            return;
        };
        let fact = &facts["wire"][format!("cryptofeed/{name}.ws.1.0")];
        let Some(text) = recordings::text(&format!("wire/cryptofeed/{name}.ws.1.0.gz")) else {
            return;
        };
        let symbols: std::collections::BTreeSet<String> = text
            .split(r#""s":""#)
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect();
        let listings: Vec<_> = symbols
            .iter()
            .zip(1..)
            .map(|(symbol, id)| listing(symbol, id, 8, id_digits.1))
            .collect();
        let watched = listings
            .iter()
            .find(|listing| listing.symbol == symbol)
            .unwrap()
            .instrument;
        let mut session = Binance::new(SourceId(3), listings);
        let mut last = None;
        for line in text.lines() {
            let Some((at, frame)) = line.split_once(": {") else {
                continue;
            };
            let Ok(seconds) = crate::decimal::parse_cut(at.as_bytes(), 9) else {
                continue;
            };
            session.on_frame(format!("{{{frame}").as_bytes(), Ts(seconds as u64));
            for input in inputs(&mut session) {
                if let Input::Quote(quote) = input
                    && quote.instrument == watched
                {
                    last = Some((quote.bid.0, quote.ask.0));
                }
            }
        }
        let counts = session.counts();
        assert_eq!(
            counts.quotes,
            fact["bookTicker"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(counts.trades, fact["aggTrade"].as_u64().unwrap(), "{name}");
        assert_eq!(counts.refused_total(), 0, "{name}");
        let want = &fact[format!("last_bookTicker_{symbol}")];
        let at = |index: usize| {
            crate::decimal::parse_exact(want[index].as_str().unwrap().as_bytes(), 8).unwrap()
        };
        assert_eq!(last, Some((at(0), at(1))), "{name}");
    }
}

#[test]
fn documented_frames_are_read() {
    let folder = "wire/nautilus/binance/futures/market_data_json";
    let mut session = Binance::new(
        SourceId(3),
        vec![listing("BTCUSDT", 1, 3, 0), listing("BNBUSDT", 2, 8, 2)],
    );
    for (name, quotes, trades) in [
        ("book_ticker_stream", 1, 0),
        ("agg_trade_stream", 0, 1),
        ("trade_stream", 0, 1),
        ("mark_price_stream", 0, 0),
        ("kline_stream_open", 0, 0),
        ("depth_update_stream", 0, 0),
        ("liquidation_stream", 0, 0),
        ("ticker_stream", 0, 0),
    ] {
        let Some(frame) = recordings::text(&format!("{folder}/{name}.json")) else {
            return;
        };
        session.on_open(NOW);
        let before = (session.counts().quotes, session.counts().trades);
        session.on_frame(frame.as_bytes(), NOW);
        let after = (session.counts().quotes, session.counts().trades);
        assert_eq!(
            (after.0 - before.0, after.1 - before.1),
            (quotes, trades),
            "{name}"
        );
    }
    assert_eq!(session.counts().refused_total(), 0);
    assert!(
        session.counts().skewed >= 3,
        "times of 1970 and 2019 are skew, not a panic"
    );
}
