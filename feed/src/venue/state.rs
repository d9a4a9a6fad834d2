//! What the sessions of all venues keep: instruments, counts, liveness, the queue out and the queue in.

use super::{CloseReason, VenueListing};
use crate::decimal::{self, DecimalError, Toward};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::units::*;
use std::collections::VecDeque;
use std::ops::Range;

/// Inputs one frame may become; a snapshot of 50 prints for each of 20 symbols has 1,000.
pub const INPUTS_PER_FRAME_MAX: usize = 4_096;

/// A connected instrument without a quote for this long is mute: it is told, and its quotes are subscribed anew.
pub const QUOTE_MUTE_NS: u64 = 30 * SECOND_NS;

/// Prints of a thin market may be minutes apart. They are subscribed anew behind it; quotes go on, so no gap is told.
pub const TRADE_MUTE_NS: u64 = 10 * MINUTE_NS;

/// Mute quotes are subscribed anew this often, and mute trades after a refusal: the old subscription has ended by then, so a
/// request that was refused leaves nothing that could come by itself.
pub const RETRY_NS: u64 = 60 * SECOND_NS;

/// A connection that brings no data of any instrument for this long is opened anew.
pub const ALL_MUTE_NS: u64 = 90 * SECOND_NS;

/// Deadlines are looked at this often.
pub const CHECK_NS: u64 = SECOND_NS;

/// A venue time further than this from ours is counted as skew.
pub const SKEW_US: i64 = 5_000_000;

/// So many records in a row behind the newest mean that the venue started counting anew.
const RESTARTED_AFTER: u16 = 20;

/// Largest price taken, in steps: far from where sums of a few prices leave 64 bits.
pub const PRICE_MAX: i64 = i64::MAX / 1_024;

/// Why a frame or a record in it was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Refusal {
    /// Not JSON, or not this venue's shape.
    Malformed = 0,
    Oversize = 1,
    UnknownSymbol = 2,
    /// A field is missing or of the wrong kind.
    MissingField = 3,
    /// NaN, infinity, text.
    NotANumber = 4,
    /// Zero or negative where prices are positive.
    NotPositive = 5,
    /// Beyond any price.
    TooLarge = 6,
    /// The same update again.
    Duplicate = 7,
    /// Older than what was seen.
    OutOfOrder = 8,
    /// More records in one frame than any snapshot has.
    TooMany = 9,
    /// The venue refused a request of ours.
    Request = 10,
}

impl Refusal {
    pub const ALL: [Refusal; 11] = [
        Refusal::Malformed,
        Refusal::Oversize,
        Refusal::UnknownSymbol,
        Refusal::MissingField,
        Refusal::NotANumber,
        Refusal::NotPositive,
        Refusal::TooLarge,
        Refusal::Duplicate,
        Refusal::OutOfOrder,
        Refusal::TooMany,
        Refusal::Request,
    ];

    /// The label of its counter.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Malformed => "malformed",
            Refusal::Oversize => "oversize",
            Refusal::UnknownSymbol => "unknown_symbol",
            Refusal::MissingField => "missing_field",
            Refusal::NotANumber => "not_a_number",
            Refusal::NotPositive => "not_positive",
            Refusal::TooLarge => "too_large",
            Refusal::Duplicate => "duplicate",
            Refusal::OutOfOrder => "out_of_order",
            Refusal::TooMany => "too_many",
            Refusal::Request => "request",
        }
    }
}

impl From<DecimalError> for Refusal {
    fn from(error: DecimalError) -> Refusal {
        match error {
            // What is finer than our step is rounded before it could be an error.
            DecimalError::NotANumber | DecimalError::TooPrecise => Refusal::NotANumber,
            DecimalError::TooLarge => Refusal::TooLarge,
        }
    }
}

