//! Indonesian mobile numbers in one form (E.164).

/// Country code.
const COUNTRY: &str = "62";

/// Digits of a national mobile number, the leading 8 included (libphonenumber, region ID).
const DIGITS: std::ops::RangeInclusive<usize> = 9..=12;

/// The number in E.164, or `None` when it is no Indonesian mobile number: `+62`, `0062`, `62`, `0` or
/// nothing may stand before the national number, and a 0 that belongs in front of it at home is dropped
/// after the country code.
pub fn mobile_e164(raw: &str) -> Option<String> {
    let plain: String = raw.trim().chars().filter(|c| !is_separator(*c)).collect();
    let (international, digits) = match plain.strip_prefix('+').or_else(|| plain.strip_prefix("00"))
    {
        Some(rest) => (true, rest),
        None => (false, plain.as_str()),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let national = match digits.strip_prefix(COUNTRY) {
        Some(rest) => rest.strip_prefix('0').unwrap_or(rest),
        None if international => return None,
        None => digits.strip_prefix('0').unwrap_or(digits),
    };
    let mut bytes = national.bytes();
    let mobile =
        bytes.next() == Some(b'8') && matches!(bytes.next(), Some(b'1'..=b'3' | b'5'..=b'9'));
    (mobile && DIGITS.contains(&national.len())).then(|| format!("+{COUNTRY}{national}"))
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '.' | '(' | ')' | '/' | '\u{2010}'..='\u{2015}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_of_writing_a_number_are_one_number() {
        let one = Some("+6281234567890".to_owned());
        for raw in [
            "081234567890",
            "+62 812-3456-7890",
            "6281234567890",
            "0062 812 3456 7890",
            "+62 (0)812 3456 7890",
            "812.3456.7890",
            "  0812 3456 7890 ",
        ] {
            assert_eq!(mobile_e164(raw), one, "{raw}");
        }
        for raw in [
            "",
            "+",
            "0218350123",
            "+60123456789",
            "0812-CALL-ME",
            "0841234567",
            "0801234567",
            "08123456",
            "08123456789012",
            "++62812345678",
        ] {
            assert_eq!(mobile_e164(raw), None, "{raw}");
        }
    }
}
