//! What the peer hears: numbered commands, prices, acknowledgements, heartbeats.

use std::ops::Bound;

use siaga_risk::event::*;
use siaga_risk::ids::{InstrumentId, OrderId};
use siaga_risk::terms::HeldBy;
use siaga_risk::units::*;

use super::frames::{InstrumentOut, OpenedOut, OrderOut, Out, ProtectOut};
use super::{
    BridgeConfig, BridgeFault, BridgeSession, CONTROL_MAX, DEAD_NS, FRAME_BYTES_MAX, HEARTBEAT_NS,
    HELD_UNACKED_MAX, Held, ORDER_COMMANDS_MAX, UNACKED_MAX, VERSION, decimal,
};
use crate::directory::{Directory, Listing};
use crate::id;

/// A numbered command.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Order(Box<OrderOut>),
    Cancel(OrderId),
    Protect(ProtectOut),
    Opened(OpenedOut),
    Status(OrderId),
    /// An order that was not delivered in time.
    Void,
}

impl Command {
    pub(super) fn is_order(&self) -> bool {
        matches!(self, Command::Order(_))
    }

    fn is_cancel(&self) -> bool {
        matches!(self, Command::Cancel(_))
    }
}

impl BridgeSession {
    /// Numbers a command and keeps it until the peer acknowledges it.
    pub(super) fn command_out(&mut self, command: Command) {
        if self.unacked.len() >= UNACKED_MAX {
            let message = "too many commands are not acknowledged";
            self.fault(BridgeFault::TooSlow, message, None);
        }
        if !self.connection.up {
            return;
        }
        self.sent += 1;
        self.cancels_unacked += usize::from(command.is_cancel());
        self.unacked.push_back((self.sent, command));
    }

    /// Gives as much of what may wait as the peer may have at once.
    pub(super) fn held_out(&mut self) {
        while self.connection.up
            && let Some(command) = self.next_held()
        {
            self.command_out(command);
        }
    }

    /// Cancels first, for somebody waits for them: as long as an order still fits behind them, no order holds them back.
    /// Names before the prices of what they name.
    fn next_held(&mut self) -> Option<Command> {
        let owed = self.unacked.len();
        if self.cancels_unacked < HELD_UNACKED_MAX
            && owed < UNACKED_MAX - ORDER_COMMANDS_MAX
            && let Some(order) = self.cancels.pop_first()
        {
            return Some(Command::Cancel(order));
        }
        if owed >= HELD_UNACKED_MAX {
            return None;
        }
        if let Some(order) = self.asks.pop_first() {
            return Some(Command::Status(order));
        }
        if let Some((_, out)) = self.names.pop_first() {
            return Some(Command::Opened(out));
        }
        let prices = self.protects.pop_first();
        prices.map(|(_, out)| Command::Protect(out))
    }

    pub(super) fn drop_acked(&mut self, upto: u64) {
        while self.unacked.front().is_some_and(|(n, _)| *n <= upto)
            && let Some((_, command)) = self.unacked.pop_front()
        {
            self.cancels_unacked -= usize::from(command.is_cancel());
        }
    }

    /// A connection was lost with orders under way: they are not sent late, at another price.
    pub(super) fn void_orders(&mut self) {
        for (_, command) in &mut self.unacked {
            if command.is_order() {
                self.counts.voided += 1;
                *command = Command::Void;
            }
        }
    }

    pub(super) fn welcome(&mut self, resumed: bool) {
        let session = self.session_name();
        let instruments = self.directory.listings().map(|(_, listing)| InstrumentOut {
            symbol: &listing.symbol,
            price_digits: listing.price_digits,
            qty_digits: listing.qty_digits,
        });
        let welcome = Out::Welcome {
            v: VERSION,
            link: self.config.link.0,
            session: &session,
            resumed,
            epoch: self.config.epochs.newest(),
            taken: self.taken,
            hb_ms: HEARTBEAT_NS / 1_000_000,
            dead_ms: DEAD_NS / 1_000_000,
            frame_bytes_max: FRAME_BYTES_MAX,
            instruments: instruments.collect(),
        };
        let text = json(&welcome);
        self.control.push_back(text);
        let newest = self.marks.iter().filter(|(id, _)| self.wants(**id));
        self.quotes = newest.map(|(id, mark)| (*id, *mark)).collect();
    }

