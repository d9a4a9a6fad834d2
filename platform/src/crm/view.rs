//! What people see of leads: lists, the board, the dashboard, the timeline. Row-level security cuts every one of them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::calendar::beginnings;
use crate::consent::CONSENT_READ;
use crate::crypto::{Keyring, Sealed, SubjectKey};
use crate::db::Tx;
use crate::erasure::SUBJECT_READ;
use crate::page::{Cursor, Page, Paging};
use crate::people::{Area, Principal, Sight, Target};
use crate::refusal::{ERASED, Refusal};
use crate::search;
use crate::unit::{Platform, subject_key, subject_keys};
use crate::values::{bound, from_micros, micros};

use super::lead::{Known, Lead, broken, lead_columns};
use super::limits;
use super::permissions::{ANALYTICS_EXPORT, ANALYTICS_VIEW, LEAD_READ};
use super::score::{self, Band, Score};
use super::stage::{Column, Stage, Status};
use super::store::{self, FactRow};

/// Cards of a column that the board brings; more by the list.
pub const CARDS: u32 = 20;

/// Alerts and accounts beside a timeline.
const BESIDE_MAX: i64 = 20;

/// A lead as somebody sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The row.
    pub lead: Lead,
    /// Its person, masked where the role masks.
    pub known: Known,
    /// Why it was lost.
    pub reason: Option<String>,
    /// Whether personal data are whole.
    pub sight: Sight,
    /// Under which key its person's data are kept, for whoever may see their consents or their requests.
    pub subject: Option<Uuid>,
}

/// Which leads a list brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In one of these stages; all when empty.
    pub stages: Vec<Stage>,
    /// Of this status; open and lost ones when absent.
    pub status: Option<Status>,
    /// Of this band.
    pub band: Option<Band>,
    /// Hot now, or not.
    pub hot: Option<bool>,
    /// Of this agent.
    pub assigned_to: Option<Uuid>,
    /// In the pool.
    pub pool: bool,
    /// Beyond the term of their stage.
    pub overdue: bool,
}

/// The key of a subject; `None` when there is none, or it was destroyed.
///
/// # Errors
/// The database, or a keyring that does not open it.
pub(super) fn key_of(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    subject: Uuid,
) -> Result<Option<SubjectKey>, Refusal> {
    match subject_key(tx, keyring, subject) {
        Err(refusal) if refusal.fault() == Some(ERASED) => Ok(None),
        other => other,
    }
}

/// The subject of a lead, for whom its pages are open: consents, export, erasure.
fn subject_for(by: &Principal, lead: &Lead) -> Option<Uuid> {
    let target = Target::of(lead.org, lead.subject);
    let sees = |permission| by.may(permission, &target).is_ok();
    (sees(CONSENT_READ) || sees(SUBJECT_READ)).then_some(lead.subject)
}

fn seen(
    by: &Principal,
    lead: Lead,
    sight: Sight,
    key: Option<&SubjectKey>,
) -> Result<Seen, Refusal> {
    let (known, reason) = match key {
        Some(key) => (lead.open(key)?, lead.lost_because(key)?),
        None => (Known::default(), None),
    };
    Ok(Seen {
        known: known.shown(sight),
        reason: reason.filter(|_| sight == Sight::Clear),
        subject: subject_for(by, &lead),
        lead,
        sight,
    })
}

/// Leads as somebody sees them, in their order.
fn all_seen(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    by: &Principal,
    leads: Vec<Lead>,
    sight: Sight,
) -> Result<Vec<Seen>, Refusal> {
    let keys = subject_keys(tx, keyring, leads.iter().map(|lead| lead.subject))?;
    let seen = leads.into_iter().map(|lead| {
        let key = keys.get(&lead.subject);
        seen(by, lead, sight, key)
    });
    seen.collect()
}

/// One lead.
///
/// # Errors
/// Forbidden or not found.
pub async fn one(platform: &Platform, by: &Principal, id: Uuid) -> Result<Seen, Refusal> {
    let (owned, keyring) = (by.clone(), Arc::clone(platform.keyring()));
    platform
        .read(by, move |tx| {
            let lead = store::find(tx, id)?;
            let sight = owned.may(LEAD_READ, &lead.target())?;
            let key = key_of(tx, &keyring, lead.subject)?;
            seen(&owned, lead, sight, key.as_ref())
        })
        .await
}

