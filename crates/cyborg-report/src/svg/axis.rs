//! One axis of a plot: from values to pixels, and where its ticks are.
use super::limits;
use crate::number::plain;

/// How values are spaced along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scale {
    #[default]
    Linear,
    /// By decimal logarithm, a tick each power of ten.
    Log,
    /// By quantiles of the normal distribution, as in a DET: normal scores make a straight line. Rates in (0, 1).
    Probit,
}

/// Ticks of a probit axis.
const PROBIT_TICKS: [f64; 9] = [0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999];

/// In place of a number of decimals: as many digits as tell the tick.
const AS_GIVEN: usize = usize::MAX;
/// In place of a number of decimals: in per cent.
const PERCENT: usize = usize::MAX - 1;

/// An axis; limits are on the scale, ticks are values.
pub(super) struct Axis {
    pub(super) scale: Scale,
    low: f64,
    high: f64,
    pub(super) ticks: Vec<f64>,
    decimals: usize,
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Axis {
    /// Limits widened to round ticks unless they are fixed.
    pub(super) fn new(limits: (f64, f64), fixed: bool, n_ticks: usize, pixels: (f64, f64)) -> Self {
        let (mut low, mut high) = limits;
        if high - low < 1e-9 {
            let margin = if low.abs() < 1e-9 { 0.5 } else { low.abs() * 0.1 };
            (low, high) = (low - margin, high + margin);
        }
        let rough = (high - low) / n_ticks.max(1) as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].iter().map(|m| m * power).find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(10.0 * power);
        if !fixed {
            low = (low / step + 1e-9).floor() * step;
            high = (high / step - 1e-9).ceil() * step;
        }
        let first = (low / step - 1e-6).ceil() as i64;
        let last = (high / step + 1e-6).floor() as i64;
        let ticks = (first..=last).map(|tick| tick as f64 * step).collect();
        let mut decimals = 0;
        while decimals < 8 && (step * 10_f64.powi(decimals as i32)).fract().abs() > 1e-6 {
            decimals += 1;
        }
        Self { scale: Scale::Linear, low, high, ticks, decimals, from: pixels.0, to: pixels.1 }
    }

    /// An axis of rates between fixed limits, logarithmic or probit.
    pub(super) fn of_rates(scale: Scale, limits: (f64, f64), pixels: (f64, f64)) -> Self {
        let ticks = match scale {
            Scale::Probit => PROBIT_TICKS.to_vec(),
            _ => (-9..=0).map(|power| 10_f64.powi(power)).collect(),
        };
        let inside = |tick: &f64| *tick >= limits.0 * 0.999 && *tick <= limits.1 * 1.001;
        Self {
            scale,
            low: scaled(scale, limits.0),
            high: scaled(scale, limits.1),
            ticks: ticks.into_iter().filter(inside).collect(),
            decimals: if scale == Scale::Probit { PERCENT } else { AS_GIVEN },
            from: pixels.0,
            to: pixels.1,
        }
    }

    /// Ticks at given positions, as far as their texts have room; a little air at both ends.
    pub(super) fn at_positions(positions: &[f64], is_log: bool, pixels: (f64, f64)) -> Self {
        let scale = if is_log { Scale::Log } else { Scale::Linear };
        let (low, high) = limits(positions.iter().map(|&x| scaled(scale, x)));
        let margin = if high > low { 0.04 * (high - low) } else { 0.5 };
        let (low, high) = (low - margin, high + margin);
        let mut axis =
            Self { scale, low, high, ticks: Vec::new(), decimals: AS_GIVEN, from: pixels.0, to: pixels.1 };
        for &tick in positions {
            let (at, half) = (axis.at(tick), 3.5 * axis.text(tick).len() as f64);
            let free = axis
                .ticks
                .last()
                .is_none_or(|&last| axis.at(last) + 3.5 * axis.text(last).len() as f64 + 6.0 < at - half);
            if free {
                axis.ticks.push(tick);
            }
        }
        axis
    }

