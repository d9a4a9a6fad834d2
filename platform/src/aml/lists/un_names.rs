//! Names that one field of the UN's list holds: several stand between semicolons, behind the marks of an enumeration, and in brackets
//! behind the name in its own script.

use super::country;
use super::entry::{Named, Quality};

/// Brackets inside of brackets that are followed; the list has two.
const DEPTH_MAX: usize = 4;

/// From here on a field says something of the name and is no name.
const CUTS: &[&str] = &[", born ", " - sub-unit name"];

/// A label before a name.
const LABEL: &str = "original script";

/// What is no name but a word about one, by its beginning.
const NOTES: &[&str] = &["formerly ", "previously ", "born "];

/// The same where it stands in brackets.
const NOTES_IN_BRACKETS: &[&str] = &["birth name", "combat name", "false identity", "branch "];

/// Letters of a country's code: what is no longer in brackets is an acronym.
const CODE_MAX: usize = 3;

/// What many are in brackets.
const OF_MANY: &str = "NGO";

/// The names of a field. Those of one word that stand in brackets are acronyms or parts of a name: weak ones.
pub fn split(text: &str, quality: Quality) -> Vec<Named> {
    let mut names = Vec::new();
    add(text, quality, 0, &mut names);
    names
}

fn add(text: &str, quality: Quality, depth: usize, names: &mut Vec<Named>) {
    for item in items(text) {
        let parts = Parts::of(item);
        // "Leader (Hong Kong) International" is one name.
        let name: &str = if parts.goes_on { item } else { &parts.outer };
        if let Some(text) = name_of(name, depth > 0) {
            let is_part = depth > 0 && !text.contains(char::is_whitespace);
            let quality = if is_part { Quality::Weak } else { quality };
            let text = text.to_owned();
            names.push(Named { text, quality });
        }
        if !parts.goes_on && depth < DEPTH_MAX {
            for group in parts.groups {
                add(group, quality, depth + 1, names);
            }
        }
    }
}

/// The pieces of a field outside of brackets: between semicolons, and behind `b)`. A bracket that nothing opened separates too.
fn items(text: &str) -> Vec<&str> {
    let (mut items, mut from, mut depth) = (Vec::new(), 0, 0usize);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            ')' => {
                items.push(unmarked(&text[from..at]));
                from = at + 1;
            }
            ';' if depth == 0 => {
                items.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    items.push(&text[from..]);
    items
}

/// The text without the letter of an enumeration at its end.
fn unmarked(text: &str) -> &str {
    let mut letters = text.chars();
    let mark = letters.next_back();
    let rest = letters.as_str();
    let stands_alone = rest.is_empty() || rest.ends_with(char::is_whitespace);
    match mark {
        Some(letter) if letter.is_ascii_lowercase() && stands_alone => rest,
        _ => text,
    }
}

/// A piece outside of its brackets and inside of them.
struct Parts<'a> {
    outer: String,
    groups: Vec<&'a str>,
    /// The name goes on behind a bracket.
    goes_on: bool,
}

impl<'a> Parts<'a> {
    fn of(item: &'a str) -> Self {
        let mut parts = Self {
            outer: String::new(),
            groups: Vec::new(),
            goes_on: false,
        };
        let (mut depth, mut from) = (0usize, 0);
        for (at, letter) in item.char_indices() {
            match letter {
                '(' => {
                    depth += 1;
                    if depth == 1 {
                        from = at + 1;
                    }
                }
                ')' if depth > 0 => {
                    depth -= 1;
                    if depth == 0 {
                        parts.groups.push(&item[from..at]);
                    }
                }
                letter if depth == 0 => {
                    parts.goes_on |= !parts.groups.is_empty() && letter.is_alphanumeric();
                    parts.outer.push(letter);
                }
                _ => {}
            }
        }
        if depth > 0 {
            parts.groups.push(&item[from..]);
        }
        parts
    }
}

