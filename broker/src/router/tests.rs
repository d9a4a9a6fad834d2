mod bridge;

use super::*;
use std::sync::{Arc, Mutex};

use crate::link::{Capabilities, Connection, LinkEvent};
use crate::paper::{PaperConfig, PaperLink};
use proptest::prelude::*;
use siaga_risk::ids::{
    AccountId, CurrencyId, GroupId, InstrumentId, OrderId, PositionId, SourceId,
};
use siaga_risk::terms::{AccountTerms, Accounting};

const LINK: LinkId = LinkId(1);

#[test]
fn a_link_is_reconciled_before_it_takes_orders() {
    let mut router = router(at(0), at(0));
    router.start(Ts(1));
    assert_eq!(modes(&mut router), [LinkMode::Recovering, LinkMode::Live]);
    router.on_mark(&mark(), Ts(2));
    router.on_output(at(5), &submit(5), Ts(3));
    assert_eq!(reports(&mut router), [(5, "filled")]);
    assert_eq!(router.counts().handed, 1);
}

#[test]
fn an_instruction_is_handed_over_once() {
    let mut router = router(at(0), at(0));
    router.start(Ts(1));
    router.on_mark(&mark(), Ts(2));
    router.on_output(at(5), &submit(5), Ts(3));
    router.on_output(at(5), &submit(5), Ts(4));
    router.on_output(at(4), &submit(4), Ts(5));
    assert_eq!(reports(&mut router), [(5, "filled")]);
    assert_eq!(router.counts().repeated, 2);
}

#[test]
fn a_question_that_is_answered_by_a_last_execution_says_that_the_order_has_ended() {
    let mut router = router(at(0), at(0));
    router.start(Ts(1));
    router.on_mark(&mark(), Ts(2));
    router.on_output(at(5), &submit(5), Ts(3));
    assert_eq!(reports(&mut router), [(5, "filled")], "nobody has asked");
    router.on_output(at(6), &status(5), Ts(4));
    assert_eq!(reports(&mut router), [(5, "filled"), (5, "ended")]);
}

#[test]
fn what_was_not_sent_before_a_crash_is_not_sent_later() {
    // Handed over up to 5; 6 was in the log when the program died; 7 is new.
    let mut router = router(at(5), at(6));
    router.start(Ts(1));
    router.on_mark(&mark(), Ts(2));
    for seq in 5..8 {
        router.on_output(at(seq), &submit(seq), Ts(3));
    }
    assert_eq!(reports(&mut router), [(6, "rejected"), (7, "filled")]);
}

#[test]
fn open_orders_are_asked_about_at_the_start() {
    let mut router = router(at(9), at(9));
    router.open_order(&change(3, OrderState::Submitted), Ts(1));
    router.open_order(&change(4, OrderState::Working), Ts(1));
    router.open_order(&change(5, OrderState::Queued), Ts(1));
    router.start(Ts(1));
    let inputs: Vec<Body> = std::iter::from_fn(|| router.poll_input()).collect();
    let live = |body: &Body| matches!(body, Body::LinkState(state) if state.mode == LinkMode::Live);
    assert!(live(&inputs[3]), "live only after both answers: {inputs:?}");
    assert_eq!(names(&inputs), [(3, "rejected"), (4, "accepted")]);
}

#[test]
fn a_lost_link_is_read_only_then_reconciled_then_live() {
    let mut router = router(at(0), at(0));
    router.start(Ts(1));
    modes(&mut router);
    router.on_mark(&mark(), Ts(2));
    router.drill(LINK, false, Ts(3));
    assert_eq!(modes(&mut router), [LinkMode::ReadOnly]);
    router.on_output(at(5), &submit(5), Ts(4));
    router.on_output(at(6), &cancel(2), Ts(4));
    assert_eq!(
        reports(&mut router),
        [(5, "rejected"), (2, "cancel_rejected")],
        "nothing is given to a link that is down"
    );
    router.drill(LINK, true, Ts(5));
    assert_eq!(modes(&mut router), [LinkMode::Recovering, LinkMode::Live]);
}

