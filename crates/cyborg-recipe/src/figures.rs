//! Figures of a whole set of maps.

use cyborg_saliency::{area_average, centre_prior, grid_from_map, spearman};
use rayon::prelude::*;

use crate::one::grey;
use crate::sheet::{Pair, read};

/// `n` of the items, evenly spread, the first among them.
pub fn spread<T: Clone>(items: &[T], n: usize) -> Vec<T> {
    let n = n.min(items.len());
    (0..n).map(|at| items[at * items.len() / n].clone()).collect()
}

/// Figures of a set of maps, whose range is 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct MapFigures {
    /// Maps that could be read.
    pub n_maps: usize,
    /// Maps without contrast on a grid of 7 x 7: the loss leaves them out.
    pub n_flat: usize,
    /// Mean over maps of their mean.
    pub mean: Option<f64>,
    /// Mean over maps of the share of pixels above 0.5.
    pub share_above_half: Option<f64>,
    /// Spearman's correlation between the average map and a Gaussian over the middle (sigma a quarter of each side), on
    /// 32 x 32 cells: how much people look at the middle whatever the image shows.
    pub centre_correlation: Option<f64>,
    /// Least and greatest width and height.
    pub sizes: Option<((usize, usize), (usize, usize))>,
    /// Maps that could not be read, and why.
    pub faults: Vec<String>,
}

/// Reads all maps; each is in memory only while it is looked at.
pub fn map_figures(pairs: &[Pair], progress: crate::Progress) -> MapFigures {
    const CELLS: usize = 32;
    struct One {
        flat: bool,
        mean: f64,
        share: f64,
        size: (usize, usize),
        cells: Vec<f32>,
    }
    let done = std::sync::atomic::AtomicUsize::new(0);
    let look = |pair: &Pair| -> Result<One, String> {
        let map = read(pair)?;
        let n = map.values.len() as f64;
        let one = One {
            flat: grid_from_map(&grey(&map), 7, 7).flat,
            mean: map.values.iter().map(|&value| f64::from(value)).sum::<f64>() / n,
            share: map.values.iter().filter(|&&value| value > 0.5).count() as f64 / n,
            size: (map.width_px, map.height_px),
            cells: area_average(&map, CELLS, CELLS).values,
        };
        progress(done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1, pairs.len());
        Ok(one)
    };
    let seen: Vec<Result<One, String>> = pairs.par_iter().map(look).collect();
    let ok: Vec<&One> = seen.iter().flatten().collect();
    let mean = |of: &dyn Fn(&One) -> f64| {
        (!ok.is_empty()).then(|| ok.iter().map(|one| of(one)).sum::<f64>() / ok.len() as f64)
    };
    let mut average = vec![0f64; CELLS * CELLS];
    for one in &ok {
        for (sum, &value) in average.iter_mut().zip(&one.cells) {
            *sum += f64::from(value);
        }
    }
    let average: Vec<f32> = average.iter().map(|&sum| sum as f32).collect();
    let sizes = ok.iter().map(|one| one.size).fold(None, |sizes, (width, height)| match sizes {
        None => Some(((width, height), (width, height))),
        Some((least, most)) => {
            Some(((width.min(least.0), height.min(least.1)), (width.max(most.0), height.max(most.1))))
        }
    });
    MapFigures {
        n_maps: ok.len(),
        n_flat: ok.iter().filter(|one| one.flat).count(),
        mean: mean(&|one| one.mean),
        share_above_half: mean(&|one| one.share),
        centre_correlation: spearman(&average, &centre_prior(CELLS, CELLS, 0.25).values),
        sizes,
        faults: seen.into_iter().filter_map(Result::err).collect(),
    }
}
