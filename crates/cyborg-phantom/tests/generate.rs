//! The folder that appears: whole, the same each time, readable as any other data set.
#![allow(clippy::unwrap_used, missing_docs)]
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Mutex;

use cyborg_phantom::{FacePhantom, PHANTOMS, Phantom, PhantomError, TestSources, contact_sheet, generate};

fn tiny() -> FacePhantom {
    FacePhantom {
        image_px: 32,
        n_train: 8,
        n_validation: 4,
        n_test_per_source: 2,
        n_annotators: 2,
        ..FacePhantom::default()
    }
}
const TINY_IMAGES: usize = 8 + 4 + 8 * 2;

/// Every file below a folder: relative path to bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs_err::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs_err::read(path).unwrap());
            }
        }
    }
    found
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let draw = |threads| {
        let parent = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| generate(&tiny(), parent.path(), &|_, _| ())).unwrap();
        assert_eq!(names(parent.path()), [tiny().folder_name()]);
        files(&parent.path().join(tiny().folder_name()))
    };
    let one = draw(1);
    assert_eq!(one.len(), TINY_IMAGES + 8 + 2);
    for threads in [1, 2, 3] {
        assert!(draw(threads) == one, "{threads} threads");
    }
}

/// Faces drawn before there were other domains, by drawing code 3: names, pixels, table and manifest have not changed since.
/// Both values were computed from the code as it was then, pixels being hashed decoded.
#[test]
fn faces_are_what_they_were_before_there_were_other_domains() {
    let parent = tempfile::tempdir().unwrap();
    let manifest = generate(&tiny(), parent.path(), &|_, _| ()).unwrap();
    let folder = manifest.parent().unwrap();
    assert_eq!(tiny().folder_name(), "phantom-faces-32px-901b05bbf8");
    let (mut all, mut text) = (blake3::Hasher::new(), blake3::Hasher::new());
    for (name, bytes) in files(folder) {
        let path = folder.join(&name);
        all.update(name.as_bytes());
        if name.starts_with("maps/") {
            all.update(&cyborg_image::read_grey(&path).unwrap().pixels);
        } else if name.starts_with("images/") {
            all.update(&cyborg_image::read_rgb(&path).unwrap().pixels);
        } else {
            all.update(&bytes);
            text.update(&bytes);
        }
    }
    let text = text.finalize().to_hex();
    assert_eq!(text.as_str(), "4eddb4e0158769e1f44cd6e8135ba8d378ba69c0857113a4a7831ace68279549");
    // The mathematical library of another system may change single pixels by one step.
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let all = all.finalize().to_hex();
        assert_eq!(all.as_str(), "727e0c5c5b40143e4a874a719a71f8ac6e9f432380cb5fcd694a47c5d5df0730");
    }
}

/// A tiny data set of every domain of the list.
fn tiny_of_all() -> Vec<Box<dyn Phantom>> {
    let fields = serde_json::json!({
        "image_px": 32, "n_train": 8, "n_validation": 4, "n_test_per_source": 1, "n_annotators": 2
    });
    PHANTOMS.iter().map(|choice| choice.parse(fields.as_object().unwrap()).unwrap()).collect()
}

#[test]
fn every_domain_is_drawn_the_same_by_any_number_of_threads_and_opens_as_any_data_set() {
    for phantom in tiny_of_all() {
        let draw = |threads| {
            let parent = tempfile::tempdir().unwrap();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let path = pool.install(|| generate(phantom.as_ref(), parent.path(), &|_, _| ())).unwrap();
            let data = cyborg_manifest::read_manifest(&path).unwrap().open(None).unwrap();
            assert!(data.phantom);
            assert_eq!(data.classes, phantom.words().classes);
            assert_eq!(data.items.len(), 8 + 4 + phantom.n_test(), "{}", phantom.name());
            data.check_files().unwrap();
            files(path.parent().unwrap())
        };
        assert!(draw(1) == draw(3), "{}", phantom.name());
    }
}

