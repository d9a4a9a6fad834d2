//! The terms in force, as the inputs and outputs name them.

use super::Book;
use crate::event::TermsChange;
use crate::terms::{GroupTerms, LinkTerms};

impl Book {
    /// All groups, by id.
    pub fn groups(&self) -> impl Iterator<Item = &GroupTerms> {
        self.groups.values()
    }

    /// All links, by id.
    pub fn links(&self) -> impl Iterator<Item = &LinkTerms> {
        self.links.values().map(|link| &link.terms)
    }
}

impl crate::machine::Machine {
    /// Stands for every constant and rule that changes decisions; see [`crate::machine::FINGERPRINT`].
    pub const FINGERPRINT: u64 = crate::machine::FINGERPRINT;

    /// Every currency, source, link, instrument, set of leverage rules, group, account with what it has otherwise than its
    /// group, and window in force, in an order in which they could be imported.
    pub fn terms(&self) -> Vec<TermsChange> {
        let (market, book) = (self.market(), self.book());
        let mut terms: Vec<TermsChange> = Vec::new();
        terms.extend(market.currencies().copied().map(TermsChange::Currency));
        terms.extend(market.sources().copied().map(TermsChange::Source));
        terms.extend(book.links().copied().map(TermsChange::Link));
        let instruments = market.instruments().cloned().map(Box::new);
        terms.extend(instruments.map(TermsChange::Instrument));
        terms.extend(
            book.tiers
                .values()
                .map(|tiers| TermsChange::Tiers(Box::new(tiers.clone()))),
        );
        terms.extend(
            book.groups()
                .map(|group| TermsChange::Group(Box::new(*group))),
        );
        terms.extend(
            book.accounts()
                .map(|account| TermsChange::Account(account.state.terms)),
        );
        let rules = book
            .accounts()
            .filter_map(|account| account.state.rules.clone());
        terms.extend(rules.map(TermsChange::Rules));
        let windows = book.windows.values().copied();
        terms.extend(windows.map(TermsChange::Requirement));
        terms
    }
}
