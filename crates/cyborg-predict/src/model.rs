//! A network with all that must be known to ask it about a picture.

use crate::{Classes, Pixels, PredictError};
use cyborg_backbones::{Network, Tap};

/// A trained network, what its input looks like and what its classes are called.
#[derive(Debug)]
pub struct Model {
    network: Network,
    pixels: Pixels,
    tap: Tap,
    classes: Classes,
}

impl Model {
    /// Puts a model together.
    ///
    /// # Errors
    /// [`PredictError::Setting`] unless the network has as many classes as there are names and takes inputs of that
    /// size.
    pub fn new(network: Network, pixels: Pixels, tap: Tap, classes: Classes) -> Result<Self, PredictError> {
        if classes.len() != network.n_classes() {
            return Err(PredictError::Setting {
                field: "classes",
                found: format!("{} names ({})", classes.len(), classes.listed()),
                expected: format!("{}, as the network tells so many classes apart", network.n_classes()),
            });
        }
        let architecture = network.architecture();
        if architecture.grid(pixels.input_px()).is_none() {
            return Err(PredictError::Setting {
                field: "input-px",
                found: pixels.input_px().to_string(),
                expected: format!("more, as `{architecture}` shrinks such an input to nothing"),
            });
        }
        Ok(Self { network, pixels, tap, classes })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What makes pictures into its input.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// Where its CAMs are taken.
    pub fn tap(&self) -> Tap {
        self.tap
    }

    /// Its classes.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }
}
