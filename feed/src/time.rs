//! Times as recordings write them, in nanoseconds of the file's own clock.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use siaga_risk::units::{DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, Ts};

/// Which clock a file uses.
#[derive(Clone, Debug, PartialEq)]
pub enum Clock {
    /// Hours and minutes ahead of UTC, in seconds, all year.
    Fixed(i32),
    /// A zone with its switches.
    Zone(TimeZone),
}

impl Clock {
    pub const UTC: Clock = Clock::Fixed(0);
    /// New York's winter time all year: HistData, FXCM.
    pub const EST: Clock = Clock::Fixed(-5 * 3_600);

    /// The zone of MetaTrader servers (EET, EEST in summer).
    pub fn server() -> Clock {
        TimeZone::get("Europe/Athens").map_or(Clock::Fixed(2 * 3_600), Clock::Zone)
    }

    /// `"UTC"`, `"+02:00"`, `"-05:00"` or a zone's name.
    ///
    /// # Errors
    /// The text again when it is none of these.
    pub fn parse(text: &str) -> Result<Clock, String> {
        if text.eq_ignore_ascii_case("utc") || text == "Z" {
            return Ok(Clock::UTC);
        }
        if let Some(fixed) = offset_seconds(text.as_bytes()) {
            return Ok(Clock::Fixed(fixed));
        }
        let zone = TimeZone::get(text);
        zone.map(Clock::Zone)
            .map_err(|_| format!("\"{text}\" is no clock; write UTC, an offset such as -05:00, or a zone such as Europe/Athens"))
    }

    /// A time of this clock (nanoseconds since 1970-01-01 0:00 local) in UTC.
    pub fn to_utc(&self, local_ns: i64) -> Option<Ts> {
        let offset_s = match self {
            Clock::Fixed(seconds) => i64::from(*seconds),
            Clock::Zone(zone) => {
                let local = jiff::Timestamp::from_nanosecond(i128::from(local_ns)).ok()?;
                let wall: DateTime = TimeZone::UTC.to_datetime(local);
                // A repeated hour is taken as its first pass, a skipped one as the instant behind it.
                let zoned = wall.to_zoned(zone.clone()).ok()?;
                i64::from(zoned.offset().seconds())
            }
        };
        let utc = local_ns.checked_sub(offset_s * SECOND_NS as i64)?;
        u64::try_from(utc).ok().map(Ts)
    }
}

/// Midnight of a date in local nanoseconds since 1970.
pub fn midnight_ns(date: Date) -> Option<i64> {
    let days = i64::from((date - Date::constant(1970, 1, 1)).get_days());
    days.checked_mul(DAY_NS as i64)
}

/// `YYYYMMDD`.
pub fn compact_date(text: &[u8]) -> Option<Date> {
    if text.len() != 8 {
        return None;
    }
    Date::new(
        number(&text[..4])? as i16,
        number(&text[4..6])? as i8,
        number(&text[6..])? as i8,
    )
    .ok()
}

/// `HHMMSS` or `HHMMSSmmm` in nanoseconds of the day.
pub fn compact_time_ns(text: &[u8]) -> Option<i64> {
    let (clock, milliseconds) = match text.len() {
        6 => (text, 0),
        9 => (&text[..6], number(&text[6..])?),
        _ => return None,
    };
    of_day(
        number(&clock[..2])?,
        number(&clock[2..4])?,
        number(&clock[4..])?,
    )
    .map(|ns| ns + milliseconds * 1_000_000)
}

/// `2013-01-01 22:00:00.295000+00:00`, `2025-10-10T21:20:37.689043Z`, `2012-11-15 23:00:00`, `1986-01-02`:
/// local nanoseconds, and the offset in seconds when the text has one.
pub fn iso_ns(text: &[u8]) -> Option<(i64, Option<i32>)> {
    let date = text.get(..10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let date = Date::new(
        number(&date[..4])? as i16,
        number(&date[5..7])? as i8,
        number(&date[8..])? as i8,
    )
    .ok()?;
    let midnight = midnight_ns(date)?;
    let Some(rest) = text.get(10..).filter(|rest| !rest.is_empty()) else {
        return Some((midnight, None));
    };
    let clock = rest.get(1..9)?;
    if !matches!(rest[0], b' ' | b'T') || clock[2] != b':' || clock[5] != b':' {
        return None;
    }
    let mut ns = of_day(
        number(&clock[..2])?,
        number(&clock[3..5])?,
        number(&clock[6..])?,
    )?;
    let mut rest = &rest[9..];
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || digits > 9 {
            return None;
        }
        ns += number(&fraction[..digits])? * 10i64.pow(9 - digits as u32);
        rest = &fraction[digits..];
    }
    let offset = match rest {
        b"" => None,
        b"Z" => Some(0),
        other => Some(offset_seconds(other)?),
    };
    Some((midnight + ns, offset))
}

fn offset_seconds(text: &[u8]) -> Option<i32> {
    let [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = text else {
        return None;
    };
    let seconds = number(&[*h1, *h2])? * 3_600 + number(&[*m1, *m2])? * 60;
    if seconds > 18 * 3_600 {
        return None;
    }
    Some(if *sign == b'-' {
        -(seconds as i32)
    } else {
        seconds as i32
    })
}

fn of_day(hours: i64, minutes: i64, seconds: i64) -> Option<i64> {
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some(hours * HOUR_NS as i64 + minutes * MINUTE_NS as i64 + seconds * SECOND_NS as i64)
}

/// Digits only, at most nine.
fn number(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    text.iter().try_fold(0i64, |value, digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + i64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str, clock: &Clock) -> String {
        let (local, offset) = iso_ns(text.as_bytes()).unwrap();
        let clock = offset.map_or(clock.clone(), Clock::Fixed);
        let ts = clock.to_utc(local).unwrap();
        jiff::Timestamp::from_nanosecond(i128::from(ts.0))
            .unwrap()
            .to_string()
    }

    #[test]
    fn all_ways_to_write_a_time_land_on_the_same_instant() {
        assert_eq!(
            utc("2013-01-01 22:00:00.295000+00:00", &Clock::EST),
            "2013-01-01T22:00:00.295Z"
        );
        assert_eq!(
            utc("2025-10-10T21:20:37.689043Z", &Clock::EST),
            "2025-10-10T21:20:37.689043Z"
        );
        assert_eq!(
            utc("2016-06-24 05:00:00", &Clock::server()),
            "2016-06-24T02:00:00Z"
        );
        assert_eq!(
            utc("2019-01-03 00:00:00", &Clock::server()),
            "2019-01-02T22:00:00Z"
        );
        assert_eq!(
            utc("2014-05-02 07:30:00", &Clock::EST),
            "2014-05-02T12:30:00Z"
        );
        let day = midnight_ns(compact_date(b"20200101").unwrap()).unwrap();
        let local = day + compact_time_ns(b"170000065").unwrap();
        assert_eq!(
            Clock::EST.to_utc(local),
            Some(Ts(1_577_916_000_065_000_000))
        );
    }

    #[test]
    fn wrong_times_are_refused() {
        for text in [
            "2013-13-01 00:00:00",
            "2013-01-01 25:00:00",
            "2013-01-01 22:00",
            "20130101",
            "",
            "2013-01-01 22:00:00.x",
        ] {
            assert_eq!(iso_ns(text.as_bytes()), None, "{text}");
        }
        assert!(Clock::parse("Mars/Base").is_err());
        assert_eq!(Clock::parse("-05:00"), Ok(Clock::EST));
    }
}
