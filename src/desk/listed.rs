//! The instruments as this house trades them: the program's, and those that were imported, each with its calendar, its
//! names at venues and its terms in force. What changes of it takes effect at the next start.

use anyhow::Context;
use siaga_feed::catalog::{Catalog, Files, Listing, SimTerms, VenueSymbol};
use siaga_risk::event::TermsChange;
use siaga_risk::ids::SourceId;
use siaga_risk::terms::InstrumentTerms;
use siaga_risk::units::{Price, Ratio};

use super::kept_names::{InstrumentName, KeptListing, KeptNames, kept_listing};
use super::terms::Field;

/// Something that an import changes beside the terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    pub name: String,
    /// What differs; nothing where a whole file does.
    pub fields: Vec<Field>,
}

/// The catalog of the house, its feeds held to the named sources.
///
/// # Errors
/// What was kept of calendars or holidays cannot be read.
pub fn catalog(
    kept: &KeptNames,
    in_force: &[TermsChange],
    sources: &[&str],
) -> anyhow::Result<Catalog> {
    let shipped = Files::SHIPPED;
    let files = Files {
        calendars: kept.calendars.as_deref().unwrap_or(shipped.calendars),
        holidays: kept.holidays.as_deref().unwrap_or(shipped.holidays),
        ..shipped
    };
    let mut catalog = Catalog::read(&files).context(
        "imported calendars or holidays cannot be read: import the folder of terms again",
    )?;
    catalog.retain_sources(sources)?;
    let used = sources.iter().filter_map(|name| catalog.source(name).ok());
    let used: Vec<SourceId> = used.map(|source| source.terms.id).collect();
    for change in in_force {
        let TermsChange::Instrument(terms) = change else {
            continue;
        };
        if let Some(listing) = kept.listings.get(&terms.id.0) {
            let listed = listing_of(&catalog, kept, listing, terms, &used);
            catalog.put_listing(listed);
        } else if let Some(known) = catalog.listing_by_id(terms.id) {
            // Nights are charged by the terms in force, whoever's calendar says when.
            let mut listed = known.clone();
            listed.terms.swap = terms.swap;
            catalog.put_listing(listed);
        }
    }
    Ok(catalog)
}

fn listing_of(
    catalog: &Catalog,
    kept: &KeptNames,
    listing: &KeptListing,
    terms: &InstrumentTerms,
    used: &[SourceId],
) -> Listing {
    let InstrumentName { symbol, name } = kept.instrument(terms.id, catalog);
    let venues = listing.venues.iter().filter_map(|(source, symbol)| {
        let source = catalog.source(source).ok()?.terms.id;
        Some(VenueSymbol {
            source,
            symbol: symbol.clone(),
        })
    });
    let mut terms = terms.clone();
    terms.feeds.retain(|feed| used.contains(&feed.source));
    Listing {
        symbol,
        name,
        calendar: listing.calendar.clone(),
        venues: venues.collect(),
        sim: SimTerms {
            price: listing.sim_price.map(Price),
            spread: Price(listing.sim_spread),
            sigma: Ratio(listing.sim_sigma),
            rate: listing.sim_rate,
        },
        terms,
    }
}

/// What an imported catalog has otherwise than what is kept, beside terms.
pub fn beside(kept: &KeptNames, imported: &Catalog, files: &Files<'_>) -> Vec<Beside> {
    let shipped = Catalog::shipped();
    let mut changes = Vec::new();
    for listing in &imported.instruments {
        let own = shipped.listing_by_id(listing.terms.id);
        let own = own.map(|listing| kept_listing(&shipped, listing));
        let before = kept.listings.get(&listing.terms.id.0).cloned().or(own);
        let after = kept_listing(imported, listing);
        let mut fields = fields(&before.unwrap_or_default(), &after);
        fields.extend(renamed(kept, &shipped, listing));
        if !fields.is_empty() {
            let name = format!("listing {}", listing.symbol);
            changes.push(Beside { name, fields });
        }
    }
    let shipped = Files::SHIPPED;
    for (name, kept, own, given) in [
        (
            "calendars",
            &kept.calendars,
            shipped.calendars,
            files.calendars,
        ),
        ("holidays", &kept.holidays, shipped.holidays, files.holidays),
    ] {
        if kept.as_deref().unwrap_or(own) != given {
            changes.push(Beside {
                name: name.to_owned(),
                fields: Vec::new(),
            });
        }
    }
    changes
}

