//! Scenes of the band, the variant and the velocity, of a dry run before a halt is lifted, and of sources that differ.

use super::*;
use crate::view::DetectorView;

/// A market with one detector alone, three confirmations and ten seconds of quiet.
fn guarded(set: impl FnOnce(&mut BreakerTerms)) -> Market {
    let mut market = market(|terms, _| {
        (terms.halt.alert, terms.halt.halt) = (Ratio(0), Ratio(0));
        terms.halt.quiet_ns = 10 * SECOND_NS;
        terms.halt.vol_floor = Ratio::percent(90);
        terms.feeds[0].timeout_ns = HOUR_NS;
        terms.quote_age_max_ns = HOUR_NS;
        terms.cache_age_max_ns = HOUR_NS;
        set(&mut terms.halt.breakers);
    });
    open(&mut market);
    play(
        &mut market,
        "0 A 9999 10001 -> switch:First Delayed>Live mark",
    );
    market
}

#[test]
fn a_price_that_stays_at_the_band_halts_for_five_minutes() {
    let mut market = guarded(|breakers| breakers.band.share = Ratio::percent(1));
    play(
        &mut market,
        "1000   A 9899 9901  -> mark
         2000   A 9890 9900  -> mark breach:Band:Down
         3000   A 9950 9952  -> mark
         4000   A 9890 9899  -> mark
         5000   A 9890 9899  -> mark
         6000   A 9890 9899  -> mark
         18999  clock        ->
         19000  clock        -> halt:on
         60000  A 9999 10001 -> mark
         318999 clock        ->
         319000 clock        -> halt:off",
    );
}

#[test]
fn the_reference_starts_anew_when_trading_resumes() {
    let mut market = guarded(|breakers| {
        breakers.band.share = Ratio::percent(1);
        (breakers.band.limit_ns, breakers.band.pause_ns) = (0, 0);
    });
    play(
        &mut market,
        "1000  A 9799 9801 -> mark breach:Band:Down
         1001  A 9799 9801 -> mark
         1002  A 9799 9801 -> mark halt:on
         2000  A 9799 9801 -> mark
         12000 clock       -> halt:off
         12001 A 9799 9801 -> mark
         12002 A 9790 9795 -> mark",
    );
}

#[test]
fn the_band_of_friday_does_not_judge_the_first_price_of_monday() {
    let mut market = guarded(|breakers| breakers.band.share = Ratio::percent(1));
    play(
        &mut market,
        "1000   A 9999 10001  -> mark
         2000   close 400000  -> Live>Closed
         500000 open 900000   -> Closed>Delayed
         500100 A 10199 10201 -> Delayed>Live mark
         501000 A 10199 10201 -> mark
         502000 A 10090 10092 -> mark breach:Band:Down",
    );
}

/// Plays what is told ahead of sessions, in milliseconds: open, from, until.
fn ahead(market: &mut Market, sessions: &[(bool, u64, u64)]) {
    for (open, at, until) in sessions {
        let session = Session {
            instrument: ID,
            open: *open,
            at: Ts(at * 1_000_000),
            until: Ts(until * 1_000_000),
        };
        let told = market.on_session(&session, Ts(1_000_000_000), &mut Vec::new());
        told.unwrap();
    }
}

#[test]
fn a_break_that_is_over_at_the_next_input_is_a_break() {
    let told = [(false, 2_000, 500_000), (true, 500_000, 900_000)];
    let closure_untold = [(true, 1_000, 2_000), (true, 500_000, 900_000)];
    for sessions in [told, closure_untold] {
        let mut market = guarded(|breakers| breakers.band.share = Ratio::percent(1));
        play(&mut market, "1000 A 9999 10001 -> mark");
        ahead(&mut market, &sessions);
        play(
            &mut market,
            "500100 clock         ->
             500100 A 10199 10201 -> mark
             501000 A 10199 10201 -> mark
             502000 A 10090 10092 -> mark breach:Band:Down",
        );
    }
}

