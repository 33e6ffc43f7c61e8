//! A thousand damaged files: no panic, no huge allocation, every error names its file, and what is good is drawn.

use std::path::PathBuf;

use cyborg_saliency::{
    BoxOptions, ClickListOptions, CocoOptions, DrawOptions, EyeTaggerOptions, Format, LabelMeOptions,
    MapOptions, MatlabOptions, Placement, PointOptions, SourceSettings, SvgOptions, VocOptions, draw,
};
use serde_json::json;

use crate::support::{golden, read, samples};

const N_FILES: usize = 1000;

/// Marsaglia's xorshift: the same damage at every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }
}

fn formats() -> Vec<(PathBuf, Format)> {
    let mut points = PointOptions { duration: Some("duration".into()), ..PointOptions::default() };
    points.table.columns.annotator = Some("subject".into());
    let mut clicks = ClickListOptions::default();
    clicks.table.columns.annotator = Some("user_id".into());
    let mut boxes = BoxOptions::default();
    boxes.table.columns.frame = Some(("width".into(), "height".into()));
    let csv = EyeTaggerOptions {
        image: "image_id".into(),
        annotator: "annotator_id".into(),
        ..EyeTaggerOptions::default()
    };
    let map = || Format::Maps(MapOptions::default());
    let sample = |name: &str| samples().join(name);
    let settings = |json| {
        let settings: SourceSettings = serde_json::from_value(json).expect("settings");
        settings.checked().expect("good settings").format
    };
    vec![
        (sample("svg/0001.svg"), Format::Svg(SvgOptions::default())),
        (sample("coco.json"), Format::Coco(CocoOptions::default())),
        (sample("labelme/0001.json"), Format::LabelMe(LabelMeOptions::default())),
        (sample("labelme/0002.json"), Format::LabelMe(LabelMeOptions::default())),
        (sample("voc/0001.xml"), Format::Voc(VocOptions::default())),
        (sample("boxes.csv"), Format::Boxes(boxes)),
        (sample("fixations.csv"), Format::Points(points)),
        (sample("clickme.csv"), Format::ClickLists(clicks)),
        (sample("eyetagger.json"), Format::EyeTagger(EyeTaggerOptions::default())),
        (sample("eyetagger.csv"), Format::EyeTagger(csv)),
        (sample("gaze.mat"), Format::Matlab(MatlabOptions::default())),
        (sample("masks/ann/0001.png"), map()),
        (sample("masks/bob/0001.tiff"), map()),
        (sample("heat.npy"), map()),
        (
            golden("files/classes.png"),
            Format::Maps(MapOptions { labels: Some(vec![0, 3]), ..MapOptions::default() }),
        ),
        (golden("files/map-float64.tiff"), map()),
        (golden("files/map-plain.mat"), map()),
        (golden("files/map-compressed.mat"), map()),
        (golden("files/array-fortran.npy"), map()),
        (sample("via.json"), settings(json!({"via": {"files": "x"}}))),
        (sample("cvat.xml"), settings(json!({"cvat": {"files": "x"}}))),
        (sample("label-studio.json"), settings(json!({"label-studio": {"files": "x"}}))),
        (sample("salicon.json"), settings(json!({"salicon": {"files": "x"}}))),
        (sample("supervisely/0001.png.json"), settings(json!({"supervisely": {"files": "{image}"}}))),
        (sample("yolo/0001.txt"), settings(json!({"yolo": {"files": "{image}"}}))),
        (
            sample("run-lengths.csv"),
            settings(json!({"run-lengths": {"files": "x", "height": "Height", "width": "Width"}})),
        ),
    ]
}

