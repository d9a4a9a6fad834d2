//! Numbered faults of the bridge protocol. The numbers are stable.

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $slug:literal, $closes:literal;)*) => {
        /// What was wrong with a frame or a connection.
        #[repr(u16)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum BridgeFault { $($(#[$doc])* $name = $code,)* }

        impl BridgeFault {
            /// Every fault, by number.
            pub const ALL: &'static [BridgeFault] = &[$(BridgeFault::$name,)*];

            /// The stable number.
            pub fn code(self) -> u16 { self as u16 }

            /// The stable name, `snake_case`.
            pub fn name(self) -> &'static str {
                match self { $(BridgeFault::$name => $slug,)* }
            }

            /// The connection is closed after it.
            pub fn closes(self) -> bool {
                match self { $(BridgeFault::$name => $closes,)* }
            }
        }
    };
}

faults! {
    /// Not a text frame, or not a JSON object with a text field `t`.
    NotJson = 7001, "not_json", false;
    /// Longer than the limit told in the welcome.
    FrameTooLarge = 7002, "frame_too_large", true;
    /// No frame has this `t`.
    UnknownType = 7003, "unknown_type", false;
    /// A field is missing, unknown or malformed; the message names it.
    BadField = 7004, "bad_field", false;
    /// Anything before the hello.
    HelloFirst = 7005, "hello_first", true;
    /// A second hello on one connection.
    HelloTwice = 7006, "hello_twice", true;
    /// The hello names another link.
    WrongLink = 7007, "wrong_link", true;
    /// The token is wrong.
    WrongToken = 7008, "wrong_token", true;
    /// The peer speaks another version.
    WrongVersion = 7009, "wrong_version", true;
    /// A numbered frame is missing; the message says which one is expected.
    SequenceGap = 7010, "sequence_gap", false;
    /// The order id is not of this house, this epoch or this link.
    UnknownOrder = 7011, "unknown_order", false;
    /// More than was ordered, or less than nothing.
    BadQuantity = 7012, "bad_quantity", false;
    /// An acknowledgement of frames that were never sent.
    BadAck = 7013, "bad_ack", false;
    /// No hello in time.
    HelloTimeout = 7014, "hello_timeout", true;
    /// Nothing was heard for too long.
    DeadPeer = 7015, "dead_peer", true;
    /// Too many frames are not acknowledged, or not read, for too long.
    TooSlow = 7016, "too_slow", true;
    /// Too many faults on one connection.
    TooManyFaults = 7017, "too_many_faults", true;
    /// Another connection of this link took over, or many newer ones wait to do so.
    Replaced = 7018, "replaced", true;
    /// No position of the house is called so, or it was closed long ago.
    UnknownPosition = 7019, "unknown_position", false;
}
