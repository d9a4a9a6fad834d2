//! The chain computed anew, in the program and not by the database whose rows are in question.

mod piece;

use std::collections::HashMap;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::anchor::{Anchor, Restore};
use crate::db::{Actor, Db, DbError, Tx};

pub use piece::{Flaw, Piece, check};

/// Rows read by one transaction: a slice of the embedded database.
const SLICE: i64 = 500;

/// Faults that are listed; a chain with more is not more broken.
const FAULTS_MAX: usize = 1_000;

/// What the first month begins from.
const GENESIS: [u8; 32] = [0; 32];

/// What is wrong with the chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A row does not hash to what stands beside it.
    Changed {
        /// `2026-11-01`.
        month: String,
        /// Place in the month, from 1.
        link: i64,
    },
    /// A row is not chained to the one before it.
    Unlinked {
        /// `2026-11-01`.
        month: String,
        /// Place in the month.
        link: i64,
    },
    /// Rows are missing before this place, or at the end.
    Missing {
        /// `2026-11-01`.
        month: String,
        /// First missing place.
        link: i64,
    },
    /// The head says another end than the last row.
    Head {
        /// `2026-11-01`.
        month: String,
    },
    /// The month does not begin where an earlier one stood.
    Start {
        /// `2026-11-01`.
        month: String,
    },
    /// Rows of no chain.
    Stray {
        /// How many.
        rows: i64,
    },
    /// What was written down outside of the database is not what stands there now.
    Anchor {
        /// `2026-11-01`.
        month: String,
        /// Place in the month.
        link: i64,
        /// Hash that was written down for it.
        hash: Vec<u8>,
    },
    /// What was written down outside of the database went when another took its place.
    Restored {
        /// `2026-11-01`.
        month: String,
        /// Place in the month.
        link: i64,
        /// When.
        at: Timestamp,
        /// Of when the dump was; `None` when there was no dump.
        dump: Option<Timestamp>,
    },
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Changed { month, link } => write!(f, "{month}: row {link} was changed"),
            Fault::Unlinked { month, link } => {
                write!(f, "{month}: row {link} does not follow the row before it")
            }
            Fault::Missing { month, link } => write!(f, "{month}: rows are missing from {link} on"),
            Fault::Head { month } => write!(f, "{month}: the end is not the one that was noted"),
            Fault::Start { month } => {
                write!(f, "{month}: it does not begin where an earlier month stood")
            }
            Fault::Stray { rows } => write!(f, "{rows} rows belong to no chain"),
            Fault::Anchor { month, link, .. } => {
                write!(
                    f,
                    "{month}: row {link} is not the one that was written down outside of the database"
                )
            }
            Fault::Restored {
                month,
                link,
                at,
                dump: Some(dump),
            } => write!(
                f,
                "{month}: row {link} went with a database that did not open: it was restored at {at} from its dump of {dump}, \
                 rows written between the two are missing"
            ),
            Fault::Restored {
                month,
                link,
                at,
                dump: None,
            } => write!(
                f,
                "{month}: row {link} went with a database that did not open: another was made at {at}, there was no dump"
            ),
        }
    }
}

/// What was looked at and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Months with rows.
    pub months: u64,
    /// Rows.
    pub rows: u64,
    /// Months whose rows ended with their term.
    pub dropped: u64,
    /// Anchors compared.
    pub anchors: u64,
    /// What is wrong, in order.
    pub faults: Vec<Fault>,
}

impl Report {
    fn add(&mut self, fault: Fault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }

    /// Tells rows that went with a restore apart from those that nobody accounts for: by their hashes, since other rows
    /// take their places. A row that a restore should have brought back, and one that was written behind it, stay what
    /// they are.
    pub fn explain(&mut self, restores: &[Restore]) {
        for fault in &mut self.faults {
            let Fault::Anchor { month, link, hash } = &*fault else {
                continue;
            };
            let known = Anchor {
                month: month.clone(),
                links: *link,
                hash: hash.clone(),
            };
            let went = restores
                .iter()
                .find(|restore| restore.lost.contains(&known));
            if let Some(restore) = went {
                *fault = Fault::Restored {
                    month: known.month,
                    link: known.links,
                    at: restore.at,
                    dump: restore.dump,
                };
            }
        }
    }
}

/// A row as it is hashed: its fields as text, in the order of the chain.
#[derive(Clone, Debug)]
struct Link {
    link: Option<i64>,
    fields: Vec<Option<String>>,
    prev_hash: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
}

/// Fields behind the link's own number.
const FIELDS: usize = 15;

