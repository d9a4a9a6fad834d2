use super::*;
use crate::codec::{decode, encode};
use proptest::prelude::*;

#[path = "breaker_scenes.rs"]
mod breaker_scenes;

const ID: InstrumentId = InstrumentId(0);

/// A market with instrument 0, sources A and B (10 s timeout each), open all day unless the scene says otherwise.
fn market(adjust: impl FnOnce(&mut InstrumentTerms, &mut SourceTerms)) -> Market {
    let mut market = Market::default();
    for id in [0, 1] {
        let currency = CurrencyTerms {
            id: CurrencyId(id),
            digits: 2,
            pivot: 0,
        };
        market.set_currency(&currency).unwrap();
    }
    let mut terms =
        InstrumentTerms::of_class(ID, AssetClass::Forex, CurrencyId(0), CurrencyId(1), 5);
    terms.feeds = [0, 1]
        .map(|id| Feed {
            source: SourceId(id),
            timeout_ns: 10 * SECOND_NS,
        })
        .to_vec();
    let mut source = SourceTerms {
        id: SourceId(0),
        kind: SourceKind::Datafeed,
        crossed: Crossed::Hold,
        filtered: true,
    };
    adjust(&mut terms, &mut source);
    for id in [0, 1] {
        source.id = SourceId(id);
        market.set_source(&source).unwrap();
    }
    market.set_instrument(&terms).unwrap();
    market
}

fn open(market: &mut Market) {
    let session = Session {
        instrument: ID,
        open: true,
        at: Ts(0),
        until: Ts(u64::MAX),
    };
    market.on_session(&session, Ts(0), &mut Vec::new()).unwrap();
}

fn quote(source: u16, ms: u64, bid: i64, ask: i64) -> Quote {
    Quote {
        ts: Ts(ms * 1_000_000),
        bid: Price(bid),
        ask: Price(ask),
        bid_qty: Qty(0),
        ask_qty: Qty(0),
        bid_drop: 0,
        ask_rise: 0,
        venue_lag_us: 0,
        instrument: ID,
        source: SourceId(source),
        merged: 0,
        kind: QuoteKind::Firm,
    }
}

/// What an output says, in a word; bars, marks of every quote and sessions are left out of scenes.
fn word(output: &Output) -> Option<String> {
    Some(match output {
        Output::Mark(_) => "mark".to_owned(),
        Output::Print(_) => "print".to_owned(),
        Output::Dropped(dropped) => format!("{:?}", dropped.reason),
        Output::Switch(switch) => format!("switch:{:?}", switch.cause),
        Output::Feed(feed) => format!("{:?}>{:?}", feed.from, feed.to),
        Output::Breach(breach) if breach.cause != HaltCause::Window => {
            format!("breach:{:?}:{:?}", breach.cause, breach.direction)
        }
        Output::Breach(breach) => format!("breach:{:?}", breach.direction),
        Output::Halt(halt) if halt.awaiting_resume => "halt:awaits".to_owned(),
        Output::Halt(halt) => format!("halt:{}", if halt.on { "on" } else { "off" }),
        Output::Volatility(change) => format!("volatility:{:?}", change.state),
        _ => return None,
    })
}

/// Plays a scene: each line is `ms what [numbers] -> words`. `A 1 2` is a quote of source A with bid and ask, `T 5` a
/// print of A, `clock` time alone, `open ms` and `close ms` sessions until then, `down A` a disconnect, `halt`, `lift`.
fn play(market: &mut Market, scene: &str) {
    for line in scene.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (input, expected) = line.split_once("->").unwrap_or((line, ""));
        let fields: Vec<&str> = input.split_whitespace().collect();
        let number = |place: usize| fields[place].parse::<i64>().unwrap();
        let ms = number(0) as u64;
        let now = Ts(ms * 1_000_000);
        let mut out = Vec::new();
        match fields[1] {
            "A" => drop(market.on_quote(&quote(0, ms, number(2), number(3)), now, &mut out)),
            "B" => drop(market.on_quote(&quote(1, ms, number(2), number(3)), now, &mut out)),
            "T" => market.on_trade(&print(ms, number(2)), now, &mut out),
            "clock" => market.on_clock(now, &mut out),
            verb @ ("open" | "close") => {
                let session = Session {
                    instrument: ID,
                    open: verb == "open",
                    at: now,
                    until: Ts(number(2) as u64 * 1_000_000),
                };
                market.on_session(&session, now, &mut out).unwrap();
            }
            "down" => market.on_gap(&disconnect(now), now, &mut out),
            verb @ ("halt" | "lift") => {
                let on = verb == "halt";
                let halt = SetHalt {
                    instrument: ID,
                    on,
                    note: 0,
                };
                market.set_halt(&halt, now, &mut out).unwrap();
            }
            other => panic!("unknown verb {other}"),
        }
        let seen: Vec<String> = out.iter().filter_map(word).collect();
        assert_eq!(seen.join(" "), expected.trim(), "{line}");
    }
}

