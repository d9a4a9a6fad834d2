//! How much an archive unpacks to, before anything keeps what comes out of it.

use std::io::{Cursor, Read, copy, sink};

use zip::ZipArchive;

use super::source::Unreadable;

/// Parts of a workbook: a few for each sheet.
const PARTS_MAX: usize = 1_000;

/// Whether all parts of an archive together unpack to no more than `limit` bytes. They are unpacked to nothing, and no further than
/// that: what the archive says of their sizes is not believed.
///
/// # Errors
/// It is no archive, a part is broken, or there is more in it.
pub fn within(bytes: &[u8], limit: u64) -> Result<(), Unreadable> {
    let broken = || Unreadable::Form("the file", "it is no spreadsheet of the form .xlsx");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| broken())?;
    if archive.len() > PARTS_MAX {
        return Err(Unreadable::Unpacked(limit));
    }
    let mut left = limit;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|_| broken())?;
        let unpacked = copy(&mut part.take(left + 1), &mut sink()).map_err(|_| broken())?;
        left = left
            .checked_sub(unpacked)
            .ok_or(Unreadable::Unpacked(limit))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sheet_fixture::{archive, packed};
    use super::*;

    #[test]
    fn what_unpacks_to_more_than_the_limit_is_refused_however_small_it_is() {
        let zeros = vec![0; 300_000];
        let bomb = packed("xl/sharedStrings.xml", &zeros);
        assert!(bomb.len() < 2_000, "{} bytes", bomb.len());
        assert_eq!(within(&bomb, 300_000), Ok(()));
        assert_eq!(within(&bomb, 299_999), Err(Unreadable::Unpacked(299_999)));
        let two = archive(&[("a", "x".repeat(60)), ("b", "x".repeat(60))]);
        assert_eq!(within(&two, 120), Ok(()));
        assert_eq!(
            within(&two, 119),
            Err(Unreadable::Unpacked(119)),
            "all parts count"
        );
    }

    /// The size in its head is a promise of whoever made it.
    #[test]
    fn a_size_that_lies_is_not_believed() {
        let mut bomb = packed("xl/sharedStrings.xml", &vec![0; 300_000]);
        for at in 0..bomb.len() - 4 {
            if bomb[at..at + 4] == 300_000u32.to_le_bytes() {
                bomb[at..at + 4].copy_from_slice(&10u32.to_le_bytes());
            }
        }
        assert!(within(&bomb, 100_000).is_err());
    }

    #[test]
    fn what_is_no_archive_is_said_to_be_none() {
        assert!(matches!(within(b"<html>", 10), Err(Unreadable::Form(..))));
        assert!(matches!(within(b"", 10), Err(Unreadable::Form(..))));
    }
}
