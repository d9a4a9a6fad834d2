//! Sessions and their refresh tokens: how long they live, and which one makes place.

use siaga_risk::units::{DAY_NS, MINUTE_NS, SECOND_NS, Ts};
use uuid::Uuid;

use super::faults::{
    CHALLENGE_OVER, REFRESH_REUSED, SESSION_ENDED, SESSION_IDLE, SESSION_REPLACED, TOKEN_EXPIRED,
};
use crate::refusal::Refusal;

/// A session without a request for this long is over (S0.10).
pub const IDLE_NS: u64 = 30 * MINUTE_NS;
/// Sessions of one person at once (S0.11). The table has as many places.
pub const SESSIONS_MAX: usize = 3;
/// Life of a refresh token (S0.02).
pub const REFRESH_NS: u64 = 7 * DAY_NS;
/// A refresh token that was just used is taken again for this long: several tabs ask at once, or the
/// answer was lost on the way.
pub const GRACE_NS: u64 = 10 * SECOND_NS;
/// Times that it is taken again; a person has not more tabs that ask in the same ten seconds.
pub const GRACE_USES: i16 = 8;
/// The time of the last request is written no more often than this.
pub const SEEN_EVERY_NS: u64 = 5 * SECOND_NS;
/// A sign-in must be confirmed within this time.
pub const CHALLENGE_NS: u64 = 10 * MINUTE_NS;
/// Tries at the second factor of one sign-in.
pub const CHALLENGE_TRIES: i16 = 5;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By its owner.
    SignedOut,
    /// A newer one took its place.
    Replaced,
    /// Nothing was asked for too long.
    Idle,
    /// A refresh token of it came twice: somebody has a copy.
    Reused,
    /// The password, a role or a state changed, or an administrator ended it.
    Revoked,
}

impl End {
    /// Every reason.
    pub const ALL: [End; 5] = [
        End::SignedOut,
        End::Replaced,
        End::Idle,
        End::Reused,
        End::Revoked,
    ];

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            End::SignedOut => "signed_out",
            End::Replaced => "replaced",
            End::Idle => "idle",
            End::Reused => "reused",
            End::Revoked => "revoked",
        }
    }

    /// The reason of that name; what is not known counts as revoked.
    pub fn parse(name: &str) -> End {
        End::ALL
            .into_iter()
            .find(|end| end.name() == name)
            .unwrap_or(End::Revoked)
    }

    /// What its owner is told at the next request.
    pub fn told(self) -> Refusal {
        match self {
            End::SignedOut => SESSION_ENDED.because("it was signed out; sign in again"),
            End::Replaced => SESSION_REPLACED.because("three sessions are the most; this one was the oldest. If the newest is not yours, change your password"),
            End::Idle => SESSION_IDLE.because("sign in again"),
            End::Reused => REFRESH_REUSED.because("somebody may have a copy of it, so the session was ended; sign in again"),
            End::Revoked => SESSION_ENDED.because("it was ended for you; sign in again"),
        }
    }
}

/// Whether a session without a request since `seen` is over.
pub fn is_idle(seen: Ts, now: Ts) -> bool {
    now.since(seen) >= IDLE_NS
}

/// Of the open sessions, those that end so that one more fits: idle ones, then the oldest. `open` holds
/// id, begin and last request.
pub fn make_place(open: &[(Uuid, Ts, Ts)], now: Ts) -> Vec<(Uuid, End)> {
    let (idle, mut live): (Vec<_>, Vec<_>) = open
        .iter()
        .copied()
        .partition(|(_, _, seen)| is_idle(*seen, now));
    let mut ends: Vec<(Uuid, End)> = idle.into_iter().map(|(id, ..)| (id, End::Idle)).collect();
    live.sort_by_key(|(id, began, _)| (*began, *id));
    let surplus = (live.len() + 1).saturating_sub(SESSIONS_MAX);
    ends.extend(
        live.into_iter()
            .take(surplus)
            .map(|(id, ..)| (id, End::Replaced)),
    );
    ends
}

/// A refresh token and its session, as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refreshing {
    /// When the token was made.
    pub made: Ts,
    /// When it was first used.
    pub used: Option<Ts>,
    /// How often it was taken again.
    pub again: i16,
    /// Last request of the session.
    pub seen: Ts,
    /// Whether and why the session ended.
    pub ended: Option<End>,
}

/// What a refresh token brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// New tokens; this one is used up now.
    New,
    /// The newest token that followed it; it was used a moment ago.
    Again,
    /// The whole session ends.
    End(End),
    /// Nothing; the session had ended before.
    Ended(End),
    /// Nothing; the token is too old.
    Expired,
}

