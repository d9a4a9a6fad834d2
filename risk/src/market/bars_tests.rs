use super::*;

const ID: InstrumentId = InstrumentId(1);

fn at(ms: u64) -> Ts {
    Ts(DAY_NS + ms * 1_000_000)
}

/// One tick `(machine ms, venue ms, bid)`, ask one above; closes and shows what is due at each.
struct Scene {
    bars: Bars,
    out: Vec<Output>,
}

impl Scene {
    fn new() -> Self {
        Scene {
            bars: Bars::default(),
            out: Vec::new(),
        }
    }

    fn tick(&mut self, now_ms: u64, venue_ms: u64, bid: i64) {
        self.clock(now_ms);
        self.bars
            .on_quote(Price(bid), Price(bid + 1), at(venue_ms), at(now_ms));
        self.bars.show(ID, at(now_ms), &mut self.out);
    }

    fn clock(&mut self, now_ms: u64) {
        self.bars.close(ID, at(now_ms), &mut self.out);
        self.bars.show(ID, at(now_ms), &mut self.out);
    }

    /// Closed bars of a span: start in ms, bid open/high/low/close, ticks, late.
    fn closed(&self, span: BarSpan) -> Vec<(u64, [i64; 4], u32, u32)> {
        self.out
            .iter()
            .filter_map(|output| match output {
                Output::Bar(bar) if bar.closed && bar.span == span => {
                    let ohlc = [bar.bid.open, bar.bid.high, bar.bid.low, bar.bid.close];
                    Some((
                        (bar.start.0 - DAY_NS) / 1_000_000,
                        ohlc,
                        bar.ticks,
                        bar.late,
                    ))
                }
                _ => None,
            })
            .collect()
    }
}

#[test]
fn a_bar_closes_two_seconds_after_its_end() {
    let mut scene = Scene::new();
    scene.tick(100, 100, 50);
    scene.tick(600, 600, 40);
    scene.tick(999, 999, 45);
    scene.clock(2_999);
    assert_eq!(scene.closed(BarSpan::S1), []);
    scene.clock(3_000);
    assert_eq!(scene.closed(BarSpan::S1), [(0, [50, 50, 40, 45], 3, 0)]);
    scene.clock(61_999);
    assert_eq!(scene.closed(BarSpan::M1), []);
    scene.clock(62_000);
    assert_eq!(scene.closed(BarSpan::M1), [(0, [50, 50, 40, 45], 3, 0)]);
}

#[test]
fn a_late_tick_joins_its_bar_while_that_is_open_and_the_next_afterwards() {
    let mut scene = Scene::new();
    scene.tick(500, 500, 50);
    scene.tick(1_500, 1_500, 60);
    scene.tick(2_900, 700, 70);
    scene.tick(3_100, 900, 80);
    scene.clock(10_000);
    assert_eq!(
        scene.closed(BarSpan::S1),
        [(0, [50, 70, 50, 70], 2, 0), (1_000, [60, 80, 60, 80], 2, 1)]
    );
    scene.clock(70_000);
    let minutes = scene.closed(BarSpan::M1);
    assert_eq!(minutes[0].3, 0, "late for its second, not for its minute");
}

#[test]
fn a_tick_late_for_its_minute_is_counted_there_too() {
    let mut scene = Scene::new();
    scene.tick(62_500, 59_400, 50);
    scene.clock(400_000);
    assert_eq!(scene.closed(BarSpan::S1), [(60_000, [50; 4], 1, 1)]);
    assert_eq!(scene.closed(BarSpan::M1), [(60_000, [50; 4], 1, 1)]);
    assert_eq!(scene.closed(BarSpan::M5), [(0, [50; 4], 1, 0)]);
}

#[test]
fn a_venue_ahead_of_us_has_its_own_bars_in_order() {
    let mut scene = Scene::new();
    for step in 0..200 {
        scene.tick(step * 100, step * 100 + 1_270, step as i64);
    }
    scene.clock(100_000);
    let seconds = scene.closed(BarSpan::S1);
    assert_eq!(seconds.iter().map(|bar| bar.2).sum::<u32>(), 200);
    assert!(seconds.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!(scene.closed(BarSpan::M1), [(0, [0, 199, 0, 199], 200, 0)]);
}

#[test]
fn gaps_are_gaps() {
    let mut scene = Scene::new();
    scene.tick(0, 0, 50);
    scene.tick(180_000, 180_000, 51);
    scene.clock(300_000);
    let starts: Vec<u64> = scene.closed(BarSpan::M1).iter().map(|bar| bar.0).collect();
    assert_eq!(starts, [0, 180_000]);
}

#[test]
fn live_bars_come_at_most_four_times_a_second_and_show_the_newest_price() {
    let mut scene = Scene::new();
    for ms in 0..1_000 {
        scene.tick(ms, ms, ms as i64);
    }
    scene.clock(1_000);
    let live: Vec<&Bar> = scene
        .out
        .iter()
        .filter_map(|output| match output {
            Output::Bar(bar) if !bar.closed && bar.span == BarSpan::M1 => Some(bar),
            _ => None,
        })
        .collect();
    assert_eq!(live.len(), 5);
    assert_eq!(live[4].bid.close, 999);
    assert_eq!(live[4].mid.close, 1_999);
    assert_eq!(scene.bars.deadline(), at(3_000));
}

#[test]
fn every_tick_is_in_exactly_one_bar_of_each_span() {
    let mut scene = Scene::new();
    let mut state = 7u64;
    let mut now = 0;
    for _ in 0..20_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        now += (state >> 33) % 700;
        let skew = (state >> 45) % 9_000;
        scene.tick(
            now,
            (now + 4_500).saturating_sub(skew),
            ((state >> 20) % 1_000) as i64,
        );
    }
    scene.clock(now + 2 * 86_400_000);
    for span in BarSpan::ALL {
        let closed = scene.closed(*span);
        assert_eq!(
            closed.iter().map(|bar| u64::from(bar.2)).sum::<u64>(),
            20_000,
            "{span:?}"
        );
        assert!(
            closed.windows(2).all(|pair| pair[0].0 < pair[1].0),
            "{span:?} in order"
        );
    }
}

#[test]
fn traded_quantity_joins_the_newest_bar() {
    let mut scene = Scene::new();
    scene.bars.on_trade(Qty(3));
    scene.tick(0, 0, 50);
    scene.bars.on_trade(Qty(4));
    scene.clock(10_000);
    let volume = scene.out.iter().find_map(|output| match output {
        Output::Bar(bar) if bar.closed => Some(bar.volume),
        _ => None,
    });
    assert_eq!(volume, Some(Qty(7)));
}
