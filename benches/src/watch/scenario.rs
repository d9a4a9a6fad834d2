//! One scenario: how prices move, and what the watch says and costs meanwhile.

use hdrhistogram::Histogram;
use siaga_risk::convert::Prices;
use siaga_risk::watch::{SIDE_BY_SIDE, Watch};

use super::crowd::{Crowd, INSTRUMENTS, Mix};
use super::full_pass::FullPass;
use crate::clock::now_ns;
use crate::report::histogram;
use crate::rng::Rng;

/// How prices move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// Each quote about this many millionths up or down.
    Walk(u64),
    /// All instruments in turn, ten per cent down over this many quotes.
    Crash(u32),
    /// One instrument 3 % down, then each 2 % down, then small moves.
    Gap,
}

/// A crowd, its prices, and what is asked of the watch.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub name: &'static str,
    pub mix: Mix,
    pub moves: Moves,
    pub goal: &'static str,
}

/// The quotes of a gap that came nearest to what is allowed.
#[derive(Clone, Copy, Debug, Default)]
pub struct GapFigures {
    pub alert_ns: u64,
    pub alert_crossings: u64,
    pub quote_ns: u64,
    pub quote_crossings: u64,
}

/// What was measured.
pub struct Figures {
    pub mean_ns: f64,
    pub cost: Histogram<u64>,
    pub crossings: u64,
    pub pass_ns: f64,
    pub bytes: (f64, f64),
    pub build_ns: u64,
    pub gap: Option<GapFigures>,
}

/// One quote's cost.
struct Cost {
    alert_ns: u64,
    quote_ns: u64,
    crossings: u64,
}

/// A watch and the book it watches.
struct Desk {
    crowd: Crowd,
    watch: Watch,
    due: Vec<u32>,
}

impl Scenario {
    /// Measures it.
    pub fn measure(&self, quotes: u32, seed: u64) -> Figures {
        let mut rng = Rng::new(seed);
        let crowd = Crowd::new(self.mix, &mut rng);
        let pass_ns = self.pass_ns(&mut rng, &crowd);
        let (watch, build_ns) = crowd.watch();
        let accounts = f64::from(self.mix.accounts);
        let bytes = watch.bytes() as f64 / accounts;
        let mut desk = Desk {
            crowd,
            watch,
            due: Vec::new(),
        };
        let (mut cost, mut sum, mut crossings) = (histogram(), 0, 0);
        let mut gap = GapFigures::default();
        let mut path = Path::new(self, quotes, &mut rng, &desk.crowd);
        while let Some((instrument, bid, measured)) = path.next(&mut rng, &desk.crowd) {
            let one = desk.quote(instrument, bid);
            if !measured {
                continue;
            }
            cost.saturating_record(one.quote_ns);
            sum += one.quote_ns;
            crossings += one.crossings;
            gap.note(&one, pass_ns);
        }
        Figures {
            mean_ns: sum as f64 / cost.len().max(1) as f64,
            crossings,
            pass_ns,
            bytes: (bytes, desk.watch.bytes() as f64 / accounts),
            build_ns,
            gap: (self.moves == Moves::Gap).then_some(gap),
            cost,
        }
    }

    /// The full pass over the holders of an instrument; of the popular one where half of the quotes are its.
    fn pass_ns(&self, rng: &mut Rng, crowd: &Crowd) -> f64 {
        if self.mix.converted {
            // The same pass, over a crowd of the same size without conversion.
            let mix = Mix {
                converted: false,
                ..self.mix
            };
            return FullPass::new(&Crowd::new(mix, rng)).yardstick(rng, None, 41);
        }
        let mut pass = FullPass::new(crowd);
        if self.mix.skewed {
            return (pass.yardstick(rng, Some(5), 21) + pass.yardstick(rng, None, 41)) / 2.0;
        }
        pass.yardstick(rng, None, 41)
    }

    /// Asserts that at every quote the watch names exactly whom the full pass names.
    ///
    /// # Panics
    /// When it does not.
    pub fn check(&self, quotes: u32, seed: u64) {
        let mut rng = Rng::new(seed);
        let crowd = Crowd::new(self.mix, &mut rng);
        let mut pass = (!self.mix.converted).then(|| FullPass::new(&crowd));
        let (watch, _) = crowd.watch();
        let mut desk = Desk {
            crowd,
            watch,
            due: Vec::new(),
        };
        let quotes = if self.mix.converted {
            quotes / 10
        } else {
            quotes
        };
        let mut path = Path::new(self, quotes, &mut rng, &desk.crowd);
        while let Some((instrument, bid, _)) = path.next(&mut rng, &desk.crowd) {
            let before = desk.crowd.state.clone();
            desk.quote(instrument, bid);
            let changed: Vec<u32> = (0..desk.crowd.accounts())
                .filter(|account| before[*account as usize] != desk.crowd.state[*account as usize])
                .collect();
            let prices = desk.crowd.prices[instrument as usize];
            let expected: Vec<u32> = match &mut pass {
                Some(pass) => pass.quote(instrument, prices.bid, prices.ask),
                None => (0..desk.crowd.accounts())
                    .filter(|account| {
                        let state = desk.crowd.state_at(*account, desk.crowd.result(*account));
                        state != before[*account as usize]
                    })
                    .collect(),
            };
            assert_eq!(changed, expected, "{}: a quote of {instrument}", self.name);
            for account in changed {
                if let Some(pass) = &mut pass {
                    pass.set_levels(account, &desk.crowd);
                }
            }
        }
        desk.watch
            .audit(desk.crowd.view())
            .expect("the watch holds together");
    }
}

