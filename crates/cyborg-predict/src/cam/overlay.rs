//! A picture with a map over it.

use cyborg_image::{Raster, heat_colour};

/// How much of the picture's own colour stays; the rest becomes grey, so that the map's colours are the only ones.
const COLOUR_KEPT: f64 = 0.25;

/// How bright the picture stays: the map must stand out on white paper too.
const BRIGHTNESS: f64 = 0.6;

/// Lays `map` (one channel) over `picture` (RGB) of the same size. Where the map is 0 the picture shows, dimmed and
/// nearly grey; where it is 255 the map's colour covers it by `opacity` (0 to 1).
pub(crate) fn overlay(picture: Raster, map: &Raster, opacity: f64) -> Raster {
    let colours: [[f64; 3]; 256] = std::array::from_fn(|value| heat_colour(value as f64 / 255.0));
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
}
