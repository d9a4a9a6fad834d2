//! Values of the catalog files: ratios with a unit, durations, the nearest known name.

use crate::decimal;
use siaga_risk::units::Ratio;

/// `"0.5 %"`, `"2 bp"`, `"130 ppm"` as a ratio, exactly.
pub fn ratio(text: &str) -> Result<Ratio, String> {
    let text = text.trim();
    let (number, digits) = if let Some(number) = text.strip_suffix("ppm") {
        (number, 6)
    } else if let Some(number) = text.strip_suffix("bp") {
        (number, 8)
    } else if let Some(number) = text.strip_suffix('%') {
        (number, 10)
    } else {
        return Err(format!(
            "\"{text}\" has no unit; write it as \"0.5 %\", \"50 bp\" or \"5000 ppm\""
        ));
    };
    decimal::parse_exact(number.trim().as_bytes(), digits)
        .map(Ratio)
        .map_err(|error| format!("\"{text}\": {error}"))
}

/// `"10s"`, `"5m"`, `"24h"` in nanoseconds.
pub fn duration_ns(text: &str) -> Result<u64, String> {
    let duration: jiff::SignedDuration = text.parse().map_err(|_| {
        format!("\"{text}\" is no duration; write it as \"500ms\", \"10s\", \"5m\" or \"24h\"")
    })?;
    u64::try_from(duration.as_nanos()).map_err(|_| format!("\"{text}\" is negative or too long"))
}

/// A decimal of the given scale.
pub fn scaled(text: &str, digits: u8) -> Result<i64, String> {
    decimal::parse_exact(text.trim().as_bytes(), digits)
        .map_err(|error| format!("\"{text}\" at {digits} digits: {error}"))
}

/// The known name nearest to `name`, when it is near enough to be a slip.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let wanted = name.to_ascii_lowercase();
    let near_max = (wanted.chars().count() / 3).max(1);
    known
        .map(|known| (distance(&wanted, &known.to_ascii_lowercase()), known))
        .filter(|(distance, _)| *distance <= near_max)
        .min()
        .map(|(_, known)| known.to_owned())
}

/// Edit distance with swaps of neighbours (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_and_durations_are_exact() {
        assert_eq!(ratio("0.15 %"), Ok(Ratio(1_500_000_000)));
        assert_eq!(ratio("2 bp"), Ok(Ratio::basis_points(2)));
        assert_eq!(ratio("-12 %"), Ok(Ratio::percent(-12)));
        assert!(ratio("0.5").unwrap_err().contains("no unit"));
        assert_eq!(duration_ns("5m"), Ok(300_000_000_000));
        assert!(duration_ns("soon").is_err());
        assert!(duration_ns("-1s").is_err());
    }

    #[test]
    fn slips_are_near_and_strangers_are_not() {
        let known = ["EUR/USD", "GBP/USD", "XAU/USD"];
        assert_eq!(
            nearest("EURUSD", known.into_iter()).as_deref(),
            Some("EUR/USD")
        );
        assert_eq!(nearest("banana", known.into_iter()), None);
    }
}
