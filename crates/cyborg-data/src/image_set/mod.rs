//! Labelled images in memory, ready to become batches, and people's saliency maps.

mod grid_maps;
mod load;
mod maps;

pub use grid_maps::GridMaps;
pub(crate) use grid_maps::{MOST_CACHED_CELLS, check_grid};
pub use load::{BadImage, LoadProgress};

use crate::DataError;
use crate::image_file::{read_image, resized_pixels};
use crate::network_input::check_side;
use cyborg_image::Raster;
use cyborg_manifest::Item;
use grid_maps::GridCache;
use maps::StoredMap;
use std::borrow::Cow;
use std::sync::Arc;

/// Images decoded and resized once (8-bit RGB, `input_px` x `input_px`), with the human maps at their full resolution.
///
/// As many images and maps as the memory budget allows are kept; the others are read again whenever they are needed, with
/// the same result. A clone shares all of that, so any number of trainings in threads can work on one decoding.
#[derive(Clone, Debug)]
pub struct ImageSet {
    items: Arc<Vec<Item>>,
    input_px: usize,
    images: Arc<Vec<StoredImage>>,
    maps: Arc<Vec<Option<StoredMap>>>,
    grids: Arc<GridCache>,
}

/// The pixels of one image, as far as they are in memory.
#[derive(Debug)]
enum StoredImage {
    /// `input_px * input_px * 3` bytes. The image at its own size is in its file.
    Resized(Vec<u8>),
    /// The image came from no file: resized, and at its own size unless that is the same.
    WithoutFile(Vec<u8>, Option<Raster>),
    /// The image is decoded from its file again.
    InFile,
}

impl ImageSet {
    /// A set of images that are in memory already, each RGB and resized here as [`load`](Self::load) does it. `maps`
    /// holds one entry an item: grey of any size, or None where the item has no human map.
    ///
    /// # Errors
    /// [`DataError::Setting`] if `input_px` is 0 or above 32768, an image is not RGB, a map not grey, one of them has no
    /// pixels, or there are not as many images and maps as items.
    pub fn from_rasters(
        items: Vec<Item>,
        images: &[Raster],
        maps: Vec<Option<Raster>>,
        input_px: usize,
    ) -> Result<Self, DataError> {
        check_side(input_px)?;
        if images.len() != items.len() {
            let expected = format!("one image for each of {} items", items.len());
            return Err(DataError::setting("images", images.len(), expected));
        }
        for (item, image) in items.iter().zip(images) {
            check_raster("images", &item.id, image, 3)?;
        }
        let store = |image: &Raster| {
            let side = input_px as u32;
            let original = ((image.width_px, image.height_px) != (side, side)).then(|| image.clone());
            StoredImage::WithoutFile(resized_pixels(image.clone(), input_px), original)
        };
        let stored = images.iter().map(store).collect();
        let maps = in_memory(&items, maps)?;
        Ok(Self::new(items, input_px, stored, maps))
    }

    fn new(
        items: Vec<Item>,
        input_px: usize,
        images: Vec<StoredImage>,
        maps: Vec<Option<StoredMap>>,
    ) -> Self {
        let (items, images, maps) = (Arc::new(items), Arc::new(images), Arc::new(maps));
        Self { items, input_px, images, maps, grids: Arc::default() }
    }

    /// The same images (shared, not copied) with other maps: one entry an item, grey of any size, or None.
    ///
    /// # Errors
    /// [`DataError::Setting`] if there are not as many maps as items, or one is not grey or has no pixels.
    pub fn with_maps(&self, maps: Vec<Option<Raster>>) -> Result<Self, DataError> {
        let maps = Arc::new(in_memory(&self.items, maps)?);
        Ok(Self { maps, grids: Arc::default(), ..self.clone() })
    }

    /// The same images with the maps of other items of the set, shared, not copied: item `i` gets the map of item
    /// `given[i]`, or none. A derangement gives every image the map of another one.
    ///
    /// # Errors
    /// [`DataError::Setting`] if there are not as many entries as items, or one names no item.
    pub fn with_maps_of(&self, given: &[Option<usize>]) -> Result<Self, DataError> {
        if given.len() != self.len() {
            return Err(DataError::setting("given", given.len(), format!("{} entries", self.len())));
        }
        if let Some(item) = given.iter().flatten().find(|item| **item >= self.len()) {
            return Err(DataError::setting("given", item, format!("an index below {}", self.len())));
        }
        let maps = given.iter().map(|item| item.and_then(|item| self.maps[item].clone())).collect();
        Ok(Self { maps: Arc::new(maps), grids: Arc::default(), ..self.clone() })
    }

