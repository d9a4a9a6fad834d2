//! The frames of the bridge protocol, as they are on the wire. Private to the bridge.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Only the kind, to say "unknown type" before "bad field".
#[derive(Deserialize)]
pub(super) struct Envelope {
    pub(super) t: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Hello {
    #[serde(rename = "t")]
    _t: String,
    pub(super) v: u16,
    pub(super) link: u16,
    pub(super) token: String,
    #[serde(default)]
    pub(super) client: String,
    #[serde(default)]
    pub(super) held_by: HeldByName,
    /// Symbols the peer wants prices of; all without it.
    pub(super) symbols: Option<Vec<String>>,
    pub(super) resume: Option<Resume>,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "BridgeHeldBy")]
pub(super) enum HeldByName {
    #[default]
    Core,
    Broker,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BridgeResume")]
pub(super) struct Resume {
    pub(super) session: String,
    /// The last of our numbered frames that the peer has dealt with.
    #[serde(rename = "in")]
    pub(super) taken: u64,
}

/// A report, or the answer to a status question.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    #[serde(rename = "t")]
    _t: String,
    pub(super) n: u64,
    pub(super) id: String,
    pub(super) event: EventName,
    pub(super) exec: Option<String>,
    pub(super) qty: Option<String>,
    pub(super) price: Option<String>,
    pub(super) commission: Option<String>,
    /// Reason of a refusal, the broker's own number.
    pub(super) code: Option<u16>,
    /// For people; at most 200 characters, kept by nobody.
    #[serde(default, rename = "text")]
    _text: String,
}

/// A position that a protective price at the broker has closed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Closed {
    #[serde(rename = "t")]
    _t: String,
    pub(super) n: u64,
    pub(super) position: u64,
    pub(super) event: CloseName,
    pub(super) exec: String,
    pub(super) qty: Option<String>,
    pub(super) price: Option<String>,
    pub(super) commission: Option<String>,
    /// For people; at most 200 characters, kept by nobody.
    #[serde(default, rename = "text")]
    _text: String,
}

#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "BridgeClose")]
pub(super) enum CloseName {
    StopLoss,
    TakeProfit,
    Trailing,
    Bust,
}

/// An execution as it is told.
pub(super) struct Told<'a> {
    pub(super) qty: Option<&'a str>,
    pub(super) price: Option<&'a str>,
    pub(super) commission: Option<&'a str>,
}

impl Report {
    pub(super) fn told(&self) -> Told<'_> {
        Told {
            qty: self.qty.as_deref(),
            price: self.price.as_deref(),
            commission: self.commission.as_deref(),
        }
    }
}

impl Closed {
    pub(super) fn told(&self) -> Told<'_> {
        Told {
            qty: self.qty.as_deref(),
            price: self.price.as_deref(),
            commission: self.commission.as_deref(),
        }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "BridgeEvent")]
pub(super) enum EventName {
    Accepted,
    Filled,
    Rejected,
    Cancelled,
    Expired,
    CancelRejected,
    InDoubt,
    Unknown,
    Bust,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Numbered {
    #[serde(rename = "t")]
    _t: String,
    pub(super) n: u64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bare {
    #[serde(rename = "t")]
    _t: String,
}

/// What we send.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "t", rename_all = "snake_case")]
pub(super) enum Out<'a> {
    Welcome {
        v: u16,
        link: u16,
        session: &'a str,
        resumed: bool,
        epoch: u32,
        /// The last of the peer's numbered frames that we have dealt with.
        #[serde(rename = "in")]
        taken: u64,
        hb_ms: u64,
        dead_ms: u64,
        frame_bytes_max: usize,
        instruments: Vec<InstrumentOut<'a>>,
    },
    Quote {
        symbol: &'a str,
        bid: String,
        ask: String,
        ts: u64,
    },
    Order {
        n: u64,
        #[serde(flatten)]
        order: &'a OrderOut,
    },
    Cancel {
        n: u64,
        id: &'a str,
    },
    Protect {
        n: u64,
        #[serde(flatten)]
        protect: &'a ProtectOut,
    },
    Opened {
        n: u64,
        #[serde(flatten)]
        opened: &'a OpenedOut,
    },
    Status {
        n: u64,
        id: &'a str,
    },
    /// In the place of an order that is not sent any more.
    Void {
        n: u64,
    },
    Ack {
        n: u64,
    },
    Hb {
        now: u64,
    },
    Pong {},
    Err {
        code: u16,
        name: &'static str,
        msg: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        expected: Option<u64>,
    },
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BridgeInstrument")]
pub(super) struct InstrumentOut<'a> {
    pub(super) symbol: &'a str,
    pub(super) price_digits: u8,
    pub(super) qty_digits: u8,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct OrderOut {
    pub(super) id: String,
    pub(super) account: u32,
    pub(super) symbol: String,
    pub(super) side: &'static str,
    pub(super) kind: &'static str,
    pub(super) tif: &'static str,
    pub(super) qty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) slippage_max: Option<String>,
    pub(super) seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_loss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) take_profit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trailing: Option<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct ProtectOut {
    pub(super) account: u32,
    pub(super) position: u64,
    pub(super) stop_loss: Option<String>,
    pub(super) take_profit: Option<String>,
    pub(super) trailing: Option<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct OpenedOut {
    pub(super) position: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) account: u32,
    pub(super) symbol: String,
    pub(super) side: &'static str,
}
