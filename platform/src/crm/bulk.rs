//! Several leads at once: each is a command of its own with its own answer, so that one that may not be moved keeps no other back, and
//! people have their turn between them.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::people::Principal;
use crate::refusal::{INVALID, Refusal};
use crate::unit::{Once, Platform};

use super::assignment::{self, manages};
use super::moves;
use super::permissions::{LEAD_ASSIGN, LEAD_MOVE};
use super::stage::{Stage, check_reason};

/// Most leads of one request: a page of a list.
pub const BULK_MAX: usize = 100;

/// What became of one of them.
#[derive(Debug)]
pub struct Verdict {
    /// Which.
    pub lead: Uuid,
    /// Why it was not done; `None` when it was.
    pub refusal: Option<Refusal>,
}

/// A lead, and the revision that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picked {
    /// Which.
    pub lead: Uuid,
    /// `None`: whatever it is by now.
    pub revision: Option<i64>,
}

/// Refuses none, too many, and one that is named twice.
fn check(leads: impl ExactSizeIterator<Item = Uuid>) -> Result<(), Refusal> {
    let named = leads.len();
    if named == 0 || named > BULK_MAX {
        return Err(INVALID.field("leads", format!("name 1 to {BULK_MAX} leads")));
    }
    if leads.collect::<BTreeSet<_>>().len() < named {
        return Err(INVALID.field("leads", "name each lead once"));
    }
    Ok(())
}

/// The request's key, for one of its leads: sent again, what was done is not done twice and what was refused is tried.
fn once_for(once: Option<&Once>, lead: Uuid) -> Option<Once> {
    once.map(|once| Once {
        key: format!("{} {lead}", once.key),
        ..once.clone()
    })
}

/// Moves leads by hand to one stage, in the order in which they are named.
///
/// # Errors
/// Forbidden as a whole, or what is wrong with the request; what stands against one lead is in its verdict.
pub async fn move_leads(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    leads: Vec<Picked>,
    to: Stage,
    reason: Option<String>,
) -> Result<Vec<Verdict>, Refusal> {
    by.scope(LEAD_MOVE)?;
    check(leads.iter().map(|picked| picked.lead))?;
    check_reason(reason.as_deref(), false)?;
    let mut verdicts = Vec::with_capacity(leads.len());
    for Picked { lead, revision } in leads {
        let once = once_for(once.as_ref(), lead);
        let moved = moves::move_lead(platform, by, once, lead, to, reason.clone(), revision).await;
        verdicts.push(Verdict {
            lead,
            refusal: moved.err(),
        });
    }
    Ok(verdicts)
}

/// Gives leads to one agent, or to the pool, in the order in which they are named: the agent's cap refuses those that are too many.
///
/// # Errors
/// As [`move_leads`].
pub async fn assign_leads(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    leads: Vec<Uuid>,
    to: Option<Uuid>,
    reason: Option<String>,
) -> Result<Vec<Verdict>, Refusal> {
    by.scope(LEAD_ASSIGN)?;
    manages(by)?;
    check(leads.iter().copied())?;
    check_reason(reason.as_deref(), false)?;
    let mut verdicts = Vec::with_capacity(leads.len());
    for lead in leads {
        let once = once_for(once.as_ref(), lead);
        let given = assignment::assign(platform, by, once, lead, to, reason.clone()).await;
        verdicts.push(Verdict {
            lead,
            refusal: given.err(),
        });
    }
    Ok(verdicts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(count: u128) -> Vec<Uuid> {
        (0..count).map(Uuid::from_u128).collect()
    }

    #[test]
    fn a_request_names_one_to_a_hundred_leads_once_each() {
        for (count, right) in [(0, false), (1, true), (100, true), (101, false)] {
            assert_eq!(check(named(count).into_iter()).is_ok(), right, "{count}");
        }
        let twice = [Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(1)];
        assert_eq!(
            check(twice.into_iter()).expect_err("twice").fault(),
            Some(INVALID)
        );
    }

    #[test]
    fn each_lead_has_a_key_of_its_own_within_the_request() {
        let once = Once {
            key: "k1".into(),
            route: "POST /x",
            request: [7; 32],
        };
        let keys: BTreeSet<String> = named(3)
            .into_iter()
            .filter_map(|lead| once_for(Some(&once), lead))
            .map(|once| once.key)
            .collect();
        assert_eq!(keys.len(), 3);
        assert_eq!(once_for(None, Uuid::nil()), None);
    }
}
