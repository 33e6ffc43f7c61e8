//! Files that PyTorch wrote (`golden/make.py`): what is in them, and what is refused.

use candle_core::{DType, Tensor};
use cyborg_weights::{ElementType, Format, Weights, WeightsError, read};
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn read_golden(name: &str) -> Weights {
    read(&golden(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Shape and values.
fn flat(tensor: &Tensor) -> (Vec<usize>, Vec<f64>) {
    let values = tensor.to_dtype(DType::F64).and_then(|t| t.flatten_all()).and_then(|t| t.to_vec1());
    (tensor.dims().to_vec(), values.expect("numbers"))
}

#[test]
fn every_form_and_protocol_gives_the_same_tensors() {
    for (name, format) in [
        ("zip.pth", Format::TorchZip),
        ("legacy.pth", Format::TorchLegacy),
        ("protocol3.pth", Format::TorchZip),
        ("protocol4.pth", Format::TorchZip),
        ("protocol5.pth", Format::TorchZip),
        ("no-checksums.pth", Format::TorchZip),
    ] {
        let weights = read_golden(name);
        assert_eq!(weights.format, format, "{name}");
        let expected = [
            // 0, 1, ..., 5 halves in two rows, and its transpose in three.
            ("a", vec![2, 3], vec![0.0, 0.5, 1.0, 1.5, 2.0, 2.5]),
            // One 3, four times.
            ("e", vec![4], vec![3.0; 4]),
            ("n", vec![], vec![7.0]),
            // Every second of 0 to 7, from 1.
            ("s", vec![4], vec![1.0, 3.0, 5.0, 7.0]),
            ("t", vec![3, 2], vec![0.0, 1.5, 0.5, 2.0, 1.0, 2.5]),
            ("z", vec![0, 3], vec![]),
        ];
        let names: Vec<_> = weights.tensors.keys().map(String::as_str).collect();
        assert_eq!(names, expected.each_ref().map(|(name, ..)| *name), "{name}");
        for (tensor, dims, values) in expected {
            assert_eq!(flat(&weights.tensors[tensor]), (dims, values), "{name}: {tensor}");
            assert!(weights.tensors[tensor].is_contiguous());
        }
        assert_eq!(weights.tensors["n"].dtype(), DType::I64);
        assert_eq!((weights.wrapper, weights.prefix, weights.ignored), (None, None, vec![]));
    }
}

#[test]
fn every_element_type_is_read() {
    for (element, values) in [
        (ElementType::F64, [-1.5, 0.25, 96.0]),
        (ElementType::F32, [-1.5, 0.25, 96.0]),
        (ElementType::F16, [-1.5, 0.25, 96.0]),
        (ElementType::BF16, [-1.5, 0.25, 96.0]),
        // Rounded towards 0.
        (ElementType::I64, [-1.0, 0.0, 96.0]),
        (ElementType::I32, [-1.0, 0.0, 96.0]),
        (ElementType::I16, [-1.0, 0.0, 96.0]),
        (ElementType::I8, [-1.0, 0.0, 96.0]),
        (ElementType::U8, [0.0, 1.0, 255.0]),
        (ElementType::U32, [0.0, 1.0, 4294967295.0]),
        (ElementType::Bool, [1.0, 0.0, 1.0]),
    ] {
        let torch = match element {
            ElementType::F64 => "float64",
            ElementType::F32 => "float32",
            ElementType::F16 => "float16",
            ElementType::BF16 => "bfloat16",
            ElementType::I64 => "int64",
            ElementType::I32 => "int32",
            ElementType::I16 => "int16",
            ElementType::I8 => "int8",
            ElementType::U32 => "uint32",
            ElementType::U8 => "uint8",
            ElementType::Bool => "bool",
        };
        let weights = read_golden(&format!("{torch}.pth"));
        assert_eq!(flat(&weights.tensors["x"]), (vec![3], values.to_vec()), "{element}");
        assert_eq!(weights.stored_as["x"], element);
        assert_eq!(weights.tensors["x"].dtype() == DType::F32, element.is_float(), "{element}");
    }
    assert_eq!(flat(&read_golden("stored.pth").tensors["x"]).1, [-1.5, 0.25, 96.0]);
}

#[test]
fn a_checkpoint_of_a_data_parallel_model_is_unwrapped() {
    for name in ["checkpoint.pth", "checkpoint-legacy.pth"] {
        let weights = read_golden(name);
        assert_eq!(
            (weights.wrapper.as_deref(), weights.prefix.as_deref()),
            (Some("state_dict"), Some("module."))
        );
        let mut ignored = weights.ignored.clone();
        ignored.sort();
        let expected = [
            "`args` (a `argparse.Namespace`)",
            "`best` (a `numpy._core.multiarray.scalar`)",
            "`epoch` (a whole number)",
            "`history` (a list)",
            "`optimizer` (a dictionary)",
            "`time` (a tensor beside `state_dict`)",
        ];
        assert_eq!(ignored, expected, "{name}");
        let names: Vec<_> = weights.tensors.keys().map(String::as_str).collect();
        let expected = [
            "bn.bias",
            "bn.num_batches_tracked",
            "bn.running_mean",
            "bn.running_var",
            "bn.weight",
            "fc.bias",
            "fc.weight",
        ];
        assert_eq!(names, expected, "{name}");
        assert_eq!(flat(&weights.tensors["fc.weight"]), (vec![1, 2], vec![0.5, -2.0]));
        assert_eq!(flat(&weights.tensors["fc.bias"]), (vec![1], vec![4.0]));
        // A batch norm as it begins.
        assert_eq!(flat(&weights.tensors["bn.running_var"]), (vec![1], vec![1.0]));
        assert_eq!(flat(&weights.tensors["bn.num_batches_tracked"]), (vec![], vec![0.0]));
    }
}

#[test]
fn parameters_are_tensors() {
    let weights = read_golden("parameters.pth");
    assert_eq!(weights.wrapper.as_deref(), Some("model"));
    assert_eq!(flat(&weights.tensors["fc.weight"]), (vec![1, 2], vec![0.5, -2.0]));
}

#[test]
fn code_is_named_and_not_run() {
    for name in ["code.pth", "code-legacy.pth", "evil.pkl"] {
        let error = read(&golden(name)).expect_err(name);
        assert!(
            matches!(&error, WeightsError::Code { global, .. } if global == "posix.system"),
            "{name}: {error}"
        );
        assert!(error.to_string().contains("`posix.system`"), "{error}");
    }
    assert!(!PathBuf::from("/tmp/cyborg-was-here").exists());
    let error = read(&golden("whole-model.pth")).expect_err("a model with its classes");
    assert!(
        matches!(&error, WeightsError::Code { global, .. } if global.starts_with("torch.nn.modules")),
        "{error}"
    );
}

#[test]
fn other_files_are_told_apart() {
    for (name, said) in [
        ("plain.pkl", "not one that `torch.save` wrote"),
        ("tensor.pth", "it holds a tensor, not a dictionary of tensors; save `model.state_dict()`"),
        ("empty.pth", "it holds no dictionary of tensors, but nothing"),
        ("script.pt", "TorchScript"),
        ("deflated.pth", "is compressed, which PyTorch never does"),
        (
            "complex.pth",
            "tensors of these types cannot be used: `x` is of `ComplexFloatStorage`; convert them to float32",
        ),
        ("make.py", "it is not a whole safetensors file"),
    ] {
        let message = read(&golden(name)).expect_err(name).to_string();
        assert!(message.contains(said), "{name}: {message}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    for (content, said) in [
        (&b"version https://git-lfs.github.com/spec/v1"[..], "Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "gzip"),
        (b"short", "5 bytes"),
    ] {
        fs_err::write(&path, content).expect("written");
        let message = read(&path).expect_err(said).to_string();
        assert!(message.contains(said), "{message}");
    }
    let message = read(folder.path()).expect_err("a folder").to_string();
    assert!(message.contains("it is a folder"), "{message}");
    assert!(matches!(read(&folder.path().join("absent")), Err(WeightsError::Read { .. })));
}
