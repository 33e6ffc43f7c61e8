//! Formats in full, against files that other programs wrote, and what is said of faulty ones.

use cyborg_saliency::{
    AnnotationError, BoxOptions, Channel, ClickListOptions, CocoOptions, EyeTaggerOptions, Format, Invalid,
    LabelMeOptions, MapOptions, Mark, MatlabOptions, MatlabPoints, PathPattern, PointOptions, Runs, Scale,
    Sides, VocOptions, read_map,
};

use crate::support::{golden, golden_lines, number, numbers, read, read_text};

#[test]
fn map_files_are_read_in_full_precision() {
    let mut n_files = 0;
    for words in golden_lines("files.txt") {
        let path = golden("files").join(&words[0]);
        let variable = words[0].contains("beside").then(|| "map".to_owned());
        let map = read_map(&path, &MapOptions { variable, ..MapOptions::default() }).expect("read");
        assert_eq!((map.width_px, map.height_px), (number(&words[1]), number(&words[2])), "{}", words[0]);
        // The golden numbers have nine digits, which say a 32-bit float exactly.
        let expected: Vec<f32> = numbers(&words[3..]).iter().map(|&value| value as f32).collect();
        assert_eq!(map.values, expected, "{}", words[0]);
        n_files += 1;
    }
    assert_eq!(n_files, 20);
}

#[test]
fn runs_are_cocos() {
    let mut n_masks = 0;
    for words in golden_lines("runs.txt") {
        let [width, height] = [0, 1].map(|at| number::<u32>(&words[at]));
        let counts: Vec<u32> = words[3].split(',').map(number).collect();
        let compressed = Runs::from_text([height, width], &words[2]).expect("good text");
        assert_eq!(compressed, Runs::new([height, width], counts).expect("good counts"));
        let map = compressed.to_map();
        let (mut area, mut x, mut y) = (0u64, 0u64, 0u64);
        for (at, &value) in map.values.iter().enumerate() {
            if value == 1.0 {
                area += 1;
                x += (at % width as usize) as u64;
                y += (at / width as usize) as u64;
            }
        }
        assert_eq!([area, x, y], [4, 5, 6].map(|at| number::<u64>(&words[at])), "{width}x{height}");
        n_masks += 1;
    }
    assert_eq!(n_masks, 20);
    for (text, says) in [
        ("0", "run lengths cover 0 pixels, but a mask of 6x4 has 24: `size` must be [height, width]"),
        ("0P", "the compressed run lengths end within a number"),
        ("0 ", "byte 2 of the compressed run lengths is none of theirs"),
        ("0PPPPPPPPPPPP0", "byte 10 of the compressed run lengths is none of theirs"),
        ("O", "run 1 has length -1"),
    ] {
        assert_eq!(Runs::from_text([4, 6], text).expect_err("refused"), says, "{text}");
    }
    assert!(Runs::new([100_000, 100_000], vec![]).expect_err("too large").contains("it must have from 1 to"));
}

