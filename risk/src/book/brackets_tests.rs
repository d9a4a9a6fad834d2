use super::*;
use crate::ids::*;
use std::collections::BTreeMap;

const COIN: CurrencyId = CurrencyId(1);
const CASH: CurrencyId = CurrencyId(2);

fn terms(mode: CalcMode, schedule: MarginSchedule) -> InstrumentTerms {
    let class = AssetClass::Crypto;
    let mut terms = InstrumentTerms::of_class(InstrumentId(1), class, COIN, CASH, 2);
    terms.mode = mode;
    if mode == CalcMode::CryptoInverse {
        terms.margin_currency = COIN;
    }
    terms.crypto.schedule = schedule;
    terms
}

fn made(terms: &InstrumentTerms) -> Result<Instrument, Reject> {
    let digits = [(COIN, 8), (CASH, 2)];
    let currencies: BTreeMap<_, _> = digits
        .into_iter()
        .map(|(id, digits)| {
            (
                id,
                CurrencyTerms {
                    id,
                    digits,
                    pivot: 0,
                },
            )
        })
        .collect();
    Instrument::new(terms, &currencies)
}

fn bracket(floor: i64, bp: i64, amount: i64, leverage_max: u32) -> Bracket {
    Bracket {
        floor: Money(floor * 100),
        rate: Ratio::basis_points(bp),
        amount: Money(amount * 100),
        leverage_max,
    }
}

/// BTCUSDT as Binance printed it: floors 0, 50,000, 250,000, 1,000,000.
fn published() -> Vec<Bracket> {
    vec![
        bracket(0, 40, 0, 125),
        bracket(50_000, 50, 50, 100),
        bracket(250_000, 100, 1_300, 50),
        bracket(1_000_000, 250, 16_300, 20),
    ]
}

fn verdict(change: impl FnOnce(&mut Vec<Bracket>)) -> Result<(), Reject> {
    let mut brackets = published();
    change(&mut brackets);
    let schedule = MarginSchedule::Brackets(brackets);
    made(&terms(CalcMode::CryptoLinear, schedule)).map(|_| ())
}

#[test]
fn contradictory_brackets_have_their_verdicts() {
    assert_eq!(verdict(|_| ()), Ok(()));
    assert_eq!(verdict(Vec::clear), Err(Reject::BracketsGap));
    assert_eq!(
        verdict(|brackets| {
            brackets.remove(0);
        }),
        Err(Reject::BracketsGap)
    );
    assert_eq!(
        verdict(|brackets| brackets[2].floor = brackets[1].floor),
        Err(Reject::BracketsNotRising)
    );
    assert_eq!(
        verdict(|brackets| brackets[2].rate = brackets[1].rate),
        Err(Reject::BracketsNotRising)
    );
    assert_eq!(
        verdict(|brackets| brackets[3].leverage_max = 60),
        Err(Reject::BracketsNotRising)
    );
    assert_eq!(
        verdict(|brackets| brackets[3].leverage_max = 0),
        Err(Reject::BracketsNotRising)
    );
    assert_eq!(
        verdict(|brackets| brackets[2].amount.0 += 1),
        Err(Reject::BracketAmount)
    );
    assert_eq!(
        verdict(|brackets| brackets[0].amount.0 = 1),
        Err(Reject::BracketAmount)
    );
    assert_eq!(
        verdict(|brackets| brackets[0].leverage_max = 251),
        Err(Reject::ScheduleInvalid)
    );
}

#[test]
fn an_amount_that_does_not_end_is_rounded_once() {
    let thirds = vec![
        Bracket {
            floor: Money(0),
            rate: Ratio(0),
            amount: Money(0),
            leverage_max: 0,
        },
        Bracket {
            floor: Money(100),
            rate: Ratio(333_333_333_333),
            amount: Money(33),
            leverage_max: 0,
        },
    ];
    let schedule = MarginSchedule::Brackets(thirds);
    assert!(made(&terms(CalcMode::CryptoLinear, schedule)).is_ok());
}

