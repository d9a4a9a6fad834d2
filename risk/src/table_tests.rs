//! The table against the text a trader can read.
