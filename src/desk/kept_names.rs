//! What came with imported terms beside them: names, when instruments trade, what venues call them. The journal holds
//! numbers alone, so all of it stands in a file beside the data, replaced in one step.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use siaga_feed::catalog::{Catalog, Files, Listing};
use siaga_risk::ids::{AccountId, InstrumentId};

use super::recover::DataFault;

/// Name of the file inside the data directory.
const FILE: &str = "names.json";

/// Held by whoever reads the file and writes it anew: an import and the end of a person's names may come together.
static TURN: Mutex<()> = Mutex::new(());

/// Symbol and name of an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstrumentName {
    pub symbol: String,
    pub name: String,
}

/// What the rim needs of an instrument beside its terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptListing {
    /// Name of its calendar.
    pub calendar: String,
    /// Its names at venues, by the name of the source.
    pub venues: BTreeMap<String, String>,
    /// For the simulated market: start price and spread in price steps, deviation of a minute in 10^-12, quotes a second.
    pub sim_price: Option<i64>,
    pub sim_spread: i64,
    pub sim_sigma: i64,
    pub sim_rate: u32,
}

/// Names by number, those alone that the program's own catalog does not have or has otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptNames {
    pub currencies: BTreeMap<u32, String>,
    pub sources: BTreeMap<u32, String>,
    pub links: BTreeMap<u32, String>,
    pub instruments: BTreeMap<u32, InstrumentName>,
    pub groups: BTreeMap<u32, String>,
    pub accounts: BTreeMap<u32, String>,
    pub listings: BTreeMap<u32, KeptListing>,
    /// The files of calendars and holidays, as they were imported.
    pub calendars: Option<String>,
    pub holidays: Option<String>,
}

impl KeptNames {
    /// The names kept in a data directory; none when nothing was imported there.
    ///
    /// # Errors
    /// The file is there and cannot be read: going on would show numbers for names.
    pub fn open(data: &Path) -> anyhow::Result<Self> {
        let path = data.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(DataFault::of(&path, error).into());
            }
        };
        serde_json::from_str(&text).map_err(|error| {
            let what = format!("damaged ({error}): remove it and import the folder of terms again");
            DataFault::of(&path, what).into()
        })
    }

    /// Symbol and name of an instrument: imported ones first, then the program's own, else its number.
    pub fn instrument(&self, id: InstrumentId, catalog: &Catalog) -> InstrumentName {
        if let Some(kept) = self.instruments.get(&id.0) {
            return kept.clone();
        }
        let number = || (id.to_string(), id.to_string());
        let shipped = catalog.listing_by_id(id);
        let shipped = shipped.map(|found| (found.symbol.clone(), found.name.clone()));
        let (symbol, name) = shipped.unwrap_or_else(number);
        InstrumentName { symbol, name }
    }

    /// Takes the names of an imported catalog, as far as they differ from the shipped ones; true when
    /// that changed anything.
    pub fn take(&mut self, imported: &Catalog, shipped: &Catalog) -> bool {
        let before = self.clone();
        let new = all(imported);
        let known = all(shipped);
        merge(&mut self.currencies, new.currencies, &known.currencies);
        merge(&mut self.sources, new.sources, &known.sources);
        merge(&mut self.links, new.links, &known.links);
        merge(&mut self.instruments, new.instruments, &known.instruments);
        merge(&mut self.groups, new.groups, &known.groups);
        merge(&mut self.accounts, new.accounts, &known.accounts);
        merge(&mut self.listings, new.listings, &known.listings);
        *self != before
    }

    /// Takes the names of these accounts away; true when there was one.
    pub fn forget(&mut self, accounts: &[AccountId]) -> bool {
        let before = self.accounts.len();
        for account in accounts {
            self.accounts.remove(&account.0);
        }
        self.accounts.len() < before
    }

    /// Takes the texts of the imported files of calendars and holidays; those of the program need no keeping.
    pub fn take_hours(&mut self, imported: &Files<'_>) {
        let shipped = Files::SHIPPED;
        let other = |text: &str, shipped: &str| (text != shipped).then(|| text.to_owned());
        self.calendars = other(imported.calendars, shipped.calendars);
        self.holidays = other(imported.holidays, shipped.holidays);
    }

    /// What is kept of the instrument with this symbol (case does not matter).
    pub fn listing(&self, symbol: &str) -> Option<&KeptListing> {
        let mut named = self.instruments.iter();
        let own = named.find(|(_, own)| own.symbol.eq_ignore_ascii_case(symbol));
        let shipped = || {
            let shipped = Catalog::shipped();
            let found = shipped.listing(symbol).ok()?;
            Some(found.terms.id.0)
        };
        let id = own.map(|(id, _)| *id).or_else(shipped)?;
        self.listings.get(&id)
    }

    /// Keeps the names durably.
    ///
    /// # Errors
    /// When the disk refuses; the file that was there stays.
    pub fn save(&self, data: &Path) -> anyhow::Result<()> {
        let path: PathBuf = data.join(FILE);
        let half = path.with_extension("tmp");
        let written = || -> std::io::Result<()> {
            let mut file = File::create(&half)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.sync_all()?;
            std::fs::rename(&half, &path)?;
            // The new name is on the disk only when its folder is.
            File::open(data)?.sync_all()
        };
        written().with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// Keeps an import's names, calendars, holidays and venue symbols beside the data: the journal holds numbers alone.
///
/// # Errors
/// See [`KeptNames::open`] and [`KeptNames::save`].
pub fn keep(data: &Path, imported: &Catalog, files: &Files<'_>) -> anyhow::Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = KeptNames::open(data)?;
    let mut kept = before.clone();
    kept.take(imported, &Catalog::shipped());
    kept.take_hours(files);
    if kept != before {
        kept.save(data)?;
    }
    Ok(())
}

/// Takes the names of these accounts out of the file beside the data; true when there was one.
///
/// # Errors
/// See [`KeptNames::open`] and [`KeptNames::save`].
pub fn forget(data: &Path, accounts: &[AccountId]) -> anyhow::Result<bool> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut kept = KeptNames::open(data)?;
    let forgotten = kept.forget(accounts);
    if forgotten {
        kept.save(data)?;
    }
    Ok(forgotten)
}

