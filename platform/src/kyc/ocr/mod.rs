//! Reading text on pictures: an interface to programs and services that can, and what is taken from the text.

mod fields;
mod http;
mod tesseract;

use std::future::Future;
use std::pin::Pin;

pub use fields::fields;
pub use http::HttpReader;
pub use tesseract::Tesseract;

/// Confidence from which on a reading is used, percent (E3.28).
pub const CONFIDENCE_MIN: u8 = 85;

/// What was read on a picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// The text, line by line.
    pub text: String,
    /// Share of characters that are right, as the reader itself judges, percent.
    pub confidence: u8,
}

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OcrError {
    /// It does not answer, or is busy: again later.
    #[error("{0} does not answer: {1}")]
    Later(&'static str, String),
    /// It cannot read this picture: a person has to.
    #[error("{0} cannot read the picture: {1}")]
    Unreadable(&'static str, String),
}

/// A reading under way.
pub type Reading<'a> = Pin<Box<dyn Future<Output = Result<Page, OcrError>> + Send + 'a>>;

/// Something that reads. It gets a JPEG file and keeps nothing of it.
pub trait Ocr: Send + Sync + 'static {
    /// Its name in logs.
    fn name(&self) -> &'static str;

    /// Reads a picture. Ends by itself: every reader has a time limit of its own.
    fn read(&self, picture: Vec<u8>) -> Reading<'_>;
}
