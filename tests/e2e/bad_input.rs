//! Everything that a user can get wrong: a clear message, exit code 1, nothing finished lost.

use std::fmt::Write as _;
use std::path::Path;

use crate::support::{Desk, TINY, assert_same, contents, said};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/cyborg-image/tests/golden/files");

/// A user's own folder: 24 images of two classes in three splits with maps, a table and a manifest, and an experiment.
struct Own {
    desk: Desk,
    rows: Vec<String>,
}

const MANIFEST: &str = "\
id: mine
title: My pictures
domain: other
licence: mine
obtain: ask me
root: .
classes: [no, yes]
layout:
  table:
    file: rows.csv
    columns: {image: image, label: label, source: source, split: split, map: map}
";

const EXPERIMENT: &str = "\
data:
  - {name: mine, manifest: mine/manifest.yaml}
methods:
  - {name: ce, loss: cross-entropy}
  - {name: cyborg, loss: cyborg}
backbones: [thin-resnet8]
seeds: 1
training: {epochs: 1, batch_size: 4, input_px: 32}
";

impl Own {
    fn new() -> Self {
        let desk = Desk::new();
        let mut rows = Vec::new();
        for i in 0..24u32 {
            let (label, split) =
                (["no", "yes"][i as usize % 2], ["train", "validation", "test"][i as usize % 3]);
            // A bright square whose place tells the class; the map marks it.
            let bright =
                |x: u32, y: u32| (8..16).contains(&y) && (8 * (i % 2)..8 * (i % 2) + 8).contains(&(x / 2));
            let raster = |channels: usize, value: &dyn Fn(u32, u32) -> u8| cyborg_image::Raster {
                width_px: 32,
                height_px: 24,
                channels,
                pixels: (0..24 * 32)
                    .flat_map(|p| std::iter::repeat_n(value(p % 32, p / 32), channels))
                    .collect(),
            };
            fs_err::create_dir_all(desk.path("mine/maps")).expect("made");
            let image =
                raster(3, &|x, y| if bright(x, y) { 200 } else { (x * 3 + y * 5 + i * 7) as u8 % 90 });
            cyborg_image::write_png(&desk.path(&format!("mine/{i}.png")), &image).expect("written");
            let map = raster(1, &|x, y| if bright(x, y) { 255 } else { 0 });
            cyborg_image::write_png(&desk.path(&format!("mine/maps/{i}.png")), &map).expect("written");
            rows.push(format!("{i}.png,{label},{label}-source,{split},maps/{i}.png"));
        }
        let own = Self { desk, rows };
        own.desk.write("mine/manifest.yaml", MANIFEST);
        own.desk.write("own.yaml", EXPERIMENT);
        own
    }

    /// Line `line` of the table (2 is the first row) said differently.
    fn with_row(mut self, line: usize, row: &str) -> Self {
        row.clone_into(&mut self.rows[line - 2]);
        self
    }

    fn run(&self, extra: &[&str]) -> crate::support::Said {
        let mut table = "image,label,source,split,map\n".to_owned();
        for row in &self.rows {
            writeln!(table, "{row}").expect("a string takes it");
        }
        self.desk.write("mine/rows.csv", table);
        self.desk.xtask(&[&["run", "own.yaml"], extra].concat())
    }
}

#[test]
fn ones_own_folder_runs() {
    let said = Own::new().run(&[]).fine();
    // There is no unseen source: the headline says what it uses instead.
    assert!(said.stdout.contains("yes-source"), "{}", said.stdout);
}

