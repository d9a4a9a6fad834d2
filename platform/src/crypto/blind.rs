use std::collections::BTreeSet;

use aws_lc_rs::hmac;

use super::Keyring;

/// Longest text whose trigrams are kept, characters: names, addresses, a title and its summary.
const GRAMS_OF_CHARS: usize = 2_000;

/// A keyed hash of a normalised value: equal values are found, none is said. 32 bytes, stored as `bytea`.
pub type BlindIndex = [u8; 32];

/// The index of `value` in `field`. Give the canonical form: a lower-case address, an E.164 number.
pub fn blind(keyring: &Keyring, field: &str, value: &str) -> BlindIndex {
    let key = hmac::Key::new(hmac::HMAC_SHA256, keyring.blind.as_slice());
    let mut context = hmac::Context::with_key(&key);
    context.update(field.as_bytes());
    context.update(&[0]);
    context.update(value.as_bytes());
    let tag = context.sign();
    let mut index = [0u8; 32];
    index.copy_from_slice(tag.as_ref());
    index
}

/// Keyed hashes of the trigrams of a text, sorted, each once: two texts that look alike share most of
/// them. Words are taken in lower case and padded as `pg_trgm` pads them.
pub fn grams(keyring: &Keyring, text: &str) -> Vec<i64> {
    let text: String = text
        .chars()
        .take(GRAMS_OF_CHARS)
        .collect::<String>()
        .to_lowercase();
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut found = BTreeSet::new();
    for word in words {
        let padded: Vec<char> = "  "
            .chars()
            .chain(word.chars())
            .chain(" ".chars())
            .collect();
        for gram in padded.windows(3) {
            let gram: String = gram.iter().collect();
            let hash = blind(keyring, "grams", &gram);
            let [a, b, c, d, e, f, g, h, ..] = hash;
            found.insert(i64::from_be_bytes([a, b, c, d, e, f, g, h]));
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(a: &[i64], b: &[i64]) -> usize {
        a.iter().filter(|gram| b.contains(gram)).count()
    }

    #[test]
    fn equal_values_meet_per_field_and_keyring() {
        let keyring = Keyring::generate("k1");
        assert_eq!(
            blind(&keyring, "email", "a@b.id"),
            blind(&keyring, "email", "a@b.id")
        );
        assert_ne!(
            blind(&keyring, "email", "a@b.id"),
            blind(&keyring, "phone", "a@b.id")
        );
        assert_ne!(
            blind(&keyring, "email", "a@b.id"),
            blind(&Keyring::generate("k1"), "email", "a@b.id")
        );
        assert_ne!(
            blind(&keyring, "ab", "c"),
            blind(&keyring, "a", "bc"),
            "the border of the field is kept"
        );
    }

    #[test]
    fn a_misspelled_name_shares_most_trigrams() {
        let keyring = Keyring::generate("k1");
        let right = grams(&keyring, "Siti Nurhaliza");
        assert!(shared(&right, &grams(&keyring, "siti nurhalisa")) * 3 >= right.len() * 2);
        assert!(shared(&right, &grams(&keyring, "Bambang Wijaya")) * 10 <= right.len());
        assert!(grams(&keyring, " - ").is_empty());
    }
}