fn damaged(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.roll(4) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.roll(bytes.len());
        match dice.roll(7) {
            0 => bytes.truncate(at),
            1 => bytes[at] = dice.roll(256) as u8,
            2 => bytes[at] ^= 1 << dice.roll(8),
            3 => bytes.insert(at, b"0-9e\"',<>{}[];\n\0\xff"[dice.roll(17)]),
            4 => {
                let end = (at + dice.roll(20)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 => {
                let end = (at + dice.roll(40)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                // A number becomes another one, maybe absurd.
                let digits = bytes.iter().skip(at).position(u8::is_ascii_digit).map(|offset| at + offset);
                if let Some(start) = digits {
                    let n = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                    let absurd: &[u8] =
                        [&b"999999999"[..], b"-1", b"1e308", b"0", b"NaN", b"65536"][dice.roll(6)];
                    bytes.splice(start..start + n, absurd.iter().copied());
                }
            }
        }
    }
    bytes
}

/// Most memory that the process ever had, in kB, where the system says so.
fn peak_kb() -> Option<u64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}

#[test]
fn a_thousand_damaged_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let formats = formats();
    let originals: Vec<Vec<u8>> =
        formats.iter().map(|(path, _)| fs_err::read(path).expect("a sample")).collect();
    let mut dice = Dice(20_240_501);
    let (mut n_drawn, mut n_errors, mut n_untouched) = (0, 0, 0);
    let before = peak_kb();
    for index in 0..N_FILES {
        let (path, format) = &formats[index % formats.len()];
        let bytes = damaged(&originals[index % formats.len()], &mut dice);
        let name = format!("{index}.{}", path.extension().and_then(|end| end.to_str()).unwrap_or("x"));
        fs_err::write(folder.path().join(&name), &bytes).expect("written");
        let (good, bad) = read(folder.path(), &name, format.clone());
        if bad.is_empty() {
            n_untouched += 1;
        }
        let mut errors: Vec<String> = bad.iter().map(ToString::to_string).collect();
        for annotation in good {
            let outcome = annotation.on_frame((40, 30)).and_then(|annotation| {
                let frame_px = annotation.frame_px.unwrap_or((40, 30));
                let placement = Placement::new(frame_px).resized((32, 24));
                draw(&annotation, &placement, &DrawOptions { brush_px: Some(2.0), ..DrawOptions::default() })
            });
            match outcome {
                Ok(drawn) => {
                    let good = |value: &f32| value.is_finite() && *value >= 0.0;
                    assert!(drawn.map.values.iter().all(good), "{name}");
                    n_drawn += 1;
                }
                Err(error) => errors.push(error.to_string()),
            }
        }
        for error in &errors {
            assert!(error.contains(&name), "{name} is not named: {error}");
        }
        n_errors += errors.len();
    }
    // Damage to one element must leave the others, and damage must be seen.
    assert!(n_drawn > N_FILES / 3, "{n_drawn} drawn, {n_errors} errors, {n_untouched} without errors");
    assert!(n_errors > N_FILES / 4, "{n_drawn} drawn, {n_errors} errors, {n_untouched} without errors");
    if let (Some(before), Some(after)) = (before, peak_kb()) {
        assert!(after < before + 200_000, "from {before} to {after} kB");
    }
}

/// Files that promise more than they have must not be believed.
#[test]
fn promises_are_not_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let says = |name: &str, bytes: &[u8], format: Format| {
        fs_err::write(folder.path().join(name), bytes).expect("written");
        let (good, mut bad) = read(folder.path(), name, format);
        for annotation in good {
            let placement = Placement::new((40, 30));
            let placed = annotation.on_frame((40, 30)).expect("a frame");
            bad.extend(draw(&placed, &placement, &DrawOptions::default()).err());
        }
        assert_eq!(bad.len(), 1, "{name}");
        bad[0].to_string()
    };
    let npy = |header: &str| {
        let mut bytes = b"\x93NUMPY\x01\0".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes
    };
    for (name, descr, shape, reason) in [
        ("huge.npy", "<f8", "(9999, 9999)", "promises 799840008 bytes"),
        ("huge2.npy", "<f8", "(4294967295, 4294967296)", "it must have from 1 to 100000000 values"),
        ("pickle.npy", "|O", "(30, 40)", "the array's type is `|O`"),
        (
            "color.npy",
            "|u1",
            "(30, 40, 3)",
            "the array has shape [30, 40, 3]: a map has two axes, (rows, columns)",
        ),
    ] {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let text = says(name, &npy(&header), Format::Maps(MapOptions::default()));
        assert!(text.contains(reason), "{text}");
    }
    // A cell array of 2^31 elements in 100 bytes.
    let mut mat = vec![b' '; 128];
    mat[..6].copy_from_slice(b"MATLAB");
    mat[126..].copy_from_slice(b"IM");
    for word in [14u32, 56, 6, 8, 1, 0, 5, 8, 1 << 30, 2, 1, 1, u32::from(b'a'), 0, 14, 0] {
        mat.extend(word.to_le_bytes());
    }
    let text = says("huge.mat", &mat, Format::Maps(MapOptions::default()));
    assert!(
        text.contains("a cell or structure array of 2147483648 elements is larger than the file"),
        "{text}"
    );
    // A mask of 10^10 pixels.
    let coco = br#"{"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": 1, "segmentation":
        {"size": [100000, 100000], "counts": [1, 2147483647, 2147483647, 2147483647, 2147483647, 1410065412]}}]}"#;
    let text = says("huge.json", coco, Format::Coco(CocoOptions::default()));
    assert!(text.contains("a mask of 100000x100000 pixels"), "{text}");
    // JSON nested without end.
    let deep = "[".repeat(1_000_000);
    assert!(
        says("deep.json", deep.as_bytes(), Format::LabelMe(LabelMeOptions::default()))
            .contains("recursion limit")
    );
}
