//! The messages of the stream. Every one has a schema; `snap`, `upd` and `ev` are put together from text that was written once for
//! all subscribers, and a test holds them against the same schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::session::{FULL_WAIT_MS, INTERNAL_WAIT_MS};
use crate::gateway::dto::maintenance::MaintenanceDto;

/// A position a client reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    pub epoch: u64,
    pub seq: u64,
}

/// First message of a connection. Browsers send a ticket; without one the upgrade request must have carried `Authorization`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Hello {
    pub ticket: Option<String>,
    /// Name and version of the program.
    #[serde(default)]
    pub client: String,
    pub id: Option<u64>,
    pub resume: Option<Resume>,
}

/// What to go on with after a lost connection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Resume {
    pub conn: String,
    pub subs: Vec<ResumeSub>,
    /// Wildcards of the lost connection: what matches them and is not resumed is subscribed, as are instruments that come later.
    #[serde(default)]
    pub wildcards: Vec<ResumeWildcard>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct ResumeSub {
    pub sub: u64,
    pub epoch: u64,
    pub seq: u64,
    /// The rate it had; absent = as fast as the socket takes.
    pub hz: Option<f64>,
}

/// A wildcard as it was subscribed. Its `ok` notices carry `id`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct ResumeWildcard {
    pub id: u64,
    pub ch: String,
    pub sym: String,
    pub hz: Option<f64>,
}

/// Something changed: of leads, their tasks or notices (`crm`), of cases of identity (`kyc`), of cases of sanctions and transactions
/// (`aml`), of requests for money (`cash`). Lists are read again by REST, each by what its reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct News {
    /// Counts changes since the start.
    pub version: u64,
}

/// Subscribe.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Sub {
    pub id: u64,
    /// `quote`, `candle`, `margin`, `portfolio`, `alert`, `order`, `status`, `crm`, `kyc`, `aml`, `cash`.
    pub ch: String,
    /// Symbols or wildcards (`EUR*`); `["*"]` on `alert`, `status`, `crm`, `kyc`, `aml` and `cash`.
    #[serde(default)]
    pub sym: Vec<String>,
    /// State channels are always conflated when the socket cannot take more.
    #[serde(default)]
    pub mode: Mode,
    /// At most so many frames a second and symbol.
    pub hz: Option<f64>,
    #[serde(default = "yes")]
    pub snap: bool,
    /// Durable channels: replay what came after this position.
    pub from: Option<Position>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    All,
    Latest,
}

/// `unsub`, `resync`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct OneSub {
    pub id: u64,
    pub sub: u64,
}

/// Change the rate without a new subscription; no `hz` = as fast as the socket takes.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct Set {
    pub id: u64,
    pub sub: u64,
    pub hz: Option<f64>,
}

/// Receipt of durable events up to `seq`; not the acknowledgement of an alert.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct Seen {
    pub id: Option<u64>,
    pub sub: u64,
    pub seq: u64,
}

/// `ping`, `list`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct Bare {
    pub id: u64,
}

/// What the server says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Say {
    Welcome {
        conn: String,
        server: &'static str,
        now: u64,
        limits: Limits,
        hb_ms: u64,
        /// Subscriptions that go on, and those that must be made anew.
        resumed: Vec<u64>,
        lost: Vec<u64>,
    },
    Ok {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        now: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        subs: Option<Vec<SubInfo>>,
        /// New matches of a wildcard, without a request.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    Err(Refusal),
    Hb {
        /// Frames sent on this connection.
        cs: u64,
        now: u64,
        /// Newest position of the streams that are ahead of what was sent here.
        tips: BTreeMap<String, u64>,
        /// How long the last write waited for the socket.
        lag_ms: u64,
    },
    Stale {
        sub: u64,
        sym: String,
        age_ms: u64,
        reason: StaleReason,
    },
    Live {
        sub: u64,
        sym: String,
        age_ms: u64,
    },
    Gap {
        sub: u64,
        sym: String,
        have: u64,
        want: u64,
        action: GapAction,
    },
    Note {
        kind: NoteKind,
        #[serde(skip_serializing_if = "Option::is_none")]
        hz: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        after_ms: Option<u64>,
        /// Of `maintenance`: what is announced. Absent = what was announced before is withdrawn.
        #[serde(skip_serializing_if = "Option::is_none")]
        window: Option<MaintenanceDto>,
    },
    Bye {
        code: u16,
        name: &'static str,
        reconnect: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        after_ms: Option<u64>,
    },
}

/// A stream as `ok` names it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SubInfo {
    pub sub: u64,
    pub ch: &'static str,
    pub sym: String,
    pub epoch: u64,
    pub seq: u64,
}

/// The same for every connection, and fixed until the program ends: no note ever changes them.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Limits {
    pub subs: usize,
    pub msg_s: u32,
    pub frame: usize,
}

/// Why a price must not be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StaleReason {
    FeedDown,
    Gap,
    SessionClosed,
    PriceIdle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapAction {
    SnapFollows,
    Resync,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    Throttled,
    Unthrottled,
    Drain,
    Maintenance,
}

