//! The recorded days through the whole machine: four stops, the margin call and the stop-out must come at the given
//! rows, prices and levels, and each day must end in the same state twice.

mod desk;
mod recordings;

use desk::*;
use recordings::{read, scaled};
use serde_json::Value;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::{Ask, Query, View};

/// File, symbol, quantity in hundredths of a lot, balance in cents.
const DAYS: [(&str, &str, i64, i64); 6] = [
    ("fxcm_EURUSD_20140502_tick.csv.gz", "EURUSD", 100, 170_000),
    ("fxcm_EURUSD_20140508_tick.csv.gz", "EURUSD", 100, 170_000),
    ("oanda_EURUSD_20140502_tick.csv.gz", "EURUSD", 100, 170_000),
    ("oanda_EURUSD_20140508_tick.csv.gz", "EURUSD", 100, 170_000),
    ("oanda_XAUUSD_20140502_tick.csv.gz", "XAUUSD", 200, 350_000),
    ("oanda_XAUUSD_20140509_tick.csv.gz", "XAUUSD", 200, 350_000),
];
/// Holds the position whose margin is watched; the other account holds the four with stops.
const WATCHED: u32 = 1;
const STOPPED: u32 = 2;

struct Day {
    desk: Desk,
    digits: usize,
    /// Time of file, bid, ask.
    rows: Vec<(u64, i64, i64)>,
    fired: Vec<(PositionId, usize, i64)>,
    states: Vec<(MarginState, usize, Ratio)>,
    lowest: (Ratio, usize),
}

#[test]
fn stops_and_thresholds_come_at_the_recorded_rows() {
    let Some(facts) = read("data/expected_facts.json") else {
        return;
    };
    let facts: Value = serde_json::from_str(&facts).expect("JSON");
    for (file, symbol, lots, balance) in DAYS {
        let Some(text) = read(&format!("data/ticks/lean/{file}")) else {
            return;
        };
        let facts = &facts["ticks"][file];
        let (day, stops) = replay(&text, symbol, lots, balance, facts);
        check_stops(&day, &stops, facts, file);
        check_margin(&day, &facts["margin"], file);
        let (again, _) = replay(&text, symbol, lots, balance, facts);
        assert_eq!(
            again.desk.machine.state_hash(),
            day.desk.machine.state_hash(),
            "{file} twice"
        );
    }
}

fn replay(
    text: &str,
    symbol: &str,
    lots: i64,
    balance: i64,
    facts: &Value,
) -> (Day, Vec<PositionId>) {
    let digits = price_digits(instrument_id(symbol)) as usize;
    let rows: Vec<(u64, i64, i64)> = text
        .lines()
        .map(|line| {
            let mut fields = line.split(',');
            let mut field = |digits| scaled(fields.next().expect("three fields"), digits);
            (field(6) as u64, field(digits), field(digits))
        })
        .collect();
    let mut desk = Desk::open();
    let terms = GroupTerms {
        stop_out: Ratio::percent(50),
        restricted: Ratio(0),
        stop_out_mode: StopOutMode::Observe,
        ..desk.group
    };
    desk.must(Body::Group(Box::new(terms)));
    let mut quiet = instrument(symbol);
    (quiet.quote_age_max_ns, quiet.cache_age_max_ns) = (DAY_NS, DAY_NS);
    desk.must(Body::Instrument(Box::new(quiet)));
    for (id, money) in [(WATCHED, balance), (STOPPED, 1_000_000_000)] {
        desk.account(id, USD, Accounting::Hedging, 100);
        desk.must(Body::Cash(Cash {
            account: AccountId(id),
            kind: CashKind::Deposit,
            amount: Money(money),
            reference: 0,
        }));
    }
    let mut day = Day {
        desk,
        digits,
        rows,
        fired: Vec::new(),
        states: Vec::new(),
        lowest: (Ratio(i64::MAX), 0),
    };
    day.row(0, symbol);
    day.enter(WATCHED, symbol, Side::Buy, lots, None);
    let stops = facts["stops"].as_array().expect("stops");
    let ids = stops
        .iter()
        .map(|stop| {
            let side = if stop["side"] == "long" {
                Side::Buy
            } else {
                Side::Sell
            };
            day.enter(
                STOPPED,
                symbol,
                side,
                1,
                Some(scaled(&stop["stop"].to_string(), digits)),
            )
        })
        .collect();
    for row in 1..day.rows.len() {
        day.row(row, symbol);
    }
    (day, ids)
}

