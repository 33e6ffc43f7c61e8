//! What a file may say, and what is refused: settings, groups and tensors that do not fit.

use candle_core::{DType, Device, Tensor, Var};
use cyborg_optim::{
    Adam, Clip, NetworkParameter, OPTIMISERS, OptimError, Optimiser, Parameter, ParameterGroups,
    ParameterRole, SCHEDULES, Sgd, WarmUp,
};
use cyborg_settings::{Choice, choices, find, names};
use serde_json::{Map, Value, json};

fn fields(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

#[test]
fn defaults_are_those_of_the_released_code_and_of_pytorch() {
    assert_eq!(names(OPTIMISERS), ["sgd", "adam", "adamw"]);
    let written = |name: &str| {
        let optimiser =
            find(OPTIMISERS, name).expect("listed").parse(&Map::new()).expect("all have defaults");
        Value::Object(optimiser.to_fields())
    };
    let released = json!({"learning_rate": 0.005, "momentum": 0.9, "weight_decay": 1e-6, "nesterov": false});
    assert_eq!(written("sgd"), released);
    // PyTorch 2.15.0: the signatures of torch.optim.Adam and torch.optim.AdamW.
    let adam = |decay: f64| {
        let mut fields = json!({"learning_rate": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8});
        fields["weight_decay"] = decay.into();
        fields
    };
    assert_eq!(written("adam"), adam(0.0));
    assert_eq!(written("adamw"), adam(1e-2));

    assert_eq!(names(SCHEDULES), ["constant", "step", "multi-step", "cosine"]);
    let written = |name: &str, given: Value| {
        let schedule = find(SCHEDULES, name).expect("listed").parse(fields(&given)).expect("valid");
        Value::Object(schedule.to_fields())
    };
    assert_eq!(written("constant", json!({})), json!({}));
    assert_eq!(written("step", json!({})), json!({"every_epochs": 12, "factor": 0.1}));
    assert_eq!(written("cosine", json!({"every": "step"})), json!({"to": 0.0, "every": "step"}));
    assert_eq!(
        written("multi-step", json!({"epochs": [30, 40]})),
        json!({"epochs": [30, 40], "factor": 0.1})
    );
}

fn refusal<T: ?Sized>(list: &[Choice<T>], name: &str, given: &Value) -> String {
    let fault = find(list, name).expect("listed").parse(fields(given)).err().expect("refused");
    format!("{fault}; {}", fault.hint.as_deref().unwrap_or("no hint"))
}

#[test]
fn impossible_settings_are_refused_with_what_is_valid() {
    let check = |name: &str, given: Value, expected: &str| {
        assert_eq!(refusal(OPTIMISERS, name, &given), expected);
    };
    check(
        "sgd",
        json!({"nesterov": true, "momentum": 0}),
        "`nesterov`: Nesterov's variant needs momentum, found 0; set `momentum` above 0 (0.9 is usual), or \
         `nesterov` to false",
    );
    check(
        "sgd",
        json!({"momentum": 1}),
        "`momentum`: expected a number from 0 to below 1, found 1.0; expected: The share of the last step's \
         direction that is kept, from 0 to below 1.",
    );
    check(
        "adam",
        json!({"momentum": 0.9}),
        "`momentum`: `adam` has no such setting; valid names: `learning_rate`, `betas`, `eps`, `weight_decay`",
    );
    for name in ["adam", "adamw"] {
        check(
            name,
            json!({"eps": 1e-50}),
            "`eps`: expected a number that is above 0 in 32 bits too, found 1e-50; 1e-8 is usual",
        );
    }
    let refused = refusal(OPTIMISERS, "adamw", &json!({"betas": [0.9, 1.0]}));
    assert!(refused.starts_with("`betas[1]`: expected a number from 0 to below 1, found 1.0"), "{refused}");

    let check = |name: &str, given: Value, expected: &str| {
        assert_eq!(refusal(SCHEDULES, name, &given), expected);
    };
    check(
        "multi-step",
        json!({"epochs": []}),
        "`epochs`: there is no epoch to drop the learning rate at; name at least one epoch, such as `epochs: \
         [30, 40]`, or choose `constant`",
    );
    check(
        "multi-step",
        json!({"epochs": [10, 30, 30]}),
        "`epochs[2]`: expected an epoch after the 30 before it, found 30; list the epochs in ascending \
         order, each once",
    );
    let refused = refusal(SCHEDULES, "cosine", &json!({"every": "day"}));
    assert!(refused.contains("expected `epoch` or `step`"), "{refused}");

    let clip: &[Choice<dyn cyborg_settings::AnySettings>] =
        choices![dyn cyborg_settings::AnySettings; Clip, WarmUp, ParameterGroups];
    assert_eq!(
        refusal(clip, "clip", &json!({})),
        "clipping needs a bound, found none; set `global_norm` (1.0 is usual), `value`, or both"
    );
    assert!(refusal(clip, "warm-up", &json!({})).starts_with("missing field `epochs`"));
    assert!(
        refusal(clip, "groups", &json!({"no_decay": ["norms"]}))
            .starts_with("`no_decay[0]`: unknown variant")
    );
}

fn network() -> Vec<NetworkParameter> {
    let parameter = |(name, role, is_classifier): (&str, _, _)| NetworkParameter {
        name: name.to_owned(),
        var: Var::zeros(2, DType::F32, &Device::Cpu).expect("a variable"),
        role,
        is_classifier,
    };
    [
        ("conv1.weight", ParameterRole::Weight, false),
        ("bn1.weight", ParameterRole::Norm, false),
        ("layer1.0.conv1.weight", ParameterRole::Weight, false),
        ("layer1.0.bn1.bias", ParameterRole::Norm, false),
        ("layer10.weight", ParameterRole::Weight, false),
        ("fc.weight", ParameterRole::Weight, true),
        ("fc.bias", ParameterRole::Bias, true),
    ]
    .map(parameter)
    .to_vec()
}

fn groups(given: Value) -> ParameterGroups {
    serde_json::from_value(given).expect("valid")
}

#[test]
fn groups_give_parameters_their_factors() {
    let factors = |given: Value| -> Vec<(f64, f64)> {
        let parameters = groups(given).apply(&network()).expect("all patterns match");
        assert!(parameters.iter().map(|parameter| &parameter.name).eq(network().iter().map(|p| &p.name)));
        parameters.iter().map(|p| (p.learning_rate_factor, p.weight_decay_factor)).collect()
    };
    assert_eq!(factors(json!({})), [(1.0, 1.0); 7]);
    let given = json!({
        "classifier": 10,
        "no_decay": ["norm", "bias"],
        "patterns": [
            {"match": "layer1.*", "learning_rate_factor": 0.5},
            {"match": "*.weight", "weight_decay_factor": 3},
            {"match": "fc.????", "learning_rate_factor": 0},
        ],
    });
    let expected = [
        (1.0, 3.0),
        (1.0, 0.0),
        (0.5, 3.0),
        (0.5, 0.0),
        // The dot of `layer1.*` is a dot.
        (1.0, 3.0),
        (10.0, 3.0),
        // 10 * 0.
        (0.0, 0.0),
    ];
    assert_eq!(factors(given), expected);
}

#[test]
fn groups_that_concern_no_parameter_are_refused() {
    let refused = |pattern: &str, parameters: &[NetworkParameter]| {
        let given = json!({"patterns": [{"match": pattern, "learning_rate_factor": 0.1}]});
        groups(given).apply(parameters).expect_err("refused").to_string()
    };
    let none = "no parameter of the network has such a name";
    assert_eq!(
        refused("layr1.*", &network()),
        format!("parameter group `layr1.*`: {none}; did you mean `layer1.*`?")
    );
    assert_eq!(
        refused("fc.wieght", &network()),
        format!("parameter group `fc.wieght`: {none}; did you mean `fc.weight`?")
    );
    assert_eq!(
        refused("transformer.encoder.*", &network()),
        format!(
            "parameter group `transformer.encoder.*`: {none}; the names begin with `conv1`, `bn1`, `layer1`, \
             `layer10`, `fc`"
        )
    );
    assert_eq!(
        refused("fc.*", &[]),
        format!("parameter group `fc.*`: {none}; the network has no parameters to learn")
    );
    let unreadable = refused("fc[", &network());
    assert!(unreadable.starts_with("parameter group `fc[`: "), "{unreadable}");
    let error = groups(json!({"classifier": 10})).apply(&network()[..3]).expect_err("refused");
    assert!(matches!(error, OptimError::NoClassifier { factor: 10.0 }), "{error}");
}

fn parameter(name: &str, value: &Tensor) -> Parameter {
    Parameter::new(name, Var::from_tensor(value).expect("a variable"))
}

/// The error of one step with this gradient.
fn step_error(parameter: &Parameter, gradient: Tensor) -> OptimError {
    let mut gradients = parameter.var.sum_all().and_then(|sum| sum.backward()).expect("gradients");
    gradients.insert(parameter.var.as_tensor(), gradient);
    let parameters = std::slice::from_ref(parameter);
    let clipped = Clip { value: None, global_norm: cyborg_settings::Positive::new(1.0) }
        .apply(parameters, &mut gradients)
        .map(|_| ());
    let stepped = [&Sgd::default() as &dyn Optimiser, &Adam::default()]
        .map(|optimiser| optimiser.start(parameters).step(&gradients, 0.1).expect_err("refused"));
    assert_eq!(stepped[0].to_string(), stepped[1].to_string());
    if let Err(clipped) = clipped {
        assert_eq!(clipped.to_string(), stepped[0].to_string());
    }
    stepped.into_iter().next().expect("two")
}

#[test]
fn tensors_that_do_not_fit_their_parameter_are_refused_by_name() {
    let cpu = &Device::Cpu;
    let f32_zeros = Tensor::zeros((2, 3), DType::F32, cpu).expect("zeros");
    let f64_zeros = f32_zeros.to_dtype(DType::F64).expect("f64");
    let fc = parameter("fc.weight", &f32_zeros);
    assert_eq!(
        step_error(&fc, f32_zeros.t().expect("a matrix")).to_string(),
        "gradient of parameter `fc.weight`: expected shape [2, 3], found [3, 2]"
    );
    assert_eq!(
        step_error(&fc, f64_zeros.clone()).to_string(),
        "gradient of parameter `fc.weight`: expected a contiguous f32 tensor on the CPU, found \
         contiguous f64 on Cpu"
    );
    assert_eq!(
        step_error(&parameter("fc.weight", &f64_zeros), f32_zeros.clone()).to_string(),
        "value of parameter `fc.weight`: expected a contiguous f32 tensor on the CPU, found \
         contiguous f64 on Cpu"
    );

    let restored = |optimiser: &dyn Optimiser, saved: &[(&str, &Tensor)]| {
        let find =
            |name: &str| saved.iter().find(|(saved, _)| *saved == name).map(|(_, tensor)| (*tensor).clone());
        optimiser.start(std::slice::from_ref(&fc)).restore(&find).expect_err("refused").to_string()
    };
    let flat = Tensor::zeros(6, DType::F32, cpu).expect("zeros");
    assert_eq!(
        restored(&Sgd::default(), &[("momentum/fc.weight", &flat)]),
        "momentum of parameter `fc.weight`: expected shape [2, 3], found [6]"
    );
    let first = ("first_moment/fc.weight", &f32_zeros);
    let second = ("second_moment/fc.weight", &f32_zeros);
    assert_eq!(
        restored(&Adam::default(), &[first, second]),
        "the saved state of the optimiser has no `step_count/fc.weight` though it has other tensors of parameter \
         `fc.weight`: the file is damaged, or another optimiser wrote it; start the training afresh"
    );
    let count = Tensor::new(3f32, cpu).expect("a scalar");
    assert_eq!(
        restored(&Adam::default(), &[first, second, ("step_count/fc.weight", &count)]),
        "step_count of parameter `fc.weight`: expected a contiguous u32 tensor on the CPU, found \
         contiguous f32 on Cpu"
    );
    let count = Tensor::new(3u32, cpu).expect("a scalar");
    assert_eq!(
        restored(
            &Adam::default(),
            &[("first_moment/fc.weight", &f64_zeros), second, ("step_count/fc.weight", &count)]
        ),
        "first_moment of parameter `fc.weight`: expected a contiguous f32 tensor on the CPU, found \
         contiguous f64 on Cpu"
    );
}
