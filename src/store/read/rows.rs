use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};

/// Declares a row and how it is read: each field is the column of its name.
macro_rules! row {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type),* }

        impl FromRow<'_, PgRow> for $name {
            fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
                Ok(Self { $($field: row.try_get(stringify!($field))?),* })
            }
        }
    };
}

/// The instant of a column as microseconds, named `<column>_us`.
macro_rules! us {
    ($column:literal) => {
        concat!(
            "(extract(epoch FROM ",
            $column,
            ") * 1000000)::bigint AS ",
            $column,
            "_us"
        )
    };
}

row! {
    /// A closed bar.
    BarRow {
        /// Start, µs.
        start_us: i64,
        /// Bid, steps.
        bid_open: i64,
        /// Bid, steps.
        bid_high: i64,
        /// Bid, steps.
        bid_low: i64,
        /// Bid, steps.
        bid_close: i64,
        /// Ask, steps.
        ask_open: i64,
        /// Ask, steps.
        ask_high: i64,
        /// Ask, steps.
        ask_low: i64,
        /// Ask, steps.
        ask_close: i64,
        /// Bid + ask, steps.
        mid2_open: i64,
        /// Bid + ask, steps.
        mid2_high: i64,
        /// Bid + ask, steps.
        mid2_low: i64,
        /// Bid + ask, steps.
        mid2_close: i64,
        /// Accepted quotes.
        ticks: i64,
        /// Traded lot steps, 0 = unknown.
        volume: i64,
        /// Quotes that came after it was closed.
        late: i64,
    }
}

pub(super) const BARS: &str = concat!(
    "SELECT ", us!("start"), ", bid_open, bid_high, bid_low, bid_close, ask_open, ask_high, ask_low, ask_close,
        mid2_open, mid2_high, mid2_low, mid2_close, ticks, volume, late
     FROM bars WHERE instrument = $1 AND span = $2 AND start >= $3 AND start < $4 ORDER BY start DESC LIMIT $5"
);

row! {
    /// An accepted price.
    TickRow {
        /// When it was received, µs.
        time_us: i64,
        /// Source.
        source: i32,
        /// Steps.
        bid: i64,
        /// Steps.
        ask: i64,
        /// Lot steps, 0 = unknown.
        bid_qty: i64,
        /// Lot steps, 0 = unknown.
        ask_qty: i64,
        /// Its input; the key of the next page.
        seq: i64,
    }
}

/// The page of [`super::ticks`]: the order of the table's index, backwards, so that nothing is sorted.
pub const TICKS: &str = concat!(
    "SELECT ", us!("time"), ", source, bid, ask, bid_qty, ask_qty, seq
     FROM ticks WHERE instrument = $1 AND time >= $2 AND time < $3 AND seq > $4 ORDER BY time, seq LIMIT $5"
);

row! {
    /// An alert as it stands.
    AlertPage {
        /// Number (the bits of the `u64`); the key of the next page.
        id: i64,
        /// Counts its changes.
        revision: i64,
        /// Rule.
        rule: String,
        /// State.
        state: String,
        /// Severity.
        severity: String,
        /// Silenced.
        silenced: bool,
        /// Inhibited.
        inhibited: bool,
        /// Flapping.
        flapping: bool,
        /// Snoozed until, µs.
        snoozed_until_us: Option<i64>,
        /// Escalation level.
        escalated: i16,
        /// Account.
        account: Option<i64>,
        /// Instrument.
        instrument: Option<i64>,
        /// Labels.
        labels: Value,
        /// One line.
        title: String,
        /// What happened.
        summary: String,
        /// Value that raised it.
        value: Option<String>,
        /// Level at which it is raised.
        raise_level: Option<String>,
        /// Level at which it is cleared.
        clear_level: Option<String>,
        /// Began, µs.
        started_us: i64,
        /// Changed, µs.
        changed_us: i64,
        /// Ended, µs.
        ended_us: Option<i64>,
        /// Evidence.
        evidence: Value,
        /// Minor units of the house currency.
        money_at_risk: Option<i64>,
        /// Who works on it.
        owner: Option<i64>,
        /// Who acknowledged it.
        acknowledged_by: Option<i64>,
        /// When, µs.
        acknowledged_us: Option<i64>,
        /// The alert in the core's encoding (`codec::decode::<Alert>`).
        body: Vec<u8>,
    }
}

macro_rules! alerts {
    ($where:literal) => {
        concat!(
            "SELECT id, revision, rule, state, severity, silenced, inhibited, flapping, ", us!("snoozed_until"),
            ", escalated, account, instrument, labels, title, summary, value, raise_level, clear_level, ", us!("started"), ", ",
            us!("changed"), ", ", us!("ended"), ", evidence, money_at_risk, owner, acknowledged_by, ", us!("acknowledged"),
            ", body FROM alerts WHERE id ", $where, " ORDER BY id DESC LIMIT $2"
        )
    };
}

pub(super) const ALERT: &str = alerts!("= $1");
pub(super) const ALERTS: &str = alerts!("< $1");
pub(super) const ALERTS_ACTIVE: &str =
    alerts!("< $1 AND state IN ('pending', 'firing', 'acknowledged')");
pub(super) const ALERTS_OF_ACCOUNT: &str = alerts!("< $1 AND account = $3");

