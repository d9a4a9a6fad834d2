//! The lists in memory, so that one name is compared with a few hundred and not with all: words of the query find words
//! of the lists that are written or sound alike, these find names, and only the best of those are graded.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::lists::country::is_known;
use super::lists::{Entry, PartialDate, Quality};
use super::names::graded::{COMMON_LEAST, weight_of_form};
use super::names::list_search::Words;
use super::names::tokens::{Likeness, SAME, Skeleton, likeness, skeleton, slips};
use super::names::{Country, Folded, Graded, Kind, Rarity, grade, list_search};

/// Names that are graded for one query: the rest shares less with it than all of these.
const GRADED_MAX: usize = 150;

/// Most hits of one query; who has more is looked for by a wider name than a person has.
pub const HITS_MAX: usize = 25;

/// Words of a query that are looked for: no name has more.
const WORDS_MAX: u8 = 64;

/// Words of the lists that one word of a query may stand for.
const WORDS_ALIKE_MAX: usize = 60;

/// Least share of a query's weight that a name must bring to be graded, percent.
const WEIGHT_PCT_MIN: u32 = 35;

/// What a weak alias costs, thousandths.
const WEAK: u32 = 60;

/// A listed entry and the source it stands on.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The source's name.
    pub source: String,
    /// The entry.
    pub entry: Arc<Entry>,
    /// Its digest.
    pub digest: String,
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The names: of a client, those of all documents.
    pub names: Vec<String>,
    /// What bears them; `None` for anything.
    pub kind: Option<Kind>,
    /// Date of birth.
    pub birth: Option<PartialDate>,
    /// Countries of nationality, birth, address, as codes.
    pub countries: Vec<String>,
}

/// A listed entry that a query may be.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The entry.
    pub listed: Listed,
    /// Its name that is nearest.
    pub name: String,
    /// How near.
    pub grade: Graded,
    /// What the public search tool would say, 0 to 100.
    pub list_score: u8,
}

struct Name {
    of: u32,
    /// Which of the entry's names.
    nth: usize,
    folded: Folded,
    words: Words,
    quality: Quality,
}

/// The index.
#[derive(Default)]
pub struct Index {
    listed: Vec<Listed>,
    names: Vec<Name>,
    /// Words and the names they stand in.
    words: Vec<(String, Vec<u32>)>,
    by_word: HashMap<String, u32>,
    by_skeleton: HashMap<Skeleton, Vec<u32>>,
    by_gram: HashMap<[u8; 2], Vec<u32>>,
    /// Names without spaces.
    by_joined: HashMap<String, Vec<u32>>,
}

/// Places are counted in 32 bits: a list has some ten thousand names.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn at(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

impl Rarity for Index {
    fn weight(&self, word: &str) -> u64 {
        let form = weight_of_form(word);
        let count = self
            .by_word
            .get(word)
            .map_or(0, |&id| self.words[at(id)].1.len());
        // Each doubling of how often a word stands on the lists takes a sixteenth.
        let doublings = u64::from(count.max(1).ilog2());
        let rare = (1000 - 62 * doublings.min(10)).max(COMMON_LEAST);
        form.map_or(rare, |form| form.min(rare))
    }
}

