//! Whether two documents name the same person.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::mrz::Mrz;
use crate::aml::names::tokens::likeness;

/// From this score on two names are taken for one person's.
pub const SAME: u8 = 85;

/// Below this score they are certainly not.
pub const OTHER: u8 = 60;

/// Titles and forms of address that stand on one document and not on another.
const TITLES: [&str; 22] = [
    "H", "HJ", "HAJI", "HAJAH", "DR", "DRA", "DRS", "IR", "PROF", "ST", "SE", "SH", "SPD", "SKOM",
    "MM", "MSI", "MBA", "MR", "MRS", "MS", "BIN", "BINTI",
];

/// Ways of writing one name that no measure of letters brings together.
const ALIKE: [(&str, &str); 13] = [
    ("MUH", "MUHAMMAD"),
    ("MUHD", "MUHAMMAD"),
    ("MOH", "MUHAMMAD"),
    ("MOHD", "MUHAMMAD"),
    ("MOHAMMAD", "MUHAMMAD"),
    ("MOHAMAD", "MUHAMMAD"),
    ("MUHAMAD", "MUHAMMAD"),
    ("MUHAMMED", "MUHAMMAD"),
    ("MOCH", "MUHAMMAD"),
    ("MOCHAMAD", "MUHAMMAD"),
    ("MOCHAMMAD", "MUHAMMAD"),
    ("ACHMAD", "AHMAD"),
    ("ABD", "ABDUL"),
];

/// The words of a name in capitals without marks, titles and punctuation.
pub fn words(name: &str) -> Vec<String> {
    let plain: String = name
        .nfkd()
        .filter(|c| !is_combining_mark(*c) && !matches!(*c, '.' | '\'' | '’' | '`'))
        .flat_map(char::to_uppercase)
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let all: Vec<String> = plain.split_whitespace().map(spelling).collect();
    let kept: Vec<String> = all
        .iter()
        .filter(|word| !TITLES.contains(&word.as_str()))
        .cloned()
        .collect();
    // Somebody is called just that.
    if kept.is_empty() { all } else { kept }
}

fn spelling(word: &str) -> String {
    let known = ALIKE.iter().find(|(other, _)| *other == word);
    known.map_or(word, |(_, one)| *one).to_owned()
}

/// How alike two names are, 0 to 100: the mean over the words of the shorter name of the best word of the longer one, less for each word of
/// the longer one that is left over. Order does not count, and words that are written as one are one. A word that the other name has
/// otherwise contradicts it: then it is not sure to be the same person, however alike the letters are. An initial counts as its word.
pub fn score(a: &str, b: &str) -> u8 {
    compare(&words(a), &words(b), None)
}

/// The same for the name of a page and the one in its machine-readable zone, whose last word may be cut off at the end of the field.
pub fn score_zone(page: &str, zone: &Mrz) -> u8 {
    let name = format!("{} {}", zone.given_names, zone.surname);
    compare(&words(page), &words(&name), zone.cut_word())
}

/// What each word without a partner costs: one middle name more is the same person, a second one is not sure.
const LEFT_OVER: u32 = 8;

/// What the same word is worth.
const WHOLE: u32 = 100;

/// The same word with a letter that was read as the digit it looks like, or in another spelling.
const SPELLED: u32 = 97;

/// What an initial or a cut word is worth; less is another word.
const CUT: u32 = 90;

/// Most that another word is worth, however near.
const NEAR_MAX: u32 = 80;

/// Letters of words that are written as one.
const JOINED_MIN: usize = 4;