fn print(ms: u64, price: i64) -> Trade {
    Trade {
        ts: Ts(ms * 1_000_000),
        price: Price(price),
        qty: Qty(1),
        venue_lag_us: 0,
        instrument: ID,
        source: SourceId(0),
        side: Side::Sell,
    }
}

fn disconnect(now: Ts) -> Gap {
    Gap {
        ts: now,
        source: SourceId(0),
        instrument: None,
        cause: GapCause::Disconnect,
        missing: 0,
    }
}

#[test]
fn overtaken_and_future_quotes_of_a_live_venue_are_left_out_and_counted() {
    for (filtered, dropped) in [(true, [1, 1]), (false, [0, 0])] {
        let mut market = market(|_, source| source.filtered = filtered);
        open(&mut market);
        let mut out = Vec::new();
        // A ticker without a number of its own that was overtaken, then one of a stray clock.
        for (ms, lag_us) in [
            (1_000, 5_000),
            (1_010, 25_000),
            (1_020, -9_000_000),
            (1_030, 5_000),
        ] {
            let mut late = quote(0, ms, 100, 101);
            late.venue_lag_us = lag_us;
            market.on_quote(&late, late.ts, &mut out);
        }
        let count = |reason| market.dropped(ID, reason);
        assert_eq!(
            [count(DropReason::OutOfOrder), count(DropReason::Future)],
            dropped,
            "filters of the source on: {filtered}"
        );
        let marks = out
            .iter()
            .filter(|output| matches!(output, Output::Mark(_)));
        assert_eq!(marks.count() as u64, 4 - dropped[0] - dropped[1]);
    }
}

#[test]
fn without_a_calendar_the_instrument_is_closed() {
    let mut market = market(|_, _| {});
    play(&mut market, "0 A 100 101 -> Closed");
    assert_eq!(market.feed(ID), FeedState::Closed);
    assert!(market.mark(ID).is_none());
}

#[test]
fn the_weekend_is_neither_late_nor_filtered() {
    let mut market = market(|terms, _| terms.filter = FilterTerms::LIVE);
    play(
        &mut market,
        "0       open 100000    -> Closed>Delayed
         1000    A 10000 10001  -> switch:First Delayed>Live mark
         99999   clock          -> Live>Delayed
         100000  clock          -> Delayed>Closed
         400000  clock          ->
         400000  A 10000 10001  -> Closed
         500000  open 900000    -> Closed>Delayed
         500100  A 20000 20001  -> Delayed>Live mark
         500200  A 10000 10001  -> Soft",
    );
}

#[test]
fn a_silent_instrument_is_delayed_then_unavailable_then_live() {
    let mut market = market(|_, _| {});
    open(&mut market);
    play(
        &mut market,
        "1000    A 100 101 -> switch:First Delayed>Live mark
         31000   clock     ->
         31001   clock     -> Live>Delayed
         301000  clock     ->
         301001  clock     -> Delayed>Unavailable
         900000  B 100 101 -> switch:Timeout Unavailable>Live mark",
    );
}

#[test]
fn the_haircut_grows_by_the_whole_minute_and_stops_at_its_cap() {
    let mut market = market(|_, _| {});
    open(&mut market);
    play(
        &mut market,
        "1000    A 100 101 -> switch:First Delayed>Live mark
         60000   clock     -> Live>Delayed
         420000  clock     -> Delayed>Unavailable",
    );
    for (minute, basis_points) in [
        (7, 0),
        (8, 2),
        (9, 4),
        (56, 98),
        (57, 100),
        (58, 100),
        (5_000, 100),
    ] {
        assert_eq!(
            market.haircut(ID, minute),
            Ratio::basis_points(basis_points),
            "{minute}"
        );
    }
    play(&mut market, "3600000 A 100 101 -> Unavailable>Live mark");
    assert_eq!(market.haircut(ID, 70), Ratio(0));
}

