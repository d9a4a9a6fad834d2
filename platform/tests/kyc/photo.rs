//! Photos of documents.

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

/// A photo that no other number gives.
pub fn photo(number: u32) -> Vec<u8> {
    let picture = RgbImage::from_fn(96, 64, |x, y| {
        let shade = (x * 7 + y * 13 + number * 29) % 251;
        image::Rgb([shade as u8, ((shade + number) % 256) as u8, (x % 256) as u8])
    });
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode_image(&picture)
        .expect("written");
    bytes
}
