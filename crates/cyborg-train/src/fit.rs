//! Training in a folder, to the same bits however often it is interrupted.

use crate::epochs::{TimingRow, write_epochs, write_timing};
use crate::inputs::{check_inputs, identity};
use crate::state::{Best, Progress, SavedState};
use crate::step::{LossOfBatch, numbers};
use crate::steps::{StepLog, StepRow};
use crate::whole_file::{moment, remove_unfinished};
use crate::{EpochRow, ImageSet, Observer, TrainError, TrainSettings};
use candle_core::Tensor;
use cyborg_backbones::{Network, ParameterInfo, ParameterRole};
use cyborg_data::{Batch, BatchPlan, Batches};
use cyborg_loss::{cross_entropy, largest};
use cyborg_methods::Memory;
use cyborg_optim::{Moment, NetworkParameter, OptimiserState, Parameter};
use cyborg_seed::Seed;
use fs_err as fs;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a training came to.
#[derive(Clone, Debug, PartialEq)]
pub struct FitOutcome {
    /// The epoch (from 0) whose weights are in `best.safetensors`.
    pub best_epoch: usize,
    /// Its validation accuracy.
    pub best_validation_accuracy: f64,
    /// All epochs.
    pub epochs: Vec<EpochRow>,
}

/// How a training is carried out; nothing here can change a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FitOptions {
    /// Within an epoch the state is written at most this often (and never so often that writing takes more than a
    /// twentieth of the time); 0 writes it after every step. It is always written at the end of an epoch.
    pub state_interval: Duration,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self { state_interval: Duration::from_mins(1) }
    }
}

/// Trains in `dir`, resuming from what lies there; a finished training returns at once. Files:
///
/// - `epochs.csv`: one [`EpochRow`] an epoch; written again, whole, after each
/// - `steps.csv`: one [`StepRow`] a step, for comparisons with other programs
/// - `timing.csv`: seconds and images a second of each epoch
/// - `best.safetensors`: the weights of the epoch with the best validation accuracy (ties: the later one), with
///   `weights_metadata`, `epoch` and `validation_accuracy` in the header
/// - `last.safetensors`: the weights after the last epoch
/// - `state.safetensors`: what resuming needs; without tensors once the training is finished
///
/// The initial weights come from `Seed::new(seed).child("init")`, the order of epoch `e` from the stream
/// `epoch/{e}/order` of `Seed::new(seed)`: neither depends on the method, so trainings with the same seed are paired.
///
/// A kill at any moment loses at most the steps since the state was last written; the resumed training ends with the
/// same bits in `epochs.csv`, `steps.csv` and in both weights files. Only one process may train in a folder at a time; seeing to that
/// is the caller's.
///
/// # Errors
/// Before the first step: [`TrainError::Setting`], [`TrainError::NoImages`] (an empty validation set too: there would be
/// nothing to choose the best epoch by), [`TrainError::SetShape`], [`TrainError::Label`], [`TrainError::ClassMissing`],
/// [`TrainError::NoMaps`], [`TrainError::SingleValueBatch`], [`TrainError::StateMismatch`],
/// [`TrainError::StateDamaged`]. Later: [`TrainError::Write`], [`TrainError::NonFinite`], [`TrainError::Data`],
/// [`TrainError::Interrupted`].
pub fn fit(
    settings: &TrainSettings,
    train: &ImageSet,
    validation: &ImageSet,
    dir: &Path,
    weights_metadata: &BTreeMap<String, String>,
    observer: &dyn Observer,
) -> Result<FitOutcome, TrainError> {
    fit_with(settings, train, validation, dir, weights_metadata, observer, &FitOptions::default())
}