#[test]
fn minutes_unavailable_go_on_behind_a_break_in_which_they_do_not_count() {
    let mut market = market(|_, _| {});
    play(
        &mut market,
        "0       open 600000  -> Closed>Delayed
         300001  clock        -> Delayed>Unavailable
         600000  clock        -> Unavailable>Closed",
    );
    assert_eq!(market.haircut(ID, 10), Ratio(0), "closed");
    play(&mut market, "6000000 open 9000000 -> Closed>Unavailable");
    assert_eq!(
        market.haircut(ID, 100),
        Ratio::basis_points(8),
        "4 of the first session"
    );
    assert_eq!(market.haircut(ID, 103), Ratio::basis_points(14));
}

#[test]
fn crossed_quotes_prove_the_source_alive_and_make_no_price() {
    let mut market = market(|_, _| {});
    open(&mut market);
    play(
        &mut market,
        "1000   A 100 101 -> switch:First Delayed>Live mark
         9000   A 102 101 -> Crossed
         11000  B 100 101 ->
         18999  B 100 101 ->
         19000  B 100 101 -> switch:Timeout mark
         19100  A 103 101 -> Crossed
         19200  A 101 101 -> switch:Failback mark",
    );
    assert_eq!(market.mark(ID).unwrap().count, 3);
    assert_eq!(market.dropped(ID, DropReason::Crossed), 2);
    assert_eq!(market.tape(ID).unwrap().crossed, 2);
    assert_eq!(market.tape(ID).unwrap().locked, 1);
}

#[test]
fn a_source_of_bad_prices_is_not_waited_for() {
    let mut market = market(|terms, _| terms.filter = FilterTerms::LIVE);
    open(&mut market);
    play(
        &mut market,
        "1000   A 1000 1001 -> switch:First Delayed>Live mark
         9000   A 9000 9001 -> Discard
         11000  B 1000 1001 -> switch:Timeout mark
         11500  A 9000 9001 -> Discard
         12000  A 1002 1003 -> switch:Failback mark",
    );
}

#[test]
fn a_disconnected_source_is_replaced_at_once_and_exempt_when_it_is_back() {
    let mut market = market(|terms, _| terms.filter = FilterTerms::LIVE);
    open(&mut market);
    play(
        &mut market,
        "1000  A 1000 1001 -> switch:First Delayed>Live mark
         1100  B 1000 1001 ->
         1200  down A      ->
         1300  B 1000 1001 -> switch:SourceDown mark
         9000  A 1100 1101 -> switch:Failback mark breach:Up",
    );
}

#[test]
fn prices_below_zero_count_only_where_the_terms_say_so() {
    let scene = |market: &mut Market, expected: &str| {
        open(market);
        play(market, &format!("1000 A -3699 -3698 -> {expected}"));
    };
    scene(&mut market(|_, _| {}), "NotPositive");
    let mut negative = market(|terms, _| terms.negative_prices = true);
    scene(&mut negative, "switch:First Delayed>Live mark");
    play(
        &mut negative,
        "2000 A -3699 -3690 -> mark\n3000 A 0 1 -> mark breach:Up",
    );
}

#[test]
fn absurd_numbers_do_not_overflow() {
    let mut market = market(|terms, _| terms.negative_prices = true);
    open(&mut market);
    let (low, high) = (i64::MIN, i64::MAX);
    play(
        &mut market,
        &format!("1000 A {low} {high} -> Discard\n1001 A {high} {high} -> Discard"),
    );
    let far = i64::MAX / 8;
    play(
        &mut market,
        &format!("1002 A {} {far} -> switch:First Delayed>Live mark", -far),
    );
    play(
        &mut market,
        &format!("1003 A {far} {far} -> mark breach:Up"),
    );
}

#[test]
fn an_alert_then_a_halt_then_quiet() {
    let mut market = market(|terms, _| {
        terms.halt.quiet_ns = 30 * SECOND_NS;
        terms.cache_age_max_ns = DAY_NS;
        terms.quote_age_max_ns = DAY_NS;
        terms.halt.vol_floor = Ratio::percent(90);
    });
    open(&mut market);
    play(
        &mut market,
        "1000   A 10000 10000 -> switch:First Delayed>Live mark
         2000   A 9951 9951   -> mark
         3000   A 9950 9950   -> mark breach:Down
         4000   A 9901 9901   -> mark
         5000   A 9900 9900   -> mark
         6000   A 9899 9899   -> mark
         7000   A 9900 9900   -> mark halt:on
         8000   A 9900 9900   -> mark
         37999  clock         ->
         38000  clock         -> halt:off
         39000  A 9801 9801   -> mark",
    );
    let mut effects = Vec::new();
    market.take_effects(&mut effects);
    let halts: Vec<&Effect> = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Halt { .. }))
        .collect();
    assert_eq!(
        halts,
        [
            &Effect::Halt {
                instrument: ID,
                on: true
            },
            &Effect::Halt {
                instrument: ID,
                on: false
            }
        ]
    );
}

