//! Made-up run folders in, pages and tables out.
use cyborg_eval::{ScoreRow, write_scores};
use cyborg_report::cams::CamFile;
use cyborg_report::{FailedRun, build};
use std::path::Path;

mod made;
#[path = "../support/mod.rs"]
mod support;

use made::{Made, set_scores, well_formed};
use support::{Plan, image_id, run_dir};

#[test]
fn a_mean_worked_out_by_hand_is_in_every_output() {
    let plan = Plan { sources: vec!["ProGAN"], seen: vec![], seeds: 2, ..Plan::default() };
    let made = Made::new(&plan);
    // ce, seed 0: 0.9 beats 0.5 and 0.2, 0.4 beats 0.2 only: 3 of 4 pairs, AUC 0.75.
    // ce, seed 1: 0.6 beats both, 0.1 neither: 2 of 4 pairs, AUC 0.5.
    set_scores(&run_dir(&made.input, "ce", 0), "ProGAN", &[0.9, 0.4], &[0.5, 0.2]);
    set_scores(&run_dir(&made.input, "ce", 1), "ProGAN", &[0.6, 0.1], &[0.5, 0.2]);
    // cyborg: 1 and 0.75.
    set_scores(&run_dir(&made.input, "cyborg", 0), "ProGAN", &[0.9, 0.8], &[0.5, 0.2]);
    set_scores(&run_dir(&made.input, "cyborg", 1), "ProGAN", &[0.9, 0.4], &[0.5, 0.2]);
    // ce: mean 0.625, standard deviation sqrt(2 * 0.125^2 / 1) = 0.177; cyborg: mean 0.875, the same deviation.
    // Both differences are 0.25, so there is no spread in them and no t: the mean is +0.250.
    made.check(&["0.625 ± 0.177", "0.875 ± 0.177", "+0.250"]);
    assert!(made.file("per_source.csv").contains(",0.625,0.1767766952966369,0.5,0.75,"));
    let runs = made.file("runs.csv");
    assert!(runs.contains("faces,ce,thin_resnet,0,source,ProGAN,false,1,2,2,0.75,"), "{runs}");
    assert!(runs.contains("faces,cyborg,thin_resnet,1,source,ProGAN,false,1,2,2,0.75,"), "{runs}");
    assert!(made.file("comparisons.csv").contains(",auc,ce,cyborg,2,0,0.625,0.875,0.25,0,"));
}

#[test]
fn the_terminal_shows_the_table() {
    let mut made = Made::new(&Plan::default());
    made.input.warnings = vec!["2 images could not be read".to_owned()];
    let terminal = made.build().terminal;
    assert!(terminal.lines().all(|line| line.chars().count() <= 100), "{terminal}");
    insta::assert_snapshot!(terminal, @r#"
    Made-up numbers: does saliency help on unseen generators?
    PHANTOM DATA (Phantom faces): drawn by a program, not photographed
    WARNING: 2 images could not be read
    WARNING: faces: training or validation saw 1 of 2 sources tested (StyleGAN2); these are kept out of
      `unseen mean`

    Phantom faces, thin_resnet, 3 seeds
     source                       ce                        cyborg                    AUC       p
                                 AUC      bal. acc.            AUC      bal. acc.   diff.  (Holm)
    ───────────────────────────────────────────────────────────────────────────────────────────────
     ProGAN            0.768 ± 0.048  0.683 ± 0.072  0.812 ± 0.131  0.717 ± 0.113  +0.044   0.629
     StyleGAN2 (seen)  0.708 ± 0.088  0.658 ± 0.101  0.803 ± 0.043  0.700 ± 0.025  +0.095   0.345

     unseen mean       0.768 ± 0.048  0.683 ± 0.072  0.812 ± 0.131  0.717 ± 0.113  +0.044   0.629
     seen mean         0.708 ± 0.088  0.658 ± 0.101  0.803 ± 0.043  0.700 ± 0.025  +0.095   0.173
     all mean          0.738 ± 0.068  0.671 ± 0.085  0.808 ± 0.086  0.708 ± 0.064  +0.070   0.353
     all pooled        0.738 ± 0.068  0.671 ± 0.085  0.807 ± 0.086  0.708 ± 0.064  +0.070   0.353
    bal. acc.: balanced accuracy, the mean over classes of the share called rightly (1 / number of
      classes is chance), at the fixed threshold of two classes or by the largest logit of more
    p: paired t-test over seeds after Holm's correction; the sources (of all data sets, backbones and
      pairs of methods) are one family, each mean or pool is one by itself

    On unseen sources: cyborg AUC 0.812 vs ce 0.768, difference +0.044 [-0.293, +0.381], paired t-test
      p = 0.629, n = 3 seeds: no significant difference at 0.05
    Caution: 3 seeds are too few for a test over seeds to say much, because it rests on differences
      being normal (5 is little, 10 is what the papers use). Correlation of both methods over the paired
      seeds: +0.091.
    "#);
}

