//! Searches that are asked again: what was found stands for two minutes (N4.47), until something that can be
//! found changes. What stands is keys and shares, never words, and nobody gets it unseen: row-level security
//! looks at each hit once more.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use uuid::Uuid;

use super::{HITS_MAX, Hit, find_of};
use crate::cache::Key;
use crate::crypto::{Keyring, blind};
use crate::db::Tx;
use crate::people::{Area, Principal, Role};
use crate::refusal::Refusal;
use crate::unit::Platform;

/// What somebody looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// As typed.
    pub query: String,
    /// Where; everywhere that may be seen when absent.
    pub area: Option<Area>,
    /// Users of this role alone; everything when absent.
    pub role: Option<Role>,
    /// Most hits.
    pub limit: u32,
}

/// The best hits, as [`find`](super::find) brings them.
///
/// # Errors
/// As [`find`](super::find).
pub async fn ask(
    platform: &Platform,
    by: &Principal,
    question: &Question,
) -> Result<Vec<Hit>, Refusal> {
    let (hits, fresh) = kept(platform, by, question).await?;
    if fresh || hits.is_empty() {
        return Ok(hits);
    }
    let area = question.area;
    platform.read(by, move |tx| still(tx, hits, area)).await
}

/// As [`ask`], for whoever reads each hit under row-level security anyway.
pub(crate) async fn unverified(
    platform: &Platform,
    by: &Principal,
    question: &Question,
) -> Result<Vec<Hit>, Refusal> {
    Ok(kept(platform, by, question).await?.0)
}

/// The hits, and whether they were looked for just now.
async fn kept(
    platform: &Platform,
    by: &Principal,
    question: &Question,
) -> Result<(Vec<Hit>, bool), Refusal> {
    let fresh = AtomicBool::new(false);
    let load = async {
        let (keyring, asked) = (platform.keyring().clone(), question.clone());
        let found = platform.read(by, move |tx| {
            let of = (asked.area, asked.role);
            find_of(tx, &keyring, &asked.query, of, asked.limit)
        });
        let found = found.await?;
        fresh.store(true, Ordering::Relaxed);
        Ok::<_, Refusal>(found)
    };
    // Asked for before the search: what changes meanwhile makes another generation.
    let hits = match platform.cache().searches().await {
        None => load.await?,
        Some(generation) => {
            let key = key(platform.keyring(), by, question, &generation);
            platform.cache().get(&key, load).await?
        }
    };
    Ok((hits, fresh.load(Ordering::Relaxed)))
}

/// Everything that decides the answer. What was typed is mostly a person's name, and leaves the process as a
/// keyed hash.
fn key(keyring: &Keyring, by: &Principal, question: &Question, generation: &str) -> Key {
    let typed = blind(keyring, "search.query", &question.query);
    let area = question.area.map_or("all", Area::name);
    let role = question.role.map_or("any", Role::name);
    Key::Search {
        query: typed.iter().map(|byte| format!("{byte:02x}")).collect(),
        filters: format!(
            "{generation} {area} {role} {} {:?} {} {} {:?} {:?}",
            question.limit,
            by.who,
            by.org,
            by.role.name(),
            by.teams,
            by.narrowed
        ),
    }
}

/// The hits that are there, and seen by whoever asks, now.
fn still(tx: &mut Tx<'_>, hits: Vec<Hit>, area: Option<Area>) -> Result<Vec<Hit>, Refusal> {
    let kinds: Vec<String> = hits.iter().map(|hit| hit.entity.clone()).collect();
    let ids: Vec<Uuid> = hits.iter().map(|hit| hit.id).collect();
    let rows: Vec<(String, Uuid)> = tx.all(
        sqlx::query_as(
            "SELECT e.entity_type, e.entity_id FROM search_entries AS e
             JOIN unnest($1::text[], $2::uuid[]) AS h (entity_type, entity_id) ON e.entity_type = h.entity_type AND e.entity_id = h.entity_id
             WHERE ($3::text IS NULL OR e.area = $3) LIMIT $4",
        )
        .bind(kinds)
        .bind(ids)
        .bind(area.map(Area::name))
        .bind(i64::from(HITS_MAX)),
    )?;
    let there: HashSet<(String, Uuid)> = rows.into_iter().collect();
    let mut hits = hits;
    hits.retain(|hit| there.contains(&(hit.entity.clone(), hit.id)));
    Ok(hits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Who;

    #[test]
    fn nobody_has_the_key_of_somebody_else_or_of_another_question() {
        let keyring = Keyring::generate("k1");
        let agent = Principal {
            who: Who::User(Uuid::from_u128(1)),
            role: Role::SalesAgent,
            teams: vec![Uuid::from_u128(9)],
            ..Principal::system("test")
        };
        let question = Question {
            query: "Sari".into(),
            area: Some(Area::Crm),
            role: None,
            limit: 20,
        };
        let of = |by: &Principal, question: &Question, generation: &str| {
            key(&keyring, by, question, generation).text()
        };
        let mine = of(&agent, &question, "g1");
        assert_eq!(mine, of(&agent, &question, "g1"));
        let askers = [
            Principal {
                who: Who::User(Uuid::from_u128(2)),
                ..agent.clone()
            },
            Principal {
                who: Who::For(Uuid::from_u128(1)),
                ..agent.clone()
            },
            Principal {
                org: Uuid::from_u128(3),
                ..agent.clone()
            },
            Principal {
                role: Role::SalesManager,
                ..agent.clone()
            },
            Principal {
                teams: Vec::new(),
                ..agent.clone()
            },
            Principal {
                narrowed: Some(vec!["lead.read".into()]),
                ..agent.clone()
            },
        ];
        for asker in &askers {
            assert_ne!(of(asker, &question, "g1"), mine, "{asker:?}");
        }
        let questions = [
            Question {
                query: "Budi".into(),
                ..question.clone()
            },
            Question {
                area: None,
                ..question.clone()
            },
            Question {
                role: Some(Role::Dealer),
                ..question.clone()
            },
            Question {
                limit: 21,
                ..question.clone()
            },
        ];
        for other in &questions {
            assert_ne!(of(&agent, other, "g1"), mine, "{other:?}");
        }
        assert_ne!(of(&agent, &question, "g2"), mine, "something changed");
        let elsewhere = key(&Keyring::generate("k1"), &agent, &question, "g1");
        assert_ne!(elsewhere.text(), mine, "the hash of a name is keyed");
    }
}
