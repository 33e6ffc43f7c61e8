//! From the raw manifest to the checked one: everything that can be known without looking at the data.

use std::collections::BTreeMap;
use std::path::Path;

use cyborg_image::Window;
use serde_yaml::Spanned;

use crate::dataset::Split;
use crate::divide::Division;
use crate::manifest::{
    Columns, Folder, Folders, Layout, Manifest, PathRule, ReleasedList, SubjectRule, Table, TableSplit,
};
use crate::raw::{
    DivideBy, RawDivision, RawFolders, RawLayout, RawManifest, RawReleasedList, RawSubjectRule, RawTable,
    RawWindow,
};
use crate::root::{self, Unexpanded};
use crate::rows;
use crate::source_text::SourceText;
use crate::suggest;

/// The manifest, if nothing is wrong that would leave it half built; every fault goes to `source`.
pub(crate) fn checked(raw: RawManifest, path: &Path, source: &mut SourceText) -> Option<Manifest> {
    let id = &raw.id.value;
    let id_letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if id.is_empty() || id.starts_with('-') || !id.bytes().all(id_letters) {
        let message =
            format!("id `{id}` may hold lower-case letters, digits and `-` only, and not begin with `-`");
        source.fault(&raw.id, &message);
    }
    if raw.title.value.trim().is_empty() {
        source.fault(&raw.title, "a title must say what this is");
    }
    if raw.root.value.trim().is_empty() {
        source.fault(&raw.root, "`root` must name a folder; `.` is the manifest's own");
    } else if root::expand(&raw.root.value, &|_| Some(String::new())) == Err(Unexpanded::Unclosed) {
        source.fault(&raw.root, "`${` in `root` has no `}`");
    }
    let classes = classes(&raw.classes, &raw.id, source);
    let expected = raw.expected.as_ref().map(|expected| expected.value.clone()).unwrap_or_default();
    if let Some(spanned) = &raw.expected {
        for name in expected.classes.keys() {
            if !classes.contains(name) {
                let hint = suggest::hint(name, classes.iter().map(String::as_str));
                source.fault(
                    spanned,
                    &format!("`{name}` in `expected.classes` is no class of this data set{hint}"),
                );
            }
        }
    }
    let recipe = raw.annotation.as_ref().map(|annotation| &annotation.recipe);
    if let Some(recipe) = recipe.filter(|recipe| recipe.value.trim().is_empty()) {
        source.fault(recipe, "`annotation.recipe` must name a recipe file");
    }
    let recipe = recipe.map(|recipe| path.parent().unwrap_or(Path::new("")).join(&recipe.value));
    let window = raw.window.as_ref().and_then(|spanned| {
        let RawWindow { low, high } = spanned.value;
        Window::new(low, high).map_err(|error| source.fault(spanned, &error.to_string())).ok()
    });
    let mut check = Check { classes: &classes, source };
    let layout = match raw.layout {
        RawLayout::ReleasedList(raw) => Layout::ReleasedList(check.released_list(raw)),
        RawLayout::Folders(raw) => Layout::Folders(check.folders(raw)),
        RawLayout::Table(raw) => Layout::Table(check.table(raw)?),
    };
    Some(Manifest {
        id: raw.id.value,
        title: raw.title.value.trim().to_owned(),
        path: path.into(),
        domain: raw.domain,
        licence: raw.licence,
        obtain: raw.obtain,
        citation: raw.citation,
        root: raw.root.value,
        phantom: raw.phantom,
        pairs: raw.pairs,
        expected,
        recipe,
        window,
        links_outside_root: raw.links_outside_root,
        layout,
        classes,
    })
}

fn classes(raw: &[Spanned<String>], id: &Spanned<String>, source: &mut SourceText) -> Vec<String> {
    let mut classes: Vec<String> = Vec::new();
    for class in raw {
        let name = class.value.trim();
        if name.is_empty() {
            source.fault(class, "a class must have a name");
        } else if classes.iter().any(|known| known == name) {
            source.fault(class, &format!("class `{name}` is there twice"));
        }
        classes.push(name.to_owned());
    }
    if raw.len() < 2 {
        let at = raw.first().unwrap_or(id);
        source.fault(at, "`classes` must name at least two classes, in the order of their index");
    }
    classes
}

/// Checks the parts of a layout against the classes.
struct Check<'a, 'text> {
    classes: &'a [String],
    source: &'a mut SourceText<'text>,
}

