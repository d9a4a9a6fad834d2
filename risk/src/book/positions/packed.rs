//! A position in pieces: the line that every valuation reads, the half line that is read when it changes, and two
//! rare parts that most positions do not have.

use super::Position;
use crate::codec::{Codec, CodecError, CodecFault, take};
use crate::convert::Rate;
use crate::event::{Protection, ProtectiveKind, Side};
use crate::ids::*;
use crate::record;
use crate::units::*;

/// A slot in use. Bits of `Hot::flags`; those below `SAVED` are state, the others say where it is kept.
const SELL: u32 = 1;
const LOSS_ON: u32 = 2;
const HAS_EXTRA: u32 = 4;
const HAS_WIDE: u32 = 8;
/// Two bits from here on: the tag of the protective price that has fired and one, or zero.
const FIRED_AT: u32 = 4;
const TOLD: u32 = 64;
const SAVED: u32 = 127;
const OPEN: u32 = 128;

/// What a valuation reads: one cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub struct Hot {
    pub account: u32,
    pub instrument: u32,
    qty: i64,
    /// Cost, margin cost and rate when they fit; otherwise zero, and the wide part has them.
    cost: i64,
    margin_cost: i64,
    rate_num: i64,
    /// Zero without a rate.
    rate_den: i64,
    swap: i64,
    flags: u32,
    /// Where its extra part is.
    pub extra: u32,
}

/// What is read when it changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cold {
    pub id: u64,
    opened: u64,
    commission: i64,
    margin: i64,
}

record! {
    /// What a position has that was partly closed, is protected, or is somebody's of the desk.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Extra {
        realised: i64,
        stop: Option<Price>,
        take: Option<Price>,
        trailing: i64,
        best: i64,
        trader: u32,
        desk: u32,
        strategy: u32,
    }

    /// Numbers beyond 64 bits.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Wide {
        cost: i128,
        margin_cost: i128,
        rate: Option<Rate>,
    }
}

/// All of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts {
    pub hot: Hot,
    pub cold: Cold,
    pub extra: Option<Extra>,
    pub wide: Option<Wide>,
}

impl Hot {
    pub fn is_open(&self) -> bool {
        self.flags & OPEN != 0
    }

    pub fn has_extra(&self) -> bool {
        self.flags & HAS_EXTRA != 0
    }

    pub fn has_wide(&self) -> bool {
        self.flags & HAS_WIDE != 0
    }

    pub fn fired(&self) -> Option<ProtectiveKind> {
        let tag = ((self.flags >> FIRED_AT) & 3).checked_sub(1)?;
        ProtectiveKind::from_tag(tag as u8)
    }
}

/// Takes a position apart. One position has one way of being packed.
pub fn pack(position: &Position) -> Parts {
    // Every field is named, so that a new one is given its place here.
    let Position {
        id,
        account,
        instrument,
        side,
        qty,
        cost,
        margin_cost,
        margin_rate,
        opened,
        swap,
        commission,
        realised,
        protection,
        told,
        best,
        fired,
        loss_on,
        margin,
        trader,
        desk,
        strategy,
    } = *position;
    let extra = Extra {
        realised: realised.0,
        stop: protection.stop_loss,
        take: protection.take_profit,
        trailing: protection.trailing.0,
        best: if protection.trailing.0 == 0 { 0 } else { best },
        trader,
        desk,
        strategy,
    };
    let extra = (extra != Extra::default()).then_some(extra);
    let narrow = |rate: Rate| {
        let (num, den) = (i64::try_from(rate.num), i64::try_from(rate.den));
        Some((num.ok()?, den.ok().filter(|den| *den != 0)?))
    };
    let rate = margin_rate.map_or(Some((0, 0)), narrow);
    let costs = i64::try_from(cost)
        .ok()
        .zip(i64::try_from(margin_cost).ok());
    let fits = rate.zip(costs);
    let wide = fits.is_none().then_some(Wide {
        cost,
        margin_cost,
        rate: margin_rate,
    });
    let ((rate_num, rate_den), (cost, margin_cost)) = fits.unwrap_or_default();
    let flag = |on: bool, bit: u32| if on { bit } else { 0 };
    let fired = fired.map_or(0, |kind| u32::from(kind.tag()) + 1);
    let flags = OPEN
        | flag(side == Side::Sell, SELL)
        | (fired << FIRED_AT)
        | flag(told, TOLD)
        | flag(loss_on, LOSS_ON)
        | flag(extra.is_some(), HAS_EXTRA)
        | flag(wide.is_some(), HAS_WIDE);
    Parts {
        hot: Hot {
            account: account.0,
            instrument: instrument.0,
            qty,
            cost,
            margin_cost,
            rate_num,
            rate_den,
            swap: swap.0,
            flags,
            extra: 0,
        },
        cold: Cold {
            id: id.0,
            opened: opened.0,
            commission: commission.0,
            margin: margin.0,
        },
        extra,
        wide,
    }
}

