//! How long leads are kept that never became clients.

use std::collections::BTreeSet;

use siaga_risk::units::Ts;
use uuid::Uuid;

use super::{erase, store};
use crate::audit::{Action, Change};
use crate::refusal::Refusal;
use crate::retention::Category;
use crate::subjects::KeyClass;
use crate::unit::Unit;
use crate::values::bound;

/// Operational data: two years, then they name nobody.
const DAYS: u32 = 730;

/// Leads that are part of those of one slice: a person is taken in twice or three times, not two hundred times.
const PARTS_MAX: i64 = 100_000;

/// Leads that were given up and never became a client, from their last change and the last line of their timeline, with those that
/// are part of them: who is held in one of these is held in all. Of one that joined a lead which is worked on, or a client, the data are
/// that one's.
pub struct Lost;

impl Category for Lost {
    fn name(&self) -> &'static str {
        "leads"
    }

    fn days(&self) -> u32 {
        DAYS
    }

    fn asks_for_each(&self) -> bool {
        true
    }

    fn sweep(&self, unit: &mut Unit<'_, '_>, before: Ts, limit: u32) -> Result<u64, Refusal> {
        // The audit log opens with the same key: who is held there is held here.
        let found: Vec<(Uuid, Uuid)> = unit.tx().all(
            sqlx::query_as(
                "SELECT l.id, l.org_id FROM leads AS l
                 WHERE l.status = 'lost' AND l.user_id IS NULL AND l.data <> '{}' AND l.updated_at < $1
                     AND NOT EXISTS (SELECT FROM lead_history AS h WHERE h.lead_id = l.id AND h.created_at >= $1)
                     AND NOT app_held('leads', l.subject_id) AND NOT app_held('audit', l.subject_id)
                     AND NOT EXISTS (
                         SELECT FROM leads AS p JOIN lead_subjects AS f ON f.lead_id = p.id
                         WHERE (p.id = l.id OR p.merged_into = l.id) AND NOT EXISTS (SELECT FROM users AS u WHERE u.id = f.subject_id)
                             AND (app_held('leads', f.subject_id) OR app_held('audit', f.subject_id)))
                 ORDER BY l.updated_at, l.id LIMIT $2",
            )
            .bind(bound(before))
            .bind(i64::from(limit)),
        )?;
        // In one order, and before the rows are locked: a lead that comes in again meanwhile is none of these.
        let orgs: BTreeSet<Uuid> = found.iter().map(|row| row.1).collect();
        for org in orgs {
            store::lock_assignment_of(unit, org)?;
        }
        let ids: Vec<Uuid> = found.into_iter().map(|row| row.0).collect();
        let lost: Vec<(Uuid,)> = unit.tx().all(
            sqlx::query_as(
                "SELECT l.id FROM leads AS l
                 WHERE l.id = ANY ($1) AND l.status = 'lost' AND l.user_id IS NULL AND l.updated_at < $2
                 ORDER BY l.id LIMIT $3 FOR UPDATE OF l",
            )
            .bind(ids)
            .bind(bound(before))
            .bind(i64::from(limit)),
        )?;
        let lost: Vec<Uuid> = lost.into_iter().map(|(id,)| id).collect();
        if lost.is_empty() {
            return Ok(0);
        }
        let whole: Vec<(Uuid,)> = unit.tx().all(
            sqlx::query_as(
                "SELECT l.id FROM leads AS l WHERE l.id = ANY ($1) OR l.merged_into = ANY ($1) ORDER BY l.id LIMIT $2",
            )
            .bind(&lost)
            .bind(PARTS_MAX),
        )?;
        let whole: Vec<Uuid> = whole.into_iter().map(|(id,)| id).collect();
        erase::anonymise(unit, &whole)?;
        for subject in subjects(unit, &whole)? {
            unit.destroy_key(subject, KeyClass::Personal)?;
            // The other one seals why somebody's rows were held.
            unit.end_statutory_key(subject)?;
        }
        for id in &lost {
            unit.audit(Change::new(Action::Update, "lead", *id).field("anonymised", false, true));
        }
        Ok(u64::try_from(lost.len()).unwrap_or(u64::MAX))
    }
}

/// Whose keys end with these leads, those of before too: no user's, and none that another lead is sealed under.
fn subjects(unit: &mut Unit<'_, '_>, ids: &[Uuid]) -> Result<Vec<Uuid>, Refusal> {
    let rows: Vec<(Uuid,)> = unit.tx().all(
        sqlx::query_as(
            "SELECT s.subject_id FROM (
                 SELECT l.subject_id FROM leads AS l WHERE l.id = ANY ($1)
                 UNION SELECT f.subject_id FROM lead_subjects AS f WHERE f.lead_id = ANY ($1)) AS s
             WHERE NOT EXISTS (SELECT FROM users AS u WHERE u.id = s.subject_id)
                 AND NOT EXISTS (SELECT FROM leads AS o WHERE o.subject_id = s.subject_id AND o.id <> ALL ($1))
                 AND NOT app_held('leads', s.subject_id) AND NOT app_held('audit', s.subject_id)
             LIMIT $2",
        )
        .bind(ids)
        .bind(PARTS_MAX),
    )?;
    Ok(rows.into_iter().map(|(subject,)| subject).collect())
}
