//! What a build makes, makes again, and leaves alone.

use cyborg_image::Raster;
use cyborg_recipe::{Plan, RecipeError, Row, build, parse_recipe};

use crate::folder::{BOXES, Folder, HEAD};

fn row<'a>(rows: &'a [Row], image: &str) -> &'a Row {
    rows.iter().find(|row| row.image == image).unwrap()
}

#[test]
fn the_mean_of_three_people() {
    let folder = Folder::with_boxes();
    let built = folder.build("").unwrap();
    assert_eq!((built.n_maps(), built.n_built, built.n_unchanged), (3, 4, 0));
    // All three, two of them, one of them: 255, 170 and 85, divided by the greatest; nobody bottom right.
    let levels = [(5, 5), (30, 5), (5, 25), (30, 25)].map(|(x, y)| folder.level("a", x, y));
    assert_eq!(levels, [255, 85, 85, 0]);
    let a = row(&built.rows, "images/a.png");
    assert_eq!((a.n_annotators, &*a.annotators, a.n_marks, a.bits), (3, "ann;bob;cy", 3, 8));
    assert_eq!((a.width_px, a.height_px, a.flat_on_7x7), (40, 30, Some(false)));
    // Pairs: ann in bob 1/2, ann in cy 1/2, bob and cy 300 of 900 pixels.
    assert!((a.iou.unwrap() - (0.5 + 0.5 + 1.0 / 3.0) / 3.0).abs() < 1e-12);
    let c = row(&built.rows, "images/c.png");
    assert_eq!((c.iou, &*c.agreement_reason), (None, "one annotator"));
    let d = row(&built.rows, "images/d.png");
    assert_eq!((&*d.map, &*d.reason), ("", "no annotation"));
    assert!(!folder.path("out/maps/images/d.png").exists());
}

#[test]
fn each_setting_does_what_it_says() {
    let folder = Folder::with_boxes();
    let check = |tail: &str, expected: [u8; 4]| {
        folder.build(tail).unwrap();
        let levels = [(5, 5), (30, 5), (5, 25), (30, 25)].map(|(x, y)| folder.level("a", x, y));
        assert_eq!(levels, expected, "{tail}");
    };
    check("aggregate: union", [255, 255, 255, 0]);
    check("aggregate: intersection", [255, 0, 0, 0]);
    check("aggregate: {majority: {share: 0.5}}", [255, 0, 0, 0]);
    check("aggregate: {majority: {share: 0.3}}", [255, 255, 255, 0]);
    check("annotators: {drop: [cy]}", [255, 128, 0, 0]);
    check("annotators: {keep: [cy]}", [255, 0, 255, 0]);
    check("annotators: {only_correct: true}", [255, 128, 0, 0]);
    check("annotators: {min_duration_s: 10}", [255, 128, 128, 0]);
    check("annotators: {choose: first}", [255, 0, 0, 0]);
    // 45 seconds in all: bob's 10 are 0.222, cy's 30 are 0.667.
    check("weights: duration", [255, 57, 170, 0]);
    check("weights: {annotators: {weights: {ann: 0, bob: 3}}}", [255, 191, 64, 0]);
    check("weights: {correctness: {wrong: 0}}", [255, 128, 0, 0]);
    check("threshold: {share-of-max: 0.5}", [255, 0, 0, 0]);
    check("granularity: {boundary: {threshold: 0.1}}", [255, 255, 255, 255]);
    check("granularity: {area: {threshold: 0.1}}", [255, 255, 255, 0]);
    check("normalise_each: sum", [255, 64, 64, 0]);
    check("control: inverted", [0, 170, 170, 255]);
    check("control: uniform", [255, 255, 255, 255]);
}

#[test]
fn nothing_is_built_twice() {
    let folder = Folder::with_boxes();
    folder.build("").unwrap();
    let first = folder.files("out");
    let again = folder.build("").unwrap();
    assert_eq!((again.n_built, again.n_unchanged), (0, 4));
    assert_eq!(folder.files("out"), first);
    // Another box of cy on c: only c.
    folder.write("boxes.csv", BOXES.replace("c.png,cy,30", "c.png,cy,25"));
    assert_eq!(folder.build("").unwrap().n_built, 1);
    assert_eq!(folder.level("c", 26, 25), 255);
    // The same in another order of rows: nothing.
    let mut lines: Vec<&str> = BOXES.lines().skip(1).collect();
    lines.reverse();
    folder.write("boxes.csv", BOXES.lines().next().unwrap().to_owned() + "\n" + &lines.join("\n"));
    assert_eq!(folder.build("").unwrap().n_built, 1, "c as it was");
    assert_eq!(folder.files("out"), first);
    // A map that somebody changed, a map that is gone, other settings.
    folder.write("out/maps/images/a.png", "scribble");
    fs_err::remove_file(folder.path("out/maps/images/b.png")).unwrap();
    assert_eq!(folder.build("").unwrap().n_built, 2);
    assert_eq!(folder.files("out"), first);
    assert_eq!(folder.build("output: {bits: 16}").unwrap().n_built, 4);
    // An image that is gone takes its map with it.
    folder.build("").unwrap();
    fs_err::remove_file(folder.path("images/b.png")).unwrap();
    let built = folder.build("").unwrap();
    assert_eq!((built.n_built, built.n_removed, built.rows.len()), (0, 1, 3));
    assert!(!folder.path("out/maps/images/b.png").exists());
}

