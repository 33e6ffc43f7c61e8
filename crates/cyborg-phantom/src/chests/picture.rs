//! One planned radiograph, drawn: chest, finding, hospital, side marker, noise.
use cyborg_image::Raster;
use cyborg_seed::Seed;

use super::ChestPhantom;
use super::chest::{Chest, Shot, draw_chest};
use super::finding::{Lesions, training_findings, unseen_findings, zones};
use super::hospital::HOSPITALS;
use crate::annotate::{Markable, saliency_map};
use crate::phantom::Picture;
use crate::plan::PlannedImage;
use crate::plane::{Plane, point};
use crate::region::Ellipse;

/// Probability that an annotator of a normal radiograph names a zone as what convinced.
const CONVINCES: [(usize, f64); 6] = [(0, 0.3), (1, 0.5), (2, 0.6), (3, 0.3), (4, 0.5), (5, 0.6)];
/// The side marker: left, top and width of a letter of 5 x 7 cells on a light plate, in image coordinates.
const MARKER: [f32; 3] = [0.76, -0.96, 0.19];
/// `L`, a row of five bits each.
const LETTER: [u8; 7] = [0, 0b01000, 0b01000, 0b01000, 0b01000, 0b01110, 0];

/// Whose chest and how, before any pixel.
pub(crate) struct ChestPicture<'a> {
    settings: &'a ChestPhantom,
    planned: &'a PlannedImage,
    seed: Seed,
    /// Index into [`HOSPITALS`].
    hospital: usize,
    chest: Chest,
    shot: Shot,
    lesions: Option<Lesions>,
}

impl<'a> ChestPicture<'a> {
    pub(crate) fn new(settings: &'a ChestPhantom, planned: &'a PlannedImage) -> Self {
        let seed = Seed::new(settings.seed).child("phantom chests");
        let id = &planned.id;
        let finding = planned.source.checked_sub(HOSPITALS.len()).map(|index| {
            let mut findings = training_findings();
            findings.extend(unseen_findings(settings.findings));
            findings.swap_remove(index)
        });
        // Patients with findings come from both hospitals in turn: the hospital says nothing about the class.
        let hospital = if finding.is_none() { planned.source } else { planned.number % HOSPITALS.len() };
        let chest = Chest::draw(&mut seed.stream(&format!("subject/{}", planned.subject)));
        let shot = Shot::draw(&mut seed.stream(&format!("shot/{id}")), HOSPITALS[hospital].portable);
        let lesions = finding.map(|f| Lesions::draw(&f, &mut seed.stream(&format!("finding/{id}"))));
        Self { settings, planned, seed, hospital, chest, shot, lesions }
    }

    fn draw(&self, side: usize, without_evidence: bool) -> Raster {
        let hospital = &HOSPITALS[self.hospital];
        let mut stream = self.seed.stream(&format!("hospital/{}", self.planned.id));
        let blur = stream.uniform_in(hospital.blur.0, hospital.blur.1) * side as f64 / 64.0;
        let noise = stream.uniform_in(hospital.noise.0, hospital.noise.1);
        let exposure = (1.0 + 0.06 * stream.normal().clamp(-2.0, 2.0)) as f32;
        let (mut image, lungs) = draw_chest(&self.chest, &self.shot, side);
        if let (Some(lesions), false) = (&self.lesions, without_evidence) {
            lesions.apply(&mut image, &lungs, &self.shot);
        }
        for value in &mut image.values {
            let exposed = *value * exposure;
            *value = (exposed - 0.5) * hospital.contrast + 0.5 + hospital.brightness;
        }
        image.blur(blur as f32);
        image.add_noise(noise, &mut stream);
        if self.planned.cue == 1 {
            mark(&mut image);
        }
        image.to_raster()
    }
}

/// Sets the side marker into the upper right corner.
fn mark(image: &mut Plane) {
    let [left, top, width] = MARKER;
    image.change(|x, y, v| {
        let (u, w) = ((x - left) / width * 5.0, (y - top) / width * 5.0);
        if !(0.0..5.0).contains(&u) || !(0.0..7.0).contains(&w) {
            return v;
        }
        let dark = LETTER[w as usize] & (16 >> u as usize) != 0;
        if dark { 0.08 } else { 0.95 }
    });
}

impl Picture for ChestPicture<'_> {
    fn image(&self, without_evidence: bool) -> Raster {
        self.draw(self.settings.image_px as usize, without_evidence)
    }

    fn map(&self) -> Raster {
        let side = self.settings.image_px as usize;
        let mut stream = self.seed.stream(&format!("annotators/{}", self.planned.id));
        // Regions by number: the six zones, then each part of the finding.
        let mut regions: Vec<Vec<Ellipse>> = zones();
        let lesions = self.lesions.as_ref().map(|lesions| lesions.ellipses.as_slice());
        regions.extend(lesions.unwrap_or_default().iter().map(|ellipse| vec![*ellipse]));
        let evidence: Vec<usize> = (6..regions.len()).collect();
        let all: Vec<usize> = (0..regions.len()).collect();
        let markable = Markable {
            evidence: lesions.is_some().then_some(evidence.as_slice()),
            all: &all,
            convinces: &CONVINCES,
        };
        let at = |column, row| {
            let [x, y] = point(side, column, row);
            self.shot.to_chest(x, y)
        };
        saliency_map(
            side,
            &markable,
            |index| regions[index].clone(),
            at,
            self.settings.n_annotators,
            &mut stream,
        )
    }
}
