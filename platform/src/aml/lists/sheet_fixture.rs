//! A small workbook for tests, made here so that no binary file is kept: an archive of stored parts.

use std::io::{Cursor, Write as _};

use zip::write::{SimpleFileOptions, ZipWriter};

/// The workbook of one sheet with these rows.
pub fn workbook(rows: &[&[&str]]) -> Vec<u8> {
    workbook_moved(rows, "-", "-")
}

/// The same with one cell at another place.
pub fn workbook_moved(rows: &[&[&str]], from: &str, to: &str) -> Vec<u8> {
    archive(&parts(rows, "", |sheet| {
        sheet.replace(&format!("r=\"{from}\""), &format!("r=\"{to}\""))
    }))
}

/// The workbook of one sheet with these rows, one text that cells may name as their number 0, and more rows as they are written.
pub fn workbook_with(rows: &[&[&str]], text: &str, more: &str) -> Vec<u8> {
    archive(&parts(rows, text, |sheet| {
        sheet.replace("</sheetData>", &format!("{more}</sheetData>"))
    }))
}

fn parts(
    rows: &[&[&str]],
    text: &str,
    write: impl Fn(&str) -> String,
) -> Vec<(&'static str, String)> {
    const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let cell = |(at, text): (usize, &&str), row: usize| {
        let column = char::from(b"ABCDEFGHIJ"[at]);
        format!(
            "<c r=\"{column}{row}\" t=\"inlineStr\"><is><t>{}</t></is></c>",
            text.replace('&', "&amp;")
        )
    };
    let rows: String = rows
        .iter()
        .enumerate()
        .map(|(at, cells)| {
            let cells: String = cells
                .iter()
                .enumerate()
                .map(|column| cell(column, at + 1))
                .collect();
            format!("<row r=\"{}\">{cells}</row>", at + 1)
        })
        .collect();
    vec![
        (
            "[Content_Types].xml",
            "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"></Types>".into(),
        ),
        (
            "_rels/.rels",
            format!(
                "<?xml version=\"1.0\"?><Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<?xml version=\"1.0\"?><Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<?xml version=\"1.0\"?><workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"DTTOT\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/sharedStrings.xml",
            format!("<?xml version=\"1.0\"?><sst xmlns=\"{MAIN}\"><si><t>{text}</t></si></sst>"),
        ),
        (
            "xl/worksheets/sheet1.xml",
            write(&format!(
                "<?xml version=\"1.0\"?><worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>"
            )),
        ),
    ]
}

/// An archive of one part that is packed.
pub fn packed(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive
        .start_file(name, SimpleFileOptions::default())
        .expect("a part");
    archive.write_all(bytes).expect("packed");
    archive.finish().expect("an archive").into_inner()
}

/// A ZIP archive whose parts are stored as they are (APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16).
pub fn archive(parts: &[(&str, String)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in parts {
        let start = u32::try_from(file.len()).expect("small");
        let (name_len, size) = (
            u16::try_from(name.len()).expect("short"),
            u32::try_from(text.len()).expect("small"),
        );
        let mut common = Vec::new();
        // Version 2.0, no flags, stored, no time, 1 January 1980.
        for field in [20u16, 0, 0, 0, 0x21] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc32(text.as_bytes()), size, size] {
            common.extend(field.to_le_bytes());
        }
        common.extend(name_len.to_le_bytes());
        common.extend(0u16.to_le_bytes());
        file.extend(0x0403_4b50u32.to_le_bytes());
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(text.as_bytes());
        directory.extend(0x0201_4b50u32.to_le_bytes());
        directory.extend(20u16.to_le_bytes());
        directory.extend(&common);
        // No comment, first disk, no attributes.
        directory.extend([0u8; 2 + 2 + 2 + 4]);
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(parts.len()).expect("few");
    let (at, size) = (
        u32::try_from(file.len()).expect("small"),
        u32::try_from(directory.len()).expect("small"),
    );
    file.extend(directory);
    file.extend(0x0605_4b50u32.to_le_bytes());
    for field in [0u16, 0, count, count] {
        file.extend(field.to_le_bytes());
    }
    file.extend(size.to_le_bytes());
    file.extend(at.to_le_bytes());
    file.extend(0u16.to_le_bytes());
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}
