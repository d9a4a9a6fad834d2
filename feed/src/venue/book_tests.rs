use super::*;
use crate::decimal;
use crate::recordings;
use serde_json::Value;
use std::collections::BTreeMap;

#[test]
fn the_checksum_covers_the_top_ten_of_each_side() {
    let mut book = Book::new(100);
    for n in 1..=20 {
        book.set(BookSide::Ask, Price(1_000 + n), Qty(n));
        book.set(BookSide::Bid, Price(1_000 - n), Qty(n));
    }
    let whole = book.checksum();
    book.set(BookSide::Ask, Price(1_015), Qty(999));
    book.set(BookSide::Bid, Price(985), Qty(0));
    assert_eq!(book.checksum(), whole, "deep levels do not count");
    book.set(BookSide::Bid, Price(999), Qty(2));
    assert_ne!(book.checksum(), whole);
    let mut shallow = Book::new(1);
    shallow.set(BookSide::Ask, Price(5), Qty(1));
    shallow.set(BookSide::Ask, Price(4), Qty(1));
    shallow.trim();
    assert_eq!(shallow.best_ask(), Some((Price(4), Qty(1))));
}

struct Recorded {
    book: Book,
    price_digits: u8,
}

fn apply(recorded: &mut Recorded, levels: &Value, side: BookSide) {
    for level in levels.as_array().unwrap() {
        let field = |index: usize| level[index].as_str().unwrap().as_bytes();
        let price = decimal::parse_exact(field(0), recorded.price_digits).unwrap();
        let qty = decimal::parse_exact(field(1), 8).unwrap();
        recorded.book.set(side, Price(price), Qty(qty));
    }
}

/// Applies one message; its checksum when it has one.
fn update<'a>(recorded: &mut Recorded, bodies: &'a [Value]) -> Option<&'a str> {
    let sides = [
        ("as", BookSide::Ask),
        ("bs", BookSide::Bid),
        ("a", BookSide::Ask),
        ("b", BookSide::Bid),
    ];
    for body in bodies {
        for (key, side) in sides {
            if let Some(levels) = body.get(key) {
                apply(recorded, levels, side);
            }
        }
    }
    bodies.iter().find_map(|body| body.get("c")?.as_str())
}

/// The recording speaks the older protocol; levels, digits and checksum are the same.
#[test]
fn every_recorded_checksum_of_kraken_is_met() {
    let Some(text) = recordings::text("wire/cryptofeed/KRAKEN.ws.50.0.gz") else {
        return;
    };
    let fact = &recordings::facts().unwrap()["wire"]["cryptofeed/KRAKEN.ws.50.0"];
    let mut books: BTreeMap<String, Recorded> = BTreeMap::new();
    let (mut met, mut missed, mut without) = (0u64, 0u64, 0u64);
    for line in text.lines() {
        let Some((_, frame)) = line.split_once(": [") else {
            continue;
        };
        let Ok(Value::Array(parts)) = serde_json::from_str(&format!("[{frame}")) else {
            continue;
        };
        let pair = parts.last().unwrap().as_str().unwrap();
        let bodies = &parts[1..parts.len() - 2];
        if bodies[0].get("as").is_some() {
            let sample = bodies[0]["as"][0][0].as_str().unwrap();
            let price_digits = sample
                .split_once('.')
                .map_or(0, |(_, behind)| behind.len() as u8);
            books.insert(
                pair.to_owned(),
                Recorded {
                    book: Book::new(1_000),
                    price_digits,
                },
            );
        }
        let recorded = books.get_mut(pair).expect("a snapshot comes first");
        let checksum = update(recorded, bodies);
        recorded.book.trim();
        match checksum {
            Some(wanted) if recorded.book.checksum().to_string() == wanted => met += 1,
            Some(_) => missed += 1,
            None => without += 1,
        }
    }
    assert_eq!(
        (met, missed),
        (fact["crc32_checksums_ok"].as_u64().unwrap(), 0)
    );
    assert_eq!(
        (met, without),
        (4_269, fact["messages_without_checksum"].as_u64().unwrap())
    );
    for (pair, best) in fact["final_best"].as_object().unwrap() {
        let recorded = &books[pair];
        let want = |index: usize| {
            decimal::parse_exact(
                best[index].as_str().unwrap().as_bytes(),
                recorded.price_digits,
            )
            .unwrap()
        };
        assert_eq!(
            recorded.book.best_bid().unwrap().0,
            Price(want(0)),
            "{pair}"
        );
        assert_eq!(
            recorded.book.best_ask().unwrap().0,
            Price(want(1)),
            "{pair}"
        );
    }
}
