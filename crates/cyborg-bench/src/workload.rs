//! What is measured: a network, a batch in memory, and one step of its training or one pass of its evaluation.

use crate::noise::noise;
use crate::{BenchError, Method, Mode, Settings};
use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};
use cyborg_backbones::{Architecture, Network, Tap};
use cyborg_loss::{CamClass, HumanSaliency, cross_entropy, cyborg};
use cyborg_optim::{Optimiser, OptimiserState, Parameter, Sgd};
use cyborg_seed::Seed;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Instant;

/// The released code's weight of cross-entropy.
const ALPHA: f64 = 0.5;
const CLASSES: usize = 2;

/// A network with its batch, ready for steps.
pub(crate) struct Workload {
    settings: Settings,
    network: Network,
    optimiser: Box<dyn OptimiserState>,
    learning_rate: f64,
    images: Tensor,
    labels: Tensor,
    human: HumanSaliency,
}

/// Seconds that making the workload took.
pub(crate) struct MadeIn {
    /// The network with its initial weights.
    pub(crate) network: f64,
    /// The batch.
    pub(crate) data: f64,
}

/// What a pass computed, before the optimiser moves.
pub(crate) struct Computed {
    /// The loss; in evaluation the mean logit.
    pub(crate) value: Tensor,
    /// By the names of the files that are compared.
    pub(crate) outputs: Vec<(&'static str, Tensor)>,
    /// None in evaluation.
    pub(crate) gradients: Option<GradStore>,
}

impl Workload {
    /// # Errors
    /// [`BenchError::Setting`] for an input that is too small.
    pub(crate) fn open(settings: &Settings) -> Result<(Self, MadeIn), BenchError> {
        let clock = Instant::now();
        let architecture = settings.architecture()?;
        let network = Network::new(architecture, CLASSES, &Seed::new(settings.seed))?;
        keep_clear_of_zero(&network)?;
        // The defaults are those of the released code.
        let sgd = Sgd::default();
        let parameter = |(name, var): &(String, Var)| Parameter::new(name, var.clone());
        let optimiser = sgd.start(&network.parameters().iter().map(parameter).collect::<Vec<_>>());
        let learning_rate = sgd.learning_rate();
        let network_s = clock.elapsed().as_secs_f64();

        let clock = Instant::now();
        let (batch, px) = (settings.batch, settings.input_px);
        let grid = settings.grid()?;
        let images = noise(&format!("images/{}", settings.seed), batch * 3 * px * px);
        let maps = noise(&format!("maps/{}", settings.seed), batch * grid * grid);
        let maps = maps.into_iter().map(|value| 0.5 + 0.5 * value).collect();
        let labels: Vec<u32> = (0..batch as u32).map(|index| index % CLASSES as u32).collect();
        let human = HumanSaliency {
            maps: Tensor::from_vec(maps, (batch, grid, grid), &Device::Cpu)?,
            has_map: Tensor::from_vec(vec![1f32; batch], batch, &Device::Cpu)?,
        };
        let images = Tensor::from_vec(images, (batch, 3, px, px), &Device::Cpu)?;
        let labels = Tensor::from_vec(labels, batch, &Device::Cpu)?;
        let made = MadeIn { network: network_s, data: clock.elapsed().as_secs_f64() };
        let settings = settings.clone();
        Ok((Self { settings, network, optimiser, learning_rate, images, labels, human }, made))
    }

    /// Forward, loss, backward; in evaluation forward alone.
    pub(crate) fn compute(&self) -> Result<Computed, BenchError> {
        if self.settings.mode == Mode::Eval {
            let output = self.network.forward_eval(&self.images, &[Tap::RELEASED])?;
            let features = output.features(&Tap::RELEASED)?.clone();
            let outputs = vec![("logits", output.logits.clone()), ("features", features)];
            return Ok(Computed { value: output.logits.mean_all()?, outputs, gradients: None });
        }
        let output = self.network.forward_train(&self.images, &[Tap::RELEASED])?;
        let features = output.features(&Tap::RELEASED)?.clone();
        let weight = self.network.classifier_weight();
        let (value, map_term) = match self.settings.method {
            Method::CrossEntropy => (cross_entropy(&output.logits, &self.labels)?, None),
            Method::Cyborg => {
                let logits = &output.logits;
                let cam_class = CamClass::Predicted;
                let loss = cyborg(logits, &features, weight, &self.labels, &self.human, ALPHA, cam_class)?;
                (loss.total, Some(loss.saliency_mse))
            }
        };
        let gradients = cyborg_backbones::backward(&value)?;
        let mut outputs = vec![("loss", value.clone()), ("logits", output.logits), ("features", features)];
        outputs.extend(map_term.map(|term| ("map term", term)));
        Ok(Computed { value, outputs, gradients: Some(gradients) })
    }

