//! The one binary encoding of the core: journal payloads, snapshots and the state hash all use it.
//!
//! Canonical: one value has exactly one encoding, and a decoder refuses every other. Integers are
//! little-endian and fixed width; `bool` and the mark of an `Option` are one byte, 0 or 1; a
//! sequence is its u32 length and its elements; a map or a set is in strictly ascending order; an
//! enum is its numeric tag and its fields; a struct is its fields in order. There are no names and
//! no versions inside: the journal's format version and fingerprint carry those.
//!
//! Bad input is a [`CodecError`] and never a panic; what a decoder allocates is bounded by the
//! bytes that remain in its input. Recursive types are not supported (a stack has no such bound).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// Longest string a record may carry, bytes. The core stores codes and short names, never text.
pub const STRING_BYTES_MAX: usize = 4_096;

/// Most elements of one sequence, map or set: more than any table of one desk holds.
pub const ELEMENTS_MAX: usize = 1 << 26;

/// A value with a canonical binary encoding.
pub trait Codec: Sized {
    /// Name used in errors.
    const NAME: &'static str;
    /// Fewest bytes an encoded value takes; bounds how many elements an input can hold.
    const BYTES_MIN: usize;

    /// Appends the encoding of `self`.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes one value from the front of `input`, which is left just behind it.
    ///
    /// # Errors
    /// [`CodecError`] when the input is short or is not the canonical encoding of any value.
    fn get(input: &mut &[u8]) -> Result<Self, CodecError>;

    /// Appends the value as JSON, fields by their names: for people and programs that read an
    /// exported journal. A type without named parts is the hexadecimal digits of its encoding.
    fn tell(&self, json: &mut String) {
        json.push('"');
        for byte in encode(self) {
            json.push_str(&format!("{byte:02x}"));
        }
        json.push('"');
    }
}

/// Encodes one value into a new buffer.
pub fn encode<T: Codec>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(T::BYTES_MIN);
    value.put(&mut out);
    out
}

/// Decodes one value that must fill the whole input.
///
/// # Errors
/// [`CodecError`] of the value, or [`CodecFault::Trailing`] when bytes are left over.
pub fn decode<T: Codec>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut input = bytes;
    let value = T::get(&mut input)?;
    if input.is_empty() {
        Ok(value)
    } else {
        Err(CodecError::new(
            T::NAME,
            CodecFault::Trailing { bytes: input.len() },
        ))
    }
}

/// Why a value could not be decoded, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecError {
    /// Type that could not be read.
    pub type_name: &'static str,
    /// Innermost record or enum that holds it; empty at the top.
    pub record: &'static str,
    /// Field (or variant) of that record; empty at the top.
    pub field: &'static str,
    /// What was wrong.
    pub fault: CodecFault,
}

/// What was wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecFault {
    /// The input ended early.
    Short {
        /// Bytes the value needs at least.
        needed: usize,
        /// Bytes that were left.
        left: usize,
    },
    /// No variant has this tag.
    UnknownTag(u64),
    /// Bytes were left behind the value.
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// A length is above the limit of its type or of the remaining input.
    TooLong {
        /// Length found.
        length: usize,
        /// Longest allowed here.
        max: usize,
    },
    /// A boolean or option mark is neither 0 nor 1.
    NotCanonical(u8),
    /// The keys of a map or set do not ascend strictly.
    NotAscending,
    /// A string is not UTF-8.
    NotUtf8,
    /// The bytes are well formed but no value of the type; the reason says why.
    Invalid(&'static str),
}

impl CodecError {
    /// An error of the type `type_name`, not yet placed in a record.
    pub const fn new(type_name: &'static str, fault: CodecFault) -> Self {
        Self {
            type_name,
            record: "",
            field: "",
            fault,
        }
    }

