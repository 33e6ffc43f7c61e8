//! Speaking with the hub: what a file is, and its bytes.

use crate::bounded::MAX_FILE_BYTES;
use crate::error::WeightsError;
use crate::hub::{Hub, Progress, cache_error, is_commit};
use crate::source::{HubFile, encoded, is_path};
use fs_err as fs;
use ring::digest;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;
use ureq::http::{HeaderMap, Response, StatusCode, Uri, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Without a single byte.
const SILENCE_TIMEOUT: Duration = Duration::from_mins(1);
const MAX_REDIRECTS: usize = 8;
/// Attempts in a row that bring nothing.
const MAX_VAIN_ATTEMPTS: u32 = 3;
/// Before the second attempt; doubled before each further one.
const PAUSE: Duration = Duration::from_millis(300);
/// A list of a repository's files above this is none.
const MAX_LIST_BYTES: u64 = 16 << 20;

/// Asks the hub about one wanted file.
pub(crate) struct Client<'a> {
    hub: &'a Hub,
    wanted: &'a HubFile,
    agent: Agent,
}

/// What the hub says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    /// Where its bytes are asked for.
    address: String,
    pub(crate) commit: String,
    /// Names its content: a SHA-256, or git's SHA-1.
    pub(crate) etag: String,
    n_bytes: u64,
}

