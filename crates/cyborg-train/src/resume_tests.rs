//! However a training is cut, the resumed one ends with the same bits.

use crate::fixture::{Recorder, item, results, tiny_fit, tiny_set, tiny_settings};
use crate::whole_file::tests::stop_after;
use crate::{FitOutcome, ImageSet, Method, Silent, TrainError, fit, score};
use cyborg_backbones::Network;
use cyborg_image::Raster;
use cyborg_seed::Seed;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::{TempDir, tempdir};

const ALWAYS: Duration = Duration::ZERO;
const NEVER: Duration = Duration::from_hours(1);

fn folder() -> TempDir {
    tempdir().expect("temporary folder")
}

/// The same training without interruption.
fn uninterrupted() -> (FitOutcome, Vec<Vec<u8>>) {
    let folder = folder();
    let outcome = tiny_fit(&tiny_settings(), folder.path(), &Silent, NEVER).expect("trains");
    (outcome, results(folder.path()))
}

/// Finishes the training in `dir` and compares.
fn resumes_to(expected: &(FitOutcome, Vec<Vec<u8>>), dir: &Path, case: &str) {
    let outcome = tiny_fit(&tiny_settings(), dir, &Silent, ALWAYS).expect("resumes");
    assert_eq!(outcome, expected.0, "{case}");
    assert!(results(dir) == expected.1, "{case}: other bytes");
    let names = fs_err::read_dir(dir).expect("listed").map(|entry| entry.expect("entry").file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    let files = [
        "best.safetensors",
        "epochs.csv",
        "last.safetensors",
        "state.safetensors",
        "steps.csv",
        "timing.csv",
    ];
    assert_eq!(names, files, "{case}");
}

#[test]
fn a_kill_at_any_moment_of_any_write_changes_nothing() {
    let expected = uninterrupted();
    for moment in 0.. {
        let folder = folder();
        stop_after(Some(moment));
        let run =
            catch_unwind(AssertUnwindSafe(|| tiny_fit(&tiny_settings(), folder.path(), &Silent, ALWAYS)));
        stop_after(None);
        if run.is_ok() {
            // Six steps, two epochs, at three moments a file: there are many more than a handful.
            assert!(moment > 30, "{moment}");
            break;
        }
        resumes_to(&expected, folder.path(), &format!("moment {moment}"));
    }
}

#[test]
fn a_kill_in_any_step_changes_nothing() {
    let expected = uninterrupted();
    for (step, interval) in (0..6).flat_map(|step| [(step, ALWAYS), (step, NEVER)]) {
        let folder = folder();
        let recorder = Recorder { panic_in: Some(step), ..Recorder::default() };
        let run = || tiny_fit(&tiny_settings(), folder.path(), &recorder, interval);
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        resumes_to(&expected, folder.path(), &format!("step {step}, state every {interval:?}"));
    }
}

#[test]
fn a_training_killed_again_and_again_gets_there() {
    let expected = uninterrupted();
    let folder = folder();
    let mut kills = 0;
    loop {
        stop_after(Some(5));
        let run =
            catch_unwind(AssertUnwindSafe(|| tiny_fit(&tiny_settings(), folder.path(), &Silent, ALWAYS)));
        stop_after(None);
        if run.is_ok() {
            break;
        }
        kills += 1;
        assert!(kills < 100, "no progress between kills");
    }
    assert!(kills > 5, "{kills}");
    resumes_to(&expected, folder.path(), "many kills");
}

#[test]
fn a_stop_on_request_saves_the_step_it_came_at() {
    let expected = uninterrupted();
    for step in 0..6 {
        let folder = folder();
        let recorder = Recorder { stop_before: Some(step), ..Recorder::default() };
        let stopped = tiny_fit(&tiny_settings(), folder.path(), &recorder, NEVER);
        let Err(TrainError::Interrupted { epoch, step: at }) = stopped else { panic!("{stopped:?}") };
        assert_eq!((epoch, at), (step / 3, step % 3));
        let resumed = Recorder::default();
        tiny_fit(&tiny_settings(), folder.path(), &resumed, NEVER).expect("resumes");
        assert_eq!(*resumed.started.lock().expect("not poisoned"), [(epoch, at)]);
        assert_eq!(resumed.losses.lock().expect("not poisoned").len(), 6 - step);
        resumes_to(&expected, folder.path(), &format!("stopped before step {step}"));
    }
}

#[test]
fn a_finished_training_returns_at_once_and_mends_its_tables() {
    let folder = folder();
    let first = tiny_fit(&tiny_settings(), folder.path(), &Silent, NEVER).expect("trains");
    let expected = results(folder.path());
    fs_err::remove_file(folder.path().join("epochs.csv")).expect("removed");
    let recorder = Recorder::default();
    let again = tiny_fit(&tiny_settings(), folder.path(), &recorder, NEVER).expect("is finished");
    assert_eq!(again, first);
    assert_eq!(results(folder.path()), expected);
    assert!(recorder.started.lock().expect("not poisoned").is_empty());
    let state = fs_err::metadata(folder.path().join("state.safetensors")).expect("there");
    assert!(state.len() < 10_000, "a finished state holds no tensors: {}", state.len());

    fs_err::remove_file(folder.path().join("best.safetensors")).expect("removed");
    let missing = tiny_fit(&tiny_settings(), folder.path(), &Silent, NEVER);
    assert!(
        matches!(&missing, Err(TrainError::StateDamaged { path, .. }) if path.ends_with("best.safetensors"))
    );
}

#[test]
fn another_training_in_the_same_folder_is_refused_by_name() {
    let folder = folder();
    tiny_fit(&tiny_settings(), folder.path(), &Silent, NEVER).expect("trains");
    let mut other = tiny_settings();
    (other.learning_rate, other.seed) = (0.02, 3);
    let error = tiny_fit(&other, folder.path(), &Silent, NEVER).expect_err("another training");
    let message = error.to_string();
    assert!(message.contains("`learning_rate` was 0.01, now 0.02; `seed` was 0, now 3"), "{message}");

    let settings = tiny_settings();
    let (train, validation) = (tiny_set(&settings, 12), tiny_set(&settings, 6));
    let error = fit(&settings, &train, &validation, folder.path(), &BTreeMap::new(), &Silent)
        .expect_err("other data");
    assert!(error.to_string().contains("`training data` was"), "{error}");
}

#[test]
fn a_damaged_state_is_named_and_nothing_is_lost() {
    let folder = folder();
    let recorder = Recorder { stop_before: Some(4), ..Recorder::default() };
    tiny_fit(&tiny_settings(), folder.path(), &recorder, NEVER).expect_err("stopped");
    let path = folder.path().join("state.safetensors");
    let whole = fs_err::read(&path).expect("read");
    for (case, bytes) in
        [("empty", &whole[..0]), ("header only", &whole[..400]), ("cut", &whole[..whole.len() - 1])]
    {
        fs_err::write(&path, bytes).expect("written");
        let error = tiny_fit(&tiny_settings(), folder.path(), &Silent, NEVER).expect_err(case);
        assert!(matches!(error, TrainError::StateDamaged { .. }), "{case}: {error:?}");
        assert_eq!(fs_err::read(&path).expect("still there"), bytes, "{case}");
    }
    fs_err::write(&path, &whole).expect("written");
    resumes_to(&uninterrupted(), folder.path(), "mended");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs_err::write(&file, b"").expect("written");
    let error = tiny_fit(&tiny_settings(), &file.join("run"), &Silent, NEVER).expect_err("below a file");
    assert!(matches!(&error, TrainError::Write { path, .. } if path.ends_with("file/run")), "{error:?}");

    // A folder in the table's place: the state written before it stays, and training goes on once it is gone.
    let blocked = folder.path().join("blocked");
    fs_err::create_dir_all(blocked.join("epochs.csv")).expect("made");
    let error = tiny_fit(&tiny_settings(), &blocked, &Silent, NEVER).expect_err("a folder is in the way");
    assert!(matches!(&error, TrainError::Write { path, .. } if path.ends_with("epochs.csv")), "{error:?}");
    fs_err::remove_dir(blocked.join("epochs.csv")).expect("removed");
    let recorder = Recorder::default();
    tiny_fit(&tiny_settings(), &blocked, &recorder, NEVER).expect("goes on");
    assert_eq!(*recorder.started.lock().expect("not poisoned"), [(1, 0)]);
    resumes_to(&uninterrupted(), &blocked, "blocked for a while");
}

#[test]
fn a_diverging_training_says_where() {
    let folder = folder();
    let mut settings = tiny_settings();
    (settings.learning_rate, settings.lr_step_factor, settings.epochs) = (1e30, 1.0, 3);
    let error = tiny_fit(&settings, folder.path(), &Silent, NEVER).expect_err("diverges");
    assert!(matches!(error, TrainError::NonFinite { epoch: 0, .. }), "{error:?}");
}

#[test]
fn what_cannot_be_trained_on_is_refused_before_the_first_step() {
    let settings = tiny_settings();
    let raster = || Raster { width_px: 4, height_px: 4, channels: 3, pixels: vec![9; 48] };
    let set = |labels: &[usize]| {
        let items = labels.iter().enumerate().map(|(index, &label)| item(index, label)).collect();
        let images: Vec<_> = labels.iter().map(|_| raster()).collect();
        ImageSet::from_rasters(items, &images, vec![None; labels.len()], 32).expect("well-formed")
    };
    let good = || tiny_set(&settings, 4);
    let refused = |train: &ImageSet, validation: &ImageSet| {
        let folder = folder();
        let error =
            fit(&settings, train, validation, folder.path(), &BTreeMap::new(), &Silent).expect_err("refused");
        assert_eq!(fs_err::read_dir(folder.path()).expect("listed").count(), 0);
        error
    };
    assert!(matches!(refused(&set(&[]), &good()), TrainError::NoImages { set: "train" }));
    assert!(matches!(refused(&good(), &set(&[])), TrainError::NoImages { set: "validation" }));
    assert!(matches!(refused(&set(&[0, 2]), &good()), TrainError::Label { label: 2, n_classes: 2, .. }));
    assert!(matches!(refused(&good(), &set(&[0, 5])), TrainError::Label { label: 5, .. }));
    assert!(matches!(refused(&set(&[0, 0]), &good()), TrainError::ClassMissing { class_idx: 1, .. }));
    assert!(matches!(refused(&set(&[0, 1]), &good()), TrainError::NoMaps { n_images: 2, .. }));
    let mut larger = tiny_settings();
    larger.input_px = 64;
    assert!(matches!(refused(&tiny_set(&larger, 4), &good()), TrainError::SetShape { set: "train", .. }));
}

#[test]
fn a_single_value_a_channel_is_refused_and_a_batch_of_one_image_is_not() {
    let mut settings = tiny_settings();
    (settings.batch_size, settings.epochs) = (3, 1);
    // Ten images in batches of three: the last holds one image, of 4x4 cells.
    tiny_fit(&settings, folder().path(), &Silent, NEVER).expect("trains");
    settings.input_px =
        (1..32).rev().find(|&side| settings.architecture.grid(side) == Some(1)).expect("a small side");
    // A map has no contrast on a single cell, so that only cross-entropy can come so far.
    settings.method = Method::CrossEntropy;
    let error = tiny_fit(&settings, folder().path(), &Silent, NEVER).expect_err("one value");
    assert!(matches!(error, TrainError::SingleValueBatch { n_images: 10, batch_size: 3, .. }), "{error:?}");
}

#[test]
fn trainings_with_the_same_seed_are_paired_and_side_by_side_in_small_pools() {
    let expected = uninterrupted();
    let in_pool = |threads: usize, method: Method| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
        let folder = folder();
        let mut settings = tiny_settings();
        settings.method = method;
        let recorder = Recorder::default();
        pool.install(|| tiny_fit(&settings, folder.path(), &recorder, NEVER)).expect("trains");
        (results(folder.path()), recorder.rows.into_inner().expect("not poisoned"))
    };
    std::thread::scope(|scope| {
        let cyborg = tiny_settings().method;
        let one = scope.spawn(move || in_pool(1, cyborg));
        let two = scope.spawn(move || in_pool(2, cyborg));
        let baseline = scope.spawn(move || in_pool(1, Method::CrossEntropy));
        assert!(one.join().expect("no panic").0 == expected.1);
        assert!(two.join().expect("no panic").0 == expected.1);
        let (files, rows) = baseline.join().expect("no panic");
        assert!(files != expected.1);
        assert!(
            rows.iter()
                .all(|row| row.train_saliency_mse.is_some() && row.train_loss == row.train_cross_entropy)
        );
    });
}

