//! The kinds of recordings we read, told apart by name and first line; what a format's rows hold.

use super::{Options, TapeError};
use crate::time::Clock;
use jiff::civil::Date;

/// A format of recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// LEAN: `ms_since_midnight,bid,ask`.
    LeanTick,
    /// LEAN: `ms,open,high,low,close,volume`.
    LeanMinuteTrade,
    /// LEAN: `ms,bidO,bidH,bidL,bidC,bidSize,askO,askH,askL,askC,askSize`, a side may be empty.
    LeanMinuteQuote,
    /// LEAN: the same eleven columns behind `YYYYMMDD HH:MM`.
    LeanDaily,
    /// HistData: `YYYYMMDD HHMMSSmmm,bid,ask,volume`, UTC-5 all year.
    HistData,
    /// `timestamp,bid,ask` with ISO times.
    IsoTick,
    /// `timestamp,open,high,low,close[,volume]` with ISO times.
    IsoBar,
    /// MetaTrader 5 export: `Date,open,high,low,close,tick_volume`, server time, prices in points with float noise.
    Mt5Bar,
    /// `Date,Price`, one a day.
    DailyPrice,
    /// Binance aggregates: `aggregate_trade_id,price,quantity…,first_trade_id,last_trade_id,time_utc,buyer_is_maker`.
    BinanceAggregates,
    /// Binance public dump of aggregates: `id,price,qty,first,last,time,buyer_is_maker[,best_match]`, no header.
    BinanceAggTrades,
    /// Binance public dump: `update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time`.
    BinanceBookTicker,
}

/// What the rows of a recording are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Quotes,
    Trades,
    Bars,
}

/// Which side a file of plain bars shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarSide {
    Bid,
    Ask,
    Last,
}

/// Everything name, first line and options say of a file.
#[derive(Clone, Debug)]
pub struct Shape {
    pub format: Format,
    pub symbol: String,
    pub clock: Clock,
    pub date: Option<Date>,
    pub side: BarSide,
    /// MetaTrader writes points: `10^-point_digits`.
    pub point_digits: u8,
    /// The first line is a header.
    pub header: bool,
}

impl Format {
    pub fn kind(self) -> Kind {
        match self {
            Format::LeanTick | Format::HistData | Format::IsoTick | Format::BinanceBookTicker => {
                Kind::Quotes
            }
            Format::BinanceAggregates | Format::BinanceAggTrades => Kind::Trades,
            _ => Kind::Bars,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Format::LeanTick => "lean-tick",
            Format::LeanMinuteTrade => "lean-minute-trade",
            Format::LeanMinuteQuote => "lean-minute-quote",
            Format::LeanDaily => "lean-daily",
            Format::HistData => "histdata",
            Format::IsoTick => "iso-tick",
            Format::IsoBar => "iso-bar",
            Format::Mt5Bar => "mt5-bar",
            Format::DailyPrice => "daily-price",
            Format::BinanceAggregates => "binance-aggregates",
            Format::BinanceAggTrades => "binance-aggtrades",
            Format::BinanceBookTicker => "binance-bookticker",
        }
    }
}

