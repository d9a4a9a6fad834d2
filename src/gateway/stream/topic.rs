//! What can be subscribed. A subscription's id is made from its topic, so it is the same on every connection and after a restart,
//! and one written frame fits everybody.

use siaga_platform::news::Part;
use siaga_risk::event::BarSpan;
use siaga_risk::ids::{AccountId, InstrumentId};

use crate::gateway::auth::Rooms;
use crate::gateway::directory::Directory;
use crate::gateway::dto::market::SPANS;

/// Id of a stream: channel in the low bits, key above; below 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubId(pub u64);

/// One channel and one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    Quote(InstrumentId),
    Candle(InstrumentId, BarSpan),
    Margin(AccountId),
    /// An account as its client sees it.
    Portfolio(AccountId),
    Alert,
    /// Orders of one account, or of all.
    Order(Option<AccountId>),
    Status,
    /// That something of a part of the house changed.
    News(Part),
}

/// Why a subscription names nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum NoTopic {
    Channel,
    Symbol {
        asked: String,
        near: Option<String>,
    },
    /// The symbol does not fit the channel; what to send instead.
    Form(&'static str),
}

/// Names of the channels, for the error that lists them.
pub const CHANNELS: [&str; 11] = [
    "quote",
    "candle",
    "margin",
    "portfolio",
    "alert",
    "order",
    "status",
    "crm",
    "kyc",
    "aml",
    "cash",
];
/// Channels that take `*` alone, and no symbol as such.
pub const WHOLE: [&str; 6] = ["alert", "status", "crm", "kyc", "aml", "cash"];

impl Topic {
    pub fn id(self) -> SubId {
        let (channel, key) = match self {
            Topic::Quote(i) => (1, u64::from(i.0)),
            Topic::Candle(i, span) => (2, u64::from(i.0) << 3 | span as u64),
            Topic::Margin(a) => (3, u64::from(a.0)),
            Topic::Alert => (4, 0),
            Topic::Order(Some(a)) => (5, u64::from(a.0)),
            Topic::Order(None) => (6, 0),
            Topic::Status => (7, 0),
            Topic::News(part) => (8, part as u64),
            Topic::Portfolio(a) => (10, u64::from(a.0)),
        };
        SubId(key << 4 | channel)
    }

    /// The topic of an id that a client kept.
    pub fn from_id(id: SubId) -> Option<Topic> {
        let key = id.0 >> 4;
        let small = u32::try_from(key);
        Some(match id.0 & 15 {
            1 => Topic::Quote(InstrumentId(small.ok()?)),
            2 => {
                let (_, span) = SPANS.iter().find(|(_, s)| *s as u64 == key & 7)?;
                Topic::Candle(InstrumentId(u32::try_from(key >> 3).ok()?), *span)
            }
            3 => Topic::Margin(AccountId(small.ok()?)),
            4 if key == 0 => Topic::Alert,
            5 => Topic::Order(Some(AccountId(small.ok()?))),
            6 if key == 0 => Topic::Order(None),
            7 if key == 0 => Topic::Status,
            8 => Topic::News(*Part::ALL.get(usize::try_from(key).ok()?)?),
            10 => Topic::Portfolio(AccountId(small.ok()?)),
            _ => return None,
        })
    }

