//! Quote filters: the machine's own, asked by a quote each.

use super::Calc;
use crate::inputs::shown;
use crate::venue::{DIGITS, Venue, served};
use crate::{Fault, Inputs};
use serde_json::{Value, json};
use siaga_risk::event::GapCause;
use siaga_risk::ids::*;
use siaga_risk::market::filter::imported_levels;
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// The family's rules.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "level_filter" => level_filter,
        "spread_filter" => spread_filter,
        "same_quote_filter" => same_quote_filter,
        "filter_level_import" => filter_level_import,
        _ => return None,
    })
}

/// Points as price steps.
fn points(inputs: &Inputs<'_>, field: &str) -> Result<Price, Fault> {
    let point = inputs.decimal("point_size")?;
    let distance = inputs
        .decimal_or(field, 0.into())?
        .checked_mul(point)
        .ok_or_else(|| Fault::field(field, "is too large"))?;
    crate::scaled(distance, DIGITS)
        .map(Price)
        .map_err(|reason| Fault::field(field, reason))
}

fn prices(quote: &Inputs<'_>) -> Result<(i64, i64), Fault> {
    Ok((quote.scaled("bid", DIGITS)?, quote.scaled("ask", DIGITS)?))
}

fn level_filter(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let filter = FilterTerms {
        points: LevelPoints {
            soft: points(inputs, "soft_points")?,
            hard: points(inputs, "hard_points")?,
            discard: points(inputs, "discard_points")?,
        },
        confirmations: u8::try_from(inputs.integer("confirmations")?)
            .map_err(|_| Fault::field("confirmations", "is out of range"))?,
        ..FilterTerms::OFF
    };
    let mut venue = Venue::two_sided(|terms| terms.filter = filter)?;
    if inputs.get("last_quote").is_some() {
        let (bid, ask) = prices(&inputs.object("last_quote")?)?;
        venue.quote(0, 0, bid, ask);
    }
    let levels = |venue: &Venue| {
        let market = venue.desk.machine.market();
        market
            .levels(InstrumentId(0), SourceId(0))
            .map(|(bid, ask)| (bid.0, ask.0))
            .ok_or_else(|| Fault::Other("the source has no levels".into()))
    };
    let mut decisions = Vec::new();
    for (second, tick) in (1u64..).zip(inputs.list("ticks")?) {
        venue.at(second * SECOND_NS);
        if tick.flag("after_break")? {
            venue.gap(GapCause::Disconnect);
        }
        let (bid, ask) = prices(&tick)?;
        let used = served(&venue.quote(0, 0, bid, ask));
        // An accepted side becomes the level; a dropped one never equals it.
        let level = levels(&venue)?;
        let sides = [level.0 == bid, level.1 == ask];
        if used != (sides == [true, true]) {
            let text = "the quote and its sides are decided differently";
            return Err(Fault::Other(text.into()));
        }
        let word = |accepted| if accepted { "accept" } else { "drop" };
        decisions.push(json!({"bid": word(sides[0]), "ask": word(sides[1])}));
    }
    let (bid, ask) = levels(&venue)?;
    let text = |price: i64| shown(price.into(), DIGITS);
    Ok(json!({"decisions": decisions, "level": {"bid": text(bid), "ask": text(ask)}}))
}

fn spread_filter(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let filter = FilterTerms {
        spread_min: points(inputs, "min_spread_points")?,
        spread_max: points(inputs, "max_spread_points")?,
        ..FilterTerms::OFF
    };
    let mut venue = Venue::single(|terms| (terms.filter, terms.negative_prices) = (filter, true))?;
    let (bid, ask) = prices(inputs)?;
    let accepted = served(&venue.quote(0, 0, bid, ask));
    let spread = (inputs.decimal("ask")? - inputs.decimal("bid")?)
        .checked_div(inputs.decimal("point_size")?)
        .ok_or_else(|| Fault::field("point_size", "is zero"))?;
    Ok(json!({"spread_points": spread.to_string(), "accepted": accepted}))
}

fn same_quote_filter(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let filter = FilterTerms {
        same_quote: true,
        ..FilterTerms::OFF
    };
    let mut venue = Venue::single(|terms| terms.filter = filter)?;
    let mut accepted = Vec::new();
    let (mut day, mut before) = (0u64, 0u32);
    for tick in inputs.list("ticks")? {
        let second = super::second_of_day(tick.text("time")?)
            .ok_or_else(|| Fault::field("time", "is no hh:mm:ss"))?;
        // A time before the last one is of the next day.
        day += u64::from(second < before);
        before = second;
        venue.at(day * DAY_NS + u64::from(second) * SECOND_NS);
        let (bid, ask) = prices(&tick)?;
        accepted.push(served(&venue.quote(0, 0, bid, ask)));
    }
    Ok(json!({"accepted": accepted}))
}

fn filter_level_import(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let points = inputs.scaled("mt4_filtration_points", DIGITS)?;
    let [soft, hard, discard] = imported_levels(points).map(|points| shown(points.into(), DIGITS));
    Ok(json!({"soft_points": soft, "hard_points": hard, "discard_points": discard}))
}
