//! Pooling: largest value, mean, mean over the whole plane.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use crate::OpsError;
use crate::parallel::for_each_piece;
use crate::plain::{checked, dims4, tensor, values, with_values};

const EMPTY_INPUT: &str = "height and width of `input`";

/// Where the windows of a pooling lie; (height, width) each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// Size of the window.
    pub kernel: (usize, usize),
    /// Step from one window to the next.
    pub stride: (usize, usize),
    /// Cells added on each side: minus infinity for the largest value, zero for the mean. At most half the kernel.
    pub padding: (usize, usize),
    /// Round the number of windows up instead of down. As in PyTorch, no window starts beyond the input and the
    /// padding before it.
    pub ceil_mode: bool,
}

/// The largest value in each window. NaN wins over every number; of equals the first in reading order gets the gradient.
///
/// # Shapes
/// - `input`: `(batch, channels, height, width)`
/// - returns: `(batch, channels, windows down, windows across)`
///
/// # Errors
/// On another rank, type or device; if kernel or stride is 0, if padding is more than half the kernel, if the kernel
/// does not fit into the padded input.
pub fn max_pool2d(input: &Tensor, config: PoolConfig) -> Result<Tensor> {
    let op = "max_pool2d";
    let windows = Windows::of(op, input, config)?;
    checked(op, "input", input)?.apply_op1(MaxPool { windows, winners: OnceLock::new() })
}

/// The mean of each window.
///
/// With `count_include_pad` the padding counts as zeros; without, the mean is over real cells only. In both cases, as in
/// PyTorch, what ceil mode adds beyond the padding is not counted.
///
/// # Shapes
/// - `input`: `(batch, channels, height, width)`
/// - returns: `(batch, channels, windows down, windows across)`
///
/// # Errors
/// As [`max_pool2d`].
pub fn avg_pool2d(input: &Tensor, config: PoolConfig, count_include_pad: bool) -> Result<Tensor> {
    let op = "avg_pool2d";
    let windows = Windows::of(op, input, config)?;
    checked(op, "input", input)?.apply_op1(AvgPool { windows, count_include_pad })
}

/// The mean of each plane.
///
/// # Shapes
/// - `input`: `(batch, channels, height, width)`
/// - returns: `(batch, channels)`
///
/// # Errors
/// On another rank, type or device; if the planes are empty.
pub fn global_avg_pool2d(input: &Tensor) -> Result<Tensor> {
    let op = "global_avg_pool2d";
    let [_, _, height, width] = dims4(op, "input", input)?;
    if height * width == 0 {
        return Err(OpsError::Zero { op, setting: EMPTY_INPUT, found: (height, width) }.into());
    }
    checked(op, "input", input)?.apply_op1(GlobalAvgPool)
}

/// One direction of a pooling.
#[derive(Clone, Copy, Debug)]
struct Axis {
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Axis {
    fn new(input: usize, kernel: usize, stride: usize, padding: usize, ceil_mode: bool) -> Option<Self> {
        let room = (input + 2 * padding).checked_sub(kernel)?;
        let mut output = if ceil_mode { room.div_ceil(stride) } else { room / stride } + 1;
        // The last window must start in the input or the padding before it.
        if ceil_mode && (output - 1) * stride >= input + padding {
            output -= 1;
        }
        Some(Self { input, output, kernel, stride, padding })
    }

    /// The cells of the input under a window.
    fn cells(&self, window: usize) -> std::ops::Range<usize> {
        let start = window * self.stride;
        start.saturating_sub(self.padding)..(start + self.kernel).saturating_sub(self.padding).min(self.input)
    }

    /// How many cells a window has, padding included but not what lies beyond it.
    fn padded_cells(&self, window: usize) -> usize {
        let start = window * self.stride;
        (start + self.kernel).min(self.input + 2 * self.padding) - start
    }
}

#[derive(Clone, Copy, Debug)]
struct Windows {
    batch: usize,
    channels: usize,
    down: Axis,
    across: Axis,
}

impl Windows {
    fn of(op: &'static str, input: &Tensor, config: PoolConfig) -> Result<Self> {
        let [batch, channels, height, width] = dims4(op, "input", input)?;
        let PoolConfig { kernel, stride, padding, ceil_mode } = config;
        for (setting, found) in [("kernel", kernel), ("stride", stride)] {
            if found.0 == 0 || found.1 == 0 {
                return Err(OpsError::Zero { op, setting, found }.into());
            }
        }
        if height * width == 0 {
            return Err(OpsError::Zero { op, setting: EMPTY_INPUT, found: (height, width) }.into());
        }
        if padding.0 > kernel.0 / 2 || padding.1 > kernel.1 / 2 {
            return Err(OpsError::Padding { op, padding, kernel }.into());
        }
        let down = Axis::new(height, kernel.0, stride.0, padding.0, ceil_mode);
        let across = Axis::new(width, kernel.1, stride.1, padding.1, ceil_mode);
        let (Some(down), Some(across)) = (down, across) else {
            let padded = (height + 2 * padding.0, width + 2 * padding.1);
            return Err(OpsError::Window { op, window: kernel, padded }.into());
        };
        Ok(Self { batch, channels, down, across })
    }

    fn input_plane(&self) -> usize {
        self.down.input * self.across.input
    }

    fn output_plane(&self) -> usize {
        self.down.output * self.across.output
    }

    fn output_shape(&self) -> [usize; 4] {
        [self.batch, self.channels, self.down.output, self.across.output]
    }

