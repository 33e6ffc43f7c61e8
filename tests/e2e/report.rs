//! Reports of what is finished, comparisons, and scores from elsewhere.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Desk, TINY, assert_same, contents};

fn ran() -> Desk {
    let desk = Desk::new();
    desk.write("tiny.yaml", TINY);
    desk.xtask(&["run", "tiny.yaml"]).fine();
    desk
}

#[test]
fn a_report_comes_back_from_run_folders_alone() {
    let desk = ran();
    let first = contents(&desk.path("reports/tiny"));
    desk.xtask(&["report", "runs/*", "--output", "again"]).fine();
    assert_same(&first, &contents(&desk.path("again")));
    desk.xtask(&["report", "tiny.yaml", "--output", "from-file"]).fine();
    assert_same(&first, &contents(&desk.path("from-file")));

    // Images may be gone: the gallery has gaps, every number stays.
    fs_err::remove_dir_all(desk.path("data")).expect("removed");
    let said = desk.xtask(&["report", "runs", "--output", "without-data"]).fine();
    assert!(said.stdout.contains("unseen mean"), "{}", said.stdout);
    let without = contents(&desk.path("without-data"));
    assert_eq!(first["runs.csv"], without["runs.csv"]);
    assert!(String::from_utf8_lossy(&without["index.html"]).contains("no image"));

    // Half of the seeds: said, not hidden.
    let said = desk.xtask(&["report", "runs/*_s0_*", "--output", "half"]).fine();
    assert!(said.stdout.contains("fewer seeds than the 2 asked for"), "{}", said.stdout);

    // Another experiment calls the same runs by other names.
    let other = TINY.replace("name: ce,", "name: plain,").replace("baseline: ce", "baseline: plain");
    desk.write("other.yaml", other);
    desk.xtask(&["run", "other.yaml"]).fine();
    let said = desk.xtask(&["report", "runs", "--experiment", "other", "--output", "other"]).fine();
    assert!(said.stdout.contains("cyborg AUC") && said.stdout.contains("vs plain"), "{}", said.stdout);
    desk.xtask(&["report", "runs", "--experiment", "nobody"]).refused(&["`nobody`", "`other`", "`tiny`"]);

    desk.write("changed.yaml", TINY.replace("epochs: 3", "epochs: 4"));
    desk.xtask(&["report", "changed.yaml"]).refused(&["holds no run", "cargo xtask run changed.yaml"]);
    desk.xtask(&["report"]).refused(&["name what to report"]);
    desk.xtask(&["report", "runs/none"]).refused(&["`runs/none`", "there is no such folder"]);
    desk.xtask(&["report", "tiny.yaml", "runs"]).refused(&["not both"]);
}

