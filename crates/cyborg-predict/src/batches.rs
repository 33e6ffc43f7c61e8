//! Pictures through a network, batch by batch, decoded ahead by other threads.

use crate::ahead::ahead;
use crate::{Failure, Image, Model, PredictError};
use candle_core::{Device, Tensor};
use cyborg_backbones::Output;
use std::num::NonZero;

/// How much is done at once. The number of threads changes no bit; the size of a batch may change the last bits of the
/// logits of a network with many classes, see the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Pictures that go through the network together, at least 1. Memory grows with it.
    pub batch_size: usize,
    /// Threads that decode pictures, at least 1. Each holds one picture at its full size.
    pub n_threads: usize,
}

impl Default for Effort {
    /// 16 pictures at once, a thread for each core.
    fn default() -> Self {
        Self { batch_size: 16, n_threads: std::thread::available_parallelism().map_or(1, NonZero::get) }
    }
}

/// How far a command is. Pictures that failed are among those done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Pictures done with.
    pub done: usize,
    /// Pictures in all.
    pub of: usize,
    /// Pictures that could not be used so far.
    pub failed: usize,
}

/// Told after every batch.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress);

/// One batch that has been through the network.
pub(crate) struct Answer {
    /// Which images, as indices into the list.
    pub(crate) numbers: Vec<usize>,
    pub(crate) output: Output,
    /// One row an image; None where it is not finite, which is a failure that is told already.
    pub(crate) logits: Vec<Option<Vec<f32>>>,
}

/// Failures with the index of their image.
pub(crate) type Failures = Vec<(usize, Failure)>;

/// Asks the network about all `images` that can be read, in their order, and gives the answers to `each`, which may add
/// failures of its own. All failures come back in the order of the images.
///
/// A batch is made of images that stand together in the list, less those that fail: what is in it does not depend on
/// time.
pub(crate) fn for_each_answer(
    model: &Model,
    images: &[Image],
    effort: Effort,
    progress: OnProgress<'_>,
    mut each: impl FnMut(Answer, &mut Failures) -> Result<(), PredictError>,
) -> Result<Vec<Failure>, PredictError> {
    let batch_size = effort.batch_size.max(1);
    let mut failures = Failures::new();
    let mut batch: Vec<(usize, Vec<u8>)> = Vec::new();
    // While one batch is in the network, the next is decoded, and then no more.
    let window = batch_size.saturating_mul(2).max(effort.n_threads);
    let decode = |number: usize| model.pixels().read(&images[number].path, images[number].window);
    ahead(images.len(), effort.n_threads, window, decode, |number, decoded| {
        match decoded {
            Ok(pixels) => batch.push((number, pixels)),
            Err(reason) => failures.push((number, failure(&images[number], reason))),
        }
        let done = number + 1;
        if !done.is_multiple_of(batch_size) && done < images.len() {
            return Ok(());
        }
        if !batch.is_empty() {
            let answer = ask(model, std::mem::take(&mut batch))?;
            for (&number, logits) in answer.numbers.iter().zip(&answer.logits) {
                if logits.is_none() {
                    failures.push((number, failure(&images[number], NOT_FINITE.to_owned())));
                }
            }
            each(answer, &mut failures)?;
        }
        progress(Progress { done, of: images.len(), failed: failures.len() });
        Ok::<(), PredictError>(())
    })?;
    failures.sort_by_key(|(number, _)| *number);
    Ok(failures.into_iter().map(|(_, failure)| failure).collect())
}

const NOT_FINITE: &str =
    "the network's answer is not finite: its weights are damaged, or its training diverged";

pub(crate) fn failure(image: &Image, reason: String) -> Failure {
    Failure { image: image.id.clone(), origin: image.origin.clone(), reason }
}

/// One batch through the network, in evaluation mode.
fn ask(model: &Model, batch: Vec<(usize, Vec<u8>)>) -> Result<Answer, PredictError> {
    let (pixels, side) = (model.pixels(), model.pixels().input_px());
    let mut planes = vec![0.0; batch.len() * pixels.n_values()];
    for ((_, decoded), planes) in batch.iter().zip(planes.chunks_exact_mut(pixels.n_values())) {
        pixels.normalise(decoded, planes);
    }
    let input = Tensor::from_vec(planes, (batch.len(), 3, side, side), &Device::Cpu)?;
    let output = model.network().forward_eval(&input, &[model.tap()])?;
    let logits = output.logits.to_vec2::<f32>()?;
    let finite = |row: Vec<f32>| row.iter().all(|logit| logit.is_finite()).then_some(row);
    Ok(Answer {
        numbers: batch.into_iter().map(|(number, _)| number).collect(),
        output,
        logits: logits.into_iter().map(finite).collect(),
    })
}
