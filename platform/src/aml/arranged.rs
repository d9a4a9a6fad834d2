//! Deals of linked accounts against each other: the job that gives [`linked`] its facts. Clients are linked who share the name on the
//! other side of a payment, the number of a document, the address on one, or a telephone; accounts of one client are by themselves.

use serde_json::{Value, json};
use siaga_risk::event::Side;
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::case::CaseKind;
use super::cases::{NewAlert, add_alert, open_case};
use super::rules::{DAY_NS, LinkedDeal, Rule, linked};
use crate::calendar::date_of;
use crate::db::Tx;
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::unit::{Platform, Unit};
use crate::values::{bound, from_micros};

/// Pairs of clients, and of accounts of one client, looked at by one run: an hour is enough for them, and more is said.
const PAIRS_MAX: usize = 5_000;

/// More clients than this behind one name or number are a bank or a mistake of reading, not a ring.
const GROUP_MAX: i64 = 20;

/// Deals of one client that are read, the newest: a day of a busy one.
const DEALS_MAX: i64 = 2_000;

/// Pairs of deals that an alert names; their number is told too.
const NAMED_MAX: usize = 50;

/// A house and two of its clients, the smaller key first.
type Pair = (Uuid, Uuid, Uuid);

/// A house, one of its clients and two of their accounts, the smaller number first.
type Own = (Uuid, Uuid, i64, i64);

/// Looks at the last day of all linked clients, and of clients with several accounts. Returns how many pairs dealt against each
/// other and were not told today.
///
/// # Errors
/// The database.
pub async fn round(platform: &Platform) -> Result<u64, Refusal> {
    let platform = platform.background();
    let system = Principal::system("aml.arranged");
    let pairs = platform.read(&system, pairs).await?;
    if pairs.len() >= PAIRS_MAX {
        tracing::warn!(
            pairs = pairs.len(),
            "more linked clients than one run looks at"
        );
    }
    let mut told = 0;
    for (org, one, other) in pairs {
        let by = system.clone().within(org);
        told += u64::from(
            platform
                .command(&by, move |unit| look_at(unit, one, other))
                .await?,
        );
    }
    let own = platform.read(&system, own_accounts).await?;
    if own.len() >= PAIRS_MAX {
        tracing::warn!(
            pairs = own.len(),
            "more accounts of single clients than one run looks at"
        );
    }
    for (org, user, one, other) in own {
        let by = system.clone().within(org);
        told += u64::from(
            platform
                .command(&by, move |unit| look_at_own(unit, user, one, other))
                .await?,
        );
    }
    Ok(told)
}

/// Accounts of one client, by two.
fn own_accounts(tx: &mut Tx<'_>) -> Result<Vec<Own>, Refusal> {
    let query = sqlx::query_as(
        "SELECT u.org_id, u.id, a.account, b.account FROM accounts_directory AS a
             JOIN accounts_directory AS b ON b.user_id = a.user_id AND b.account > a.account JOIN users AS u ON u.id = a.user_id
         WHERE a.account_type = 'live' AND b.account_type = 'live' ORDER BY a.account, b.account LIMIT $1",
    );
    Ok(tx.all(query.bind(i64::try_from(PAIRS_MAX).unwrap_or(i64::MAX)))?)
}

fn pairs(tx: &mut Tx<'_>) -> Result<Vec<Pair>, Refusal> {
    let query = sqlx::query_as(
        "WITH bond AS (
             SELECT org_id, user_id, payer_index AS mark, payer_is_client IS NOT TRUE AS foreign_money FROM cash_requests WHERE payer_index IS NOT NULL
             UNION SELECT org_id, user_id, number_index, true FROM kyc_documents WHERE number_index IS NOT NULL
             UNION SELECT org_id, user_id, address_index, true FROM kyc_documents WHERE address_index IS NOT NULL
             UNION SELECT org_id, id, phone_index, true FROM users WHERE phone_index IS NOT NULL AND role = 'end_user' AND status <> 'deleted'
         ), ring AS (
             -- Who pays for themselves shares a name and no money; one who pays for another is a bond of both.
             SELECT org_id, mark FROM bond GROUP BY org_id, mark HAVING count(DISTINCT user_id) BETWEEN 2 AND $1 AND bool_or(foreign_money)
         )
         SELECT DISTINCT a.org_id, a.user_id AS one, b.user_id AS other
         FROM ring AS r JOIN bond AS a ON a.org_id = r.org_id AND a.mark = r.mark JOIN bond AS b ON b.org_id = r.org_id AND b.mark = r.mark
         WHERE a.user_id < b.user_id ORDER BY one, other LIMIT $2",
    );
    let most = i64::try_from(PAIRS_MAX).unwrap_or(i64::MAX);
    Ok(tx.all(query.bind(GROUP_MAX).bind(most))?)
}

