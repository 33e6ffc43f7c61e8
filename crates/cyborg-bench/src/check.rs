//! Whether two programs computed the same first step.

use crate::BenchError;
use crate::statistics::exceeds;
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use std::path::Path;

/// Largest differences between two programs' first steps, each relative to the norm of what is compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Whom we were compared with.
    pub with: String,
    /// What was minimised.
    pub method: String,
    /// Loss, map term, logits, features.
    pub outputs: f64,
    /// Of 19 parameters in 20; a gradient counts for at least a hundredth of the largest (some are 0 but for rounding: a
    /// bias that the next batch norm takes away).
    pub gradients: f64,
    /// Of the last one in 20.
    pub worst_gradient: f64,
    /// Whose it is.
    pub worst_parameter: String,
    /// Parameters compared.
    pub parameters: usize,
}

/// Of loss, map term, logits and features. Measured at batch 2 and 4: 2.7e-6 at most (`densenet121`). PyTorch's float32 is
/// up to 1.5e-6 from its own float64 (README of `cyborg-backbones`; so the next ones).
const OUTPUTS: f64 = 1e-5;
/// Of 19 parameters in 20. Measured: 7.0e-4 (`xception`), 5.3e-5 in the others. PyTorch with two threads is up to 3.5e-4
/// (`xception`) from itself with one.
const GRADIENTS: f64 = 2e-3;
/// Of the others: where rounding decides which of two cells of a max pool is the larger, the gradient goes to the one or
/// the other. Measured: 2.8e-3. PyTorch's own float32 is up to 2e-3 off.
const WORST_GRADIENT: f64 = 1e-2;

const GRADIENT: &str = "gradient of ";

/// Compares files as `Workload::write` and `benches/torch_step.py` write them; one of them may lack what is `left_out`.
///
/// # Errors
/// [`BenchError::Differ`]; [`BenchError::Tensors`] for a file that is none.
pub(crate) fn compare(
    (ours, theirs): (&Path, &Path),
    (who, with): (&str, &str),
    method: &str,
    left_out: &[&str],
) -> Result<Agreement, BenchError> {
    let (our_bytes, their_bytes) = (fs_err::read(ours)?, fs_err::read(theirs)?);
    let (ours, theirs) = (open(ours, &our_bytes)?, open(theirs, &their_bytes)?);
    let mut agreement =
        Agreement { with: with.to_owned(), method: method.to_owned(), ..Agreement::default() };
    let mut differences = missing(&ours, &theirs, who, with);
    differences.retain(|line| !left_out.iter().any(|name| line.starts_with(&format!("  {name}:"))));
    let mut gradients = Vec::new();
    for name in ours.names() {
        let (Ok(ours), Ok(theirs)) = (ours.tensor(name), theirs.tensor(name)) else { continue };
        if ours.shape() != theirs.shape() || ours.dtype() != Dtype::F32 || theirs.dtype() != Dtype::F32 {
            differences.push(format!(
                "  {name}: {:?} {:?} here, {:?} {:?} there",
                ours.dtype(),
                ours.shape(),
                theirs.dtype(),
                theirs.shape()
            ));
            continue;
        }
        let (distance, norm) = distance(ours.data(), theirs.data());
        if let Some(parameter) = name.strip_prefix(GRADIENT) {
            gradients.push((parameter, distance, norm));
            continue;
        }
        let error = distance / norm;
        agreement.outputs = worse(agreement.outputs, error);
        if exceeds(error, OUTPUTS) {
            differences.push(off(name, error, OUTPUTS));
        }
    }
    let floor = gradients.iter().fold(0f64, |largest, (_, _, norm)| largest.max(*norm)) * 0.01;
    let mut errors: Vec<(f64, &str)> =
        gradients.iter().map(|(name, distance, norm)| (distance / norm.max(floor), *name)).collect();
    errors.sort_by(|a, b| a.0.total_cmp(&b.0));
    agreement.parameters = errors.len();
    if let Some((worst, parameter)) = errors.last() {
        let most = (errors.len() - 1) * 19 / 20;
        (agreement.gradients, agreement.worst_gradient) = (errors[most].0, *worst);
        (*parameter).clone_into(&mut agreement.worst_parameter);
        if exceeds(errors[most].0, GRADIENTS) {
            let shown = errors[most..].iter().rev().take(10);
            differences
                .extend(shown.map(|(error, name)| off(&format!("{GRADIENT}{name}"), *error, GRADIENTS)));
        } else if exceeds(*worst, WORST_GRADIENT) {
            differences.push(off(&format!("{GRADIENT}{parameter}"), *worst, WORST_GRADIENT));
        }
    }
    if differences.is_empty() {
        return Ok(agreement);
    }
    Err(BenchError::Differ { a: who.to_owned(), b: with.to_owned(), differences })
}

fn open<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>, BenchError> {
    SafeTensors::deserialize(bytes)
        .map_err(|error| BenchError::Tensors { path: path.to_owned(), reason: error.to_string() })
}

