//! A pulled plug, ten times.

use std::process::Stdio;
use std::time::Duration;

use crate::support::{Desk, TINY, assert_same, contents};

#[test]
fn ten_kills_change_nothing() {
    let calm = Desk::new();
    // Long enough for kills to fall into drawing, training, scoring and reporting.
    let text = TINY.replace("epochs: 3", "epochs: 12");
    calm.write("tiny.yaml", &text);
    let started = std::time::Instant::now();
    calm.xtask(&["run", "tiny.yaml", "--jobs", "2"]).fine();
    let whole = started.elapsed();

    let hurried = Desk::new();
    hurried.write("tiny.yaml", &text);
    // Moments spread over a whole run by a fixed sequence (golden ratio), from nearly at once on.
    let mut n_killed = 0;
    for k in 1..=60u32 {
        let share = (f64::from(k) * 0.618_033_988_75).fract();
        let mut child = hurried
            .command(&["run", "tiny.yaml", "--jobs", "2"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        std::thread::sleep(Duration::from_secs_f64(whole.as_secs_f64() * share * 0.3));
        let alive = child.try_wait().expect("known").is_none();
        // SIGKILL on Unix: the process gets no chance to tidy up.
        child.kill().expect("killed");
        child.wait().expect("gone");
        if alive {
            n_killed += 1;
        } else {
            // Everything was finished before the kill came: there must be work again for the next one.
            fs_err::remove_dir_all(hurried.path("runs")).expect("removed");
        }
        if n_killed == 10 {
            break;
        }
    }
    assert_eq!(n_killed, 10, "sixty tries met a living process so often");
    hurried.xtask(&["run", "tiny.yaml", "--jobs", "2"]).fine();
    assert_same(&contents(&calm.path("reports")), &contents(&hurried.path("reports")));
    let kept = [
        "best.safetensors",
        "last.safetensors",
        "epochs.csv",
        "steps.csv",
        "scores.parquet",
        "cams.safetensors",
    ];
    let results = |desk: &Desk| {
        let mut files = contents(&desk.path("runs"));
        files.retain(|name, _| kept.iter().any(|end| name.ends_with(end)));
        files
    };
    assert_same(&results(&calm), &results(&hurried));
}
