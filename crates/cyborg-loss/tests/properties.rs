//! Finite differences of every function, and what must hold whatever the numbers.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use candle_core::{DType, Device, Tensor, Var};
use cyborg_loss::{
    CamClass, HumanSaliency, LossError, cam_from_features, cross_entropy, cyborg, min_max_normalise,
    predicted_class, saliency_mse,
};

const CPU: &Device = &Device::Cpu;

/// Numbers without pattern, the same every time, in (-1, 1).
fn numbers(n: usize, phase: f64) -> Vec<f64> {
    (0..n)
        .map(|i| ((i as f64 + phase) * 12.9898).sin() * 43758.547)
        .map(|x| 2.0 * (x - x.floor()) - 1.0)
        .collect()
}

fn var(shape: &[usize], phase: f64) -> Var {
    Var::from_vec(numbers(shape.iter().product(), phase), shape, CPU).unwrap()
}

/// Compares the gradient of `f` in each of `leaves` with central differences, in float64.
fn check_gradients(leaves: &[&Var], f: impl Fn() -> Tensor) {
    // Truncation h^2 ~ 1e-10 and rounding 1e-16 / h ~ 1e-11, times the curvature here: 8e-11 was the worst measured.
    let (h, tolerance) = (1e-5, 1e-8);
    let gradients = f().backward().unwrap();
    for leaf in leaves {
        let gradient: Vec<f64> =
            gradients.get(leaf.as_tensor()).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let values: Vec<f64> =
            leaf.as_detached_tensor().copy().unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let at = |index: usize, step: f64| {
            let mut moved = values.clone();
            moved[index] += step;
            leaf.set(&Tensor::from_vec(moved, leaf.dims(), CPU).unwrap()).unwrap();
            f().to_scalar::<f64>().unwrap()
        };
        for (index, exact) in gradient.iter().enumerate() {
            let numeric = (at(index, h) - at(index, -h)) / (2.0 * h);
            assert!((exact - numeric).abs() < tolerance, "{index}: {exact} against {numeric}");
        }
        at(0, 0.0);
    }
}

fn labels(values: &[u32]) -> Tensor {
    Tensor::new(values, CPU).unwrap()
}

fn scalar(tensor: &Tensor) -> f64 {
    tensor.to_dtype(DType::F64).unwrap().to_scalar().unwrap()
}

#[test]
fn gradients_are_the_finite_differences() {
    let logits = var(&[3, 2], 0.0);
    check_gradients(&[&logits], || cross_entropy(&logits, &labels(&[0, 1, 1])).unwrap());

    let (features, weight) = (var(&[3, 4, 2, 3], 1.0), var(&[2, 4], 2.0));
    let towards = var(&[3, 2, 3], 3.0).as_detached_tensor();
    check_gradients(&[&features, &weight], || {
        let cams = cam_from_features(&features, &weight, &labels(&[1, 0, 1])).unwrap();
        (cams * &towards).unwrap().sum_all().unwrap()
    });

    let cams = var(&[3, 2, 3], 4.0);
    check_gradients(&[&cams], || (min_max_normalise(&cams).unwrap() * &towards).unwrap().sum_all().unwrap());

    let has_map = Tensor::new(&[1u8, 0, 1], CPU).unwrap();
    check_gradients(&[&cams], || saliency_mse(&cams, &towards, &has_map).unwrap());

    let human =
        HumanSaliency { maps: towards.clone(), has_map: Tensor::new(&[1f32, 1.0, 0.0], CPU).unwrap() };
    for cam_class in [CamClass::Predicted, CamClass::True] {
        check_gradients(&[&logits, &features, &weight], || {
            cyborg(&logits, &features, &weight, &labels(&[0, 1, 1]), &human, 0.3, cam_class).unwrap().total
        });
    }
}

#[test]
fn a_flat_cam_is_zero_without_a_gradient_and_spoils_nothing() {
    let cams = Var::from_vec(vec![2f32, 2.0, 2.0, 1.0, 2.0, 3.0], (2, 1, 3), CPU).unwrap();
    let normalised = min_max_normalise(&cams).unwrap();
    assert_eq!(normalised.to_vec3::<f32>().unwrap(), [[[0.0, 0.0, 0.0]], [[0.0, 0.5, 1.0]]]);
    let maps = Tensor::new(&[[[1f32, 0.5, 0.0]], [[1.0, 1.0, 1.0]]], CPU).unwrap();
    let has_map = Tensor::ones(2, DType::F32, CPU).unwrap();
    let gradients = saliency_mse(&normalised, &maps, &has_map).unwrap().backward().unwrap();
    let gradient = gradients.get(cams.as_tensor()).unwrap().to_vec3::<f32>().unwrap();
    assert_eq!(gradient[0], [[0.0, 0.0, 0.0]]);
    assert!(gradient[1][0].iter().all(|g| g.is_finite()) && gradient[1][0].iter().any(|g| *g != 0.0));
}

