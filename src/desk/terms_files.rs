//! Files of terms as somebody brings them in: those that were given, for the rest the program's own; and where in them
//! something stands.

use std::collections::BTreeMap;

use siaga_feed::catalog::{CatalogError, Files};

use super::kept_names::KeptNames;

/// Keys by which an entry of a file is called.
const NAME_KEYS: [&str; 3] = ["symbol", "name", "code"];

/// The text of each file of terms.
#[derive(Clone, Debug)]
pub struct Texts {
    pub instruments: String,
    pub currencies: String,
    pub sources: String,
    pub leverage: String,
    pub groups: String,
    pub demo: String,
    pub calendars: String,
    pub holidays: String,
}

/// What is wrong with a file of terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    pub file: String,
    /// From 1; absent where no line is at fault, or where it cannot be told.
    pub line: Option<usize>,
    pub message: String,
}

impl Texts {
    /// The program's own.
    pub fn shipped() -> Texts {
        Texts::of(BTreeMap::new(), &KeptNames::default(), false)
    }

    /// The given ones by their names (see [`Files::NAMES`]); what is missing is the program's. A file `alone` says nothing of
    /// the hours that were imported before it.
    pub fn of(mut given: BTreeMap<&'static str, String>, kept: &KeptNames, alone: bool) -> Texts {
        let shipped = Files::SHIPPED;
        let mut take = |name: &str, other: &str| {
            let given = given.remove(name);
            given.unwrap_or_else(|| other.to_owned())
        };
        let calendars = kept.calendars.as_deref().filter(|_| alone);
        let holidays = kept.holidays.as_deref().filter(|_| alone);
        Texts {
            instruments: take("instruments.toml", shipped.instruments),
            currencies: take("currencies.toml", shipped.currencies),
            sources: take("sources.toml", shipped.sources),
            leverage: take("leverage.toml", shipped.leverage),
            groups: take("groups.toml", shipped.groups),
            demo: take("demo.toml", shipped.demo),
            calendars: take("calendars.toml", calendars.unwrap_or(shipped.calendars)),
            holidays: take("holidays.toml", holidays.unwrap_or(shipped.holidays)),
        }
    }

    /// As the catalog reads them.
    pub fn files(&self) -> Files<'_> {
        Files {
            instruments: &self.instruments,
            currencies: &self.currencies,
            sources: &self.sources,
            leverage: &self.leverage,
            groups: &self.groups,
            demo: &self.demo,
            calendars: &self.calendars,
            holidays: &self.holidays,
        }
    }

    /// The line, from 1, where an entry of a file stands; with a key the line of that key, where it has one of its own.
    pub fn line(&self, file: &str, entry: &str, key: Option<&str>) -> Option<usize> {
        let text = match file {
            "instruments.toml" => &self.instruments,
            "currencies.toml" => &self.currencies,
            "sources.toml" => &self.sources,
            "leverage.toml" => &self.leverage,
            "groups.toml" => &self.groups,
            "demo.toml" => &self.demo,
            "calendars.toml" => &self.calendars,
            "holidays.toml" => &self.holidays,
            _ => return None,
        };
        line_of(text, entry, key)
    }

    /// What an error of the reader comes to, with its line.
    pub fn flaw(&self, error: &CatalogError) -> Flaw {
        match error {
            CatalogError::File { file, message } => Flaw {
                file: file.clone(),
                line: told_line(message),
                message: plain(message),
            },
            CatalogError::Value {
                file,
                entry,
                key,
                message,
            } => Flaw {
                file: file.clone(),
                line: self.line(file, entry, Some(key)),
                message: format!("{entry}: {key}: {message}"),
            },
            CatalogError::Unknown { .. } => Flaw {
                file: "sources.toml".to_owned(),
                line: None,
                message: error.to_string(),
            },
        }
    }
}

/// The parser says "at line 3, column 9".
fn told_line(message: &str) -> Option<usize> {
    let (_, behind) = message.split_once("line ")?;
    let digits = behind.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The parser's words without the picture of the line between them.
fn plain(message: &str) -> String {
    let words = message.lines().map(str::trim);
    let words = words.filter(|line| !line.is_empty() && !line.contains('|'));
    words.collect::<Vec<_>>().join(": ")
}

fn line_of(text: &str, entry: &str, key: Option<&str>) -> Option<usize> {
    let quoted = format!("\"{entry}\"");
    let lines: Vec<&str> = text.lines().collect();
    let begins = lines
        .iter()
        .position(|line| NAME_KEYS.iter().any(|name| says(line, name, &quoted)))?;
    let begins_entry = |line: &str| line.trim_start().starts_with(['[', '{']);
    let mut own = lines[begins..]
        .iter()
        .enumerate()
        .take_while(|(nth, line)| *nth == 0 || !begins_entry(line));
    let found = key.and_then(|key| own.find(|(_, line)| says(line, key, "")));
    Some(begins + found.map_or(0, |(nth, _)| nth) + 1)
}

/// Whether a line gives a key a value that begins so.
fn says(line: &str, key: &str, value: &str) -> bool {
    line.match_indices(key).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let is_word = !before.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let behind = line[at + key.len()..].trim_start();
        let given = behind.strip_prefix('=').map(str::trim_start);
        is_word && given.is_some_and(|given| given.starts_with(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_feed::catalog::Catalog;

    fn flaw(file: &'static str, text: String) -> Flaw {
        let texts = Texts::of(BTreeMap::from([(file, text)]), &KeptNames::default(), true);
        let error = Catalog::read(&texts.files()).expect_err("it is wrong");
        texts.flaw(&error)
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let wrong = Files::SHIPPED.groups.replacen(
            "margin_price = \"open\"",
            "margin_price = \"close\"",
            1,
        );
        let told = flaw("groups.toml", wrong);
        assert_eq!((told.file.as_str(), told.line), ("groups.toml", Some(5)));
        assert!(told.message.contains("bappebti"), "{}", told.message);

        let wrong = Files::SHIPPED.currencies.replacen("digits", "digit", 1);
        let told = flaw("currencies.toml", wrong.clone());
        let at = wrong.lines().position(|line| line.contains("digit ="));
        assert_eq!(told.line, at.map(|at| at + 1), "{told:?}");
        assert!(told.message.contains("did you mean"), "{}", told.message);
        assert!(!told.message.contains('\n'), "{}", told.message);
    }

    #[test]
    fn a_key_on_a_line_of_its_own_is_found_in_its_entry_alone() {
        let text = "[[group]]\nid = 1\nname = \"a\"\n\n[[group]]\nid = 2\nname = \"b\"\nstop_out = \"5 %\"\n";
        assert_eq!(line_of(text, "a", Some("stop_out")), Some(3));
        assert_eq!(line_of(text, "b", Some("stop_out")), Some(8));
        assert_eq!(line_of(text, "b", None), Some(7));
        assert_eq!(line_of(text, "c", None), None);
        // A name inside another key's value is none.
        assert_eq!(line_of("x = \"a\"", "a", None), None);
    }
}
