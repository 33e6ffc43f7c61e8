//! Data sets of an experiment made ready: manifests opened or phantoms drawn, roles put together, digests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cyborg_eval::EvalPlan;
use cyborg_manifest::{Dataset, Item, Split, content_digest, read_manifest};
use cyborg_seed::Seed;

use crate::ExperimentError;
use crate::check::{DataSource, DataSpec};
use crate::file::BadImagePolicy;

/// Where data lies on this machine.
#[derive(Clone, Debug)]
pub struct DataFolders {
    /// Phantoms are drawn below it, maps built from recipes go into its `saliency`, and the digest cache is kept there.
    pub data_dir: PathBuf,
    /// Replaces the manifests' own roots.
    pub data_root: Option<PathBuf>,
}

/// A data set ready to be loaded.
#[derive(Clone, Debug)]
pub struct ResolvedData {
    /// Short name.
    pub name: String,
    /// One line.
    pub title: String,
    /// Drawn, at least in part.
    pub phantom: bool,
    /// Names of the classes, in label order.
    pub classes: Vec<String>,
    /// To be trained on.
    pub train: Vec<Item>,
    /// To choose the epoch with.
    pub validation: Vec<Item>,
    /// To be scored.
    pub test: Vec<Item>,
    /// Who is tested against whom.
    pub plan: EvalPlan,
    /// Content of `train`.
    pub train_digest: String,
    /// Content of `validation`.
    pub validation_digest: String,
    /// Content of `test`.
    pub test_digest: String,
    /// What the reader of a report must know.
    pub warnings: Vec<String>,
    /// Counts, a line each.
    pub facts: Vec<String>,
    /// Place on the sweep's axis.
    pub at: Option<f64>,
}

/// Follows the making of a data set: what is being done, how much of it is done.
pub type DataProgress<'a> = &'a (dyn Fn(&str, usize, usize) + Sync);

