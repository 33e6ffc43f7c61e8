//! Average CAMs.

use super::frame::CamPair;
use super::groups::{ALL, Groups};
use super::{CAM, min_max};
use crate::error::EvalError;

/// An average CAM.
#[derive(Clone, Debug, PartialEq)]
pub struct CamMean {
    /// Data set.
    pub data: String,
    /// Method.
    pub method: String,
    /// Network.
    pub backbone: String,
    /// Source, or `all images`.
    pub source: String,
    /// Class; `None` for all.
    pub label: Option<u32>,
    /// CAMs averaged, each seed counted.
    pub n_cams: u64,
    /// CAMs that are flat or not finite, which point nowhere and are left out.
    pub n_left_out: u64,
    /// Cells from top to bottom.
    pub height: usize,
    /// Cells from left to right.
    pub width: usize,
    /// Mean of the CAMs, each brought to `[0, 1]` by its own least and largest value first; zeros where there is none.
    pub mean: Vec<f32>,
}

#[derive(Debug, Default)]
struct Sum {
    n: u64,
    n_left_out: u64,
    grid: (usize, usize),
    cells: Vec<f64>,
}

/// Average CAMs over images and seeds for each data, method and backbone: by source and class, by source, by class and of
/// all. Human maps are not looked at.
///
/// # Errors
/// [`EvalError::MapCells`] if a CAM does not have `height * width` cells, [`EvalError::Grids`] if grids differ within one
/// data, method and backbone.
pub fn cam_means<'a>(pairs: impl IntoIterator<Item = CamPair<'a>>) -> Result<Vec<CamMean>, EvalError> {
    let mut groups: Groups<[String; 3], Sum> = Groups::new();
    for pair in pairs {
        pair.check()?;
        let key = [&pair.key.data, &pair.key.method, &pair.key.backbone].map(String::clone);
        let cam = min_max(pair.cam, CAM).ok();
        groups.add(&key, pair.source, pair.label, |sum| {
            if sum.cells.is_empty() {
                sum.grid = (pair.height, pair.width);
                sum.cells = vec![0.0; pair.cam.len()];
            }
            if sum.grid != (pair.height, pair.width) {
                return Err(EvalError::Grids {
                    image: pair.image.to_owned(),
                    found: (pair.height, pair.width),
                    others: sum.grid,
                });
            }
            match &cam {
                Some(cam) => {
                    sum.n += 1;
                    sum.cells.iter_mut().zip(cam).for_each(|(sum, value)| *sum += value);
                }
                None => sum.n_left_out += 1,
            }
            Ok(())
        })?;
    }
    let mean =
        |([data, method, backbone], source, label, sum): ([String; 3], Option<String>, Option<u32>, Sum)| {
            CamMean {
                data,
                method,
                backbone,
                source: source.unwrap_or_else(|| ALL.to_owned()),
                label,
                n_cams: sum.n,
                n_left_out: sum.n_left_out,
                height: sum.grid.0,
                width: sum.grid.1,
                mean: sum.cells.iter().map(|cell| (cell / sum.n.max(1) as f64) as f32).collect(),
            }
        };
    Ok(groups.into_rows().into_iter().map(mean).collect())
}
