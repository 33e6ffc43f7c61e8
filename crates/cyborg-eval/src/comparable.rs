//! What may be compared: runs that scored the same images, from the same sources, with the same labels.
//!
//! Every comparison of this project asks here first; nothing else decides it.

use crate::columns::Table;
use crate::error::EvalError;
use crate::pairing::EvalPlan;
use crate::runs::RunKey;
use crate::taken_apart::positions;
use polars::prelude::{BooleanChunked, DataFrame, NewChunkedArray as _};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Refuses a frame of scores in which an image (by id and source) stands twice: its metrics would count it twice.
///
/// # Errors
/// [`EvalError::ImageTwice`], with the image, its source and both rows; [`EvalError::MissingColumn`] and its like.
pub fn check_images_once(key: &RunKey, scores: &DataFrame) -> Result<(), EvalError> {
    Images::new(key, scores).map(drop)
}

/// The images that several runs have in common.
///
/// # Examples
/// ```
/// use cyborg_eval::{CommonImages, RunKey};
/// use polars::prelude::df;
/// let key = |method: &str| RunKey { data: "faces".into(), method: method.into(), backbone: "r".into(), seed: 0 };
/// let a = df!("image" => ["x", "y"], "source" => ["N", "G"], "label" => [0_u32, 1])?;
/// let b = df!("image" => ["y", "z"], "source" => ["G", "G"], "label" => [1_u32, 1])?;
/// let mut common = CommonImages::default();
/// common.add(&key("ce"), &a)?;
/// common.add(&key("cyborg"), &b)?;
/// assert_eq!(common.len(), 1); // y
/// assert_eq!(common.keep(&a)?.height(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct CommonImages {
    /// Image -> label.
    known: HashMap<ImageDigest, u32>,
    runs: Vec<RunImages>,
}

/// A run and its images. Runs that scored the same images share the list.
#[derive(Debug)]
struct RunImages {
    key: RunKey,
    images: Arc<Images>,
}

/// The first 128 bits of the BLAKE3 digest of source and image id.
type ImageDigest = u128;

fn digest(image: &str, source: &str) -> ImageDigest {
    let mut hasher = blake3::Hasher::new();
    // The length parts the two names, whatever bytes they hold.
    hasher.update(&(source.len() as u64).to_le_bytes()).update(source.as_bytes()).update(image.as_bytes());
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(first)
}

/// The images of one frame, each once.
#[derive(Debug)]
struct Images {
    digests: Vec<ImageDigest>,
    labels: Vec<u32>,
    /// Of each image, the place of its source among `source_names`.
    sources: Vec<u32>,
    source_names: Vec<String>,
    /// Sum over the images, which does not depend on their order.
    sum: u128,
}

impl Images {
    fn new(key: &RunKey, scores: &DataFrame) -> Result<Self, EvalError> {
        let name = format!("the scores of {}", in_words(key));
        let table = Table::new(scores, &name);
        let (images, sources) = (table.strings("image")?, table.strings("source")?);
        let labels: Vec<u32> = table.u32s("label")?.into_no_null_iter().collect();
        let pairs = images.iter().zip(sources.iter());
        let digests: Vec<ImageDigest> = pairs
            .map(|(image, source)| digest(image.unwrap_or_default(), source.unwrap_or_default()))
            .collect();
        let mut known: HashSet<ImageDigest> = HashSet::with_capacity(digests.len());
        if let Some(second) = digests.iter().position(|digest| !known.insert(*digest)) {
            let first = digests.iter().position(|digest| *digest == digests[second]).unwrap_or(second);
            return Err(EvalError::ImageTwice {
                key: Box::new(key.clone()),
                image: images.get(second).unwrap_or_default().to_owned(),
                source_name: sources.get(second).unwrap_or_default().to_owned(),
                first: first + 1,
                second: second + 1,
                labels: (labels[first] != labels[second]).then(|| (labels[first], labels[second])),
            });
        }
        let (source_names, sources) = positions(sources);
        let of_image = |(digest, label): (&u128, &u32)| digest.wrapping_mul(2 * u128::from(*label) + 1);
        let sum = digests.iter().zip(&labels).map(of_image).fold(0_u128, u128::wrapping_add);
        Ok(Self { digests, labels, sources, source_names, sum })
    }

