//! The times a source gives its quotes: one that lies behind what the source has said already, or ahead of us, is not
//! used. A source whose clock is wrong or was set is believed again when it stays so: its times are data, and a wrong
//! clock does not take a venue away.

use super::bars::VENUE_SKEW_MAX_NS;
use crate::event::DropReason;
use crate::record;
use crate::units::*;

/// So many odd times in a row are the source's clock and no stray quote.
pub const ODD_MAX: u8 = 20;

record! {
    /// What one source has said of the time.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Stamps {
        /// Newest time of a quote that was let through; zero = none since the last break.
        newest: Ts,
        odd: u8,
        /// Its clock is known to be ahead of ours.
        ahead: bool,
    }
}

impl Stamps {
    /// Decides a quote that the source made at `venue` and that came at `ts`; `None` = let through.
    #[inline]
    pub fn on_quote(&mut self, venue: Ts, ts: Ts) -> Option<DropReason> {
        let ahead = venue > ts.plus(VENUE_SKEW_MAX_NS);
        let reason = if venue < self.newest {
            Some(DropReason::OutOfOrder)
        } else if ahead && !self.ahead {
            Some(DropReason::Future)
        } else {
            None
        };
        if reason.is_some() && self.odd + 1 < ODD_MAX {
            self.odd += 1;
            return reason;
        }
        *self = Stamps {
            newest: venue,
            odd: 0,
            ahead,
        };
        None
    }

    /// The source is connected anew: what it says next is not compared.
    pub fn after_break(&mut self) {
        *self = Stamps::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: u64 = 1_700_000_000 * SECOND_NS;

    fn at(ms: u64) -> Ts {
        Ts(T + ms * 1_000_000)
    }

    #[test]
    fn an_overtaken_quote_is_left_out_and_an_equal_time_is_not() {
        let mut stamps = Stamps::default();
        assert_eq!(stamps.on_quote(at(10), at(20)), None);
        assert_eq!(stamps.on_quote(at(9), at(21)), Some(DropReason::OutOfOrder));
        assert_eq!(stamps.on_quote(at(10), at(22)), None);
        assert_eq!(stamps.on_quote(at(11), at(23)), None);
    }

    #[test]
    fn a_stray_future_is_left_out_and_does_not_shut_the_rest_out() {
        let mut stamps = Stamps::default();
        assert_eq!(
            stamps.on_quote(at(5_000), at(0)),
            None,
            "at most five seconds"
        );
        assert_eq!(stamps.on_quote(at(60_000), at(1)), Some(DropReason::Future));
        assert_eq!(stamps.on_quote(at(5_001), at(2)), None);
    }

    #[test]
    fn a_source_whose_clock_is_ahead_or_was_set_back_is_believed_again() {
        let mut stamps = Stamps::default();
        let left_out = |stamps: &mut Stamps, ahead_ms: u64| {
            let quotes = (0..40).map(|n| stamps.on_quote(at(n + ahead_ms), at(n)));
            quotes.filter(Option::is_some).count()
        };
        assert_eq!(left_out(&mut stamps, 60_000), usize::from(ODD_MAX) - 1);
        assert_eq!(left_out(&mut stamps, 60_040), 0, "known by now");
        assert_eq!(left_out(&mut stamps, 0), usize::from(ODD_MAX) - 1);
        assert_eq!(left_out(&mut stamps, 40), 0);
    }

    #[test]
    fn a_new_connection_starts_anew() {
        let mut stamps = Stamps::default();
        assert_eq!(stamps.on_quote(at(1_000), at(1_000)), None);
        stamps.after_break();
        assert_eq!(stamps.on_quote(at(10), at(1_001)), None);
    }
}
