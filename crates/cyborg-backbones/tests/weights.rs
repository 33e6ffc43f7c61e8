//! Weights out and in: strict, whole, the same bytes every time.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use candle_core::{DType, Device, Tensor};
use cyborg_backbones::{Architecture, BackboneError, Card, Network, Tap};
use cyborg_seed::Seed;
use fs_err as fs;
use safetensors::SafeTensors;
use std::collections::BTreeMap;

fn thin(n_classes: usize, seed: u64) -> Network {
    let network = Network::new(Architecture::ThinResNet8, n_classes, &Seed::new(seed)).unwrap();
    // Running statistics other than the first.
    let ramp: Vec<f32> = (0..2 * 3 * 16 * 16).map(|i| (i % 97) as f32 / 97.0).collect();
    let images = Tensor::from_vec(ramp, (2, 3, 16, 16), &Device::Cpu).unwrap();
    network.forward_train(&images, &[]).unwrap();
    network
}

fn values(tensors: &BTreeMap<String, Tensor>) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let flat = |t: &Tensor| t.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    tensors.iter().map(|(name, t)| (name.clone(), (t.dims().to_vec(), flat(t)))).collect()
}

fn of(network: &Network) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    values(&network.tensors().unwrap())
}

fn metadata() -> BTreeMap<String, String> {
    [("seed", "0"), ("architecture", "thin-resnet8"), ("note", "a \"quote\", a \\ and ü\n"), ("epoch", "3")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

#[test]
fn a_file_brings_back_every_value_and_always_has_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first.safetensors"), folder.path().join("second.safetensors"));
    let network = thin(2, 0);
    network.save(&first, &metadata()).unwrap();
    let other = thin(2, 1);
    assert_ne!(of(&other), of(&network));
    other.load(&first).unwrap();
    assert_eq!(of(&other), of(&network));
    other.save(&second, &metadata()).unwrap();
    other.save(&second, &metadata()).unwrap();
    let bytes = fs::read(&first).unwrap();
    assert_eq!(bytes, fs::read(&second).unwrap());
    // Nothing is left beside them.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);

    // The `safetensors` crate reads what we wrote by hand.
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let read: BTreeMap<_, _> = header.metadata().clone().unwrap().into_iter().collect();
    assert_eq!(read, metadata());
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), network.tensors().unwrap().len());
    assert_eq!(file.tensor("bn1.num_batches_tracked").unwrap().shape(), [0usize; 0]);
    assert_eq!(file.tensor("bn1.num_batches_tracked").unwrap().data(), 1i64.to_le_bytes());
}

#[test]
fn copies_do_not_change_with_the_network() {
    let network = thin(2, 0);
    let before = network.tensors().unwrap();
    let snapshot = values(&before);
    network.load_tensors(&thin(2, 1).tensors().unwrap()).unwrap();
    assert_ne!(of(&network), snapshot);
    assert_eq!(values(&before), snapshot);
}

#[test]
fn every_fault_is_named_and_nothing_is_changed() {
    let network = thin(2, 0);
    let before = of(&network);
    let mut tensors = thin(2, 1).tensors().unwrap();
    tensors.remove("layer1.0.conv1.weight");
    tensors.remove("bn1.running_var");
    tensors.insert("fc.extra".to_owned(), Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap());
    tensors.insert("bn1.bias".to_owned(), Tensor::zeros(15, DType::F32, &Device::Cpu).unwrap());
    tensors.insert("bn1.weight".to_owned(), Tensor::zeros(16, DType::F64, &Device::Cpu).unwrap());
    assert_eq!(
        network.load_tensors(&tensors).unwrap_err().to_string(),
        "cannot load tensors into `thin-resnet8` with 2 classes: 2 missing: `bn1.running_var`, \
         `layer1.0.conv1.weight`; 1 not in the network: `fc.extra`; 2 of another shape or type: `bn1.bias` is f32 \
         [15], expected f32 [16], `bn1.weight` is f64 [16], expected f32 [16]"
    );
    assert_eq!(of(&network), before);
}

