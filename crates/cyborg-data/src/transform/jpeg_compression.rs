//! Images with the traces of JPEG.

use super::{Sample, Transform};
use crate::DataError;
use cyborg_image::{decode_bytes, encode_jpeg};
use cyborg_seed::Stream;
use cyborg_settings::{AtLeastOne, Fault, Fraction, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The image is encoded as JPEG of a random quality and decoded again, as torchvision's `JPEG`. The encoder is another one than
/// PIL's, with the same tables of quality.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JpegCompression {
    /// Share of the images that are compressed, from 0 to 1; 0.5 unless stated.
    #[serde(default = "Fraction::half")]
    pub probability: Fraction,
    /// Quality, [least, greatest], from 1 to 100, each whole number equally likely; [50, 95] unless stated.
    #[serde(default = "default_quality")]
    pub quality: [AtLeastOne; 2],
}

const fn default_quality() -> [AtLeastOne; 2] {
    [AtLeastOne::new(50).expect("above 0"), AtLeastOne::new(95).expect("above 0")]
}

impl Settings for JpegCompression {
    const NAME: &'static str = "jpeg-compression";

    fn check(&self) -> Result<(), Fault> {
        let [least, greatest] = self.quality.map(AtLeastOne::get);
        if least <= greatest && greatest <= 100 {
            return Ok(());
        }
        let message = format!("expected [least, greatest] from 1 to 100, found [{least}, {greatest}]");
        Err(Fault::of_field("quality", message, None))
    }
}

impl Transform for JpegCompression {
    fn change(&self, sample: &mut Sample, draws: &mut Stream) -> Result<(), DataError> {
        if draws.bernoulli(self.probability.get()) {
            let [least, greatest] = self.quality.map(AtLeastOne::get);
            let quality = least + draws.below(greatest - least + 1);
            let bytes = encode_jpeg(&sample.image, quality as u8)?;
            sample.image = decode_bytes(&bytes, "an augmented image in memory".as_ref())?;
        }
        Ok(())
    }
}
