//! `bench`: figures of a small network without PyTorch, and what a user can get wrong.

use crate::support::Desk;

#[test]
fn a_step_is_measured() {
    let desk = Desk::new();
    let said = desk
        .xtask(&[
            "bench",
            "step",
            "--backbone",
            "thin-resnet8",
            "--batch",
            "2",
            "--runs",
            "2",
            "--threads",
            "1",
            "--method",
            "both",
            "--json",
            "figures.json",
        ])
        .fine();
    assert!(said.stdout.contains("thin-resnet8, 64 px, batch 2, training steps"), "{}", said.stdout);
    assert!(said.stdout.contains("| cyborg  | cross-entropy |"), "{}", said.stdout);
    assert!(said.stdout.contains("cyborg's step over cross-entropy's, 1 thread(s): "), "{}", said.stdout);
    assert!(said.stderr.contains("step 2/2:"), "{}", said.stderr);
    let text = fs_err::read_to_string(desk.path("figures.json")).expect("figures");
    let figures: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let contestants = figures["contestants"].as_array().expect("two");
    assert_eq!(contestants.len(), 2);
    for contestant in contestants {
        let seconds = contestant["seconds"].as_array().expect("a list");
        assert_eq!(seconds.len(), 2);
        assert!(seconds.iter().all(|s| s.as_f64().is_some_and(|s| s > 0.0)));
        let values: Vec<f64> = contestant["values"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(serde_json::Value::as_f64)
            .collect();
        assert_eq!(values.len(), 3);
        // Steps move the network: on the same batch again, the loss falls.
        assert!(values[2] < values[0], "{values:?}");
        assert!(contestant["gemm_peak"].as_f64().is_some_and(|peak| peak > 1e8));
        if cfg!(target_os = "linux") {
            assert!(contestant["memory"]["peak_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20));
        }
    }
}

#[test]
fn convolutions_are_measured() {
    let desk = Desk::new();
    let arguments =
        ["bench", "ops", "--backbone", "thin-resnet8", "--batch", "1", "--runs", "1", "--only", "3x3"];
    let said = desk.xtask(&arguments).fine();
    for words in ["| conv1 ", "| weight-gradient |", "all, times count", "64->64 8x8 3x3"] {
        assert!(said.stdout.contains(words), "`{words}` is missing in:\n{}", said.stdout);
    }
    // Images get no gradient.
    assert_eq!(said.stdout.lines().filter(|line| line.contains("| 3->16")).count(), 2);
}

#[test]
fn what_cannot_be_measured_is_said() {
    let desk = Desk::new();
    desk.xtask(&["bench", "step", "--backbone", "resnet5"])
        .refused(&["unknown backbone `resnet5`", "did you mean `resnet50`?"]);
    desk.xtask(&["bench", "step", "--backbone", "densenet121", "--input-px", "20"])
        .refused(&["`--input-px` is 20, expected at least 29 for `densenet121`"]);
    desk.xtask(&["bench", "ops", "--backbone", "thin-resnet8", "--only", "nothing"])
        .refused(&["`--only` is `nothing`", "part of a layer's name"]);
    let torch =
        ["bench", "step", "--backbone", "thin-resnet8", "--batch", "2", "--against", "torch", "--python"];
    desk.xtask(&[&torch[..], &["nowhere/python"]].concat())
        .refused(&["cannot start PyTorch NCHW as `nowhere/python`", "`--python` or CYBORG_PYTHON"]);
}

/// A Python without torch: a shell that says what such a Python says.
#[cfg(unix)]
#[test]
fn a_python_without_torch_is_heard() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let said = "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'torch'\" >&2\nexit 1\n";
    let python = desk.write("python", said);
    fs_err::set_permissions(&python, PermissionsExt::from_mode(0o755)).expect("made executable");
    desk.xtask(&[
        "bench",
        "step",
        "--backbone",
        "thin-resnet8",
        "--batch",
        "2",
        "--against",
        "torch",
        "--python",
        python.to_str().expect("UTF-8"),
    ])
    .refused(&["PyTorch NCHW ended", "when asked to `open`", "No module named 'torch'", "pip install"]);
}
