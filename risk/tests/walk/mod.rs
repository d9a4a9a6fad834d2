//! A seeded walk of quotes over many instruments, shared by the tests and benches of the tick path.

use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::market::Market;
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// Instruments of the walk.
pub const INSTRUMENTS: u32 = 64;

/// A market with all instruments open and the filters of live sources.
pub fn market() -> Market {
    let mut market = Market::default();
    for id in 0..2 {
        market
            .set_currency(&CurrencyTerms {
                id: CurrencyId(id),
                digits: 2,
                pivot: 0,
            })
            .unwrap();
    }
    market
        .set_source(&SourceTerms {
            id: SourceId(0),
            kind: SourceKind::Datafeed,
            crossed: Crossed::Hold,
            filtered: true,
        })
        .unwrap();
    for id in 0..INSTRUMENTS {
        let id = InstrumentId(id);
        let mut terms =
            InstrumentTerms::of_class(id, AssetClass::Forex, CurrencyId(0), CurrencyId(1), 5);
        terms.feeds = vec![Feed {
            source: SourceId(0),
            timeout_ns: 10 * SECOND_NS,
        }];
        terms.filter = FilterTerms::LIVE;
        market.set_instrument(&terms).unwrap();
        let session = Session {
            instrument: id,
            open: true,
            at: Ts(0),
            until: Ts(u64::MAX),
        };
        market.on_session(&session, Ts(0), &mut Vec::new()).unwrap();
    }
    market
}

/// A seeded walk over all instruments, `step_ns` apart.
pub struct Walk {
    state: u64,
    now: u64,
    step_ns: u64,
    mids: Vec<i64>,
}

impl Walk {
    /// The next quote.
    pub fn step(&mut self) -> Quote {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let instrument = (self.state >> 40) % u64::from(INSTRUMENTS);
        let mid = &mut self.mids[instrument as usize];
        *mid += ((self.state >> 33) % 5) as i64 - 2;
        self.now += self.step_ns;
        Quote {
            ts: Ts(self.now),
            bid: Price(*mid - 5),
            ask: Price(*mid + 5),
            bid_qty: Qty(1),
            ask_qty: Qty(1),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: 700,
            instrument: InstrumentId(instrument as u32),
            source: SourceId(0),
            merged: 0,
            kind: QuoteKind::Firm,
        }
    }
}

/// A walk with the seed 42.
pub fn walk(step_ns: u64) -> Walk {
    Walk {
        state: 42,
        now: 20_000 * DAY_NS,
        step_ns,
        mids: vec![138_000; INSTRUMENTS as usize],
    }
}
