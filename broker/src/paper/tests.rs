use super::*;
use proptest::prelude::*;
use siaga_risk::ids::{AccountId, SourceId};

const GOLD: InstrumentId = InstrumentId(7);

#[test]
fn a_market_order_fills_at_the_crossing_quote() {
    let mut link = exact();
    link.on_mark(&mark(100, 102), Ts(5));
    link.submit(&order(1, Side::Buy, OrderKind::Market, 10), Ts(6));
    assert_eq!(fills(&mut link), [(10, 102)]);
    let sell = Submit {
        seen: Price(99),
        ..order(2, Side::Sell, OrderKind::Market, 10)
    };
    link.submit(&sell, Ts(7));
    assert_eq!(
        fills(&mut link),
        [(10, 99)],
        "the price the core saw, not a later one"
    );
}

#[test]
fn limits_wait_for_their_price_and_take_a_better_one() {
    let mut link = exact();
    link.on_mark(&mark(100, 102), Ts(5));
    let limit = Submit {
        price: Some(Price(95)),
        ..order(1, Side::Buy, OrderKind::Limit, 10)
    };
    link.submit(&limit, Ts(6));
    assert_eq!(events(&mut link), [BrokerEvent::Accepted]);
    link.on_mark(&mark(95, 96), Ts(7));
    assert_eq!(fills(&mut link), []);
    link.on_mark(&mark(92, 94), Ts(8));
    assert_eq!(fills(&mut link), [(10, 94)]);
    assert_eq!(link.open_orders(), 0);
}

#[test]
fn stops_trigger_at_their_price_and_stop_limits_keep_their_limit() {
    let mut link = exact();
    link.on_mark(&mark(100, 102), Ts(5));
    let stop = Submit {
        stop: Some(Price(98)),
        ..order(1, Side::Sell, OrderKind::Stop, 4)
    };
    let stop_limit = Submit {
        stop: Some(Price(98)),
        price: Some(Price(97)),
        ..order(2, Side::Sell, OrderKind::StopLimit, 4)
    };
    link.submit(&stop, Ts(6));
    link.submit(&stop_limit, Ts(6));
    link.on_mark(&mark(99, 101), Ts(7));
    assert_eq!(fills(&mut link), []);
    link.on_mark(&mark(96, 98), Ts(8));
    assert_eq!(
        fills(&mut link),
        [(4, 96)],
        "the stop only: 96 is below the limit"
    );
    link.on_mark(&mark(97, 99), Ts(9));
    assert_eq!(fills(&mut link), [(4, 97)], "it stays triggered");
}

#[test]
fn time_in_force_decides_what_waits() {
    let mut link = exact();
    link.on_mark(&mark(100, 102), Ts(5));
    for (id, tif) in [(1, Tif::Ioc), (2, Tif::Fok)] {
        let away = Submit {
            price: Some(Price(90)),
            tif,
            ..order(id, Side::Buy, OrderKind::Limit, 10)
        };
        link.submit(&away, Ts(6));
        assert_eq!(events(&mut link), [BrokerEvent::Cancelled]);
    }
    let dated = Submit {
        price: Some(Price(90)),
        tif: Tif::Gtd,
        expires: Some(Ts(50)),
        ..order(3, Side::Buy, OrderKind::Limit, 10)
    };
    link.submit(&dated, Ts(7));
    assert_eq!(events(&mut link), [BrokerEvent::Accepted]);
    assert_eq!(link.poll_deadline(), Some(Ts(50)));
    link.on_deadline(Ts(50));
    assert_eq!(events(&mut link), [BrokerEvent::Expired]);
}

#[test]
fn latency_delays_and_the_later_price_counts() {
    let mut link = PaperLink::new(
        LinkId(1),
        PaperConfig {
            latency_ns: 100,
            exact: false,
            ..PaperConfig::exact()
        },
    );
    link.on_mark(&mark(100, 102), Ts(1_000));
    link.submit(&order(1, Side::Buy, OrderKind::Market, 10), Ts(1_000));
    assert_eq!(link.poll_deadline(), Some(Ts(1_100)));
    assert_eq!(link.poll_event(), None);
    link.on_mark(&mark(101, 103), Ts(1_050));
    link.on_mark(&mark(110, 112), Ts(1_200));
    assert_eq!(fills(&mut link), [(10, 103)], "the price when it arrived");
}

