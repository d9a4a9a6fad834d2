//! The id an order has at the broker: base 36 of (journal epoch, order id), both ways and checked.
//! The epoch is the one of the order's own input, so an order keeps its id when new rules begin.

use siaga_risk::ids::OrderId;
use siaga_risk::journal::Epochs;

/// Digits of an order id: 36^13 is above 2^64.
const ORDER_DIGITS: usize = 13;
/// Digits of an epoch: 36^7 is above 2^32.
const EPOCH_DIGITS_MAX: usize = 7;
/// Longest id on the wire; FIX counterparties take 20 characters.
pub const WIRE_ID_LENGTH_MAX: usize = ORDER_DIGITS + EPOCH_DIGITS_MAX;

/// Why a text is no order id of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("an order id has {min} to {max} characters, this one has {0}", min = ORDER_DIGITS + 1, max = WIRE_ID_LENGTH_MAX)]
    Length(usize),
    #[error("an order id has only the digits 0-9 and the letters a-z, byte {0} is neither")]
    Digit(usize),
    #[error("the number in the order id is too large")]
    Range,
    #[error("the order id starts with a zero")]
    LeadingZero,
    #[error("the order id names journal epoch {found}, its order would be of epoch {expected}")]
    Epoch { found: u32, expected: u32 },
}

/// The id on the wire: the epoch without leading zeros, then 13 digits of the order id. Lower case.
pub fn to_wire(epoch: u32, order: OrderId) -> String {
    let mut digits = Vec::with_capacity(WIRE_ID_LENGTH_MAX);
    let mut left = order.0;
    for _ in 0..ORDER_DIGITS {
        digits.push(digit(left % 36));
        left /= 36;
    }
    let mut left = u64::from(epoch);
    loop {
        digits.push(digit(left % 36));
        left /= 36;
        if left == 0 {
            break;
        }
    }
    digits.iter().rev().map(|byte| char::from(*byte)).collect()
}

/// Epoch and order of an id on the wire. One id has exactly one spelling.
///
/// # Errors
/// [`IdError`] when the text is not an id that [`to_wire`] makes.
pub fn parse_wire(text: &str) -> Result<(u32, OrderId), IdError> {
    let bytes = text.as_bytes();
    if bytes.len() <= ORDER_DIGITS || bytes.len() > WIRE_ID_LENGTH_MAX {
        return Err(IdError::Length(bytes.len()));
    }
    let (epoch, order) = bytes.split_at(bytes.len() - ORDER_DIGITS);
    if epoch.len() > 1 && epoch[0] == b'0' {
        return Err(IdError::LeadingZero);
    }
    let epoch = u32::try_from(number(epoch, 0)?).map_err(|_| IdError::Range)?;
    let order = number(order, bytes.len() - ORDER_DIGITS)?;
    Ok((epoch, OrderId(order)))
}

/// The id of an order of this house.
pub fn wire_of(epochs: &Epochs, order: OrderId) -> String {
    to_wire(epoch_of(epochs, order), order)
}

/// The order of an id on the wire, which must name the epoch that the order belongs to.
///
/// # Errors
/// [`IdError`]; an id of another epoch is an error of its own, never matched by its number.
pub fn from_wire(epochs: &Epochs, text: &str) -> Result<OrderId, IdError> {
    let (found, order) = parse_wire(text)?;
    let expected = epoch_of(epochs, order);
    if found == expected {
        Ok(order)
    } else {
        Err(IdError::Epoch { found, expected })
    }
}

fn epoch_of(epochs: &Epochs, order: OrderId) -> u32 {
    epochs
        .of(order.input())
        .map_or_else(|| epochs.newest(), |epoch| epoch.number)
}

fn digit(value: u64) -> u8 {
    b"0123456789abcdefghijklmnopqrstuvwxyz"[value as usize]
}

fn number(bytes: &[u8], offset: usize) -> Result<u64, IdError> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().enumerate() {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            _ => return Err(IdError::Digit(offset + at)),
        };
        value = value
            .checked_mul(36)
            .and_then(|value| value.checked_add(u64::from(digit)))
            .ok_or(IdError::Range)?;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use siaga_risk::journal::{Disk, MemoryDisk};
    use std::sync::Arc;

    proptest! {
        #[test]
        fn every_id_comes_back(epoch: u32, order: u64) {
            let wire = to_wire(epoch, OrderId(order));
            prop_assert!(wire.len() <= WIRE_ID_LENGTH_MAX);
            prop_assert_eq!(parse_wire(&wire), Ok((epoch, OrderId(order))));
        }

        #[test]
        fn what_is_read_has_one_spelling(text in "[0-9a-zA-Z -]{0,24}") {
            if let Ok((epoch, order)) = parse_wire(&text) {
                prop_assert_eq!(to_wire(epoch, order), text);
            }
        }
    }

    #[test]
    fn an_order_keeps_the_epoch_of_its_input_and_an_id_of_a_lost_history_is_not_matched() {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
        let (mut epochs, _) = Epochs::open(&disk).expect("an empty table");
        for first_seq in [1, 901] {
            epochs.begin(&disk, first_seq).expect("kept");
        }
        // What a stop-out closed in input 900, as its fourth order.
        let further = OrderId(900 | 3 << OrderId::INPUT_BITS);
        assert_eq!(from_wire(&epochs, &to_wire(1, further)), Ok(further));
        let (before, after) = (OrderId(900), OrderId(950));
        assert_eq!(wire_of(&epochs, before), to_wire(1, before));
        assert_eq!(wire_of(&epochs, after), to_wire(2, after));
        assert_eq!(
            from_wire(&epochs, &to_wire(1, after)),
            Err(IdError::Epoch {
                found: 1,
                expected: 2
            })
        );
    }

    #[test]
    fn wrong_ids_say_what_is_wrong() {
        assert_eq!(to_wire(1, OrderId(36)), "10000000000010");
        let epochs = |number| Epochs::single(number, 0);
        assert_eq!(from_wire(&epochs(1), "10000000000010"), Ok(OrderId(36)));
        assert_eq!(wire_of(&epochs(1), OrderId(36)), "10000000000010");
        assert_eq!(
            from_wire(&epochs(2), "10000000000010"),
            Err(IdError::Epoch {
                found: 1,
                expected: 2
            })
        );
        assert_eq!(parse_wire("10"), Err(IdError::Length(2)));
        assert_eq!(parse_wire("1000000000001A"), Err(IdError::Digit(13)));
        assert_eq!(parse_wire("1zzzzzzzzzzzzz"), Err(IdError::Range));
        assert_eq!(parse_wire("010000000000010"), Err(IdError::LeadingZero));
    }
}
