//! Circuit breakers: the exchanges' as pure rules that the machine's detectors share, and the house's own halt.

use super::Calc;
use crate::inputs::shown;
use crate::venue::{DIGITS, Venue};
use crate::{Fault, Inputs};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::event::Direction;
use siaga_risk::ids::InstrumentId;
use siaga_risk::market::breakers::*;
use siaga_risk::market::luld::{self, Doubling, LimitState, LimitWatch, Mean, Tier};
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// The family's rules.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "luld_bands" => luld_bands,
        "luld_reference_price" => luld_reference_price,
        "luld_limit_state" => luld_limit_state,
        "dcb_variant" => variant,
        "dcb_limits" => dcb_limits,
        "dcb_sequence" => dcb_sequence,
        "velocity_logic" => velocity_logic,
        "velocity_effect" => velocity_state,
        "confirmed_halt" => confirmed_halt,
        _ => return None,
    })
}

/// Time zero of an example: anything that leaves room before it.
const START: Ts = Ts(365 * DAY_NS);
const MS_NS: u64 = SECOND_NS / 1_000;

fn price(inputs: &Inputs<'_>, field: &str) -> Result<Price, Fault> {
    inputs.scaled(field, DIGITS).map(Price)
}

fn text(steps: i64) -> String {
    shown(steps.into(), DIGITS)
}

fn time(inputs: &Inputs<'_>, field: &str, unit_ns: u64) -> Result<Ts, Fault> {
    let far = || Fault::field(field, "is too far away");
    let unit_ns = i64::try_from(unit_ns).map_err(|_| far())?;
    let ns = inputs.integer(field)?.checked_mul(unit_ns);
    let at = ns.and_then(|ns| START.0.checked_add_signed(ns));
    at.map(Ts).ok_or_else(far)
}

fn count(inputs: &Inputs<'_>, field: &str) -> Result<u64, Fault> {
    u64::try_from(inputs.integer(field)?).map_err(|_| Fault::field(field, "is negative"))
}

/// Trades in the order of their times, whatever the order of the list.
fn by_time<'a>(inputs: &Inputs<'a>) -> Result<Vec<Inputs<'a>>, Fault> {
    let mut timed = Vec::new();
    for trade in inputs.list("trades")? {
        timed.push((trade.integer("t_s")?, trade));
    }
    timed.sort_by_key(|(at, _)| *at);
    Ok(timed.into_iter().map(|(_, trade)| trade).collect())
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

fn luld_bands(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let tier = match inputs.integer("tier")? {
        1 => Tier::One,
        2 => Tier::Two,
        other => return Err(Fault::field("tier", format!("is {other}"))),
    };
    let doubling = match inputs.text("doubling")? {
        "open_and_close" => Doubling::OpenAndClose,
        "close_only_amended" => Doubling::CloseOnly,
        other => return Err(Fault::field("doubling", format!("is {other}"))),
    };
    let second = super::second_of_day(inputs.text("time_et")?)
        .ok_or_else(|| Fault::field("time_et", "is no hh:mm:ss"))?;
    let (close, reference) = (
        price(inputs, "previous_close")?,
        price(inputs, "reference_price")?,
    );
    let bands = luld::bands(tier, close, reference, second, doubling, pow10(DIGITS));
    Ok(json!({
        "band_amount": shown(bands.amount, DIGITS + 12), "doubled": bands.doubled,
        "lower": text(bands.lower.0), "upper": text(bands.upper.0),
    }))
}

fn luld_reference_price(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let now = time(inputs, "now_s", SECOND_NS)?;
    let current = price(inputs, "current_reference")?;
    let mut mean = Mean::over(luld::REFERENCE_WINDOW_NS);
    for trade in by_time(inputs)? {
        let at = time(&trade, "t_s", SECOND_NS)?;
        if at <= now {
            mean.push(price(&trade, "price")?.0, at);
        }
    }
    mean.expire(now);
    let Some((sum, count)) = mean.parts() else {
        return Ok(json!({"mean": null, "reference_price": text(current.0), "updated": false}));
    };
    let age_ns = now.since(time(inputs, "reference_effective_at_s", SECOND_NS)?);
    let updated = luld::replaces(
        current.0,
        age_ns,
        (sum, count),
        luld::REFERENCE_MOVES,
        luld::REFERENCE_STANDS_NS,
    );
    let exact = Decimal::try_from_i128_with_scale(sum, DIGITS.into())
        .map_err(|error| Fault::field("trades", error.to_string()))?
        / Decimal::from(count);
    let mean = exact.normalize().to_string();
    let reference = if updated {
        mean.clone()
    } else {
        text(current.0)
    };
    Ok(json!({"mean": mean, "reference_price": reference, "updated": updated}))
}

fn luld_limit_state(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut watch = LimitWatch::new(price(inputs, "lower_band")?, price(inputs, "upper_band")?);
    let mut states = Vec::new();
    for event in inputs.list("events")? {
        let (bid, ask) = (price(&event, "nbb")?, price(&event, "nbo")?);
        states.push(
            match watch.on_quote(bid, ask, time(&event, "t_ms", MS_NS)?) {
                LimitState::Normal => "NORMAL",
                LimitState::Limit => "LIMIT_STATE",
                LimitState::Straddle => "STRADDLE_STATE",
                LimitState::Pause => "TRADING_PAUSE",
                LimitState::Reopening => "REOPENING",
            },
        );
    }
    let ms = |at: Ts| at.since(START) / MS_NS;
    let pause = watch.pause();
    let pause = pause.map(|(start, end)| json!({"start_ms": ms(start), "end_ms": ms(end)}));
    Ok(json!({"states": states, "pause": pause}))
}

