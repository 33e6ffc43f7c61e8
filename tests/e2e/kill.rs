//! A pulled plug, ten times.

use std::time::Duration;

use crate::support::{Desk, TINY, assert_same, contents};

#[test]
fn ten_kills_change_nothing() {
    let calm = Desk::new();
    // Long enough for ten kills to fall into drawing, training, scoring and reporting.
    let text = TINY.replace("epochs: 3", "epochs: 12");
    calm.write("tiny.yaml", &text);
    let started = std::time::Instant::now();
    calm.xtask(&["run", "tiny.yaml", "--jobs", "2"]).fine();
    let whole = started.elapsed();

    let hurried = Desk::new();
    hurried.write("tiny.yaml", &text);
    // Moments spread over a whole run by a fixed sequence (golden ratio), from nearly at once on.
    let mut killed = 0;
    for k in 1..=10u32 {
        let share = (f64::from(k) * 0.618_033_988_75).fract();
        let mut child = hurried
            .command(&["run", "tiny.yaml", "--jobs", "2"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("starts");
        std::thread::sleep(Duration::from_secs_f64(whole.as_secs_f64() * share * 0.5));
        if child.try_wait().expect("known").is_none() {
            killed += 1;
        }
        // SIGKILL on Unix: the process gets no chance to tidy up.
        child.kill().expect("killed");
        child.wait().expect("gone");
    }
    assert!(killed >= 5, "only {killed} of ten kills met a living process");
    hurried.xtask(&["run", "tiny.yaml", "--jobs", "2"]).fine();
    assert_same(&contents(&calm.path("reports")), &contents(&hurried.path("reports")));
    let weights = |desk: &Desk| {
        let mut files = contents(&desk.path("runs"));
        files.retain(|name, _| {
            ["best.safetensors", "last.safetensors", "epochs.csv", "scores.parquet"]
                .iter()
                .any(|end| name.ends_with(end))
        });
        files
    };
    assert_same(&weights(&calm), &weights(&hurried));
}