/// A page of leads, newest first.
///
/// # Errors
/// Forbidden.
pub async fn list(
    platform: &Platform,
    by: &Principal,
    filter: Filter,
    paging: Paging,
) -> Result<Page<Seen>, Refusal> {
    let (_, sight) = by.scope(LEAD_READ)?;
    let (owned, now, keyring) = (by.clone(), platform.now(), Arc::clone(platform.keyring()));
    let page = platform.read(by, move |tx| {
        let leads = rows(tx, owned.org, &filter, paging, now)?;
        let page = paging.cut(leads, |lead| Cursor {
            key: Cursor::micros(lead.created),
            id: lead.id,
        });
        Ok(Page {
            items: all_seen(tx, &keyring, &owned, page.items, sight)?,
            next: page.next,
        })
    });
    page.await
}

fn rows(
    tx: &mut Tx<'_>,
    org: Uuid,
    filter: &Filter,
    paging: Paging,
    now: Ts,
) -> Result<Vec<Lead>, Refusal> {
    let stages: Vec<String> = filter
        .stages
        .iter()
        .map(|stage| stage.name().to_owned())
        .collect();
    let (least, most) = match filter.band {
        None => (0, 100),
        Some(Band::None) => (0, i32::from(score::MQL) - 1),
        Some(Band::Mql) => (i32::from(score::MQL), i32::from(score::SQL) - 1),
        Some(Band::Sql) => (i32::from(score::SQL), 100),
    };
    let (at, id) = paging
        .after
        .map_or((i64::MAX, Uuid::max()), |cursor| (cursor.key, cursor.id));
    let query = sqlx::query_as(concat!(
        "SELECT ",
        lead_columns!(),
        " FROM leads AS l WHERE l.org_id = $1 AND (cardinality($2::text[]) = 0 OR l.stage = ANY ($2))
             AND (CASE WHEN $3::text IS NULL THEN l.status <> 'merged' ELSE l.status = $3 END)
             AND l.score BETWEEN $4 AND $5
             AND ($6::boolean IS NULL OR (l.budget_confirmed OR (l.score >= $7 AND coalesce(l.engaged_until > $8, false))) = $6)
             AND ($9::uuid IS NULL OR l.assigned_to = $9)
             AND (NOT $10 OR (l.assigned_to IS NULL AND l.status = 'open' AND l.stage <> 'active'))
             AND (NOT $11 OR (l.status = 'open' AND l.due_at <= $8))
             AND (l.created_at, l.id) < ($12, $13)
             ORDER BY l.created_at DESC, l.id DESC LIMIT $14"
    ));
    let query = query
        .bind(org)
        .bind(stages)
        .bind(filter.status.map(Status::name))
        .bind(least)
        .bind(most)
        .bind(filter.hot)
        .bind(i32::from(score::SQL))
        .bind(bound(now))
        .bind(filter.assigned_to)
        .bind(filter.pool)
        .bind(filter.overdue)
        .bind(micros(at))
        .bind(id)
        .bind(paging.fetch());
    Ok(tx.all(query)?)
}

/// Leads that what was typed finds, best first: by name, number, address, city, also misspelled.
///
/// # Errors
/// Forbidden, or a query that is none.
pub async fn find(
    platform: &Platform,
    by: &Principal,
    typed: String,
    limit: u32,
) -> Result<Vec<Seen>, Refusal> {
    let (_, sight) = by.scope(LEAD_READ)?;
    let (owned, keyring) = (by.clone(), Arc::clone(platform.keyring()));
    let question = search::Question {
        query: typed,
        area: Some(Area::Crm),
        role: None,
        limit,
    };
    let hits = search::unverified(platform, by, &question).await?;
    platform
        .read(by, move |tx| {
            let leads = hits.into_iter().filter(|hit| hit.entity == "lead");
            let ids: Vec<Uuid> = leads.map(|hit| hit.id).collect();
            // An entry may outlive what its reader may see.
            let mut there: HashMap<Uuid, Lead> = store::find_all(tx, &ids)?
                .into_iter()
                .map(|lead| (lead.id, lead))
                .collect();
            let leads = ids.iter().filter_map(|id| there.remove(id)).collect();
            all_seen(tx, &keyring, &owned, leads, sight)
        })
        .await
}

/// The facts of a lead, and what they come to.
///
/// # Errors
/// Forbidden or not found.
pub async fn facts(
    platform: &Platform,
    by: &Principal,
    id: Uuid,
) -> Result<(Vec<FactRow>, Score), Refusal> {
    let (owned, now) = (by.clone(), platform.now());
    platform
        .read(by, move |tx| {
            let lead = store::find(tx, id)?;
            owned.may(LEAD_READ, &lead.target())?;
            let facts = store::facts(tx, id)?;
            let score = score::score(&store::counting(&lead, &facts), now);
            Ok((facts, score))
        })
        .await
}