impl<'r> sqlx::FromRow<'r, PgRow> for Link {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let fields = (3..3 + FIELDS).map(|at| row.try_get::<Option<String>, _>(at));
        let fields = fields.collect::<Result<Vec<_>, sqlx::Error>>()?;
        Ok(Self {
            link: row.try_get(0)?,
            prev_hash: row.try_get(1)?,
            hash: row.try_get(2)?,
            fields,
        })
    }
}

const LINKS: &str = "SELECT link, prev_hash, hash, id::text, (extract(epoch FROM created_at) * 1000000)::bigint::text, org_id::text, \
     actor_id, action, entity_type, entity_id, subject_id::text, old_value::text, new_value::text, ip_sealed, request_id, \
     source_seq::text, source_index::text, note::text \
     FROM audit_log WHERE month = $1::date AND link > $2 ORDER BY link LIMIT $3";

/// Follows one month.
pub struct Verifier {
    month: String,
    link: i64,
    hash: Vec<u8>,
}

impl Verifier {
    fn new(month: &str, start: &[u8]) -> Self {
        Self {
            month: month.to_owned(),
            link: 0,
            hash: start.to_vec(),
        }
    }

    fn follow(&mut self, row: &Link, report: &mut Report) {
        let month = || self.month.clone();
        let link = row.link.unwrap_or(0);
        if link != self.link + 1 {
            report.add(Fault::Missing {
                month: month(),
                link: self.link + 1,
            });
        }
        if row.prev_hash.as_deref() != Some(&self.hash[..]) {
            report.add(Fault::Unlinked {
                month: month(),
                link,
            });
        }
        let expected = hash(
            row.prev_hash.as_deref().unwrap_or_default(),
            link,
            &row.fields,
        );
        if row.hash.as_deref() != Some(&expected[..]) {
            report.add(Fault::Changed {
                month: month(),
                link,
            });
        }
        self.link = link;
        self.hash = row.hash.clone().unwrap_or_default();
    }
}

/// SHA-256 of the hash before and of every field with its length in bytes before it, so that no two
/// rows read the same.
fn hash(before: &[u8], link: i64, fields: &[Option<String>]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(before);
    let mut part = |text: Option<&str>| match text {
        None => digest.update(b"-"),
        Some(text) => {
            digest.update(text.len().to_string());
            digest.update(b":");
            digest.update(text);
        }
    };
    part(Some(&link.to_string()));
    for field in fields {
        part(field.as_deref());
    }
    digest.finalize().into()
}

struct Head {
    month: String,
    links: i64,
    hash: Vec<u8>,
    from: Option<(String, i64, Vec<u8>)>,
    dropped: bool,
}

/// Goes through the whole log, slice by slice, and compares it with what was written down outside.
///
/// # Errors
/// The database did not answer; what is wrong with the log stands in the report.
pub async fn verify(db: &Db, anchors: &[Anchor]) -> Result<Report, DbError> {
    let db = db.background();
    let mut report = Report::default();
    let heads = db.read(&Actor::SYSTEM, heads).await?;
    // More than one where a restore had a place filled anew.
    let mut outside: HashMap<(&str, i64), Vec<&[u8]>> = HashMap::new();
    for anchor in anchors {
        let known = outside.entry((anchor.month.as_str(), anchor.links));
        let (known, hash) = (known.or_default(), anchor.hash.as_slice());
        if !known.contains(&hash) {
            known.push(hash);
        }
    }
    for head in &heads {
        if head.dropped {
            report.dropped += 1;
            outside.retain(|(month, _), _| *month != head.month);
            continue;
        }
        report.months += 1;
        let start = head.from.as_ref().map_or(&GENESIS[..], |(_, _, hash)| hash);
        let mut verifier = Verifier::new(&head.month, start);
        // The log grows meanwhile: its end is compared with what the head says behind the last row.
        let mut asked = -1;
        let (links, end) = loop {
            let (month, behind) = (head.month.clone(), verifier.link);
            let rows: Vec<Link> = db
                .read(&Actor::SYSTEM, move |tx| {
                    tx.all(sqlx::query_as(LINKS).bind(month).bind(behind).bind(SLICE))
                })
                .await?;
            if rows.is_empty() {
                let (links, end) = head_of(&db, &head.month).await?;
                // Rows that were committed between the two questions are there now.
                if links <= verifier.link || asked == verifier.link {
                    break (links, end);
                }
                asked = verifier.link;
            }
            for row in &rows {
                report.rows += 1;
                verifier.follow(row, &mut report);
                let known = outside.remove(&(head.month.as_str(), verifier.link));
                for known in known.unwrap_or_default() {
                    report.anchors += 1;
                    if known != verifier.hash {
                        report.add(Fault::Anchor {
                            month: head.month.clone(),
                            link: verifier.link,
                            hash: known.to_vec(),
                        });
                    }
                }
            }
        };
        // Two rows of one number, across the border of two slices.
        let (month, last) = (head.month.clone(), verifier.link);
        let rows: i64 = db
            .read(&Actor::SYSTEM, move |tx| {
                let query = sqlx::query_scalar(
                    "SELECT count(*) FROM audit_log WHERE month = $1::date AND link <= $2",
                );
                tx.scalar(query.bind(month).bind(last))
            })
            .await?;
        if rows > verifier.link {
            report.add(Fault::Stray {
                rows: rows - verifier.link,
            });
        }
        if verifier.link < links {
            report.add(Fault::Missing {
                month: head.month.clone(),
                link: verifier.link + 1,
            });
        }
        if verifier.link > links || verifier.hash != end {
            report.add(Fault::Head {
                month: head.month.clone(),
            });
        }
        if !starts_well(&db, head, &heads).await? {
            report.add(Fault::Start {
                month: head.month.clone(),
            });
        }
    }
    let mut lost = Vec::from_iter(outside);
    lost.sort_unstable();
    for ((month, link), known) in lost.into_iter().filter(|((_, link), _)| *link > 0) {
        for hash in known {
            report.add(Fault::Anchor {
                month: month.to_owned(),
                link,
                hash: hash.to_vec(),
            });
        }
    }
    let rows = db.read(&Actor::SYSTEM, stray).await?;
    if rows > 0 {
        report.add(Fault::Stray { rows });
    }
    Ok(report)
}