fn variant(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let settlement = price(inputs, "previous_settlement")?;
    let variant = dcb_variant(
        settlement,
        inputs.percent("pct")?,
        price(inputs, "tick_size")?,
    );
    Ok(json!({"variant": text(variant.0)}))
}

fn dcb_limits(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let variant = price(inputs, "variant")?;
    let window_ns = count(inputs, "window_s")? * SECOND_NS;
    let mut breaker = DynamicBreaker::new(variant, window_ns, Ts(u64::MAX));
    let now = time(inputs, "now_s", SECOND_NS)?;
    for trade in by_time(inputs)? {
        let at = time(&trade, "t_s", SECOND_NS)?;
        if at <= now {
            breaker.note(price(&trade, "price")?, at);
        }
    }
    let Some((lower, upper)) = breaker.limits(now) else {
        return Ok(json!({
            "window_low": null, "window_high": null, "upper_limit": null, "lower_limit": null,
        }));
    };
    Ok(json!({
        "window_low": text(upper.0 - variant.0), "window_high": text(lower.0 + variant.0),
        "upper_limit": text(upper.0), "lower_limit": text(lower.0),
    }))
}

fn dcb_sequence(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let window_ns = count(inputs, "window_s")? * SECOND_NS;
    let closes = time(inputs, "market_close_s", SECOND_NS)?;
    let mut breaker = DynamicBreaker::new(price(inputs, "variant")?, window_ns, closes);
    let mut events = Vec::new();
    for (index, trade) in inputs.list("trades")?.iter().enumerate() {
        match breaker.on_trade(price(trade, "price")?, time(trade, "t_s", SECOND_NS)?) {
            BreakerStep::Trades => {}
            BreakerStep::Halted => events.push(json!({"index": index, "event": "halted"})),
            BreakerStep::Triggers {
                direction,
                halt_ns,
                resumes,
            } => events.push(json!({
                "index": index,
                "event": format!("trigger_{}", word(direction)),
                "halt_s": halt_ns / SECOND_NS,
                "resume_at_s": resumes.since(START) / SECOND_NS,
            })),
        }
    }
    Ok(json!({ "events": events }))
}

fn velocity_logic(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let ticks = u32::try_from(inputs.integer("threshold_ticks")?)
        .map_err(|_| Fault::field("threshold_ticks", "is out of range"))?;
    let window_ns = count(inputs, "window_ms")? * MS_NS;
    let mut velocity = Velocity::new(ticks, price(inputs, "tick_size")?, window_ns);
    for (index, trade) in inputs.list("trades")?.iter().enumerate() {
        let at = time(trade, "t_ms", MS_NS)?;
        if let Some(direction) = velocity.on_trade(price(trade, "price")?, at) {
            return Ok(json!({"trigger_index": index, "direction": word(direction)}));
        }
    }
    Ok(json!({"trigger_index": null, "direction": null}))
}

fn velocity_state(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let class = match inputs.text("product_class")? {
        "equity" => ProductClass::Equity,
        "metals" => ProductClass::Metals,
        "energy" => ProductClass::Energy,
        "treasury" => ProductClass::Treasury,
        "fx" => ProductClass::Fx,
        // The rule names five classes; whatever else trades is reserved alone.
        _ => ProductClass::Other,
    };
    let effect = velocity_effect(class, inputs.flag("lead_month")?);
    let names = [
        ("fill_and_kill", Some(TriggeringOrder::FillAndKill)),
        ("market", Some(TriggeringOrder::Market)),
    ];
    let order = inputs.one_of_or("triggering_order", None, &names)?;
    let report = order.map(|order| {
        let (status, reason) = order.elimination();
        json!({"35": "8", "39": status.to_string(), "378": reason.to_string()})
    });
    Ok(json!({
        "state": if effect.pre_open { "PRE_OPEN" } else { "RESERVED" },
        "scope": if effect.group { "group" } else { "instrument" },
        "option_mass_quotes": if effect.mass_quotes_cancelled { "cancelled" } else { "kept" },
        "elimination_report": report,
    }))
}

/// The machine's band around its reference, the first accepted price, with no time to wait in the limit state.
fn confirmed_halt(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let confirmations = u8::try_from(inputs.integer("confirmations")?)
        .map_err(|_| Fault::field("confirmations", "is out of range"))?;
    let share = inputs.percent("threshold_pct")?;
    let reference = inputs.scaled("reference_price", DIGITS)?;
    let negative = reference <= 0;
    let mut venue = Venue::single(|terms| {
        (terms.halt.alert, terms.halt.halt) = (Ratio(0), Ratio(0));
        terms.halt.confirmations = confirmations;
        terms.halt.breakers.band = BandTerms {
            share,
            limit_ns: 0,
            // Where prices may be negative a share alone is no band.
            least: Price(i64::from(negative)),
            ..BandTerms::OFF
        };
        terms.negative_prices = negative;
    })?;
    venue.quote(0, 0, reference, reference);
    let mut states = Vec::new();
    let observations = inputs.list("observations")?;
    for (nth, observation) in (1u64..).zip(&observations) {
        // All within the time that a reference stands.
        venue.at(nth * MS_NS);
        let seen = observation.raw().as_str();
        let seen = seen
            .and_then(|text| Decimal::from_str_exact(text).ok())
            .ok_or_else(|| Fault::field("observations", "holds no decimal"))?;
        let seen =
            crate::scaled(seen, DIGITS).map_err(|reason| Fault::field("observations", reason))?;
        venue.quote(0, 0, seen, seen);
        let market = venue.desk.machine.market();
        states.push(if market.halted(InstrumentId(0)).is_some() {
            "HALT"
        } else if market.beyond_halt(InstrumentId(0)) {
            "ALERT"
        } else {
            "NORMAL"
        });
    }
    Ok(json!({ "states": states }))
}