#[test]
fn a_classifier_of_another_size_is_replaced_for_pretraining_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seven.safetensors");
    let source = thin(7, 0);
    source.save(&path, &BTreeMap::new()).unwrap();

    let network = thin(2, 1);
    let before = of(&network);
    assert_eq!(
        network.load(&path).unwrap_err().to_string(),
        format!(
            "cannot use weights `{}`: they are not those of `thin-resnet8` with 2 classes: 2 of another shape or \
             type: `fc.bias` is f32 [7], expected f32 [2], `fc.weight` is f32 [7, 64], expected f32 [2, 64]",
            path.display()
        )
    );
    assert_eq!(of(&network), before);
    let report = network.load_pretrained(&path).unwrap();
    assert_eq!(report.replaced_classifier_of, Some(7));
    assert_eq!(report.lines(), ["its classifier of 7 classes was left out; a new one starts from its seed"]);
    for (name, value) in of(&network) {
        let expected = if name.starts_with("fc.") { &before[&name] } else { &of(&source)[&name] };
        assert_eq!(&value, expected, "{name}");
    }
    // The same number of classes: the classifier comes along.
    let same = thin(7, 1);
    assert!(same.load_pretrained(&path).unwrap().lines().is_empty());
    assert_eq!(of(&same), of(&source));
}

/// `model.fc = nn.Linear(2048, 2)`, not the deviation of 0.1 that torchvision's Inception starts from.
#[test]
fn a_new_classifier_is_drawn_as_the_released_code_draws_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seven.safetensors");
    Network::blank(Architecture::InceptionV3, 7).unwrap().save(&path, &BTreeMap::new()).unwrap();
    let network = Network::new(Architecture::InceptionV3, 2, &Seed::new(0)).unwrap();
    let largest = || of(&network)["fc.weight"].1.iter().fold(0f32, |m, v| m.max(v.abs()));
    assert!(largest() > 0.2, "{}", largest());
    network.load_pretrained(&path).unwrap();
    // Of 4,096 uniform values the largest is nearly the bound.
    let bound = 1.0 / 2048f32.sqrt();
    assert!(largest() <= bound && largest() > 0.98 * bound, "{}", largest());
}

#[test]
fn older_weights_without_batch_counts_start_at_zero() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.safetensors");
    let mut tensors = thin(2, 0).tensors().unwrap();
    tensors.retain(|name, _| !name.ends_with("num_batches_tracked"));
    candle_core::safetensors::save(&tensors.clone().into_iter().collect(), &path).unwrap();
    let network = thin(2, 1);
    assert!(matches!(network.load(&path), Err(BackboneError::Weights { .. })));
    let report = network.load_pretrained(&path).unwrap();
    assert!(report.counts_start_at_zero && report.replaced_classifier_of.is_none(), "{report:?}");
    assert_eq!(network.tensors().unwrap()["bn1.num_batches_tracked"].to_scalar::<i64>().unwrap(), 0);
    // One of many missing is a fault.
    tensors.insert("bn1.num_batches_tracked".to_owned(), Tensor::new(1i64, &Device::Cpu).unwrap());
    candle_core::safetensors::save(&tensors.into_iter().collect(), &path).unwrap();
    assert!(matches!(network.load_pretrained(&path), Err(BackboneError::Weights { .. })));
}

#[test]
fn files_that_are_not_weights_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let network = thin(2, 0);
    let check = |name: &str, content: Option<&[u8]>, message: &str| {
        let path = folder.path().join(name);
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        let error = network.load(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot use weights `{}`: {message}", path.display())), "{error}");
    };
    let absent = network.load(&folder.path().join("absent")).unwrap_err();
    assert!(absent.to_string().starts_with("cannot read weights"), "{absent}");
    check("empty", Some(&[]), "it is no weights file: it has 0 bytes");
    check("text", Some(b"PK, long enough for a header, is not all it takes"), "");
    let whole = folder.path().join("whole");
    network.save(&whole, &metadata()).unwrap();
    let bytes = fs::read(&whole).unwrap();
    for length in [8, 100, bytes.len() - 1] {
        check("cut", Some(&bytes[..length]), "it is not a whole safetensors file");
    }

    let nowhere = folder.path().join("no/such/folder/file");
    let error = network.save(&nowhere, &metadata()).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot write weights `{}`", nowhere.display()));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn half_precision_is_taken_as_float() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.safetensors");
    let network = thin(2, 0);
    let half = |t: Tensor| if t.dtype() == DType::F32 { t.to_dtype(DType::F16).unwrap() } else { t };
    let tensors: BTreeMap<_, _> =
        network.tensors().unwrap().into_iter().map(|(name, tensor)| (name, half(tensor))).collect();
    cyborg_weights::write(&path, &tensors, &BTreeMap::new()).unwrap();
    let other = thin(2, 1);
    let report = other.load_pretrained(&path).unwrap();
    // 7 convolutions (1 + 2 + 2 + 2), 2 shortcuts, 9 batch norms of 4 tensors, the classifier's 2.
    assert_eq!(report.lines(), ["47 tensors converted from F16"]);
    assert_eq!(of(&other), values(&tensors));
}

