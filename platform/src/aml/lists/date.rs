//! Dates as far as they are known. Publishers write a year, a month, a range, "circa".

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::aml::names::Birth;

/// Years that an uncertain date ("circa", "approximately") may be off.
const ABOUT_YEARS: i16 = 2;

/// Years that two whole dates may differ and still be near: registers and lists disagree by one often.
const NEAR_YEARS: i16 = 1;

/// A date, a month, a year, or a range of years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PartialDate {
    /// The year, or the first.
    pub year: i16,
    /// The last year of a range; the same for a single one.
    pub to_year: i16,
    /// 1 to 12.
    pub month: Option<u8>,
    /// 1 to 31; only with a month.
    pub day: Option<u8>,
    /// It is given as uncertain.
    pub about: bool,
}

/// Names of months: English and Indonesian, by their first letters.
const MONTHS: &[(&str, u8)] = &[
    ("jan", 1),
    ("feb", 2),
    ("peb", 2),
    ("mar", 3),
    ("apr", 4),
    ("may", 5),
    ("mei", 5),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("agu", 8),
    ("agt", 8),
    ("ags", 8),
    ("sep", 9),
    ("oct", 10),
    ("okt", 10),
    ("nov", 11),
    ("nop", 11),
    ("dec", 12),
    ("des", 12),
];

impl PartialDate {
    /// A year.
    pub fn year(year: i16) -> Self {
        Self {
            year,
            to_year: year,
            month: None,
            day: None,
            about: false,
        }
    }

    /// A whole date, if there is such a day.
    pub fn of(year: i16, month: u8, day: u8) -> Option<Self> {
        let date = jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        date.is_ok().then_some(Self {
            month: Some(month),
            day: Some(day),
            ..Self::year(year)
        })
    }

    /// Reads what lists write: `10 Dec 1948`, `27 Desember 1956`, `Sep 1958`, `1962`, `circa 1962`, `1961 to 1963`,
    /// `10/05/1973` (day first), `1973-05-10`, `00/00/1957`.
    pub fn read(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        let about = ["circa", "approx", "sekitar", "around", "~"]
            .iter()
            .any(|word| lower.contains(word));
        let parts: Vec<&str> = lower
            .split(|c: char| !c.is_alphanumeric())
            .filter(|part| !part.is_empty())
            .collect();
        let years: Vec<i16> = parts
            .iter()
            .filter(|part| part.len() == 4)
            .filter_map(|part| part.parse().ok())
            .collect();
        let years: Vec<i16> = years
            .into_iter()
            .filter(|year| (1800..=2200).contains(year))
            .collect();
        let year = *years.first()?;
        let mut date = Self {
            to_year: years.get(1).copied().unwrap_or(year),
            about,
            ..Self::year(year)
        };
        if date.to_year < date.year {
            (date.year, date.to_year) = (date.to_year, date.year);
        }
        if years.len() > 1 {
            return Some(date);
        }
        let named = parts.iter().find_map(|part| {
            MONTHS
                .iter()
                .find(|(name, _)| part.starts_with(name))
                .map(|(_, month)| *month)
        });
        let numbers: Vec<u8> = parts
            .iter()
            .filter(|part| part.len() <= 2)
            .filter_map(|part| part.parse().ok())
            .collect();
        let year_first = parts.first().is_some_and(|part| part.len() == 4);
        let (month, day) = match (named, numbers.as_slice()) {
            (Some(month), [day, ..]) => (Some(month), Some(*day)),
            (Some(month), []) => (Some(month), None),
            (None, [month, day, ..]) if year_first => (Some(*month), Some(*day)),
            (None, [day, month, ..]) => (Some(*month), Some(*day)),
            (None, [month]) => (Some(*month), None),
            (None, []) => (None, None),
        };
        date.month = month.filter(|month| (1..=12).contains(month));
        date.day = day.filter(|day| {
            date.month
                .is_some_and(|month| Self::of(year, month, *day).is_some())
        });
        Some(date)
    }

