//! The rows of a data set: read by the layout that states them, checked together here.

mod csv_file;
mod folders;
mod inside;
mod released_list;
mod table;

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

use crate::dataset::{Dataset, Item, Split};
use crate::divide::{Division, Member};
use crate::error::{Faults, ManifestError};
use crate::manifest::{Layout, Manifest};
use crate::suggest;

/// Reads the rows of `manifest`, whose files lie under `root`.
pub(crate) fn read(manifest: &Manifest, root: PathBuf) -> Result<Dataset, ManifestError> {
    let mut rows = Rows::new(manifest, &root);
    let (division, what) = match &manifest.layout {
        Layout::ReleasedList(layout) => {
            released_list::read(layout, &mut rows)?;
            (None, "its lists have no row")
        }
        Layout::Folders(layout) => {
            folders::read(layout, &mut rows)?;
            (layout.division.as_ref(), "its folders have no image")
        }
        Layout::Table(layout) => (table::read(layout, &mut rows)?, "its table has no row"),
    };
    let left_out = std::mem::take(&mut rows.left_out);
    let (rows, n_repeated_rows) = rows.finish()?;
    if rows.is_empty() {
        return Err(ManifestError::Empty { id: manifest.id.clone(), what: what.to_owned() });
    }
    let items = items(manifest, &root, rows, division);
    if !manifest.links_outside_root {
        inside::check(manifest, &root, &items)?;
    }
    Ok(Dataset {
        id: manifest.id.clone(),
        manifest: manifest.path.clone(),
        title: manifest.title.clone(),
        phantom: manifest.phantom,
        classes: manifest.classes.clone(),
        items,
        pairs: manifest.pairs.clone(),
        expected: manifest.expected.clone(),
        recipe: manifest.recipe.clone(),
        obtain: manifest.obtain.trim().to_owned(),
        n_repeated_rows,
        left_out,
        root,
    })
}

fn items(manifest: &Manifest, root: &Path, rows: Vec<Row>, division: Option<&Division>) -> Vec<Item> {
    let members: Vec<Member> = rows
        .iter()
        .map(|row| Member { image: &row.image, subject: row.subject.as_deref(), label: row.label })
        .collect();
    let divided = division.map(|division| division.splits(&members, manifest.classes.len()));
    let mut items = Vec::with_capacity(rows.len());
    for (at, row) in rows.into_iter().enumerate() {
        // A row without a split exists only where a division is required.
        let split = row.split.or_else(|| divided.as_ref().map(|splits| splits[at])).unwrap_or(Split::Test);
        items.push(Item {
            id: format!("{}/{}", manifest.id, row.image),
            image: root.join(&row.image),
            label: row.label,
            source: row.source.unwrap_or_else(|| manifest.classes[row.label].clone()),
            subject: row.subject,
            split,
            map: row.map.map(|map| root.join(map)),
            window: manifest.window,
            origin: row.origin,
        });
    }
    items.sort_by(|a, b| a.id.cmp(&b.id));
    items
}

/// One image as a list, a folder or a table states it. Paths are relative to the root.
#[derive(Clone, Debug)]
struct Row {
    origin: String,
    image: String,
    label: usize,
    source: Option<String>,
    subject: Option<String>,
    /// None: to be divided.
    split: Option<Split>,
    map: Option<String>,
}

/// Rows as they come in, and what is wrong with them.
struct Rows<'a> {
    manifest: &'a Manifest,
    root: &'a Path,
    kept: Vec<Row>,
    by_image: HashMap<String, usize>,
    n_repeated: usize,
    /// Files of folders that hold no image, by ending.
    left_out: BTreeMap<String, usize>,
    faults: Faults,
}

impl<'a> Rows<'a> {
    fn new(manifest: &'a Manifest, root: &'a Path) -> Self {
        Self {
            manifest,
            root,
            kept: Vec::new(),
            by_image: HashMap::new(),
            n_repeated: 0,
            left_out: BTreeMap::new(),
            faults: Faults::default(),
        }
    }

