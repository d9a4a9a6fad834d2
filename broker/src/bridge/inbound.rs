//! What the peer says: read strictly, checked, turned into reports.

use serde::de::DeserializeOwned;
use siaga_risk::event::*;
use siaga_risk::ids::{OrderId, PositionId};
use siaga_risk::terms::HeldBy;
use siaga_risk::units::*;

use super::frames::{self, CloseName, Closed, EventName, Hello, Out, Report, Told};
use super::outbound::Command;
use super::{BridgeFault, BridgeSession, EVENTS_MAX, EXECS_MAX, FRAME_BYTES_MAX, VERSION, decimal};
use crate::directory::Listing;
use crate::id;
use crate::link::{LinkEvent, Unreadable};

/// Longest part of a message that repeats what the peer sent.
const MESSAGE_CHARS_MAX: usize = 160;
/// Longest execution id on the wire.
const EXEC_BYTES_MAX: usize = 64;

/// A fault with its message.
pub(super) type Refused = (BridgeFault, String);

impl BridgeSession {
    /// Reads one frame. Every fault is told to the peer; none ends more than the connection.
    pub(super) fn receive(&mut self, text: &str, now: Ts) {
        if text.len() > FRAME_BYTES_MAX {
            return self.refuse(Unreadable::TooLarge);
        }
        let kind = match self.peer.greeted {
            true => kind_of(text),
            false => first_kind(text),
        };
        let kind = match kind {
            Ok(kind) => kind,
            Err((fault, message)) => return self.fault(fault, &message, None),
        };
        let done = match kind.as_str() {
            "hello" => self.on_hello(text, now),
            "report" => self.on_report(text, false),
            "status" => self.on_report(text, true),
            "closed" => self.on_closed(text),
            "ack" => self.on_ack(text, now),
            "ping" => read::<frames::Bare>(text).map(|_| self.say(&Out::Pong {})),
            "pong" => read::<frames::Bare>(text).map(|_| ()),
            other => {
                let known = "hello, report, status, closed, ack, ping, pong";
                let message = format!("no frame is called {:?}; known are {known}", clip(other));
                Err((BridgeFault::UnknownType, message))
            }
        };
        if let Err((fault, message)) = done {
            let expected = (fault == BridgeFault::SequenceGap).then_some(self.taken + 1);
            self.fault(fault, &message, expected);
        }
    }

    /// A frame of which nothing can be read.
    pub(super) fn refuse(&mut self, frame: Unreadable) {
        let (fault, message) = unreadable(frame);
        self.fault(fault, &message, None);
    }

    /// The first frame of a connection beside the present one: nothing but a hello that would be taken counts.
    pub(super) fn check_first(&self, first: Result<&str, Unreadable>) -> Result<(), Refused> {
        let text = first.map_err(unreadable)?;
        if text.len() > FRAME_BYTES_MAX {
            return Err(unreadable(Unreadable::TooLarge));
        }
        first_kind(text)?;
        self.check_hello(text).map(|_| ())
    }

    fn on_hello(&mut self, text: &str, now: Ts) -> Result<(), Refused> {
        if self.peer.greeted {
            return Err((BridgeFault::HelloTwice, "say hello once".to_owned()));
        }
        let hello = self.check_hello(text)?;
        tracing::info!(
            link = hello.link,
            client = clip(&hello.client),
            "bridge connected"
        );
        let resumed = self.resume(hello.resume.as_ref());
        self.peer.greeted = true;
        self.peer.symbols = hello.symbols.map(|symbols| symbols.into_iter().collect());
        self.peer.heard = now;
        self.connection.up = true;
        self.connection.count += 1;
        self.welcome(resumed);
        self.look_for_room(now);
        self.held_out();
        Ok(())
    }

