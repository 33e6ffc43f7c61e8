//! Robust explanation supervision (RES, Gao et al., KDD 2022).

use candle_core::{DType, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cam_class::CamClassName;
use crate::per_map::mean_over_maps;
use crate::{Memory, Method, MethodError, Needs, Step, Terms};
use cyborg_settings::{Fault, Fraction, NonNegative, Positive, Settings};

/// cross-entropy + weight * RES: a loss that forgives inaccurate borders of human maps (Gao et al., KDD 2022).
///
/// The map becomes F: +1 where people marked, -1 where they did not, 0 in between. With A the CAM, normalised per image to its
/// minimum and maximum, the loss is max(0, mean over F != 0 of |tanh(5 (A - a)) - F| - eta) + mean |A - g(F)|, where a is the
/// threshold (in steps of 0.05) at which most cells agree with F, and g(F) the marked cells blurred by a 3 x 3 binomial kernel and divided by
/// their maximum.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Res {
    /// Weight of both RES terms together, above 0; 1 if absent.
    #[serde(default = "Positive::one")]
    weight: Positive,
    /// The distance that is forgiven, 0 or more; 0 if absent.
    #[serde(default = "NonNegative::zero")]
    eta: NonNegative,
    /// Cells of the human map (from 0 to 1) from this value up are marked; 0.5 if absent.
    #[serde(default = "Fraction::half")]
    marked_from: Fraction,
    /// Cells of the human map up to this value are not marked, below `marked_from`; 0.1 if absent.
    #[serde(default = "Fraction::tenth")]
    unmarked_to: Fraction,
    /// The class whose activation map is compared with people's: `predicted` (if absent) or `true`.
    #[serde(default)]
    cam_class: CamClassName,
}

/// The steepness of the soft threshold in the authors' code.
const STEEPNESS: f64 = 5.0;
/// Distances between the thresholds that are tried; they are the same for every image, so that the one that is chosen does
/// not move with the CAM.
const N_THRESHOLDS: u32 = 20;

impl Settings for Res {
    const NAME: &'static str = "res";

    fn check(&self) -> Result<(), Fault> {
        if self.unmarked_to.get() < self.marked_from.get() {
            return Ok(());
        }
        let (low, high) = (self.unmarked_to.get(), self.marked_from.get());
        let message = format!("{low} is not below `marked_from`, which is {high}: a cell would be both");
        Err(Fault::of_field("unmarked_to", message, None))
    }
}

impl Method for Res {
    fn needs(&self) -> Needs {
        Needs::maps()
    }

    fn terms(&self, step: &Step<'_>, _: &mut Memory) -> Result<Terms, MethodError> {
        let cross_entropy = step.cross_entropy()?;
        let cam = step.normalised_cam(self.cam_class.0)?;
        let (n_images, height, width) = cam.dims3()?;
        let (values, maps) = (rows(&cam.detach())?, rows(&step.human.maps)?);
        let marks: Vec<Vec<f64>> = maps.iter().map(|map| self.ternary(map)).collect();
        let thresholds: Vec<f64> =
            values.iter().zip(&marks).map(|(cam, marks)| best_threshold(cam, marks)).collect();
        let target: Vec<f64> = marks.iter().flat_map(|marks| softened(marks, height, width)).collect();
        // A cell's share in the mean over the cells that F decides.
        let share = |marks: &Vec<f64>| {
            let n = marks.iter().filter(|mark| **mark != 0.0).count().max(1) as f64;
            marks.iter().map(|mark| mark.abs() / n).collect::<Vec<f64>>()
        };
        let shares: Vec<f64> = marks.iter().flat_map(share).collect();
        let constant = |values: Vec<f64>, shape: &[usize]| {
            Tensor::from_vec(values, shape, cam.device())?.to_dtype(cam.dtype())
        };
        let n_cells = height * width;
        let cells = cam.reshape((n_images, n_cells))?;
        let marks = constant(marks.concat(), &[n_images, n_cells])?;
        let shares = constant(shares, &[n_images, n_cells])?;
        let target = constant(target, &[n_images, n_cells])?;
        let thresholds = constant(thresholds, &[n_images, 1])?;
        let soft = (cells.broadcast_sub(&thresholds)? * STEEPNESS)?.tanh()?;
        let distance = ((soft - marks)?.abs()? * shares)?.sum(1)?;
        let uncertain = (distance - self.eta.get())?.relu()?;
        let blurred = (cells - target)?.abs()?.mean(1)?;
        let res = mean_over_maps(&(uncertain + blurred)?, step.human)?;
        Ok(Terms::with_penalty(&cross_entropy, "res", &res, self.weight.get())?)
    }
}

