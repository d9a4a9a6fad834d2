//! Machine-readable zones of travel documents (ICAO 9303): TD1, TD2, TD3 and the old French card, with
//! every check digit.

use jiff::civil::Date;

use super::nik::{Sex, date_of};
use super::states;

/// Which layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Card, three lines of 30.
    Td1,
    /// Card, two lines of 36.
    Td2,
    /// Passport, two lines of 44.
    Td3,
    /// The French card until 2021, two lines of 36.
    French,
}

/// Which check digits are right; `None` where the form has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// The document's number.
    pub document_number: bool,
    /// The birth date.
    pub birth_date: bool,
    /// The last day.
    pub expiry_date: Option<bool>,
    /// The personal number of a passport.
    pub optional: Option<bool>,
    /// Over all of them.
    pub composite: bool,
}

impl Checks {
    /// All of them are right.
    pub fn all(self) -> bool {
        self.document_number
            && self.birth_date
            && self.expiry_date != Some(false)
            && self.optional != Some(false)
            && self.composite
    }
}

/// What a zone says. Dates are `YYMMDD` as they stand there, fillers are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mrz {
    /// Its layout.
    pub form: Form,
    /// `P`, `ID`, `I` …
    pub document_code: String,
    /// The state that made it.
    pub issuing_state: String,
    /// Of the holder.
    pub surname: String,
    /// All given names.
    pub given_names: String,
    /// Whole, where a long one goes on in the optional data.
    pub document_number: String,
    /// Its check digit as it stands there.
    pub document_number_check: String,
    /// Of the holder; the French card has none.
    pub nationality: String,
    /// `YYMMDD`.
    pub birth_date: String,
    /// `None` where it says `<`.
    pub sex: Option<Sex>,
    /// `YYMMDD`; empty on the French card.
    pub expiry_date: String,
    /// The first optional field.
    pub optional: String,
    /// The second one of a TD1 card.
    pub optional2: String,
    /// The check digits.
    pub checks: Checks,
    /// Only letters, digits and fillers stand in it, each where it may.
    pub characters: bool,
}

/// Why it is no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MrzFault {
    /// Another number of lines or characters.
    #[error("a machine-readable zone has two lines of 44 or 36 characters, or three of 30")]
    Layout,
}

/// The check digit of a field: weights 7, 3, 1; letters count from 10, a filler 0 (ICAO 9303-3, 4.9).
/// `None` when something else stands there.
pub fn check_digit(field: &str) -> Option<u8> {
    let mut sum = 0u32;
    for (at, byte) in field.bytes().enumerate() {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'<' => 0,
            _ => return None,
        };
        let weight = [7, 3, 1].get(at % 3).copied().unwrap_or(1);
        sum += u32::from(value) * weight;
    }
    u8::try_from(sum % 10).ok()
}

/// Whether `digit` closes `field`.
fn closes(field: &str, digit: &str) -> bool {
    match (check_digit(field), digit.as_bytes()) {
        (Some(right), [byte @ b'0'..=b'9']) => byte - b'0' == right,
        _ => false,
    }
}

/// As [`closes`]; an empty field may carry a filler instead of 0.
fn closes_optional(field: &str, digit: &str) -> bool {
    closes(field, digit) || (digit == "<" && field.bytes().all(|b| b == b'<'))
}

/// Reads a zone as it stands.
///
/// # Errors
/// The lines have not the form of one. A wrong check digit is no error: see [`Mrz::checks`].
pub fn read<S: AsRef<str>>(lines: &[S]) -> Result<Mrz, MrzFault> {
    let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
    if !lines.iter().all(|line| line.is_ascii()) {
        return Err(MrzFault::Layout);
    }
    match lines.as_slice() {
        [a, b] if a.len() == 44 && b.len() == 44 => Ok(td3(a, b)),
        [a, b] if a.len() == 36 && b.len() == 36 && a.starts_with("IDFRA") => Ok(french(a, b)),
        [a, b] if a.len() == 36 && b.len() == 36 => Ok(td2(a, b)),
        [a, b, c] if a.len() == 30 && b.len() == 30 && c.len() == 30 => Ok(td1(a, b, c)),
        _ => Err(MrzFault::Layout),
    }
}

impl Mrz {
    /// Every check digit is right, every character may stand where it stands, the code is one of the layout's, the dates exist, and both
    /// states are known ones. The French card says no nationality and no last day.
    pub fn is_valid(&self) -> bool {
        let whole = self.form != Form::French;
        self.checks.all()
            && self.characters
            && self.has_code()
            && self.birth(2_099).is_some()
            && (!whole || self.expiry().is_some())
            && states::is_known(&self.issuing_state)
            && (!whole || states::is_known(&self.nationality))
    }