row! {
    /// A step in the timeline of an alert.
    AlertEventPage {
        /// Revision after it; the key of the next page.
        revision: i64,
        /// When, µs.
        time_us: i64,
        /// What.
        kind: String,
        /// Who, 0 = the system.
        actor: i64,
        /// Hash of the note (the bits of the `u64`), 0 = none.
        note: i64,
        /// The note, if there is one and this user may read it.
        note_text: Option<String>,
        /// Facts.
        detail: Value,
    }
}

pub(super) const ALERT_EVENTS: &str = concat!(
    "SELECT revision, ",
    us!("time"),
    ", kind, actor, note, (SELECT text FROM notes WHERE hash = note) AS note_text, detail
     FROM alert_events WHERE alert = $1 AND revision > $2 ORDER BY revision, kind LIMIT $3"
);

row! {
    /// An order as it stands.
    OrderPage {
        /// Number; the key of the next page.
        id: i64,
        /// Account.
        account: i64,
        /// Instrument.
        instrument: i64,
        /// `buy`, `sell`.
        side: String,
        /// `market`, `limit`, `stop`, `stop_limit`.
        kind: String,
        /// Time in force.
        tif: String,
        /// Lot steps.
        qty: i64,
        /// Limit price, steps.
        price: Option<i64>,
        /// Trigger price, steps.
        stop: Option<i64>,
        /// Ends by itself, µs.
        expires_us: Option<i64>,
        /// Position it closes.
        position: Option<i64>,
        /// Opens nothing.
        reduce_only: bool,
        /// Protective price, steps.
        stop_loss: Option<i64>,
        /// Protective price, steps.
        take_profit: Option<i64>,
        /// Distance of a trailing stop, steps, 0 = none.
        trail: i64,
        /// Its client's own id, 16 bytes.
        client_id: Vec<u8>,
        /// Who trades, 0 = nobody named.
        trader: i64,
        /// For which desk, 0 = none named.
        desk: i64,
        /// By which strategy, 0 = none named.
        strategy: i64,
        /// Link.
        link: i32,
        /// Who or what placed it.
        origin: String,
        /// State.
        state: String,
        /// Filled lot steps.
        filled: i64,
        /// Fill price × quantity, exact.
        filled_value: String,
        /// Number of the broker's reason, 0 = none.
        reason: i32,
        /// Executions that are not booked and not settled, as far as the row knows.
        unbooked: i64,
        /// Price its owner saw, steps.
        seen: i64,
        /// Placed, µs.
        placed_us: i64,
        /// Changed, µs.
        changed_us: i64,
    }
}

macro_rules! orders {
    ($where:literal) => {
        concat!(
            "SELECT id, account, instrument, side, kind, tif, qty, price, stop, ", us!("expires"), ", position, reduce_only,
                stop_loss, take_profit, trail, client_id, trader, desk, strategy, link, origin, state, filled,
                filled_value::text AS filled_value, reason, coalesce(unbooked, 0) AS unbooked, seen, ", us!("placed"), ", ", us!("changed"),
            " FROM orders WHERE id < $1", $where, " ORDER BY id DESC LIMIT $2"
        )
    };
}

pub(super) const ORDERS: &str = orders!("");
pub(super) const ORDERS_OF_ACCOUNT: &str = orders!(" AND account = $3");

row! {
    /// A booked execution.
    DealPage {
        /// Input that booked it; with `index` the key of the next page.
        seq: i64,
        /// Place among that input's outputs.
        index: i64,
        /// When, µs.
        time_us: i64,
        /// Order.
        order_id: i64,
        /// Account.
        account: i64,
        /// Instrument.
        instrument: i64,
        /// Position.
        position: i64,
        /// `buy`, `sell`.
        side: String,
        /// Lot steps.
        qty: i64,
        /// Steps.
        price: i64,
        /// Minor units, a charge is positive.
        commission: i64,
        /// Minor units.
        realised: i64,
        /// Minor units, after it.
        balance: i64,
        /// Who or what placed the order.
        origin: String,
    }
}

macro_rules! deals {
    ($where:literal) => {
        concat!(
            "SELECT seq, index, ",
            us!("time"),
            ", order_id, account, instrument, position, side, qty, price, commission,
                realised, balance, origin
             FROM deals WHERE (seq, index) < ($1, $2)",
            $where,
            " ORDER BY seq DESC, index DESC LIMIT $3"
        )
    };
}

pub(super) const DEALS: &str = deals!("");
pub(super) const DEALS_OF_ACCOUNT: &str = deals!(" AND account = $4");

row! {
    /// An event.
    EventPage {
        /// Number; the key of the next page.
        id: i64,
        /// Input of the core it stands for.
        source_seq: Option<i64>,
        /// Place among that input's outputs.
        source_index: Option<i64>,
        /// `risk.margin_restricted` …
        kind: String,
        /// When, µs.
        time_us: i64,
        /// Account.
        account: Option<i64>,
        /// Instrument.
        instrument: Option<i64>,
        /// Facts.
        payload: Value,
    }
}

macro_rules! events {
    ($where:literal) => {
        concat!(
            "SELECT id, source_seq, source_index, type AS kind, ",
            us!("time"),
            ", account, instrument, payload
             FROM events WHERE id < $1",
            $where,
            " ORDER BY id DESC LIMIT $2"
        )
    };
}

pub(super) const EVENTS: &str = events!("");
pub(super) const EVENTS_OF_ACCOUNT: &str = events!(" AND account = $3");
