//! Recordings: tick, bar and trade files of brokers and exchanges, plain or gzipped, as exact rows.
//!
//! [`open`] tells the format from name and first line, reads the file once for the finest price and quantity in it,
//! then streams: `for row in tape`. A bad line is an `Err` item; the rows behind it go on.

mod format;
mod pacer;
mod row;

pub use crate::time::Clock;
pub use format::{BarSide, Format, Kind};
pub use pacer::{BadSpeed, Pacer, Speed};
pub use row::{Bar, Data, Ohlc, Row, RowError};

use flate2::read::MultiGzDecoder;
use format::Shape;
use jiff::civil::Date;
use row::Scales;
use siaga_risk::event::{Input, NO_VENUE_TIME, Quote, QuoteKind, Trade};
use siaga_risk::ids::{InstrumentId, SourceId};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Longest line of a recording, bytes: the known formats stay below 200.
pub const LINE_BYTES_MAX: usize = 16 * 1_024;

/// What Windows programs write before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Finest scale of prices and quantities: nine digits of price leave nine before the point.
pub const DIGITS_MAX: u8 = 9;

/// What the caller knows better than the file name.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Our symbol, e.g. `EUR/USD`.
    pub symbol: Option<String>,
    pub clock: Option<Clock>,
    /// Price digits at least (MetaTrader points: exactly).
    pub price_digits: Option<u8>,
    /// Date of a file whose rows carry only the time of day.
    pub date: Option<Date>,
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    #[error("cannot read {path}: {error}")]
    Read {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("{0} is empty")]
    Empty(PathBuf),
    #[error(
        "unknown format; the first line is \"{first_line}\". Known are LEAN ticks, minutes and days, HistData, TrueFX, ISO ticks and bars, MetaTrader 5 bars, daily prices, Binance aggregates and book tickers"
    )]
    UnknownFormat { first_line: String },
    #[error("the rows carry only a time of day and the file name has no date; give the date")]
    NoDate,
    #[error("neither the file nor its name says which clock it uses; give the offset from UTC")]
    NoClock,
    #[error("the file name does not say the symbol; give it")]
    NoSymbol,
    #[error(
        "line {line} (row {row}) has {digits} digits behind the point; at most {DIGITS_MAX} fit"
    )]
    TooFine { line: u64, row: u64, digits: u8 },
}

/// A bad line, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} (row {row}): {error}")]
pub struct BadRow {
    /// From 1, as an editor counts: headers and empty lines too.
    pub line: u64,
    /// From 1, headers and empty lines not counted.
    pub row: u64,
    pub error: RowError,
}

/// An open recording: an iterator over its rows.
pub struct Tape {
    shape: Shape,
    scales: Scales,
    rows_total: u64,
    lines: Lines,
    row: u64,
}

/// Opens a recording.
///
/// # Errors
/// [`TapeError`]: it cannot be read, its format is unknown, or something it does not say must be given.
pub fn open(path: &Path, options: &Options) -> Result<Tape, TapeError> {
    let unreadable = |error| TapeError::Read {
        path: path.to_owned(),
        error,
    };
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut lines = Lines::open(path).map_err(unreadable)?;
    let Some(first) = lines.next_line().map_err(unreadable)? else {
        return Err(TapeError::Empty(path.to_owned()));
    };
    let first = String::from_utf8_lossy(first.unwrap_or_default()).into_owned();
    let shape = format::detect(&name, &first, options)?;
    let (mut scales, rows_total) = scan(path, &shape)?;
    if shape.format == Format::Mt5Bar {
        scales.price_digits = shape.point_digits;
    } else {
        scales.price_digits = scales.price_digits.max(options.price_digits.unwrap_or(0));
    }
    let mut lines = Lines::open(path).map_err(unreadable)?;
    if shape.header {
        lines.next_line().map_err(unreadable)?;
    }
    Ok(Tape {
        shape,
        scales,
        rows_total,
        lines,
        row: 0,
    })
}