#[test]
fn alpha_of_one_is_cross_entropy() {
    let losses = |method| {
        let mut settings = tiny_settings();
        settings.method = method;
        let recorder = Recorder::default();
        tiny_fit(&settings, folder().path(), &recorder, NEVER).expect("trains");
        recorder.losses.into_inner().expect("not poisoned")
    };
    let Method::Cyborg { cam_class, .. } = tiny_settings().method else {
        panic!("the tiny method is CYBORG")
    };
    assert_eq!(losses(Method::Cyborg { alpha: 1.0, cam_class }), losses(Method::CrossEntropy));
}

#[test]
fn scores_do_not_depend_on_threads() {
    let settings = tiny_settings();
    let set = tiny_set(&settings, 7);
    let network = Network::new(settings.architecture, 2, &Seed::new(5)).expect("a network");
    let scores = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
        pool.install(|| score(&network, settings.tap, &set, 3, &Silent)).expect("scores")
    };
    let one = scores(1);
    assert_eq!(one, scores(2));
    assert_eq!(one.iter().map(|score| score.item).collect::<Vec<_>>(), (0..7).collect::<Vec<_>>());
    for score in &one {
        let grid = settings.grid().expect("possible");
        assert_eq!((score.logits.len(), score.cam.len()), (2, grid * grid));
        assert_eq!((score.cam.iter().min(), score.cam.iter().max()), (Some(&0), Some(&255)));
        assert_eq!(score.predicted, usize::from(score.logits[1] > score.logits[0]));
    }
}