    /// Tells the peer which of its frames were taken, when that has changed.
    pub(super) fn acknowledge(&mut self) {
        if self.acked_in != self.taken && self.peer.greeted {
            self.acked_in = self.taken;
            self.say(&Out::Ack { n: self.taken });
        }
    }

    /// Queues a control frame; an overflow means a peer that does not read, and is closed.
    pub(super) fn say(&mut self, frame: &Out<'_>) {
        if self.control.len() < CONTROL_MAX {
            self.control.push_back(json(frame));
        } else if self.closing.is_none() {
            self.hang_up(BridgeFault::TooSlow.name());
        }
    }

    /// Control first, then commands in order, then the newest prices in turn.
    pub(super) fn next_text(&mut self) -> Option<String> {
        if let Some(text) = self.control.pop_front() {
            return Some(text);
        }
        if !self.peer.greeted {
            return None;
        }
        if self.unsent_from <= self.sent {
            let n = self.unsent_from;
            self.unsent_from += 1;
            let first = self.unacked.front().map_or(n, |(first, _)| *first);
            let at = usize::try_from(n.saturating_sub(first)).ok()?;
            let (_, command) = self.unacked.get(at)?;
            return Some(self.command_text(n, command));
        }
        self.next_quote()
    }

    pub(super) fn wants(&self, instrument: InstrumentId) -> bool {
        let Some(listing) = self.directory.listing(instrument) else {
            return false;
        };
        let symbols = self.peer.symbols.as_ref();
        symbols.is_none_or(|symbols| symbols.contains(&listing.symbol))
    }

    pub(super) fn order_out(&self, submit: &Submit) -> Option<OrderOut> {
        let listing = self.directory.listing(submit.instrument)?;
        let price = |price: Price| decimal::format(price.0, listing.price_digits);
        let distance =
            |price: Price| (price.0 != 0).then(|| decimal::format(price.0, listing.price_digits));
        // What the core holds the broker must not hold too: both would close.
        let protection = match self.protective {
            HeldBy::Broker => submit.protection,
            HeldBy::Core => Protection::default(),
        };
        Some(OrderOut {
            id: id::wire_of(&self.config.epochs, submit.id),
            account: submit.account.0,
            symbol: listing.symbol.clone(),
            side: side_name(submit.side),
            kind: kind_name(submit.kind),
            tif: tif_name(submit.tif),
            qty: decimal::format(submit.qty.0, listing.qty_digits),
            price: submit.price.map(price),
            stop: submit.stop.map(price),
            expires: submit.expires.map(|at| at.0 / 1_000),
            position: submit.position.map(|position| position.0),
            slippage_max: distance(submit.slippage_max),
            seen: price(submit.seen),
            stop_loss: protection.stop_loss.map(price),
            take_profit: protection.take_profit.map(price),
            trailing: distance(protection.trailing),
        })
    }

    pub(super) fn opened_out(&self, opened: &Opened) -> Option<OpenedOut> {
        let listing = self.directory.listing(opened.instrument)?;
        let wire = |order| id::wire_of(&self.config.epochs, order);
        Some(OpenedOut {
            position: opened.position.0,
            id: opened.order.map(wire),
            account: opened.account.0,
            symbol: listing.symbol.clone(),
            side: side_name(opened.side),
        })
    }

    pub(super) fn protect_out(&self, protect: &Protect) -> Option<ProtectOut> {
        let held = self.positions.get(&protect.position);
        let held = held.filter(|held| held.open)?;
        let listing = self.directory.listing(held.instrument)?;
        let price = |price: Price| decimal::format(price.0, listing.price_digits);
        let trailing = protect.protection.trailing;
        Some(ProtectOut {
            account: protect.account.0,
            position: protect.position.0,
            stop_loss: protect.protection.stop_loss.map(price),
            take_profit: protect.protection.take_profit.map(price),
            trailing: (trailing.0 != 0).then(|| price(trailing)),
        })
    }