/// The name that a piece says, if it says one.
fn name_of(piece: &str, in_brackets: bool) -> Option<&str> {
    let mut text = piece;
    for cut in CUTS {
        // Lower case of ASCII alone keeps the places.
        if let Some(at) = text.to_ascii_lowercase().find(cut) {
            text = &text[..at];
        }
    }
    let mut text = trimmed(text);
    if text.to_ascii_lowercase().starts_with(LABEL) {
        text = trimmed(&text[LABEL.len()..]);
    }
    let lower = text.to_ascii_lowercase();
    let begins = |notes: &[&str]| notes.iter().any(|note| lower.starts_with(*note));
    if begins(NOTES) || !text.contains(char::is_alphabetic) {
        return None;
    }
    if in_brackets {
        if begins(NOTES_IN_BRACKETS) || text == OF_MANY {
            return None;
        }
        let is_word = !text.contains(char::is_whitespace);
        // Numbers of passports and of the list; "third", "martyrs"; where a branch is.
        let is_other = text.contains(|c: char| c.is_ascii_digit())
            || (is_word && text.starts_with(|c: char| c.is_ascii_lowercase()))
            || (text.len() > CODE_MAX && country::is_known(text));
        if is_other {
            return None;
        }
    }
    Some(text)
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let mark = |name: Named| match name.quality {
            Quality::Weak => format!("{}?", name.text),
            _ => name.text,
        };
        split(text, Quality::Strong).into_iter().map(mark).collect()
    }

    /// Fields as they stand on the list of February 2026.
    #[test]
    fn every_name_of_a_field_is_one() {
        let table: &[(&str, &[&str])] = &[
            ("AIGLE BLANC", &["AIGLE BLANC"]),
            (
                "Abdul Rehman; Abd Ur-Rehman; Abdur Rahman",
                &["Abdul Rehman", "Abd Ur-Rehman", "Abdur Rahman"],
            ),
            (
                "Mohammed Sabet; Mohammad Sabet b) M. Javad Kareemi Sabet; M. Jawad Karimi Sabet",
                &[
                    "Mohammed Sabet",
                    "Mohammad Sabet",
                    "M. Javad Kareemi Sabet",
                    "M. Jawad Karimi Sabet",
                ],
            ),
            (
                "حسن غول (Hassan Ghul; Hassan Gul)",
                &["حسن غول", "Hassan Ghul", "Hassan Gul"],
            ),
            (
                "Hay’at Tahrir al-Sham (HTS) (هيئة تحرير الشام (original script); Hayat Tahrir al-Sham)",
                &[
                    "Hay’at Tahrir al-Sham",
                    "HTS?",
                    "هيئة تحرير الشام",
                    "Hayat Tahrir al-Sham",
                ],
            ),
            (
                "Mujahidin Indonesia Barat (MIB)",
                &["Mujahidin Indonesia Barat", "MIB?"],
            ),
            (
                "أنصار الشريعة (Ansar al Charia in Libya (ASL))",
                &["أنصار الشريعة", "Ansar al Charia in Libya", "ASL?"],
            ),
            (
                "Abu Muhammad (original script: Абу Мухаммад)",
                &["Abu Muhammad", "Абу Мухаммад"],
            ),
            ("Lom-ali Butayev (Butaev)", &["Lom-ali Butayev", "Butaev?"]),
            ("Encep Nurjaman (birth name)", &["Encep Nurjaman"]),
            (
                "Ezatullah Haqqani (previously listed as)",
                &["Ezatullah Haqqani"],
            ),
            ("Hilarion Santos, III (third)", &["Hilarion Santos, III"]),
            (
                "Safia Farkash Mohammed Al-Hadad, born 1 Jan. 1953 (Oman passport no.03825239, date of issue 4 May 2014, expiry 3 May 2024.)",
                &["Safia Farkash Mohammed Al-Hadad"],
            ),
            (
                "Abdel Ilah Sabri (false identity related to identification number 6910275240086)",
                &["Abdel Ilah Sabri"],
            ),
            (
                "SECOND ACADEMY OF NATURAL SCIENCES (KPE.018)",
                &["SECOND ACADEMY OF NATURAL SCIENCES"],
            ),
            (
                "Leader (Hong Kong) International Trading Limited",
                &["Leader (Hong Kong) International Trading Limited"],
            ),
            ("華信船務(香港)有限公司", &["華信船務(香港)有限公司"]),
            ("(Sheikh) Musa Hilal", &["(Sheikh) Musa Hilal"]),
            (
                ") Abdelrahman Mouhamad Zafir",
                &["Abdelrahman Mouhamad Zafir"],
            ),
            (
                "Akhter Mohmad son of Noor Mohmad (اختر محمد),",
                &["Akhter Mohmad son of Noor Mohmad", "اختر محمد"],
            ),
            (
                "شبكة (Ansar al-Mujahideen Network - sub-unit name)",
                &["شبكة", "Ansar al-Mujahideen Network"],
            ),
            (
                "AL-HARAMAYN FOUNDATION (KENYA)",
                &["AL-HARAMAYN FOUNDATION"],
            ),
            ("Hanh; Ngo Van Hanh (NGO)", &["Hanh", "Ngo Van Hanh"]),
            ("Abu (open", &["Abu"]),
            ("", &[]),
            ("();)b)((", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(names(text), *expected, "{text}");
        }
    }
}
