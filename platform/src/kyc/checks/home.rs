//! The address on a document in one form, by which clients of one address are found.

use any_ascii::any_ascii;

/// Words that people write or leave out: kinds of streets, "number", neighbourhoods and districts.
const FILLERS: &[&str] = &[
    "jalan",
    "jl",
    "jln",
    "gang",
    "gg",
    "no",
    "nomor",
    "nmr",
    "rt",
    "rw",
    "kel",
    "kelurahan",
    "ds",
    "desa",
    "dusun",
    "dsn",
    "kec",
    "kecamatan",
    "kab",
    "kabupaten",
    "kota",
    "prov",
    "provinsi",
];

/// Words without which an address is a village and not a house.
const WORDS_MIN: usize = 3;

/// What is written at one with the number behind it.
const GLUED: &[&str] = &["rt", "rw", "no"];

/// The address in one form: its words without what is written in many ways, numbers without zeros before them. `None` when it names
/// no house: fewer than three words, or no number among them.
pub fn one_form(address: &str) -> Option<String> {
    let plain = any_ascii(address).to_ascii_lowercase();
    let kept: Vec<&str> = plain
        .split(|c: char| !c.is_ascii_alphanumeric())
        .map(number)
        .filter(|word| !word.is_empty() && !FILLERS.contains(word))
        .collect();
    let numbered = kept
        .iter()
        .any(|word| word.bytes().any(|byte| byte.is_ascii_digit()));
    (numbered && kept.len() >= WORDS_MIN).then(|| kept.join(" "))
}

/// A number as it is meant: `003` and `rt003` are 3. Other words stay as they are.
fn number(word: &str) -> &str {
    let digits = GLUED
        .iter()
        .find_map(|before| word.strip_prefix(before))
        .unwrap_or(word);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return word;
    }
    match digits.trim_start_matches('0') {
        "" => "0",
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_house_written_in_many_ways_is_one_house() {
        let one = one_form("Jl. Merdeka Raya No. 5 RT 003/RW 004").expect("a house");
        for other in [
            "JALAN MERDEKA RAYA NO 5, RT.003 RW.004",
            "jln merdeka raya nomor 05 rt 3 rw 4",
            "Jl.Merdeka Raya No.5 RT003/RW004",
            "Merdeka Raya 5, 3/4",
        ] {
            assert_eq!(one_form(other), Some(one.clone()), "{other}");
        }
        assert_ne!(one_form("Jl. Merdeka Raya No. 6 RT 003/RW 004"), Some(one));
    }

    #[test]
    fn a_village_is_no_house() {
        for no in [
            "",
            "Desa Sukamaju",
            "Kel. Menteng Kec. Menteng Jakarta Pusat",
            "Jl. Melati 5",
        ] {
            assert_eq!(one_form(no), None, "{no}");
        }
    }
}
