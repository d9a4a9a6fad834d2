use super::*;
use std::collections::BTreeMap;

const START: Ts = Ts(1_780_000_000 * SECOND_NS);

fn run(seed: u64, scenario: Scenario, seconds: u64) -> Vec<Input> {
    let catalog = Catalog::shipped();
    let mut simulator = Simulator::new(seed, &catalog, scenario, START);
    let end = START.plus(seconds * SECOND_NS);
    let mut inputs = Vec::new();
    while simulator.due() < end {
        inputs.extend(simulator.next());
    }
    inputs
}

fn quotes(inputs: &[Input], instrument: InstrumentId, source: u16) -> Vec<Quote> {
    inputs
        .iter()
        .filter_map(|input| match input {
            Input::Quote(quote) if quote.instrument == instrument && quote.source.0 == source => {
                Some(*quote)
            }
            _ => None,
        })
        .collect()
}

fn id(symbol: &str) -> InstrumentId {
    Catalog::shipped().listing(symbol).unwrap().terms.id
}

#[test]
fn a_seed_is_a_market() {
    assert_eq!(run(42, Scenario::Calm, 3), run(42, Scenario::Calm, 3));
    assert_ne!(run(42, Scenario::Calm, 3), run(43, Scenario::Calm, 3));
}

#[test]
fn calm_is_ordered_uncrossed_and_at_its_rate() {
    let catalog = Catalog::shipped();
    let inputs = run(1, Scenario::Calm, 30);
    let mut last = Ts(0);
    let mut counts: BTreeMap<(InstrumentId, u16), u64> = BTreeMap::new();
    for input in &inputs {
        assert!(input.ts() >= last);
        last = input.ts();
        if let Input::Quote(quote) = input {
            assert!(quote.bid < quote.ask && quote.bid.0 > 0, "{quote:?}");
            *counts
                .entry((quote.instrument, quote.source.0))
                .or_default() += 1;
        }
    }
    for listing in &catalog.instruments {
        let count = counts[&(listing.terms.id, 1)];
        let want = u64::from(listing.sim.rate) * 30;
        assert!(
            count > want * 7 / 10 && count < want * 13 / 10,
            "{}: {count} of {want}",
            listing.symbol
        );
        assert!(
            counts[&(listing.terms.id, 2)] > want / 4,
            "{}: the secondary speaks",
            listing.symbol
        );
    }
}

#[test]
fn crosses_agree_with_their_legs() {
    let inputs = run(5, Scenario::Calm, 20);
    let mid = |symbol: &str| {
        let last = *quotes(&inputs, id(symbol), 1).last().unwrap();
        i128::from(last.bid.0 + last.ask.0)
    };
    // EUR/USD × USD/JPY = EUR/JPY, at 5, 3 and 3 digits; mids are doubled.
    let product = mid("EUR/USD") * mid("USD/JPY") / 2 / 100_000;
    let cross = mid("EUR/JPY");
    assert!((product - cross).abs() * 1_000 < cross, "{product} {cross}");
}

#[test]
fn a_flash_crash_falls_beyond_the_halt_and_recovers() {
    let id = id("EUR/USD");
    let all = quotes(&run(9, Scenario::FlashCrash, 360), id, 1);
    let first = all[0].bid.0;
    let low = all.iter().map(|quote| quote.bid.0).min().unwrap();
    let fallen = (first - low) * 1_000 / first;
    assert!((15..35).contains(&fallen), "{fallen} per mille");
    let beyond = all
        .iter()
        .filter(|quote| quote.bid.0 * 100 < first * 99)
        .count();
    assert!(beyond > 30, "three confirmations and more: {beyond}");
    let last = all.last().unwrap().bid.0;
    assert!((first - last).abs() * 100 < first, "{first} {last}");
}

/// The same seed throws the same dice in both scenarios, so what is between two quotes is the trend alone.
#[test]
fn a_trend_takes_three_halts_in_twenty_minutes_and_no_minute_of_it_alerts() {
    const LENGTH_NS: u64 = 20 * MINUTE_NS;
    let calm = run(11, Scenario::Calm, 21 * 60);
    let trend = run(11, Scenario::Trend, 21 * 60);
    let mid = |quote: &Quote| quote.bid.0 + (quote.ask.0 - quote.bid.0) / 2;
    for symbol in ["EUR/USD", "XAU/USD", "BTC/USDT"] {
        let halts = Catalog::shipped().listing(symbol).unwrap().terms.halt;
        let calm = quotes(&calm, id(symbol), 1);
        let trend = quotes(&trend, id(symbol), 1);
        assert_eq!(calm.len(), trend.len());
        assert!(trend.last().unwrap().ts >= START.plus(LENGTH_NS));
        for (still, falling) in calm.iter().zip(&trend) {
            assert_eq!(still.ts, falling.ts);
            let elapsed_ns = falling.ts.since(START).min(LENGTH_NS);
            let whole = i128::from(mid(still)) * 3 * i128::from(halts.halt.0);
            let due =
                whole * i128::from(elapsed_ns) / (i128::from(Ratio::ONE.0) * i128::from(LENGTH_NS));
            let fallen = i128::from(mid(still) - mid(falling));
            assert!((fallen - due).abs() <= 1, "{symbol}: {fallen}, not {due}");
        }
        let mut oldest = 0;
        for (at, quote) in trend.iter().enumerate() {
            while quote.ts.since(trend[oldest].ts) > MINUTE_NS {
                oldest += 1;
            }
            let window = trend[oldest..=at].iter();
            let moved = window.map(|before| (mid(before) - mid(quote)).abs()).max();
            let moved = i128::from(moved.unwrap()) * i128::from(Ratio::ONE.0);
            let alert = i128::from(mid(quote)) * i128::from(halts.alert.0);
            assert!(moved < alert, "{symbol}: an alarm about speed");
        }
    }
}