fn compare(a: &[String], b: &[String], cut: Option<&str>) -> u8 {
    let a = joined(a, b);
    let b = joined(b, &a);
    let count = a.len().min(b.len());
    if count == 0 {
        return 0;
    }
    let mut pairs = Vec::new();
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            let is_cut = cut == Some(y.as_str()) && x.starts_with(y.as_str());
            let alike = if is_cut {
                alike(x, y).max(CUT)
            } else {
                alike(x, y)
            };
            pairs.push((alike, i, j));
        }
    }
    // Of equals those at near places, so that a word that is there twice meets its own.
    pairs.sort_by_key(|&(alike, i, j)| (std::cmp::Reverse(alike), i.abs_diff(j), i, j));
    let (mut of_a, mut of_b) = (vec![false; a.len()], vec![false; b.len()]);
    let (mut sum, mut contradicted) = (0, false);
    for (alike, i, j) in pairs {
        if of_a[i] || of_b[j] {
            continue;
        }
        (of_a[i], of_b[j]) = (true, true);
        sum += alike;
        contradicted |= alike < CUT;
    }
    // Words behind the end of a field that is full are not missing.
    let left_over = match cut {
        Some(_) => b.len().saturating_sub(a.len()),
        None => a.len().abs_diff(b.len()),
    };
    let whole = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let less = whole(left_over).saturating_mul(LEFT_OVER);
    let score = (sum / whole(count).max(1)).saturating_sub(less);
    let score = u8::try_from(score).unwrap_or(100);
    if contradicted {
        score.min(SAME - 1)
    } else {
        score
    }
}

/// The words with those put together that are one word of `other`.
fn joined(words: &[String], other: &[String]) -> Vec<String> {
    let mut out = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let found = (2..=3).rev().find_map(|count| {
            let window = words.get(at..at + count)?;
            let one = window.concat();
            let fits = one.len() >= JOINED_MIN
                && other.iter().any(|word| same(word, &one))
                && !window.iter().any(|word| other.contains(word));
            fits.then_some((one, count))
        });
        let (word, count) = found.unwrap_or_else(|| (words[at].clone(), 1));
        out.push(word);
        at += count;
    }
    out
}