/// Where the chain of a month ends now; nothing for one that has lost its head.
async fn head_of(db: &Db, month: &str) -> Result<(i64, Vec<u8>), DbError> {
    let month = month.to_owned();
    let head: Option<(i64, Vec<u8>)> = db
        .read(&Actor::SYSTEM, move |tx| {
            tx.optional(
                sqlx::query_as("SELECT links, hash FROM audit_heads WHERE month = $1::date")
                    .bind(month),
            )
        })
        .await?;
    Ok(head.unwrap_or_default())
}

/// A month begins where an earlier month stood at that moment; the first one from nothing.
async fn starts_well(db: &Db, head: &Head, heads: &[Head]) -> Result<bool, DbError> {
    let Some((month, links, hash)) = &head.from else {
        return Ok(true);
    };
    let Some(before) = heads
        .iter()
        .find(|other| other.month == *month && other.month < head.month)
    else {
        return Ok(false);
    };
    // The rows that a dropped month had are gone; its head says the last of them.
    if before.dropped || *links == 0 {
        return Ok(*links < before.links || before.hash == *hash);
    }
    let (month, links) = (month.clone(), *links);
    let stood: Option<(Option<Vec<u8>>,)> = db
        .read(&Actor::SYSTEM, move |tx| {
            let query = sqlx::query_as(
                "SELECT hash FROM audit_log WHERE month = $1::date AND link = $2 LIMIT 1",
            );
            tx.optional(query.bind(month).bind(links))
        })
        .await?;
    Ok(stood.and_then(|(stood,)| stood).as_deref() == Some(&hash[..]))
}

fn heads(tx: &mut Tx<'_>) -> Result<Vec<Head>, DbError> {
    type Row = (
        String,
        i64,
        Vec<u8>,
        Option<String>,
        Option<i64>,
        Option<Vec<u8>>,
        bool,
    );
    // A month has at most one head, so this is bounded by the years.
    let rows: Vec<Row> = tx.all(sqlx::query_as(
        "SELECT month::text, links, hash, from_month::text, from_links, from_hash, dropped_at IS NOT NULL FROM audit_heads ORDER BY month",
    ))?;
    let head = |(month, links, hash, from_month, from_links, from_hash, dropped): Row| Head {
        month,
        links,
        hash,
        from: from_month
            .zip(from_links)
            .zip(from_hash)
            .map(|((month, links), hash)| (month, links, hash)),
        dropped,
    };
    Ok(rows.into_iter().map(head).collect())
}

