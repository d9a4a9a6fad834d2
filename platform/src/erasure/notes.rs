//! Notes of the desk are free text without a subject: what names a person in them is found by what the stores
//! know of that person, and taken out. The hash of a note, which the journal has, stays.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Erased;
use crate::erasure::Done;
use crate::refusal::Refusal;
use crate::unit::Unit;
use crate::values::bound;

/// Its name in the ledger.
pub(super) const NAME: &str = "notes";

/// Stores that know who somebody is.
pub(super) const KNOWING: [&str; 3] = ["users", "leads", "kyc"];
/// Fields of their exports whose values say it.
const NAMING: [&str; 7] = [
    "name",
    "nama",
    "email",
    "phone",
    "nik",
    "npwp",
    "nomor_paspor",
];
/// Shorter words than this stand in every note.
const PHRASE_CHARS_MIN: usize = 3;
/// Fewer digits than this may be a price.
const NUMBER_DIGITS_MIN: usize = 8;
/// Values of one person; more are no names.
const WORDS_MAX: usize = 200;
/// Notes that one erasure changes at once; what is left is found when it is asked for again.
const NOTES_MAX: i64 = 10_000;
/// Stands where something was.
const GONE: &str = "[erased]";
/// Stands there until all is done: no note has a NUL, and no word finds it.
const MARK: char = '\0';
/// Notes in which one word of a person may stand; what stands in more is a word of the trade.
const NOTES_OF_A_WORD_MAX: usize = 50;

/// What names a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// Names and addresses, in lower case.
    phrases: BTreeSet<String>,
    /// Telephone and document numbers: their digits, without what a country or a trunk is dialled by.
    numbers: BTreeSet<String>,
}

impl Words {
    /// Takes what names somebody out of what a store exports.
    pub(super) fn gather(&mut self, exported: &Value) {
        match exported {
            Value::Array(items) => items.iter().for_each(|item| self.gather(item)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if NAMING.contains(&name.as_str()) => self.add(text),
                        other => self.gather(other),
                    }
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        if self.phrases.len() + self.numbers.len() >= WORDS_MAX {
            return;
        }
        let text = text.trim();
        if text.chars().any(char::is_alphabetic) {
            let phrase: String = text.chars().map(lower).collect();
            if phrase.chars().count() >= PHRASE_CHARS_MIN {
                self.phrases.insert(phrase);
            }
            return;
        }
        let number = significant(text);
        if number.len() >= NUMBER_DIGITS_MIN {
            self.numbers.insert(number);
        }
    }

    /// Whether nothing is known that names the person.
    pub(super) fn is_empty(&self) -> bool {
        self.phrases.is_empty() && self.numbers.is_empty()
    }

    /// The text without them; `None` when there was nothing. A single word may be of the trade and nobody's name: it goes
    /// where something else of the person stands in the note too.
    pub(super) fn redact(&self, text: &str) -> Option<String> {
        let mut chars: Vec<char> = text.chars().collect();
        let (alone, whole): (Vec<&String>, Vec<&String>) = self
            .phrases
            .iter()
            .partition(|phrase| !phrase.contains([' ', '@']));
        let mut gone = take_out(&mut chars, whole);
        let mut at = 0;
        while let Some((from, to)) = next_number(&chars, at) {
            at = to;
            let stretch = chars.iter().skip(from).take(to - from);
            let digits: String = stretch.filter(|c| c.is_ascii_digit()).collect();
            if self
                .numbers
                .iter()
                .any(|number| digits.contains(number.as_str()))
            {
                drop(chars.splice(from..to, [MARK]));
                at = from + 1;
                gone = true;
            }
        }
        if gone {
            take_out(&mut chars, alone);
        }
        gone.then(|| String::from_iter(chars).replace(MARK, GONE))
    }

    /// Those that may be a person's: what stands in many of these notes is a word of the trade, whoever took it for a name.
    pub(super) fn rare<K>(&self, notes: &[(K, String)]) -> Self {
        let is_rare = |one: &Self| {
            let stands = notes.iter().filter(|(_, text)| one.stands_in(text));
            stands.take(NOTES_OF_A_WORD_MAX + 1).count() <= NOTES_OF_A_WORD_MAX
        };
        let phrase = |text: &String| Self {
            phrases: BTreeSet::from([text.clone()]),
            ..Self::default()
        };
        let number = |text: &String| Self {
            numbers: BTreeSet::from([text.clone()]),
            ..Self::default()
        };
        let phrases = self.phrases.iter().filter(|text| is_rare(&phrase(text)));
        let numbers = self.numbers.iter().filter(|text| is_rare(&number(text)));
        Self {
            phrases: phrases.cloned().collect(),
            numbers: numbers.cloned().collect(),
        }
    }

    /// What finds texts in which they may stand: patterns of the text, and of its digits alone.
    pub(super) fn patterns(&self) -> (Vec<String>, Vec<String>) {
        let like = |text: &String| {
            let mut pattern = String::from("%");
            for c in text.chars() {
                if matches!(c, '%' | '_' | '\\') {
                    pattern.push('\\');
                }
                pattern.push(c);
            }
            pattern.push('%');
            pattern
        };
        (
            self.phrases.iter().map(like).collect(),
            self.numbers.iter().map(like).collect(),
        )
    }

    fn stands_in(&self, text: &str) -> bool {
        let mut chars: Vec<char> = text.chars().collect();
        take_out(&mut chars, self.phrases.iter().collect()) || self.redact(text).is_some()
    }
}

/// Puts the mark in the place of phrases, the longest first: an address may begin with the name.
fn take_out(chars: &mut Vec<char>, mut phrases: Vec<&String>) -> bool {
    phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.chars().count()));
    let mut gone = false;
    for phrase in phrases {
        let phrase: Vec<char> = phrase.chars().collect();
        let mut from = 0;
        while let Some(at) = find(chars, &phrase, from) {
            drop(chars.splice(at..at + phrase.len(), [MARK]));
            from = at + 1;
            gone = true;
        }
    }
    gone
}