#[test]
fn a_halt_that_needs_a_person_waits_for_one() {
    let mut market = market(|terms, _| {
        terms.halt.manual_resume = true;
        terms.halt.confirmations = 1;
        terms.halt.quiet_ns = SECOND_NS;
    });
    open(&mut market);
    play(
        &mut market,
        "1000  A 10000 10000 -> switch:First Delayed>Live mark
         2000  A 9000 9000   -> mark breach:Down halt:on
         3000  clock         -> volatility:Elevated halt:awaits
         9000  clock         ->
         9001  lift          -> halt:off
         9002  lift          ->
         9003  halt          -> halt:on
         9004  halt          ->
         99000 clock         -> Live>Delayed
         99001 lift          -> halt:off",
    );
}

#[test]
fn prints_halt_but_never_mark() {
    let mut market = market(|_, _| {});
    open(&mut market);
    play(
        &mut market,
        "1000 T 10000 -> print
         1001 T 9900  -> print breach:Down
         1002 T 9900  -> print
         1003 T 9900  -> print halt:on
         1004 T 0     -> NotPositive
         1005 B 100 101 -> switch:First Delayed>Live mark
         1006 T 9900  ->",
    );
    assert_eq!(market.mark(ID).unwrap().count, 1);
}

#[test]
fn a_family_halts_together() {
    let mut market = market(|terms, _| {
        terms.family = 7;
        terms.halt.confirmations = 1;
    });
    let mut relative = market.terms(ID).unwrap().clone();
    relative.id = InstrumentId(3);
    market.set_instrument(&relative).unwrap();
    open(&mut market);
    let mut out = Vec::new();
    for (ms, price) in [(1_000, 10_000), (2_000, 9_000)] {
        market.on_quote(&quote(0, ms, price, price), Ts(ms * 1_000_000), &mut out);
    }
    assert!(market.halted(ID).is_some() && market.halted(InstrumentId(3)).is_some());
    market.on_clock(Ts(HOUR_NS), &mut out);
    assert!(market.halted(ID).is_none() && market.halted(InstrumentId(3)).is_none());
}

#[test]
fn merged_quotes_carry_their_extremes_unless_a_filter_would_have_dropped_them() {
    let mut market = market(|terms, _| terms.filter = FilterTerms::LIVE);
    open(&mut market);
    let mut merged = quote(0, 1_000, 10_000, 10_010);
    (merged.merged, merged.bid_drop, merged.ask_rise) = (5, 100, 101);
    let accepted = market
        .on_quote(&merged, merged.ts, &mut Vec::new())
        .unwrap();
    assert_eq!(
        (accepted.bid_low, accepted.ask_high),
        (Price(9_900), Price(10_010))
    );
    assert_eq!(market.tape(ID).unwrap().quotes, 6);
}

type Change<'a> = &'a dyn Fn(&mut InstrumentTerms);

#[test]
fn terms_are_checked_and_identity_is_fixed_once_priced() {
    let mut market = market(|_, _| {});
    open(&mut market);
    let good = market.terms(ID).unwrap().clone();
    let refused = |market: &mut Market, change: Change| {
        let mut terms = good.clone();
        change(&mut terms);
        market.set_instrument(&terms).err()
    };
    let cases: [(Change, Reject); 9] = [
        (&|terms| terms.base = CurrencyId(9), Reject::UnknownCurrency),
        (
            &|terms| terms.feeds[0].source = SourceId(9),
            Reject::UnknownSource,
        ),
        (
            &|terms| terms.feeds[0].source = SourceId(1),
            Reject::TermsInvalid,
        ),
        (&|terms| terms.price_digits = 13, Reject::TermsInvalid),
        (&|terms| terms.qty_step = Qty(0), Reject::TermsInvalid),
        (&|terms| terms.halt.window_ns = 0, Reject::TermsInvalid),
        (
            &|terms| terms.halt.ewma_lambda = Ratio::ONE,
            Reject::TermsInvalid,
        ),
        (
            &|terms| terms.watch = vec![Ratio(1); 9],
            Reject::TermsInvalid,
        ),
        (
            &|terms| terms.halt.alert.0 = terms.halt.halt.0 + 1,
            Reject::TermsInvalid,
        ),
    ];
    for (change, reject) in cases {
        assert_eq!(refused(&mut market, change), Some(reject));
    }
    assert_eq!(refused(&mut market, &|terms| terms.price_digits = 4), None);
    assert_eq!(refused(&mut market, &|_| {}), None);
    assert_eq!(
        refused(&mut market, &|terms| terms.halt.alert = terms.halt.halt),
        None
    );
    assert_eq!(
        refused(&mut market, &|terms| terms.halt.alert = Ratio(0)),
        None
    );
    market.on_quote(&quote(0, 1_000, 1, 2), Ts(SECOND_NS), &mut Vec::new());
    assert_eq!(
        refused(&mut market, &|terms| terms.price_digits = 4),
        Some(Reject::TermsInUse)
    );
    assert_eq!(
        refused(&mut market, &|terms| terms.collar = Ratio::percent(1)),
        None
    );
    let digits = CurrencyTerms {
        id: CurrencyId(0),
        digits: 3,
        pivot: 0,
    };
    assert_eq!(market.set_currency(&digits), Err(Reject::TermsInUse));
}