    /// Where a value is, in pixels; outside the limits of a logarithmic or probit axis, at the nearer end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let value = match self.scale {
            Scale::Linear => value,
            scale => scaled(scale, value).clamp(self.low, self.high),
        };
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    pub(super) fn text(&self, tick: f64) -> String {
        match self.decimals {
            AS_GIVEN => plain(tick),
            PERCENT => plain((tick * 1000.0).round() / 10.0),
            decimals => {
                let text = format!("{tick:.decimals$}");
                if tick == 0.0 { text.replace('-', "") } else { text }
            }
        }
    }
}

/// A value on a scale; minus infinity and infinity where it has no place.
fn scaled(scale: Scale, value: f64) -> f64 {
    match scale {
        Scale::Linear => value,
        Scale::Log if value > 0.0 => value.log10(),
        Scale::Log => f64::NEG_INFINITY,
        Scale::Probit => probit(value),
    }
}

/// Quantile of the standard normal distribution, to 5e-4: enough for a drawing (Abramowitz and Stegun 26.2.23).
pub(crate) fn probit(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let t = (-2.0 * p.min(1.0 - p).ln()).sqrt();
    let tail = t
        - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    if p < 0.5 { -tail } else { tail }
}

/// Whether rising positions are spaced more evenly by their logarithms.
pub(super) fn is_geometric(positions: &[f64]) -> bool {
    let unevenness = |scaled: Vec<f64>| {
        let gaps = scaled.windows(2).map(|pair| pair[1] - pair[0]);
        let (low, high) = limits(gaps);
        high / low.max(1e-12)
    };
    positions.len() > 2
        && positions.iter().all(|&x| x > 0.0)
        && unevenness(positions.iter().map(|x| x.log10()).collect()) < unevenness(positions.to_vec()) * 0.75
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let ticks = |low, high, n| {
            let axis = Axis::new((low, high), false, n, (0.0, 100.0));
            axis.ticks.iter().map(|&tick| axis.text(tick)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ticks(0.0, 1.0, 5), "0.0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(ticks(0.61, 0.78, 4), "0.60 0.65 0.70 0.75 0.80");
        assert_eq!(ticks(-0.021, 0.043, 4), "-0.04 -0.02 0.00 0.02 0.04 0.06");
        assert_eq!(ticks(0.0, 49.0, 5), "0 10 20 30 40 50");
        assert_eq!(ticks(0.7, 0.7, 2), "0.6 0.7 0.8");
        assert_eq!(ticks(0.0, 0.0, 2), "-0.5 0.0 0.5");
    }

    #[test]
    fn sizes_that_double_are_spaced_by_their_logarithm() {
        assert!(is_geometric(&[100.0, 200.0, 400.0, 800.0]));
        assert!(!is_geometric(&[0.0, 0.25, 0.5, 1.0]));
        assert!(!is_geometric(&[0.1, 0.2, 0.3, 0.4]));
        assert!(!is_geometric(&[1.0, 100.0]));
        let axis = Axis::at_positions(&[100.0, 200.0, 210.0, 400.0], true, (0.0, 100.0));
        assert_eq!(axis.ticks, [100.0, 200.0, 400.0]); // 210 has no room beside 200
        assert!((axis.at(200.0) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn rates_lie_where_their_scale_puts_them() {
        let log = Axis::of_rates(Scale::Log, (1e-4, 1.0), (0.0, 100.0));
        assert_eq!(
            log.ticks.iter().map(|&tick| log.text(tick)).collect::<Vec<_>>(),
            ["0.0001", "0.001", "0.01", "0.1", "1"]
        );
        assert!((log.at(0.01) - 50.0).abs() < 1e-9);
        assert!((log.at(0.0) - 0.0).abs() < 1e-9, "nothing lies left of the axis");
        let det = Axis::of_rates(Scale::Probit, (0.01, 0.99), (0.0, 100.0));
        // The approximation is within 5e-4 on an axis of 4.65: a hundredth of a pixel of 100.
        assert!((det.at(0.5) - 50.0).abs() < 0.011);
        assert_eq!(det.text(0.005), "0.5");
        assert_eq!(det.text(0.95), "95");
        // Quantiles of the normal distribution from a table: 0.025 -> -1.95996, 0.001 -> -3.09023.
        assert!((probit(0.025) + 1.95996).abs() < 5e-4);
        assert!((probit(0.999) - 3.09023).abs() < 5e-4);
        assert_eq!((probit(0.0), probit(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    }
}
