//! How fast a training would be on this machine, measured on noise.

use crate::{Sgd, TrainError, TrainSettings};
use candle_core::{Device, Tensor};
use cyborg_backbones::Network;
use cyborg_loss::cross_entropy;
use cyborg_seed::Seed;
use std::time::Instant;

/// Seconds that one image takes, with the threads of the caller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageTime {
    /// Forward, backward and update, its share of a batch.
    pub training_s: f64,
    /// Forward in evaluation mode.
    pub scoring_s: f64,
}

/// Takes training steps of `settings` on a batch of noise for a second, at least one, and a scoring step; the fastest
/// training step counts. Decoding is not in it.
///
/// # Errors
/// [`TrainError::Setting`] for settings that cannot be trained; what the network says.
pub fn image_time(settings: &TrainSettings) -> Result<ImageTime, TrainError> {
    settings.check()?;
    let seed = Seed::new(0);
    let network = Network::new(settings.architecture, settings.n_classes, &seed)?;
    let mut sgd = Sgd::new(network.parameters(), settings.momentum, settings.weight_decay);
    let (n_images, side) = (settings.batch_size.max(2), settings.input_px);
    let mut noise = seed.stream("estimate");
    let pixels: Vec<f32> =
        (0..n_images * 3 * side * side).map(|_| noise.uniform_in(-1.0, 1.0) as f32).collect();
    let images = Tensor::from_vec(pixels, (n_images, 3, side, side), &Device::Cpu)?;
    let labels = Tensor::from_vec(vec![0u32; n_images], n_images, &Device::Cpu)?;
    let mut train = || -> Result<f64, TrainError> {
        let clock = Instant::now();
        let output = network.forward_train(&images, &[settings.tap])?;
        let loss = cross_entropy(&output.logits, &labels)?;
        sgd.step(&cyborg_backbones::backward(&loss)?, settings.learning_rate)?;
        Ok(clock.elapsed().as_secs_f64())
    };
    let begun = Instant::now();
    let mut training = train()?;
    while begun.elapsed().as_secs_f64() < 1.0 {
        training = training.min(train()?);
    }
    let clock = Instant::now();
    network.forward_eval(&images, &[settings.tap])?.logits.to_vec2::<f32>()?;
    let scoring = clock.elapsed().as_secs_f64();
    let n_images = n_images as f64;
    Ok(ImageTime { training_s: training / n_images, scoring_s: scoring / n_images })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::tiny_settings;

    #[test]
    fn an_estimate_is_a_time_and_wrong_settings_have_none() {
        let time = image_time(&tiny_settings()).expect("possible settings");
        assert!(time.training_s > 0.0 && time.scoring_s > 0.0, "{time:?}");
        let mut settings = tiny_settings();
        settings.batch_size = 0;
        assert!(matches!(image_time(&settings), Err(TrainError::Setting { field: "batch_size", .. })));
    }
}
