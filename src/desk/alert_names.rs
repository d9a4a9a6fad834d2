//! The directory as the alerts' texts ask for names.

use std::sync::{Arc, PoisonError, RwLock};

use siaga_alerts::text::Names;
use siaga_risk::ids::*;

use super::{deliver, notices};
use crate::gateway::directory::Directory;

/// The directory as it is whenever a text is written.
#[derive(Clone)]
pub struct LiveNames(pub Arc<RwLock<Arc<Directory>>>);

impl LiveNames {
    /// The directory as it is.
    pub fn now(&self) -> Arc<Directory> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Names for LiveNames {
    fn account(&self, account: AccountId) -> String {
        DirectoryNames(&self.now()).account(account)
    }

    fn instrument(&self, instrument: InstrumentId) -> String {
        DirectoryNames(&self.now()).instrument(instrument)
    }

    fn group(&self, group: GroupId) -> String {
        DirectoryNames(&self.now()).group(group)
    }

    fn link(&self, link: LinkId) -> String {
        DirectoryNames(&self.now()).link(link)
    }

    fn source(&self, source: SourceId) -> String {
        DirectoryNames(&self.now()).source(source)
    }

    fn currency(&self, currency: CurrencyId) -> String {
        DirectoryNames(&self.now()).currency(currency)
    }

    fn actor(&self, actor: ActorId) -> String {
        DirectoryNames(&self.now()).actor(actor)
    }

    fn sink(&self, sink: u16) -> String {
        DirectoryNames(&self.now()).sink(sink)
    }

    fn reader(&self, reader: u16) -> String {
        DirectoryNames(&self.now()).reader(reader)
    }

    fn money(&self, account: AccountId) -> (u8, String) {
        DirectoryNames(&self.now()).money(account)
    }

    fn price_digits(&self, instrument: InstrumentId) -> u8 {
        DirectoryNames(&self.now()).price_digits(instrument)
    }

    fn qty_digits(&self, instrument: InstrumentId) -> u8 {
        DirectoryNames(&self.now()).qty_digits(instrument)
    }
}

/// Names from a snapshot of the directory.
pub struct DirectoryNames<'a>(pub &'a Directory);

impl Names for DirectoryNames<'_> {
    fn account(&self, account: AccountId) -> String {
        match self.0.account(account) {
            Some(entry) => entry.name.clone(),
            None => account.to_string(),
        }
    }

    fn instrument(&self, instrument: InstrumentId) -> String {
        match self.0.instrument(instrument) {
            Some(entry) => entry.symbol.clone(),
            None => format!("#{instrument}"),
        }
    }

    fn group(&self, group: GroupId) -> String {
        self.0.group_name(group)
    }

    fn link(&self, link: LinkId) -> String {
        self.0.link_name(link)
    }

    fn source(&self, source: SourceId) -> String {
        self.0.source_name(source)
    }

    fn currency(&self, currency: CurrencyId) -> String {
        self.0.currency_code(currency)
    }

    fn actor(&self, actor: ActorId) -> String {
        self.0.actor_name(actor)
    }

    fn sink(&self, sink: u16) -> String {
        deliver::sink_name(sink).to_owned()
    }

    fn reader(&self, reader: u16) -> String {
        notices::reader_name(reader).to_owned()
    }

    fn money(&self, account: AccountId) -> (u8, String) {
        let Some(entry) = self.0.account(account) else {
            return (2, String::new());
        };
        let currency = entry.terms.currency;
        (
            self.0.money_digits(currency),
            self.0.currency_code(currency),
        )
    }

    fn price_digits(&self, instrument: InstrumentId) -> u8 {
        self.0
            .instrument(instrument)
            .map_or(0, |entry| entry.terms.price_digits)
    }

    fn qty_digits(&self, instrument: InstrumentId) -> u8 {
        self.0
            .instrument(instrument)
            .map_or(0, |entry| entry.terms.qty_digits)
    }
}
