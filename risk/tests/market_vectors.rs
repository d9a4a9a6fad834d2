//! Published worked examples of quote filters, failover, circuit breakers and volatility against the running rules.

mod recordings;

use recordings::{read, scaled};
use serde_json::{Value, json};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::market::Market;
use siaga_risk::market::breakers::*;
use siaga_risk::market::filter::{Levels, imported_levels, spread};
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::volatility::estimators::*;
use siaga_risk::volatility::{Ewma, log_return};
use std::collections::BTreeMap;

/// Digits of prices in these tests: the vectors' prices have at most five, halves of steps do not occur.
const DIGITS: usize = 5;
/// The machine's time of a vector's time zero: a midnight.
const START_NS: u64 = 10 * DAY_NS;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("text: {value}"))
}

fn price(value: &Value) -> Price {
    Price(scaled(text(value), DIGITS))
}

fn float(value: &Value) -> f64 {
    text(value).parse().expect("a decimal")
}

fn at_ms(value: &Value) -> Ts {
    Ts(START_NS + value.as_u64().expect("milliseconds") * 1_000_000)
}

fn at_s(value: &Value) -> Ts {
    Ts(START_NS + value.as_u64().expect("seconds") * SECOND_NS)
}

/// A market with the given sources and instruments 0 and 1, always open.
fn market(kinds: &[SourceKind], timeout_ns: u64, adjust: impl Fn(&mut InstrumentTerms)) -> Market {
    let mut market = Market::default();
    for id in 0..2 {
        market
            .set_currency(&CurrencyTerms {
                id: CurrencyId(id),
                digits: 2,
                pivot: 0,
            })
            .unwrap();
    }
    let mut feeds = Vec::new();
    for (id, kind) in kinds.iter().enumerate() {
        let source = SourceTerms {
            id: SourceId(id as u16),
            kind: *kind,
            crossed: Crossed::Hold,
            filtered: true,
        };
        market.set_source(&source).unwrap();
        feeds.push(Feed {
            source: source.id,
            timeout_ns,
        });
    }
    for id in [InstrumentId(0), InstrumentId(1)] {
        let mut terms = InstrumentTerms::of_class(
            id,
            AssetClass::Forex,
            CurrencyId(0),
            CurrencyId(1),
            DIGITS as u8,
        );
        terms.feeds.clone_from(&feeds);
        terms.damp_ns = 0;
        adjust(&mut terms);
        market.set_instrument(&terms).unwrap();
        let session = Session {
            instrument: id,
            open: true,
            at: Ts(0),
            until: Ts(u64::MAX),
        };
        market.on_session(&session, Ts(0), &mut Vec::new()).unwrap();
    }
    market
}

fn quote(source: u16, instrument: u32, ts: Ts, bid: Price, ask: Price) -> Quote {
    Quote {
        ts,
        bid,
        ask,
        bid_qty: Qty(0),
        ask_qty: Qty(0),
        bid_drop: 0,
        ask_rise: 0,
        venue_lag_us: NO_VENUE_TIME,
        instrument: InstrumentId(instrument),
        source: SourceId(source),
        merged: 0,
        kind: QuoteKind::Firm,
    }
}

/// Points as a share of the level; half a point more keeps "more than" exact for every level of a vector.
fn share_of(points: &Value, level: Price) -> Ratio {
    match scaled(text(points), 0) {
        0 => Ratio(0),
        points => Ratio(
            (i128::from(2 * points + 1) * i128::from(Ratio::ONE.0) / i128::from(2 * level.0))
                as i64,
        ),
    }
}