/// A column of the board.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnView {
    /// Which.
    pub column: Column,
    /// Open leads in it.
    pub total: i64,
    /// Hot ones of these.
    pub hot: i64,
    /// Ones beyond their term.
    pub overdue: i64,
    /// From so many on there is too much in progress.
    pub limit: Option<u32>,
    /// By stage.
    pub stages: Vec<(Stage, i64)>,
    /// The newest.
    pub cards: Page<Seen>,
}

type Count = (String, i64, i64, i64);

/// Open leads by stage: all, hot, overdue.
fn counts(tx: &mut Tx<'_>, org: Uuid, now: Ts) -> Result<HashMap<Stage, (i64, i64, i64)>, Refusal> {
    let rows: Vec<Count> = tx.all(
        sqlx::query_as(
            "SELECT stage, count(*), count(*) FILTER (WHERE budget_confirmed OR (score >= $3 AND engaged_until > $2)), count(*) FILTER (WHERE due_at <= $2)
             FROM leads WHERE org_id = $1 AND status = 'open' GROUP BY stage",
        )
        .bind(org)
        .bind(bound(now))
        .bind(i32::from(score::SQL)),
    )?;
    let counts = rows.into_iter().filter_map(|(stage, all, hot, overdue)| {
        Some((Stage::parse(&stage)?, (all, hot, overdue)))
    });
    Ok(counts.collect())
}

/// The board: six columns with totals and their newest cards.
///
/// # Errors
/// Forbidden.
pub async fn board(platform: &Platform, by: &Principal) -> Result<Vec<ColumnView>, Refusal> {
    let (_, sight) = by.scope(LEAD_READ)?;
    let (org, now, keyring) = (by.org, platform.now(), Arc::clone(platform.keyring()));
    let owned = by.clone();
    let paging = Paging {
        after: None,
        limit: CARDS,
    };
    platform
        .read(by, move |tx| {
            let counts = counts(tx, org, now)?;
            let limits = limits::of(tx, org)?;
            let mut columns = Vec::with_capacity(Column::ALL.len());
            for column in Column::ALL {
                let filter = Filter {
                    stages: column.stages(),
                    status: Some(Status::Open),
                    ..Filter::default()
                };
                let page = paging.cut(rows(tx, org, &filter, paging, now)?, |lead| Cursor {
                    key: Cursor::micros(lead.created),
                    id: lead.id,
                });
                let items = all_seen(tx, &keyring, &owned, page.items, sight)?;
                let of = |stage: Stage| counts.get(&stage).copied().unwrap_or((0, 0, 0));
                let stages = column.stages();
                columns.push(ColumnView {
                    column,
                    total: stages.iter().map(|&stage| of(stage).0).sum(),
                    hot: stages.iter().map(|&stage| of(stage).1).sum(),
                    overdue: stages.iter().map(|&stage| of(stage).2).sum(),
                    limit: limits.get(&column).copied(),
                    stages: stages.iter().map(|&stage| (stage, of(stage).0)).collect(),
                    cards: Page {
                        items,
                        next: page.next,
                    },
                });
            }
            Ok(columns)
        })
        .await
}

/// A stage on the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageFigures {
    /// Which.
    pub stage: Stage,
    /// Open leads in it now.
    pub now: i64,
    /// Ones beyond their term.
    pub overdue: i64,
    /// Average time of those who left it, seconds.
    pub average_s: Option<i64>,
}

/// The figures of the dashboard, of the leads that their reader may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dashboard {
    /// Leads that came in today, this week, this month, ever.
    pub total: [i64; 4],
    /// Ones that became trading clients.
    pub converted: i64,
    /// Decisions on identity: passed, failed.
    pub kyc: (i64, i64),
    /// By stage.
    pub stages: Vec<StageFigures>,
    /// In the pool.
    pub pool: i64,
    /// Hot.
    pub hot: i64,
    /// As of.
    pub at: Ts,
}

/// `part` of `whole` in hundredths of a percent, half away from zero; `None` of nothing.
pub fn percent(part: i64, whole: i64) -> Option<i64> {
    if whole <= 0 {
        return None;
    }
    let twice = i128::from(part) * 20_000 / i128::from(whole);
    i64::try_from((twice + 1) / 2).ok()
}

/// The figures of the dashboard.
///
/// # Errors
/// Forbidden.
pub async fn dashboard(platform: &Platform, by: &Principal) -> Result<Dashboard, Refusal> {
    by.scope(ANALYTICS_VIEW)?;
    let (org, now) = (by.org, platform.now());
    platform.read(by, move |tx| figures(tx, org, now)).await
}

