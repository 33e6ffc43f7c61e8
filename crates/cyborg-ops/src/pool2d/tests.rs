//! Every function of this module against its definition, window by window, value by value.

use super::max::Winners;
use super::*;
use crate::vectors::testing::{noise, on_each_level, on_threads};
use crate::windows::{Axis, Windows};

/// Kernel, stride, padding, ceil mode.
type Setting = ((usize, usize), (usize, usize), (usize, usize), bool);

const SETTINGS: [Setting; 8] = [
    ((3, 3), (2, 2), (1, 1), false),
    ((3, 3), (2, 2), (0, 0), true),
    ((3, 3), (1, 1), (1, 1), false),
    ((2, 2), (2, 2), (0, 0), false),
    ((2, 3), (3, 2), (1, 0), true),
    ((1, 1), (2, 2), (0, 0), false),
    // A window of more than 255 cells.
    ((16, 17), (5, 3), (8, 8), false),
    // As PyTorch allows: the last window lies partly beyond the padding.
    ((3, 3), (2, 2), (1, 1), true),
];

fn windows(batch: usize, size: (usize, usize), channels: usize, setting: Setting) -> Windows {
    let (kernel, stride, padding, ceil) = setting;
    let down = Axis::new(size.0, kernel.0, stride.0, padding.0, ceil).expect("fits");
    let across = Axis::new(size.1, kernel.1, stride.1, padding.1, ceil).expect("fits");
    Windows { batch, channels, down, across }
}

/// The cells of the window at (`row`, `column`) that are not padding, and how many there are with padding.
fn cells(size: (usize, usize), setting: Setting, row: usize, column: usize) -> (Vec<(usize, usize)>, usize) {
    let (kernel, stride, padding, _) = setting;
    let (mut real, mut padded) = (Vec::new(), 0);
    for y in row * stride.0..row * stride.0 + kernel.0 {
        for x in column * stride.1..column * stride.1 + kernel.1 {
            padded += usize::from(y < size.0 + 2 * padding.0 && x < size.1 + 2 * padding.1);
            if (padding.0..size.0 + padding.0).contains(&y) && (padding.1..size.1 + padding.1).contains(&x) {
                real.push((y - padding.0, x - padding.1));
            }
        }
    }
    (real, padded)
}

/// Calls `work` with each window's image, row, column and channel, and the index of its value in the output.
fn each_value(windows: &Windows, mut work: impl FnMut([usize; 4], usize)) {
    let mut index = 0;
    for image in 0..windows.batch {
        for row in 0..windows.down.output {
            for column in 0..windows.across.output {
                for channel in 0..windows.channels {
                    work([image, row, column, channel], index);
                    index += 1;
                }
            }
        }
    }
}

fn each_case(work: impl Fn(&Windows, (usize, usize), Setting) + Sync) {
    on_each_level(|_| {
        for setting in SETTINGS {
            for (batch, size, channels) in [(2, (9, 10), 3), (1, (16, 17), 24), (3, (8, 9), 77)] {
                work(&windows(batch, size, channels, setting), size, setting);
            }
        }
    });
}

#[test]
fn maxima_and_their_gradients_are_those_of_the_definition() {
    each_case(|windows, size, setting| {
        // Few different values: ties.
        let mut x: Vec<f32> = noise(windows.input_len(), 1).iter().map(|x| (x * 4.0).round()).collect();
        x[7] = f32::NAN;
        let g = noise(windows.output_len(), 2);
        let (out, winners) = max_pool(windows, &x);
        assert_eq!(matches!(winners, Winners::Large(_)), setting.0.0 == 16);
        let dx = max_pool_gradient(windows, &winners, &g);
        let mut expected_dx = vec![0.0_f64; x.len()];
        each_value(windows, |[image, row, column, channel], index| {
            let at =
                |(y, x): (usize, usize)| ((image * size.0 + y) * size.1 + x) * windows.channels + channel;
            let (cells, _) = cells(size, setting, row, column);
            let mut best = at(cells[0]);
            for &cell in &cells {
                if x[at(cell)] > x[best] || x[at(cell)].is_nan() {
                    best = at(cell);
                }
            }
            assert_eq!(out[index].to_bits(), x[best].to_bits(), "{setting:?} {size:?}");
            expected_dx[best] += f64::from(g[index]);
        });
        for (found, expected) in dx.iter().zip(&expected_dx) {
            // Measured: 2.3e-7, one place of a sum of 2.3 from several windows that one cell wins.
            assert!((f64::from(*found) - expected).abs() < 1e-6, "{setting:?} {size:?}: {found} {expected}");
        }
    });
}

#[test]
fn means_and_their_gradients_are_those_of_the_definition() {
    each_case(|windows, size, setting| {
        let (x, g) = (noise(windows.input_len(), 3), noise(windows.output_len(), 4));
        for count_include_pad in [false, true] {
            let out = avg_pool(windows, &x, count_include_pad);
            let dx = avg_pool_gradient(windows, &g, count_include_pad);
            let mut expected_dx = vec![0.0_f64; x.len()];
            each_value(windows, |[image, row, column, channel], index| {
                let at =
                    |(y, x): (usize, usize)| ((image * size.0 + y) * size.1 + x) * windows.channels + channel;
                let (cells, padded) = cells(size, setting, row, column);
                let n = if count_include_pad { padded } else { cells.len() } as f64;
                let sum: f64 = cells.iter().map(|&cell| f64::from(x[at(cell)])).sum();
                let what = format!("{setting:?} {size:?} {count_include_pad}");
                // Measured: less than 2e-7.
                assert!((f64::from(out[index]) - sum / n).abs() < 1e-6, "{what}: {} {}", out[index], sum / n);
                for cell in cells {
                    expected_dx[at(cell)] += f64::from(g[index]) / n;
                }
            });
            for (found, expected) in dx.iter().zip(&expected_dx) {
                assert!((f64::from(*found) - expected).abs() < 1e-6, "{setting:?}: {found} {expected}");
            }
        }
    });
}

#[test]
fn global_means_are_those_of_the_definition() {
    on_each_level(|_| {
        for (batch, plane, channels) in [(1, 1, 1), (3, 49, 2048), (2, 7, 24), (2, 130, 5)] {
            let x: Vec<f32> = noise(batch * plane * channels, 5).iter().map(|x| x + 1000.0).collect();
            let out = global_avg_pool(&x, plane, channels);
            let dx = global_avg_pool_gradient(&out, plane, channels);
            for (index, &found) in out.iter().enumerate() {
                let (image, channel) = (index / channels, index % channels);
                let values = || (0..plane).map(|pixel| (image * plane + pixel) * channels + channel);
                let mean = values().map(|at| f64::from(x[at])).sum::<f64>() / plane as f64;
                // One rounding.
                assert!((f64::from(found) - mean).abs() <= 1e-7 * mean, "{found} {mean}");
                assert!(values().all(|at| dx[at] == found / plane as f32));
            }
        }
    });
}

#[test]
fn threads_change_no_bit() {
    let windows = windows(3, (60, 61), 40, SETTINGS[0]);
    let (x, g) = (noise(windows.input_len(), 6), noise(windows.output_len(), 7));
    let all = |threads: usize| {
        on_threads(threads, || {
            let (largest, winners) = max_pool(&windows, &x);
            let dx = max_pool_gradient(&windows, &winners, &g);
            let means = (avg_pool(&windows, &x, false), avg_pool_gradient(&windows, &g, false));
            (largest, winners, dx, means, global_avg_pool(&x, 60 * 61, 40))
        })
    };
    let one = all(1);
    assert!(one == all(2) && one == all(3));
}
