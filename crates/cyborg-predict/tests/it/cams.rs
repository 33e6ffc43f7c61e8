//! CAMs: the numbers, the pictures and the index.

use crate::support::{
    INPUT_PX, effort, find, folder_of_pictures, model, names, picture, read_csv, training_set, write_picture,
};
use cyborg_image::{Raster, read_grey, read_rgb, resize_bilinear};
use cyborg_predict::{CamOptions, CamTarget, Model, PredictError, draw_cams};
use cyborg_train::{Silent, score};
use std::path::Path;

fn options(target: CamTarget) -> CamOptions {
    CamOptions { target, opacity: 0.5, maps: true, effort: effort(3, 2) }
}

/// Shape and values of a `.npy` file of little-endian f32 in two dimensions, by the format's description.
fn read_npy(path: &Path) -> ([usize; 2], Vec<f32>) {
    let bytes = fs_err::read(path).expect("there");
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!((10 + length) % 64, 0, "the values are aligned");
    let header = std::str::from_utf8(&bytes[10..10 + length]).expect("ASCII");
    assert!(header.ends_with('\n') && header.contains("'descr': '<f4'"), "{header}");
    assert!(header.contains("'fortran_order': False"), "{header}");
    let inside =
        header.split_once("'shape': (").and_then(|(_, rest)| rest.split_once(')')).expect("a shape").0;
    let sides: Vec<usize> = inside.split(", ").map(|side| side.parse().expect("a side")).collect();
    let values: Vec<f32> =
        bytes[10 + length..].as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
    assert_eq!(sides.iter().product::<usize>(), values.len());
    (sides.try_into().expect("two sides"), values)
}

#[test]
fn the_map_is_the_one_that_a_training_scores() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let paths = folder_of_pictures(&dir.path().join("in"), 7);
    let model = model();
    let images = find(&dir.path().join("in"));
    let out = dir.path().join("out");
    draw_cams(&model, &images, options(CamTarget::Predicted), &out, &mut |_| ()).expect("drawn");

    let set = training_set(&paths);
    let grid = model.network().architecture().grid(INPUT_PX).expect("large enough");
    let scores = score(model.network(), model.tap(), &set, 3, &Silent).expect("scored");
    for (score, row) in scores.iter().zip(read_csv(&out.join("cams.csv"))) {
        assert_eq!(row["predicted"], score.predicted.to_string());
        assert_eq!(row["class"], row["predicted"]);
        let (shape, cam) = read_npy(&out.join(&row["cam"]));
        assert_eq!(shape, [grid, grid]);
        let low = cam.iter().copied().fold(f32::INFINITY, f32::min);
        let high = cam.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        assert_eq!([row["cam_min"].parse(), row["cam_max"].parse()], [Ok(low), Ok(high)]);
        // In the crate's own steps: minus the minimum, divided by the maximum of that, to 8 bit.
        let quantised: Vec<u8> =
            cam.iter().map(|cell| ((cell - low) / (high - low) * 255.0).round() as u8).collect();
        assert_eq!(quantised, score.cam);
        // The map alone is that at the picture's size.
        let picture = read_rgb(&dir.path().join("in").join(&row["image"])).expect("a picture");
        let side = grid as u32;
        let small = Raster { width_px: side, height_px: side, channels: 1, pixels: quantised };
        let map = read_grey(&out.join(&row["map"])).expect("a map");
        assert_eq!(map, resize_bilinear(&small, picture.width_px, picture.height_px));
        let overlay = read_rgb(&out.join(&row["overlay"])).expect("an overlay");
        assert_eq!((overlay.width_px, overlay.height_px), (picture.width_px, picture.height_px));
        assert_ne!(overlay, picture);
    }
}

/// The CAM by hand from the network's own parts: `sum_k W[class][k] F[k]`.
fn cam_by_hand(model: &Model, path: &Path, class: usize) -> Vec<f32> {
    let mut planes = vec![0.0; model.input().n_values()];
    model.input().normalise(&model.input().read(path, None).expect("a picture"), &mut planes);
    let shape = (1, 3, INPUT_PX, INPUT_PX);
    let input = candle_core::Tensor::from_vec(planes, shape, &candle_core::Device::Cpu).expect("made");
    let output = model.network().forward_eval(&input, &[model.tap()]).expect("run");
    let weight = model.network().classifier_weight().to_vec2::<f32>().expect("a matrix");
    let features = output.features(&model.tap()).expect("asked for");
    let features = features.squeeze(0).and_then(|f| f.flatten_from(1)).and_then(|f| f.to_vec2::<f32>());
    let features = features.expect("channels");
    let cell = |at: usize| -> f32 {
        let products = features.iter().zip(&weight[class]).map(|(f, w)| f64::from(f[at]) * f64::from(*w));
        products.sum::<f64>() as f32
    };
    (0..features[0].len()).map(cell).collect()
}