#[test]
fn an_unfinished_run_is_listed_and_the_rest_reported() {
    let desk = ran();
    let runs = contents(&desk.path("runs"));
    let scores = runs.keys().find(|name| name.ends_with("scores.parquet")).expect("scores");
    fs_err::remove_file(desk.path("runs").join(scores)).expect("removed");
    let said = desk.xtask(&["report", "runs", "--output", "three"]).fine();
    assert!(
        said.stdout.contains("FAILED: faces / thin-resnet8 / c") && said.stdout.contains("experiment again"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_running_experiment_is_followed_to_its_end() {
    let desk = Desk::new();
    desk.write("tiny.yaml", TINY);
    desk.xtask(&["report", "--watch"]).refused(&["no experiment is running in `runs`"]);
    let mut running = desk
        .command(&["run", "tiny.yaml", "--quiet"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let began = Instant::now();
    while !desk.path("runs/.running/tiny.lock").exists() && began.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut watching = desk
        .command(&["report", "--watch", "tiny.yaml", "--output", "watched"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let lines: Vec<String> = BufReader::new(watching.stderr.take().expect("a pipe"))
        .lines()
        .map(|line| line.expect("text"))
        .collect();
    assert!(running.wait().expect("ended").success());
    assert!(watching.wait().expect("ended").success(), "{lines:?}");
    let last = lines.last().expect("a line");
    assert!(last.starts_with("4 of 4 runs: ") && last.ends_with("index.html"), "{lines:?}");
    assert_same(&contents(&desk.path("reports/tiny")), &contents(&desk.path("watched")));
}

#[test]
fn two_methods_are_compared_over_seeds_and_two_runs_on_images() {
    let desk = ran();
    let said = desk.xtask(&["compare", "ce", "cyborg", "--metric", "auc,eer", "--output", "compared"]).fine();
    for words in ["AUC, cyborg minus ce, 2 seeds", "EER, cyborg minus ce", "unseen mean", "paired t-test"] {
        assert!(said.stdout.contains(words), "`{words}` is missing in:\n{}", said.stdout);
    }
    assert!(!said.stdout.contains("DeLong"), "{}", said.stdout);
    assert!(contents(&desk.path("compared")).contains_key("differences.csv"));

    let run = |part: &str| {
        let mut names =
            fs_err::read_dir(desk.path("runs")).expect("runs").map(|entry| entry.expect("one").path());
        let found = names.find(|path| path.to_string_lossy().contains(part)).expect("such a run");
        found.display().to_string()
    };
    let (ce, cyborg) = (run("cross-entropy_s0"), run("cyborg-0.5_s0"));
    // Cameras of the drawn benchmark meet each person twice, so images are no independent witnesses.
    let said = desk.xtask(&["compare", &ce, &cyborg]).fine();
    assert!(said.stdout.contains("bootstrap of the paired difference"), "{}", said.stdout);
    // Two seeds of one method are two runs like any others.
    let said = desk.xtask(&["compare", &ce, &run("cross-entropy_s1")]).fine();
    assert!(said.stdout.contains("ce seed 1 against ce seed 0"), "{}", said.stdout);

    desk.xtask(&["compare", "ce", "cyborgs"])
        .refused(&["`ce` and `cyborgs`", "methods there: `ce`, `cyborg`"]);
    desk.xtask(&["compare", "ce", "ce"]).refused(&["the same runs as the other side"]);
    desk.xtask(&["compare", "runs/*", "ce"]).refused(&["it holds several methods: `ce`, `cyborg`"]);
    desk.xtask(&["compare", "ce", "cyborg", "--metric", "beauty"]).refused(&["no metric `beauty`", "`auc`"]);
    desk.xtask(&["compare", "ce", "cyborg", "--backbone", "vgg"]).refused(&["no finished run is left"]);
}

/// Scores by hand: of ProGAN against CelebA-HQ 3 of 4 pairs are in order, of StyleGAN against FFHQ 2 of 2.
const SCORES: &str = "\
file,truth,generator,p_fake
a.png,real,CelebA-HQ,0.1
b.png,real,CelebA-HQ,0.6
c.png,real,FFHQ,0.2
d.png,fake,ProGAN,0.5
e.png,fake,ProGAN,0.9
f.png,fake,StyleGAN,0.7
g.png,fake,StyleGAN,0.8
";

const FLAGS: [&str; 14] = [
    "evaluate",
    "scores.csv",
    "--image-column",
    "file",
    "--score-column",
    "p_fake",
    "--label-column",
    "truth",
    "--classes",
    "real,fake",
    "--source-column",
    "generator",
    "--output",
    "evaluated",
];

/// [`FLAGS`] and more of them.
fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&FLAGS[..], more].concat()
}

#[test]
fn scores_of_another_program_are_evaluated() {
    let desk = Desk::new();
    desk.write("scores.csv", SCORES);
    let said = desk.xtask(&with(&["--pair", "ProGAN=CelebA-HQ", "--pair", "StyleGAN=FFHQ"])).fine();
    let row = |source: &str| said.stdout.lines().find(|l| l.contains(source)).unwrap_or_default().to_owned();
    assert!(row("ProGAN").contains("0.750"), "{}", said.stdout);
    assert!(row("StyleGAN").contains("1.000"), "{}", said.stdout);
    let first = contents(&desk.path("evaluated"));
    for name in ["index.html", "report.md", "tables.tex", "runs.csv", "runs.parquet"] {
        assert!(first.contains_key(name), "{name} is missing: {:?}", first.keys());
    }
    desk.xtask(&with(&["--pair", "ProGAN=CelebA-HQ", "--pair", "StyleGAN=FFHQ"])).fine();
    assert_same(&first, &contents(&desk.path("evaluated")));

    // A file a method, compared on the same images.
    desk.write("other.csv", SCORES.replace("0.5\n", "0.65\n"));
    let mut two = with(&["--compare", "scores=other", "--bootstrap", "20"]);
    two.insert(2, "other.csv");
    let said = desk.xtask(&two).fine();
    assert!(said.stdout.contains("On the same images (DeLong)"), "{}", said.stdout);
    assert!(contents(&desk.path("evaluated")).contains_key("intervals.csv"));

    // Log-odds, and scores on a scale of their own.
    let numbers = SCORES.replace("p_fake", "z").replace("0.", "-3.");
    desk.write("logits.csv", &numbers);
    let mut logits = with(&["--scale", "any"]);
    (logits[1], logits[5]) = ("logits.csv", "z");
    desk.xtask(&logits).fine();
    *logits.last_mut().expect("a word") = "log-odds";
    desk.xtask(&logits).fine();
    *logits.last_mut().expect("a word") = "probability";
    desk.xtask(&logits).refused(&["logits.csv", "line 2", "`z`"]);
}

#[test]
fn what_is_wrong_with_scores_is_said() {
    let desk = Desk::new();
    desk.write("scores.csv", SCORES);
    let refuse = |more: &[&str], words: &[&str]| {
        desk.xtask(&with(more)).refused(words);
    };
    refuse(&["--pair", "PGAN=FFHQ"], &["no source `PGAN`", "`ProGAN`"]);
    refuse(&["--pair", "ProGAN"], &["`--pair ProGAN`", "expected two names"]);
    refuse(&["--compare", "a=b"], &["no method `a`"]);
    refuse(&["--positive", "bogus"], &["`--positive bogus` is none of `--classes real,fake`"]);
    refuse(&["--subject-column", "person"], &["no column `person`", "`truth`"]);
    desk.write("scores.csv", SCORES.replace("0.9", "nine"));
    refuse(&[], &["scores.csv", "line 6", "`p_fake`", "nine"]);
    desk.write("scores.csv", "file,truth,generator,p_fake\n");
    refuse(&[], &["scores.csv"]);
    fs_err::remove_file(desk.path("scores.csv")).expect("removed");
    refuse(&[], &["scores.csv"]);
    assert!(!desk.path("evaluated/index.html").exists());
}