    /// Names the record and field, unless an inner one has been named already.
    #[must_use]
    pub const fn within(mut self, record: &'static str, field: &'static str) -> Self {
        if self.record.is_empty() {
            self.record = record;
            self.field = field;
        }
        self
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.record.is_empty() {
            write!(f, "{}: ", self.type_name)?;
        } else {
            write!(f, "{}.{} ({}): ", self.record, self.field, self.type_name)?;
        }
        match self.fault {
            CodecFault::Short { needed, left } => {
                write!(f, "needs at least {needed} bytes, {left} left")
            }
            CodecFault::UnknownTag(tag) => write!(f, "unknown tag {tag}"),
            CodecFault::Trailing { bytes } => write!(f, "{bytes} bytes left over behind the value"),
            CodecFault::TooLong { length, max } => write!(f, "length {length} is above {max}"),
            CodecFault::NotCanonical(byte) => write!(f, "byte {byte} is neither 0 nor 1"),
            CodecFault::NotAscending => write!(f, "keys do not ascend"),
            CodecFault::NotUtf8 => write!(f, "text is not UTF-8"),
            CodecFault::Invalid(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for CodecError {}

/// Takes `N` bytes for a value of the type `name`.
///
/// # Errors
/// [`CodecFault::Short`].
#[inline]
pub fn take<const N: usize>(input: &mut &[u8], name: &'static str) -> Result<[u8; N], CodecError> {
    match input.split_first_chunk::<N>() {
        Some((head, rest)) => {
            *input = rest;
            Ok(*head)
        }
        None => Err(CodecError::new(
            name,
            CodecFault::Short {
                needed: N,
                left: input.len(),
            },
        )),
    }
}

macro_rules! codec_integers {
    ($($type:ident)*) => {$(
        impl Codec for $type {
            const NAME: &'static str = stringify!($type);
            const BYTES_MIN: usize = size_of::<$type>();
            #[inline]
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            #[inline]
            fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
                take(input, Self::NAME).map(Self::from_le_bytes)
            }
            fn tell(&self, json: &mut String) {
                json.push_str(&self.to_string());
            }
        }
    )*};
}

codec_integers!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128);

impl Codec for bool {
    const NAME: &'static str = "bool";
    const BYTES_MIN: usize = 1;
    #[inline]
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    #[inline]
    fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
        let [byte] = take(input, Self::NAME)?;
        match byte {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(CodecError::new(Self::NAME, CodecFault::NotCanonical(other))),
        }
    }
    fn tell(&self, json: &mut String) {
        json.push_str(if *self { "true" } else { "false" });
    }
}

impl Codec for () {
    const NAME: &'static str = "()";
    const BYTES_MIN: usize = 0;
    fn put(&self, _out: &mut Vec<u8>) {}
    fn get(_input: &mut &[u8]) -> Result<Self, CodecError> {
        Ok(())
    }
}

impl<T: Codec + Copy + Default, const N: usize> Codec for [T; N] {
    const NAME: &'static str = "array";
    const BYTES_MIN: usize = T::BYTES_MIN * N;
    fn put(&self, out: &mut Vec<u8>) {
        for element in self {
            element.put(out);
        }
    }
    fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
        let mut elements = [T::default(); N];
        for element in &mut elements {
            *element = T::get(input)?;
        }
        Ok(elements)
    }
    fn tell(&self, json: &mut String) {
        tell_all(self.iter(), json);
    }
}

impl<T: Codec> Codec for Option<T> {
    const NAME: &'static str = "Option";
    const BYTES_MIN: usize = 1;
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
        let [mark] = take(input, Self::NAME)?;
        match mark {
            0 => Ok(None),
            1 => T::get(input).map(Some),
            other => Err(CodecError::new(Self::NAME, CodecFault::NotCanonical(other))),
        }
    }
    fn tell(&self, json: &mut String) {
        match self {
            Some(value) => value.tell(json),
            None => json.push_str("null"),
        }
    }
}

impl<T: Codec> Codec for Box<T> {
    const NAME: &'static str = T::NAME;
    const BYTES_MIN: usize = T::BYTES_MIN;
    fn put(&self, out: &mut Vec<u8>) {
        (**self).put(out);
    }
    fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
        T::get(input).map(Box::new)
    }
    fn tell(&self, json: &mut String) {
        (**self).tell(json);
    }
}

/// The name of a JSON object's next member.
#[doc(hidden)]
pub fn tell_name(name: &str, json: &mut String) {
    if !json.ends_with('{') {
        json.push(',');
    }
    json.push('"');
    json.push_str(name);
    json.push_str("\":");
}

/// A JSON list.
fn tell_all<'a, T: Codec + 'a>(values: impl Iterator<Item = &'a T>, json: &mut String) {
    json.push('[');
    for (number, value) in values.enumerate() {
        if number > 0 {
            json.push(',');
        }
        value.tell(json);
    }
    json.push(']');
}

/// Writes the length of a sequence. A longer one is a bug of ours: the tables it comes from are
/// bounded far below, so it stops rather than write what could not be read back.
fn put_length(length: usize, max: usize, out: &mut Vec<u8>) {
    assert!(
        length <= max,
        "a sequence of {length} elements is above {max}"
    );
    (length as u32).put(out);
}

/// Reads a length that the remaining input can really hold.
fn get_length(
    input: &mut &[u8],
    name: &'static str,
    element_bytes_min: usize,
    max: usize,
) -> Result<usize, CodecError> {
    let length = u32::from_le_bytes(take(input, name)?) as usize;
    // Elements without bytes would let four bytes of input ask for any amount of work.
    let max = max.min(input.len() / element_bytes_min.max(1));
    if length > max {
        return Err(CodecError::new(name, CodecFault::TooLong { length, max }));
    }
    Ok(length)
}