impl Day {
    /// Applies a row of the file and notes what it caused.
    fn row(&mut self, row: usize, symbol: &str) {
        let (time, bid, ask) = self.rows[row];
        self.desk.now = START.plus(time);
        let out = self.desk.quote(symbol, bid, ask);
        for output in out {
            match output {
                Output::Protective(fired) => {
                    self.fired.push((fired.position, row, fired.crossed_by.0))
                }
                Output::Margin(change) if change.account == AccountId(WATCHED) => {
                    self.states
                        .push((change.to, row, change.level.expect("a level")));
                }
                _ => {}
            }
        }
        let query = Query::Ladder {
            after: None,
            count: 1,
        };
        if let View::Ladder(rows) = self.desk.machine.ask(&Ask { token: 0, query }).view
            && let Some(level) = rows.first().and_then(|row| row.level)
            && level < self.lowest.0
        {
            self.lowest = (level, row);
        }
    }

    /// Opens a position at the first row's price.
    fn enter(
        &mut self,
        account: u32,
        symbol: &str,
        side: Side,
        lots: i64,
        stop: Option<i64>,
    ) -> PositionId {
        let (_, bid, ask) = self.rows[0];
        let mut new = order(account, symbol, side, lots);
        new.protection.stop_loss = stop.map(Price);
        let seq = self.desk.machine.last_seq();
        self.desk.must(Body::Order(Box::new(new)));
        let price = Price(if side == Side::Buy { ask } else { bid });
        let fill = BrokerEvent::Filled(Fill {
            qty: Qty(lots),
            price,
            commission: Money(0),
        });
        let report = BrokerReport {
            link: LINK,
            order: OrderId(seq + 1),
            exec: ExecId::default(),
            event: fill,
        };
        let out = self.desk.must(Body::Report(report));
        assert!(
            out.iter().any(|output| matches!(output, Output::Deal(_))),
            "{out:?}"
        );
        PositionId(seq + 2)
    }

    fn clock(&self, row: usize) -> String {
        let ms = (self.rows[row].0 + 500_000) / 1_000_000;
        format!(
            "{:02}:{:02}:{:02}.{:03}",
            ms / 3_600_000,
            ms / 60_000 % 60,
            ms / 1_000 % 60,
            ms % 1_000
        )
    }
}

fn check_stops(day: &Day, ids: &[PositionId], facts: &Value, file: &str) {
    for (id, stop) in ids.iter().zip(facts["stops"].as_array().expect("stops")) {
        let fired = day.fired.iter().find(|(position, ..)| position == id);
        let Some((_, row, price)) = fired else {
            assert!(
                stop["trigger_at"].is_null() || stop["trigger_at"] == "never",
                "{file} {stop}"
            );
            continue;
        };
        assert_eq!(day.clock(*row), stop["trigger_at"], "{file} {stop}");
        assert_eq!(Some(*row as u64 + 1), stop["row"].as_u64(), "{file} {stop}");
        assert_eq!(
            *price,
            scaled(&stop["fill"].to_string(), day.digits),
            "{file} {stop}"
        );
    }
}

fn percent(level: Ratio) -> String {
    let shown = div_round(i128::from(level.0), 10_000_000);
    format!("{}.{:03}%", shown / 1_000, shown % 1_000)
}

fn check_margin(day: &Day, facts: &Value, file: &str) {
    for (fact, state) in [
        ("margin_call_100", MarginState::Warning),
        ("stop_out_50", MarginState::StopOut),
    ] {
        let reached = day.states.iter().find(|(to, ..)| *to >= state);
        let Some((_, row, level)) = reached else {
            assert!(facts[fact].is_null(), "{file} {fact} {}", facts[fact]);
            continue;
        };
        assert_eq!(day.clock(*row), facts[fact][0], "{file} {fact}");
        assert_eq!(format!("row {}", row + 1), facts[fact][1], "{file} {fact}");
        assert_eq!(
            format!("level {}", percent(*level)),
            facts[fact][3],
            "{file} {fact}"
        );
    }
    assert_eq!(percent(day.lowest.0), facts["lowest_level"][0], "{file}");
    assert_eq!(day.clock(day.lowest.1), facts["lowest_level"][1], "{file}");
}
