//! Pictures through a network, batch by batch, decoded ahead by other threads.

use crate::{Failure, Image, Model, PredictError};
use candle_core::Tensor;
use cyborg_backbones::Output;
use cyborg_data::stream_images;
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
    let mut failures = Failures::new();
    let file = |number: usize| (images[number].path.as_path(), images[number].window);
    let (batch_size, n_threads) = (effort.batch_size, effort.n_threads);
    stream_images(model.input(), images.len(), file, batch_size, n_threads, |batch| {
        failures
            .extend(batch.bad.into_iter().map(|(number, reason)| (number, failure(&images[number], reason))));
        if let Some(input) = batch.images {
            let answer = ask(model, batch.items, &input)?;
            for (&number, logits) in answer.numbers.iter().zip(&answer.logits) {
                if logits.is_none() {
                    failures.push((number, failure(&images[number], NOT_FINITE.to_owned())));
                }
            }
            each(answer, &mut failures)?;
        }
        progress(Progress { done: batch.done, of: images.len(), failed: failures.len() });
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
fn ask(model: &Model, numbers: Vec<usize>, input: &Tensor) -> Result<Answer, PredictError> {
    let output = model.network().forward_eval(input, &[model.tap()])?;
    let logits = output.logits.to_vec2::<f32>()?;
    let finite = |row: Vec<f32>| row.iter().all(|logit| logit.is_finite()).then_some(row);
    Ok(Answer { numbers, output, logits: logits.into_iter().map(finite).collect() })
}