/// A request that was not done.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Refusal {
    /// Absent when the request had none, and when it answers none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    pub code: u16,
    pub name: &'static str,
    pub msg: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub retry: Retry,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did_you_mean: Option<String>,
    /// `internal`: quote it to the desk, whose log says what failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// The subscription that exists already, that has no first frame yet or no newer one, whose frames fail until the next one, or that left
    /// an event out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subs: Option<Vec<SubInfo>>,
    pub doc: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    No,
    Now,
    After,
}

macro_rules! stream_errors {
    ($($name:ident = $code:literal, $slug:literal, $retry:ident;)*) => {
        /// Numbered errors of the stream.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum StreamError { $($name,)* }

        impl StreamError {
            pub const ALL: &'static [StreamError] = &[$(StreamError::$name,)*];
            pub fn code(self) -> u16 { match self { $(StreamError::$name => $code,)* } }
            pub fn name(self) -> &'static str { match self { $(StreamError::$name => $slug,)* } }
            pub fn retry(self) -> Retry { match self { $(StreamError::$name => Retry::$retry,)* } }
        }
    };
}

stream_errors! {
    BadJson = 1001, "bad_json", No;
    UnknownOp = 1002, "unknown_op", No;
    BadField = 1003, "bad_field", No;
    Unauthenticated = 1101, "unauthenticated", No;
    Forbidden = 1102, "forbidden", No;
    UnknownSymbol = 1201, "unknown_symbol", No;
    UnknownChannel = 1202, "unknown_channel", No;
    AlreadySubscribed = 1203, "already_subscribed", No;
    UnknownSub = 1204, "unknown_sub", No;
    RateLimited = 1301, "rate_limited", After;
    TooManySubs = 1302, "too_many_subs", After;
    ResyncBusy = 1401, "resync_busy", After;
    HistoryGone = 1402, "history_gone", Now;
    Internal = 1500, "internal", After;
    Degraded = 1503, "degraded", After;
}

impl StreamError {
    /// The refusal of a request.
    pub fn refuse(self, id: Option<u64>, msg: impl Into<String>) -> Refusal {
        Refusal {
            id,
            code: self.code(),
            name: self.name(),
            msg: msg.into(),
            field: None,
            retry: self.retry(),
            after_ms: None,
            did_you_mean: None,
            incident: None,
            sub: None,
            subs: None,
            doc: "/docs#stream-errors",
        }
    }
}

impl Refusal {
    /// Something of ours failed, and the log has the story under this number: nothing of it goes out.
    pub fn of_incident(id: Option<u64>, incident: String) -> Refusal {
        let msg = format!("something is wrong on our side: tell the desk incident {incident}");
        let mut refusal = StreamError::Internal.refuse(id, msg);
        refusal.after_ms = Some(INTERNAL_WAIT_MS);
        refusal.incident = Some(incident);
        refusal
    }
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Close {
    ServerRestart,
    Idle,
    SlowConsumer,
    ResumeConflict,
    /// The places are taken: the ticket was good, so the client is asked back.
    Full,
    /// Something of ours failed half-way through a request or a frame: a new connection begins from what is known.
    Internal,
    HelloTimeout,
    BadTicket,
    Revoked,
    ProtocolError,
}

impl Close {
    pub const ALL: [Close; 10] = [
        Close::ServerRestart,
        Close::Idle,
        Close::SlowConsumer,
        Close::ResumeConflict,
        Close::Full,
        Close::Internal,
        Close::HelloTimeout,
        Close::BadTicket,
        Close::Revoked,
        Close::ProtocolError,
    ];

    pub fn code(self) -> u16 {
        match self {
            Close::ServerRestart => 4001,
            Close::Idle => 4002,
            Close::SlowConsumer => 4008,
            Close::ResumeConflict => 4009,
            Close::Full => 4010,
            Close::Internal => 4011,
            Close::HelloTimeout => 4501,
            Close::BadTicket => 4502,
            Close::Revoked => 4503,
            Close::ProtocolError => 4504,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Close::ServerRestart => "server_restart",
            Close::Idle => "idle",
            Close::SlowConsumer => "slow_consumer",
            Close::ResumeConflict => "resume_conflict",
            Close::Full => "full",
            Close::Internal => "internal",
            Close::HelloTimeout => "hello_timeout",
            Close::BadTicket => "bad_ticket",
            Close::Revoked => "revoked",
            Close::ProtocolError => "protocol_error",
        }
    }

    /// Codes below 4500 invite the client back.
    pub fn reconnect(self) -> bool {
        self.code() < 4500
    }

    pub fn say(self) -> Say {
        Say::Bye {
            code: self.code(),
            name: self.name(),
            reconnect: self.reconnect(),
            after_ms: match self {
                Close::ServerRestart => Some(1_000),
                Close::SlowConsumer => Some(2_000),
                Close::Full => Some(FULL_WAIT_MS),
                Close::Internal => Some(INTERNAL_WAIT_MS),
                _ => None,
            },
        }
    }
}

impl Say {
    /// The text of a frame.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| {
            // Only a map with keys that are no text can fail, and there is none.
            tracing::warn!("a frame was not written: {error}");
            String::new()
        })
    }
}
