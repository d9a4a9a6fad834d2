//! How well a photo of a document can be read: sharpness, glare, and whether it is cut off. Integers
//! throughout, so that the same picture has the same score everywhere.

use image::GrayImage;
use image::imageops::FilterType;

/// Longest side at which pictures are measured: a measure of edges depends on the scale.
const SIDE: u32 = 1_000;

/// Variance of the Laplacian from which a page of text counts as sharp. Photographs of printed text in
/// focus have 300 and more at this scale, blurred ones stay below 100.
const SHARP: i64 = 300;

/// Below this score nobody can read it.
pub const UNREADABLE: u8 = 30;

/// Below this score a reviewer is told.
pub const POOR: u8 = 60;

/// From this brightness on a pixel is burnt out.
const BURNT: u8 = 250;

/// Burnt pixels around one that make it part of a reflection and not of white paper's noise.
const SPOT_MIN: i64 = 20;

/// A difference of brightness that is an edge.
const EDGE: i32 = 40;

/// Edges along a border, per mille of its pixels, from which something is cut off there.
const CUT_PERMILLE: usize = 180;

/// What was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// 0 to 100.
    pub score: u8,
    /// Variance of the Laplacian, at most `i64::MAX`.
    pub sharpness: i64,
    /// Pixels in reflections, per mille.
    pub glare_permille: u32,
    /// Sides on which the document goes on beyond the picture.
    pub cut_sides: u8,
}

/// What to tell the person with the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Hold it still, focus.
    Blur,
    /// Turn the lamp or the flash away.
    Glare,
    /// Take the whole document.
    Crop,
}

impl Hint {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Hint::Blur => "blur",
            Hint::Glare => "glare",
            Hint::Crop => "crop",
        }
    }
}

impl Quality {
    /// What would make it better.
    pub fn hints(self) -> Vec<Hint> {
        let mut hints = Vec::new();
        if self.sharpness < SHARP / 2 {
            hints.push(Hint::Blur);
        }
        if self.glare_permille >= 20 {
            hints.push(Hint::Glare);
        }
        if self.cut_sides >= 2 {
            hints.push(Hint::Crop);
        }
        hints
    }
}

/// Measures a picture.
pub fn measure(picture: &GrayImage) -> Quality {
    let longest = picture.width().max(picture.height());
    if longest > SIDE {
        let scaled = |side: u32| {
            u32::try_from(u64::from(side) * u64::from(SIDE) / u64::from(longest))
                .unwrap_or(SIDE)
                .max(1)
        };
        let small = image::imageops::resize(
            picture,
            scaled(picture.width()),
            scaled(picture.height()),
            FilterType::Triangle,
        );
        return of(&small);
    }
    of(picture)
}

fn of(picture: &GrayImage) -> Quality {
    let sharpness = laplacian_variance(picture);
    let glare_permille = glare(picture);
    let cut_sides = cut(picture);
    let sharp = (sharpness.min(SHARP) * 100) / SHARP;
    let off = i64::from(glare_permille.min(200)) / 4 + i64::from(cut_sides) * 10;
    let score = (sharp - off).clamp(0, 100);
    Quality {
        score: u8::try_from(score).unwrap_or(0),
        sharpness,
        glare_permille,
        cut_sides,
    }
}

/// Variance of the four-neighbour Laplacian over the inner pixels.
fn laplacian_variance(picture: &GrayImage) -> i64 {
    let (width, height) = picture.dimensions();
    if width < 3 || height < 3 {
        return 0;
    }
    let at = |x: u32, y: u32| i64::from(picture.get_pixel(x, y).0[0]);
    let (mut sum, mut squares, mut count) = (0i64, 0i64, 0i64);
    for y in 1..height - 1 {
        for x in 1..width - 1 {
            let value = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * at(x, y);
            sum += value;
            squares += value * value;
            count += 1;
        }
    }
    let mean = sum / count;
    squares / count - mean * mean
}