/// What becomes of a refresh token at `now`.
pub fn refresh(token: &Refreshing, now: Ts) -> Refreshed {
    if let Some(end) = token.ended {
        return Refreshed::Ended(end);
    }
    if let Some(used) = token.used {
        let in_grace = now.since(used) < GRACE_NS && token.again < GRACE_USES;
        // A copy is told by its second use, also when the token is old or the session idle.
        if !in_grace {
            return Refreshed::End(End::Reused);
        }
    }
    if now.since(token.made) >= REFRESH_NS {
        return Refreshed::Expired;
    }
    if is_idle(token.seen, now) {
        return Refreshed::End(End::Idle);
    }
    match token.used {
        None => Refreshed::New,
        Some(_) => Refreshed::Again,
    }
}

/// The refusal of a refresh that brought nothing.
pub fn refused(refreshed: Refreshed) -> Option<Refusal> {
    match refreshed {
        Refreshed::New | Refreshed::Again => None,
        Refreshed::End(end) | Refreshed::Ended(end) => Some(end.told()),
        Refreshed::Expired => Some(TOKEN_EXPIRED.because("sign in again")),
    }
}

/// Whether a sign-in still waits for its second factor.
///
/// # Errors
/// It took too long, was tried too often, or was used.
pub fn challenge_open(made: Ts, tries: i16, used: bool, now: Ts) -> Result<(), Refusal> {
    if used || tries >= CHALLENGE_TRIES || now.since(made) >= CHALLENGE_NS {
        return Err(CHALLENGE_OVER.because("sign in again with your password"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Ts {
        Ts(s * SECOND_NS)
    }

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn the_fourth_session_ends_the_oldest_and_idle_ones_go_first() {
        let now = at(10_000);
        let open = [
            (id(1), at(1), at(9_999)),
            (id(2), at(3), at(9_999)),
            (id(3), at(2), at(9_999)),
        ];
        assert_eq!(make_place(&open[..2], now), []);
        assert_eq!(make_place(&open, now), [(id(1), End::Replaced)]);
        let one_idle = [
            (id(1), at(1), at(9_999)),
            (id(2), at(3), at(8_200)),
            (id(3), at(2), at(9_999)),
        ];
        assert_eq!(make_place(&one_idle, now), [(id(2), End::Idle)]);
        let more: Vec<_> = (1..=5).map(|n| (id(n), at(1), at(9_999))).collect();
        assert_eq!(
            make_place(&more, now).len(),
            3,
            "a lower limit than before is kept, too"
        );
    }

    #[test]
    fn a_refresh_token_is_used_once_and_a_copy_ends_the_session() {
        let fresh = Refreshing {
            made: at(100),
            used: None,
            again: 0,
            seen: at(100),
            ended: None,
        };
        let used = Refreshing {
            used: Some(at(200)),
            seen: at(200),
            ..fresh
        };
        let day = 86_400;
        for (what, token, now, expected) in [
            ("first", fresh, at(200), Refreshed::New),
            ("another tab", used, at(209), Refreshed::Again),
            ("a copy", used, at(210), Refreshed::End(End::Reused)),
            (
                "a crowd",
                Refreshing {
                    again: GRACE_USES,
                    ..used
                },
                at(201),
                Refreshed::End(End::Reused),
            ),
            (
                "a copy of an old one",
                used,
                at(8 * day),
                Refreshed::End(End::Reused),
            ),
            ("idle", fresh, at(100 + 1_800), Refreshed::End(End::Idle)),
            (
                "not yet idle",
                fresh,
                Ts(at(100 + 1_800).0 - 1),
                Refreshed::New,
            ),
            (
                "old",
                Refreshing {
                    seen: at(100 + 7 * day),
                    ..fresh
                },
                at(100 + 7 * day),
                Refreshed::Expired,
            ),
            (
                "ended",
                Refreshing {
                    ended: Some(End::SignedOut),
                    ..used
                },
                at(205),
                Refreshed::Ended(End::SignedOut),
            ),
        ] {
            assert_eq!(refresh(&token, now), expected, "{what}");
            assert_eq!(
                refused(expected).is_none(),
                matches!(expected, Refreshed::New | Refreshed::Again)
            );
        }
    }

    #[test]
    fn a_sign_in_waits_for_its_second_factor_and_not_for_ever() {
        assert!(challenge_open(at(0), 4, false, at(599)).is_ok());
        for (tries, used, now) in [(5, false, 1), (0, true, 1), (0, false, 600)] {
            assert!(challenge_open(at(0), tries, used, at(now)).is_err());
        }
    }

    #[test]
    fn reasons_come_back_from_the_database() {
        for end in End::ALL {
            assert_eq!(End::parse(end.name()), end);
            assert!(end.told().fault().is_some());
        }
    }
}
