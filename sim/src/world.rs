//! What the house trades, on which terms, and with whom.

use crate::Planted;
use crate::dice::Dice;
use crate::odds;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

pub const USD: CurrencyId = CurrencyId(1);
pub const EUR: CurrencyId = CurrencyId(2);
pub const JPY: CurrencyId = CurrencyId(3);
const XAU: CurrencyId = CurrencyId(4);
const BTC: CurrencyId = CurrencyId(5);

/// The one broker.
pub const LINK: LinkId = LinkId(1);
/// Two sources, the first preferred.
pub const SOURCES: [SourceId; 2] = [SourceId(1), SourceId(2)];
/// Clients under leverage rules, retail clients as ESMA wants them, who log in again after a margin call, and clients at
/// the mark price.
const GROUP: GroupId = GroupId(1);
const RETAIL: GroupId = GroupId(2);
const MARKED: GroupId = GroupId(3);
pub const GROUPS: [GroupId; 3] = [GROUP, RETAIL, MARKED];
/// The leverage rules of the first.
const TIERS: TierSetId = TierSetId(1);
/// A lot, as the bands of leverage rules count it.
const LOT: i64 = 100_000_000;
/// An order without an answer for this long is in doubt.
pub const ANSWER_TIMEOUT_NS: u64 = 5 * SECOND_NS;
/// 2025-01-06, a Monday, 12:00 UTC.
pub const START: Ts = Ts(1_736_164_800_000_000_000);

/// An instrument of the simulated house.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    pub id: InstrumentId,
    class: AssetClass,
    pub base: CurrencyId,
    pub quote: CurrencyId,
    price_digits: u8,
    /// First mid and usual half spread, price steps.
    pub price: i64,
    pub half_spread: i64,
}

pub const LISTED: [Listed; 4] = [
    Listed {
        id: InstrumentId(1),
        class: AssetClass::Forex,
        base: EUR,
        quote: USD,
        price_digits: 5,
        price: 110_000,
        half_spread: 5,
    },
    Listed {
        id: InstrumentId(2),
        class: AssetClass::Forex,
        base: USD,
        quote: JPY,
        price_digits: 3,
        price: 150_000,
        half_spread: 6,
    },
    Listed {
        id: InstrumentId(3),
        class: AssetClass::Metal,
        base: XAU,
        quote: USD,
        price_digits: 2,
        price: 200_000,
        half_spread: 15,
    },
    Listed {
        id: InstrumentId(4),
        class: AssetClass::Crypto,
        base: BTC,
        quote: USD,
        price_digits: 2,
        price: 6_000_000,
        half_spread: 400,
    },
];

/// Accounts: id, currency, accounting, own leverage.
pub const ACCOUNTS: [(AccountId, CurrencyId, Accounting, u32); 8] = [
    (AccountId(1), USD, Accounting::Hedging, 100),
    (AccountId(2), USD, Accounting::Netting, 100),
    (AccountId(3), EUR, Accounting::Hedging, 30),
    (AccountId(4), JPY, Accounting::Netting, 200),
    (AccountId(5), USD, Accounting::Hedging, 1),
    (AccountId(6), EUR, Accounting::Netting, 500),
    (AccountId(7), USD, Accounting::Hedging, 20),
    (AccountId(8), EUR, Accounting::Netting, 10),
];

/// Currencies that a limit may be on.
pub const CURRENCIES: [CurrencyId; 5] = [USD, EUR, JPY, XAU, BTC];

/// Digits of a currency's minor unit.
pub fn digits(currency: CurrencyId) -> u8 {
    match currency {
        JPY => 0,
        BTC => 8,
        _ => 2,
    }
}

