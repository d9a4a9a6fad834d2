//! Exact decimals in text to scaled integers: `"1.0850"` at 5 digits is `108_500`. No float on the way.

use siaga_risk::units::pow10;

/// Longest decimal looked at, bytes: an i64 has 19 digits, venues pad with zeros.
pub const DECIMAL_BYTES_MAX: usize = 48;

/// Why a text is no decimal of that scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    #[error("not a decimal number")]
    NotANumber,
    #[error("more digits behind the point than the scale has")]
    TooPrecise,
    #[error("too large for its scale")]
    TooLarge,
}

/// `text` as an integer of `10^-digits`; digits beyond the scale must be zero.
///
/// # Errors
/// [`DecimalError`]; infinities, NaN and empty text are `NotANumber`.
#[inline]
pub fn parse_exact(text: &[u8], digits: u8) -> Result<i64, DecimalError> {
    parse(text, digits, false)
}

/// Like [`parse_exact`], but digits beyond the scale are cut off: for quantities finer than a lot step.
///
/// # Errors
/// [`DecimalError::NotANumber`] and [`DecimalError::TooLarge`].
#[inline]
pub fn parse_cut(text: &[u8], digits: u8) -> Result<i64, DecimalError> {
    parse(text, digits, true)
}

/// Where a value goes that lies between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toward {
    /// To the lower step.
    Down,
    /// To the higher step.
    Up,
    /// To the nearer step; from the middle away from zero.
    Nearest,
}

/// Like [`parse_exact`], but a value finer than the scale goes to a step of it; true when it had to.
///
/// # Errors
/// [`DecimalError::NotANumber`] and [`DecimalError::TooLarge`]; the latter also of a finer value that leaves no room for
/// one digit more.
#[inline]
pub fn parse_rounded(text: &[u8], digits: u8, toward: Toward) -> Result<(i64, bool), DecimalError> {
    match parse_exact(text, digits) {
        Ok(value) => Ok((value, false)),
        Err(DecimalError::TooPrecise) => Ok((rounded(text, digits, toward)?, true)),
        Err(error) => Err(error),
    }
}

/// A value that is known to lie between two steps.
fn rounded(text: &[u8], digits: u8, toward: Toward) -> Result<i64, DecimalError> {
    // The sign of what is cut to zero is in the text alone.
    let sign = if text.first() == Some(&b'-') { -1 } else { 1 };
    let cut = parse_cut(text, digits)?;
    let away = cut.checked_add(sign).ok_or(DecimalError::TooLarge)?;
    Ok(match toward {
        Toward::Down => cut.min(away),
        Toward::Up => cut.max(away),
        // One digit more tells the side of the middle, whatever follows it.
        Toward::Nearest => {
            let next = parse_cut(text, digits.saturating_add(1))? % 10;
            if next.abs() >= 5 { away } else { cut }
        }
    })
}

/// A plain positive decimal at the front of `bytes` and how many bytes it takes: `61837.63000000"…` at 2 digits.
///
/// `None` = anything out of the ordinary (a sign, an exponent, many digits, digits beyond the scale unless `CUT`):
/// ask [`parse_exact`] or [`parse_cut`], which know why.
#[inline(always)]
pub fn take<const CUT: bool>(bytes: &[u8], digits: u8) -> Option<(i64, usize)> {
    let digit = |at: usize| {
        bytes
            .get(at)
            .map_or(u8::MAX, |byte| byte.wrapping_sub(b'0'))
    };
    let mut value = 0u64;
    let mut at = 0;
    while digit(at) <= 9 && at < 19 {
        value = value * 10 + u64::from(digit(at));
        at += 1;
    }
    // With at most 18 digits in all nothing can overflow.
    if at == 0 || at + usize::from(digits) > 18 {
        return None;
    }
    let mut left = digits;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        while left > 0 && digit(at) <= 9 {
            value = value * 10 + u64::from(digit(at));
            left -= 1;
            at += 1;
        }
        let spare_max = if CUT { 9 } else { 0 };
        while digit(at) <= spare_max {
            at += 1;
        }
        if digit(at) <= 9 || at > DECIMAL_BYTES_MAX {
            return None;
        }
    }
    Some((value as i64 * pow10_small(left), at))
}

#[inline(always)]
fn pow10_small(digits: u8) -> i64 {
    const POWERS: [i64; 19] = {
        let mut powers = [1; 19];
        let mut at = 1;
        while at < 19 {
            powers[at] = powers[at - 1] * 10;
            at += 1;
        }
        powers
    };
    POWERS[usize::from(digits.min(18))]
}