/// [`fit`] with options.
///
/// # Errors
/// As [`fit`].
pub fn fit_with(
    settings: &TrainSettings,
    train: &ImageSet,
    validation: &ImageSet,
    dir: &Path,
    weights_metadata: &BTreeMap<String, String>,
    observer: &dyn Observer,
    options: &FitOptions,
) -> Result<FitOutcome, TrainError> {
    check_inputs(settings, train, validation)?;
    let controlled = match &settings.map_control {
        Some(control) => Some(control.replace(train, &Seed::new(settings.seed).child("maps"))?),
        None => None,
    };
    let train = controlled.as_ref().unwrap_or(train);
    fs::create_dir_all(dir).map_err(|source| TrainError::Write { path: dir.to_owned(), source })?;
    remove_unfinished(dir)?;
    let state_path = dir.join("state.safetensors");
    let identity = identity(settings, train, validation)?;
    let saved = SavedState::read(&state_path)?;
    if let Some(saved) = &saved {
        saved.check_identity(&state_path, &identity)?;
        check_weights_exist(dir, &saved.progress)?;
        write_tables(dir, &saved.progress)?;
        if saved.progress.finished {
            return outcome(&state_path, saved.progress.clone());
        }
    }
    let network = new_network(settings)?;
    let parameters = settings.protocol.groups.apply(&network_parameters(&network))?;
    let mut optimiser = settings.protocol.optimiser.start(&parameters);
    let mut memory = Memory::new();
    let progress = if let Some(saved) = saved {
        saved.restore(&network, optimiser.as_mut(), &mut memory)?;
        saved.progress
    } else {
        if let Some(path) = &settings.pretrained {
            observer.pretrained(&network.load_pretrained(path)?.lines());
        }
        Progress::new(identity)
    };
    let mut training = Training {
        settings,
        train,
        validation,
        dir,
        state_path,
        weights_metadata,
        observer,
        options,
        loss: LossOfBatch::new(settings, &n_of_class(settings, train)),
        network,
        parameters,
        optimiser,
        memory,
        steps: StepLog::read(&dir.join(STEPS), progress.epoch, progress.step),
        progress,
        state_written: Instant::now(),
        state_cost: Duration::ZERO,
    };
    training.run()?;
    outcome(&training.state_path, training.progress)
}

/// The per-step table.
const STEPS: &str = "steps.csv";

/// A training under way.
struct Training<'a> {
    settings: &'a TrainSettings,
    train: &'a ImageSet,
    validation: &'a ImageSet,
    dir: &'a Path,
    state_path: PathBuf,
    weights_metadata: &'a BTreeMap<String, String>,
    observer: &'a dyn Observer,
    options: &'a FitOptions,
    loss: LossOfBatch,
    network: Network,
    parameters: Vec<Parameter>,
    optimiser: Box<dyn OptimiserState>,
    memory: Memory,
    steps: StepLog,
    progress: Progress,
    state_written: Instant,
    state_cost: Duration,
}