    /// Moves the parameters; nothing in evaluation.
    pub(crate) fn update(&mut self, computed: &Computed) -> Result<(), BenchError> {
        if let Some(gradients) = &computed.gradients {
            self.optimiser.step(gradients, self.learning_rate)?;
        }
        Ok(())
    }

    /// Writes the network and the batch for another program: `weights.safetensors` and `batch.safetensors`.
    pub(crate) fn export(&self, dir: &Path) -> Result<(), BenchError> {
        self.network.save(&dir.join("weights.safetensors"), &BTreeMap::new())?;
        let labels = self.labels.to_dtype(candle_core::DType::I64)?;
        let batch = HashMap::from([
            ("images".to_owned(), self.images.clone()),
            ("labels".to_owned(), labels),
            ("maps".to_owned(), self.human.maps.clone()),
        ]);
        Ok(candle_core::safetensors::save(&batch, dir.join("batch.safetensors"))?)
    }

    /// Writes everything that was computed, to be compared.
    pub(crate) fn write(&self, computed: &Computed, path: &Path) -> Result<(), BenchError> {
        let mut tensors: HashMap<String, Tensor> = HashMap::new();
        for (name, tensor) in &computed.outputs {
            tensors.insert((*name).to_owned(), tensor.detach().contiguous()?);
        }
        if let Some(gradients) = &computed.gradients {
            for (name, parameter) in self.network.parameters() {
                // One that is missing shows in the comparison.
                if let Some(gradient) = gradients.get(parameter.as_tensor()) {
                    tensors.insert(format!("gradient of {name}"), gradient.contiguous()?);
                }
            }
        }
        Ok(candle_core::safetensors::save(&tensors, path)?)
    }
}

/// Sets the batch norms so that hardly any input of a ReLU is near 0.
///
/// Batch norms as they begin (weight 1, bias 0) put millions of them there, where rounding decides whether a gradient
/// passes: single gradients of PyTorch's own float32 are then up to 5 % off its float64 (README of `cyborg-backbones`),
/// and a comparison could see nothing smaller. Times do not depend on it. The pattern is that of the golden files there:
/// channels are clearly on or, where nothing but a ReLU follows, clearly off.
fn keep_clear_of_zero(network: &Network) -> Result<(), BenchError> {
    let (may_be_off, quiet): (&[&str], &[&str]) = match network.architecture() {
        Architecture::ThinResNet8 | Architecture::ResNet18 | Architecture::ResNet34 => (&["bn1.bias"], &[]),
        Architecture::ResNet50 | Architecture::ResNet101 | Architecture::ResNet152 => {
            (&["bn1.bias", "bn2.bias"], &["bn3.weight", "bn3.bias"])
        }
        Architecture::TfEfficientNetLite0 | Architecture::EfficientNetLite0 => {
            (&["bn1.bias", "bn2.bias"], &[])
        }
        Architecture::DenseNet121 | Architecture::InceptionV3 => (&[".bias"], &[]),
        Architecture::Xception => {
            (&["bn1.bias", "bn2.bias", "bn3.bias", "bn4.bias", "rep.1.bias", "rep.2.bias"], &[])
        }
    };
    let ends = |name: &str, ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let is_norm = |parameter: &Var| parameter.rank() == 1 && parameter.elem_count() != CLASSES;
    for (name, parameter) in network.parameters().iter().filter(|(_, parameter)| is_norm(parameter)) {
        let value = |u: f32| match (name.ends_with("weight"), ends(name, quiet)) {
            (true, true) => 0.0625 * (1.0 + 0.25 * u),
            (true, false) => 0.25 * (1.0 + 0.25 * u),
            (false, true) => 0.0625 * u,
            (false, false) if ends(name, may_be_off) && u < -0.5 => -(1.0 + 0.125 * u),
            (false, false) => 1.0 + 0.125 * u,
        };
        let values: Vec<f32> = noise(name, parameter.elem_count()).into_iter().map(value).collect();
        parameter.set(&Tensor::from_vec(values, parameter.dims(), &Device::Cpu)?)?;
    }
    Ok(())
}
