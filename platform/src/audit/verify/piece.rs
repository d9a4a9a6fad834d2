//! A month's chain computed anew a piece at a time, for whoever reads the log: a request is bounded, and the next one goes on.
//! What was written down outside of the database is compared by [`super::verify`] alone.

use super::{Actor, Db, DbError, Fault, GENESIS, LINKS, Link, Report, SLICE, Verifier};
use crate::audit::AUDIT_READ;
use crate::people::Principal;
use crate::refusal::{INVALID, NOT_FOUND, Refusal};
use crate::unit::Platform;

/// Rows of a piece: ten slices of the embedded database.
const PIECE: i64 = 10 * SLICE;

/// Something that is wrong with a month's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// `changed`, `unlinked`, `missing`, `head`, `start`, `stray`.
    pub kind: &'static str,
    /// At which place of the month, where there is one.
    pub link: Option<i64>,
}

/// What was looked at and found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Rows that were looked at.
    pub rows: u64,
    /// Behind which place the next piece begins; `None` at the end.
    pub next: Option<i64>,
    /// What is wrong, in order.
    pub flaws: Vec<Flaw>,
}

impl From<Fault> for Flaw {
    fn from(fault: Fault) -> Self {
        let (kind, link) = match fault {
            Fault::Changed { link, .. } => ("changed", Some(link)),
            Fault::Unlinked { link, .. } => ("unlinked", Some(link)),
            Fault::Missing { link, .. } => ("missing", Some(link)),
            Fault::Head { .. } => ("head", None),
            Fault::Start { .. } => ("start", None),
            _ => ("stray", None),
        };
        Flaw { kind, link }
    }
}

/// The first day of a month that is written as `2026-11`.
fn first_day(month: &str) -> Option<String> {
    let (year, number) = month.split_once('-')?;
    let digits = |text: &str, most: usize| {
        text.len() == most && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_month = digits(year, 4) && digits(number, 2) && year >= "2000";
    let day = is_month.then(|| format!("{month}-01"))?;
    day.parse::<jiff::civil::Date>().ok().map(|_| day)
}

/// Computes the chain of a month behind the place `after` anew, as far as one piece goes and the month went when it was asked.
///
/// # Errors
/// Not allowed, no such month or place, or the database. What is wrong with the log stands in the answer.
pub async fn check(
    platform: &Platform,
    by: &Principal,
    month: &str,
    after: i64,
) -> Result<Piece, Refusal> {
    by.scope(AUDIT_READ)?;
    let month = first_day(month).ok_or_else(|| INVALID.field("month", "write it as 2026-11"))?;
    let db = platform.db().background();
    let heads = db.read(&Actor::SYSTEM, super::heads).await?;
    let head = heads
        .iter()
        .find(|head| head.month == month && !head.dropped)
        .ok_or_else(|| NOT_FOUND.because("the log has no rows of that month"))?;
    let mut report = Report::default();
    let start = match after {
        0 => {
            if !super::starts_well(&db, head, &heads).await? {
                report.add(Fault::Start {
                    month: month.clone(),
                });
            }
            let from = head.from.as_ref().map(|(_, _, hash)| hash.clone());
            from.unwrap_or_else(|| GENESIS.to_vec())
        }
        _ => hash_at(&db, &month, after)
            .await?
            .ok_or_else(|| INVALID.field("after", "give the value of next of the piece before"))?,
    };
    let mut verifier = Verifier {
        month: month.clone(),
        link: after,
        hash: start,
    };
    let until = head.links.min(after.saturating_add(PIECE));
    let (mut rows, mut cut) = (0, false);
    while verifier.link < until && !cut {
        let (behind, most) = (verifier.link, SLICE.min(until - verifier.link));
        let asked = month.clone();
        let links: Vec<Link> = db
            .read(&Actor::SYSTEM, move |tx| {
                tx.all(sqlx::query_as(LINKS).bind(asked).bind(behind).bind(most))
            })
            .await?;
        cut = true;
        // The log grows meanwhile: what came since is another question's.
        for row in links
            .iter()
            .filter(|row| row.link.is_some_and(|link| link <= until))
        {
            verifier.follow(row, &mut report);
            rows += 1;
            cut = false;
        }
    }
    if cut {
        report.add(Fault::Missing {
            month: month.clone(),
            link: verifier.link + 1,
        });
    } else if verifier.link == head.links && verifier.hash != head.hash {
        report.add(Fault::Head {
            month: month.clone(),
        });
    }
    let there = count(&db, &month, after, verifier.link).await?;
    let known = verifier.link.saturating_sub(after);
    if there > known {
        report.add(Fault::Stray {
            rows: there - known,
        });
    }
    let goes_on = !cut && verifier.link < head.links;
    Ok(Piece {
        rows,
        next: goes_on.then_some(verifier.link),
        flaws: report.faults.into_iter().map(Flaw::from).collect(),
    })
}

/// What stands beside a row as its hash.
async fn hash_at(db: &Db, month: &str, link: i64) -> Result<Option<Vec<u8>>, DbError> {
    let month = month.to_owned();
    let row: Option<(Option<Vec<u8>>,)> = db
        .read(&Actor::SYSTEM, move |tx| {
            let query = sqlx::query_as(
                "SELECT hash FROM audit_log WHERE month = $1::date AND link = $2 LIMIT 1",
            );
            tx.optional(query.bind(month).bind(link))
        })
        .await?;
    Ok(row.and_then(|(hash,)| hash))
}

/// Rows between two places: two of one number are more than places.
async fn count(db: &Db, month: &str, after: i64, until: i64) -> Result<i64, DbError> {
    let month = month.to_owned();
    db.read(&Actor::SYSTEM, move |tx| {
        let query = sqlx::query_scalar(
            "SELECT count(*) FROM audit_log WHERE month = $1::date AND link > $2 AND link <= $3",
        );
        tx.scalar(query.bind(month).bind(after).bind(until))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_written_in_one_form() {
        assert_eq!(first_day("2026-11").as_deref(), Some("2026-11-01"));
        for wrong in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "2026-1",
            "0026-01",
            "2026-11-01",
            "-026-11",
        ] {
            assert_eq!(first_day(wrong), None, "{wrong}");
        }
    }
}
