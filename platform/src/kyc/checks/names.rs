//! Whether two documents name the same person.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

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
const ALIKE: [(&str, &str); 8] = [
    ("MUH", "MUHAMMAD"),
    ("MUHD", "MUHAMMAD"),
    ("MOH", "MUHAMMAD"),
    ("MOHD", "MUHAMMAD"),
    ("MOHAMMAD", "MUHAMMAD"),
    ("MOHAMAD", "MUHAMMAD"),
    ("MUHAMAD", "MUHAMMAD"),
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

/// How alike two names are, 0 to 100: the mean over the words of the shorter name of the best word of
/// the longer one, less for each word of the longer one that is left over. Order does not count; an
/// initial, or a word cut off as machine-readable zones cut it, counts as that word.
pub fn score(a: &str, b: &str) -> u8 {
    let (a, b) = (words(a), words(b));
    let (short, mut long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() {
        return 0;
    }
    let left_over = long.len() - short.len();
    let count = short.len();
    let mut sum = 0u32;
    for word in &short {
        let best = long
            .iter()
            .map(|other| alike(word, other))
            .enumerate()
            .max_by_key(|&(at, score)| (score, std::cmp::Reverse(at)));
        if let Some((at, score)) = best {
            sum += score;
            long.remove(at);
        }
    }
    let mean = sum / u32::try_from(count).unwrap_or(u32::MAX).max(1);
    let less = u32::try_from(left_over)
        .unwrap_or(u32::MAX)
        .saturating_mul(LEFT_OVER);
    u8::try_from(mean.saturating_sub(less)).unwrap_or(100)
}

/// What each word without a partner costs: one middle name more is the same person, a second one is not sure.
const LEFT_OVER: u32 = 8;

/// What an initial or a cut word is worth.
const CUT: u32 = 90;

/// Below this a pair of words is two words.
const WORD_MIN: u32 = 75;

/// How alike two words are, 0 to 100.
fn alike(a: &str, b: &str) -> u32 {
    if a == b {
        return 100;
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if long.starts_with(short) && (short.chars().count() == 1 || short.chars().count() >= 4) {
        return CUT;
    }
    let percent = (strsim::jaro_winkler(a, b) * 100.0).floor();
    // Jaro-Winkler lies within 0 and 1.
    let percent = (0..=100u32)
        .rev()
        .find(|&n| f64::from(n) <= percent)
        .unwrap_or(0);
    if percent < WORD_MIN { 0 } else { percent }
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
        ] {
            assert!(score(a, b) < SAME, "{a} / {b}: {}", score(a, b));
        }
        assert!(score("SITI NURHALIZA", "BUDI SANTOSO") < OTHER);
    }
}