impl GapFigures {
    /// Keeps the quote that came nearest to its bound.
    fn note(&mut self, one: &Cost, pass_ns: f64) {
        let share = |ns: u64, passes: f64, crossings: u64| {
            ns as f64 / (passes * pass_ns + 150.0 * crossings as f64)
        };
        if share(one.alert_ns, 2.0, one.crossings) > share(self.alert_ns, 2.0, self.alert_crossings)
        {
            (self.alert_ns, self.alert_crossings) = (one.alert_ns, one.crossings);
        }
        if share(one.quote_ns, 3.0, one.crossings) > share(self.quote_ns, 3.0, self.quote_crossings)
        {
            (self.quote_ns, self.quote_crossings) = (one.quote_ns, one.crossings);
        }
    }
}

impl Desk {
    fn quote(&mut self, instrument: u32, bid: i64) -> Cost {
        let Desk { crowd, watch, due } = self;
        crowd.prices[instrument as usize] = Prices::live(bid, bid + bid / 10_000);
        let start = now_ns();
        watch.on_mark(instrument, crowd.view(), crowd, due);
        let mut crossings = 0;
        for (at, account) in due.iter().copied().enumerate() {
            if at % SIDE_BY_SIDE == 0 {
                watch.read_side_by_side(&due[at..due.len().min(at + SIDE_BY_SIDE)]);
            }
            watch.taken(account);
            // As the book does: the watch's own sum where it knows it, and then other thresholds suffice.
            let known = watch.exact_result(account);
            let result = known.unwrap_or_else(|| crowd.result(account));
            let state = crowd.state_at(account, result);
            crossings += u64::from(state != crowd.state[account as usize]);
            crowd.state[account as usize] = state;
            let band = crowd.band(account);
            if known.is_some() {
                watch.set_thresholds(account, band.plain_low, band.plain_high);
            } else {
                watch.set_band(account, band, (result, result));
            }
        }
        due.clear();
        let alerted = now_ns();
        watch.tend(crowd.view());
        Cost {
            alert_ns: alerted - start,
            quote_ns: now_ns() - start,
            crossings,
        }
    }
}

/// The quotes of a scenario, one after the other.
struct Path {
    moves: Moves,
    /// Half of the quotes are the popular instrument's.
    skewed: bool,
    quote: u32,
    quotes: u32,
    warm: u32,
    first: u32,
    starts: Vec<i64>,
}

impl Path {
    fn new(scenario: &Scenario, quotes: u32, _rng: &mut Rng, crowd: &Crowd) -> Path {
        let first = if scenario.mix.converted { 1 } else { 5 };
        Path {
            moves: scenario.moves,
            skewed: scenario.mix.skewed,
            quote: 0,
            quotes: match scenario.moves {
                Moves::Walk(_) => quotes,
                Moves::Crash(quotes) => quotes,
                Moves::Gap => 1 + INSTRUMENTS + 200,
            },
            warm: (quotes / 4).max(64),
            first,
            starts: crowd.prices.iter().map(|prices| prices.bid).collect(),
        }
    }

    /// The next quote: instrument, bid, and whether it is measured.
    fn next(&mut self, rng: &mut Rng, crowd: &Crowd) -> Option<(u32, i64, bool)> {
        let span = INSTRUMENTS + 1 - self.first;
        let walk = |rng: &mut Rng, millionths: u64, skewed: bool, first: u32| {
            let instrument = if skewed && rng.below(2) == 0 {
                first
            } else {
                first + rng.below(u64::from(span)) as u32
            };
            let bid = crowd.prices[instrument as usize].bid;
            // Sum of four: about normal, its spread the millionths asked for.
            let size = (bid as u64 * millionths * 2 / 1_000_000).max(1);
            let moved: i64 = (0..4).map(|_| rng.below(size + 1) as i64).sum();
            let centre = 2 * size as i64;
            (instrument, bid + (moved - centre) * 7 / 8)
        };
        // Prices first walk a little, so that the watch knows their pace.
        if self.warm > 0 {
            self.warm -= 1;
            let millionths = match self.moves {
                Moves::Walk(millionths) => millionths,
                _ => 100,
            };
            let (instrument, bid) = walk(rng, millionths, self.skewed, self.first);
            self.starts[instrument as usize] = bid;
            return Some((instrument, bid, false));
        }
        if self.quote == self.quotes {
            return None;
        }
        let number = self.quote;
        self.quote += 1;
        let (instrument, bid) = match self.moves {
            Moves::Walk(millionths) => walk(rng, millionths, self.skewed, self.first),
            Moves::Crash(quotes) => {
                let instrument = self.first + number % span;
                let start = self.starts[instrument as usize];
                (
                    instrument,
                    start
                        - start / 10 * i64::from(number + span).min(i64::from(quotes))
                            / i64::from(quotes),
                )
            }
            Moves::Gap if number == 0 => (self.first, self.starts[self.first as usize] * 97 / 100),
            Moves::Gap if number <= span => {
                let instrument = self.first + (number - 1) % span;
                (instrument, crowd.prices[instrument as usize].bid * 98 / 100)
            }
            Moves::Gap => walk(rng, 100, self.skewed, self.first),
        };
        Some((instrument, bid, true))
    }
}
