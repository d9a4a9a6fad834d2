//! What the engines bring to the ground's jobs. Each engine adds its own lines here.

use std::sync::Arc;

use crate::erasure::{self, Store};
use crate::kyc;
use crate::outbox::Handlers;
use crate::retention::{self, Category};

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

/// All engines. Stores of the ground come last: their rows are what the others look up a person by.
pub fn engines() -> Engines {
    let mut engines = Engines::default();
    crate::crm::plug(&mut engines);
    engines.handlers.subscribers.extend(kyc::subscribers());
    engines.stores.push(Arc::new(kyc::Documents));
    crate::aml::plug(&mut engines);
    engines.stores.extend(erasure::ground());
    engines.categories.extend(retention::ground());
    engines
}
