//! From a venue's frame to inputs of the core: decode, check, scale, queue, take. No socket, no ring.
//!
//! Left out: TLS and the WebSocket layer, the copy into the ring. One thread, warm caches, one instrument of twelve.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use siaga_feed::catalog::Catalog;
use siaga_feed::sim::{Scenario, Simulator};
use siaga_feed::venue::binance::Binance;
use siaga_feed::venue::kraken::Kraken;
use siaga_feed::venue::{Session, VenueListing};
use siaga_risk::ids::{InstrumentId, SourceId};
use siaga_risk::units::{SECOND_NS, Ts};

const NOW: Ts = Ts(1_770_000_000 * SECOND_NS);

/// Frames of one measurement: small enough to stay in the second-level cache.
const FRAMES: u64 = 1_000;

fn listings(symbols: &[&str]) -> Vec<VenueListing> {
    let listing = |(symbol, id): (&&str, u32)| VenueListing {
        symbol: (*symbol).to_owned(),
        instrument: InstrumentId(id),
        price_digits: 2,
        qty_digits: 5,
        negative_prices: false,
    };
    symbols.iter().zip(1..).map(listing).collect()
}

fn binance() -> Binance {
    let mut session = Binance::new(
        SourceId(3),
        listings(&[
            "BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT", "ADAUSDT", "DOGEUSDT",
            "AVAXUSDT", "LINKUSDT", "LTCUSDT", "DOTUSDT", "TRXUSDT",
        ]),
    );
    session.on_open(NOW);
    // The first record of a connection also says that the source is back.
    session.on_frame(
        binance_ticker(0).replace("BTCUSDT", "ETHUSDT").as_bytes(),
        NOW,
    );
    while session.poll_input().is_some() {}
    session
}

fn kraken() -> Kraken {
    let mut session = Kraken::new(SourceId(4), listings(&["BTC/USD", "EUR/USD"]));
    session.on_open(NOW);
    session.on_frame(
        kraken_ticker(0).replace("BTC/USD", "EUR/USD").as_bytes(),
        NOW,
    );
    while session.poll_input().is_some() {}
    session
}

fn binance_ticker(nth: u64) -> String {
    format!(
        r#"{{"stream":"btcusdt@bookTicker","data":{{"u":{},"s":"BTCUSDT","b":"61837.{:02}000000","B":"3.78826000","a":"61838.{:02}000000","A":"1.54698000"}}}}"#,
        50_093_239_212 + nth,
        nth % 100,
        nth % 97
    )
}

fn binance_trade(nth: u64) -> String {
    format!(
        r#"{{"stream":"btcusdt@aggTrade","data":{{"e":"aggTrade","E":1723161255343,"s":"BTCUSDT","a":{nth},"p":"61837.63000000","q":"0.02000000","f":{nth},"l":{nth},"T":1723161255342,"m":true,"M":true}}}}"#
    )
}

fn kraken_ticker(nth: u64) -> String {
    format!(
        r#"{{"channel":"ticker","type":"update","data":[{{"symbol":"BTC/USD","bid":105944.{:02},"bid_qty":2.5,"ask":105945.30,"ask_qty":3.2,"last":105899.40,"volume":163.28908096,"vwap":105904.39279,"low":104711.00,"high":106613.10,"change":250.00,"change_pct":0.24,"timestamp":"2022-12-25T09:30:59.123456Z"}}]}}"#,
        nth % 100
    )
}

/// Feeds every frame to a new connection; every one must become an input, or the figure would flatter.
fn run(session: &mut dyn Session, frames: &[String]) {
    let mut taken = 0;
    for frame in frames {
        session.on_frame(frame.as_bytes(), NOW);
        while let Some(input) = session.poll_input() {
            std::hint::black_box(&input);
            taken += 1;
        }
    }
    assert_eq!(taken, frames.len());
}

fn frames(make: impl Fn(u64) -> String) -> Vec<String> {
    (1..=FRAMES).map(make).collect()
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame to input");
    group.throughput(Throughput::Elements(FRAMES));
    let tickers = frames(binance_ticker);
    group.bench_function("binance bookTicker", |bencher| {
        bencher.iter_batched_ref(
            binance,
            |session| run(session, &tickers),
            BatchSize::SmallInput,
        );
    });
    let trades = frames(binance_trade);
    group.bench_function("binance aggTrade", |bencher| {
        bencher.iter_batched_ref(
            binance,
            |session| run(session, &trades),
            BatchSize::SmallInput,
        );
    });
    let tickers = frames(kraken_ticker);
    group.bench_function("kraken ticker", |bencher| {
        bencher.iter_batched_ref(
            kraken,
            |session| run(session, &tickers),
            BatchSize::SmallInput,
        );
    });
    // The floor: the same bytes, only looked at.
    let bytes = frames(binance_ticker);
    group.bench_function("floor: sum of the bytes of a bookTicker", |bencher| {
        let sum = |frame: &String| frame.bytes().map(u64::from).sum::<u64>();
        bencher.iter(|| bytes.iter().map(sum).sum::<u64>());
    });
    group.finish();
}

fn simulate(criterion: &mut Criterion) {
    let catalog = Catalog::shipped();
    let mut group = criterion.benchmark_group("simulator");
    group.throughput(Throughput::Elements(FRAMES));
    group.bench_function("quote of a calm market", |bencher| {
        let mut simulator = Simulator::new(1, &catalog, Scenario::Calm, NOW).with_rate(1_000);
        bencher.iter(|| {
            for _ in 0..FRAMES {
                std::hint::black_box(simulator.next());
            }
        });
    });
    group.finish();
}

criterion_group!(benches, decode, simulate);
criterion_main!(benches);