/// What a session has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub connections: u64,
    pub frames: u64,
    pub bytes: u64,
    pub quotes: u64,
    pub trades: u64,
    /// Frames of streams nobody here reads, replies, heartbeats.
    pub other: u64,
    pub gaps: u64,
    /// Times a tape stood still for [`TRADE_MUTE_NS`] or its ids were counted anew: quotes know nothing of it.
    pub trade_breaks: u64,
    /// Records whose venue time is further than [`SKEW_US`] from ours; they are used.
    pub skewed: u64,
    /// Quotes and trades with a price finer than our step, which went to a step; they are used.
    pub rounded: u64,
    refused: [u64; Refusal::ALL.len()],
}

impl Counts {
    pub fn refused(&self, reason: Refusal) -> u64 {
        self.refused[reason as usize]
    }

    pub fn refused_total(&self) -> u64 {
        self.refused.iter().sum()
    }

    pub fn refuse(&mut self, reason: Refusal) {
        self.refused[reason as usize] += 1;
    }
}

/// One instrument of a session.
#[derive(Clone, Debug)]
pub struct Line {
    pub listing: VenueListing,
    /// Newest update id of its quotes on this connection.
    update: u64,
    behind: u16,
    /// Newest trade id on this connection.
    trade: u64,
    trades_behind: u16,
    quote_at: Ts,
    trade_at: Ts,
    quote_mute: bool,
    trade_mute: bool,
    /// When its quotes were last subscribed anew since they went mute.
    quote_asked: Option<Ts>,
    trade_asked: Option<Ts>,
    /// The venue refused what its trades were asked for by.
    trade_refused: bool,
    /// The venue does not know it: it is not asked for again.
    pub unknown: bool,
}

/// Mute lines whose turn it is, by kind of data: what is to be subscribed anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mute {
    pub quotes: Vec<usize>,
    pub trades: Vec<usize>,
}

/// The part of a session that is the same for every venue.
pub struct State {
    pub source: SourceId,
    pub lines: Vec<Line>,
    names: Names,
    pub counts: Counts,
    pub now: Ts,
    inputs: VecDeque<Input>,
    outbox: VecDeque<String>,
    send_interval_ns: u64,
    next_send: Ts,
    next_check: Ts,
    connected: bool,
    /// The connection has brought nothing yet. A venue that opens and says nothing is not back.
    return_owed: bool,
    /// Its loss is told and nothing has come since.
    down: bool,
    opened: Ts,
    alive: Ts,
    data: Ts,
    pub close: Option<CloseReason>,
    /// Numbers of the requests by which trades were last subscribed anew.
    trade_requests: Range<u64>,
}

/// Names of at most 16 bytes and their lines: a hash table at most a quarter full, without a word on the heap
/// between a name and its line.
struct Names {
    slots: Vec<(u128, u16)>,
}

/// No name packs to this: names start with a byte that is not zero, and this slot starts with none.
const FREE: u128 = 0;

#[inline(always)]
fn packed(name: &[u8]) -> Option<u128> {
    if name.is_empty() || name.len() > 16 {
        return None;
    }
    Some(
        name.iter()
            .fold(0, |packed, byte| packed << 8 | u128::from(*byte)),
    )
}

impl Names {
    fn new(names: impl Iterator<Item = (u128, u16)>, count: usize) -> Names {
        let mut table = Names {
            slots: vec![(FREE, 0); (count * 4).next_power_of_two().max(4)],
        };
        for (name, line) in names {
            let at = table.slot(name);
            table.slots[at] = (name, line);
        }
        table
    }

    /// The slot of a name, or the free one where it belongs.
    #[inline(always)]
    fn slot(&self, name: u128) -> usize {
        let mixed = ((name as u64) ^ ((name >> 64) as u64)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mask = self.slots.len() - 1;
        let mut at = (mixed >> 32) as usize & mask;
        while self.slots[at].0 != name && self.slots[at].0 != FREE {
            at = (at + 1) & mask;
        }
        at
    }

    #[inline(always)]
    fn get(&self, name: u128) -> Option<usize> {
        let (found, line) = self.slots[self.slot(name)];
        (found == name).then_some(usize::from(line))
    }
}

/// A quote as a venue wrote it.
pub struct RawQuote<'a> {
    pub bid: &'a [u8],
    pub ask: &'a [u8],
    pub bid_qty: &'a [u8],
    pub ask_qty: &'a [u8],
}