/// Reads the whole file once for its finest numbers and its length.
fn scan(path: &Path, shape: &Shape) -> Result<(Scales, u64), TapeError> {
    let unreadable = |error| TapeError::Read {
        path: path.to_owned(),
        error,
    };
    let mut lines = Lines::open(path).map_err(unreadable)?;
    if shape.header {
        lines.next_line().map_err(unreadable)?;
    }
    let mut finest = Scales {
        price_digits: 0,
        qty_digits: 0,
    };
    let mut rows = 0;
    while let Some(line) = lines.next_line().map_err(unreadable)? {
        rows += 1;
        let Some(line) = line else { continue };
        let used = row::digits(line, shape.format);
        finest.price_digits = finest.price_digits.max(used.price_digits);
        finest.qty_digits = finest.qty_digits.max(used.qty_digits.min(DIGITS_MAX));
        if finest.price_digits > DIGITS_MAX {
            return Err(TapeError::TooFine {
                line: lines.number,
                row: rows,
                digits: finest.price_digits,
            });
        }
    }
    Ok((finest, rows))
}

impl Tape {
    /// Our symbol, e.g. `EUR/USD`.
    pub fn symbol(&self) -> &str {
        &self.shape.symbol
    }

    pub fn format(&self) -> Format {
        self.shape.format
    }

    pub fn kind(&self) -> Kind {
        self.shape.format.kind()
    }

    /// The date of a file whose rows carry only the time of day.
    pub fn date(&self) -> Option<Date> {
        self.shape.date
    }

    pub fn clock(&self) -> &Clock {
        &self.shape.clock
    }

    pub fn price_digits(&self) -> u8 {
        self.scales.price_digits
    }

    pub fn qty_digits(&self) -> u8 {
        self.scales.qty_digits
    }

    /// Lines behind the header, bad ones included.
    pub fn rows_total(&self) -> u64 {
        self.rows_total
    }
}

impl Iterator for Tape {
    type Item = Result<Row, BadRow>;

    fn next(&mut self) -> Option<Self::Item> {
        // The file was read to its end once; a disk that fails now ends the tape like its end does.
        let line = self.lines.next_line().ok()??;
        self.row += 1;
        let row = self.row;
        let parsed = match line {
            Some(line) => row::parse(line, row, &self.shape, self.scales),
            None => Err(RowError::TooLong),
        };
        let line = self.lines.number;
        Some(parsed.map_err(|error| BadRow { line, row, error }))
    }
}

impl Row {
    /// The input this row is, for an instrument whose price and lot steps are the tape's. Bars are no inputs.
    pub fn input(&self, instrument: InstrumentId, source: SourceId) -> Option<Input> {
        match self.data {
            Data::Quote {
                bid,
                ask,
                bid_qty,
                ask_qty,
            } => Some(Input::Quote(Quote {
                ts: self.ts,
                bid,
                ask,
                bid_qty,
                ask_qty,
                bid_drop: 0,
                ask_rise: 0,
                venue_lag_us: NO_VENUE_TIME,
                instrument,
                source,
                merged: 0,
                kind: QuoteKind::Firm,
            })),
            Data::Trade {
                price, qty, side, ..
            } => Some(Input::Trade(Trade {
                ts: self.ts,
                price,
                qty,
                venue_lag_us: NO_VENUE_TIME,
                instrument,
                source,
                side,
            })),
            Data::Bar(_) => None,
        }
    }
}

/// Lines of a plain or gzipped file, without their ends, empty ones left out.
struct Lines {
    reader: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    /// Lines read, empty ones counted.
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> std::io::Result<Lines> {
        let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
        let gzipped = file.fill_buf()?.starts_with(&[0x1F, 0x8B]);
        let reader: Box<dyn BufRead + Send> = if gzipped {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        Ok(Lines {
            reader,
            line: Vec::with_capacity(256),
            number: 0,
        })
    }

    /// The next line; `Some(None)` = longer than any row, skipped.
    fn next_line(&mut self) -> std::io::Result<Option<Option<&[u8]>>> {
        loop {
            self.line.clear();
            let read = (&mut self.reader)
                .take(LINE_BYTES_MAX as u64)
                .read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
                self.line.drain(..BYTE_ORDER_MARK.len());
            }
            if read == LINE_BYTES_MAX && self.line.last() != Some(&b'\n') {
                self.skip_line()?;
                return Ok(Some(None));
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        Ok(Some(Some(self.line.trim_ascii())))
    }

    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            self.line.clear();
            let read = (&mut self.reader)
                .take(LINE_BYTES_MAX as u64)
                .read_until(b'\n', &mut self.line)?;
            if read == 0 || self.line.last() == Some(&b'\n') {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
#[path = "tape/tests.rs"]
mod tests;
