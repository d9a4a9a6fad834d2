use super::mrz::{self, Mrz};

/// What a field may hold, and so what a misread character must have been.
#[derive(Clone, Copy)]
enum Field {
    /// Letters and fillers.
    Letters,
    /// Digits and fillers.
    Digits,
    /// Both: stays as read.
    Mixed,
}

use Field::{Digits, Letters, Mixed};

/// Fields of each line with the column behind them.
type Layout = &'static [&'static [(usize, Field)]];

const TD3: Layout = &[
    &[(44, Letters)],
    &[
        (9, Mixed),
        (10, Digits),
        (13, Letters),
        (20, Digits),
        (21, Letters),
        (28, Digits),
        (42, Mixed),
        (44, Digits),
    ],
];
const TD2: Layout = &[
    &[(36, Letters)],
    &[
        (9, Mixed),
        (10, Digits),
        (13, Letters),
        (20, Digits),
        (21, Letters),
        (28, Digits),
        (35, Mixed),
        (36, Digits),
    ],
];
const TD1: Layout = &[
    &[(5, Letters), (14, Mixed), (15, Digits), (30, Mixed)],
    &[
        (7, Digits),
        (8, Letters),
        (15, Digits),
        (18, Letters),
        (29, Mixed),
        (30, Digits),
    ],
    &[(30, Letters)],
];
const FRENCH: Layout = &[
    &[(30, Letters), (36, Mixed)],
    &[
        (4, Digits),
        (7, Mixed),
        (13, Digits),
        (27, Letters),
        (34, Digits),
        (35, Letters),
        (36, Digits),
    ],
];

/// Repairs what optical reading confuses, by the kind of field: where only digits may stand, O, Q and D
/// are 0, I is 1, Z 2, S 5, G 6, B 8; where only letters may stand, 0 is O, 1 is I, 2 is Z, 5 is S, 8 is B.
/// Fields of both kinds stay as read. Lines of another form come back unchanged.
pub fn repair<S: AsRef<str>>(lines: &[S]) -> Vec<String> {
    let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
    let Some(layout) = layout(&lines) else {
        return lines.into_iter().map(str::to_owned).collect();
    };
    lines
        .into_iter()
        .zip(layout)
        .map(|(line, fields)| repaired(line, fields))
        .collect()
}

fn layout(lines: &[&str]) -> Option<Layout> {
    if !lines.iter().all(|line| line.is_ascii()) {
        return None;
    }
    let lengths: Vec<usize> = lines.iter().map(|line| line.len()).collect();
    match lengths.as_slice() {
        [44, 44] => Some(TD3),
        [36, 36] => {
            let head: String = lines.first()?.chars().take(5).map(letter).collect();
            Some(if head == "IDFRA" { FRENCH } else { TD2 })
        }
        [30, 30, 30] => Some(TD1),
        _ => None,
    }
}

fn repaired(line: &str, fields: &[(usize, Field)]) -> String {
    let mut text = String::with_capacity(line.len());
    for (at, c) in line.chars().enumerate() {
        let field = fields
            .iter()
            .find(|(end, _)| at < *end)
            .map_or(Mixed, |(_, field)| *field);
        text.push(match field {
            Letters => letter(c),
            Digits => digit(c),
            Mixed => c,
        });
    }
    text
}

fn letter(c: char) -> char {
    match c {
        '0' => 'O',
        '1' => 'I',
        '2' => 'Z',
        '5' => 'S',
        '8' => 'B',
        other => other,
    }
}

fn digit(c: char) -> char {
    match c {
        'O' | 'Q' | 'D' => '0',
        'I' => '1',
        'Z' => '2',
        'S' => '5',
        'G' => '6',
        'B' => '8',
        other => other,
    }
}

/// The zone in a page of recognised text: the last lines that have its form after spaces are taken out
/// and short ends are filled, repaired. `None` when there is none.
pub fn find(page: &str) -> Option<(Vec<String>, Mrz)> {
    let lines: Vec<String> = page
        .lines()
        .map(cleaned)
        .filter(|line| line.len() >= 28 && line.contains('<'))
        .collect();
    for (count, length) in [(2, 44), (3, 30), (2, 36)] {
        let found = lines.windows(count).rev().find_map(|window| {
            let filled: Option<Vec<String>> =
                window.iter().map(|line| filled(line, length)).collect();
            let zone = repair(&filled?);
            mrz::read(&zone).ok().map(|read| (zone, read))
        });
        if found.is_some() {
            return found;
        }
    }
    None
}

fn cleaned(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.trim().chars().filter(|c| !c.is_whitespace()) {
        match c {
            '«' | '≪' => text.push_str("<<"),
            '‹' => text.push('<'),
            c => text.push(c.to_ascii_uppercase()),
        }
    }
    text
}

/// The line at `length`: fillers at the end are read short or long, everything else is not touched.
fn filled(line: &str, length: usize) -> Option<String> {
    if !line.is_ascii() {
        return None;
    }
    let body = line.trim_end_matches('<').len();
    match line.len() {
        exact if exact == length => Some(line.to_owned()),
        longer if longer > length && body <= length => line.get(..length).map(str::to_owned),
        shorter if shorter < length && body < shorter && length - shorter <= FILL_MAX => {
            Some(format!("{line:<<length$}"))
        }
        _ => None,
    }
}

/// Fillers that may have been lost at the end of a line.
const FILL_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_in_a_page_and_repaired() {
        let page = "REPUBLIK INDONESIA\nPASPOR\n\nP<UT0ERIK55ON<<ANNA<MAR1A<<<<<<<<<<<<<<<<<\nL898902C36UTO740BIZZF12041S9 ZE184226B<<<<<1O\n";
        let (lines, mrz) = find(page).expect("a zone");
        assert_eq!(
            lines,
            [
                "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
                "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
            ]
        );
        assert!(mrz.checks.all());
        assert!(find("nothing < here\nand < nothing there").is_none());
    }

    #[test]
    fn the_french_card_is_known_although_its_head_was_misread() {
        let lines = repair(&[
            "1DFRATE5T<NAME<<<<<<<<<<<<<<<<0CHE02",
            "I7I0GVA123451RO8ERTA<<<<<<<9IIZ3IIF2",
        ]);
        assert_eq!(
            lines,
            [
                "IDFRATEST<NAME<<<<<<<<<<<<<<<<0CHE02",
                "1710GVA123451ROBERTA<<<<<<<9112311F2"
            ]
        );
    }
}
