//! Image files to image sets: what is kept, what is left out and why.

use candle_core::Tensor;
use cyborg_data::{BadImage, BatchPlan, Batches, DataError, ImageSet};
use cyborg_image::{Raster, write_png};
use cyborg_manifest::{Item, Split};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::{TempDir, tempdir};

const SIDE: usize = 32;
const GRID: usize = 4;

fn item(folder: &Path, name: &str, label: usize, map: Option<&str>) -> Item {
    Item {
        id: format!("files/{name}"),
        image: folder.join(name),
        label,
        source: "files".to_owned(),
        subject: None,
        split: Split::Train,
        map: map.map(|map| folder.join(map)),
        window: None,
        origin: format!("list.csv: {name}"),
    }
}

fn draw(path: PathBuf, width_px: u32, height_px: u32, channels: usize, value: impl Fn(usize) -> u8) {
    let pixels = (0..(width_px * height_px) as usize * channels).map(value).collect();
    write_png(&path, &Raster { width_px, height_px, channels, pixels }).expect("written");
}

/// Five images of 40 x 30, two of them with a map.
fn folder() -> TempDir {
    let folder = tempdir().expect("temporary folder");
    for image in 0..5 {
        let value = |at: usize| ((at * 7 + image * 31) % 256) as u8;
        draw(folder.path().join(format!("{image}.png")), 40, 30, 3, value);
    }
    // Left half marked; right half marked, at another size of the same shape.
    draw(folder.path().join("left.png"), 40, 30, 1, |at| if at % 40 < 20 { 255 } else { 0 });
    draw(folder.path().join("right.png"), 20, 15, 1, |at| if at % 20 >= 10 { 255 } else { 0 });
    draw(folder.path().join("flat.png"), 40, 30, 1, |_| 0);
    folder
}

fn load(items: Vec<Item>, budget: u64) -> (ImageSet, Vec<BadImage>) {
    ImageSet::load(items, SIDE, budget, &|_, _| {}).expect("possible sides")
}

#[test]
fn maps_are_counted_and_averaged_by_class() {
    let folder = folder();
    let at = folder.path();
    let items = vec![
        item(at, "0.png", 0, Some("left.png")),
        item(at, "1.png", 1, Some("right.png")),
        item(at, "2.png", 0, Some("flat.png")),
        item(at, "3.png", 1, None),
    ];
    let n_done = AtomicUsize::new(0);
    let progress = |done: usize, of: usize| {
        assert!((1..=4).contains(&done) && of == 4);
        n_done.fetch_add(1, Ordering::Relaxed);
    };
    let (set, bad) = ImageSet::load(items, SIDE, u64::MAX, &progress).expect("possible sides");
    assert_eq!(bad, []);
    assert_eq!(n_done.into_inner(), 4);
    assert_eq!((set.len(), set.n_missing_maps()), (4, 1));
    let maps = set.maps_on_grid(GRID, GRID).expect("in memory");
    assert_eq!((maps.n_maps(), maps.n_flat_maps()), (2, 1));
    assert_eq!(set.n_on_demand(), 0);
    let average = |label| set.average_map(GRID, GRID, label).expect("in memory");
    // 4 columns of 10 pixels: PIL's triangle reaches 10 pixels to either side, so the middle columns are mixed.
    let left = average(Some(0)).expect("one map");
    assert_eq!(left, maps.map(0).expect("has one"));
    assert!(left[0] == 1.0 && left[3] == 0.0 && left[1] > left[2], "{left:?}");
    let both = average(None).expect("two maps");
    // Left and right are each other's mirror image, up to the rounding to 8 bit: their mean is one half everywhere.
    assert!(both.iter().all(|&cell| (cell - 0.5).abs() < 0.01), "{both:?}");
    assert_eq!(average(Some(2)), None);
}

