use super::*;
use crate::{codec_enum, record, unit_enum};
use proptest::prelude::*;

record! {
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
    struct Id(u32);

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Sample {
        id: Id,
        price: i64,
        wide: i128,
        on: bool,
        note: Option<String>,
        key: [u8; 16],
        levels: Vec<(i32, u64)>,
        table: BTreeMap<u16, Box<Shape>>,
        keys: BTreeSet<Id>,
        side: Side,
    }
}

codec_enum! {
    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Shape: u16 {
        Empty = 1,
        Single(u64) = 2,
        Named { out: i64, input: Vec<u8> } = 700,
    }
}

unit_enum! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Side: u8 { Buy = 1, Sell = 2 }
}

fn sides() -> impl Strategy<Value = Side> {
    proptest::sample::select(Side::ALL)
}

fn shapes() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Empty),
        any::<u64>().prop_map(Shape::Single),
        (any::<i64>(), prop::collection::vec(any::<u8>(), 0..9))
            .prop_map(|(out, input)| Shape::Named { out, input }),
    ]
}

prop_compose! {
    fn samples()(
        id in any::<u32>(), price in any::<i64>(), wide in any::<i128>(), on in any::<bool>(),
        note in prop::option::of(".{0,12}"), key in any::<[u8; 16]>(),
        levels in prop::collection::vec(any::<(i32, u64)>(), 0..5),
        table in prop::collection::btree_map(any::<u16>(), shapes().prop_map(Box::new), 0..5),
        keys in prop::collection::btree_set(any::<u32>().prop_map(Id), 0..5), side in sides(),
    ) -> Sample {
        Sample { id: Id(id), price, wide, on, note, key, levels, table, keys, side }
    }
}

proptest! {
    #[test]
    fn a_value_comes_back_and_has_one_encoding(sample in samples()) {
        let bytes = encode(&sample);
        prop_assert_eq!(decode::<Sample>(&bytes).unwrap(), sample);
    }

    #[test]
    fn every_cut_is_an_error(sample in samples()) {
        let bytes = encode(&sample);
        for length in 0..bytes.len() {
            prop_assert!(decode::<Sample>(&bytes[..length]).is_err());
        }
        let mut longer = bytes;
        longer.push(0);
        let error = decode::<Sample>(&longer).unwrap_err();
        prop_assert_eq!(error.fault, CodecFault::Trailing { bytes: 1 });
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(
        sample in samples(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = encode(&sample);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(other) = decode::<Sample>(&bytes) {
            prop_assert_eq!(encode(&other), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode::<Sample>(&bytes);
        let _ = decode::<Shape>(&bytes);
        let _ = decode::<Vec<()>>(&bytes);
    }
}

#[test]
fn the_layout_is_what_the_page_says() {
    let shape = Shape::Named {
        out: -2,
        input: vec![9],
    };
    assert_eq!(
        encode(&shape),
        [
            0xbc, 0x02, 0xfe, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 9
        ]
    );
    assert_eq!(
        encode(&(true, Some(Id(5)), Side::Sell)),
        [1, 1, 5, 0, 0, 0, 2]
    );
    assert_eq!(<(u8, Id)>::BYTES_MIN, 5);
}

#[test]
fn errors_name_the_type_and_the_field() {
    let mut bytes = encode(&Id(7));
    bytes.truncate(3);
    let error = decode::<Id>(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Id.0 (u32): needs at least 4 bytes, 3 left"
    );
    assert_eq!(
        decode::<Shape>(&[9, 0]).unwrap_err().to_string(),
        "Shape: unknown tag 9"
    );
    assert_eq!(
        decode::<Side>(&[3]).unwrap_err().fault,
        CodecFault::UnknownTag(3)
    );
    assert_eq!(
        decode::<bool>(&[2]).unwrap_err().fault,
        CodecFault::NotCanonical(2)
    );
}

#[test]
fn a_huge_length_is_refused_before_anything_is_allocated() {
    let huge = u32::MAX.to_le_bytes();
    let expected = CodecFault::TooLong {
        length: u32::MAX as usize,
        max: 0,
    };
    assert_eq!(decode::<Vec<u64>>(&huge).unwrap_err().fault, expected);
    assert_eq!(decode::<Vec<()>>(&huge).unwrap_err().fault, expected);
    assert_eq!(decode::<String>(&huge).unwrap_err().fault, expected);
    assert_eq!(
        decode::<BTreeMap<u8, u8>>(&huge).unwrap_err().fault,
        expected
    );
}

#[test]
fn keys_out_of_order_or_twice_are_refused() {
    for keys in [[2u8, 1], [1, 1]] {
        let bytes = [2, 0, 0, 0, keys[0], keys[1]];
        assert_eq!(
            decode::<BTreeSet<u8>>(&bytes).unwrap_err().fault,
            CodecFault::NotAscending
        );
        let bytes = [2, 0, 0, 0, keys[0], 0, keys[1], 0];
        assert_eq!(
            decode::<BTreeMap<u8, u8>>(&bytes).unwrap_err().fault,
            CodecFault::NotAscending
        );
    }
}
