//! What holds for any numbers: bounds of clipped gradients and of scheduled learning rates.

use candle_core::backprop::GradStore;
use candle_core::{Device, Var};
use cyborg_optim::{
    Clip, CosineDecay, CosineInterval, Moment, Parameter, Schedule, WarmUp, clip_by_global_norm,
};
use cyborg_settings::{Fraction, Positive};
use proptest::prelude::*;

fn with_gradients(lists: &[Vec<f32>]) -> (Vec<Parameter>, GradStore) {
    let variable =
        |numbers: &Vec<f32>| Var::from_slice(numbers, numbers.len(), &Device::Cpu).expect("a variable");
    let parameters: Vec<Parameter> =
        lists.iter().map(|numbers| Parameter::new("p", variable(numbers))).collect();
    let mut store = parameters[0].var.sum_all().and_then(|sum| sum.backward()).expect("gradients");
    for parameter in &parameters {
        store.insert(parameter.var.as_tensor(), parameter.var.as_tensor().clone());
    }
    (parameters, store)
}

fn gradients(parameters: &[Parameter], store: &GradStore) -> Vec<f32> {
    let numbers = |parameter: &Parameter| store.get(parameter.var.as_tensor())?.to_vec1::<f32>().ok();
    parameters.iter().filter_map(numbers).flatten().collect()
}

fn norm(numbers: &[f32]) -> f64 {
    numbers.iter().map(|&number| f64::from(number).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn values_are_clipped_before_the_norm() {
    let (parameters, mut store) = with_gradients(&[vec![3.0], vec![-4.0]]);
    let clip = Clip { value: Positive::new(3.0), global_norm: Positive::new(1.0) };
    let norm = clip.apply(&parameters, &mut store).expect("gradients fit").expect("there is a bound");
    // 3 and -3 have the norm sqrt(18); divided by it they are the square root of one half.
    assert!((norm - 18f64.sqrt()).abs() < 1e-12);
    for (found, sign) in gradients(&parameters, &store).into_iter().zip([1.0, -1.0]) {
        assert!((f64::from(found) - sign * 0.5f64.sqrt()).abs() < 1e-6, "{found}");
    }
}

#[test]
fn a_gradient_that_is_not_finite_shows_in_the_norm() {
    // PyTorch 2.15.0: clip_grad_norm_ of gradients [inf, 1] and [2] by 1 is inf and leaves [nan, 0] and [0]; of
    // [nan, 1] and [2] it is nan and leaves nothing but nan.
    let clipped = |number: f32| {
        let (parameters, mut store) = with_gradients(&[vec![number, 1.0], vec![2.0]]);
        let max_norm = Positive::new(1.0).expect("above 0");
        let norm = clip_by_global_norm(&parameters, &mut store, max_norm).expect("gradients fit");
        (norm, gradients(&parameters, &store))
    };
    let (norm, numbers) = clipped(f32::INFINITY);
    assert_eq!(norm, f64::INFINITY);
    assert!(numbers[0].is_nan() && numbers[1..] == [0.0, 0.0], "{numbers:?}");
    let (norm, numbers) = clipped(f32::NAN);
    assert!(norm.is_nan() && numbers.iter().all(|number| number.is_nan()), "{norm}, {numbers:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_clipped_norm_is_within_its_bound_and_keeps_its_direction(
        lists in prop::collection::vec(prop::collection::vec(-1e3f32..1e3, 1..20), 1..4),
        bound in 1e-3f64..1e3,
    ) {
        let (parameters, mut store) = with_gradients(&lists);
        let before = gradients(&parameters, &store);
        let max_norm = Positive::new(bound).expect("above 0");
        let found = clip_by_global_norm(&parameters, &mut store, max_norm).expect("gradients fit");
        // Two orders of a sum in f64 differ by far less.
        prop_assert!((found - norm(&before)).abs() <= 1e-12 * found);
        let after = gradients(&parameters, &store);
        if found + 1e-6 <= bound {
            prop_assert_eq!(&after, &before);
        }
        // The factor and each product are rounded to f32: 2^-24 each.
        prop_assert!(norm(&after) <= bound * (1.0 + 2.0_f64.powi(-22)));
        let factor = norm(&after) / norm(&before).max(f64::MIN_POSITIVE);
        for (after, before) in after.iter().zip(&before) {
            prop_assert!((f64::from(*after) - factor * f64::from(*before)).abs() <= 1e-6 * bound);
        }
    }

    #[test]
    fn clipped_numbers_are_within_their_bound(
        numbers in prop::collection::vec(prop::num::f32::ANY, 1..20),
        bound in 1e-3f64..1e3,
    ) {
        let (parameters, mut store) = with_gradients(std::slice::from_ref(&numbers));
        let clip = Clip { value: Positive::new(bound), global_norm: None };
        prop_assert_eq!(clip.apply(&parameters, &mut store).expect("gradients fit"), None);
        for (after, before) in gradients(&parameters, &store).iter().zip(&numbers) {
            prop_assert_eq!(after.is_nan(), before.is_nan());
            if before.abs() <= bound as f32 {
                prop_assert_eq!(after, before);
            } else if !before.is_nan() {
                prop_assert_eq!(*after, (bound as f32).copysign(*before));
            }
        }
    }

    #[test]
    fn a_cosine_falls_from_the_first_rate_towards_the_last(
        base in 1e-6f64..10.0, to in 0.0f64..=1.0, n_epochs in 1usize..40, steps_per_epoch in 1usize..9,
    ) {
        let schedule =
            CosineDecay { to: Fraction::new(to).expect("in range"), every: CosineInterval::Step };
        let moments = (0..n_epochs).flat_map(|epoch| {
            (0..steps_per_epoch).map(move |step| Moment { epoch, n_epochs, step, steps_per_epoch })
        });
        let rates: Vec<f64> = moments.map(|at| schedule.learning_rate(base, at)).collect();
        let rounding = 4.0 * f64::EPSILON * base;
        prop_assert!((rates[0] - base).abs() <= rounding);
        prop_assert!(rates.windows(2).all(|pair| pair[1] <= pair[0] + rounding));
        prop_assert!(rates.iter().all(|&rate| rate >= to * base - rounding && rate >= 0.0));
    }

    #[test]
    fn a_warm_up_rises_to_one_and_stays_there(
        epochs in 1e-3f64..20.0, from in 0.0f64..=1.0, steps_per_epoch in 1usize..9,
    ) {
        let warm_up = WarmUp {
            epochs: Positive::new(epochs).expect("above 0"),
            from: Fraction::new(from).expect("in range"),
        };
        let at = |steps: usize| Moment {
            epoch: steps / steps_per_epoch, n_epochs: 30, step: steps % steps_per_epoch, steps_per_epoch,
        };
        prop_assert_eq!(warm_up.factor(at(0)), from);
        for steps in 0..30 * steps_per_epoch {
            let (factor, next) = (warm_up.factor(at(steps)), warm_up.factor(at(steps + 1)));
            prop_assert!(factor <= next && next <= 1.0 + f64::EPSILON);
            if steps as f64 >= epochs * steps_per_epoch as f64 {
                prop_assert!((factor - 1.0).abs() <= f64::EPSILON);
            }
        }
    }
}