    fn is_same_as(&self, other: &Self) -> bool {
        self.sum == other.sum && self.digests.len() == other.digests.len()
    }
}

impl CommonImages {
    /// Adds a run; what it lacks is no longer in common.
    ///
    /// # Errors
    /// [`EvalError::ImageTwice`] for an image that the run has twice, [`EvalError::LabelsDiffer`] for one that has
    /// another label in a run before.
    pub fn add(&mut self, key: &RunKey, scores: &DataFrame) -> Result<(), EvalError> {
        let images = Images::new(key, scores)?;
        let shared = self.runs.iter().find(|run| run.images.is_same_as(&images));
        let images = if let Some(run) = shared {
            Arc::clone(&run.images)
        } else {
            self.narrow(key, scores, &images)?;
            Arc::new(images)
        };
        self.runs.push(RunImages { key: key.clone(), images });
        Ok(())
    }

    fn narrow(&mut self, key: &RunKey, scores: &DataFrame, images: &Images) -> Result<(), EvalError> {
        let labelled = || images.digests.iter().copied().zip(images.labels.iter().copied());
        let Some(first) = self.runs.first() else {
            self.known = labelled().collect();
            return Ok(());
        };
        for (row, (digest, label)) in labelled().enumerate() {
            if let Some(other) = self.known.get(&digest).filter(|other| **other != label) {
                let image = Table::new(scores, "the scores").strings("image")?.get(row);
                return Err(EvalError::LabelsDiffer {
                    image: image.unwrap_or_default().to_owned(),
                    source_name: images.source_names[images.sources[row] as usize].clone(),
                    first: in_words(&first.key),
                    first_label: *other,
                    second: in_words(key),
                    second_label: label,
                });
            }
        }
        let of_run: HashSet<ImageDigest> = images.digests.iter().copied().collect();
        self.known.retain(|digest, _| of_run.contains(digest));
        Ok(())
    }

    /// How many images all runs have.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Does every run have exactly these images?
    pub fn is_same(&self) -> bool {
        self.runs.iter().all(|run| run.images.digests.len() == self.known.len())
    }

    /// The rows of the images that all runs have, in their order.
    ///
    /// # Errors
    /// [`EvalError::MissingColumn`] and its like.
    pub fn keep(&self, scores: &DataFrame) -> Result<DataFrame, EvalError> {
        let table = Table::new(scores, "the scores");
        let (images, sources) = (table.strings("image")?, table.strings("source")?);
        let pairs = images.iter().zip(sources.iter());
        let mask: Vec<bool> = pairs
            .map(|(image, source)| {
                self.known.contains_key(&digest(image.unwrap_or_default(), source.unwrap_or_default()))
            })
            .collect();
        scores
            .filter(&BooleanChunked::from_slice("common".into(), &mask))
            .map_err(|source| EvalError::Frame { table: "the images that all runs have", source })
    }

    /// What must be said before anything else where the runs were not scored on the same images; nothing where they were.
    pub fn difference(&self) -> Option<String> {
        if self.is_same() {
            return None;
        }
        // Of each sentence, the seeds that it is true of.
        let mut sentences: Vec<(String, Vec<u64>)> = Vec::new();
        for run in &self.runs {
            let Some(sentence) = self.left_out(run) else { continue };
            match sentences.iter_mut().find(|(known, _)| *known == sentence) {
                Some((_, seeds)) => seeds.push(run.key.seed),
                None => sentences.push((sentence, vec![run.key.seed])),
            }
        }
        let sentence = |(sentence, seeds): (String, Vec<u64>)| {
            let noun = if seeds.len() == 1 { "seed" } else { "seeds" };
            let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
            format!("{sentence}, {noun} {}", seeds.join(", "))
        };
        Some(sentences.into_iter().map(sentence).collect::<Vec<_>>().join("; "))
    }

