//! The macros that declare structs and enums together with their [`Codec`](crate::codec::Codec).

/// Declares plain structs with their [`Codec`]: fields in the order written.
///
/// ```
/// siaga_risk::record! {
///     /// A price and how much of it.
///     #[derive(Clone, Copy, Debug, PartialEq, Eq)]
///     pub struct Level { /** Price, steps. */ pub price: i64, /** Size, lots × 10⁻⁸. */ pub size: u64 }
///     /// A number with a meaning.
///     #[derive(Clone, Copy, Debug, PartialEq, Eq)]
///     pub struct LevelId(pub u32);
/// }
/// ```
#[macro_export]
macro_rules! record {
    () => {};
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty),* $(,)?
    } $($rest:tt)*) => {
        $(#[$meta])* $vis struct $name { $($(#[$field_meta])* $field_vis $field: $type),* }
        $crate::codec_struct!($name { $($field: $type),* });
        $crate::record!($($rest)*);
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident ($field_vis:vis $type:ty); $($rest:tt)*) => {
        $(#[$meta])* $vis struct $name($field_vis $type);
        $crate::codec_struct!($name($type));
        $crate::record!($($rest)*);
    };
}

/// Implements [`Codec`] for a struct declared elsewhere; every field must be named, in the order
/// in which it is encoded: `codec_struct!(Quote { bid: Price, ask: Price });` `codec_struct!(Id(u32));`
#[macro_export]
macro_rules! codec_struct {
    ($name:ident { $($field:ident : $type:ty),* $(,)? }) => {
        impl $crate::codec::Codec for $name {
            const NAME: &'static str = stringify!($name);
            const BYTES_MIN: usize = 0 $(+ <$type as $crate::codec::Codec>::BYTES_MIN)*;
            #[inline]
            fn put(&self, out: &mut ::std::vec::Vec<u8>) {
                let Self { $($field),* } = self;
                $(<$type as $crate::codec::Codec>::put($field, out);)*
            }
            #[inline]
            fn get(input: &mut &[u8]) -> ::std::result::Result<Self, $crate::codec::CodecError> {
                ::std::result::Result::Ok(Self { $($field: <$type as $crate::codec::Codec>::get(input)
                    .map_err(|error| error.within(stringify!($name), stringify!($field)))?),* })
            }
            fn tell(&self, json: &mut ::std::string::String) {
                json.push('{');
                $(
                    $crate::codec::tell_name(stringify!($field), json);
                    <$type as $crate::codec::Codec>::tell(&self.$field, json);
                )*
                json.push('}');
            }
        }
    };
    ($name:ident ($type:ty)) => {
        impl $crate::codec::Codec for $name {
            const NAME: &'static str = stringify!($name);
            const BYTES_MIN: usize = <$type as $crate::codec::Codec>::BYTES_MIN;
            #[inline]
            fn put(&self, out: &mut ::std::vec::Vec<u8>) {
                <$type as $crate::codec::Codec>::put(&self.0, out);
            }
            #[inline]
            fn get(input: &mut &[u8]) -> ::std::result::Result<Self, $crate::codec::CodecError> {
                <$type as $crate::codec::Codec>::get(input).map(Self)
                    .map_err(|error| error.within(stringify!($name), "0"))
            }
            fn tell(&self, json: &mut ::std::string::String) {
                <$type as $crate::codec::Codec>::tell(&self.0, json);
            }
        }
    };
}

/// Declares an enum with explicit numeric tags and its [`Codec`]. The type behind the colon is the
/// tag's width. Variants are units, hold one value, or have named fields. For an enum of units
/// alone [`unit_enum!`](crate::unit_enum) also gives the way back from the number.
///
/// ```
/// siaga_risk::codec_enum! {
///     /// What happened.
///     #[derive(Clone, Debug, PartialEq, Eq)]
///     pub enum Event: u16 {
///         /// Nothing.
///         Idle = 1,
///         /// One number.
///         Seen(u64) = 2,
///         /// Two numbers.
///         Moved { /** From. */ from: i64, /** To. */ to: i64 } = 7,
///     }
/// }
/// assert_eq!(Event::Seen(3).tag(), 2);
/// ```
#[macro_export]
macro_rules! codec_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident : $tag_type:ident {
        $($(#[$variant_meta:meta])* $variant:ident
            $(($single:ty))?
            $({ $($(#[$field_meta:meta])* $field:ident : $type:ty),* $(,)? })?
            = $tag:literal),* $(,)?
    }) => {
        $(#[$meta])* $vis enum $name {
            $($(#[$variant_meta])* $variant $(($single))?
                $({ $($(#[$field_meta])* $field: $type),* })?),*
        }
        impl $name {
            /// The numeric tag of this variant in the binary encoding.
            #[inline]
            #[allow(dead_code)]
            pub const fn tag(&self) -> $tag_type {
                match self { $(Self::$variant { .. } => $tag),* }
            }
            /// Appends the fields without the tag: for a journal record, whose kind is the tag.
            #[allow(unused_variables)]
            pub fn put_fields(&self, out: &mut ::std::vec::Vec<u8>) {
                match self {
                    $(Self::$variant {
                        $(0: $crate::codec_bind!(single, $single),)? $($($field),*)?
                    } => {
                        $(<$single as $crate::codec::Codec>::put(single, out);)?
                        $($(<$type as $crate::codec::Codec>::put($field, out);)*)?
                    })*
                }
            }
            /// Reads the fields of the variant `tag`.
            ///
            /// # Errors
            /// The codec's error when no variant has this tag or its fields are malformed.
            #[deny(unreachable_patterns)]
            #[allow(unused_variables)]
            pub fn get_fields(
                tag: $tag_type,
                input: &mut &[u8],
            ) -> ::std::result::Result<Self, $crate::codec::CodecError> {
                match tag {
                    $($tag => ::std::result::Result::Ok(Self::$variant {
                        $(0: <$single as $crate::codec::Codec>::get(input)
                            .map_err(|error| error.within(stringify!($name), stringify!($variant)))?,)?
                        $($($field: <$type as $crate::codec::Codec>::get(input)
                            .map_err(|error| error.within(
                                concat!(stringify!($name), "::", stringify!($variant)),
                                stringify!($field)))?),*)?
                    }),)*
                    other => ::std::result::Result::Err($crate::codec::CodecError::new(
                        stringify!($name),
                        $crate::codec::CodecFault::UnknownTag(u64::from(other)),
                    )),
                }
            }
        }
        impl $crate::codec::Codec for $name {
            const NAME: &'static str = stringify!($name);
            const BYTES_MIN: usize = size_of::<$tag_type>();
            #[inline]
            fn put(&self, out: &mut ::std::vec::Vec<u8>) {
                <$tag_type as $crate::codec::Codec>::put(&self.tag(), out);
                self.put_fields(out);
            }
            #[inline]
            fn get(input: &mut &[u8]) -> ::std::result::Result<Self, $crate::codec::CodecError> {
                let tag = $crate::codec::take(input, stringify!($name))
                    .map(<$tag_type>::from_le_bytes)?;
                Self::get_fields(tag, input)
            }
            #[allow(unused_variables)]
            fn tell(&self, json: &mut ::std::string::String) {
                json.push('{');
                match self {
                    $(Self::$variant {
                        $(0: $crate::codec_bind!(single, $single),)? $($($field),*)?
                    } => {
                        $crate::codec::tell_name(stringify!($variant), json);
                        let before = json.len();
                        $(<$single as $crate::codec::Codec>::tell(single, json);)?
                        $(
                            json.push('{');
                            $(
                                $crate::codec::tell_name(stringify!($field), json);
                                <$type as $crate::codec::Codec>::tell($field, json);
                            )*
                            json.push('}');
                        )?
                        if json.len() == before {
                            json.push_str("null");
                        }
                    })*
                }
                json.push('}');
            }
        }
    };
}

/// Declares an enum of units whose tags are also its discriminants (`as u8` works and
/// `from_tag` goes back), with its [`Codec`]:
/// `unit_enum! { pub enum Side: u8 { Buy = 1, Sell = 2 } }`.
#[macro_export]
macro_rules! unit_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident : $tag_type:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $tag:literal),* $(,)?
    }) => {
        $(#[$meta])* #[repr($tag_type)] $vis enum $name {
            $($(#[$variant_meta])* $variant = $tag),*
        }
        impl $name {
            /// Every variant, in the order of declaration.
            #[allow(dead_code)]
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// The numeric tag of this variant.
            #[inline]
            #[allow(dead_code)]
            pub const fn tag(&self) -> $tag_type {
                match self { $(Self::$variant => $tag),* }
            }
            /// The variant with this tag.
            #[inline]
            pub const fn from_tag(tag: $tag_type) -> ::std::option::Option<Self> {
                match tag {
                    $($tag => ::std::option::Option::Some(Self::$variant),)*
                    _ => ::std::option::Option::None,
                }
            }
        }
        impl $crate::codec::Codec for $name {
            const NAME: &'static str = stringify!($name);
            const BYTES_MIN: usize = size_of::<$tag_type>();
            #[inline]
            fn put(&self, out: &mut ::std::vec::Vec<u8>) {
                <$tag_type as $crate::codec::Codec>::put(&self.tag(), out);
            }
            #[inline]
            fn get(input: &mut &[u8]) -> ::std::result::Result<Self, $crate::codec::CodecError> {
                let tag = $crate::codec::take(input, stringify!($name))
                    .map(<$tag_type>::from_le_bytes)?;
                Self::from_tag(tag).ok_or($crate::codec::CodecError::new(
                    stringify!($name),
                    $crate::codec::CodecFault::UnknownTag(u64::from(tag)),
                ))
            }
            fn tell(&self, json: &mut ::std::string::String) {
                json.push('"');
                json.push_str(match self {
                    $(Self::$variant => stringify!($variant)),*
                });
                json.push('"');
            }
        }
    };
}

/// Binds a tuple variant's value inside [`codec_enum!`](crate::codec_enum): a repetition must name
/// its type.
#[doc(hidden)]
#[macro_export]
macro_rules! codec_bind {
    ($name:ident, $type:ty) => {
        $name
    };
}
