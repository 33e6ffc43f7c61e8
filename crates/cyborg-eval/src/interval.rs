//! Bootstrap intervals from replicates.

use crate::normal;

/// The middle `level` of the replicates: straight lines between the sorted values (NumPy's `quantile`). `None` without
/// replicates, with one that is not finite, or for a level outside (0, 1).
///
/// # Examples
/// ```
/// let replicates: Vec<f64> = (0..=100).map(f64::from).collect();
/// assert_eq!(cyborg_eval::percentile_interval(&replicates, 0.5), Some((25.0, 75.0)));
/// ```
pub fn percentile_interval(replicates: &[f64], level: f64) -> Option<(f64, f64)> {
    let sorted = sorted(replicates, level)?;
    let tail = f64::midpoint(1.0, -level);
    Some((quantile(&sorted, tail), quantile(&sorted, 1.0 - tail)))
}

/// The bias-corrected and accelerated interval (Efron 1987), for one or several samples.
///
/// `value` is the statistic of the data; `jackknife` holds, for each sample (stratum), the statistic without each of its
/// units in turn. The acceleration is that of SciPy's `bootstrap`, which weighs samples by their sizes. `None` also where all
/// replicates lie on one side of the value, or leaving units out changes nothing: there is no correction to compute.
pub fn bca_interval(
    value: f64,
    replicates: &[f64],
    jackknife: &[Vec<f64>],
    level: f64,
) -> Option<(f64, f64)> {
    let sorted = sorted(replicates, level)?;
    let below = sorted.partition_point(|replicate| *replicate < value);
    let at_most = sorted.partition_point(|replicate| *replicate <= value);
    if at_most == 0 || below == sorted.len() {
        return None;
    }
    let z0 = normal::quantile((below + at_most) as f64 / (2 * sorted.len()) as f64);
    let (mut cubes, mut squares) = (0.0, 0.0);
    for of_sample in jackknife {
        let n = of_sample.len() as f64;
        let mean = of_sample.iter().sum::<f64>() / n;
        for without in of_sample {
            let influence = (n - 1.0) * (mean - without) / n;
            cubes += influence.powi(3);
            squares += influence.powi(2);
        }
    }
    let acceleration = cubes / squares.powf(1.5) / 6.0;
    if !(acceleration.is_finite() && z0.is_finite()) {
        return None;
    }
    let tail = f64::midpoint(1.0, -level);
    let corrected = |share: f64| {
        let z = z0 + normal::quantile(share);
        normal::cdf(z0 + z / (1.0 - acceleration * z))
    };
    Some((quantile(&sorted, corrected(tail)), quantile(&sorted, corrected(1.0 - tail))))
}

fn sorted(replicates: &[f64], level: f64) -> Option<Vec<f64>> {
    let is_usable =
        !replicates.is_empty() && replicates.iter().all(|r| r.is_finite()) && level > 0.0 && level < 1.0;
    is_usable.then(|| {
        let mut sorted = replicates.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    })
}

/// Of a sorted list that is not empty.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let before = at.floor() as usize;
    let after = (before + 1).min(sorted.len() - 1);
    let weight = at - before as f64;
    // From the nearer end, as NumPy does, so that the last bit agrees.
    let step = sorted[after] - sorted[before];
    if weight < 0.5 { sorted[before] + step * weight } else { sorted[after] - step * (1.0 - weight) }
}
