//! One planned image, drawn: scene, camera, artefacts, date stamp, noise.
use cyborg_image::Raster;
use cyborg_seed::Seed;

use crate::annotate::saliency_map;
use crate::artefact::Flaw;
use crate::canvas::Canvas;
use crate::face::{Identity, Shot};
use crate::plan::PlannedImage;
use crate::settings::FacePhantom;
use crate::shade::Scene;
use crate::sources::{CAMERAS, Camera};
use crate::stamp;

/// Samples per pixel and axis; edges are soft already.
const SAMPLES: usize = 2;

/// Who and how, before any pixel: what artefacts and annotators need to know as well.
pub(crate) struct Picture<'a> {
    planned: &'a PlannedImage,
    seed: Seed,
    pub(crate) identity: Identity,
    pub(crate) shot: Shot,
    pub(crate) flaw: Option<Flaw>,
}

impl<'a> Picture<'a> {
    pub(crate) fn new(settings: &FacePhantom, planned: &'a PlannedImage) -> Self {
        let seed = Seed::new(settings.seed).child("phantom faces");
        let id = &planned.id;
        let identity = Identity::draw(&mut seed.stream(&format!("subject/{}", planned.subject)));
        let shot = Shot::draw(&mut seed.stream(&format!("shot/{id}")), CAMERAS[planned.camera].outdoors);
        let flaw =
            planned.artefact.as_ref().map(|a| Flaw::draw(a, &mut seed.stream(&format!("artefact/{id}"))));
        Self { planned, seed, identity, shot, flaw }
    }

    /// The image; without its artefacts if `clean` (the twin: all else, the noise too, is the same).
    pub(crate) fn draw(&self, side: usize, clean: bool) -> Raster {
        let camera = &CAMERAS[self.planned.camera];
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
        if self.planned.stamp {
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
        let flawed = self.flaw.as_ref().map(|flaw| flaw.regions.as_slice());
        saliency_map(side, &self.identity, &self.shot, flawed, n_annotators, &mut stream)
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
