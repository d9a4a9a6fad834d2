//! OFAC's lists in their fixed comma-separated form: `sdn.csv`, `alt.csv`, `add.csv` and `sdn_comments.csv`, and the same
//! four of the consolidated list. `-0-` stands for nothing.

use std::collections::BTreeMap;

use super::country::country;
use super::csv::records;
use super::date::PartialDate;
use super::delta::Shape;
use super::entry::{Entry, Named, Quality};
use super::source::{List, Unreadable};
use crate::aml::names::Kind;

/// Fields of a record of each file.
const MAIN_FIELDS: usize = 12;
const ALT_FIELDS: usize = 5;
const ADDRESS_FIELDS: usize = 6;
const COMMENT_FIELDS: usize = 2;

/// The four files as text; the last three may be empty.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// Names and remarks.
    pub main: &'a str,
    /// Aliases.
    pub alt: &'a str,
    /// Addresses.
    pub address: &'a str,
    /// Remarks that were too long for the first.
    pub comments: &'a str,
}

/// Reads the list.
///
/// # Errors
/// A file that is none of these.
pub fn read(parts: Parts<'_>) -> Result<List, Unreadable> {
    let mut list = List::default();
    let aliases = grouped(parts.alt, "alt.csv", ALT_FIELDS, &mut list)?;
    let addresses = grouped(parts.address, "add.csv", ADDRESS_FIELDS, &mut list)?;
    let comments = grouped(
        parts.comments,
        "sdn_comments.csv",
        COMMENT_FIELDS,
        &mut list,
    )?;
    let main = records(parts.main).ok_or(Unreadable::Form("sdn.csv", "a quote is not closed"))?;
    for record in main {
        if record.len() != MAIN_FIELDS || !is_numbered(&record) {
            list.broken += 1;
            continue;
        }
        let uid = record[0].trim().to_owned();
        let rows =
            |of: &'_ BTreeMap<String, Vec<Vec<String>>>| of.get(&uid).cloned().unwrap_or_default();
        list.entries.push(entry(
            &record,
            &rows(&aliases),
            &rows(&addresses),
            &rows(&comments),
        ));
    }
    Ok(list)
}

/// Every record begins with the number of its entry.
fn is_numbered(record: &[String]) -> bool {
    let number = record.first().map(|field| field.trim());
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()))
}

/// Records of one file by the number of their entry.
fn grouped(
    text: &str,
    file: &'static str,
    fields: usize,
    list: &mut List,
) -> Result<BTreeMap<String, Vec<Vec<String>>>, Unreadable> {
    let mut groups: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    let mut shape = Shape {
        entries: 0,
        broken: 0,
    };
    for record in records(text).ok_or(Unreadable::Form(file, "a quote is not closed"))? {
        if record.len() < fields || !is_numbered(&record) {
            shape.broken += 1;
            continue;
        }
        shape.entries += 1;
        groups
            .entry(record[0].trim().to_owned())
            .or_default()
            .push(record);
    }
    list.sides.push(shape);
    Ok(groups)
}

/// A field, or nothing.
fn field(record: &[String], at: usize) -> Option<&str> {
    let text = record.get(at)?.trim();
    (!text.is_empty() && text != "-0-").then_some(text)
}

