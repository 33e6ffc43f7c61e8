//! The sizes of one convolution, checked once.

use candle_core::{Result, Tensor};

use super::Conv2dConfig;
use crate::OpsError;
use crate::plain::{dims4, per_channel};

const OP: &str = "conv2d";

/// One direction of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) dilation: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) batch: usize,
    pub(super) groups: usize,
    /// Input channels of one group.
    pub(super) group_in: usize,
    /// Output channels of one group.
    pub(super) group_out: usize,
    pub(super) down: Axis,
    pub(super) across: Axis,
}

impl Geometry {
    pub(super) fn of(
        input: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        config: Conv2dConfig,
    ) -> Result<Self> {
        let [batch, channels_in, height, width] = dims4(OP, "input", input)?;
        let &[channels_out, group_in, kernel_height, kernel_width] = weight.dims() else {
            let expected = "(out, in / groups, kernel height, kernel width)";
            let found = weight.dims().to_vec();
            return Err(OpsError::Rank { op: OP, tensor: "weight", expected, found }.into());
        };
        let Conv2dConfig { stride, padding, dilation, groups } = config;
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
        if let Some(bias) = bias {
            per_channel(OP, "bias", bias, channels_out)?;
        }
        let axis = |input: usize, kernel: usize, stride, padding: usize, dilation: usize| {
            let room = (input + 2 * padding).checked_sub(dilation * (kernel - 1) + 1)?;
            Some(Axis { input, output: room / stride + 1, kernel, stride, padding, dilation })
        };
        let down = axis(height, kernel.0, stride.0, padding.0, dilation.0);
        let across = axis(width, kernel.1, stride.1, padding.1, dilation.1);
        let (Some(down), Some(across)) = (down, across) else {
            let window = (dilation.0 * (kernel.0 - 1) + 1, dilation.1 * (kernel.1 - 1) + 1);
            let padded = (height + 2 * padding.0, width + 2 * padding.1);
            return Err(OpsError::Window { op: OP, window, padded }.into());
        };
        Ok(Self { batch, groups, group_in, group_out: channels_out / groups, down, across })
    }

    pub(super) fn channels_in(&self) -> usize {
        self.groups * self.group_in
    }

    pub(super) fn channels_out(&self) -> usize {
        self.groups * self.group_out
    }

    pub(super) fn input_plane(&self) -> usize {
        self.down.input * self.across.input
    }

    pub(super) fn output_plane(&self) -> usize {
        self.down.output * self.across.output
    }

    /// Values of one input image.
    pub(super) fn input_image(&self) -> usize {
        self.channels_in() * self.input_plane()
    }

    /// Values of one output image.
    pub(super) fn output_image(&self) -> usize {
        self.channels_out() * self.output_plane()
    }

    /// Weights of one output channel.
    pub(super) fn window(&self) -> usize {
        self.group_in * self.down.kernel * self.across.kernel
    }

    pub(super) fn output_shape(&self) -> [usize; 4] {
        [self.batch, self.channels_out(), self.down.output, self.across.output]
    }
}