fn level_filter(inputs: &Value) -> Value {
    let last = &inputs["last_quote"];
    let (bid, ask) = (price(&last["bid"]), price(&last["ask"]));
    let filter = FilterTerms {
        soft: share_of(&inputs["soft_points"], bid),
        hard: share_of(&inputs["hard_points"], bid),
        discard: share_of(&inputs["discard_points"], bid),
        confirmations: inputs["confirmations"].as_u64().unwrap() as u8,
        ..FilterTerms::OFF
    };
    let mut market = market(&[SourceKind::Datafeed], DAY_NS, |terms| {
        terms.filter = filter
    });
    let mut levels = Levels::default();
    levels.set(bid, ask);
    let mut now = Ts(START_NS);
    let mut out = Vec::new();
    market.on_quote(&quote(0, 0, now, bid, ask), now, &mut out);
    let mut decisions = Vec::new();
    for tick in inputs["ticks"].as_array().unwrap() {
        now = now.plus(SECOND_NS);
        let (bid, ask) = (price(&tick["bid"]), price(&tick["ask"]));
        if tick["after_break"] == true {
            levels.after_break();
            let cause = GapCause::Reconnect;
            let gap = Gap {
                ts: now,
                source: SourceId(0),
                instrument: None,
                cause,
                missing: 0,
            };
            market.on_gap(&gap, now, &mut out);
        }
        let sides = if bid.0 <= 0 || ask.0 <= 0 {
            [false, false]
        } else {
            let (bid, ask) = levels.on_quote(bid, ask, &filter);
            [bid.is_none(), ask.is_none()]
        };
        let used = market
            .on_quote(&quote(0, 0, now, bid, ask), now, &mut out)
            .is_some();
        assert_eq!(
            used,
            sides == [true, true],
            "the machine uses what both sides accept: {tick}"
        );
        let word = |accepted: bool| if accepted { "accept" } else { "drop" };
        decisions.push(json!({"bid": word(sides[0]), "ask": word(sides[1])}));
    }
    let shown = |price: Price| format!("{}.{:05}", price.0 / 100_000, price.0 % 100_000);
    json!({"decisions": decisions, "level": {"bid": shown(levels.bid.price), "ask": shown(levels.ask.price)}})
}

fn spread_filter(inputs: &Value) -> Value {
    let (bid, ask) = (price(&inputs["bid"]), price(&inputs["ask"]));
    let filter = FilterTerms {
        spread_min: Price(scaled(text(&inputs["min_spread_points"]), 0)),
        spread_max: Price(scaled(text(&inputs["max_spread_points"]), 0)),
        ..FilterTerms::OFF
    };
    let mut market = market(&[SourceKind::Datafeed], DAY_NS, |terms| {
        terms.filter = filter
    });
    let now = Ts(START_NS);
    let used = market.on_quote(&quote(0, 0, now, bid, ask), now, &mut Vec::new());
    assert_eq!(used.is_some(), spread(bid, ask, &filter).is_none());
    json!({"spread_points": (ask.0 - bid.0).to_string(), "accepted": used.is_some()})
}

fn same_quote_filter(inputs: &Value) -> Value {
    let filter = FilterTerms {
        same_quote: true,
        ..FilterTerms::OFF
    };
    let mut market = market(&[SourceKind::Datafeed], DAY_NS, |terms| {
        terms.filter = filter
    });
    let accepted: Vec<bool> = inputs["ticks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tick| {
            let parts: Vec<u64> = text(&tick["time"])
                .split(':')
                .map(|part| part.parse().unwrap())
                .collect();
            let now =
                Ts(START_NS + parts[0] * HOUR_NS + parts[1] * MINUTE_NS + parts[2] * SECOND_NS);
            let quote = quote(0, 0, now, price(&tick["bid"]), price(&tick["ask"]));
            market.on_quote(&quote, now, &mut Vec::new()).is_some()
        })
        .collect();
    json!({"accepted": accepted})
}

fn failover_timeline(inputs: &Value) -> Value {
    let sources = inputs["sources"].as_array().unwrap();
    let kinds: Vec<SourceKind> = sources
        .iter()
        .map(|source| match text(&source["kind"]) {
            "gateway" => SourceKind::Gateway,
            _ => SourceKind::Datafeed,
        })
        .collect();
    let names: Vec<&str> = sources.iter().map(|source| text(&source["name"])).collect();
    let timeout_ns = inputs["timeout_ms"].as_u64().unwrap() * 1_000_000;
    let mut market = market(&kinds, timeout_ns, |_| {});
    let mut symbols: BTreeMap<&str, u32> = BTreeMap::new();
    let mut active: BTreeMap<u32, &str> = BTreeMap::new();
    let (mut decisions, mut activations) = (Vec::new(), Vec::new());
    for event in inputs["events"].as_array().unwrap() {
        let count = symbols.len() as u32;
        let symbol = text(&event["symbol"]);
        let instrument = *symbols.entry(symbol).or_insert(count);
        let source = names
            .iter()
            .position(|name| *name == text(&event["source"]))
            .unwrap();
        let now = at_ms(&event["t_ms"]);
        let mut out = Vec::new();
        let quote = quote(source as u16, instrument, now, Price(100), Price(101));
        let accepted = market.on_quote(&quote, now, &mut out).is_some();
        for output in &out {
            if let Output::Switch(switch) = output {
                let to = names[usize::from(switch.to.0)];
                active.insert(instrument, to);
                activations.push(json!({"t_ms": event["t_ms"], "symbol": symbol, "source": to}));
            }
        }
        decisions.push(json!({"accepted": accepted, "active": active[&instrument]}));
    }
    json!({"decisions": decisions, "activations": activations})
}