    /// Which images of a run are not in common, by source; nothing where all are.
    fn left_out(&self, run: &RunImages) -> Option<String> {
        let images = &run.images;
        let mut of_sources = vec![(0_usize, 0_usize); images.source_names.len()];
        for (digest, source) in images.digests.iter().zip(&images.sources) {
            let (all, lost) = &mut of_sources[*source as usize];
            *all += 1;
            *lost += usize::from(!self.known.contains_key(digest));
        }
        let n_lost: usize = of_sources.iter().map(|(_, lost)| lost).sum();
        let named = images.source_names.iter().zip(&of_sources).filter(|(_, (_, lost))| *lost > 0);
        let parts: Vec<String> = named
            .map(|(source, (all, lost))| {
                format!("{}{lost} of `{source}`", if all == lost { "all " } else { "" })
            })
            .collect();
        (n_lost > 0).then(|| {
            let RunKey { method, backbone, .. } = &run.key;
            let n = images.digests.len();
            format!("`{method}` ({backbone}): {n_lost} of {n} images ({})", parts.join(", "))
        })
    }

    /// Whether the images in common can carry a comparison.
    ///
    /// # Errors
    /// [`EvalError::NothingInCommon`] where no image, or no image of one class, is left.
    pub fn check(&self, plan: &EvalPlan) -> Result<(), EvalError> {
        let n_positive = self.known.values().filter(|label| **label == plan.positive).count();
        let lacks = match (self.known.len(), n_positive) {
            (0, _) => "image",
            (_, 0) => "image of the positive class",
            (n, n_positive) if n == n_positive => "image of another class than the positive one",
            _ => return Ok(()),
        };
        // A class that no run has is another fault, and the tables say it.
        if self.is_same() {
            return Ok(());
        }
        Err(EvalError::NothingInCommon {
            runs: self.runs.iter().map(|run| in_words(&run.key)).collect::<Vec<_>>().join("; "),
            lacks,
            left_out: self.difference().unwrap_or_default(),
        })
    }
}

fn in_words(key: &RunKey) -> String {
    format!("`{}` (data `{}`, {}, seed {})", key.method, key.data, key.backbone, key.seed)
}

/// What a group of runs was trained and tested on, by the digests of the images' contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataDigests {
    /// Of the training images.
    pub training: String,
    /// Of the validation images.
    pub validation: String,
    /// Of the test images.
    pub test: String,
}

/// Whether runs on the data `a` may be compared with runs on `b`, by what their digests say; and what a reader must know
/// first where they may. An empty digest is not known and says nothing.
///
/// # Errors
/// [`EvalError::OtherTestImages`] where the test images are not the same.
pub fn compare_digests(
    baseline: &str,
    a: &DataDigests,
    candidate: &str,
    b: &DataDigests,
) -> Result<Vec<String>, EvalError> {
    let differ = |a: &str, b: &str| !a.is_empty() && !b.is_empty() && a != b;
    if differ(&a.test, &b.test) {
        return Err(EvalError::OtherTestImages {
            baseline: baseline.to_owned(),
            candidate: candidate.to_owned(),
            baseline_digest: a.test.chars().take(8).collect(),
            candidate_digest: b.test.chars().take(8).collect(),
        });
    }
    let mut notes = Vec::new();
    for (what, a, b) in [("trained", &a.training, &b.training), ("validated", &a.validation, &b.validation)] {
        if differ(a, b) {
            notes.push(format!(
                "`{candidate}` was {what} on other images than `{baseline}`: a difference may come from these images as \
                 well as from the method"
            ));
        }
    }
    Ok(notes)
}
