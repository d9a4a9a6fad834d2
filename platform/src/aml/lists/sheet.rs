//! The Indonesian lists (DTTOT: persons and organisations suspected of terrorism; DPPSPM: of financing proliferation) as PPATK
//! hands them out: a spreadsheet whose names are joined by "alias" and whose dates are written in Indonesian, as far as
//! they are known.

use std::io::Cursor;

use calamine::{Data, Reader as _, Xlsx, open_workbook_from_rs};

use super::country::{country, is_known};
use super::date::PartialDate;
use super::entry::{Entry, Named, Quality};
use super::packed;
use super::source::{List, Unreadable};
use crate::aml::names::Kind;

/// Rows above the table that may hold titles.
const TITLE_ROWS: usize = 30;

/// Longest table that is read, rows.
const ROWS_MAX: usize = 50_000;

/// Widest table, columns.
const COLUMNS_MAX: usize = 64;

/// Sheets that are looked through.
const SHEETS_MAX: usize = 20;

/// Longest workbook, bytes: ten times the longest list of PPATK. What is packed may be a thousand times as large.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes that all parts of a workbook unpack to: ten times the longest list of PPATK.
const UNPACKED_MAX: u64 = 32 * 1024 * 1024;

/// Bytes of all texts of a sheet. Cells name their texts by number, so a long one that stands once in the file may stand in every cell.
const TEXT_MAX: usize = 32 * 1024 * 1024;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Name,
    Alias,
    Kind,
    Code,
    BirthPlace,
    Birth,
    Country,
    Address,
    Description,
}

/// Headers, folded, by their beginning.
const HEADERS: &[(&str, Column)] = &[
    ("nama alias", Column::Alias),
    ("alias", Column::Alias),
    ("nama", Column::Name),
    ("terduga", Column::Kind),
    ("jenis", Column::Kind),
    ("kode", Column::Code),
    ("id", Column::Code),
    ("tpt lahir", Column::BirthPlace),
    ("tempat lahir", Column::BirthPlace),
    ("tgl lahir", Column::Birth),
    ("tanggal lahir", Column::Birth),
    ("wn", Column::Country),
    ("kewarganegaraan", Column::Country),
    ("warga negara", Column::Country),
    ("alamat", Column::Address),
    ("deskripsi", Column::Description),
    ("keterangan", Column::Description),
];

/// Reads a workbook (.xlsx). The table may stand on any sheet, below a title. Cells are taken one by one: two of
/// them in far corners of a sheet would otherwise cost all that lies between. The older form (.xls) has no such way and is refused.
///
/// # Errors
/// No workbook of that form, or no table with a column of names and one of codes.
pub fn read(bytes: &[u8]) -> Result<List, Unreadable> {
    if bytes.len() > BYTES_MAX {
        return Err(Unreadable::TooLong(bytes.len()));
    }
    packed::within(bytes, UNPACKED_MAX)?;
    let workbook = open_workbook_from_rs::<Xlsx<_>, _>(Cursor::new(bytes));
    let mut workbook = workbook
        .map_err(|_| Unreadable::Form("the file", "it is no spreadsheet of the form .xlsx"))?;
    let mut list = List::default();
    let mut found = false;
    for name in workbook.sheet_names().into_iter().take(SHEETS_MAX) {
        if let Some(grid) = grid(&mut workbook, &name)? {
            found |= read_sheet(&grid, &mut list);
        }
    }
    if found {
        Ok(list)
    } else {
        Err(Unreadable::Form(
            "the spreadsheet",
            "it has no table with the columns Nama and Kode",
        ))
    }
}

/// The rows of a sheet, as far as lists go; `None` of one without cells, as of charts.
fn grid(
    workbook: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
) -> Result<Option<Vec<Vec<Data>>>, Unreadable> {
    let Ok(mut cells) = workbook.worksheet_cells_reader(name) else {
        return Ok(None);
    };
    let mut grid: Vec<Vec<Data>> = Vec::new();
    let mut text = 0;
    loop {
        let cell = match cells.next_cell() {
            Ok(Some(cell)) => cell,
            Ok(None) => return Ok(Some(grid)),
            Err(_) => return Ok(None),
        };
        let (row, column) = cell.get_position();
        let (Ok(row), Ok(column)) = (usize::try_from(row), usize::try_from(column)) else {
            continue;
        };
        if row >= ROWS_MAX || column >= COLUMNS_MAX {
            continue;
        }
        let value = Data::from(cell.get_value().clone());
        if let Data::String(words) = &value {
            text += words.len();
        }
        if text > TEXT_MAX {
            return Err(Unreadable::Form(
                "the spreadsheet",
                "its cells hold more text than any list",
            ));
        }
        if grid.len() <= row {
            grid.resize(row + 1, Vec::new());
        }
        if grid[row].len() <= column {
            grid[row].resize(column + 1, Data::Empty);
        }
        grid[row][column] = value;
    }
}