#[test]
fn a_nan_is_not_hidden() {
    let cams = Tensor::new(&[[[1f32, f32::NAN, 3.0]]], CPU).unwrap();
    let maps = Tensor::zeros((1, 1, 3), DType::F32, CPU).unwrap();
    let has_map = Tensor::ones(1, DType::F32, CPU).unwrap();
    assert!(scalar(&saliency_mse(&min_max_normalise(&cams).unwrap(), &maps, &has_map).unwrap()).is_nan());
}

#[test]
fn images_without_a_map_are_left_out() {
    let cams = Tensor::new(&[[[0f32, 1.0]], [[f32::NAN, 7.0]]], CPU).unwrap();
    let maps = Tensor::new(&[[[1f32, 1.0]], [[0.0, f32::INFINITY]]], CPU).unwrap();
    let only_first = Tensor::new(&[1f32, 0.0], CPU).unwrap();
    // (1 + 0) / 2 cells
    assert_eq!(scalar(&saliency_mse(&cams, &maps, &only_first).unwrap()), 0.5);
    let none = Tensor::zeros(2, DType::F32, CPU).unwrap();
    assert_eq!(scalar(&saliency_mse(&cams, &maps, &none).unwrap()), 0.0);
}

#[test]
fn with_alpha_one_only_the_cross_entropy_remains() {
    let (logits, features, weight) = (var(&[2, 2], 0.0), var(&[2, 3, 2, 2], 1.0), var(&[2, 3], 2.0));
    let human = HumanSaliency {
        maps: var(&[2, 2, 2], 3.0).as_detached_tensor(),
        has_map: Tensor::ones(2, DType::F32, CPU).unwrap(),
    };
    let labels = labels(&[1, 0]);
    let loss = cyborg(&logits, &features, &weight, &labels, &human, 1.0, CamClass::True).unwrap();
    assert_eq!(scalar(&loss.total), scalar(&cross_entropy(&logits, &labels).unwrap()));
    assert!(scalar(&loss.saliency_mse) > 0.0);
    assert!(loss.total.backward().unwrap().get(features.as_tensor()).is_none());
}

#[test]
fn the_predicted_class_is_the_first_of_the_largest() {
    let nan = f32::NAN;
    let logits =
        Tensor::new(&[[1f32, 3.0, 3.0], [2.0, 2.0, 2.0], [0.0, 1.0, 2.0], [1.0, nan, 2.0]], CPU).unwrap();
    assert_eq!(predicted_class(&logits).unwrap().to_vec1::<u32>().unwrap(), [1, 0, 2, 1]);
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, CPU).unwrap();
    let check = |result: Result<Tensor, LossError>, message: &str| {
        assert_eq!(result.unwrap_err().to_string(), message);
    };
    check(cross_entropy(&zeros(&[2, 2]), &labels(&[0])), "labels: expected shape [2], found [1]");
    check(cross_entropy(&zeros(&[2]), &labels(&[0])), "logits: expected shape (batch, classes), found [2]");
    check(
        cam_from_features(&zeros(&[1, 3, 2, 2]), &zeros(&[2, 4]), &labels(&[0])),
        "weight: expected shape (classes, 3), found [2, 4]",
    );
    check(
        saliency_mse(&zeros(&[1, 7, 7]), &zeros(&[1, 8, 8]), &zeros(&[1])),
        "saliency: expected shape [1, 7, 7], found [1, 8, 8]",
    );
    check(
        min_max_normalise(&zeros(&[1, 0, 7])),
        "cams: expected shape (batch, height, width) with at least one cell, found [1, 0, 7]",
    );
    assert!(predicted_class(&zeros(&[1, 0])).is_err());
    assert!(matches!(cross_entropy(&zeros(&[1, 2]), &labels(&[2])), Err(LossError::Tensor(_))));
    let outside = cam_from_features(&zeros(&[1, 3, 2, 2]), &zeros(&[2, 3]), &labels(&[2]));
    assert!(matches!(outside, Err(LossError::Tensor(_))));
}