#[test]
fn a_loss_between_two_looks_is_still_told() {
    let mut broker = SharedPaper::new(PaperConfig::exact());
    let mut router = Router::new(at(0), at(0), Limits::default());
    router.add(Box::new(broker.clone()));
    router.start(Ts(1));
    modes(&mut router);
    broker.drill(false);
    broker.drill(true);
    router.settle(Ts(2));
    use LinkMode::*;
    assert_eq!(modes(&mut router), [ReadOnly, Recovering, Live]);
}

#[test]
fn only_a_hand_lifts_what_a_hand_set() {
    let mut router = router(at(0), at(0));
    router.start(Ts(1));
    modes(&mut router);
    router.set_manual(LINK, true, Ts(2));
    assert_eq!(modes(&mut router), [LinkMode::ReadOnly]);
    router.drill(LINK, false, Ts(3));
    router.drill(LINK, true, Ts(3));
    assert_eq!(modes(&mut router), [], "a new connection does not lift it");
    router.set_manual(LINK, false, Ts(4));
    assert_eq!(modes(&mut router), [LinkMode::Recovering, LinkMode::Live]);
    // The hand may also act past the router.
    let by_hand = |from, to, manual| {
        Output::Link(LinkChange {
            link: LINK,
            from,
            to,
            manual,
            queued: 0,
            in_doubt: 0,
        })
    };
    let (live, read_only) = (LinkMode::Live, LinkMode::ReadOnly);
    let taken_out = by_hand(live, read_only, true);
    router.on_output(at(20), &taken_out, Ts(5));
    router.on_output(at(21), &taken_out, Ts(5));
    assert_eq!(modes(&mut router), [], "the core knows it already");
    assert_eq!(router.mode(LINK), Some(read_only));
    router.on_output(at(22), &by_hand(live, live, true), Ts(6));
    assert_eq!(modes(&mut router), [LinkMode::Recovering, live]);
    // Taken out again and given back, each heard of through the log alone.
    router.on_output(at(23), &taken_out, Ts(7));
    assert_eq!(modes(&mut router), []);
    router.on_output(at(24), &by_hand(read_only, read_only, false), Ts(8));
    assert_eq!(modes(&mut router), [LinkMode::Recovering, live]);
}

/// The link is down when a hand gives it back and takes it out once more: what it gave back is not told when it is up again.
#[test]
fn what_a_hand_takes_out_again_stays_out() {
    let mut router = router(at(0), at(0));
    router.start(Ts(1));
    router.drill(LINK, false, Ts(2));
    // Told to a core to which it is no change, so no echo of it comes.
    router.set_manual(LINK, true, Ts(3));
    modes(&mut router);
    let by_hand = |manual| {
        Output::Link(LinkChange {
            link: LINK,
            from: LinkMode::ReadOnly,
            to: LinkMode::ReadOnly,
            manual,
            queued: 0,
            in_doubt: 0,
        })
    };
    router.on_output(at(20), &by_hand(false), Ts(4));
    router.on_output(at(21), &by_hand(true), Ts(5));
    router.drill(LINK, true, Ts(6));
    assert_eq!(modes(&mut router), []);
    router.on_output(at(22), &by_hand(false), Ts(7));
    assert_eq!(modes(&mut router), [LinkMode::Recovering, LinkMode::Live]);
}