/// Puts a position together.
#[inline]
pub fn unpack(hot: &Hot, cold: &Cold, extra: Option<&Extra>, wide: Option<&Wide>) -> Position {
    let mut position = Position {
        id: PositionId(cold.id),
        account: AccountId(hot.account),
        instrument: InstrumentId(hot.instrument),
        side: if hot.flags & SELL == 0 {
            Side::Buy
        } else {
            Side::Sell
        },
        qty: hot.qty,
        cost: i128::from(hot.cost),
        margin_cost: i128::from(hot.margin_cost),
        margin_rate: (hot.rate_den != 0).then_some(Rate {
            num: i128::from(hot.rate_num),
            den: i128::from(hot.rate_den),
        }),
        opened: Ts(cold.opened),
        swap: Money(hot.swap),
        commission: Money(cold.commission),
        realised: Money(0),
        protection: Protection {
            stop_loss: None,
            take_profit: None,
            trailing: Price(0),
        },
        told: hot.flags & TOLD != 0,
        best: 0,
        fired: hot.fired(),
        loss_on: hot.flags & LOSS_ON != 0,
        margin: Money(cold.margin),
        trader: 0,
        desk: 0,
        strategy: 0,
    };
    if let Some(wide) = wide {
        (position.cost, position.margin_cost, position.margin_rate) =
            (wide.cost, wide.margin_cost, wide.rate);
    }
    if let Some(extra) = extra {
        position.realised = Money(extra.realised);
        position.protection = Protection {
            stop_loss: extra.stop,
            take_profit: extra.take,
            trailing: Price(extra.trailing),
        };
        (position.trader, position.desk, position.strategy) =
            (extra.trader, extra.desk, extra.strategy);
        position.best = extra.best;
    }
    position
}

/// Bytes of a position without its rare parts; its account stands before it.
pub const BYTES: usize = 88;

/// Appends the encoding, the rare parts behind.
#[inline]
pub fn put(hot: &Hot, cold: &Cold, extra: Option<&Extra>, wide: Option<&Wide>, out: &mut Vec<u8>) {
    let mut bytes = [0u8; BYTES];
    bytes[0..4].copy_from_slice(&(hot.flags & SAVED).to_le_bytes());
    bytes[4..8].copy_from_slice(&hot.instrument.to_le_bytes());
    bytes[8..16].copy_from_slice(&cold.id.to_le_bytes());
    bytes[16..24].copy_from_slice(&hot.qty.to_le_bytes());
    bytes[24..32].copy_from_slice(&hot.cost.to_le_bytes());
    bytes[32..40].copy_from_slice(&hot.margin_cost.to_le_bytes());
    bytes[40..48].copy_from_slice(&hot.rate_num.to_le_bytes());
    bytes[48..56].copy_from_slice(&hot.rate_den.to_le_bytes());
    bytes[56..64].copy_from_slice(&hot.swap.to_le_bytes());
    bytes[64..72].copy_from_slice(&cold.opened.to_le_bytes());
    bytes[72..80].copy_from_slice(&cold.commission.to_le_bytes());
    bytes[80..88].copy_from_slice(&cold.margin.to_le_bytes());
    out.extend_from_slice(&bytes);
    if let Some(extra) = extra {
        extra.put(out);
    }
    if let Some(wide) = wide {
        wide.put(out);
    }
}

