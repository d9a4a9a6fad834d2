//! The fields of an example, read into the integers the machine decides with.

use rust_decimal::Decimal;
use serde_json::Value;
use siaga_risk::units::{Leverage, Ratio};
use siaga_risk::verdict::Reject;

/// Most digits of any number: an `i64` holds no more.
const DIGITS_MAX: u8 = 18;

/// Why an example cannot be run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    #[error("no rule is called {0}")]
    NoRule(String),
    #[error("field {field}: {reason}")]
    Field { field: String, reason: String },
    #[error("the machine refused: {}", .0.iter().map(|reject| reject.name()).collect::<Vec<_>>().join(", "))]
    Refused(Vec<Reject>),
    #[error("{0}")]
    Other(String),
}

impl Fault {
    /// A field that is missing or not what it should be.
    pub fn field(field: &str, reason: impl Into<String>) -> Fault {
        Fault::Field {
            field: field.to_owned(),
            reason: reason.into(),
        }
    }
}

/// The inputs of one example, or one object within them.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a>(&'a Value);

impl<'a> Inputs<'a> {
    /// Looks at an object.
    pub fn new(value: &'a Value) -> Inputs<'a> {
        Inputs(value)
    }

    /// The value as it is.
    pub fn raw(&self) -> &'a Value {
        self.0
    }

    /// A field, absent when it is missing or null.
    pub fn get(&self, field: &str) -> Option<&'a Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    fn need(&self, field: &str) -> Result<&'a Value, Fault> {
        self.get(field)
            .ok_or_else(|| Fault::field(field, "is missing"))
    }

    /// A text.
    pub fn text(&self, field: &str) -> Result<&'a str, Fault> {
        self.need(field)?
            .as_str()
            .ok_or_else(|| Fault::field(field, "is no text"))
    }

    /// A text, or another when it is missing.
    pub fn text_or(&self, field: &str, other: &'a str) -> Result<&'a str, Fault> {
        self.get(field).map_or(Ok(other), |_| self.text(field))
    }

    /// What a name of a list stands for. A name that is not in it is an error that says which are.
    pub fn one_of<T: Copy>(&self, field: &str, names: &[(&str, T)]) -> Result<T, Fault> {
        let text = self.text(field)?;
        let found = names.iter().find(|(name, _)| *name == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            Fault::field(field, format!("{text} is none of {}", known.join(", ")))
        })
    }

    /// The same, or another value when the field is missing.
    pub fn one_of_or<T: Copy>(
        &self,
        field: &str,
        absent: T,
        names: &[(&str, T)],
    ) -> Result<T, Fault> {
        self.get(field)
            .map_or(Ok(absent), |_| self.one_of(field, names))
    }

    /// A count of digits.
    pub fn digits(&self, field: &str) -> Result<u8, Fault> {
        u8::try_from(self.integer(field)?)
            .ok()
            .filter(|digits| *digits <= DIGITS_MAX)
            .ok_or_else(|| Fault::field(field, "is no count of digits"))
    }

    /// The same, or another when it is missing.
    pub fn digits_or(&self, field: &str, absent: u8) -> Result<u8, Fault> {
        self.get(field).map_or(Ok(absent), |_| self.digits(field))
    }

    /// A flag, off when it is missing.
    pub fn flag(&self, field: &str) -> Result<bool, Fault> {
        self.get(field).map_or(Ok(false), |value| {
            value
                .as_bool()
                .ok_or_else(|| Fault::field(field, "is neither true nor false"))
        })
    }

    /// A decimal.
    pub fn decimal(&self, field: &str) -> Result<Decimal, Fault> {
        decimal(self.need(field)?).ok_or_else(|| Fault::field(field, "is no decimal"))
    }

    /// A decimal, or another when it is missing.
    pub fn decimal_or(&self, field: &str, other: Decimal) -> Result<Decimal, Fault> {
        self.get(field).map_or(Ok(other), |_| self.decimal(field))
    }

    /// A decimal as an integer of `10^-digits`.
    pub fn scaled(&self, field: &str, digits: u8) -> Result<i64, Fault> {
        scaled(self.decimal(field)?, digits).map_err(|reason| Fault::field(field, reason))
    }

    /// The same, or another when it is missing.
    pub fn scaled_or(&self, field: &str, digits: u8, other: i64) -> Result<i64, Fault> {
        self.get(field)
            .map_or(Ok(other), |_| self.scaled(field, digits))
    }

    /// A share, written as a fraction (`0.03`), in parts per 10^12.
    pub fn fraction(&self, field: &str) -> Result<Ratio, Fault> {
        self.scaled(field, 12).map(Ratio)
    }

    /// A share, written in percent, in parts per 10^12.
    pub fn percent(&self, field: &str) -> Result<Ratio, Fault> {
        self.scaled(field, 10).map(Ratio)
    }

    /// A leverage: `100`, `33.33`, `1:2.5`.
    pub fn leverage(&self, field: &str) -> Result<Leverage, Fault> {
        let value = self.need(field)?;
        let number = match value.as_str() {
            Some(text) => {
                let bare = text.strip_prefix("1:").or(text.strip_suffix(":1"));
                Decimal::from_str_exact(bare.unwrap_or(text)).ok()
            }
            None => decimal(value),
        };
        let number = number.ok_or_else(|| Fault::field(field, "is no decimal"))?;
        let value =
            scaled(number, Leverage::DIGITS).map_err(|reason| Fault::field(field, reason))?;
        u64::try_from(value)
            .ok()
            .map(Leverage)
            .filter(|leverage| *leverage > Leverage::NONE)
            .ok_or_else(|| Fault::field(field, "is no leverage"))
    }

    /// The same, or another when it is missing.
    pub fn leverage_or(&self, field: &str, other: Leverage) -> Result<Leverage, Fault> {
        self.get(field).map_or(Ok(other), |_| self.leverage(field))
    }

    /// A whole number.
    pub fn integer(&self, field: &str) -> Result<i64, Fault> {
        self.scaled(field, 0)
    }

    /// A whole number, or another when it is missing.
    pub fn integer_or(&self, field: &str, other: i64) -> Result<i64, Fault> {
        self.scaled_or(field, 0, other)
    }

    /// A list of objects, empty when it is missing.
    pub fn list(&self, field: &str) -> Result<Vec<Inputs<'a>>, Fault> {
        self.get(field).map_or(Ok(Vec::new()), |value| {
            let items = value
                .as_array()
                .ok_or_else(|| Fault::field(field, "is no list"))?;
            Ok(items.iter().map(Inputs).collect())
        })
    }

    /// An object.
    pub fn object(&self, field: &str) -> Result<Inputs<'a>, Fault> {
        self.need(field).map(Inputs)
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => Decimal::from_str_exact(text).ok(),
        Value::Number(number) => Decimal::from_str_exact(&number.to_string()).ok(),
        _ => None,
    }
}