#[test]
fn the_class_decides_the_map() {
    let dir = tempfile::tempdir().expect("temporary folder");
    folder_of_pictures(dir.path(), 3);
    fs_err::write(dir.path().join("rows.csv"), "image,label\n00.png,fake\n01.png,real\n02.png,\n")
        .expect("written");
    let model = model();
    let images = find(&dir.path().join("rows.csv"));
    let draw = |word: &str| {
        let target = CamTarget::from_word(word, model.classes()).expect("a class");
        let out = dir.path().join(word);
        let outcome = draw_cams(&model, &images, options(target), &out, &mut |_| ()).expect("drawn");
        (read_csv(&out.join("cams.csv")), outcome.failures)
    };
    for (word, class) in [("real", 0), ("1", 1)] {
        let (rows, failures) = draw(word);
        assert!(failures.is_empty());
        for row in &rows {
            assert_eq!(row["class"], class.to_string());
            assert_eq!(row["class_name"], ["real", "fake"][class]);
            let (_, cam) = read_npy(&dir.path().join(word).join(&row["cam"]));
            let expected = cam_by_hand(&model, &dir.path().join(&row["image"]), class);
            let scale = expected.iter().fold(0f32, |most, cell| most.max(cell.abs()));
            // 64 products in f32 against f64: each rounding is 6e-8 of the scale.
            let off = cam.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 64.0 * 6e-8 * scale, "{off} of {scale}");
        }
    }
    let (rows, failures) = draw("true");
    let classes: Vec<&str> = rows.iter().map(|row| row["class"].as_str()).collect();
    assert_eq!(classes, ["1", "0"]);
    assert_eq!(failures.len(), 1);
    assert_eq!(
        failures[0].to_string(),
        "`02.png` (rows.csv:4): it has no label, so there is no true class to draw"
    );
    for row in &rows {
        let (_, cam) = read_npy(&dir.path().join("true").join(&row["cam"]));
        let other = ["real", "1"][row["class"].parse::<usize>().expect("an index")];
        let (_, same) = read_npy(&dir.path().join(other).join(&row["cam"]));
        assert_eq!(cam, same);
    }
}

#[test]
fn files_stay_in_their_folder_and_bad_pictures_out() {
    let dir = tempfile::tempdir().expect("temporary folder");
    folder_of_pictures(&dir.path().join("in"), 2);
    write_picture(&dir.path().join("in/00.PNG"), &picture(20, 20, 3, 9));
    fs_err::write(dir.path().join("in/bad.png"), b"no").expect("written");
    let table = "image\n../in/00.png\n../in/00.PNG\n../in/bad.png\n../in/gone.png\n../in/01.png\n";
    fs_err::create_dir(dir.path().join("rows")).expect("made");
    fs_err::write(dir.path().join("rows/rows.csv"), table).expect("written");
    let images = find(&dir.path().join("rows/rows.csv"));
    let out = dir.path().join("deep/out");
    let no_maps = CamOptions { maps: false, ..options(CamTarget::Predicted) };
    let outcome = draw_cams(&model(), &images, no_maps, &out, &mut |_| ()).expect("drawn");
    let failed: Vec<&str> = outcome.failures.iter().map(|failure| failure.image.as_str()).collect();
    assert_eq!((outcome.n_done, failed), (3, vec!["../in/bad.png", "../in/gone.png"]));
    let overlays: Vec<String> = read_csv(&out.join("cams.csv"))
        .into_iter()
        .map(|mut row| row.remove("overlay").expect("it"))
        .collect();
    assert_eq!(
        overlays,
        ["overlays/_./in/00.png.png", "overlays/_./in/00.PNG~2.png", "overlays/_./in/01.png.png"]
    );
    assert_eq!(names(&out), ["cams", "cams.csv", "overlays"]);
    assert_eq!(names(&out.join("cams/_./in")), ["00.PNG~2.npy", "00.png.npy", "01.png.npy"]);
}

#[test]
fn neither_batches_nor_threads_change_a_byte() {
    let dir = tempfile::tempdir().expect("temporary folder");
    folder_of_pictures(&dir.path().join("in"), 5);
    let (model, images) = (model(), find(&dir.path().join("in")));
    let bytes = |batch_size, n_threads| {
        let out = dir.path().join("out");
        let options = CamOptions { effort: effort(batch_size, n_threads), ..options(CamTarget::Class(1)) };
        draw_cams(&model, &images, options, &out, &mut |_| ()).expect("drawn");
        ["cams.csv", "cams/03.png.npy", "maps/03.png.png", "overlays/04.png.png"]
            .map(|name| fs_err::read(out.join(name)).expect("there"))
    };
    let first = bytes(2, 1);
    assert_eq!(bytes(5, 3), first);
    assert_eq!(bytes(1, 2), first);
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let dir = tempfile::tempdir().expect("temporary folder");
    folder_of_pictures(&dir.path().join("in"), 1);
    let (model, images) = (model(), find(&dir.path().join("in")));
    let refused = |options: CamOptions| {
        let out = dir.path().join("out");
        let error = draw_cams(&model, &images, options, &out, &mut |_| ()).expect_err("refused");
        assert!(!out.exists());
        error
    };
    let error = refused(options(CamTarget::True));
    assert!(matches!(error, PredictError::NoLabels { .. }), "{error:?}");
    let message = refused(options(CamTarget::Class(2))).to_string();
    assert_eq!(message, "`class` is `2`, expected a class: `real` (0), `fake` (1)");
    for opacity in [-0.1, 1.1, f64::NAN] {
        let message = refused(CamOptions { opacity, ..options(CamTarget::Predicted) }).to_string();
        assert!(message.starts_with("`opacity` is "), "{message}");
    }
    let message = CamTarget::from_word("cat", model.classes()).expect_err("no such class").to_string();
    assert_eq!(message, "`class` is `cat`, expected `predicted`, `true` or a class: `real` (0), `fake` (1)");
    // A file is where the folder should be.
    fs_err::write(dir.path().join("file"), b"").expect("written");
    let error =
        draw_cams(&model, &images, options(CamTarget::Predicted), &dir.path().join("file"), &mut |_| ())
            .expect_err("in the way");
    assert!(matches!(error, PredictError::Write { .. }), "{error:?}");
    // All images fail: no index.
    fs_err::write(dir.path().join("in/00.png"), b"no").expect("written");
    let out = dir.path().join("out");
    let error =
        draw_cams(&model, &images, options(CamTarget::Predicted), &out, &mut |_| ()).expect_err("nothing");
    assert!(matches!(error, PredictError::NothingLeft { .. }), "{error:?}");
    assert!(names(&out).is_empty());
}
