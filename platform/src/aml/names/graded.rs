//! A score in parts. What tells two names apart is neither how many words agree nor how alike the letters are, but
//! whether a word of one is *contradicted* by a word of the other: `Sergey Lavrov` may be `Sergey Viktorovich Lavrov`,
//! and is not `Sergey Ivanov`. Words weigh by how rare they are on the lists.

use super::fold::{Folded, Kind};
use super::tokens::{Likeness, SAME, likeness};

/// Thousandths.
pub type Mille = u32;

/// A whole.
pub const WHOLE: Mille = 1000;

/// From here on two names are worth a person's look.
pub const POSSIBLE: Mille = 700;

/// From here on they are the same name as far as a name can tell.
pub const STRONG: Mille = 850;

/// A word of each side that contradict each other count so much of both, percent.
const CONTRADICTION_PCT: u64 = 115;

/// A word that the other name lacks counts so much, percent: persons leave names out.
const MISSING_PERSON_PCT: u64 = 30;
/// Companies do not.
const MISSING_OTHER_PCT: u64 = 60;

/// What is lost by words in another order.
const ORDER: Mille = 12;
/// By another legal form or title.
const FORM: Mille = 6;
/// By words that are written as one.
const JOINED: Mille = 30;

/// What a same date of birth brings to what is missing, percent; a near one half of it.
const BIRTH_SAME_PCT: u32 = 30;
/// What another date takes.
const BIRTH_OTHER: Mille = 250;
/// What a same country brings, percent of what is missing.
const COUNTRY_SAME_PCT: u32 = 10;
/// What another takes.
const COUNTRY_OTHER: Mille = 60;

/// How much a word tells, in thousandths: a rare name a whole, a common one little.
pub trait Rarity {
    /// The weight of a folded word.
    fn weight(&self, word: &str) -> u64;
}

/// Weights without a list to count in.
pub struct Plain;

/// Particles: between names, no names.
const PARTICLES: &[&str] = &[
    "al", "el", "ul", "ur", "ud", "us", "ad", "as", "an", "bin", "ben", "ibn", "bint", "binti",
    "abu", "abou", "umm", "de", "da", "do", "dos", "di", "del", "la", "le", "van", "von", "der",
    "den", "y", "e", "na", "a", "al-", "i",
];

/// Names so frequent that they say little.
const FREQUENT: &[&str] = &[
    "mohammed",
    "mohammad",
    "muhammad",
    "mohamed",
    "mohamad",
    "muhamad",
    "ahmed",
    "ahmad",
    "ali",
    "abd",
    "abdul",
    "abdel",
    "abdullah",
    "abdallah",
    "hassan",
    "hasan",
    "hussein",
    "husain",
    "ibrahim",
    "khan",
    "kim",
    "international",
    "trading",
    "group",
    "general",
    "services",
    "company",
    "bank",
    "industries",
    "holding",
    "holdings",
    "enterprises",
    "solutions",
    "global",
    "systems",
];

/// A word of full weight.
const FULL: u64 = 1000;
/// A frequent one.
const COMMON: u64 = 700;
/// A word of two letters.
const SHORT: u64 = 750;
/// A word that stands everywhere on the lists.
pub const COMMON_LEAST: u64 = 380;
/// A particle or an initial.
const LITTLE: u64 = 200;

impl Rarity for Plain {
    fn weight(&self, word: &str) -> u64 {
        weight_of_form(word).unwrap_or(FULL)
    }
}

/// The weight of a word that its form alone gives.
pub fn weight_of_form(word: &str) -> Option<u64> {
    if PARTICLES.contains(&word) || word.len() == 1 {
        Some(LITTLE)
    } else if FREQUENT.contains(&word) {
        Some(COMMON)
    } else if word.len() == 2 {
        Some(SHORT)
    } else if word.bytes().all(|c| c.is_ascii_digit()) {
        Some(LITTLE)
    } else {
        None
    }
}

/// How dates of birth compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Birth {
    /// Too far apart.
    Different,
    /// One of them is not known.
    #[default]
    Unknown,
    /// A year apart, or the day and month swapped.
    Near,
    /// The same as far as both are known.
    Same,
}

/// How countries compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Country {
    /// None in common.
    Different,
    /// Not known.
    #[default]
    Unknown,
    /// One in common.
    Same,
}

