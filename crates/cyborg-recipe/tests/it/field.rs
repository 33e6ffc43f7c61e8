//! Annotations that would end on the wrong image, in the wrong place, or nowhere, without a word.

use cyborg_image::Raster;
use cyborg_recipe::{Built, Image, Plan, agree, build, contact_sheet, doubts, parse_recipe, people_sheet};

use crate::folder::Folder;

struct Outcome {
    built: Built,
    faults: Vec<String>,
    unmatched: Vec<String>,
    doubts: Vec<String>,
}

fn built(folder: &Folder, text: &str) -> Outcome {
    let recipe = parse_recipe(text, &folder.path("recipe.yaml")).unwrap();
    let root = recipe.root(None, None).unwrap();
    let plan = Plan::read(&recipe, recipe.own_images(&root).unwrap(), &root).unwrap();
    let built = build(&plan, &folder.path("out"), &|_, _| ()).unwrap();
    Outcome {
        doubts: doubts(&built.rows),
        faults: plan.faults.clone(),
        unmatched: plan.unmatched.lines(),
        built,
    }
}

fn two_pictures() -> Folder {
    let folder = Folder::new();
    folder.picture("images/a.png", 60, 40, 0);
    folder.picture("images/b.png", 60, 40, 1);
    folder
}

const BOXES: &str =
    "images: images/{image}.png\nannotations:\n  - boxes: {files: b.csv, columns: {annotator: who}}\n";

#[test]
fn another_folder_s_image_is_not_taken() {
    let folder = two_pictures();
    folder.write(
        "c.json",
        r#"{"images": [{"id": 1, "file_name": "session2/a.png"}, {"id": 2, "file_name": "upload/4/cb0618f6-b.png"}],
        "annotations": [{"id": 1, "image_id": 1, "bbox": [1, 1, 9, 9]}, {"id": 2, "image_id": 2, "bbox": [1, 1, 9, 9]}]}"#,
    );
    let text = "images: images/{image}.png\nannotations:\n  - coco: {files: c.json}\n";
    let outcome = built(&folder, text);
    assert_eq!(outcome.built.n_maps(), 0);
    let told = outcome.unmatched.join("\n");
    assert!(told.contains("`session2/a.png` (there is `images/a.png`)"), "{told}");
    assert!(told.contains("Label Studio") && told.contains("uploads: true"), "{told}");
    let outcome = built(&folder, &text.replace("c.json}", "c.json, uploads: true}"));
    let maps: Vec<&str> = outcome.built.rows.iter().map(|row| row.map.as_str()).collect();
    assert_eq!(maps, ["", "maps/images/b.png"]);
}

#[test]
fn the_key_of_the_images_pattern_is_honoured() {
    let folder = Folder::new();
    folder.picture("image_r_10.png", 60, 40, 0);
    folder.raster(
        "map_10.png",
        &Raster { width_px: 3, height_px: 2, channels: 1, pixels: vec![0, 9, 0, 0, 0, 0] },
    );
    let outcome =
        built(&folder, "images: 'image_r_{image}.png'\nannotations:\n  - maps: {files: 'map_{image}.png'}\n");
    assert_eq!(outcome.built.n_maps(), 1, "{:?}", outcome.unmatched);
}

#[test]
fn a_name_is_judged_by_the_whole_set() {
    let folder = Folder::new();
    for name in ["train/10.png", "test/10.png", "train/11.png"] {
        folder.picture(name, 60, 40, 0);
    }
    folder.write("q.csv", "image,x,y\n10.png,40,30\n11.png,4,3\ntest/10.png,5,5\n");
    let recipe =
        parse_recipe("annotations: [{points: {files: q.csv}}]\n", &folder.path("recipe.yaml")).unwrap();
    let image = |name: &str| Image { name: name.into(), path: folder.path(name), class: None, key: None };
    let asked_for = vec![image("train/10.png"), image("train/11.png")];
    let plan = Plan::read_among(&recipe, asked_for, vec![image("test/10.png")], &folder.path("")).unwrap();
    assert_eq!(plan.n_annotated(), 1);
    assert!(plan.faults.len() == 1 && plan.faults[0].contains("several images"), "{:?}", plan.faults);
    assert_eq!((plan.unmatched.n_not_asked_for, plan.unmatched.n_unknown), (1, 0));
}