#[test]
fn markdown_shows_the_report() {
    let made = Made::new(&Plan { seeds: 2, ..Plan::default() });
    made.build();
    insta::assert_snapshot!(made.file("report.md"), @r#"
    # Made-up numbers: does saliency help on unseen generators?

    > **Phantom data.** Phantom faces is drawn by a program from a seed, not photographed. Its numbers compare methods under known conditions; they are no result on real images.

    > **Warning.** faces: training or validation saw 1 of 2 sources tested (StyleGAN2); these are kept out of \`unseen mean\`

    **On unseen sources: cyborg AUC 0.741 vs ce 0.755, difference -0.014 \[-1.173, +1.146\], paired t-test p = 0.905, n = 2 seeds: no significant difference at 0.05.**

    Caution: 2 seeds are too few for a test over seeds to say much, because it rests on differences being normal (5 is little, 10 is what the papers use).

    Every number here is drawn by a small program to show what a report looks like.

    ## Phantom faces, thin_resnet, 2 seeds

    | source | positive | negative | ce AUC | ce bal. acc. | ce AP | ce EER | cyborg AUC | cyborg bal. acc. | cyborg AP | cyborg EER | cyborg - ce AUC | 95 % interval | p (Holm) |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    | ProGAN | 20 | 20 | 0.755 ± 0.060 | 0.663 ± 0.088 | 0.766 ± 0.070 | 0.300 ± 0.071 | 0.741 ± 0.069 | 0.663 ± 0.088 | 0.773 ± 0.073 | 0.350 ± 0.071 | -0.014 | [-1.173, +1.146] | 0.907 |
    | StyleGAN2 (seen) | 20 | 20 | 0.688 ± 0.113 | 0.613 ± 0.088 | 0.690 ± 0.133 | 0.350 ± 0.071 | 0.779 ± 0.002 | 0.700 ± 0.035 | 0.766 ± 0.035 | 0.300 ± 0.000 | +0.091 | [-0.909, +1.092] | 0.907 |
    | *unseen mean* | 20 | 20 | 0.755 ± 0.060 | 0.663 ± 0.088 | 0.766 ± 0.070 | 0.300 ± 0.071 | 0.741 ± 0.069 | 0.663 ± 0.088 | 0.773 ± 0.073 | 0.350 ± 0.071 | -0.014 | [-1.173, +1.146] | 0.905 |
    | *seen mean* | 20 | 20 | 0.688 ± 0.113 | 0.613 ± 0.088 | 0.690 ± 0.133 | 0.350 ± 0.071 | 0.779 ± 0.002 | 0.700 ± 0.035 | 0.766 ± 0.035 | 0.300 ± 0.000 | +0.091 | [-0.909, +1.092] | 0.453 |
    | *all mean* | 40 | 20 | 0.721 ± 0.087 | 0.638 ± 0.088 | 0.728 ± 0.101 | 0.325 ± 0.071 | 0.760 ± 0.034 | 0.681 ± 0.062 | 0.770 ± 0.054 | 0.325 ± 0.035 | +0.039 | [-1.041, +1.119] | 0.728 |
    | *all pooled* | 40 | 20 | 0.721 ± 0.087 | 0.637 ± 0.088 | 0.833 ± 0.066 | 0.338 ± 0.053 | 0.760 ± 0.034 | 0.681 ± 0.062 | 0.861 ± 0.033 | 0.325 ± 0.035 | +0.039 | [-1.041, +1.119] | 0.728 |

    - bal. acc.: balanced accuracy, the mean over classes of the share called rightly (1 / number of classes is chance), at the fixed threshold of two classes or by the largest logit of more
    - p: paired t-test over seeds after Holm's correction; the sources (of all data sets, backbones and pairs of methods) are one family, each mean or pool is one by itself

    ## Data

    - Phantom faces (`faces`)
      - test: 20 images of each source

    ## What the numbers are

    - **AUC**: area under the ROC: the share of (positive, negative) pairs of images in which the positive one scores higher, a tie counting one half. 0.5 is chance.
    - **balanced accuracy**: mean over classes of the share called rightly; with two classes 1 - ACER. It does not depend on how many images there are of each class; 1 / number of classes is chance. With a threshold chosen on validation images it is taken there, else at the fixed threshold 0.5 (more than two classes: by the largest logit).
    - **accuracy**: share of images called rightly. It depends on how many images there are of each class: saying the more frequent one always reaches its share (in "all pooled", of all images of all sources). So it stands in the tables of all metrics only.
    - **AP**: average precision: sum over thresholds of (step in recall) x precision. It depends on the share of positives, so compare it between methods on one source, not between sources.
    - **EER**: equal error rate: the error at the threshold where false positives are as frequent as misses.
    - **score**: the probability (softmax) that the network gives to the positive class. Images are ranked by the log-odds of the saved logits, which still differ where probabilities are 0 or 1 to the last bit.
    - **source**: where images come from: a generator, a camera, a hospital. A row tests the positive images of one source against the negative images that it is paired with.
    - **seen**: training or validation held images of this source. Only unseen sources tell how a method carries over.
    - **unseen mean, seen mean, all mean**: means over sources, every source counting the same. "all pooled" puts all images in one pot instead.
    - **± and bands**: one standard deviation over seeds (n - 1). Means are over seeds; with one seed there is no deviation.
    - **difference, interval**: candidate minus baseline, seed by seed; the mean over seeds and its 95 % t-interval.
    - **p**: two-sided paired t-test over seeds, after Holm's correction for the sources of the table: the same seed gives both methods the same initial weights and order of images. It speaks for training again with other seeds, not for other images, sources or networks. The row to decide by is the one in the verdict.
    - **CAM**: class activation map of the predicted class, also where that is not the image's class, brought to 0..1 by its own minimum and maximum. The human map is the average of what people marked on the training images.

    ## Make it again

    ```sh
    cargo xtask run experiments/demo.yaml
    ```

    ```yaml
    name: demo
    seeds: [0, 1, 2]
    ```

    | environment | |
    | --- | --- |
    | cyborg | 0.1.0 |
    "#);
}

#[test]
fn the_same_runs_give_the_same_bytes() {
    let mut made = Made::new(&Plan { backbones: vec!["a", "b"], seeds: 2, ..Plan::default() });
    made.build();
    let first = made.dir.path().join("report");
    made.input.runs.reverse();
    let second = made.dir.path().join("again");
    build(&made.input, &second).expect("a report");
    let mut names: Vec<_> =
        fs_err::read_dir(&first).expect("list").map(|entry| entry.expect("entry").file_name()).collect();
    names.sort();
    assert_eq!(names.len(), 17, "{names:?}");
    for name in names {
        let bytes = |dir: &Path| fs_err::read(dir.join(&name)).expect("a file");
        assert!(bytes(&first) == bytes(&second), "{} differs", name.display());
    }
}

#[test]
fn names_are_text_and_nothing_else() {
    let mut made = Made::new(&Plan { methods: vec!["ce", "<b>x</b>|*y*"], seeds: 2, ..Plan::default() });
    made.input.title = "</title><script>alert(1)</script> & \"more\"".to_owned();
    made.input.warnings = vec!["<img src=x onerror=alert(1)>\u{1b}[31m\u{202e}".to_owned()];
    made.input.data[0].title = "a\"onmouseover=\"b".to_owned();
    made.input.data[0].facts = vec!["`code` [x](y)".to_owned()];
    made.input.resolved_yaml = "a: |\n  ```\n  </pre><script>\n".to_owned();
    let source = "=cmd|' /C calc'!A0,\"q\"\nline";
    for seed in 0..2 {
        set_scores(&run_dir(&made.input, "ce", seed), source, &[0.9, 0.4], &[0.5, 0.2]);
        set_scores(&run_dir(&made.input, "<b>x</b>|*y*", seed), source, &[0.9, 0.4], &[0.5, 0.2]);
    }
    let terminal = made.build().terminal;
    assert!(!terminal.contains(['\u{1b}', '\u{202e}']), "{terminal}");
    let page = made.file("index.html");
    well_formed(&page);
    assert_eq!(page.matches("<script>").count(), 1, "only the page's own script");
    for name in ["<img src=x", "<b>x", "onmouseover=\"b"] {
        assert!(!page.contains(name), "{name}");
    }
    let markdown = made.file("report.md");
    assert!(!markdown.contains("<b>x</b>|*y*"), "{markdown}");
    assert!(markdown.contains("\\<b\\>x\\</b\\>\\|\\*y\\*"), "{markdown}");
    assert!(markdown.contains("````yaml"), "{markdown}");
    // The name comes back from the CSV as it was, after an apostrophe that keeps a spreadsheet from running it.
    let csv = made.file("per_source.csv");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let sources: Vec<String> =
        reader.records().map(|record| record.expect("a record")[4].to_owned()).collect();
    assert!(sources.contains(&format!("'{source}")), "{sources:?}");
}

#[test]
fn one_seed_has_no_spread_and_no_test() {
    let made = Made::new(&Plan { seeds: 1, ..Plan::default() });
    made.check(&["n = 1 seed: no spread, no test over seeds; it takes several", "1 seed"]);
    assert!(!made.file("report.md").contains(" ± 0"), "no deviation of one seed");
}

#[test]
fn one_method_has_no_comparison() {
    let made = Made::new(&Plan { methods: vec!["ce"], ..Plan::default() });
    made.check(&["n = 3 seeds (one method, nothing to compare)"]);
    let csv = made.file("comparisons.csv");
    assert!(csv.starts_with("data,backbone,kind,source") && csv.lines().count() == 1, "{csv}");
}

#[test]
fn a_method_that_never_finished_is_said_so() {
    let mut made = Made::new(&Plan::default());
    let (finished, lost) = made.input.runs.drain(..).partition(|run| run.key.method == "ce");
    made.input.runs = finished;
    let lost: Vec<cyborg_report::RunEntry> = lost;
    let failed =
        lost.into_iter().map(|run| FailedRun { key: run.key, reason: "the disk is full".to_owned() });
    made.input.failed = failed.collect();
    made.check(&[
        "cyborg / seed 1; faces / thin_resnet / cyborg / seed 2: the disk is full",
        "no comparison of cyborg with ce: `cyborg` has no run",
    ]);
}

#[test]
fn broken_runs_are_listed_and_the_rest_is_reported() {
    let made = Made::new(&Plan { seeds: 8, ..Plan::default() });
    let file = |seed: u64, name: &str| run_dir(&made.input, "cyborg", seed).join(name);
    fs_err::remove_file(file(0, "scores.parquet")).expect("remove");
    fs_err::write(file(1, "scores.parquet"), "PAR1 no parquet").expect("write");
    fs_err::write(file(2, "epochs.csv"), "epoch,best\n1,true\n").expect("write");
    fs_err::write(file(3, "cams.safetensors"), [0; 5]).expect("write");
    let mut short = CamFile::new(4);
    short.push(&[0.5; 16]).expect("cam");
    short.write(&file(4, "cams.safetensors")).expect("write");
    fs_err::remove_dir_all(run_dir(&made.input, "cyborg", 5)).expect("remove");
    made.check(&[
        "cyborg / seed 0: cannot read",
        "cyborg / seed 1: cannot read",
        "cyborg / seed 2: cannot use",
        "cyborg / seed 3: cannot use",
        "cyborg / seed 4: `cams.safetensors` holds 1 CAMs, `scores.parquet` has 60 rows",
        "cyborg / seed 5: cannot read",
        "n = 2 seeds",
        "6 runs without a counterpart of the same seed left out",
    ]);
    assert!(made.file("index.html").contains("6 of 16 runs failed"));
}

#[test]
fn nothing_to_report_is_an_error() {
    let made = Made::new(&Plan { seeds: 1, ..Plan::default() });
    for run in &made.input.runs {
        fs_err::remove_dir_all(&run.dir).expect("remove");
    }
    let message = build(&made.input, &made.dir.path().join("report")).expect_err("no run").to_string();
    assert!(
        message.starts_with("cannot build the report `demo`: none of its 2 runs has results (faces /"),
        "{message}"
    );
    assert!(!made.dir.path().join("report").exists());
    let mut none = made.input.clone();
    none.runs.clear();
    let message = build(&none, &made.dir.path().join("report")).expect_err("no run").to_string();
    assert!(message.contains("none of its 0 runs has results (none was asked for)"), "{message}");
    let mut twice = made.input.clone();
    twice.runs.push(twice.runs[0].clone());
    let message = build(&twice, &made.dir.path().join("report")).expect_err("twice").to_string();
    assert!(message.contains("faces / thin_resnet / ce / seed 0 is given twice"), "{message}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let made = Made::new(&Plan { seeds: 1, ..Plan::default() });
    let blocked = made.dir.path().join("blocked");
    fs_err::write(&blocked, "a file").expect("write");
    let message = build(&made.input, &blocked).expect_err("not a folder").to_string();
    assert!(message.contains("cannot write `") && message.contains("blocked"), "{message}");
}

#[test]
fn a_sweep_is_drawn_and_tabled() {
    let made = Made::new(&Plan { sweep: vec![0.5, 0.0, 1.0], ..Plan::default() });
    made.check(&["strength of the shortcut", "These are 3 tests: without any effect"]);
    let page = made.file("index.html");
    assert!(page.find("id=\"sweep\"") < page.find("id=\"results\""), "the sweep comes first");
    // Points rise along the axis whatever the order of the data sets.
    let table =
        page.split("id=\"sweep\"").nth(1).and_then(|rest| rest.split("</table>").next()).expect("a table");
    let at: Vec<usize> = ["0", "0.5", "1"]
        .iter()
        .map(|x| table.find(&format!("data-value=\"{x}\">{x}<")).expect("a point"))
        .collect();
    assert!(at.is_sorted(), "{at:?}");
}

#[test]
fn several_backbones_and_methods_each_have_their_part() {
    let plan =
        Plan { backbones: vec!["resnet18", "resnet50"], methods: vec!["ce", "a", "b"], ..Plan::default() };
    let made = Made::new(&plan);
    made.check(&["resnet18", "resnet50", "These are 4 tests"]);
    assert!(made.build().terminal.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn without_unseen_sources_the_verdict_says_so() {
    let made = Made::new(&Plan { seen: vec!["ProGAN", "StyleGAN2"], ..Plan::default() });
    made.check(&["On all sources (training or validation saw every one): cyborg AUC"]);
}

#[test]
fn a_test_set_of_one_class_has_reasons_instead_of_numbers() {
    let made = Made::new(&Plan::default());
    for seed in 0..3 {
        for method in ["ce", "cyborg"] {
            set_scores(&run_dir(&made.input, method, seed), "ProGAN", &[0.9, 0.4], &[]);
        }
    }
    made.check(&["there is no negative image"]);
}

#[test]
fn no_image_at_all_is_no_reason_to_fail() {
    let made = Made::new(&Plan::default());
    for run in &made.input.runs {
        set_scores(&run.dir, "ProGAN", &[], &[]);
    }
    made.check(&["On all images: no comparison of cyborg with ce"]);
}

#[test]
fn three_classes_are_one_against_the_rest() {
    let mut made = Made::new(&Plan { seeds: 2, ..Plan::default() });
    made.input.data[0].classes = vec!["healthy".to_owned(), "flu".to_owned(), "cold".to_owned()];
    let image = |label: u32, index: usize, score: f64| ScoreRow {
        image: image_id("ProGAN", index),
        source: "clinic".to_owned(),
        label,
        predicted: if score > 0.5 { 1 } else { 2 },
        score,
        logits: vec![-1.0, score as f32, 1.0 - score as f32],
    };
    for run in &made.input.runs {
        let rows: Vec<ScoreRow> =
            (0..6).map(|at| image(at % 3, at as usize, f64::from(at) / 10.0 + 0.1)).collect();
        write_scores(&run.dir.join("scores.parquet"), &rows).expect("scores");
        let mut cams = CamFile::new(2);
        rows.iter().try_for_each(|_| cams.push(&[0.0, 1.0, 0.0, 0.0])).expect("cams");
        cams.write(&run.dir.join("cams.safetensors")).expect("cams");
    }
    made.check(&["clinic"]);
    assert!(made.file("index.html").contains("average CAM of ce on images of class cold"));
    // Of the two colds one scores above 0.5 and is taken for flu, in each of two seeds; both healthy ones are taken for colds.
    let confusion = made.file("confusion.csv");
    for row in [",ce,cold,flu,2,0.5\n", ",ce,cold,cold,2,0.5\n", ",ce,healthy,cold,4,1\n"] {
        assert!(confusion.contains(row), "{row} is missing in:\n{confusion}");
    }
    made.input.data[0].classes.truncate(2);
    let message = build(&made.input, &made.dir.path().join("report")).expect_err("class 2").to_string();
    assert!(message.contains("has label 0 and predicted 2, but data set `faces` has 2 classes"), "{message}");
}

#[test]
fn missing_pictures_leave_gaps() {
    let made = Made::new(&Plan { seeds: 1, ..Plan::default() });
    fs_err::remove_dir_all(made.dir.path().join("images")).expect("remove");
    made.build();
    let page = made.file("index.html");
    well_formed(&page);
    assert!(
        page.contains("no image") && page.contains("could not be read and are left out"),
        "gaps are said"
    );
}

#[test]
fn the_gallery_takes_the_largest_margins() {
    let made = Made::new(&Plan { sources: vec!["ProGAN"], seeds: 1, ..Plan::default() });
    // Right by most: 0.99, then 0.9; wrong by most: 0.05. Images are numbered in the order of the scores.
    set_scores(&run_dir(&made.input, "ce", 0), "ProGAN", &[0.6, 0.99, 0.05, 0.9, 0.7, 0.4], &[0.3]);
    made.build();
    let page = made.file("index.html");
    let cards = |heading: &str| {
        let part =
            page.split(heading).nth(1).and_then(|rest| rest.split("<h3>").next()).expect("a row of cards");
        let ids = part.split("class=\"id\" title=\"").skip(1);
        ids.map(|id| id.split('"').next().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    let (right, wrong) = (cards("ce: right"), cards("ce: wrong"));
    let id = |index| image_id("ProGAN", index);
    // Three of each class; one authentic image is right by ln(0.7 / 0.3) = 0.85, as far as 0.7 of the other class.
    assert_eq!(right[..2], [id(1), id(3)]);
    assert_eq!(right.len(), 4);
    assert_eq!(wrong, [id(2), id(5)]);
}
