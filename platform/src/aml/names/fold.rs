//! Names in one plain form: ASCII, lower case, words without marks; titles and legal forms told apart from the rest.

use any_ascii::any_ascii;

/// Longest name that is read, characters; longer ones are cut.
const CHARS_MAX: usize = 300;

/// Most words of a name that are compared.
pub const WORDS_MAX: usize = 24;

/// What bears the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A person.
    Person,
    /// A company or any other group.
    Entity,
    /// A ship.
    Vessel,
    /// An aircraft.
    Aircraft,
}

impl Kind {
    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Person => "person",
            Kind::Entity => "entity",
            Kind::Vessel => "vessel",
            Kind::Aircraft => "aircraft",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Kind> {
        [Kind::Person, Kind::Entity, Kind::Vessel, Kind::Aircraft]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// A name to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The words that tell, in their order.
    pub words: Vec<String>,
    /// Titles and legal forms that were left out, sorted; two names that differ in these alone are not exactly equal.
    pub left_out: Vec<String>,
}

/// Titles of persons: they tell nobody from anybody.
const TITLES: &[&str] = &[
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "prof",
    "sir",
    "sheikh",
    "shaikh",
    "shaykh",
    "sheik",
    "haji",
    "hajji",
    "hadji",
    "mullah",
    "maulavi",
    "mawlawi",
    "qari",
    "ustadz",
    "ustad",
    "imam",
    "president",
    "prasident",
    "general",
    "colonel",
    "gen",
    "col",
    "ir",
    "drs",
    "hj",
    "bapak",
    "ibu",
    "tuan",
    "kh",
    "raden",
    "engineer",
    "eng",
];

/// Legal forms, as words after folding; longer ones first.
const FORMS: &[&[&str]] = &[
    &["obshchestvo", "s", "ogranichennoi", "otvetstvennostiu"],
    &["obshchestvo", "s", "ogranichennoy", "otvetstvennostyu"],
    &["societatea", "cu", "raspundere", "limitata"],
    &["open", "joint", "stock", "company"],
    &["public", "joint", "stock", "company"],
    &["public", "limited", "company"],
    &["limited", "liability", "company"],
    &["joint", "stock", "company"],
    &["private", "limited"],
    &["sa", "de", "cv"],
    &["s", "de", "rl"],
    &["sp", "z", "oo"],
    &["sp", "z", "o", "o"],
    &["aktiengesellschaft"],
    &["incorporated"],
    &["corporation"],
    &["gesellschaft"],
    &["company"],
    &["limited"],
    &["perseroan"],
    &["persero"],
    &["terbatas"],
    &["yayasan"],
    &["limitada"],
    &["sarl"],
    &["gmbh"],
    &["ojsc"],
    &["pjsc"],
    &["bvba"],
    &["corp"],
    &["sas"],
    &["oao"],
    &["ooo"],
    &["zao"],
    &["pao"],
    &["jsc"],
    &["llc"],
    &["llp"],
    &["ltd"],
    &["inc"],
    &["plc"],
    &["pte"],
    &["pty"],
    &["tbk"],
    &["srl"],
    &["spa"],
    &["fze"],
    &["fzc"],
    &["ag"],
    &["ab"],
    &["as"],
    &["co"],
    &["cv"],
    &["bv"],
    &["nv"],
    &["kg"],
    &["kk"],
    &["lp"],
    &["sa"],
    &["sl"],
    &["pt"],
    &["ud"],
];

/// Small words of company names.
const SMALL: &[&str] = &["the", "and", "of", "for"];

impl Folded {
    /// Folds a name.
    pub fn of(name: &str, kind: Kind) -> Self {
        // Lists write "FAMILY, Given": the order in which people say it is the other one.
        let natural = match name.split_once(',') {
            Some((family, given)) if kind == Kind::Person && !given.contains(',') => {
                format!("{given} {family}")
            }
            _ => name.to_owned(),
        };
        let mut words = words(&natural);
        let mut left_out = Vec::new();
        if kind == Kind::Person {
            take(&mut words, &mut left_out, |word| TITLES.contains(&word));
        } else {
            take_forms(&mut words, &mut left_out);
            take(&mut words, &mut left_out, |word| SMALL.contains(&word));
            for word in &mut words {
                spell(word);
            }
        }
        left_out.sort();
        Self { words, left_out }
    }

