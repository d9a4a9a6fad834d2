//! Identity of clients: documents in, read by a machine where one is installed, checked without asking
//! anybody, decided by persons, disputed by clients; an approval opens the trading account.
//!
//! Rows are read under row-level security and written by the program for whoever may, which each command
//! looks at first. What the shapes are on the wire is in `API.md`.

mod account;
mod calls;
pub mod checks;
mod dispute;
pub mod document;
mod effects;
mod erase;
pub mod faults;
pub mod image;
mod keep;
mod known;
mod link;
mod notice;
pub mod ocr;
pub mod overdue;
mod pending;
pub mod permissions;
mod read;
mod review;
mod rows;
mod scan;
pub mod state;
mod typed;
mod upload;
mod vault;
pub mod view;

use std::sync::Arc;

use siaga_risk::ids::{CurrencyId, GroupId, LinkId};
use siaga_risk::terms::Accounting;
use tokio::sync::Semaphore;

use crate::identity::messenger::Messenger;
use crate::unit::Platform;
use document::Wanted;
use ocr::Ocr;

pub(crate) use account::lock_new;
pub use account::{may_end_review, open_account};
pub use dispute::{Outcome, dispute, resolve};
pub use effects::{effects, subscribers};
pub use erase::Documents;
pub use keep::Kept;
pub use known::{Known, known};
pub use link::{LINK_SECONDS, Link, content};
pub use pending::sweep;
pub use read::{case, disputes, document as document_of, one_dispute, own_case, queue};
pub use review::{Decided, Decision, On, Verb, decide, reopen};
pub use scan::scan;
pub use typed::type_fields;
pub use upload::{FILES_MAX, File, HandedIn, Taken, hand_in};
pub use vault::Vault;

/// Uploads that are worked on at once: each may hold five files of 5 MB and one decoded picture.
pub const UPLOADS_AT_ONCE: usize = 4;

/// Working hours within which a case is decided (E3.37).
pub const REVIEW_HOURS: u32 = 24;

/// Hours of the clock within which a dispute is resolved (E3.61).
pub const DISPUTE_HOURS: u64 = 72;

/// The terms of accounts that approvals open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountPlan {
    /// In which group.
    pub group: GroupId,
    /// At which broker; the paper link until another one is set.
    pub link: LinkId,
    /// In which currency.
    pub currency: CurrencyId,
    /// Netting or hedging.
    pub accounting: Accounting,
}

impl Default for AccountPlan {
    /// The first group of the catalog at the paper broker.
    fn default() -> Self {
        Self {
            group: GroupId(1),
            link: LinkId(1),
            currency: CurrencyId(1),
            accounting: Accounting::Hedging,
        }
    }
}

/// The engine: the platform, the store of documents, and what reads them. Cloning is cheap.
#[derive(Clone)]
pub struct Kyc {
    /// The ground.
    pub platform: Platform,
    /// Where pictures lie, sealed.
    pub vault: Vault,
    /// What reads them; `None`: persons do.
    pub ocr: Option<Arc<dyn Ocr>>,
    /// What tells clients how it went; `None`: nothing is sent.
    pub messenger: Option<Arc<dyn Messenger>>,
    /// What the house asks for.
    pub wanted: Wanted,
    /// What accounts are opened as.
    pub plan: AccountPlan,
    uploads: Arc<Semaphore>,
}

impl Kyc {
    /// An engine that asks for the identity document and a selfie, and whose reading is done by persons.
    pub fn new(platform: Platform, vault: Vault) -> Self {
        Self {
            platform,
            vault,
            ocr: None,
            messenger: None,
            wanted: Wanted {
                npwp: false,
                proof_of_address: false,
            },
            plan: AccountPlan::default(),
            uploads: Arc::new(Semaphore::new(UPLOADS_AT_ONCE)),
        }
    }
}
