//! The file of a dump. Line 1 says what it is, a line `{"table":…}` opens each table, every other
//! line is one row, the last line counts the rows and holds the checksum of all lines before it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::DumpError;

const FORMAT: u64 = 1;

/// Writes beside the old file and takes its place only when whole.
pub(super) struct Writer {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    digest: Sha256,
    rows: u64,
}

impl Writer {
    pub(super) fn create(path: &Path, at: Timestamp) -> Result<Self, DumpError> {
        let folder = folder_of(path);
        let file = NamedTempFile::new_in(folder).map_err(|error| failed(path, error))?;
        let mut writer = Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            digest: Sha256::new(),
            rows: 0,
        };
        writer.line(&json!({"siaga_platform_dump": FORMAT, "at": at.to_string()}).to_string())?;
        Ok(writer)
    }

    pub(super) fn table(&mut self, name: &str, columns: &[String]) -> Result<(), DumpError> {
        self.line(&json!({"table": name, "columns": columns}).to_string())
    }

    /// Rows are JSON objects as PostgreSQL writes them: line ends inside strings are escaped.
    pub(super) fn rows(&mut self, rows: &[String]) -> Result<(), DumpError> {
        self.rows += rows.len() as u64;
        rows.iter().try_for_each(|row| self.line(row))
    }

    pub(super) fn finish(mut self) -> Result<(), DumpError> {
        let end = json!({"end": self.rows, "sha256": hex(&self.digest.clone().finalize())});
        self.line(&end.to_string())?;
        let path = self.path;
        let written = || -> std::io::Result<()> {
            let file = self.file.into_inner().map_err(|error| error.into_error())?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            File::open(folder_of(&path))?.sync_all()
        };
        written().map_err(|error| failed(&path, error))
    }

    fn line(&mut self, line: &str) -> Result<(), DumpError> {
        self.digest.update(line.as_bytes());
        self.digest.update(b"\n");
        let written = self
            .file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|error| failed(&self.path, error))
    }
}

/// A line of a dump that was found whole.
pub(super) enum Line {
    Table { name: String, columns: Vec<String> },
    Row(String),
}

/// When a whole dump was made; the checksum of every line was compared.
pub(super) fn verify(path: &Path) -> Result<Timestamp, DumpError> {
    let mut digest = Sha256::new();
    let mut at = None;
    let mut ended = None;
    let mut rows = 0u64;
    let mut last = 0;
    for (number, line) in lines(path)? {
        let line = line.map_err(|error| failed(path, error))?;
        last = number;
        if ended.is_some() {
            return Err(damaged(path, number, "lines after the end"));
        }
        match read_marker(&line) {
            Some(Marker::Head(format, when)) if number == 1 && format == FORMAT => {
                at = when.parse().ok()
            }
            _ if number == 1 => {
                return Err(damaged(path, 1, "this is no platform dump of this format"));
            }
            Some(Marker::End(count, sum)) => {
                ended = Some(());
                if count != rows || sum != hex(&digest.clone().finalize()) {
                    return Err(damaged(
                        path,
                        number,
                        "the checksum does not match what stands before it",
                    ));
                }
            }
            Some(Marker::Table(..)) => {}
            _ => rows += 1,
        }
        digest.update(line.as_bytes());
        digest.update(b"\n");
    }
    match (at, ended) {
        (Some(at), Some(())) => Ok(at),
        _ => Err(damaged(path, last, "the end is missing")),
    }
}

/// The tables and rows of a verified dump.
pub(super) fn read(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Line, DumpError>>, DumpError> {
    let owned = path.to_owned();
    let lines = lines(path)?;
    Ok(lines.filter_map(move |(_, line)| match line {
        Err(error) => Some(Err(failed(&owned, error))),
        Ok(line) => match read_marker(&line) {
            Some(Marker::Head(..) | Marker::End(..)) => None,
            Some(Marker::Table(name, columns)) => Some(Ok(Line::Table { name, columns })),
            None => Some(Ok(Line::Row(line))),
        },
    }))
}

enum Marker {
    Head(u64, String),
    Table(String, Vec<String>),
    End(u64, String),
}

/// Rows are told from markers by their first key, which is a column of the table and none of these.
fn read_marker(line: &str) -> Option<Marker> {
    let starts = [
        "{\"siaga_platform_dump\"",
        "{\"at\"",
        "{\"columns\"",
        "{\"table\"",
        "{\"end\"",
    ];
    if !starts.iter().any(|start| line.starts_with(start)) {
        return None;
    }
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(format) = value.get("siaga_platform_dump") {
        return Some(Marker::Head(format.as_u64()?, text("at")?));
    }
    if let Some(count) = value.get("end") {
        return Some(Marker::End(count.as_u64()?, text("sha256")?));
    }
    let columns = value.get("columns")?.as_array()?;
    let columns = columns
        .iter()
        .filter_map(|column| column.as_str().map(str::to_owned))
        .collect();
    Some(Marker::Table(text("table")?, columns))
}

type Lines = Box<dyn Iterator<Item = (u64, std::io::Result<String>)> + Send>;

fn lines(path: &Path) -> Result<Lines, DumpError> {
    let file = File::open(path).map_err(|error| failed(path, error))?;
    Ok(Box::new((1..).zip(BufReader::new(file).lines())))
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn failed(path: &Path, error: std::io::Error) -> DumpError {
    DumpError::File {
        path: path.display().to_string(),
        error,
    }
}

fn damaged(path: &Path, line: u64, what: &str) -> DumpError {
    DumpError::Damaged {
        path: path.display().to_string(),
        line,
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folder: &Path) -> PathBuf {
        let path = folder.join("platform.dump");
        let mut writer = Writer::create(&path, Timestamp::UNIX_EPOCH).expect("create");
        writer
            .table("notes", &["hash".into(), "text".into()])
            .expect("table");
        writer
            .rows(&[r#"{"hash":1,"text":"a\nb"}"#.into()])
            .expect("row");
        writer.finish().expect("finish");
        path
    }

    #[test]
    fn every_damaged_byte_is_found() {
        let folder = tempfile::tempdir().expect("folder");
        let path = written(folder.path());
        let whole = std::fs::read(&path).expect("read");
        verify(&path).expect("whole");
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 1;
            std::fs::write(&path, &broken).expect("write");
            assert!(verify(&path).is_err(), "byte {at}");
            std::fs::write(&path, &whole[..at]).expect("write");
            // Without its last line end the dump is still whole.
            assert!(
                verify(&path).is_err() || at == whole.len() - 1,
                "cut at {at}"
            );
        }
    }

    #[test]
    fn an_unfinished_dump_leaves_the_old_one() {
        let folder = tempfile::tempdir().expect("folder");
        let path = written(folder.path());
        let before = std::fs::read(&path).expect("read");
        let mut writer = Writer::create(&path, Timestamp::UNIX_EPOCH).expect("create");
        writer.table("notes", &["hash".into()]).expect("table");
        drop(writer);
        assert_eq!(std::fs::read(&path).expect("read"), before);
        assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 1);
    }
}
