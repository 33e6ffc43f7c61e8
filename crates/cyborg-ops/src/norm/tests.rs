//! Every function of this module against its definition in f64.

use super::backward::Gradients;
use super::*;
use crate::vectors::testing::{noise, on_each_level, on_threads, spread};
use crate::view::{View, ViewMut};

const EPS: f64 = 1e-5;
/// Rows and channels: tails of vectors, of folded rows, of blocks and of jobs.
const SHAPES: [(usize, usize); 10] =
    [(2, 1), (2, 5), (7, 3), (1000, 3), (333, 24), (50, 728), (2053, 64), (67, 2048), (1, 300), (70_001, 2)];

/// Mean and sum of squared deviations of a channel.
fn moments(x: &[f32], channels: usize, channel: usize) -> (f64, f64) {
    let values = || x[channel..].iter().step_by(channels).map(|&x| f64::from(x));
    let mean = values().sum::<f64>() / values().count() as f64;
    (mean, values().map(|x| (x - mean) * (x - mean)).sum())
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found} for {expected}, tolerance {tolerance}");
}

#[test]
fn statistics_are_those_of_the_definition() {
    on_each_level(|level| {
        for (rows, channels) in SHAPES {
            let noise = noise(rows * channels, 1);
            let steady: Vec<f32> = noise.iter().map(|x| 1000.0 + 0.1 * x).collect();
            // Half the rows at quite another level.
            let step = |(index, x): (usize, &f32)| if index / channels < rows / 2 { *x } else { 300.0 + x };
            let jump: Vec<f32> = noise.iter().enumerate().map(step).collect();
            for (kind, x) in [("noise", &noise), ("large mean", &steady), ("jump", &jump)] {
                let dense = statistics(View::dense(x, channels));
                let wide = spread(x, channels, channels + 3, 2);
                let part = statistics(View::part(&wide, channels + 3, 2, channels));
                for found in [&dense, &part] {
                    assert_eq!(found.rows, rows);
                    for channel in 0..channels {
                        let (mean, deviations) = moments(x, channels, channel);
                        let what = format!("{kind}, {rows} x {channels}, channel {channel}, {level:?}");
                        let spread = (deviations / rows as f64).sqrt();
                        // Measured: 1.2e-7 of the spread, 3.5e-7 of the deviations.
                        close(found.mean[channel], mean, 1e-6 * spread, &what);
                        close(found.deviations[channel], deviations, 1e-6 * deviations, &what);
                    }
                }
            }
        }
    });
}

#[test]
fn equal_values_deviate_by_nothing() {
    let found = statistics(View::dense(&[12_345.678; 3 * 700], 3));
    assert_eq!(found.deviations, [0.0; 3]);
    assert_eq!(found.rounded_mean(), [12_345.678; 3]);
}

#[test]
fn statistics_of_parts_are_put_together() {
    let x = noise(90 * 12, 3);
    let mut together = statistics(View::part(&x, 12, 0, 5));
    together.extend(&statistics(View::part(&x, 12, 5, 7)));
    for channel in 0..12 {
        let (mean, deviations) = moments(&x, 12, channel);
        close(together.mean[channel], mean, 1e-6, "mean");
        close(together.unbiased_variance()[channel].into(), deviations / 89.0, 1e-6, "variance");
    }
}

struct Case {
    x: Vec<f32>,
    shortcut: Vec<f32>,
    g: Vec<f32>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
    channels: usize,
    lines: Lines,
    /// Mean and inverse standard deviation of each channel.
    moments: Vec<(f64, f64)>,
    of_batch: bool,
}

impl Case {
    fn new(rows: usize, channels: usize, of_batch: bool) -> Self {
        Self::of(noise(rows * channels, 5).iter().map(|x| 3.0 * x + 20.0).collect(), channels, of_batch)
    }

    fn of(x: Vec<f32>, channels: usize, of_batch: bool) -> Self {
        let rows = x.len() / channels;
        let (gamma, beta) = (noise(channels, 6), noise(channels, 7));
        let view = View::dense(&x, channels);
        let (lines, moments) = if of_batch {
            let moments = (0..channels).map(|channel| moments(&x, channels, channel));
            let lines = Lines::of_batch(&statistics(view), &gamma, &beta, EPS);
            (lines, moments.map(|(mean, d)| (mean, 1.0 / (d / rows as f64 + EPS).sqrt())).collect::<Vec<_>>())
        } else {
            let mean: Vec<f32> = noise(channels, 8).iter().map(|m| 20.0 + m).collect();
            let variance: Vec<f32> = noise(channels, 9).iter().map(|v| 3.0 + v).collect();
            let lines = Lines::of_running(&mean, &variance, &gamma, &beta, EPS);
            let moments = mean.iter().zip(&variance);
            (lines, moments.map(|(&m, &v)| (m.into(), 1.0 / (f64::from(v) + EPS).sqrt())).collect())
        };
        let (shortcut, g) = (noise(x.len(), 10), noise(x.len(), 11));
        Self { x, shortcut, g, gamma, beta, channels, lines, moments, of_batch }
    }

