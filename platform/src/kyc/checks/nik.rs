//! The number of an Indonesian identity card (NIK): province, regency, district, birth date, serial.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Digits of a NIK.
const DIGITS: usize = 16;

/// Added to the day of birth of a woman.
const WOMAN: u8 = 40;

/// Codes of the provinces, as the Ministry of Home Affairs gives them since 2022.
pub const PROVINCES: [&str; 38] = [
    "11", "12", "13", "14", "15", "16", "17", "18", "19", "21", "31", "32", "33", "34", "35", "36",
    "51", "52", "53", "61", "62", "63", "64", "65", "71", "72", "73", "74", "75", "76", "81", "82",
    "91", "92", "93", "94", "95", "96",
];

/// Sex as documents say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// Male.
    Male,
    /// Female.
    Female,
}

impl Sex {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Sex::Male => "male",
            Sex::Female => "female",
        }
    }
}

/// What a NIK says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nik {
    /// Two digits.
    pub province: String,
    /// Four digits, the province's included.
    pub regency: String,
    /// Six digits.
    pub district: String,
    /// By the day: a woman's is 40 higher.
    pub sex: Sex,
    /// The latest such day whose year is not after the reference year.
    pub birth_date: Date,
    /// Four digits.
    pub serial: String,
}

/// Why it is none. There is no check digit, so a slip in the serial is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NikFault {
    /// Not 16 digits.
    Format,
    /// No such province.
    Province,
    /// No such day.
    BirthDate,
}

impl NikFault {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            NikFault::Format => "format",
            NikFault::Province => "province",
            NikFault::BirthDate => "birth_date",
        }
    }
}

/// Reads a NIK. Nobody was born after `reference_year`.
///
/// # Errors
/// [`NikFault`], the first that is found from left to right.
pub fn parse(nik: &str, provinces: &[&str], reference_year: i16) -> Result<Nik, NikFault> {
    if nik.len() != DIGITS || !nik.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NikFault::Format);
    }
    let part = |from: usize, to: usize| nik.get(from..to).unwrap_or_default();
    let number = |from: usize, to: usize| part(from, to).parse::<u8>().unwrap_or_default();
    if !provinces.contains(&part(0, 2)) {
        return Err(NikFault::Province);
    }
    let (sex, day) = match number(6, 8) {
        day if day > WOMAN => (Sex::Female, day - WOMAN),
        day => (Sex::Male, day),
    };
    let birth_date =
        date_of(number(10, 12), number(8, 10), day, reference_year).ok_or(NikFault::BirthDate)?;
    Ok(Nik {
        province: part(0, 2).to_owned(),
        regency: part(0, 4).to_owned(),
        district: part(0, 6).to_owned(),
        sex,
        birth_date,
        serial: part(12, 16).to_owned(),
    })
}

/// The day of a year of two digits: the latest such year that is not after `reference_year`.
pub(super) fn date_of(year: u8, month: u8, day: u8, reference_year: i16) -> Option<Date> {
    let century = reference_year - reference_year.rem_euclid(100);
    let mut full = century + i16::from(year);
    if full > reference_year {
        full -= 100;
    }
    Date::new(full, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_says_the_sex_and_must_exist() {
        let nik = parse("3276055708900002", &PROVINCES, 2026).expect("a woman's");
        assert_eq!(
            (nik.sex, nik.birth_date.to_string().as_str()),
            (Sex::Female, "1990-08-17")
        );
        assert_eq!(
            (
                nik.regency.as_str(),
                nik.district.as_str(),
                nik.serial.as_str()
            ),
            ("3276", "327605", "0002")
        );
        for (bad, why) in [
            ("3502027102019913", NikFault::BirthDate),
            ("3174012345678901", NikFault::BirthDate),
            ("3171014008450001", NikFault::BirthDate),
            ("3171010008450001", NikFault::BirthDate),
            ("2071011708450001", NikFault::Province),
            ("317101170845000", NikFault::Format),
            ("３171011708450001", NikFault::Format),
            ("", NikFault::Format),
        ] {
            assert_eq!(parse(bad, &PROVINCES, 2026), Err(why), "{bad}");
        }
    }

    #[test]
    fn the_century_follows_the_reference_year() {
        let year = |yy: &str, reference| {
            parse(&format!("3171011708{yy}0001"), &PROVINCES, reference)
                .expect("valid")
                .birth_date
                .year()
        };
        assert_eq!(year("26", 2026), 2026);
        assert_eq!(year("27", 2026), 1927);
        assert_eq!(year("00", 2000), 2000);
        assert_eq!(year("99", 1999), 1999);
    }
}
