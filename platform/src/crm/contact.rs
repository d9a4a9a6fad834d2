//! One form of a telephone number and of an address, so that the same person is found again however they wrote it.

use phonenumber::Mode;
use phonenumber::country::Id;
use unicode_normalization::UnicodeNormalization as _;

use crate::refusal::Refusal;

use super::faults::{BAD_EMAIL, BAD_PHONE};

/// Longest text that is looked at, characters.
const TEXT_MAX: usize = 254;

/// The number of a person in E.164: `0812-3456-7842`, `62 812 3456 7842` and `+62 812 3456 7842` are one. What begins without `+` is
/// Indonesian. Users have the same form, so that they and leads meet.
///
/// # Errors
/// [`BAD_PHONE`].
pub fn phone(text: &str) -> Result<String, Refusal> {
    let refused = || BAD_PHONE.field("phone", "send a number such as 0812 3456 7842 or +62 812 3456 7842");
    let plain: String = text.trim().nfkc().take(TEXT_MAX).collect();
    if !plain.chars().all(|c| c.is_ascii_digit() || "+ -().".contains(c)) {
        return Err(refused());
    }
    let digits: String = plain.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    if digits.rfind('+').is_some_and(|at| at > 0) {
        return Err(refused());
    }
    // 00 is dialled where + is written; a national number of ours begins with 0 or 8, so 62… is a country.
    let whole = match digits.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None if digits.starts_with("62") => format!("+{digits}"),
        None => digits,
    };
    // Some write the trunk 0 behind the country: no Indonesian number has it there.
    let whole = match whole.strip_prefix("+620") {
        Some(rest) => format!("+62{rest}"),
        None => whole,
    };
    let number = phonenumber::parse(Some(Id::ID), &whole).map_err(|_| refused())?;
    if !phonenumber::is_valid(&number) {
        return Err(refused());
    }
    Ok(number.format().mode(Mode::E164).to_string())
}

/// The address of a person: compatibility forms folded, lower case. What is not ASCII then is refused: a letter of another script
/// looks like one of ours and is another address.
///
/// # Errors
/// [`BAD_EMAIL`].
pub fn email(text: &str) -> Result<String, Refusal> {
    let refused = || BAD_EMAIL.field("email", "send an address such as sari@contoh.id, in plain letters");
    if text.len() > 4 * TEXT_MAX {
        return Err(refused());
    }
    let plain = text.trim().nfkc().collect::<String>().to_lowercase();
    let Some((name, domain)) = plain.rsplit_once('@') else {
        return Err(refused());
    };
    let good_name = (1..=64).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..");
    let good_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !label.starts_with("xn--")
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let top_is_word = domain.rsplit('.').next().is_some_and(|top| !top.chars().all(|c| c.is_ascii_digit()));
    if good_name && domain.contains('.') && domain.split('.').all(good_label) && top_is_word && plain.len() <= TEXT_MAX {
        Ok(plain)
    } else {
        Err(refused())
    }
}

/// A name or a city as people wrote it, with single spaces; `None` when nothing is left.
pub fn words(text: &str) -> Option<String> {
    let plain: String = text.nfc().filter(|c| !c.is_control() || c.is_whitespace()).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = plain.chars().take(TEXT_MAX).collect();
    (!cut.is_empty()).then_some(cut)
}

/// The name of a city as territories are written: `Kota Bandung` and `bandung` are one.
pub fn territory(city: &str) -> Option<String> {
    let lower = words(city)?.to_lowercase();
    let bare = ["kota administrasi ", "kota ", "kabupaten ", "kab. ", "kab "]
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix));
    Some(bare.unwrap_or(&lower).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_in_all_its_forms() {
        for text in ["081234567842", "0812-3456-7842", "62 812 3456 7842", "+62 812-3456-7842", "+62 0812 3456 7842", "0062 812 3456 7842", "(0812) 3456.7842", "８１２３４５６７８４２"] {
            assert_eq!(phone(text).expect(text), "+6281234567842", "{text}");
        }
        assert_eq!(phone("+65 6123 4567").expect("Singapore"), "+6561234567");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "12", "call me", "0812345678x2", "+62", "+999 1234567", &"1".repeat(300)] {
            assert_eq!(phone(text).expect_err(text).fault(), Some(BAD_PHONE), "{text}");
        }
    }

    #[test]
    fn one_address_in_all_its_forms() {
        for text in ["sari@contoh.id", " Sari@Contoh.ID ", "ＳＡＲＩ@contoh.id"] {
            assert_eq!(email(text).expect(text), "sari@contoh.id");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@contoh.id", "a".repeat(65));
        for text in ["", "sari", "@contoh.id", "sari@", "sari@contoh", "a b@contoh.id", "a@b@c.id", "sari@-x.id", "sari@x..id", "a\u{0}@contoh.id", "sаri@contoh.id", "a@1.2.3.4", "a@xn--e1a.id", &long] {
            assert_eq!(email(text).expect_err(text).fault(), Some(BAD_EMAIL), "{text}");
        }
    }

    #[test]
    fn cities_become_territories() {
        for (city, name) in [("Kota Bandung", "bandung"), ("  BANDUNG ", "bandung"), ("Kab. Bogor", "bogor"), ("Jakarta Selatan", "jakarta selatan")] {
            assert_eq!(territory(city).as_deref(), Some(name));
        }
        assert_eq!(territory(" \n "), None);
        assert_eq!(words("  Siti \t Nurhaliza\u{7} ").as_deref(), Some("Siti Nurhaliza"));
    }
}
