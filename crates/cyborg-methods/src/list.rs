//! The list of methods: a new one is a file in `methods/` and a line here.

use crate::Method;
use crate::methods::{CrossEntropy, Cyborg};
use cyborg_settings::{Choice, choices};

/// Every way of training, in the order in which documentation lists them.
pub const METHODS: &[Choice<dyn Method>] = choices![dyn Method;
    CrossEntropy,
    Cyborg,
];
