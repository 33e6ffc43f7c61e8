//! Do trainings from different seeds look at the same places?

use super::frame::{Mean, check_cells, join_reasons};
use super::groups::{ALL, Groups};
use super::{CAM, NoMeasure, pearson, ssim};
use crate::columns::{column, frame};
use crate::error::EvalError;
use polars::prelude::DataFrame;

/// The CAMs of one test image of several seeds.
#[derive(Clone, Copy, Debug)]
pub struct CamSet<'a> {
    /// Data set.
    pub data: &'a str,
    /// Method.
    pub method: &'a str,
    /// Network.
    pub backbone: &'a str,
    /// The image's id, for errors.
    pub image: &'a str,
    /// The image's source.
    pub source: &'a str,
    /// Its class.
    pub label: u32,
    /// Cells from top to bottom.
    pub height: usize,
    /// Cells from left to right.
    pub width: usize,
    /// One CAM a seed, in the same order for each image.
    pub cams: &'a [&'a [f32]],
}

#[derive(Debug, Default)]
struct Measures {
    n_images: u32,
    n_seeds: u32,
    pearson: Mean,
    ssim: Mean,
}

impl Measures {
    fn reason(&self) -> Option<String> {
        if self.n_seeds < 2 {
            return Some("fewer than two seeds: there is nothing to compare".to_owned());
        }
        join_reasons(self.pearson.reason("pearson").into_iter().chain(self.ssim.reason("ssim")))
    }
}

/// Both maps are CAMs here.
fn of_cams(value: Result<f64, NoMeasure>) -> Result<f64, NoMeasure> {
    value.map_err(|reason| match reason {
        NoMeasure::Flat { .. } => NoMeasure::Flat { map: CAM },
        other => other,
    })
}

/// Agreement of the CAMs of several seeds with each other: mean Pearson correlation and SSIM over images and pairs of
/// seeds, for each data, method and backbone by source and class, by source, by class and of all. The crate's README
/// lists the columns.
///
/// # Errors
/// [`EvalError::MapCells`] if a CAM does not have `height * width` cells.
pub fn cam_consistency<'a>(sets: impl IntoIterator<Item = CamSet<'a>>) -> Result<DataFrame, EvalError> {
    let mut groups: Groups<[String; 3], Measures> = Groups::new();
    for set in sets {
        for cam in set.cams {
            check_cells("CAM", set.image, cam.len(), set.height, set.width)?;
        }
        let pairs =
            set.cams.iter().enumerate().flat_map(|(i, a)| set.cams[i + 1..].iter().map(move |b| (a, b)));
        let found: Vec<_> = pairs
            .map(|(a, b)| (of_cams(pearson(a, b)), of_cams(ssim(a, b, set.height, set.width))))
            .collect();
        let key = [set.data, set.method, set.backbone].map(str::to_owned);
        groups.add(&key, set.source, set.label, |measures| {
            measures.n_images += 1;
            measures.n_seeds = measures.n_seeds.max(set.cams.len() as u32);
            for (pearson, ssim) in &found {
                measures.pearson.add(pearson.clone());
                measures.ssim.add(ssim.clone());
            }
            Ok::<(), EvalError>(())
        })?;
    }
    let rows = groups.into_rows();
    let reasons: Vec<Option<String>> = rows.iter().map(|(.., measures)| measures.reason()).collect();
    let n_pairs = |n: u32| n * n.saturating_sub(1) / 2;
    frame(
        "agreement of CAMs between seeds",
        vec![
            column("data", &rows, |r| r.0[0].as_str()),
            column("method", &rows, |r| r.0[1].as_str()),
            column("backbone", &rows, |r| r.0[2].as_str()),
            column("source", &rows, |r| r.1.as_deref().unwrap_or(ALL)),
            column("label", &rows, |r| r.2),
            column("n_images", &rows, |r| r.3.n_images),
            column("n_seeds", &rows, |r| r.3.n_seeds),
            column("n_pairs", &rows, |r| n_pairs(r.3.n_seeds)),
            column("pearson", &rows, |r| r.3.pearson.value()),
            column("pearson_n", &rows, |r| r.3.pearson.n),
            column("ssim", &rows, |r| r.3.ssim.value()),
            column("ssim_n", &rows, |r| r.3.ssim.n),
            column("reason", &reasons, |reason| reason.as_deref()),
        ],
    )
}
