//! The directory of names: what the core knows by number, under the names people use.

use std::sync::Arc;

use siaga_feed::catalog::Catalog;
use siaga_risk::event::TermsChange;
use siaga_risk::ids::{AccountId, ActorId};

use super::kept_names::{InstrumentName, KeptNames};
use crate::gateway::directory::Directory;

/// The administrator of the first release.
pub const ADMINISTRATOR: ActorId = ActorId(1);

/// Where names come from: imported ones first, then the program's own. What neither names goes by
/// its number.
#[derive(Clone)]
pub struct NameSource {
    pub catalog: Arc<Catalog>,
    pub kept: Arc<KeptNames>,
}

impl NameSource {
    /// Names of the terms in force.
    pub fn directory(&self, terms: &[TermsChange]) -> Directory {
        let mut directory = Directory::default();
        directory.put_actor(ActorId(0), "system");
        directory.put_actor(ADMINISTRATOR, "administrator");
        for change in terms {
            self.put(&mut directory, change);
        }
        directory
    }

    /// What an account goes by.
    pub fn account(&self, id: AccountId) -> String {
        let mut accounts = self.catalog.accounts.iter();
        let shipped = accounts.find(|found| found.terms.id == id);
        let kept = self.kept.accounts.get(&id.0);
        let name = kept.or(shipped.map(|found| &found.name));
        name.cloned().unwrap_or_else(|| format!("Account {id}"))
    }

    /// The same without the imported names of these accounts; `None` when there are none.
    pub fn without(&self, accounts: &[AccountId]) -> Option<NameSource> {
        let mut kept = KeptNames::clone(&self.kept);
        kept.forget(accounts).then(|| NameSource {
            catalog: self.catalog.clone(),
            kept: Arc::new(kept),
        })
    }

    /// Takes terms that came into force.
    pub fn put(&self, directory: &mut Directory, change: &TermsChange) {
        let Self { catalog, kept } = self;
        match change {
            TermsChange::Currency(terms) => {
                let number = u32::from(terms.id.0);
                let shipped = catalog.currency_by_id(terms.id).map(|found| &found.code);
                let code = kept.currencies.get(&number).or(shipped);
                if terms.pivot == 1 {
                    directory.house_currency = terms.id;
                }
                directory.put_currency(code.unwrap_or(&terms.id.to_string()), *terms);
            }
            TermsChange::Source(terms) => {
                let mut sources = catalog.sources.iter();
                let shipped = sources.find(|found| found.terms.id == terms.id);
                let kept = kept.sources.get(&u32::from(terms.id.0));
                let name = kept.or(shipped.map(|found| &found.name));
                directory.put_source(terms.id, name.map_or("source", |name| name));
            }
            TermsChange::Link(terms) => {
                let mut links = catalog.links.iter();
                let shipped = links.find(|found| found.terms.id == terms.id);
                let kept = kept.links.get(&u32::from(terms.id.0));
                let name = kept.or(shipped.map(|found| &found.name));
                directory.put_link(terms.id, name.map_or("link", |name| name));
            }
            TermsChange::Instrument(terms) => {
                let InstrumentName { symbol, name } = kept.instrument(terms.id, catalog);
                directory.put_instrument(&symbol, &name, (**terms).clone());
            }
            TermsChange::Group(terms) => {
                let mut groups = catalog.groups.iter();
                let shipped = groups.find(|found| found.terms.id == terms.id);
                let kept = kept.groups.get(&u32::from(terms.id.0));
                let name = kept.or(shipped.map(|found| &found.name));
                directory.put_group(name.map_or("group", |name| name), **terms);
            }
            TermsChange::Account(terms) => {
                directory.put_account(&self.account(terms.id), *terms);
            }
            TermsChange::Limit(_)
            | TermsChange::Review(_)
            | TermsChange::RiskAcknowledged(_)
            | TermsChange::Tiers(_)
            | TermsChange::Requirement(_)
            | TermsChange::CallConfirmed(_)
            | TermsChange::Rules(_) => {}
        }
        directory.version += 1;
    }
}