    /// The items that can be used, in the order given to [`load`](Self::load).
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Side of the images in pixels.
    pub fn input_px(&self) -> usize {
        self.input_px
    }

    /// Items without a map.
    pub fn n_missing_maps(&self) -> usize {
        self.maps.iter().filter(|map| map.is_none()).count()
    }

    /// Images that are not kept in memory and are decoded for each batch.
    pub fn n_on_demand(&self) -> usize {
        self.images.iter().filter(|image| matches!(image, StoredImage::InFile)).count()
    }

    /// The human map of an item at its full resolution, grey; None where it has none.
    ///
    /// # Errors
    /// [`DataError::Reread`] if the map is not kept in memory and its file is gone, damaged or changed.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn map(&self, item: usize) -> Result<Option<Arc<Raster>>, DataError> {
        self.maps[item].as_ref().map(|map| map.raster(&self.items[item].id)).transpose()
    }

    /// The pixels of an item, `input_px * input_px * 3` bytes, RGB interleaved; decoded if they are not kept.
    pub(crate) fn pixels(&self, item: usize) -> Result<Cow<'_, [u8]>, DataError> {
        match &self.images[item] {
            StoredImage::Resized(pixels) | StoredImage::WithoutFile(pixels, _) => Ok(pixels.into()),
            StoredImage::InFile => Ok(resized_pixels(self.decode_again(item)?, self.input_px).into()),
        }
    }

    /// An item's image, RGB: at its own size if `full_resolution`, otherwise resized to the network's input.
    pub(crate) fn image(&self, item: usize, full_resolution: bool) -> Result<Raster, DataError> {
        match &self.images[item] {
            StoredImage::WithoutFile(_, Some(original)) if full_resolution => return Ok(original.clone()),
            StoredImage::Resized(_) | StoredImage::InFile if full_resolution => {
                return self.decode_again(item);
            }
            _ => {}
        }
        let (pixels, side) = (self.pixels(item)?.into_owned(), self.input_px as u32);
        Ok(Raster { width_px: side, height_px: side, channels: 3, pixels })
    }

    fn decode_again(&self, item: usize) -> Result<Raster, DataError> {
        let item = &self.items[item];
        read_image(&item.image, item.window).map_err(|reason| DataError::Reread {
            what: "the image",
            id: item.id.clone(),
            path: item.image.clone(),
            reason,
        })
    }

    /// 16 hexadecimal digits that stand for ids, labels, input size and maps, in order: another set has another digest. The
    /// contents of image files are not part of it.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{} {}", self.input_px, self.len()).as_bytes());
        for (item, map) in self.items.iter().zip(self.maps.iter()) {
            hasher.update(format!("\0{}\0{}\0", item.id, item.label).as_bytes());
            if let Some(map) = map {
                hasher.update(map.digest());
            }
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }
}

fn in_memory(items: &[Item], maps: Vec<Option<Raster>>) -> Result<Vec<Option<StoredMap>>, DataError> {
    if maps.len() != items.len() {
        let expected = format!("one entry for each of {} items", items.len());
        return Err(DataError::setting("maps", maps.len(), expected));
    }
    for (item, map) in items.iter().zip(&maps) {
        if let Some(map) = map {
            check_raster("maps", &item.id, map, 1)?;
        }
    }
    Ok(maps.into_iter().map(|map| map.map(StoredMap::in_memory)).collect())
}

fn check_raster(field: &'static str, id: &str, raster: &Raster, channels: usize) -> Result<(), DataError> {
    let Raster { width_px, height_px, channels: found, ref pixels } = *raster;
    let n_bytes = width_px as usize * height_px as usize * channels;
    if found == channels && n_bytes > 0 && pixels.len() == n_bytes {
        return Ok(());
    }
    let found =
        format!("`{id}` with {width_px}x{height_px} pixels of {found} channels in {} bytes", pixels.len());
    Err(DataError::setting(field, found, format!("{channels} bytes for each of 1 or more pixels")))
}
