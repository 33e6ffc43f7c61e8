//! A network as the rest of the workspace sees it: images in, logits and features at any of its taps out.

use crate::architecture::{Architecture, expect_images, expect_taps};
use crate::builder::{Builder, Initial};
use crate::definition::{Backbone, Definition};
use crate::error::{BackboneError, quoted};
use crate::layers::{Linear, RunningStatistics, dropout};
use crate::parameter::Parameter;
use crate::pass::{Mode, Pass};
use crate::tap::Tap;
use candle_core::{Device, Tensor, Var};
use cyborg_seed::Seed;
use std::sync::Arc;

/// What one forward pass gives.
#[derive(Clone, Debug)]
pub struct Output {
    /// `(batch, classes)`
    pub logits: Tensor,
    /// What each tap that was asked for gave: `(batch, channels, height, width)`.
    features: Vec<(Tap, Tensor)>,
    architecture: Architecture,
}

impl Output {
    /// The feature maps at a tap that the pass was asked for: `(batch, channels, height, width)`, with
    /// [`Architecture::channels_at`] and [`Architecture::grid_at`].
    ///
    /// # Errors
    /// [`BackboneError::TapNotTaken`], which names the taps that were asked for.
    pub fn features(&self, tap: &Tap) -> Result<&Tensor, BackboneError> {
        let found = self.features.iter().find(|(found, _)| found == tap);
        found.map(|(_, features)| features).ok_or_else(|| BackboneError::TapNotTaken {
            architecture: self.architecture.name(),
            tap: *tap,
            asked: match self.features.as_slice() {
                [] => "no tap".to_owned(),
                features => quoted(&features.iter().map(|(tap, _)| tap.name()).collect::<Vec<_>>()),
            },
        })
    }
}

