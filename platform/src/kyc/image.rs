//! A file somebody sent, and the picture that is kept of it: type by content, decoded whole within
//! limits, turned upright, written anew. Nothing of the file but its pixels comes through: no metadata,
//! no second format hidden in it, nothing behind its end.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, RgbImage};
use sha2::{Digest, Sha256};

use super::checks::quality::{self, Quality};
use super::document::Kind;
use super::faults::{FILE_BROKEN, FILE_PIXELS, FILE_TOO_LARGE, FILE_TYPE};
use crate::refusal::Refusal;

/// Bytes of a file (E3.19: 5 MB).
pub const FILE_BYTES_MAX: usize = 5 * MB;

/// Bytes of a megabyte.
const MB: usize = 1_000_000;

/// Pixels of a picture: the largest cameras of telephones give 24 million when they are asked for documents.
const PIXELS_MAX: u64 = 25_000_000;

/// Pixels of a side.
const SIDE_MAX: u32 = 12_000;

/// Pixels of the shorter side: less cannot be told from a fragment.
const SIDE_MIN: u32 = 32;

/// Bytes a decoder may take: four channels of a byte of the largest picture, and a fifth for its work. Deeper channels are of
/// scanners, whose pictures are smaller.
const DECODER_BYTES_MAX: u64 = 120 * 1024 * 1024;

/// Quality of what is kept: text stays readable, the file small.
const JPEG_QUALITY: u8 = 92;

/// Media type of everything that is kept.
pub const MEDIA_TYPE: &str = "image/jpeg";

/// A picture as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// A JPEG file.
    pub bytes: Vec<u8>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// SHA-256 of the pixels and their form, in hexadecimal: the same for one picture under any metadata.
    pub digest: String,
    /// What was measured on it.
    pub quality: Quality,
}

/// Takes a file in. It computes for as long as a second: call it from `spawn_blocking`.
///
/// # Errors
/// Too large, of another type than `kind` has, broken, or with too many or too few pixels.
pub fn take(kind: Kind, file: &[u8]) -> Result<Picture, Refusal> {
    if file.len() > FILE_BYTES_MAX {
        return Err(too_large());
    }
    let format = format_of(file).ok_or_else(|| FILE_TYPE.because("send a JPEG or a PNG"))?;
    if format != ImageFormat::Jpeg && kind == Kind::Selfie {
        return Err(FILE_TYPE.because("a selfie must be a JPEG"));
    }
    if format == ImageFormat::Jpeg && !is_whole_jpeg(file) {
        return Err(FILE_BROKEN.because("send it again; the end of the file is missing"));
    }
    keep(decode(file, format)?.into_rgb8())
}

/// The refusal of a file above the limit.
pub fn too_large() -> Refusal {
    FILE_TOO_LARGE.because(format!(
        "send at most {} MB for each file",
        FILE_BYTES_MAX / MB
    ))
}

/// By the first bytes, whatever the name or the sender says.
fn format_of(file: &[u8]) -> Option<ImageFormat> {
    if file.starts_with(&[0xFF, 0xD8, 0xFF]) {
        Some(ImageFormat::Jpeg)
    } else if file.starts_with(&[0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A]) {
        Some(ImageFormat::Png)
    } else {
        None
    }
}

/// Whether the picture's data reach their end marker. Decoders fill up what is missing with grey, which
/// would pass for a document with an empty half.
fn is_whole_jpeg(file: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xFF, marker]) = file.get(at..at + 2) {
        if marker == 0xDA {
            let data = file.get(at..).unwrap_or_default();
            return data.windows(2).any(|pair| pair == [0xFF, 0xD9]);
        }
        // A marker may be preceded by further fill bytes.
        if marker == 0xFF {
            at += 1;
            continue;
        }
        let Some(&[high, low]) = file.get(at + 2..at + 4) else {
            return false;
        };
        at += 2 + usize::from(u16::from_be_bytes([high, low])).max(2);
    }
    false
}

fn decode(file: &[u8], format: ImageFormat) -> Result<DynamicImage, Refusal> {
    let broken = |_| FILE_BROKEN.because("take the photo again; the file is damaged");
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| match error {
        image::ImageError::Limits(_) => pixels(),
        other => broken(other),
    })?;
    // The head says how much there will be: a bomb is refused before a byte of it is unpacked.
    let (width, height) = decoder.dimensions();
    let all = u64::from(width) * u64::from(height);
    if all > PIXELS_MAX
        || width > SIDE_MAX
        || height > SIDE_MAX
        || width.min(height) < SIDE_MIN
        || decoder.total_bytes() > DECODER_BYTES_MAX
    {
        return Err(pixels());
    }
    let orientation = decoder.orientation().map_err(broken)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn pixels() -> Refusal {
    FILE_PIXELS.because(format!(
        "send between {SIDE_MIN} pixels on the shorter side and {} million pixels in all",
        PIXELS_MAX / 1_000_000
    ))
}