/// The terms as they are sent.
pub fn terms(of: &Listed) -> InstrumentTerms {
    let mut terms = InstrumentTerms::of_class(of.id, of.class, of.base, of.quote, of.price_digits);
    terms.feeds = SOURCES
        .iter()
        .map(|source| Feed {
            source: *source,
            timeout_ns: 3 * SECOND_NS,
        })
        .collect();
    terms.qty_max = Qty(5_000);
    terms.swap = swap(of.id);
    terms.margin_hedged = Ratio::percent(50);
    terms.halt.quiet_ns = 20 * SECOND_NS;
    terms.halt.grace_ns = 30 * SECOND_NS;
    terms.quote_age_max_ns = 5 * SECOND_NS;
    terms.cache_age_max_ns = 30 * SECOND_NS;
    terms
}

/// A night costs points, money or a share of the value, by instrument.
fn swap(id: InstrumentId) -> SwapTerms {
    let (mode, long, short) = match id.0 {
        1 => (
            SwapMode::Points,
            Ratio(-7_350_000_000_000),
            Ratio(2_150_000_000_000),
        ),
        2 => (
            SwapMode::Points,
            Ratio(4_400_000_000_000),
            Ratio(-9_125_000_000_000),
        ),
        3 => (
            SwapMode::Money,
            Ratio(-42_370_000_000_000),
            Ratio(18_110_000_000_000),
        ),
        _ => (SwapMode::Percent, Ratio::percent(-18), Ratio::percent(3)),
    };
    SwapTerms {
        mode,
        long,
        short,
        point: Price(1),
        ..SwapTerms::NONE
    }
}

/// Rules of a house that differ from seed to seed.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub held_by: HeldBy,
    /// Messages of an account within [`RATE_WINDOW_NS`].
    pub rate_max: u32,
    pub throttle: ThrottleTerms,
    /// The broker trades while our session is closed.
    pub trades_closed: bool,
}

/// Messages count this long.
pub const RATE_WINDOW_NS: u64 = SECOND_NS;
/// Messages that a house allows, and one that allows few.
const RATE_MAX: u32 = 50;
const RATE_TIGHT: u32 = 5;
/// Repeated executions that latch, and how long they count.
const THROTTLE: ThrottleTerms = ThrottleTerms {
    executions_max: 3,
    window_ns: 30 * SECOND_NS,
};

impl Rules {
    /// Those of a seed; a planted fault gets the house that it needs.
    pub fn draw(dice: &mut Dice, planted: Option<Planted>) -> Rules {
        let held = dice.one_in(odds::HELD_BY_BROKER) || planted == Some(Planted::LostClose);
        let tight = dice.one_in(odds::TIGHT_RATE);
        let throttled = dice.one_in(odds::THROTTLED);
        let trades_closed = dice.one_in(odds::TRADES_CLOSED);
        Rules {
            held_by: if held { HeldBy::Broker } else { HeldBy::Core },
            rate_max: if tight { RATE_TIGHT } else { RATE_MAX },
            throttle: if throttled {
                THROTTLE
            } else {
                ThrottleTerms::OFF
            },
            trades_closed: trades_closed && planted != Some(Planted::OpenShop),
        }
    }
}

/// Whether an account holds positions side by side.
pub fn is_hedging(account: AccountId) -> bool {
    let known = ACCOUNTS.iter().find(|(id, ..)| *id == account);
    known.is_some_and(|(_, _, accounting, _)| *accounting == Accounting::Hedging)
}

/// Whose terms an account has.
pub fn group_of(account: AccountId) -> GroupId {
    match account.0 {
        3 | 6 => RETAIL,
        7 | 8 => MARKED,
        _ => GROUP,
    }
}

/// Whether an account's results and margin follow the mark price while there is one.
pub fn is_at_mark(account: AccountId) -> bool {
    group_of(account) == MARKED
}

