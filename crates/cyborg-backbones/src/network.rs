//! A network as the rest of the workspace sees it: images in, logits and the tap's features out.

use crate::architecture::{Architecture, Backbone, Definition, Tap, expect_images};
use crate::builder::{Builder, Initial};
use crate::error::BackboneError;
use crate::layers::{Linear, Mode, Pass, RunningStatistics, dropout};
use candle_core::{Device, Tensor, Var};
use cyborg_seed::Seed;
use std::sync::Arc;

/// What one forward pass gives.
#[derive(Clone, Debug)]
pub struct Output {
    /// `(batch, classes)`
    pub logits: Tensor,
    /// `(batch, channels, grid, grid)`, from the tap
    pub features: Tensor,
}

/// What a training pass does beyond the ordinary.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrainingPass<'a> {
    /// What dropout draws from, in a network that has it ([`Architecture::dropout`]): a seed of this step alone, such as
    /// `run.child("step/17")`, so that a resumed run draws what an uninterrupted one would. None: no dropout.
    pub dropout: Option<&'a Seed>,
    /// Do as the released code does with DenseNet-121: run the images through the backbone a second time and take the
    /// features from there. Batch statistics are those of the same images, so that logits and features are the same and
    /// gradients too but for rounding; the running statistics move twice. Takes nearly twice the time.
    pub features_from_second_pass: bool,
}

/// A backbone, global average pooling and a linear classifier.
///
/// It is moved by [`Network::forward_train`] (running statistics), by whoever sets its parameters' `Var`s, and by the
/// `load` methods; all through `&self`. One pass at a time trains; passes that only evaluate can run side by side.
#[derive(Debug)]
pub struct Network {
    architecture: Architecture,
    n_classes: usize,
    seed: Seed,
    backbone: Box<dyn Backbone>,
    classifier: Linear,
    parameters: Vec<(String, Var)>,
    pub(crate) running: Vec<(String, Arc<RunningStatistics>)>,
}

impl Network {
    /// A network with initial weights as torchvision draws them (see the README), each parameter from
    /// `seed.stream("init/NAME")`: the same seed gives the same bits, and no parameter's values depend on another's.
    ///
    /// # Errors
    /// [`BackboneError::NoClasses`] for `n_classes = 0`.
    pub fn new(architecture: Architecture, n_classes: usize, seed: &Seed) -> Result<Self, BackboneError> {
        Self::build(architecture, architecture.definition(), n_classes, seed)
    }