/// Imported names count; one that the program ships again needs no keeping.
fn merge<N: PartialEq>(
    kept: &mut BTreeMap<u32, N>,
    new: BTreeMap<u32, N>,
    shipped: &BTreeMap<u32, N>,
) {
    for (id, name) in new {
        if shipped.get(&id) == Some(&name) {
            kept.remove(&id);
        } else {
            kept.insert(id, name);
        }
    }
}

/// What is kept of a listing.
pub fn kept_listing(catalog: &Catalog, listing: &Listing) -> KeptListing {
    let named = listing.venues.iter().filter_map(|venue| {
        let mut sources = catalog.sources.iter();
        let source = sources.find(|source| source.terms.id == venue.source)?;
        Some((source.name.clone(), venue.symbol.clone()))
    });
    KeptListing {
        calendar: listing.calendar.clone(),
        venues: named.collect(),
        sim_price: listing.sim.price.map(|price| price.0),
        sim_spread: listing.sim.spread.0,
        sim_sigma: listing.sim.sigma.0,
        sim_rate: listing.sim.rate,
    }
}

fn all(catalog: &Catalog) -> KeptNames {
    let currencies = catalog.currencies.iter();
    let sources = catalog.sources.iter();
    let links = catalog.links.iter();
    let groups = catalog.groups.iter();
    let accounts = catalog.accounts.iter();
    let instruments = catalog.instruments.iter().map(|found| {
        let name = InstrumentName {
            symbol: found.symbol.clone(),
            name: found.name.clone(),
        };
        (found.terms.id.0, name)
    });
    KeptNames {
        currencies: currencies
            .map(|found| (u32::from(found.terms.id.0), found.code.clone()))
            .collect(),
        sources: sources
            .map(|found| (u32::from(found.terms.id.0), found.name.clone()))
            .collect(),
        links: links
            .map(|found| (u32::from(found.terms.id.0), found.name.clone()))
            .collect(),
        instruments: instruments.collect(),
        groups: groups
            .map(|found| (u32::from(found.terms.id.0), found.name.clone()))
            .collect(),
        accounts: accounts
            .map(|found| (found.terms.id.0, found.name.clone()))
            .collect(),
        listings: catalog
            .instruments
            .iter()
            .map(|found| (found.terms.id.0, kept_listing(catalog, found)))
            .collect(),
        calendars: None,
        holidays: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imported_names_are_there_after_a_restart_and_shipped_ones_need_no_keeping() {
        let folder = tempfile::tempdir().unwrap();
        let shipped = Catalog::shipped();
        let mut imported = shipped.clone();
        imported.instruments[0].symbol = "KOPI/IDR".to_owned();
        imported.groups[0].name = "Nusantara".to_owned();
        imported.instruments[1].calendar = "metal".to_owned();
        let (instrument, group) = (
            imported.instruments[0].terms.id.0,
            u32::from(imported.groups[0].terms.id.0),
        );
        let mut names = KeptNames::open(folder.path()).unwrap();
        assert!(!names.take(&shipped, &shipped));
        assert!(names.take(&imported, &shipped));
        names.save(folder.path()).unwrap();

        let mut again = KeptNames::open(folder.path()).unwrap();
        assert_eq!(again.instruments[&instrument].symbol, "KOPI/IDR");
        assert_eq!(again.groups[&group], "Nusantara");
        assert_eq!((again.instruments.len(), again.accounts.len()), (1, 0));
        let other = imported.instruments[1].terms.id.0;
        assert_eq!(again.listings[&other].calendar, "metal");
        assert_eq!(again.listings.len(), 1);
        assert!(!again.take(&imported, &shipped), "twice is once");
        assert!(again.take(&shipped, &shipped));
        assert_eq!(again, KeptNames::default());

        std::fs::write(folder.path().join(FILE), "{").unwrap();
        let damaged = KeptNames::open(folder.path()).unwrap_err().to_string();
        assert!(damaged.contains("import"), "{damaged}");
    }

    #[test]
    fn the_name_of_an_account_is_forgotten_for_good_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let names = KeptNames {
            accounts: BTreeMap::from([(7, "Sari first".to_owned()), (8, "Budi".to_owned())]),
            ..KeptNames::default()
        };
        names.save(folder.path()).unwrap();
        assert!(forget(folder.path(), &[AccountId(7), AccountId(9)]).unwrap());
        let rest = KeptNames::open(folder.path()).unwrap();
        assert_eq!(rest.accounts, BTreeMap::from([(8, "Budi".to_owned())]));
        assert!(!forget(folder.path(), &[AccountId(7)]).unwrap(), "once");
    }
}