/// Not a test of its own: the other process of the next one.
#[test]
fn child() {
    if let Some(dir) = std::env::var_os("CYBORG_TRAIN_TEST_CHILD") {
        tiny_fit(&tiny_settings(), Path::new(&dir), &Silent, ALWAYS).expect("trains");
    }
}

#[test]
fn sigkill_and_the_number_of_threads_change_nothing() {
    let expected = uninterrupted();
    let child = |dir: &Path, threads: &str| {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", "resume_tests::child"]);
        command.env("CYBORG_TRAIN_TEST_CHILD", dir).env("RAYON_NUM_THREADS", threads);
        command.stdout(std::process::Stdio::null()).spawn().expect("starts")
    };
    let whole = folder();
    for threads in ["1", "2"] {
        let dir = whole.path().join(threads);
        let clock = std::time::Instant::now();
        assert!(child(&dir, threads).wait().expect("ran").success());
        assert!(results(&dir) == expected.1, "{threads} threads");
        let whole_run = clock.elapsed();
        let killed = whole.path().join(format!("{threads}-killed"));
        for tenth in [3, 5, 7, 8, 9] {
            let mut child = child(&killed, threads);
            std::thread::sleep(whole_run * tenth / 10);
            // On Unix this is SIGKILL. It may come too late; that is as good.
            child.kill().expect("killed or gone");
            child.wait().expect("ended");
        }
        resumes_to(&expected, &killed, &format!("{threads} threads, killed"));
    }
}