    fn check_hello(&self, text: &str) -> Result<Hello, Refused> {
        let hello: Hello = read(text)?;
        if hello.v != VERSION {
            let message = format!("this is version {VERSION}, the peer speaks {}", hello.v);
            return Err((BridgeFault::WrongVersion, message));
        }
        if !same_secret(&hello.token, &self.config.token) {
            let message = "the token is not the one of this link's configuration".to_owned();
            return Err((BridgeFault::WrongToken, message));
        }
        if hello.link != self.config.link.0 {
            let message = format!("this is link {}", self.config.link);
            return Err((BridgeFault::WrongLink, message));
        }
        let holds = matches!(hello.held_by, frames::HeldByName::Broker);
        if holds != (self.protective == HeldBy::Broker) {
            // Both would close a position, or nobody.
            let (said, terms) = match holds {
                true => ("broker", "core"),
                false => ("core", "broker"),
            };
            let message = format!(
                "held_by: {said:?}, but by the terms of this link protective prices are held by {terms:?}"
            );
            return Err((BridgeFault::BadField, message));
        }
        Ok(hello)
    }

    /// Continues the peer's session when it is ours and the commands behind `taken` are still kept, else starts a new one.
    fn resume(&mut self, resume: Option<&frames::Resume>) -> bool {
        // The router asks about every open order again once there is a connection. Cancels stay: the core repeats those
        // alone whose answer it waited for at the loss, and a peer that hangs is found dead later than it stops waiting.
        self.asks.clear();
        let name = self.session_name();
        let acked = self.sent - self.unacked.len() as u64;
        let taken = resume
            .filter(|resume| self.sessions > 0 && resume.session == name)
            .map(|resume| resume.taken)
            .filter(|taken| (acked..self.unsent_from).contains(taken));
        match taken {
            Some(taken) => {
                self.drop_acked(taken);
                self.void_orders();
                self.unsent_from = taken + 1;
            }
            None => {
                self.end_session();
                self.sessions += 1;
                // The core tells all of them again once the link is live.
                self.names.clear();
                self.protects.clear();
                self.sent = 0;
                self.unsent_from = 1;
                self.taken = 0;
                self.acked_in = 0;
            }
        }
        taken.is_some()
    }

    /// Its orders are not sent late, at another price; its cancels go out in the next one.
    fn end_session(&mut self) {
        self.cancels_unacked = 0;
        for (_, command) in std::mem::take(&mut self.unacked) {
            match command {
                Command::Order(_) => self.counts.voided += 1,
                Command::Cancel(order) => {
                    let known = self.orders.get(&order);
                    if known.is_some_and(|known| known.open && known.cancelling) {
                        self.cancels.insert(order);
                    }
                }
                _ => {}
            }
        }
    }

    fn on_ack(&mut self, text: &str, now: Ts) -> Result<(), Refused> {
        let ack: frames::Numbered = read(text)?;
        if ack.n >= self.unsent_from {
            let last = self.unsent_from - 1;
            let message = format!("{} was never sent; the last one is {last}", ack.n);
            return Err((BridgeFault::BadAck, message));
        }
        self.drop_acked(ack.n);
        self.held_out();
        self.look_for_room(now);
        Ok(())
    }

    /// Whether a numbered frame is new. Then its number is used up even when the frame is refused, or one bad report would
    /// stop the rest.
    fn take(&mut self, n: u64) -> Result<bool, Refused> {
        if n <= self.taken {
            self.counts.repeated += 1;
            self.acked_in = 0;
            self.acknowledge();
            return Ok(false);
        }
        if n != self.taken + 1 {
            let message = format!("expected number {}, got {n}", self.taken + 1);
            return Err((BridgeFault::SequenceGap, message));
        }
        if self.events.len() >= EVENTS_MAX {
            // Not taken and not acknowledged: the peer sends it again.
            let message = format!("busy: send number {n} again");
            return Err((BridgeFault::SequenceGap, message));
        }
        self.taken = n;
        Ok(true)
    }

    fn on_closed(&mut self, text: &str) -> Result<(), Refused> {
        let closed: Closed = read(text)?;
        if !self.take(closed.n)? {
            return Ok(());
        }
        let checked = self.check_closed(&closed);
        let close = checked.inspect_err(|_| self.acknowledge())?;
        // Whether it was said before, and whether it can be booked, is the core's to judge.
        self.events.push_back(LinkEvent::Closed(close));
        Ok(())
    }