/// Best prices and what stands there, in the instrument's steps.
#[derive(Clone, Copy)]
pub struct Best {
    pub bid: Price,
    pub ask: Price,
    pub bid_qty: Qty,
    pub ask_qty: Qty,
}

impl State {
    /// # Panics
    /// With more than 65,535 listings: no venue connection carries that many.
    pub fn new(source: SourceId, listings: Vec<VenueListing>, send_interval_ns: u64) -> State {
        let mut names = Vec::with_capacity(listings.len());
        let mut lines = Vec::with_capacity(listings.len());
        for listing in listings {
            let index = u16::try_from(lines.len()).expect("fewer listings than ids of streams");
            if let Some(name) = packed(listing.symbol.as_bytes()) {
                names.push((name, index));
            }
            lines.push(Line {
                listing,
                update: 0,
                behind: 0,
                trade: 0,
                trades_behind: 0,
                quote_at: Ts(0),
                trade_at: Ts(0),
                quote_mute: false,
                trade_mute: false,
                quote_asked: None,
                trade_asked: None,
                trade_refused: false,
                unknown: false,
            });
        }
        let names = Names::new(names.into_iter(), lines.len());
        State {
            source,
            lines,
            names,
            counts: Counts::default(),
            now: Ts(0),
            inputs: VecDeque::with_capacity(64),
            outbox: VecDeque::new(),
            send_interval_ns,
            next_send: Ts(0),
            next_check: Ts(0),
            connected: false,
            return_owed: false,
            down: false,
            opened: Ts(0),
            alive: Ts(0),
            data: Ts(0),
            close: None,
            trade_requests: 0..0,
        }
    }

    pub fn on_open(&mut self, now: Ts) {
        self.now = self.now.max(now);
        self.connected = true;
        (self.opened, self.alive, self.data) = (now, now, now);
        self.next_check = now.plus(CHECK_NS);
        self.next_send = now;
        self.close = None;
        for line in &mut self.lines {
            (line.update, line.behind) = (0, 0);
            (line.trade, line.trades_behind) = (0, 0);
            (line.quote_at, line.trade_at) = (now, now);
            (line.quote_mute, line.trade_mute) = (false, false);
        }
        self.counts.connections += 1;
        self.return_owed = true;
    }

    /// An attempt to connect failed.
    pub fn on_unreachable(&mut self, now: Ts) {
        self.now = self.now.max(now);
        self.lost();
    }

    pub fn on_closed(&mut self, now: Ts) {
        self.now = self.now.max(now);
        self.outbox.clear();
        self.close = None;
        if std::mem::take(&mut self.connected) {
            self.lost();
        }
    }

    /// Told once, until something comes again.
    fn lost(&mut self) {
        if !std::mem::replace(&mut self.down, true) {
            self.gap(None, GapCause::Disconnect, 0);
        }
    }

    /// A record is about to be taken: before the first one of a connection it is told that the source is back.
    #[inline]
    fn arrived(&mut self) {
        if self.return_owed {
            self.return_owed = false;
            self.counts.gaps += u64::from(std::mem::take(&mut self.down));
            // The first connection too: the run before may have ended while the source was lost, and its alert is open.
            self.tell(None, GapCause::Reconnect, 0);
        }
    }

    /// Counts a frame; false = too large to look at.
    #[inline]
    pub fn on_frame(&mut self, frame: &[u8], now: Ts) -> bool {
        self.now = self.now.max(now);
        self.alive = self.now;
        self.counts.frames += 1;
        self.counts.bytes += frame.len() as u64;
        if frame.len() > super::FRAME_BYTES_MAX {
            self.counts.refuse(Refusal::Oversize);
            return false;
        }
        true
    }

