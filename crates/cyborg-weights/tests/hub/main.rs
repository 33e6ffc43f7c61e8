//! The hub's protocol against a small server of our own on this machine.

use cyborg_weights::{Hub, Source, WeightsError};
use fs_err as fs;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;

mod server;

use server::*;

#[test]
fn a_download_is_kept_as_python_keeps_it_and_found_again() {
    let large = content(200_000);
    let server = Server::start(&[("model.safetensors", &large), ("sub/other.pth", b"other")]);
    let cache = tempfile::tempdir().expect("a folder");
    let hub = server.hub(cache.path());
    let told = Told::default();
    let path = hub.fetch(&place("hf://o/n/model.safetensors"), &told).expect("fetched");
    assert_eq!(told.take(), ["hf://o/n/model.safetensors: 0 of 200000", "whole"]);
    assert_eq!(fs::read(&path).expect("kept"), large);
    assert_eq!(
        server.log(),
        [
            "HEAD /o/n/resolve/main/model.safetensors - -",
            "GET /o/n/resolve/main/model.safetensors bytes=0- -"
        ]
    );
    // huggingface_hub's layout.
    let repo = cache.path().join("models--o--n");
    assert_eq!(path, repo.join("snapshots").join(COMMIT).join("model.safetensors"));
    assert_eq!(fs::read_to_string(repo.join("refs/main")).expect("a reference"), COMMIT);
    let blobs: Vec<_> = fs::read_dir(repo.join("blobs")).expect("blobs").flatten().collect();
    assert_eq!(blobs.len(), 1);
    #[cfg(unix)]
    assert_eq!(fs::read_link(&path).expect("a link"), Path::new("../../blobs").join(blobs[0].file_name()));

    // Again: asked what `main` is, nothing fetched.
    assert_eq!(fetch(&hub, "hf://o/n/model.safetensors").expect("kept"), path);
    assert_eq!(server.log(), ["HEAD /o/n/resolve/main/model.safetensors - -"]);
    // A commit never changes: nothing asked.
    assert_eq!(fetch(&hub, &format!("hf://o/n@{COMMIT}/model.safetensors")).expect("kept"), path);
    assert!(server.log().is_empty());
    // A file in a folder.
    let other = fetch(&hub, "hf://o/n/sub/other.pth").expect("fetched");
    assert_eq!(fs::read(other).expect("kept"), b"other");
    // The repository's weights, whatever they are called.
    server.log();
    assert_eq!(fetch(&hub, "hf://o/n").expect("kept"), path);
    assert_eq!(server.log()[0], "GET /api/models/o/n/revision/main - -");

    // The branch moves on, this file does not change: the new commit's folder, no new bytes.
    server.set(|state| state.commit = OTHER_COMMIT.to_owned());
    let moved = fetch(&hub, "hf://o/n/model.safetensors").expect("kept");
    assert_eq!(moved, repo.join("snapshots").join(OTHER_COMMIT).join("model.safetensors"));
    assert!(server.log().iter().all(|line| line.starts_with("HEAD")));

    // Offline: the cache as it was left, for a branch, a commit and the repository's weights.
    let offline = Hub { offline: true, ..hub.clone() };
    assert_eq!(fetch(&offline, "hf://o/n/model.safetensors").expect("kept"), moved);
    assert_eq!(fetch(&offline, "hf://o/n").expect("kept"), moved);
    assert_eq!(fetch(&offline, &format!("hf://o/n@{COMMIT}/model.safetensors")).expect("kept"), path);
    for absent in ["hf://o/n/absent.pth", "hf://o/n@v9/model.safetensors", "hf://o/else", "hf://o/n@v1.0"] {
        let error = fetch(&offline, absent).expect_err(absent);
        assert!(
            matches!(error, WeightsError::Offline { .. }) && error.to_string().contains("HF_HUB_OFFLINE"),
            "{error}"
        );
    }
    assert!(server.log().is_empty());
}

#[test]
fn a_hub_that_cannot_be_reached_leaves_what_is_kept() {
    let server = Server::start(&[("model.safetensors", b"content")]);
    let cache = tempfile::tempdir().expect("a folder");
    let hub = server.hub(cache.path());
    let path = fetch(&hub, "hf://o/n").expect("fetched");
    // A port that nobody listens on.
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let hub = Hub { endpoint: format!("http://{gone}"), ..hub };
    let told = Told::default();
    assert_eq!(hub.fetch(&place("hf://o/n/model.safetensors"), &told).expect("kept"), path);
    let notes = told.take();
    assert!(notes.len() == 1 && notes[0].ends_with("what the cache has is used"), "{notes:?}");
    let error = fetch(&hub, "hf://o/n/absent.pth").expect_err("not kept");
    assert!(matches!(error, WeightsError::Transfer { .. }), "{error}");
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    // Trouble of the hub's own is no different.
    server.set(|state| state.refuses = Some((503, "")));
    assert_eq!(fetch(&server.hub(cache.path()), "hf://o/n/model.safetensors").expect("kept"), path);
}