#[test]
fn a_scenario_of_one_instrument_leaves_the_others_alone() {
    let catalog = Catalog::shipped();
    let mut simulator = Simulator::new(3, &catalog, Scenario::Calm, START);
    let gold = id("XAU/USD");
    assert_eq!(simulator.set_scenario(Scenario::MuteFeed, Some(gold)), 1);
    assert_eq!(simulator.scenario(gold), Some(Scenario::MuteFeed));
    assert_eq!(simulator.scenario(id("EUR/USD")), Some(Scenario::Calm));
    let end = START.plus(30 * SECOND_NS);
    let mut inputs = Vec::new();
    while simulator.due() < end {
        inputs.extend(simulator.next());
    }
    assert!(quotes(&inputs, gold, 1).is_empty(), "the primary is mute");
    let secondary = quotes(&inputs, gold, 2);
    assert!(!secondary.is_empty());
    assert!(secondary.last().unwrap().ts <= START.plus(SECONDARY_MUTE_NS));
    assert!(quotes(&inputs, id("EUR/USD"), 1).len() > 100);
    let holes = inputs
        .iter()
        .filter(|input| matches!(input, Input::Gap(gap) if gap.cause == GapCause::Mute));
    assert_eq!(holes.count(), 1);
}

#[test]
fn a_gap_is_told_before_the_first_quote_behind_it() {
    let id = id("EUR/USD");
    let inputs = run(4, Scenario::Gap, 15);
    let first = inputs
        .iter()
        .position(|i| matches!(i, Input::Quote(q) if q.instrument == id && q.source.0 == 1));
    let hole = inputs
        .iter()
        .position(|i| matches!(i, Input::Gap(g) if g.instrument == Some(id)));
    assert!(hole.unwrap() < first.unwrap());
    assert!(inputs[first.unwrap()].ts().since(START) >= GAP_NS);
}

#[test]
fn bad_ticks_are_bad_in_every_way() {
    let inputs = run(6, Scenario::BadTicks, 20);
    let all: Vec<Quote> = inputs
        .iter()
        .filter_map(|i| {
            if let Input::Quote(q) = i {
                Some(*q)
            } else {
                None
            }
        })
        .collect();
    assert!(all.iter().any(|quote| quote.bid.0 == 0));
    assert!(all.iter().any(|quote| quote.bid.0 < 0));
    assert!(
        all.iter()
            .any(|quote| quote.bid > quote.ask && quote.ask.0 > 0)
    );
    let euro = id("EUR/USD");
    let wild = |quote: &&Quote| quote.instrument == euro && quote.bid.0 > 500_000;
    assert!(all.iter().filter(wild).all(|quote| quote.source.0 == 2));
    let good = all
        .iter()
        .filter(|quote| quote.bid.0 > 0 && quote.bid < quote.ask)
        .count();
    assert!(good * 10 > all.len() * 8, "most are good");
}

#[test]
fn a_weekend_closes_sessions_and_calm_opens_them_again() {
    let catalog = Catalog::shipped();
    let mut simulator = Simulator::new(8, &catalog, Scenario::Weekend, START);
    let euro = id("EUR/USD");
    let (mut closed, mut opened, mut forex, mut crypto) = (0, 0, 0, 0);
    let mut switched = false;
    let end = START.plus(40 * SECOND_NS);
    while simulator.due() < end {
        if !switched && simulator.due() >= START.plus(30 * SECOND_NS) {
            switched = true;
            assert_eq!(forex, 0, "a closed session is silent");
            assert!(
                crypto > 0 && crypto < 1_500,
                "crypto trades thinly: {crypto}"
            );
            simulator.set_scenario(Scenario::Calm, None);
        }
        match simulator.next() {
            Some(Input::Command(command)) => match command.body {
                Body::Session(session) if session.open => opened += 1,
                Body::Session(_) => closed += 1,
                other => panic!("{other:?}"),
            },
            Some(Input::Quote(quote)) if quote.instrument == euro => forex += 1,
            Some(Input::Quote(_)) => crypto += 1,
            _ => {}
        }
    }
    let sleeping = catalog
        .instruments
        .iter()
        .filter(|l| l.terms.class != AssetClass::Crypto)
        .count();
    assert_eq!((closed, opened), (sleeping, sleeping));
    assert!(forex > 20);
}

#[test]
fn a_sleep_is_not_made_up_for() {
    let catalog = Catalog::shipped();
    let mut simulator = Simulator::new(2, &catalog, Scenario::Calm, START);
    let woken = START.plus(HOUR_NS);
    let mut count = 0;
    while let Some(input) = simulator.poll(woken) {
        assert_eq!(input.ts(), woken);
        count += 1;
    }
    assert!(count <= catalog.instruments.len() * 3, "{count}");
}

#[test]
fn load_multiplies_the_rate() {
    let catalog = Catalog::shipped();
    let mut simulator = Simulator::new(2, &catalog, Scenario::Calm, START).with_rate(100);
    let end = START.plus(SECOND_NS);
    let mut count = 0u64;
    while simulator.due() < end {
        simulator.next();
        count += 1;
    }
    assert!(count > 15_000, "{count}");
}
