//! One planned image, drawn: scene, camera, artefacts, date stamp, noise.
use cyborg_image::Raster;
use cyborg_seed::Seed;

use super::FacePhantom;
use super::artefact::Flaw;
use super::face::{Identity, Shot};
use super::shade::Scene;
use super::sources::{Artefact, CAMERAS, Camera, Region, training_generators, unseen_generators};
use super::stamp;
use crate::annotate::{Markable, saliency_map};
use crate::canvas::Canvas;
use crate::phantom::Picture;
use crate::plan::PlannedImage;

/// Samples per pixel and axis; edges are soft already.
const SAMPLES: usize = 2;

/// Probability that an annotator of an authentic image names eyes, nose, mouth as what convinced.
const CONVINCES: [(Region, f64); 3] = [(Region::Eyes, 0.7), (Region::Nose, 0.5), (Region::Mouth, 0.6)];

/// Who and how, before any pixel: what artefacts and annotators need to know as well.
pub(crate) struct FacePicture<'a> {
    settings: &'a FacePhantom,
    planned: &'a PlannedImage,
    seed: Seed,
    /// Index into [`CAMERAS`]: the camera, or the one whose pictures the generator imitates here.
    pub(crate) camera: usize,
    pub(crate) identity: Identity,
    pub(crate) shot: Shot,
    pub(crate) flaw: Option<Flaw>,
}

impl<'a> FacePicture<'a> {
    pub(crate) fn new(settings: &'a FacePhantom, planned: &'a PlannedImage) -> Self {
        let seed = Seed::new(settings.seed).child("phantom faces");
        let id = &planned.id;
        let generator = planned.source.checked_sub(CAMERAS.len());
        let mut generators = training_generators();
        generators.extend(unseen_generators(settings.generators));
        let artefact: Option<Artefact> = generator.map(|index| generators.swap_remove(index));
        // Generators learned from both cameras: every other image imitates the other one.
        let camera = if generator.is_none() { planned.source } else { planned.number % CAMERAS.len() };
        let identity = Identity::draw(&mut seed.stream(&format!("subject/{}", planned.subject)));
        let shot = Shot::draw(&mut seed.stream(&format!("shot/{id}")), CAMERAS[camera].outdoors);
        let flaw = artefact.as_ref().map(|a| Flaw::draw(a, &mut seed.stream(&format!("artefact/{id}"))));
        Self { settings, planned, seed, camera, identity, shot, flaw }
    }

    /// The image; without its artefacts if `clean` (the twin: all else, the noise too, is the same).
    pub(crate) fn draw(&self, side: usize, clean: bool) -> Raster {
        let camera = &CAMERAS[self.camera];
        let mut stream = self.seed.stream(&format!("camera/{}", self.planned.id));
        let blur = stream.uniform_in(camera.blur.0, camera.blur.1) * side as f64 / 64.0;
        let noise = stream.uniform_in(camera.noise.0, camera.noise.1);
        let exposure = 1.0 + 0.06 * stream.normal().clamp(-2.0, 2.0) as f32;
        let mut canvas = self.scene(side, camera);
        develop(&mut canvas, camera, exposure);
        canvas.blur(blur as f32);
        if let (Some(flaw), false) = (&self.flaw, clean) {
            flaw.apply(&mut canvas, &self.identity, &self.shot);
        }
        if self.planned.cue == 1 {
            stamp::burn(&mut canvas, &mut self.seed.stream(&format!("stamp/{}", self.planned.id)));
        }
        for pixel in canvas.pixels_mut() {
            for value in pixel {
                *value += (stream.normal() * noise) as f32;
            }
        }
        canvas.to_raster()
    }

    /// What the annotators marked in it.
    pub(crate) fn saliency_map(&self, side: usize, n_annotators: usize) -> Raster {
        let mut stream = self.seed.stream(&format!("annotators/{}", self.planned.id));
        let markable = Markable {
            evidence: self.flaw.as_ref().map(|flaw| flaw.regions.as_slice()),
            all: &Region::ALL,
            convinces: &CONVINCES,
        };
        let ellipses = |region| self.identity.region(region, self.shot.yaw);
        let point = |column, row| self.shot.face_point(side, column, row);
        saliency_map(side, &markable, ellipses, point, n_annotators, &mut stream)
    }

    fn scene(&self, side: usize, camera: &Camera) -> Canvas {
        let mut canvas = Canvas::new(side);
        let step = 2.0 / (side * SAMPLES) as f32;
        let scene = Scene { identity: &self.identity, shot: &self.shot, pixel: step * 1.2 };
        for row in 0..side {
            for column in 0..side {
                let mut sum = [0.0f32; 3];
                for i in 0..SAMPLES {
                    for j in 0..SAMPLES {
                        let x = ((column * SAMPLES + j) as f32 + 0.5) * step - 1.0;
                        let y = ((row * SAMPLES + i) as f32 + 0.5) * step - 1.0;
                        let colour = scene.colour(x, y);
                        for c in 0..3 {
                            sum[c] += colour[c];
                        }
                    }
                }
                let radius = (2.0 * (column as f32 + 0.5) / side as f32 - 1.0).powi(2)
                    + (2.0 * (row as f32 + 0.5) / side as f32 - 1.0).powi(2);
                let light = (1.0 - camera.vignette * 0.5 * radius) / (SAMPLES * SAMPLES) as f32;
                *canvas.pixel_mut(column, row) = sum.map(|c| c * light);
            }
        }
        canvas
    }
}

impl Picture for FacePicture<'_> {
    fn image(&self, without_evidence: bool) -> Raster {
        self.draw(self.settings.image_px as usize, without_evidence)
    }

    fn map(&self) -> Raster {
        self.saliency_map(self.settings.image_px as usize, self.settings.n_annotators)
    }
}

/// White balance, exposure, contrast and saturation.
fn develop(canvas: &mut Canvas, camera: &Camera, exposure: f32) {
    for pixel in canvas.pixels_mut() {
        for (channel, gain) in pixel.iter_mut().zip(camera.gain) {
            *channel = 0.5 + (*channel * gain * exposure - 0.5) * camera.contrast;
        }
        let grey = 0.3 * pixel[0] + 0.59 * pixel[1] + 0.11 * pixel[2];
        for value in pixel {
            *value = (grey + (*value - grey) * camera.saturation).clamp(0.0, 1.0);
        }
    }
}
