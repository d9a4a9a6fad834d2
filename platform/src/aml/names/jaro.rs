/// Letters of a common beginning that count.
const PREFIX_MAX: usize = 4;

/// What each of them brings of what is missing.
const PREFIX_SHARE: f64 = 0.1;

/// Longest text that is compared, bytes; lists hold none longer.
const BYTES_MAX: usize = 256;

/// Jaro similarity of two ASCII texts, 0 to 1. Letters meet within half of the *shorter* text and one more, as the
/// library counts that the public search tool is built on.
pub fn jaro(a: &[u8], b: &[u8]) -> f64 {
    let a = &a[..a.len().min(BYTES_MAX)];
    let b = &b[..b.len().min(BYTES_MAX)];
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    if a == b {
        return 1.0;
    }
    let reach = a.len().min(b.len()) / 2 + 1;
    let (mut in_a, mut in_b) = ([false; BYTES_MAX], [false; BYTES_MAX]);
    let mut common = 0usize;
    for (at, letter) in a.iter().enumerate() {
        let from = (at + 1).saturating_sub(reach);
        let to = (at + reach).min(b.len());
        for other in from..to {
            if !in_b[other] && b[other] == *letter {
                in_a[at] = true;
                in_b[other] = true;
                common += 1;
                break;
            }
        }
    }
    if common == 0 {
        return 0.0;
    }
    let of_a = a
        .iter()
        .zip(in_a)
        .filter(|(_, met)| *met)
        .map(|(letter, _)| letter);
    let of_b = b
        .iter()
        .zip(in_b)
        .filter(|(_, met)| *met)
        .map(|(letter, _)| letter);
    let crossed = of_a.zip(of_b).filter(|(x, y)| x != y).count() / 2;
    let share = |part: usize, whole: usize| ratio(part) / ratio(whole);
    (share(common, a.len()) + share(common, b.len()) + share(common - crossed, common)) / 3.0
}

/// Jaro-Winkler: the bonus of a common beginning is given at every similarity, also at a low one.
pub fn jaro_winkler(a: &[u8], b: &[u8]) -> f64 {
    let plain = jaro(a, b);
    let same = a
        .iter()
        .zip(b)
        .take(PREFIX_MAX)
        .take_while(|(x, y)| x == y)
        .count();
    plain + ratio(same) * PREFIX_SHARE * (1.0 - plain)
}

/// A small count as a float, exactly.
pub(super) fn ratio(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_similarities() {
        let near = |a: &str, b: &str, expected: f64| {
            let found = jaro_winkler(a.as_bytes(), b.as_bytes());
            assert!((found - expected).abs() < 0.0005, "{a} {b}: {found}");
        };
        near("MARTHA", "MARHTA", 0.9611);
        near("LADEN", "LADIN", 0.9067);
        near("VLADIMR", "VLADIMIR", 0.9750);
        near("SAME", "SAME", 1.0);
        near("ABC", "XYZ", 0.0);
        near("", "ABC", 0.0);
    }

    #[test]
    fn it_does_not_matter_which_is_first() {
        for (a, b) in [
            ("DIXON", "DICKSONX"),
            ("PUTIN", "TURIN"),
            ("A", "AB"),
            ("AAB", "ABA"),
        ] {
            let there = jaro(a.as_bytes(), b.as_bytes());
            assert!(
                (there - jaro(b.as_bytes(), a.as_bytes())).abs() < 1e-12,
                "{a} {b}"
            );
        }
    }
}