#[test]
fn the_core_hears_what_a_hand_did_in_any_state() {
    let mut router = router(at(0), at(0));
    router.start(Ts(1));
    router.drill(LINK, false, Ts(2));
    modes(&mut router);
    let told = |router: &mut Router| -> Vec<(LinkMode, bool)> {
        std::iter::from_fn(|| router.poll_input())
            .filter_map(|body| match body {
                Body::LinkState(report) => Some((report.mode, report.manual)),
                _ => None,
            })
            .collect()
    };
    router.set_manual(LINK, true, Ts(3));
    assert_eq!(
        told(&mut router),
        [(LinkMode::ReadOnly, true)],
        "though it was read-only already"
    );
    router.set_manual(LINK, false, Ts(4));
    assert_eq!(told(&mut router), [], "it is still down");
    router.drill(LINK, true, Ts(5));
    let lifted = [(LinkMode::Recovering, true), (LinkMode::Live, false)];
    assert_eq!(
        told(&mut router),
        lifted,
        "only a hand's report lifts it in the core"
    );
}

#[test]
fn an_order_lost_with_its_connection_is_settled() {
    let config = PaperConfig {
        latency_ns: 1_000,
        ..PaperConfig::exact()
    };
    let mut router = Router::new(at(0), at(0), Limits::default());
    router.add(Box::new(PaperLink::new(LINK, config)));
    router.start(Ts(1));
    router.on_mark(&mark(), Ts(2));
    for seq in 1..=20 {
        router.on_output(at(seq), &submit(seq), Ts(3));
    }
    router.drill(LINK, false, Ts(4));
    router.drill(LINK, true, Ts(5));
    while router.mode(LINK) != Some(LinkMode::Live) {
        let due = router.poll_deadline().expect("questions are open");
        router.on_deadline(due);
    }
    let inputs: Vec<Body> = std::iter::from_fn(|| router.poll_input()).collect();
    let names = names(&inputs);
    for order in 1..=20 {
        let last = names.iter().rev().find(|(id, _)| *id == order);
        assert!(
            matches!(last, Some((_, "filled" | "ended" | "rejected"))),
            "order {order} is neither executed nor settled: {last:?}"
        );
    }
    assert!(names.iter().any(|(_, name)| *name == "rejected"));
}

#[test]
fn a_link_that_refuses_most_orders_rests() {
    let config = PaperConfig {
        reject: Ratio::percent(100),
        ..PaperConfig::exact()
    };
    let mut router = Router::new(at(0), at(0), Limits::default());
    router.add(Box::new(PaperLink::new(LINK, config)));
    router.start(Ts(1));
    modes(&mut router);
    for seq in 1..=12 {
        router.on_output(at(seq), &submit(seq), Ts(seq));
    }
    let inputs: Vec<Body> = std::iter::from_fn(|| router.poll_input()).collect();
    assert_eq!(router.mode(LINK), Some(LinkMode::ReadOnly));
    assert_eq!((router.counts().handed, router.counts().withheld), (10, 2));
    assert!(names(&inputs).iter().all(|(_, name)| *name == "rejected"));
    let due = router.poll_deadline();
    assert_eq!(due, Some(Ts(10).plus(Limits::default().rest_ns)));
    router.on_deadline(due.unwrap_or_default());
    assert_eq!(router.mode(LINK), Some(LinkMode::Live), "it tries again");
}

#[test]
fn a_slow_link_rests_before_its_answers_come() {
    let config = PaperConfig {
        latency_ns: 60 * SECOND_NS,
        ..PaperConfig::exact()
    };
    let mut router = Router::new(at(0), at(0), Limits::default());
    router.add(Box::new(PaperLink::new(LINK, config)));
    router.start(Ts(1));
    for seq in 1..=10 {
        router.on_output(at(seq), &submit(seq), Ts(seq));
    }
    assert_eq!(router.mode(LINK), Some(LinkMode::Live));
    router.on_deadline(Ts(10).plus(2 * SECOND_NS));
    assert_eq!(router.mode(LINK), Some(LinkMode::ReadOnly));
}

