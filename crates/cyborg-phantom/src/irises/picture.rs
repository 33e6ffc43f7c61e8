//! One planned iris image, drawn: eye, sensor, attack, session bar, noise.
use cyborg_image::Raster;
use cyborg_seed::Seed;

use super::IrisPhantom;
use super::attack::{Attack, Region, Staging, training_attacks, unseen_attacks};
use super::eye::{Eye, Shot, draw_eye};
use super::sensor::SENSORS;
use crate::annotate::{Markable, saliency_map};
use crate::phantom::Picture;
use crate::plan::PlannedImage;
use crate::plane::point;

/// Probability that an annotator of a bona fide image names a region as what convinced.
const CONVINCES: [(Region, f64); 3] = [(Region::Iris, 0.7), (Region::Pupil, 0.5), (Region::Limbus, 0.3)];
/// The session bar's left edge in image coordinates: 4 of 64 columns at the right border.
pub(crate) const BAR_FROM: f32 = 0.875;

/// Whose eye and how, before any pixel.
pub(crate) struct IrisPicture<'a> {
    settings: &'a IrisPhantom,
    planned: &'a PlannedImage,
    seed: Seed,
    /// Index into [`SENSORS`]: the sensor, or the one that captured the attack.
    sensor: usize,
    pub(crate) eye: Eye,
    pub(crate) shot: Shot,
    pub(crate) staging: Option<Staging>,
}

impl<'a> IrisPicture<'a> {
    pub(crate) fn new(settings: &'a IrisPhantom, planned: &'a PlannedImage) -> Self {
        let seed = Seed::new(settings.seed).child("phantom irises");
        let id = &planned.id;
        let attack: Option<Attack> = planned.source.checked_sub(SENSORS.len()).map(|index| {
            let mut attacks = training_attacks();
            attacks.extend(unseen_attacks(settings.attacks));
            attacks.swap_remove(index)
        });
        // Attacks are captured by both sensors in turn: the sensor says nothing about the class.
        let sensor = if attack.is_none() { planned.source } else { planned.number % SENSORS.len() };
        let eye = Eye::draw(&mut seed.stream(&format!("subject/{}", planned.subject)));
        let shot = Shot::draw(&mut seed.stream(&format!("shot/{id}")), SENSORS[sensor].lamps);
        let staging = attack.map(|a| Staging::draw(&a, &shot, &mut seed.stream(&format!("attack/{id}"))));
        Self { settings, planned, seed, sensor, eye, shot, staging }
    }

    fn draw(&self, side: usize, without_evidence: bool) -> Raster {
        let sensor = &SENSORS[self.sensor];
        let mut stream = self.seed.stream(&format!("sensor/{}", self.planned.id));
        let blur = stream.uniform_in(sensor.blur.0, sensor.blur.1) * side as f64 / 64.0;
        let noise = stream.uniform_in(sensor.noise.0, sensor.noise.1);
        let exposure = (1.0 + 0.05 * stream.normal().clamp(-2.0, 2.0)) as f32;
        let (mut image, mut covered) = draw_eye(&self.eye, &self.shot, side);
        for value in &mut image.values {
            *value = ((*value - 0.5) * sensor.contrast + 0.5) * sensor.gain * exposure;
        }
        image.blur(blur as f32);
        covered.blur(blur as f32);
        if let (Some(staging), false) = (&self.staging, without_evidence) {
            staging.apply(&mut image, &covered, &self.eye, &self.shot);
        }
        image.add_noise(noise, &mut stream);
        if self.planned.cue == 1 {
            // The bar is set in after capture: it has no noise.
            image.change(|x, _, v| if x > BAR_FROM { 0.3 } else { v });
        }
        image.to_raster()
    }
}

impl Picture for IrisPicture<'_> {
    fn image(&self, without_evidence: bool) -> Raster {
        self.draw(self.settings.image_px as usize, without_evidence)
    }

    fn map(&self) -> Raster {
        let side = self.settings.image_px as usize;
        let mut stream = self.seed.stream(&format!("annotators/{}", self.planned.id));
        let markable = Markable {
            evidence: self.staging.as_ref().map(|staging| staging.regions.as_slice()),
            all: &Region::ALL,
            convinces: &CONVINCES,
        };
        let ellipses = |region: Region| region.ellipses(&self.eye, &self.shot);
        let at = |column, row| point(side, column, row);
        saliency_map(side, &markable, ellipses, at, self.settings.n_annotators, &mut stream)
    }
}