/// How alike two words are, 0 to 100; below [`CUT`] they are two words.
fn alike(a: &str, b: &str) -> u32 {
    if a == b {
        return WHOLE;
    }
    if same(a, b) {
        return SPELLED;
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.chars().count() == 1 {
        return if long.starts_with(short) { CUT } else { 0 };
    }
    (likeness(&a.to_lowercase(), &b.to_lowercase()) / 10).min(NEAR_MAX)
}

/// One word: misread in letters that look like digits, or in another spelling.
fn same(a: &str, b: &str) -> bool {
    a == b || looks_same(a, b) || spelled(a) == spelled(b)
}

/// Digits that stand in a name, and the letters that they are read for.
const LOOK_ALIKE: [(char, &str); 8] = [
    ('0', "OQD"),
    ('1', "IL"),
    ('2', "Z"),
    ('4', "A"),
    ('5', "S"),
    ('6', "G"),
    ('7', "T"),
    ('8', "B"),
];

fn looks_same(a: &str, b: &str) -> bool {
    let digit_for = |digit: char, letter: char| {
        LOOK_ALIKE
            .iter()
            .any(|(known, letters)| *known == digit && letters.contains(letter))
    };
    a.chars().count() == b.chars().count()
        && a.chars()
            .zip(b.chars())
            .all(|(x, y)| x == y || digit_for(x, y) || digit_for(y, x))
}

/// Letters that one name is written with here and there: the old spelling (Soeharto, Djoko), and sounds with two letters.
const SPELLINGS: [(&str, &str); 12] = [
    ("TJ", "C"),
    ("DJ", "J"),
    ("OE", "U"),
    ("OO", "U"),
    ("PH", "F"),
    ("DH", "D"),
    ("TH", "T"),
    ("KH", "K"),
    ("Z", "S"),
    ("Q", "K"),
    ("V", "F"),
    ("Y", "I"),
];

/// A word in one spelling, doubled letters single.
fn spelled(word: &str) -> String {
    let mut text = word.to_owned();
    for (old, new) in SPELLINGS {
        text = text.replace(old, new);
    }
    let mut letters: Vec<char> = text.chars().collect();
    letters.dedup();
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_on_two_documents_is_recognised() {
        for (a, b) in [
            ("SITI NURHALIZA", "Siti Nurhaliza"),
            ("SITI NURHALIZA", "NURHALIZA SITI"),
            ("Hj. Siti Nurhaliza, S.E.", "SITI NURHALIZA"),
            ("Moh. Rizki Pratama", "MUHAMMAD RIZKI PRATAMA"),
            ("SITI N", "SITI NURHALIZA"),
            ("Budi Santoso", "BUDI SANTOS0"),
            ("José Ramírez", "JOSE RAMIREZ"),
            ("Suharto", "SUHARTO"),
            ("AGUS DWI SANTOSO", "AGUS SANTOSO"),
            ("RAHMAWATI", "RAHMA WATI"),
            ("SITI RAHMA WATI", "SITI RAHMAWATI"),
            ("NUR HALIZA SITI", "SITI NURHALIZA"),
            ("S1TI NURHALIZA", "SITI NURHALIZA"),
            ("SITI NURHA1IZA", "SITI NURHALIZA"),
            ("BUDI 5ANTOSO", "BUDI SANTOSO"),
            ("SOEHARTO", "SUHARTO"),
            ("DJOKO SUSILO", "JOKO SUSILO"),
            ("ACHMAD FAUZI", "AHMAD FAUZY"),
            ("RIZKI RAMADHAN", "RIZKY RAMADAN"),
            ("DEWI KURNIAWATI", "DEWI KURNIAWATTI"),
        ] {
            assert!(score(a, b) >= SAME, "{a} / {b}: {}", score(a, b));
            assert_eq!(score(a, b), score(b, a), "{a} / {b}");
        }
    }

    #[test]
    fn two_persons_are_not_one() {
        for (a, b) in [
            ("SITI NURHALIZA", "BUDI SANTOSO"),
            ("SITI NURHALIZA", "SITI RAHAYU"),
            ("AGUS SANTOSO", "AGUS WIJAYA"),
            ("", "SITI"),
            ("SITI NURHALIZA", "SITI NURHASANAH"),
            ("MUHAMMAD RIZKI", "MUHAMMAD RIZAL"),
            ("AGUS SANTOSO", "AGUSTINA SANTOSO"),
            ("SRI WAHYUNI", "SRI WAHYUDI"),
            ("YUNI KARTIKA", "YUNA KARTINI"),
            ("RINI HARTATI", "RINA HARTATI"),
            ("SUHARTO", "SUHARTI"),
            ("HARTONO", "HARTINI"),
            ("SITI NURHALIZA", "SITI NURHALIMA"),
            ("BUDI 2ANTOSO", "BUDI SANTOSO"),
        ] {
            assert!(score(a, b) < SAME, "{a} / {b}: {}", score(a, b));
            assert_eq!(score(a, b), score(b, a), "{a} / {b}");
        }
        // A letter apart may be a slip: a person looks, and nothing is barred.
        assert!(score("SRI WAHYUNI", "SRI WAHYUDI") >= OTHER);
        assert!(score("SITI NURHALIZA", "BUDI SANTOSO") < OTHER);
    }

    #[test]
    fn a_zone_cuts_the_last_word_of_a_field_that_is_full() {
        let zone = |first: &str| {
            let second = "C01X0006H1D<<6408125F1710319<<<<<<<<<<<<<<<0";
            let first = format!("{first:<<44}");
            super::super::mrz::read(&[first.as_str(), second]).expect("a zone")
        };
        let full = zone("P<IDNKUSUMANINGRUMWIJAYA<<SITI<NURHALIZA<RAH");
        assert_eq!(full.cut_word(), Some("RAH"));
        for page in [
            "SITI NURHALIZA RAHMAWATI KUSUMANINGRUMWIJAYA",
            "SITI NURHALIZA RAHMAWATI PUTRI KUSUMANINGRUMWIJAYA",
        ] {
            assert!(score_zone(page, &full) >= SAME, "{page}");
        }
        let other = "SITI NURHALIZA DEWI KUSUMANINGRUMWIJAYA";
        assert!(score_zone(other, &full) < SAME);
        let short = zone("P<IDNSANTOSO<<AGUS");
        assert_eq!(short.cut_word(), None);
        assert!(score_zone("AGUSTINA SANTOSO", &short) < SAME);
        assert!(score_zone("AGUS SANTOSO", &short) >= SAME);
    }
}
