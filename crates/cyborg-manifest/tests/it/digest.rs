//! The content digest: what it sees, what it does not, and its cache.

use std::time::{Duration, SystemTime};

use cyborg_manifest::{Item, ManifestError, content_digest};

use crate::folder::Folder;

fn set() -> Folder {
    let folder = Folder::with_rows("a.png,authentic,cam,s1,train,m.png\nb.png,synthetic,gan,,test,\n");
    folder.write("a.png", "a");
    folder.write("b.png", "b");
    folder.write("m.png", "m");
    folder
}

fn digest(folder: &Folder) -> String {
    content_digest(&folder.open().unwrap().items, None).unwrap()
}

/// Long enough ago for a digest to be kept.
fn age(folder: &Folder, name: &str, hours: u64) {
    let file = fs_err::OpenOptions::new().append(true).open(folder.path(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600 * hours)).unwrap();
}

#[test]
fn everything_that_training_sees_counts() {
    let first = digest(&set());
    assert_eq!(first.len(), 64);
    let changed = |change: &dyn Fn(&Folder)| {
        let folder = set();
        change(&folder);
        digest(&folder)
    };
    for name in ["a.png", "b.png", "m.png"] {
        assert_ne!(changed(&|folder| folder.write(name, "x")), first, "{name}");
    }
    let row = |from: &str, to: &str| {
        changed(&|folder| {
            let rows = fs_err::read_to_string(folder.path("rows.csv")).unwrap();
            assert!(rows.contains(from));
            folder.write("rows.csv", rows.replace(from, to));
        })
    };
    assert_ne!(row("b.png,synthetic", "b.png,authentic"), first);
    assert_ne!(row("gan", "gan2"), first);
    assert_ne!(row("train", "validation"), first);
    assert_ne!(row("m.png", ""), first);
    // Nothing is drawn from the subject, and another machine has another folder.
    assert_eq!(row("s1", "s2"), first);
    assert_eq!(digest(&set()), first);
}

#[test]
fn the_order_of_items_does_not_count() {
    let folder = set();
    let mut items: Vec<Item> = folder.open().unwrap().items;
    items.reverse();
    assert_eq!(content_digest(&items, None).unwrap(), digest(&folder));
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_its_row() {
    let folder = set();
    fs_err::remove_file(folder.path("m.png")).unwrap();
    let error = content_digest(&folder.open().unwrap().items, None).unwrap_err();
    assert!(matches!(error, ManifestError::File { .. }));
    let message = folder.message(&error);
    assert!(message.starts_with("cannot read `DIR/m.png`, which rows.csv:2 names"), "{message}");
}

#[test]
fn the_cache_spares_reading() {
    let folder = set();
    let items = folder.open().unwrap().items;
    for name in ["a.png", "b.png", "m.png"] {
        age(&folder, name, 2);
    }
    let cache = folder.path("cache.json");
    let first = content_digest(&items, Some(&cache)).unwrap();
    assert!(cache.is_file());
    // Another content of the same length and time: only a reader would notice.
    let time = fs_err::metadata(folder.path("a.png")).unwrap().modified().unwrap();
    folder.write("a.png", "z");
    let file = fs_err::OpenOptions::new().append(true).open(folder.path("a.png")).unwrap();
    file.set_modified(time).unwrap();
    drop(file);
    assert_eq!(content_digest(&items, Some(&cache)).unwrap(), first);
    // Another time of change: read again.
    age(&folder, "a.png", 1);
    assert_ne!(content_digest(&items, Some(&cache)).unwrap(), first);
    let names: Vec<_> =
        fs_err::read_dir(folder.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.display().to_string().ends_with(".partial")), "{names:?}");
}

#[test]
fn a_file_that_just_changed_is_not_trusted_to_the_cache() {
    let folder = set();
    let items = folder.open().unwrap().items;
    let cache = folder.path("cache.json");
    content_digest(&items, Some(&cache)).unwrap();
    assert!(!cache.exists(), "nothing is old enough to be kept");
}

#[test]
fn a_bad_cache_changes_nothing() {
    let folder = set();
    let items = folder.open().unwrap().items;
    for name in ["a.png", "b.png", "m.png"] {
        age(&folder, name, 2);
    }
    let right = content_digest(&items, None).unwrap();
    for text in ["", "{", "[]", "{\"version\": 99, \"files\": {}}", "{\"version\": 1, \"files\": {\"a\": 3}}"]
    {
        folder.write("cache.json", text);
        assert_eq!(content_digest(&items, Some(&folder.path("cache.json"))).unwrap(), right, "{text}");
    }
    // A place that cannot be written.
    assert_eq!(content_digest(&items, Some(&folder.path("no/such/folder/cache.json"))).unwrap(), right);
}

#[test]
fn many_at_once_leave_a_whole_cache() {
    let folder = set();
    let items = folder.open().unwrap().items;
    for name in ["a.png", "b.png", "m.png"] {
        age(&folder, name, 2);
    }
    let cache = folder.path("cache.json");
    let right = content_digest(&items, None).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(content_digest(&items, Some(&cache)).unwrap(), right));
        }
    });
    let kept: serde_json::Value = serde_json::from_slice(&fs_err::read(&cache).unwrap()).unwrap();
    assert_eq!(kept["files"].as_object().unwrap().len(), 3);
}
