//! One line of a recording to one row, exactly.

use super::format::{BarSide, Format, Shape};
use crate::decimal::{self, DecimalError};
use crate::time;
use siaga_risk::event::Side;
use siaga_risk::market::PRICE_STEPS_MAX;
use siaga_risk::units::*;

/// Most columns a known format has.
const COLUMNS_MAX: usize = 16;

/// One line of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// From 1, headers not counted.
    pub row: u64,
    pub ts: Ts,
    /// The file's own clock, nanoseconds since 1970-01-01 0:00 local.
    pub local_ns: i64,
    pub data: Data,
}

impl Row {
    /// The file's own time of day rounded to milliseconds, as people print it.
    pub fn local_ms_of_day(&self) -> i64 {
        (self.local_ns.rem_euclid(DAY_NS as i64) + 500_000) / 1_000_000
    }
}

/// What a row says. Quantities are in `10^-qty_digits` of the tape, 0 = not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    Quote {
        bid: Price,
        ask: Price,
        bid_qty: Qty,
        ask_qty: Qty,
    },
    /// `prints`: raw trades merged into this one.
    Trade {
        price: Price,
        qty: Qty,
        side: Side,
        prints: u32,
    },
    Bar(Bar),
}

/// Open, high, low, close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ohlc {
    pub open: Price,
    pub high: Price,
    pub low: Price,
    pub close: Price,
}

/// A bar; which sides it has depends on the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    pub bid: Option<Ohlc>,
    pub ask: Option<Ohlc>,
    pub last: Option<Ohlc>,
    pub bid_qty: Qty,
    pub ask_qty: Qty,
    pub volume: Option<Qty>,
}

/// Why a line is no row of its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    #[error("{found} columns where the format has {}", span(.least, .most))]
    Columns {
        found: usize,
        least: usize,
        most: usize,
    },
    #[error("column {column}: {error}")]
    Number { column: usize, error: DecimalError },
    #[error("column {column}: not a time of this format")]
    Time { column: usize },
    #[error("column {column}: neither true nor false")]
    Flag { column: usize },
    #[error("column {column}: the high is below the low")]
    HighBelowLow { column: usize },
    #[error("the line is longer than any row")]
    TooLong,
}

/// How many columns a format has: 7, or 3 to 4.
fn span(least: &usize, most: &usize) -> String {
    if least == most {
        least.to_string()
    } else {
        format!("{least} to {most}")
    }
}

/// The scales a tape's numbers are read at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scales {
    pub price_digits: u8,
    pub qty_digits: u8,
}

struct Columns<'a> {
    fields: [&'a [u8]; COLUMNS_MAX],
    count: usize,
    scales: Scales,
}