#[test]
fn other_schedules_are_held_to_themselves() {
    let check = |mode, schedule, leverage_max| {
        let mut terms = terms(mode, schedule);
        terms.leverage_max = Leverage::of(leverage_max);
        made(&terms).map(|_| ())
    };
    let slope = Slope {
        initial: Ratio::percent(2),
        maintenance: Ratio::percent(1),
        per_unit: Ratio::ppm(50),
    };
    let linear = CalcMode::CryptoLinear;
    assert_eq!(check(linear, MarginSchedule::Slope(slope), 0), Ok(()));
    let turned = Slope {
        initial: Ratio::percent(1),
        maintenance: Ratio::percent(2),
        ..slope
    };
    let invalid = Err(Reject::ScheduleInvalid);
    assert_eq!(check(linear, MarginSchedule::Slope(turned), 0), invalid);
    assert_eq!(
        check(CalcMode::CryptoInverse, MarginSchedule::Slope(slope), 0),
        invalid
    );
    assert_eq!(check(linear, MarginSchedule::HalfOfInitial, 0), invalid);
    assert_eq!(check(linear, MarginSchedule::HalfOfInitial, 40), Ok(()));
    let scale = OpenInterestScale {
        initial: Ratio::ppm(200_000),
        maintenance: Ratio::ppm(100_000),
        lower: Money(10),
        upper: Money(20),
    };
    let open = |scale| check(linear, MarginSchedule::OpenInterest(scale), 0);
    assert_eq!(open(scale), Ok(()));
    let reversed = OpenInterestScale {
        upper: Money(10),
        ..scale
    };
    assert_eq!(open(reversed), invalid);
    let finer = OpenInterestScale {
        initial: Ratio(200_000_000_001),
        ..scale
    };
    assert_eq!(open(finer), invalid);
    let free = OpenInterestScale {
        initial: Ratio(0),
        maintenance: Ratio(0),
        ..scale
    };
    assert_eq!(open(free), Ok(()));
    let below = OpenInterestScale {
        maintenance: Ratio(-1_000_000),
        ..free
    };
    assert_eq!(open(below), invalid);
    let beyond = OpenInterestScale {
        initial: Ratio::ppm(1_000_001),
        ..scale
    };
    assert_eq!(open(beyond), invalid);
}

#[test]
fn maintenance_is_continuous_at_the_edges() {
    let schedule = MarginSchedule::Brackets(published());
    let instrument = made(&terms(CalcMode::CryptoLinear, schedule)).unwrap();
    for edge in [50_000, 250_000, 1_000_000] {
        let at = i128::from(edge) * ten(FINE_DIGITS);
        let below = maintenance(&instrument, at - 1, 1).unwrap();
        let above = maintenance(&instrument, at, 1).unwrap();
        assert_eq!(below.bracket + 1, above.bracket);
        assert_eq!(below.exact(at), above.exact(at));
    }
}

#[test]
fn initial_margin_is_never_below_maintenance() {
    let schedule = MarginSchedule::Brackets(published());
    let instrument = made(&terms(CalcMode::CryptoLinear, schedule)).unwrap();
    let notional = 2_000_000 * ten(FINE_DIGITS);
    let at = |leverage| {
        let leverage = Leverage::of(leverage);
        let charge = initial(&instrument, notional, 1, leverage, Money(0)).unwrap();
        charge.margin(notional, Rate::ONE, 2).unwrap()
    };
    assert_eq!(at(10), 20_000_000);
    // The bracket allows 20 : 1, whatever the account has.
    assert_eq!(at(100), 10_000_000);
    let first = |leverage| initial(&instrument, ten(FINE_DIGITS), 1, leverage, Money(0)).unwrap();
    let share = |leverage| first(leverage).share;
    assert_eq!(share(Leverage::of(100)), Exact::new(1, 100).unwrap());
    assert_eq!(share(Leverage(1_250_000_000)), Exact::new(2, 25).unwrap());
}

#[test]
fn open_interest_scales_between_its_caps() {
    let scale = OpenInterestScale {
        initial: Ratio::ppm(200_000),
        maintenance: Ratio::ppm(100_000),
        lower: Money(1_000_000),
        upper: Money(2_000_000),
    };
    for (open, ppm) in [
        (0, 200_000),
        (1_000_000, 200_000),
        (1_234_567, 387_653),
        (1_999_999, 999_999),
        (2_000_000, 1_000_000),
        (i64::MAX, 1_000_000),
    ] {
        assert_eq!(effective_initial(&scale, Money(open)), Ratio::ppm(ppm));
    }
}