#[test]
fn slippage_beyond_the_limit_is_refused() {
    let mut link = PaperLink::new(
        LinkId(1),
        PaperConfig {
            exact: false,
            ..PaperConfig::exact()
        },
    );
    link.on_mark(&mark(100, 110), Ts(5));
    let order = Submit {
        seen: Price(102),
        slippage_max: Price(5),
        ..order(1, Side::Buy, OrderKind::Market, 10)
    };
    link.submit(&order, Ts(6));
    assert_eq!(
        events(&mut link),
        [
            BrokerEvent::Accepted,
            BrokerEvent::Rejected(Reject::PriceCollar.code())
        ]
    );
}

#[test]
fn the_markup_widens_both_sides_and_a_lot_has_its_price() {
    let listing = crate::directory::Listing {
        symbol: "XAU/USD".to_owned(),
        price_digits: 2,
        qty_digits: 1,
    };
    for (markup, buy, sell) in [(0, 110, 100), (25, 113, 97), (100, 120, 90)] {
        let mut link = PaperLink::new(
            LinkId(1),
            PaperConfig {
                exact: false,
                markup: Ratio::percent(markup),
                commission_per_lot: Money(700),
                ..PaperConfig::exact()
            },
        );
        link.directory.list(GOLD, listing.clone());
        link.on_mark(&mark(100, 110), Ts(5));
        // Half a lot: five steps of a tenth.
        link.submit(&order(1, Side::Buy, OrderKind::Market, 5), Ts(6));
        link.submit(&order(2, Side::Sell, OrderKind::Market, 5), Ts(7));
        let costs: Vec<(i64, i64)> = events(&mut link)
            .into_iter()
            .filter_map(|event| match event {
                BrokerEvent::Filled(fill) => Some((fill.price.0, fill.commission.0)),
                _ => None,
            })
            .collect();
        assert_eq!(costs, [(buy, 350), (sell, 350)], "a markup of {markup} %");
    }
}

#[test]
fn no_price_no_fill() {
    let mut link = PaperLink::new(
        LinkId(1),
        PaperConfig {
            exact: false,
            ..PaperConfig::exact()
        },
    );
    link.submit(&order(1, Side::Buy, OrderKind::Market, 10), Ts(6));
    assert!(events(&mut link).contains(&BrokerEvent::Rejected(Reject::PriceNone.code())));
}

#[test]
fn a_broken_connection_loses_nothing_that_the_broker_did() {
    let mut link = exact();
    link.on_mark(&mark(100, 102), Ts(5));
    let limit = Submit {
        price: Some(Price(95)),
        ..order(1, Side::Buy, OrderKind::Limit, 10)
    };
    link.submit(&limit, Ts(6));
    link.go_down();
    link.submit(&order(2, Side::Buy, OrderKind::Market, 10), Ts(7));
    link.on_mark(&mark(90, 92), Ts(8));
    assert_eq!(link.poll_event(), None, "nothing is heard while down");
    link.come_back();
    assert_eq!(link.connection(), Connection { up: true, count: 2 });
    link.status(OrderId(1), Ts(9));
    link.status(OrderId(2), Ts(9));
    let heard: Vec<LinkEvent> = std::iter::from_fn(|| link.poll_event()).collect();
    let reports = heard.iter().filter_map(LinkEvent::report);
    let names: Vec<&BrokerEvent> = reports.map(|report| &report.event).collect();
    assert!(matches!(
        names[..],
        [
            BrokerEvent::Accepted,
            BrokerEvent::Filled(_),
            BrokerEvent::Filled(_),
            BrokerEvent::Unknown
        ]
    ));
    assert_eq!(
        heard[1].report(),
        heard[2].report(),
        "status repeats the same execution id"
    );
    assert!(matches!(heard[3], LinkEvent::Status(_)));
}