impl Training<'_> {
    fn run(&mut self) -> Result<(), TrainError> {
        let n_epochs = self.settings.protocol.epochs.get();
        self.observer.started(self.progress.epoch, self.progress.step, n_epochs, self.n_steps());
        while self.progress.epoch < n_epochs {
            self.train_epoch()?;
            self.end_epoch()?;
        }
        Ok(())
    }

    fn n_steps(&self) -> usize {
        self.train.len().div_ceil(self.settings.protocol.batch_size.get())
    }

    fn learning_rate(&self, epoch: usize, step: usize) -> f64 {
        let n_epochs = self.settings.protocol.epochs.get();
        let at = Moment { epoch, n_epochs, step, steps_per_epoch: self.n_steps() };
        self.settings.protocol.learning_rate(at)
    }

    fn train_epoch(&mut self) -> Result<(), TrainError> {
        let epoch = self.progress.epoch;
        let mut order: Vec<usize> = (0..self.train.len()).collect();
        if self.settings.protocol.shuffle {
            Seed::new(self.settings.seed).stream(&format!("epoch/{epoch}/order")).shuffle(&mut order);
        }
        let grid = self.settings.grid()?;
        let plan = BatchPlan {
            grids: vec![(grid, grid)],
            image_maps: self.loss.needs_image_maps(),
            transforms: &self.settings.protocol.augment,
            seed: Some(Seed::new(self.settings.seed)),
        };
        let train = self.train;
        let batches = Batches::new(train, self.settings.architecture.normalisation(), plan)?;
        let batch_size = self.settings.protocol.batch_size.get();
        let mut clock = Instant::now();
        let _: ControlFlow<Infallible> =
            batches.for_each(&order, batch_size, self.progress.step, epoch, |step, batch| {
                if self.observer.should_stop() {
                    self.write_state()?;
                    return Err(TrainError::Interrupted { epoch, step });
                }
                self.step(&batch)?;
                self.progress.step = step + 1;
                self.progress.sums.seconds += clock.elapsed().as_secs_f64();
                clock = Instant::now();
                self.write_state_if_due()?;
                Ok::<_, TrainError>(ControlFlow::Continue(()))
            })?;
        Ok(())
    }

    fn step(&mut self, batch: &Batch) -> Result<(), TrainError> {
        let (epoch, step) = (self.progress.epoch, self.progress.step);
        let learning_rate = self.learning_rate(epoch, step);
        let run = Seed::new(self.settings.seed);
        let result = self.loss.compute(&self.network, batch, &mut self.memory, &run, (epoch, step))?;
        let loss = f64::from(result.terms.total.to_scalar::<f32>()?);
        check_finite("training loss", loss, (epoch, step), learning_rate)?;
        let mut gradients = cyborg_backbones::backward(&result.terms.total)?;
        if let Some(clip) = &self.settings.protocol.clip {
            clip.apply(&self.parameters, &mut gradients)?;
        }
        self.optimiser.step(&gradients, learning_rate)?;

        let n_images = batch.items.len();
        let n_maps = batch.maps.first().map_or(0, |maps| maps.n_maps);
        let correct = n_correct(self.train, batch, &result.logits)?;
        let terms = numbers(&result.terms.terms, n_images, n_maps)?;
        self.progress.sums.add(n_images, correct, loss, &terms);
        self.steps.push(StepRow {
            epoch,
            step,
            learning_rate,
            images: n_images,
            maps: n_maps,
            loss,
            terms: terms.into_iter().map(|(term, _)| term).collect(),
            correct,
        });
        let accuracy = correct as f64 / n_images as f64;
        self.observer.step(epoch, step, self.n_steps(), loss, accuracy, n_images);
        Ok(())
    }

    /// Validates, writes the best weights, then the state that speaks of them, then the tables that follow from it.
    fn end_epoch(&mut self) -> Result<(), TrainError> {
        let clock = Instant::now();
        let epoch = self.progress.epoch;
        let (validation_loss, validation_accuracy) = self.validate()?;
        let sums = std::mem::take(&mut self.progress.sums);
        let best = self.progress.best.is_none_or(|best| validation_accuracy >= best.validation_accuracy);
        let n_images = sums.images as f64;
        let row = EpochRow {
            epoch,
            learning_rate: self.learning_rate(epoch, 0),
            train_loss: sums.loss / n_images,
            train_terms: sums.terms(),
            train_accuracy: sums.correct as f64 / n_images,
            validation_loss,
            validation_accuracy,
            best,
        };
        if best {
            self.progress.best = Some(Best { epoch, validation_accuracy });
            self.save_weights("best.safetensors", &row)?;
        }
        let finished = epoch + 1 == self.settings.protocol.epochs.get();
        if finished {
            self.save_weights("last.safetensors", &row)?;
        }
        let seconds = sums.seconds + clock.elapsed().as_secs_f64();
        self.progress.timing.push(TimingRow { epoch, seconds, images_per_second: n_images / sums.seconds });
        self.progress.rows.push(row.clone());
        self.progress.epoch += 1;
        self.progress.step = 0;
        self.progress.finished = finished;
        self.write_state()?;
        write_tables(self.dir, &self.progress)?;
        self.observer.epoch(&row, seconds);
        Ok(())
    }

    /// Mean cross-entropy and accuracy on the validation set, in evaluation mode.
    fn validate(&self) -> Result<(f64, f64), TrainError> {
        let order: Vec<usize> = (0..self.validation.len()).collect();
        let (mut loss, mut correct) = (0.0, 0);
        let normalisation = self.settings.architecture.normalisation();
        let batches = Batches::new(self.validation, normalisation, BatchPlan::default())?;
        let batch_size = self.settings.protocol.batch_size.get();
        let _: ControlFlow<Infallible> = batches.for_each(&order, batch_size, 0, 0, |_, batch| {
            let logits = self.network.forward_eval(&batch.images, &[])?.logits.detach();
            let batch_loss = cross_entropy(&logits, &batch.labels)?.to_scalar::<f32>()?;
            loss += f64::from(batch_loss) * batch.items.len() as f64;
            correct += n_correct(self.validation, &batch, &logits)?;
            Ok::<_, TrainError>(ControlFlow::Continue(()))
        })?;
        let n_images = order.len() as f64;
        let (epoch, step) = (self.progress.epoch, self.progress.step);
        check_finite("validation loss", loss, (epoch, step), self.learning_rate(epoch, 0))?;
        Ok((loss / n_images, correct as f64 / n_images))
    }

    fn save_weights(&self, name: &str, row: &EpochRow) -> Result<(), TrainError> {
        let mut metadata = self.weights_metadata.clone();
        metadata.insert("epoch".to_owned(), row.epoch.to_string());
        metadata.insert("validation_accuracy".to_owned(), row.validation_accuracy.to_string());
        moment("before weights");
        self.network.save(&self.dir.join(name), &metadata)?;
        moment("after weights");
        Ok(())
    }

    fn write_state_if_due(&mut self) -> Result<(), TrainError> {
        let interval = self.options.state_interval;
        let since = self.state_written.elapsed();
        if interval.is_zero() || (since >= interval && since >= 20 * self.state_cost) {
            return self.write_state();
        }
        Ok(())
    }

    fn write_state(&mut self) -> Result<(), TrainError> {
        let started = Instant::now();
        self.steps.write(&self.dir.join(STEPS))?;
        self.progress.write(&self.state_path, &self.network, self.optimiser.as_ref(), &self.memory)?;
        self.state_written = Instant::now();
        self.state_cost = self.state_written - started;
        Ok(())
    }
}

