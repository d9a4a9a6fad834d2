//! The links to brokers: which of them this desk has, and the router that knows what is open at them.

use std::sync::Arc;

use siaga_broker::bridge::{BridgeConfig, BridgeSession, FaultCounts};
use siaga_broker::paper::{PaperConfig, PaperLink};
use siaga_broker::router::task::RouterHandle;
use siaga_broker::router::{Limits, Router, task};
use siaga_risk::event::OrderState;
use siaga_risk::ids::{InstrumentId, LinkId};
use siaga_risk::journal::{Epochs, OutputLog};
use siaga_risk::pipeline::Inbox;
use siaga_risk::units::{Money, Ratio};
use tokio::sync::mpsc;

use super::log_source::LogDoor;
use super::notices::Notice;
use super::recover::{self, DataFault};
use super::{Running, bridge, broker};
use crate::config::Config;

/// Name of the catalog's link that a broker's own program connects to.
pub const BRIDGE: &str = "bridge";

impl Running {
    pub(super) fn router(
        &self,
        config: &Config,
        inbox: &Inbox,
        door: &LogDoor,
        log: &OutputLog,
        epochs: &Epochs,
        notices: &mpsc::Sender<Notice>,
    ) -> anyhow::Result<(
        RouterHandle,
        tokio::task::JoinHandle<std::io::Result<Router>>,
        Arc<FaultCounts>,
    )> {
        let born = broker::key_of(log.durable());
        let path = config
            .data
            .dir
            .join(recover::CORE_DIR)
            .join("router.cursor");
        let (mut cursor, kept) =
            broker::CursorFile::open(&path).map_err(|error| DataFault::of(&path, error))?;
        let resumed = broker::resumed(kept, born);
        if kept.is_some_and(|kept| kept != resumed) {
            cursor.keep(resumed)?;
        }
        let mut router = Router::new(resumed, born, Limits::default());
        let mut faults = Arc::default();
        for link in &self.catalog.links {
            match (link.name == BRIDGE, &config.broker.bridge_token) {
                (false, _) => router.add(Box::new(PaperLink::new(link.terms.id, paper(config)))),
                (true, Some(token)) => {
                    let session = self.bridge(link.terms.id, token, epochs.clone());
                    faults = session.fault_counts();
                    router.add(Box::new(session));
                }
                (true, None) => {}
            }
        }
        let now = self.clock.now();
        for terms in &self.known.terms {
            router.on_terms(terms);
        }
        let open = |state| {
            !matches!(
                state,
                OrderState::Filled
                    | OrderState::Cancelled
                    | OrderState::Rejected
                    | OrderState::Expired
                    | OrderState::Returned
            )
        };
        for order in &self.known.ended {
            router.ended_order(order);
        }
        for account in &self.known.accounts {
            for held in &account.positions {
                router.open_position(&held.position);
            }
            for order in account.orders.iter().filter(|order| open(order.state)) {
                router.open_order(order, now);
            }
        }
        let rim = broker::BrokerRim {
            clock: self.clock.clone(),
            inbox: inbox.clone(),
            cursor,
            notices: notices.clone(),
        };
        let from = log.durable();
        let source = broker::RouterLog::new(door.source(from), log.consumers(), from);
        let (handle, task) = task::spawn(router, source, rim);
        Ok((handle, task, faults))
    }

    pub(super) fn bridge_door(
        &self,
        config: &Config,
        router: &RouterHandle,
    ) -> Option<Arc<bridge::DeskBridge>> {
        config.broker.bridge_token.as_ref()?;
        let link = self.catalog.links.iter().find(|link| link.name == BRIDGE)?;
        Some(bridge::DeskBridge::new(router.clone(), link.terms.id))
    }

    fn bridge(&self, link: LinkId, token: &str, epochs: Epochs) -> BridgeSession {
        let mut directory = siaga_broker::directory::Directory::default();
        for listing in &self.catalog.instruments {
            directory.name(listing.terms.id, &listing.symbol);
        }
        for (id, kept) in &self.names.kept.instruments {
            directory.name(InstrumentId(*id), &kept.symbol);
        }
        let run = self.clock.now().0;
        BridgeSession::new(
            BridgeConfig {
                link,
                token: token.to_owned(),
                epochs,
                run,
            },
            directory,
        )
    }
}

fn paper(config: &Config) -> PaperConfig {
    PaperConfig {
        latency_ns: u64::from(config.broker.latency_ms) * 1_000_000,
        markup: Ratio::percent(i64::from(config.broker.markup_percent)),
        commission_per_lot: Money(i64::from(config.broker.commission_per_lot)),
        slippage: Ratio::percent(i64::from(config.broker.slippage_percent)),
        reject: Ratio::percent(i64::from(config.broker.reject_percent)),
        partial: Ratio::percent(i64::from(config.broker.partial_percent)),
        ..PaperConfig::retail(config.feed.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The defaults of the configuration are those of the retail broker, and each key changes what it names.
    #[test]
    fn the_paper_broker_is_as_it_is_configured() {
        let mut config = Config::default();
        let retail = PaperConfig::retail(config.feed.seed);
        assert_eq!(paper(&config).markup, retail.markup);
        assert_eq!(paper(&config).commission_per_lot, retail.commission_per_lot);
        config.broker.markup_percent = 25;
        config.broker.commission_per_lot = 700;
        let changed = paper(&config);
        assert_eq!(changed.markup, Ratio::percent(25));
        assert_eq!(changed.commission_per_lot, Money(700));
    }

    #[test]
    fn a_markup_of_more_than_the_spread_is_refused() {
        let mut config = Config::default();
        config.broker.markup_percent = 100;
        assert_eq!(config.check(), Ok(()));
        config.broker.markup_percent = 101;
        let said = config.check().expect_err("above the spread");
        assert!(said.contains("broker.markup_percent"), "{said}");
    }
}