#[test]
fn revisions_with_slashes_are_asked_for_as_one_name() {
    let server = Server::start(&[("model.safetensors", b"content")]);
    let cache = tempfile::tempdir().expect("a folder");
    let hub = server.hub(cache.path());
    for (text, asked, reference) in [
        ("hf://o/n@refs/pr/1/model.safetensors", "refs%2Fpr%2F1", "refs/pr/1"),
        ("hf://o/n@feature%2Fnew/model.safetensors", "feature%2Fnew", "feature/new"),
        ("hf://o/n@v1.0/model.safetensors", "v1.0", "v1.0"),
    ] {
        fetch(&hub, text).expect(text);
        assert_eq!(server.log()[0], format!("HEAD /o/n/resolve/{asked}/model.safetensors - -"));
        let kept = cache.path().join("models--o--n/refs").join(reference);
        assert_eq!(fs::read_to_string(kept).expect(reference), COMMIT);
    }
}

#[test]
fn what_is_not_there_is_told_apart() {
    let server = Server::start(&[("a.safetensors", b"a"), ("b.safetensors", b"b")]);
    let cache = tempfile::tempdir().expect("a folder");
    let hub = server.hub(cache.path());
    for (text, said) in [
        ("hf://o/wrong/a.safetensors", "there is no repository `o/wrong`, or it is private (set `HF_TOKEN`)"),
        ("hf://o/n@v9/a.safetensors", "`o/n` has no branch, tag or commit `v9`"),
        ("hf://o/n@v9", "`o/n` has no branch, tag or commit `v9`"),
        (
            "hf://o/n/c.safetensors",
            "`o/n` has no file `c.safetensors` at `main`; it has `a.safetensors`, `b.safetensors`",
        ),
        ("hf://o/n", "several weights files: `a.safetensors`, `b.safetensors`; name one of them"),
    ] {
        let error = fetch(&hub, text).expect_err(text);
        assert!(matches!(error, WeightsError::NotFound { .. }), "{error}");
        assert_eq!(error.to_string().split_once(": ").expect("a reason").0, format!("cannot fetch `{text}`"));
        assert!(error.to_string().ends_with(said), "{error}");
    }
    for ((status, code), said) in [
        (
            (401, ""),
            "the hub refuses (status 401): `o/n` is private or gated, or there is none; set `HF_TOKEN`",
        ),
        ((401, "RepoNotFound"), "there is no repository `o/n`, or it is private (set `HF_TOKEN`)"),
        ((403, "GatedRepo"), "`o/n` is gated: accept its conditions at"),
    ] {
        server.set(|state| state.refuses = Some((status, code)));
        let error = fetch(&hub, "hf://o/n/a.safetensors").expect_err(said);
        assert!(matches!(error, WeightsError::Forbidden { .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    server.set(|state| state.refuses = Some((404, "")));
    let error = fetch(&hub, "hf://o/n/a.safetensors").expect_err("not there");
    assert!(matches!(error, WeightsError::NotFound { .. }), "{error}");
    // The question what there is instead gets the same answer.
    server.set(|state| state.refuses = Some((404, "EntryNotFound")));
    let error = fetch(&hub, "hf://o/n/a.safetensors").expect_err("not there");
    assert!(error.to_string().ends_with("has no file `a.safetensors` at `main`"), "{error}");
    server.set(|state| state.refuses = Some((418, "")));
    let error = fetch(&hub, "hf://o/n/a.safetensors").expect_err("no hub");
    assert!(error.to_string().ends_with("the hub answers with status 418"), "{error}");
    // Nothing half is left.
    assert!(!cache.path().join("models--o--n").exists());
}

#[test]
fn the_token_goes_to_the_hub_and_to_nobody_else() {
    let store = Server::start(&[("a.pth", b"content")]);
    let server = Server::start(&[("a.pth", b"content")]);
    server.set(|state| {
        state.token = Some("hf_secret");
        state.store = Some(store.endpoint.clone());
    });
    let cache = tempfile::tempdir().expect("a folder");
    let hub = server.hub(cache.path());
    assert!(matches!(fetch(&hub, "hf://o/n/a.pth"), Err(WeightsError::Forbidden { .. })));
    server.log();
    let hub = Hub { token: Some("hf_secret".to_owned()), ..hub };
    let path = fetch(&hub, "hf://o/n/a.pth").expect("fetched");
    assert_eq!(fs::read(path).expect("kept"), b"content");
    assert_eq!(
        server.log(),
        [
            "HEAD /o/n/resolve/main/a.pth - Bearer hf_secret",
            "GET /o/n/resolve/main/a.pth bytes=0- Bearer hf_secret"
        ]
    );
    assert_eq!(store.log(), ["GET /store/a.pth bytes=0- -"]);
}

#[test]
fn a_renamed_repository_is_followed() {
    let server = Server::start(&[("a.pth", b"content")]);
    let cache = tempfile::tempdir().expect("a folder");
    let path = fetch(&server.hub(cache.path()), "hf://o/old/a.pth").expect("fetched");
    assert_eq!(fs::read(path).expect("kept"), b"content");
    assert_eq!(server.log()[1], "HEAD /o/n/resolve/main/a.pth - -");
}

#[test]
fn a_broken_transfer_goes_on_where_it_stopped() {
    let large = content(300_000);
    let server = Server::start(&[("a.pth", &large)]);
    let cache = tempfile::tempdir().expect("a folder");
    let hub = server.hub(cache.path());
    // Within one call.
    server.set(|state| state.cuts = vec![100_000, 50_000]);
    let told = Told::default();
    let path = hub.fetch(&place("hf://o/n/a.pth"), &told).expect("fetched");
    assert_eq!(fs::read(&path).expect("kept"), large);
    let ranges: Vec<_> =
        server.log().iter().skip(1).map(|line| line.split(' ').nth(2).map(ToOwned::to_owned)).collect();
    assert_eq!(ranges, ["bytes=0-", "bytes=100000-", "bytes=150000-"].map(|range| Some(range.to_owned())));
    let notes = told.take();
    assert!(notes[1].contains("it goes on from byte 100000"), "{notes:?}");

    // Over two calls: the first one gives up.
    let cache = tempfile::tempdir().expect("a folder");
    let hub = server.hub(cache.path());
    server.set(|state| state.cuts = vec![120_000, 0, 0, 0]);
    let error = fetch(&hub, "hf://o/n/a.pth").expect_err("cut");
    assert!(matches!(error, WeightsError::Transfer { .. }), "{error}");
    assert!(error.to_string().contains("broke off after 120000 of 300000 bytes"), "{error}");
    assert!(error.to_string().ends_with("run it again, it goes on there"), "{error}");
    assert!(fetch(&Hub { offline: true, ..hub.clone() }, "hf://o/n/a.pth").is_err(), "half a file is none");
    server.log();
    server.set(|state| state.cuts.clear());
    let told = Told::default();
    let path = hub.fetch(&place("hf://o/n/a.pth"), &told).expect("fetched");
    assert_eq!(told.take()[0], "hf://o/n/a.pth: 120000 of 300000");
    assert_eq!(server.log()[1], "GET /o/n/resolve/main/a.pth bytes=120000- -");
    assert_eq!(fs::read(&path).expect("kept"), large);

    // A server that knows no ranges begins again.
    let cache = tempfile::tempdir().expect("a folder");
    let hub = server.hub(cache.path());
    server.set(|state| {
        state.ignores_ranges = true;
        state.cuts = vec![70_000];
    });
    let path = fetch(&hub, "hf://o/n/a.pth").expect("fetched");
    assert_eq!(fs::read(&path).expect("kept"), large);
}

#[test]
fn what_is_not_what_was_announced_is_thrown_away() {
    let server = Server::start(&[("a.pth", &content(1000))]);
    let cache = tempfile::tempdir().expect("a folder");
    let hub = server.hub(cache.path());
    let mut other = content(1000);
    other[500] ^= 1;
    server.set(|state| state.lies = Some(other));
    let error = fetch(&hub, "hf://o/n/a.pth").expect_err("another file");
    assert!(matches!(error, WeightsError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("its digest is"), "{error}");
    let blobs = cache.path().join("models--o--n/blobs");
    assert_eq!(fs::read_dir(&blobs).expect("there").count(), 0);
    server.set(|state| state.lies = None);
    fetch(&hub, "hf://o/n/a.pth").expect("fetched");

    // What lies there from an earlier attempt is wrong: told, thrown away, and right the next time.
    let blob = fs::read_dir(&blobs).expect("there").flatten().next().expect("one").path();
    fs::remove_dir_all(cache.path().join("models--o--n/snapshots")).expect("removed");
    fs::remove_file(&blob).expect("removed");
    let unfinished =
        blob.with_file_name(format!("{}.incomplete", blob.file_name().expect("a name").display()));
    fs::write(&unfinished, vec![9; 600]).expect("written");
    assert!(matches!(fetch(&hub, "hf://o/n/a.pth"), Err(WeightsError::Damaged { .. })));
    assert!(!unfinished.exists());
    // Longer than the file can be: begun again at once.
    fs::write(&unfinished, vec![9; 6000]).expect("written");
    fetch(&hub, "hf://o/n/a.pth").expect("fetched");
}

#[test]
fn answers_that_would_lead_astray_are_refused() {
    let server = Server::start(&[("a.pth", b"content")]);
    let cache = tempfile::tempdir().expect("a folder");
    let hub = server.hub(cache.path());
    for commit in ["../../../../etc", "main", ""] {
        server.set(|state| state.commit = commit.to_owned());
        let error = fetch(&hub, "hf://o/n/a.pth").expect_err(commit);
        assert!(matches!(error, WeightsError::Transfer { .. }), "{error}");
    }
    assert!(!cache.path().join("models--o--n").exists());
}

#[test]
fn a_cache_that_cannot_be_written_says_so() {
    let server = Server::start(&[("a.pth", b"content")]);
    let folder = tempfile::tempdir().expect("a folder");
    let in_the_way = folder.path().join("file");
    fs::write(&in_the_way, "").expect("written");
    let error = fetch(&server.hub(&in_the_way), "hf://o/n/a.pth").expect_err("no folder");
    assert!(
        matches!(error, WeightsError::Cache { .. }) && error.to_string().contains("HF_HUB_CACHE"),
        "{error}"
    );
}

#[test]
fn many_at_once_fetch_once() {
    let large = content(500_000);
    for _ in 0..10 {
        fetched_once_by_many(&large);
    }
}

fn fetched_once_by_many(large: &[u8]) {
    let server = Server::start(&[("a.pth", large)]);
    let cache = tempfile::tempdir().expect("a folder");
    let hub = server.hub(cache.path());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let path = fetch(&hub, "hf://o/n/a.pth").expect("fetched");
                assert_eq!(fs::read(path).expect("kept"), large);
            });
        }
    });
    assert_eq!(server.log().iter().filter(|line| line.starts_with("GET")).count(), 1);
}