/// Letters one by one: the place of a match is the place in the text.
fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// The digits of a number as everybody writes it: `+62 811…`, `0811…` and `811…` are one.
fn significant(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let country = text.trim_start().starts_with('+');
    let rest = match digits.strip_prefix("62") {
        Some(rest) if country => rest,
        _ => digits.as_str(),
    };
    rest.trim_start_matches('0').to_owned()
}

/// Where a phrase stands as whole words, at or behind `from`.
fn find(chars: &[char], phrase: &[char], from: usize) -> Option<usize> {
    let outside = |c: Option<&char>| c.is_none_or(|c| !c.is_alphanumeric());
    let windows = chars.windows(phrase.len()).enumerate().skip(from);
    let mut found = windows.filter_map(|(at, window)| {
        let same = window
            .iter()
            .zip(phrase)
            .all(|(written, wanted)| lower(*written) == *wanted);
        let before = at.checked_sub(1).and_then(|before| chars.get(before));
        (same && outside(before) && outside(chars.get(at + phrase.len()))).then_some(at)
    });
    found.next()
}

/// The next stretch of digits, with what people write between them, at or behind `from`.
fn next_number(chars: &[char], from: usize) -> Option<(usize, usize)> {
    let is_digit = |c: &char| c.is_ascii_digit();
    let start = from + chars.iter().skip(from).position(is_digit)?;
    let stretch = chars
        .iter()
        .skip(start)
        .take_while(|c| c.is_ascii_digit() || " -.()/".contains(**c));
    let mut end = start + stretch.count();
    while end > start && chars.get(end - 1).is_some_and(|c| !is_digit(c)) {
        end -= 1;
    }
    let plus = start
        .checked_sub(1)
        .filter(|before| chars.get(*before) == Some(&'+'));
    Some((plus.unwrap_or(start), end))
}