#[test]
fn channels_and_numbers_follow_their_rules() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("map.npy");
    let npy = |values: [f32; 4]| {
        let mut bytes = b"\x93NUMPY\x01\0v\0".to_vec();
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
        bytes.extend(format!("{header:<117}\n").as_bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        fs_err::write(&path, bytes).expect("written");
    };
    npy([0.5, 2.0, 0.0, 4.0]);
    let with = |scale, invalid| {
        read_map(&path, &MapOptions { scale, invalid, ..MapOptions::default() }).map(|map| map.values)
    };
    assert_eq!(with(Scale::Depth, Invalid::Refuse).expect("read"), [0.5, 2.0, 0.0, 4.0]);
    assert_eq!(with(Scale::Divide(4.0), Invalid::Refuse).expect("read"), [0.125, 0.5, 0.0, 1.0]);
    assert_eq!(with(Scale::Binary, Invalid::Refuse).expect("read"), [1.0, 1.0, 0.0, 1.0]);
    let labels = MapOptions { labels: Some(vec![2, 4]), ..MapOptions::default() };
    assert_eq!(read_map(&path, &labels).expect("read").values, [0.0, 1.0, 0.0, 1.0]);
    // A picture of classes, whose number at each pixel is `floor(7 * noise)`.
    let classes = golden("files/classes.png");
    let labels = MapOptions { labels: Some(vec![0, 3, 6]), ..MapOptions::default() };
    let expected: Vec<f32> = crate::support::noise(5, 3)
        .values
        .iter()
        .map(|&value| if [0.0, 3.0, 6.0].contains(&(value * 7.0).floor()) { 1.0 } else { 0.0 })
        .collect();
    assert!(expected.contains(&0.0) && expected.contains(&1.0));
    assert_eq!(read_map(&classes, &labels).expect("read").values, expected);
    assert!(with(Scale::Divide(0.0), Invalid::Refuse).is_err());
    for (wrong, shown) in [(f32::NAN, "NaN"), (-1.0, "-1"), (f32::INFINITY, "inf")] {
        npy([0.5, 2.0, 0.0, wrong]);
        let message = with(Scale::Depth, Invalid::Refuse).expect_err("refused").to_string();
        assert!(
            message.ends_with(&format!(
                "map.npy`: the value in column 1 and row 1 is {shown}: saliency must be finite and at least 0; repair \
                 it, or have such values taken for 0"
            )),
            "{message}"
        );
        assert_eq!(with(Scale::Depth, Invalid::Zero).expect("read"), [0.5, 2.0, 0.0, 0.0]);
    }
    let grey = golden("files/map-16-bit.png");
    let alpha = read_map(&grey, &MapOptions { channel: Channel::Alpha, ..MapOptions::default() });
    assert!(alpha.expect_err("refused").to_string().ends_with("it has no alpha: choose another channel"));
    // Its 16-bit numbers, unchanged.
    let kept = read_map(&grey, &MapOptions { scale: Scale::Kept, ..MapOptions::default() }).expect("read");
    assert!(
        kept.values.iter().all(|value| value.fract() == 0.0)
            && kept.values.iter().any(|&value| value > 255.0)
    );
}

#[test]
fn patterns_take_names_apart() {
    let matches = |pattern: &str, path: &str| PathPattern::parse(pattern).expect("good").matches(path);
    let some = |image: &str, annotator: &str| {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some((text(image), text(annotator)))
    };
    assert_eq!(matches("maps/{annotator}/{image}.png", "maps/ann/a/b.png"), some("a/b", "ann"));
    assert_eq!(matches("maps/{annotator}/{image}.png", "maps/b.png"), None);
    assert_eq!(matches("{image}_{annotator}.png", "a_b_c.png"), some("a_b", "c"));
    assert_eq!(matches("*/{image}.*", "x/0001.tiff"), some("0001", ""));
    assert_eq!(matches("*/{image}.*", "x/y/0001.tiff"), some("y/0001", ""));
    assert_eq!(matches("{image}.png", ".png"), None);
    assert_eq!(matches("{image}.png", "日本.png"), some("日本", ""));
    for (pattern, says) in [
        ("", "it is empty"),
        ("/maps/{image}.png", "must be relative"),
        ("../{image}.png", "must not leave it"),
        ("{image}{annotator}.png", "need text between"),
        ("{image}/{image}.png", "stands in it twice"),
        ("{who}/x.png", "`{who}` is unknown"),
        ("{image.png", "a `{` has no `}`"),
        ("a*b*c*d*e*f", "more than four"),
    ] {
        let message = PathPattern::parse(pattern).expect_err("refused").to_string();
        assert!(message.contains(says), "{pattern}: {message}");
    }
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end() {
    let folder = tempfile::tempdir().expect("a folder");
    fs_err::create_dir(folder.path().join("a")).expect("created");
    fs_err::write(folder.path().join("a/0001.csv"), "image,x,y\ni,1,2\n").expect("written");
    for name in ["a/up", "a/again"] {
        fs_err::os::unix::fs::symlink(folder.path(), folder.path().join(name)).expect("linked");
    }
    let (good, bad) = read(folder.path(), "{image}.csv", Format::Points(PointOptions::default()));
    assert_eq!((good.len(), bad.len()), (1, 0));
}

#[test]
fn a_missing_file_or_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    fs_err::create_dir(folder.path().join("empty")).expect("created");
    for (pattern, says) in [
        ("empty/{image}.png", "matches `empty/{image}.png`: check the folder"),
        ("none/{image}.png", "cannot read annotations"),
        ("none.png", "cannot read annotations"),
    ] {
        let (good, bad) = read(folder.path(), pattern, Format::Maps(MapOptions::default()));
        assert!(good.is_empty() && bad.len() == 1, "{pattern}");
        assert!(bad[0].to_string().contains(says), "{pattern}: {}", bad[0]);
    }
}