    pub fn on_alive(&mut self, now: Ts) {
        self.now = self.now.max(now);
        self.alive = self.now;
    }

    pub fn on_oversize(&mut self, now: Ts) {
        self.on_alive(now);
        self.counts.frames += 1;
        self.counts.refuse(Refusal::Oversize);
        self.gap(None, GapCause::BadFrame, 0);
    }

    /// Trades of mute lines were subscribed anew by the requests with these numbers.
    pub fn note_trade_requests(&mut self, numbers: Range<u64>) {
        self.trade_requests = numbers;
    }

    /// The venue refused a request, by its number and for one line alone where it says so.
    pub fn refuse_request(&mut self, number: Option<u64>, line: Option<usize>) {
        if number.is_some_and(|number| !self.trade_requests.contains(&number)) {
            return;
        }
        let named = line.map_or(0..self.lines.len(), |line| line..line + 1);
        for line in &mut self.lines[named] {
            line.trade_refused |= line.trade_asked.is_some();
        }
    }

    /// The line of a venue's symbol.
    #[inline]
    pub fn line(&self, symbol: &[u8]) -> Option<usize> {
        self.names.get(packed(symbol)?)
    }

    /// Takes a quote. `update`: the venue's count of it, if it has one. `venue_us`: its time, microseconds.
    #[inline]
    pub fn quote(
        &mut self,
        index: usize,
        raw: RawQuote<'_>,
        update: Option<u64>,
        venue_us: Option<i64>,
        kind: QuoteKind,
    ) -> Result<(), Refusal> {
        let listing = &self.lines[index].listing;
        let (price_digits, qty_digits, negative) = (
            listing.price_digits,
            listing.qty_digits,
            listing.negative_prices,
        );
        // Outward: nobody trades at a price better than the venue's.
        let (bid, bid_rounded) = price(raw.bid, price_digits, negative, Toward::Down)?;
        let (ask, ask_rounded) = price(raw.ask, price_digits, negative, Toward::Up)?;
        let bid_qty = quantity(raw.bid_qty, qty_digits)?;
        let ask_qty = quantity(raw.ask_qty, qty_digits)?;
        self.accept(
            index,
            Best {
                bid,
                ask,
                bid_qty,
                ask_qty,
            },
            update,
            venue_us,
            kind,
        )?;
        self.counts.rounded += u64::from(bid_rounded || ask_rounded);
        Ok(())
    }

    /// Takes a quote whose numbers have been read and are positive.
    #[inline]
    pub fn accept(
        &mut self,
        index: usize,
        best: Best,
        update: Option<u64>,
        venue_us: Option<i64>,
        kind: QuoteKind,
    ) -> Result<(), Refusal> {
        let venue_lag_us = self.lag(venue_us);
        if let Some(update) = update {
            self.ordered(index, update)?;
        }
        self.arrived();
        self.data = self.now;
        let line = &mut self.lines[index];
        line.quote_at = self.now;
        (line.quote_mute, line.unknown) = (false, false);
        let quote = Quote {
            ts: self.now,
            bid: best.bid,
            ask: best.ask,
            bid_qty: best.bid_qty,
            ask_qty: best.ask_qty,
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us,
            instrument: line.listing.instrument,
            source: self.source,
            merged: 0,
            kind,
        };
        self.push(Input::Quote(quote))?;
        self.counts.quotes += 1;
        Ok(())
    }

