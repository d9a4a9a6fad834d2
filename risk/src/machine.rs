//! The machine: inputs in, outputs out, nothing else. Same inputs, same build: same state and same outputs, bit for bit.
//!
//! `apply` is total: bad input is an answer with reasons or a counted drop, never a panic. Its now is the largest
//! `ts` it has applied.

use crate::book::{Book, Ctx, Env};
use crate::codec::{Codec, CodecError, CodecFault};
use crate::convert::FINE_DIGITS;
use crate::event::*;
use crate::ids::*;
use crate::market::{Accepted, Effect, Market};
use crate::pipeline::Decider;
use crate::units::*;
use crate::verdict::Reject;
use crate::view::*;

/// Stands for every constant and rule that changes decisions; a journal written under another one is not replayed.
/// Raise the last number with each such change; `tests/golden.rs` plays a history and fails when it was forgotten.
pub const FINGERPRINT: u64 = fingerprint(&[
    FINE_DIGITS as u64,
    crate::book::instruments::LEVERAGE_MAX.0,
    crate::book::accounts::HOLDINGS_MAX as u64,
    crate::book::accounts::MONEY_MAX as u64,
    13,
]);

/// How the state is laid out in a snapshot. Raise it with each change of an encoding that the state uses: a build with
/// other rules takes a snapshot over only when it can read it.
pub const LAYOUT: u32 = 11;

/// Up to this many accounts the desk's view carries the state's hash; beyond it the hash would hold the core up.
const DESK_HASH_ACCOUNTS_MAX: u32 = 2_000;

/// The whole core.
#[derive(Debug, Default)]
pub struct Machine {
    seq: Seq,
    now: Ts,
    market: Market,
    book: Book,
    /// Reused between inputs.
    effects: Vec<Effect>,
}

impl Machine {
    /// A machine that has seen nothing.
    pub fn new() -> Machine {
        Machine::default()
    }

    /// Applies one numbered input and appends what follows from it.
    pub fn apply(&mut self, seq: Seq, input: &Input, out: &mut Vec<Output>) {
        self.seq = seq;
        self.now = self.now.max(input.ts());
        let mut made = 0;
        self.time(&mut made, out);
        match input {
            Input::Quote(quote) => {
                if let Some(accepted) = self.market.on_quote(quote, self.now, out) {
                    self.mark(accepted, &mut made, out);
                }
            }
            Input::Trade(trade) => self.market.on_trade(trade, self.now, out),
            Input::Gap(gap) => self.market.on_gap(gap, self.now, out),
            Input::Clock(_) => self.market.on_clock(self.now, out),
            Input::Command(command) => self.command(command, &mut made, out),
        }
        self.effects(&mut made, out);
    }

    /// Answers a question; nothing changes.
    pub fn ask(&self, ask: &Ask) -> Reply {
        let env = Env {
            now: self.now,
            market: &self.market,
            resumed: None,
        };
        let view = match &ask.query {
            Query::Account(id) => self
                .book
                .account_view(*id, &env)
                .map(|view| View::Account(Box::new(view))),
            Query::Preview(order) => self
                .book
                .preview(order, &env)
                .map(|view| View::Preview(Box::new(view))),
            Query::Instrument(id) => self
                .market
                .instrument_view(*id)
                .map(|view| View::Instrument(Box::new(view))),
            Query::Ladder { after, count } => {
                Some(View::Ladder(self.book.ladder(*after, *count, &env)))
            }
            Query::OpenBars(id, span) => self.market.open_bars(*id, *span).map(View::OpenBars),
            Query::Volatility(id) => self
                .market
                .volatility_view(*id, self.now)
                .map(|view| View::Volatility(Box::new(view))),
            Query::Sources(id) => self.market.source_views(*id, self.now).map(View::Sources),
            Query::ResumeDryRun(id) => self
                .book
                .resume_dry_run(*id, &env)
                .map(|view| View::ResumeDryRun(Box::new(view))),
            Query::Holders {
                instrument,
                after,
                count,
            } => self
                .book
                .holder_views(*instrument, *after, *count)
                .map(View::Holders),
            Query::Limits => Some(View::Limits(self.book.limit_views())),
            Query::Windows => Some(View::Windows(self.book.windows().copied().collect())),
            Query::Tape(id) => self.market.tape(*id).map(|view| View::Tape(Box::new(view))),
            Query::Desk => {
                let mut desk = self.book.desk();
                desk.halts = self.market.halts().collect();
                if desk.accounts <= DESK_HASH_ACCOUNTS_MAX {
                    desk.state_hash = self.state_hash();
                }
                Some(View::Desk(Box::new(desk)))
            }
        };
        Reply {
            token: ask.token,
            seq: self.seq,
            now: self.now,
            view: view.unwrap_or(View::NotFound),
        }
    }