impl Res {
    fn ternary(&self, map: &[f64]) -> Vec<f64> {
        let mark = |&value: &f64| {
            if value >= self.marked_from.get() {
                1.0
            } else if value <= self.unmarked_to.get() {
                -1.0
            } else {
                0.0
            }
        };
        map.iter().map(mark).collect()
    }
}

/// `(batch, height, width)` as a list of numbers for each image.
fn rows(tensor: &Tensor) -> candle_core::Result<Vec<Vec<f64>>> {
    tensor.detach().to_dtype(DType::F64)?.flatten_from(1)?.to_vec2()
}

/// The threshold among 0, 1/20, ..., 1 at which most cells that F decides are on the right side of it (a cell at the threshold
/// counts as marked); the smallest of equally good ones.
fn best_threshold(cam: &[f64], marks: &[f64]) -> f64 {
    let n_right = |threshold: f64| {
        let is_right = |(cell, mark): (&f64, &f64)| *mark != 0.0 && (*cell >= threshold) == (*mark > 0.0);
        cam.iter().zip(marks).filter(|pair| is_right(*pair)).count()
    };
    let (mut best, mut most) = (0.0, n_right(0.0));
    for step in 1..=N_THRESHOLDS {
        let threshold = f64::from(step) / f64::from(N_THRESHOLDS);
        let n = n_right(threshold);
        if n > most {
            (best, most) = (threshold, n);
        }
    }
    best
}

/// The marked cells blurred by the kernel 1, 2, 1 in both directions (with zeros outside), divided by their maximum.
fn softened(marks: &[f64], height: usize, width: usize) -> Vec<f64> {
    let at = |y: isize, x: isize| -> f64 {
        let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
        if inside { marks[y as usize * width + x as usize].max(0.0) } else { 0.0 }
    };
    let mut blurred = Vec::with_capacity(marks.len());
    for y in 0..height as isize {
        for x in 0..width as isize {
            let mut sum = 0.0;
            for (dy, wy) in [(-1, 1.0), (0, 2.0), (1, 1.0)] {
                for (dx, wx) in [(-1, 1.0), (0, 2.0), (1, 1.0)] {
                    sum += wy * wx * at(y + dy, x + dx);
                }
            }
            blurred.push(sum / 16.0);
        }
    }
    let max = blurred.iter().copied().fold(0.0, f64::max);
    if max > 0.0 {
        for value in &mut blurred {
            *value /= max;
        }
    }
    blurred
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_separates_what_it_can() {
        // From 0.35 to 0.5 both marked cells are at or above it and both unmarked ones below.
        assert_eq!(best_threshold(&[0.1, 0.9, 0.5, 0.3], &[-1.0, 1.0, 1.0, -1.0]), 0.35);
        // The undecided cell does not count.
        assert_eq!(best_threshold(&[0.1, 0.9, 0.05], &[-1.0, 1.0, 0.0]), 0.15);
        // Everything marked: 0 is right for all.
        assert_eq!(best_threshold(&[0.4, 0.2], &[1.0, 1.0]), 0.0);
        // Nothing marked: the first threshold above all cells.
        assert_eq!(best_threshold(&[0.4, 0.2], &[-1.0, -1.0]), 0.45);
        // Equal cells stand or fall together: two right (the unmarked 0.2 and the marked 0.5) from 0.25 on.
        assert_eq!(best_threshold(&[0.2, 0.5, 0.5], &[-1.0, 1.0, -1.0]), 0.25);
    }

    #[test]
    fn one_mark_is_softened_to_its_neighbours() {
        // The kernel itself, divided by its maximum of 4/16.
        let marks = [-1.0, -1.0, -1.0, -1.0, 1.0, -1.0, -1.0, 0.0, -1.0];
        assert_eq!(softened(&marks, 3, 3), [0.25, 0.5, 0.25, 0.5, 1.0, 0.5, 0.25, 0.5, 0.25]);
        assert_eq!(softened(&[-1.0; 4], 2, 2), [0.0; 4]);
    }
}
