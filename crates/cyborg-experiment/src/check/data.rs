//! Data sets, their manifests and recipes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cyborg_phantom::{PHANTOMS, Phantom};
use cyborg_settings::{Step, find, nearest};

use super::{Check, DataSource, DataSpec, field, join};
use crate::file::{DataFile, ExperimentFile, PhantomFile};

impl Check<'_> {
    pub(super) fn data(&mut self, file: &ExperimentFile, root: &[Step]) -> Vec<DataSpec> {
        if file.data.is_empty() {
            self.fault(root, "the list of data sets is empty", Some("name at least one".to_owned()));
        }
        let names: Vec<_> = file
            .data
            .iter()
            .enumerate()
            .map(|(i, d)| (vec![Step::Index(i), field("name")], d.name.clone()))
            .collect();
        self.repeated(root, "data set", &names);
        let mut specs = Vec::new();
        for (i, data) in file.data.iter().enumerate() {
            let here = join(root, &[Step::Index(i)]);
            self.plain_name(&join(&here, &[field("name")]), &data.name);
            match (&file.sweep, data.at) {
                (Some(_), None) => self.fault(
                    &here,
                    format!("data set `{}` has no `at`, its place on the sweep's axis", data.name),
                    Some("add `at: NUMBER`, or remove `sweep`".to_owned()),
                ),
                (_, Some(at)) if !at.is_finite() => {
                    self.fault(
                        &join(&here, &[field("at")]),
                        format!("`at` is {at}, which is no place on an axis"),
                        None,
                    );
                }
                _ => {}
            }
            if data.limit_train == Some(0) {
                self.fault(
                    &join(&here, &[field("limit_train")]),
                    "`limit_train` is 0: nothing to train on",
                    None,
                );
            }
            let recipe =
                data.recipe.as_ref().and_then(|name| self.recipe(name, &join(&here, &[field("recipe")])));
            if let Some(source) = self.data_source(data, &here) {
                specs.push(DataSpec {
                    recipe,
                    name: data.name.clone(),
                    title: data.title.clone(),
                    source,
                    pairs: data.pairs.clone(),
                    positive: data.positive.clone(),
                    limit_train: data.limit_train,
                    at: data.at,
                });
            }
        }
        specs
    }

    fn data_source(&mut self, data: &DataFile, here: &[Step]) -> Option<DataSource> {
        let by_role = !data.train.is_empty() || !data.test.is_empty() || !data.validation.is_empty();
        let given =
            usize::from(data.phantom.is_some()) + usize::from(data.manifest.is_some()) + usize::from(by_role);
        if given != 1 {
            self.fault(
                here,
                format!(
                    "data set `{}` must say where it comes from exactly once, and does so {given} times",
                    data.name
                ),
                Some("give one of `phantom`, `manifest`, or `train` with `test`".to_owned()),
            );
            return None;
        }
        if let Some(phantom) = &data.phantom {
            return self.phantom(phantom, &join(here, &[field("phantom")])).map(DataSource::Phantom);
        }
        if let Some(manifest) = &data.manifest {
            let path = self.manifest(manifest, &join(here, &[field("manifest")]))?;
            return Some(DataSource::Manifests {
                train: vec![path.clone()],
                validation: vec![path.clone()],
                test: vec![path],
            });
        }
        if data.train.is_empty() {
            self.fault(here, format!("data set `{}` has no `train`", data.name), None);
        }
        if data.test.is_empty() {
            self.fault(here, format!("data set `{}` has no `test`", data.name), None);
        }
        let mut role = |names: &[String], role: &str| -> Vec<PathBuf> {
            (0..names.len())
                .filter_map(|i| self.manifest(&names[i], &join(here, &[field(role), Step::Index(i)])))
                .collect()
        };
        let train = role(&data.train, "train");
        let test = role(&data.test, "test");
        let validation =
            if data.validation.is_empty() { train.clone() } else { role(&data.validation, "validation") };
        Some(DataSource::Manifests { train, validation, test })
    }

    /// The drawn data set of a domain; faults of its settings are told all at once.
    fn phantom(&mut self, file: &PhantomFile, here: &[Step]) -> Option<Arc<dyn Phantom>> {
        let place = join(here, &[field(&file.domain)]);
        let choice = match find(PHANTOMS, &file.domain) {
            Ok(choice) => choice,
            Err(hint) => {
                self.fault(&place, format!("there is no phantom `{}`", file.domain), Some(hint));
                return None;
            }
        };
        let phantom: Arc<dyn Phantom> = match choice.parse(&file.settings) {
            Ok(phantom) => Arc::from(phantom),
            Err(fault) => {
                self.fault(&join(&place, &fault.path), fault.to_string(), fault.hint);
                return None;
            }
        };
        for fault in phantom.faults() {
            self.fault(&join(&place, &fault.path), fault.message, fault.hint);
        }
        Some(phantom)
    }

    /// A recipe file that can be read and is a valid recipe.
    fn recipe(&mut self, name: &str, place: &[Step]) -> Option<PathBuf> {
        let path = self.source.path.parent().unwrap_or(Path::new("")).join(name);
        match cyborg_recipe::read_recipe(&path) {
            Ok(_) => Some(path),
            Err(error) => {
                self.fault(
                    place,
                    crate::error_chain(&error),
                    Some("a path is relative to the experiment file".to_owned()),
                );
                None
            }
        }
    }

    /// The file of a manifest named by path or id.
    fn manifest(&mut self, name: &str, place: &[Step]) -> Option<PathBuf> {
        let is_path =
            name.contains('/') || Path::new(name).extension().is_some_and(|e| e == "yaml" || e == "yml");
        let path = if is_path {
            self.source.path.parent().unwrap_or(Path::new("")).join(name)
        } else {
            self.manifests.join(format!("{name}.yaml"))
        };
        if path.is_file() {
            return Some(path);
        }
        let hint = if is_path {
            format!("looked at `{}`; a path is relative to the experiment file", path.display())
        } else {
            let mut ids: Vec<String> = fs_err::read_dir(&self.manifests)
                .map(|entries| {
                    entries
                        .filter_map(|e| Some(e.ok()?.path()))
                        .filter(|p| p.extension().is_some_and(|e| e == "yaml"))
                        .filter_map(|p| Some(p.file_stem()?.to_string_lossy().into_owned()))
                        .collect()
                })
                .unwrap_or_default();
            ids.sort();
            if ids.is_empty() {
                format!(
                    "there are no manifests in `{}`; `--manifests` names another folder",
                    self.manifests.display()
                )
            } else {
                nearest(name, &ids)
            }
        };
        self.fault(place, format!("there is no manifest `{name}`"), Some(hint));
        None
    }
}