    /// Checksum over the canonical encoding of the state.
    pub fn state_hash(&self) -> u64 {
        let mut hasher = Hasher::default();
        self.pieces(&mut |bytes| hasher.put(bytes));
        hasher.end()
    }

    /// The state as bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.book.bytes_guess());
        self.front(&mut bytes);
        self.book.put_pieces(&mut bytes, &mut |_| {});
        bytes
    }

    /// The state as bytes, in pieces of about a mebibyte: nothing of its whole size is allocated.
    pub fn pieces(&self, piece: &mut dyn FnMut(&[u8])) {
        let mut bytes = Vec::new();
        self.front(&mut bytes);
        self.book.put_pieces(&mut bytes, &mut |bytes| {
            piece(bytes);
            bytes.clear();
        });
    }

    fn front(&self, bytes: &mut Vec<u8>) {
        FINGERPRINT.put(bytes);
        LAYOUT.put(bytes);
        self.seq.put(bytes);
        self.now.put(bytes);
        self.market.put(bytes);
    }

    /// A machine with the state of a snapshot.
    ///
    /// # Errors
    /// When the bytes are no snapshot of a build with the same rules.
    pub fn restore(bytes: &[u8]) -> Result<Machine, CodecError> {
        Self::restore_from(bytes, FINGERPRINT)
    }

    /// A machine with the state that a build of the rules `fingerprint` has left: where a new epoch
    /// begins. The state goes on under the rules of this build.
    ///
    /// # Errors
    /// When the bytes are no snapshot of such a build, or it laid its state out otherwise.
    pub fn restore_from(bytes: &[u8], fingerprint: u64) -> Result<Machine, CodecError> {
        let mut input = bytes;
        let invalid = |reason| CodecError::new("Machine", CodecFault::Invalid(reason));
        if u64::get(&mut input)? != fingerprint {
            return Err(invalid(
                "the snapshot was written by a build with other rules",
            ));
        }
        if u32::get(&mut input)? != LAYOUT {
            return Err(invalid(
                "the snapshot was written by a build that lays its state out otherwise",
            ));
        }
        let mut machine = Machine {
            seq: Seq::get(&mut input)?,
            now: Ts::get(&mut input)?,
            market: Market::get(&mut input)?,
            book: Book::read(&mut input)?,
            effects: Vec::new(),
        };
        if !input.is_empty() {
            return Err(CodecError::new(
                "Machine",
                CodecFault::Trailing { bytes: input.len() },
            ));
        }
        machine.book.band_all(&Env {
            now: machine.now,
            market: &machine.market,
            resumed: None,
        });
        Ok(machine)
    }

    /// Prices that somebody imagines, all at once and past every filter: for a copy that answers "what if". A change
    /// counts as an input of its own, so that what follows gets ids of its own.
    pub fn imagine(&mut self, moved: &[crate::whatif::Moved], out: &mut Vec<Output>) {
        let stays = |one: &crate::whatif::Moved| {
            let now = self.book.prices(one.instrument);
            now.is_none_or(|now| (now.bid, now.ask) == (one.bid, one.ask))
        };
        if moved.iter().all(stays) {
            return;
        }
        self.seq += 1;
        let mut made = 0;
        self.with_book(&mut made, out, |book, ctx| book.imagine(ctx, moved));
    }

    /// The last input applied.
    pub fn last_seq(&self) -> Seq {
        self.seq
    }

    /// The largest time applied.
    pub fn now(&self) -> Ts {
        self.now
    }

    /// The book, to look at.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// The market, to look at.
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// Keeps the detailed facts of tapes from now on; for replays, as their memory grows with the recording.
    pub fn record_tape(&mut self, on: bool) {
        self.market.record_tape(on);
    }

    /// For tests: every holder is looked at at every touch, as the full pass has it.
    #[doc(hidden)]
    pub fn watch_plainly(&mut self) {
        self.book.watch_plainly();
    }

    /// For tests: bands too wide by some millionths, which the audit must find.
    #[doc(hidden)]
    pub fn fault_bands(&mut self, millionths: u32) {
        self.book.fault_bands(millionths);
    }

    /// For tests: what one input may band is halved this many times, so that small books meet crowds.
    #[doc(hidden)]
    pub fn slow_bands(&mut self, halvings: u32) {
        self.book.slow_bands(halvings);
    }

    /// For tests: how many converted accounts are followed by their purses.
    #[doc(hidden)]
    pub fn watch_purses(&self) -> usize {
        self.book.watch_purses()
    }

    /// For tests: no account can leave its band unseen; the number of accounts that are watched by a box.
    ///
    /// # Errors
    /// What does not hold.
    #[doc(hidden)]
    pub fn audit_watch(&self) -> Result<usize, String> {
        self.book.audit_watch(&Env {
            now: self.now,
            market: &self.market,
            resumed: None,
        })
    }

    /// What fell due before this input is done before it.
    fn time(&mut self, made: &mut u64, out: &mut Vec<Output>) {
        if self.now >= self.market.next_deadline() {
            self.market.on_clock(self.now, out);
            self.effects(made, out);
        }
        if self.now >= self.book.next_due() {
            self.with_book(made, out, |book, ctx| book.on_time(ctx));
        }
    }

    fn mark(&mut self, accepted: Accepted, made: &mut u64, out: &mut Vec<Output>) {
        let (now, seq) = (self.now, self.seq);
        let mut ctx = Ctx {
            seq,
            now,
            actor: ActorId(0),
            token: 0,
            market: &self.market,
            out,
            made: *made,
            cause: Some(accepted.instrument),
        };
        self.book.on_mark(&mut ctx, accepted);
        *made = ctx.made;
    }

    /// What the market asks of the book.
    fn effects(&mut self, made: &mut u64, out: &mut Vec<Output>) {
        self.market.take_effects(&mut self.effects);
        if self.effects.is_empty() {
            return;
        }
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            self.with_book(made, out, |book, ctx| book.on_effect(ctx, effect));
        }
        self.effects = effects;
    }

    fn with_book(
        &mut self,
        made: &mut u64,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Book, &mut Ctx<'_>),
    ) {
        let mut ctx = Ctx {
            seq: self.seq,
            now: self.now,
            actor: ActorId(0),
            token: 0,
            market: &self.market,
            out,
            made: *made,
            cause: None,
        };
        act(&mut self.book, &mut ctx);
        self.book.settle(&mut ctx);
        *made = ctx.made;
    }

    fn command(&mut self, command: &Command, made: &mut u64, out: &mut Vec<Output>) {
        let start = out.len();
        let market = self.market_part(command, out);
        let (actor, token) = (command.actor, command.token);
        self.with_book(made, out, |book, ctx| {
            (ctx.actor, ctx.token) = (actor, token);
            match market {
                Some(done) => book.market_answer(ctx, &command.body, done),
                None => book.command(ctx, &command.body),
            }
        });
        let reconciles = matches!(command.body, Body::Reconciled(_));
        let changes = |output: &Output| match output {
            Output::Halt(_) | Output::Link(_) | Output::Throttle(_) => true,
            Output::Order(_) => reconciles,
            _ => false,
        };
        let note = note_of(&command.body);
        if note != 0 && out[start..].iter().any(changes) {
            out.push(Output::Noted(Noted { actor, note }));
        }
    }

    /// Commands that the market takes part in; `None` for all others.
    fn market_part(
        &mut self,
        command: &Command,
        out: &mut Vec<Output>,
    ) -> Option<Result<(), Reject>> {
        let (market, book) = (&mut self.market, &mut self.book);
        Some(match &command.body {
            Body::Currency(terms) => book
                .check_currency(terms)
                .and_then(|()| market.set_currency(terms))
                .map(|()| book.set_currency(*terms)),
            Body::Source(terms) => market.set_source(terms),
            Body::Instrument(terms) => book.check_instrument(terms).and_then(|made| {
                market.set_instrument(terms)?;
                book.set_instrument(made);
                Ok(())
            }),
            Body::Session(session) => market.on_session(session, self.now, out),
            // Anything may stop trading, and only a person lets it go on.
            Body::Halt(halt) if !halt.on && command.actor == ActorId(0) => {
                Err(Reject::PersonMissing)
            }
            Body::Halt(halt) => market.set_halt(halt, self.now, out),
            _ => return None,
        })
    }
}