fn points() -> Format {
    let mut options = PointOptions { duration: Some("ms".into()), ..PointOptions::default() };
    options.table.columns.annotator = Some("who".into());
    options.table.columns.correct = Some("right".into());
    options.table.columns.seconds = Some("took".into());
    Format::Points(options)
}

#[test]
fn good_rows_outlive_faulty_ones() {
    let (good, bad) = read_text(
        "p.csv",
        "\u{feff}image,who,x,y,ms,right,took\n\
         a.png,ann,1,2,100,1,3.5\n\
         a.png,ann,one,2,100,1,3.5\n\
         a.png,ann,3,4,,1,3.5\n\
         a.png,ann,nan,4,,1,3.5\n\
         a.png,ann,1e9,4,,1,3.5\n\
         a.png,ann,1,4,-5,1,3.5\n\
         a.png,ann,1,4\n\
         ,ann,1,4,,1,3.5\n\
         a.png,bob,5,6,7,maybe,3.5\n\
         a.png,bob,\"5\",6,7,no,\n\
         \n\
         a.png,ann,9,9,9,1,3.5\n",
        points(),
    );
    assert_eq!(
        bad,
        [
            "cannot read annotations `ROOT/p.csv`, line 3: x is `one`: it must be a number",
            "cannot read annotations `ROOT/p.csv`, line 6: x is 1000000000: it must lie between -10000000 and 10000000",
            "cannot read annotations `ROOT/p.csv`, line 7: a duration is -5: it must be at least 0",
            "cannot read annotations `ROOT/p.csv`, line 8: it has 4 fields, but the header has 7",
            "cannot read annotations `ROOT/p.csv`, line 9: it names no image",
            "cannot read annotations `ROOT/p.csv`, line 10: whether the decision was right is `maybe`: it must be 1 or 0",
            "annotations `ROOT/p.csv`, line 5: 1 of 6 samples have no position (empty, NaN or a tracker's number for lost \
             data) and are left out; this is the first",
        ]
    );
    let found: Vec<_> =
        good.iter().map(|a| (a.annotator.as_deref(), a.marks.len(), a.correct, a.duration_s)).collect();
    assert_eq!(
        found,
        [
            (Some("ann"), 2, Some(true), Some(3.5)),
            (Some("bob"), 1, Some(false), None),
            (Some("ann"), 1, Some(true), Some(3.5)) // who comes back begins again
        ]
    );
    assert!(good[0].origin.ends_with("p.csv`, line 2"), "{}", good[0].origin);
}

