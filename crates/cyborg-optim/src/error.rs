//! What can go wrong: tensors that do not fit their parameter, saved states with gaps, groups without parameters.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptimError {
    /// A gradient or a saved tensor has another shape than its parameter.
    #[error("{what} of parameter `{parameter}`: expected shape {expected:?}, found {found:?}")]
    Shape {
        /// The tensor: `gradient`, `momentum`, `first_moment`, `second_moment` or `step_count`.
        what: &'static str,
        /// The parameter's name.
        parameter: String,
        /// The shape that fits the parameter.
        expected: Vec<usize>,
        /// The shape that the tensor has.
        found: Vec<usize>,
    },
    /// A parameter, a gradient or a saved tensor cannot be read as numbers of the right type in main memory.
    #[error(
        "{what} of parameter `{parameter}`: expected a contiguous {expected} tensor on the CPU, found {found}"
    )]
    Storage {
        /// The tensor: `value`, `gradient`, `momentum`, `first_moment`, `second_moment` or `step_count`.
        what: &'static str,
        /// The parameter's name.
        parameter: String,
        /// The type of number that was expected.
        expected: &'static str,
        /// The type of number, the device, and whether the tensor is contiguous.
        found: String,
    },
    /// A saved state has some of a parameter's tensors, but not all that the optimiser needs.
    #[error(
        "the saved state of the optimiser has no `{missing}` though it has other tensors of parameter \
         `{parameter}`: the file is damaged, or another optimiser wrote it; start the training afresh"
    )]
    StateIncomplete {
        /// The parameter's name.
        parameter: String,
        /// The tensor's name in the saved state.
        missing: String,
    },
    /// A pattern of the parameter groups cannot be read.
    #[error("parameter group `{pattern}`: {reason}; `*` stands for any characters and `?` for one")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A pattern of the parameter groups matches no parameter of the network.
    #[error("parameter group `{pattern}`: no parameter of the network has such a name; {hint}")]
    UnmatchedPattern {
        /// The pattern.
        pattern: String,
        /// The nearest name, or what the parameters' names begin with.
        hint: String,
    },
    /// The classifier has a learning-rate factor, but no parameter belongs to a classifier.
    #[error(
        "the learning-rate factor {factor} of the classifier has no effect: no parameter of the network belongs to \
         a classifier; leave `classifier` out"
    )]
    NoClassifier {
        /// The factor.
        factor: f64,
    },
    /// The tensor library refused.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
