use std::collections::{BTreeMap, BTreeSet};

use super::Entry;

/// Least entries of a new version, percent of the last good one: publishers take away a few at a time, a cut file many.
const KEPT_PCT_MIN: usize = 80;

/// Records from which on percentages say something about a file beside the main one.
const SIDE_ROWS_MIN: usize = 100;

/// Records by which a shorter one may shrink, or be broken.
const SIDE_SLACK: usize = 5;

/// Most entries that could not be read, percent.
const BROKEN_PCT_MAX: usize = 2;

/// What changed between two versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// New entries.
    pub added: Vec<Entry>,
    /// Entries that say something else.
    pub changed: Vec<Entry>,
    /// Keys of entries that are gone.
    pub removed: Vec<String>,
    /// Entries that stayed.
    pub same: usize,
}

impl Delta {
    /// Nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// What has to be screened again: the new and the changed.
    pub fn to_screen(&self) -> impl Iterator<Item = &Entry> {
        self.added.iter().chain(&self.changed)
    }
}

/// Compares new entries with the digests of the version in force, by key.
pub fn delta(in_force: &BTreeMap<String, String>, entries: Vec<Entry>) -> Delta {
    let mut delta = Delta::default();
    let mut left: BTreeMap<&str, &str> = in_force
        .iter()
        .map(|(uid, digest)| (uid.as_str(), digest.as_str()))
        .collect();
    let mut seen = BTreeSet::new();
    for entry in entries {
        if !seen.insert(entry.uid.clone()) {
            continue;
        }
        match left.remove(entry.uid.as_str()) {
            None => delta.added.push(entry),
            Some(digest) if digest == entry.digest() => delta.same += 1,
            Some(_) => delta.changed.push(entry),
        }
    }
    delta.removed = left.into_keys().map(str::to_owned).collect();
    delta
}

/// What a file was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Entries that were read.
    pub entries: usize,
    /// Records that could not be.
    pub broken: usize,
}

/// Whether a new file may replace the last good list of `before` entries.
///
/// # Errors
/// Why it may not, in words.
pub fn sane(shape: Shape, before: Option<usize>) -> Result<(), String> {
    if shape.entries == 0 {
        return Err("it holds no entry".into());
    }
    kept(shape, before)
}

/// The same for every file beside the main one, in their order: `sides` as they were read now, `before` their records in the last good
/// list as far as they are known. Such a file may be empty where it was, and a short one may lose a few records.
///
/// # Errors
/// Which may not and why, in words.
pub fn sides_sane(sides: &[Shape], before: &[usize]) -> Result<(), String> {
    for (at, shape) in sides.iter().enumerate() {
        // The main file is the first.
        side_kept(*shape, before.get(at).copied())
            .map_err(|why| format!("file {}: {why}", at + 2))?;
    }
    Ok(())
}

fn side_kept(shape: Shape, before: Option<usize>) -> Result<(), String> {
    let Shape { entries, broken } = shape;
    let before = before.unwrap_or(0);
    let refused = |what: String| Err(format!("{what}: it looks cut"));
    if before > 0 && entries == 0 {
        return refused(format!("it is empty and the one in force holds {before}"));
    }
    let rows = entries + broken;
    if rows.max(before) >= SIDE_ROWS_MIN {
        return kept(shape, Some(before));
    }
    // Of a few records one is many percent.
    if broken > SIDE_SLACK || (broken > 0 && entries == 0) {
        return Err(format!("{broken} of {rows} records cannot be read"));
    }
    if entries + SIDE_SLACK < before {
        return refused(format!(
            "it holds {entries} records and the one in force {before}"
        ));
    }
    Ok(())
}

fn kept(shape: Shape, before: Option<usize>) -> Result<(), String> {
    let Shape { entries, broken } = shape;
    if broken * 100 > (entries + broken) * BROKEN_PCT_MAX {
        return Err(format!(
            "{broken} of {} records cannot be read",
            entries + broken
        ));
    }
    match before {
        Some(before) if entries * 100 < before * KEPT_PCT_MIN => Err(format!(
            "it holds {entries} entries and the list in force {before}: it looks cut"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aml::lists::{Named, Quality};
    use crate::aml::names::Kind;

    fn entry(uid: &str, name: &str) -> Entry {
        Entry {
            uid: uid.into(),
            kind: Kind::Person,
            names: vec![Named {
                text: name.into(),
                quality: Quality::Primary,
            }],
            births: Vec::new(),
            countries: Vec::new(),
            programs: Vec::new(),
            remarks: String::new(),
            listed: None,
        }
    }

    #[test]
    fn only_what_changed_is_screened_again() {
        let before = [entry("1", "A"), entry("2", "B"), entry("3", "C")];
        let in_force = before
            .iter()
            .map(|entry| (entry.uid.clone(), entry.digest()))
            .collect();
        let delta = delta(
            &in_force,
            vec![entry("1", "A"), entry("2", "Bb"), entry("4", "D")],
        );
        assert_eq!(delta.same, 1);
        assert_eq!(
            delta.to_screen().map(Entry::name).collect::<Vec<_>>(),
            ["D", "Bb"]
        );
        assert_eq!(delta.removed, ["3"]);
    }

    #[test]
    fn a_key_that_is_there_twice_counts_once() {
        let in_force = BTreeMap::from([("1".to_owned(), entry("1", "A").digest())]);
        let delta = delta(&in_force, vec![entry("1", "A"), entry("1", "A")]);
        assert!(delta.is_empty());
    }

    #[test]
    fn a_cut_or_broken_file_replaces_nothing() {
        let table = [
            (0, 0, None, false),
            (1, 0, None, true),
            (80, 0, Some(100), true),
            (79, 0, Some(100), false),
            (98, 2, None, true),
            (97, 3, None, false),
        ];
        for (entries, broken, before, good) in table {
            let shape = Shape { entries, broken };
            assert_eq!(sane(shape, before).is_ok(), good, "{shape:?} {before:?}");
        }
    }

    #[test]
    fn a_file_beside_the_main_one_is_held_to_the_same() {
        let shape = |entries, broken| Shape { entries, broken };
        let table: &[(&[Shape], &[usize], bool)] = &[
            (&[shape(80, 0), shape(0, 0)], &[100, 0], true),
            (&[shape(79, 0), shape(0, 0)], &[100, 0], false),
            (&[shape(100, 0), shape(0, 0)], &[100, 1], false),
            (&[shape(97, 3)], &[], false),
            (&[shape(98, 2)], &[], true),
            (&[shape(0, 1)], &[], false),
            (&[shape(10, 0)], &[13], true),
            (&[shape(8, 0)], &[13], true),
            (&[shape(7, 0)], &[13], false),
            (&[shape(0, 0)], &[13], false),
            (&[shape(0, 0)], &[1], false),
            (&[shape(12, 1)], &[13], true),
            (&[shape(8, 5)], &[13], true),
            (&[shape(13, 6)], &[13], false),
            (&[shape(94, 0)], &[99], true),
            (&[shape(79, 0)], &[100], false),
            (&[shape(80, 0)], &[100], true),
            (&[shape(0, 0)], &[], true),
            (&[shape(100, 0)], &[100, 10], true),
            (&[], &[], true),
        ];
        for (sides, before, good) in table {
            let verdict = sides_sane(sides, before);
            assert_eq!(verdict.is_ok(), *good, "{sides:?} {before:?}");
        }
    }
}
