//! One forward pass of a backbone.

use crate::geometry::Window;
use crate::tap::Tap;
use candle_core::{Result, Tensor};
use cyborg_ops::{PoolConfig, Tape, Value};
use std::cell::RefCell;

/// What a forward pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Batch statistics, running statistics move, everything that is not frozen in the graph.
    Train,
    /// Running statistics, nothing moves, parameters are constants: no activation is kept.
    Eval,
}

/// One forward pass of a backbone: what it is for, the tape that its operations run on, and the maps to take out.
pub(crate) struct Pass<'a> {
    pub(crate) mode: Mode,
    pub(crate) tape: Tape,
    /// Taps that were asked for.
    taps: &'a [Tap],
    /// The maps at these taps, as far as the pass has come.
    kept: RefCell<Vec<(Tap, Value)>>,
}

impl<'a> Pass<'a> {
    /// A pass over `images` that keeps the maps at `taps`. Nothing is recorded where nobody can want a gradient.
    pub(crate) fn new(mode: Mode, images: &Tensor, taps: &'a [Tap]) -> Self {
        let tape = Tape::new(mode == Mode::Train || images.track_op());
        Self { mode, tape, taps, kept: RefCell::default() }
    }

    /// Whether the maps at this tap were asked for. Where they were not, what gives them can be one with what follows.
    pub(crate) fn wants(&self, tap: Tap) -> bool {
        self.taps.contains(&tap)
    }

    /// Keeps the maps at a tap if they were asked for.
    pub(crate) fn keep(&self, tap: Tap, maps: &Value) {
        if self.wants(tap) {
            self.kept.borrow_mut().push((tap, maps.clone()));
        }
    }

    /// Ends the pass: tensors of `maps` and of the maps at each tap that was asked for.
    pub(crate) fn finish(self, maps: &Value) -> Result<(Tensor, Vec<(Tap, Tensor)>)> {
        let kept = self.kept.into_inner();
        if let Some(tap) = self.taps.iter().find(|tap| kept.iter().all(|(found, _)| found != *tap)) {
            candle_core::bail!(
                "internal error in cyborg-backbones: a network has a tap `{tap}` that it does not keep"
            );
        }
        let results: Vec<&Value> = std::iter::once(maps).chain(kept.iter().map(|(_, maps)| maps)).collect();
        let mut tensors = self.tape.finish_all(&results)?.into_iter();
        let Some(first) = tensors.next() else {
            candle_core::bail!("internal error in cyborg-backbones: a pass without a result");
        };
        Ok((first, kept.iter().map(|(tap, _)| *tap).zip(tensors).collect()))
    }

    /// The largest value in each window; as many windows as fit whole.
    pub(crate) fn max_pool2d(&self, input: &Value, window: Window) -> Result<Value> {
        self.tape.max_pool2d(input, pool(window))
    }

    /// The mean of each window, the padding counted as zeros; as many windows as fit whole.
    pub(crate) fn avg_pool2d(&self, input: &Value, window: Window) -> Result<Value> {
        self.tape.avg_pool2d(input, pool(window), true)
    }
}

fn pool(Window { kernel, stride, padding }: Window) -> PoolConfig {
    PoolConfig {
        kernel: (kernel, kernel),
        stride: (stride, stride),
        padding: (padding, padding),
        ceil_mode: false,
    }
}