    fn output_len(&self) -> usize {
        self.batch * self.channels * self.output_plane()
    }

    fn input_len(&self) -> usize {
        self.batch * self.channels * self.input_plane()
    }
}

struct MaxPool {
    windows: Windows,
    /// For each window, the index in its plane of the cell that won. Filled by the forward pass.
    winners: OnceLock<Vec<u32>>,
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let Windows { down, across, .. } = self.windows;
        let (input_plane, output_plane) = (self.windows.input_plane(), self.windows.output_plane());
        let mut found = vec![(0.0_f32, 0_u32); self.windows.output_len()];
        for_each_piece(&mut found, output_plane, |index, found| {
            let x = &x[index * input_plane..(index + 1) * input_plane];
            for (row, found) in found.chunks_mut(across.output).enumerate() {
                for (column, found) in found.iter_mut().enumerate() {
                    let cells = across.cells(column);
                    let mut best = (f32::NEG_INFINITY, u32::MAX);
                    for y in down.cells(row) {
                        let first = y * across.input + cells.start;
                        for (cell, &value) in (first..).zip(&x[first..first + cells.len()]) {
                            if value > best.0 || value.is_nan() || best.1 == u32::MAX {
                                best = (value, cell as u32);
                            }
                        }
                    }
                    *found = best;
                }
            }
        });
        let out = found.iter().map(|f| f.0).collect();
        self.winners.get_or_init(|| found.iter().map(|f| f.1).collect());
        Ok((CpuStorage::F32(out), Shape::from(self.windows.output_shape().to_vec())))
    }

    fn bwd(&self, arg: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let Some(winners) = self.winners.get() else {
            candle_core::bail!("internal error in cyborg-ops: `max_pool2d` went backward before forward");
        };
        let (input_plane, output_plane) = (self.windows.input_plane(), self.windows.output_plane());
        let dx = with_values(grad, |g| {
            let mut dx = vec![0.0_f32; self.windows.input_len()];
            for_each_piece(&mut dx, input_plane, |index, dx| {
                let range = index * output_plane..(index + 1) * output_plane;
                for (&winner, &g) in winners[range.clone()].iter().zip(&g[range]) {
                    dx[winner as usize] += g;
                }
            });
            dx
        })?;
        tensor(dx, arg.dims()).map(Some)
    }
}

struct AvgPool {
    windows: Windows,
    count_include_pad: bool,
}

impl AvgPool {
    fn divisor(&self, row: usize, column: usize) -> f32 {
        let Windows { down, across, .. } = self.windows;
        let count = if self.count_include_pad {
            down.padded_cells(row) * across.padded_cells(column)
        } else {
            down.cells(row).len() * across.cells(column).len()
        };
        count as f32
    }
}

impl CustomOp1 for AvgPool {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let Windows { down, across, .. } = self.windows;
        let (input_plane, output_plane) = (self.windows.input_plane(), self.windows.output_plane());
        let mut out = vec![0.0_f32; self.windows.output_len()];
        for_each_piece(&mut out, output_plane, |index, out| {
            let x = &x[index * input_plane..(index + 1) * input_plane];
            for (row, out) in out.chunks_mut(across.output).enumerate() {
                for (column, out) in out.iter_mut().enumerate() {
                    let cells = across.cells(column);
                    let mut sum = 0.0;
                    for y in down.cells(row) {
                        sum += x[y * across.input..][cells.clone()].iter().sum::<f32>();
                    }
                    *out = sum / self.divisor(row, column);
                }
            }
        });
        Ok((CpuStorage::F32(out), Shape::from(self.windows.output_shape().to_vec())))
    }

    fn bwd(&self, arg: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let Windows { down, across, .. } = self.windows;
        let (input_plane, output_plane) = (self.windows.input_plane(), self.windows.output_plane());
        let dx = with_values(grad, |g| {
            let mut dx = vec![0.0_f32; self.windows.input_len()];
            for_each_piece(&mut dx, input_plane, |index, dx| {
                let g = &g[index * output_plane..(index + 1) * output_plane];
                for (row, g) in g.chunks(across.output).enumerate() {
                    for (column, &g) in g.iter().enumerate() {
                        let share = g / self.divisor(row, column);
                        for y in down.cells(row) {
                            for dx in &mut dx[y * across.input..][across.cells(column)] {
                                *dx += share;
                            }
                        }
                    }
                }
            });
            dx
        })?;
        tensor(dx, arg.dims()).map(Some)
    }
}

struct GlobalAvgPool;

impl CustomOp1 for GlobalAvgPool {
    fn name(&self) -> &'static str {
        "global_avg_pool2d"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let plane = height * width;
        let x = values(storage, layout)?;
        let mean = |x: &[f32]| (x.iter().map(|&x| f64::from(x)).sum::<f64>() / plane as f64) as f32;
        let out = x.chunks(plane).map(mean).collect();
        Ok((CpuStorage::F32(out), Shape::from((batch, channels))))
    }

    fn bwd(&self, arg: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (_, _, height, width) = arg.dims4()?;
        let plane = height * width;
        let dx = with_values(grad, |g| {
            let mut dx = Vec::with_capacity(g.len() * plane);
            for &g in g {
                dx.extend(std::iter::repeat_n(g / plane as f32, plane));
            }
            dx
        })?;
        tensor(dx, arg.dims()).map(Some)
    }
}