/// What a training pass does beyond the ordinary.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrainingPass<'a> {
    /// What dropout draws from, in a network that has it ([`Architecture::dropout`]): a seed of this step alone, such as
    /// `run.child("step/17")`, so that a resumed run draws what an uninterrupted one would. None: no dropout.
    pub dropout: Option<&'a Seed>,
    /// Do as the released code does with DenseNet-121: run the images through the backbone a second time and take the
    /// features at all taps from there. Batch statistics are those of the same images, so that logits and features are the same and
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
    /// The same parameters as the layers hold them, in the same order.
    shared: Vec<Parameter>,
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
        let mut builder = Builder::new(definition.convolutions, definition.eps, *seed, Device::Cpu);
        let backbone = (definition.build)(&mut builder)?;
        let classifier = builder.linear(
            definition.classifier,
            definition.channels,
            n_classes,
            definition.classifier_initial,
        )?;
        let Builder { parameters, running, .. } = builder;
        let shared = parameters.iter().map(|(_, parameter)| parameter.clone()).collect();
        let parameters = parameters.into_iter().map(|(name, parameter)| (name, parameter.variable)).collect();
        Ok(Self { architecture, n_classes, seed: *seed, backbone, classifier, parameters, shared, running })
    }

    /// Which network it is.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// How many classes its classifier tells apart.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// One pass for training: batch statistics, logits and the features at any number of `taps` in one graph. Moves the
    /// running statistics once (momentum 0.1, unbiased variance) and `num_batches_tracked` by one. Without dropout: see
    /// [`Network::forward_train_with`].
    ///
    /// `images` is `(batch, 3, height, width)`, normalised by [`Architecture::normalisation`]. If it is a variable or
    /// depends on one, a gradient reaches it. A tap that is not asked for costs neither time nor memory.
    ///
    /// # Errors
    /// [`BackboneError::Images`] for another shape; [`BackboneError::UnknownTap`] for a tap of another network;
    /// [`BackboneError::Tensor`] where a batch norm has one value per channel only (one image on a grid of one cell): it
    /// has no variance.
    pub fn forward_train(&self, images: &Tensor, taps: &[Tap]) -> Result<Output, BackboneError> {
        self.forward_train_with(images, taps, TrainingPass::default())
    }

    /// [`Network::forward_train`] with dropout, or as the released code does it.
    ///
    /// # Errors
    /// As [`Network::forward_train`].
    pub fn forward_train_with(
        &self,
        images: &Tensor,
        taps: &[Tap],
        pass: TrainingPass<'_>,
    ) -> Result<Output, BackboneError> {
        self.expect(images, taps)?;
        let first_taps = if pass.features_from_second_pass { &[] } else { taps };
        let (channels, mut features) = self.run(images, first_taps, Mode::Train)?;
        let logits = self.classify(channels, Mode::Train, pass.dropout)?;
        if pass.features_from_second_pass {
            (_, features) = self.run(images, taps, Mode::Train)?;
        }
        Ok(Output { logits, features, architecture: self.architecture })
    }

    /// One pass for evaluation: running statistics; changes nothing.
    ///
    /// Parameters are constants here, so nothing is kept for a backward pass; gradients reach `images` if that is a
    /// variable or depends on one, and nothing else.
    ///
    /// # Errors
    /// [`BackboneError::Images`] unless `images` is `(batch, 3, height, width)`; [`BackboneError::UnknownTap`] for a tap of
    /// another network.
    pub fn forward_eval(&self, images: &Tensor, taps: &[Tap]) -> Result<Output, BackboneError> {
        self.expect(images, taps)?;
        let (channels, features) = self.run(images, taps, Mode::Eval)?;
        let logits = self.classify(channels, Mode::Eval, None)?;
        Ok(Output { logits, features, architecture: self.architecture })
    }

    fn expect(&self, images: &Tensor, taps: &[Tap]) -> Result<(), BackboneError> {
        expect_taps(self.architecture, taps)?;
        expect_images(self.architecture, images)
    }

    /// Runs the backbone: the means of the pooled channels, `(batch, channels)`, and the features at the taps.
    fn run(
        &self,
        images: &Tensor,
        taps: &[Tap],
        mode: Mode,
    ) -> candle_core::Result<(Tensor, Vec<(Tap, Tensor)>)> {
        let pass = Pass::new(mode, images, taps);
        let pooled = self.backbone.forward(&pass.tape.input(images)?, &pass)?;
        pass.keep(Tap::POOLED, &pooled);
        let channels = pass.tape.global_avg_pool2d(&pooled)?;
        drop(pooled);
        let (channels, features) = pass.finish(&channels)?;
        Ok((channels.flatten_from(1)?, features))
    }

    fn classify(&self, mut channels: Tensor, mode: Mode, seed: Option<&Seed>) -> candle_core::Result<Tensor> {
        let probability = self.architecture.dropout();
        if let Some(seed) = seed.filter(|_| probability > 0.0) {
            channels = dropout(&channels, probability, seed)?;
        }
        self.classifier.forward(&channels, mode)
    }

    /// `(classes, channels)`: the weight of the last linear layer, part of the graph unless it is frozen.
    pub fn classifier_weight(&self) -> &Tensor {
        self.classifier.weight.view(Mode::Train)
    }

    /// All parameters, frozen ones too, named and ordered as torchvision's `named_parameters()`. Those that an optimiser
    /// moves are [`Network::trainable_parameters`].
    pub fn parameters(&self) -> &[(String, Var)] {
        &self.parameters
    }

    /// The parameters by name, as the layers hold them.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        self.parameters.iter().map(|(name, _)| name.as_str()).zip(&self.shared)
    }

    /// Name and tensor of a new classifier's weight and bias, as the released code puts one behind a network with
    /// ImageNet's weights: drawn as PyTorch draws a linear layer that nobody touches. That is what [`Network::new`] draws
    /// but for `densenet121` and `inception_v3`, whose authors touch theirs.
    pub(crate) fn new_classifier(&self) -> candle_core::Result<[(String, Tensor); 2]> {
        let definition = self.architecture.definition();
        let mut builder = Builder::new(definition.convolutions, definition.eps, self.seed, Device::Cpu);
        let untouched = (Initial::Uniform, Initial::Uniform);
        let linear = builder.linear(definition.classifier, definition.channels, self.n_classes, untouched)?;
        let [(weight, _), (bias, _)] = self.classifier_parameters();
        Ok([(weight, linear.weight.constant().clone()), (bias, linear.bias.constant().clone())])
    }

    /// Name and tensor of the classifier's weight and bias.
    pub(crate) fn classifier_parameters(&self) -> [(String, &Var); 2] {
        let module = self.architecture.definition().classifier;
        let Linear { weight, bias } = &self.classifier;
        [(format!("{module}.weight"), &weight.variable), (format!("{module}.bias"), &bias.variable)]
    }
}