impl Index {
    /// Indexes entries.
    pub fn of(listed: Vec<Listed>) -> Self {
        let mut index = Self {
            listed,
            ..Self::default()
        };
        for (of, listed) in index.listed.iter().enumerate() {
            for (nth, name) in listed.entry.names.iter().enumerate() {
                let folded = Folded::of(&name.text, listed.entry.kind);
                if folded.words.is_empty() {
                    continue;
                }
                index.names.push(Name {
                    of: place(of),
                    nth,
                    words: Words::of(&name.text),
                    folded,
                    quality: name.quality,
                });
            }
        }
        for (number, name) in index.names.iter().enumerate() {
            let number = place(number);
            index
                .by_joined
                .entry(name.folded.joined())
                .or_default()
                .push(number);
            for word in &name.folded.words {
                let words = &mut index.words;
                let id = *index.by_word.entry(word.clone()).or_insert_with(|| {
                    words.push((word.clone(), Vec::new()));
                    place(words.len() - 1)
                });
                let names = &mut index.words[at(id)].1;
                if names.last() != Some(&number) {
                    names.push(number);
                }
            }
        }
        for (id, (word, _)) in index.words.iter().enumerate() {
            index
                .by_skeleton
                .entry(skeleton(word))
                .or_default()
                .push(place(id));
            for gram in grams(word) {
                index.by_gram.entry(gram).or_default().push(place(id));
            }
        }
        index
    }

    /// Entries in it.
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    /// Nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The entries that may be who is asked for and grade at least `least`, the nearest first; each entry once.
    pub fn search(&self, query: &Query, least: u32) -> Vec<Hit> {
        let mut best: BTreeMap<u32, Hit> = BTreeMap::new();
        for name in &query.names {
            for kind in self.kinds(query.kind) {
                self.search_name(name, *kind, query, least, &mut best);
            }
        }
        let mut hits: Vec<Hit> = best.into_values().collect();
        hits.sort_by(|a, b| {
            (b.grade, b.list_score)
                .cmp(&(a.grade, a.list_score))
                .then_with(|| a.listed.entry.uid.cmp(&b.listed.entry.uid))
        });
        hits.truncate(HITS_MAX);
        hits
    }

    fn kinds(&self, kind: Option<Kind>) -> &'static [Kind] {
        match kind {
            Some(Kind::Person) => &[Kind::Person],
            Some(Kind::Entity) => &[Kind::Entity],
            Some(Kind::Vessel) => &[Kind::Vessel],
            Some(Kind::Aircraft) => &[Kind::Aircraft],
            // Words fold in one way for persons and in one for all else.
            None => &[Kind::Person, Kind::Entity],
        }
    }

    fn search_name(
        &self,
        name: &str,
        kind: Kind,
        query: &Query,
        least: u32,
        best: &mut BTreeMap<u32, Hit>,
    ) {
        let folded = Folded::of(name, kind);
        let words = Words::of(name);
        for number in self.candidates(&folded) {
            let found = &self.names[at(number)];
            let listed = &self.listed[at(found.of)];
            let fits = match query.kind {
                Some(kind) => listed.entry.kind == kind,
                None => (listed.entry.kind == Kind::Person) == (kind == Kind::Person),
            };
            if !fits {
                continue;
            }
            let birth = PartialDate::best(query.birth, &listed.entry.births);
            let mut named = grade(&folded, &found.folded, kind, self);
            if found.quality == Quality::Weak {
                named.name = named.name.saturating_sub(WEAK);
            }
            let grade = named.with(birth, countries(&query.countries, &listed.entry.countries));
            if grade.score < least {
                continue;
            }
            let hit = Hit {
                listed: listed.clone(),
                name: listed
                    .entry
                    .names
                    .get(found.nth)
                    .map_or_else(String::new, |name| name.text.clone()),
                grade,
                list_score: list_search(&words, &found.words),
            };
            match best.get(&found.of) {
                Some(known) if (known.grade, known.list_score) >= (hit.grade, hit.list_score) => {}
                _ => {
                    best.insert(found.of, hit);
                }
            }
        }
    }

    /// The names that share most with a query.
    fn candidates(&self, query: &Folded) -> Vec<u32> {
        let mut gained = vec![0u32; self.names.len()];
        // Which word of the query a name gained by last: the most alike comes first, and counts once.
        let mut seen = vec![0u8; self.names.len()];
        let mut touched = Vec::new();
        let mut whole = 0;
        for (turn, word) in (1..=WORDS_MAX).zip(&query.words) {
            let weight = u32::try_from(self.weight(word)).unwrap_or(SAME);
            whole += weight;
            for (id, alike) in self.alike(word) {
                let gain = weight * alike / SAME;
                for &name in &self.words[at(id)].1 {
                    let number = at(name);
                    if seen[number] == turn {
                        continue;
                    }
                    seen[number] = turn;
                    if gained[number] == 0 {
                        touched.push(name);
                    }
                    gained[number] += gain;
                }
            }
        }
        let least = whole * WEIGHT_PCT_MIN / 100;
        touched.retain(|&name| gained[at(name)] >= least);
        touched.sort_unstable_by_key(|&name| (std::cmp::Reverse(gained[at(name)]), name));
        touched.dedup();
        touched.truncate(GRADED_MAX);
        if let Some(joined) = self.by_joined.get(&query.joined()) {
            touched.extend(joined);
        }
        touched.sort_unstable();
        touched.dedup();
        touched
    }

    /// Words of the lists that `word` may be, the most alike first.
    fn alike(&self, word: &str) -> Vec<(u32, Likeness)> {
        let mut ids: Vec<u32> = self.by_word.get(word).copied().into_iter().collect();
        if word.len() >= 3 {
            ids.extend(self.by_skeleton.get(&skeleton(word)).into_iter().flatten());
            self.near(word, &mut ids);
        }
        ids.sort_unstable();
        ids.dedup();
        let likenesses = ids
            .into_iter()
            .map(|id| (id, likeness(word, &self.words[at(id)].0)));
        let mut found: Vec<(u32, Likeness)> = likenesses.filter(|&(_, alike)| alike > 0).collect();
        found.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        found.truncate(WORDS_ALIKE_MAX);
        found
    }

    /// Adds the words that share enough pairs of letters with `word`: an edit breaks at most three.
    fn near(&self, word: &str, ids: &mut Vec<u32>) {
        let pairs = grams(word);
        let mut shared = vec![0u8; self.words.len()];
        let most = slips(word.len() + 2);
        let least = pairs.len().saturating_sub(3 * most).max(2);
        for gram in &pairs {
            for &id in self.by_gram.get(gram).into_iter().flatten() {
                let count = &mut shared[at(id)];
                *count = count.saturating_add(1);
                if usize::from(*count) == least
                    && self.words[at(id)].0.len().abs_diff(word.len()) <= most
                {
                    ids.push(id);
                }
            }
        }
    }
}

