//! What can be wrong with a call: always the caller's shapes or settings, found before any work is done.

use candle_core::DType;

/// A call that cannot be carried out.
///
/// The functions of this crate return [`candle_core::Error`]; this is what it wraps.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum OpsError {
    /// A tensor has the wrong number of dimensions.
    #[error("`{op}`: `{tensor}` must be {expected}, found shape {found:?}")]
    Rank {
        /// The operation.
        op: &'static str,
        /// The argument.
        tensor: &'static str,
        /// The dimensions wanted, by name.
        expected: &'static str,
        /// The shape found.
        found: Vec<usize>,
    },
    /// A tensor is not float32.
    #[error("`{op}`: `{tensor}` must be f32, found {found:?}; convert it with `to_dtype(DType::F32)`")]
    DType {
        /// The operation.
        op: &'static str,
        /// The argument.
        tensor: &'static str,
        /// The type found.
        found: DType,
    },
    /// A tensor is not in the memory of the CPU.
    #[error("`{op}`: `{tensor}` must be on the CPU, found {found}; move it with `to_device(&Device::Cpu)`")]
    Device {
        /// The operation.
        op: &'static str,
        /// The argument.
        tensor: &'static str,
        /// The device found.
        found: String,
    },
    /// A setting that must be at least one is zero.
    #[error("`{op}`: {setting} must be at least 1, found {found:?}")]
    Zero {
        /// The operation.
        op: &'static str,
        /// The setting.
        setting: &'static str,
        /// What was found (height, width).
        found: (usize, usize),
    },
    /// Channels cannot be divided among groups.
    #[error("`{op}`: {groups} groups do not divide {what}, {channels}")]
    Groups {
        /// The operation.
        op: &'static str,
        /// Which channels.
        what: &'static str,
        /// How many channels.
        channels: usize,
        /// How many groups.
        groups: usize,
    },
    /// Two sizes that must agree do not.
    #[error("`{op}`: {what} must be {expected}, found {found}")]
    Size {
        /// The operation.
        op: &'static str,
        /// Which size.
        what: &'static str,
        /// The size wanted.
        expected: usize,
        /// The size found.
        found: usize,
    },
    /// Two tensors that must have one shape do not.
    #[error("`{op}`: `{tensor}` must have {expected}, found {found}")]
    Shape {
        /// The operation.
        op: &'static str,
        /// The argument.
        tensor: &'static str,
        /// The shape wanted.
        expected: String,
        /// The shape found.
        found: String,
    },
    /// The window does not fit into the padded input.
    #[error(
        "`{op}`: a window of {window:?} (height, width, dilation included) does not fit into the padded input of \
         {padded:?}; use a larger image or more padding"
    )]
    Window {
        /// The operation.
        op: &'static str,
        /// Height and width of the window.
        window: (usize, usize),
        /// Height and width of the padded input.
        padded: (usize, usize),
    },
    /// Padding of a pooling window so wide that a window could lie in it whole.
    #[error("`{op}`: padding {padding:?} must be at most half the kernel {kernel:?}")]
    Padding {
        /// The operation.
        op: &'static str,
        /// Padding (height, width).
        padding: (usize, usize),
        /// Kernel (height, width).
        kernel: (usize, usize),
    },
    /// A batch that has no variance.
    #[error(
        "`{op}`: needs at least 2 values a channel to estimate a variance, found {found}; use a larger batch, or \
         `batch_norm_eval`"
    )]
    TooFewValues {
        /// The operation.
        op: &'static str,
        /// Values a channel.
        found: usize,
    },
    /// A number that is out of its range.
    #[error("`{op}`: {what} must be {expected}, found {found}")]
    Range {
        /// The operation.
        op: &'static str,
        /// Which number.
        what: &'static str,
        /// Its range.
        expected: &'static str,
        /// What was found.
        found: String,
    },
}

impl From<OpsError> for candle_core::Error {
    fn from(error: OpsError) -> Self {
        Self::wrap(error)
    }
}
