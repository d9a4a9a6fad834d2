//! How alike two words are.

/// Longest word that is compared letter by letter, bytes.
const WORD_MAX: usize = 40;

/// What a word is worth of another: 1000 the same, 0 another word.
pub type Likeness = u32;

/// The same word.
pub const SAME: Likeness = 1000;

/// Written as it sounds.
const SOUNDS_SAME: Likeness = 900;

/// An initial and the name it may stand for.
const INITIAL: Likeness = 750;

/// Letters that may be wrong in a word of so many.
pub(crate) fn slips(letters: usize) -> usize {
    match letters {
        0..=2 => 0,
        3..=7 => 1,
        8..=11 => 2,
        _ => 3,
    }
}

/// How alike two folded words are.
pub fn likeness(a: &str, b: &str) -> Likeness {
    if a == b {
        return SAME;
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.len() == 1 {
        let initial = short.bytes().all(|c| c.is_ascii_alphabetic()) && long.starts_with(short);
        return if initial { INITIAL } else { 0 };
    }
    let numbers = |word: &str| word.bytes().all(|c| c.is_ascii_digit());
    if numbers(a) || numbers(b) {
        return 0;
    }
    if short.len() >= 4 && skeleton(a) == skeleton(b) {
        return SOUNDS_SAME;
    }
    let allowed = slips(long.len());
    let edits = distance(a.as_bytes(), b.as_bytes(), allowed);
    match edits {
        Some(edits) => {
            // The first letter is seldom the wrong one.
            let begins_other = usize::from(a.as_bytes().first() != b.as_bytes().first());
            let cost =
                u32::try_from((2 * edits + begins_other) * 500 / (long.len() + 1)).unwrap_or(SAME);
            SAME.saturating_sub(cost)
        }
        None => 0,
    }
}

/// What is heard of a word: letters of one sound are one letter, vowels are left out behind the first letter, doubled
/// letters are single. Names of one skeleton are spellings of each other in most transliterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Skeleton {
    sounds: [u8; WORD_MAX],
}

/// The skeleton of a folded word.
pub fn skeleton(word: &str) -> Skeleton {
    let letters = word.as_bytes();
    let mut sounds = [0u8; WORD_MAX];
    let (mut len, mut last, mut at) = (0, 0u8, 0);
    while at < letters.len() && len < WORD_MAX {
        let rest = &letters[at..];
        let (sound, taken) = match rest {
            [b'p', b'h', ..] => (b'f', 2),
            [b's', b'c', b'h', ..] => (b's', 3),
            [b'q' | b'c', ..] => (b'k', 1),
            [b'z', ..] => (b's', 1),
            [b'w', ..] => (b'v', 1),
            [b'y' | b'j', ..] if at > 0 => (b'i', 1),
            [other, ..] => (*other, 1),
            [] => break,
        };
        let silent = at > 0 && matches!(sound, b'a' | b'e' | b'i' | b'o' | b'u' | b'h');
        at += taken;
        if silent {
            last = 0;
            continue;
        }
        if last != sound {
            sounds[len] = sound;
            len += 1;
        }
        last = sound;
    }
    Skeleton { sounds }
}

/// Edits from one word to another (a swap of neighbours is one), or `None` for more than `most`.
fn distance(a: &[u8], b: &[u8], most: usize) -> Option<usize> {
    if a.len() > WORD_MAX || b.len() > WORD_MAX || a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before = [0usize; WORD_MAX + 1];
    let mut row = [0usize; WORD_MAX + 1];
    let mut next = [0usize; WORD_MAX + 1];
    for (at, cell) in row.iter_mut().enumerate() {
        *cell = at;
    }
    for (i, x) in a.iter().enumerate() {
        next[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let mut cell = (row[j] + usize::from(x != y))
                .min(row[j + 1] + 1)
                .min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                cell = cell.min(before[j - 1] + 1);
            }
            next[j + 1] = cell;
        }
        if next[..=b.len()].iter().all(|&cell| cell > most) {
            return None;
        }
        (before, row, next) = (row, next, before);
    }
    Some(row[b.len()]).filter(|&edits| edits <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_a_finger_are_forgiven_and_other_words_are_not() {
        let alike = [
            ("schulz", "scholz"),
            ("emanuel", "emmanuel"),
            ("gaddafi", "qaddafi"),
            ("bashar", "bachar"),
            ("anglea", "angela"),
            ("buchenberg", "buchenbreg"),
        ];
        for (a, b) in alike {
            assert!(likeness(a, b) >= 700, "{a} {b}: {}", likeness(a, b));
            assert_eq!(likeness(a, b), likeness(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("mbembe", "mbappe"),
            ("luxon", "luxford"),
            ("missiles", "kittens"),
            ("2006", "2007"),
            ("ri", "ra"),
        ] {
            assert_eq!(likeness(a, b), 0, "{a} {b}");
        }
        assert_eq!(likeness("n", "nursultan"), INITIAL);
        assert_eq!(likeness("m", "nursultan"), 0);
    }

    #[test]
    fn a_distance_counts_swaps_once_and_stops_at_the_most() {
        assert_eq!(distance(b"kitten", b"sitting", 3), Some(3));
        assert_eq!(distance(b"kitten", b"sitting", 2), None);
        assert_eq!(distance(b"angela", b"anglea", 1), Some(1));
        assert_eq!(distance(b"", b"ab", 2), Some(2));
    }
}