/// What one has and the other has not.
fn missing(ours: &SafeTensors<'_>, theirs: &SafeTensors<'_>, who: &str, with: &str) -> Vec<String> {
    let absent = |a: &SafeTensors<'_>, b: &SafeTensors<'_>, who: &str| -> Vec<String> {
        let mut names: Vec<&str> = a.names().into_iter().filter(|name| b.tensor(name).is_err()).collect();
        names.sort_unstable();
        names.into_iter().map(|name| format!("  {name}: {who} has none")).collect()
    };
    [absent(ours, theirs, with), absent(theirs, ours, who)].concat()
}

fn off(what: &str, error: f64, bound: f64) -> String {
    format!("  {what}: {error:.1e} of its norm apart, rounding is below {bound:.0e}")
}

/// Norm of the difference, and of what is expected.
fn distance(found: &[u8], expected: &[u8]) -> (f64, f64) {
    let (mut difference, mut norm) = (0f64, 0f64);
    for (found, expected) in found.as_chunks::<4>().0.iter().zip(expected.as_chunks::<4>().0) {
        let (found, expected) =
            (f64::from(f32::from_le_bytes(*found)), f64::from(f32::from_le_bytes(*expected)));
        difference += (found - expected) * (found - expected);
        norm += expected * expected;
    }
    // Nothing is infinitely far from nothing only if there is a difference.
    (difference.sqrt(), if norm == 0.0 && difference == 0.0 { 1.0 } else { norm.sqrt() })
}

/// A NaN is the worst of all.
fn worse(worst: f64, error: f64) -> f64 {
    if error.is_nan() { f64::INFINITY } else { worst.max(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor};
    use std::collections::HashMap;

    fn check(ours: &[(&str, [f32; 2])], theirs: &[(&str, [f32; 2])]) -> Result<Agreement, String> {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |name: &str, tensors: &[(&str, [f32; 2])]| {
            let tensors: HashMap<String, Tensor> = tensors
                .iter()
                .map(|(name, values)| {
                    ((*name).to_owned(), Tensor::new(values, &Device::Cpu).expect("a tensor"))
                })
                .collect();
            let path = dir.path().join(name);
            candle_core::safetensors::save(&tensors, &path).expect("written");
            path
        };
        let (a, b) = (write("a", ours), write("b", theirs));
        compare((&a, &b), ("cyborg", "PyTorch"), "cyborg", &[]).map_err(|error| error.to_string())
    }

    const THEIRS: [(&str, [f32; 2]); 3] =
        [("logits", [3.0, 4.0]), ("gradient of a", [30.0, 40.0]), ("gradient of b", [0.0, 1e-3])];

    #[test]
    fn differences_are_relative_to_the_norm() {
        // Logits: 5e-5 of a norm of 5. Gradient of b: 1e-3 apart, which counts against a hundredth of 50.
        let ours =
            [("logits", [3.0, 4.000_025]), ("gradient of a", [30.0, 40.0]), ("gradient of b", [0.0, 2e-3])];
        let agreement = check(&ours, &THEIRS).expect("near enough");
        assert!((agreement.outputs - 5e-6).abs() < 1e-7, "{agreement:?}");
        assert!((agreement.worst_gradient - 2e-3).abs() < 1e-5, "{agreement:?}");
        assert_eq!((agreement.worst_parameter.as_str(), agreement.parameters), ("b", 2));
    }

    #[test]
    fn what_is_too_far_is_named() {
        let ours = [("logits", [3.0, 4.001]), ("gradient of a", [30.0, 41.0]), ("gradient of b", [0.0, 2.0])];
        let error = check(&ours, &THEIRS).expect_err("far");
        assert!(error.starts_with("cyborg and PyTorch do not compute the same"), "{error}");
        assert!(error.contains("\n  logits: 2.0e-4 of its norm apart, rounding is below 1e-5"), "{error}");
        assert!(error.contains("\n  gradient of a: 2.0e-2"), "{error}");
        assert!(error.contains("\n  gradient of b: 4.0e0"), "{error}");
    }

    #[test]
    fn what_is_left_out_may_be_missing() {
        let dir = tempfile::tempdir().expect("a folder");
        let one = Tensor::new(1f32, &Device::Cpu).expect("a tensor");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        let both = HashMap::from([("logits".to_owned(), one.clone()), ("features".to_owned(), one.clone())]);
        candle_core::safetensors::save(&both, &a).expect("written");
        candle_core::safetensors::save(&HashMap::from([("logits".to_owned(), one)]), &b).expect("written");
        let compare = |left_out| compare((&a, &b), ("a", "b"), "cyborg", left_out);
        assert_eq!(compare(&["features"]).expect("the same").outputs, 0.0);
        compare(&[]).expect_err("features are missing");
        compare(&["logits"]).expect_err("features are missing");
    }

    #[test]
    fn what_is_not_a_number_or_not_there_is_far() {
        let ours = [("logits", [3.0, f32::NAN]), ("gradient of a", [30.0, f32::NAN])];
        let error = check(&ours, &THEIRS).expect_err("far");
        assert!(error.contains("logits: NaN"), "{error}");
        assert!(error.contains("gradient of a: NaN"), "{error}");
        assert!(error.contains("gradient of b: cyborg has none"), "{error}");
    }
}