/// The network with initial weights drawn from the run's seed, frozen where the protocol says so.
pub(crate) fn new_network(settings: &TrainSettings) -> Result<Network, TrainError> {
    let seed = Seed::new(settings.seed).child("init");
    let mut network = Network::new(settings.architecture, settings.n_classes, &seed)?;
    network.freeze(&settings.protocol.freeze)?;
    Ok(network)
}

/// The parameters that are trained, with what the protocol's groups must know of each.
pub(crate) fn network_parameters(network: &Network) -> Vec<NetworkParameter> {
    let trained = network.parameter_roles().into_iter().filter(|info| !info.is_frozen);
    let parameter = |(info, (name, var)): (ParameterInfo, (String, candle_core::Var))| NetworkParameter {
        name,
        var,
        role: match info.role {
            ParameterRole::Weight => cyborg_optim::ParameterRole::Weight,
            ParameterRole::Bias => cyborg_optim::ParameterRole::Bias,
            ParameterRole::Norm => cyborg_optim::ParameterRole::Norm,
        },
        is_classifier: info.is_classifier,
    };
    trained.zip(network.trainable_parameters()).map(parameter).collect()
}

/// The number of training images of each class.
fn n_of_class(settings: &TrainSettings, train: &ImageSet) -> Vec<usize> {
    let mut counts = vec![0; settings.n_classes];
    for item in train.items() {
        counts[item.label] += 1;
    }
    counts
}

/// Images of the batch whose largest logit is their label's.
fn n_correct(set: &ImageSet, batch: &Batch, logits: &Tensor) -> Result<usize, TrainError> {
    let logits = logits.to_vec2::<f32>()?;
    let pairs = logits.iter().zip(&batch.items);
    Ok(pairs.filter(|&(row, &item)| largest(row) == set.items()[item].label).count())
}

/// The weights files that the state speaks of are there.
fn check_weights_exist(dir: &Path, progress: &Progress) -> Result<(), TrainError> {
    for (name, needed) in
        [("best.safetensors", progress.best.is_some()), ("last.safetensors", progress.finished)]
    {
        let path = dir.join(name);
        if needed && !path.is_file() {
            return Err(TrainError::StateDamaged { path, reason: "the file is missing".to_owned() });
        }
    }
    Ok(())
}

fn write_tables(dir: &Path, progress: &Progress) -> Result<(), TrainError> {
    if progress.rows.is_empty() {
        return Ok(());
    }
    write_epochs(&dir.join("epochs.csv"), &progress.rows)?;
    write_timing(&dir.join("timing.csv"), &progress.timing)
}

fn check_finite(
    what: &'static str,
    value: f64,
    (epoch, step): (usize, usize),
    learning_rate: f64,
) -> Result<(), TrainError> {
    if value.is_finite() {
        return Ok(());
    }
    Err(TrainError::NonFinite { what, value, epoch, step, learning_rate })
}

fn outcome(state_path: &Path, progress: Progress) -> Result<FitOutcome, TrainError> {
    let Some(best) = progress.best else {
        let reason = "it is finished without a best epoch".to_owned();
        return Err(TrainError::StateDamaged { path: state_path.to_owned(), reason });
    };
    Ok(FitOutcome {
        best_epoch: best.epoch,
        best_validation_accuracy: best.validation_accuracy,
        epochs: progress.rows,
    })
}