/// Pairs of neighbouring letters, ends marked; each once.
fn grams(word: &str) -> Vec<[u8; 2]> {
    let mut padded = vec![b'^'];
    padded.extend(word.bytes());
    padded.push(b'$');
    let mut grams: Vec<[u8; 2]> = padded.windows(2).map(|pair| [pair[0], pair[1]]).collect();
    grams.sort_unstable();
    grams.dedup();
    grams
}

fn countries(own: &[String], listed: &[String]) -> Country {
    if own.iter().any(|country| listed.contains(country)) {
        return Country::Same;
    }
    // What names no country, as "undetermined", may be any.
    let is_told = |side: &[String]| !side.is_empty() && side.iter().all(|text| is_known(text));
    if is_told(own) && is_told(listed) {
        Country::Different
    } else {
        Country::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aml::lists::Named;
    use crate::aml::names::graded::POSSIBLE;

    fn listed(uid: &str, kind: Kind, names: &[(&str, Quality)], birth: Option<&str>) -> Listed {
        let entry = Entry {
            uid: uid.into(),
            kind,
            names: names
                .iter()
                .map(|&(text, quality)| Named {
                    text: text.into(),
                    quality,
                })
                .collect(),
            births: birth.and_then(PartialDate::read).into_iter().collect(),
            countries: vec!["SY".into()],
            programs: Vec::new(),
            remarks: String::new(),
            listed: None,
        };
        Listed {
            source: "un".into(),
            digest: entry.digest(),
            entry: Arc::new(entry),
        }
    }

    fn index() -> Index {
        Index::of(vec![
            listed(
                "1",
                Kind::Person,
                &[
                    ("AL-ASSAD, Bashar", Quality::Primary),
                    ("Abu Hafiz", Quality::Weak),
                ],
                Some("11 Sep 1965"),
            ),
            listed(
                "2",
                Kind::Person,
                &[("AL-ASSAD, Maher", Quality::Primary)],
                None,
            ),
            listed("3", Kind::Vessel, &[("BASHAR", Quality::Primary)], None),
            listed(
                "4",
                Kind::Entity,
                &[("Bashar Trading Co. Ltd.", Quality::Primary)],
                None,
            ),
        ])
    }

    fn query(name: &str, kind: Option<Kind>) -> Query {
        Query {
            names: vec![name.into()],
            kind,
            ..Query::default()
        }
    }

    fn found(index: &Index, query: &Query) -> Vec<String> {
        index
            .search(query, POSSIBLE)
            .into_iter()
            .map(|hit| hit.listed.entry.uid.clone())
            .collect()
    }

    #[test]
    fn a_misspelled_name_is_found_and_its_brother_is_not() {
        let index = index();
        for name in [
            "Bachar el-Assad",
            "BASHAR AL ASSAD",
            "Bashaar Assad",
            "BasharAlAssad",
        ] {
            assert_eq!(
                found(&index, &query(name, Some(Kind::Person))),
                ["1"],
                "{name}"
            );
        }
        assert_eq!(
            found(&index, &query("Joko Susilo", Some(Kind::Person))),
            [""; 0]
        );
        assert_eq!(
            found(&index, &query("Bashar Trading", Some(Kind::Entity))),
            ["4"]
        );
        assert_eq!(found(&index, &query("", None)), [""; 0]);
    }

    #[test]
    fn a_name_of_a_thousand_words_is_looked_up_like_any_other() {
        let long = format!("Bashar Assad{}", " abcdef".repeat(1_000));
        assert!(index().search(&query(&long, Some(Kind::Person)), 0).len() <= HITS_MAX);
    }

    #[test]
    fn what_is_known_beside_the_name_orders_the_hits() {
        let index = index();
        let mut asked = query("Bashar Assad", Some(Kind::Person));
        let plain = index.search(&asked, POSSIBLE);
        asked.birth = PartialDate::read("1965-09-11");
        asked.countries = vec!["SY".into()];
        let known = index.search(&asked, POSSIBLE);
        assert!(known[0].grade > plain[0].grade);
        asked.birth = PartialDate::read("1990");
        assert!(index.search(&asked, 0)[0].grade < plain[0].grade);
    }

    #[test]
    fn a_weak_alias_is_a_weaker_hit() {
        let hits = index().search(&query("Abu Hafiz", Some(Kind::Person)), POSSIBLE);
        assert_eq!(hits[0].listed.entry.uid, "1");
        assert_eq!(hits[0].name, "Abu Hafiz");
        assert!(hits[0].grade.score < 1000);
        assert_eq!(hits[0].list_score, 100);
    }

    #[test]
    fn a_country_that_is_not_known_contradicts_nothing() {
        let side = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let table: &[(&[&str], &[&str], Country)] = &[
            (&["ID"], &["SY"], Country::Different),
            (&["ID"], &["SY", "ID"], Country::Same),
            (&["ID"], &["undetermined"], Country::Unknown),
            (&["ID"], &["region crimea"], Country::Unknown),
            (&["ID"], &["SY", "undetermined"], Country::Unknown),
            (&["somewhere"], &["SY"], Country::Unknown),
            (&[], &["SY"], Country::Unknown),
            (&["ID"], &[], Country::Unknown),
        ];
        for (own, listed, expected) in table {
            let found = countries(&side(own), &side(listed));
            assert_eq!(found, *expected, "{own:?} {listed:?}");
        }
    }
}
