//! What a notice of risk owes to those it concerns: how soon it must leave, and by which ways.

use crate::event::MarginState;
use crate::units::*;

/// A risk alert leaves within five seconds of its event (Commission Delegated Regulation (EU) 2017/589, Article 16(5)).
pub const BUDGET_NS: u64 = 5 * SECOND_NS;

/// How long a notice took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub ns: u64,
    /// The budget itself is in time.
    pub is_in_time: bool,
}

/// Time from an event to the moment its notice was sent, against a budget in nanoseconds.
pub fn latency(event: Ts, sent: Ts, budget_ns: u64) -> Taken {
    let ns = sent.since(event);
    Taken {
        ns,
        is_in_time: ns <= budget_ns,
    }
}

/// A way to reach a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    Email,
    Push,
    Sms,
}

impl Channel {
    /// The stable name, `snake_case`.
    pub const fn name(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Push => "push",
            Channel::Sms => "sms",
        }
    }
}

/// The ways a client is told of a margin state: all of them at once from the restriction on, none before it.
pub const fn channels(state: MarginState) -> &'static [Channel] {
    match state {
        MarginState::Healthy | MarginState::Warning => &[],
        MarginState::Restricted | MarginState::StopOut => {
            &[Channel::Email, Channel::Push, Channel::Sms]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_seconds_are_in_time_and_one_more_nanosecond_is_not() {
        let late = Ts(1).plus(BUDGET_NS).plus(1);
        assert!(latency(Ts(2), late, BUDGET_NS).is_in_time);
        assert!(!latency(Ts(1), late, BUDGET_NS).is_in_time);
        assert_eq!(latency(Ts(9), Ts(5), 0).ns, 0);
    }
}