/// A decimal as an integer of `10^-digits`.
///
/// # Errors
/// When it has more digits or is too large.
pub fn scaled(value: Decimal, digits: u8) -> Result<i64, String> {
    let value = value.normalize();
    let missing = u32::from(digits)
        .checked_sub(value.scale())
        .ok_or_else(|| format!("{value} has more than {digits} digits"))?;
    let wide = 10i128
        .checked_pow(missing)
        .and_then(|factor| value.mantissa().checked_mul(factor));
    wide.and_then(|wide| i64::try_from(wide).ok())
        .ok_or_else(|| format!("{value} is too large"))
}

/// An integer of `10^-digits` as a decimal text.
pub fn shown(value: i128, digits: u8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let text = format!(
        "{:0>width$}",
        value.unsigned_abs(),
        width = usize::from(digits) + 1
    );
    let (whole, part) = text.split_at(text.len() - usize::from(digits));
    match part {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn decimals_become_integers_and_come_back() {
        let value = json!({ "price": "1.10", "pct": 50, "none": null });
        let inputs = Inputs::new(&value);
        assert_eq!(inputs.scaled("price", 5), Ok(110_000));
        assert_eq!(inputs.percent("pct"), Ok(Ratio::percent(50)));
        assert_eq!(inputs.scaled_or("none", 2, 7), Ok(7));
        assert!(inputs.scaled("price", 0).is_err());
        assert_eq!(shown(-5, 2), "-0.05");
        assert_eq!(shown(110_000, 5), "1.10000");
        assert_eq!(shown(7, 0), "7");
    }

    #[test]
    fn a_name_that_is_not_listed_is_an_error_with_those_that_are() {
        let value = json!({ "kind": "demo", "account_digits": 40 });
        let inputs = Inputs::new(&value);
        let names = [("real", 1), ("demo", 2)];
        assert_eq!(inputs.one_of("kind", &names), Ok(2));
        assert_eq!(inputs.one_of_or("other", 7, &names), Ok(7));
        let error = inputs.one_of("kind", &names[..1]).unwrap_err();
        assert_eq!(error.to_string(), "field kind: demo is none of real");
        assert!(inputs.digits_or("account_digits", 2).is_err());
        assert_eq!(inputs.digits_or("profit_digits", 2), Ok(2));
    }

    #[test]
    fn a_leverage_may_have_a_point() {
        let value = json!({
            "whole": "100", "point": "33.33", "ratio": "1:2.5", "turned": "500:1", "number": 20, "zero": "0", "fine": "0.123456789",
        });
        let inputs = Inputs::new(&value);
        for (field, leverage) in [
            ("whole", Leverage::of(100)),
            ("point", Leverage(3_333_000_000)),
            ("ratio", Leverage(250_000_000)),
            ("turned", Leverage::of(500)),
            ("number", Leverage::of(20)),
        ] {
            assert_eq!(inputs.leverage(field), Ok(leverage), "{field}");
        }
        assert_eq!(inputs.leverage_or("none", Leverage::ONE), Ok(Leverage::ONE));
        assert!(inputs.leverage("zero").is_err());
        assert!(inputs.leverage("fine").is_err());
    }

    #[test]
    fn a_missing_field_says_its_name() {
        let value = json!({});
        let error = Inputs::new(&value).text("calc").unwrap_err();
        assert_eq!(error.to_string(), "field calc: is missing");
    }
}