#[inline]
fn parse(text: &[u8], digits: u8, cut: bool) -> Result<i64, DecimalError> {
    let quick = if cut {
        take::<true>(text, digits)
    } else {
        take::<false>(text, digits)
    };
    match quick {
        Some((value, length)) if length == text.len() => Ok(value),
        _ => parse_any(text, digits, cut),
    }
}

fn parse_any(text: &[u8], digits: u8, cut: bool) -> Result<i64, DecimalError> {
    let (negative, body) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if body.is_empty() || body.len() > DECIMAL_BYTES_MAX {
        return Err(DecimalError::NotANumber);
    }
    let mut value: i64 = 0;
    let mut seen = 0usize;
    let mut at = 0;
    while at < body.len() && body[at].is_ascii_digit() {
        value = push(value, body[at])?;
        at += 1;
        seen += 1;
    }
    let mut left = digits;
    if at < body.len() && body[at] == b'.' {
        at += 1;
        while at < body.len() && body[at].is_ascii_digit() {
            if left > 0 {
                value = push(value, body[at])?;
                left -= 1;
            } else if body[at] != b'0' && !cut {
                return exponent(body, digits, cut, negative)
                    .unwrap_or(Err(DecimalError::TooPrecise));
            }
            at += 1;
            seen += 1;
        }
    }
    if seen == 0 {
        return Err(DecimalError::NotANumber);
    }
    if at < body.len() {
        return exponent(body, digits, cut, negative).unwrap_or(Err(DecimalError::NotANumber));
    }
    if left > 0 {
        if left > 18 {
            return Err(DecimalError::TooLarge);
        }
        value = value
            .checked_mul(pow10(left))
            .ok_or(DecimalError::TooLarge)?;
    }
    Ok(if negative { -value } else { value })
}

#[inline(always)]
fn push(value: i64, digit: u8) -> Result<i64, DecimalError> {
    value
        .checked_mul(10)
        .and_then(|value| value.checked_add(i64::from(digit - b'0')))
        .ok_or(DecimalError::TooLarge)
}

/// The rare form `1.5e-05` (JSON numbers of some venues): moves the point, then parses again. `None` = no exponent.
#[cold]
fn exponent(
    body: &[u8],
    digits: u8,
    cut: bool,
    negative: bool,
) -> Option<Result<i64, DecimalError>> {
    let e = body.iter().position(|b| matches!(b, b'e' | b'E'))?;
    let power: i32 = match std::str::from_utf8(&body[e + 1..])
        .ok()
        .and_then(|text| text.parse().ok())
    {
        Some(power) if (-30..=18).contains(&power) => power,
        _ => return Some(Err(DecimalError::NotANumber)),
    };
    let mantissa = &body[..e];
    let point = mantissa
        .iter()
        .position(|b| *b == b'.')
        .unwrap_or(mantissa.len());
    let plain: Vec<u8> = mantissa.iter().copied().filter(|b| *b != b'.').collect();
    if plain.is_empty() || !plain.iter().all(u8::is_ascii_digit) {
        return Some(Err(DecimalError::NotANumber));
    }
    let point = point as i32 + power;
    let mut moved = Vec::with_capacity(DECIMAL_BYTES_MAX);
    if negative {
        moved.push(b'-');
    }
    if point <= 0 {
        moved.extend_from_slice(b"0.");
        moved.resize(moved.len() + (-point) as usize, b'0');
        moved.extend_from_slice(&plain);
    } else {
        let point = point as usize;
        moved.extend_from_slice(&plain[..point.min(plain.len())]);
        moved.resize(moved.len() + point.saturating_sub(plain.len()), b'0');
        moved.push(b'.');
        moved.extend_from_slice(&plain[point.min(plain.len())..]);
    }
    Some(parse(&moved, digits, cut))
}

/// Digits behind the point that `text` really uses (trailing zeros do not count); 0 when it has none.
pub fn digits_used(text: &[u8]) -> u8 {
    match text.iter().position(|b| *b == b'.') {
        None => 0,
        Some(point) => {
            let behind = &text[point + 1..];
            let used = behind
                .iter()
                .rposition(|b| *b != b'0')
                .map_or(0, |last| last + 1);
            used.min(u8::MAX as usize) as u8
        }
    }
}