fn read_sheet(grid: &[Vec<Data>], list: &mut List) -> bool {
    let mut rows = grid.iter();
    let header = rows.by_ref().take(TITLE_ROWS).find_map(|row| {
        let columns: Vec<Option<Column>> = row.iter().map(column).collect();
        let has = |wanted| columns.contains(&Some(wanted));
        (has(Column::Name) && has(Column::Code)).then_some(columns)
    });
    let Some(columns) = header else {
        return false;
    };
    for row in rows {
        let cell = |wanted: Column| {
            let texts = columns
                .iter()
                .zip(row)
                .filter(|(column, _)| **column == Some(wanted));
            texts
                .map(|(_, data)| text(data))
                .find(|text| !text.is_empty() && text != "-")
                .unwrap_or_default()
        };
        if row.iter().all(|data| text(data).is_empty()) {
            continue;
        }
        match entry(&cell) {
            Some(entry) => list.entries.push(entry),
            None => list.broken += 1,
        }
    }
    true
}

fn column(data: &Data) -> Option<Column> {
    let header = crate::aml::names::fold::words(&text(data)).join(" ");
    HEADERS
        .iter()
        .find(|(start, _)| header == *start || header.starts_with(&format!("{start} ")))
        .map(|(_, column)| *column)
}

/// A cell as text; a real date as one that is read again.
fn text(data: &Data) -> String {
    match data {
        Data::DateTime(date) => {
            let (year, month, day, ..) = date.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        other => other.to_string().trim().to_owned(),
    }
}

fn entry(cell: &impl Fn(Column) -> String) -> Option<Entry> {
    let mut names: Vec<Named> = split_names(&cell(Column::Name));
    let uid = cell(Column::Code);
    if names.is_empty() || uid.is_empty() {
        return None;
    }
    // Each line of the column is a name.
    let aliases = split_names(&cell(Column::Alias).replace(['\n', '\r'], ";"));
    names.extend(aliases.into_iter().map(|name| Named {
        quality: Quality::Strong,
        ..name
    }));
    let kind = match cell(Column::Kind).to_lowercase() {
        kind if kind.starts_with("korporasi")
            || kind.starts_with("entitas")
            || kind.starts_with("organisasi") =>
        {
            Kind::Entity
        }
        _ => Kind::Person,
    };
    let births = dates(&cell(Column::Birth));
    let mut countries: Vec<String> = cell(Column::Country)
        .split([';', '/', ','])
        .filter_map(country)
        .collect();
    countries.extend(
        cell(Column::BirthPlace)
            .rsplit(',')
            .next()
            .and_then(country)
            .filter(|country| is_known(country)),
    );
    let remarks = [Column::Description, Column::Address].map(cell);
    let entry = Entry {
        uid,
        kind,
        names,
        births,
        countries,
        programs: Vec::new(),
        remarks: remarks.join("\n").trim().to_owned(),
        listed: None,
    };
    Some(entry.tidied())
}

/// What stands between two dates, beside the end of a line and ";".
const BETWEEN_DATES: &[&str] = &["atau", "dan", "or", "and", "&"];

/// Begins a range, whose years a word of [`BETWEEN_DATES`] joins.
const BEGINS_RANGE: &[&str] = &["antara", "between"];

/// Joins the years of a range.
const JOINS_RANGE: &[&str] = &["dan", "and", "&"];

/// The dates of a cell. A mark that stands inside of a date (`17/08/1970`) separates only where the year of another follows: two whole
/// years in one piece would otherwise be read as all years between them.
fn dates(text: &str) -> Vec<PartialDate> {
    let mut pieces = Vec::new();
    for line in text.to_lowercase().split([';', '\n', '\r']) {
        let mut piece: Vec<&str> = Vec::new();
        for word in line.split_whitespace() {
            let years = piece.iter().filter(|one| has_year(one)).count();
            let is_joined = JOINS_RANGE.contains(&word)
                && years == 1
                && piece.iter().any(|one| BEGINS_RANGE.contains(one));
            let is_between = !is_joined && (BETWEEN_DATES.contains(&word) || word == "/");
            if is_between {
                pieces.push(piece.join(" "));
                piece.clear();
            } else {
                piece.push(word);
            }
        }
        pieces.push(piece.join(" "));
    }
    let mut dates = Vec::new();
    for piece in pieces {
        let parts: Vec<&str> = piece.split('/').collect();
        if parts.iter().filter(|part| has_year(part)).count() < 2 {
            dates.extend(PartialDate::read(&piece));
            continue;
        }
        // Of several years in one piece each ends its date: `10/05/1973/11/06/1974`.
        let ends = parts.split_inclusive(|part| has_year(part));
        dates.extend(ends.filter_map(|parts| PartialDate::read(&parts.join("/"))));
    }
    dates
}

/// Whether a text holds a year of four digits.
fn has_year(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() == 4)
}