impl<'a> Columns<'a> {
    fn split(line: &'a [u8], scales: Scales) -> Columns<'a> {
        let mut columns = Columns {
            fields: [b""; COLUMNS_MAX],
            count: 0,
            scales,
        };
        for field in line.split(|b| *b == b',') {
            if columns.count < COLUMNS_MAX {
                columns.fields[columns.count] = field.trim_ascii();
            }
            columns.count += 1;
        }
        columns
    }

    fn expect(&self, least: usize, most: usize) -> Result<(), RowError> {
        if self.count < least || self.count > most {
            return Err(RowError::Columns {
                found: self.count,
                least,
                most,
            });
        }
        Ok(())
    }

    fn price(&self, column: usize) -> Result<Price, RowError> {
        let read = decimal::parse_exact(self.fields[column], self.scales.price_digits);
        // The machine uses no larger one, so what it would pass over is named here with its row.
        let value = match read {
            Ok(value) if value.unsigned_abs() > PRICE_STEPS_MAX.unsigned_abs() => {
                Err(DecimalError::TooLarge)
            }
            read => read,
        };
        value.map(Price).map_err(|error| RowError::Number {
            column: column + 1,
            error,
        })
    }

    /// Points with float noise: the nearest whole point.
    fn points(&self, column: usize) -> Result<Price, RowError> {
        let value = decimal::parse_cut(self.fields[column], 1);
        value
            .map(|tenths| Price(div_round(i128::from(tenths), 10) as i64))
            .map_err(|error| RowError::Number {
                column: column + 1,
                error,
            })
    }

    fn qty(&self, column: usize) -> Result<Qty, RowError> {
        if self.fields[column].is_empty() {
            return Ok(Qty(0));
        }
        let value = decimal::parse_cut(self.fields[column], self.scales.qty_digits);
        value.map(Qty).map_err(|error| RowError::Number {
            column: column + 1,
            error,
        })
    }

    /// Four prices by their columns; how each is read is the format's.
    fn ohlc(
        &self,
        from: usize,
        price: impl Fn(&Self, usize) -> Result<Price, RowError>,
    ) -> Result<Ohlc, RowError> {
        let ohlc = Ohlc {
            open: price(self, from)?,
            high: price(self, from + 1)?,
            low: price(self, from + 2)?,
            close: price(self, from + 3)?,
        };
        if ohlc.high < ohlc.low {
            return Err(RowError::HighBelowLow { column: from + 2 });
        }
        Ok(ohlc)
    }

    /// Four prices that are all there or all empty.
    fn side(&self, from: usize) -> Result<Option<Ohlc>, RowError> {
        if self.fields[from..from + 4]
            .iter()
            .all(|field| field.is_empty())
        {
            return Ok(None);
        }
        self.ohlc(from, Self::price).map(Some)
    }

    fn whole(&self, column: usize) -> Result<i64, RowError> {
        decimal::parse_exact(self.fields[column], 0).map_err(|error| RowError::Number {
            column: column + 1,
            error,
        })
    }

    /// Milliseconds, with fractions, in nanoseconds.
    fn milliseconds_ns(&self, column: usize) -> Result<i64, RowError> {
        decimal::parse_cut(self.fields[column], 6).map_err(|error| RowError::Number {
            column: column + 1,
            error,
        })
    }

    /// Unix time in milliseconds or microseconds (dumps from 2025 on), told apart by size.
    fn unix_ns(&self, column: usize) -> Result<i64, RowError> {
        let value = self.whole(column)?;
        let scale = if value >= 100_000_000_000_000 {
            1_000
        } else {
            1_000_000
        };
        value
            .checked_mul(scale)
            .ok_or(RowError::Time { column: column + 1 })
    }

    fn flag(&self, column: usize) -> Result<bool, RowError> {
        match self.fields[column] {
            b"True" | b"true" => Ok(true),
            b"False" | b"false" => Ok(false),
            _ => Err(RowError::Flag { column: column + 1 }),
        }
    }
}

/// Reads one line.
///
/// # Errors
/// [`RowError`] naming the column, counted from 1.
pub fn parse(line: &[u8], row: u64, shape: &Shape, scales: Scales) -> Result<Row, RowError> {
    let columns = Columns::split(line, scales);
    let (local_ns, ts) = when(&columns, shape)?;
    let data = match shape.format {
        Format::LeanTick | Format::IsoTick | Format::HistData => {
            columns.expect(3, 4)?;
            Data::Quote {
                bid: columns.price(1)?,
                ask: columns.price(2)?,
                bid_qty: Qty(0),
                ask_qty: Qty(0),
            }
        }
        Format::BinanceBookTicker => {
            columns.expect(7, 7)?;
            let (bid, ask) = (columns.price(1)?, columns.price(3)?);
            Data::Quote {
                bid,
                ask,
                bid_qty: columns.qty(2)?,
                ask_qty: columns.qty(4)?,
            }
        }
        Format::BinanceAggregates | Format::BinanceAggTrades => aggregate(&columns)?,
        _ => Data::Bar(bar(&columns, shape)?),
    };
    Ok(Row {
        row,
        ts,
        local_ns,
        data,
    })
}

fn bar(columns: &Columns<'_>, shape: &Shape) -> Result<Bar, RowError> {
    match shape.format {
        Format::LeanMinuteQuote | Format::LeanDaily => {
            columns.expect(11, 11)?;
            Ok(Bar {
                bid: columns.side(1)?,
                ask: columns.side(6)?,
                bid_qty: columns.qty(5)?,
                ask_qty: columns.qty(10)?,
                ..Bar::default()
            })
        }
        Format::LeanMinuteTrade => {
            columns.expect(6, 6)?;
            let volume = Some(columns.qty(5)?);
            let ohlc = columns.ohlc(1, Columns::price)?;
            Ok(plain_bar(BarSide::Last, ohlc, volume))
        }
        Format::Mt5Bar => {
            columns.expect(6, 6)?;
            let ohlc = columns.ohlc(1, Columns::points)?;
            // Charts of a MetaTrader server are drawn from bids.
            Ok(plain_bar(BarSide::Bid, ohlc, Some(columns.qty(5)?)))
        }
        Format::DailyPrice => {
            columns.expect(2, 2)?;
            let close = columns.price(1)?;
            let ohlc = Ohlc {
                open: close,
                high: close,
                low: close,
                close,
            };
            Ok(plain_bar(BarSide::Last, ohlc, None))
        }
        _ => {
            columns.expect(5, 6)?;
            let volume = match columns.count {
                6 => Some(columns.qty(5)?),
                _ => None,
            };
            let ohlc = columns.ohlc(1, Columns::price)?;
            Ok(plain_bar(shape.side, ohlc, volume))
        }
    }
}

fn plain_bar(side: BarSide, ohlc: Ohlc, volume: Option<Qty>) -> Bar {
    let bar = Bar {
        volume,
        ..Bar::default()
    };
    match side {
        BarSide::Bid => Bar {
            bid: Some(ohlc),
            ..bar
        },
        BarSide::Ask => Bar {
            ask: Some(ohlc),
            ..bar
        },
        BarSide::Last => Bar {
            last: Some(ohlc),
            ..bar
        },
    }
}

fn aggregate(columns: &Columns<'_>) -> Result<Data, RowError> {
    columns.expect(7, 8)?;
    let prints = columns
        .whole(4)?
        .saturating_sub(columns.whole(3)?)
        .saturating_add(1);
    Ok(Data::Trade {
        price: columns.price(1)?,
        qty: columns.qty(2)?,
        // The maker bought, so the taker sold.
        side: if columns.flag(6)? {
            Side::Sell
        } else {
            Side::Buy
        },
        prints: u32::try_from(prints).unwrap_or(1),
    })
}

/// The row's time on the file's clock and in UTC.
fn when(columns: &Columns<'_>, shape: &Shape) -> Result<(i64, Ts), RowError> {
    let wrong = |column: usize| RowError::Time { column: column + 1 };
    let (column, local, offset) = match shape.format {
        Format::LeanTick | Format::LeanMinuteTrade | Format::LeanMinuteQuote => {
            let midnight = shape.date.and_then(time::midnight_ns).ok_or(wrong(0))?;
            let ns = columns.milliseconds_ns(0)?;
            if !(0..=DAY_NS as i64).contains(&ns) {
                return Err(wrong(0));
            }
            (0, Some(midnight + ns), None)
        }
        Format::LeanDaily | Format::HistData => {
            let field = columns.fields[0];
            let midnight = field
                .get(..8)
                .and_then(time::compact_date)
                .and_then(time::midnight_ns);
            let of_day = match field.get(9..) {
                Some(text) if shape.format == Format::HistData => time::compact_time_ns(text),
                _ => Some(0),
            };
            (
                0,
                midnight
                    .zip(of_day)
                    .map(|(midnight, of_day)| midnight + of_day),
                None,
            )
        }
        Format::IsoTick | Format::IsoBar | Format::Mt5Bar | Format::DailyPrice => {
            let read = time::iso_ns(columns.fields[0]);
            (
                0,
                read.map(|(ns, _)| ns),
                read.and_then(|(_, offset)| offset),
            )
        }
        Format::BinanceAggregates => {
            let read = time::iso_ns(columns.fields[5]);
            (
                5,
                read.map(|(ns, _)| ns),
                read.and_then(|(_, offset)| offset),
            )
        }
        Format::BinanceAggTrades | Format::BinanceBookTicker => {
            (5, Some(columns.unix_ns(5)?), None)
        }
    };
    let local = local.ok_or(wrong(column))?;
    let utc = match offset {
        Some(seconds) => time::Clock::Fixed(seconds).to_utc(local),
        None => shape.clock.to_utc(local),
    };
    utc.map(|ts| (local, ts)).ok_or(wrong(column))
}

/// Digits behind the point a line's prices and quantities use.
pub fn digits(line: &[u8], format: Format) -> Scales {
    let none = Scales {
        price_digits: 0,
        qty_digits: 0,
    };
    let columns = Columns::split(line, none);
    let (prices, quantities): (&[usize], &[usize]) = match format {
        Format::LeanTick | Format::IsoTick | Format::HistData => (&[1, 2], &[]),
        Format::BinanceBookTicker => (&[1, 3], &[2, 4]),
        Format::BinanceAggregates | Format::BinanceAggTrades => (&[1], &[2]),
        Format::LeanMinuteQuote | Format::LeanDaily => (&[1, 2, 3, 4, 6, 7, 8, 9], &[5, 10]),
        Format::LeanMinuteTrade | Format::IsoBar => (&[1, 2, 3, 4], &[5]),
        Format::Mt5Bar => (&[], &[5]),
        Format::DailyPrice => (&[1], &[]),
    };
    let most = |at: &[usize]| {
        at.iter()
            .map(|at| decimal::digits_used(columns.fields[*at]))
            .max()
            .unwrap_or(0)
    };
    Scales {
        price_digits: most(prices),
        qty_digits: most(quantities),
    }
}
