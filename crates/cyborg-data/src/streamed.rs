//! Any number of image files as batches, of which only a few are in memory at a time.

use crate::ahead::ahead;
use crate::{DataError, NetworkInput};
use candle_core::{Device, Tensor};
use cyborg_image::Window;
use std::path::Path;

/// Images that stand together in a list, less those that cannot be used.
#[derive(Debug)]
pub struct StreamedBatch {
    /// Numbers of the images in the list.
    pub items: Vec<usize>,
    /// `(items.len(), 3, input_px, input_px)` f32, normalised; None where no image of the batch can be used.
    pub images: Option<Tensor>,
    /// Numbers of those that cannot be used, and why, on one line that names the file.
    pub bad: Vec<(usize, String)>,
    /// How many images of the list are done with, these included.
    pub done: usize,
}

/// Hands the images of a list to `each` in their order, `batch_size` (at least 1) of the list at a time. `n_threads` threads
/// (at least 1) decode ahead of `each`: memory holds two batches of resized images and one decoded image a thread, however
/// many images there are, and the first batch comes as soon as it is decoded.
///
/// `file` gives the file of an image by its number, and which of its 16-bit values become black and white. What is in a batch depends on the list and on `batch_size` alone.
///
/// # Errors
/// Those of `each`; the first one ends the stream.
pub fn stream_images<'p, E: From<DataError>>(
    input: &NetworkInput,
    n_images: usize,
    file: impl Fn(usize) -> (&'p Path, Option<Window>) + Sync,
    batch_size: usize,
    n_threads: usize,
    mut each: impl FnMut(StreamedBatch) -> Result<(), E>,
) -> Result<(), E> {
    let batch_size = batch_size.max(1);
    // While one batch is worked on, the next is decoded, and then no more.
    let window = batch_size.saturating_mul(2).max(n_threads);
    let (mut items, mut pixels, mut bad) = (Vec::new(), Vec::new(), Vec::new());
    ahead(
        n_images,
        n_threads,
        window,
        |number| {
            let (path, window) = file(number);
            input.read(path, window)
        },
        |number, decoded| {
            match decoded {
                Ok(decoded) => {
                    items.push(number);
                    pixels.push(decoded);
                }
                Err(reason) => bad.push((number, reason)),
            }
            let done = number + 1;
            if !done.is_multiple_of(batch_size) && done < n_images {
                return Ok(());
            }
            let images = tensor(input, &std::mem::take(&mut pixels)).map_err(DataError::from)?;
            each(StreamedBatch {
                items: std::mem::take(&mut items),
                images,
                bad: std::mem::take(&mut bad),
                done,
            })
        },
    )
}

fn tensor(input: &NetworkInput, pixels: &[Vec<u8>]) -> Result<Option<Tensor>, candle_core::Error> {
    if pixels.is_empty() {
        return Ok(None);
    }
    let (n_values, side) = (input.n_values(), input.input_px());
    let mut planes = vec![0.0; pixels.len() * n_values];
    for (pixels, planes) in pixels.iter().zip(planes.chunks_exact_mut(n_values)) {
        input.normalise(pixels, planes);
    }
    Tensor::from_vec(planes, (pixels.len(), 3, side, side), &Device::Cpu).map(Some)
}
