//! Normalisation and threshold: rules, spelled out.

use crate::{AnnotationError, SaliencyMap};

/// What a map's values are divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Normalisation {
    /// Nothing: values stay as they are.
    None,
    /// `v / max`: the greatest is 1, zero stays zero.
    #[default]
    Max,
    /// `v / sum`: a density.
    Sum,
    /// `(v - min) / (max - min)`: the least is 0, the greatest 1.
    MinMax,
}

/// Normalises in place and says whether it could: `false` (and a map of zeros) if there was nothing to divide by, that
/// is, for `Max` and `Sum` an empty map, for `MinMax` one without contrast. [`Normalisation::None`] always can.
///
/// Sums are taken in 64-bit floats, in the order of the pixels.
#[must_use]
pub fn normalise(map: &mut SaliencyMap, rule: Normalisation) -> bool {
    let (min, max) = range(map);
    let (offset, scale) = match rule {
        Normalisation::None => return true,
        Normalisation::Max => (0.0, f64::from(max)),
        Normalisation::Sum => (0.0, map.values.iter().map(|&value| f64::from(value)).sum()),
        Normalisation::MinMax => (f64::from(min), f64::from(max) - f64::from(min)),
    };
    if scale <= 0.0 {
        map.values.fill(0.0);
        return false;
    }
    for value in &mut map.values {
        *value = ((f64::from(*value) - offset) / scale) as f32;
    }
    true
}

/// Which pixels a binary map keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// Those of at least this value.
    Value(f64),
    /// Those of at least this share of the map's maximum, in `[0, 1]`.
    ShareOfMax(f64),
    /// The highest values: this share of all pixels, in `[0, 1]`. Pixels that tie with the last one are kept too; zeros
    /// never are.
    TopShare(f64),
}

/// 1 where the map is kept and above 0, else 0.
///
/// # Errors
/// [`AnnotationError::Setting`] if a share is outside `[0, 1]` or a value is not finite.
pub fn threshold(map: &SaliencyMap, rule: Threshold) -> Result<SaliencyMap, AnnotationError> {
    let (Threshold::Value(number) | Threshold::ShareOfMax(number) | Threshold::TopShare(number)) = rule;
    let shares = !matches!(rule, Threshold::Value(_));
    if !number.is_finite() || (shares && !(0.0..=1.0).contains(&number)) {
        let expected = if shares { "a share from 0 to 1" } else { "a finite number" };
        return Err(AnnotationError::Setting { what: "threshold", found: number.to_string(), expected });
    }
    let least = match rule {
        Threshold::Value(value) => value,
        Threshold::ShareOfMax(share) => share * f64::from(range(map).1),
        Threshold::TopShare(share) => {
            let kept = (share * map.values.len() as f64).round() as usize;
            let mut sorted = map.values.clone();
            sorted.sort_unstable_by(|a, b| b.total_cmp(a));
            if kept == 0 { f64::INFINITY } else { f64::from(sorted[kept - 1]) }
        }
    };
    let values =
        map.values.iter().map(|&v| if v > 0.0 && f64::from(v) >= least { 1.0 } else { 0.0 }).collect();
    Ok(SaliencyMap { values, ..*map })
}

/// The least and the greatest value.
fn range(map: &SaliencyMap) -> (f32, f32) {
    map.values.iter().fold((f32::INFINITY, 0.0), |(min, max), &value| (value.min(min), value.max(max)))
}
