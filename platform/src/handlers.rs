//! What the engines bring to the ground's jobs. Each engine adds its own lines here.

use std::sync::Arc;

use crate::erasure::{self, Store};
use crate::outbox::{self, Handlers};
use crate::people::Permission;
use crate::retention::{self, Category};
use crate::{accounts, aml, audit, consent, crm, identity, kyc, maintenance, semantic};

/// Everything that plugs in.
#[derive(Clone, Default)]
pub struct Engines {
    /// Consumers of events.
    pub handlers: Handlers,
    /// Places with data of persons.
    pub stores: Vec<Arc<dyn Store>>,
    /// Kinds of rows with a term.
    pub categories: Vec<Arc<dyn Category>>,
}

/// Every permission there is, for the scopes of API keys and for pages that show only what may be done.
pub fn permissions() -> Vec<Permission> {
    let engines = [
        identity::permissions::ALL,
        crm::permissions::ALL,
        kyc::permissions::ALL,
        aml::permissions::ALL,
    ];
    let ground = [
        audit::PERMISSIONS,
        consent::PERMISSIONS,
        erasure::PERMISSIONS,
        maintenance::PERMISSIONS,
        outbox::PERMISSIONS,
        retention::PERMISSIONS,
    ];
    engines
        .into_iter()
        .chain(ground)
        .flatten()
        .copied()
        .collect()
}

/// All engines. Stores of the ground come last: their rows are what the others look up a person by.
pub fn engines() -> Engines {
    let mut engines = Engines::default();
    identity::plug(&mut engines);
    crm::plug(&mut engines);
    engines.handlers.subscribers.extend(kyc::subscribers());
    engines.stores.push(Arc::new(kyc::Documents));
    engines.categories.push(Arc::new(kyc::Kept));
    aml::plug(&mut engines);
    engines.stores.push(Arc::new(accounts::Trading));
    engines.stores.push(Arc::new(semantic::Embeddings));
    engines.categories.push(Arc::new(semantic::Ended));
    engines.stores.extend(erasure::ground());
    engines.categories.extend(retention::ground());
    engines
}