#[test]
fn images_that_cannot_be_used_are_all_named_and_stop_the_data() {
    let own = Own::new();
    let whole = fs_err::read(own.desk.path("mine/4.png")).expect("read");
    own.desk.write("mine/truncated.png", &whole[..whole.len() / 2]);
    own.desk.write("mine/text.png", "not an image\n");
    own.desk.write("mine/empty.png", "");
    fs_err::copy(Path::new(FIXTURES).join("one-pixel.png"), own.desk.path("mine/one.png")).expect("copied");
    let own = own
        .with_row(3, "truncated.png,yes,a,train,")
        .with_row(5, "text.png,yes,a,train,")
        .with_row(6, "empty.png,no,a,test,")
        .with_row(7, "one.png,yes,a,train,");
    own.run(&[]).refused(&[
        "rows.csv:3",
        "truncated.png",
        "rows.csv:5",
        "text.png",
        "rows.csv:6",
        "empty.png",
        "rows.csv:7",
        "one.png",
        "2 of the runs failed",
        "on_bad_image: skip",
    ]);
    // Asked to, the run goes on without them, and the report says so.
    own.desk.write("own.yaml", format!("{EXPERIMENT}on_bad_image: skip\n"));
    let said = own.run(&[]).fine();
    assert!(said.stdout.contains("4 images were left out"), "{}", said.stdout);
}

#[test]
fn files_that_are_not_there_are_named() {
    let own =
        Own::new().with_row(4, "gone.png,no,a,train,").with_row(9, "7.png,yes,a,validation,maps/gone.png");
    own.run(&[]).refused(&["gone.png", "gone.png", "ask me"]);
    own.desk.write("own.yaml", EXPERIMENT.replace("mine/manifest.yaml", "mine/nowhere.yaml"));
    own.run(&[]).refused(&["there is no manifest `mine/nowhere.yaml`", "own.yaml:2:"]);
    own.desk.write("own.yaml", EXPERIMENT);
    own.desk.write("mine/manifest.yaml", MANIFEST.replace("root: .", "root: ../not-here"));
    own.run(&[]).refused(&["data set `mine`", "is missing", "ask me", "--data-root", "--phantom"]);
}

#[test]
fn every_kind_of_picture_is_taken_as_the_reference_takes_it() {
    let own = Own::new();
    for name in
        ["rgb-16-bit.png", "grey-16-bit.png", "cmyk.jpg", "grey.png", "rgba.png", "palette-transparent.png"]
    {
        fs_err::copy(Path::new(FIXTURES).join(name), own.desk.path(&format!("mine/{name}"))).expect("copied");
    }
    own.with_row(2, "rgb-16-bit.png,no,a,train,")
        .with_row(5, "grey-16-bit.png,yes,a,train,")
        .with_row(8, "cmyk.jpg,no,a,train,")
        .with_row(11, "grey.png,yes,a,train,")
        .with_row(4, "rgba.png,no,a,test,")
        .with_row(7, "palette-transparent.png,yes,a,test,")
        .run(&[])
        .fine();
}

#[test]
fn maps_are_checked_too() {
    // 32x24 images; a map of twice that size is the same shape, a square one is not.
    let own = Own::new();
    let map = |width_px, height_px, value| cyborg_image::Raster {
        width_px,
        height_px,
        channels: 1,
        pixels: (0..width_px * height_px).map(|p| if p % 7 == 0 { value } else { 0 }).collect(),
    };
    cyborg_image::write_png(&own.desk.path("mine/maps/twice.png"), &map(64, 48, 255)).expect("written");
    cyborg_image::write_png(&own.desk.path("mine/maps/square.png"), &map(32, 32, 255)).expect("written");
    cyborg_image::write_png(&own.desk.path("mine/maps/zero.png"), &map(32, 24, 0)).expect("written");
    let own =
        own.with_row(2, "0.png,no,a,train,maps/twice.png").with_row(5, "3.png,yes,a,train,maps/zero.png");
    let said = own.run(&[]).fine();
    assert!(said.stdout.contains("1 of 8 human maps"), "the flat map is reported:\n{}", said.stdout);
    own.with_row(8, "6.png,no,a,train,maps/square.png").run(&[]).refused(&["rows.csv:8", "32x32", "32x24"]);
}

#[test]
fn rows_that_mean_nothing_are_named() {
    Own::new().with_row(3, "1.png,maybe,a,train,").run(&[]).refused(&["rows.csv:3", "maybe", "`no`"]);
    Own::new().with_row(3, "1.png,yes,a,later,").run(&[]).refused(&["rows.csv:3", "later"]);
    Own::new().with_row(3, "../1.png,yes,a,train,").run(&[]).refused(&["rows.csv:3", "../1.png"]);
    let mut own = Own::new();
    for row in &mut own.rows {
        if row.contains(",yes,") {
            *row = row.replace(",train,", ",test,");
        }
    }
    own.run(&[]).refused(&["no training image is of class `yes`"]);
}