/// The figures of the dashboard to be taken out, and the record that they were.
///
/// # Errors
/// Forbidden.
pub async fn export(platform: &Platform, by: &Principal) -> Result<Dashboard, Refusal> {
    by.scope(ANALYTICS_EXPORT)?;
    let org = by.org;
    platform
        .command(by, move |unit| {
            let now = unit.now();
            let change = Change::new(Action::Access, "dashboard", org);
            unit.audit(change.field("export", Value::Null, true));
            figures(unit.tx(), org, now)
        })
        .await
}

fn figures(tx: &mut Tx<'_>, org: Uuid, now: Ts) -> Result<Dashboard, Refusal> {
    let [day, week, month] = beginnings(now);
    let row: (i64, i64, i64, i64, i64, i64, i64, i64) = tx.one(
        sqlx::query_as(
            "SELECT count(*) FILTER (WHERE created_at >= $2), count(*) FILTER (WHERE created_at >= $3), count(*) FILTER (WHERE created_at >= $4),
                 count(*), count(*) FILTER (WHERE converted_at IS NOT NULL), coalesce(sum(kyc_passed), 0)::bigint, coalesce(sum(kyc_failed), 0)::bigint,
                 count(*) FILTER (WHERE assigned_to IS NULL AND status = 'open' AND stage <> 'active')
             FROM leads WHERE org_id = $1 AND status <> 'merged'",
        )
        .bind(org)
        .bind(bound(day))
        .bind(bound(week))
        .bind(bound(month)),
    )?;
    let (today, this_week, this_month, all, converted, passed, failed, pool) = row;
    let averages: Vec<(String, i64)> = tx.all(
        sqlx::query_as(
            "SELECT stage, round(avg(extract(epoch FROM left_at - entered_at)))::bigint FROM lead_stage_spans
             WHERE org_id = $1 AND left_at IS NOT NULL GROUP BY stage",
        )
        .bind(org),
    )?;
    let counts = counts(tx, org, now)?;
    let stages = Stage::ALL.map(|stage| {
        let (open, _, overdue) = counts.get(&stage).copied().unwrap_or((0, 0, 0));
        StageFigures {
            stage,
            now: open,
            overdue,
            average_s: averages
                .iter()
                .find(|(name, _)| name == stage.name())
                .map(|(_, average)| *average),
        }
    });
    Ok(Dashboard {
        total: [today, this_week, this_month, all],
        converted,
        kyc: (passed, failed),
        stages: stages.to_vec(),
        pool,
        hot: counts.values().map(|(_, hot, _)| hot).sum(),
        at: now,
    })
}

/// A line of a lead's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its key.
    pub id: Uuid,
    /// `stage`, `note`, `cash`, as the table lists them.
    pub kind: String,
    /// A user's key, or `system`.
    pub by: String,
    /// States and numbers.
    pub detail: Value,
    /// What a person wrote.
    pub text: Option<String>,
    /// When.
    pub at: Ts,
}

/// An account of the person a lead became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLine {
    /// Its number in the core.
    pub account: i64,
    /// Which system has it.
    pub system: String,
    /// Its number there.
    pub outside_id: String,
    /// `live`, or `demo` with play money.
    pub account_type: String,
}

/// A risk alert of one of these accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertLine {
    /// Its number.
    pub id: i64,
    /// What it says.
    pub title: String,
    /// How bad.
    pub severity: String,
    /// Where it stands.
    pub state: String,
    /// The account.
    pub account: i64,
    /// `live`, or `demo`: nobody owes or loses money there.
    pub account_type: String,
    /// Since when.
    pub at: Ts,
}

/// Everything about a lead, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// What happened.
    pub lines: Page<Line>,
    /// The accounts of the person, on the first page.
    pub accounts: Vec<AccountLine>,
    /// Their newest risk alerts, on the first page.
    pub alerts: Vec<AlertLine>,
    /// The person whose profile staff see beside the first page.
    pub client: Option<Uuid>,
}

type HistoryRow = (Uuid, i64, String, String, Value, Option<Vec<u8>>, i64, Uuid);