#[test]
fn a_link_that_is_back_is_judged_by_what_it_does_from_then_on() {
    let config = PaperConfig {
        latency_ns: 10 * SECOND_NS,
        ..PaperConfig::exact()
    };
    let mut router = Router::new(at(0), at(0), Limits::default());
    router.add(Box::new(PaperLink::new(LINK, config)));
    router.start(Ts(1));
    // Half of the answers are late when the link rests already.
    for seq in 1..=20 {
        let now = if seq <= 10 { Ts(1) } else { Ts(2 * SECOND_NS) };
        router.on_output(at(seq), &submit(seq), now);
    }
    assert_eq!(router.counts().handed, 20);
    for second in 3..=45 {
        router.on_deadline(Ts(second * SECOND_NS));
    }
    use LinkMode::*;
    assert_eq!(
        modes(&mut router),
        [Recovering, Live, ReadOnly, Recovering, Live]
    );
}

#[test]
fn an_unanswered_question_is_asked_again_and_keeps_the_link_recovering() {
    let config = PaperConfig {
        latency_ns: 7 * SECOND_NS,
        ..PaperConfig::exact()
    };
    let mut router = Router::new(at(0), at(0), Limits::default());
    router.add(Box::new(PaperLink::new(LINK, config)));
    router.open_order(&change(3, OrderState::InDoubt), Ts(1));
    router.start(Ts(1));
    assert_eq!(modes(&mut router), [LinkMode::Recovering]);
    while router.mode(LINK) == Some(LinkMode::Recovering) {
        let due = router.poll_deadline().expect("a question is open");
        assert!(due < Ts(60 * SECOND_NS));
        router.on_deadline(due);
    }
    assert_eq!(router.mode(LINK), Some(LinkMode::Live));
}

/// A link on paper whose book is other than ours, a router that knows our positions, and what it tells.
fn audited(theirs: &[PositionChange], ours: &[PositionChange]) -> Router {
    let mut link = PaperLink::new(LINK, PaperConfig::exact());
    for position in theirs {
        link.adopt_position(position);
    }
    let mut router = Router::new(at(0), at(0), Limits::default());
    router.add(Box::new(link));
    for id in 1..=3 {
        router.on_terms(&account(id, LINK));
    }
    for position in ours {
        router.on_position(position);
    }
    router.start(Ts(1));
    router
}

fn account(id: u32, link: LinkId) -> TermsChange {
    TermsChange::Account(AccountTerms {
        id: AccountId(id),
        group: GroupId(1),
        link,
        currency: CurrencyId(1),
        accounting: Accounting::Hedging,
        leverage: Leverage::default(),
    })
}

fn held(id: u64, account: u32, side: Side, qty: i64) -> PositionChange {
    PositionChange {
        id: PositionId(id),
        account: AccountId(account),
        instrument: InstrumentId(7),
        side,
        qty: Qty(qty),
        open_price: Price(100),
        opened: Ts(1),
        margin: Money(0),
        swap: Money(0),
        commission: Money(0),
        realised: Money(0),
        protection: Protection::default(),
    }
}

/// By account, what we hold and what the broker holds.
fn differences(router: &mut Router) -> Vec<(u32, i64, i64)> {
    std::iter::from_fn(|| router.poll_difference())
        .map(|told| (told.account.0, told.ours.0, told.theirs.0))
        .collect()
}

/// When a link is asked again that told at `last` what the books say.
fn scheduled(last: Ts) -> Option<Ts> {
    Some(last.plus(15 * MINUTE_NS))
}

fn next_answer(router: &mut Router) -> Ts {
    let due = router.poll_deadline().expect("it is asked again");
    router.on_deadline(due);
    due
}