#[test]
fn tables_without_their_columns_say_which() {
    let says = |text: &str, format| {
        let (good, bad) = read_text("t.csv", text, format);
        assert!(
            good.iter().all(|good| good.marks.is_empty() && good.n_lost == 1) && bad.len() == 1,
            "{bad:?}"
        );
        bad.into_iter().next().unwrap_or_default()
    };
    assert_eq!(
        says("image,x,y\n", points()),
        "cannot read annotations `ROOT/t.csv`, line 1: it has no column `who`: name the right one of `image`, `x`, `y`"
    );
    let mut nameless = PointOptions::default();
    nameless.table.columns.image = None;
    assert_eq!(
        says("x,y\n", Format::Points(nameless)),
        "cannot read annotations `ROOT/t.csv`, line 1: neither a column nor the file's name says which image: name the \
         column"
    );
    assert_eq!(
        says("image_path,clicks\na.png,\"(1,2),(3\"\n", Format::ClickLists(ClickListOptions::default())),
        "cannot read annotations `ROOT/t.csv`, line 2: the click list has 3 numbers: it must have two a click"
    );
    assert_eq!(
        says("image_path,clicks\na.png,\"(1,2),(3;x)\"\n", Format::ClickLists(ClickListOptions::default())),
        "cannot read annotations `ROOT/t.csv`, line 2: a click is `x`: it must be a number"
    );
    assert_eq!(
        says("image,left,top,right,bottom\na.png,5,5,5,9\n", Format::Boxes(BoxOptions::default())),
        "cannot read annotations `ROOT/t.csv`, line 2: the box from (5, 5) to (5, 9) has no area"
    );
    let sides = Sides::Size(["x", "y", "w", "h"].map(str::to_owned));
    let (good, _) = read_text(
        "t.csv",
        "image,x,y,w,h\na.png,5,5,2,4\n",
        Format::Boxes(BoxOptions { sides, ..BoxOptions::default() }),
    );
    assert_eq!(good[0].marks, [Mark::Rectangle { left: 5.0, top: 5.0, right: 7.0, bottom: 9.0 }]);
}

#[test]
fn a_pattern_fills_in_what_tables_leave_out() {
    let folder = tempfile::tempdir().expect("a folder");
    fs_err::create_dir(folder.path().join("ann")).expect("created");
    fs_err::write(folder.path().join("ann/0001.csv"), "x,y\n1,2\n").expect("written");
    let mut options = PointOptions::default();
    options.table.columns.image = None;
    let (good, bad) = read(folder.path(), "{annotator}/{image}.csv", Format::Points(options));
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!((good[0].image.as_str(), good[0].annotator.as_deref()), ("0001", Some("ann")));
}