/// `value` of `10^-digits` as text, always with `digits` digits behind the point.
pub fn format(value: i64, digits: u8) -> String {
    let scale = pow10(digits).unsigned_abs();
    let size = value.unsigned_abs();
    let sign = if value < 0 { "-" } else { "" };
    if digits == 0 {
        return format!("{sign}{size}");
    }
    format!(
        "{sign}{}.{:0width$}",
        size / scale,
        size % scale,
        width = digits as usize
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        for (text, digits, want) in [
            ("1.0850", 5, Ok(108_500)),
            ("61837.63000000", 2, Ok(6_183_763)),
            ("-36.98", 2, Ok(-3_698)),
            ("0", 8, Ok(0)),
            (".5", 1, Ok(5)),
            ("5.", 1, Ok(50)),
            ("1e-05", 8, Ok(1_000)),
            ("1.5E3", 2, Ok(150_000)),
            ("-2.5e-1", 2, Ok(-25)),
            ("12.50e-1", 2, Ok(125)),
            ("1.005", 2, Err(DecimalError::TooPrecise)),
            ("", 2, Err(DecimalError::NotANumber)),
            ("-", 2, Err(DecimalError::NotANumber)),
            (".", 2, Err(DecimalError::NotANumber)),
            ("NaN", 2, Err(DecimalError::NotANumber)),
            ("Infinity", 2, Err(DecimalError::NotANumber)),
            ("1e999", 2, Err(DecimalError::NotANumber)),
            ("1,5", 2, Err(DecimalError::NotANumber)),
            ("99999999999999999999", 0, Err(DecimalError::TooLarge)),
            ("9223372036854775807", 0, Ok(i64::MAX)),
            ("9223372036854775807", 1, Err(DecimalError::TooLarge)),
        ] {
            assert_eq!(
                parse_exact(text.as_bytes(), digits),
                want,
                "{text} at {digits}"
            );
        }
        assert_eq!(parse_cut(b"0.123456789", 5), Ok(12_345));
        assert_eq!(parse_exact(b"0.123456789e3", 6), Ok(123_456_789));
    }

    #[test]
    fn finer_values_go_to_the_step_asked_for() {
        for (text, digits, down, up, nearest) in [
            ("10.50449", 2, 1_050, 1_051, 1_050),
            ("10.505", 2, 1_050, 1_051, 1_051),
            ("0.0004", 2, 0, 1, 0),
            ("-0.001", 2, -1, 0, 0),
            ("-36.985", 2, -3_699, -3_698, -3_699),
            ("1.23456e1", 3, 12_345, 12_346, 12_346),
        ] {
            for (toward, want) in [
                (Toward::Down, down),
                (Toward::Up, up),
                (Toward::Nearest, nearest),
            ] {
                let found = parse_rounded(text.as_bytes(), digits, toward);
                assert_eq!(found, Ok((want, true)), "{text} at {digits}, {toward:?}");
            }
        }
        for toward in [Toward::Down, Toward::Up, Toward::Nearest] {
            assert_eq!(
                parse_rounded(b"61837.63000000", 2, toward),
                Ok((6_183_763, false))
            );
            for bad in ["1.005x", "1.005-", "NaN", ""] {
                let found = parse_rounded(bad.as_bytes(), 2, toward);
                assert_eq!(found, Err(DecimalError::NotANumber), "{bad}");
            }
        }
    }

    #[test]
    fn the_quick_way_and_the_thorough_one_agree() {
        for text in [
            "0",
            "7",
            "61837.63000000",
            "0.00000100",
            "123456789.987654321",
            "1.",
            "12.5",
            "5.005",
        ] {
            for digits in 0..=9 {
                for cut in [false, true] {
                    let quick = if cut {
                        take::<true>(text.as_bytes(), digits)
                    } else {
                        take::<false>(text.as_bytes(), digits)
                    };
                    if let Some((value, length)) = quick {
                        assert_eq!(length, text.len());
                        assert_eq!(
                            parse_any(text.as_bytes(), digits, cut),
                            Ok(value),
                            "{text} at {digits}"
                        );
                    }
                }
            }
        }
        assert_eq!(
            take::<false>(b"61837.63000000\",", 2),
            Some((6_183_763, 14))
        );
        assert_eq!(take::<false>(b"1.005", 2), None);
        assert_eq!(take::<true>(b"1.005", 2), Some((100, 5)));
        assert_eq!(take::<false>(b"-1", 2), None);
    }

    #[test]
    fn text_and_value_are_inverse() {
        for (value, digits, text) in [
            (-3_698, 2, "-36.98"),
            (5, 3, "0.005"),
            (7, 0, "7"),
            (108_500, 5, "1.08500"),
        ] {
            assert_eq!(format(value, digits), text);
            assert_eq!(parse_exact(text.as_bytes(), digits), Ok(value));
        }
        assert_eq!(digits_used(b"61837.63000000"), 2);
        assert_eq!(digits_used(b"7.000"), 0);
        assert_eq!(digits_used(b"123872.99999999999"), 11);
    }
}