#[test]
fn what_a_broker_holds_otherwise_is_told_when_it_says_so_twice() {
    let theirs = [held(1, 1, Side::Buy, 4), held(3, 3, Side::Sell, 5)];
    let ours = [held(1, 1, Side::Buy, 10), held(2, 2, Side::Buy, 6)];
    let mut router = audited(&theirs, &ours);
    assert_eq!(router.mode(LINK), Some(LinkMode::Live), "nothing waits");
    assert_eq!(differences(&mut router), [], "it may be on its way");
    let second = next_answer(&mut router);
    assert_eq!(second, Ts(1).plus(5 * SECOND_NS));
    assert_eq!(
        differences(&mut router),
        [(1, 10, 4), (2, 6, 0), (3, 0, -5)],
        "other volume, missing, extra"
    );
    // It stands: nothing new is told, and it is asked about less often.
    let third = next_answer(&mut router);
    assert_eq!(third, second.plus(MINUTE_NS));
    assert_eq!(differences(&mut router), []);
    // Two are settled; the third changes, which two answers must say again.
    router.on_position(&held(2, 2, Side::Buy, 0));
    router.on_position(&held(4, 3, Side::Sell, 5));
    router.on_position(&held(1, 1, Side::Buy, 9));
    next_answer(&mut router);
    assert_eq!(differences(&mut router), [(2, 0, 0), (3, -5, -5)]);
    next_answer(&mut router);
    assert_eq!(differences(&mut router), [(1, 9, 4)]);
    router.on_position(&held(1, 1, Side::Buy, 4));
    let last = next_answer(&mut router);
    assert_eq!(differences(&mut router), [(1, 4, 4)]);
    assert_eq!(router.poll_deadline(), scheduled(last), "both agree");
}

#[test]
fn holdings_are_asked_for_at_every_return_and_what_is_on_its_way_is_no_difference() {
    let mut router = audited(&[], &[]);
    router.on_mark(&mark(), Ts(2));
    router.drill(LINK, false, Ts(3));
    router.drill(LINK, true, Ts(4));
    assert_eq!(differences(&mut router), []);
    assert_eq!(router.poll_deadline(), scheduled(Ts(4)));
    router.on_output(at(5), &submit(5), Ts(5));
    router.drill(LINK, false, Ts(6));
    router.drill(LINK, true, Ts(7));
    assert_eq!(router.mode(LINK), Some(LinkMode::Live));
    // Its execution becomes a position of ours before the next answer.
    router.on_position(&held(5, 1, Side::Buy, 10));
    let last = next_answer(&mut router);
    assert_eq!(differences(&mut router), []);
    assert_eq!(router.poll_deadline(), scheduled(last));
    // On a schedule it is asked without a return, too.
    router.on_position(&held(6, 1, Side::Buy, 1));
    assert_eq!(Some(next_answer(&mut router)), scheduled(last));
    next_answer(&mut router);
    assert_eq!(differences(&mut router), [(1, 11, 10)]);
}

#[test]
fn a_broker_that_does_not_say_what_it_holds_is_asked_again() {
    let config = PaperConfig {
        latency_ns: 60 * MINUTE_NS,
        ..PaperConfig::exact()
    };
    let mut router = Router::new(at(0), at(0), Limits::default());
    router.add(Box::new(PaperLink::new(LINK, config)));
    router.start(Ts(1));
    let second = next_answer(&mut router);
    assert_eq!(Some(second), scheduled(Ts(1)));
    assert_eq!(router.poll_deadline(), scheduled(second));
}

#[test]
fn positions_that_were_open_at_the_start_are_in_the_book_on_paper() {
    let mut router = audited(&[], &[]);
    router.open_position(&held(1, 1, Side::Buy, 10));
    router.drill(LINK, false, Ts(3));
    router.drill(LINK, true, Ts(4));
    assert_eq!(router.poll_deadline(), scheduled(Ts(4)), "no difference");
}

