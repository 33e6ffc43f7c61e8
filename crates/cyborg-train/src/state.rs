//! The state of a training on disk: all that a resumed run needs to go on with the same bits.
//!
//! `state.safetensors` is the single source of truth. The tables are written from it, and a weights file that was
//! written just before a kill is written again, equal, when the resumed run comes to the same point.

use crate::epochs::TimingRow;
use crate::table::TermValue;
use crate::whole_file::write_whole;
use crate::{EpochRow, TrainError};
use candle_core::safetensors::Load;
use candle_core::{Device, Tensor};
use cyborg_backbones::Network;
use cyborg_methods::Memory;
use cyborg_optim::OptimiserState;
use fs_err as fs;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

/// The layout of this file; another one is not read.
const FORMAT: u32 = 2;
const PROGRESS_KEY: &str = "cyborg_train_progress";
const NETWORK: &str = "network/";
const OPTIMISER: &str = "optimiser/";
const METHOD: &str = "method/";

/// How far a training is. Everything but the tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    format: u32,
    /// Settings and digests of the data, by name.
    pub(crate) identity: BTreeMap<String, String>,
    /// All epochs are done and the weights are in their files; no tensors here any more.
    pub(crate) finished: bool,
    /// The next epoch to work on.
    pub(crate) epoch: usize,
    /// The next step within it.
    pub(crate) step: usize,
    /// What the epoch has summed up so far.
    pub(crate) sums: EpochSums,
    pub(crate) rows: Vec<EpochRow>,
    pub(crate) timing: Vec<TimingRow>,
    pub(crate) best: Option<Best>,
}

/// The weights in `best.safetensors`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    pub(crate) epoch: usize,
    pub(crate) validation_accuracy: f64,
}

/// Sums over the images of an epoch so far, in double precision and in the order of the batches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct EpochSums {
    pub(crate) images: usize,
    pub(crate) correct: usize,
    pub(crate) loss: f64,
    terms: Vec<TermSum>,
    /// Not part of any result.
    pub(crate) seconds: f64,
}

/// The sum of one term over the images that take part in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct TermSum {
    name: String,
    sum: f64,
    images: usize,
}

impl EpochSums {
    /// Adds a batch. Each term comes with the number of images that it is a mean over.
    pub(crate) fn add(&mut self, n_images: usize, correct: usize, loss: f64, terms: &[(TermValue, usize)]) {
        self.images += n_images;
        self.correct += correct;
        self.loss += loss * n_images as f64;
        if self.terms.is_empty() {
            let empty = |name: &String| TermSum { name: name.clone(), sum: 0.0, images: 0 };
            self.terms = terms.iter().map(|((name, _), _)| empty(name)).collect();
        }
        for (total, ((_, value), images)) in self.terms.iter_mut().zip(terms) {
            total.images += images;
            total.sum += value.unwrap_or(0.0) * *images as f64;
        }
    }

    /// The mean of each term over the images that took part.
    pub(crate) fn terms(&self) -> Vec<TermValue> {
        let mean = |term: &TermSum| (term.images > 0).then(|| term.sum / term.images as f64);
        self.terms.iter().map(|term| (term.name.clone(), mean(term))).collect()
    }
}

impl Progress {
    pub(crate) fn new(identity: BTreeMap<String, String>) -> Self {
        Self {
            format: FORMAT,
            identity,
            finished: false,
            epoch: 0,
            step: 0,
            sums: EpochSums::default(),
            rows: Vec::new(),
            timing: Vec::new(),
            best: None,
        }
    }

