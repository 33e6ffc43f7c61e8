//! Which files hold annotations, and what their names say.

use std::path::{Path, PathBuf};

use crate::AnnotationError;

/// Folders nested deeper than this are a loop of links.
const MAX_DEPTH: usize = 32;

/// A path below a root folder with `/`, in which `{image}` stands for the image, `{annotator}` for the person and `*` for
/// anything: `maps/{annotator}/{image}.png`.
///
/// `{image}` may span folders, `{annotator}` and `*` may not; each takes at least one character, as many as the rest
/// allows, from the left. Names that begin with a dot are never found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Image,
    Annotator,
    Any,
}

/// A file that matches a [`PathPattern`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is.
    pub path: PathBuf,
    /// What `{image}` stands for.
    pub image: Option<String>,
    /// What `{annotator}` stands for.
    pub annotator: Option<String>,
}

impl FoundFile {
    /// A file whose name says nothing.
    pub fn plain(path: &Path) -> Self {
        Self { path: path.into(), image: None, annotator: None }
    }

    /// `{image}`, or else the file name without its ending.
    pub(crate) fn image_or_stem(&self) -> String {
        let stem = || self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        self.image.clone().or_else(stem).unwrap_or_default()
    }
}

impl PathPattern {
    /// # Errors
    /// [`AnnotationError::Pattern`] if it is empty, absolute, leaves the root (`..`), has an unknown placeholder, one of
    /// them twice, or two of them without text between.
    pub fn parse(text: &str) -> Result<Self, AnnotationError> {
        let fault = |reason: String| AnnotationError::Pattern { pattern: text.to_owned(), reason };
        if text.is_empty() {
            return Err(fault(
                "it is empty: name a file, or a pattern such as `maps/{annotator}/{image}.png`".into(),
            ));
        }
        if text.starts_with('/') || text.split('/').any(|part| part == "..") {
            return Err(fault("it must be relative to the root folder and must not leave it".into()));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (part, length) = if rest.starts_with('*') {
                (Part::Any, 1)
            } else if rest.starts_with('{') {
                let end = rest.find('}').ok_or_else(|| fault("a `{` has no `}`".into()))?;
                let part = match &rest[1..end] {
                    "image" => Part::Image,
                    "annotator" => Part::Annotator,
                    other => {
                        return Err(fault(format!(
                            "`{{{other}}}` is unknown: `{{image}}` and `{{annotator}}` are"
                        )));
                    }
                };
                (part, end + 1)
            } else {
                let end = rest.find(['*', '{']).unwrap_or(rest.len());
                (Part::Text(rest[..end].to_owned()), end)
            };
            let is_text = matches!(part, Part::Text(_));
            if !is_text && parts.last().is_some_and(|last| !matches!(last, Part::Text(_))) {
                return Err(fault("two placeholders need text between them".into()));
            }
            if matches!(part, Part::Image | Part::Annotator) && parts.contains(&part) {
                return Err(fault("a placeholder stands in it twice".into()));
            }
            parts.push(part);
            rest = &rest[length..];
        }
        if parts.iter().filter(|part| **part == Part::Any).count() > 4 {
            return Err(fault("it has more than four `*`".into()));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What a path relative to the root (with `/`) says, if it matches.
    pub fn matches(&self, relative: &str) -> Option<(Option<String>, Option<String>)> {
        let (mut image, mut annotator) = (None, None);
        matches(&self.parts, relative, &mut image, &mut annotator).then_some((image, annotator))
    }

    /// The files that match, sorted by path.
    ///
    /// # Errors
    /// [`AnnotationError::NoFiles`] if there is none, [`AnnotationError::Open`] if a folder cannot be listed.
    pub fn find(&self, root: &Path) -> Result<Vec<FoundFile>, AnnotationError> {
        self.find_except(root, &|_| false)
    }

    /// As [`PathPattern::find`], but not in folders that `is_left_out` names. It is not asked about folders that the
    /// pattern itself names.
    ///
    /// # Errors
    /// As [`PathPattern::find`].
    pub fn find_except(
        &self,
        root: &Path,
        is_left_out: &dyn Fn(&Path) -> bool,
    ) -> Result<Vec<FoundFile>, AnnotationError> {
        if let [Part::Text(text)] = &self.parts[..] {
            return Ok(vec![FoundFile::plain(&root.join(text))]);
        }
        let fixed = match &self.parts[0] {
            Part::Text(text) => text.rfind('/').map_or("", |end| &text[..end]),
            _ => "",
        };
        let mut files = Vec::new();
        let start = if fixed.is_empty() { root.to_owned() } else { root.join(fixed) };
        self.walk(&start, fixed, 0, is_left_out, &mut files)?;
        if files.is_empty() {
            return Err(AnnotationError::NoFiles { root: root.into(), pattern: self.text.clone() });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn walk(
        &self,
        folder: &Path,
        relative: &str,
        depth: usize,
        is_left_out: &dyn Fn(&Path) -> bool,
        files: &mut Vec<FoundFile>,
    ) -> Result<(), AnnotationError> {
        if depth > MAX_DEPTH {
            return Ok(());
        }
        let entries = fs_err::read_dir(folder).map_err(|source| AnnotationError::open(folder, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| AnnotationError::open(folder, source))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let path = entry.path();
            let relative = if relative.is_empty() { name } else { format!("{relative}/{name}") };
            if path.is_dir() {
                if is_loop(&path, folder) || is_left_out(&path) {
                    continue;
                }
                self.walk(&path, &relative, depth + 1, is_left_out, files)?;
            } else if let Some((image, annotator)) = self.matches(&relative) {
                files.push(FoundFile { path, image, annotator });
            }
        }
        Ok(())
    }
}

/// A link to a folder that it is in.
fn is_loop(path: &Path, folder: &Path) -> bool {
    path.is_symlink()
        && matches!((fs_err::canonicalize(path), fs_err::canonicalize(folder)), (Ok(to), Ok(from)) if from.starts_with(&to))
}

fn matches(parts: &[Part], text: &str, image: &mut Option<String>, annotator: &mut Option<String>) -> bool {
    let Some((part, rest)) = parts.split_first() else { return text.is_empty() };
    if let Part::Text(literal) = part {
        return text.strip_prefix(literal.as_str()).is_some_and(|text| matches(rest, text, image, annotator));
    }
    let spans_folders = *part == Part::Image;
    let limit = if spans_folders { text.len() } else { text.find('/').unwrap_or(text.len()) };
    for (end, _) in text.char_indices().map(|(at, c)| (at + c.len_utf8(), c)).collect::<Vec<_>>().iter().rev()
    {
        if *end <= limit && matches(rest, &text[*end..], image, annotator) {
            match part {
                Part::Image => *image = Some(text[..*end].to_owned()),
                Part::Annotator => *annotator = Some(text[..*end].to_owned()),
                _ => {}
            }
            return true;
        }
    }
    false
}
