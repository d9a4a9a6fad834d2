//! Estimators of volatility: the machine's streaming EWMA and the pure functions it applies to bars.

use super::Calc;
use crate::{Fault, Inputs};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use serde_json::{Value, json};
use siaga_risk::units::*;
use siaga_risk::volatility::estimators::*;
use siaga_risk::volatility::{Ewma, log_return};

/// The family's rules.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "ewma_update" => ewma_update,
        "ewma_series" => ewma_series,
        "average_true_range" => average_true_range,
        "parkinson" => |inputs| sigma(inputs, parkinson(&bars(inputs)?)),
        "garman_klass" => |inputs| sigma(inputs, garman_klass(&bars(inputs)?)),
        "rogers_satchell" => |inputs| sigma(inputs, rogers_satchell(&bars(inputs)?)),
        "yang_zhang" => yang_zhang_of,
        "close_to_close" => |inputs| sigma(inputs, close_to_close(&floats(inputs, "closes")?)),
        "stdev_of_returns_annualised" => annualised_of,
        "relative_stdev" => relative_of,
        _ => return None,
    })
}

/// Digits of prices.
const DIGITS: u8 = 9;
/// Significant digits that a double carries without doubt: ties are ties of these.
const SIGNIFICANT: usize = 15;
/// Periods of a year where an example names none.
const TRADING_DAYS: i64 = 252;
/// Digits of a variance.
const VARIANCE_DIGITS: u32 = 12;

/// A float as a decimal, ties away from zero.
fn rounded(value: f64, digits: u32) -> Result<String, Fault> {
    let exact = format!("{value:.*e}", SIGNIFICANT - 1);
    let exact = match Decimal::from_scientific(&exact) {
        Ok(exact) => exact,
        // More digits behind the point than a decimal holds.
        Err(_) if value.abs() < 1e-12 => Decimal::ZERO,
        Err(_) => return Err(Fault::Other(format!("{value} is no decimal"))),
    };
    let strategy = RoundingStrategy::MidpointAwayFromZero;
    let rounded = exact.round_dp_with_strategy(digits, strategy);
    Ok(rounded.normalize().to_string())
}

/// The digits an example wants, else as many as are sure.
fn digits(inputs: &Inputs<'_>) -> Result<u32, Fault> {
    u32::try_from(inputs.integer_or("result_digits", SIGNIFICANT as i64)?)
        .map_err(|_| Fault::field("result_digits", "is negative"))
}

fn sigma(inputs: &Inputs<'_>, sigma: f64) -> Result<Value, Fault> {
    Ok(json!({"sigma": rounded(sigma, digits(inputs)?)?}))
}

fn decimal(value: &Value, field: &str) -> Result<Decimal, Fault> {
    let text = value.as_str();
    text.and_then(|text| Decimal::from_str_exact(text).ok())
        .ok_or_else(|| Fault::field(field, "holds no decimal"))
}

fn float(value: &Value, field: &str) -> Result<f64, Fault> {
    let float = decimal(value, field)?.to_f64();
    float.ok_or_else(|| Fault::field(field, "is out of range"))
}

fn items<'a>(inputs: &Inputs<'a>, field: &str) -> Result<&'a Vec<Value>, Fault> {
    let list = inputs.get(field).and_then(Value::as_array);
    list.ok_or_else(|| Fault::field(field, "is no list"))
}

fn floats(inputs: &Inputs<'_>, field: &str) -> Result<Vec<f64>, Fault> {
    let items = items(inputs, field)?.iter();
    items.map(|value| float(value, field)).collect()
}

fn one(inputs: &Inputs<'_>, field: &str) -> Result<f64, Fault> {
    float(inputs.get(field).unwrap_or(&Value::Null), field)
}

fn bars(inputs: &Inputs<'_>) -> Result<Vec<Candle>, Fault> {
    let field = "bars_ohlc";
    let bar = |bar: &Value| {
        let price = |place: usize| float(bar.get(place).unwrap_or(&Value::Null), field);
        Ok(Candle {
            open: price(0)?,
            high: price(1)?,
            low: price(2)?,
            close: price(3)?,
        })
    };
    items(inputs, field)?.iter().map(bar).collect()
}

