//! Frame to normalised quote, with rivals.

use criterion::{BatchSize, Criterion, Throughput};
use siaga_bench::decode::{BINANCE, KRAKEN, Rival, binance, binance_frames, kraken};

/// Frames made ahead for one batch: each numbered, since a session drops what it has seen.
const FRAMES: u64 = 10_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    decode_binance(&mut criterion);
    decode_kraken(&mut criterion);
    criterion.final_summary();
}

fn decode_binance(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("Binance bookTicker to quote");
    group.throughput(Throughput::Elements(FRAMES));
    let (frames, rival) = (binance_frames(FRAMES), Rival::new("BTCUSDT"));
    group.bench_function(format!("session, {} bytes", BINANCE.len()), |bencher| {
        bencher.iter_batched_ref(
            binance,
            |session| {
                for frame in &frames {
                    std::hint::black_box(session.quote(frame).expect("a quote"));
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("serde_json::Value", |bencher| {
        bencher.iter(|| {
            for frame in &frames {
                std::hint::black_box(rival.binance_value(frame).expect("a quote"));
            }
        });
    });
    group.bench_function("serde_json borrowed", |bencher| {
        bencher.iter(|| {
            for frame in &frames {
                std::hint::black_box(rival.binance_borrowed(frame).expect("a quote"));
            }
        });
    });
    group.finish();
}

fn decode_kraken(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("Kraken ticker to quote");
    group.throughput(Throughput::Elements(1));
    let (mut session, rival) = (kraken(), Rival::new("BTC/USD"));
    let frame = KRAKEN.as_bytes();
    group.bench_function(format!("session, {} bytes", KRAKEN.len()), |bencher| {
        bencher.iter(|| session.quote(std::hint::black_box(frame)).expect("a quote"));
    });
    group.bench_function("serde_json::Value", |bencher| {
        bencher.iter(|| {
            rival
                .kraken_value(std::hint::black_box(frame))
                .expect("a quote")
        });
    });
    group.bench_function("serde_json borrowed", |bencher| {
        bencher.iter(|| {
            rival
                .kraken_borrowed(std::hint::black_box(frame))
                .expect("a quote")
        });
    });
    group.finish();
}