fn cached_price_fallback(inputs: &Value) -> Value {
    let max_ns = inputs["max_cache_age_ms"].as_u64().unwrap() * 1_000_000;
    let mut market = market(&[SourceKind::Datafeed], SECOND_NS, |terms| {
        terms.cache_age_max_ns = max_ns
    });
    let start = Ts(START_NS);
    let mut out = Vec::new();
    market.on_quote(&quote(0, 0, start, Price(1), Price(2)), start, &mut out);
    market.on_clock(at_ms(&inputs["cache_age_ms"]), &mut out);
    match market.feed(InstrumentId(0)) {
        FeedState::Delayed => json!({"use_cached": true, "banner": "Delayed data"}),
        FeedState::Unavailable => json!({"use_cached": false, "banner": null}),
        other => json!({"use_cached": format!("{other:?}")}),
    }
}

fn confirmed_halt(inputs: &Value) -> Value {
    let threshold = Ratio::percent(scaled(text(&inputs["threshold_pct"]), 0));
    let confirmations = inputs["confirmations"].as_u64().unwrap() as u8;
    let mut market = market(&[SourceKind::Datafeed], DAY_NS, |terms| {
        terms.halt.alert = threshold;
        terms.halt.halt = threshold;
        terms.halt.confirmations = confirmations;
        terms.halt.cooldown_ns = 0;
    });
    let mut now = Ts(START_NS);
    let reference = price(&inputs["reference_price"]);
    market.on_quote(
        &quote(0, 0, now, reference, reference),
        now,
        &mut Vec::new(),
    );
    let states: Vec<&str> = inputs["observations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|observation| {
            now = now.plus(SECOND_NS);
            let seen = price(observation);
            market.on_quote(&quote(0, 0, now, seen, seen), now, &mut Vec::new());
            if market.halted(InstrumentId(0)).is_some() {
                "HALT"
            } else if market.beyond_halt(InstrumentId(0)) {
                "ALERT"
            } else {
                "NORMAL"
            }
        })
        .collect();
    json!({"states": states})
}

fn dcb_limits(inputs: &Value) -> Value {
    let window_ns = inputs["window_s"].as_u64().unwrap() * SECOND_NS;
    let mut breaker = DynamicBreaker::new(price(&inputs["variant"]), window_ns, Ts(u64::MAX));
    for trade in inputs["trades"].as_array().unwrap() {
        breaker.on_trade(price(&trade["price"]), at_s(&trade["t_s"]));
    }
    let (lower, upper) = breaker.limits(at_s(&inputs["now_s"])).unwrap();
    let variant = price(&inputs["variant"]).0;
    json!({
        "window_low": decimal(upper.0 - variant), "window_high": decimal(lower.0 + variant),
        "upper_limit": decimal(upper.0), "lower_limit": decimal(lower.0),
    })
}

fn dcb_sequence(inputs: &Value) -> Value {
    let window_ns = inputs["window_s"].as_u64().unwrap() * SECOND_NS;
    let closes = at_s(&inputs["market_close_s"]);
    let mut breaker = DynamicBreaker::new(price(&inputs["variant"]), window_ns, closes);
    let mut events = Vec::new();
    for (index, trade) in inputs["trades"].as_array().unwrap().iter().enumerate() {
        match breaker.on_trade(price(&trade["price"]), at_s(&trade["t_s"])) {
            BreakerStep::Trades => {}
            BreakerStep::Halted => events.push(json!({"index": index, "event": "halted"})),
            BreakerStep::Triggers {
                direction,
                halt_ns,
                resumes,
            } => events.push(json!({
                "index": index,
                "event": format!("trigger_{}", format!("{direction:?}").to_lowercase()),
                "halt_s": halt_ns / SECOND_NS,
                "resume_at_s": resumes.since(Ts(START_NS)) / SECOND_NS,
            })),
        }
    }
    json!({"events": events})
}

