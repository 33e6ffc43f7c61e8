//! Every method against PyTorch and against finite differences; `golden/methods.py` made the values and says how.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use candle_core::{DType, Device, Tensor, Var};
use cyborg_loss::{Classification, HumanSaliency};
use cyborg_methods::{METHODS, MapUse, Memory, Method, Pass, Step, Terms};
use cyborg_settings::find;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

const CPU: &Device = &Device::Cpu;

fn golden() -> (HashMap<String, Tensor>, Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let tensors = candle_core::safetensors::load(folder.join("methods.safetensors"), CPU).unwrap();
    let about = include_str!("golden/methods.json");
    (tensors, serde_json::from_str(about).unwrap())
}

fn method(name: &str, settings: &Value) -> Box<dyn Method> {
    find(METHODS, name).unwrap().parse(settings.as_object().unwrap()).unwrap()
}

/// The inputs of a step as variables, in float64.
struct Inputs {
    leaves: BTreeMap<&'static str, Var>,
    labels: Tensor,
    human: HumanSaliency,
}

const LEAVES: [&str; 4] = ["logits", "features", "features_second", "weight"];

impl Inputs {
    fn new(tensors: &HashMap<String, Tensor>, has_map: &[f32]) -> Self {
        let leaf = |name: &&'static str| {
            (*name, Var::from_tensor(&tensors[*name].to_dtype(DType::F64).unwrap()).unwrap())
        };
        let human = HumanSaliency {
            maps: tensors["maps"].to_dtype(DType::F64).unwrap(),
            has_map: Tensor::new(has_map, CPU).unwrap(),
        };
        Self { leaves: LEAVES.iter().map(leaf).collect(), labels: tensors["labels"].clone(), human }
    }

    fn tensor(&self, name: &str) -> Tensor {
        self.leaves[name].as_tensor().clone()
    }

    /// The loss. A method gets no more than it says that it needs.
    fn terms(&self, method: &dyn Method) -> Terms {
        let needs = method.needs();
        let pass = |features: &str| {
            let taps = needs.taps.iter().cloned().chain(["cam".to_owned()]);
            let features = taps.map(|tap| (tap, self.tensor(features))).collect();
            Pass { logits: self.tensor("logits"), features }
        };
        let (first, second) = (pass("features"), pass("features_second"));
        let step = Step {
            method: method.name(),
            pass: &first,
            second_pass: needs.second_pass.as_ref().map(|_| &second),
            classifier_weight: self.leaves["weight"].as_tensor(),
            labels: &self.labels,
            cam_tap: "cam",
            human: &self.human,
            image_human: None,
            classification: &Classification::default(),
        };
        method.terms(&step, &mut Memory::new()).unwrap()
    }
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn has_map(case: &Value) -> Vec<f32> {
    case["has_map"].as_array().unwrap().iter().map(|flag| flag.as_f64().unwrap() as f32).collect()
}

fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found - expected).abs();
        assert!(off <= tolerance, "{what}[{index}]: {found} instead of {expected}, {off:.1e} off");
    }
}

#[test]
fn losses_terms_and_gradients_are_pytorchs() {
    let (tensors, about) = golden();
    let mut tried = BTreeSet::new();
    for (number, case) in about["cases"].as_array().unwrap().iter().enumerate() {
        let name = case["method"].as_str().unwrap();
        let what = format!("{number}: {name} {}", case["settings"]);
        let inputs = Inputs::new(&tensors, &has_map(case));
        let terms = inputs.terms(method(name, &case["settings"]).as_ref());
        // Both sides compute in float64; gradients are up to 1, and 4e-16 was the most by which one differed.
        let expected = |key: &str| numbers(&tensors[&format!("{number}/{key}")]);
        assert_close(&what, &numbers(&terms.total), &expected("total"), 1e-12);
        let names: Vec<&str> = terms.terms.iter().map(|term| term.name).collect();
        assert_eq!(json!(names), case["terms"], "{what}");
        for term in &terms.terms {
            let key = format!("term/{}", term.name);
            assert_close(&format!("{what} {key}"), &numbers(&term.value), &expected(&key), 1e-12);
        }
        let gradients = terms.total.backward().unwrap();
        for (leaf, var) in &inputs.leaves {
            let expected = expected(&format!("gradient/{leaf}"));
            let found = gradients.get(var.as_tensor()).map_or(vec![0.0; expected.len()], numbers);
            assert_close(&format!("{what}, gradient of {leaf}"), &found, &expected, 1e-12);
        }
        tried.insert(name);
    }
    let listed: BTreeSet<&str> = METHODS.iter().map(|choice| choice.name).collect();
    assert_eq!(tried, listed, "golden/methods.py has a case for every method");
}