/// Tells what a file is.
///
/// # Errors
/// [`TapeError::UnknownFormat`] with what was seen; `NoDate`, `NoClock`, `NoSymbol` when the name does not say them and no option does.
pub fn detect(file_name: &str, first_line: &str, options: &Options) -> Result<Shape, TapeError> {
    let stem = stem(file_name);
    let words: Vec<&str> = stem.split('_').collect();
    let (format, header) =
        recognise(&words, first_line).ok_or_else(|| TapeError::UnknownFormat {
            first_line: first_line.chars().take(80).collect(),
        })?;
    let word = |known: &str| words.iter().any(|word| word.eq_ignore_ascii_case(known));
    let date = options
        .date
        .or_else(|| words.iter().rev().find_map(|word| date_of(word)));
    if date.is_none()
        && matches!(
            format,
            Format::LeanTick | Format::LeanMinuteTrade | Format::LeanMinuteQuote
        )
    {
        return Err(TapeError::NoDate);
    }
    let clock = match &options.clock {
        Some(clock) => clock.clone(),
        None => match format {
            Format::HistData => Clock::EST,
            Format::Mt5Bar => Clock::server(),
            Format::LeanTick if word("fxcm") => Clock::EST,
            Format::LeanTick if !word("oanda") => return Err(TapeError::NoClock),
            _ => Clock::UTC,
        },
    };
    let symbol = match &options.symbol {
        Some(symbol) => symbol.clone(),
        None => symbol_among(&words).ok_or(TapeError::NoSymbol)?,
    };
    let side = if word("bid") {
        BarSide::Bid
    } else if word("ask") {
        BarSide::Ask
    } else {
        BarSide::Last
    };
    // A point is a tenth of a pip: 3 digits against the yen, 5 elsewhere.
    let point_digits = options
        .price_digits
        .unwrap_or(if symbol.ends_with("JPY") { 3 } else { 5 });
    Ok(Shape {
        format,
        symbol,
        clock,
        date,
        side,
        point_digits,
        header,
    })
}

fn stem(file_name: &str) -> &str {
    let name = file_name.strip_suffix(".gz").unwrap_or(file_name);
    name.strip_suffix(".csv")
        .or_else(|| name.strip_suffix(".txt"))
        .unwrap_or(name)
}

fn recognise(words: &[&str], first_line: &str) -> Option<(Format, bool)> {
    let columns: Vec<&str> = first_line.trim().split(',').map(str::trim).collect();
    let headers: Vec<String> = columns
        .iter()
        .map(|column| column.to_ascii_lowercase())
        .collect();
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    match headers.as_slice() {
        ["timestamp", "bid", "ask"] => return Some((Format::IsoTick, true)),
        ["timestamp", "open", "high", "low", "close"]
        | ["timestamp", "open", "high", "low", "close", "volume"] => {
            return Some((Format::IsoBar, true));
        }
        ["date", "open", "high", "low", "close", "tick_volume"] => {
            return Some((Format::Mt5Bar, true));
        }
        ["date", "price"] => return Some((Format::DailyPrice, true)),
        [
            "aggregate_trade_id",
            "price",
            _,
            "first_trade_id",
            "last_trade_id",
            "time_utc",
            "buyer_is_maker",
        ] => {
            return Some((Format::BinanceAggregates, true));
        }
        [
            "update_id",
            "best_bid_price",
            "best_bid_qty",
            "best_ask_price",
            "best_ask_qty",
            "transaction_time",
            "event_time",
        ] => {
            return Some((Format::BinanceBookTicker, true));
        }
        _ => {}
    }
    let plain = |column: &str| crate::decimal::parse_cut(column.as_bytes(), 6).is_ok();
    let milliseconds = plain(columns[0]);
    let word = |known: &str| words.iter().any(|word| word.eq_ignore_ascii_case(known));
    let stamp: Vec<&str> = columns[0].split(' ').collect();
    match (columns.len(), stamp.as_slice()) {
        (3, [_]) if milliseconds && columns.iter().all(|column| plain(column)) => {
            Some((Format::LeanTick, false))
        }
        (6, [_]) if milliseconds && word("trade") => Some((Format::LeanMinuteTrade, false)),
        (11, [_]) if milliseconds => Some((Format::LeanMinuteQuote, false)),
        (11, [date, time]) if date.len() == 8 && time.len() == 5 => {
            Some((Format::LeanDaily, false))
        }
        (3 | 4, [date, time]) if date.len() == 8 && time.len() == 9 => {
            Some((Format::HistData, false))
        }
        (7 | 8, [_])
            if milliseconds && matches!(columns[6], "True" | "False" | "true" | "false") =>
        {
            Some((Format::BinanceAggTrades, false))
        }
        _ => None,
    }
}

fn date_of(word: &str) -> Option<Date> {
    crate::time::compact_date(word.as_bytes())
}