fn stray(tx: &mut Tx<'_>) -> Result<i64, DbError> {
    tx.scalar(sqlx::query_scalar(
        "SELECT count(*) FROM audit_log AS l WHERE l.month IS NULL OR l.link IS NULL
             OR NOT EXISTS (SELECT FROM audit_heads AS h WHERE h.month = l.month AND h.dropped_at IS NULL)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(rows: usize) -> Vec<Link> {
        let mut before = GENESIS.to_vec();
        (1..=rows)
            .map(|n| {
                let link = n as i64;
                let mut fields = vec![None; FIELDS];
                fields[0] = Some(n.to_string());
                fields[8] = Some(format!("{{\"n\": {n}}}"));
                let hash = hash(&before, link, &fields).to_vec();
                let prev_hash = std::mem::replace(&mut before, hash.clone());
                Link {
                    link: Some(link),
                    fields,
                    prev_hash: Some(prev_hash),
                    hash: Some(hash),
                }
            })
            .collect()
    }

    fn faults(rows: &[Link]) -> Vec<Fault> {
        let mut report = Report::default();
        let mut verifier = Verifier::new("2026-11-01", &GENESIS);
        rows.iter()
            .for_each(|row| verifier.follow(row, &mut report));
        report.faults
    }

    #[test]
    fn a_whole_chain_is_well_and_every_byte_of_it_counts() {
        let rows = chain(3);
        assert_eq!(faults(&rows), []);
        for at in 0..rows.len() {
            for field in 0..FIELDS {
                let text = rows[at].fields[field].clone().unwrap_or_default();
                for byte in 0..=text.len() {
                    let mut changed = rows.clone();
                    let mut bytes = text.clone().into_bytes();
                    match bytes.get_mut(byte) {
                        Some(byte) => *byte ^= 1,
                        None => bytes.push(b'x'),
                    }
                    changed[at].fields[field] = Some(String::from_utf8(bytes).expect("ASCII"));
                    assert!(
                        !faults(&changed).is_empty(),
                        "row {at}, field {field}, byte {byte}"
                    );
                }
                let mut emptied = rows.clone();
                emptied[at].fields[field] = match rows[at].fields[field] {
                    Some(_) => None,
                    None => Some(String::new()),
                };
                assert!(
                    !faults(&emptied).is_empty(),
                    "row {at}, field {field}: null and empty differ"
                );
            }
            for byte in 0..32 {
                let mut changed = rows.clone();
                changed[at].hash.as_mut().expect("a hash")[byte] ^= 1;
                assert!(!faults(&changed).is_empty());
                let mut changed = rows.clone();
                changed[at].prev_hash.as_mut().expect("a hash")[byte] ^= 1;
                assert!(!faults(&changed).is_empty());
            }
        }
    }

    #[test]
    fn only_what_went_with_a_restore_is_told_so() {
        let anchor = |link, of: u8| Fault::Anchor {
            month: "2026-11-01".into(),
            link,
            hash: vec![of; 32],
        };
        let lost = |month: &str, links, of: u8| Anchor {
            month: month.into(),
            links,
            hash: vec![of; 32],
        };
        let mut report = Report {
            faults: vec![anchor(3, 7), anchor(9, 7), anchor(9, 8)],
            ..Report::default()
        };
        let (at, dump) = (Timestamp::UNIX_EPOCH, None);
        let restore = Restore {
            at,
            dump,
            lost: vec![lost("2026-11-01", 9, 7), lost("2026-10-01", 3, 7)],
        };
        report.explain(&[restore]);
        let went = Fault::Restored {
            month: "2026-11-01".into(),
            link: 9,
            at,
            dump,
        };
        assert_eq!(
            report.faults,
            [anchor(3, 7), went, anchor(9, 8)],
            "what took the place of a lost row is none"
        );
    }

    #[test]
    fn rows_that_are_taken_out_or_swapped_are_missed() {
        let rows = chain(4);
        let without_second = [rows[0].clone(), rows[2].clone(), rows[3].clone()];
        assert!(faults(&without_second).contains(&Fault::Missing {
            month: "2026-11-01".into(),
            link: 2
        }));
        let swapped = [
            rows[0].clone(),
            rows[2].clone(),
            rows[1].clone(),
            rows[3].clone(),
        ];
        assert!(!faults(&swapped).is_empty());
    }

    #[test]
    fn moving_text_from_one_field_to_the_next_is_another_row() {
        let fields = |a: &str, b: &str| vec![Some(a.to_owned()), Some(b.to_owned())];
        assert_ne!(
            hash(&GENESIS, 1, &fields("ab", "c")),
            hash(&GENESIS, 1, &fields("a", "bc"))
        );
        assert_ne!(
            hash(&GENESIS, 1, &fields("1:", "")),
            hash(&GENESIS, 1, &fields("", "1:"))
        );
    }
}