    /// Whether it is the zone of a passport, and of no card or visa.
    pub fn is_passport(&self) -> bool {
        self.form == Form::Td3 && self.document_code.starts_with('P')
    }

    /// The last word of a field of names that is full: whatever was behind it did not fit in, and it may be cut itself.
    pub fn cut_word(&self) -> Option<&str> {
        let field = match self.form {
            Form::Td1 => 30,
            Form::Td2 => 31,
            Form::Td3 => 39,
            // The card's two names have fields of their own.
            Form::French => return None,
        };
        let (used, last) = match self.given_names.as_str() {
            "" => (self.surname.len(), &self.surname),
            given => (self.surname.len() + 2 + given.len(), &self.given_names),
        };
        (used >= field).then(|| last.rsplit(' ').next()).flatten()
    }

    /// Codes by their first letter (ICAO 9303-4, -5, -6 and -7): passports, cards of identity and of crews, visas; the second letter is
    /// the state's.
    fn has_code(&self) -> bool {
        let first: &[char] = match self.form {
            Form::Td3 => &['P', 'V'],
            Form::Td2 => &['A', 'C', 'I', 'V'],
            Form::Td1 => &['A', 'C', 'I'],
            Form::French => &['I'],
        };
        self.document_code.starts_with(first)
    }

    /// The birth date: the latest such day whose year is not after `reference_year`.
    pub fn birth(&self, reference_year: i16) -> Option<Date> {
        day(&self.birth_date, reference_year)
    }

    /// The last day: documents of two-digit years end in this century.
    pub fn expiry(&self) -> Option<Date> {
        day(&self.expiry_date, 2_099)
    }
}

fn day(text: &str, reference_year: i16) -> Option<Date> {
    if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u8>().ok();
    date_of(number(0, 2)?, number(2, 4)?, number(4, 6)?, reference_year)
}

/// A part of a line; lines are ASCII and of the length that was checked.
fn part(line: &str, from: usize, to: usize) -> &str {
    line.get(from..to).unwrap_or_default()
}

/// A part without its fillers at the end; those inside are spaces.
fn text(line: &str, from: usize, to: usize) -> String {
    part(line, from, to).trim_end_matches('<').replace('<', " ")
}