    /// Takes a trade that covers the ids `first..=last`.
    pub fn trade(
        &mut self,
        index: usize,
        price_text: &[u8],
        qty_text: &[u8],
        side: Side,
        ids: (u64, u64),
        venue_us: Option<i64>,
    ) -> Result<(), Refusal> {
        let listing = &self.lines[index].listing;
        let (price, rounded) = price(
            price_text,
            listing.price_digits,
            listing.negative_prices,
            Toward::Nearest,
        )?;
        let qty = quantity(qty_text, listing.qty_digits)?;
        let instrument = listing.instrument;
        let line = &mut self.lines[index];
        let newest = line.trade;
        if newest > 0 && ids.0 <= newest {
            line.trades_behind += 1;
            if line.trades_behind < RESTARTED_AFTER {
                return Err(if ids.1 == newest {
                    Refusal::Duplicate
                } else {
                    Refusal::OutOfOrder
                });
            }
            self.counts.trade_breaks += 1;
        }
        self.arrived();
        if newest > 0 && ids.0 > newest + 1 {
            let missing = u32::try_from(ids.0 - newest - 1).unwrap_or(u32::MAX);
            self.gap(Some(instrument), GapCause::Sequence, missing);
        }
        let venue_lag_us = self.lag(venue_us);
        self.data = self.now;
        let line = &mut self.lines[index];
        (line.trade, line.trades_behind) = (ids.1.max(ids.0), 0);
        line.trade_at = self.now;
        (line.trade_mute, line.unknown) = (false, false);
        let trade = Trade {
            ts: self.now,
            price,
            qty,
            venue_lag_us,
            instrument,
            source: self.source,
            side,
        };
        self.push(Input::Trade(trade))?;
        self.counts.trades += 1;
        self.counts.rounded += u64::from(rounded);
        Ok(())
    }

    /// An update id must rise; when it stays behind for long, the venue has started anew.
    #[inline]
    fn ordered(&mut self, index: usize, update: u64) -> Result<(), Refusal> {
        let line = &mut self.lines[index];
        if update > line.update {
            line.update = update;
            line.behind = 0;
            return Ok(());
        }
        line.behind += 1;
        if line.behind < RESTARTED_AFTER {
            return Err(if update == line.update {
                Refusal::Duplicate
            } else {
                Refusal::OutOfOrder
            });
        }
        line.update = update;
        line.behind = 0;
        let instrument = line.listing.instrument;
        self.gap(Some(instrument), GapCause::Sequence, 0);
        Ok(())
    }

    #[inline]
    fn lag(&mut self, venue_us: Option<i64>) -> i32 {
        let Some(venue_us) = venue_us else {
            return NO_VENUE_TIME;
        };
        let lag = ((self.now.0 / 1_000) as i64).saturating_sub(venue_us);
        if !(-SKEW_US..=SKEW_US).contains(&lag) {
            self.counts.skewed += 1;
        }
        lag.clamp(i64::from(i32::MIN) + 1, i64::from(i32::MAX)) as i32
    }

    pub fn gap(&mut self, instrument: Option<InstrumentId>, cause: GapCause, missing: u32) {
        self.counts.gaps += 1;
        self.tell(instrument, cause, missing);
    }

    fn tell(&mut self, instrument: Option<InstrumentId>, cause: GapCause, missing: u32) {
        let gap = Gap {
            ts: self.now,
            source: self.source,
            instrument,
            cause,
            missing,
        };
        // A hole is never lost: the limit is for records of one frame.
        self.inputs.push_back(Input::Gap(gap));
    }

    fn push(&mut self, input: Input) -> Result<(), Refusal> {
        if self.inputs.len() >= INPUTS_PER_FRAME_MAX {
            return Err(Refusal::TooMany);
        }
        self.inputs.push_back(input);
        Ok(())
    }

    #[inline]
    pub fn poll_input(&mut self) -> Option<Input> {
        self.inputs.pop_front()
    }

    pub fn send(&mut self, frame: String) {
        self.outbox.push_back(frame);
    }

    /// Frames leave no faster than the venue allows.
    pub fn poll_send(&mut self) -> Option<String> {
        if !self.connected || self.now < self.next_send {
            return None;
        }
        let frame = self.outbox.pop_front()?;
        self.next_send = self.now.plus(self.send_interval_ns);
        Some(frame)
    }

