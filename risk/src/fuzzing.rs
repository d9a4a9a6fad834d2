//! Fuzz target of the codec as a plain function.

use crate::record::{get_input, get_output, put_input, put_output};

/// Takes the first two bytes as a record's kind and the rest as its payload, once as an input and once
/// as an output. What decodes has exactly these bytes as its encoding.
///
/// # Panics
/// When the codec breaks that promise.
pub fn fuzz_codec(bytes: &[u8]) {
    let Some((kind, payload)) = bytes.split_first_chunk() else {
        return;
    };
    let kind = u16::from_le_bytes(*kind);
    let mut again = Vec::new();
    if let Ok(input) = get_input(kind, payload) {
        let kind_again = put_input(&input, &mut again);
        assert_eq!((kind_again, &*again), (kind, payload), "{input:?}");
    }
    again.clear();
    if let Ok((ts, output)) = get_output(kind, payload) {
        let kind_again = put_output(ts, &output, &mut again);
        assert_eq!((kind_again, &*again), (kind, payload), "{output:?}");
    }
}