/// How alike two named things are. Compares by the whole score first and then by its parts, so that ties break by
/// what tells more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Graded {
    /// All in one.
    pub score: Mille,
    /// The names alone.
    pub name: Mille,
    /// Share of the query's weight that found its word.
    pub query_coverage: Mille,
    /// Share of the entry's weight that found its word.
    pub entry_coverage: Mille,
    /// The mean weight of the words that met.
    pub rarity: Mille,
    /// Dates of birth.
    pub birth: Birth,
    /// Countries.
    pub country: Country,
}

/// Grades two names. `rarity` weighs words.
pub fn grade(query: &Folded, entry: &Folded, kind: Kind, rarity: &impl Rarity) -> Graded {
    let met = Met::of(query, entry, rarity);
    let missing_pct = match kind {
        Kind::Person => MISSING_PERSON_PCT,
        _ => MISSING_OTHER_PCT,
    };
    let contradicted = met.left_query.min(met.left_entry);
    let missing = met.left_query.abs_diff(met.left_entry);
    let against =
        met.worn + 2 * contradicted * CONTRADICTION_PCT / 100 + missing * missing_pct / 100;
    let mut name = share(met.alike, met.alike + against);
    let mut lost = 0;
    lost += if met.crossed { ORDER } else { 0 };
    lost += if met.joined { JOINED } else { 0 };
    lost += if query.left_out == entry.left_out {
        0
    } else {
        FORM
    };
    name = name.saturating_sub(lost);
    Graded {
        score: name,
        name,
        query_coverage: share(met.alike, met.alike + met.worn + met.left_query),
        entry_coverage: share(met.alike, met.alike + met.worn + met.left_entry),
        rarity: share(met.rare, u64::from(WHOLE) * met.pairs),
        birth: Birth::Unknown,
        country: Country::Unknown,
    }
}

impl Graded {
    /// The grade with what else is known of both.
    pub fn with(self, birth: Birth, country: Country) -> Self {
        let raised = |score: Mille, pct: u32| score + (WHOLE - score.min(WHOLE)) * pct / 100;
        let mut score = match birth {
            Birth::Same => raised(self.name, BIRTH_SAME_PCT),
            Birth::Near => raised(self.name, BIRTH_SAME_PCT / 2),
            Birth::Unknown => self.name,
            Birth::Different => self.name.saturating_sub(BIRTH_OTHER),
        };
        score = match country {
            Country::Same => raised(score, COUNTRY_SAME_PCT),
            Country::Unknown => score,
            Country::Different => score.saturating_sub(COUNTRY_OTHER),
        };
        // What a name does not say, a date cannot.
        if self.name < POSSIBLE {
            score = score.min(self.name);
        }
        // A person has to look at the very name, whatever a list or a form says of the date and the country.
        if self.name >= STRONG {
            score = score.max(POSSIBLE);
        }
        Self {
            score,
            birth,
            country,
            ..self
        }
    }
}

fn share(part: u64, whole: u64) -> Mille {
    if whole == 0 {
        return 0;
    }
    let mille = (part * u64::from(WHOLE) + whole / 2) / whole;
    Mille::try_from(mille).unwrap_or(WHOLE).min(WHOLE)
}

/// What met and what did not, in weights.
#[derive(Default)]
struct Met {
    alike: u64,
    worn: u64,
    left_query: u64,
    left_entry: u64,
    rare: u64,
    pairs: u64,
    crossed: bool,
    joined: bool,
}

impl Met {
    fn of(query: &Folded, entry: &Folded, rarity: &impl Rarity) -> Self {
        if query.words.is_empty() || entry.words.is_empty() {
            return Self::default();
        }
        if query.words.len() != entry.words.len() && query.joined() == entry.joined() {
            let weight: u64 = query.words.iter().map(|word| rarity.weight(word)).sum();
            return Self {
                alike: weight,
                rare: u64::from(WHOLE),
                pairs: 1,
                joined: true,
                ..Self::default()
            };
        }
        let mut met = Self::default();
        let a = met.join(&query.words, &entry.words);
        let b = met.join(&entry.words, &a);
        met.pair(&a, &b, rarity);
        met
    }

