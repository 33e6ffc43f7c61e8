//! Where weights are: a file, or a place on the Hugging Face hub.

use crate::error::WeightsError;
use std::fmt;
use std::path::PathBuf;

/// Where weights are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// On this machine.
    File(PathBuf),
    /// On the hub.
    Hub(HubFile),
}

/// A file in a model repository of the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubFile {
    /// `owner/name`.
    pub repo: String,
    /// A branch, a tag, a commit or a reference such as `refs/pr/1`; `main` where nothing is said.
    pub revision: String,
    /// Path in the repository; None for its weights, whatever they are called: see the README.
    pub file: Option<String>,
}

const SCHEME: &str = "hf://";
const DEFAULT_REVISION: &str = "main";

impl Source {
    /// `hf://owner/name[@revision][/file]`, or else a path.
    ///
    /// A revision ends at the next `/`; write those inside it as `%2F`. The hub's own `refs/pr/1` and
    /// `refs/convert/NAME` need no such care.
    ///
    /// # Errors
    /// [`WeightsError::Source`] for another scheme, and where owner, name, revision or file are none.
    ///
    /// # Examples
    /// ```
    /// use cyborg_weights::{HubFile, Source};
    /// let source = Source::parse("hf://timm/resnet50.a1_in1k@refs/pr/2/pytorch_model.bin")?;
    /// assert_eq!(source, Source::Hub(HubFile {
    ///     repo: "timm/resnet50.a1_in1k".to_owned(),
    ///     revision: "refs/pr/2".to_owned(),
    ///     file: Some("pytorch_model.bin".to_owned()),
    /// }));
    /// # Ok::<(), cyborg_weights::WeightsError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, WeightsError> {
        let fault = |reason: &str| WeightsError::Source { text: text.to_owned(), reason: reason.to_owned() };
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return match text.split_once("://") {
                Some(("http" | "https", _)) => Err(fault(
                    "download the file yourself and give its path, or name it as `hf://owner/name/file`",
                )),
                Some(_) => Err(fault("only paths and `hf://owner/name[@revision][/file]` are known")),
                None if text.is_empty() => {
                    Err(fault("expected a path or `hf://owner/name[@revision][/file]`"))
                }
                None => Ok(Self::File(PathBuf::from(text))),
            };
        };
        let (owner, rest) = rest.split_once('/').ok_or_else(|| fault("expected `hf://owner/name`"))?;
        let name_end = rest.find(['@', '/']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(name_end);
        if ![owner, name].into_iter().all(is_repo_part) {
            return Err(fault("owner and name are of letters, digits, `-`, `_` and `.`"));
        }
        let (revision, rest) = match rest.strip_prefix('@') {
            None => (DEFAULT_REVISION.to_owned(), rest),
            Some(rest) => {
                let end = reference_end(rest).or_else(|| rest.find('/')).unwrap_or(rest.len());
                let (revision, rest) = rest.split_at(end);
                (decoded(revision).ok_or_else(|| fault("a `%` in the revision begins no character"))?, rest)
            }
        };
        if !is_path(&revision) {
            return Err(fault("expected a branch, tag or commit behind `@`"));
        }
        let file = match rest.strip_prefix('/') {
            None | Some("") => None,
            Some(file) if is_path(file) => Some(file.to_owned()),
            Some(_) => return Err(fault("the file is no path inside the repository")),
        };
        Ok(Self::Hub(HubFile { repo: format!("{owner}/{name}"), revision, file }))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::Hub(file) => write!(formatter, "{file}"),
        }
    }
}

impl fmt::Display for HubFile {
    /// As [`Source::parse`] reads it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{SCHEME}{}", self.repo)?;
        if self.revision != DEFAULT_REVISION {
            let is_reference = reference_end(&self.revision) == Some(self.revision.len());
            let escaped = self.revision.replace('%', "%25");
            let revision = if is_reference { escaped } else { escaped.replace('/', "%2F") };
            write!(formatter, "@{revision}")?;
        }
        self.file.iter().try_for_each(|file| write!(formatter, "/{file}"))
    }
}

/// Which of a repository's files are its weights: `model.safetensors`, the only other `.safetensors`,
/// `pytorch_model.bin`, or the only `.pth`, `.pt` or `.bin`; else what there is.
pub(crate) fn choose(files: &[String]) -> Result<&str, Vec<String>> {
    let ending = |endings: &[&str]| -> Vec<&String> {
        files.iter().filter(|file| endings.iter().any(|ending| file.ends_with(ending))).collect()
    };
    let named = |name: &str| files.iter().find(|file| *file == name);
    let safe = ending(&[".safetensors"]);
    let pickled = ending(&[".pth", ".pt", ".bin"]);
    let only = |found: &[&String]| if let [only] = *found { Some(only.clone()) } else { None };
    let chosen = named("model.safetensors")
        .cloned()
        .or_else(|| only(&safe))
        .or_else(|| if safe.is_empty() { named("pytorch_model.bin").cloned() } else { None })
        .or_else(|| if safe.is_empty() { only(&pickled) } else { None });
    let all = || safe.iter().chain(&pickled).map(|file| (*file).clone()).collect();
    chosen.and_then(|chosen| files.iter().find(|file| **file == chosen)).map(String::as_str).ok_or_else(all)
}

