//! A network's tensors by their torchvision names, out and strictly in.

use crate::error::BackboneError;
use crate::layers::Running;
use crate::network::Network;
use crate::safetensors_file;
use candle_core::{DType, Device, Tensor};
use std::collections::BTreeMap;
use std::path::Path;

const MEAN: &str = "running_mean";
const VARIANCE: &str = "running_var";
const N_BATCHES: &str = "num_batches_tracked";

impl Network {
    /// Copies of the parameters and buffers (running statistics, `num_batches_tracked`), named as in torchvision's
    /// `state_dict()`. f32, but `num_batches_tracked`, which is an i64 scalar. Later steps do not change them.
    ///
    /// # Errors
    /// [`BackboneError::Tensor`] if memory cannot be had.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensor>, BackboneError> {
        let mut tensors = BTreeMap::new();
        for (name, parameter) in self.parameters() {
            tensors.insert(name.clone(), parameter.as_detached_tensor().copy()?);
        }
        for (module, running) in &self.running {
            let Running { mean, variance, n_batches } = running.read();
            tensors.insert(format!("{module}.{MEAN}"), mean);
            tensors.insert(format!("{module}.{VARIANCE}"), variance);
            tensors.insert(format!("{module}.{N_BATCHES}"), Tensor::new(n_batches, &Device::Cpu)?);
        }
        Ok(tensors)
    }

    /// Takes all its values from `tensors`. Strict: every name present, no extra, every shape and type right;
    /// otherwise all faults are listed by name and nothing is changed.
    ///
    /// # Errors
    /// [`BackboneError::TensorMismatch`].
    pub fn load_tensors(&self, tensors: &BTreeMap<String, Tensor>) -> Result<(), BackboneError> {
        if let Some(faults) = self.faults(tensors) {
            return Err(BackboneError::TensorMismatch {
                architecture: self.architecture().name(),
                n_classes: self.n_classes(),
                faults,
            });
        }
        // Everything that can fail comes before the first change.
        let mut parameters = Vec::new();
        for (name, parameter) in self.parameters() {
            parameters.push((parameter, tensors[name].detach().copy()?));
        }
        let mut buffers = Vec::new();
        for (module, running) in &self.running {
            let mean = tensors[&format!("{module}.{MEAN}")].detach().copy()?;
            let variance = tensors[&format!("{module}.{VARIANCE}")].detach().copy()?;
            let n_batches = tensors[&format!("{module}.{N_BATCHES}")].to_scalar::<i64>()?;
            buffers.push((running, Running { mean, variance, n_batches }));
        }
        for (parameter, value) in parameters {
            parameter.set(&value)?;
        }
        for (running, value) in buffers {
            running.set(value);
        }
        Ok(())
    }

    /// Writes all tensors as safetensors that `torchvision`'s `load_state_dict(..., strict=True)` takes (for the
    /// networks that torchvision has). The same tensors and metadata give the same bytes. The file appears whole or
    /// not at all.
    ///
    /// # Errors
    /// [`BackboneError::Write`].
    pub fn save(&self, path: &Path, metadata: &BTreeMap<String, String>) -> Result<(), BackboneError> {
        safetensors_file::write(path, &self.tensors()?, metadata)
    }

    /// Strict load of a safetensors file: see [`Network::load_tensors`].
    ///
    /// # Errors
    /// [`BackboneError::Read`]; [`BackboneError::Weights`] if it is not safetensors or does not fit.
    pub fn load(&self, path: &Path) -> Result<(), BackboneError> {
        let tensors = safetensors_file::read(path)?;
        self.load_tensors(&tensors).map_err(|error| in_file(path, error))
    }

    /// For starting from ImageNet: as [`Network::load`], but a classifier of another number of classes is left as
    /// initialised, and where no `num_batches_tracked` is in the file (torchvision's older weights) it becomes 0, as
    /// in PyTorch. Returns true if the classifier was replaced.
    ///
    /// # Errors
    /// [`BackboneError::Read`]; [`BackboneError::Weights`] if it is not safetensors or does not fit.
    pub fn load_pretrained(&self, path: &Path) -> Result<bool, BackboneError> {
        let mut tensors = safetensors_file::read(path)?;
        let replaced = self.is_classifier_of_other_classes(&tensors);
        if replaced {
            for (name, parameter) in self.classifier_parameters() {
                tensors.insert(name.clone(), parameter.as_detached_tensor());
            }
        }
        if !tensors.keys().any(|name| name.ends_with(N_BATCHES)) {
            for (module, _) in &self.running {
                tensors.insert(format!("{module}.{N_BATCHES}"), Tensor::new(0i64, &Device::Cpu)?);
            }
        }
        self.load_tensors(&tensors).map_err(|error| in_file(path, error))?;
        Ok(replaced)
    }

    /// Whether `tensors` holds a whole classifier that differs from ours in nothing but the number of classes.
    fn is_classifier_of_other_classes(&self, tensors: &BTreeMap<String, Tensor>) -> bool {
        let [weight, bias] = self.classifier_parameters();
        match (tensors.get(&weight.0), tensors.get(&bias.0)) {
            (Some(their_weight), Some(their_bias)) => {
                let channels = weight.1.dims().get(1);
                their_weight.rank() == 2
                    && their_weight.dims().get(1) == channels
                    && their_weight.dims().first() == their_bias.dims().first()
                    && their_bias.rank() == 1
                    && their_bias.dims() != bias.1.dims()
            }
            _ => false,
        }
    }

    /// What keeps `tensors` from being this network's, all of it; None if nothing does.
    fn faults(&self, tensors: &BTreeMap<String, Tensor>) -> Option<String> {
        let own = self.expected();
        let missing: Vec<_> =
            own.keys().filter(|name| !tensors.contains_key(*name)).map(|name| format!("`{name}`")).collect();
        let extra: Vec<_> =
            tensors.keys().filter(|name| !own.contains_key(*name)).map(|name| format!("`{name}`")).collect();
        let unlike: Vec<_> = own
            .iter()
            .filter_map(|(name, (kind, dims))| {
                let theirs = tensors.get(name)?;
                let fits = theirs.dims() == dims && theirs.dtype() == *kind;
                let (theirs, kind) = (describe(theirs.dtype(), theirs.dims()), describe(*kind, dims));
                (!fits).then(|| format!("`{name}` is {theirs}, expected {kind}"))
            })
            .collect();
        let faults: Vec<_> =
            [("missing", missing), ("not in the network", extra), ("of another shape or type", unlike)]
                .into_iter()
                .filter(|(_, names)| !names.is_empty())
                .map(|(what, names)| format!("{} {what}: {}", names.len(), names.join(", ")))
                .collect();
        (!faults.is_empty()).then(|| faults.join("; "))
    }

    /// Type and shape of every tensor.
    fn expected(&self) -> BTreeMap<String, (DType, Vec<usize>)> {
        let mut expected = BTreeMap::new();
        for (name, parameter) in self.parameters() {
            expected.insert(name.clone(), (DType::F32, parameter.dims().to_vec()));
        }
        for (module, running) in &self.running {
            let channels = running.read().mean.dims().to_vec();
            expected.insert(format!("{module}.{MEAN}"), (DType::F32, channels.clone()));
            expected.insert(format!("{module}.{VARIANCE}"), (DType::F32, channels));
            expected.insert(format!("{module}.{N_BATCHES}"), (DType::I64, Vec::new()));
        }
        expected
    }
}

fn describe(kind: DType, dims: &[usize]) -> String {
    format!("{} {dims:?}", kind.as_str())
}

fn in_file(path: &Path, error: BackboneError) -> BackboneError {
    match error {
        BackboneError::TensorMismatch { architecture, n_classes, faults } => BackboneError::Weights {
            path: path.to_owned(),
            reason: format!("they are not those of `{architecture}` with {n_classes} classes: {faults}"),
        },
        other => other,
    }
}
