//! Pages of lists: keyset cursors, at most [`PAGE_MAX`] rows each.

use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::refusal::{BAD_PAGE, Refusal};

/// Most rows of a page (N-rule of the API: at most 100).
pub const PAGE_MAX: u32 = 100;

/// Rows of a page when nothing is said.
pub const PAGE_DEFAULT: u32 = 50;

/// Where a page begins: behind the row with this sort key and id. Text on the wire: `key_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The sort key as an integer: microseconds, a score, a rank.
    pub key: i64,
    /// The row's id, which orders rows of one key.
    pub id: Uuid,
}

/// Which page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// Behind this row; `None` for the first page.
    pub after: Option<Cursor>,
    /// Rows, 1 to [`PAGE_MAX`].
    pub limit: u32,
}

/// A page of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Give it as `cursor` for the next page; `None` at the end.
    pub next: Option<String>,
}

impl Cursor {
    /// The sort key of an instant, microseconds.
    pub fn micros(ts: Ts) -> i64 {
        i64::try_from(ts.0 / 1_000).unwrap_or(i64::MAX)
    }

    /// For the wire.
    pub fn to_text(self) -> String {
        format!("{}_{}", self.key, self.id.simple())
    }

    /// From the wire.
    pub fn parse(text: &str) -> Option<Self> {
        let (key, id) = text.split_once('_')?;
        Some(Self {
            key: key.parse().ok()?,
            id: Uuid::try_parse(id).ok()?,
        })
    }
}

impl Paging {
    /// The page that the query parameters `cursor` and `limit` ask for.
    ///
    /// # Errors
    /// A cursor of another form, or a limit out of range.
    pub fn of(cursor: Option<&str>, limit: Option<u32>) -> Result<Self, Refusal> {
        let limit = limit.unwrap_or(PAGE_DEFAULT);
        if limit == 0 || limit > PAGE_MAX {
            return Err(BAD_PAGE.field("limit", format!("use 1 to {PAGE_MAX}")));
        }
        let after = match cursor {
            None => None,
            Some(text) => {
                let cursor = Cursor::parse(text);
                Some(cursor.ok_or_else(|| {
                    BAD_PAGE.field("cursor", "give the value of next of the page before")
                })?)
            }
        };
        Ok(Self { after, limit })
    }

    /// Rows to read: one more than the page, which tells whether there is a next one.
    pub fn fetch(self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Cuts what [`Paging::fetch`] rows brought to the page; `cursor` gives a row's place.
    pub fn cut<T>(self, mut items: Vec<T>, cursor: impl Fn(&T) -> Cursor) -> Page<T> {
        let limit = self.limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items
            .last()
            .filter(|_| more)
            .map(|last| cursor(last).to_text());
        Page { items, next }
    }
}

impl<T> Page<T> {
    /// The same page of other rows.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            next: self.next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let rows: Vec<(i64, Uuid)> = (0..5)
            .map(|n| (n / 2, Uuid::from_u128(n as u128)))
            .collect();
        let mut paging = Paging::of(None, Some(2)).expect("a page");
        let mut seen = Vec::new();
        loop {
            let after = paging.after;
            let behind = rows
                .iter()
                .filter(|row| after.is_none_or(|c| **row > (c.key, c.id)));
            let fetched = behind.take(paging.fetch() as usize).copied().collect();
            let page = paging.cut(fetched, |&(key, id)| Cursor { key, id });
            seen.extend(page.items);
            match page.next {
                Some(next) => paging = Paging::of(Some(&next), Some(2)).expect("its own cursor"),
                None => break,
            }
        }
        assert_eq!(seen, rows);
    }

    #[test]
    fn wrong_pages_are_refused_by_field() {
        for (cursor, limit) in [
            (None, Some(0)),
            (None, Some(101)),
            (Some("x"), None),
            (Some("1_zz"), None),
        ] {
            let refused = Paging::of(cursor, limit).expect_err("refused");
            assert_eq!(refused.fault(), Some(BAD_PAGE));
        }
    }
}
