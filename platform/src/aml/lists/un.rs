//! The consolidated list of the UN Security Council, XML.

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::country::country;
use super::date::PartialDate;
use super::entry::{Entry, Named, Quality};
use super::source::{List, Unreadable};
use super::un_names::split;
use crate::aml::names::Kind;

/// Deepest nesting that is followed; the list has five levels.
const DEPTH_MAX: usize = 16;

/// Reads the list.
///
/// # Errors
/// Text that is no XML, or another document.
pub fn read(text: &str) -> Result<List, Unreadable> {
    let mut reader = Reader::from_str(text);
    let mut list = List::default();
    let mut path: Vec<String> = Vec::new();
    let mut content = String::new();
    let mut draft: Option<Draft> = None;
    let mut whole = false;
    loop {
        let event = reader
            .read_event()
            .map_err(|_| Unreadable::Form("the XML", "it is not well formed"))?;
        match event {
            Event::Start(start) => {
                let name = start.name().as_ref().to_owned();
                if path.len() >= DEPTH_MAX {
                    return Err(Unreadable::Form("the XML", "it is nested too deeply"));
                }
                if path.is_empty() {
                    if name != "CONSOLIDATED_LIST" {
                        return Err(Unreadable::Form(
                            "the XML",
                            "its root is not CONSOLIDATED_LIST",
                        ));
                    }
                    let published = start.try_get_attribute("dateGenerated").ok().flatten();
                    list.published =
                        published.and_then(|date| date.value.get(..10).map(str::to_owned));
                }
                match name.as_str() {
                    "INDIVIDUAL" => draft = Some(Draft::new(Kind::Person)),
                    "ENTITY" => draft = Some(Draft::new(Kind::Entity)),
                    _ => {}
                }
                content.clear();
                path.push(name);
            }
            Event::Text(text) => content.push_str(&text.xml10_content()),
            Event::CData(text) => content.push_str(&text.xml10_content()),
            Event::GeneralRef(name) => match (name.resolve_char_ref(), &*name) {
                (Ok(Some(letter)), _) => content.push(letter),
                (_, "amp") => content.push('&'),
                (_, "lt") => content.push('<'),
                (_, "gt") => content.push('>'),
                (_, "apos") => content.push('\''),
                (_, "quot") => content.push('"'),
                _ => return Err(Unreadable::Form("the XML", "it has an entity of its own")),
            },
            Event::End(_) => {
                let name = path.pop().unwrap_or_default();
                let inside = path.last().map_or("", String::as_str);
                let text = std::mem::take(&mut content);
                match name.as_str() {
                    "INDIVIDUAL" | "ENTITY" => match draft.take().and_then(Draft::finish) {
                        Some(entry) => list.entries.push(entry),
                        None => list.broken += 1,
                    },
                    "CONSOLIDATED_LIST" => whole = true,
                    _ => {
                        if let Some(draft) = &mut draft {
                            draft.take(inside, &name, text.trim());
                        }
                    }
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if whole {
        Ok(list)
    } else {
        Err(Unreadable::Form("the XML", "it ends before its root does"))
    }
}

/// An entry while it is read.
struct Draft {
    entry: Entry,
    parts: [String; 4],
    original: String,
    alias_quality: Quality,
    alias: String,
    years: [Option<i16>; 2],
    date: Option<PartialDate>,
    about: bool,
}

impl Draft {
    fn new(kind: Kind) -> Self {
        Self {
            entry: Entry {
                uid: String::new(),
                kind,
                names: Vec::new(),
                births: Vec::new(),
                countries: Vec::new(),
                programs: Vec::new(),
                remarks: String::new(),
                listed: None,
            },
            parts: Default::default(),
            original: String::new(),
            alias_quality: Quality::Strong,
            alias: String::new(),
            years: [None; 2],
            date: None,
            about: false,
        }
    }

    /// Takes one element: its parent, its name, its text.
    fn take(&mut self, inside: &str, name: &str, text: &str) {
        match (inside, name) {
            (_, "INDIVIDUAL_ALIAS" | "ENTITY_ALIAS") => self.end_alias(),
            (_, "INDIVIDUAL_DATE_OF_BIRTH") => self.end_birth(),
            _ if text.is_empty() => {}
            (_, "DATAID") => text.clone_into(&mut self.entry.uid),
            (_, "FIRST_NAME") => text.clone_into(&mut self.parts[0]),
            (_, "SECOND_NAME") => text.clone_into(&mut self.parts[1]),
            (_, "THIRD_NAME") => text.clone_into(&mut self.parts[2]),
            (_, "FOURTH_NAME") => text.clone_into(&mut self.parts[3]),
            (_, "NAME_ORIGINAL_SCRIPT") => text.clone_into(&mut self.original),
            (_, "UN_LIST_TYPE" | "REFERENCE_NUMBER") => self.entry.programs.push(text.to_owned()),
            (_, "LISTED_ON") => self.entry.listed = Some(text.chars().take(10).collect()),
            (_, "COMMENTS1") => text.clone_into(&mut self.entry.remarks),
            (_, "ALIAS_NAME") => text.clone_into(&mut self.alias),
            (_, "QUALITY") if text.eq_ignore_ascii_case("low") => {
                self.alias_quality = Quality::Weak
            }
            ("NATIONALITY", "VALUE") => self.entry.countries.extend(country(text)),
            (_, "COUNTRY") => self.entry.countries.extend(country(text)),
            ("INDIVIDUAL_DATE_OF_BIRTH", "DATE") => self.date = PartialDate::read(text),
            ("INDIVIDUAL_DATE_OF_BIRTH", "YEAR" | "FROM_YEAR") => self.years[0] = text.parse().ok(),
            ("INDIVIDUAL_DATE_OF_BIRTH", "TO_YEAR") => self.years[1] = text.parse().ok(),
            (_, "TYPE_OF_DATE") => self.about = text.eq_ignore_ascii_case("approximately"),
            _ => {}
        }
    }

    fn end_alias(&mut self) {
        let text = std::mem::take(&mut self.alias);
        let quality = std::mem::replace(&mut self.alias_quality, Quality::Strong);
        self.entry.names.extend(split(&text, quality));
    }

    fn end_birth(&mut self) {
        let years = std::mem::take(&mut self.years);
        let about = std::mem::take(&mut self.about);
        let of_years = years[0].map(|year| PartialDate {
            to_year: years[1].unwrap_or(year).max(year),
            ..PartialDate::year(year)
        });
        let date = self.date.take().or(of_years);
        self.entry
            .births
            .extend(date.map(|date| PartialDate { about, ..date }));
    }

    /// The entry; `None` without a key or a name.
    fn finish(mut self) -> Option<Entry> {
        let full = self
            .parts
            .iter()
            .filter(|part| !part.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join(" ");
        // Acronyms stand in brackets behind the name that is listed, and a second name behind a semicolon.
        self.entry.names.extend(split(&full, Quality::Strong));
        let primary = Named {
            text: full,
            quality: Quality::Primary,
        };
        self.entry.names.insert(0, primary);
        self.entry.names.push(Named {
            text: self.original,
            quality: Quality::Strong,
        });
        let entry = self.entry.tidied();
        (!entry.uid.is_empty()
            && entry
                .names
                .first()
                .is_some_and(|name| name.quality == Quality::Primary))
        .then_some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"<?xml version="1.0"?><CONSOLIDATED_LIST dateGenerated="2026-02-27T00:00:09.554Z"><INDIVIDUALS><INDIVIDUAL>
        <DATAID>1</DATAID><FIRST_NAME>ERIC &amp; CO</FIRST_NAME><SECOND_NAME>BADEGE</SECOND_NAME><UN_LIST_TYPE>DRC</UN_LIST_TYPE>
        <LISTED_ON>2012-12-31</LISTED_ON><NATIONALITY><VALUE>Rwanda</VALUE></NATIONALITY>
        <INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>AIGLE BLANC</ALIAS_NAME></INDIVIDUAL_ALIAS>
        <INDIVIDUAL_ALIAS><QUALITY/><ALIAS_NAME/></INDIVIDUAL_ALIAS>
        <INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><FROM_YEAR>1971</FROM_YEAR><TO_YEAR>1973</TO_YEAR></INDIVIDUAL_DATE_OF_BIRTH>
        <INDIVIDUAL_DATE_OF_BIRTH><DATE>1970-05-01</DATE></INDIVIDUAL_DATE_OF_BIRTH>
        </INDIVIDUAL></INDIVIDUALS><ENTITIES><ENTITY><DATAID>2</DATAID><FIRST_NAME>ADF</FIRST_NAME></ENTITY></ENTITIES></CONSOLIDATED_LIST>"#;

    #[test]
    fn persons_and_entities_are_read() {
        let list = read(TEXT).expect("a list");
        assert_eq!(list.published.as_deref(), Some("2026-02-27"));
        assert_eq!((list.entries.len(), list.broken), (2, 0));
        let person = &list.entries[0];
        assert_eq!(person.name(), "ERIC & CO BADEGE");
        assert_eq!(person.names[1].quality, Quality::Weak);
        assert_eq!(person.names.len(), 2);
        assert_eq!(person.countries, ["RW"]);
        assert_eq!(
            person
                .births
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["1970-05-01", "1971/1973"]
        );
        assert_eq!(list.entries[1].kind, Kind::Entity);
    }

    #[test]
    fn a_cut_file_and_another_document_are_refused() {
        let cut = &TEXT[..TEXT.len() - 30];
        assert!(read(cut).is_err());
        assert!(read("<html></html>").is_err());
        assert!(read("no xml").is_err());
    }
}
