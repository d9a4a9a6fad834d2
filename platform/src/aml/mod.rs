//! Sanctions, monitoring of transactions, and movements of money.
//!
//! Decisions are pure: [`names`] compares, [`lists`] reads what publishers write, [`index`] finds, [`rules`] judges movements, [`case`],
//! [`report`] and [`cash::state`] are tables of moves. The other files write down what these say. A client never sees a case,
//! nor that there is one.

pub mod arranged;
pub mod case;
pub mod cases;
pub mod cash;
pub mod faults;
pub mod fetch;
pub mod index;
pub mod lists;
pub mod monitor;
pub mod names;
pub mod overdue;
pub mod permissions;
pub mod report;
pub mod reports;
pub mod rules;
pub mod sanctions;
pub mod screen;
mod seal;
mod store;
pub mod whitelist;

use std::sync::Arc;

use crate::handlers::Engines;

/// What this engine brings to the ground's jobs.
pub fn plug(engines: &mut Engines) {
    engines
        .handlers
        .subscribers
        .push(Arc::new(monitor::Monitor));
    engines.handlers.effects.push(Arc::new(screen::Screener));
    engines.stores.push(Arc::new(store::AmlStore));
    engines.stores.push(Arc::new(cash::Movements));
}