#[test]
fn another_seed_gives_other_images_under_another_name() {
    let parent = tempfile::tempdir().unwrap();
    let other = FacePhantom { seed: 1, ..tiny() };
    let first = generate(&tiny(), parent.path(), &|_, _| ()).unwrap();
    let second = generate(&other, parent.path(), &|_, _| ()).unwrap();
    let image = "images/train/camera-a/00000.png";
    let read = |manifest: &Path| fs_err::read(manifest.with_file_name(image)).unwrap();
    assert_ne!(read(&first), read(&second));
}

#[test]
fn names_follow_the_settings() {
    let base = tiny().folder_name();
    let others = [
        FacePhantom { image_px: 33, ..tiny() },
        FacePhantom { n_train: 12, ..tiny() },
        FacePhantom { n_validation: 8, ..tiny() },
        FacePhantom { n_test_per_source: 3, ..tiny() },
        FacePhantom { shortcut: 0.5, ..tiny() },
        FacePhantom { n_annotators: 3, ..tiny() },
        FacePhantom { seed: 1, ..tiny() },
        FacePhantom { generators: TestSources::Development, ..tiny() },
    ];
    assert!(base.starts_with("phantom-faces-32px-"), "{base}");
    for other in &others {
        assert_ne!(other.folder_name(), base, "{other:?}");
    }
}

#[test]
fn the_table_is_complete_and_every_file_of_it_exists() {
    let parent = tempfile::tempdir().unwrap();
    let manifest = generate(&tiny(), parent.path(), &|_, _| ()).unwrap();
    let folder = manifest.parent().unwrap();
    let mut reader = csv::Reader::from_path(folder.join("table.csv")).unwrap();
    assert_eq!(reader.headers().unwrap(), vec!["image", "label", "source", "subject", "split", "map"]);
    let (mut synthetic, mut maps, mut n) = (0, 0, 0);
    for row in reader.records() {
        let row = row.unwrap();
        let image = cyborg_image::read_rgb(&folder.join(&row[0])).unwrap();
        assert_eq!((image.width_px, image.height_px), (32, 32));
        n += 1;
        synthetic += usize::from(&row[1] == "synthetic");
        assert_eq!(row[3].is_empty(), &row[1] == "synthetic");
        assert_eq!(!row[5].is_empty(), &row[4] == "train");
        if !row[5].is_empty() {
            let map = cyborg_image::read_grey(&folder.join(&row[5])).unwrap();
            assert_eq!((map.width_px, map.height_px, map.channels), (32, 32, 1));
            maps += 1;
        }
    }
    assert_eq!((n, synthetic, maps), (TINY_IMAGES, 4 + 2 + 6 * 2, 8));
}

#[test]
fn the_manifest_opens_as_any_other() {
    let parent = tempfile::tempdir().unwrap();
    let path = generate(&tiny(), parent.path(), &|_, _| ()).unwrap();
    let manifest = cyborg_manifest::read_manifest(&path).unwrap();
    assert_eq!(manifest.id, tiny().folder_name());
    assert!(manifest.phantom);
    let data = manifest.open(None).unwrap();
    assert_eq!(data.classes, ["authentic", "synthetic"]);
    assert_eq!(data.items.len(), TINY_IMAGES);
    assert_eq!(data.pairs.len(), 6);
    assert!(data.pairs.values().all(|cameras| cameras == &["camera-a", "camera-b"]));
}

#[test]
fn what_is_there_is_not_drawn_again() {
    let parent = tempfile::tempdir().unwrap();
    let calls = Mutex::new(Vec::new());
    let progress = |done, all| calls.lock().unwrap().push((done, all));
    let first = generate(&tiny(), parent.path(), &progress).unwrap();
    let mut seen = std::mem::take(&mut *calls.lock().unwrap());
    seen.sort_unstable();
    assert_eq!(seen, (1..=TINY_IMAGES).map(|done| (done, TINY_IMAGES)).collect::<Vec<_>>());
    assert_eq!(generate(&tiny(), parent.path(), &progress).unwrap(), first);
    assert!(calls.lock().unwrap().is_empty());
}