impl<'a> Client<'a> {
    pub(crate) fn new(hub: &'a Hub, wanted: &'a HubFile) -> Result<Self, WeightsError> {
        let mut tls = TlsConfig::builder();
        // Certificates of a network that looks into its traffic; else those of Mozilla, which are built in.
        if let Some(path) = std::env::var_os("SSL_CERT_FILE") {
            let pem = fs::read(path).map_err(|error| WeightsError::Transfer {
                wanted: wanted.to_string(),
                reason: format!("the certificates of `SSL_CERT_FILE` cannot be read ({error})"),
            })?;
            let certificates: Vec<_> = parse_pem(&pem)
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                })
                .collect();
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // Followed here: the token goes to the hub only.
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(SILENCE_TIMEOUT))
            .timeout_per_read(Some(SILENCE_TIMEOUT))
            .user_agent(concat!("cyborg/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls.build());
        let is_here = |uri: Uri| matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if hub.endpoint.parse().is_ok_and(is_here) {
            config = config.proxy(None);
        }
        Ok(Self { hub, wanted, agent: config.build().into() })
    }

    /// Asks for the commit, digest and length of `file`.
    pub(crate) fn look(&self, file: &str) -> Result<Remote, WeightsError> {
        let HubFile { repo, revision, .. } = self.wanted;
        let (at, path) = (encoded(revision, false), encoded(file, true));
        let address = format!("{}/{repo}/resolve/{at}/{path}", self.hub.endpoint);
        // Up to the answer that speaks of the file: its redirect to where the bytes lie is not followed.
        let (address, response) = self.patiently(|| self.ask("HEAD", &address, None, false))?;
        let status = response.status();
        if !(status.is_success() || status.is_redirection()) {
            return Err(self.refusal(&response, file));
        }
        let headers = response.headers();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let etag = text("x-linked-etag").or_else(|| text("etag")).map(plain_etag);
        let n_bytes =
            text("x-linked-size").or_else(|| text("content-length")).and_then(|n| n.trim().parse().ok());
        let commit = text("x-repo-commit");
        let (Some(etag), Some(n_bytes), Some(commit)) = (etag, n_bytes, commit) else {
            return Err(self.transfer_error(format!(
                "`{}` does not answer as a Hugging Face hub (no `ETag`, `X-Repo-Commit` or length); look at `HF_ENDPOINT`",
                self.hub.endpoint
            )));
        };
        if !is_commit(commit) || !is_etag(&etag) {
            return Err(self.transfer_error(format!(
                "the hub answers with commit `{commit}` and digest `{etag}`, which are none"
            )));
        }
        if n_bytes > MAX_FILE_BYTES {
            return Err(self.transfer_error(format!(
                "it has {n_bytes} bytes, at most {MAX_FILE_BYTES} are read: no weights of an image classifier"
            )));
        }
        Ok(Remote { address, commit: commit.to_lowercase(), etag, n_bytes })
    }

    /// The files of the repository at that revision.
    pub(crate) fn list(&self) -> Result<Vec<String>, WeightsError> {
        let HubFile { repo, revision, .. } = self.wanted;
        let address =
            format!("{}/api/models/{repo}/revision/{}", self.hub.endpoint, encoded(revision, false));
        let (_, mut response) = self.patiently(|| self.ask("GET", &address, None, true))?;
        if !response.status().is_success() {
            return Err(self.refusal(&response, ""));
        }
        let body = response.body_mut().with_config().limit(MAX_LIST_BYTES).read_to_vec();
        let body = body
            .map_err(|error| self.transfer_error(format!("the list of its files did not come ({error})")))?;
        let answer: serde_json::Value = serde_json::from_slice(&body)
            .map_err(|error| self.transfer_error(format!("the list of its files is no JSON ({error})")))?;
        let files = answer["siblings"].as_array().into_iter().flatten();
        let files = files.filter_map(|sibling| sibling["rfilename"].as_str());
        Ok(files.filter(|file| is_path(file)).map(ToOwned::to_owned).collect())
    }

    /// Brings the file's bytes to `path`, going on behind what is there, and checks them.
    pub(crate) fn transfer(
        &self,
        remote: &Remote,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<(), WeightsError> {
        let local = |source| cache_error(path, source);
        let mut file =
            fs::OpenOptions::new().read(true).append(true).create(true).open(path).map_err(local)?;
        let mut n_here = file.metadata().map_err(local)?.len();
        if n_here > remote.n_bytes {
            file.set_len(0).map_err(local)?;
            n_here = 0;
        }
        progress.start(&self.wanted.to_string(), remote.n_bytes, n_here);
        let mut vain = 0;
        while n_here < remote.n_bytes {
            let before = n_here;
            let broken = match self.attempt(remote, &mut file, n_here, progress) {
                Ok(()) => None,
                Err(Attempt::Broken(reason)) => Some(reason),
                Err(Attempt::Local(source)) => return Err(local(source)),
                Err(Attempt::Refused(error)) => return Err(error),
            };
            n_here = file.metadata().map_err(local)?.len();
            let Some(reason) =
                broken.or_else(|| (n_here < remote.n_bytes).then(|| "it ended early".to_owned()))
            else {
                break;
            };
            vain = if n_here > before { 0 } else { vain + 1 };
            if vain >= MAX_VAIN_ATTEMPTS {
                return Err(self.transfer_error(format!(
                    "the transfer broke off after {n_here} of {} bytes ({reason}); run it again, it goes on there",
                    remote.n_bytes
                )));
            }
            progress.note(&format!("the transfer broke off ({reason}); it goes on from byte {n_here}"));
            thread::sleep(PAUSE * 2u32.pow(vain));
        }
        let fault = check(&mut file, remote).map_err(local)?;
        if let Some(reason) = fault {
            drop(file);
            fs::remove_file(path).map_err(local)?;
            return Err(WeightsError::Damaged { wanted: self.wanted.to_string(), reason });
        }
        file.sync_all().map_err(local)
    }

    /// One request for what is still missing; appends what comes.
    fn attempt(
        &self,
        remote: &Remote,
        file: &mut fs::File,
        n_here: u64,
        progress: &dyn Progress,
    ) -> Result<(), Attempt> {
        let (_, response) = self.ask("GET", &remote.address, Some(n_here), true).map_err(Attempt::Broken)?;
        let status = response.status();
        let mut n_here = n_here;
        if status == StatusCode::OK || !continues(response.headers(), n_here, remote.n_bytes) {
            if status != StatusCode::OK
                && status != StatusCode::PARTIAL_CONTENT
                && status != StatusCode::RANGE_NOT_SATISFIABLE
            {
                if is_passing(status) {
                    return Err(Attempt::Broken(format!("status {}", status.as_u16())));
                }
                return Err(Attempt::Refused(self.refusal(&response, "")));
            }
            // It begins at the beginning, or not where we asked.
            file.set_len(0).map_err(Attempt::Local)?;
            if n_here > 0 {
                progress.note("the hub does not go on where it stopped; from the beginning again");
                progress.start(&self.wanted.to_string(), remote.n_bytes, 0);
            }
            if status != StatusCode::OK {
                return Err(Attempt::Broken(format!("status {}", status.as_u16())));
            }
            n_here = 0;
        }
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        while n_here < remote.n_bytes {
            let n = body.read(&mut buffer).map_err(|error| Attempt::Broken(error.to_string()))?;
            if n == 0 {
                break;
            }
            // Never more than announced.
            let n = n.min((remote.n_bytes - n_here) as usize);
            file.write_all(&buffer[..n]).map_err(Attempt::Local)?;
            n_here += n as u64;
            progress.advance(n as u64);
        }
        Ok(())
    }

    /// A question that is asked again where the network or the hub stumbles.
    fn patiently(
        &self,
        ask: impl Fn() -> Result<(String, Response<Body>), String>,
    ) -> Result<(String, Response<Body>), WeightsError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let reason = match ask() {
                Ok((_, response)) if is_passing(response.status()) => {
                    format!("status {}", response.status().as_u16())
                }
                Ok(answer) => return Ok(answer),
                Err(reason) => reason,
            };
            if attempt >= MAX_VAIN_ATTEMPTS {
                return Err(self.transfer_error(format!(
                    "the hub `{}` cannot be reached ({reason}); look at the network and at `HF_ENDPOINT`",
                    self.hub.endpoint
                )));
            }
            thread::sleep(PAUSE * 2u32.pow(attempt - 1));
        }
    }

    /// The answer, and the address that gave it. Redirects within the hub are followed; to other hosts only `anywhere`.
    fn ask(
        &self,
        method: &str,
        address: &str,
        from: Option<u64>,
        anywhere: bool,
    ) -> Result<(String, Response<Body>), String> {
        let mut address = address.to_owned();
        let hub = host_of(&self.hub.endpoint);
        for _ in 0..MAX_REDIRECTS {
            let mut request = match method {
                "HEAD" => self.agent.head(&address),
                _ => self.agent.get(&address),
            };
            request = request.header(header::ACCEPT_ENCODING, "identity");
            if let Some(from) = from {
                request = request.header(header::RANGE, format!("bytes={from}-"));
            }
            if let Some(token) = self.hub.token.as_ref().filter(|_| host_of(&address) == hub) {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            let response = request.call().map_err(|error| error.to_string())?;
            let target = response.headers().get(header::LOCATION).and_then(|target| target.to_str().ok());
            let Some(target) = target.filter(|_| response.status().is_redirection()) else {
                return Ok((address, response));
            };
            let next = if target.starts_with('/') {
                format!("{}{target}", origin_of(&address))
            } else {
                target.to_owned()
            };
            if address.starts_with("https://") && !next.starts_with("https://") {
                return Err(format!("it leads from HTTPS to `{next}`"));
            }
            if !anywhere && host_of(&next) != hub {
                return Ok((address, response));
            }
            address = next;
        }
        Err(format!("more than {MAX_REDIRECTS} redirects"))
    }

    /// What an answer other than yes means.
    fn refusal(&self, response: &Response<Body>, file: &str) -> WeightsError {
        let HubFile { repo, revision, .. } = self.wanted;
        let wanted = self.wanted.to_string();
        let status = response.status();
        let text = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let not_found = |reason: String| WeightsError::NotFound { wanted: wanted.clone(), reason };
        let forbidden = |reason: String| WeightsError::Forbidden { wanted: wanted.clone(), reason };
        let token = if self.hub.token.is_some() { "the token has no access to it" } else { "set `HF_TOKEN`" };
        match (status.as_u16(), text("x-error-code")) {
            (401 | 403, "GatedRepo") => forbidden(format!(
                "`{repo}` is gated: accept its conditions at {}/{repo}, and {token}",
                self.hub.endpoint
            )),
            // The hub does not tell strangers which private repositories there are.
            (401 | 403 | 404, "RepoNotFound") => {
                let reason = format!("there is no repository `{repo}`, or it is private ({token})");
                if status == StatusCode::NOT_FOUND { not_found(reason) } else { forbidden(reason) }
            }
            (401 | 403, _) => forbidden(format!(
                "the hub refuses (status {}): `{repo}` is private or gated, or there is none; {token}",
                status.as_u16()
            )),
            (404, "RevisionNotFound") => {
                not_found(format!("`{repo}` has no branch, tag or commit `{revision}`"))
            }
            (404, "EntryNotFound") if !file.is_empty() => {
                not_found(format!("`{repo}` has no file `{file}` at `{revision}`{}", self.what_there_is()))
            }
            (404, _) => {
                not_found(format!("there is no repository `{repo}`, or nothing such in it at `{revision}`"))
            }
            (other, _) => self.transfer_error(format!("the hub answers with status {other}")),
        }
    }

    /// For whoever misspelt a file's name.
    fn what_there_is(&self) -> String {
        let endings = [".safetensors", ".pth", ".pt", ".bin"];
        let files = self.list().unwrap_or_default();
        let weights: Vec<_> = files
            .iter()
            .filter(|file| endings.iter().any(|ending| file.ends_with(ending)))
            .take(10)
            .map(|file| format!("`{file}`"))
            .collect();
        if weights.is_empty() { String::new() } else { format!("; it has {}", weights.join(", ")) }
    }

    fn transfer_error(&self, reason: String) -> WeightsError {
        WeightsError::Transfer { wanted: self.wanted.to_string(), reason }
    }
}

