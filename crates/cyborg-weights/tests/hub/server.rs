//! A hub on this machine, which speaks as much of the protocol as downloads need.

use cyborg_weights::{Hub, Progress, Source, WeightsError};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(crate) const OTHER_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";

/// What the server has and how it misbehaves.
#[derive(Default)]
pub(crate) struct State {
    /// Path in the repository, content.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) commit: String,
    /// Requests as `METHOD path range token`.
    pub(crate) log: Vec<String>,
    /// Contents are served to these bytes only, once each, then the connection is cut.
    pub(crate) cuts: Vec<usize>,
    pub(crate) ignores_ranges: bool,
    /// Sent instead of the content.
    pub(crate) lies: Option<Vec<u8>>,
    /// Every answer has this status and `X-Error-Code`.
    pub(crate) refuses: Option<(u16, &'static str)>,
    /// This token is asked for.
    pub(crate) token: Option<&'static str>,
    /// Contents come from this other server, as the hub's large files do.
    pub(crate) store: Option<String>,
}

pub(crate) struct Server {
    pub(crate) endpoint: String,
    pub(crate) state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start(files: &[(&str, &[u8])]) -> Self {
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

    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("nobody panicked"));
    }

    /// The requests since the last look.
    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("nobody panicked").log)
    }

    pub(crate) fn hub(&self, cache: &Path) -> Hub {
        Hub { endpoint: self.endpoint.clone(), cache_dir: cache.to_owned(), offline: false, token: None }
    }
}

/// One request a connection.
pub(crate) fn serve(mut stream: TcpStream, shared: &Mutex<State>) {
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

pub(crate) fn refusal(status: u16, code: &str) -> (String, Vec<u8>) {
    let code = if code.is_empty() { String::new() } else { format!("X-Error-Code: {code}\r\n") };
    (format!("HTTP/1.1 {status} No\r\n{code}Content-Length: 0\r\nConnection: close\r\n\r\n"), Vec::new())
}

pub(crate) fn answer(
    state: &mut State,
    method: &str,
    path: &str,
    range: &str,
    token: &str,
) -> (String, Vec<u8>) {
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

pub(crate) fn serve_content(
    state: &mut State,
    content: &[u8],
    range: &str,
    headers: String,
) -> (String, Vec<u8>) {
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
pub(crate) struct Told(pub(crate) Mutex<Vec<String>>);

impl Told {
    pub(crate) fn add(&self, line: String) {
        self.0.lock().expect("nobody panicked").push(line);
    }

    pub(crate) fn take(&self) -> Vec<String> {
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

pub(crate) fn place(text: &str) -> Source {
    Source::parse(text).expect("a place")
}

pub(crate) fn fetch(hub: &Hub, text: &str) -> Result<PathBuf, WeightsError> {
    hub.fetch(&place(text), &())
}

pub(crate) fn content(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * i % 251) as u8).collect()
}
