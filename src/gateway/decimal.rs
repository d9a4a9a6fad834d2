//! Integers with a scale to decimal text and back, exactly: no float and no rounding that is not named.

use siaga_risk::units::{Ratio, div_round, pow10};

/// Why a text is not a number of the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    NotANumber,
    /// More decimals than the unit has.
    TooPrecise,
    TooLarge,
}

impl Fault {
    /// What is wrong and what to do, for the person who sent it.
    pub fn says(self, digits: u8) -> String {
        match self {
            Fault::NotANumber => "send a decimal number as text, for example \"1.25\"".to_owned(),
            Fault::TooPrecise => format!("use at most {digits} decimals"),
            Fault::TooLarge => "use a smaller number".to_owned(),
        }
    }
}

/// `value × 10^-digits` as text with exactly `digits` decimals.
pub fn show(value: i64, digits: u8) -> String {
    let mut text = String::with_capacity(24);
    push(&mut text, i128::from(value), digits);
    text
}

/// Appends `value × 10^-digits` with exactly `digits` decimals.
pub fn push(out: &mut String, value: i128, digits: u8) {
    use std::fmt::Write;
    let digits = digits.min(18);
    let scale = i128::from(pow10(digits)).unsigned_abs();
    let whole = value.unsigned_abs() / scale;
    let rest = value.unsigned_abs() % scale;
    if value < 0 {
        out.push('-');
    }
    let written = match digits {
        0 => write!(out, "{whole}"),
        _ => write!(out, "{whole}.{rest:0width$}", width = usize::from(digits)),
    };
    debug_assert!(written.is_ok(), "a String takes every text");
}

/// The integer of a decimal text at a scale: `"1.5"` with 2 digits is 150. Trailing zeros beyond the scale are no precision.
pub fn read(text: &str, digits: u8) -> Result<i64, Fault> {
    let (negative, body) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        _ => (false, text),
    };
    let (whole, rest) = body.split_once('.').unwrap_or((body, ""));
    let has_point = body.contains('.');
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || (has_point && rest.is_empty()) || !all_digits(whole) || !all_digits(rest)
    {
        return Err(Fault::NotANumber);
    }
    let rest = rest.trim_end_matches('0');
    if rest.len() > usize::from(digits) {
        return Err(Fault::TooPrecise);
    }
    let mut value: i64 = 0;
    let padding = std::iter::repeat_n(b'0', usize::from(digits) - rest.len());
    for digit in whole.bytes().chain(rest.bytes()).chain(padding) {
        let next = value.checked_mul(10);
        value = next
            .and_then(|v| v.checked_sub(i64::from(digit - b'0')))
            .ok_or(Fault::TooLarge)?;
    }
    if negative {
        return Ok(value);
    }
    value.checked_neg().ok_or(Fault::TooLarge)
}

/// A level in percent with two decimals, rounded down, so 49.999 % never reads as 50.00.
pub fn level_pct(level: Ratio) -> String {
    show(level.0.div_euclid(PERCENT_CENT), 2)
}

/// A change in percent with two decimals, rounded half away from zero.
pub fn change_pct(change: Ratio) -> String {
    let cents = div_round(i128::from(change.0), i128::from(PERCENT_CENT));
    let mut text = String::new();
    push(&mut text, cents, 2);
    text
}

/// One hundredth of a percent in parts of a ratio.
const PERCENT_CENT: i64 = 100_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_exact() {
        for (value, digits, want) in [
            (108_512, 5, "1.08512"),
            (-5, 2, "-0.05"),
            (0, 2, "0.00"),
            (7, 0, "7"),
            (i64::MIN, 2, "-92233720368547758.08"),
            (i64::MAX, 18, "9.223372036854775807"),
        ] {
            assert_eq!(show(value, digits), want);
            assert_eq!(read(want, digits), Ok(value), "{want}");
        }
    }

    #[test]
    fn refusals_say_why() {
        for (text, want) in [
            ("", Fault::NotANumber),
            ("-", Fault::NotANumber),
            ("1.", Fault::NotANumber),
            (".5", Fault::NotANumber),
            ("1e5", Fault::NotANumber),
            ("+1", Fault::NotANumber),
            ("NaN", Fault::NotANumber),
            (" 1", Fault::NotANumber),
            ("1.2.3", Fault::NotANumber),
            ("١", Fault::NotANumber),
            ("1.234", Fault::TooPrecise),
            ("99999999999999999999", Fault::TooLarge),
            ("9223372036854775807", Fault::TooLarge),
        ] {
            assert_eq!(read(text, 2), Err(want), "{text:?}");
        }
        assert_eq!(read("1.2300", 2), Ok(123));
        assert_eq!(read("1", 2), Ok(100));
    }

    #[test]
    fn a_level_is_never_flattered() {
        assert_eq!(level_pct(Ratio(499_999_999_999)), "49.99");
        assert_eq!(level_pct(Ratio(500_000_000_000)), "50.00");
        assert_eq!(level_pct(Ratio(-1)), "-0.01");
        assert_eq!(change_pct(Ratio(-12_350_000_000)), "-1.24");
        assert_eq!(change_pct(Ratio(12_349_999_999)), "1.23");
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(value: i64, digits in 0u8..=18) {
            prop_assert_eq!(read(&show(value, digits), digits), Ok(value));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}", digits in 0u8..=18) {
            let _ = read(&text, digits);
        }
    }
}
