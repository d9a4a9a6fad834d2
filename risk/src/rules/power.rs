//! Buying power by direction (QuantConnect LEAN, `SecurityMarginModel`).

/// Buying power and margin used, all in the units of the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Power {
    pub margin_used: i128,
    pub buy: i128,
    pub sell: i128,
}

/// `holdings` is the signed value of what is held, `used` the margin it needs. In the direction of the holding: value
/// less margin. Against it, closing frees the margin, and as much again may be opened.
pub fn directional(cash: i128, holdings: i128, used: i128) -> Option<Power> {
    let free = cash.checked_add(holdings)?.checked_sub(used)?;
    let against = free.checked_add(used.checked_mul(2)?)?;
    let (buy, sell) = match holdings.signum() {
        1 => (free, against),
        -1 => (against, free),
        _ => (free, free),
    };
    Some(Power {
        margin_used: used,
        buy,
        sell,
    })
}
