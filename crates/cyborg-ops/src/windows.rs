//! Where the windows of a pooling lie.

use std::ops::Range;

/// One direction of a pooling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    pub(crate) input: usize,
    pub(crate) output: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Axis {
    /// None if the window does not fit into the padded input. `kernel` and `stride` must not be zero. In ceil mode, as in
    /// PyTorch, no window starts beyond the input and the padding before it.
    pub(crate) fn new(
        input: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
        ceil_mode: bool,
    ) -> Option<Self> {
        let room = (input + 2 * padding).checked_sub(kernel)?;
        let mut output = if ceil_mode { room.div_ceil(stride) } else { room / stride } + 1;
        if ceil_mode && (output - 1) * stride >= input + padding {
            output -= 1;
        }
        Some(Self { input, output, kernel, stride, padding })
    }

    /// The cells of the input under a window.
    pub(crate) fn cells(&self, window: usize) -> Range<usize> {
        let start = window * self.stride;
        start.saturating_sub(self.padding)..(start + self.kernel).saturating_sub(self.padding).min(self.input)
    }

    /// The windows that a cell of the input lies under.
    pub(crate) fn windows(&self, cell: usize) -> Range<usize> {
        let cell = cell + self.padding;
        let first = (cell + 1).saturating_sub(self.kernel).div_ceil(self.stride);
        first..(cell / self.stride + 1).min(self.output).max(first)
    }

    /// Which cell of a window a cell of the input under it is, padding included.
    pub(crate) fn place(&self, window: usize, cell: usize) -> usize {
        cell + self.padding - window * self.stride
    }

    /// How many cells a window has, padding included but not what lies beyond it.
    pub(crate) fn padded_cells(&self, window: usize) -> usize {
        let start = window * self.stride;
        (start + self.kernel).min(self.input + 2 * self.padding) - start
    }
}

/// The windows of all images of a batch, whose values are `(batch, height, width, channels)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    pub(crate) down: Axis,
    pub(crate) across: Axis,
}

impl Windows {
    /// Values of the input.
    pub(crate) fn input_len(&self) -> usize {
        self.batch * self.down.input * self.across.input * self.channels
    }

    /// Values of the output.
    pub(crate) fn output_len(&self) -> usize {
        self.batch * self.down.output * self.across.output * self.channels
    }

    /// Cells of a window.
    pub(crate) fn kernel_cells(&self) -> usize {
        self.down.kernel * self.across.kernel
    }

    /// Cells of a row of a window.
    pub(crate) fn kernel_width(&self) -> usize {
        self.across.kernel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cell lies under exactly those windows of which it is a cell.
    #[test]
    fn cells_and_windows_agree() {
        for input in 1..9 {
            for kernel in 1..5 {
                for stride in 1..5 {
                    for (padding, ceil_mode) in
                        (0..=kernel / 2).flat_map(|padding| [(padding, false), (padding, true)])
                    {
                        let Some(axis) = Axis::new(input, kernel, stride, padding, ceil_mode) else {
                            assert!(kernel > input + 2 * padding);
                            continue;
                        };
                        for cell in 0..input {
                            for window in 0..axis.output {
                                let under = axis.cells(window).contains(&cell);
                                let what = format!("{axis:?}, cell {cell}, window {window}");
                                assert_eq!(axis.windows(cell).contains(&window), under, "{what}");
                                if under {
                                    assert_eq!(
                                        window * stride + axis.place(window, cell),
                                        cell + padding,
                                        "{what}"
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Sizes that PyTorch's `MaxPool1d` gives.
    #[test]
    fn ceil_mode_begins_no_window_beyond_the_input() {
        let output = |input, kernel, stride, padding, ceil| {
            Axis::new(input, kernel, stride, padding, ceil).map(|a| a.output)
        };
        assert_eq!(output(112, 3, 2, 1, false), Some(56));
        assert_eq!(output(35, 3, 2, 0, true), Some(17));
        assert_eq!(output(36, 3, 2, 0, true), Some(18));
        assert_eq!(output(5, 2, 4, 1, true), Some(2));
        assert_eq!(output(2, 3, 1, 0, true), None);
    }
}
