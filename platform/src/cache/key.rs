use std::time::Duration;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// What is kept (N4.44-N4.47), with the time of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// `session:{session_id}`, 3,600 s: that it ended, and nothing else. A session that stands is looked up in
    /// the database, where its idle time decides; the time here is longer than any program believes what it read.
    Session(Uuid),
    /// `user:{user_id}:profile`, 1,800 s.
    Profile(Uuid),
    /// `project:{id}:docs:page:{page}`, 300 s: a page of a list of some workspace as one viewer sees it.
    Page {
        /// The workspace: a board, a campaign, a book.
        workspace: Uuid,
        /// The list in it.
        list: &'static str,
        /// Who sees it.
        viewer: Uuid,
        /// Which page: its cursor and filters.
        page: String,
    },
    /// `search:{query_hash}:{filters_hash}`, 120 s: [`crate::search::ask`] makes it.
    Search {
        /// What was typed, as a keyed hash.
        query: String,
        /// Everything else that decides the answer: the area, how many, who asks and what they may see.
        filters: String,
    },
}

impl Key {
    /// The key of both levels.
    pub fn text(&self) -> String {
        match self {
            Key::Session(id) => format!("session:{id}"),
            Key::Profile(user) => format!("user:{user}:profile"),
            Key::Page {
                workspace,
                list,
                viewer,
                page,
            } => format!("project:{workspace}:{list}:{viewer}:page:{}", hashed(page)),
            Key::Search { query, filters } => {
                format!("search:{}:{}", hashed(query), hashed(filters))
            }
        }
    }

    /// How long it is kept.
    pub fn ttl(&self) -> Duration {
        Duration::from_secs(match self {
            Key::Session(_) => 3_600,
            Key::Profile(_) => 1_800,
            Key::Page { .. } => 300,
            Key::Search { .. } => 120,
        })
    }
}

/// The first half of the SHA-256, hexadecimal: secrets and what people type stay out of keys.
fn hashed(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_times_are_those_of_the_requirements() {
        let user = Uuid::from_u128(1);
        let keys = [
            (
                Key::Session(user),
                "session:00000000-0000-0000-0000-000000000001",
                3_600,
            ),
            (
                Key::Profile(user),
                "user:00000000-0000-0000-0000-000000000001:profile",
                1_800,
            ),
            (
                Key::Search {
                    query: "sari".into(),
                    filters: String::new(),
                },
                "search:",
                120,
            ),
        ];
        for (key, start, seconds) in keys {
            assert!(key.text().starts_with(start), "{}", key.text());
            assert_eq!(key.ttl().as_secs(), seconds);
            assert!(!key.text().contains("sari"));
        }
        let page = |viewer, page: &str| Key::Page {
            workspace: user,
            list: "docs",
            viewer: Uuid::from_u128(viewer),
            page: page.into(),
        };
        assert_ne!(
            page(1, "a").text(),
            page(2, "a").text(),
            "nobody gets another's page"
        );
        assert_ne!(page(1, "a").text(), page(1, "b").text());
    }
}