impl Codec for String {
    const NAME: &'static str = "String";
    const BYTES_MIN: usize = 4;
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.len(), STRING_BYTES_MAX, out);
        out.extend_from_slice(self.as_bytes());
    }
    fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
        let length = get_length(input, Self::NAME, 1, STRING_BYTES_MAX)?;
        let (head, rest) = input.split_at(length);
        *input = rest;
        match std::str::from_utf8(head) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(CodecError::new(Self::NAME, CodecFault::NotUtf8)),
        }
    }
    fn tell(&self, json: &mut String) {
        json.push('"');
        for letter in self.chars() {
            match letter {
                '"' | '\\' => json.extend(['\\', letter]),
                letter if u32::from(letter) < 0x20 => {
                    json.push_str(&format!("\\u{:04x}", u32::from(letter)));
                }
                letter => json.push(letter),
            }
        }
        json.push('"');
    }
}

impl<T: Codec> Codec for Vec<T> {
    const NAME: &'static str = "Vec";
    const BYTES_MIN: usize = 4;
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.len(), ELEMENTS_MAX, out);
        for element in self {
            element.put(out);
        }
    }
    fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
        let length = get_length(input, Self::NAME, T::BYTES_MIN, ELEMENTS_MAX)?;
        let mut elements = Vec::with_capacity(length);
        for _ in 0..length {
            elements.push(T::get(input)?);
        }
        Ok(elements)
    }
    fn tell(&self, json: &mut String) {
        tell_all(self.iter(), json);
    }
}

impl<T: Codec> Codec for VecDeque<T> {
    const NAME: &'static str = "VecDeque";
    const BYTES_MIN: usize = 4;
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.len(), ELEMENTS_MAX, out);
        for element in self {
            element.put(out);
        }
    }
    fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
        Vec::get(input).map(Self::from)
    }
    fn tell(&self, json: &mut String) {
        tell_all(self.iter(), json);
    }
}

impl<K: Codec + Ord, V: Codec> Codec for BTreeMap<K, V> {
    const NAME: &'static str = "BTreeMap";
    const BYTES_MIN: usize = 4;
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.len(), ELEMENTS_MAX, out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }
    fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
        let pair_bytes_min = K::BYTES_MIN + V::BYTES_MIN;
        let length = get_length(input, Self::NAME, pair_bytes_min, ELEMENTS_MAX)?;
        let mut map = Self::new();
        for _ in 0..length {
            let key = K::get(input)?;
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(CodecError::new(Self::NAME, CodecFault::NotAscending));
            }
            map.insert(key, V::get(input)?);
        }
        Ok(map)
    }
    fn tell(&self, json: &mut String) {
        json.push('[');
        for (number, (key, value)) in self.iter().enumerate() {
            json.push_str(if number == 0 { "[" } else { ",[" });
            key.tell(json);
            json.push(',');
            value.tell(json);
            json.push(']');
        }
        json.push(']');
    }
}

impl<K: Codec + Ord> Codec for BTreeSet<K> {
    const NAME: &'static str = "BTreeSet";
    const BYTES_MIN: usize = 4;
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.len(), ELEMENTS_MAX, out);
        for key in self {
            key.put(out);
        }
    }
    fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
        let length = get_length(input, Self::NAME, K::BYTES_MIN, ELEMENTS_MAX)?;
        let mut set = Self::new();
        for _ in 0..length {
            let key = K::get(input)?;
            if set.last().is_some_and(|last| *last >= key) {
                return Err(CodecError::new(Self::NAME, CodecFault::NotAscending));
            }
            set.insert(key);
        }
        Ok(set)
    }
    fn tell(&self, json: &mut String) {
        tell_all(self.iter(), json);
    }
}

macro_rules! codec_tuples {
    ($(($($type:ident $index:tt),+))*) => {$(
        impl<$($type: Codec),+> Codec for ($($type,)+) {
            const NAME: &'static str = "tuple";
            const BYTES_MIN: usize = 0 $(+ $type::BYTES_MIN)+;
            #[inline]
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$index.put(out);)+
            }
            #[inline]
            fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
                Ok(($($type::get(input)?,)+))
            }
            fn tell(&self, json: &mut String) {
                json.push('[');
                $(
                    if $index > 0 {
                        json.push(',');
                    }
                    self.$index.tell(json);
                )+
                json.push(']');
            }
        }
    )*};
}

codec_tuples!((A 0) (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5));

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
