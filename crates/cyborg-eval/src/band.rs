//! Means and standard deviations: of one list, and of curves.

/// Mean, spread and range of a few values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Number of values.
    pub n: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation, divided by n - 1; `None` for one value.
    pub sd: Option<f64>,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
}

/// Mean, standard deviation and range; `None` if there is no value, or one that is not finite.
///
/// # Examples
/// ```
/// let spread = cyborg_eval::spread(&[1.0, 2.0, 4.0, 5.0]).expect("four finite values");
/// assert_eq!(spread.mean, 3.0);
/// assert_eq!(spread.sd, Some((10.0_f64 / 3.0).sqrt()));
/// ```
pub fn spread(values: &[f64]) -> Option<Spread> {
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some(Spread {
        n,
        mean,
        sd: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()),
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    })
}

/// The values of several curves at one `x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BandPoint {
    /// Where on the axis (epoch, false positive rate, number of images ..).
    pub x: f64,
    /// The curves' values there; `None` if one of them is not finite.
    pub y: Option<Spread>,
}

/// Averages curves, each a list of (x, y): for every `x` that occurs, in rising order, mean and standard deviation
/// over the curves that have it. Where curves end at different `x`, `Spread::n` falls: a mean over other curves.
///
/// # Examples
/// ```
/// let band = cyborg_eval::band(&[vec![(1.0, 0.5), (2.0, 0.7)], vec![(1.0, 0.7)]]);
/// assert_eq!(band[0].y.map(|y| (y.n, y.mean)), Some((2, 0.6)));
/// assert_eq!(band[1].y.map(|y| (y.n, y.sd)), Some((1, None)));
/// ```
pub fn band(curves: &[Vec<(f64, f64)>]) -> Vec<BandPoint> {
    let mut points: Vec<(f64, f64)> = curves.iter().flatten().copied().collect();
    // Stable, so that values at one x are summed in the order of the curves.
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let at_one_x = points.chunk_by(|a, b| a.0 == b.0);
    at_one_x
        .map(|chunk| {
            let values: Vec<f64> = chunk.iter().map(|point| point.1).collect();
            BandPoint { x: chunk[0].0, y: spread(&values) }
        })
        .collect()
}
