//! Why this engine says no. Numbers 11400 to 11499, never reused.

use crate::refusal::{Fault, Kind};

/// A file is no list, or looks cut; the last good list stays.
pub const LIST_REFUSED: Fault = Fault::new(
    11_401,
    "sanctions_list_refused",
    "The file was not taken as a list",
    Kind::Conflict,
);
/// No list is in force, so nobody can be said to stand on none.
pub const NO_LISTS: Fault = Fault::new(
    11_402,
    "sanctions_lists_missing",
    "No list of sanctions is loaded",
    Kind::Conflict,
);
/// The table of states has no such move.
pub const CASE_MOVE: Fault = Fault::new(
    11_403,
    "aml_case_move",
    "The case cannot go there",
    Kind::Conflict,
);
/// A decision without a word.
pub const REASON: Fault = Fault::new(11_404, "aml_reason_missing", "Say why", Kind::Invalid);
/// A case is closed while hits are undecided, or against what they were decided to be.
pub const HITS_OPEN: Fault = Fault::new(
    11_405,
    "aml_hits_open",
    "The hits of the case say something else",
    Kind::Conflict,
);
/// The report cannot go there.
pub const REPORT_MOVE: Fault = Fault::new(
    11_406,
    "aml_report_move",
    "The report cannot go there",
    Kind::Conflict,
);
/// The request cannot go there.
pub const CASH_MOVE: Fault = Fault::new(
    11_407,
    "cash_move",
    "The request cannot go there",
    Kind::Conflict,
);
/// A case under way stops the client's money.
pub const CASH_STOPPED: Fault = Fault::new(
    11_408,
    "cash_stopped",
    "The movement cannot be released now",
    Kind::Conflict,
);
/// The movement was not looked at yet.
pub const CASH_UNCHECKED: Fault = Fault::new(
    11_409,
    "cash_unchecked",
    "The movement is still being checked",
    Kind::Unavailable,
);
/// The core said no.
pub const BOOKING_REFUSED: Fault = Fault::new(
    11_410,
    "booking_refused",
    "The desk does not book it",
    Kind::Conflict,
);
/// The core did not answer.
pub const BOOKING_LATER: Fault = Fault::new(
    11_411,
    "booking_later",
    "The desk cannot book it now",
    Kind::Unavailable,
);
/// The amount has no value in dollars.
pub const NO_RATE: Fault = Fault::new(
    11_412,
    "cash_no_rate",
    "There is no rate to dollars now",
    Kind::Unavailable,
);

/// Money of a client is asked for.
pub const CASH_BY_REQUEST: Fault = Fault::new(
    11_413,
    "cash_by_request",
    "Money of a client moves by a request",
    Kind::Conflict,
);

/// All of them.
pub const ALL: &[Fault] = &[
    LIST_REFUSED,
    NO_LISTS,
    CASE_MOVE,
    REASON,
    HITS_OPEN,
    REPORT_MOVE,
    CASH_MOVE,
    CASH_STOPPED,
    CASH_UNCHECKED,
    BOOKING_REFUSED,
    BOOKING_LATER,
    NO_RATE,
    CASH_BY_REQUEST,
];