#[test]
fn a_build_that_was_cut_off_goes_on() {
    let folder = Folder::with_boxes();
    folder.build("").unwrap();
    let whole = folder.files("out");
    // What a kill leaves: maps, no table, a journal whose last row is cut.
    let table = String::from_utf8(fs_err::read(folder.path("out/provenance.csv")).unwrap()).unwrap();
    let journal = &table[..table.len() - 40];
    fs_err::remove_file(folder.path("out/provenance.csv")).unwrap();
    folder.write("out/.provenance.partial.csv", journal);
    fs_err::remove_file(folder.path("out/maps/images/c.png")).unwrap();
    let built = folder.build("").unwrap();
    assert_eq!((built.n_built, built.n_unchanged), (2, 2), "c, and d whose row was cut");
    assert_eq!(folder.files("out"), whole);
}

#[test]
fn threads_change_nothing() {
    let folder = Folder::with_boxes();
    let tail = "control: {random-blobs: {}}\nannotators: {choose: {random: {n: 2}}}\n";
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    one.install(|| folder.build_text(&format!("{HEAD}{tail}"), "one")).unwrap();
    let four = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    four.install(|| folder.build_text(&format!("{HEAD}{tail}"), "four")).unwrap();
    assert_eq!(folder.files("one"), folder.files("four"));
}

#[test]
fn a_bad_image_or_annotation_takes_down_itself_only() {
    let folder = Folder::with_boxes();
    folder.write("images/b.png", "no picture");
    folder.write(
        "boxes.csv",
        BOXES.to_owned() + "c.png,ann,5,5,2,2,1,1\nc.png,bob,x,5,2,2,1,1\nz.png,bob,1,5,2,9,1,1\n",
    );
    let text = format!("{HEAD}aggregate: union\n");
    let recipe = parse_recipe(&text, &folder.path("recipe.yaml")).unwrap();
    let root = recipe.root(None, None).unwrap();
    let plan = Plan::read(&recipe, recipe.own_images(&root).unwrap(), &root).unwrap();
    assert_eq!(plan.faults.len(), 2, "{:?}", plan.faults);
    assert!(plan.faults[0].contains("boxes.csv") && plan.faults[0].contains("line 8"), "{}", plan.faults[0]);
    assert_eq!((plan.unmatched.n_unknown, &plan.unmatched.examples[..]), (1, &["`z.png`".to_owned()][..]));
    let built = build(&plan, &folder.path("out"), &|_, _| ()).unwrap();
    assert_eq!(built.n_maps(), 2);
    let b = row(&built.rows, "images/b.png");
    assert!(b.reason.contains("b.png") && b.reason.contains("is no image"), "{}", b.reason);
    assert!(b.inputs.is_empty(), "it is tried again");
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let folder = Folder::with_boxes();
    let error = folder.build_text(HEAD, "images").unwrap_err();
    assert!(matches!(error, RecipeError::Foreign { .. }), "{error}");
    assert_eq!(folder.files("images").len(), 4);
}

#[test]
fn what_an_empty_map_becomes_is_a_rule() {
    let folder = Folder::with_boxes();
    // Nobody marks the right half of b with a threshold that nothing reaches.
    let tail = "normalise_each: sum\nthreshold: {value: 0.9}\n";
    let built = folder.build(tail).unwrap();
    assert_eq!(row(&built.rows, "images/a.png").reason, "empty map");
    folder.build(&format!("{tail}empty: ones")).unwrap();
    assert_eq!(folder.map("a"), Raster::filled(40, 30, 1, 255));
    let built = folder.build(&format!("{tail}empty: zeros")).unwrap();
    assert_eq!(folder.map("a"), Raster::filled(40, 30, 1, 0));
    assert_eq!(row(&built.rows, "images/a.png").flat_on_7x7, Some(true));
}

#[test]
fn too_few_people_give_no_map() {
    let folder = Folder::with_boxes();
    let built = folder.build("annotators: {at_least: 2}").unwrap();
    assert_eq!(row(&built.rows, "images/c.png").reason, "1 annotator, and the recipe wants at least 2");
    let built = folder.build("annotators: {drop: [cy]}").unwrap();
    assert_eq!(row(&built.rows, "images/c.png").reason, "the one annotator does not count");
    folder.write("boxes.csv", BOXES.replace("c.png,cy,30,20,40,30,5,1", "c.png,cy,30,20,40,30,,1"));
    let built = folder.build("weights: duration").unwrap();
    let reason = &row(&built.rows, "images/c.png").reason;
    assert!(reason.starts_with("annotator `cy` (") && reason.contains("has no weight"), "{reason}");
}

#[test]
fn bits_and_sizes_of_the_files() {
    let folder = Folder::with_boxes();
    folder.build("output: {bits: 16, size: {longest-side-px: 20}}").unwrap();
    let samples = cyborg_image::read_samples(&folder.path("out/maps/images/a.png")).unwrap();
    assert_eq!((samples.width_px, samples.height_px), (20, 15));
    let cyborg_image::SampleValues::U16(values) = samples.values else { panic!("16 bits") };
    // A third of 65535.
    assert_eq!((values[0], values[15]), (65535, 21845));
    let built = folder.build("output: {size: {fixed-px: [20, 20]}}").unwrap();
    assert!(row(&built.rows, "images/a.png").reason.contains("another shape"));
    assert_eq!(folder.build("output: {size: {fixed-px: [80, 60]}}").unwrap().n_maps(), 3);
    assert_eq!((folder.map("a").width_px, folder.map("a").height_px), (80, 60));
}
