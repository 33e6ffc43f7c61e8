//! Forward and backward passes as matrix products over the windows of one image at a time.

use std::cell::RefCell;

use super::geometry::Geometry;
use crate::gemm::{Matrix, product};
use crate::parallel::{for_each_piece, map};

thread_local! {
    /// The matrix of windows, kept from call to call.
    static WINDOWS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with `len` values of scratch memory, their contents left over from earlier use.
fn with_scratch<T>(len: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    let mut scratch = WINDOWS.with(RefCell::take);
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
    let result = work(&mut scratch[..len]);
    WINDOWS.with(|kept| *kept.borrow_mut() = scratch);
    result
}

/// `out[image] = weight x windows(image) + bias`
pub(super) fn forward(geometry: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let g = geometry;
    let (window, plane) = (g.window(), g.output_plane());
    let mut out = vec![0.0_f32; g.batch * g.output_image()];
    for_each_piece(&mut out, g.output_image(), |image, out| {
        if let Some(bias) = bias {
            out.chunks_mut(plane).zip(bias).for_each(|(out, &bias)| out.fill(bias));
        }
        for group in 0..g.groups {
            with_windows(g, x, image, group, |windows| {
                let weight = &weight[group * g.group_out * window..][..g.group_out * window];
                let out = &mut out[group * g.group_out * plane..][..g.group_out * plane];
                let size = (g.group_out, plane, window);
                let (left, right) = (Matrix::rows(weight, window), Matrix::rows(windows, plane));
                product(size, out, plane, left, right, bias.is_some());
            });
        }
    });
    out
}

/// `windows(dx[image]) += weight^T x grad[image]`
pub(super) fn input_gradient(geometry: &Geometry, weight: &[f32], grad: &[f32]) -> Vec<f32> {
    let g = geometry;
    let (window, plane) = (g.window(), g.output_plane());
    let group_input = g.group_in * g.input_plane();
    let mut dx = vec![0.0_f32; g.batch * g.input_image()];
    for_each_piece(&mut dx, g.input_image(), |image, dx| {
        let grad = &grad[image * g.output_image()..][..g.output_image()];
        for group in 0..g.groups {
            let weight = &weight[group * g.group_out * window..][..g.group_out * window];
            let grad = &grad[group * g.group_out * plane..][..g.group_out * plane];
            let dx = &mut dx[group * group_input..][..group_input];
            let size = (window, plane, g.group_out);
            let (left, right) = (Matrix::transposed(weight, window), Matrix::rows(grad, plane));
            if g.is_pointwise() {
                product(size, dx, plane, left, right, false);
            } else {
                with_scratch(window * plane, |windows| {
                    product(size, windows, plane, left, right, false);
                    add_windows(g, windows, dx);
                });
            }
        }
    });
    dx
}

/// Images whose weight gradients are summed together before the sums of all are: fixed, so that the order is.
const IMAGES_A_SUM: usize = 4;

/// `dw = sum over images of grad[image] x windows(image)^T`
pub(super) fn weight_gradient(geometry: &Geometry, x: &[f32], grad: &[f32]) -> Vec<f32> {
    let g = geometry;
    let (window, plane) = (g.window(), g.output_plane());
    let len = g.channels_out() * window;
    let partial_sums = map(g.batch.div_ceil(IMAGES_A_SUM), |part| {
        let mut dw = vec![0.0_f32; len];
        let images = part * IMAGES_A_SUM..g.batch.min((part + 1) * IMAGES_A_SUM);
        for (count, image) in images.enumerate() {
            let grad = &grad[image * g.output_image()..][..g.output_image()];
            for group in 0..g.groups {
                let grad = &grad[group * g.group_out * plane..][..g.group_out * plane];
                let dw = &mut dw[group * g.group_out * window..][..g.group_out * window];
                with_windows(g, x, image, group, |windows| {
                    let size = (g.group_out, window, plane);
                    let (left, right) = (Matrix::rows(grad, plane), Matrix::transposed(windows, plane));
                    product(size, dw, window, left, right, count > 0);
                });
            }
        }
        dw
    });
    let mut parts = partial_sums.into_iter();
    let mut dw = parts.next().unwrap_or_else(|| vec![0.0; len]);
    for part in parts {
        dw.iter_mut().zip(&part).for_each(|(sum, &value)| *sum += value);
    }
    dw
}

/// Sum over images and windows.
pub(super) fn bias_gradient(geometry: &Geometry, grad: &[f32]) -> Vec<f32> {
    let (channels, plane) = (geometry.channels_out(), geometry.output_plane());
    let mut sums = vec![0.0_f64; channels];
    for (index, grad) in grad.chunks(plane).enumerate() {
        sums[index % channels] += grad.iter().map(|&g| f64::from(g)).sum::<f64>();
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}

/// Calls `work` with the matrix of windows of one group of one image: a row for each weight of an output channel, a
/// column for each window.
fn with_windows(g: &Geometry, x: &[f32], image: usize, group: usize, work: impl FnOnce(&[f32])) {
    let group_input = g.group_in * g.input_plane();
    let x = &x[image * g.input_image() + group * group_input..][..group_input];
    if g.is_pointwise() {
        return work(x);
    }
    with_scratch(g.window() * g.output_plane(), |windows| {
        fill_windows(g, x, windows);
        work(windows);
    });
}

/// Rows of the matrix of windows in order: channel, then kernel row, then kernel column.
fn rows(g: &Geometry) -> impl Iterator<Item = (usize, usize, usize)> {
    let (down, across) = (g.down.kernel, g.across.kernel);
    (0..g.group_in).flat_map(move |c| (0..down).flat_map(move |ky| (0..across).map(move |kx| (c, ky, kx))))
}

fn fill_windows(g: &Geometry, x: &[f32], windows: &mut [f32]) {
    let (width, stride) = (g.across.input, g.across.stride);
    for ((channel, ky, kx), row) in rows(g).zip(windows.chunks_exact_mut(g.output_plane())) {
        let x = &x[channel * g.input_plane()..][..g.input_plane()];
        let (inside_y, inside_x) = (g.down.windows_inside(ky), g.across.windows_inside(kx));
        for (oy, line) in row.chunks_exact_mut(g.across.output).enumerate() {
            if !inside_y.contains(&oy) || inside_x.is_empty() {
                line.fill(0.0);
                continue;
            }
            line[..inside_x.start].fill(0.0);
            line[inside_x.end..].fill(0.0);
            let first = g.down.cell(oy, ky) * width + g.across.cell(inside_x.start, kx);
            let line = &mut line[inside_x.clone()];
            if stride == 1 {
                line.copy_from_slice(&x[first..first + line.len()]);
            } else {
                line.iter_mut().zip(x[first..].iter().step_by(stride)).for_each(|(cell, &x)| *cell = x);
            }
        }
    }
}

/// The transpose of [`fill_windows`]: adds each cell of the matrix to where it came from.
fn add_windows(g: &Geometry, windows: &[f32], dx: &mut [f32]) {
    let (width, stride) = (g.across.input, g.across.stride);
    for ((channel, ky, kx), row) in rows(g).zip(windows.chunks_exact(g.output_plane())) {
        let dx = &mut dx[channel * g.input_plane()..][..g.input_plane()];
        let (inside_y, inside_x) = (g.down.windows_inside(ky), g.across.windows_inside(kx));
        if inside_x.is_empty() {
            continue;
        }
        for oy in inside_y {
            let line = &row[oy * g.across.output..][inside_x.clone()];
            let first = g.down.cell(oy, ky) * width + g.across.cell(inside_x.start, kx);
            if stride == 1 {
                dx[first..first + line.len()].iter_mut().zip(line).for_each(|(dx, &cell)| *dx += cell);
            } else {
                dx[first..].iter_mut().step_by(stride).zip(line).for_each(|(dx, &cell)| *dx += cell);
            }
        }
    }
}