#[test]
fn gradients_are_the_finite_differences() {
    let (tensors, about) = golden();
    for case in about["cases"].as_array().unwrap() {
        let name = case["method"].as_str().unwrap();
        if case["settings"] == json!({"gradient_through_alpha": false, "cam_class": "true"}) {
            continue; // Its gradient leaves a part out on purpose.
        }
        let method = method(name, &case["settings"]);
        let inputs = Inputs::new(&tensors, &has_map(case));
        let gradients = inputs.terms(method.as_ref()).total.backward().unwrap();
        for (leaf, var) in &inputs.leaves {
            let values = numbers(var.as_tensor());
            let gradient = gradients.get(var.as_tensor()).map_or(vec![0.0; values.len()], numbers);
            let at = |index: usize, step: f64| {
                let mut moved = values.clone();
                moved[index] += step;
                var.set(&Tensor::from_vec(moved, var.dims(), CPU).unwrap()).unwrap();
                let total = numbers(&inputs.terms(method.as_ref()).total)[0];
                var.set(&Tensor::from_vec(values.clone(), var.dims(), CPU).unwrap()).unwrap();
                total
            };
            for (index, exact) in gradient.iter().enumerate() {
                // Rounding is about 3e-16 / h. Truncation is h^2 times a third derivative, which is large where a logarithm
                // is taken near 0 (`cam-bce`): 2e-9 there, 1e-9 elsewhere were the worst. A kink (ReLU, an absolute value,
                // the smallest cell) within h of the point would show: these inputs have none so near.
                let h = 1e-6;
                let numeric = (at(index, h) - at(index, -h)) / (2.0 * h);
                let off = (exact - numeric).abs();
                assert!(
                    off < 2e-8,
                    "{name} {}, {leaf}[{index}]: {exact} against {numeric}",
                    case["settings"]
                );
            }
        }
    }
}

#[test]
fn label_smoothing_and_class_weights_are_pytorchs() {
    let (tensors, about) = golden();
    for (number, case) in about["smooth"].as_array().unwrap().iter().enumerate() {
        let weights = case["class_weights"].as_array();
        let classification = Classification {
            label_smoothing: case["label_smoothing"].as_f64().unwrap(),
            class_weights: weights.map(|list| list.iter().map(|w| w.as_f64().unwrap() as f32).collect()),
        };
        let logits = Var::from_tensor(&tensors["logits"].to_dtype(DType::F64).unwrap()).unwrap();
        let total = classification.cross_entropy(&logits, &tensors["labels"]).unwrap();
        // 0.2 as a float32 weight is 1.5e-8 off.
        let expected = |key: &str| numbers(&tensors[&format!("smooth/{number}/{key}")]);
        assert_close(&format!("{case}"), &numbers(&total), &expected("total"), 1e-7);
        let gradients = total.backward().unwrap();
        let gradient = numbers(gradients.get(&logits).unwrap());
        assert_close(&format!("gradient, {case}"), &gradient, &expected("gradient"), 1e-7);
    }
}

#[test]
fn a_batch_without_maps_teaches_cross_entropy_alone_and_a_nan_without_a_map_spoils_nothing() {
    let (tensors, _) = golden();
    for choice in METHODS {
        let Ok(method) = choice.parse(&Map::new()) else { continue };
        if method.needs().maps != MapUse::Required {
            continue;
        }
        let mut tensors = tensors.clone();
        tensors.insert("maps".to_owned(), Tensor::full(f32::NAN, tensors["maps"].shape(), CPU).unwrap());
        let inputs = Inputs::new(&tensors, &[0.0; 5]);
        let terms = inputs.terms(method.as_ref());
        let plain =
            inputs.terms(find(METHODS, "cross-entropy").unwrap().parse(&Map::new()).unwrap().as_ref());
        // CYBORG weighs it by alpha, VISER by 1 up to 1e-8.
        let share = if choice.name == "cyborg" { 0.5 } else { 1.0 };
        let (found, expected) = (numbers(&terms.total)[0], share * numbers(&plain.total)[0]);
        assert!((found - expected).abs() < 1e-7, "{}: {found} instead of {expected}", choice.name);
        let gradients = terms.total.backward().unwrap();
        for (leaf, var) in &inputs.leaves {
            let finite =
                gradients.get(var.as_tensor()).is_none_or(|g| numbers(g).iter().all(|x| x.is_finite()));
            assert!(finite, "{}: gradient of {leaf}", choice.name);
        }
    }
}

#[test]
fn settings_out_of_range_are_refused_with_what_is_valid() {
    let refused = |name: &str, settings: Value, words: &str| {
        let fault = find(METHODS, name).unwrap().parse(settings.as_object().unwrap()).unwrap_err();
        let text = format!("{fault} ({})", fault.hint.as_deref().unwrap_or_default());
        assert!(text.contains(words), "`{words}` is missing in: {text}");
    };
    refused("energy", json!({"weight": 0}), "`weight`: expected a number above 0, found 0");
    refused("cyborg", json!({"cam_class": "fake"}), "`predicted` or `true`");
    refused("res", json!({"unmarked_to": 0.5}), "`unmarked_to`: 0.5 is not below `marked_from`");
    refused("viser", json!({"alpha": 0.5}), "`viser` has no such setting");
    refused("act-diff", json!({"outside_below": 1.5}), "expected a number from 0 to 1");
    refused("blurred-background", json!({"sigma": 2}), "did you mean `sigma_px`?");
}