proptest! {
    /// Whatever breaks and whenever it is restarted, no order is executed twice.
    #[test]
    fn no_order_is_sent_twice(steps in prop::collection::vec(0u8..6, 1..80), seed: u64) {
        let mut broker = SharedPaper::new(PaperConfig { latency_ns: 100, ..PaperConfig::retail(seed) });
        let mut log: Vec<OutputKey> = Vec::new();
        let mut cursor = at(0);
        let mut now = Ts(1_000);
        let mut router = Router::new(cursor, at(0), Limits::default());
        router.add(Box::new(broker.clone()));
        router.start(now);
        for step in steps {
            now = now.plus(1_000);
            match step {
                0 | 1 => {
                    let key = at(log.len() as u64 + 1);
                    log.push(key);
                    cursor = key;
                    router.on_output(key, &submit(key.seq), now);
                }
                // In the log, but the program dies before it is handed over.
                2 => log.push(at(log.len() as u64 + 1)),
                3 => broker.drill(false),
                4 => broker.drill(true),
                _ => {
                    let born = log.last().copied().unwrap_or_default();
                    router = Router::new(cursor, born, Limits::default());
                    router.add(Box::new(broker.clone()));
                    router.start(now);
                    for key in &log {
                        router.on_output(*key, &submit(key.seq), now);
                    }
                    cursor = born;
                }
            }
            router.settle(now);
            while router.poll_input().is_some() {}
        }
        let submitted = broker.submitted.lock().expect("one thread").clone();
        let unique: std::collections::BTreeSet<_> = submitted.iter().collect();
        prop_assert_eq!(unique.len(), submitted.len(), "submitted {:?}", submitted);
    }
}

#[tokio::test]
async fn the_task_carries_an_order_from_the_log_to_the_report() {
    let (log, outputs) = tokio::sync::mpsc::channel(8);
    let (inputs, mut heard) = tokio::sync::mpsc::channel(8);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let rim = TestRim {
        inputs,
        kept: kept.clone(),
    };
    let (handle, join) = task::spawn(router(at(0), at(0)), outputs, rim);
    handle.marks().put(mark());
    let mut live = false;
    while !live {
        let body = heard.recv().await.expect("the task runs");
        live = matches!(body, Body::LinkState(state) if state.mode == LinkMode::Live);
    }
    log.send(vec![(at(5), submit(5))])
        .await
        .expect("the task runs");
    let body = heard.recv().await.expect("the task runs");
    assert_eq!(names(&[body]), [(5, "filled")]);
    assert_eq!(*kept.lock().expect("not poisoned"), [at(5)]);
    drop(log);
    let router = join.await.expect("no panic").expect("cursor kept");
    assert_eq!(router.counts().handed, 1);
}

struct TestRim {
    inputs: tokio::sync::mpsc::Sender<Body>,
    kept: Arc<Mutex<Vec<OutputKey>>>,
}

impl task::Rim for TestRim {
    fn now(&self) -> Ts {
        Ts(1)
    }

    fn offer(&mut self, body: Body) -> Result<(), Box<Body>> {
        self.inputs
            .try_send(body)
            .map_err(|back| Box::new(back.into_inner()))
    }

    fn keep_cursor(&mut self, cursor: OutputKey) -> std::io::Result<()> {
        self.kept.lock().expect("not poisoned").push(cursor);
        Ok(())
    }
}

/// A paper link that outlives the router and remembers every order it was given.
#[derive(Clone)]
struct SharedPaper {
    link: Arc<Mutex<PaperLink>>,
    submitted: Arc<Mutex<Vec<u64>>>,
}

impl SharedPaper {
    fn new(config: PaperConfig) -> Self {
        Self {
            link: Arc::new(Mutex::new(PaperLink::new(LINK, config))),
            submitted: Arc::default(),
        }
    }

    fn paper(&self) -> std::sync::MutexGuard<'_, PaperLink> {
        self.link.lock().expect("one thread")
    }
}

impl Link for SharedPaper {
    fn id(&self) -> LinkId {
        LINK
    }
    fn capabilities(&self) -> Capabilities {
        self.paper().capabilities()
    }
    fn connection(&self) -> Connection {
        self.paper().connection()
    }
    fn submit(&mut self, submit: &Submit, now: Ts) {
        self.submitted.lock().expect("one thread").push(submit.id.0);
        self.paper().submit(submit, now);
    }
    fn cancel(&mut self, order: OrderId, now: Ts) {
        self.paper().cancel(order, now);
    }
    fn protect(&mut self, protect: &Protect, now: Ts) {
        self.paper().protect(protect, now);
    }
    fn status(&mut self, order: OrderId, now: Ts) {
        self.paper().status(order, now);
    }
    fn poll_event(&mut self) -> Option<LinkEvent> {
        self.paper().poll_event()
    }
    fn poll_deadline(&self) -> Option<Ts> {
        self.paper().poll_deadline()
    }
    fn on_deadline(&mut self, now: Ts) {
        self.paper().on_deadline(now);
    }
    fn drill(&mut self, up: bool) {
        self.paper().drill(up);
    }
}