#[test]
fn a_closure_that_is_told_late_is_no_break() {
    let mut market = guarded(|breakers| breakers.band.share = Ratio::percent(1));
    play(&mut market, "1000 A 9999 10001 -> mark");
    ahead(&mut market, &[(true, 900, 900_000), (false, 500, 800)]);
    play(
        &mut market,
        "2000 clock       ->
         2001 A 9890 9899 -> mark breach:Band:Down",
    );
}

#[test]
fn a_limit_state_ends_with_its_session() {
    let mut market = guarded(|breakers| breakers.band.share = Ratio::percent(1));
    play(
        &mut market,
        "1000   A 9890 9899  -> mark breach:Band:Down
         1500   A 9890 9899  -> mark
         2000   A 9890 9899  -> mark
         3000   close 400000 -> Live>Closed
         60000  clock        ->",
    );
}

#[test]
fn what_was_fast_before_a_break_is_not_confirmed_behind_it() {
    let mut market = guarded(|breakers| {
        breakers.velocity = VelocityTerms {
            ticks: 12,
            window_ns: SECOND_NS,
        };
    });
    play(
        &mut market,
        "1000   A 9999 10001  -> mark
         1900   A 10005 10007 -> mark
         2100   A 10011 10013 -> mark
         2900   A 10017 10019 -> mark breach:Velocity:Up
         2950   close 400000  -> Live>Closed
         500000 open 900000   -> Closed>Delayed
         500100 A 10018 10020 -> Delayed>Live mark
         500200 A 10018 10020 -> mark
         500300 A 10018 10020 -> mark",
    );
}

#[test]
fn more_than_the_days_variant_halts_and_a_single_print_does_not() {
    let mut market = guarded(|breakers| {
        breakers.dynamic.share = Ratio::percent(1);
        breakers.dynamic.pause_ns = 120 * SECOND_NS;
    });
    play(
        &mut market,
        "1000   A 10099 10101 -> mark
         2000   A 9000 9002   -> mark breach:Dynamic:Down
         3000   A 10050 10052 -> mark
         4000   A 10100 10102 -> mark
         5000   A 10098 10100 -> mark
         6000   A 10100 10104 -> mark
         7000   A 10105 10107 -> mark
         8000   A 10105 10107 -> mark halt:on
         127999 clock         ->
         128000 clock         -> halt:off
         129000 A 10300 10302 -> mark",
    );
}

#[test]
fn ticks_in_time_halt_and_the_same_way_in_more_time_does_not() {
    let mut market = guarded(|breakers| {
        breakers.velocity = VelocityTerms {
            ticks: 12,
            window_ns: SECOND_NS,
        };
    });
    play(
        &mut market,
        "1000 A 9999 10001  -> mark
         1900 A 10005 10007 -> mark
         2100 A 10011 10013 -> mark
         2900 A 10017 10019 -> mark breach:Velocity:Up
         2950 A 10018 10020 -> mark
         3000 A 10018 10020 -> mark halt:on
         3100 T 10000       -> print
         20000 clock        -> halt:off",
    );
}

#[test]
fn a_dry_run_says_what_would_fire_and_changes_nothing() {
    let mut market = guarded(|breakers| {
        breakers.band.share = Ratio::percent(1);
        breakers.velocity = VelocityTerms {
            ticks: 12,
            window_ns: SECOND_NS,
        };
    });
    play(
        &mut market,
        "1000 halt         -> halt:on
         2000 A 9850 9852  -> mark
         2500 A 9870 9872  -> mark",
    );
    let before = encode(&market);
    let view = market.resume_view(ID, Ts(2_500_000_000)).unwrap();
    assert_eq!(encode(&market), before);
    assert_eq!(
        (view.halted, view.cause, view.manual),
        (true, Some(HaltCause::Person), true)
    );
    assert_eq!(view.quiet_at, None);
    let fires = |view: &DetectorView| (view.cause, view.fires, view.needed);
    let seen: Vec<_> = view.detectors.iter().map(fires).collect();
    assert_eq!(
        seen,
        [(HaltCause::Band, true, 3), (HaltCause::Velocity, true, 3)]
    );
    let later = market.resume_view(ID, Ts(9_000_000_000)).unwrap();
    let seen: Vec<_> = later.detectors.iter().map(fires).collect();
    assert_eq!(
        seen,
        [(HaltCause::Band, true, 3), (HaltCause::Velocity, false, 3)]
    );
}

