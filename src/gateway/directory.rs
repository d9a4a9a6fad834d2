//! Names of what the core knows by number: symbols, currencies, accounts, groups, links, sources, people.
//! An immutable snapshot; a change is a new one behind an `Arc`.

use std::collections::BTreeMap;
use std::sync::Arc;

use siaga_risk::ids::*;
use siaga_risk::terms::*;

/// A snapshot of all names and the terms they stand for. `version` rises with every change.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub version: u64,
    pub house_currency: CurrencyId,
    currencies: BTreeMap<CurrencyId, CurrencyEntry>,
    instruments: BTreeMap<InstrumentId, Arc<InstrumentEntry>>,
    symbols: BTreeMap<String, InstrumentId>,
    accounts: BTreeMap<AccountId, AccountEntry>,
    groups: BTreeMap<GroupId, GroupEntry>,
    links: BTreeMap<LinkId, String>,
    sources: BTreeMap<SourceId, String>,
    actors: BTreeMap<ActorId, String>,
}

#[derive(Clone, Debug)]
pub struct CurrencyEntry {
    /// ISO 4217 code or the asset's ticker.
    pub code: String,
    pub terms: CurrencyTerms,
}

#[derive(Clone, Debug)]
pub struct InstrumentEntry {
    /// `EUR/USD`.
    pub symbol: String,
    pub name: String,
    pub terms: InstrumentTerms,
}

#[derive(Clone, Debug)]
pub struct AccountEntry {
    pub name: String,
    pub terms: AccountTerms,
}

#[derive(Clone, Debug)]
pub struct GroupEntry {
    pub name: String,
    pub terms: GroupTerms,
}

impl Directory {
    pub fn put_currency(&mut self, code: &str, terms: CurrencyTerms) {
        let code = code.to_owned();
        self.currencies
            .insert(terms.id, CurrencyEntry { code, terms });
    }

    pub fn put_instrument(&mut self, symbol: &str, name: &str, terms: InstrumentTerms) {
        self.symbols.insert(symbol.to_owned(), terms.id);
        let entry = InstrumentEntry {
            symbol: symbol.to_owned(),
            name: name.to_owned(),
            terms,
        };
        self.instruments.insert(entry.terms.id, Arc::new(entry));
    }

    pub fn put_account(&mut self, name: &str, terms: AccountTerms) {
        let name = name.to_owned();
        self.accounts.insert(terms.id, AccountEntry { name, terms });
    }

    pub fn put_group(&mut self, name: &str, terms: GroupTerms) {
        let name = name.to_owned();
        self.groups.insert(terms.id, GroupEntry { name, terms });
    }

    pub fn put_link(&mut self, id: LinkId, name: &str) {
        self.links.insert(id, name.to_owned());
    }

    pub fn put_source(&mut self, id: SourceId, name: &str) {
        self.sources.insert(id, name.to_owned());
    }

    pub fn put_actor(&mut self, id: ActorId, name: &str) {
        self.actors.insert(id, name.to_owned());
    }

    pub fn instrument(&self, id: InstrumentId) -> Option<&Arc<InstrumentEntry>> {
        self.instruments.get(&id)
    }

    pub fn by_symbol(&self, symbol: &str) -> Option<&Arc<InstrumentEntry>> {
        self.symbols.get(symbol).and_then(|id| self.instrument(*id))
    }

    pub fn instruments(&self) -> impl Iterator<Item = &Arc<InstrumentEntry>> {
        self.instruments.values()
    }

    pub fn account(&self, id: AccountId) -> Option<&AccountEntry> {
        self.accounts.get(&id)
    }

    pub fn accounts(&self) -> impl Iterator<Item = &AccountEntry> {
        self.accounts.values()
    }

    /// Accounts with an id above `after`, in order of id.
    pub fn accounts_after(&self, after: Option<AccountId>) -> impl Iterator<Item = &AccountEntry> {
        use std::ops::Bound;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.accounts
            .range((from, Bound::Unbounded))
            .map(|(_, entry)| entry)
    }

    pub fn group(&self, id: GroupId) -> Option<&GroupEntry> {
        self.groups.get(&id)
    }

    pub fn currencies(&self) -> impl Iterator<Item = (CurrencyId, &CurrencyEntry)> {
        self.currencies.iter().map(|(id, entry)| (*id, entry))
    }

    pub fn groups(&self) -> impl Iterator<Item = &GroupEntry> {
        self.groups.values()
    }

    pub fn sources(&self) -> impl Iterator<Item = (SourceId, &str)> {
        self.sources.iter().map(|(id, name)| (*id, name.as_str()))
    }

    pub fn links(&self) -> impl Iterator<Item = (LinkId, &str)> {
        self.links.iter().map(|(id, name)| (*id, name.as_str()))
    }

    /// Digits of a currency's minor unit; two when it is not known, which only a broken import can cause.
    pub fn money_digits(&self, id: CurrencyId) -> u8 {
        self.currencies.get(&id).map_or(2, |c| c.terms.digits)
    }

    pub fn currency_code(&self, id: CurrencyId) -> String {
        let entry = self.currencies.get(&id);
        entry.map_or_else(|| format!("currency-{id}"), |c| c.code.clone())
    }

    /// The currency of a code.
    pub fn currency(&self, code: &str) -> Option<CurrencyId> {
        let mut found = self.currencies.iter();
        found
            .find(|(_, entry)| entry.code.eq_ignore_ascii_case(code))
            .map(|(id, _)| *id)
    }

    pub fn group_name(&self, id: GroupId) -> String {
        let entry = self.groups.get(&id);
        entry.map_or_else(|| format!("group-{id}"), |g| g.name.clone())
    }

    /// Whether there is such a link.
    pub fn has_link(&self, id: LinkId) -> bool {
        self.links.contains_key(&id)
    }

    pub fn link_name(&self, id: LinkId) -> String {
        let name = self.links.get(&id);
        name.cloned().unwrap_or_else(|| format!("link-{id}"))
    }

    pub fn source_name(&self, id: SourceId) -> String {
        let name = self.sources.get(&id);
        name.cloned().unwrap_or_else(|| format!("source-{id}"))
    }

    /// Whether the core's actor of this number has a name here.
    pub fn has_actor(&self, id: ActorId) -> bool {
        self.actors.contains_key(&id)
    }

    pub fn actor_name(&self, id: ActorId) -> String {
        if id == ActorId(0) {
            return "system".to_owned();
        }
        let name = self.actors.get(&id);
        name.cloned().unwrap_or_else(|| format!("actor-{id}"))
    }

    /// The symbol somebody may have meant: the nearest by edit distance without regard to case and separators, at most two edits away.
    pub fn did_you_mean(&self, asked: &str) -> Option<&str> {
        let asked = plain(asked);
        if asked.len() > SYMBOL_BYTES_MAX {
            return None;
        }
        let by_distance = self
            .symbols
            .keys()
            .map(|s| (strsim::levenshtein(&asked, &plain(s)), s));
        let (edits, symbol) = by_distance.min()?;
        (edits <= 2).then_some(symbol.as_str())
    }
}

/// Longer than any symbol of the venues we know; keeps the comparison of a hostile text cheap.
const SYMBOL_BYTES_MAX: usize = 32;

fn plain(symbol: &str) -> String {
    let letters = symbol.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_uppercase()).collect()
}
