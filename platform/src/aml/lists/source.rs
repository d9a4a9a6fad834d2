//! Sources: where lists come from and in which form.

use super::delta::Shape;
use super::entry::Entry;
use super::{ofac, sheet, un};
use crate::aml::lists::csv::BYTES_MAX;

/// The form of a source's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OFAC's four comma-separated files.
    OfacCsv,
    /// The UN's XML.
    UnXml,
    /// PPATK's spreadsheet.
    Spreadsheet,
}

impl Format {
    /// Every form.
    pub const ALL: [Format; 3] = [Format::OfacCsv, Format::UnXml, Format::Spreadsheet];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Format::OfacCsv => "ofac_csv",
            Format::UnXml => "un_xml",
            Format::Spreadsheet => "spreadsheet",
        }
    }

    /// The form of that name.
    pub fn parse(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// How many files it has, least and most.
    pub fn files(self) -> (usize, usize) {
        match self {
            Format::OfacCsv => (3, 4),
            Format::UnXml | Format::Spreadsheet => (1, 1),
        }
    }
}

/// The files of a source in the order of its addresses: for OFAC names, aliases, addresses, comments.
pub type Files = Vec<Vec<u8>>;

/// A list as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// Who stands on it.
    pub entries: Vec<Entry>,
    /// Records of the main file that could not be read.
    pub broken: usize,
    /// The files beside the main one, in their order.
    pub sides: Vec<Shape>,
    /// The publisher's date of it.
    pub published: Option<String>,
}

/// Why files are no list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The text has another form.
    #[error("{0} cannot be read: {1}")]
    Form(&'static str, &'static str),
    /// The wrong number of files.
    #[error("{0} files were given and {1} to {2} are needed")]
    Files(usize, usize, usize),
    /// Too long.
    #[error("a file of {0} bytes is longer than any list")]
    TooLong(usize),
    /// Small when packed, and longer than any list when it is unpacked.
    #[error("it unpacks to more than {0} bytes, which is longer than any list")]
    Unpacked(u64),
    /// No UTF-8.
    #[error("file {0} is no text")]
    NoText(usize),
}

/// Reads the files of a source.
///
/// # Errors
/// [`Unreadable`].
pub fn read(format: Format, files: &Files) -> Result<List, Unreadable> {
    let (least, most) = format.files();
    if !(least..=most).contains(&files.len()) {
        return Err(Unreadable::Files(files.len(), least, most));
    }
    if let Some(long) = files.iter().find(|file| file.len() > BYTES_MAX) {
        return Err(Unreadable::TooLong(long.len()));
    }
    let text = |at: usize| match files.get(at) {
        None => Ok(String::new()),
        Some(bytes) => decode(bytes).ok_or(Unreadable::NoText(at + 1)),
    };
    match format {
        Format::OfacCsv => {
            let (main, alt, address, comments) = (text(0)?, text(1)?, text(2)?, text(3)?);
            let mut list = ofac::read(ofac::Parts {
                main: &main,
                alt: &alt,
                address: &address,
                comments: &comments,
            })?;
            // The comments need not be given; a file that is not there is not an empty one.
            list.sides.truncate(files.len() - 1);
            Ok(list)
        }
        Format::UnXml => un::read(&text(0)?),
        Format::Spreadsheet => sheet::read(files.first().map_or(&[][..], Vec::as_slice)),
    }
}

/// UTF-8, or Latin-1 where it is none: OFAC's older files hold single letters of it. A file with zero bytes is no text.
fn decode(bytes: &[u8]) -> Option<String> {
    if bytes.contains(&0) {
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        Err(_) => Some(bytes.iter().map(|&byte| char::from(byte)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_needs_its_files() {
        assert_eq!(
            read(Format::UnXml, &Vec::new()),
            Err(Unreadable::Files(0, 1, 1))
        );
        assert_eq!(
            read(Format::OfacCsv, &vec![vec![0]; 3]),
            Err(Unreadable::NoText(1))
        );
        for format in Format::ALL {
            assert_eq!(Format::parse(format.name()), Some(format));
        }
    }

    #[test]
    fn old_files_in_latin_1_are_read() {
        assert_eq!(decode(b"Jos\xE9").as_deref(), Some("José"));
        assert_eq!(decode("José".as_bytes()).as_deref(), Some("José"));
    }
}