/// The note of a command whose own output has no room for it; 0 = none.
fn note_of(body: &Body) -> u64 {
    match body {
        Body::Halt(set) => set.note,
        Body::Reenable(set) => set.note,
        Body::SetLink(set) => set.note,
        Body::Reconciled(set) => set.note,
        _ => 0,
    }
}

impl Decider for Machine {
    fn apply(&mut self, seq: Seq, input: &Input, outputs: &mut Vec<Output>) {
        Machine::apply(self, seq, input, outputs);
    }

    fn ask(&self, ask: &Ask) -> Reply {
        Machine::ask(self, ask)
    }

    fn image(&self) -> (Vec<u8>, u64) {
        let bytes = self.snapshot();
        let hash = hash(&bytes);
        (bytes, hash)
    }
}

/// The hash of bytes that are there at once; see [`Hasher`].
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = Hasher::default();
    hasher.put(bytes);
    hasher.end()
}

/// Mixes bytes eight at a time (multiply and rotate), with the length at the end: fast, and any single difference
/// changes it. No protection against somebody who wants a collision. Pieces give what the whole gives.
#[derive(Clone, Copy, Debug)]
pub struct Hasher {
    state: u64,
    length: u64,
    /// Bytes that do not fill a word yet.
    rest: [u8; 8],
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            state: Self::FACTOR,
            length: 0,
            rest: [0; 8],
        }
    }
}