    fn check_closed(&self, closed: &Closed) -> Result<BrokerClose, Refused> {
        let position = PositionId(closed.position);
        let held = self.positions.get(&position).ok_or_else(|| {
            let message = format!("no position of this house is called {position}");
            (BridgeFault::UnknownPosition, message)
        })?;
        let filled = |kind| -> Result<CloseEvent, Refused> {
            let listing = self.directory.listing(held.instrument);
            let listing = listing.ok_or_else(|| without_terms("position"))?;
            let money_digits = self.directory.money_digits(held.account);
            let fill = fill(&closed.told(), listing, money_digits)?;
            Ok(CloseEvent::Filled { kind, fill })
        };
        let exec = exec_id(&closed.exec)?;
        let event = match closed.event {
            CloseName::StopLoss => filled(ProtectiveKind::StopLoss)?,
            CloseName::TakeProfit => filled(ProtectiveKind::TakeProfit)?,
            CloseName::Trailing => filled(ProtectiveKind::Trailing)?,
            CloseName::Bust => CloseEvent::Bust,
        };
        Ok(BrokerClose {
            link: self.config.link,
            position,
            exec,
            event,
        })
    }

    fn on_report(&mut self, text: &str, answers: bool) -> Result<(), Refused> {
        let report: Report = read(text)?;
        if !self.take(report.n)? {
            return Ok(());
        }
        let checked = self.check_report(&report);
        let (order, exec, event) = checked.inspect_err(|_| self.acknowledge())?;
        // The core removes duplicates, and it may have had to refuse this execution the first time.
        if matches!(event, BrokerEvent::Filled(_)) {
            self.note(order, exec);
        }
        // Its command may still be unacknowledged: it is answered, and asked for in no other session.
        if matches!(event, BrokerEvent::CancelRejected(_))
            && let Some(known) = self.orders.get_mut(&order)
        {
            known.cancelling = false;
        }
        let report = BrokerReport {
            link: self.config.link,
            order,
            exec,
            event,
        };
        self.events.push_back(match answers {
            true => LinkEvent::Status(report),
            false => LinkEvent::Report(report),
        });
        Ok(())
    }

    fn check_report(&self, report: &Report) -> Result<(OrderId, ExecId, BrokerEvent), Refused> {
        let unknown = |message: String| (BridgeFault::UnknownOrder, message);
        let order = id::from_wire(&self.config.epochs, &report.id)
            .map_err(|error| unknown(format!("id {:?}: {error}", clip(&report.id))))?;
        let exec = match &report.exec {
            Some(exec) => exec_id(exec)?,
            None => [0; 16],
        };
        let code = report.code.unwrap_or(0);
        let event = match report.event {
            EventName::Accepted => BrokerEvent::Accepted,
            EventName::Rejected => BrokerEvent::Rejected(code),
            EventName::Cancelled => BrokerEvent::Cancelled,
            EventName::Expired => BrokerEvent::Expired,
            EventName::CancelRejected => BrokerEvent::CancelRejected(code),
            EventName::InDoubt => BrokerEvent::InDoubt,
            EventName::Unknown => BrokerEvent::Unknown,
            EventName::Bust => BrokerEvent::Bust(named_exec(exec)?),
            EventName::Filled => {
                named_exec(exec)?;
                let known = self.orders.get(&order).ok_or_else(|| {
                    unknown(format!(
                        "order {:?} was not sent on this link",
                        clip(&report.id)
                    ))
                })?;
                let listing = self.directory.listing(known.instrument);
                let listing = listing.ok_or_else(|| without_terms("id"))?;
                let money_digits = self.directory.money_digits(known.account);
                BrokerEvent::Filled(fill(&report.told(), listing, money_digits)?)
            }
        };
        Ok((order, exec, event))
    }

    /// Whether an order has ended is the core's to say: what is told here may be an execution that it has booked before.
    fn note(&mut self, order: OrderId, exec: ExecId) {
        if !self.execs.insert((order, exec)) {
            self.counts.repeated += 1;
            return;
        }
        self.execs_order.push_back((order, exec));
        if self.execs_order.len() > EXECS_MAX
            && let Some(oldest) = self.execs_order.pop_front()
        {
            self.execs.remove(&oldest);
        }
    }
}