/// How an attempt at a transfer ends that brings not all.
enum Attempt {
    /// To be tried again.
    Broken(String),
    /// The disk.
    Local(std::io::Error),
    Refused(WeightsError),
}

/// Whether a part is the one that was asked for: `Content-Range: bytes 100-199/200`.
fn continues(headers: &HeaderMap, from: u64, n_bytes: u64) -> bool {
    let range = headers.get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let Some((start, rest)) =
        range.and_then(|range| range.strip_prefix("bytes ")).and_then(|range| range.split_once('-'))
    else {
        return false;
    };
    let total = rest.split_once('/').map(|(_, total)| total);
    start.trim().parse() == Ok(from)
        && (total == Some("*") || total.and_then(|n| n.trim().parse().ok()) == Some(n_bytes))
}

/// Too many requests, or the hub's own trouble.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

/// Length and digest of what arrived, against what was announced; None if they agree.
fn check(file: &mut fs::File, remote: &Remote) -> std::io::Result<Option<String>> {
    let length = file.metadata()?.len();
    if length != remote.n_bytes {
        return Ok(Some(format!("it has {length} bytes, announced were {}", remote.n_bytes)));
    }
    let is_hex = remote.etag.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut context = match remote.etag.len() {
        64 if is_hex => digest::Context::new(&digest::SHA256),
        40 if is_hex => {
            // As git names what a file holds.
            let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
            context.update(format!("blob {length}\0").as_bytes());
            context
        }
        // A mirror's own way of naming things says nothing of the content.
        _ => return Ok(None),
    };
    file.seek(SeekFrom::Start(0))?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        context.update(&buffer[..n]);
    }
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('?'));
    let found: String = context.finish().as_ref().iter().flat_map(digits).collect();
    let fault = format!("its digest is {found}, announced was {}", remote.etag);
    Ok((!found.eq_ignore_ascii_case(&remote.etag)).then_some(fault))
}

fn plain_etag(etag: &str) -> String {
    etag.trim().trim_start_matches("W/").trim_matches('"').to_owned()
}

/// What may be a file's name in the cache.
fn is_etag(etag: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=128).contains(&etag.len()) && etag.bytes().all(is_plain)
}

/// `http://127.0.0.1:80` of `http://127.0.0.1:80/a/b`.
fn origin_of(address: &str) -> &str {
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find('/').map_or(address.len(), |at| start + at);
    &address[..end]
}

/// Host and port.
fn host_of(address: &str) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    let host = uri.host()?.to_lowercase();
    Some(uri.port_u16().map_or(host.clone(), |port| format!("{host}:{port}")))
}
