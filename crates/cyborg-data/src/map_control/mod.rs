//! Maps that nobody drew in place of people's: the controls that a reviewer asks for, a file each.

mod centre_prior;
mod random_blobs;
mod shuffled;

use cyborg_image::Raster;
use cyborg_saliency::SaliencyMap;
use cyborg_seed::Seed;
use cyborg_settings::{AnySettings, Choice, choices};

use crate::{DataError, ImageSet};

/// The controls that a file can choose from. A new one is a file here, its `mod` line, and its line in this list.
pub const MAP_CONTROLS: &[Choice<dyn MapControl>] =
    choices![dyn MapControl; shuffled::Shuffled, centre_prior::CentrePrior, random_blobs::RandomBlobs];

/// A rule that replaces people's maps.
pub trait MapControl: AnySettings {
    /// The same images with other maps. An image without a map still has none, so that the control has as many maps as the
    /// method that it is compared with.
    ///
    /// # Errors
    /// [`DataError::Reread`] if a map can no longer be read; [`DataError::Setting`] if the set has too few maps.
    fn replace(&self, set: &ImageSet, seed: &Seed) -> Result<ImageSet, DataError>;
}

/// Each map of the set replaced by what `make` gives for the item and its map.
fn replace_each(set: &ImageSet, make: impl Fn(usize, &Raster) -> SaliencyMap) -> Result<ImageSet, DataError> {
    let one = |item: usize| Ok(set.map(item)?.map(|map| raster(&make(item, &map))));
    set.with_maps((0..set.len()).map(one).collect::<Result<_, DataError>>()?)
}

/// A map of values in `[0, 1]` as 8-bit grey.
fn raster(map: &SaliencyMap) -> Raster {
    let pixels = map.values.iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    Raster { width_px: map.width_px as u32, height_px: map.height_px as u32, channels: 1, pixels }
}

/// 8-bit grey as a map of values in `[0, 1]`.
fn saliency_map(raster: &Raster) -> SaliencyMap {
    let values = raster.pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    SaliencyMap { width_px: raster.width_px as usize, height_px: raster.height_px as usize, values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyborg_manifest::{Item, Split};
    use cyborg_settings::find;
    use std::path::PathBuf;

    const SIDE: u32 = 16;

    /// Four images, the third without a map; map `i` marks row `i` alone.
    fn set() -> ImageSet {
        let item = |index: usize| Item {
            id: format!("control/{index}.png"),
            image: PathBuf::from(format!("{index}.png")),
            label: index % 2,
            source: "control".to_owned(),
            subject: None,
            split: Split::Train,
            map: None,
            window: None,
            origin: "the test".to_owned(),
        };
        let image = Raster { width_px: SIDE, height_px: SIDE, channels: 3, pixels: vec![7; 768] };
        let map = |index: usize| {
            let pixels = (0..256).map(|at| if at / 16 == index { 255 } else { 0 }).collect();
            (index != 2).then_some(Raster { width_px: SIDE, height_px: SIDE, channels: 1, pixels })
        };
        let items = (0..4).map(item).collect();
        let maps = (0..4).map(map).collect();
        ImageSet::from_rasters(items, &vec![image; 4], maps, SIDE as usize).expect("well-formed")
    }

    fn replaced(name: &str, settings: &serde_json::Value, seed: u64) -> Vec<Option<Raster>> {
        let settings = settings.as_object().expect("an object");
        let control = find(MAP_CONTROLS, name).expect("listed").parse(settings).expect("valid");
        let set = control.replace(&set(), &Seed::new(seed)).expect("replaced");
        (0..4).map(|item| set.map(item).expect("read").map(|map| (*map).clone())).collect()
    }

    #[test]
    fn shuffled_maps_belong_to_other_images() {
        let originals: Vec<_> = (0..4).map(|item| set().map(item).expect("read")).collect();
        for seed in 0..5 {
            let maps = replaced("shuffled", &serde_json::json!({}), seed);
            assert_eq!(maps[2], None);
            let mut rows: Vec<usize> = Vec::new();
            for item in [0, 1, 3] {
                let map = maps[item].as_ref().expect("a map");
                assert_ne!(Some(map), originals[item].as_deref(), "image {item} keeps its own");
                rows.push(map.pixels.iter().position(|&pixel| pixel == 255).expect("marked") / 16);
            }
            rows.sort_unstable();
            assert_eq!(rows, [0, 1, 3], "every map is used once");
        }
    }

    #[test]
    fn the_centre_prior_is_bright_in_the_middle_of_every_map() {
        let maps = replaced("centre-prior", &serde_json::json!({"sigma": 0.25}), 0);
        assert_eq!(maps[2], None);
        let map = maps[0].as_ref().expect("a map");
        assert_eq!(Some(map), maps[3].as_ref());
        // The middle of 16 pixels lies between two: exp(-2 (1/32 / 0.25)^2 / 2) = exp(-1/64), times 255 is 251.05.
        assert_eq!(map.pixels[16 * 8 + 8], 251);
        // A corner is 15/32 off in both directions: exp(-(15/32 / 0.25)^2) = exp(-3.515625), times 255 is 7.58.
        assert_eq!(map.pixels[0], 8);
    }

    #[test]
    fn blobs_cover_as_much_as_the_marks_and_are_drawn_by_seed_and_image() {
        let settings = serde_json::json!({"blob": 0.1});
        let maps = replaced("random-blobs", &settings, 0);
        assert_eq!(maps[2], None);
        for item in [0, 1, 3] {
            let pixels = &maps[item].as_ref().expect("a map").pixels;
            let marked: usize = pixels.iter().map(|&pixel| usize::from(pixel == 255)).sum();
            assert_eq!(marked, 16, "one row of sixteen pixels");
        }
        assert_ne!(maps[0], maps[1]);
        assert_eq!(maps, replaced("random-blobs", &settings, 0));
        assert_ne!(maps, replaced("random-blobs", &settings, 1));
    }
}