    /// A network of zeros, for whoever loads every tensor of it: to draw them takes seconds in the larger ones.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn blank(architecture: Architecture, n_classes: usize) -> Result<Self, BackboneError> {
        let definition = Definition {
            convolutions: Initial::Zero,
            classifier_initial: (Initial::Zero, Initial::Zero),
            ..*architecture.definition()
        };
        Self::build(architecture, &definition, n_classes, &Seed::new(0))
    }

    fn build(
        architecture: Architecture,
        definition: &Definition,
        n_classes: usize,
        seed: &Seed,
    ) -> Result<Self, BackboneError> {
        if n_classes == 0 {
            return Err(BackboneError::NoClasses { architecture: architecture.name() });
        }
        let mut builder = Builder::new(definition, *seed, Device::Cpu);
        let backbone = (definition.build)(&mut builder)?;
        let classifier = builder.linear(
            definition.classifier,
            definition.channels,
            n_classes,
            definition.classifier_initial,
        )?;
        let Builder { parameters, running, .. } = builder;
        Ok(Self { architecture, n_classes, seed: *seed, backbone, classifier, parameters, running })
    }

    /// Which network it is.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// How many classes its classifier tells apart.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// One pass for training: batch statistics, logits and features in one graph. Moves the running statistics once
    /// (momentum 0.1, unbiased variance) and `num_batches_tracked` by one. Without dropout: see
    /// [`Network::forward_train_with`].
    ///
    /// `images` is `(batch, 3, height, width)`, normalised by [`Architecture::normalisation`].
    ///
    /// # Errors
    /// [`BackboneError::Images`] for another shape; [`BackboneError::Tensor`] where a batch norm has one value per
    /// channel only (one image on a grid of one cell): it has no variance.
    pub fn forward_train(&self, images: &Tensor, tap: Tap) -> Result<Output, BackboneError> {
        self.forward_train_with(images, tap, TrainingPass::default())
    }

    /// [`Network::forward_train`] with dropout, or as the released code does it.
    ///
    /// # Errors
    /// As [`Network::forward_train`].
    pub fn forward_train_with(
        &self,
        images: &Tensor,
        tap: Tap,
        pass: TrainingPass<'_>,
    ) -> Result<Output, BackboneError> {
        expect_images(self.architecture, images)?;
        let (channels, mut features) = self.run(images, tap, Mode::Train)?;
        let logits = self.classify(channels, Mode::Train, pass.dropout)?;
        if pass.features_from_second_pass {
            (_, features) = self.run(images, tap, Mode::Train)?;
        }
        Ok(Output { logits, features })
    }

    /// One pass for evaluation: running statistics; changes nothing.
    ///
    /// Parameters are constants here, so nothing is kept for a backward pass; gradients reach `images` if those are a
    /// variable, and only those.
    ///
    /// # Errors
    /// [`BackboneError::Images`] unless `images` is `(batch, 3, height, width)`.
    pub fn forward_eval(&self, images: &Tensor, tap: Tap) -> Result<Output, BackboneError> {
        expect_images(self.architecture, images)?;
        let (channels, features) = self.run(images, tap, Mode::Eval)?;
        let logits = self.classify(channels, Mode::Eval, None)?;
        Ok(Output { logits, features })
    }

    /// Runs the backbone: the means of the pooled channels, `(batch, channels)`, and the features at the tap.
    fn run(&self, images: &Tensor, tap: Tap, mode: Mode) -> candle_core::Result<(Tensor, Tensor)> {
        let pass = Pass::new(mode, images);
        let maps = self.backbone.forward(&pass.tape.input(images)?, &pass)?;
        let channels = pass.tape.global_avg_pool2d(&maps.pooled)?;
        let features = maps.at(tap);
        let [channels, features] = pass.tape.finish([&channels, &features])?;
        Ok((channels.flatten_from(1)?, features))
    }

    fn classify(&self, mut channels: Tensor, mode: Mode, seed: Option<&Seed>) -> candle_core::Result<Tensor> {
        let probability = self.architecture.dropout();
        if let Some(seed) = seed.filter(|_| probability > 0.0) {
            channels = dropout(&channels, probability, seed)?;
        }
        self.classifier.forward(&channels, mode)
    }

    /// `(classes, channels)`: the weight of the last linear layer, part of the graph.
    pub fn classifier_weight(&self) -> &Tensor {
        self.classifier.weight.as_tensor()
    }

    /// Trainable, named and ordered as torchvision's `named_parameters()`.
    pub fn parameters(&self) -> &[(String, Var)] {
        &self.parameters
    }

    /// Name and tensor of a new classifier's weight and bias, as the released code puts one behind a network with
    /// ImageNet's weights: drawn as PyTorch draws a linear layer that nobody touches. That is what [`Network::new`] draws
    /// but for `densenet121` and `inception_v3`, whose authors touch theirs.
    pub(crate) fn new_classifier(&self) -> candle_core::Result<[(String, Tensor); 2]> {
        let definition = self.architecture.definition();
        let mut builder = Builder::new(definition, self.seed, Device::Cpu);
        let untouched = (Initial::Uniform, Initial::Uniform);
        let linear = builder.linear(definition.classifier, definition.channels, self.n_classes, untouched)?;
        let [(weight, _), (bias, _)] = self.classifier_parameters();
        Ok([(weight, linear.weight.as_detached_tensor()), (bias, linear.bias.as_detached_tensor())])
    }

    /// Name and tensor of the classifier's weight and bias.
    pub(crate) fn classifier_parameters(&self) -> [(String, &Var); 2] {
        let module = self.architecture.definition().classifier;
        let Linear { weight, bias } = &self.classifier;
        [(format!("{module}.weight"), weight), (format!("{module}.bias"), bias)]
    }
}