#[test]
fn what_cannot_be_used_is_named_and_left_out() {
    let folder = folder();
    let at = folder.path();
    let whole = fs_err::read(at.join("0.png")).expect("read");
    fs_err::write(at.join("truncated.png"), &whole[..whole.len() / 2]).expect("written");
    fs_err::write(at.join("text.png"), "not an image").expect("written");
    fs_err::write(at.join("empty.png"), "").expect("written");
    draw(at.join("square.png"), 30, 30, 1, |at| (at % 256) as u8);
    let items = vec![
        item(at, "missing.png", 0, None),
        item(at, "0.png", 0, None),
        item(at, "truncated.png", 0, None),
        item(at, "text.png", 0, None),
        item(at, "empty.png", 0, None),
        item(at, "1.png", 1, Some("square.png")),
        item(at, "2.png", 1, Some("gone.png")),
        item(at, "4.png", 1, None),
        item(at, "3.png", 1, Some("text.png")),
    ];
    let (set, bad) = load(items, u64::MAX);
    let kept: Vec<&str> = set.items().iter().map(|item| item.id.as_str()).collect();
    assert_eq!(kept, ["files/0.png", "files/4.png"]);
    let named: Vec<(&str, String)> = bad
        .iter()
        .map(|bad| (bad.id.as_str(), bad.path.file_name().expect("a file").to_string_lossy().into_owned()))
        .collect();
    let expected = [
        ("files/missing.png", "missing.png"),
        ("files/truncated.png", "truncated.png"),
        ("files/text.png", "text.png"),
        ("files/empty.png", "empty.png"),
        ("files/1.png", "square.png"),
        ("files/2.png", "gone.png"),
        ("files/3.png", "text.png"),
    ];
    assert_eq!(named, expected.map(|(id, path)| (id, path.to_owned())));
    assert!(bad.iter().all(|bad| !bad.reason.is_empty() && bad.origin.starts_with("list.csv: ")), "{bad:?}");
    assert!(bad[4].reason.contains("30x30") && bad[4].reason.contains("40x30"), "{}", bad[4].reason);
}

/// Everything that a batch holds, as numbers.
fn numbers(batch: &cyborg_data::Batch) -> Vec<Vec<f32>> {
    let flat =
        |tensor: &Tensor| -> Vec<f32> { tensor.flatten_all().and_then(|all| all.to_vec1()).expect("f32") };
    let mut all = vec![flat(&batch.images)];
    for maps in batch.maps.iter().chain(&batch.image_maps) {
        all.extend([flat(&maps.maps), flat(&maps.has_map)]);
    }
    all
}

fn batches(set: &ImageSet, plan: BatchPlan<'_>) -> Result<Vec<Vec<Vec<f32>>>, DataError> {
    let mut all = Vec::new();
    let order: Vec<usize> = (0..set.len()).rev().collect();
    let _: ControlFlow<()> =
        Batches::new(set, ([0.5; 3], [0.25; 3]), plan)?.for_each(&order, 2, 0, 0, |number, batch| {
            assert_eq!(number, all.len());
            all.push(numbers(&batch));
            Ok::<_, DataError>(ControlFlow::Continue(()))
        })?;
    Ok(all)
}

#[test]
fn any_memory_budget_gives_the_same_batches() {
    let folder = folder();
    let maps = ["left.png", "right.png", "flat.png"];
    let one =
        |image: usize| item(folder.path(), &format!("{image}.png"), image % 2, maps.get(image).copied());
    let items = || (0..5).map(one).collect();
    let plan = || BatchPlan {
        grids: vec![(GRID, GRID), (3, 5), (70, 80)],
        image_maps: true,
        ..BatchPlan::default()
    };
    let image_bytes = (SIDE * SIDE * 3) as u64;
    let (all, _) = load(items(), u64::MAX);
    assert_eq!(all.n_on_demand(), 0);
    let expected = batches(&all, plan()).expect("batches");
    assert_eq!(expected.len(), 3);
    // The first image of the last batch is number 0: a map on each grid.
    assert!([2, 4, 6, 8].iter().all(|&has_map| expected[2][has_map] == [1.0]), "{:?}", expected[2]);
    for kept in [0, 1, 3] {
        let (some, _) = load(items(), kept * image_bytes + image_bytes / 2);
        assert_eq!(some.n_on_demand() as u64, 5 - kept);
        assert!(batches(&some, plan()).expect("batches") == expected, "{kept} images in memory");
        assert_eq!(some.digest(), all.digest());
        let (there, away) = (folder.path().join("4.png"), folder.path().join("away.png"));
        fs_err::rename(&there, &away).expect("renamed");
        let error = batches(&some, plan()).expect_err("the last image is gone");
        assert!(matches!(&error, DataError::Reread { id, .. } if id == "files/4.png"), "{error:?}");
        fs_err::rename(&away, &there).expect("renamed");
    }
}