/// Where the hub's own references end, which have slashes: `refs/pr/1`, `refs/convert/parquet`.
fn reference_end(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("refs/pr/").or_else(|| text.strip_prefix("refs/convert/"))?;
    Some(text.len() - rest.len() + rest.find('/').unwrap_or(rest.len()))
}

fn is_repo_part(part: &str) -> bool {
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !part.is_empty() && part.chars().all(is_known) && !part.starts_with('.') && !part.contains("..")
}

/// Relative, plain, inside its folder: what may become part of an address and of a path in the cache.
pub(crate) fn is_path(path: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && !part.contains(['\\', ':', '?', '#'])
            && !part.chars().any(char::is_control)
    };
    path.split('/').all(is_plain)
}

/// With `%2F` and the like replaced; None unless that is UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, following)) = rest.split_first() {
        if first == b'%' {
            let (digits, following) = following.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = following;
        } else {
            bytes.push(first);
            rest = following;
        }
    }
    String::from_utf8(bytes).ok()
}

/// For an address: everything but what stands for itself, slashes too unless they are kept.
pub(crate) fn encoded(text: &str, keep_slashes: bool) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || (byte == b'/' && keep_slashes) {
            encoded.push(byte.into());
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            encoded.push('%');
            encoded.extend([byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)])));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(text: &str) -> (String, String, Option<String>) {
        match Source::parse(text) {
            Ok(Source::Hub(HubFile { repo, revision, file })) => (repo, revision, file),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn places_on_the_hub() {
        for (text, repo, revision, file) in [
            ("hf://o/n", "o/n", "main", None),
            ("hf://o/n/", "o/n", "main", None),
            ("hf://o/n.v1_x-2/a/b.pth", "o/n.v1_x-2", "main", Some("a/b.pth")),
            ("hf://o/n@v1.0", "o/n", "v1.0", None),
            ("hf://o/n@v1.0/m@1.pth", "o/n", "v1.0", Some("m@1.pth")),
            ("hf://o/n@refs/pr/12", "o/n", "refs/pr/12", None),
            ("hf://o/n@refs/pr/12/a.pth", "o/n", "refs/pr/12", Some("a.pth")),
            ("hf://o/n@refs/convert/x/a.pth", "o/n", "refs/convert/x", Some("a.pth")),
            ("hf://o/n@feature%2Fnew/a.pth", "o/n", "feature/new", Some("a.pth")),
            ("hf://o/n@50%25", "o/n", "50%", None),
        ] {
            let expected = (repo.to_owned(), revision.to_owned(), file.map(ToOwned::to_owned));
            assert_eq!(hub(text), expected, "{text}");
            let again = Source::parse(text).expect(text).to_string();
            assert_eq!(hub(&again), expected, "{again}");
        }
    }

    #[test]
    fn paths() {
        for path in ["a.pth", "/a/b.safetensors", "./hf:/x", "C:\\weights.pth", "a@b/c"] {
            assert_eq!(Source::parse(path).expect(path), Source::File(PathBuf::from(path)));
            assert_eq!(Source::parse(path).expect(path).to_string(), path);
        }
    }

    #[test]
    fn what_is_neither() {
        for text in [
            "",
            "https://huggingface.co/o/n",
            "s3://bucket/key",
            "hf://",
            "hf://name",
            "hf://o/",
            "hf:///n",
            "hf://o/../n",
            "hf://o/n@",
            "hf://o/n@/f",
            "hf://o/n@..",
            "hf://o/n@a%2F..",
            "hf://o/n@%zz",
            "hf://o/n@%ff",
            "hf://o/n@%",
            "hf://o/n/../../f",
            "hf://o/n/a//b",
            "hf://o/n/a\\b",
            "hf://o/n/a?b",
            "hf://ö/n",
        ] {
            let error = Source::parse(text).expect_err(text);
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn the_weights_of_a_repository() {
        let check = |files: &[&str], expected: Result<&str, &[&str]>| {
            let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
            let expected = expected.map_err(|all| all.iter().map(|file| (*file).to_owned()).collect());
            assert_eq!(choose(&files), expected, "{files:?}");
        };
        check(&["a.safetensors", "model.safetensors", "b.pth"], Ok("model.safetensors"));
        check(&["README.md", "a.safetensors", "b.pth", "c.pth"], Ok("a.safetensors"));
        check(&["a.bin", "pytorch_model.bin"], Ok("pytorch_model.bin"));
        check(&["config.json", "x/b.pt"], Ok("x/b.pt"));
        check(
            &["a.safetensors", "b.safetensors", "pytorch_model.bin"],
            Err(&["a.safetensors", "b.safetensors", "pytorch_model.bin"]),
        );
        check(&["a.pth", "b.pt"], Err(&["a.pth", "b.pt"]));
        check(&["README.md"], Err(&[]));
    }

    #[test]
    fn addresses() {
        assert_eq!(encoded("refs/pr/1", false), "refs%2Fpr%2F1");
        assert_eq!(encoded("a b/ü.pth", true), "a%20b/%C3%BC.pth");
    }
}