fn router(cursor: OutputKey, born: OutputKey) -> Router {
    let mut router = Router::new(cursor, born, Limits::default());
    router.add(Box::new(PaperLink::new(LINK, PaperConfig::exact())));
    router
}

fn at(seq: u64) -> OutputKey {
    OutputKey { seq, index: 0 }
}

fn submit(id: u64) -> Output {
    Output::Send(siaga_risk::event::Send {
        link: LINK,
        command: LinkCommand::Submit(Box::new(
            open_order_of(&change(id, OrderState::Submitted)).submit,
        )),
    })
}

fn cancel(id: u64) -> Output {
    Output::Send(siaga_risk::event::Send {
        link: LINK,
        command: LinkCommand::Cancel(OrderId(id)),
    })
}

fn status(id: u64) -> Output {
    Output::Send(siaga_risk::event::Send {
        link: LINK,
        command: LinkCommand::Status(OrderId(id)),
    })
}

fn change(id: u64, state: OrderState) -> OrderChange {
    let is_resting = state == OrderState::Working;
    OrderChange {
        id: OrderId(id),
        state,
        origin: Origin::Client,
        link: LINK,
        filled: Qty(0),
        value: 0,
        reason: 0,
        unbooked: 0,
        seen: Price(102),
        placed: Ts(0),
        order: NewOrder {
            account: AccountId(1),
            instrument: InstrumentId(7),
            side: Side::Buy,
            kind: if is_resting {
                OrderKind::Limit
            } else {
                OrderKind::Market
            },
            tif: Tif::Gtc,
            qty: Qty(10),
            price: is_resting.then_some(Price(50)),
            stop: None,
            expires: None,
            position: None,
            reduce_only: false,
            slippage_max: Price(0),
            protection: Protection {
                stop_loss: None,
                take_profit: None,
                trailing: Price(0),
            },
            client_id: [0; 16],
            trader: 0,
            desk: 0,
            strategy: 0,
        },
    }
}

fn mark() -> Mark {
    Mark {
        ts: Ts(0),
        instrument: InstrumentId(7),
        source: SourceId(1),
        bid: Price(100),
        ask: Price(102),
        bid_qty: Qty(0),
        ask_qty: Qty(0),
        venue_lag_us: 0,
        count: 1,
        day_change: Ratio(0),
    }
}

fn modes(router: &mut Router) -> Vec<LinkMode> {
    std::iter::from_fn(|| router.poll_input())
        .filter_map(|body| match body {
            Body::LinkState(report) => Some(report.mode),
            _ => None,
        })
        .collect()
}

fn reports(router: &mut Router) -> Vec<(u64, &'static str)> {
    let inputs: Vec<Body> = std::iter::from_fn(|| router.poll_input()).collect();
    names(&inputs)
}

fn names(inputs: &[Body]) -> Vec<(u64, &'static str)> {
    inputs
        .iter()
        .filter_map(|body| match body {
            Body::Report(report) => Some(report),
            _ => None,
        })
        .map(|report| {
            let name = match report.event {
                BrokerEvent::Accepted => "accepted",
                BrokerEvent::Filled(_) => "filled",
                BrokerEvent::Rejected(_) => "rejected",
                BrokerEvent::CancelRejected(_) => "cancel_rejected",
                BrokerEvent::Unknown => "unknown",
                BrokerEvent::Ended => "ended",
                _ => "other",
            };
            (report.order.0, name)
        })
        .collect()
}
