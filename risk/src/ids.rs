//! Identities inside the core. Outside names (symbols, login names, UUIDs) live in tables at the rim.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        crate::codec_struct!($name($int));
    };
}

id!(
    /// A trading account: given by the input that opens it, never reused.
    AccountId(u32)
);
id!(
    /// An instrument: given by the input that imports its terms, never reused.
    InstrumentId(u32)
);
id!(
    /// A group of accounts that share leverage, levels and policies.
    GroupId(u16)
);
id!(
    /// A set of leverage rules that groups share, 0 = none.
    TierSetId(u16)
);
id!(
    /// A price source (venue session, simulator, recording).
    SourceId(u16)
);
id!(
    /// A link to a broker (paper, FIX session, bridge).
    LinkId(u16)
);
id!(
    /// A currency; its code and name live at the rim.
    CurrencyId(u16)
);
id!(
    /// The journal sequence of the input that placed the order. Further orders of one input carry their place above it.
    OrderId(u64)
);

impl OrderId {
    /// Bits of an id that hold the sequence of its input: room for 17 trillion inputs, and for a million orders by one
    /// of them.
    pub const INPUT_BITS: u32 = 44;

    /// Sequence of the input that placed the order.
    pub const fn input(self) -> u64 {
        self.0 & ((1 << Self::INPUT_BITS) - 1)
    }
}

id!(
    /// The journal sequence of the fill that opened the position.
    PositionId(u64)
);
id!(
    /// An alert: the output key (input sequence and index, packed by the alert engine) that raised it.
    AlertId(u64)
);
id!(
    /// A person of the house, a client or a program; 0 is the system itself.
    ActorId(u32)
);

/// A client's own order id: unique per account for 24 h of machine time.
pub type ClientOrderId = [u8; 16];
