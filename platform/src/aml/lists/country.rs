//! Countries as codes, whatever a publisher or a form calls them.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Lines of two codes and the names, folded.
const TABLE: &str = include_str!("countries.txt");

/// Codes of ISO 3166 in two letters by every way to write the country, folded.
static CODES: LazyLock<HashMap<String, &str>> = LazyLock::new(|| {
    let mut codes = HashMap::new();
    for line in lines() {
        let Some((code, names)) = line.split_once('|') else {
            continue;
        };
        codes.insert(code.to_ascii_lowercase(), code);
        for name in names.split('|') {
            codes.insert(name.to_ascii_lowercase(), code);
        }
    }
    codes
});

fn lines() -> impl Iterator<Item = &'static str> {
    TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn folded(text: &str) -> String {
    crate::aml::names::fold::words(text).join(" ")
}

/// A country as a code of two capital letters where it is known, else its folded name. `None` for nothing.
pub fn country(text: &str) -> Option<String> {
    let folded = folded(text);
    if folded.is_empty() || folded == "0" {
        return None;
    }
    let code = CODES.get(folded.as_str()).map(|code| (*code).to_owned());
    Some(code.unwrap_or(folded))
}

/// Whether a text names a country: `undetermined` and `Region: Crimea` name none.
pub fn is_known(text: &str) -> bool {
    CODES.contains_key(folded(text).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_has_one_code_whatever_it_is_called() {
        for (text, code) in [
            ("Indonesia", "ID"),
            ("id", "ID"),
            ("Suriah", "SY"),
            ("Korea, North", "KP"),
            ("Democratic People\u{2019}s Republic of Korea", "KP"),
            ("Korea, Democratic People's Republic of", "KP"),
            (" Cuba ", "CU"),
            ("PRK", "KP"),
            ("Cape Verde", "CV"),
            ("C\u{f4}te d'Ivoire", "CI"),
            ("Congo, Democratic Republic of the", "CD"),
            ("Iran (Islamic Republic of)", "IR"),
            ("Bosnia and Herzegovina", "BA"),
            ("Guinea-Bissau", "GW"),
            ("U.A.E.", "AE"),
            ("T\u{fc}rkiye", "TR"),
            ("St. Lucia", "LC"),
            ("UK", "GB"),
        ] {
            assert_eq!(country(text).as_deref(), Some(code), "{text}");
            assert!(is_known(text), "{text}");
        }
        for text in [
            "undetermined",
            "Region: Crimea",
            "former Soviet Union",
            "XX",
            "",
            "0",
        ] {
            assert!(!is_known(text), "{text}");
        }
        assert_eq!(country("Region: Crimea").as_deref(), Some("region crimea"));
        assert_eq!(country("xx").as_deref(), Some("xx"));
        assert_eq!(country("-0- "), None);
        assert_eq!(country(""), None);
    }

    /// The standard's 249, and Kosovo. A name that stood twice would silently be the later one's.
    #[test]
    fn the_table_is_whole_and_says_nothing_twice() {
        let mut words = std::collections::BTreeSet::new();
        let mut count = 0;
        for line in lines() {
            let fields: Vec<&str> = line.split('|').collect();
            assert!(fields.len() >= 3, "{line}");
            assert_eq!((fields[0].len(), fields[1].len()), (2, 3), "{line}");
            for field in &fields {
                assert!(words.insert(field.to_ascii_lowercase()), "{field} twice");
            }
            for name in &fields[2..] {
                assert_eq!(folded(name), *name, "{line}");
            }
            count += 1;
        }
        assert_eq!(count, 250);
    }
}