/// Burnt pixels that lie in spots inside a picture that is darker elsewhere, per mille.
fn glare(picture: &GrayImage) -> u32 {
    let (width, height) = picture.dimensions();
    if width < 5 || height < 5 {
        return 0;
    }
    let burnt = |x: u32, y: u32| picture.get_pixel(x, y).0[0] >= BURNT;
    let mut spots = 0u64;
    for y in 2..height - 2 {
        for x in 2..width - 2 {
            if !burnt(x, y) {
                continue;
            }
            let mut around = 0i64;
            for dy in 0..5 {
                for dx in 0..5 {
                    around += i64::from(burnt(x + dx - 2, y + dy - 2));
                }
            }
            if around >= SPOT_MIN {
                spots += 1;
            }
        }
    }
    let all = u64::from(width) * u64::from(height);
    let permille = spots * 1_000 / all;
    // A scan on white paper is white nearly everywhere and has no reflection.
    if permille > 700 {
        0
    } else {
        u32::try_from(permille).unwrap_or(1_000)
    }
}

/// Sides along whose border the brightness changes often: text or lines run out of the picture.
fn cut(picture: &GrayImage) -> u8 {
    let (width, height) = picture.dimensions();
    if width < 5 || height < 5 {
        return 0;
    }
    let at = |x: u32, y: u32| i32::from(picture.get_pixel(x, y).0[0]);
    let top: Vec<i32> = (0..width).map(|x| at(x, 1)).collect();
    let bottom: Vec<i32> = (0..width).map(|x| at(x, height - 2)).collect();
    let left: Vec<i32> = (0..height).map(|y| at(1, y)).collect();
    let right: Vec<i32> = (0..height).map(|y| at(width - 2, y)).collect();
    let busy = |line: &Vec<i32>| {
        let edges = line
            .windows(2)
            .filter(|pair| matches!(pair, [a, b] if (a - b).abs() >= EDGE))
            .count();
        edges * 1_000 / line.len() >= CUT_PERMILLE
    };
    let sides = [top, bottom, left, right]
        .iter()
        .filter(|line| busy(line))
        .count();
    u8::try_from(sides).unwrap_or(4)
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    /// Black strokes on a grey card in the middle of a darker table.
    fn card(margin: u32) -> GrayImage {
        GrayImage::from_fn(600, 400, |x, y| {
            let inside = x >= margin && x < 600 - margin && y >= margin && y < 400 - margin;
            let stroke = (x / 3) % 3 == 0 && (y / 4) % 3 != 1;
            Luma([match (inside, stroke) {
                (true, true) => 30,
                (true, false) => 200,
                (false, _) => 90,
            }])
        })
    }

    #[test]
    fn blur_glare_and_crop_each_cost_points() {
        let good = measure(&card(40));
        assert!(good.score >= 90, "{good:?}");
        assert!(good.hints().is_empty(), "{good:?}");

        let blurred = measure(&image::imageops::blur(&card(40), 6.0));
        assert!(blurred.score < UNREADABLE, "{blurred:?}");
        assert_eq!(blurred.hints(), [Hint::Blur]);

        let mut burnt = card(40);
        for y in 100..250 {
            for x in 150..400 {
                burnt.put_pixel(x, y, Luma([255]));
            }
        }
        let burnt = measure(&burnt);
        assert!(burnt.score + 15 < good.score, "{burnt:?}");
        assert_eq!(burnt.hints(), [Hint::Glare]);

        let cropped = measure(&card(0));
        assert!(
            cropped.cut_sides >= 2 && cropped.score < good.score,
            "{cropped:?}"
        );
        assert!(cropped.hints().contains(&Hint::Crop));
    }

    #[test]
    fn the_smallest_pictures_have_a_score() {
        for (width, height) in [(1, 1), (2, 5), (5, 2), (3, 3)] {
            assert_eq!(measure(&GrayImage::new(width, height)).score, 0);
        }
    }
}
