//! Decimal text and integers of a known number of digits, exactly.

/// `value` with `digits` decimals.
pub(super) fn format(value: i64, digits: u8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = usize::from(digits.min(18));
    let text = format!("{:0width$}", value.unsigned_abs(), width = digits + 1);
    let (whole, part) = text.split_at(text.len() - digits);
    match part {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    }
}

/// The integer behind `text` at `digits` decimals; `None` when it is no plain decimal, too large, or finer.
pub(super) fn parse(text: &str, digits: u8) -> Option<i64> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_point = unsigned.contains('.');
    if whole.is_empty() || !is_plain(whole) || !is_plain(part) || (has_point && part.is_empty()) {
        return None;
    }
    let digits = usize::from(digits);
    let (kept, finer) = part.split_at(part.len().min(digits));
    if finer.bytes().any(|byte| byte != b'0') {
        return None;
    }
    let mut value = 0i64;
    let padding = std::iter::repeat_n(b'0', digits - kept.len());
    for byte in whole.bytes().chain(kept.bytes()).chain(padding) {
        let digit = i64::from(byte - b'0');
        let digit = if negative { -digit } else { digit };
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(value: i64, digits in 0u8..=18) {
            prop_assert_eq!(parse(&format(value, digits), digits), Some(value));
        }
    }

    #[test]
    fn only_plain_decimals_are_read() {
        for text in [
            "", "-", ".", "1.", ".5", "1e5", "+1", "1,0", " 1", "NaN", "0x1", "1.2.3", "--1",
        ] {
            assert_eq!(parse(text, 2), None, "{text:?}");
        }
        assert_eq!(parse("1.230", 2), Some(123));
        assert_eq!(parse("1.234", 2), None, "finer than the instrument");
        assert_eq!(parse("99999999999999999999", 0), None);
        assert_eq!(parse("-0.05", 2), Some(-5));
    }
}