#[test]
fn who_marked_nothing_counts_and_who_cannot_be_read_does_not() {
    let folder = two_pictures();
    let boxes = "image,who,left,top,right,bottom\na,R1,0,0,30,40\na,R2,0,0,60,40\n";
    folder.write("b.csv", format!("{boxes}a,R3,,,,\na,R4,9,9,3,3\nb,R1,0,0,30,40\nb,R1,50,9,3,3\n"));
    let outcome = built(&folder, &format!("{BOXES}normalise: none\n"));
    let [a, b] = &outcome.built.rows[..] else { panic!("two rows") };
    assert_eq!((&*a.annotators, a.n_marks_lost), ("R1;R2;R3", 1));
    // Two of three people on the left, one on the right: 255 * 2 / 3 and 255 / 3.
    assert_eq!((folder.level("a", 5, 5), folder.level("a", 50, 5)), (170, 85));
    assert_eq!((&*b.annotators, b.n_marks, b.n_marks_lost, b.map.is_empty()), ("R1", 1, 1, false));
    assert_eq!(outcome.faults.len(), 2);
    assert!(
        outcome.doubts[0].contains("2 marks of 2 images could not be read, and 2 maps"),
        "{:?}",
        outcome.doubts
    );
    // Nobody who could be read: no empty map, but a reason.
    folder.write("b.csv", "image,who,left,top,right,bottom\na,R4,9,9,3,3\n");
    let outcome = built(&folder, BOXES);
    assert_eq!(outcome.built.rows[0].reason, "no annotation that could be read");
}

#[test]
fn marks_outside_are_told_with_their_cause() {
    let folder = two_pictures();
    let points =
        "images: images/{image}.png\nannotations:\n  - points: {files: p.csv, columns: {x: y, y: x}}\n";
    folder.write("p.csv", "image,x,y\na,55,10\na,20,30\nb,50,39\nb,52,5\n");
    let outcome = built(&folder, points);
    // Taken for (10, 55), (30, 20), (39, 50) and (5, 52) on 60 x 40: three are below it.
    let told = outcome.doubts.join("\n");
    assert!(told.contains("3 of 4 marks lie outside of their image (2 images)"), "{told}");
    assert!(told.contains("4 would be inside if x and y changed places"), "{told}");
    folder.write("p.csv", "image,x,y\na,0.9,0.2\nb,0.5,0.5\n");
    let outcome = built(&folder, points);
    assert!(
        outcome.faults.len() == 1 && outcome.faults[0].contains("unit: fractions"),
        "{:?}",
        outcome.faults
    );
    folder.write("p.csv", "image,x,y\na,1,0\nb,0,1\n");
    assert!(built(&folder, points).faults.is_empty(), "whole numbers may be pixels");
}

#[test]
fn a_squashed_frame_is_stretched_if_the_recipe_says_so() {
    let folder = two_pictures();
    folder.write("b.csv", "image,who,left,top,right,bottom,w,h\na,R1,50,0,100,100,100,100\n");
    folder.raster(
        "m/b.png",
        &Raster { width_px: 6, height_px: 6, channels: 1, pixels: [255, 255, 255, 0, 0, 0].repeat(6) },
    );
    let text = "images: images/{image}.png\nannotations:\n  - boxes: {files: b.csv, columns: {annotator: who, \
        frame_width: w, frame_height: h}}\n  - maps: {files: 'm/{image}.png'}\n";
    let outcome = built(&folder, text);
    assert_eq!(outcome.built.n_maps(), 0);
    assert!(
        outcome.built.rows[0].reason.contains("frame: {stretch: true}"),
        "{}",
        outcome.built.rows[0].reason
    );
    let outcome = built(&folder, &format!("{text}frame: {{stretch: true}}\n"));
    assert_eq!(outcome.built.n_maps(), 2, "{:?}", outcome.built.reasons());
    let levels = [folder.level("a", 29, 20), folder.level("a", 30, 20)];
    assert_eq!(levels, [0, 255], "the right half");
}