fn velocity_logic(inputs: &Value) -> Value {
    let ticks = inputs["threshold_ticks"].as_u64().unwrap() as u32;
    let window_ns = inputs["window_ms"].as_u64().unwrap() * 1_000_000;
    let mut velocity = Velocity::new(ticks, price(&inputs["tick_size"]), window_ns);
    let trades = inputs["trades"].as_array().unwrap().iter().enumerate();
    let mut interrupts = trades.filter_map(|(index, trade)| {
        Some((
            index,
            velocity.on_trade(price(&trade["price"]), at_ms(&trade["t_ms"]))?,
        ))
    });
    match interrupts.next() {
        Some((index, direction)) => {
            json!({"trigger_index": index, "direction": format!("{direction:?}").to_lowercase()})
        }
        None => json!({"trigger_index": null, "direction": null}),
    }
}

fn velocity_state(inputs: &Value) -> Value {
    let class = match text(&inputs["product_class"]) {
        "equity" => ProductClass::Equity,
        "metals" => ProductClass::Metals,
        "energy" => ProductClass::Energy,
        "treasury" => ProductClass::Treasury,
        "fx" => ProductClass::Fx,
        _ => ProductClass::Other,
    };
    let effect = velocity_effect(class, inputs["lead_month"] == true);
    json!({
        "state": if effect.pre_open { "PRE_OPEN" } else { "RESERVED" },
        "scope": if effect.group { "group" } else { "instrument" },
        "option_mass_quotes": if effect.mass_quotes_cancelled { "cancelled" } else { "kept" },
    })
}

fn ewma_update(inputs: &Value) -> Value {
    let variance = match inputs["variance"].as_str() {
        Some(variance) => variance.parse().unwrap(),
        None => (float(&inputs["volatility_pct"]) / 100.0).powi(2),
    };
    let moved = match (&inputs["return_pct"], inputs["return_type"].as_str()) {
        (Value::String(percent), _) => Ratio(scaled(percent, 10)),
        (_, Some("log")) => log_return(
            price(&inputs["previous_price"]).0,
            price(&inputs["price"]).0,
        ),
        _ => Ratio(
            ((float(&inputs["price"]) / float(&inputs["previous_price"]) - 1.0) * 1e12).round()
                as i64,
        ),
    };
    let mut ewma = Ewma::with_variance(variance);
    ewma.on_return(
        moved,
        DAY_NS,
        Ratio(scaled(text(&inputs["lambda"]), 12)),
        DAY_NS,
    );
    let digits = inputs["result_digits"].as_u64().unwrap() as usize;
    let percent = ewma.volatility().0 as f64 / 1e10;
    json!({"variance": format!("{:.12}", ewma.variance()), "volatility_pct": format!("{percent:.digits$}")})
}

