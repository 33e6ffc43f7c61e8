//! The methods, a file each. A new one is a file here, its `mod` line, and its line in [`METHODS`].

mod act_diff;
mod background;
mod cam_bce;
mod cam_entropy;
mod cam_l1;
mod cross_entropy;
mod cyborg;
mod energy;
mod res;
mod rrr_g;
mod viser;

use crate::Method;
use cyborg_settings::{Choice, choices};

/// Every way of training, in the order in which documentation lists them.
pub const METHODS: &[Choice<dyn Method>] = choices![dyn Method;
    cross_entropy::CrossEntropy,
    cyborg::Cyborg,
    viser::Viser,
    energy::Energy,
    cam_l1::CamL1,
    cam_bce::CamBce,
    res::Res,
    rrr_g::RrrG,
    cam_entropy::CamEntropy,
    act_diff::ActDiff,
    background::BlurredBackground,
    background::MaskedBackground,
];
