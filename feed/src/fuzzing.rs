//! Fuzz targets as plain functions: any bytes in, no panic, and what comes out obeys the contract.

use crate::venue::binance::Binance;
use crate::venue::kraken::Kraken;
use crate::venue::{Session, VenueListing};
use siaga_risk::event::Input;
use siaga_risk::ids::{InstrumentId, SourceId};
use siaga_risk::units::{SECOND_NS, Ts};

const SOURCE: SourceId = SourceId(9);
const START: Ts = Ts(1_700_000_000 * SECOND_NS);

fn listings(symbols: [&str; 2]) -> Vec<VenueListing> {
    let listing = |(symbol, id): (&str, u32)| VenueListing {
        symbol: symbol.to_owned(),
        instrument: InstrumentId(id),
        price_digits: 2,
        qty_digits: 5,
        negative_prices: false,
    };
    symbols.into_iter().zip(1..).map(listing).collect()
}

/// Frames of a Binance connection, one per line.
pub fn fuzz_binance(data: &[u8]) {
    drive(
        &mut Binance::new(SOURCE, listings(["BTCUSDT", "ETHUSDT"])),
        data,
    );
}

/// Frames of a Kraken connection, one per line.
pub fn fuzz_kraken(data: &[u8]) {
    drive(
        &mut Kraken::new(SOURCE, listings(["BTC/USD", "ETH/USD"])),
        data,
    );
}

fn drive(session: &mut dyn Session, data: &[u8]) {
    let mut now = START;
    session.on_open(now);
    let (mut frames, mut quotes, mut trades) = (0u64, 0u64, 0u64);
    for frame in data.split(|byte| *byte == b'\n') {
        // The first byte also moves the clock, now and then past a deadline.
        now = now.plus(u64::from(frame.first().copied().unwrap_or(0)) * 100_000_000);
        session.on_frame(frame, now);
        frames += 1;
        if session
            .poll_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            session.on_deadline(now);
        }
        while let Some(input) = session.poll_input() {
            check(&input, now);
            quotes += u64::from(matches!(input, Input::Quote(_)));
            trades += u64::from(matches!(input, Input::Trade(_)));
        }
        while session.poll_send().is_some() {}
        if session.poll_close().is_some() {
            session.on_closed(now);
            session.on_open(now);
        }
    }
    let counts = session.counts();
    assert_eq!(
        (counts.frames, counts.quotes, counts.trades),
        (frames, quotes, trades)
    );
}

fn check(input: &Input, now: Ts) {
    match input {
        Input::Quote(quote) => {
            assert!(
                quote.bid.0 > 0 && quote.ask.0 > 0 && quote.bid_qty.0 >= 0 && quote.ask_qty.0 >= 0
            );
            assert!(
                (1..=2).contains(&quote.instrument.0) && quote.source == SOURCE && quote.ts == now
            );
        }
        Input::Trade(trade) => {
            assert!(trade.price.0 > 0 && trade.qty.0 >= 0);
            assert!((1..=2).contains(&trade.instrument.0) && trade.ts == now);
        }
        Input::Gap(gap) => assert_eq!(gap.source, SOURCE),
        other => panic!("a venue never says {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BINANCE: &[&str] = &[
        r#"{"stream":"btcusdt@bookTicker","data":{"u":7,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}}"#,
        r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1723161255343,"a":1,"s":"BTCUSDT","p":"61837.63","q":"0.02","f":1,"l":4,"T":1,"m":true}}"#,
        r#"{"e":"serverShutdown","E":1770123456789}"#,
        r#"{"result":null,"id":1}"#,
    ];
    const KRAKEN: &[&str] = &[
        r#"{"channel":"ticker","type":"snapshot","data":[{"symbol":"BTC/USD","bid":1.5,"bid_qty":0.5,"ask":1.75,"ask_qty":1.25}]}"#,
        r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":5.5,"qty":1,"trade_id":3,"timestamp":"2023-10-06T17:35:55.440295Z"}]}"#,
        r#"{"channel":"heartbeat"}"#,
        r#"{"method":"subscribe","success":false,"error":"x","symbol":"BTC/USD"}"#,
    ];

    /// Real frames with a piece cut out, doubled or overwritten.
    fn damaged(frames: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
        let edit = (
            0..frames.len(),
            any::<u16>(),
            0usize..12,
            proptest::collection::vec(any::<u8>(), 0..8),
        );
        proptest::collection::vec(edit, 1..12).prop_map(move |edits| {
            let mut data = Vec::new();
            for (frame, at, cut, put) in edits {
                let mut bytes = frames[frame].as_bytes().to_vec();
                let at = usize::from(at) % (bytes.len() + 1);
                let end = (at + cut).min(bytes.len());
                bytes.splice(at..end, put);
                data.extend_from_slice(&bytes);
                data.push(b'\n');
            }
            data
        })
    }

    proptest! {
        #[test]
        fn binance_takes_anything(data in damaged(BINANCE)) {
            fuzz_binance(&data);
        }

        #[test]
        fn kraken_takes_anything(data in damaged(KRAKEN)) {
            fuzz_kraken(&data);
        }

        #[test]
        fn noise_is_taken_too(data in proptest::collection::vec(any::<u8>(), 0..512)) {
            fuzz_binance(&data);
            fuzz_kraken(&data);
        }
    }

    #[test]
    fn whole_frames_are_used() {
        fuzz_binance(BINANCE.join("\n").as_bytes());
        fuzz_kraken(KRAKEN.join("\n").as_bytes());
    }
}