#[test]
fn a_cut_leaves_nothing_that_looks_complete() {
    let whole = tempfile::tempdir().unwrap();
    let expected = files(generate(&tiny(), whole.path(), &|_, _| ()).unwrap().parent().unwrap());

    let parent = tempfile::tempdir().unwrap();
    let cut = std::panic::catch_unwind(AssertUnwindSafe(|| {
        generate(&tiny(), parent.path(), &|done, _| assert!(done < 5, "the cut of this test"))
    }));
    assert!(cut.is_err());
    let folder = parent.path().join(tiny().folder_name());
    assert!(!folder.exists());
    assert!(names(parent.path()).iter().all(|name| name.starts_with('.')), "{:?}", names(parent.path()));
    // The next call clears the remains and draws the same.
    generate(&tiny(), parent.path(), &|_, _| ()).unwrap();
    assert_eq!(names(parent.path()), [tiny().folder_name()]);
    assert!(files(&folder) == expected);
}

#[test]
fn two_at_once_agree() {
    let parent = tempfile::tempdir().unwrap();
    let paths: Vec<_> = std::thread::scope(|scope| {
        let spawn = || scope.spawn(|| generate(&tiny(), parent.path(), &|_, _| ()).unwrap());
        let threads = [spawn(), spawn()];
        threads.map(|thread| thread.join().unwrap()).to_vec()
    });
    assert_eq!(paths[0], paths[1]);
    assert!(paths[0].is_file());
}

#[test]
fn a_foreign_folder_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join(tiny().folder_name());
    fs_err::create_dir(&folder).unwrap();
    fs_err::write(folder.join("mine.txt"), "mine").unwrap();
    let error = generate(&tiny(), parent.path(), &|_, _| ()).unwrap_err();
    assert!(matches!(&error, PhantomError::InTheWay { path } if *path == folder), "{error}");
    assert_eq!(names(&folder), ["mine.txt"]);
}

#[test]
fn a_parent_that_is_a_file_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs_err::write(&file, "").unwrap();
    let error = generate(&tiny(), &file, &|_, _| ()).unwrap_err();
    assert!(matches!(&error, PhantomError::Write { .. }), "{error}");
    assert!(error.to_string().contains("file"), "{error}");
}

#[test]
fn impossible_settings_are_all_named() {
    let impossible = FacePhantom {
        image_px: 31,
        n_train: 0,
        n_validation: 7,
        n_test_per_source: 0,
        shortcut: 1.5,
        n_annotators: 0,
        ..FacePhantom::default()
    };
    let faults = impossible.faults();
    for name in ["image_px", "n_train", "n_validation", "n_test_per_source", "shortcut", "n_annotators"] {
        assert_eq!(
            faults.iter().filter(|fault| fault.message.contains(&format!("`{name}`"))).count(),
            1,
            "{faults:?}"
        );
    }
    assert_eq!(faults.len(), 6);
    assert!(FacePhantom::default().faults().is_empty());
    for shortcut in [f64::NAN, -0.1, f64::INFINITY] {
        assert_eq!(FacePhantom { shortcut, ..tiny() }.faults().len(), 1);
    }
    let parent = tempfile::tempdir().unwrap();
    let error = generate(&impossible, parent.path(), &|_, _| ()).unwrap_err();
    assert!(matches!(&error, PhantomError::Settings { faults, .. } if faults.len() == 6), "{error}");
    assert!(names(parent.path()).is_empty());
    let error = contact_sheet(&impossible, &parent.path().join("sheet.png")).unwrap_err();
    assert!(matches!(error, PhantomError::Settings { .. }));
}

#[test]
fn the_contact_sheet_shows_every_source() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("sheet.png");
    contact_sheet(&FacePhantom { n_train: 16, ..tiny() }, &path).unwrap();
    let sheet = cyborg_image::read_rgb(&path).unwrap();
    // Ten rows (two cameras, two training and six unseen generators) of tiles of 128 px and gaps of 4.
    assert_eq!(sheet.height_px, 10 * (128 + 4) + 4);
}