/// Opens or draws the data set.
///
/// # Errors
/// [`ExperimentError::Data`] if a part is missing or faulty, [`ExperimentError::DataMismatch`] if the parts do not fit.
pub fn resolve(
    spec: &DataSpec,
    folders: &DataFolders,
    policy: BadImagePolicy,
    progress: DataProgress<'_>,
) -> Result<ResolvedData, ExperimentError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| ExperimentError::Data {
        name: spec.name.clone(),
        source,
    };
    let mismatch = |reason: String| ExperimentError::DataMismatch { name: spec.name.clone(), reason };

    let (train_files, validation_files, test_files) = match &spec.source {
        DataSource::Phantom(phantom) => {
            let what = format!("drawing phantom {}", phantom.words().images);
            let drawn = |done, of| progress(&what, done, of);
            let path = cyborg_phantom::generate(phantom.as_ref(), &folders.data_dir, &drawn)
                .map_err(|e| failed(Box::new(e)))?;
            (vec![path.clone()], vec![path.clone()], vec![path])
        }
        DataSource::Manifests { train, validation, test } => {
            (train.clone(), validation.clone(), test.clone())
        }
    };
    let mut opened: BTreeMap<PathBuf, Dataset> = BTreeMap::new();
    for path in train_files.iter().chain(&validation_files).chain(&test_files) {
        if !opened.contains_key(path) {
            let dataset = read_manifest(path)
                .and_then(|manifest| manifest.open(folders.data_root.as_deref()))
                .map_err(|e| failed(Box::new(e)))?;
            opened.insert(path.clone(), dataset);
        }
    }
    let mut warnings = Vec::new();
    for (path, dataset) in &mut opened {
        // Files of a split that is not used may be missing.
        let used = |split| match split {
            Split::Train => train_files.contains(path),
            Split::Validation => validation_files.contains(path),
            Split::Test => test_files.contains(path),
        };
        let (kept, unused) =
            std::mem::take(&mut dataset.items).into_iter().partition(|item| used(item.split));
        // Annotations may mean images that are not used.
        dataset.items = unused;
        let others = cyborg_recipe::images_of(dataset);
        dataset.items = kept;
        if let Some(recipe) = spec.recipe.as_ref().filter(|_| train_files.contains(path)) {
            dataset.recipe = Some(recipe.clone());
        }
        let building = |done, of| progress("saliency maps", done, of);
        let maps = folders.data_dir.join("saliency");
        let built = cyborg_recipe::give_maps(dataset, others, folders.data_root.as_deref(), &maps, &building);
        warnings.extend(built.map_err(|e| failed(Box::new(e)))?);
        match policy {
            BadImagePolicy::Stop => dataset.check_files().map_err(|e| failed(Box::new(e)))?,
            BadImagePolicy::Skip => warnings.extend(drop_missing(dataset)),
        }
    }
    let classes = one_class_list(&opened).map_err(mismatch)?;
    let positive = match &spec.positive {
        None => 1,
        Some(name) => classes.iter().position(|c| c == name).ok_or_else(|| {
            mismatch(format!("`positive` is `{name}`; {}", cyborg_settings::nearest(name, &classes)))
        })?,
    };
    let role = |files: &[PathBuf], split: Split| -> Vec<Item> {
        let mut seen = BTreeSet::new();
        files
            .iter()
            .filter(|path| seen.insert((*path).clone()))
            .flat_map(|path| opened[path].items.iter().filter(|item| item.split == split).cloned())
            .collect()
    };
    let mut train = role(&train_files, Split::Train);
    let validation = role(&validation_files, Split::Validation);
    let test = role(&test_files, Split::Test);
    for (items, name) in [(&train, "training"), (&validation, "validation"), (&test, "test")] {
        if items.is_empty() {
            return Err(mismatch(format!(
                "there is no {name} image: no row of its manifests is of that split"
            )));
        }
    }
    if let Some(limit) = spec.limit_train {
        if limit > train.len() {
            return Err(mismatch(format!(
                "`limit_train` is {limit}, and there are only {} training images",
                train.len()
            )));
        }
        train = limited(train, limit, classes.len());
    }
    let missing: Vec<&str> = classes
        .iter()
        .enumerate()
        .filter(|(label, _)| train.iter().all(|item| item.label != *label))
        .map(|(_, name)| name.as_str())
        .collect();
    if !missing.is_empty() {
        return Err(mismatch(format!(
            "no training image is of class {}; every class must be trained on",
            missing.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ")
        )));
    }

    let mut pairs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for dataset in opened.values() {
        pairs.extend(dataset.pairs.clone());
    }
    pairs.extend(spec.pairs.clone());
    let tested: BTreeSet<&str> = test.iter().map(|i| i.source.as_str()).collect();
    for (source, against) in &spec.pairs {
        for name in std::iter::once(source).chain(against) {
            if !tested.contains(name.as_str()) {
                let valid: Vec<&str> = tested.iter().copied().collect();
                return Err(mismatch(format!(
                    "`pairs` names the source `{name}`, which no test image has; {}",
                    cyborg_settings::nearest(name, &valid)
                )));
            }
        }
    }
    pairs.retain(|source, _| tested.contains(source.as_str()));
    let seen = train.iter().chain(&validation).map(|i| i.source.clone()).collect();

    let cache = folders.data_dir.join(".digests.json");
    let digest = |items: &[Item], role: &str| {
        progress(role, 0, 1);
        content_digest(items, Some(&cache)).map_err(|e| failed(Box::new(e)))
    };
    Ok(ResolvedData {
        name: spec.name.clone(),
        title: if spec.title.is_empty() { titles(&opened) } else { spec.title.clone() },
        phantom: opened.values().any(|d| d.phantom),
        train_digest: digest(&train, "digest of training images")?,
        validation_digest: digest(&validation, "digest of validation images")?,
        test_digest: digest(&test, "digest of test images")?,
        warnings: {
            warnings.extend(leaks(&spec.name, &train, &validation, &test));
            warnings
        },
        facts: facts(&classes, &train, &validation, &test),
        plan: EvalPlan { positive: positive as u32, pairs, seen },
        classes,
        train,
        validation,
        test,
        at: spec.at,
    })
}

/// Leaves out images that are not there, and maps that are not; says how many.
fn drop_missing(dataset: &mut Dataset) -> Option<String> {
    let before = dataset.items.len();
    dataset.items.retain(|item| item.image.is_file());
    let n_images = before - dataset.items.len();
    let mut n_maps = 0;
    for item in &mut dataset.items {
        if item.map.as_ref().is_some_and(|map| !map.is_file()) {
            item.map = None;
            n_maps += 1;
        }
    }
    (n_images + n_maps > 0).then(|| {
        format!("{}: {n_images} images and {n_maps} human maps are not there and were left out", dataset.id)
    })
}

fn titles(opened: &BTreeMap<PathBuf, Dataset>) -> String {
    opened.values().map(|d| d.title.as_str()).collect::<Vec<_>>().join("; ")
}

fn one_class_list(opened: &BTreeMap<PathBuf, Dataset>) -> Result<Vec<String>, String> {
    let mut all = opened.values();
    let first = all.next().ok_or_else(|| "it names no manifest".to_owned())?;
    for other in all {
        if other.classes != first.classes {
            return Err(format!(
                "its manifests have different classes: `{}` has {:?}, `{}` has {:?}",
                first.id, first.classes, other.id, other.classes
            ));
        }
    }
    if first.classes.len() < 2 {
        return Err(format!("`{}` has fewer than two classes", first.id));
    }
    Ok(first.classes.clone())
}

