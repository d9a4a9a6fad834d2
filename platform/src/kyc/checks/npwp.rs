//! The Indonesian tax number (NPWP), in its old form of 15 digits and in that of 16.

use super::nik;

/// Digits of the old form; the first nine end with a Luhn check digit.
const OLD: usize = 15;

/// Digits that the check digit closes.
const CHECKED: usize = 9;

/// The digits of a number, without the dots, dashes and spaces it is written with.
pub fn canonical(npwp: &str) -> String {
    npwp.chars()
        .filter(|c| !matches!(*c, '.' | '-' | ' '))
        .collect()
}

/// Whether it is one: 15 digits with their check digit, 16 that are a NIK, or 0 before an old number.
pub fn is_valid(npwp: &str, provinces: &[&str], reference_year: i16) -> bool {
    let digits = canonical(npwp);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    match digits.len() {
        OLD => luhn(&digits),
        16 => match digits.strip_prefix('0') {
            Some(old) => luhn(old),
            None => nik::parse(&digits, provinces, reference_year).is_ok(),
        },
        _ => false,
    }
}

fn luhn(digits: &str) -> bool {
    let checked = digits.bytes().take(CHECKED).map(|b| u32::from(b - b'0'));
    // Nine digits, counted from the last: every second one is doubled.
    let sum: u32 = checked
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kyc::checks::nik::PROVINCES;

    #[test]
    fn each_form_has_its_own_check() {
        for (npwp, valid) in [
            ("01.312.166.0-091.000", true),
            ("016090524017000", true),
            ("01.451.869.7-054.000", false),
            ("0016090524017000", true),
            ("0016090525017000", false),
            ("3171011708450001", true),
            ("3171013002450001", false),
            ("01609052401700", false),
            ("01609052401700x", false),
            ("", false),
        ] {
            assert_eq!(is_valid(npwp, &PROVINCES, 2026), valid, "{npwp}");
        }
    }

    #[test]
    fn every_single_wrong_digit_of_the_checked_ones_is_seen() {
        let good = "016090524017000";
        for at in 0..CHECKED {
            for digit in b'0'..=b'9' {
                let mut bytes = good.as_bytes().to_vec();
                let same = bytes[at] == digit;
                bytes[at] = digit;
                let text = String::from_utf8(bytes).expect("digits");
                assert_eq!(is_valid(&text, &PROVINCES, 2026), same, "{text}");
            }
        }
    }
}
