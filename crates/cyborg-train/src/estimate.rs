//! How fast a training would be on this machine, measured on noise.

use crate::fit::{network_parameters, new_network};
use crate::{TrainError, TrainSettings};
use candle_core::{Device, Tensor};
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
    let network = new_network(settings)?;
    let protocol = &settings.protocol;
    let mut optimiser = protocol.optimiser.start(&protocol.groups.apply(&network_parameters(&network))?);
    let (n_images, side) = (protocol.batch_size.get().max(2), settings.input_px);
    let mut noise = seed.stream("estimate");
    let pixels: Vec<f32> =
        (0..n_images * 3 * side * side).map(|_| noise.uniform_in(-1.0, 1.0) as f32).collect();
    let images = Tensor::from_vec(pixels, (n_images, 3, side, side), &Device::Cpu)?;
    let labels = Tensor::from_vec(vec![0u32; n_images], n_images, &Device::Cpu)?;
    let mut train = || -> Result<f64, TrainError> {
        let clock = Instant::now();
        let output = network.forward_train(&images, &[settings.cam_tap])?;
        let loss = cross_entropy(&output.logits, &labels)?;
        optimiser.step(&cyborg_backbones::backward(&loss)?, protocol.optimiser.learning_rate())?;
        Ok(clock.elapsed().as_secs_f64())
    };
    let begun = Instant::now();
    let mut training = train()?;
    while begun.elapsed().as_secs_f64() < 1.0 {
        training = training.min(train()?);
    }
    let clock = Instant::now();
    network.forward_eval(&images, &[settings.cam_tap])?.logits.to_vec2::<f32>()?;
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
        settings.input_px = 0;
        assert!(matches!(image_time(&settings), Err(TrainError::Setting { field: "input_px", .. })));
    }
}