    /// Words of `words` that together are one word of `other` are put together.
    fn join(&mut self, words: &[String], other: &[String]) -> Vec<String> {
        let mut out: Vec<String> = Vec::with_capacity(words.len());
        let mut at = 0;
        while at < words.len() {
            let joined = (2..=3).rev().find_map(|count| {
                let window = words.get(at..at + count)?;
                let one = window.concat();
                let fits = one.len() >= 4
                    && other.contains(&one)
                    && !window.iter().any(|word| other.contains(word));
                fits.then_some((one, count))
            });
            if let Some((one, count)) = joined {
                out.push(one);
                self.joined = true;
                at += count;
            } else {
                out.push(words[at].clone());
                at += 1;
            }
        }
        out
    }

    /// Pairs words, the most alike first; each once.
    fn pair(&mut self, a: &[String], b: &[String], rarity: &impl Rarity) {
        let mut pairs: Vec<(Likeness, usize, usize)> = Vec::new();
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                let alike = likeness(x, y);
                if alike > 0 {
                    pairs.push((alike, i, j));
                }
            }
        }
        // Of equals those at near places, so that a word that is there twice meets its own.
        pairs.sort_by_key(|&(alike, i, j)| (std::cmp::Reverse(alike), i.abs_diff(j), i, j));
        let (mut of_a, mut of_b) = (vec![None; a.len()], vec![false; b.len()]);
        for (alike, i, j) in pairs {
            if of_a[i].is_some() || of_b[j] {
                continue;
            }
            of_a[i] = Some(j);
            of_b[j] = true;
            let weight = rarity.weight(&a[i]).min(rarity.weight(&b[j]));
            let met = weight * u64::from(alike) / u64::from(SAME);
            self.alike += met;
            self.worn += weight - met;
            self.rare += weight.min(FULL);
            self.pairs += 1;
        }
        let order: Vec<usize> = of_a.iter().flatten().copied().collect();
        self.crossed = order.windows(2).any(|pair| pair[0] > pair[1]);
        self.left_query = a
            .iter()
            .zip(&of_a)
            .filter(|(_, met)| met.is_none())
            .map(|(word, _)| rarity.weight(word))
            .sum();
        self.left_entry = b
            .iter()
            .zip(&of_b)
            .filter(|(_, met)| !**met)
            .map(|(word, _)| rarity.weight(word))
            .sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(a: &str, b: &str) -> Graded {
        grade(
            &Folded::of(a, Kind::Person),
            &Folded::of(b, Kind::Person),
            Kind::Person,
            &Plain,
        )
    }

    #[test]
    fn a_contradicted_name_is_another_person_and_a_missing_one_is_not() {
        assert!(person("Sergey Lavrov", "Sergey Viktorovich LAVROV").score >= POSSIBLE);
        assert!(person("Sergey Ivanov", "Sergey Viktorovich LAVROV").score < POSSIBLE);
        assert!(person("ABDULLAH AHMED AL HAKIM", "ABDULLAH YAHYA AL HAKIM").score < POSSIBLE);
        assert!(person("JanDaniel Bothma", "Jan Daniel Bothma").score >= STRONG);
    }

    #[test]
    fn only_the_very_same_name_is_a_whole() {
        assert_eq!(person("Pol Pot", "POL POT").score, WHOLE);
        assert!(person("Pot Pol", "Pol Pot").score < WHOLE);
        assert!(person("Dr. Pol Pot", "Pol Pot").score < WHOLE);
        assert!(person("Pol", "Pol Pot").score < WHOLE);
    }

    #[test]
    fn a_date_of_birth_breaks_a_tie_and_makes_no_match() {
        let name = person("Budi Santoso", "Budi Santoso");
        let same = name.with(Birth::Same, Country::Same);
        let other = name.with(Birth::Different, Country::Unknown);
        assert!(same > name.with(Birth::Unknown, Country::Unknown) && other < name);
        assert!(
            other.score < STRONG && other.score >= POSSIBLE,
            "another date is a lower place, not a silence"
        );
        let all_other = name.with(Birth::Different, Country::Different);
        assert_eq!(all_other.score, POSSIBLE);
        assert!(all_other < other, "and still tells less");
        let stranger = person("Budi Santoso", "Joko Susilo");
        assert_eq!(
            stranger.with(Birth::Same, Country::Same).score,
            stranger.name
        );
    }

    #[test]
    fn coverage_says_which_side_has_more() {
        let grade = person("Umar Patek", "Umar Patek Abdullah Anshori");
        assert_eq!(grade.query_coverage, WHOLE);
        assert!(grade.entry_coverage < WHOLE);
    }
}
