//! One form of a telephone number and of an address, so that the same person is found again however they wrote it.

use unicode_normalization::UnicodeNormalization as _;

use crate::refusal::Refusal;

use super::faults::{BAD_EMAIL, BAD_PHONE};

/// Longest name or city that is kept, characters.
const TEXT_MAX: usize = 254;

/// The number of a person in E.164, in the one form of [`crate::address`].
///
/// # Errors
/// [`BAD_PHONE`].
pub fn phone(text: &str) -> Result<String, Refusal> {
    crate::address::phone(text).map_err(|why| BAD_PHONE.field("phone", why))
}

/// The address of a person, in the one form of [`crate::address`].
///
/// # Errors
/// [`BAD_EMAIL`].
pub fn email(text: &str) -> Result<String, Refusal> {
    crate::address::email(text).map_err(|why| BAD_EMAIL.field("email", why))
}

/// A name or a city as people wrote it, with single spaces; `None` when nothing is left.
pub fn words(text: &str) -> Option<String> {
    let plain: String = text
        .nfc()
        .filter(|c| !c.is_control() || c.is_whitespace())
        .collect();
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
        for text in [
            "081234567842",
            "0812-3456-7842",
            "62 812 3456 7842",
            "+62 812-3456-7842",
            "+62 0812 3456 7842",
            "0062 812 3456 7842",
            "(0812) 3456.7842",
            "８１２３４５６７８４２",
        ] {
            assert_eq!(phone(text).expect(text), "+6281234567842", "{text}");
        }
        assert_eq!(phone("+65 6123 4567").expect("Singapore"), "+6561234567");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "12",
            "call me",
            "0812345678x2",
            "+62",
            "+999 1234567",
            &"1".repeat(300),
        ] {
            assert_eq!(
                phone(text).expect_err(text).fault(),
                Some(BAD_PHONE),
                "{text}"
            );
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
        for text in [
            "",
            "sari",
            "@contoh.id",
            "sari@",
            "sari@contoh",
            "a b@contoh.id",
            "a@b@c.id",
            "sari@-x.id",
            "sari@x..id",
            "a\u{0}@contoh.id",
            "sаri@contoh.id",
            "a@1.2.3.4",
            "a@xn--e1a.id",
            &long,
        ] {
            assert_eq!(
                email(text).expect_err(text).fault(),
                Some(BAD_EMAIL),
                "{text}"
            );
        }
    }

    #[test]
    fn cities_become_territories() {
        for (city, name) in [
            ("Kota Bandung", "bandung"),
            ("  BANDUNG ", "bandung"),
            ("Kab. Bogor", "bogor"),
            ("Jakarta Selatan", "jakarta selatan"),
        ] {
            assert_eq!(territory(city).as_deref(), Some(name));
        }
        assert_eq!(territory(" \n "), None);
        assert_eq!(
            words("  Siti \t Nurhaliza\u{7} ").as_deref(),
            Some("Siti Nurhaliza")
        );
    }
}