#[test]
fn faulty_coco_elements_name_themselves() {
    let format = || Format::Coco(CocoOptions::default());
    let (good, bad) = read_text(
        "c.json",
        r#"{"images": [{"id": 1, "file_name": "a.png", "width": 6, "height": 4}, {"id": 1, "file_name": "b.png"},
            {"file_name": "c.png"}, {"id": 2, "file_name": "d.png", "width": 0, "height": 4}],
           "annotations": [
            {"id": 10, "image_id": 1, "bbox": [0, 0, 2, 2]},
            {"id": 11, "image_id": 7, "bbox": [0, 0, 2, 2]},
            {"id": 12, "image_id": 1, "segmentation": [[1, 2, 3, 4]]},
            {"id": 13, "image_id": 1, "segmentation": {"size": [4, 6], "counts": [23]}},
            {"id": 14, "image_id": 1},
            {"id": 15, "image_id": 1, "bbox": [0, 0, "2", 2]},
            {"id": 16, "image_id": 1, "segmentation": 5},
            7],
           "more": {"nested": [1, 2]}}"#,
        format(),
    );
    assert_eq!(good.len(), 1);
    let start = "cannot read annotations `ROOT/c.json`, ";
    assert_eq!(
        bad,
        [
            "images[1] (id 1): the id 1 belongs to another image, too",
            "images[2]: it has no `id`",
            "images[3] (id 2): `width` is 0: it must be whole, from 1 to 1000000",
            "annotations[2] (id 12): none of its 1 polygons has 3 points, and its box cannot be taken: it has neither a \
             `segmentation` nor a `bbox`",
            "annotations[3] (id 13): run lengths cover 23 pixels, but a mask of 6x4 has 24: `size` must be [height, width]",
            "annotations[4] (id 14): it has neither a `segmentation` nor a `bbox`",
            "annotations[5] (id 15): `bbox` is text: it must be a number",
            "annotations[6] (id 16): `segmentation` is a number: it must be polygons or run lengths",
            "annotations[7]: it has no `image_id`",
            "annotations[1] (id 11): `image_id` is 7, but no element of `images` has that id",
        ]
        .map(|reason| format!("{start}{reason}"))
    );
    // What stands before a break is delivered.
    let (good, bad) = read_text(
        "c.json",
        "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\"}],\n \"annotations\": [\n{\"image_id\": 1, \"bbox\": [0, 0, 2, 2]},\n{\"im",
        format(),
    );
    assert_eq!(good.len(), 1);
    assert_eq!(
        bad,
        [format!("{start}line 4 column 4: the JSON is broken: EOF while parsing a string")
            .replace("json`, line", "json`, line")]
    );
    let (_, bad) = read_text("c.json", "[1, 2]", format());
    assert_eq!(bad.len(), 1);
    let misspelt = CocoOptions { categories: Some(vec!["eyes".into()]), ..CocoOptions::default() };
    let (_, bad) = read_text(
        "c.json",
        r#"{"categories": [{"id": 3, "name": "eye"}], "images": [], "annotations": []}"#,
        Format::Coco(misspelt),
    );
    assert_eq!(
        bad,
        [
            "no file of `c.json` has the category `eyes`, which the setting `categories` names: there are `eye`"
        ]
    );
}

#[test]
fn faulty_labelme_and_voc_elements_name_themselves() {
    let (good, bad) = read_text(
        "l.json",
        r#"{"imagePath": "C:\\images\\a.png", "shapes": [
            {"points": [[1, 1], [2, 2]]},
            {"shape_type": "rectangle", "points": [[1, 1]]},
            {"shape_type": "cuboid", "points": [[1, 1]]},
            {"shape_type": "circle", "points": [[1, 1], [1, 1]]},
            {"shape_type": "mask", "points": [[1, 1], [2, 2]], "mask": "%%"},
            {"shape_type": "point", "points": [[1, 1, 1]]},
            {"label": "x"},
            {"shape_type": "point", "points": [[1, 2]]}]}"#,
        Format::LabelMe(LabelMeOptions::default()),
    );
    assert_eq!((good.len(), good[0].image.as_str(), good[0].marks.len()), (1, "a.png", 1));
    assert_eq!(
        bad,
        [
            "shapes[0]: a polygon of 2 points: it must have at least 3",
            "shapes[1]: a rectangle of 1 points: it must have 2 or 4",
            "shapes[2]: a shape of type `cuboid`: polygon, rectangle, rotation, quadrilateral, circle, line, linestrip, \
             point, points and mask are known",
            "shapes[3]: a circle without radius",
            "shapes[4]: the picture is no Base64: Invalid symbol 37, offset 0.",
            "shapes[5]: a point of `points` has 3 numbers: it must have two",
            "shapes[6]: it has no `points`",
        ]
        .map(|reason| format!("cannot read annotations `ROOT/l.json`, {reason}"))
    );
    let (good, bad) = read_text(
        "v.xml",
        "<annotation><filename>a.png</filename>\n\
         <object><name>x</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax></bndbox></object>\n\
         <object><name>x</name></object>\n\
         <object><bndbox><xmin>9</xmin><ymin>1</ymin><xmax>2</xmax><ymax>4</ymax></bndbox></object>\n\
         <object><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>4</ymax></bndbox></object></annotation>",
        Format::Voc(VocOptions::default()),
    );
    assert_eq!((good.len(), good[0].marks.len(), good[0].frame_px), (1, 1, None));
    assert_eq!(
        bad,
        [
            "object 1 in line 2: its `<bndbox>` has no `<ymax>`",
            "object 2 in line 3: it has no `<bndbox>`",
            "object 3 in line 4: the box from (8, 0) to (2, 4) has no area",
        ]
        .map(|reason| format!("cannot read annotations `ROOT/v.xml`, {reason}"))
    );
    let (_, bad) =
        read_text("v.xml", "<annotation><object></annotation>", Format::Voc(VocOptions::default()));
    assert_eq!(
        bad,
        [
            "cannot read annotations `ROOT/v.xml`, line 1 column 21: the XML is broken: expected 'object' tag, not \
          'annotation'"
        ]
    );
}