    fn view(&self) -> View<'_> {
        View::dense(&self.x, self.channels)
    }

    fn rows(&self) -> usize {
        self.x.len() / self.channels
    }

    /// `(x - mean) / std` of value `index`.
    fn x_hat(&self, index: usize) -> f64 {
        let (mean, inverse_std) = self.moments[index % self.channels];
        (f64::from(self.x[index]) - mean) * inverse_std
    }

    fn y(&self, index: usize) -> f64 {
        let channel = index % self.channels;
        self.x_hat(index) * f64::from(self.gamma[channel]) + f64::from(self.beta[channel])
    }

    /// Checks gradients from a gradient `g` of the normalised values.
    fn check(&self, g: &[f32], input: &[f32], found: &Gradients, what: &str) {
        let n = self.rows() as f64;
        for channel in 0..self.channels {
            let indices = || (channel..self.x.len()).step_by(self.channels);
            let beta: f64 = indices().map(|i| f64::from(g[i])).sum();
            let gamma: f64 = indices().map(|i| f64::from(g[i]) * self.x_hat(i)).sum();
            let what = format!("{what}, {} x {}, channel {channel}", self.rows(), self.channels);
            // Measured: 6e-7 of the root of the number of values; of the input's, 2.5e-7 of the scale.
            close(found.beta[channel].into(), beta, 2e-6 * n.sqrt(), &format!("beta, {what}"));
            close(found.gamma[channel].into(), gamma, 2e-6 * n.sqrt(), &format!("gamma, {what}"));
            let scale = f64::from(self.gamma[channel]) * self.moments[channel].1;
            for i in indices() {
                let through = if self.of_batch { (beta + self.x_hat(i) * gamma) / n } else { 0.0 };
                let expected = scale * (f64::from(g[i]) - through);
                close(input[i].into(), expected, 1e-6 * scale.abs().max(0.01), &format!("input, {what}"));
            }
        }
    }
}

fn each_case(work: impl Fn(&Case, &str) + Sync) {
    on_each_level(|level| {
        for (rows, channels) in SHAPES {
            for of_batch in [true, false] {
                if rows > 1 || !of_batch {
                    work(&Case::new(rows, channels, of_batch), &format!("{level:?}, of batch {of_batch}"));
                }
            }
        }
    });
}

#[test]
fn normalised_values_are_those_of_the_definition() {
    each_case(|case, what| {
        let plain = normalise(case.view(), &case.lines, false);
        let relu = normalise(case.view(), &case.lines, true);
        let sum = normalise_add(case.view(), &case.lines, &case.shortcut, false);
        let sum_relu = normalise_add(case.view(), &case.lines, &case.shortcut, true);
        for (i, &shortcut) in case.shortcut.iter().enumerate() {
            let (y, shortcut) = (case.y(i), f64::from(shortcut));
            // Measured: 5e-7.
            close(plain[i].into(), y, 2e-6, what);
            close(relu[i].into(), y.max(0.0), 2e-6, what);
            close(sum[i].into(), y + shortcut, 2e-6, what);
            close(sum_relu[i].into(), (y + shortcut).max(0.0), 2e-6, what);
        }
    });
}

#[test]
fn gradients_are_those_of_the_definition() {
    each_case(|case, what| {
        let found = gradients(case.view(), case.g.clone(), &case.lines, false);
        case.check(&case.g, &found.input, &found, what);
        let y = normalise(case.view(), &case.lines, false);
        let masked: Vec<f32> = case.g.iter().zip(&y).map(|(&g, &y)| if y > 0.0 { g } else { 0.0 }).collect();
        let found = gradients(case.view(), case.g.clone(), &case.lines, true);
        case.check(&masked, &found.input, &found, &format!("ReLU, {what}"));
    });
}