impl Hasher {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    fn step(state: u64, word: u64) -> u64 {
        let mixed = (state ^ word).wrapping_mul(Self::FACTOR).rotate_left(29);
        mixed ^ (mixed >> 32)
    }

    /// Takes in the next bytes.
    pub fn put(&mut self, bytes: &[u8]) {
        let held = (self.length % 8) as usize;
        self.length += bytes.len() as u64;
        let (first, bytes) = bytes.split_at(if held == 0 {
            0
        } else {
            bytes.len().min(8 - held)
        });
        self.rest[held..held + first.len()].copy_from_slice(first);
        if held != 0 && held + first.len() < 8 {
            return;
        }
        let mut state = self.state;
        if held != 0 {
            state = Self::step(state, u64::from_le_bytes(self.rest));
        }
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let mut whole = [0; 8];
            whole.copy_from_slice(word);
            state = Self::step(state, u64::from_le_bytes(whole));
        }
        let left = words.remainder();
        self.rest[..left.len()].copy_from_slice(left);
        self.state = state;
    }

    /// The hash of everything taken in.
    pub fn end(self) -> u64 {
        let mut last = [0; 8];
        let held = (self.length % 8) as usize;
        last[..held].copy_from_slice(&self.rest[..held]);
        Self::step(
            Self::step(self.state, u64::from_le_bytes(last)),
            self.length,
        )
    }
}

const fn fingerprint(parts: &[u64]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325u64;
    let mut index = 0;
    while index < parts.len() {
        state = (state ^ parts[index]).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_of_pieces_is_the_hash_of_the_whole() {
        let bytes: Vec<u8> = (0..100u8).map(|at| at.wrapping_mul(37)).collect();
        for length in 0..bytes.len() {
            for cut in 0..=length {
                let mut hasher = Hasher::default();
                for piece in [&bytes[..cut], &[], &bytes[cut..length]] {
                    hasher.put(piece);
                }
                assert_eq!(
                    hasher.end(),
                    hash(&bytes[..length]),
                    "{length} cut at {cut}"
                );
            }
            for three in 0..length / 3 {
                let mut hasher = Hasher::default();
                hasher.put(&bytes[..three]);
                hasher.put(&bytes[three..three * 2]);
                hasher.put(&bytes[three * 2..length]);
                assert_eq!(hasher.end(), hash(&bytes[..length]));
            }
        }
    }
}
