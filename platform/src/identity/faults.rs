//! Identity's numbers: 11100 and up.

use crate::refusal::{Fault, Kind};

/// The address and password do not fit.
pub const WRONG_CREDENTIALS: Fault = Fault::new(
    11_101,
    "wrong_credentials",
    "The address or the password is wrong",
    Kind::Unauthenticated,
);
/// Too many failures.
pub const LOCKED_OUT: Fault = Fault::new(
    11_102,
    "locked_out",
    "Too many failed attempts",
    Kind::Locked,
);
/// The access token is over.
pub const TOKEN_EXPIRED: Fault = Fault::new(
    11_103,
    "token_expired",
    "The access token has expired",
    Kind::Unauthenticated,
);
/// It is none of ours, or was changed.
pub const TOKEN_INVALID: Fault = Fault::new(
    11_104,
    "token_invalid",
    "The token is not valid",
    Kind::Unauthenticated,
);
/// A newer session took its place.
pub const SESSION_REPLACED: Fault = Fault::new(
    11_105,
    "session_replaced",
    "A newer sign-in took the place of this session",
    Kind::Unauthenticated,
);
/// Nothing was asked for too long.
pub const SESSION_IDLE: Fault = Fault::new(
    11_106,
    "session_idle",
    "The session was idle for too long",
    Kind::Unauthenticated,
);
/// It was signed out or ended by somebody.
pub const SESSION_ENDED: Fault = Fault::new(
    11_107,
    "session_ended",
    "The session has ended",
    Kind::Unauthenticated,
);
/// A refresh token came twice.
pub const REFRESH_REUSED: Fault = Fault::new(
    11_108,
    "refresh_reused",
    "The refresh token was used before",
    Kind::Unauthenticated,
);
/// Somebody has this address.
pub const EMAIL_TAKEN: Fault = Fault::new(
    11_109,
    "email_taken",
    "There is an account with this address",
    Kind::Conflict,
);
/// No address, or one that looks like another.
pub const EMAIL_REFUSED: Fault = Fault::new(
    11_110,
    "email_refused",
    "The address cannot be used",
    Kind::Invalid,
);
/// No telephone number.
pub const PHONE_REFUSED: Fault = Fault::new(
    11_111,
    "phone_refused",
    "The telephone number cannot be used",
    Kind::Invalid,
);
/// A rule of passwords.
pub const PASSWORD_WEAK: Fault = Fault::new(
    11_112,
    "password_weak",
    "The password is too weak",
    Kind::Invalid,
);
/// A code does not fit.
pub const CODE_WRONG: Fault = Fault::new(
    11_114,
    "code_wrong",
    "The code is wrong",
    Kind::Unauthenticated,
);
/// A code came twice.
pub const CODE_USED: Fault = Fault::new(
    11_115,
    "code_used",
    "The code was used before",
    Kind::Unauthenticated,
);
/// The sign-in or ceremony took too long, or was used.
pub const CHALLENGE_OVER: Fault = Fault::new(
    11_116,
    "challenge_over",
    "The sign-in took too long",
    Kind::Unauthenticated,
);
/// Too often.
pub const TOO_OFTEN: Fault = Fault::new(11_117, "too_often", "Too many requests", Kind::TooMany);
/// The person has no such factor.
pub const NO_FACTOR: Fault = Fault::new(
    11_118,
    "no_such_factor",
    "There is no such factor",
    Kind::Conflict,
);
/// It has to stay.
pub const LAST_FACTOR: Fault = Fault::new(
    11_119,
    "last_factor",
    "The last factor has to stay",
    Kind::Conflict,
);
/// The user is suspended or deleted.
pub const SUSPENDED: Fault = Fault::new(
    11_120,
    "user_suspended",
    "The account is suspended",
    Kind::Forbidden,
);
/// A scope that the person has not.
pub const BAD_SCOPE: Fault = Fault::new(
    11_121,
    "bad_scope",
    "The key cannot be given this scope",
    Kind::Invalid,
);
/// The first-start secret did its work.
pub const SECRET_SPENT: Fault = Fault::new(
    11_122,
    "secret_spent",
    "The secret does not sign in any more",
    Kind::Unauthenticated,
);
/// A part is not set up.
pub const NOT_SET_UP: Fault = Fault::new(
    11_123,
    "not_set_up",
    "This is not set up here",
    Kind::Conflict,
);
/// A provider said no, or answered what cannot be trusted.
pub const PROVIDER: Fault = Fault::new(
    11_124,
    "provider_failed",
    "The sign-in with the provider failed",
    Kind::Unauthenticated,
);
/// Somebody has to be able to administer.
pub const LAST_ADMINISTRATOR: Fault = Fault::new(
    11_125,
    "last_administrator",
    "The last administrator has to stay",
    Kind::Conflict,
);
/// Too many of something a person may have.
pub const TOO_MANY: Fault = Fault::new(
    11_126,
    "too_many",
    "There are as many as one person may have",
    Kind::Conflict,
);
/// The second factor is set up first.
pub const ENROL_FIRST: Fault = Fault::new(
    11_127,
    "enrol_first",
    "Set up a second factor first",
    Kind::Forbidden,
);
/// A message could not be sent.
pub const NOT_SENT: Fault = Fault::new(
    11_128,
    "not_sent",
    "The message could not be sent",
    Kind::Unavailable,
);
/// The account at the provider signs somebody else in.
pub const PROVIDER_TAKEN: Fault = Fault::new(
    11_129,
    "provider_taken",
    "The account at the provider belongs to somebody else here",
    Kind::Conflict,
);
/// As many attempts as lock are being compared.
pub const SIGN_IN_UNDER_WAY: Fault = Fault::new(
    11_130,
    "sign_in_under_way",
    "Another sign-in is under way",
    Kind::TooMany,
);

/// All of them.
pub const ALL: &[Fault] = &[
    WRONG_CREDENTIALS,
    LOCKED_OUT,
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    SESSION_REPLACED,
    SESSION_IDLE,
    SESSION_ENDED,
    REFRESH_REUSED,
    EMAIL_TAKEN,
    EMAIL_REFUSED,
    PHONE_REFUSED,
    PASSWORD_WEAK,
    CODE_WRONG,
    CODE_USED,
    CHALLENGE_OVER,
    TOO_OFTEN,
    NO_FACTOR,
    LAST_FACTOR,
    SUSPENDED,
    BAD_SCOPE,
    SECRET_SPENT,
    NOT_SET_UP,
    PROVIDER,
    LAST_ADMINISTRATOR,
    TOO_MANY,
    ENROL_FIRST,
    NOT_SENT,
    PROVIDER_TAKEN,
    SIGN_IN_UNDER_WAY,
];