/// Reads a position of an account.
///
/// # Errors
/// When it is short, or packed otherwise than [`pack`] does.
#[inline]
pub fn get(account: AccountId, input: &mut &[u8]) -> Result<Parts, CodecError> {
    let bytes: [u8; BYTES] = take(input, "Position")?;
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(word)
    };
    let number = |at: usize| word(at) as i64;
    let first = word(0);
    let (flags, instrument) = (first as u32, (first >> 32) as u32);
    let mut parts = Parts {
        hot: Hot {
            account: account.0,
            instrument,
            qty: number(16),
            cost: number(24),
            margin_cost: number(32),
            rate_num: number(40),
            rate_den: number(48),
            swap: number(56),
            flags: flags | OPEN,
            extra: 0,
        },
        cold: Cold {
            id: word(8),
            opened: word(64),
            commission: number(72),
            margin: number(80),
        },
        extra: None,
        wide: None,
    };
    let hot = &parts.hot;
    let mut canonical = flags & !SAVED == 0 && (hot.rate_den != 0 || hot.rate_num == 0);
    if flags & (HAS_EXTRA | HAS_WIDE) != 0 {
        if flags & HAS_EXTRA != 0 {
            let extra = Extra::get(input)?;
            canonical &= extra != Extra::default() && (extra.trailing != 0 || extra.best == 0);
            parts.extra = Some(extra);
        }
        if flags & HAS_WIDE != 0 {
            parts.wide = Some(Wide::get(input)?);
            let Parts { hot, cold, .. } = &parts;
            let again = pack(&unpack(
                hot,
                cold,
                parts.extra.as_ref(),
                parts.wide.as_ref(),
            ));
            canonical &= again.wide == parts.wide && hot.cost == 0 && hot.margin_cost == 0;
            canonical &= hot.rate_num == 0 && hot.rate_den == 0;
        }
    }
    if !canonical {
        let fault = CodecFault::Invalid("a position is packed in another way than it would be");
        return Err(CodecError::new("Position", fault));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position() -> Position {
        let parts = Parts::default();
        Position {
            qty: 7,
            cost: 700,
            margin_cost: 701,
            id: PositionId(9),
            account: AccountId(3),
            ..unpack(&parts.hot, &parts.cold, None, None)
        }
    }

    fn examples() -> Vec<Position> {
        let plain = position();
        let rate = |num, den| Some(Rate { num, den });
        vec![
            plain,
            Position {
                side: Side::Sell,
                fired: Some(ProtectiveKind::StopLoss),
                loss_on: true,
                ..plain
            },
            Position {
                fired: Some(ProtectiveKind::Trailing),
                ..plain
            },
            Position {
                margin_rate: rate(110_000, 100_000),
                swap: Money(-5),
                ..plain
            },
            Position {
                margin_rate: rate(1 << 90, 3),
                ..plain
            },
            Position {
                cost: 1 << 80,
                ..plain
            },
            Position {
                margin_cost: -(1 << 70),
                margin_rate: rate(1, 1),
                realised: Money(4),
                ..plain
            },
            Position {
                realised: Money(-1),
                ..plain
            },
            Position { trader: 5, ..plain },
            Position {
                told: true,
                ..plain
            },
            Position {
                protection: Protection {
                    stop_loss: Some(Price(0)),
                    take_profit: None,
                    trailing: Price(30),
                },
                told: true,
                best: 111,
                ..plain
            },
        ]
    }

    #[test]
    fn a_position_comes_back_whole_from_its_parts_and_from_its_bytes() {
        for position in examples() {
            let Parts {
                hot,
                cold,
                extra,
                wide,
            } = pack(&position);
            let (extra, wide) = (extra.as_ref(), wide.as_ref());
            assert_eq!(unpack(&hot, &cold, extra, wide), position);
            let mut bytes = Vec::new();
            put(&hot, &cold, extra, wide, &mut bytes);
            let mut input = bytes.as_slice();
            let read = get(position.account, &mut input).unwrap();
            assert!(input.is_empty());
            let whole = unpack(
                &read.hot,
                &read.cold,
                read.extra.as_ref(),
                read.wide.as_ref(),
            );
            assert_eq!(whole, position);
            assert!(
                get(position.account, &mut &bytes[..bytes.len() - 1]).is_err(),
                "short"
            );
        }
    }

    #[test]
    fn another_packing_of_the_same_position_is_refused() {
        let Parts { hot, cold, .. } = pack(&position());
        let wide = Wide {
            cost: 700,
            margin_cost: 701,
            rate: None,
        };
        for (extra, wide, flags) in [
            (Some(Extra::default()), None, HAS_EXTRA),
            (None, Some(wide), HAS_WIDE),
            (None, None, OPEN),
        ] {
            let mut bytes = Vec::new();
            put(&hot, &cold, extra.as_ref(), wide.as_ref(), &mut bytes);
            bytes[0] |= flags as u8;
            assert!(get(AccountId(3), &mut bytes.as_slice()).is_err(), "{flags}");
        }
    }

    #[test]
    fn parts_have_the_size_they_are_counted_with() {
        assert_eq!((size_of::<Hot>(), size_of::<Cold>()), (64, 32));
    }
}
