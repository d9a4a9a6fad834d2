//! The directory of names: what the core knows by number, under the names people use.

use siaga_feed::catalog::Catalog;
use siaga_risk::event::TermsChange;
use siaga_risk::ids::ActorId;

use crate::gateway::directory::Directory;

/// The administrator of the first release.
pub const ADMINISTRATOR: ActorId = ActorId(1);

/// Names of the terms in force. What the catalog does not name goes by its number.
pub fn directory(catalog: &Catalog, terms: &[TermsChange]) -> Directory {
    let mut directory = Directory::default();
    directory.put_actor(ActorId(0), "system");
    directory.put_actor(ADMINISTRATOR, "administrator");
    for change in terms {
        put(&mut directory, catalog, change);
    }
    directory
}

/// Takes terms that came into force.
pub fn put(directory: &mut Directory, catalog: &Catalog, change: &TermsChange) {
    match change {
        TermsChange::Currency(terms) => {
            let found = catalog.currency_by_id(terms.id);
            let code = found.map_or_else(|| terms.id.to_string(), |found| found.code.clone());
            if terms.pivot == 1 {
                directory.house_currency = terms.id;
            }
            directory.put_currency(&code, *terms);
        }
        TermsChange::Source(terms) => {
            let found = catalog
                .sources
                .iter()
                .find(|source| source.terms.id == terms.id);
            directory.put_source(terms.id, found.map_or("source", |found| &found.name));
        }
        TermsChange::Link(terms) => {
            let found = catalog.links.iter().find(|link| link.terms.id == terms.id);
            directory.put_link(terms.id, found.map_or("link", |found| &found.name));
        }
        TermsChange::Instrument(terms) => {
            let number = terms.id.to_string();
            let (symbol, name) = catalog
                .listing_by_id(terms.id)
                .map_or((number.as_str(), number.as_str()), |found| {
                    (&found.symbol, &found.name)
                });
            directory.put_instrument(symbol, name, (**terms).clone());
        }
        TermsChange::Group(terms) => {
            let found = catalog
                .groups
                .iter()
                .find(|group| group.terms.id == terms.id);
            directory.put_group(found.map_or("group", |found| &found.name), *terms);
        }
        TermsChange::Account(terms) => {
            let found = catalog
                .accounts
                .iter()
                .find(|account| account.terms.id == terms.id);
            let name = found.map_or_else(
                || format!("Account {}", terms.id),
                |found| found.name.clone(),
            );
            directory.put_account(&name, *terms);
        }
        TermsChange::Limit(_) | TermsChange::Review(_) | TermsChange::RiskAcknowledged(_) => {}
    }
    directory.version += 1;
}