#[test]
fn gradients_of_a_sum_are_those_of_the_definition() {
    each_case(|case, what| {
        for relu in [false, true] {
            let out = normalise_add(case.view(), &case.lines, &case.shortcut, relu);
            let found = gradients_add(case.view(), &out, case.g.clone(), &case.lines, relu);
            let kept = |(&g, &y): (&f32, &f32)| if relu && y <= 0.0 { 0.0 } else { g };
            let masked: Vec<f32> = case.g.iter().zip(&out).map(kept).collect();
            assert_eq!(found.shortcut, masked);
            case.check(&masked, &found.own.input, &found.own, &format!("sum, ReLU {relu}, {what}"));
        }
    });
}

/// Rounding takes up to a hundredth of the spread from such means.
#[test]
fn a_large_mean_costs_no_precision() {
    let x = noise(333 * 24, 5).iter().map(|x| 30_000.0 + 0.1 * x).collect();
    let case = Case::of(x, 24, true);
    let out = normalise_add(case.view(), &case.lines, &case.shortcut, false);
    for (i, &shortcut) in case.shortcut.iter().enumerate() {
        close(out[i].into(), case.y(i) + f64::from(shortcut), 2e-6, "large mean");
    }
    let found = gradients(case.view(), case.g.clone(), &case.lines, false);
    case.check(&case.g, &found.input, &found, "large mean");
    let found = gradients_add(case.view(), &out, case.g.clone(), &case.lines, false);
    case.check(&case.g, &found.own.input, &found.own, "large mean, sum");
}

#[test]
fn channels_of_a_wider_buffer_are_treated_alike() {
    each_case(|case, what| {
        let (channels, stride, first) = (case.channels, case.channels + 5, 3);
        let wide = spread(&case.x, channels, stride, first);
        let view = View::part(&wide, stride, first, channels);
        for relu in [false, true] {
            assert_eq!(
                normalise(view, &case.lines, relu),
                normalise(case.view(), &case.lines, relu),
                "{what}"
            );
            let y = normalise(case.view(), &case.lines, false);
            let kept = |(&g, &y): (&f32, &f32)| if relu && y <= 0.0 { 0.0 } else { g };
            let masked: Vec<f32> = case.g.iter().zip(&y).map(kept).collect();
            let found = gradients(view, case.g.clone(), &case.lines, relu);
            case.check(&masked, &found.input, &found, what);
            let mut buffer = vec![1.0; wide.len()];
            let into = ViewMut { values: &mut buffer, stride, first };
            let added = gradients_into(view, &case.g, &case.lines, relu, into);
            assert_eq!((&added.gamma, &added.beta), (&found.gamma, &found.beta), "{what}");
            for (row, input) in buffer.chunks(stride).zip(found.input.chunks(channels)) {
                let expected: Vec<f32> = input.iter().map(|dx| 1.0 + dx).collect();
                assert_eq!(row[first..first + channels], expected, "{what}");
                let mut others = row[..first].iter().chain(&row[first + channels..]);
                assert!(others.all(|&value| value == 1.0), "{what}");
            }
        }
        // All channels of the buffer.
        let mut buffer = vec![1.0; case.x.len()];
        let into = ViewMut { values: &mut buffer, stride: channels, first: 0 };
        gradients_into(case.view(), &case.g, &case.lines, true, into);
        let input = gradients(case.view(), case.g.clone(), &case.lines, true).input;
        assert!(buffer.iter().zip(&input).all(|(&found, dx)| found == 1.0 + dx), "{what}");
    });
}

#[test]
fn not_a_number_passes() {
    let lines = Lines::of_running(&[0.0; 2], &[1.0; 2], &[1.0; 2], &[0.0; 2], 0.0);
    let x = [1.0, f32::NAN, -1.0, 2.0];
    let y = normalise(View::dense(&x, 2), &lines, true);
    assert!(y[1].is_nan() && y[2] == 0.0);
    // As in PyTorch, whose ReLU passes the gradient on where the value is no number.
    let found = gradients_add(View::dense(&x, 2), &y, vec![1.0; 4], &lines, true);
    assert_eq!(found.shortcut, [1.0, 1.0, 0.0, 1.0]);
}

#[test]
fn threads_change_no_bit() {
    let all = |threads: usize| {
        on_threads(threads, || {
            let case = Case::new(9001, 72, true);
            let first = gradients(case.view(), case.g.clone(), &case.lines, true);
            let out = normalise_add(case.view(), &case.lines, &case.shortcut, true);
            let second = gradients_add(case.view(), &out, case.g.clone(), &case.lines, true);
            let values = [first.input, first.gamma, first.beta, out, second.own.input, second.own.gamma];
            values.map(|values| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>())
        })
    };
    let one = all(1);
    assert!(one == all(2) && one == all(3));
}
