//! The plan in words.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cyborg_manifest::{Dataset, Split, read_manifest};
use cyborg_settings::nearest;
use cyborg_train::image_time;
use cyborg_weights::Hub;

use crate::check::{DataSource, DataSpec, Experiment};
use crate::data::{ResolvedData, resolve};
use crate::file::BadImagePolicy;
use crate::plan::{Cell, cells, identity, run_id, train_settings};
use crate::runner::RunOptions;
use crate::store::Store;
use crate::{ExperimentError, error_chain};

/// The matrix, what its data is and what is wrong with it, which runs are finished, and how long the others take by a step
/// measured on this machine.
///
/// Nothing is drawn, fetched or trained. Data that cannot be used is named with the reason, and its runs are left out of the
/// estimate. Only where runs were made before are files written: the cache of digests in the data folder.
///
/// # Errors
/// If a step of a backbone cannot be taken.
pub fn dry_run(experiment: &Experiment, options: &RunOptions) -> Result<String, ExperimentError> {
    let (data, methods) = (&experiment.data, &experiment.methods);
    let (backbones, seeds) = (&experiment.backbones, &experiment.seeds);
    let mut lines = vec![format!("experiment `{}`: {}", experiment.name, experiment.title)];
    let counted = [
        (cells(experiment).len(), "run"),
        (data.len(), "data set"),
        (methods.len(), "method"),
        (backbones.len(), "backbone"),
        (seeds.len(), "seed"),
    ];
    let words = counted.map(|(n, what)| format!("{n} {what}{}", if n == 1 { "" } else { "s" }));
    lines.push(format!("{} = {}", words[0], words[1..].join(" x ")));
    let sets: Vec<Standing> = data.iter().map(|spec| standing(spec, experiment, options)).collect();
    for (spec, set) in data.iter().zip(&sets) {
        let standing = match &set.size {
            Ok(s) => format!("{} training, {} validation, {} test images", s.train, s.validation, s.test),
            Err(fault) => format!("CANNOT BE USED\n    {}", fault.replace('\n', "\n    ")),
        };
        lines.push(format!("  data {}: {}; {standing}", spec.name, origin(spec, options)));
        lines.extend(set.remarks.iter().map(|remark| format!("    {remark}")));
        if let Some(recipe) = &spec.recipe {
            lines.push(format!("    training maps by recipe {}", recipe.display()));
        }
    }
    for method in methods {
        let words = crate::runner::words(method.method.as_ref());
        let maps =
            method.map_control.as_ref().map_or(String::new(), |control| format!(", {} maps", control.name()));
        lines.push(format!("  method {}: {words}{maps}, tap {}", method.name, method.tap));
    }
    let done = Done::look(experiment, &sets, options);
    let mut total = 0.0;
    for (i, backbone) in backbones.iter().enumerate() {
        let cell = Cell { data: 0, backbone: i, seed: 0, method: 0 };
        let name = backbone.architecture.name();
        let time = image_time(&train_settings(experiment, cell, 2, None)?)
            .map_err(|e| ExperimentError::Run { run: format!("estimate of {name}"), source: Box::new(e) })?;
        let one_run = |s: &Size| {
            let epochs = experiment.protocol.epochs.get() as f64;
            epochs * (s.train as f64 * time.training_s + s.validation as f64 * time.scoring_s)
                + s.test as f64 * time.scoring_s
        };
        for (d, set) in sets.iter().enumerate() {
            let n = done.unfinished.get(&(d, i)).copied().unwrap_or(0);
            total += set.size.as_ref().map_or(0.0, one_run) * n as f64;
        }
        lines.push(format!(
            "  backbone {name}: {0}x{0} pixels, CAM grid {1}x{1}{2}; {3:.1} images/s in training, {4:.1} in scoring",
            backbone.input_px,
            backbone.grid,
            backbone.pretrained.as_ref().map_or(String::new(), |weights| format!(", pretrained ({weights})")),
            1.0 / time.training_s,
            1.0 / time.scoring_s
        ));
    }
    lines.push(format!("  seeds {}", seeds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")));
    let n_runs = cells(experiment).len();
    let n_left = n_runs - done.n_finished;
    let begun = if done.n_begun == 0 { String::new() } else { format!(", {} are begun", done.n_begun) };
    lines.push(format!("{} of {n_runs} runs are finished already{begun}", done.n_finished));
    let n_possible: usize =
        done.unfinished.iter().filter(|((d, _), _)| sets[*d].size.is_ok()).map(|(_, n)| n).sum();
    if n_left == 0 {
        lines.push("nothing is left to train: running it builds the report".to_owned());
    } else if n_possible == 0 {
        lines.push("none of the others can be made as the data stands".to_owned());
    } else {
        let without = match n_left - n_possible {
            0 => String::new(),
            n => format!("; without the {n} whose data cannot be used"),
        };
        lines.push(format!(
            "about {} for the others (one run at a time on this machine, measured now; decoding not counted{without})",
            in_words(total)
        ));
    }
    Ok(lines.join("\n"))
}

/// An estimate of a time: nobody knows its seconds.
fn in_words(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds:.0} seconds"),
        (0, 1) => "1 minute".to_owned(),
        (0, minutes) => format!("{minutes} minutes"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Numbers of images by role.
struct Size {
    train: usize,
    validation: usize,
    test: usize,
}

/// What is known of a data set without drawing it or building its maps.
struct Standing {
    /// How many images it has, or why it cannot be used.
    size: Result<Size, String>,
    /// What the reader should know.
    remarks: Vec<String>,
    /// The set as runs see it, where it is there; only then can any of its runs be finished.
    resolved: Option<ResolvedData>,
}

fn standing(spec: &DataSpec, experiment: &Experiment, options: &RunOptions) -> Standing {
    let mut remarks = Vec::new();
    let mut size = match &spec.source {
        DataSource::Phantom(phantom) => {
            let common = phantom.common();
            let classes: Vec<String> = phantom.words().classes.iter().map(ToString::to_string).collect();
            positive_fault(spec, &classes).map_or_else(
                || {
                    Ok(Size {
                        train: common.n_train,
                        validation: common.n_validation,
                        test: phantom.n_test(),
                    })
                },
                Err,
            )
        }
        DataSource::Manifests { train, validation, test } => {
            let roles = [(train, Split::Train), (validation, Split::Validation), (test, Split::Test)];
            manifest_size(spec, &roles, experiment.on_bad_image, options, &mut remarks)
        }
    };
    if let (Ok(known), Some(limit)) = (&mut size, spec.limit_train) {
        if limit > known.train {
            size =
                Err(format!("`limit_train` is {limit}, and there are only {} training images", known.train));
        } else {
            known.train = limit;
        }
    }
    let resolved = if size.is_ok() && may_have_runs(spec, options) {
        resolve(spec, &options.folders, experiment.on_bad_image, &|_, _, _| ())
            .map_err(|error| size = Err(error_chain(&error)))
            .ok()
    } else {
        None
    };
    Standing { size, remarks, resolved }
}

/// Whether runs of the data set can be there, and making it ready draws nothing and reads no image that no run has read. Runs
/// leave the folder of the data behind, with the cache of digests in it, and with the maps if a recipe makes any.
fn may_have_runs(spec: &DataSpec, options: &RunOptions) -> bool {
    let data_dir = &options.folders.data_dir;
    let has_maps = || data_dir.join("saliency").is_dir();
    let is_there = match &spec.source {
        DataSource::Phantom(phantom) => data_dir.join(phantom.folder_name()).join("manifest.yaml").is_file(),
        DataSource::Manifests { train, .. } => {
            let recipe = |path: &PathBuf| read_manifest(path).is_ok_and(|manifest| manifest.recipe.is_some());
            let maps = (spec.recipe.is_none() && !train.iter().any(recipe)) || has_maps();
            maps && data_dir.join(".digests.json").is_file()
        }
    };
    is_there && options.runs_dir.is_dir()
}

/// Opens the manifests and looks for their files.
fn manifest_size(
    spec: &DataSpec,
    roles: &[(&Vec<PathBuf>, Split)],
    policy: BadImagePolicy,
    options: &RunOptions,
    remarks: &mut Vec<String>,
) -> Result<Size, String> {
    let mut sets: BTreeMap<&Path, Dataset> = BTreeMap::new();
    for path in roles.iter().flat_map(|(paths, _)| paths.iter()) {
        if !sets.contains_key(path.as_path()) {
            let set = read_manifest(path)
                .and_then(|manifest| manifest.open(options.folders.data_root.as_deref()))
                .map_err(|error| error_chain(&error))?;
            sets.insert(path, set);
        }
    }
    for (path, set) in &mut sets {
        // Files of a split that is not used may be missing.
        set.items.retain(|item| {
            roles.iter().any(|(paths, split)| *split == item.split && paths.iter().any(|p| p == path))
        });
        if let Some(fault) = positive_fault(spec, &set.classes) {
            return Err(fault);
        }
        if let Err(error) = set.check_files() {
            match policy {
                BadImagePolicy::Stop => return Err(error_chain(&error)),
                BadImagePolicy::Skip => remarks.push(format!("left out: {}", error_chain(&error))),
            }
            set.items.retain(|item| item.image.is_file());
        }
    }
    let count = |(paths, split): &(&Vec<PathBuf>, Split)| {
        let of_role = sets.iter().filter(|(path, _)| paths.iter().any(|p| p == *path));
        of_role.map(|(_, set)| set.items.iter().filter(|item| item.split == *split).count()).sum::<usize>()
    };
    let size = Size { train: count(&roles[0]), validation: count(&roles[1]), test: count(&roles[2]) };
    for (n, role) in [(size.train, "training"), (size.validation, "validation"), (size.test, "test")] {
        if n == 0 {
            return Err(format!("there is no {role} image: no row of its manifests is of that split"));
        }
    }
    Ok(size)
}

fn positive_fault(spec: &DataSpec, classes: &[String]) -> Option<String> {
    let name = spec.positive.as_ref().filter(|name| !classes.contains(name))?;
    Some(format!("`positive` is `{name}`; {}", nearest(name, classes)))
}

/// Which runs of the matrix are there.
struct Done {
    n_finished: usize,
    n_begun: usize,
    /// Numbers of runs that are not finished, by data set and backbone.
    unfinished: BTreeMap<(usize, usize), usize>,
}

impl Done {
    fn look(experiment: &Experiment, sets: &[Standing], options: &RunOptions) -> Self {
        let store = Store::new(&options.runs_dir);
        // Without asking the hub: what was never fetched was never trained from.
        let hub = Hub { offline: true, ..Hub::from_env() };
        let weights: Vec<Option<Option<PathBuf>>> = experiment
            .backbones
            .iter()
            .map(|b| {
                b.pretrained
                    .as_ref()
                    .map(|source| hub.fetch(source, &()).ok())
                    .map_or(Some(None), |path| path.map(Some))
            })
            .collect();
        let mut done = Self { n_finished: 0, n_begun: 0, unfinished: BTreeMap::new() };
        for cell in cells(experiment) {
            let id = sets[cell.data].resolved.as_ref().zip(weights[cell.backbone].as_ref()).and_then(
                |(data, weights)| {
                    let settings =
                        train_settings(experiment, cell, data.classes.len(), weights.as_deref()).ok()?;
                    let identity = identity(&settings, &data.train_digest, &data.validation_digest).ok()?;
                    Some((run_id(&settings, &identity), &data.test_digest))
                },
            );
            if id.as_ref().is_some_and(|(id, test_digest)| store.is_scored(id, test_digest)) {
                done.n_finished += 1;
                continue;
            }
            *done.unfinished.entry((cell.data, cell.backbone)).or_default() += 1;
            if id.is_some_and(|(id, _)| store.run_dir(&id).join("state.safetensors").is_file()) {
                done.n_begun += 1;
            }
        }
        done
    }
}

fn origin(spec: &DataSpec, options: &RunOptions) -> String {
    match &spec.source {
        DataSource::Phantom(phantom) => {
            let folder = options.folders.data_dir.join(phantom.folder_name());
            let standing = if folder.is_dir() { "drawn in" } else { "to be drawn into" };
            format!("phantom {}, {standing} {}", phantom.words().images, folder.display())
        }
        DataSource::Manifests { train, validation, test } => {
            let names = |paths: &[PathBuf]| {
                let stems = paths.iter().map(|p: &PathBuf| stem(p));
                stems.collect::<Vec<_>>().join(", ")
            };
            format!("train {}; validation {}; test {}", names(train), names(validation), names(test))
        }
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn estimates_read_as_people_say_them() {
        for (seconds, expected) in
            [(12.4, "12 seconds"), (50.0, "1 minute"), (610.0, "10 minutes"), (18_937.0, "5 h 16 min")]
        {
            assert_eq!(super::in_words(seconds), expected);
        }
    }
}