#[test]
fn dropout_draws_the_same_after_a_cut_and_only_where_it_is_asked_for() {
    // The smallest input at which Inception-v3 has a CAM of more than one cell would do; 107 pixels give 2 x 2.
    let mut settings = tiny_settings();
    settings.architecture = cyborg_backbones::Architecture::InceptionV3;
    (settings.input_px, settings.epochs, settings.batch_size) = (107, 1, 5);
    let folder = [folder(), folder(), folder()];
    let until = |settings: &crate::TrainSettings, folder: &TempDir, stop_before: Option<usize>| {
        let recorder = Recorder { stop_before, ..Recorder::default() };
        let done = tiny_fit(settings, folder.path(), &recorder, NEVER);
        assert_eq!(done.is_err(), stop_before.is_some(), "{done:?}");
        fs_err::read_to_string(folder.path().join("steps.csv")).expect("written")
    };
    let whole = until(&settings, &folder[0], None);
    let cut = until(&settings, &folder[1], Some(1));
    assert!(whole.starts_with(&cut));
    assert_eq!(whole, until(&settings, &folder[1], None), "other draws after a cut");
    settings.dropout = false;
    assert_ne!(cut, until(&settings, &folder[2], Some(1)), "the setting changes nothing");
}

#[test]
fn features_from_a_second_pass_move_the_running_statistics_twice() {
    let tracked = |twice: bool| {
        let folder = folder();
        let settings = crate::TrainSettings { features_from_second_pass: twice, ..tiny_settings() };
        tiny_fit(&settings, folder.path(), &Silent, NEVER).expect("trains");
        let file =
            candle_core::safetensors::load(folder.path().join("last.safetensors"), &candle_core::Device::Cpu);
        file.expect("weights")["bn1.num_batches_tracked"].to_scalar::<i64>().expect("a whole number")
    };
    // Two epochs of three steps.
    assert_eq!((tracked(false), tracked(true)), (6, 12));
}