#[test]
fn blur_follows_the_edge() {
    let folder = two_pictures();
    folder.write("b.csv", "image,who,left,top,right,bottom\na,R1,0,0,60,40\n");
    built(&folder, &format!("{BOXES}blur: {{px: 4}}\nnormalise: none\n"));
    assert_eq!(folder.level("a", 0, 20), 255, "mirrored ones");
    built(&folder, &format!("{BOXES}blur: {{px: 4}}\nnormalise: none\ndraw: {{edge: constant}}\n"));
    // At the border half of the kernel and half of its middle weight, 0.5 / (4 sqrt(2 pi)) = 0.0499: 255 * 0.5499 = 140.2.
    assert_eq!(folder.level("a", 0, 20), 140);
}

#[test]
fn what_a_build_wrote_is_no_image() {
    let folder = two_pictures();
    folder.write("b.csv", "image,who,left,top,right,bottom\na,R1,0,0,30,40\n");
    let text = BOXES.replace("images/{image}.png", "'{image}.png'");
    let first = built(&folder, &text).built.rows.len();
    assert_eq!((first, built(&folder, &text).built.rows.len()), (2, 2));
}

#[test]
fn a_key_that_no_file_has_stops_the_build() {
    let folder = two_pictures();
    folder.write("c.json", r#"{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"id": 1, "image_id": 1, "bbox": [1, 1, 9, 9], "worker": "ann"}]}"#);
    let text = "images: images/{image}.png\nannotations:\n  - coco: {files: c.json, annotator: woker}\n";
    let error = folder.build_text(text, "out").unwrap_err().to_string();
    assert!(error.contains("`woker`") && error.contains("`worker`"), "{error}");
}

#[test]
fn a_sheet_shows_maps_and_people() {
    let folder = two_pictures();
    folder.write("b.csv", "image,who,left,top,right,bottom\na,R1,0,0,30,40\na,R2,30,0,60,40\nb,R1,0,0,9,9\n");
    let recipe = parse_recipe(BOXES, &folder.path("recipe.yaml")).unwrap();
    let root = recipe.root(None, None).unwrap();
    let plan = Plan::read(&recipe, recipe.own_images(&root).unwrap(), &root).unwrap();
    let sheet = folder.path("people.png");
    let faults = people_sheet(&plan, &plan.annotated(), &sheet, 100).unwrap();
    assert!(faults.is_empty(), "{faults:?}");
    // Three tiles of 150 x 100 with 8 px around and 24 px of text below, two rows.
    let picture = cyborg_image::read_rgb(&sheet).unwrap();
    assert_eq!((picture.width_px, picture.height_px), (8 + 3 * 158, 8 + 2 * 132));
    // R1 marked the left half: its tile, the second, is coloured there and as the image is on the right.
    let at = |x: usize, y: usize| &picture.pixels[(y * picture.width_px as usize + x) * 3..][..3];
    assert_ne!(at(166 + 20, 50), at(8 + 20, 50));
    assert_eq!(at(166 + 140, 50), at(8 + 140, 50));
    assert!((8..158).any(|x| (108..132).any(|y| at(x, y) == [0, 0, 0])), "a name below");
    let rows = agree(&plan, &|_, _| ()).unwrap();
    assert_eq!(rows[0].leave_one_out_each, "-1;-1", "one marked what the other did not");
    let pair = cyborg_recipe::Pair { name: "a".into(), image: folder.path("images/a.png"), map: sheet };
    let error = contact_sheet(&vec![pair; 9], &folder.path("large.png"), 4000).unwrap_err().to_string();
    assert!(error.contains("large.png") && error.contains("27 pictures"), "{error}");
}