#[test]
fn a_source_that_is_always_apart_loses_its_score() {
    let mut market = market(|terms, _| {
        terms.halt.alert = Ratio::percent(1);
        terms.halt.halt = Ratio(0);
    });
    open(&mut market);
    let mut out = Vec::new();
    for second in 1..60u64 {
        for (source, mid) in [(0, 100_000), (1, 100_500)] {
            let quote = quote(source, second * 1_000, mid - 1, mid + 1);
            market.on_quote(&quote, quote.ts, &mut out);
        }
    }
    let views = market.source_views(ID, Ts(60 * SECOND_NS)).unwrap();
    assert_eq!((views[0].active, views[1].active), (true, false));
    assert_eq!(views[1].offset, Ratio::basis_points(50));
    assert_eq!(
        (views[0].score, views[1].score),
        (50, 50),
        "two sources: neither is right"
    );
    let crossed = quote(1, 60_500, 100_600, 100_400);
    market.on_quote(&crossed, crossed.ts, &mut out);
    let view = market.source_views(ID, crossed.ts).unwrap()[1];
    assert_eq!((view.rows, view.faults), (60, 1));
}

#[test]
fn bars_that_have_ended_are_open_until_they_close() {
    let mut market = market(|_, _| {});
    open(&mut market);
    let mut out = Vec::new();
    for (ms, bid) in [(58_500, 10), (59_500, 20), (60_500, 30), (61_500, 40)] {
        let quote = quote(0, ms, bid, bid + 2);
        market.on_quote(&quote, quote.ts, &mut out);
    }
    let shown = |span| {
        let bars = market.open_bars(ID, span).unwrap();
        let shown = bars
            .iter()
            .map(|bar| (bar.start.0 / SECOND_NS, bar.bid.high, bar.closed));
        shown.collect::<Vec<_>>()
    };
    assert_eq!(shown(BarSpan::M1), [(0, 20, false), (60, 40, false)]);
    assert_eq!(
        shown(BarSpan::S1),
        [(59, 20, false), (60, 30, false), (61, 40, false)]
    );
    assert_eq!(shown(BarSpan::H1), [(0, 40, false)]);
}

#[test]
fn contradictory_detectors_are_refused() {
    let terms = market(|_, _| {}).terms(ID).unwrap().clone();
    let refused = |adjust: fn(&mut InstrumentTerms)| {
        let mut changed = terms.clone();
        adjust(&mut changed);
        market(|_, _| {}).set_instrument(&changed) == Err(Reject::TermsInvalid)
    };
    assert!(refused(|terms| terms.halt.breakers.band.window_ns = 0));
    assert!(refused(
        |terms| terms.halt.breakers.velocity.window_ns = 2 * HOUR_NS
    ));
    assert!(refused(
        |terms| terms.halt.breakers.dynamic.share = Ratio(-1)
    ));
    assert!(refused(|terms| {
        terms.negative_prices = true;
        terms.halt.breakers.band.share = Ratio::percent(5);
    }));
    assert!(refused(|terms| {
        terms.filter.soft = Ratio::percent(1);
        terms.filter.points.soft = Price(10);
    }));
    assert!(refused(|terms| {
        terms.filter.points = LevelPoints {
            soft: Price(10),
            hard: Price(5),
            discard: Price(0),
        };
    }));
    assert!(refused(|terms| {
        (terms.filter.spread_min, terms.filter.spread_max) = (Price(9), Price(8));
    }));
    assert!(!refused(
        |terms| terms.halt.breakers.band.share = Ratio::percent(5)
    ));
}