    /// Takes a row, unless it repeats or contradicts one that is there.
    fn push(&mut self, row: Row) {
        let Some(&at) = self.by_image.get(&row.image) else {
            self.by_image.insert(row.image.clone(), self.kept.len());
            self.kept.push(row);
            return;
        };
        let earlier = &self.kept[at];
        let class = |row: &Row| format!("`{}`", self.manifest.classes[row.label]);
        let text = |value: Option<&str>| value.map_or("none".to_owned(), |value| format!("`{value}`"));
        let split = |row: &Row| text(row.split.map(Split::name));
        let differing = if earlier.label != row.label {
            Some(("label", class(earlier), class(&row)))
        } else if earlier.split != row.split {
            Some(("split", split(earlier), split(&row)))
        } else if earlier.source != row.source {
            Some(("source", text(earlier.source.as_deref()), text(row.source.as_deref())))
        } else if earlier.subject != row.subject {
            Some(("subject", text(earlier.subject.as_deref()), text(row.subject.as_deref())))
        } else if earlier.map != row.map {
            Some(("map", text(earlier.map.as_deref()), text(row.map.as_deref())))
        } else {
            None
        };
        match differing {
            None => self.n_repeated += 1,
            Some((what, first, second)) => {
                let message = format!(
                    "image `{}` has {what} {second}, but {what} {first} at {}",
                    row.image, earlier.origin
                );
                self.fault(&row.origin, &message);
            }
        }
    }

    fn fault(&mut self, origin: &str, message: &str) {
        self.faults.push(format!("{origin}: {message}"));
    }

    /// The class that a word of a list or table means: a key of `labels`, or a class name; `1.0` means what `1` means.
    fn class(&self, word: &str, labels: &BTreeMap<String, usize>) -> Result<usize, String> {
        let mapped = cyborg_table::position(labels.keys().map(String::as_str), word);
        if let Some(&label) = mapped.and_then(|at| labels.values().nth(at)) {
            return Ok(label);
        }
        let classes = &self.manifest.classes;
        cyborg_table::position(classes.iter().map(String::as_str), word).ok_or_else(|| {
            let valid = labels.keys().chain(classes).map(String::as_str);
            let message =
                format!("label `{word}` is no class of this data set{}", suggest::hint(word, valid));
            if labels.is_empty() && cyborg_table::whole_number(word).is_some() {
                let example: Vec<String> =
                    classes.iter().enumerate().map(|(index, class)| format!("\"{index}\": {class}")).collect();
                return format!(
                    "{message}; where the table numbers the classes, say so in the manifest: `labels: {{{}}}`",
                    example.join(", ")
                );
            }
            message
        })
    }

    /// Something that the layout names is not in the root.
    fn missing(&self, kind: &str, path: &Path) -> ManifestError {
        let what = format!("there is no {kind} `{}`", path.display());
        self.manifest.missing(what, &self.root.display().to_string())
    }

    fn table_error(&self, file: &str, reason: String) -> ManifestError {
        ManifestError::Table { id: self.manifest.id.clone(), file: file.to_owned(), reason }
    }

    fn finish(self) -> Result<(Vec<Row>, usize), ManifestError> {
        if self.faults.is_empty() {
            return Ok((self.kept, self.n_repeated));
        }
        Err(ManifestError::Rows { id: self.manifest.id.clone(), faults: self.faults })
    }
}

/// A path of a manifest, list or table, cleaned of `.`; an error says why it cannot be one.
pub(crate) fn relative(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("the path is empty".to_owned());
    }
    let mut clean: Vec<&str> = Vec::new();
    for component in Path::new(text).components() {
        match component {
            Component::Normal(name) => clean.push(name.to_str().unwrap_or_default()),
            Component::CurDir => {}
            Component::ParentDir => return Err(format!("path `{text}` leaves the root (`..`)")),
            Component::RootDir | Component::Prefix(_) => {
                return Err(format!(
                    "path `{text}` is absolute, but must start from the root of the data set"
                ));
            }
        }
    }
    Ok(clean.join("/"))
}

/// [`relative`], below `folder`; for an image or map, so not the folder itself.
fn relative_in(folder: &str, text: &str) -> Result<String, String> {
    let path = relative(text)?;
    match (folder, path.as_str()) {
        (_, "") => Err(format!("path `{text}` is a folder")),
        ("", _) => Ok(path),
        _ => Ok(format!("{folder}/{path}")),
    }
}

/// File name without its extension.
pub(crate) fn stem(file_name: &str) -> &str {
    match file_name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file_name,
    }
}

/// The last component of a path with `/`.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