#[test]
fn experiment_files_that_cannot_be_run() {
    let desk = Desk::new();
    for (from, to, words) in [
        ("seeds: 2", "seedz: 2", "did you mean `seeds`?"),
        ("alpha: 0.5", "alpha: 1.5", "expected a number from 0 to 1, found 1.5"),
        ("seeds: 2", "seeds: []", "there are no seeds"),
    ] {
        desk.write("tiny.yaml", TINY.replace(from, to));
        desk.xtask(&["run", "tiny.yaml"]).refused(&["tiny.yaml:", words]);
    }
    desk.xtask(&["run", "none.yaml"]).refused(&["none.yaml"]);
    assert_eq!(contents(desk.dir.path()).len(), 1, "nothing was made");
}

#[test]
fn a_training_that_diverges_says_so_and_takes_no_other_down() {
    let desk = Desk::new();
    desk.write("fine.yaml", TINY);
    desk.xtask(&["run", "fine.yaml"]).fine();
    let before = contents(&desk.path("runs"));
    desk.write("wild.yaml", TINY.replace("learning_rate: 0.02", "learning_rate: 1.0e+30"));
    desk.xtask(&["run", "wild.yaml"]).refused(&["epoch 0", "learning rate", "smaller"]);
    let mut after = contents(&desk.path("runs"));
    after.retain(|name, _| before.contains_key(name));
    assert_same(&before, &after);
}

#[test]
fn a_run_that_another_process_holds_is_left_to_it() {
    let desk = Desk::new();
    desk.write("tiny.yaml", TINY);
    desk.xtask(&["run", "tiny.yaml"]).fine();
    let scores =
        contents(&desk.path("runs")).into_keys().find(|n| n.ends_with("done.json")).expect("a finished run");
    let run = scores.split('/').next().expect("a folder").to_owned();
    fs_err::remove_file(desk.path("runs").join(&scores)).expect("removed");
    let lock = fs_err::File::open(desk.path(&format!("runs/{run}/lock"))).expect("a lock");
    lock.file().lock().expect("held");
    desk.xtask(&["run", "tiny.yaml"]).refused(&[&run, "another process", "--wait"]);
    drop(lock);
    desk.xtask(&["run", "tiny.yaml"]).fine();
}

#[test]
fn places_that_cannot_be_written() {
    let desk = Desk::new();
    desk.write("tiny.yaml", TINY);
    desk.write("file", "where a folder should be");
    desk.xtask(&["run", "tiny.yaml", "--data", "file/data"]).refused(&["file/data"]);
    desk.xtask(&["run", "tiny.yaml", "--runs", "file/runs"]).refused(&["file/runs"]);
    desk.xtask(&["run", "tiny.yaml", "--reports", "file/reports"]).refused(&["file/reports"]);
    // The runs were done all the same: only the report is to be built now.
    let said = desk.xtask(&["run", "tiny.yaml"]).fine();
    assert!(said.stderr.contains("4 of 4 runs are finished already"), "{}", said.stderr);
}

/// A full disk, as far as a program can tell: no file may grow past a limit.
#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing_that_was_finished() {
    let desk = Desk::new();
    desk.write("tiny.yaml", TINY);
    desk.xtask(&["run", "tiny.yaml", "--quiet"]).fine();
    let calm = contents(&desk.path("reports"));
    fs_err::remove_dir_all(desk.path("runs")).expect("removed");
    let program = env!("CARGO_BIN_EXE_xtask");
    // 64 blocks of 1024 bytes: tables fit, the weights of 78,000 parameters do not.
    let limited = format!("trap '' XFSZ; ulimit -f 64; exec '{program}' run tiny.yaml");
    let output = std::process::Command::new("bash")
        .args(["-c", &limited])
        .current_dir(desk.dir.path())
        .output()
        .expect("bash starts");
    said(output).refused(&["cannot write weights", "best.safetensors"]);
    desk.xtask(&["run", "tiny.yaml"]).fine();
    assert_same(&calm, &contents(&desk.path("reports")));
}
