//! A picture with a map over it.

use cyborg_image::Raster;

/// Dark blue, purple, orange, yellow: lightness rises evenly, so it reads in grey and for the colour-blind. Nine anchors
/// at equal distances, close to matplotlib's `inferno`.
const ANCHORS: [[u8; 3]; 9] = [
    [0, 0, 4],
    [31, 12, 72],
    [85, 15, 109],
    [136, 34, 106],
    [186, 54, 85],
    [227, 89, 51],
    [249, 140, 10],
    [249, 201, 50],
    [252, 255, 164],
];

/// How much of the picture's own colour stays; the rest becomes grey, so that the map's colours are the only ones.
const COLOUR_KEPT: f64 = 0.25;

/// How bright the picture stays: the map must stand out on white paper too.
const BRIGHTNESS: f64 = 0.6;

/// The colour of a map's value.
fn colour(value: u8) -> [f64; 3] {
    let last = ANCHORS.len() - 1;
    let at = f64::from(value) / 255.0 * last as f64;
    let below = (at as usize).min(last - 1);
    let part = at - below as f64;
    std::array::from_fn(|channel| {
        let [low, high] = [below, below + 1].map(|anchor| f64::from(ANCHORS[anchor][channel]));
        low + part * (high - low)
    })
}

/// Lays `map` (one channel) over `picture` (RGB) of the same size. Where the map is 0 the picture shows, dimmed and
/// nearly grey; where it is 255 the map's colour covers it by `opacity` (0 to 1).
pub(crate) fn overlay(picture: Raster, map: &Raster, opacity: f64) -> Raster {
    let colours: [[f64; 3]; 256] = std::array::from_fn(|value| colour(value as u8));
    let mut picture = picture;
    for (pixel, &value) in picture.pixels.as_chunks_mut::<3>().0.iter_mut().zip(&map.pixels) {
        let [red, green, blue] = pixel.map(f64::from);
        // ITU-R 601, as PIL's `convert("L")`.
        let grey = 0.299 * red + 0.587 * green + 0.114 * blue;
        let covered = opacity * f64::from(value) / 255.0;
        for (channel, over) in pixel.iter_mut().zip(colours[usize::from(value)]) {
            let under = BRIGHTNESS * (COLOUR_KEPT * f64::from(*channel) + (1.0 - COLOUR_KEPT) * grey);
            *channel = ((1.0 - covered) * under + covered * over).round() as u8;
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_decides_how_much_shows() {
        let picture =
            Raster { width_px: 2, height_px: 1, channels: 3, pixels: vec![100, 200, 50, 100, 200, 50] };
        let map = Raster { width_px: 2, height_px: 1, channels: 1, pixels: vec![0, 255] };
        let over = overlay(picture.clone(), &map, 0.5);
        // Grey 29.9 + 117.4 + 5.7 = 153; red 0.6 * (25 + 114.75) = 83.85, green 98.85, blue 76.35.
        assert_eq!(over.pixel(0, 0), [84, 99, 76]);
        // Half of that and half of (252, 255, 164).
        assert_eq!(over.pixel(1, 0), [168, 177, 120]);
        assert_eq!(overlay(picture, &map, 1.0).pixel(1, 0), [252, 255, 164]);
    }

    #[test]
    fn lightness_rises_with_the_value() {
        let luma = |value: u8| {
            let [red, green, blue] = colour(value);
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        assert!((1..=255).all(|value| luma(value) > luma(value - 1)));
    }
}