    fn command_text(&self, n: u64, command: &Command) -> String {
        let wire = |order: &OrderId| id::wire_of(&self.config.epochs, *order);
        match command {
            Command::Order(order) => json(&Out::Order { n, order }),
            Command::Cancel(order) => json(&Out::Cancel {
                n,
                id: &wire(order),
            }),
            Command::Status(order) => json(&Out::Status {
                n,
                id: &wire(order),
            }),
            Command::Protect(protect) => json(&Out::Protect { n, protect }),
            Command::Opened(opened) => json(&Out::Opened { n, opened }),
            Command::Void => json(&Out::Void { n }),
        }
    }

    fn next_quote(&mut self) -> Option<String> {
        let after = self.quote_after.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.quotes.range((after, Bound::Unbounded)).next();
        let id = next
            .or_else(|| self.quotes.first_key_value())
            .map(|(id, _)| *id)?;
        let mark = self.quotes.remove(&id)?;
        self.quote_after = Some(id);
        let listing = self.directory.listing(id)?;
        Some(json(&Out::Quote {
            symbol: &listing.symbol,
            bid: decimal::format(mark.bid.0, listing.price_digits),
            ask: decimal::format(mark.ask.0, listing.price_digits),
            ts: mark.ts.0 / 1_000,
        }))
    }
}

/// Frames hold text and integers only: they cannot fail to serialise.
pub(super) fn json(frame: &Out<'_>) -> String {
    serde_json::to_string(frame).unwrap_or_else(|_| "{\"t\":\"hb\",\"now\":0}".to_owned())
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

fn kind_name(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Market => "market",
        OrderKind::Limit => "limit",
        OrderKind::Stop => "stop",
        OrderKind::StopLimit => "stop_limit",
    }
}

fn tif_name(tif: Tif) -> &'static str {
    match tif {
        Tif::Gtc => "gtc",
        Tif::Day => "day",
        Tif::Ioc => "ioc",
        Tif::Fok => "fok",
        Tif::Gtd => "gtd",
    }
}

/// A session with one listed instrument, one open order and one position, for tests and generated input.
pub(super) fn sample() -> BridgeSession {
    use siaga_risk::ids::{AccountId, LinkId, PositionId};
    let mut directory = Directory::default();
    directory.list(
        InstrumentId(1),
        Listing {
            symbol: "EUR/USD".to_owned(),
            price_digits: 5,
            qty_digits: 2,
        },
    );
    let config = BridgeConfig {
        link: LinkId(2),
        token: "sample".to_owned(),
        epochs: siaga_risk::journal::Epochs::single(1, 0),
        run: 0xabc,
    };
    let mut session = BridgeSession::new(config, directory);
    session.know(&sample_submit(40));
    let held = Held {
        instrument: InstrumentId(1),
        account: AccountId(9),
        open: true,
    };
    session.positions.insert(PositionId(70), held);
    session
}

/// A market order of one lot.
pub(super) fn sample_submit(order: u64) -> Submit {
    use siaga_risk::ids::AccountId;
    Submit {
        id: OrderId(order),
        account: AccountId(9),
        instrument: InstrumentId(1),
        side: Side::Buy,
        kind: OrderKind::Market,
        tif: Tif::Ioc,
        qty: Qty(100),
        price: None,
        stop: None,
        expires: None,
        position: None,
        slippage_max: Price(0),
        seen: Price(110_002),
        protection: Protection {
            stop_loss: Some(Price(109_000)),
            take_profit: None,
            trailing: Price(0),
        },
    }
}

pub(super) fn sample_hello() -> String {
    "{\"t\":\"hello\",\"v\":1,\"link\":2,\"token\":\"sample\"}".to_owned()
}