/// Takes the pixels, so that a large picture is not in memory twice.
fn keep(picture: RgbImage) -> Result<Picture, Refusal> {
    let (width, height) = picture.dimensions();
    let mut bytes = Vec::new();
    let written = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(&picture);
    written.map_err(|_| FILE_BROKEN.because("take the photo again; it cannot be stored"))?;
    let mut hash = Sha256::new();
    hash.update(width.to_be_bytes());
    hash.update(height.to_be_bytes());
    hash.update(picture.as_raw());
    let digest = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let gray = DynamicImage::ImageRgb8(picture).to_luma8();
    Ok(Picture {
        bytes,
        width,
        height,
        digest,
        quality: quality::measure(&gray),
    })
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder as _, Rgb};

    use super::*;
    use crate::refusal::Fault;

    fn photo() -> RgbImage {
        RgbImage::from_fn(320, 200, |x, y| {
            Rgb([(x % 256) as u8, (y % 256) as u8, ((x * y) % 256) as u8])
        })
    }

    fn png(picture: &RgbImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        image::codecs::png::PngEncoder::new(&mut bytes)
            .write_image(
                picture.as_raw(),
                picture.width(),
                picture.height(),
                ExtendedColorType::Rgb8,
            )
            .expect("written");
        bytes
    }

    fn jpeg(picture: &RgbImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 90)
            .encode_image(picture)
            .expect("written");
        bytes
    }

    fn fault(kind: Kind, file: &[u8]) -> Fault {
        take(kind, file)
            .expect_err("refused")
            .fault()
            .expect("a fault")
    }

    #[test]
    fn the_type_is_what_the_bytes_say() {
        assert!(take(Kind::Ktp, &png(&photo())).is_ok());
        assert!(take(Kind::Ktp, &jpeg(&photo())).is_ok());
        assert!(take(Kind::Selfie, &jpeg(&photo())).is_ok());
        assert_eq!(
            fault(Kind::Selfie, &png(&photo())),
            FILE_TYPE,
            "a selfie is a JPEG"
        );
        for other in [
            &b"%PDF-1.7"[..],
            b"GIF89a",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"MZ",
            b"",
            b"\xFF\xD8",
        ] {
            assert_eq!(fault(Kind::Ktp, other), FILE_TYPE);
        }
    }

    #[test]
    fn what_only_begins_as_an_image_is_refused() {
        let whole = jpeg(&photo());
        assert_eq!(fault(Kind::Ktp, &whole[..40]), FILE_BROKEN);
        assert_eq!(
            fault(Kind::Ktp, &whole[..whole.len() / 2]),
            FILE_BROKEN,
            "half a photo"
        );
        let whole = png(&photo());
        assert_eq!(fault(Kind::Ktp, &whole[..whole.len() / 2]), FILE_BROKEN);
        assert_eq!(
            fault(Kind::Ktp, b"\xFF\xD8\xFF\xE0 and then a script"),
            FILE_BROKEN
        );
    }

    #[test]
    fn five_megabytes_pass_and_one_byte_more_does_not() {
        let mut file = png(&photo());
        // Behind the end of a PNG anything may stand: it is not kept.
        file.resize(5_000_000, 0);
        assert!(take(Kind::Ktp, &file).is_ok());
        file.push(0);
        assert_eq!(fault(Kind::Ktp, &file), FILE_TOO_LARGE);
    }

    /// A head that promises 60,000 × 60,000 pixels, in a file of a few bytes.
    #[test]
    fn a_bomb_is_refused_by_its_head() {
        let mut bomb = png(&photo());
        for (at, byte) in 60_000u32
            .to_be_bytes()
            .into_iter()
            .chain(60_000u32.to_be_bytes())
            .enumerate()
        {
            bomb[16 + at] = byte;
        }
        let crc = crc32(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(fault(Kind::Ktp, &bomb), FILE_PIXELS);
        assert_eq!(
            fault(Kind::Ktp, &png(&RgbImage::new(400, 10))),
            FILE_PIXELS,
            "a strip of pixels is no document"
        );
    }

    /// As PNG computes it.
    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    (crc >> 1) ^ 0xEDB8_8320
                } else {
                    crc >> 1
                };
            }
        }
        !crc
    }

    #[test]
    fn nothing_but_pixels_comes_through() {
        let plain = jpeg(&photo());
        let mut loaded = plain[..2].to_vec();
        let exif = b"Exif\0\0GPS -6.2088 106.8456 <script>alert(1)</script>";
        loaded.extend_from_slice(&[0xFF, 0xE1]);
        loaded.extend_from_slice(&u16::try_from(exif.len() + 2).expect("short").to_be_bytes());
        loaded.extend_from_slice(exif);
        loaded.extend_from_slice(&plain[2..]);
        loaded.extend_from_slice(b"PK\x03\x04 an archive behind the picture");
        let kept = take(Kind::Ktp, &loaded).expect("a picture");
        for trace in [&b"Exif"[..], b"script", b"PK\x03\x04"] {
            assert!(
                !kept
                    .bytes
                    .windows(trace.len())
                    .any(|window| window == trace),
                "{trace:?}"
            );
        }
        assert_eq!(
            kept.digest,
            take(Kind::Ktp, &plain).expect("a picture").digest,
            "metadata make no other picture"
        );
        assert_eq!((kept.width, kept.height), (320, 200));
        assert!(kept.bytes.starts_with(&[0xFF, 0xD8, 0xFF]));
    }
}
