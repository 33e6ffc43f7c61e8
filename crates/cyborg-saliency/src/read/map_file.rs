//! Masks and heat maps: one image file a person and image, in full precision.
//!
//! PNG, TIFF (8, 16 bit, 32- and 64-bit floats), JPEG, BMP and WebP, told by content, and NPY (a two-dimensional array of
//! booleans, integers or floats), and MATLAB 5 to 7 (a numeric matrix). The map lies over the whole image, at any size of the same shape: bright is salient.

use std::path::Path;

use cyborg_image::{ImageError, SampleValues, Samples, decode_palette_indices, decode_samples};

use std::sync::Arc;

use super::stored::StoredMap;
use super::{Annotations, FoundFile, Reader, Watch, bytes, mat5, npy, one};
use schemars::JsonSchema;
use serde::Deserialize;

use super::formats::Settings;
use crate::{Annotation, AnnotationError, Mark, Place, SaliencyMap};

/// How a map file is read.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct MapOptions {
    /// Which channel of a picture in colour or with alpha.
    pub channel: Channel,
    /// Makes a mask: 1 where the stored number is one of these, else 0 (the classes of a segmentation map). For one
    /// channel of integers, or a PNG with a palette, whose numbers are the indices; `scale` does not matter then.
    pub labels: Option<Vec<u32>>,
    /// Which variable of a MATLAB file; `None`: its only matrix.
    pub variable: Option<String>,
    /// What becomes of the numbers.
    pub scale: Scale,
    /// What becomes of numbers that no saliency can be.
    pub invalid: Invalid,
}

/// A channel of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Brightness; of colours as PIL weighs them: `0.299 R + 0.587 G + 0.114 B`. Alpha is dropped.
    #[default]
    Grey,
    /// Opacity: what drawing tools export on a transparent ground.
    Alpha,
    /// Red, or grey.
    Red,
    /// Green, or grey.
    Green,
    /// Blue, or grey.
    Blue,
}

/// What becomes of stored numbers.
#[derive(Clone, Copy, Debug, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// 8- and 16-bit pictures are divided by 255 and 65535; floats and arrays (NPY, MATLAB) are kept.
    #[default]
    Depth,
    /// All numbers are kept.
    Kept,
    /// All numbers are divided by this one, above 0.
    Divide(f64),
    /// A mask: 1 where the number is above 0, else 0.
    Binary,
}

/// What becomes of negative numbers, infinities and NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Invalid {
    /// The map is refused.
    #[default]
    Refuse,
    /// They become 0.
    Zero,
}

/// Masks or heat maps.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapsSettings {
    /// Such as `masks/{image}.png` or `maps/{annotator}/{image}.png`.
    pub files: String,
    /// Which channel of a picture in colour or with alpha; default: `grey`.
    #[serde(default)]
    pub channel: Channel,
    /// Makes a mask: 1 where the stored number is one of these (classes of a segmentation), else 0.
    pub labels: Option<Vec<u32>>,
    /// Which variable of a MATLAB file; default: its only matrix.
    pub variable: Option<String>,
    /// What numbers are divided by: `depth` (default: 255 or 65535 by the file's bits; floats are kept), `kept`,
    /// `divide: N`, or `binary` (1 where the number is above 0).
    pub scale: Option<Scale>,
    /// What negative or not finite numbers become: `refuse` (default) or `zero`.
    #[serde(default)]
    pub invalid: Invalid,
}
impl Settings for MapsSettings {
    type Options = MapOptions;

    fn files(&self) -> &str {
        &self.files
    }

    fn must_name_image(&self) -> bool {
        true
    }

    fn checked(&self) -> Result<MapOptions, String> {
        let scale = self.scale.unwrap_or_default();
        if let Scale::Divide(by) = scale
            && !(1e-30..=1e30).contains(&by)
        {
            return Err(format!("`divide` is {by}: it must be above 0"));
        }
        let (channel, invalid) = (self.channel, self.invalid);
        Ok(MapOptions {
            channel,
            labels: self.labels.clone(),
            variable: self.variable.clone(),
            scale,
            invalid,
        })
    }
}

impl Reader for MapOptions {
    fn read(&self, file: &FoundFile, _watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        if let Err(source) = fs_err::metadata(&file.path) {
            return Err(AnnotationError::open(&file.path, source));
        }
        let mark = Mark::Stored(StoredMap::file(file.path.clone(), self.clone()));
        Ok(one(Annotation {
            annotator: file.annotator.clone(),
            marks: vec![mark],
            ..Annotation::new(file.image_or_stem(), format!("`{}`", file.path.display()))
        }))
    }
}