    /// How two dates of birth compare.
    pub fn compare(self, other: Self) -> Birth {
        let slack = |date: Self| if date.about { ABOUT_YEARS } else { 0 };
        let slack = slack(self) + slack(other);
        let apart = (self.year - other.to_year)
            .max(other.year - self.to_year)
            .max(0);
        if apart > slack + NEAR_YEARS {
            return Birth::Different;
        }
        let whole = |date: Self| date.month.zip(date.day);
        match (whole(self), whole(other)) {
            (Some(a), Some(b)) if apart == 0 && a == b => Birth::Same,
            (Some((month, day)), Some(b)) if apart == 0 && (day, month) == b => Birth::Near,
            // Both say the day, and say another: only a slip is near.
            (Some((month, day)), Some((other_month, other_day))) => {
                let one_slip = (month == other_month) != (day == other_day);
                let near = if apart == 0 {
                    one_slip
                } else {
                    month == other_month && day == other_day
                };
                if near || slack > 0 {
                    Birth::Near
                } else {
                    Birth::Different
                }
            }
            _ if apart == 0 && slack == 0 => match (self.month, other.month) {
                (Some(a), Some(b)) if a != b => Birth::Near,
                _ => Birth::Same,
            },
            _ => Birth::Near,
        }
    }

    /// The best comparison with any date of a list; unknown where there is none.
    pub fn best(own: Option<Self>, listed: &[Self]) -> Birth {
        let Some(own) = own else {
            return Birth::Unknown;
        };
        listed
            .iter()
            .map(|date| own.compare(*date))
            .max()
            .unwrap_or(Birth::Unknown)
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.about {
            f.write_str("~")?;
        }
        write!(f, "{:04}", self.year)?;
        if self.to_year != self.year {
            return write!(f, "/{:04}", self.to_year);
        }
        if let Some(month) = self.month {
            write!(f, "-{month:02}")?;
            if let Some(day) = self.day {
                write!(f, "-{day:02}")?;
            }
        }
        Ok(())
    }
}

impl From<PartialDate> for String {
    fn from(date: PartialDate) -> String {
        date.to_string()
    }
}

/// The text is no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} holds no year")]
pub struct NoDate(String);

impl TryFrom<String> for PartialDate {
    type Error = NoDate;

    fn try_from(text: String) -> Result<Self, NoDate> {
        PartialDate::read(&text).ok_or(NoDate(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_date_is_read() {
        let table = [
            ("10 Dec 1948", "1948-12-10"),
            ("27 Desember 1956", "1956-12-27"),
            ("5 Agustus 1970", "1970-08-05"),
            ("17 Nopember 1971", "1971-11-17"),
            ("3 Pebruari 1969", "1969-02-03"),
            ("Sep 1958", "1958-09"),
            ("Mei 1980", "1980-05"),
            ("1962", "1962"),
            ("circa 1962", "~1962"),
            ("1961 to 1963", "1961/1963"),
            ("10/05/1973", "1973-05-10"),
            ("1973-05-10", "1973-05-10"),
            ("00/00/1957", "1957"),
            ("31/02/1957", "1957-02"),
        ];
        for (text, read) in table {
            let date = PartialDate::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(date.to_string(), read, "{text}");
            assert_eq!(PartialDate::read(read), Some(date), "{read} comes back");
        }
        for text in ["", "unknown", "12/34", "Tidak diketahui"] {
            assert_eq!(PartialDate::read(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_the_same_near_or_different() {
        let table = [
            ("1948-12-10", "1948-12-10", Birth::Same),
            ("1948-12-10", "1948", Birth::Same),
            ("1948-12", "1948-12-10", Birth::Same),
            ("1948-12-10", "1948-10-12", Birth::Near),
            ("1948-12-10", "1948-12-11", Birth::Near),
            ("1948-12-10", "1949-12-10", Birth::Near),
            ("1948-12-10", "1949", Birth::Near),
            ("1948-12-10", "1948-03-02", Birth::Different),
            ("1948-12-10", "1951", Birth::Different),
            ("1948-12-10", "~1951", Birth::Near),
            ("1962", "1961/1963", Birth::Same),
            ("1965", "1961/1963", Birth::Different),
        ];
        for (a, b, expected) in table {
            let date = |text| PartialDate::read(text).expect("a date");
            assert_eq!(date(a).compare(date(b)), expected, "{a} {b}");
            assert_eq!(date(b).compare(date(a)), expected, "{b} {a}");
        }
        assert_eq!(
            PartialDate::best(None, &[PartialDate::year(1948)]),
            Birth::Unknown
        );
        assert_eq!(
            PartialDate::best(Some(PartialDate::year(1948)), &[]),
            Birth::Unknown
        );
    }
}
