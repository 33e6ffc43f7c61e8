//! Items of an image set as tensors, one batch ahead where images must be decoded or changed first.

use crate::image_set::{GridMaps, MOST_CACHED_CELLS};
use crate::{DataError, ImageSet, NetworkInput, Sample, Transform, augment};
use candle_core::{Device, Tensor};
use cyborg_image::Raster;
use cyborg_saliency::grid_from_map;
use cyborg_seed::Seed;
use std::borrow::Cow;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::{Arc, mpsc};
use std::thread;

/// Some images, their labels and their human maps.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Indices into the set's items.
    pub items: Vec<usize>,
    /// `(batch, 3, input_px, input_px)` f32, normalised.
    pub images: Tensor,
    /// `(batch)` u32.
    pub labels: Tensor,
    /// The human maps on each of [`BatchPlan::grids`], in that order.
    pub maps: Vec<HumanMaps>,
    /// The human maps on `input_px` x `input_px` cells, where [`BatchPlan::image_maps`] asks for them.
    pub image_maps: Option<HumanMaps>,
}

/// The human maps of a batch on one grid.
#[derive(Clone, Debug)]
pub struct HumanMaps {
    /// `(batch, height, width)` f32 in `[0, 1]`; all 0 where there is no map.
    pub maps: Tensor,
    /// `(batch)` f32: 1 where the image has a map with contrast on this grid, 0 elsewhere.
    pub has_map: Tensor,
    /// How many images have one.
    pub n_maps: usize,
}

/// What a batch holds.
#[derive(Clone, Debug, Default)]
pub struct BatchPlan<'a> {
    /// The grids (height, width) on which human maps are needed.
    pub grids: Vec<(usize, usize)>,
    /// Human maps at the input's resolution are needed, too.
    pub image_maps: bool,
    /// The images and their maps are changed by these.
    pub transforms: &'a [Arc<dyn Transform>],
    /// The transforms draw from `seed.child("epoch/E/augment/ID")`, with the number of the epoch and the id of the item.
    pub seed: Option<Seed>,
}

/// Turns the items of a set into batches.
#[derive(Debug)]
pub struct Batches<'a> {
    set: &'a ImageSet,
    input: NetworkInput,
    plan: BatchPlan<'a>,
    /// The maps on each of the plan's grids; None where they are made for each batch.
    grids: Vec<Option<Arc<GridMaps>>>,
}

/// One item, ready to be put into the tensors.
struct Prepared<'a> {
    pixels: Cow<'a, [u8]>,
    maps: Vec<Option<Cow<'a, [f32]>>>,
    image_map: Option<Vec<f32>>,
}

impl<'a> Batches<'a> {
    /// Batches of `set`. `mean` and `std` are the mean and standard deviation of red, green and blue on the scale 0 to 1: a
    /// value becomes `(value / 255 - mean) / std`.
    ///
    /// # Errors
    /// [`DataError::Setting`] for a grid without cells, a mean that is not finite, a deviation that is not a finite number
    /// above 0, or transforms without a seed; [`DataError::Reread`] if a map can no longer be read.
    pub fn new(
        set: &'a ImageSet,
        (mean, std): ([f32; 3], [f32; 3]),
        plan: BatchPlan<'a>,
    ) -> Result<Self, DataError> {
        let input = NetworkInput::new(set.input_px(), mean, std)?;
        if !plan.transforms.is_empty() && plan.seed.is_none() {
            return Err(DataError::setting("seed", "missing", "a seed for the transforms to draw from"));
        }
        let grid_maps = |&(height, width): &(usize, usize)| {
            let per_batch = height * width > MOST_CACHED_CELLS || !plan.transforms.is_empty();
            crate::image_set::check_grid(height, width)?;
            if per_batch { Ok(None) } else { set.maps_on_grid(height, width).map(Some) }
        };
        let grids = plan.grids.iter().map(grid_maps).collect::<Result<Vec<_>, DataError>>()?;
        Ok(Self { set, input, plan, grids })
    }

