//! A network with all that must be known to ask it about a picture.

use crate::classes::n_classes_of;
use crate::{Classes, NetworkInput, PredictError};
use cyborg_backbones::{Architecture, Card, LoadReport, Network, Tap};
use std::path::Path;

/// A trained network, what its input looks like and what its classes are called.
#[derive(Debug)]
pub struct Model {
    network: Network,
    input: NetworkInput,
    tap: Tap,
    classes: Classes,
}

/// What the user says of a weights file; it goes before what the file's card says, and that before what is usual for the
/// network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelOptions {
    /// Which network it is. Needed only where neither card nor tensors tell.
    pub backbone: Option<Architecture>,
    /// Side of the square input in pixels.
    pub input_px: Option<usize>,
    /// Mean per RGB channel, on `[0, 1]`.
    pub mean: Option<[f32; 3]>,
    /// Standard deviation per RGB channel, on `[0, 1]`.
    pub std: Option<[f32; 3]>,
    /// Where CAMs are taken.
    pub tap: Option<Tap>,
    /// Names of the classes in the order of the logits.
    pub classes: Option<Vec<String>>,
}

/// The network of that name, or an error that lists the names.
///
/// # Errors
/// [`PredictError::Setting`].
pub fn backbone_from_name(name: &str) -> Result<Architecture, PredictError> {
    Architecture::from_name(name).ok_or_else(|| {
        let names: Vec<String> = Architecture::ALL.iter().map(|known| format!("`{known}`")).collect();
        let expected = format!("one of {}", names.join(", "));
        PredictError::Setting { field: "backbone", found: format!("`{name}`"), expected }
    })
}

impl ModelOptions {
    /// The card with what the user says in place of what it said.
    ///
    /// # Errors
    /// [`PredictError::Setting`] where they do not fit the network.
    pub fn apply(&self, mut card: Card) -> Result<Card, PredictError> {
        card.input_px = self.input_px.unwrap_or(card.input_px);
        card.normalisation.0 = self.mean.unwrap_or(card.normalisation.0);
        card.normalisation.1 = self.std.unwrap_or(card.normalisation.1);
        card.tap = self.tap.unwrap_or(card.tap);
        if let Some(names) = &self.classes {
            let classes = Classes::named(names.clone())?;
            check_count(&classes, n_classes_of(card.n_classes))?;
            card.class_names = Some(names.clone());
        }
        NetworkInput::new(card.input_px, card.normalisation.0, card.normalisation.1)?;
        check_input(card.architecture, card.input_px)?;
        Ok(card)
    }
}

impl Model {
    /// Opens a weights file: safetensors or `.pth`, written here or elsewhere. `usual_names` are taken for the classes
    /// where nobody has named them and there are as many.
    ///
    /// Also returns the card that the model goes by, and what had to be done to the file's tensors.
    ///
    /// # Errors
    /// [`PredictError::Backbone`] as [`Network::open`]; [`PredictError::Setting`] for options that do not fit.
    pub fn open(
        path: &Path,
        options: &ModelOptions,
        usual_names: Option<&[String]>,
    ) -> Result<(Self, Card, LoadReport), PredictError> {
        let (network, card, report) = Network::open_reported(path, options.backbone)?;
        let mut card = options.apply(card)?;
        if card.class_names.is_none() {
            card.class_names = usual_names
                .filter(|names| names.len() == n_classes_of(card.n_classes))
                .map(<[String]>::to_vec);
        }
        let classes = match &card.class_names {
            Some(names) => Classes::named(names.clone())?,
            None => Classes::unnamed(n_classes_of(card.n_classes)),
        };
        let input = NetworkInput::new(card.input_px, card.normalisation.0, card.normalisation.1)?;
        Ok((Self::new(network, input, card.tap, classes)?, card, report))
    }

    /// Puts a model together.
    ///
    /// # Errors
    /// [`PredictError::Setting`] unless the network has as many classes as there are names and takes inputs of that
    /// size.
    pub fn new(
        network: Network,
        input: NetworkInput,
        tap: Tap,
        classes: Classes,
    ) -> Result<Self, PredictError> {
        check_count(&classes, n_classes_of(network.n_classes()))?;
        check_input(network.architecture(), input.input_px())?;
        Ok(Self { network, input, tap, classes })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// This makes pictures into its input.
    pub fn input(&self) -> &NetworkInput {
        &self.input
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

fn check_count(classes: &Classes, n_classes: usize) -> Result<(), PredictError> {
    if classes.len() == n_classes {
        return Ok(());
    }
    Err(PredictError::Setting {
        field: "classes",
        found: format!("{} names ({})", classes.len(), classes.listed()),
        expected: format!("{n_classes}, as the network tells so many classes apart"),
    })
}

fn check_input(architecture: Architecture, input_px: usize) -> Result<(), PredictError> {
    if architecture.grid(input_px).is_some() {
        return Ok(());
    }
    Err(PredictError::Setting {
        field: "input-px",
        found: input_px.to_string(),
        expected: format!("more: `{architecture}` shrinks such an input to nothing"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_are_named_as_on_the_command_line() {
        let card = || Card::new(Architecture::ThinResNet8, 2);
        let message = |options: ModelOptions| options.apply(card()).expect_err("refused").to_string();
        let side = |px| message(ModelOptions { input_px: Some(px), ..ModelOptions::default() });
        assert!(side(0).contains("`input-px` is 0"));
        assert!(side(40_000).contains("`input-px` is 40000"));
        let mean = ModelOptions { mean: Some([f32::NAN; 3]), ..ModelOptions::default() };
        assert!(message(mean).contains("`mean` is [NaN"));
        let std = ModelOptions { std: Some([0.0; 3]), ..ModelOptions::default() };
        assert!(message(std).contains("`std` is [0.0"));
    }
}
