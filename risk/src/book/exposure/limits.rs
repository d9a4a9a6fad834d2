//! The limits in force and how much of each is used, by the figures that orders are checked against.

use super::super::Book;
use super::super::margin::clamp;
use super::Exposure;
use crate::event::*;
use crate::ids::*;
use crate::view::LimitView;

impl Book {
    /// Every limit, with what is used of it now.
    pub fn limit_views(&self) -> Vec<LimitView> {
        let limits = self.limits.iter().map(|((scope, kind), limit)| {
            let (used, instrument) = self.used_of(*scope, *kind);
            LimitView {
                scope: *scope,
                kind: *kind,
                limit: *limit,
                used: used.map(clamp),
                instrument,
            }
        });
        limits.collect()
    }

    /// What a scope uses of a limit; nothing while a rate or price is missing. Quantities of different instruments have
    /// no sum: the largest stands for them, and is named.
    fn used_of(&self, scope: Scope, kind: LimitKind) -> (Option<i128>, Option<InstrumentId>) {
        let source = match scope {
            Scope::Instrument(_) | Scope::Currency(_) => Scope::House,
            _ => scope,
        };
        let mut all: Vec<(InstrumentId, Exposure)> = self.exposures_of(source);
        if let Scope::Instrument(only) = scope {
            all.retain(|(instrument, _)| *instrument == only);
        }
        if kind == LimitKind::NetQty {
            let largest = all
                .iter()
                .map(|(instrument, exposure)| (exposure.net_worst(), *instrument))
                .max_by_key(|(qty, _)| *qty);
            return match largest {
                Some((qty, instrument)) => (Some(qty), Some(instrument)),
                None => (Some(0), None),
            };
        }
        let used = match scope {
            Scope::Currency(currency) => self.measure_currency(currency, kind, all.into_iter()),
            _ => self.total(kind, all.into_iter()),
        };
        (used, None)
    }
}