#[test]
fn faulty_drawings_and_matlab_files_name_themselves() {
    let (good, bad) = read_text(
        "e.json",
        r#"[{"image": "a", "annotator": 1, "annotation": "hello"}, {"annotator": 1}, {"image": "a"},
            {"image": "a", "annotation": "data:image/png;base64,AAAA"}, {"image": "b", "annotation": "<svg"},
            {"fields": {"image": "c", "annotator": 2, "annotation": ""}}]"#,
        Format::EyeTagger(EyeTaggerOptions::default()),
    );
    // A picture is decoded when it is drawn: its fault is said then, with its place.
    assert_eq!(good.len(), 2);
    let Mark::Stored(stored) = &good[0].marks[0] else { panic!("a stored picture") };
    assert!(stored.load().expect_err("no picture").to_string().contains("e.json`, [3]: it is no image"));
    assert_eq!((good[1].image.as_str(), good[1].annotator.as_deref()), ("c", Some("2")));
    assert_eq!(
        bad[..3],
        [
            "[0]: the drawing is `hello`: `data:image/...` and `<svg ...` are known",
            "[1]: it has no `image`: name the key of the image",
            "[2]: it has no `annotation`: name the key of the drawing",
        ]
        .map(|reason| format!("cannot read annotations `ROOT/e.json`, {reason}"))
    );
    assert!(bad[3].contains("the XML is broken"), "{}", bad[3]);

    let mat = |format| {
        let (good, bad) = read(&golden("files"), "map-uint8-beside-others.mat", format);
        assert!(good.is_empty() && bad.len() == 1, "{bad:?}");
        bad[0].to_string().rsplit_once(".mat`").map(|(_, reason)| reason.to_owned()).unwrap_or_default()
    };
    assert_eq!(
        mat(Format::Matlab(MatlabOptions::default())),
        ": it has no variable `fixations`: it has `map`, `text`, `cell`"
    );
    let numbers = MatlabOptions { variable: "map".into(), ..MatlabOptions::default() };
    assert_eq!(mat(Format::Matlab(numbers)), ", `map`: it is neither a cell nor a structure array");
    let rows = MatlabOptions { points: MatlabPoints::Rows("fix_xy".into()), ..MatlabOptions::default() };
    let (good, bad) = read(&crate::support::samples(), "gaze.mat", Format::Matlab(rows));
    assert!(good.is_empty());
    assert!(
        bad[1].to_string().ends_with(
            "gaze.mat`, fixations(1).subjects(2): a structure has no field `fix_xy`: it has fix_x, fix_y, fix_duration"
        ),
        "{}",
        bad[1]
    );
    let several = read_map(&golden("files/map-uint8-beside-others.mat"), &MapOptions::default());
    assert!(several.expect_err("which?").to_string().ends_with("it has 3 variables: say which is the map"));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new.mat");
    let mut bytes = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".to_vec();
    bytes.resize(600, b' ');
    fs_err::write(&path, bytes).expect("written");
    let error: AnnotationError = read_map(&path, &MapOptions::default()).expect_err("HDF5");
    assert!(error.to_string().ends_with("`save(name, '-v7')` writes one that is"), "{error}");
}
