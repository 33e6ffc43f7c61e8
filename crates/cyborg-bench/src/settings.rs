//! What is measured, as the processes tell each other.

use crate::BenchError;
use cyborg_backbones::Architecture;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is minimised in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Half cross-entropy, half the distance of the CAM from people's map: alpha 0.5.
    Cyborg,
    /// Cross-entropy alone.
    CrossEntropy,
}

impl Method {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cyborg => "cyborg",
            Self::CrossEntropy => "cross-entropy",
        }
    }
}

/// What a run of the network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Forward, loss, backward, optimiser.
    Train,
    /// Forward with running statistics.
    Eval,
}

/// How PyTorch does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// As the released code: `(batch, channels, height, width)`; DenseNet's features from a second forward pass.
    Nchw,
    /// Channels last, one pass, the fused optimiser.
    ChannelsLast,
    /// [`Variant::Nchw`] with the batch norms folded into the convolutions before them, for evaluation.
    Folded,
}

impl Variant {
    /// As in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nchw => "PyTorch NCHW",
            Self::ChannelsLast => "PyTorch channels last",
            Self::Folded => "PyTorch NCHW folded",
        }
    }
}

/// One program's work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The network, by the name that experiment files use.
    pub backbone: String,
    /// Side of the square images.
    pub input_px: usize,
    /// Images a step.
    pub batch: usize,
    /// What is minimised.
    pub method: Method,
    /// Training or evaluation.
    pub mode: Mode,
    /// Threads to work with.
    pub threads: usize,
    /// Of weights and images.
    pub seed: u64,
    /// PyTorch only.
    pub variant: Option<Variant>,
    /// Folder with the weights and the batch. PyTorch only; we make them from the seed.
    pub inputs: Option<PathBuf>,
}

impl Settings {
    pub(crate) fn architecture(&self) -> Result<Architecture, BenchError> {
        Architecture::from_name(&self.backbone).ok_or_else(|| {
            let known: Vec<String> = Architecture::ALL.iter().map(|known| format!("`{known}`")).collect();
            let expected = format!("one of {}", known.join(", "));
            BenchError::Setting { setting: "--backbone", found: format!("`{}`", self.backbone), expected }
        })
    }

    /// Side of the CAM grid.
    pub(crate) fn grid(&self) -> Result<usize, BenchError> {
        let architecture = self.architecture()?;
        architecture.grid(self.input_px).ok_or_else(|| BenchError::Setting {
            setting: "--input-px",
            found: self.input_px.to_string(),
            expected: format!("at least {} for `{architecture}`", architecture.smallest_input_px()),
        })
    }
}
