//! Taps: the places of a network at which its feature maps can be taken out.

/// The name of a place in a network at which feature maps can be taken out of a forward pass.
///
/// Every network has [`Tap::RELEASED`] and [`Tap::POOLED`], and the output of each of its stages by the name that the
/// original's module has, such as `layer3` or `Mixed_6e`: [`Architecture::taps`](crate::Architecture::taps) lists them
/// and [`Architecture::tap`](crate::Architecture::tap) finds one by its name. Taps of two networks are equal when their
/// names are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tap(&'static str);

impl Tap {
    /// `released`: where the released CYBORG code takes the class activation map. For a ResNet this is the output of the
    /// last convolution, before its batch norm, the residual sum and the ReLU (released for resnet50; the same place in
    /// the others); for `densenet121` the last batch norm's output, before the ReLU; for `inception_v3` the output of
    /// `Mixed_7c`, which is the pooled tensor; for `xception` the output of `conv4`, before its batch norm and the ReLU.
    pub const RELEASED: Self = Self("released");
    /// `pooled`: the tensor that global average pooling sees, which gives a class activation map in the sense of Zhou et
    /// al. (2016).
    pub const POOLED: Self = Self("pooled");

    /// A tap of that name. Only definitions of networks make further ones.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name, as experiment files and weights files write it.
    pub fn name(&self) -> &'static str {
        self.0
    }
}

impl std::fmt::Display for Tap {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Tap({})", self.0)
    }
}

/// One of a network's taps, with what is known of its maps before any image has been run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapInfo {
    /// The tap.
    pub tap: Tap,
    /// Number of channels of its maps.
    pub channels: usize,
    /// Side in pixels of the square of the input that one cell of its maps can see.
    pub receptive_field_px: usize,
}
