//! Items of an image set as tensors, one batch ahead where images must be decoded first.

use crate::{ImageSet, TrainError};
use candle_core::{Device, Tensor};
use cyborg_backbones::Architecture;
use cyborg_image::Normalise;
use cyborg_loss::HumanSaliency;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

/// Some images, their labels and their human maps.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Indices into the set's items.
    pub(crate) items: Vec<usize>,
    /// `(batch, 3, input_px, input_px)`, normalised.
    pub(crate) images: Tensor,
    /// `(batch)` u32.
    pub(crate) labels: Tensor,
    pub(crate) human: HumanSaliency,
    /// Images with a map.
    pub(crate) n_maps: usize,
}

/// Turns items into batches for one architecture.
#[derive(Debug)]
pub(crate) struct Batches<'a> {
    set: &'a ImageSet,
    normalise: Normalise,
}

impl<'a> Batches<'a> {
    pub(crate) fn new(set: &'a ImageSet, architecture: Architecture) -> Self {
        let (mean, std) = architecture.normalisation();
        Self { set, normalise: Normalise::new(mean, std) }
    }

    /// Calls `work` with the batches of `order` from batch `first` on, with the batch's number. Batches that need
    /// decoding are prepared on another thread while `work` runs; what `work` sees is the same either way.
    pub(crate) fn for_each<B>(
        &self,
        order: &[usize],
        batch_size: usize,
        first: usize,
        mut work: impl FnMut(usize, Batch) -> Result<ControlFlow<B>, TrainError>,
    ) -> Result<ControlFlow<B>, TrainError> {
        let chunks = order.chunks(batch_size).enumerate().skip(first);
        if self.set.n_on_demand() == 0 {
            for (number, items) in chunks {
                if let ControlFlow::Break(value) = work(number, self.assemble(items)?)? {
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
                    if sender.send((number, self.assemble(items))).is_err() {
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

    fn assemble(&self, items: &[usize]) -> Result<Batch, TrainError> {
        let (side, grid) = (self.set.input_px(), self.set.grid());
        let plane = side * side;
        let mut images = vec![0.0_f32; items.len() * 3 * plane];
        let decoded = self.decode_missing(items)?;
        for ((image, &item), decoded) in images.chunks_exact_mut(3 * plane).zip(items).zip(&decoded) {
            let pixels = decoded.as_deref().or_else(|| self.set.kept_pixels(item)).unwrap_or_default();
            self.normalise.planes(pixels, image);
        }
        let labels: Vec<u32> = items.iter().map(|&item| self.set.items()[item].label as u32).collect();
        let mut maps = vec![0.0_f32; items.len() * grid * grid];
        let mut has_map = vec![0.0_f32; items.len()];
        for ((cells, has_map), &item) in maps.chunks_exact_mut(grid * grid).zip(&mut has_map).zip(items) {
            if let Some(map) = self.set.map(item) {
                cells.copy_from_slice(map);
                *has_map = 1.0;
            }
        }
        let n_maps = has_map.iter().filter(|&&has| has > 0.0).count();
        let device = &Device::Cpu;
        let n = items.len();
        Ok(Batch {
            items: items.to_vec(),
            images: Tensor::from_vec(images, (n, 3, side, side), device)?,
            labels: Tensor::from_vec(labels, n, device)?,
            human: HumanSaliency {
                maps: Tensor::from_vec(maps, (n, grid, grid), device)?,
                has_map: Tensor::from_vec(has_map, n, device)?,
            },
            n_maps,
        })
    }

    /// The pixels of those items that are not in memory. Plain threads, not rayon's: a training that waits for this
    /// batch may itself occupy a pool's only thread.
    fn decode_missing(&self, items: &[usize]) -> Result<Vec<Option<Vec<u8>>>, TrainError> {
        let decode_one = |&item: &usize| match self.set.kept_pixels(item) {
            Some(_) => Ok(None),
            None => self.set.decode_again(item).map(Some),
        };
        if self.set.n_on_demand() == 0 {
            return Ok(vec![None; items.len()]);
        }
        let n_threads = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
        let per_thread = items.len().div_ceil(n_threads.max(1)).max(1);
        let mut decoded = Vec::with_capacity(items.len());
        thread::scope(|scope| {
            let workers: Vec<_> = items
                .chunks(per_thread)
                .map(|part| scope.spawn(move || part.iter().map(decode_one).collect::<Result<Vec<_>, _>>()))
                .collect();
            for worker in workers {
                match worker.join() {
                    Ok(part) => decoded.extend(part?),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok(decoded)
        })
    }
}