fn group(rules: &Rules, id: GroupId) -> GroupTerms {
    let preset = match id {
        RETAIL => GroupTerms {
            call_flow: CallFlow::Login,
            ..GroupTerms::preset(id, Preset::EsmaRetail)
        },
        MARKED => GroupTerms::preset(id, Preset::CryptoCross),
        _ => GroupTerms {
            margin: GroupMargin {
                tiers: TIERS,
                ..GroupMargin::NONE
            },
            ..GroupTerms::preset(id, Preset::Mt5Default)
        },
    };
    GroupTerms {
        rate_max: rules.rate_max,
        rate_window_ns: RATE_WINDOW_NS,
        throttle: rules.throttle,
        negative_balance_protection: BalanceProtection::AnyClose,
        ..preset
    }
}

/// A group with other levels, hedges and free margin than it began with.
pub fn changed_group(rules: &Rules, dice: &mut Dice) -> GroupTerms {
    let before = group(rules, dice.pick(&GROUPS));
    let hedges = [None, Some(HedgeRule::Net), Some(HedgeRule::LargerLeg)];
    // Either side of the share at which the group restricts.
    let (warnings, stop_outs) = match before.id {
        MARKED => ([200, 240], [100, 120]),
        _ => ([100, 120], [30, 50]),
    };
    GroupTerms {
        warning: Ratio::percent(dice.pick(&warnings)),
        stop_out: Ratio::percent(dice.pick(&stop_outs)),
        free_margin: dice.pick(FreeMargin::ALL),
        margin: GroupMargin {
            hedge: dice.pick(&hedges),
            ..before.margin
        },
        ..before
    }
}

/// Leverage rules: beyond so many lots of an instrument each costs more.
pub fn tiers(lots: i64) -> TierTerms {
    let band = |to: i64, percent: i64| Band {
        to: to * LOT,
        leverage: Leverage::NONE,
        initial: Ratio::percent(percent),
        maintenance: Ratio::percent(percent),
    };
    TierTerms {
        id: TIERS,
        rules: vec![TierRule {
            id: 1,
            by: TierBy::VolumePerSymbol,
            currency: USD,
            instruments: Vec::new(),
            cost: TierCost::Average,
            rounding: RoundingStage::Total,
            bands: vec![band(lots, 100), band(4 * lots, 150), band(0, 200)],
        }],
    }
}

/// When the last session that the calendar knows ends.
pub const CLOSING: Ts = Ts(START.0 + 30 * DAY_NS);

/// Everything the house says before it opens.
pub fn opening(rules: &Rules) -> Vec<Body> {
    let mut all: Vec<Body> = [(USD, 1), (EUR, 2), (JPY, 0), (XAU, 0), (BTC, 0)]
        .into_iter()
        .map(|(id, pivot)| {
            let digits = digits(id);
            Body::Currency(CurrencyTerms { id, digits, pivot })
        })
        .collect();
    for (id, kind) in [
        (SOURCES[0], SourceKind::Gateway),
        (SOURCES[1], SourceKind::Datafeed),
    ] {
        all.push(Body::Source(SourceTerms {
            id,
            kind,
            crossed: Crossed::Hold,
            filtered: true,
        }));
    }
    all.push(Body::Link(LinkTerms {
        id: LINK,
        protective: rules.held_by,
        answer_timeout_ns: ANSWER_TIMEOUT_NS,
        queue_tolerance: Ratio::percent(1),
        queue_expiry_ns: HOUR_NS,
        trades_closed: rules.trades_closed,
    }));
    all.push(Body::Tiers(Box::new(tiers(2))));
    all.extend(GROUPS.map(|id| Body::Group(Box::new(group(rules, id)))));
    for listed in &LISTED {
        all.push(Body::Instrument(Box::new(terms(listed))));
        all.push(Body::Session(Session {
            instrument: listed.id,
            open: true,
            at: START,
            until: CLOSING,
        }));
    }
    for (id, currency, accounting, leverage) in ACCOUNTS {
        all.push(Body::Account(AccountTerms {
            id,
            group: group_of(id),
            link: LINK,
            currency,
            accounting,
            leverage: Leverage::of(leverage),
        }));
    }
    all
}
