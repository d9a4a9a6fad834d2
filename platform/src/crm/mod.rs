//! Leads, from their first word to a trading client.
//!
//! Decisions are pure: [`stage`] (eight stages, one table of moves), [`score`], [`assign`], [`sla`], [`urgency`], [`window`],
//! [`signature`], [`contact`], [`claim`]. Around them stand thin commands: [`mod@capture`] and [`mod@undo`] (duplicates are one lead),
//! [`moves`], [`bulk`], [`limits`], [`assignment`], [`staff`] and [`mod@leave`], [`work`], [`deals`] and [`tasks`], [`outreach`] by a [`courier`], [`sources`], [`view`]. `keep` ends what was lost. [`follow`] applies what
//! happens elsewhere.

pub mod assign;
pub mod assignment;
pub mod bulk;
pub mod capture;
pub mod claim;
pub mod contact;
pub mod courier;
pub mod deals;
pub mod erase;
pub mod faults;
pub mod follow;
mod keep;
pub mod lead;
pub mod leave;
pub mod limits;
mod merge;
pub mod moves;
pub mod notice;
pub mod outreach;
pub mod permissions;
mod proof;
mod referral;
pub mod score;
pub mod signature;
pub mod sla;
pub mod sources;
pub mod staff;
pub mod stage;
pub mod store;
pub mod subject;
pub mod tasks;
pub mod undo;
pub mod urgency;
pub mod view;
pub mod window;
pub mod work;

pub use assign::{CAP, Rule};
pub use capture::{Capture, Captured, Outcome};
pub use courier::ByMessenger;
pub use follow::Follow;
pub use lead::{INTERESTS, Known, Lead};
pub use outreach::{Courier, Letter, Outreach};
pub use score::{Band, FactKind};
pub use stage::{Cause, Column, Hand, Stage, Status};
pub use urgency::Urgency;

/// What the CRM brings to the ground's jobs.
pub fn plug(engines: &mut crate::handlers::Engines) {
    engines
        .handlers
        .subscribers
        .push(std::sync::Arc::new(Follow));
    engines.stores.push(std::sync::Arc::new(erase::Leads));
    engines.categories.push(std::sync::Arc::new(keep::Lost));
}