    pub fn channel(self) -> &'static str {
        match self {
            Topic::Quote(_) => "quote",
            Topic::Candle(..) => "candle",
            Topic::Margin(_) => "margin",
            Topic::Portfolio(_) => "portfolio",
            Topic::Alert => "alert",
            Topic::Order(_) => "order",
            Topic::Status => "status",
            Topic::News(part) => part.name(),
        }
    }

    /// Whether a connection with these rooms may follow it.
    pub fn is_in(self, rooms: &Rooms) -> bool {
        match self {
            Topic::News(part) => rooms.hears(part),
            Topic::Quote(_) | Topic::Candle(..) => rooms.prices(),
            Topic::Portfolio(account) | Topic::Order(Some(account)) => rooms.account(account),
            Topic::Margin(_) | Topic::Alert | Topic::Order(None) | Topic::Status => rooms.desk,
        }
    }

    /// Durable channels are never merged and never dropped.
    pub fn durable(self) -> bool {
        matches!(self, Topic::Alert | Topic::Order(_))
    }

    /// The symbol on the wire; `None` when the thing is no longer known.
    pub fn sym(self, names: &Directory) -> Option<String> {
        let symbol = |i: InstrumentId| names.instrument(i).map(|e| e.symbol.clone());
        Some(match self {
            Topic::Quote(i) => symbol(i)?,
            Topic::Candle(i, span) => {
                let (text, _) = SPANS.iter().find(|(_, s)| *s == span)?;
                format!("{}@{text}", symbol(i)?)
            }
            Topic::Margin(a) | Topic::Portfolio(a) | Topic::Order(Some(a)) => {
                names.account(a)?.terms.id.to_string()
            }
            Topic::Alert | Topic::Order(None) | Topic::Status | Topic::News(_) => "*".to_owned(),
        })
    }

    /// The topics that a channel and one symbol (or wildcard) name. A wildcard may name none.
    pub fn find(channel: &str, sym: &str, names: &Directory) -> Result<Vec<Topic>, NoTopic> {
        match channel {
            "quote" => Ok(instruments(sym, names)?
                .into_iter()
                .map(Topic::Quote)
                .collect()),
            "candle" => candles(sym, names),
            "margin" => Ok(vec![Topic::Margin(account(sym, names)?)]),
            "portfolio" => Ok(vec![Topic::Portfolio(account(sym, names)?)]),
            "order" if sym == "*" => Ok(vec![Topic::Order(None)]),
            "order" => Ok(vec![Topic::Order(Some(account(sym, names)?))]),
            "alert" if sym == "*" => Ok(vec![Topic::Alert]),
            "status" if sym == "*" => Ok(vec![Topic::Status]),
            whole if WHOLE.contains(&whole) && sym != "*" => {
                Err(NoTopic::Form("send sym [\"*\"] on this channel"))
            }
            news => match Part::parse(news) {
                Some(part) => Ok(vec![Topic::News(part)]),
                None => Err(NoTopic::Channel),
            },
        }
    }
}

/// Whether a symbol of a request may match instruments that come later.
pub fn is_wildcard(channel: &str, sym: &str) -> bool {
    matches!(channel, "quote" | "candle") && sym.contains('*')
}

fn instruments(sym: &str, names: &Directory) -> Result<Vec<InstrumentId>, NoTopic> {
    if let Some(start) = sym.strip_suffix('*') {
        if start.contains('*') {
            return Err(NoTopic::Form(
                "a wildcard is a beginning and one star, for example EUR*",
            ));
        }
        let matching = names.instruments().filter(|e| e.symbol.starts_with(start));
        return Ok(matching.map(|e| e.terms.id).collect());
    }
    match names.by_symbol(sym) {
        Some(entry) => Ok(vec![entry.terms.id]),
        None => Err(NoTopic::Symbol {
            asked: sym.to_owned(),
            near: names.did_you_mean(sym).map(str::to_owned),
        }),
    }
}

fn candles(sym: &str, names: &Directory) -> Result<Vec<Topic>, NoTopic> {
    const FORM: NoTopic = NoTopic::Form("send a symbol and a span, for example EUR/USD@1m");
    let (symbol, text) = sym.rsplit_once('@').ok_or(FORM)?;
    let (_, span) = SPANS.iter().find(|(name, _)| *name == text).ok_or(FORM)?;
    let found = instruments(symbol, names)?;
    Ok(found.into_iter().map(|i| Topic::Candle(i, *span)).collect())
}

fn account(sym: &str, names: &Directory) -> Result<AccountId, NoTopic> {
    let id = sym
        .parse::<u32>()
        .map_err(|_| NoTopic::Form("send the account's number as text"))?;
    match names.account(AccountId(id)) {
        Some(entry) => Ok(entry.terms.id),
        None => Err(NoTopic::Symbol {
            asked: sym.to_owned(),
            near: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_name_their_topic() {
        let account = AccountId(u32::MAX);
        let instrument = InstrumentId(u32::MAX);
        let mut topics = vec![
            Topic::Quote(instrument),
            Topic::Quote(InstrumentId(0)),
            Topic::Margin(account),
            Topic::Portfolio(account),
            Topic::Alert,
            Topic::Order(Some(account)),
            Topic::Order(None),
            Topic::Status,
        ];
        topics.extend(Part::ALL.map(Topic::News));
        topics.extend(SPANS.iter().map(|(_, s)| Topic::Candle(instrument, *s)));
        let mut ids = std::collections::BTreeSet::new();
        for topic in topics {
            assert!(ids.insert(topic.id()), "{topic:?}");
            assert!(topic.id().0 < 1 << 53);
            assert_eq!(Topic::from_id(topic.id()), Some(topic));
        }
    }

    proptest! {
        #[test]
        fn no_id_lies(id: u64) {
            if let Some(topic) = Topic::from_id(SubId(id)) {
                prop_assert_eq!(topic.id(), SubId(id));
            }
        }
    }
}