#[test]
fn a_file_alone_becomes_its_network_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let network = thin(3, 0);
    let mut card = Card::new(Architecture::ThinResNet8, 3);
    card.class_names = Some(["a", "b", "c"].map(ToOwned::to_owned).into());
    card.tap = Tap::POOLED;
    network.save(&path, &card.to_metadata()).unwrap();
    let (opened, found) = Network::open(&path, None).unwrap();
    assert_eq!((opened.architecture(), opened.n_classes(), &found), (Architecture::ThinResNet8, 3, &card));
    assert_eq!(of(&opened), of(&network));
    assert!(Network::open(&path, Some(Architecture::ThinResNet8)).is_ok());
    let error = Network::open(&path, Some(Architecture::ResNet18)).unwrap_err().to_string();
    assert!(error.ends_with("it says that it is `thin-resnet8`, asked for is `resnet18`"), "{error}");

    // Without a card: the tensors tell.
    network.save(&path, &BTreeMap::new()).unwrap();
    let (opened, found) = Network::open(&path, None).unwrap();
    assert_eq!(found, Card::new(Architecture::ThinResNet8, 3));
    assert_eq!(of(&opened), of(&network));

    // A card that contradicts the tensors.
    network.save(&path, &Card::new(Architecture::ThinResNet8, 2).to_metadata()).unwrap();
    let error = Network::open(&path, None).unwrap_err().to_string();
    assert!(error.contains("`fc.weight` is f32 [3, 64], expected f32 [2, 64]"), "{error}");

    // Nothing that is known here.
    let mut tensors = network.tensors().unwrap();
    tensors.remove("conv1.weight");
    cyborg_weights::write(&path, &tensors, &BTreeMap::new()).unwrap();
    let error = Network::open(&path, None).unwrap_err().to_string();
    assert!(error.contains("are of none of the networks here: `thin-resnet8`, `resnet18`"), "{error}");
    let error = Network::open(&path, Some(Architecture::ThinResNet8)).unwrap_err().to_string();
    assert!(error.contains("1 missing: `conv1.weight`"), "{error}");
    tensors.remove("fc.weight");
    cyborg_weights::write(&path, &tensors, &BTreeMap::new()).unwrap();
    let error = Network::open(&path, Some(Architecture::ThinResNet8)).unwrap_err().to_string();
    assert!(error.contains("it has no classifier `fc.weight`"), "{error}");
}

#[test]
fn a_classifier_under_another_name_and_a_prefix_are_no_hindrance() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seven.safetensors");
    let source = thin(7, 0);
    // As a module that holds the network under `model`, with Cadene's name of the classifier.
    let tensors: BTreeMap<_, _> = source
        .tensors()
        .unwrap()
        .into_iter()
        .map(|(name, tensor)| (format!("module.model.{}", name.replace("fc.", "last_linear.")), tensor))
        .collect();
    cyborg_weights::write(&path, &tensors, &BTreeMap::new()).unwrap();
    let network = thin(2, 1);
    let before = of(&network);
    let report = network.load_pretrained(&path).unwrap();
    assert_eq!(
        report.lines(),
        [
            "`module.model.` was taken off every name",
            "2 renamed: `last_linear.bias` to `fc.bias`, `last_linear.weight` to `fc.weight`",
            "its classifier of 7 classes was left out; a new one starts from its seed"
        ]
    );
    for (name, value) in of(&network) {
        let expected = if name.starts_with("fc.") { &before[&name] } else { &of(&source)[&name] };
        assert_eq!(&value, expected, "{name}");
    }
    // None at all, as timm's `num_classes=0` leaves it.
    let headless: BTreeMap<_, _> = tensors
        .iter()
        .filter(|(name, _)| !name.contains("last_linear"))
        .map(|(n, t)| (n.clone(), t.clone()))
        .collect();
    let other = folder.path().join("headless.safetensors");
    cyborg_weights::write(&other, &headless, &BTreeMap::new()).unwrap();
    let network = thin(2, 1);
    let report = network.load_pretrained(&other).unwrap();
    assert_eq!(report.lines()[1], "it has no classifier; a new one starts from its seed");
    assert_eq!(of(&network)["fc.weight"], before["fc.weight"]);
    assert!(
        Network::open(&other, None).unwrap_err().to_string().contains("it has no classifier `fc.weight`")
    );
    // The strict load takes prefixes off too, but no other names.
    assert!(network.load(&path).unwrap_err().to_string().contains("not in the network: `last_linear.bias`"));
}