    /// Writes the state whole; the tensors too unless the training is finished.
    pub(crate) fn write(
        &self,
        path: &Path,
        network: &Network,
        optimiser: &dyn OptimiserState,
        memory: &Memory,
    ) -> Result<(), TrainError> {
        let mut tensors: BTreeMap<String, Tensor> = BTreeMap::new();
        if !self.finished {
            tensors.extend(
                network.tensors()?.into_iter().map(|(name, tensor)| (format!("{NETWORK}{name}"), tensor)),
            );
            tensors.extend(
                optimiser.tensors()?.into_iter().map(|(name, tensor)| (format!("{OPTIMISER}{name}"), tensor)),
            );
            tensors.extend(memory.iter().map(|(name, tensor)| (format!("{METHOD}{name}"), tensor.clone())));
        }
        let failed = |source| TrainError::Write { path: path.to_owned(), source };
        let progress = serde_json::to_string(self).map_err(|error| failed(error.into()))?;
        let metadata = HashMap::from([(PROGRESS_KEY.to_owned(), progress)]);
        let bytes = safetensors::serialize(tensors, Some(metadata))
            .map_err(|error| failed(io::Error::other(error)))?;
        write_whole(path, &bytes)
    }
}

/// A state as it was read.
#[derive(Debug)]
pub(crate) struct SavedState {
    pub(crate) progress: Progress,
    network: BTreeMap<String, Tensor>,
    optimiser: BTreeMap<String, Tensor>,
    memory: Memory,
}

impl SavedState {
    /// None where there is none yet.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, TrainError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(TrainError::Read { path: path.to_owned(), source }),
        };
        let damaged = |reason: String| TrainError::StateDamaged { path: path.to_owned(), reason };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
        let progress = header.metadata().as_ref().and_then(|metadata| metadata.get(PROGRESS_KEY));
        let progress =
            progress.ok_or_else(|| damaged("it does not hold the progress of a training".to_owned()))?;
        // The format first: another one may have other fields.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_str(progress).map_err(|error| damaged(error.to_string()))?;
        if format != FORMAT {
            return Err(damaged(format!("it has format {format}, this program writes and reads {FORMAT}")));
        }
        let progress: Progress =
            serde_json::from_str(progress).map_err(|error| damaged(error.to_string()))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
        let mut state =
            Self { progress, network: BTreeMap::new(), optimiser: BTreeMap::new(), memory: Memory::new() };
        for (name, view) in file.tensors() {
            let tensor = view.load(&Device::Cpu)?;
            if let Some(name) = name.strip_prefix(NETWORK) {
                state.network.insert(name.to_owned(), tensor);
            } else if let Some(name) = name.strip_prefix(OPTIMISER) {
                state.optimiser.insert(name.to_owned(), tensor);
            } else if let Some(name) = name.strip_prefix(METHOD) {
                state.memory.insert(name.to_owned(), tensor);
            } else {
                return Err(damaged(format!("it holds an unknown tensor `{name}`")));
            }
        }
        Ok(Some(state))
    }

    /// Refuses to continue another training than this one.
    pub(crate) fn check_identity(
        &self,
        path: &Path,
        wanted: &BTreeMap<String, String>,
    ) -> Result<(), TrainError> {
        let saved = &self.progress.identity;
        if saved == wanted {
            return Ok(());
        }
        let names: std::collections::BTreeSet<&String> = saved.keys().chain(wanted.keys()).collect();
        let value =
            |of: &BTreeMap<String, String>, name: &String| of.get(name).map_or("absent", |v| v).to_owned();
        let differences = names
            .into_iter()
            .filter(|name| saved.get(*name) != wanted.get(*name))
            .map(|name| format!("`{name}` was {}, now {}", value(saved, name), value(wanted, name)))
            .collect();
        Err(TrainError::StateMismatch { path: path.to_owned(), differences })
    }

    /// Puts the tensors into network, optimiser and the method's memory.
    pub(crate) fn restore(
        &self,
        network: &Network,
        optimiser: &mut dyn OptimiserState,
        memory: &mut Memory,
    ) -> Result<(), TrainError> {
        network.load_tensors(&self.network)?;
        memory.clone_from(&self.memory);
        Ok(optimiser.restore(&|name| self.optimiser.get(name).cloned())?)
    }
}