/// The 360° of a lead: its own history and that of the leads that are part of it, with accounts and risk alerts beside them.
///
/// # Errors
/// Forbidden or not found.
pub async fn timeline(
    platform: &Platform,
    by: &Principal,
    id: Uuid,
    paging: Paging,
) -> Result<Timeline, Refusal> {
    let (owned, keyring) = (by.clone(), Arc::clone(platform.keyring()));
    let read = platform.read(by, move |tx| {
        let lead = store::find(tx, id)?;
        let sight = owned.may(LEAD_READ, &lead.target())?;
        let before = paging.after.map_or(i64::MAX, |cursor| cursor.key);
        let rows: Vec<HistoryRow> = tx.all(
            sqlx::query_as(
                "SELECT h.id, h.seq, h.kind, h.actor, h.detail, h.text_sealed, (extract(epoch FROM h.created_at) * 1000000)::bigint, l.subject_id
                 FROM lead_history AS h JOIN leads AS l ON l.id = h.lead_id
                 WHERE h.lead_id = ANY (ARRAY[$1]::uuid[] || ARRAY(SELECT m.id FROM leads AS m WHERE m.merged_into = $1)) AND h.seq < $2
                 ORDER BY h.seq DESC LIMIT $3",
            )
            .bind(id)
            .bind(before)
            .bind(paging.fetch()),
        )?;
        let page = paging.cut(rows, |row| Cursor {
            key: row.1,
            id: row.0,
        });
        let keys = subject_keys(tx, &keyring, page.items.iter().map(|row| row.7))?;
        let mut items = Vec::with_capacity(page.items.len());
        for (id, _, kind, actor, detail, sealed, at, subject) in page.items {
            let text = match (keys.get(&subject), sealed) {
                (Some(key), Some(sealed)) if sight == Sight::Clear => {
                    Some(key.open("lead_history.text", &Sealed::from_bytes(sealed)).map_err(broken)?)
                }
                _ => None,
            };
            items.push(Line {
                id,
                kind,
                by: actor,
                detail,
                text,
                at: from_micros(at),
            });
        }
        let lines = Page {
            items,
            next: page.next,
        };
        Ok((lines, lead.user))
    });
    let (lines, user) = read.await?;
    let (accounts, alerts) = match user.filter(|_| paging.after.is_none()) {
        Some(user) => {
            let (accounts, alerts) = beside(platform, by.org, user).await?;
            // A partner reads the money of who came through them, and nothing of their trading.
            let alerts = if by.role.is_staff() {
                alerts
            } else {
                Vec::new()
            };
            (accounts, alerts)
        }
        None => (Vec::new(), Vec::new()),
    };
    // Nor what they think and do: a partner reads no profile.
    let client = user.filter(|_| paging.after.is_none() && by.role.is_staff());
    Ok(Timeline {
        lines,
        accounts,
        alerts,
        client,
    })
}

/// Accounts and alerts of a person whom the reader sees: read as the program, since their own tables know no sales.
async fn beside(
    platform: &Platform,
    org: Uuid,
    user: Uuid,
) -> Result<(Vec<AccountLine>, Vec<AlertLine>), Refusal> {
    let program = Principal::system("crm.timeline").within(org);
    platform
        .read(&program, move |tx| {
            let accounts: Vec<(i64, String, String, String)> = tx.all(
                sqlx::query_as("SELECT account, system, outside_id, account_type FROM accounts_directory WHERE user_id = $1 ORDER BY account LIMIT $2")
                    .bind(user)
                    .bind(BESIDE_MAX),
            )?;
            let alerts: Vec<(i64, String, String, String, i64, String, i64)> = tx.all(
                sqlx::query_as(
                    "SELECT a.id, a.title, a.severity, a.state, a.account, d.account_type, (extract(epoch FROM a.started) * 1000000)::bigint
                     FROM alerts AS a JOIN accounts_directory AS d ON d.account = a.account WHERE d.user_id = $1
                     ORDER BY a.started DESC, a.id DESC LIMIT $2",
                )
                .bind(user)
                .bind(BESIDE_MAX),
            )?;
            let account = |(account, system, outside_id, account_type)| AccountLine {
                account,
                system,
                outside_id,
                account_type,
            };
            let alert = |(id, title, severity, state, account, account_type, at)| AlertLine {
                id,
                title,
                severity,
                state,
                account,
                account_type,
                at: from_micros(at),
            };
            Ok((accounts.into_iter().map(account).collect(), alerts.into_iter().map(alert).collect()))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn percentages_are_exact_to_two_digits() {
        for (part, whole, expected) in [
            (91, 1_820, Some(500)),
            (1, 3, Some(3_333)),
            (2, 3, Some(6_667)),
            (1, 20_000, Some(1)),
            (1, 20_001, Some(0)),
            (0, 7, Some(0)),
            (7, 7, Some(10_000)),
            (0, 0, None),
        ] {
            assert_eq!(percent(part, whole), expected, "{part} of {whole}");
        }
    }
}