fn names(field: &str) -> (String, String) {
    let (surname, given) = field.split_once("<<").unwrap_or((field, ""));
    let plain = |name: &str| {
        name.split('<')
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    (plain(surname), plain(given))
}

fn sex(line: &str, at: usize) -> Option<Sex> {
    match part(line, at, at + 1) {
        "M" => Some(Sex::Male),
        "F" => Some(Sex::Female),
        _ => None,
    }
}

/// What may stand for the sex; X as in the page itself, which some states write where the standard asks for a filler.
fn fits_sex(line: &str, at: usize) -> bool {
    matches!(part(line, at, at + 1), "M" | "F" | "X" | "<")
}

/// The number with its check digit: `<` in place of the digit means that it goes on in `optional`. That
/// digit was computed with the filler by some states and without it by others.
fn number(field: &str, digit: &str, optional: &str) -> (String, String, bool) {
    let tail = optional.split('<').next().unwrap_or_default();
    if digit != "<" || tail.is_empty() {
        return (
            field.trim_end_matches('<').to_owned(),
            digit.to_owned(),
            closes(field, digit),
        );
    }
    let (rest, last) = tail.split_at(tail.len() - 1);
    let right = closes(&format!("{field}<{rest}"), last) || closes(&format!("{field}{rest}"), last);
    (format!("{field}{rest}"), last.to_owned(), right)
}

/// What may stand in a field.
#[derive(Clone, Copy)]
enum Set {
    Letters,
    Digits,
    Any,
}

fn fits(field: &str, set: Set) -> bool {
    field.bytes().all(|byte| match set {
        Set::Letters => byte.is_ascii_uppercase() || byte == b'<',
        Set::Digits => byte.is_ascii_digit() || byte == b'<',
        Set::Any => byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'<',
    })
}

fn td3(a: &str, b: &str) -> Mrz {
    let (surname, given_names) = names(part(a, 5, 44));
    let (document_number, document_number_check, right) = number(part(b, 0, 9), part(b, 9, 10), "");
    let composite = format!("{}{}{}", part(b, 0, 10), part(b, 13, 20), part(b, 21, 43));
    Mrz {
        form: Form::Td3,
        document_code: text(a, 0, 2),
        issuing_state: text(a, 2, 5),
        surname,
        given_names,
        document_number,
        document_number_check,
        nationality: text(b, 10, 13),
        birth_date: part(b, 13, 19).to_owned(),
        sex: sex(b, 20),
        expiry_date: part(b, 21, 27).to_owned(),
        optional: text(b, 28, 42),
        optional2: String::new(),
        checks: Checks {
            document_number: right,
            birth_date: closes(part(b, 13, 19), part(b, 19, 20)),
            expiry_date: Some(closes(part(b, 21, 27), part(b, 27, 28))),
            optional: Some(closes_optional(part(b, 28, 42), part(b, 42, 43))),
            composite: closes(&composite, part(b, 43, 44)),
        },
        characters: fits(a, Set::Letters)
            && fits(b, Set::Any)
            && fits(part(b, 10, 13), Set::Letters)
            && fits_sex(b, 20),
    }
}

fn td2(a: &str, b: &str) -> Mrz {
    let (surname, given_names) = names(part(a, 5, 36));
    let (document_number, document_number_check, right) =
        number(part(b, 0, 9), part(b, 9, 10), part(b, 28, 35));
    let composite = format!("{}{}{}", part(b, 0, 10), part(b, 13, 20), part(b, 21, 35));
    Mrz {
        form: Form::Td2,
        document_code: text(a, 0, 2),
        issuing_state: text(a, 2, 5),
        surname,
        given_names,
        document_number,
        document_number_check,
        nationality: text(b, 10, 13),
        birth_date: part(b, 13, 19).to_owned(),
        sex: sex(b, 20),
        expiry_date: part(b, 21, 27).to_owned(),
        optional: text(b, 28, 35),
        optional2: String::new(),
        checks: Checks {
            document_number: right,
            birth_date: closes(part(b, 13, 19), part(b, 19, 20)),
            expiry_date: Some(closes(part(b, 21, 27), part(b, 27, 28))),
            optional: None,
            composite: closes(&composite, part(b, 35, 36)),
        },
        characters: fits(a, Set::Letters)
            && fits(b, Set::Any)
            && fits(part(b, 10, 13), Set::Letters)
            && fits_sex(b, 20),
    }
}

fn td1(a: &str, b: &str, c: &str) -> Mrz {
    let (surname, given_names) = names(c);
    let (document_number, document_number_check, right) =
        number(part(a, 5, 14), part(a, 14, 15), part(a, 15, 30));
    let composite = format!(
        "{}{}{}{}",
        part(a, 5, 30),
        part(b, 0, 7),
        part(b, 8, 15),
        part(b, 18, 29)
    );
    Mrz {
        form: Form::Td1,
        document_code: text(a, 0, 2),
        issuing_state: text(a, 2, 5),
        surname,
        given_names,
        document_number,
        document_number_check,
        nationality: text(b, 15, 18),
        birth_date: part(b, 0, 6).to_owned(),
        sex: sex(b, 7),
        expiry_date: part(b, 8, 14).to_owned(),
        optional: text(a, 15, 30),
        optional2: text(b, 18, 29),
        checks: Checks {
            document_number: right,
            birth_date: closes(part(b, 0, 6), part(b, 6, 7)),
            expiry_date: Some(closes(part(b, 8, 14), part(b, 14, 15))),
            optional: None,
            composite: closes(&composite, part(b, 29, 30)),
        },
        characters: fits(part(a, 0, 5), Set::Letters)
            && fits(a, Set::Any)
            && fits(b, Set::Any)
            && fits(part(b, 15, 18), Set::Letters)
            && fits_sex(b, 7)
            && fits(c, Set::Letters),
    }
}

/// `IDFRA` name, office, year and month of issue, department and number, given names, birth, sex.
fn french(a: &str, b: &str) -> Mrz {
    let (surname, _) = names(part(a, 5, 30));
    let (given_names, _) = names(&part(b, 13, 27).replace("<<", "<"));
    let whole = part(b, 0, 12);
    Mrz {
        form: Form::French,
        document_code: text(a, 0, 2),
        issuing_state: text(a, 2, 5),
        surname,
        given_names,
        document_number: whole.to_owned(),
        document_number_check: part(b, 12, 13).to_owned(),
        nationality: String::new(),
        birth_date: part(b, 27, 33).to_owned(),
        sex: sex(b, 34),
        expiry_date: String::new(),
        optional: text(a, 30, 36),
        optional2: String::new(),
        checks: Checks {
            document_number: closes(whole, part(b, 12, 13)),
            birth_date: closes(part(b, 27, 33), part(b, 33, 34)),
            expiry_date: None,
            optional: None,
            composite: closes(&format!("{a}{}", part(b, 0, 35)), part(b, 35, 36)),
        },
        characters: fits(part(a, 0, 30), Set::Letters)
            && fits(a, Set::Any)
            && fits(b, Set::Any)
            && fits(part(b, 0, 4), Set::Digits)
            && fits_sex(b, 34),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSPORT: [&str; 2] = [
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ];

    #[test]
    fn the_specimen_of_the_standard_is_read() {
        let mrz = read(&PASSPORT).expect("a passport");
        assert!(mrz.checks.all() && mrz.characters);
        assert!(!mrz.is_valid(), "Utopia is no state");
        assert_eq!(
            (mrz.surname.as_str(), mrz.given_names.as_str()),
            ("ERIKSSON", "ANNA MARIA")
        );
        assert_eq!(
            mrz.birth(2026).map(|day| day.to_string()).as_deref(),
            Some("1974-08-12")
        );
        assert_eq!(
            mrz.expiry().map(|day| day.to_string()).as_deref(),
            Some("2012-04-15")
        );
        assert_eq!(mrz.sex, Some(Sex::Female));
    }

    /// Each of these fields is outside of every check digit.
    #[test]
    fn code_states_and_sex_are_looked_at() {
        const REAL: [&str; 2] = [
            "P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<",
            "C01X0006H1D<<6408125F1710319<<<<<<<<<<<<<<<0",
        ];
        let with = |line: usize, at: usize, text: &str| {
            let mut lines = REAL.map(str::to_owned);
            lines[line].replace_range(at..at + text.len(), text);
            read(&lines).expect("two lines of 44")
        };
        for (line, at, text, valid) in [
            (0, 0, "P<", true),
            (0, 0, "PO", true),
            (0, 0, "V<", true),
            (0, 0, "I<", false),
            (0, 0, "XX", false),
            (0, 0, "<P", false),
            (0, 2, "IDN", true),
            (0, 2, "<<<", false),
            (0, 2, "QQQ", false),
            (1, 10, "IDN", true),
            (1, 10, "<<<", false),
            (1, 20, "M", true),
            (1, 20, "X", true),
            (1, 20, "<", true),
            (1, 20, "Q", false),
            (1, 20, "1", false),
        ] {
            let mrz = with(line, at, text);
            assert_eq!(mrz.is_valid(), valid, "{text} in line {line}: {mrz:?}");
        }
        assert!(with(0, 0, "P<").is_passport() && !with(0, 0, "V<").is_passport());
        let card = [
            "IDCHEA1234567<6<<<<<<<<<<<<<<<",
            "7510256M2009018CHE<<<<<<<<<<<8",
            "SMITH<<JOHN<ALBERT<<<<<<<<<<<<",
        ];
        let card = read(&card).expect("a card");
        assert!(card.is_valid() && !card.is_passport());
    }

    /// Weights 7, 3 and 1 have no factor in common with 10: each slip of one digit is seen.
    #[test]
    fn every_wrong_digit_of_the_numbers_is_seen() {
        let second = PASSPORT[1];
        for at in (0..10).chain(13..20).chain(21..28) {
            let mut bytes = second.as_bytes().to_vec();
            if !bytes[at].is_ascii_digit() {
                continue;
            }
            bytes[at] = b'0' + (bytes[at] - b'0' + 1) % 10;
            let line = String::from_utf8(bytes).expect("ASCII");
            assert!(
                !read(&[PASSPORT[0], line.as_str()])
                    .expect("a passport")
                    .checks
                    .all(),
                "{at}"
            );
        }
    }

    #[test]
    fn what_has_not_the_form_is_none() {
        let empty: [&str; 0] = [];
        assert_eq!(read(&empty), Err(MrzFault::Layout));
        assert_eq!(read(&[PASSPORT[0]]), Err(MrzFault::Layout));
        let umlaut = PASSPORT[0].replacen("<<", "Ü", 1);
        assert_eq!(umlaut.len(), 44);
        assert_eq!(read(&[umlaut.as_str(), PASSPORT[1]]), Err(MrzFault::Layout));
    }
}
