//! What a link must know of the house to speak to the world: symbols and digits.

use std::collections::BTreeMap;

use siaga_risk::event::TermsChange;
use siaga_risk::ids::{AccountId, CurrencyId, InstrumentId};

/// Digits of an instrument, and the name it has outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Outside name, e.g. "EUR/USD"; empty until the rim names it.
    pub symbol: String,
    pub price_digits: u8,
    pub qty_digits: u8,
}

/// Symbols and digits by id. Names come from the rim (`name`), digits from terms in force (`on_terms`).
#[derive(Clone, Debug, Default)]
pub struct Directory {
    instruments: BTreeMap<InstrumentId, Listing>,
    currency_digits: BTreeMap<CurrencyId, u8>,
    accounts: BTreeMap<AccountId, CurrencyId>,
}

impl Directory {
    /// The listing of an instrument that has terms and a name.
    pub fn listing(&self, instrument: InstrumentId) -> Option<&Listing> {
        self.instruments
            .get(&instrument)
            .filter(|listing| !listing.symbol.is_empty())
    }

    /// Digits of a quantity, known as soon as terms are.
    pub fn qty_digits(&self, instrument: InstrumentId) -> Option<u8> {
        self.instruments
            .get(&instrument)
            .map(|listing| listing.qty_digits)
    }

    /// Digits of an account's money.
    pub fn money_digits(&self, account: AccountId) -> Option<u8> {
        let currency = self.accounts.get(&account)?;
        self.currency_digits.get(currency).copied()
    }

    /// Every listing with a name, by id.
    pub fn listings(&self) -> impl Iterator<Item = (InstrumentId, &Listing)> {
        self.instruments
            .iter()
            .filter(|(_, listing)| !listing.symbol.is_empty())
            .map(|(id, listing)| (*id, listing))
    }

    /// Sets name and digits at once.
    pub fn list(&mut self, instrument: InstrumentId, listing: Listing) {
        self.instruments.insert(instrument, listing);
    }

    /// Gives an instrument its outside name.
    pub fn name(&mut self, instrument: InstrumentId, symbol: &str) {
        self.listing_mut(instrument).symbol = symbol.to_owned();
    }

    /// Learns digits and currencies from terms that came into force.
    pub fn on_terms(&mut self, terms: &TermsChange) {
        match terms {
            TermsChange::Instrument(terms) => {
                let listing = self.listing_mut(terms.id);
                listing.price_digits = terms.price_digits;
                listing.qty_digits = terms.qty_digits;
            }
            TermsChange::Currency(terms) => {
                self.currency_digits.insert(terms.id, terms.digits);
            }
            TermsChange::Account(terms) => {
                self.accounts.insert(terms.id, terms.currency);
            }
            _ => {}
        }
    }

    fn listing_mut(&mut self, instrument: InstrumentId) -> &mut Listing {
        self.instruments.entry(instrument).or_insert(Listing {
            symbol: String::new(),
            price_digits: 0,
            qty_digits: 0,
        })
    }
}