fn entry(
    record: &[String],
    aliases: &[Vec<String>],
    addresses: &[Vec<String>],
    comments: &[Vec<String>],
) -> Entry {
    let kind = match field(record, 2) {
        Some("individual") => Kind::Person,
        Some("vessel") => Kind::Vessel,
        Some("aircraft") => Kind::Aircraft,
        _ => Kind::Entity,
    };
    let mut remarks = field(record, 11).unwrap_or_default().to_owned();
    for comment in comments {
        remarks.push_str(comment.get(1).map_or("", String::as_str));
    }
    let mut names = vec![Named {
        text: field(record, 1).unwrap_or_default().to_owned(),
        quality: Quality::Primary,
    }];
    names.extend(
        aliases
            .iter()
            .filter_map(|alias| field(alias, 3))
            .map(|text| Named {
                text: text.to_owned(),
                quality: Quality::Strong,
            }),
    );
    names.extend(weak_names(&remarks).map(|text| Named {
        text,
        quality: Quality::Weak,
    }));
    let mut countries: Vec<String> = addresses
        .iter()
        .filter_map(|address| field(address, 4))
        .filter_map(country)
        .collect();
    let mut births = Vec::new();
    for remark in remarks.split(';').map(str::trim) {
        let remark = remark.trim_end_matches('.');
        let remark = remark.strip_prefix("alt. ").unwrap_or(remark);
        if let Some(date) = remark.strip_prefix("DOB ") {
            births.extend(PartialDate::read(date));
        }
        for start in ["nationality ", "citizen ", "Nationality of Registration "] {
            countries.extend(remark.strip_prefix(start).and_then(country));
        }
        if let Some(place) = remark.strip_prefix("POB ") {
            countries.extend(place.rsplit(',').next().and_then(country));
        }
    }
    Entry {
        uid: record[0].trim().to_owned(),
        kind,
        names,
        births,
        countries,
        programs: field(record, 3)
            .unwrap_or_default()
            .split("] [")
            .map(|program| program.trim_matches(['[', ']']).to_owned())
            .collect(),
        remarks,
        listed: None,
    }
    .tidied()
}

/// Weak aliases stand in the remarks: `a.k.a. 'BNC'`.
fn weak_names(remarks: &str) -> impl Iterator<Item = String> {
    remarks.split(';').filter_map(|remark| {
        let (_, quoted) = remark.split_once(".k.a. '")?;
        let end = quoted.rfind('\'')?;
        Some(quoted[..end].to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "36,\"AEROCARIBBEAN AIRLINES\",-0- ,\"CUBA\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"a.k.a. 'ACB'.\"\r\n\
        2676,\"AL ZAWAHIRI, Dr. Ayman\",\"individual\",\"SDGT] [SDT\",\"Leader\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"DOB 19 Jun 1951; POB Giza, Egypt; alt. DOB 1952; citizen Iraq\"";

    #[test]
    fn the_four_files_make_one_entry() {
        let list = read(Parts {
            main: MAIN,
            alt: "36,12,\"aka\",\"AERO-CARIBBEAN\",-0- ",
            address: "36,25,-0- ,\"Havana\",\"Cuba\",-0- ",
            comments: "2676,\"; Linked To: X.\"",
        })
        .expect("a list");
        assert_eq!((list.entries.len(), list.broken), (2, 0));
        let whole = Shape {
            entries: 1,
            broken: 0,
        };
        assert_eq!(list.sides, [whole; 3]);
        let airline = &list.entries[0];
        assert_eq!(airline.kind, Kind::Entity);
        assert_eq!(airline.countries, ["CU"]);
        let names: Vec<_> = airline
            .names
            .iter()
            .map(|name| (name.text.as_str(), name.quality))
            .collect();
        assert_eq!(
            names,
            [
                ("AEROCARIBBEAN AIRLINES", Quality::Primary),
                ("AERO-CARIBBEAN", Quality::Strong),
                ("ACB", Quality::Weak)
            ]
        );
        let person = &list.entries[1];
        assert_eq!(person.kind, Kind::Person);
        assert_eq!(person.programs, ["SDGT", "SDT"]);
        assert_eq!(
            person
                .births
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["1951-06-19", "1952"]
        );
        assert_eq!(person.countries, ["EG", "IQ"]);
        assert!(person.remarks.ends_with("; Linked To: X."));
    }

    #[test]
    fn a_page_of_a_web_server_is_no_list() {
        let list = read(Parts {
            main: "<html><body>Service unavailable, try later</body></html>",
            alt: "",
            address: "",
            comments: "",
        })
        .expect("lines");
        assert_eq!((list.entries.len(), list.broken), (0, 1));
        let list = read(Parts {
            main: MAIN,
            alt: "<html>a, page, of, five, fields\n36,12,\"aka\",\"AERO-CARIBBEAN\",-0- ",
            address: "",
            comments: "",
        })
        .expect("lines");
        let alt = Shape {
            entries: 1,
            broken: 1,
        };
        assert_eq!(list.sides[0], alt);
    }
}
