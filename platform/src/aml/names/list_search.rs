//! The score of the public OFAC "Sanctions List Search", from its published description (FAQ 249): the whole name and
//! its parts are compared, and the better of the two counts.

use super::fold::plain_upper;
use super::jaro::{jaro_winkler, ratio};

/// Query words of up to so many letters are not looked for.
const SHORT_LETTERS: usize = 2;

/// A part less alike than this is not alike.
const PART_MIN: f64 = 0.5;

/// What is left of a name for this comparison: capital ASCII words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// All of it with single spaces.
    pub whole: String,
}

impl Words {
    /// The words of a name.
    pub fn of(name: &str) -> Self {
        Self {
            whole: plain_upper(name),
        }
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.whole.split(' ').filter(|part| !part.is_empty())
    }
}

/// How alike `candidate` is to `query`, 0 to 100: the larger of the whole-name similarity (only where both begin with
/// one letter) and the mean over the query's parts of the best part of the candidate.
pub fn list_search(query: &Words, candidate: &Words) -> u8 {
    let (a, b) = (query.whole.as_bytes(), candidate.whole.as_bytes());
    let whole = match (a.first(), b.first()) {
        (Some(first), Some(other)) if first == other => jaro_winkler(a, b),
        _ => 0.0,
    };
    percent(whole.max(by_parts(query, candidate)))
}

fn by_parts(query: &Words, candidate: &Words) -> f64 {
    let long = query.parts().any(|part| part.len() > SHORT_LETTERS);
    let (mut sum, mut count) = (0.0, 0);
    for part in query
        .parts()
        .filter(|part| !long || part.len() > SHORT_LETTERS)
    {
        let likeness = candidate
            .parts()
            .map(|other| jaro_winkler(part.as_bytes(), other.as_bytes()));
        let best = likeness.fold(0.0, f64::max);
        sum += if best < PART_MIN { 0.0 } else { best };
        count += 1;
    }
    if count == 0 { 0.0 } else { sum / ratio(count) }
}

fn percent(share: f64) -> u8 {
    // 0 to 1 by construction.
    let rounded = (share * 100.0).round().clamp(0.0, 100.0);
    (0..=100u8)
        .rev()
        .find(|&whole| f64::from(whole) <= rounded)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(query: &str, candidate: &str) -> u8 {
        list_search(&Words::of(query), &Words::of(candidate))
    }

    #[test]
    fn the_published_scores_are_met() {
        let table = [
            ("VLADIMIR PUTIN", "PUTIN, Vladimir", 100),
            ("VLADIMIR PUTIN", "VLADIMIR BILIY", 90),
            ("VLADIMR PUTIN", "PUTIN, Vladimir", 99),
            ("PUTIN VLADIMIR", "TURIN, Vladimir", 92),
            ("OSAMA BIN LADEN", "BIN LADIN, Osama", 97),
            ("KIM JONG UN", "KIM, Jong Man", 100),
        ];
        for (query, candidate, expected) in table {
            let found = score(query, candidate);
            assert!(
                found.abs_diff(expected) <= 3,
                "{query} / {candidate}: {found} for {expected}"
            );
        }
    }

    #[test]
    fn parts_that_are_not_alike_count_nothing() {
        assert_eq!(score("WXYZ", "BUDI"), 0);
        assert_eq!(score("", "BUDI"), 0);
        assert_eq!(
            score("UN", "UN"),
            100,
            "a name of short words only is looked for all the same"
        );
    }
}
