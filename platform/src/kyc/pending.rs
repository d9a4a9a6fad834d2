//! Files on their way into the store of documents. They are written down before they are stored, and crossed out by the transaction that
//! names them in a row; what an end of the program left between the two is taken away.

use siaga_risk::units::Ts;
use uuid::Uuid;

use super::Kyc;
use crate::calendar::DAY_NS;
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::unit::Unit;
use crate::values::bound;

/// No upload takes so long: whatever is older was cut.
const LEFT_NS: u64 = DAY_NS;

/// Files taken away by one run; the next goes on.
const SLICE: i64 = 100;

/// Files of one run that their store may keep: behind so many it is the store that does not answer.
const STUCK_MAX: usize = 3;

/// Writes down what is about to be stored.
pub(super) fn expect(
    unit: &mut Unit<'_, '_>,
    org: Uuid,
    user: Uuid,
    coming: &[(Uuid, String)],
) -> Result<(), Refusal> {
    let now = unit.now();
    let (ids, paths): (Vec<Uuid>, Vec<String>) = coming.iter().cloned().unzip();
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO kyc_pending_files (id, org_id, user_id, file_url, created_at)
             SELECT f.id, $1, $2, f.path, $3 FROM unnest($4::uuid[], $5::text[]) AS f (id, path)",
        )
        .bind(org)
        .bind(user)
        .bind(bound(now))
        .bind(ids)
        .bind(paths),
    )?;
    Ok(())
}

/// Crosses out what rows name from now on.
pub(super) fn arrived(unit: &mut Unit<'_, '_>, ids: &[Uuid]) -> Result<(), Refusal> {
    unit.tx().execute(
        sqlx::query("DELETE FROM kyc_pending_files WHERE id = ANY ($1)").bind(ids.to_vec()),
    )?;
    Ok(())
}

/// A file that no row names: its key, whose it is, and where it lies.
type Left = (Uuid, Uuid, Uuid, String);

/// Takes away files that were stored and that no row names. Returns how many; called by a job. What the store does not give up
/// is tried again a day later and keeps nothing behind it waiting.
///
/// # Errors
/// The database, or the store of documents.
pub async fn sweep(kyc: &Kyc) -> Result<u64, Refusal> {
    let platform = kyc.platform.background();
    let system = Principal::system("kyc.pending");
    let before = Ts(platform.now().0.saturating_sub(LEFT_NS));
    let left: Vec<Left> = platform
        .read(&system, move |tx| {
            Ok(tx.all(
                sqlx::query_as(
                    "SELECT p.id, p.org_id, p.user_id, p.file_url FROM kyc_pending_files AS p
                     WHERE p.created_at <= $1 AND NOT EXISTS (SELECT FROM kyc_documents AS d WHERE d.id = p.id)
                     ORDER BY p.created_at, p.id LIMIT $2",
                )
                .bind(bound(before))
                .bind(SLICE),
            )?)
        })
        .await?;
    let mut gone = Vec::with_capacity(left.len());
    let mut stuck: Vec<Left> = Vec::new();
    let mut why = None;
    for (id, org, user, path) in left {
        match kyc.vault.remove(&path).await {
            Ok(()) => gone.push(id),
            Err(refusal) => {
                stuck.push((id, org, user, path));
                why = Some(refusal);
            }
        }
        if stuck.len() >= STUCK_MAX {
            break;
        }
    }
    let swept = u64::try_from(gone.len()).unwrap_or(u64::MAX);
    if swept > 0 || why.is_some() {
        platform
            .command(&system, move |unit| {
                arrived(unit, &gone)?;
                for (id, org, user, path) in stuck {
                    arrived(unit, &[id])?;
                    expect(unit, org, user, &[(id, path)])?;
                }
                Ok(())
            })
            .await?;
    }
    match why {
        Some(refusal) => Err(refusal),
        None => Ok(swept),
    }
}
