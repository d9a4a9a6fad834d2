//! What a start brings in of its own: nothing, the whole of a first start, or the rest of one that was
//! killed.

use siaga_feed::catalog::Catalog;
use siaga_risk::event::{Body, NewOrder, Seq, TermsChange};
use siaga_risk::view::AccountView;

use super::known::Known;
use super::sources;
use super::terms::{self, is_known, terms_of};
use crate::config::Config;

/// A first start sends the demonstration's orders within its first seconds: one that was killed before has not come
/// further than this, a minute or two of the simulated market.
const FIRST_INPUTS_MAX: Seq = 20_000;

/// Inputs and orders of the start, and what people have to know of it.
pub struct StartPlan {
    /// Terms, accounts and deposits that are to be brought in, in order.
    pub owed: Vec<Body>,
    /// The demonstration's orders that are to be sent once there are prices.
    pub orders: Vec<NewOrder>,
    /// What somebody has to know of the terms in force; said in the log too.
    pub remarks: Vec<String>,
}

impl StartPlan {
    /// For a machine that stands behind input `last`.
    pub fn new(config: &Config, catalog: &Catalog, known: &Known, last: Seq) -> StartPlan {
        let owed = owed(last, &known.terms, catalog.bodies());
        let is_first = config.feed.simulator && last <= FIRST_INPUTS_MAX;
        let orders = match (owed.is_empty(), is_first) {
            (false, _) => catalog.orders.clone(),
            (true, true) => first_orders(catalog, &known.accounts),
            (true, false) => Vec::new(),
        };
        let remarks = match (owed.is_empty(), last) {
            (true, _) => terms::remarks(&known.terms, catalog, &sources(config)),
            (false, 0) => Vec::new(),
            (false, _) => vec![format!(
                "the first start was cut short: its last {} inputs are brought in now",
                owed.len()
            )],
        };
        for remark in &remarks {
            tracing::warn!("{remark}");
        }
        StartPlan {
            owed,
            orders,
            remarks,
        }
    }
}

/// What a first start has not brought in yet: all of it, the rest after a kill, or nothing. Its
/// inputs are the first of the journal, in the catalog's order.
fn owed(last: Seq, in_force: &[TermsChange], bodies: Vec<Body>) -> Vec<Body> {
    let Ok(done) = usize::try_from(last) else {
        return Vec::new();
    };
    if done >= bodies.len() {
        return Vec::new();
    }
    let known = |body: &Body| terms_of(body).map(|wanted| is_known(in_force, &wanted));
    // Another program's first start may have been shorter than this one's list.
    let is_prefix = bodies[..done].iter().all(|body| known(body) != Some(false))
        && bodies[done..].iter().all(|body| known(body) != Some(true));
    match is_prefix {
        true => bodies[done..].to_vec(),
        false => Vec::new(),
    }
}

/// The demonstration's first orders for accounts on which nothing has happened yet: a first start
/// that was killed before it sent them sends them now.
fn first_orders(catalog: &Catalog, accounts: &[AccountView]) -> Vec<NewOrder> {
    let is_untouched = |order: &NewOrder| {
        let deposit = catalog
            .accounts
            .iter()
            .find(|account| account.terms.id == order.account);
        let view = accounts.iter().find(|view| view.terms.id == order.account);
        match (deposit, view) {
            (Some(deposit), Some(view)) => {
                view.positions.is_empty()
                    && view.orders.is_empty()
                    && view.balance == deposit.balance
            }
            // A directory of an earlier program: its demonstration had no such account.
            _ => false,
        }
    };
    catalog
        .orders
        .iter()
        .filter(|order| is_untouched(order))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::terms::tests::{machine_of, started};

    #[test]
    fn orders_of_the_demonstration_are_sent_by_a_first_start_and_by_none_later() {
        let catalog = Catalog::shipped();
        let known = Known::of(&machine_of(&catalog, usize::MAX));
        let brought_in = catalog.bodies().len() as Seq;
        for (last, sent) in [
            (brought_in, catalog.orders.len()),
            (FIRST_INPUTS_MAX, catalog.orders.len()),
            (FIRST_INPUTS_MAX + 1, 0),
        ] {
            let plan = StartPlan::new(&Config::default(), &catalog, &known, last);
            assert!(plan.owed.is_empty());
            assert_eq!(plan.orders.len(), sent, "after {last} inputs");
        }
    }

    #[test]
    fn a_first_start_that_was_killed_is_finished_and_no_other_is_begun_again() {
        let catalog = Catalog::shipped();
        let bodies = catalog.bodies();
        for done in 0..=bodies.len() {
            let in_force = started(&catalog, done);
            let owed = owed(done as Seq, &in_force, bodies.clone());
            assert_eq!(owed, bodies[done..], "after {done} inputs");
        }
        let all = started(&catalog, usize::MAX);
        let early = owed(3, &all, bodies.clone());
        assert!(early.is_empty(), "those terms came otherwise: {early:?}");
    }
}