/// Judges two clients and tells both cases, once a day; true when it was told. What goes on behind a decision is told the next day,
/// whose window reaches back over it.
fn look_at(unit: &mut Unit<'_, '_>, one: Uuid, other: Uuid) -> Result<bool, Refusal> {
    let now = unit.now();
    let since = Ts(now.0.saturating_sub(DAY_NS));
    let (first, second) = (
        deals(unit.tx(), one, None, since)?,
        deals(unit.tx(), other, None, since)?,
    );
    let pairs = linked(&first, &second);
    if pairs.is_empty() {
        return Ok(false);
    }
    let day = date_of(now);
    let mut told = false;
    // In the order of their keys, as every run does: two of them do not wait for each other.
    for (user, counter) in [(one, other), (other, one)] {
        let found = Found {
            key: format!("{counter} {day}"),
            against: "a linked client",
            counterpart: json!(counter),
        };
        told |= tell(unit, user, found, &pairs)?;
    }
    Ok(told)
}

/// As [`look_at`], for two accounts of one client.
fn look_at_own(unit: &mut Unit<'_, '_>, user: Uuid, one: i64, other: i64) -> Result<bool, Refusal> {
    let now = unit.now();
    let since = Ts(now.0.saturating_sub(DAY_NS));
    let (first, second) = (
        deals(unit.tx(), user, Some(one), since)?,
        deals(unit.tx(), user, Some(other), since)?,
    );
    let pairs = linked(&first, &second);
    if pairs.is_empty() {
        return Ok(false);
    }
    let found = Found {
        key: format!("{one} {other} {}", date_of(now)),
        against: "another account of the client",
        counterpart: json!([one, other]),
    };
    tell(unit, user, found, &pairs)
}

/// What was found about a client.
struct Found {
    /// What the alert is about: the same is told once.
    key: String,
    /// Against whom, in words.
    against: &'static str,
    /// Against whom, by key or number.
    counterpart: Value,
}

/// Tells a client's case what was found; false when it was told before.
fn tell(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    found: Found,
    pairs: &[(i64, i64)],
) -> Result<bool, Refusal> {
    let query = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM aml_alerts WHERE user_id = $1 AND rule = $2 AND key = $3)",
    );
    let query = query.bind(user).bind(Rule::LinkedOpposite.name());
    if unit.tx().scalar(query.bind(found.key.clone()))? {
        return Ok(false);
    }
    let named: Vec<(i64, i64)> = pairs.iter().copied().take(NAMED_MAX).collect();
    let alert = NewAlert {
        rule: Rule::LinkedOpposite,
        key: found.key,
        detail: format!(
            "{} deals within 24 hours against {}, each within a minute of its counterpart",
            pairs.len(),
            found.against
        ),
        facts: json!({ "counterpart": found.counterpart, "pairs": pairs.len(), "deals": named }),
    };
    let case = open_case(
        unit,
        user,
        CaseKind::Transactions,
        Rule::LinkedOpposite.severity(),
    )?;
    add_alert(unit, case, user, CaseKind::Transactions, &alert)
}

/// Deals of a client since then, of one account or of all, in order of time. What one input of the core booked on one side is one deal.
fn deals(
    tx: &mut Tx<'_>,
    user: Uuid,
    account: Option<i64>,
    since: Ts,
) -> Result<Vec<LinkedDeal>, Refusal> {
    let rows: Vec<(i64, i64, i64, String, i64)> = tx.all(
        sqlx::query_as(
            "SELECT d.seq, (extract(epoch FROM d.time) * 1000000)::bigint, d.instrument, d.side,
                 (sum(d.qty) * 1000000 / (10::numeric ^ coalesce(max(i.qty_digits), 0)))::bigint
             FROM accounts_directory AS a JOIN LATERAL (
                 SELECT * FROM deals AS all_deals WHERE all_deals.account = a.account ORDER BY all_deals.seq DESC, all_deals.index DESC LIMIT $3
             ) AS d ON d.time >= $2 LEFT JOIN instruments AS i ON i.id = d.instrument
             WHERE a.user_id = $1 AND a.account_type = 'live' AND ($4::bigint IS NULL OR a.account = $4) GROUP BY d.seq, d.time, d.instrument, d.side ORDER BY d.time DESC, d.seq DESC LIMIT $3",
        )
        .bind(user)
        .bind(bound(since))
        .bind(DEALS_MAX)
        .bind(account),
    )?;
    let side = |name: &str| match name {
        "buy" => Some(Side::Buy),
        "sell" => Some(Side::Sell),
        _ => None,
    };
    let deal = |(seq, at, instrument, name, lots): (i64, i64, i64, String, i64)| {
        Some(LinkedDeal {
            seq,
            at: from_micros(at),
            instrument: u32::try_from(instrument).ok()?,
            side: side(&name)?,
            lots: lots.saturating_abs(),
        })
    };
    Ok(rows.into_iter().rev().filter_map(deal).collect())
}
