//! Image files to image sets: what is kept, what is left out and why.

use cyborg_backbones::{Architecture, Network, Tap};
use cyborg_image::{Raster, write_png};
use cyborg_manifest::{Item, Split};
use cyborg_seed::Seed;
use cyborg_train::{BadImage, ImageSet, Silent, TrainError, score};
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
    ImageSet::load(items, SIDE, GRID, budget, &|_, _| {}).expect("possible sides")
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
    let (set, bad) = ImageSet::load(items, SIDE, GRID, u64::MAX, &progress).expect("possible sides");
    assert_eq!(bad, []);
    assert_eq!(n_done.into_inner(), 4);
    assert_eq!((set.len(), set.n_maps(), set.n_flat_maps(), set.n_missing_maps()), (4, 2, 1, 1));
    assert_eq!(set.n_on_demand(), 0);
    // 4 columns of 10 pixels: PIL's triangle reaches 10 pixels to either side, so the middle columns are mixed.
    let left = set.average_map(Some(0)).expect("one map");
    assert_eq!(left, set.map(0).expect("has one"));
    assert!(left[0] == 1.0 && left[3] == 0.0 && left[1] > left[2], "{left:?}");
    let both = set.average_map(None).expect("two maps");
    // Left and right are each other's mirror image, up to the rounding to 8 bit: their mean is one half everywhere.
    assert!(both.iter().all(|&cell| (cell - 0.5).abs() < 0.01), "{both:?}");
    assert_eq!(set.average_map(Some(2)), None);
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

#[test]
fn any_memory_budget_gives_the_same_scores() {
    let folder = folder();
    let items =
        || (0..5).map(|image| item(folder.path(), &format!("{image}.png"), image % 2, None)).collect();
    let network = Network::new(Architecture::ThinResNet8, 2, &Seed::new(1)).expect("a network");
    let scores = |set: &ImageSet| score(&network, Tap::Pooled, set, 2, &Silent);
    let image_bytes = (SIDE * SIDE * 3) as u64;
    let (all, _) = load(items(), 5 * image_bytes);
    assert_eq!(all.n_on_demand(), 0);
    let expected = scores(&all).expect("scores");
    for kept in [0, 1, 3] {
        let (some, _) = load(items(), kept * image_bytes + image_bytes / 2);
        assert_eq!(some.n_on_demand() as u64, 5 - kept);
        assert_eq!(scores(&some).expect("scores"), expected);
        fs_err::rename(folder.path().join("4.png"), folder.path().join("away.png")).expect("renamed");
        let error = scores(&some).expect_err("the last image is gone");
        assert!(matches!(&error, TrainError::Image { id, .. } if id == "files/4.png"), "{error:?}");
        fs_err::rename(folder.path().join("away.png"), folder.path().join("4.png")).expect("renamed");
    }
}

#[test]
fn a_set_for_another_network_is_refused() {
    let folder = folder();
    let items = vec![item(folder.path(), "0.png", 0, None)];
    let (set, _) = ImageSet::load(items, SIDE, 7, u64::MAX, &|_, _| {}).expect("possible sides");
    let network = Network::new(Architecture::ThinResNet8, 2, &Seed::new(1)).expect("a network");
    let error = score(&network, Tap::Pooled, &set, 2, &Silent).expect_err("7x7 instead of 4x4");
    assert!(matches!(error, TrainError::SetShape { found_grid: 7, expected_grid: 4, .. }), "{error:?}");
    assert!(matches!(
        ImageSet::load(Vec::new(), 0, 7, 0, &|_, _| {}),
        Err(TrainError::Setting { field: "input_px", .. })
    ));
}
