use siaga_risk::units::Ts;

use crate::values::{bound, micros};

/// Which time of the log: from one instant on, before another; all of it where none is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// At or after this.
    pub from: Option<Ts>,
    /// Before this.
    pub until: Option<Ts>,
}

impl Span {
    /// Whether nothing can be in it.
    pub fn is_nothing(&self) -> bool {
        self.from
            .zip(self.until)
            .is_some_and(|(from, until)| from >= until)
    }

    /// Both ends to bind. They are always said, so that the database leaves out the months that are not in it.
    pub(super) fn bounds(&self) -> (jiff_sqlx::Timestamp, jiff_sqlx::Timestamp) {
        (
            bound(self.from.unwrap_or(Ts(0))),
            self.until.map_or_else(|| micros(i64::MAX), bound),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_that_ends_where_it_begins_has_nothing_in_it() {
        let span = |from: Option<u64>, until: Option<u64>| Span {
            from: from.map(Ts),
            until: until.map(Ts),
        };
        assert!(span(Some(7), Some(7)).is_nothing() && span(Some(8), Some(7)).is_nothing());
        for some in [
            span(None, None),
            span(Some(7), None),
            span(None, Some(7)),
            span(Some(7), Some(8)),
        ] {
            assert!(!some.is_nothing(), "{some:?}");
        }
    }
}
