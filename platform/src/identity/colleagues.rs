//! Names of staff behind keys: who decided a case, approved a payment or wrote a row of the log. Whoever reads such
//! records reads who worked on them; nothing else of a person is told, and nothing of who is no staff.

use std::sync::Arc;

use siaga_risk::ids::ActorId;
use uuid::Uuid;

use super::store;
use crate::aml::permissions::{AML_READ, CASH_READ};
use crate::audit::AUDIT_READ;
use crate::kyc::permissions::READ as KYC_READ;
use crate::page::PAGE_MAX;
use crate::people::{Permission, Principal};
use crate::refusal::{FORBIDDEN, INVALID, Refusal};
use crate::unit::Platform;

/// Each of these shows rows that name colleagues.
const READERS: [Permission; 4] = [KYC_READ, AML_READ, CASH_READ, AUDIT_READ];

/// Keys of one question: what a page shows.
pub const COLLEAGUES_MAX: usize = PAGE_MAX as usize;

/// Somebody who works for the house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colleague {
    /// Their key.
    pub id: Uuid,
    /// What they are called.
    pub name: String,
}

/// The staff among `ids`; keys of others, of nobody and of who was erased are left out.
///
/// # Errors
/// Not staff, none of the records is theirs to read, too many keys, or the database.
pub async fn colleagues(
    platform: &Platform,
    by: &Principal,
    mut ids: Vec<Uuid>,
) -> Result<Vec<Colleague>, Refusal> {
    let reads = READERS.iter().any(|&reader| by.scope(reader).is_ok());
    if !by.role.is_staff() || !reads {
        return Err(FORBIDDEN.because(
            "names of colleagues are for staff who see cases, payments or the audit log",
        ));
    }
    if ids.is_empty() || ids.len() > COLLEAGUES_MAX {
        return Err(INVALID.field("ids", format!("give 1 to {COLLEAGUES_MAX} keys")));
    }
    ids.sort_unstable();
    ids.dedup();
    let (org, keyring) = (by.org, Arc::clone(platform.keyring()));
    // Row-level security lets staff see staff of their organisation.
    platform
        .read(by, move |tx| {
            let named = store::staff_names(tx, &keyring, org, &ids)?;
            Ok(named
                .into_iter()
                .map(|(id, name)| Colleague { id, name })
                .collect())
        })
        .await
}

/// Whether this is the core's number of somebody who works for the house of whoever asks, and may sign in.
///
/// # Errors
/// Not staff, or the database.
pub async fn is_colleague(
    platform: &Platform,
    by: &Principal,
    actor: ActorId,
) -> Result<bool, Refusal> {
    if !by.role.is_staff() {
        return Err(FORBIDDEN.because("numbers of colleagues are for staff"));
    }
    let org = by.org;
    platform
        .read(by, move |tx| store::is_staff(tx, org, actor))
        .await
}