/// The return of an example: given, or from two prices.
fn moved(inputs: &Inputs<'_>) -> Result<Ratio, Fault> {
    if inputs.get("return_pct").is_some() {
        return inputs.percent("return_pct");
    }
    let (from, to) = (
        inputs.scaled("previous_price", DIGITS)?,
        inputs.scaled("price", DIGITS)?,
    );
    match inputs.text_or("return_type", "log")? {
        "log" => Ok(log_return(from, to)),
        "simple" if from > 0 => {
            let scaled = i128::from(to - from) * i128::from(Ratio::ONE.0);
            i64::try_from(div_round(scaled, from.into()))
                .map(Ratio)
                .map_err(|_| Fault::field("price", "moved too far"))
        }
        other => Err(Fault::field("return_type", format!("is {other}"))),
    }
}

fn ewma_update(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let variance = match inputs.get("variance") {
        Some(_) => one(inputs, "variance")?,
        None => {
            let volatility = one(inputs, "volatility_pct")? / 100.0;
            volatility * volatility
        }
    };
    let mut ewma = Ewma::with_variance(variance);
    ewma.on_return(moved(inputs)?, DAY_NS, inputs.fraction("lambda")?, DAY_NS);
    Ok(json!({
        "variance": rounded(ewma.variance(), VARIANCE_DIGITS)?,
        "volatility_pct": rounded(ewma.variance().sqrt() * 100.0, digits(inputs)?)?,
    }))
}

fn ewma_series(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let closes = items(inputs, "closes")?.iter();
    let closes = closes.map(|value| decimal(value, "closes"));
    let closes: Vec<Decimal> = closes.collect::<Result<_, _>>()?;
    // Their ratios alone count: as many digits as they are written with.
    let digits = closes.iter().map(|close| close.normalize().scale() as u8);
    let digits = digits.max().unwrap_or(0);
    let steps = |close: &Decimal| {
        crate::scaled(*close, digits).map_err(|reason| Fault::field("closes", reason))
    };
    let closes: Vec<i64> = closes.iter().map(steps).collect::<Result<_, _>>()?;
    let lambda = inputs.fraction("lambda")?;
    let mut ewma = Ewma::default();
    for pair in closes.windows(2) {
        ewma.on_return(log_return(pair[0], pair[1]), DAY_NS, lambda, DAY_NS);
    }
    sigma(inputs, ewma.variance().sqrt())
}

fn average_true_range(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let smoothing = [("wilder", true), ("simple", false)];
    let wilder = inputs.one_of_or("smoothing", true, &smoothing)?;
    let rule = TrueRange {
        period: usize::try_from(inputs.integer("period")?)
            .map_err(|_| Fault::field("period", "is negative"))?,
        wilder,
        // Wilder's first bar counts, that of the simple mean does not.
        first_counts: inputs.one_of_or(
            "first_true_range",
            wilder,
            &[("high_minus_low", true), ("skip", false)],
        )?,
    };
    let candles = bars(inputs)?;
    let values = if inputs.flag("normalised")? {
        rule.normalised(&candles)
    } else {
        rule.series(&candles)
    };
    let digits = digits(inputs)?;
    let values = values.into_iter().map(|value| rounded(value, digits));
    Ok(json!({"values": values.collect::<Result<Vec<_>, _>>()?}))
}

fn yang_zhang_of(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (sigma, k) = yang_zhang(&bars(inputs)?);
    let digits = digits(inputs)?;
    Ok(json!({"sigma": rounded(sigma, digits)?, "k": rounded(k, digits)?}))
}

fn annualised_of(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let point = |point: &Inputs<'_>| Ok((one(point, "day")?, one(point, "price")?));
    let points = inputs.list("points")?;
    let points: Vec<(f64, f64)> = points.iter().map(point).collect::<Result<_, Fault>>()?;
    let periods = usize::try_from(inputs.integer("periods")?)
        .map_err(|_| Fault::field("periods", "is negative"))?;
    let per_year = inputs.decimal_or("periods_per_year", TRADING_DAYS.into())?;
    let per_year = per_year.to_f64().unwrap_or_default();
    let spacing = inputs.decimal_or("min_spacing_days", Decimal::ZERO)?;
    let spacing = spacing.to_f64().unwrap_or_default();
    let volatility = annualised(&points, periods, per_year, spacing);
    Ok(json!({"volatility": rounded(volatility, digits(inputs)?)?}))
}

fn relative_of(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let volatility = relative(&floats(inputs, "prices")?);
    Ok(json!({"volatility": rounded(volatility, digits(inputs)?)?}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_of_decimals_go_away_from_zero_whatever_their_double_is() {
        for (value, digits, text) in [
            (1.005, 2, "1.01"),
            (-1.005, 2, "-1.01"),
            (1.0049, 2, "1"),
            (0.0, 4, "0"),
            (1e-20, 12, "0"),
        ] {
            assert_eq!(rounded(value, digits).as_deref(), Ok(text), "{value}");
        }
    }
}