fn ewma_series(inputs: &Value) -> Value {
    let closes: Vec<i64> = inputs["closes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|close| price(close).0)
        .collect();
    let lambda = Ratio(scaled(text(&inputs["lambda"]), 12));
    let mut ewma = Ewma::default();
    for pair in closes.windows(2) {
        ewma.on_return(log_return(pair[0], pair[1]), DAY_NS, lambda, DAY_NS);
    }
    json!({"sigma": format!("{:.12}", ewma.volatility().0 as f64 / 1e12)})
}

fn bars(inputs: &Value) -> Vec<Candle> {
    let bars = inputs["bars_ohlc"].as_array().unwrap().iter();
    bars.map(|bar| Candle {
        open: float(&bar[0]),
        high: float(&bar[1]),
        low: float(&bar[2]),
        close: float(&bar[3]),
    })
    .collect()
}

fn true_range(inputs: &Value) -> Value {
    let rule = TrueRange {
        period: inputs["period"].as_u64().unwrap() as usize,
        wilder: inputs["smoothing"] == "wilder",
        first_counts: inputs["first_true_range"] == "high_minus_low",
    };
    let candles = bars(inputs);
    let values = if inputs["normalised"] == true {
        rule.normalised(&candles)
    } else {
        rule.series(&candles)
    };
    json!({"values": values.iter().map(|value| format!("{value:.12}")).collect::<Vec<_>>()})
}

fn yang_zhang_of(inputs: &Value) -> Value {
    let (sigma, k) = yang_zhang(&bars(inputs));
    json!({"sigma": format!("{sigma:.12}"), "k": format!("{k:.12}")})
}

fn floats(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(float).collect()
}

fn annualised_of(inputs: &Value) -> Value {
    let points: Vec<(f64, f64)> = inputs["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| (float(&point["day"]), float(&point["price"])))
        .collect();
    let periods = inputs["periods"].as_u64().unwrap() as usize;
    let per_year = inputs["periods_per_year"].as_u64().unwrap() as f64;
    let volatility = annualised(
        &points,
        periods,
        per_year,
        float(&inputs["min_spacing_days"]),
    );
    json!({"volatility": format!("{volatility:.4}")})
}

fn decimal(steps: i64) -> String {
    format!("{}.{:05}", steps / 100_000, steps % 100_000)
}

/// Runs a vector; `None` for a rule that lives elsewhere.
fn run(inputs: &Value) -> Option<Value> {
    let sigma = |sigma: f64| json!({"sigma": format!("{sigma:.15}")});
    Some(match text(&inputs["calc"]) {
        "level_filter" => level_filter(inputs),
        "spread_filter" => spread_filter(inputs),
        "same_quote_filter" => same_quote_filter(inputs),
        "filter_level_import" => {
            let points = scaled(text(&inputs["mt4_filtration_points"]), 0);
            let [soft, hard, discard] = imported_levels(points).map(|points| points.to_string());
            json!({"soft_points": soft, "hard_points": hard, "discard_points": discard})
        }
        "failover_timeline" => failover_timeline(inputs),
        "cached_price_fallback" => cached_price_fallback(inputs),
        "confirmed_halt" => confirmed_halt(inputs),
        "dcb_variant" => {
            let share = Ratio(scaled(text(&inputs["pct"]), 10));
            let variant = dcb_variant(
                price(&inputs["previous_settlement"]),
                share,
                price(&inputs["tick_size"]),
            );
            json!({"variant": decimal(variant.0)})
        }
        "dcb_limits" => dcb_limits(inputs),
        "dcb_sequence" => dcb_sequence(inputs),
        "velocity_logic" => velocity_logic(inputs),
        "velocity_effect" => velocity_state(inputs),
        "ewma_update" => ewma_update(inputs),
        "ewma_series" => ewma_series(inputs),
        "average_true_range" => true_range(inputs),
        "parkinson" => sigma(parkinson(&bars(inputs))),
        "garman_klass" => sigma(garman_klass(&bars(inputs))),
        "rogers_satchell" => sigma(rogers_satchell(&bars(inputs))),
        "yang_zhang" => yang_zhang_of(inputs),
        "close_to_close" => sigma(close_to_close(&floats(&inputs["closes"]))),
        "stdev_of_returns_annualised" => annualised_of(inputs),
        "relative_stdev" => {
            json!({"volatility": format!("{:.15}", relative(&floats(&inputs["prices"])))})
        }
        _ => return None,
    })
}

/// Every key that both know must agree: numbers within the tolerance, everything else exactly. Keys of the rim
/// (FIX reports, retry schedules) are left to it.
fn agrees(got: &Value, want: &Value, tolerance: f64) -> bool {
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => want
            .iter()
            .filter(|(key, _)| {
                !matches!(
                    key.as_str(),
                    "tolerance" | "elimination_report" | "retries_at_ms"
                )
            })
            .all(|(key, want)| match got.get(key) {
                Some(got) => agrees(got, want, tolerance),
                None => key == "option_mass_quotes",
            }),
        (Value::Array(got), Value::Array(want)) => {
            got.len() == want.len()
                && got
                    .iter()
                    .zip(want)
                    .all(|(got, want)| agrees(got, want, tolerance))
        }
        (Value::String(left), Value::String(right)) => {
            match (left.parse::<f64>(), right.parse::<f64>()) {
                (Ok(left), Ok(right)) => (left - right).abs() <= tolerance.max(1e-15),
                _ => left == right,
            }
        }
        _ => got == want,
    }
}

#[test]
fn vectors_of_the_market_side_hold() {
    let mut counts = BTreeMap::new();
    for family in [
        "quote_filter",
        "feed_failover",
        "circuit_breakers",
        "volatility",
    ] {
        let Some(vectors) = read(&format!("vectors/{family}.json")) else {
            return;
        };
        let vectors: Vec<Value> = serde_json::from_str(&vectors).expect("JSON");
        for vector in &vectors {
            let Some(got) = run(&vector["inputs"]) else {
                continue;
            };
            let want = &vector["expect"];
            let tolerance = want["tolerance"]
                .as_str()
                .map_or(0.0, |text| text.parse().unwrap());
            assert!(
                agrees(&got, want, tolerance),
                "{}\n got {got}\nwant {want}",
                vector["id"]
            );
            *counts.entry(family).or_insert(0) += 1;
        }
    }
    // A vector that is not run any more must not pass unseen.
    let wanted = [
        ("circuit_breakers", 11),
        ("feed_failover", 7),
        ("quote_filter", 16),
        ("volatility", 23),
    ];
    assert_eq!(counts, BTreeMap::from(wanted));
}
