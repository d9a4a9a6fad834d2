//! Masks of symbols (MetaTrader 5 Administration, Group Settings, Symbols): comma separated, `*` stands for anything
//! within the path, `!` excludes and beats every inclusion.

/// The mask takes a symbol in, given its whole path (`Forex\EURUSD`). A pattern without a path is also tried against the
/// bare name.
pub fn matches(mask: &str, path: &str) -> bool {
    let name = path.rsplit('\\').next().unwrap_or(path);
    let mut included = false;
    for pattern in mask.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (excludes, pattern) = match pattern.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, pattern),
        };
        let bare = !pattern.contains('\\') && fits(pattern, name);
        if fits(pattern, path) || bare {
            if excludes {
                return false;
            }
            included = true;
        }
    }
    included
}

/// Text between stars must follow one another; the first is at the start and the last at the end.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclusion_beats_every_inclusion_wherever_it_stands() {
        for (mask, path, taken) in [
            ("*", "Forex\\EURUSD", true),
            ("!EURUSD,*", "Forex\\EURUSD", false),
            ("Forex\\*,!Forex\\Exotic\\*", "Forex\\Exotic\\USDTRY", false),
            ("Forex\\*,!Forex\\Exotic\\*", "Forex\\GBPUSD", true),
            ("Forex\\*USD", "Forex\\Majors\\EURUSD", true),
            ("Forex\\*USD", "Forex\\USDJPY", false),
            ("Forex\\EUR", "Forex\\EURUSD", false),
            (" Forex\\EURUSD , Metals\\* ", "Metals\\XAUUSD", true),
            ("EURUSD", "Forex\\EURUSD", true),
            ("", "Forex\\EURUSD", false),
            ("a*ab", "aab", true),
            ("a*aab", "aab", false),
        ] {
            assert_eq!(matches(mask, path), taken, "{mask} on {path}");
        }
    }
}