/// The first word that is a pair in a currency we know, or else the first that may be a symbol: names of files begin
/// with whoever made them (`DAT_ASCII_XAUUSD_T_202001`).
fn symbol_among(words: &[&str]) -> Option<String> {
    const QUOTES: [&str; 21] = [
        "USD", "EUR", "JPY", "GBP", "CHF", "AUD", "NZD", "CAD", "USDT", "IDR", "SGD", "HKD", "CNH",
        "SEK", "NOK", "DKK", "PLN", "TRY", "ZAR", "MXN", "BTC",
    ];
    let symbols: Vec<String> = words.iter().filter_map(|word| symbol_of(word)).collect();
    let pair = symbols.iter().find(|symbol| {
        let quote = symbol.split_once('/').map(|(_, quote)| quote);
        quote.is_some_and(|quote| QUOTES.contains(&quote))
    });
    pair.or(symbols.first()).cloned()
}

/// `EURUSD` → `EUR/USD`, `ATOMUSDT` → `ATOM/USDT`, `wti` → `WTI`, `GCZ3` and `BTC-PERP` as they are.
fn symbol_of(word: &str) -> Option<String> {
    // What brokers, sources and sizes are called in file names.
    const NOT_SYMBOLS: [&str; 24] = [
        "oanda",
        "fxcm",
        "comex",
        "lean",
        "mt5",
        "ftx",
        "histdata",
        "truefx",
        "binance",
        "kraken",
        "oil",
        "tick",
        "minute",
        "daily",
        "trade",
        "quote",
        "bid",
        "ask",
        "flash",
        "m1",
        "h1",
        "1m",
        "spot",
        "aggTrades",
    ];
    let is_date = word.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if word.is_empty()
        || is_date
        || NOT_SYMBOLS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(word))
    {
        return None;
    }
    let upper = word.to_ascii_uppercase();
    if !upper
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'/' | b'.'))
    {
        return None;
    }
    if upper.bytes().all(|b| b.is_ascii_alphabetic()) {
        if let Some(base) = upper.strip_suffix("USDT").filter(|base| base.len() >= 2) {
            return Some(format!("{base}/USDT"));
        }
        if upper.len() == 6 {
            return Some(format!("{}/{}", &upper[..3], &upper[3..]));
        }
    }
    Some(upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(name: &str) -> Option<String> {
        let words: Vec<&str> = stem(name).split('_').collect();
        symbol_among(&words)
    }

    #[test]
    fn names_tell_symbols() {
        for (name, want) in [
            ("oanda_XAUUSD_20140502_tick.csv.gz", "XAU/USD"),
            ("comex_GCZ3_20131007_minute_quote.csv.gz", "GCZ3"),
            ("ftx_BTC-PERP_1m_20220101-20220114.csv.gz", "BTC-PERP"),
            ("binance_ATOMUSDT_flash_20251010.csv", "ATOM/USDT"),
            ("oil_wti_daily.csv.gz", "WTI"),
            ("mt5_AUDJPY_h1_2012-2022.csv.gz", "AUD/JPY"),
            ("DAT_ASCII_XAUUSD_T_202001.csv", "XAU/USD"),
            ("HISTDATA_COM_XAUUSD_2020.csv", "XAU/USD"),
            ("sample_EURGBP_tick.csv", "EUR/GBP"),
        ] {
            assert_eq!(symbol(name).as_deref(), Some(want), "{name}");
        }
    }

    #[test]
    fn what_is_not_said_is_asked_for() {
        let none = Options::default();
        let tick = "611,1.38626,1.38627";
        assert!(matches!(
            detect("oanda_EURUSD_tick.csv", tick, &none),
            Err(TapeError::NoDate)
        ));
        assert!(matches!(
            detect("x_EURUSD_20140502_tick.csv", tick, &none),
            Err(TapeError::NoClock)
        ));
        assert!(matches!(
            detect("oanda_20140502_tick.csv", tick, &none),
            Err(TapeError::NoSymbol)
        ));
        assert!(matches!(
            detect("a.csv", "hello", &none),
            Err(TapeError::UnknownFormat { .. })
        ));
        let shape = detect("fxcm_EURUSD_20140502_tick.csv.gz", tick, &none).unwrap();
        assert_eq!((shape.format, shape.clock), (Format::LeanTick, Clock::EST));
    }
}
