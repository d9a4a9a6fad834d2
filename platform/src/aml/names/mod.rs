//! How alike two names are. [`list_search`] says what the public OFAC search tool would say; [`graded`] says it in
//! parts that tell apart what the tool calls equal. Both are pure and work on [`fold::Folded`] names.

pub mod fold;
pub mod graded;
pub mod jaro;
pub mod list_search;
pub mod soundex;
pub mod tokens;

pub use fold::{Folded, Kind};
pub use graded::{Birth, Country, Graded, Rarity, grade};
pub use list_search::list_search;
pub use soundex::soundex;