/// Names between the word "alias", in any case and with or without a point; the first is the primary one.
fn split_names(text: &str) -> Vec<Named> {
    let mut names: Vec<Vec<&str>> = vec![Vec::new()];
    for word in text.split_whitespace() {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric());
        if plain.eq_ignore_ascii_case("alias") || plain.eq_ignore_ascii_case("als") {
            names.push(Vec::new());
        } else if let Some(last) = names.last_mut() {
            last.push(word);
        }
    }
    let texts = names.into_iter().flat_map(|words| {
        let joined = words.join(" ");
        joined
            .split(';')
            .map(|name| name.trim_matches([' ', ',', ':', '.']).to_owned())
            .collect::<Vec<_>>()
    });
    texts
        .filter(|text| !text.is_empty())
        .enumerate()
        .map(|(at, text)| Named {
            text,
            quality: if at == 0 {
                Quality::Primary
            } else {
                Quality::Strong
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sheet_fixture::{workbook, workbook_moved, workbook_with};
    use super::*;

    #[test]
    fn names_joined_by_alias_are_names_of_one() {
        let rows: &[&[&str]] = &[
            &["DAFTAR TERDUGA TERORIS DAN ORGANISASI TERORIS"],
            &[],
            &[
                "Nama",
                "Deskripsi",
                "Terduga",
                "Kode Densus",
                "Tpt Lahir",
                "Tgl Lahir",
                "WN",
                "Alamat",
            ],
            &[
                "SUKAMTO alias Abu Fulan ALIAS. Fulan Kecil",
                "",
                "Orang",
                "IDD-001",
                "Sukoharjo",
                "17 Agustus 1970",
                "Indonesia",
                "Jalan A",
            ],
            &[
                "JAMAAH CONTOH Alias J.C.",
                "-",
                "Korporasi",
                "EDD-002",
                "",
                "",
                "",
                "",
            ],
            &[
                "Anonim",
                "",
                "Orang",
                "IDD-003",
                "Mosul, Irak",
                "1971 atau 5 Mei 1973",
                "Suriah/Irak",
                "",
            ],
            &["", "", "", "", "", "", "", ""],
            &["tanpa kode", "", "Orang", "", "", "", "", ""],
        ];
        let list = read(&workbook(rows)).expect("a list");
        assert_eq!((list.entries.len(), list.broken), (3, 1));
        let person = &list.entries[0];
        assert_eq!(person.uid, "IDD-001");
        let names: Vec<_> = person.names.iter().map(|name| name.text.as_str()).collect();
        assert_eq!(names, ["SUKAMTO", "Abu Fulan", "Fulan Kecil"]);
        assert_eq!(person.births[0].to_string(), "1970-08-17");
        assert_eq!(person.countries, ["ID"]);
        assert_eq!(list.entries[1].kind, Kind::Entity);
        let third = &list.entries[2];
        assert_eq!(
            third
                .births
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["1971", "1973-05-05"]
        );
        assert_eq!(third.countries, ["IQ", "SY"]);
    }

    #[test]
    fn aliases_have_a_column_and_dates_many_marks_between_them() {
        let rows: &[&[&str]] = &[
            &["Nama", "Alias", "Terduga", "Kode Densus", "Tgl Lahir"],
            &[
                "BUDI",
                "Abu Satu; Abu Dua alias Abu Tiga\nAbu Empat",
                "Orang",
                "IDD-001",
                "17 Agustus 1970 dan 18 Agustus 1975",
            ],
            &["JOKO", "-", "Orang", "IDD-002", "10/05/1973 / 11/06/1978"],
            &["AGUS", "", "Orang", "IDD-003", "10/05/1973/11/06/1978"],
            &["DEDI", "", "Orang", "IDD-004", "1971\natau 5 Mei 1976"],
            &[
                "EKO",
                "",
                "Orang",
                "IDD-005",
                "17 Agustus 1970\n18 Agustus 1975",
            ],
            &["FAJAR", "", "Orang", "IDD-006", "1970/1975"],
            &["GUNAWAN", "", "Orang", "IDD-007", "1961 to 1963"],
            &["HADI", "", "Orang", "IDD-008", "antara 1961 dan 1969"],
            &["IWAN", "", "Orang", "IDD-009", "Between 1961 and 1969"],
            &[
                "JAYA",
                "",
                "Orang",
                "IDD-010",
                "antara 1961 & 1969 atau 5 Mei 1976",
            ],
            &[
                "KARNO",
                "",
                "Orang",
                "IDD-011",
                "antara 1961 dan 1969 dan 5 Mei 1976",
            ],
        ];
        let list = read(&workbook(rows)).expect("a list");
        let names = |at: usize| -> Vec<(&str, Quality)> {
            let names = list.entries[at].names.iter();
            names
                .map(|name| (name.text.as_str(), name.quality))
                .collect()
        };
        assert_eq!(
            names(0),
            [
                ("BUDI", Quality::Primary),
                ("Abu Satu", Quality::Strong),
                ("Abu Dua", Quality::Strong),
                ("Abu Tiga", Quality::Strong),
                ("Abu Empat", Quality::Strong),
            ]
        );
        assert_eq!(names(1), [("JOKO", Quality::Primary)]);
        let expected: [&[&str]; 11] = [
            &["1970-08-17", "1975-08-18"],
            &["1973-05-10", "1978-06-11"],
            &["1973-05-10", "1978-06-11"],
            &["1971", "1976-05-05"],
            &["1970-08-17", "1975-08-18"],
            &["1970", "1975"],
            &["1961/1963"],
            &["1961/1969"],
            &["1961/1969"],
            &["1961/1969", "1976-05-05"],
            &["1961/1969", "1976-05-05"],
        ];
        for (entry, expected) in list.entries.iter().zip(expected) {
            let births: Vec<String> = entry.births.iter().map(ToString::to_string).collect();
            assert_eq!(births, expected, "{}", entry.name());
        }
    }

    /// Two cells, a billion cells apart: a table must not become as large as the sheet.
    #[test]
    fn a_cell_in_the_far_corner_costs_nothing() {
        let rows: &[&[&str]] = &[
            &["Nama", "Kode Densus"],
            &["SUKAMTO", "IDD-001"],
            &["far away", "x"],
        ];
        let far = workbook_moved(rows, "B3", "XFD1048576");
        let list = read(&far).expect("a list");
        assert_eq!(list.entries.len(), 1);
        assert_eq!(
            read(&vec![0; BYTES_MAX + 1]),
            Err(Unreadable::TooLong(BYTES_MAX + 1))
        );
    }

    /// One text, named by every cell: the file is small, what it says is not.
    #[test]
    fn a_text_that_stands_in_every_cell_is_refused() {
        let long = "x".repeat(30_000);
        let cells: String = (3..1_500)
            .map(|row| format!("<row r=\"{row}\"><c r=\"A{row}\" t=\"s\"><v>0</v></c></row>"))
            .collect();
        let head: &[&[&str]] = &[&["Nama", "Kode Densus"], &["SUKAMTO", "IDD-001"]];
        let once = workbook_with(head, &long, "");
        assert_eq!(read(&once).expect("a list").entries.len(), 1);
        assert!(matches!(
            read(&workbook_with(head, &long, &cells)),
            Err(Unreadable::Form("the spreadsheet", _))
        ));
    }

    #[test]
    fn what_is_no_such_table_is_refused() {
        assert!(read(b"<html>gone</html>").is_err());
        assert!(read(&workbook(&[&["Nama", "Umur"], &["A", "1"]])).is_err());
    }
}
