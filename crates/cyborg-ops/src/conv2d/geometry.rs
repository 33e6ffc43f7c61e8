//! The sizes of one convolution, checked once.

use candle_core::Result;

use super::Conv2dConfig;
use crate::OpsError;

const OP: &str = "conv2d";

/// One direction of a convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    /// Zeros before the input. Those behind it show in `output` only.
    pub(crate) padding: usize,
    pub(crate) dilation: usize,
}

impl Axis {
    /// Zeros behind the input that the windows reach.
    pub(crate) fn reached_padding(&self) -> usize {
        let end = (self.output - 1) * self.stride + self.dilation * (self.kernel - 1) + 1;
        end.saturating_sub(self.padding + self.input)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) batch: usize,
    pub(crate) groups: usize,
    /// Input channels of one group.
    pub(crate) group_in: usize,
    /// Output channels of one group.
    pub(crate) group_out: usize,
    pub(crate) down: Axis,
    pub(crate) across: Axis,
}

impl Geometry {
    /// Of an input of (batch, channels, height, width).
    pub(crate) fn of(
        [batch, channels_in, height, width]: [usize; 4],
        weight: &[usize],
        config: Conv2dConfig,
    ) -> Result<Self> {
        let &[channels_out, group_in, kernel_height, kernel_width] = weight else {
            let expected = "(out, in / groups, kernel height, kernel width)";
            let found = weight.to_vec();
            return Err(OpsError::Rank { op: OP, tensor: "weight", expected, found }.into());
        };
        let Conv2dConfig { stride, padding, extra_padding, dilation, groups } = config;
        let kernel = (kernel_height, kernel_width);
        let settings = [
            ("kernel", kernel),
            ("input and output channels", (channels_in, channels_out)),
            ("height and width of `input`", (height, width)),
            ("stride", stride),
            ("dilation", dilation),
            ("groups", (groups, groups)),
        ];
        for (setting, found) in settings {
            if found.0 == 0 || found.1 == 0 {
                return Err(OpsError::Zero { op: OP, setting, found }.into());
            }
        }
        for (what, channels) in [("the input channels", channels_in), ("the output channels", channels_out)] {
            if channels % groups != 0 {
                return Err(OpsError::Groups { op: OP, what, channels, groups }.into());
            }
        }
        if group_in != channels_in / groups {
            let what = "the second dimension of `weight` (input channels / groups)";
            return Err(
                OpsError::Size { op: OP, what, expected: channels_in / groups, found: group_in }.into()
            );
        }
        let axis = |input: usize, kernel: usize, stride, padding: usize, extra: usize, dilation: usize| {
            let room = (input + 2 * padding + extra).checked_sub(dilation * (kernel - 1) + 1)?;
            Some(Axis { input, output: room / stride + 1, kernel, stride, padding, dilation })
        };
        let down = axis(height, kernel.0, stride.0, padding.0, extra_padding.0, dilation.0);
        let across = axis(width, kernel.1, stride.1, padding.1, extra_padding.1, dilation.1);
        let (Some(down), Some(across)) = (down, across) else {
            let window = (dilation.0 * (kernel.0 - 1) + 1, dilation.1 * (kernel.1 - 1) + 1);
            let padded = (height + 2 * padding.0 + extra_padding.0, width + 2 * padding.1 + extra_padding.1);
            return Err(OpsError::Window { op: OP, window, padded }.into());
        };
        Ok(Self { batch, groups, group_in, group_out: channels_out / groups, down, across })
    }

    pub(crate) fn channels_in(&self) -> usize {
        self.groups * self.group_in
    }

    pub(crate) fn channels_out(&self) -> usize {
        self.groups * self.group_out
    }

    pub(crate) fn output_plane(&self) -> usize {
        self.down.output * self.across.output
    }

    /// Values of one input image.
    #[cfg(test)]
    pub(crate) fn input_image(&self) -> usize {
        self.channels_in() * self.down.input * self.across.input
    }

    /// Values of one output image.
    #[cfg(test)]
    pub(crate) fn output_image(&self) -> usize {
        self.channels_out() * self.output_plane()
    }

    /// Weights of one output channel.
    pub(crate) fn window(&self) -> usize {
        self.group_in * self.down.kernel * self.across.kernel
    }

    pub(crate) fn output_shape(&self) -> [usize; 4] {
        [self.batch, self.channels_out(), self.down.output, self.across.output]
    }
}