/// Takes what names the person out of every note.
///
/// # Errors
/// The database.
pub(super) fn erase(unit: &mut Unit<'_, '_>, words: &Words) -> Result<Erased, Refusal> {
    if words.is_empty() {
        return Ok(Erased::rows(Done::Anonymised, 0));
    }
    let now = unit.now();
    let (phrases, numbers) = words.patterns();
    let notes: Vec<(i64, String)> = unit.tx().all(
        sqlx::query_as(
            "SELECT hash, text FROM notes WHERE text ILIKE ANY ($1) OR regexp_replace(text, '[^0-9]', '', 'g') LIKE ANY ($2) ORDER BY hash LIMIT $3",
        )
        .bind(phrases)
        .bind(numbers)
        .bind(NOTES_MAX),
    )?;
    let rare = words.rare(&notes);
    let kept = rare != *words;
    let mut changed = 0;
    for (hash, text) in notes {
        let Some(text) = rare.redact(&text) else {
            continue;
        };
        changed += unit.tx().execute(
            sqlx::query("UPDATE notes SET text = $2, redacted_at = $3 WHERE hash = $1")
                .bind(hash)
                .bind(text)
                .bind(bound(now)),
        )?;
    }
    // A single word alone, and what stands in too many notes, is left: it may be a word of the trade.
    let reason = match kept {
        false => {
            "names, addresses and numbers of the person were taken out of the text where more than one word names them; its hash stays"
        }
        true => {
            "names, addresses and numbers of the person were taken out of the text; a word that stands in more than 50 notes was left, a person has to look"
        }
    };
    Ok(Erased {
        reason: Some(reason.into()),
        ..Erased::rows(Done::Anonymised, changed)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sari() -> Words {
        let mut words = Words::default();
        words.gather(&json!({
            "users": {"name": "Sari Dewi", "email": "sari@contoh.id", "phone": "+62811111111", "status": "active"},
            "kyc": {"documents": [{"read": {"nik": "3174014107900001", "name": "SARI DEWI"}}]},
            "leads": [{"person": {"name": "Al", "city": "Bogor"}}],
        }));
        words
    }

    #[test]
    fn what_names_a_person_is_gathered_from_every_store() {
        let words = sari();
        let phrases: Vec<&str> = words.phrases.iter().map(String::as_str).collect();
        assert_eq!(phrases, ["sari dewi", "sari@contoh.id"]);
        let numbers: Vec<&str> = words.numbers.iter().map(String::as_str).collect();
        assert_eq!(numbers, ["3174014107900001", "811111111"]);
    }

    #[test]
    fn a_note_keeps_what_names_nobody() {
        let words = sari();
        for (text, expected) in [
            (
                "called Sari Dewi (0811-1111-11), no answer",
                "called [erased] ([erased]), no answer",
            ),
            ("mail to SARI@contoh.id bounced", "mail to [erased] bounced"),
            ("SARI DEWI, sari dewi.", "[erased], [erased]."),
            (
                "number +62 811 111 111 is wrong",
                "number [erased] is wrong",
            ),
            ("NIK 3174014107900001 seen 12:30", "NIK [erased] seen 12:30"),
        ] {
            assert_eq!(words.redact(text).as_deref(), Some(expected), "{text}");
        }
        for kept in [
            "Sari Dewita called",
            "ansari dewi",
            "EUR/USD at 1.08111, 811 lots, 2026-11-15 08:00",
            "",
        ] {
            assert_eq!(words.redact(kept), None, "{kept}");
        }
        assert!(Words::default().is_empty());
        let mut odd = Words::default();
        odd.gather(&json!({"name": "Erased", "email": "erased@contoh.id"}));
        assert_eq!(
            odd.redact("Erased wrote from erased@contoh.id").as_deref(),
            Some("[erased] wrote from [erased]")
        );
    }

    /// Whoever registers under a word of the trade takes no words of others with them.
    #[test]
    fn a_word_of_the_trade_is_nobodys_name() {
        let mut words = Words::default();
        words.gather(&json!({"name": "Margin", "email": "margin@contoh.id"}));
        assert_eq!(words.redact("Margin call confirmed, margin was 12"), None);
        words.gather(&json!([{"name": "Stop Loss"}]));
        let notes = |count: usize| -> Vec<(i64, String)> {
            (0..)
                .zip(std::iter::repeat_n(String::from("stop loss moved"), count))
                .collect()
        };
        assert_eq!(words.rare(&notes(NOTES_OF_A_WORD_MAX)), words);
        let rare = words.rare(&notes(NOTES_OF_A_WORD_MAX + 1));
        assert_eq!(rare.redact("stop loss moved"), None);
        assert!(rare.redact("margin@contoh.id asked").is_some());
    }
}