impl Check<'_, '_> {
    fn released_list(&mut self, raw: RawReleasedList) -> ReleasedList {
        let mut lists = Vec::new();
        for list in &raw.lists {
            let second = list.second_split.as_ref().map_or(Split::Test, |split| split.value);
            if let (Split::Train, Some(split)) = (second, &list.second_split) {
                self.source
                    .fault(split, "the lists' word `test` can mean `validation` or `test`, not `train`");
            }
            lists.push((self.relative(&list.file), second));
        }
        ReleasedList {
            lists,
            images: self.optional_folder(raw.images.as_ref()),
            labels: self.labels(&raw.labels),
            maps: raw
                .maps
                .map(|maps| (self.relative(&maps.folder), maps.splits.unwrap_or_else(|| vec![Split::Train]))),
            rules: raw
                .rules
                .into_iter()
                .map(|rule| PathRule {
                    path: rule.path,
                    source: rule.source,
                    subject: rule.subject.as_ref().map(SubjectRule::new),
                })
                .collect(),
        }
    }

    fn folders(&mut self, raw: RawFolders) -> Folders {
        let no_subjects = raw.include.iter().all(|folder| folder.subject.is_none());
        let division = raw.split.as_ref().map(|split| self.division(split, no_subjects));
        let mut include = Vec::new();
        for folder in &raw.include {
            if folder.split.is_none() && division.is_none() {
                let message =
                    "this folder states no `split`, and no `split` beside `include` divides its images";
                self.source.fault(&folder.path, message);
            }
            include.push(Folder {
                path: self.relative(&folder.path),
                label: self.class(&folder.class),
                source: folder.source.clone(),
                split: folder.split,
                maps: folder.maps.as_ref().map(|maps| self.relative(maps)),
                subject: folder.subject.as_ref().map(|rule: &RawSubjectRule| SubjectRule::new(rule)),
            });
        }
        Folders { include, division }
    }

    fn table(&mut self, raw: RawTable) -> Option<Table> {
        let division = raw.split.as_ref().map(|split| self.division(split, raw.columns.subject.is_none()));
        let split = match (&raw.columns.split, raw.constants.split, division) {
            (Some(_), None, None) => Some(TableSplit::Column),
            (None, Some(split), None) => Some(TableSplit::Constant(split)),
            (None, None, Some(division)) => Some(TableSplit::Division(division)),
            (None, None, None) => {
                let message = "nothing says the rows' split: name a column in `columns.split`, or give \
                               `constants: {split: test}`, or `split: {by: subject, train: 0.7, ...}`";
                self.source.fault(&raw.file, message);
                None
            }
            (column, _, _) => {
                let message = "the rows' split is said twice: keep one of `columns.split`, `constants.split` and `split`";
                self.source.fault(column.as_ref().unwrap_or(&raw.file), message);
                None
            }
        };
        if let (Some(column), Some(_)) = (&raw.columns.source, &raw.constants.source) {
            let message =
                "the rows' source is said twice: keep one of `columns.source` and `constants.source`";
            self.source.fault(column, message);
        }
        Some(Table {
            file: self.relative(&raw.file),
            images: self.optional_folder(raw.images.as_ref()),
            maps: self.optional_folder(raw.maps.as_ref()),
            labels: self.labels(&raw.labels),
            splits: raw.splits,
            source: raw.constants.source,
            columns: Columns {
                image: raw.columns.image,
                label: raw.columns.label,
                source: raw.columns.source.map(|column| column.value),
                subject: raw.columns.subject,
                split: raw.columns.split.map(|column| column.value),
                map: raw.columns.map,
            },
            split: split?,
        })
    }

    fn division(&mut self, raw: &RawDivision, no_subjects: bool) -> Division {
        let shares = [raw.train, raw.validation, raw.test];
        let sum: f64 = shares.iter().sum();
        if shares.iter().any(|share| !(0.0..=1.0).contains(share)) || (sum - 1.0).abs() > 1e-9 {
            let [train, validation, test] = shares;
            let message = format!(
                "the shares must lie in 0 to 1 and add up to 1, but train {train} + validation {validation} + test \
                 {test} is {sum}"
            );
            self.source.fault(&raw.by, &message);
        }
        if raw.by.value == DivideBy::Subject && no_subjects {
            let message = "nothing says the images' subject: name it, or divide `by: image`";
            self.source.fault(&raw.by, message);
        }
        Division { by: raw.by.value, shares, seed: raw.seed }
    }

    fn labels(&mut self, raw: &BTreeMap<String, Spanned<String>>) -> BTreeMap<String, usize> {
        raw.iter().map(|(word, class)| (word.clone(), self.class(class))).collect()
    }

    fn class(&mut self, name: &Spanned<String>) -> usize {
        let found = self.classes.iter().position(|class| *class == name.value);
        found.unwrap_or_else(|| {
            let hint = suggest::hint(&name.value, self.classes.iter().map(String::as_str));
            self.source.fault(name, &format!("`{}` is no class of this data set{hint}", name.value));
            0
        })
    }

    fn optional_folder(&mut self, raw: Option<&Spanned<String>>) -> String {
        raw.map(|folder| self.relative(folder)).unwrap_or_default()
    }

    fn relative(&mut self, raw: &Spanned<String>) -> String {
        rows::relative(&raw.value).unwrap_or_else(|reason| {
            self.source.fault(raw, &reason);
            String::new()
        })
    }
}
