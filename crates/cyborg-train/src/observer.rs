//! Following a training or a scoring from outside.

use crate::EpochRow;

/// Follows a run; called from the training thread. Every method does nothing unless implemented.
#[allow(unused_variables, reason = "the default of every method is to ignore what it is told")]
pub trait Observer: Send + Sync {
    /// Training starts at this epoch and step: 0 and 0 for a new run, elsewhere for a resumed one. Not called for a
    /// finished training.
    fn started(&self, epoch: usize, step: usize, n_epochs: usize, n_steps: usize) {}

    /// The weights to start from are read: how they became the network's, a line each (what was replaced, left out, ...).
    fn pretrained(&self, lines: &[String]) {}

    /// A step is done: its number within the epoch from 0, of `n_steps`; loss and accuracy of its batch of `images`.
    fn step(&self, epoch: usize, step: usize, n_steps: usize, loss: f64, accuracy: f64, images: usize) {}

    /// An epoch is done, validated and saved; `seconds` of work went into it.
    fn epoch(&self, row: &EpochRow, seconds: f64) {}

    /// So many images are scored.
    fn scoring(&self, done: usize, of: usize) {}

    /// Asked before every step. With true, the training saves its state and returns
    /// [`TrainError::Interrupted`](crate::TrainError::Interrupted).
    fn should_stop(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;
impl Observer for Silent {}