/// A map file in full precision.
///
/// # Errors
/// [`AnnotationError::Open`] if the file cannot be read; [`AnnotationError::Fault`] if it is no map: damaged, not of two
/// dimensions, without the channel, or with numbers that `options` refuse.
pub fn read_map(path: &Path, options: &MapOptions) -> Result<SaliencyMap, AnnotationError> {
    map_from_bytes(&bytes(path)?, options, path, &Place::File)
}

/// As [`read_map`]; `path` and `place` are for messages.
pub(crate) fn map_from_bytes(
    bytes: &[u8],
    options: &MapOptions,
    path: &Path,
    place: &Place,
) -> Result<SaliencyMap, AnnotationError> {
    let fault = |reason: String| AnnotationError::fault(path, place.clone(), reason);
    let (width_px, height_px, numbers, depth) = if npy::is_npy(bytes) {
        let array = npy::read(bytes).map_err(fault)?;
        (array.width, array.height, array.values, 1.0)
    } else if mat5::is_mat(bytes) {
        let array =
            mat5::read(bytes).and_then(|file| file.map(options.variable.as_deref())).map_err(fault)?;
        (array.width, array.height, array.values, 1.0)
    } else {
        let said = |error| match error {
            ImageError::Decode { reason, .. } => fault(reason),
            other => fault(other.to_string()),
        };
        let indices = match options.labels {
            Some(_) => decode_palette_indices(bytes, path).map_err(said)?,
            None => None,
        };
        let samples = indices.map_or_else(|| decode_samples(bytes, path), Ok).map_err(said)?;
        let depth = match samples.values {
            SampleValues::U8(_) => 255.0,
            SampleValues::U16(_) => 65535.0,
            SampleValues::F32(_) | SampleValues::F64(_) => 1.0,
        };
        if options.labels.is_some() && (samples.channels != 1 || depth == 1.0) {
            return Err(fault(
                "classes are chosen by number, but it has not one channel of integers: \
                 export class numbers as grey levels or as a PNG with a palette"
                    .into(),
            ));
        }
        let size = (samples.width_px as usize, samples.height_px as usize);
        (size.0, size.1, channel(samples, options.channel).map_err(fault)?, depth)
    };
    values(numbers, depth, width_px, options)
        .map(|values| SaliencyMap { width_px, height_px, values })
        .map_err(fault)
}

fn values(numbers: Vec<f64>, depth: f64, width: usize, options: &MapOptions) -> Result<Vec<f32>, String> {
    if let Some(labels) = &options.labels {
        let chosen = |number: f64| labels.iter().any(|&label| f64::from(label) == number);
        return Ok(numbers.into_iter().map(|number| if chosen(number) { 1.0 } else { 0.0 }).collect());
    }
    let divisor = match options.scale {
        Scale::Depth => depth,
        Scale::Kept | Scale::Binary => 1.0,
        Scale::Divide(divisor) if divisor > 0.0 && divisor.is_finite() => divisor,
        Scale::Divide(divisor) => {
            return Err(format!("numbers cannot be divided by {divisor}: it must be above 0"));
        }
    };
    let mut values = Vec::with_capacity(numbers.len());
    for (at, number) in numbers.into_iter().enumerate() {
        let value = (number / divisor) as f32;
        values.push(if value >= 0.0 && value.is_finite() {
            if options.scale == Scale::Binary && value > 0.0 { 1.0 } else { value.max(0.0) }
        } else if options.invalid == Invalid::Zero {
            0.0
        } else {
            return Err(format!(
                "the value in column {} and row {} is {number}: saliency must be finite and at least 0; repair it, or \
                 have such values taken for 0",
                at % width,
                at / width
            ));
        });
    }
    Ok(values)
}

fn channel(samples: Samples, channel: Channel) -> Result<Vec<f64>, String> {
    let channels = samples.channels;
    let all: Vec<f64> = match samples.values {
        SampleValues::U8(values) => values.into_iter().map(f64::from).collect(),
        SampleValues::U16(values) => values.into_iter().map(f64::from).collect(),
        SampleValues::F32(values) => values.into_iter().map(f64::from).collect(),
        SampleValues::F64(values) => values,
    };
    let is_color = channels >= 3;
    let index = match channel {
        Channel::Alpha if channels % 2 == 1 => {
            return Err("it has no alpha: choose another channel".into());
        }
        Channel::Alpha => channels - 1,
        Channel::Green if is_color => 1,
        Channel::Blue if is_color => 2,
        Channel::Grey if is_color => {
            let luma =
                |pixel: &[f64]| (19595.0 * pixel[0] + 38470.0 * pixel[1] + 7471.0 * pixel[2]) / 65536.0;
            return Ok(all.chunks_exact(channels).map(luma).collect());
        }
        _ => 0,
    };
    Ok(if channels == 1 { all } else { all.chunks_exact(channels).map(|pixel| pixel[index]).collect() })
}