    pub fn poll_deadline(&self) -> Option<Ts> {
        if !self.connected {
            return None;
        }
        Some(if self.outbox.is_empty() {
            self.next_check
        } else {
            self.next_check.min(self.next_send)
        })
    }

    /// Looks at ages once a second: how old the connection is, how long it is silent, who is mute. Returns what is to be
    /// subscribed anew.
    pub fn on_deadline(&mut self, now: Ts, silence_max_ns: u64, age_max_ns: u64) -> Mute {
        self.now = self.now.max(now);
        if !self.connected || self.now < self.next_check {
            return Mute::default();
        }
        self.next_check = self.now.plus(CHECK_NS);
        if self.now.since(self.alive) >= silence_max_ns {
            self.close = Some(CloseReason::Silent);
        } else if self.now.since(self.opened) >= age_max_ns {
            self.close = Some(CloseReason::Age);
        } else if self.now.since(self.data) >= ALL_MUTE_NS && !self.lines.is_empty() {
            self.close = Some(CloseReason::Mute);
        }
        for index in 0..self.lines.len() {
            self.listen(index);
        }
        // Requests do not queue behind requests: the lines whose turn has come meanwhile share the next one.
        if self.outbox.is_empty() {
            self.due()
        } else {
            Mute::default()
        }
    }

    /// Tells once that a line has gone mute.
    fn listen(&mut self, index: usize) {
        let line = &mut self.lines[index];
        if line.unknown {
            return;
        }
        if !line.trade_mute && self.now.since(line.trade_at) >= TRADE_MUTE_NS {
            (line.trade_mute, line.trade_asked) = (true, None);
            line.trade_refused = false;
            self.counts.trade_breaks += 1;
        }
        if !line.quote_mute && self.now.since(line.quote_at) >= QUOTE_MUTE_NS {
            (line.quote_mute, line.quote_asked) = (true, None);
            let instrument = line.listing.instrument;
            self.gap(Some(instrument), GapCause::Mute, 0);
        }
    }

    /// Takes the mute lines that are to be asked for now.
    fn due(&mut self) -> Mute {
        let now = self.now;
        let is_due =
            |asked: Option<Ts>, wait_ns: u64| asked.is_none_or(|asked| now.since(asked) >= wait_ns);
        let mut due = Mute::default();
        for (index, line) in self.lines.iter_mut().enumerate() {
            if line.unknown {
                continue;
            }
            if line.quote_mute && is_due(line.quote_asked, RETRY_NS) {
                line.quote_asked = Some(now);
                due.quotes.push(index);
            }
            // A tape that is merely thin would lose what is printed between two subscriptions, each minute anew.
            let wait_ns = if line.trade_refused {
                RETRY_NS
            } else {
                TRADE_MUTE_NS
            };
            if line.trade_mute && is_due(line.trade_asked, wait_ns) {
                (line.trade_asked, line.trade_refused) = (Some(now), false);
                due.trades.push(index);
            }
        }
        due
    }
}

#[inline]
fn price(
    text: &[u8],
    digits: u8,
    negative: bool,
    toward: Toward,
) -> Result<(Price, bool), Refusal> {
    let (value, rounded) = decimal::parse_rounded(text, digits, toward)?;
    if value <= 0 && !negative {
        return Err(Refusal::NotPositive);
    }
    if !(-PRICE_MAX..=PRICE_MAX).contains(&value) {
        return Err(Refusal::TooLarge);
    }
    Ok((Price(value), rounded))
}

#[inline]
fn quantity(text: &[u8], digits: u8) -> Result<Qty, Refusal> {
    let value = decimal::parse_cut(text, digits)?;
    if value < 0 {
        return Err(Refusal::NotPositive);
    }
    Ok(Qty(value))
}