/// How an instrument that has a name is called otherwise.
fn renamed(kept: &KeptNames, shipped: &Catalog, listing: &Listing) -> Vec<Field> {
    let own = shipped.listing_by_id(listing.terms.id);
    let own = own.map(|own| (own.symbol.as_str(), own.name.as_str()));
    let named = kept.instruments.get(&listing.terms.id.0);
    let named = named.map(|kept| (kept.symbol.as_str(), kept.name.as_str()));
    let Some((symbol, name)) = named.or(own) else {
        return Vec::new();
    };
    let pairs = [
        ("symbol", symbol, listing.symbol.as_str()),
        ("name", name, listing.name.as_str()),
    ];
    let other = pairs.into_iter().filter(|(_, from, to)| from != to);
    let field = other.map(|(field, from, to)| Field {
        name: field.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
    });
    field.collect()
}

fn fields(before: &KeptListing, after: &KeptListing) -> Vec<Field> {
    let shown = |listing: &KeptListing| {
        let price = listing.sim_price.map(|price| price.to_string());
        let mut all = vec![
            ("calendar".to_owned(), listing.calendar.clone()),
            ("sim.price".to_owned(), price.unwrap_or_default()),
            ("sim.spread".to_owned(), listing.sim_spread.to_string()),
            ("sim.sigma".to_owned(), listing.sim_sigma.to_string()),
            ("sim.rate".to_owned(), listing.sim_rate.to_string()),
        ];
        let venues = listing.venues.iter();
        all.extend(venues.map(|(source, symbol)| (format!("venues.{source}"), symbol.clone())));
        all
    };
    let (from, to) = (shown(before), shown(after));
    let value = |all: &[(String, String)], name: &str| {
        let found = all.iter().find(|(own, _)| own == name);
        let value = found.map(|(_, value)| value.clone()).unwrap_or_default();
        match value.is_empty() {
            true => "-".to_owned(),
            false => value,
        }
    };
    let mut names: Vec<&String> = from.iter().chain(&to).map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    let compared = names.into_iter().map(|name| Field {
        name: name.clone(),
        from: value(&from, name),
        to: value(&to, name),
    });
    compared.filter(|field| field.from != field.to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::terms::tests::started;
    use siaga_feed::calendar::Calendars;
    use siaga_feed::catalog::{SIM_PRIMARY, SIM_SECONDARY};
    use siaga_feed::venue;
    use siaga_risk::event::Body;
    use siaga_risk::ids::InstrumentId;
    use siaga_risk::units::Ts;

    const USED: [&str; 3] = ["kraken", SIM_PRIMARY, SIM_SECONDARY];
    const COFFEE: InstrumentId = InstrumentId(900);
    /// Monday, 1 June 2026, 10:00 in Jakarta.
    const MORNING: Ts = Ts(1_780_282_800_000_000_000);

    const CALENDARS: &str = r#"calendar = [
        { name = "kopi", zone = "Asia/Jakarta", sessions = [{ opens = "09:00", closes = "11:30" }] },
    ]"#;
    const HOLIDAYS: &str =
        r#"holiday = [{ date = "2026-06-01", name = "Pancasila", calendars = ["kopi"] }]"#;

    /// A house that lists coffee on a calendar of its own, and bitcoin under another name at its venue.
    fn instruments() -> String {
        let line = "{ id = 900, symbol = \"KOPI/USD\", name = \"Kopi\", class = \"metal\", base = \"XAU\", quote = \"USD\", \
                    price_digits = 3, contract_size = \"100\", calendar = \"kopi\", kraken = \"KOPI/USD\", sim_price = \"250.000\", \
                    sim_spread = 20, sim_rate = 3 },";
        let text = Files::SHIPPED.instruments;
        let at = text.find("{ id = 1,").expect("the first instrument");
        let (head, tail) = text.split_at(at);
        format!("{head}{line}\n    {tail}").replacen(
            "kraken = \"BTC/USD\"",
            "kraken = \"XBT/USD\"",
            1,
        )
    }

    fn imported(instruments: &str, calendars: &str, holidays: &str) -> (Catalog, KeptNames) {
        let files = Files {
            instruments,
            calendars,
            holidays,
            ..Files::SHIPPED
        };
        let mut catalog = Catalog::read(&files).expect("a catalog");
        catalog.retain_sources(&USED).expect("sources");
        let mut kept = KeptNames::default();
        assert!(kept.take(&catalog, &Catalog::shipped()));
        kept.take_hours(&files);
        (catalog, kept)
    }

    fn is_open(catalog: &Catalog, instrument: InstrumentId, now: Ts) -> Option<bool> {
        let told = Calendars::new(catalog).current(now);
        told.iter().find_map(|body| match body {
            Body::Session(session) if session.instrument == instrument => Some(session.open),
            _ => None,
        })
    }

    #[test]
    fn an_imported_instrument_opens_and_is_subscribed_at_the_next_start() {
        let text = instruments();
        let (terms, kept) = imported(&text, CALENDARS, Files::SHIPPED.holidays);
        let in_force = started(&terms, usize::MAX);
        let house = catalog(&kept, &in_force, &USED).expect("a catalog");
        assert_eq!(is_open(&house, COFFEE, MORNING), Some(true));
        let evening = MORNING.plus(8 * siaga_risk::units::HOUR_NS);
        assert_eq!(is_open(&house, COFFEE, evening), Some(false));
        let kraken = house.source("kraken").expect("a source").terms.id;
        let listed = venue::listings(&house, kraken);
        let symbol = |id: InstrumentId| {
            let found = listed.iter().find(|listing| listing.instrument == id);
            found.map(|listing| listing.symbol.as_str())
        };
        assert_eq!(symbol(COFFEE), Some("KOPI/USD"));
        // A venue's name of a known instrument takes effect, too.
        let bitcoin = house.listing("BTC/USD").expect("bitcoin").terms.id;
        assert_eq!(symbol(bitcoin), Some("XBT/USD"));
        // Without what was kept it has neither.
        let plain = catalog(&KeptNames::default(), &in_force, &USED).expect("a catalog");
        assert_eq!(is_open(&plain, COFFEE, MORNING), None);
    }

    #[test]
    fn imported_holidays_and_nights_are_those_of_the_house() {
        let text = instruments().replacen(
            "id = 900,",
            "id = 900, swap_week = [2, 2, 2, 2, 2, 0, 0],",
            1,
        );
        let (terms, kept) = imported(&text, CALENDARS, HOLIDAYS);
        let mut in_force = started(&terms, usize::MAX);
        let house = catalog(&kept, &in_force, &USED).expect("a catalog");
        assert_eq!(is_open(&house, COFFEE, MORNING), Some(false));
        for change in &mut in_force {
            if let TermsChange::Instrument(terms) = change {
                terms.swap.week = [7; 7];
            }
        }
        let house = catalog(&kept, &in_force, &USED).expect("a catalog");
        assert!(
            house
                .instruments
                .iter()
                .all(|listing| listing.terms.swap.week == [7; 7])
        );
    }

    #[test]
    fn an_import_shows_what_changes_beside_terms() {
        let text = instruments();
        let files = Files {
            instruments: &text,
            calendars: CALENDARS,
            ..Files::SHIPPED
        };
        let (terms, kept) = imported(&text, CALENDARS, Files::SHIPPED.holidays);
        let nothing = KeptNames::default();
        let names = |changes: &[Beside]| -> Vec<String> {
            changes.iter().map(|change| change.name.clone()).collect()
        };
        let changes = beside(&nothing, &terms, &files);
        assert_eq!(
            names(&changes),
            ["listing KOPI/USD", "listing BTC/USD", "calendars"]
        );
        let symbol = Field {
            name: "venues.kraken".to_owned(),
            from: "BTC/USD".to_owned(),
            to: "XBT/USD".to_owned(),
        };
        assert_eq!(changes[1].fields, [symbol]);
        let renamed = text.replacen("name = \"Kopi\"", "name = \"Arabika\"", 1);
        let (other, _) = imported(&renamed, CALENDARS, Files::SHIPPED.holidays);
        let changes = beside(&kept, &other, &files);
        assert_eq!(names(&changes), ["listing KOPI/USD"]);
        assert_eq!(changes[0].fields[0].to, "Arabika");
        assert!(beside(&kept, &terms, &files).is_empty(), "twice is once");
        let shipped = Catalog::shipped();
        assert!(beside(&nothing, &shipped, &Files::SHIPPED).is_empty());
    }
}