fn kind_of(text: &str) -> Result<String, Refused> {
    match serde_json::from_str::<frames::Envelope>(text) {
        Ok(envelope) => Ok(envelope.t),
        Err(error) => Err((BridgeFault::NotJson, shortened(&error))),
    }
}

/// Of a connection's first frame.
fn first_kind(text: &str) -> Result<String, Refused> {
    let kind = kind_of(text)?;
    if kind != "hello" {
        let message = "the first frame is {\"t\":\"hello\",…}".to_owned();
        return Err((BridgeFault::HelloFirst, message));
    }
    Ok(kind)
}

fn unreadable(frame: Unreadable) -> Refused {
    match frame {
        Unreadable::TooLarge => {
            let message = format!("a frame has at most {FRAME_BYTES_MAX} bytes");
            (BridgeFault::FrameTooLarge, message)
        }
        Unreadable::Binary => (BridgeFault::NotJson, "send text frames".to_owned()),
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Refused> {
    serde_json::from_str(text).map_err(|error| (BridgeFault::BadField, shortened(&error)))
}

fn shortened(error: &serde_json::Error) -> String {
    clip(&error.to_string()).to_owned()
}

fn clip(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(MESSAGE_CHARS_MAX)
        .map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// Compares without telling by its time how much was right.
fn same_secret(shown: &str, expected: &str) -> bool {
    let (shown, expected) = (shown.as_bytes(), expected.as_bytes());
    let mut differs = u8::from(shown.len() != expected.len() || expected.is_empty());
    for (at, byte) in expected.iter().enumerate() {
        differs |= byte ^ shown.get(at).copied().unwrap_or(!byte);
    }
    differs == 0
}

fn bad(field: &str, why: &str) -> Refused {
    (BridgeFault::BadField, format!("{field}: {why}"))
}

fn without_terms(field: &str) -> Refused {
    bad(field, "the instrument has no terms here")
}

/// One execution in the digits of its instrument and account.
fn fill(told: &Told<'_>, listing: &Listing, money_digits: Option<u8>) -> Result<Fill, Refused> {
    let number = |field: &str, text: Option<&str>, digits: u8| {
        let text = text.ok_or_else(|| bad(field, "missing"))?;
        let why = format!("a decimal with at most {digits} digits behind the point is needed");
        decimal::parse(text, digits).ok_or_else(|| bad(field, &why))
    };
    let qty = number("qty", told.qty, listing.qty_digits)?;
    let price = number("price", told.price, listing.price_digits)?;
    let commission = match told.commission {
        None => 0,
        some => {
            let why = "the account's currency is not known here";
            let digits = money_digits.ok_or_else(|| bad("commission", why))?;
            number("commission", some, digits)?
        }
    };
    // One of more than was ordered or is open is the core's to judge: at the door it would be lost.
    if qty <= 0 {
        let message = "an execution is above zero".to_owned();
        return Err((BridgeFault::BadQuantity, message));
    }
    Ok(Fill {
        qty: Qty(qty),
        price: Price(price),
        commission: Money(commission),
    })
}

fn named_exec(exec: ExecId) -> Result<ExecId, Refused> {
    if exec == [0; 16] {
        let message = "exec: an execution needs its id".to_owned();
        return Err((BridgeFault::BadField, message));
    }
    Ok(exec)
}

/// Up to 16 bytes as they are; a longer id by the first half of its SHA-256.
fn exec_id(text: &str) -> Result<ExecId, Refused> {
    let bytes = text.as_bytes();
    let is_visible = bytes.iter().all(|byte| byte.is_ascii_graphic());
    if bytes.is_empty() || bytes.len() > EXEC_BYTES_MAX || !is_visible {
        let message = format!("exec: 1 to {EXEC_BYTES_MAX} visible ASCII characters");
        return Err((BridgeFault::BadField, message));
    }
    let mut id = [0; 16];
    match id.get_mut(..bytes.len()) {
        Some(place) => place.copy_from_slice(bytes),
        None => {
            use sha2::Digest;
            id.copy_from_slice(&sha2::Sha256::digest(bytes)[..16]);
        }
    }
    Ok(id)
}