#[test]
fn a_file_is_where_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.pth");
    let hub = Hub { endpoint: String::new(), cache_dir: PathBuf::new(), offline: true, token: None };
    assert!(matches!(hub.fetch(&Source::File(path.clone()), &()), Err(WeightsError::Read { .. })));
    fs::write(&path, "").expect("written");
    assert_eq!(hub.fetch(&Source::File(path.clone()), &()).expect("there"), path);
}

/// A cache that other users share may be read-only for this one: where nothing changed, nothing is written.
#[test]
fn what_is_unchanged_is_not_written_again() {
    let server = Server::start(&[("model.safetensors", &content(100))]);
    let cache = tempfile::tempdir().expect("a folder");
    let hub = server.hub(cache.path());
    let first = fetch(&hub, "hf://o/n").expect("fetched");
    let times = || {
        let mut found = BTreeMap::new();
        let mut folders = vec![cache.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("listed") {
                let path = entry.expect("an entry").path();
                let metadata = fs::symlink_metadata(&path).expect("there");
                found.insert(path.clone(), metadata.modified().expect("a time"));
                if metadata.is_dir() {
                    folders.push(path);
                }
            }
        }
        found
    };
    let before = times();
    assert!(before.keys().any(|path| path.ends_with("refs/main")), "{before:?}");
    assert_eq!(fetch(&hub, "hf://o/n").expect("kept"), first);
    assert_eq!(times(), before);
    // A new commit is noted.
    server.set(|state| state.commit = OTHER_COMMIT.to_owned());
    fetch(&hub, "hf://o/n").expect("kept");
    let reference = before.keys().find(|path| path.ends_with("refs/main")).expect("a reference");
    assert_eq!(fs::read_to_string(reference).expect("read"), OTHER_COMMIT);
}
