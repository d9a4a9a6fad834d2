//! Which source serves, how a lost one is tried again, and how long its last price does.

use super::Calc;
use crate::venue::{Venue, served};
use crate::{Fault, Inputs};
use serde_json::{Value, json};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::market::retry::{Retry, activation_line};
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// The family's rules.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "failover_timeline" => failover_timeline,
        "activation_log_line" => activation_log_line,
        "reconnect_schedule" => reconnect_schedule,
        "cached_price_fallback" => cached_price_fallback,
        _ => return None,
    })
}

const MS_NS: u64 = SECOND_NS / 1_000;

/// A time or a count that is not negative.
fn whole(inputs: &Inputs<'_>, field: &str) -> Result<u64, Fault> {
    u64::try_from(inputs.integer(field)?).map_err(|_| Fault::field(field, "is negative"))
}

/// The place of a name in a list that grows.
fn place<'a>(names: &mut Vec<&'a str>, name: &'a str) -> usize {
    if let Some(place) = names.iter().position(|known| *known == name) {
        return place;
    }
    names.push(name);
    names.len() - 1
}

fn failover_timeline(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut sources = Vec::new();
    let mut kinds = Vec::new();
    for source in inputs.list("sources")? {
        sources.push(source.text("name")?);
        kinds.push(match source.text("kind")? {
            "gateway" => SourceKind::Gateway,
            "datafeed" => SourceKind::Datafeed,
            other => return Err(Fault::field("kind", format!("is {other}"))),
        });
    }
    let events = inputs.list("events")?;
    let mut symbols = Vec::new();
    for event in &events {
        place(&mut symbols, event.text("symbol")?);
    }
    let timeout_ns = whole(inputs, "timeout_ms")? * MS_NS;
    let mut venue = Venue::open(&kinds, timeout_ns, symbols.len() as u32, |_| {})?;
    let mut active = vec![Value::Null; symbols.len()];
    let (mut decisions, mut activations) = (Vec::new(), Vec::new());
    for event in &events {
        let (name, symbol) = (event.text("source")?, event.text("symbol")?);
        let source = sources
            .iter()
            .position(|known| *known == name)
            .ok_or_else(|| Fault::field("source", format!("{name} is not listed")))?;
        let instrument = place(&mut symbols, symbol);
        let t_ms = whole(event, "t_ms")?;
        venue.at(t_ms * MS_NS);
        let out = venue.quote(source as u16, instrument as u32, 100, 101);
        for output in &out {
            if let Output::Switch(switch) = output {
                let to = sources[usize::from(switch.to.0)];
                active[instrument] = json!(to);
                activations.push(json!({"t_ms": t_ms, "symbol": symbol, "source": to}));
            }
        }
        decisions.push(json!({"accepted": served(&out), "active": active[instrument]}));
    }
    Ok(json!({"decisions": decisions, "activations": activations}))
}

fn activation_log_line(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let position = u32::try_from(inputs.integer("list_position")?)
        .map_err(|_| Fault::field("list_position", "is out of range"))?;
    let line = activation_line(inputs.text("timestamp")?, position, inputs.text("symbol")?);
    Ok(json!({ "line": line }))
}

fn reconnect_schedule(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let retry = Retry {
        interval_ns: whole(inputs, "interval_s")? * SECOND_NS,
        attempts: whole(inputs, "attempts_per_series")?,
        pause_ns: whole(inputs, "series_pause_s")? * SECOND_NS,
    };
    let times = (0..whole(inputs, "count")?).map(|nth| retry.at(nth) / SECOND_NS);
    Ok(json!({"attempts_at_s": times.collect::<Vec<_>>()}))
}

fn cached_price_fallback(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let max_ns = whole(inputs, "max_cache_age_ms")? * MS_NS;
    let age_ns = whole(inputs, "cache_age_ms")? * MS_NS;
    let mut venue = Venue::single(|terms| {
        (terms.quote_age_max_ns, terms.cache_age_max_ns) = (0, max_ns);
    })?;
    venue.quote(0, 0, 1, 2);
    venue.gap(GapCause::Disconnect);
    venue.desk.wait(age_ns);
    let usable = match venue.desk.machine.market().feed(InstrumentId(0)) {
        FeedState::Live | FeedState::Delayed => true,
        FeedState::Unavailable | FeedState::Closed => false,
    };
    let retry = Retry::every(whole(inputs, "retry_interval_ms")? * MS_NS);
    let retries = (0..whole(inputs, "retry_count")?).map(|nth| retry.at(nth) / MS_NS);
    Ok(json!({
        "use_cached": usable,
        "banner": usable.then_some("Delayed data"),
        "retries_at_ms": retries.collect::<Vec<_>>(),
    }))
}
