//! What can go wrong while a method computes its loss.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MethodError {
    /// A method asked a step for something that its `needs` do not name: a defect of the method.
    #[error(
        "method `{method}` asks a step for {what}, which its needs do not name: this is a defect of the method"
    )]
    NotDeclared {
        /// The name of the method.
        method: &'static str,
        /// What was asked for.
        what: String,
    },
    /// The tap's features have another number of channels than the classifier's weight, so there is no class activation map.
    #[error(
        "the tap `{tap}` has {channels} channels and the classifier takes {expected}: a class activation map needs \
         equal numbers; choose the tap `pooled` or `released`"
    )]
    NoCam {
        /// The tap.
        tap: String,
        /// Channels of its features.
        channels: usize,
        /// Channels that the classifier takes.
        expected: usize,
    },
    /// A loss function refused its arguments.
    #[error(transparent)]
    Loss(#[from] cyborg_loss::LossError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