/// `limit` of the items, each class in its share (largest remainders), drawn once and for all; order kept.
fn limited(items: Vec<Item>, limit: usize, n_classes: usize) -> Vec<Item> {
    let mut by_class: Vec<Vec<usize>> = vec![Vec::new(); n_classes];
    for (i, item) in items.iter().enumerate() {
        by_class[item.label].push(i);
    }
    let total = items.len();
    let mut quota: Vec<usize> = by_class.iter().map(|c| c.len() * limit / total).collect();
    let mut by_remainder: Vec<usize> = (0..n_classes).collect();
    by_remainder.sort_by_key(|&c| std::cmp::Reverse((by_class[c].len() * limit) % total));
    let short = limit - quota.iter().sum::<usize>();
    for &class in by_remainder.iter().take(short) {
        quota[class] += 1;
    }
    let seed = Seed::new(0).child("limit_train");
    let mut kept = BTreeSet::new();
    for (class, members) in by_class.iter_mut().enumerate() {
        seed.stream(&class.to_string()).shuffle(members);
        kept.extend(members.iter().take(quota[class]).copied());
    }
    items.into_iter().enumerate().filter(|(i, _)| kept.contains(i)).map(|(_, item)| item).collect()
}

/// People or files on both sides of the line between learning and testing.
fn leaks(name: &str, train: &[Item], validation: &[Item], test: &[Item]) -> Vec<String> {
    let mut warnings = Vec::new();
    let sides = [
        ("training", train, "validation", validation),
        ("training", train, "test", test),
        ("validation", validation, "test", test),
    ];
    for (a_name, a, b_name, b) in sides {
        let paths: BTreeSet<&Path> = a.iter().map(|i| i.image.as_path()).collect();
        let files = b.iter().filter(|i| paths.contains(i.image.as_path())).count();
        if files > 0 {
            warnings.push(format!("{name}: {files} {b_name} images are {a_name} images as well"));
        }
        let subjects: BTreeSet<&str> = a.iter().filter_map(|i| i.subject.as_deref()).collect();
        let shared: BTreeSet<&str> =
            b.iter().filter_map(|i| i.subject.as_deref()).filter(|s| subjects.contains(s)).collect();
        if !shared.is_empty() {
            let example = shared.first().copied().unwrap_or_default();
            warnings.push(format!(
                "{name}: {} subjects are in {a_name} and in {b_name} (`{example}` is one)",
                shared.len()
            ));
        }
    }
    warnings
}

fn facts(classes: &[String], train: &[Item], validation: &[Item], test: &[Item]) -> Vec<String> {
    let by = |items: &[Item], key: &dyn Fn(&Item) -> String| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for item in items {
            *counts.entry(key(item)).or_default() += 1;
        }
        counts.iter().map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
    };
    let class = |item: &Item| classes[item.label].clone();
    let source = |item: &Item| item.source.clone();
    vec![
        format!(
            "train: {} images ({}), {} with a human map; sources: {}",
            train.len(),
            by(train, &class),
            train.iter().filter(|i| i.map.is_some()).count(),
            by(train, &source)
        ),
        format!(
            "validation: {} images ({}); sources: {}",
            validation.len(),
            by(validation, &class),
            by(validation, &source)
        ),
        format!("test: {} images ({}); sources: {}", test.len(), by(test, &class), by(test, &source)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(i: usize, label: usize) -> Item {
        Item {
            id: format!("set/{i}.png"),
            image: format!("/data/{i}.png").into(),
            label,
            source: "x".to_owned(),
            subject: Some(format!("p{}", i / 2)),
            split: Split::Train,
            map: None,
            window: None,
            origin: String::new(),
        }
    }

    #[test]
    fn a_limit_keeps_the_classes_shares_and_the_order() {
        // 30 of class 0, 10 of class 1; 10 of 40: 7.5 and 2.5. The remainders tie, so the first class gets the tenth.
        let items: Vec<Item> = (0..40).map(|i| item(i, usize::from(i % 4 == 3))).collect();
        let kept = limited(items.clone(), 10, 2);
        assert_eq!(kept.iter().filter(|i| i.label == 0).count(), 8);
        assert_eq!(kept.iter().filter(|i| i.label == 1).count(), 2);
        assert!(
            kept.windows(2).all(|w| w[0].image.to_string_lossy().len() <= w[1].image.to_string_lossy().len())
        );
        assert_eq!(limited(items.clone(), 10, 2), kept);
        assert_eq!(limited(items.clone(), 40, 2), items);
    }

    #[test]
    fn people_on_both_sides_are_named() {
        let train: Vec<Item> = (0..4).map(|i| item(i, 0)).collect();
        let test: Vec<Item> = (3..6).map(|i| item(i, 0)).collect();
        let found = leaks("faces", &train, &[], &test);
        assert_eq!(found[0], "faces: 1 test images are training images as well");
        assert_eq!(found[1], "faces: 1 subjects are in training and in test (`p1` is one)");
        assert_eq!(found.len(), 2);
    }
}