#[test]
fn cancels_and_their_races() {
    let mut link = exact();
    link.on_mark(&mark(100, 102), Ts(5));
    let limit = Submit {
        price: Some(Price(95)),
        ..order(1, Side::Buy, OrderKind::Limit, 10)
    };
    link.submit(&limit, Ts(6));
    link.cancel(OrderId(1), Ts(7));
    link.cancel(OrderId(1), Ts(8));
    link.cancel(OrderId(9), Ts(8));
    assert_eq!(
        events(&mut link),
        [
            BrokerEvent::Accepted,
            BrokerEvent::Cancelled,
            BrokerEvent::CancelRejected(Reject::OrderFinal.code()),
            BrokerEvent::CancelRejected(Reject::UnknownOrder.code()),
        ]
    );
}

#[test]
fn a_working_order_is_changed_where_it_stands() {
    let mut link = exact();
    assert!(link.capabilities().replace);
    link.on_mark(&mark(100, 102), Ts(5));
    let limit = Submit {
        price: Some(Price(95)),
        ..order(1, Side::Buy, OrderKind::Limit, 10)
    };
    link.submit(&limit, Ts(6));
    let to = |order, qty, price| Replace {
        order: OrderId(order),
        qty: Qty(qty),
        price: Some(Price(price)),
        stop: None,
    };
    let mut answers = Vec::new();
    let mut filled = Vec::new();
    for (replace, now) in [
        (to(1, 0, 96), 7),
        (to(9, 5, 96), 8),
        (to(1, 6, 102), 9),
        (to(1, 6, 90), 10),
    ] {
        assert_eq!(link.replace(&replace, Ts(now)), Ok(()));
        for event in std::iter::from_fn(|| link.poll_event()) {
            match event {
                LinkEvent::Replaced(replaced) => answers.push(replaced.refused),
                LinkEvent::Report(report) => {
                    if let BrokerEvent::Filled(fill) = report.event {
                        filled.push((fill.qty.0, fill.price.0));
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let refused = |reason: Reject| Some(reason.code());
    assert_eq!(
        answers,
        [
            refused(Reject::QtyNotPositive),
            refused(Reject::UnknownOrder),
            None,
            refused(Reject::OrderFinal)
        ]
    );
    assert_eq!(filled, [(6, 102)], "its new price is reached");
}

#[test]
fn the_book_says_what_accounts_hold() {
    let mut link = exact();
    assert!(link.capabilities().holdings);
    link.on_mark(&mark(100, 102), Ts(5));
    link.submit(&order(1, Side::Buy, OrderKind::Market, 10), Ts(6));
    link.submit(&order(2, Side::Sell, OrderKind::Market, 4), Ts(7));
    let of_other = Submit {
        account: AccountId(2),
        ..order(3, Side::Sell, OrderKind::Market, 3)
    };
    link.submit(&of_other, Ts(8));
    events(&mut link);
    assert_eq!(link.holdings(Ts(9)), Ok(()));
    let Some(LinkEvent::Holdings(held)) = link.poll_event() else {
        panic!("an answer")
    };
    let positions: Vec<(u32, i64)> = held
        .positions
        .iter()
        .map(|holding| (holding.account.0, holding.qty.0))
        .collect();
    assert_eq!(positions, [(1, 6), (2, -3)]);
}

#[test]
fn an_adopted_order_works_on_and_its_execution_ids_stay_unique() {
    let mut link = exact();
    let limit = Submit {
        price: Some(Price(95)),
        ..order(1, Side::Buy, OrderKind::Limit, 10)
    };
    link.adopt(
        &OpenOrder {
            submit: limit,
            filled: Qty(4),
            confirmed: true,
        },
        Ts(1),
    );
    link.adopt(
        &OpenOrder {
            submit: Submit {
                id: OrderId(2),
                ..limit
            },
            filled: Qty(0),
            confirmed: false,
        },
        Ts(1),
    );
    link.on_mark(&mark(92, 94), Ts(1_000));
    assert_eq!(fills(&mut link), [(6, 94)]);
    link.status(OrderId(2), Ts(1_001));
    assert_eq!(events(&mut link), [BrokerEvent::Unknown]);
}

proptest! {
    #[test]
    fn every_order_ends_and_never_fills_more_than_it_asked(
        seed: u64,
        orders in prop::collection::vec((1i64..500, any::<bool>(), 0u8..3, 80i64..120), 1..40),
        prices in prop::collection::vec(80i64..120, 1..60),
        down_at in 0usize..60,
    ) {
        let config = PaperConfig {
            reject: Ratio::percent(10),
            partial: Ratio::percent(50),
            ..PaperConfig::retail(seed)
        };
        let mut link = PaperLink::new(LinkId(1), config);
        let mut now = Ts(1_000_000_000);
        let mut asked: BTreeMap<u64, i64> = BTreeMap::new();
        let mut filled: BTreeMap<u64, i64> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        let mut heard = Vec::new();
        for (step, price) in prices.iter().enumerate() {
            now = now.plus(7_000_000);
            if step == down_at { link.go_down(); }
            if step == down_at + 5 { link.come_back(); }
            link.on_mark(&mark(*price, price + 2), now);
            if let Some((qty, buy, kind, limit)) = orders.get(step) {
                let id = step as u64 + 1;
                let side = if *buy { Side::Buy } else { Side::Sell };
                let kind = [OrderKind::Market, OrderKind::Limit, OrderKind::Stop][usize::from(*kind)];
                link.submit(&Submit { price: Some(Price(*limit)), stop: Some(Price(*limit)), ..order(id, side, kind, *qty) }, now);
                asked.insert(id, *qty);
            }
            heard.extend(std::iter::from_fn(|| link.poll_event()));
        }
        link.come_back();
        for id in asked.keys() { link.cancel(OrderId(*id), now); }
        while let Some(at) = link.poll_deadline() { link.on_deadline(at); }
        heard.extend(std::iter::from_fn(|| link.poll_event()));
        for report in heard.iter().filter_map(LinkEvent::report) {
            if let BrokerEvent::Filled(fill) = report.event {
                prop_assert!(ids.insert(report.exec), "execution ids are unique");
                prop_assert!(fill.qty.0 > 0);
                *filled.entry(report.order.0).or_default() += fill.qty.0;
            }
        }
        for (id, qty) in &filled { prop_assert!(qty <= &asked[id]); }
        prop_assert_eq!(link.open_orders(), 0);
    }
}

fn exact() -> PaperLink {
    PaperLink::new(LinkId(1), PaperConfig::exact())
}

fn events(link: &mut PaperLink) -> Vec<BrokerEvent> {
    std::iter::from_fn(|| link.poll_event())
        .filter_map(|event| event.report().map(|report| report.event))
        .collect()
}

fn fills(link: &mut PaperLink) -> Vec<(i64, i64)> {
    events(link)
        .into_iter()
        .filter_map(|event| match event {
            BrokerEvent::Filled(fill) => Some((fill.qty.0, fill.price.0)),
            _ => None,
        })
        .collect()
}

fn mark(bid: i64, ask: i64) -> Mark {
    Mark {
        ts: Ts(0),
        instrument: GOLD,
        source: SourceId(1),
        bid: Price(bid),
        ask: Price(ask),
        bid_qty: Qty(0),
        ask_qty: Qty(0),
        venue_lag_us: 0,
        count: 1,
        day_change: Ratio(0),
    }
}

fn order(id: u64, side: Side, kind: OrderKind, qty: i64) -> Submit {
    Submit {
        id: OrderId(id),
        account: AccountId(1),
        instrument: GOLD,
        side,
        kind,
        tif: Tif::Gtc,
        qty: Qty(qty),
        price: None,
        stop: None,
        expires: None,
        position: None,
        slippage_max: Price(0),
        seen: Price(102),
        protection: Protection {
            stop_loss: None,
            take_profit: None,
            trailing: Price(0),
        },
    }
}