/// A network inside others, as Lightning, wrappers and `DataParallel` store it, with what else such a file holds.
#[test]
fn a_network_inside_another_module_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrapped.safetensors");
    let network = thin(3, 0);
    let wrapped = |prefix: &str| -> BTreeMap<String, Tensor> {
        network.tensors().unwrap().into_iter().map(|(name, t)| (format!("{prefix}{name}"), t)).collect()
    };
    for prefix in ["encoder.", "model.net.thin.", "module.network.model.backbone."] {
        let mut tensors = wrapped(prefix);
        tensors.insert("criterion.pos_weight".to_owned(), Tensor::new(&[3.2f32], &Device::Cpu).unwrap());
        cyborg_weights::write(&path, &tensors, &BTreeMap::new()).unwrap();
        let (opened, card, report) = Network::open_reported(&path, None).unwrap();
        assert_eq!((card.architecture, card.n_classes), (Architecture::ThinResNet8, 3));
        assert_eq!(of(&opened), of(&network));
        let lines = report.lines().join("\n");
        assert!(lines.contains(&format!("`{prefix}` was taken off")), "{lines}");
        assert!(
            lines.contains(&format!("1 ignored: `criterion.pos_weight` (a tensor beside `{prefix}`)")),
            "{lines}"
        );
        // As a start for training, too.
        let other = thin(3, 1);
        other.load_pretrained(&path).unwrap();
        assert_eq!(of(&other), of(&network));
    }
    let mut both = wrapped("model.");
    both.extend(wrapped("model_ema."));
    cyborg_weights::write(&path, &both, &BTreeMap::new()).unwrap();
    let message = Network::open(&path, None).unwrap_err().to_string();
    assert!(
        message.contains("it holds several networks: `model.` (thin-resnet8), `model_ema.`"),
        "{message}"
    );
}

/// CheXNet: `DataParallel` around a wrapper, names of torchvision 0.2, a `Sequential(Linear, Sigmoid)` as classifier.
#[test]
fn chexnets_names_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chexnet.safetensors");
    let network = Network::new(Architecture::DenseNet121, 2, &Seed::new(0)).unwrap();
    let theirs = |name: &str| {
        let mut name = name.replace("classifier.", "classifier.0.");
        if name.contains(".denselayer") {
            for n in ["norm1", "norm2", "conv1", "conv2"] {
                let (kind, number) = n.split_at(4);
                name = name.replace(&format!(".{n}."), &format!(".{kind}.{number}."));
            }
        }
        format!("module.densenet121.{name}")
    };
    let tensors: BTreeMap<String, Tensor> = network
        .tensors()
        .unwrap()
        .into_iter()
        .filter(|(name, _)| !name.ends_with("num_batches_tracked"))
        .map(|(name, tensor)| (theirs(&name), tensor))
        .collect();
    assert!(tensors.contains_key("module.densenet121.features.denseblock1.denselayer1.norm.1.weight"));
    cyborg_weights::write(&path, &tensors, &BTreeMap::new()).unwrap();
    let (opened, card, report) = Network::open_reported(&path, None).unwrap();
    assert_eq!((card.architecture, card.n_classes), (Architecture::DenseNet121, 2));
    assert_eq!(of(&opened), of(&network));
    assert_eq!(report.prefix.as_deref(), Some("module.densenet121."));
    assert!(report.counts_start_at_zero);
}

#[test]
fn numbers_that_are_none_are_named_by_their_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("diverged.safetensors");
    let network = thin(2, 0);
    let mut tensors = network.tensors().unwrap();
    tensors.insert("fc.bias".to_owned(), Tensor::new(&[f32::NAN, 1.0], &Device::Cpu).unwrap());
    cyborg_weights::write(&path, &tensors, &BTreeMap::new()).unwrap();
    for message in [
        Network::open(&path, None).unwrap_err().to_string(),
        network.load(&path).unwrap_err().to_string(),
        network.load_pretrained(&path).unwrap_err().to_string(),
    ] {
        assert!(
            message.contains("1 of their ") && message.contains("NaN or infinite, in `fc.bias`"),
            "{message}"
        );
    }
}