    /// Calls `work` with the batches of `order` from batch `first` on, with the batch's number. Batches that take work are
    /// prepared on other threads, one ahead, while `work` runs; what `work` sees is the same either way.
    ///
    /// `epoch` is the number that the transforms draw by; without transforms it means nothing.
    ///
    /// # Errors
    /// Those of `work`, and [`DataError::Reread`] if an image or map can no longer be read.
    ///
    /// # Panics
    /// If `batch_size` is 0 or an index in `order` names no item.
    pub fn for_each<B, E: From<DataError>>(
        &self,
        order: &[usize],
        batch_size: usize,
        first: usize,
        epoch: usize,
        mut work: impl FnMut(usize, Batch) -> Result<ControlFlow<B>, E>,
    ) -> Result<ControlFlow<B>, E> {
        let chunks = order.chunks(batch_size).enumerate().skip(first);
        if !self.takes_work() {
            for (number, items) in chunks {
                if let ControlFlow::Break(value) = work(number, self.assemble(items, epoch)?)? {
                    return Ok(ControlFlow::Break(value));
                }
            }
            return Ok(ControlFlow::Continue(()));
        }
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::sync_channel(1);
            scope.spawn(move || {
                for (number, items) in chunks {
                    // A failed send means that the work has ended early.
                    if sender.send((number, self.assemble(items, epoch))).is_err() {
                        break;
                    }
                }
            });
            for (number, batch) in receiver {
                if let ControlFlow::Break(value) = work(number, batch?)? {
                    return Ok(ControlFlow::Break(value));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Whether more than copying has to be done for a batch.
    fn takes_work(&self) -> bool {
        self.set.n_on_demand() > 0
            || !self.plan.transforms.is_empty()
            || self.plan.image_maps
            || self.grids.iter().any(Option::is_none)
    }

    fn assemble(&self, items: &[usize], epoch: usize) -> Result<Batch, DataError> {
        let prepared = self.prepare(items, epoch)?;
        let (side, n) = (self.set.input_px(), items.len());
        let n_values = self.input.n_values();
        let mut images = vec![0.0_f32; n * n_values];
        for (image, prepared) in images.chunks_exact_mut(n_values).zip(&prepared) {
            self.input.normalise(&prepared.pixels, image);
        }
        let labels: Vec<u32> = items.iter().map(|&item| self.set.items()[item].label as u32).collect();
        let on_grid = |(at, &grid): (usize, &(usize, usize))| {
            human_maps(prepared.iter().map(|item| item.maps[at].as_deref()), grid)
        };
        let image_maps = || human_maps(prepared.iter().map(|item| item.image_map.as_deref()), (side, side));
        Ok(Batch {
            items: items.to_vec(),
            images: Tensor::from_vec(images, (n, 3, side, side), &Device::Cpu)?,
            labels: Tensor::from_vec(labels, n, &Device::Cpu)?,
            maps: self.plan.grids.iter().enumerate().map(on_grid).collect::<Result<_, _>>()?,
            image_maps: self.plan.image_maps.then(image_maps).transpose()?,
        })
    }

    /// Plain threads, not rayon's: a training that waits for this batch may itself occupy a pool's only thread.
    fn prepare(&self, items: &[usize], epoch: usize) -> Result<Vec<Prepared<'_>>, DataError> {
        let prepare_one = |&item: &usize| self.prepare_item(item, epoch);
        if !self.takes_work() {
            return items.iter().map(prepare_one).collect();
        }
        let n_threads = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
        let per_thread = items.len().div_ceil(n_threads.max(1)).max(1);
        let mut prepared = Vec::with_capacity(items.len());
        thread::scope(|scope| {
            let workers: Vec<_> = items
                .chunks(per_thread)
                .map(|part| scope.spawn(move || part.iter().map(prepare_one).collect::<Result<Vec<_>, _>>()))
                .collect();
            for worker in workers {
                match worker.join() {
                    Ok(part) => prepared.extend(part?),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok(prepared)
        })
    }

    fn prepare_item(&self, item: usize, epoch: usize) -> Result<Prepared<'_>, DataError> {
        let Some(seed) = self.plan.seed.filter(|_| !self.plan.transforms.is_empty()) else {
            let (pixels, maps) = (self.set.pixels(item)?, self.maps_of(item)?);
            return Ok(Prepared { pixels, maps, image_map: self.image_map_of(item)? });
        };
        let (transforms, side) = (self.plan.transforms, self.set.input_px());
        let needs_map = self.plan.image_maps || !self.plan.grids.is_empty();
        let sample = self.set.augmented(item, transforms, seed, epoch, needs_map)?;
        let on_grid = |&(height, width): &(usize, usize)| cells(sample.map.as_ref(), height, width);
        Ok(Prepared {
            maps: self.plan.grids.iter().map(|grid| on_grid(grid).map(Cow::Owned)).collect(),
            image_map: if self.plan.image_maps { on_grid(&(side, side)) } else { None },
            pixels: sample.image.pixels.into(),
        })
    }

    /// The item's unchanged map on each grid of the plan.
    fn maps_of(&self, item: usize) -> Result<Vec<Option<Cow<'_, [f32]>>>, DataError> {
        let grids = self.plan.grids.iter().zip(&self.grids);
        let mut maps = Vec::with_capacity(self.grids.len());
        for (&(height, width), known) in grids {
            maps.push(match known {
                Some(known) => known.map(item).map(Cow::Borrowed),
                None => self.set.map_on_grid(item, height, width)?.map(Cow::Owned),
            });
        }
        Ok(maps)
    }

    fn image_map_of(&self, item: usize) -> Result<Option<Vec<f32>>, DataError> {
        let side = self.set.input_px();
        if self.plan.image_maps { self.set.map_on_grid(item, side, side) } else { Ok(None) }
    }
}

impl ImageSet {
    /// An item as the transforms make it in an epoch.
    pub(crate) fn augmented(
        &self,
        item: usize,
        transforms: &[Arc<dyn Transform>],
        seed: Seed,
        epoch: usize,
        with_map: bool,
    ) -> Result<Sample, DataError> {
        let full_resolution = transforms.iter().any(|transform| transform.needs_full_resolution());
        let image = self.image(item, full_resolution)?;
        let map = if with_map { self.map(item)? } else { None };
        let draws = seed.child(&format!("epoch/{epoch}/augment/{}", self.items()[item].id));
        augment(transforms, image, map.as_deref(), self.input_px(), &draws)
    }
}

/// The cells of a map on a grid; None where there is no map or no contrast.
fn cells(map: Option<&Raster>, height: usize, width: usize) -> Option<Vec<f32>> {
    map.map(|map| grid_from_map(map, height, width)).filter(|grid| !grid.flat).map(|grid| grid.values)
}

fn human_maps<'m>(
    each: impl ExactSizeIterator<Item = Option<&'m [f32]>>,
    (height, width): (usize, usize),
) -> Result<HumanMaps, DataError> {
    let n = each.len();
    let mut maps = vec![0.0_f32; n * height * width];
    let mut has_map = vec![0.0_f32; n];
    let mut n_maps = 0;
    for ((cells, has_map), map) in maps.chunks_exact_mut(height * width).zip(&mut has_map).zip(each) {
        if let Some(map) = map {
            cells.copy_from_slice(map);
            *has_map = 1.0;
            n_maps += 1;
        }
    }
    Ok(HumanMaps {
        maps: Tensor::from_vec(maps, (n, height, width), &Device::Cpu)?,
        has_map: Tensor::from_vec(has_map, n, &Device::Cpu)?,
        n_maps,
    })
}