#[test]
fn unknown_instruments_and_sources_are_counted_and_said() {
    let mut market = market(|_, _| {});
    open(&mut market);
    let mut out = Vec::new();
    let mut stranger = quote(0, 1, 100, 101);
    stranger.instrument = InstrumentId(99);
    assert_eq!(market.on_quote(&stranger, Ts(1), &mut out), None);
    assert_eq!(
        market.on_quote(&quote(7, 1, 100, 101), Ts(1), &mut out),
        None
    );
    let reasons: Vec<String> = out.iter().filter_map(word).collect();
    assert_eq!(reasons, ["UnknownInstrument", "UnknownSource"]);
}

#[test]
fn venue_times_far_from_ours_are_counted_and_never_move_our_time() {
    // Of a source whose filters are off: a live venue's stray times are not used either.
    let mut market = market(|_, source| source.filtered = false);
    open(&mut market);
    let mut out = Vec::new();
    for (ms, lag_us) in [
        (10_000, 5_000_000),
        (11_000, 5_000_001),
        (12_000, -5_000_001),
        (13_000, i32::MAX),
    ] {
        let mut late = quote(0, ms, 100, 101);
        late.venue_lag_us = lag_us;
        market.on_quote(&late, late.ts, &mut out);
    }
    assert_eq!(market.skewed(ID), 3);
    assert_eq!(market.tape(ID).unwrap().out_of_order, 1);
    assert_eq!(market.mark(ID).unwrap().ts, Ts(13 * SECOND_NS));
}

proptest! {
    /// Whatever comes in, in whatever order: no panic, and a copy by the codec goes on alike.
    #[test]
    fn any_history_is_survived_and_repeated(
        steps in prop::collection::vec((0u8..12, 0u64..30_000, -20i64..400, -3i64..9), 1..200),
    ) {
        let mut market = market(|terms, _| {
            terms.filter = FilterTerms::LIVE;
            terms.filter.same_quote = true;
            terms.negative_prices = true;
        });
        let mut ms = 0;
        let mut copy = None;
        let mut outs = (Vec::new(), Vec::new());
        for (place, (what, step, price, spread)) in steps.iter().enumerate() {
            ms += step;
            if place == steps.len() / 2 {
                copy = Some(decode::<Market>(&encode(&market)).unwrap());
                outs = (Vec::new(), Vec::new());
            }
            apply(&mut market, *what, ms, *price, *spread, &mut outs.0);
            if let Some(copy) = &mut copy {
                apply(copy, *what, ms, *price, *spread, &mut outs.1);
            }
        }
        let copy = copy.unwrap();
        prop_assert_eq!(outs.0, outs.1);
        prop_assert_eq!(encode(&market), encode(&copy));
    }
}

fn apply(market: &mut Market, what: u8, ms: u64, price: i64, spread: i64, out: &mut Vec<Output>) {
    let now = Ts(ms * 1_000_000);
    match what {
        0..=4 => drop(market.on_quote(&quote(0, ms, price, price + spread), now, out)),
        5 | 6 => drop(market.on_quote(&quote(1, ms, price, price + spread), now, out)),
        7 => market.on_trade(&print(ms, price), now, out),
        8 => market.on_clock(now, out),
        9 => market.on_gap(&disconnect(now), now, out),
        10 => {
            let session = Session {
                instrument: ID,
                open: price > 0,
                at: now.plus(price.unsigned_abs() * SECOND_NS),
                until: Ts(u64::MAX),
            };
            // A refusal is an answer too.
            let _ = market.on_session(&session, now, out);
        }
        _ => {
            let halt = SetHalt {
                instrument: ID,
                on: price > 0,
                note: 0,
            };
            market.set_halt(&halt, now, out).unwrap();
        }
    }
}
