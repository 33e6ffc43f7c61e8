//! Maps that get channels one part after the other, in one buffer.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use candle_core::Result;

use super::norm::Source;
use super::{Gradients, Slot, Tape, Value};
use crate::maps::{Maps, Shape};
use crate::norm::{self, Statistics};
use crate::view::{View, ViewMut};
use crate::{OpsError, pointwise, recycle};

/// Maps that get more channels while those they have are used: the features of a DenseNet block.
///
/// Each part is copied once, to its place among channels that are side by side at the end; and the statistics of a channel
/// are found once, however many batch norms see it.
pub struct Growing {
    values: Vec<f32>,
    /// Of the channels so far.
    filled: usize,
    /// Of some of them: those that a batch norm in training has seen.
    statistics: RefCell<Statistics>,
    slot: Option<Slot>,
    later: Later,
}

/// Maps that are not whole yet.
#[derive(Clone)]
pub(super) struct Later {
    shape: Shape,
    maps: Arc<OnceLock<Arc<Maps>>>,
}

impl Later {
    /// Of the maps when they are whole.
    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// Once they are whole.
    pub(super) fn maps(&self) -> Result<&Maps> {
        match self.maps.get() {
            Some(maps) => Ok(maps),
            None => candle_core::bail!(
                "`backward` was called before maps that grow were whole: call `Tape::grown` in the forward pass"
            ),
        }
    }

    /// The gradient of the first channels, to add to.
    pub(super) fn gradient<'a>(&self, slot: Slot, gradients: &'a mut Gradients) -> ViewMut<'a> {
        let values = gradients.sum(slot, self.shape.len());
        ViewMut { values, stride: self.shape.channels, first: 0 }
    }
}

impl std::fmt::Debug for Growing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Growing({:?}, {} channels so far)", self.later.shape, self.filled)
    }
}

impl Growing {
    /// Of the channels so far.
    pub(crate) fn shape(&self) -> Shape {
        Shape { channels: self.filled, ..self.later.shape }
    }

    pub(super) fn view(&self) -> View<'_> {
        View::part(&self.values, self.later.shape.channels, 0, self.filled)
    }

    pub(super) fn slot(&self) -> Option<Slot> {
        self.slot
    }

    pub(super) fn source(&self) -> Source {
        Source::Part(self.later.clone(), self.filled)
    }

    /// Of the channels so far.
    pub(super) fn statistics(&self) -> Statistics {
        let mut known = self.statistics.borrow_mut();
        let first = known.mean.len();
        if first < self.filled {
            let new = View::part(&self.values, self.later.shape.channels, first, self.filled - first);
            known.extend(&norm::statistics(new));
        }
        known.clone()
    }
}

impl Tape {
    /// Maps of `channels` channels, the first of which are those of `first`.
    ///
    /// # Errors
    /// If `first` has more.
    pub fn growing(&self, first: &Value, channels: usize) -> Result<Growing> {
        let shape = Shape { channels, ..first.shape() };
        let later = Later { shape, maps: Arc::default() };
        // This step is the last of all those that use the channels, so the gradient is whole when it comes.
        let slot = self.records.then(|| {
            let (to, part) = (first.slot(), first.shape().channels);
            self.step(|slot| {
                move |gradients: &mut Gradients| {
                    if let (Some(whole), Some(_)) = (gradients.take(slot), to) {
                        gradients.add(to, pointwise::take(View::part(&whole, channels, 0, part)));
                        recycle::give(whole);
                    }
                    Ok(())
                }
            })
        });
        let mut values = recycle::take(shape.len());
        values.resize(shape.len(), 0.0);
        let mut growing = Growing { values, filled: 0, statistics: RefCell::default(), slot, later };
        growing.place(first)?;
        Ok(growing)
    }

    /// Adds the channels of `part` behind those that are there.
    ///
    /// # Errors
    /// If batch, height or width differ, or there is no room.
    pub fn grow(&self, growing: &mut Growing, part: &Value) -> Result<()> {
        let first = growing.filled;
        growing.place(part)?;
        let (channels, n) = (growing.later.shape.channels, part.shape().channels);
        if let (Some(whole), Some(slot)) = (growing.slot, part.slot()) {
            self.step(|_| {
                move |gradients: &mut Gradients| {
                    let part = gradients
                        .get(whole)
                        .map(|whole| pointwise::take(View::part(whole, channels, first, n)));
                    if let Some(part) = part {
                        gradients.add(Some(slot), part);
                    }
                    Ok(())
                }
            });
        }
        Ok(())
    }

    /// The maps, once they have all channels.
    ///
    /// # Errors
    /// If they have not.
    pub fn grown(&self, growing: Growing) -> Result<Value> {
        let Growing { filled, ref statistics, slot, ref later, .. } = growing;
        let expected = later.shape.channels;
        if filled != expected {
            let what = "the number of channels that maps have grown to";
            return Err(OpsError::Size { op: "grown", what, expected, found: filled }.into());
        }
        let used = !statistics.borrow().mean.is_empty();
        let statistics = used.then(|| Arc::new(growing.statistics()));
        let maps = Arc::new(Maps::new(later.shape, growing.values));
        // Nobody else sets it: `growing` is gone now.
        let maps = Arc::clone(growing.later.maps.get_or_init(|| maps));
        Ok(Value { statistics, ..Value::new(maps, slot) })
    }
}

impl Growing {
    fn place(&mut self, part: &Value) -> Result<()> {
        let (shape, found) = (self.later.shape, part.shape());
        let room = shape.channels - self.filled;
        if (Shape { channels: found.channels, ..shape }) != found || found.channels > room {
            let expected = format!(
                "batch, height and width {:?} and at most {room} channels",
                (shape.batch, shape.height, shape.width)
            );
            let found = format!("shape {:?}", part.dims());
            return Err(OpsError::Shape { op: "grow", tensor: "part", expected, found }.into());
        }
        let into = ViewMut { values: &mut self.values, stride: shape.channels, first: self.filled };
        pointwise::place(part.view(), into);
        self.filled += found.channels;
        Ok(())
    }
}
