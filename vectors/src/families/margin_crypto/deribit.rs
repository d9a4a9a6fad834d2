//! Deribit: rates that grow with the size of the position, through the machine.

use super::cross::*;
use crate::{Fault, Inputs};
use serde_json::{Value, json};
use siaga_risk::event::Side;
use siaga_risk::terms::*;

pub fn linear_margin(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (size, index) = (
        inputs.decimal("position_size")?,
        inputs.decimal("index_price")?,
    );
    let slope = Slope {
        initial: inputs.percent("im_base_pct")?,
        maintenance: inputs.percent("mm_base_pct")?,
        per_unit: inputs.percent("size_slope_pct")?,
    };
    let mut cross = Cross::sized(Accounting::Netting, worth(size, index))?;
    let id = cross.list(Contract::linear(
        MarginSchedule::Slope(slope),
        &[index],
        size,
    ))?;
    let side = if size.is_sign_negative() {
        Side::Sell
    } else {
        Side::Buy
    };
    cross.hold(id, side, size.abs(), index)?;
    let view = cross.view()?;
    // Nothing held: the rates are where they begin.
    let (rates, amounts) = match view.requirements.first() {
        Some(known) => (
            (known.initial_rate, known.maintenance_rate),
            (known.initial, known.maintenance),
        ),
        None => ((slope.initial, slope.maintenance), (0, 0)),
    };
    Ok(json!({
        "im_pct": percent_text(rates.0),
        "mm_pct": percent_text(rates.1),
        "initial_margin": fine_text(amounts.0),
        "maintenance_margin": fine_text(amounts.1),
    }))
}