#[test]
fn a_map_that_is_not_kept_is_read_again_and_must_be_the_same() {
    let folder = folder();
    let at = folder.path();
    let (set, _) = load(vec![item(at, "0.png", 0, Some("left.png"))], 0);
    let (kept, _) = load(vec![item(at, "0.png", 0, Some("left.png"))], u64::MAX);
    let cells = set.map_on_grid(0, 7, 7).expect("readable").expect("a map");
    assert_eq!(kept.map_on_grid(0, 7, 7).expect("in memory").expect("a map"), cells);
    draw(at.join("left.png"), 40, 30, 1, |at| if at % 40 < 21 { 255 } else { 0 });
    let error = set.map_on_grid(0, 8, 8).expect_err("changed").to_string();
    assert!(error.contains("left.png") && error.contains("changed"), "{error}");
    assert!(set.maps_on_grid(8, 8).is_err());
}

#[test]
fn other_maps_share_the_images() {
    let folder = folder();
    let at = folder.path();
    let items = vec![item(at, "0.png", 0, Some("left.png")), item(at, "1.png", 1, Some("right.png"))];
    let (set, _) = load(items, 2 * (SIDE * SIDE * 3) as u64);
    let on = |set: &ImageSet, item: usize| set.map_on_grid(item, 1, 2).expect("readable");
    assert_eq!((on(&set, 0), on(&set, 1)), (Some(vec![1.0, 0.0]), Some(vec![0.0, 1.0])));
    let swapped = set.with_maps_of(&[Some(1), Some(0)]).expect("both exist");
    assert_eq!((on(&swapped, 0), on(&swapped, 1)), (Some(vec![0.0, 1.0]), Some(vec![1.0, 0.0])));
    let top = Raster { width_px: 1, height_px: 2, channels: 1, pixels: vec![9, 3] };
    let other = set.with_maps(vec![None, Some(top)]).expect("one entry an item");
    assert_eq!(other.map_on_grid(1, 2, 1).expect("in memory"), Some(vec![1.0, 0.0]));
    assert_eq!((on(&other, 0), other.n_missing_maps()), (None, 1));
    // The images are those of the first set: their files are not needed any more.
    fs_err::remove_file(at.join("0.png")).expect("removed");
    let images = |set: &ImageSet| batches(set, BatchPlan::default()).expect("in memory");
    assert_eq!(images(&other), images(&set));
    assert_ne!(set.digest(), swapped.digest());
    let refused = |result: Result<ImageSet, DataError>| result.expect_err("refused").to_string();
    assert_eq!(refused(set.with_maps_of(&[None])), "`given` is 1, expected 2 entries");
    assert_eq!(refused(set.with_maps_of(&[None, Some(2)])), "`given` is 2, expected an index below 2");
    assert_eq!(refused(set.with_maps(Vec::new())), "`maps` is 0, expected one entry for each of 2 items");
}

#[test]
fn arguments_that_cannot_be_are_named() {
    let message = |result: Result<(), DataError>| result.expect_err("refused").to_string();
    let side = |input_px| ImageSet::load(Vec::new(), input_px, 0, &|_, _| {}).map(|_| ());
    assert_eq!(message(side(0)), "`input_px` is 0, expected a side from 1 to 32768");
    assert_eq!(message(side(40_000)), "`input_px` is 40000, expected a side from 1 to 32768");
    let (set, _) = load(Vec::new(), 0);
    let with = |mean, std| Batches::new(&set, ([mean; 3], [std; 3]), BatchPlan::default()).map(|_| ());
    assert!(message(with(f32::NAN, 0.5)).starts_with("`mean` is [NaN"));
    assert!(message(with(0.5, 0.0)).starts_with("`std` is [0.0"));
    let grid = |grid| {
        Batches::new(&set, ([0.5; 3], [0.5; 3]), BatchPlan { grids: vec![grid], ..BatchPlan::default() })
    };
    assert_eq!(message(grid((0, 7)).map(|_| ())), "`grid` is 0x7, expected sides from 1 to 32768");
    let items = || vec![item(Path::new(""), "0.png", 0, None)];
    let made = |image: Raster, map| ImageSet::from_rasters(items(), &[image], vec![map], 8).map(|_| ());
    let (rgb, grey) = (Raster::filled(4, 4, 3, 0), Raster::filled(4, 4, 1, 0));
    assert!(
        message(made(grey.clone(), None))
            .starts_with("`images` is `files/0.png` with 4x4 pixels of 1 channels")
    );
    assert!(message(made(rgb.clone(), Some(rgb.clone()))).starts_with("`maps` is `files/0.png`"));
    assert!(message(made(rgb, Some(Raster { pixels: Vec::new(), ..grey }))).contains("0 bytes"));
}
