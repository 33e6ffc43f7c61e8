//! The hub's protocol against a small server of our own on this machine.

use cyborg_weights::{Hub, Progress, Source, WeightsError};
use fs_err as fs;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";

/// What the server has and how it misbehaves.
#[derive(Default)]
struct State {
    /// Path in the repository, content.
    files: BTreeMap<String, Vec<u8>>,
    commit: String,
    /// Requests as `METHOD path range token`.
    log: Vec<String>,
    /// Contents are served to these bytes only, once each, then the connection is cut.
    cuts: Vec<usize>,
    ignores_ranges: bool,
    /// Sent instead of the content.
    lies: Option<Vec<u8>>,
    /// Every answer has this status and `X-Error-Code`.
    refuses: Option<(u16, &'static str)>,
    /// This token is asked for.
    token: Option<&'static str>,
    /// Contents come from this other server, as the hub's large files do.
    store: Option<String>,
}

struct Server {
    endpoint: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    fn start(files: &[(&str, &[u8])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        let files = files.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect();
        let state = Arc::new(Mutex::new(State { files, commit: COMMIT.to_owned(), ..State::default() }));
        let shared = Arc::clone(&state);
        // Ends with the process: it waits for connections.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { endpoint, state }
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("nobody panicked"));
    }

    /// The requests since the last look.
    fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("nobody panicked").log)
    }

    fn hub(&self, cache: &Path) -> Hub {
        Hub { endpoint: self.endpoint.clone(), cache_dir: cache.to_owned(), offline: false, token: None }
    }
}

/// One request a connection.
fn serve(mut stream: TcpStream, shared: &Mutex<State>) {
    let mut lines = BufReader::new(stream.try_clone().expect("cloned")).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let headers: BTreeMap<String, String> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(':').map(|(k, v)| (k.to_lowercase(), v.trim().to_owned())))
        .collect();
    let (method, path) = request.rsplit_once(' ').expect("a version").0.split_once(' ').expect("a path");
    let header = |name: &str| headers.get(name).map_or("-", String::as_str);
    let mut state = shared.lock().expect("nobody panicked");
    state.log.push(format!("{method} {path} {} {}", header("range"), header("authorization")));
    let (head, body) = answer(&mut state, method, path, header("range"), header("authorization"));
    drop(state);
    let _ = stream.write_all(head.as_bytes());
    if method != "HEAD" {
        let _ = stream.write_all(&body);
    }
}

fn refusal(status: u16, code: &str) -> (String, Vec<u8>) {
    let code = if code.is_empty() { String::new() } else { format!("X-Error-Code: {code}\r\n") };
    (format!("HTTP/1.1 {status} No\r\n{code}Content-Length: 0\r\nConnection: close\r\n\r\n"), Vec::new())
}

fn answer(state: &mut State, method: &str, path: &str, range: &str, token: &str) -> (String, Vec<u8>) {
    if let Some((status, code)) = state.refuses {
        return refusal(status, code);
    }
    if let Some(content) = path.strip_prefix("/store/") {
        let content = state.files[content].clone();
        return serve_content(state, &content, range, "Content-Type: x\r\n".to_owned());
    }
    if state.token.is_some_and(|expected| token != format!("Bearer {expected}")) {
        return refusal(401, "");
    }
    // A repository that was renamed.
    if let Some(rest) = path.strip_prefix("/o/old/") {
        return (
            format!(
                "HTTP/1.1 307 Moved\r\nLocation: /o/n/{rest}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            ),
            Vec::new(),
        );
    }
    let known = |revision: &str| {
        ["main", "v1.0", "refs%2Fpr%2F1", "feature%2Fnew"].contains(&revision) || revision == COMMIT
    };
    if let Some(revision) = path.strip_prefix("/api/models/o/n/revision/") {
        if !known(revision) {
            return refusal(404, "RevisionNotFound");
        }
        let files: Vec<_> = state.files.keys().map(|file| format!("{{\"rfilename\":\"{file}\"}}")).collect();
        let body = format!("{{\"sha\":\"{}\",\"siblings\":[{}]}}", state.commit, files.join(","));
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        return (head, body.into_bytes());
    }
    let Some((revision, file)) = path.strip_prefix("/o/n/resolve/").and_then(|rest| rest.split_once('/'))
    else {
        return refusal(404, "RepoNotFound");
    };
    if !known(revision) {
        return refusal(404, "RevisionNotFound");
    }
    let Some(content) = state.files.get(file).cloned() else { return refusal(404, "EntryNotFound") };
    let sha = ring::digest::digest(&ring::digest::SHA256, &content);
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).expect("a digit"));
    let sha: String = sha.as_ref().iter().flat_map(digits).collect();
    if let Some(store) = &state.store {
        // As for files in the hub's large-file store.
        let head = format!(
            "HTTP/1.1 302 Found\r\nLocation: {store}/store/{file}\r\nX-Repo-Commit: {}\r\nX-Linked-ETag: \"{sha}\"\r\n\
             X-Linked-Size: {}\r\nETag: \"redirect\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            state.commit,
            content.len()
        );
        return (head, Vec::new());
    }
    let headers = format!("X-Repo-Commit: {}\r\nETag: W/\"{sha}\"\r\n", state.commit);
    if method == "HEAD" {
        let head = format!(
            "HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            content.len()
        );
        return (head, Vec::new());
    }
    serve_content(state, &content, range, headers)
}

fn serve_content(state: &mut State, content: &[u8], range: &str, headers: String) -> (String, Vec<u8>) {
    let content = state.lies.clone().unwrap_or_else(|| content.to_vec());
    let start: usize = range
        .strip_prefix("bytes=")
        .and_then(|r| r.strip_suffix('-'))
        .map_or(0, |n| n.parse().expect("a number"));
    let start = if state.ignores_ranges { 0 } else { start };
    let mut body = content[start..].to_vec();
    let (status, place) = if state.ignores_ranges || range == "-" {
        ("200 OK", String::new())
    } else {
        ("206 Part", format!("Content-Range: bytes {start}-{}/{}\r\n", content.len() - 1, content.len()))
    };
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}{place}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if !state.cuts.is_empty() {
        body.truncate(state.cuts.remove(0));
    }
    (head, body)
}

/// Keeps what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn add(&self, line: String) {
        self.0.lock().expect("nobody panicked").push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("nobody panicked"))
    }
}

impl Progress for Told {
    fn start(&self, wanted: &str, n_bytes: u64, n_here: u64) {
        self.add(format!("{wanted}: {n_here} of {n_bytes}"));
    }
    fn advance(&self, _: u64) {}
    fn note(&self, line: &str) {
        self.add(line.to_owned());
    }
    fn finish(&self) {
        self.add("whole".to_owned());
    }
}

fn place(text: &str) -> Source {
    Source::parse(text).expect("a place")
}

fn fetch(hub: &Hub, text: &str) -> Result<PathBuf, WeightsError> {
    hub.fetch(&place(text), &())
}

fn content(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * i % 251) as u8).collect()
}

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