    /// All words without spaces.
    pub fn joined(&self) -> String {
        self.words.concat()
    }
}

/// Takes the words that `belongs` names, unless nothing would be left.
fn take(words: &mut Vec<String>, out: &mut Vec<String>, belongs: impl Fn(&str) -> bool) {
    if words.iter().all(|word| belongs(word)) {
        return;
    }
    words.retain(|word| {
        let goes = belongs(word);
        if goes {
            out.push(word.clone());
        }
        !goes
    });
}

/// Takes legal forms wherever they stand, unless nothing would be left.
fn take_forms(words: &mut Vec<String>, out: &mut Vec<String>) {
    for form in FORMS {
        while words.len() > form.len() {
            let found = words
                .windows(form.len())
                .position(|window| window.iter().zip(*form).all(|(word, part)| word == part));
            let Some(at) = found else {
                break;
            };
            out.push(
                words
                    .drain(at..at + form.len())
                    .collect::<Vec<_>>()
                    .join(" "),
            );
        }
    }
}

/// One spelling for what English writes in two ways, and for numbers in words.
fn spell(word: &mut String) {
    const PAIRS: &[(&str, &str)] = &[
        ("organisation", "organization"),
        ("labour", "labor"),
        ("centre", "center"),
        ("defence", "defense"),
        ("aluminium", "aluminum"),
        ("harbour", "harbor"),
        ("one", "1"),
        ("two", "2"),
        ("three", "3"),
        ("four", "4"),
        ("five", "5"),
        ("six", "6"),
        ("seven", "7"),
        ("eight", "8"),
        ("nine", "9"),
        ("ten", "10"),
        ("intl", "international"),
        ("bros", "brothers"),
    ];
    if let Some((_, to)) = PAIRS.iter().find(|(from, _)| from == word) {
        *word = (*to).to_owned();
    }
}

/// The lower-case ASCII words of a name. Apostrophes are dropped, other marks separate; initials with points are one
/// word; a digit between letters is read as the letter it looks like.
pub fn words(name: &str) -> Vec<String> {
    let name: String = name.chars().take(CHARS_MAX).collect();
    let ascii = any_ascii(&name).to_ascii_lowercase().replace('&', " and ");
    let mut words = Vec::new();
    for piece in ascii.split(|c: char| {
        c.is_ascii_whitespace() || matches!(c, '-' | ',' | '/' | '(' | ')' | '"' | ';' | ':')
    }) {
        let initials = piece.contains('.') && piece.split('.').all(|part| part.len() <= 1);
        for part in piece.split(|c: char| c == '.' && !initials) {
            let word: String = part.chars().filter(char::is_ascii_alphanumeric).collect();
            if !word.is_empty() && words.len() < WORDS_MAX {
                words.push(unmask(&word));
            }
        }
    }
    words
}

/// Letters that were written as digits to get past a search.
fn unmask(word: &str) -> String {
    let bytes = word.as_bytes();
    let letter = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_alphabetic)
    };
    let unmasked = bytes.iter().enumerate().map(|(at, &byte)| {
        let inside = letter(at.checked_sub(1)) && letter(Some(at + 1));
        char::from(match byte {
            b'0' if inside => b'o',
            b'1' if inside => b'i',
            b'3' if inside => b'e',
            b'4' if inside => b'a',
            b'5' if inside => b's',
            b'7' if inside => b't',
            b'9' if inside => b'g',
            other => other,
        })
    });
    unmasked.collect()
}

/// Capital ASCII words with single spaces, marks as spaces, apostrophes dropped: the form of the public search tool.
pub fn plain_upper(name: &str) -> String {
    let name: String = name.chars().take(CHARS_MAX).collect();
    let mut plain = String::with_capacity(name.len());
    for c in any_ascii(&name).chars() {
        if c.is_ascii_alphanumeric() {
            plain.push(c.to_ascii_uppercase());
        } else if c != '\'' && c != '`' && !plain.ends_with(' ') && !plain.is_empty() {
            plain.push(' ');
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_in_many_dresses_is_one_name() {
        let same = [
            ("Nicolás  MADURO", "nicolas maduro"),
            ("Bashar al-Assad", "bashar al assad"),
            ("Al Qa'ida", "al qaida"),
            ("I9or Sech1n", "igor sechin"),
            ("A.B.C. Trading", "abc trading"),
            ("Dr. Rami Makhlouf", "rami makhlouf"),
        ];
        for (name, plain) in same {
            assert_eq!(
                Folded::of(name, Kind::Person).words.join(" "),
                plain,
                "{name}"
            );
        }
        assert_eq!(plain_upper("PUTIN, Vladimir"), "PUTIN VLADIMIR");
        assert_eq!(plain_upper(" Qa'ida (al) "), "QAIDA AL");
    }

    #[test]
    fn legal_forms_are_told_apart_and_never_the_whole_name() {
        let folded = Folded::of("P.T. Astra International Tbk.", Kind::Entity);
        assert_eq!(folded.words, ["astra", "international"]);
        assert_eq!(folded.left_out, ["pt", "tbk"]);
        assert_eq!(
            Folded::of("Company Limited", Kind::Entity).words,
            ["limited"]
        );
        assert_eq!(Folded::of("Dr. Haji", Kind::Person).words, ["dr", "haji"]);
        assert_eq!(Folded::of("", Kind::Person).words, [""; 0]);
    }
}
