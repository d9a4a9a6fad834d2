//! What a password must be (S0.05-S0.09).

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

use super::faults::PASSWORD_WEAK;
use crate::refusal::Refusal;

/// Fewest characters.
pub const CHARS_MIN: usize = 8;
/// Most bytes: a hash of a megabyte would be work for us alone.
pub const BYTES_MAX: usize = 256;
/// Fewest different characters: with fewer, what looks long is soon guessed.
pub const DIFFERENT_MIN: usize = 5;
/// Shortest part of an address that a password may not contain; shorter ones are in half of all words.
const OWN_PART_MIN: usize = 4;

/// Words that common passwords are made of, of our own writing: one a line.
const WORDS: &str = include_str!("words.txt");

static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    WORDS
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect()
});

/// Checks a new password of the person with this canonical address.
///
/// # Errors
/// [`PASSWORD_WEAK`] with the field `password` and the rule that is broken.
pub fn check(password: &str, email: &str, name: &str) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(PASSWORD_WEAK.field("password", why));
    if password.len() > BYTES_MAX {
        return refuse("use at most 256 bytes");
    }
    if password.chars().count() < CHARS_MIN {
        return refuse("use at least 8 characters");
    }
    if password.chars().any(char::is_control) {
        return refuse("it has characters that cannot be typed");
    }
    if !password.chars().any(char::is_uppercase) {
        return refuse("use at least one capital letter");
    }
    if !password.chars().any(|c| c.is_ascii_digit()) {
        return refuse("use at least one digit");
    }
    if !password
        .chars()
        .any(|c| !c.is_alphanumeric() && !c.is_whitespace())
    {
        return refuse("use at least one special character");
    }
    let lower: String = password.nfkc().collect::<String>().to_lowercase();
    if lower.chars().collect::<HashSet<char>>().len() < DIFFERENT_MIN {
        return refuse("use at least 5 different characters");
    }
    if is_common(password) {
        return refuse("it is one of the passwords that are tried first");
    }
    if is_like(password, email, name) {
        return refuse("it says the address or the name");
    }
    Ok(())
}

/// Whether it is on the list, or a word of the list written with digits and signs.
pub fn is_common(password: &str) -> bool {
    let lower: String = password.nfkc().collect::<String>().to_lowercase();
    if COMMON.contains(lower.as_str()) {
        return true;
    }
    let plain = unleet(&lower);
    let word = |text: &str| -> bool {
        let core: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
        let bare = core.trim_matches(|c: char| c.is_ascii_digit());
        // What is left beside a common word is a year or a row of digits; a rare word beside it is kept.
        COMMON.contains(core.as_str()) || COMMON.contains(bare) || halves(bare)
    };
    // As it was written, with signs as letters, and without the signs around it.
    let trimmed = lower.trim_matches(|c: char| !c.is_alphabetic());
    word(&lower) || word(&plain) || word(&unleet(trimmed)) || is_row(&lower)
}

/// The same common word twice.
fn halves(text: &str) -> bool {
    let half = text.len() / 2;
    text.is_ascii()
        && text.len().is_multiple_of(2)
        && half > 0
        && text[..half] == text[half..]
        && COMMON.contains(&text[..half])
}

fn unleet(text: &str) -> String {
    let letter = |c: char| match c {
        '@' | '4' => 'a',
        '8' => 'b',
        '3' => 'e',
        '1' | '!' => 'i',
        '0' => 'o',
        '$' | '5' => 's',
        '7' => 't',
        other => other,
    };
    text.chars().map(letter).collect()
}

/// A run along the keyboard or the alphabet.
fn is_row(lower: &str) -> bool {
    const ROWS: [&str; 5] = [
        "1234567890",
        "qwertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "abcdefghijklmnopqrstuvwxyz",
    ];
    const COLUMNS: [&str; 5] = ["1qaz", "2wsx", "3edc", "4rfv", "5tgb"];
    // Signs of the digits' row are those digits with the shift key.
    let unshift = |c: char| match c {
        '!' => '1',
        '@' => '2',
        '#' => '3',
        '$' => '4',
        '%' => '5',
        '^' => '6',
        '&' => '7',
        '*' => '8',
        '(' => '9',
        ')' => '0',
        other => other,
    };
    let keys: Vec<char> = lower
        .chars()
        .map(unshift)
        .filter(|c| c.is_alphanumeric())
        .collect();
    if keys.is_empty() {
        return true;
    }
    let next = |a: char, b: char| {
        ROWS.iter().chain(&COLUMNS).any(|row| {
            let (from, to) = (row.find(a), row.find(b));
            matches!((from, to), (Some(from), Some(to)) if from.abs_diff(to) <= 1)
        })
    };
    let steps = keys
        .windows(2)
        .filter(|pair| next(pair[0], pair[1]))
        .count();
    // Eight of ten steps to a neighbour: 1qaz!QAZ, qwerty123!, Abcdef1!.
    steps * 10 >= (keys.len() - 1).max(1) * 8
}

/// Whether it is made of the address or the name.
fn is_like(password: &str, email: &str, name: &str) -> bool {
    let lower: String = password.nfkc().collect::<String>().to_lowercase();
    let bare: String = unleet(&lower)
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    let as_typed: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let host = domain.split('.').next().unwrap_or_default();
    let name = name.to_lowercase();
    let whole: String = local.chars().filter(|c| c.is_alphanumeric()).collect();
    let parts = local
        .split(|c: char| !c.is_alphabetic())
        .chain(name.split_whitespace())
        .chain([host, whole.as_str()]);
    parts
        .filter(|part| part.chars().count() >= OWN_PART_MIN)
        .any(|part| bare.contains(&unleet(part)) || as_typed.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(password: &str) -> Option<String> {
        match check(password, "sari.dewi88@contoh.id", "Sari Dewi") {
            Ok(()) => None,
            Err(Refusal::Said(said)) => Some(said.detail),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn each_rule_is_told() {
        for (password, why) in [
            ("Ku4t!xy", "at least 8"),
            ("kuda-biru-77", "capital"),
            ("Kuda-Biru-Lari", "digit"),
            ("KudaBiruLari77", "special"),
            ("Kuda Biru Lari 77", "special"),
            ("P@ssw0rd", "tried first"),
            ("P@$$w0rd1", "tried first"),
            ("Password1!", "tried first"),
            ("PassPass1!", "tried first"),
            ("Welcome2026!", "tried first"),
            ("!QAZ2wsx", "tried first"),
            ("1qaz!QAZ", "tried first"),
            ("Qwerty123!", "tried first"),
            ("Abcdef12!", "tried first"),
            ("Aaaa1111!", "5 different"),
            ("A1!\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", "5 different"),
            ("Indonesia45!", "tried first"),
            ("Rahasia#123", "tried first"),
            ("Iloveyou<3", "tried first"),
            ("S4ri.Dewi88!x", "address or the name"),
            ("Contoh-9-Zq!", "address or the name"),
            ("Kuda\u{7}Biru77!", "typed"),
        ] {
            let said = refused(password).unwrap_or_else(|| panic!("{password} was taken"));
            assert!(said.contains(why), "{password}: {said}");
        }
        let long = format!("Aa1!{}", "xkcd".repeat(64));
        assert!(refused(&long).is_some_and(|said| said.contains("256")));
    }

    #[test]
    fn good_ones_pass() {
        for password in [
            "Kuda-Biru-Lari-77",
            "tR4mp0lin&Gerbong",
            "Ünlü-Kırmızı-42?",
            "9tGh#vVq",
        ] {
            assert_eq!(refused(password), None, "{password}");
        }
    }
}
