//! Moved and enlarged images.

use super::range::{check_order, log_uniform};
use super::{Affine, Transform};
use cyborg_seed::Stream;
use cyborg_settings::{Fault, Fraction, Positive, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The image grows or shrinks around its middle and moves; what comes from outside is black. As torchvision's `RandomAffine`
/// without rotation and shear, but that the logarithm of the scale is uniform. Geometric: the map moves, too.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShiftAndScale {
    /// Share of the images that are moved, from 0 to 1; 1 unless stated.
    #[serde(default = "Fraction::one")]
    pub probability: Fraction,
    /// The greatest shift in each direction as a share of the side, from 0 to 1; 0.1 unless stated.
    #[serde(default = "default_translate")]
    pub translate: Fraction,
    /// The factor by which the content grows, [least, greatest], from 0.1 to 10; [0.9, 1.1] unless stated.
    #[serde(default = "default_scale")]
    pub scale: [Positive; 2],
}

const fn default_translate() -> Fraction {
    Fraction::new(0.1).expect("from 0 to 1")
}

const fn default_scale() -> [Positive; 2] {
    [Positive::new(0.9).expect("above 0"), Positive::new(1.1).expect("above 0")]
}

impl Settings for ShiftAndScale {
    const NAME: &'static str = "shift-and-scale";

    fn check(&self) -> Result<(), Fault> {
        let [least, greatest] = self.scale.map(Positive::get);
        check_order("scale", [least, greatest])?;
        if least < 0.1 || greatest > 10.0 {
            let message = format!("expected factors from 0.1 to 10, found [{least}, {greatest}]");
            return Err(Fault::of_field("scale", message, None));
        }
        Ok(())
    }
}

impl Transform for ShiftAndScale {
    fn geometry(&self, _: (u32, u32), draws: &mut Stream) -> Option<Affine> {
        if !draws.bernoulli(self.probability.get()) {
            return None;
        }
        let most = self.translate.get();
        let (right, down) = (draws.uniform_in(-most, most), draws.uniform_in(-most, most));
        Some(Affine::shift_and_scale(right, down, log_uniform(self.scale.map(Positive::get), draws)))
    }
}
