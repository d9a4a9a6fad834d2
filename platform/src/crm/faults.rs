//! Why the CRM says no. Numbers 11200 to 11299, never reused.

use crate::refusal::{Fault, Kind};

/// The table of stages has no such move for whoever asks.
pub const BAD_MOVE: Fault = Fault::new(
    11_201,
    "stage_move",
    "The lead cannot go there",
    Kind::Conflict,
);
/// A manual override without a word.
pub const REASON_MISSING: Fault = Fault::new(11_202, "reason_missing", "Say why", Kind::Invalid);
/// The lead is lost or merged.
pub const NOT_OPEN: Fault = Fault::new(
    11_203,
    "lead_not_open",
    "The lead is not open",
    Kind::Conflict,
);
/// The agent has all the leads they can have.
pub const LEAD_CAP: Fault = Fault::new(
    11_204,
    "lead_cap",
    "The agent has all the leads they can have",
    Kind::Conflict,
);
/// Inactive, on leave, not taking leads, or no agent at all.
pub const NOT_AVAILABLE: Fault = Fault::new(
    11_205,
    "agent_not_available",
    "The agent takes no leads now",
    Kind::Conflict,
);
/// A lead without a telephone number and an address.
pub const NO_CONTACT: Fault = Fault::new(
    11_206,
    "no_contact",
    "A telephone number or an address is needed",
    Kind::Invalid,
);
/// A telephone number that is none.
pub const BAD_PHONE: Fault = Fault::new(
    11_207,
    "bad_phone",
    "That is no telephone number",
    Kind::Invalid,
);
/// An address that is none.
pub const BAD_EMAIL: Fault = Fault::new(
    11_208,
    "bad_email",
    "That is no email address",
    Kind::Invalid,
);
/// Another lead has the number or the address.
pub const DUPLICATE: Fault = Fault::new(
    11_209,
    "duplicate_lead",
    "Another lead has this contact",
    Kind::Conflict,
);
/// The merge cannot be taken back any more.
pub const NOT_UNDONE: Fault = Fault::new(
    11_210,
    "merge_not_undone",
    "The merge cannot be taken back",
    Kind::Conflict,
);
/// The signature of a hook is missing, old or wrong.
pub const BAD_SIGNATURE: Fault = Fault::new(
    11_211,
    "bad_signature",
    "The signature does not fit",
    Kind::Unauthenticated,
);
/// A fact that only a check can give.
pub const NOT_BY_HAND: Fault = Fault::new(
    11_212,
    "fact_not_by_hand",
    "Only a check gives this fact",
    Kind::Forbidden,
);
/// The person left already, or is not staff of sales.
pub const NOT_LEAVING: Fault = Fault::new(
    11_213,
    "not_leaving",
    "This person cannot leave sales",
    Kind::Conflict,
);
/// The outreach cannot be sent.
pub const NO_CHANNEL: Fault = Fault::new(
    11_214,
    "no_channel",
    "There is no way to reach this person now",
    Kind::Conflict,
);

/// All of them.
pub const ALL: &[Fault] = &[
    BAD_MOVE,
    REASON_MISSING,
    NOT_OPEN,
    LEAD_CAP,
    NOT_AVAILABLE,
    NO_CONTACT,
    BAD_PHONE,
    BAD_EMAIL,
    DUPLICATE,
    NOT_UNDONE,
    BAD_SIGNATURE,
    NOT_BY_HAND,
    NOT_LEAVING,
    NO_CHANNEL,
];
