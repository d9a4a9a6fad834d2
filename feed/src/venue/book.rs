//! An order book of integer levels, and Kraken's checksum over its top.

use siaga_risk::units::{Price, Qty};
use std::collections::BTreeMap;

/// Levels a side that enter the checksum.
pub const CHECKSUM_LEVELS: usize = 10;

/// A side of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookSide {
    Bid,
    Ask,
}

/// Price levels of one instrument, at most `depth` a side.
#[derive(Clone, Debug)]
pub struct Book {
    bids: BTreeMap<Price, Qty>,
    asks: BTreeMap<Price, Qty>,
    depth: usize,
}

impl Book {
    pub fn new(depth: usize) -> Book {
        Book {
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            depth,
        }
    }

    /// Sets a level; quantity 0 takes it away.
    pub fn set(&mut self, side: BookSide, price: Price, qty: Qty) {
        let levels = match side {
            BookSide::Bid => &mut self.bids,
            BookSide::Ask => &mut self.asks,
        };
        if qty.0 == 0 {
            levels.remove(&price);
        } else {
            levels.insert(price, qty);
        }
    }

    /// Drops what lies behind the depth: the venue says nothing about those levels any more. Call after each update.
    pub fn trim(&mut self) {
        while self.bids.len() > self.depth {
            self.bids.pop_first();
        }
        while self.asks.len() > self.depth {
            self.asks.pop_last();
        }
    }

    pub fn best_bid(&self) -> Option<(Price, Qty)> {
        self.bids
            .last_key_value()
            .map(|(price, qty)| (*price, *qty))
    }

    pub fn best_ask(&self) -> Option<(Price, Qty)> {
        self.asks
            .first_key_value()
            .map(|(price, qty)| (*price, *qty))
    }

    /// Kraken's CRC32: top ten asks upwards, then top ten bids downwards, price and quantity of each written without
    /// their point and leading zeros, which is what our integers are at the venue's digits.
    /// <https://docs.kraken.com/api/docs/guides/spot-ws-book-v2>
    pub fn checksum(&self) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        let asks = self.asks.iter().take(CHECKSUM_LEVELS);
        let bids = self.bids.iter().rev().take(CHECKSUM_LEVELS);
        for (price, qty) in asks.chain(bids) {
            for value in [price.0, qty.0] {
                let mut digits = [0u8; 20];
                crc.update(decimal_digits(value.unsigned_abs(), &mut digits));
            }
        }
        crc.finalize()
    }
}

fn decimal_digits(mut value: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            return &buffer[at..];
        }
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
