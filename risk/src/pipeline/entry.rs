//! One slot of the inbound ring.

use crate::event::Input;
use crate::view::Ask;

/// What a producer may put into the ring: an input to be journaled and decided, or a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Entry {
    /// An empty slot.
    #[default]
    Nothing,
    Input(Input),
    Ask(Box<Ask>),
    /// The stages finish what came before it and end.
    Stop,
}

// The ring's slots are cache lines; the tag hides in the quote's kind.
const _: () = assert!(size_of::<Entry>() == 64);
