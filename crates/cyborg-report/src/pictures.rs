//! What is drawn of each method: curves, ROCs, average CAMs and the images of the gallery. Runs are read one after the
//! other and only what is drawn is kept, so that a test set of a million images fits.
use crate::cam_measures::{CamMeasures, Measured};
use crate::cams::{CamFile, HumanMean};
use crate::comparable::Comparable;
use crate::confusion::Confusion;
use crate::curves::{Histogram, Rates};
use crate::epochs::{Epoch, read_epochs};
use crate::threshold::with_validation_threshold;
use crate::{DataEntry, ReportInput, RunEntry, frame::Table};
use cyborg_causes::on_one_line;
use cyborg_eval::{read_parquet, read_scores, run_metrics_with, run_rocs};
use polars::prelude::DataFrame;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Images in one row of the gallery, shared out evenly among the classes.
const GALLERY_IMAGES: usize = 6;

/// What is drawn of one method on one data set with one backbone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pictures {
    /// Of each seed, in the order of the experiment.
    pub(crate) epochs: Vec<(u64, Vec<Epoch>)>,
    /// Of each positive source: the rates of each seed.
    pub(crate) rocs: Vec<(String, Vec<Rates>)>,
    /// Of each positive source: scores of all seeds.
    pub(crate) histograms: Vec<Histogram>,
    /// Which class was taken for which, all seeds together.
    pub(crate) confusion: Confusion,
    /// Cells along one side of a CAM.
    pub(crate) grid: usize,
    /// Average CAM of the images of each class, by label.
    pub(crate) class_cams: Vec<AverageCam>,
    /// Average CAM of the images of each source, in order of first appearance.
    pub(crate) source_cams: Vec<(String, AverageCam)>,
    /// Average human map of each class over the training images.
    pub(crate) human: BTreeMap<String, HumanMean>,
    pub(crate) gallery: Option<Gallery>,
}

/// A mean over seeds of each seed's mean over images.
#[derive(Clone, Debug, Default)]
pub(crate) struct AverageCam {
    sum: Vec<f64>,
    n_seeds: u32,
    /// Images behind it, of one seed.
    pub(crate) n_images: u64,
}

impl AverageCam {
    /// Values in `[0, 1]`, rows from top to bottom; none where there is no image.
    pub(crate) fn mean(&self) -> Option<Vec<f64>> {
        (self.n_seeds > 0).then(|| self.sum.iter().map(|value| value / f64::from(self.n_seeds)).collect())
    }

    /// Adds one seed: `sums` over `n_images` CAMs of values 0..=255.
    fn add(&mut self, sums: &[u64], n_images: u64) {
        if n_images == 0 {
            return;
        }
        self.sum.resize(sums.len(), 0.0);
        for (total, &sum) in self.sum.iter_mut().zip(sums) {
            *total += sum as f64 / (n_images as f64 * 255.0);
        }
        self.n_seeds += 1;
        self.n_images = n_images;
    }
}

/// Single images of one seed.
#[derive(Clone, Debug)]
pub(crate) struct Gallery {
    pub(crate) seed: u64,
    /// Right, by the largest margin first.
    pub(crate) best: Vec<Shot>,
    /// Wrong, by the largest margin first.
    pub(crate) worst: Vec<Shot>,
    /// The first test image of each source: the same for every method, chosen by no outcome.
    pub(crate) first: Vec<Shot>,
}

/// One test image and what a method made of it.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) image: String,
    pub(crate) source: String,
    pub(crate) label: u32,
    pub(crate) predicted: u32,
    pub(crate) score: f64,
    /// Logit of the label minus the largest other logit: positive when right.
    pub(crate) margin: f64,
    /// `grid * grid` cells in 0..=255.
    pub(crate) cam: Vec<u8>,
}

type Place = (String, String, String);

/// Gathers [`Pictures`] while the runs are read.
pub(crate) struct Collector<'a> {
    input: &'a ReportInput,
    comparable: &'a Comparable,
    places: BTreeMap<Place, Pictures>,
    /// CAMs against human maps and each other.
    pub(crate) cams: CamMeasures,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(input: &'a ReportInput, comparable: &'a Comparable) -> Self {
        Self { input, comparable, places: BTreeMap::new(), cams: CamMeasures::default() }
    }

    /// The pictures of a method, once all runs are read.
    pub(crate) fn take(&mut self, data: &str, backbone: &str, method: &str) -> Pictures {
        self.places.remove(&(data.to_owned(), backbone.to_owned(), method.to_owned())).unwrap_or_default()
    }

    /// Reads one run's folder and returns its metrics; or says why it cannot be used, and then nothing of it is kept.
    pub(crate) fn read(&mut self, run: &RunEntry) -> Result<DataFrame, String> {
        let key = &run.key;
        let data = self.input.data.iter().find(|data| data.name == key.data);
        let data = data.ok_or_else(|| format!("the report knows no data set `{}`", key.data))?;
        let path = run.dir.join("scores.parquet");
        // Scores from elsewhere were checked as they were read, and need not be probabilities.
        let scores = if self.input.scores_only { read_parquet(&path) } else { read_scores(&path) };
        let scores = scores.map_err(|error| on_one_line(&error))?;
        let rows = Rows::new(&scores, data)?;
        // What another program scored comes without training and CAMs.
        let (epochs, cams) = if self.input.scores_only {
            (Vec::new(), CamFile::new(0))
        } else {
            let epochs = read_epochs(&run.dir.join("epochs.csv")).map_err(|error| on_one_line(&error))?;
            let cams =
                CamFile::read(&run.dir.join("cams.safetensors")).map_err(|error| on_one_line(&error))?;
            if cams.len() != rows.len() {
                return Err(format!(
                    "`cams.safetensors` holds {} CAMs, `scores.parquet` has {} rows; both are of the same images",
                    cams.len(),
                    rows.len()
                ));
            }
            (epochs, cams)
        };
        let place = (key.data.clone(), key.backbone.clone(), key.method.clone());
        if let Some(known) = self.places.get(&place)
            && known.grid != cams.grid()
        {
            let (found, others) = (cams.grid(), known.grid);
            return Err(format!("its CAMs are {found}x{found}, those of the other seeds {others}x{others}"));
        }
        let options = with_validation_threshold(&self.input.metric_options(data), &run.dir, &data.plan)
            .map_err(|error| on_one_line(&error))?;
        // Numbers are about the images that all compared runs have; pictures of CAMs about all of the run's own.
        let kept = self.comparable.keep(key, &scores).map_err(|error| on_one_line(&error))?;
        let measured_rows = kept.as_ref().map(|kept| Rows::new(kept, data)).transpose()?;
        let counted = kept.as_ref().unwrap_or(&scores);
        let metrics = run_metrics_with(counted, &data.plan, &options).map_err(|error| on_one_line(&error))?;
        let rocs = run_rocs(counted, &data.plan).map_err(|error| on_one_line(&error))?;
        if !cams.is_empty() {
            let measured = Measured {
                key,
                images: &rows.images,
                sources: &rows.sources,
                labels: &rows.labels,
                cams: &cams,
            };
            self.cams.add(data, &measured).map_err(|error| on_one_line(&error))?;
        }

        let pictures = self.places.entry(place).or_default();
        pictures.grid = cams.grid();
        pictures.confusion.add(counted, data.classes.len())?;
        if !epochs.is_empty() {
            pictures.epochs.push((key.seed, epochs));
        }
        let negatives = n_negatives(&metrics)?;
        let sources: Vec<String> = rocs.iter().map(|roc| roc.source.clone()).collect();
        for of_source in rocs {
            let at = pictures.rocs.iter().position(|(source, _)| *source == of_source.source);
            let at = at.unwrap_or_else(|| {
                pictures.rocs.push((of_source.source, Vec::new()));
                pictures.rocs.len() - 1
            });
            if let Ok(roc) = of_source.roc {
                let n = negatives
                    .iter()
                    .find(|(source, _)| *source == pictures.rocs[at].0)
                    .map_or(0, |(_, n)| *n);
                pictures.rocs[at].1.push(Rates::new(&roc, n));
            }
        }
        let counted_rows = measured_rows.as_ref().unwrap_or(&rows);
        for histogram in counted_rows.histograms(&sources, data, self.input.score_range.unwrap_or((0.0, 1.0)))
        {
            match pictures.histograms.iter_mut().find(|known| known.source == histogram.source) {
                Some(known) => known.add(&histogram),
                None => pictures.histograms.push(histogram),
            }
        }
        if !cams.is_empty() {
            average(pictures, &rows, &cams, data.classes.len());
        }
        if pictures.human.is_empty() {
            pictures.human.clone_from(cams.human());
        }
        if pictures.gallery.is_none() && !cams.is_empty() {
            pictures.gallery = Some(gallery(key.seed, &rows, &cams, data.classes.len()));
        }
        Ok(metrics)
    }
}

/// How many negatives each source is tested against.
fn n_negatives(metrics: &DataFrame) -> Result<Vec<(String, u32)>, String> {
    let table = Table { frame: metrics, what: "the metrics of a run" };
    let read = || Ok((table.text("kind")?, table.text("source")?, table.counts("n_negative")?));
    let (kinds, sources, n) = read().map_err(|error: crate::ReportError| on_one_line(&error))?;
    let rows = kinds.into_iter().zip(sources).zip(n);
    Ok(rows.filter(|((kind, _), _)| kind == "source").map(|((_, source), n)| (source, n)).collect())
}

/// The columns of a run's scores that pictures need.
struct Rows {
    images: Vec<String>,
    sources: Vec<String>,
    labels: Vec<u32>,
    predicted: Vec<u32>,
    scores: Vec<Option<f64>>,
    logits: Vec<Vec<Option<f64>>>,
}

impl Rows {
    fn new(scores: &DataFrame, data: &DataEntry) -> Result<Self, String> {
        let table = Table { frame: scores, what: "`scores.parquet`" };
        let text = |name| table.text(name).map_err(|error| on_one_line(&error));
        let counts = |name| table.counts(name).map_err(|error| on_one_line(&error));
        let numbers = |name: &str| table.numbers(name).map_err(|error| on_one_line(&error));
        let n_classes = data.classes.len();
        let rows = Self {
            images: text("image")?,
            sources: text("source")?,
            labels: counts("label")?,
            predicted: if scores.column("predicted").is_ok() {
                counts("predicted")?
            } else {
                counts("label")?
            },
            scores: numbers("score")?,
            // A single logit, of the positive class, has no other to be held against.
            logits: if (0..n_classes).any(|class| scores.column(&format!("logit_{class}")).is_err()) {
                Vec::new()
            } else {
                (0..n_classes).map(|class| numbers(&format!("logit_{class}"))).collect::<Result<_, _>>()?
            },
        };
        let outside = |class: &u32| *class as usize >= n_classes;
        if let Some(at) = rows.labels.iter().zip(&rows.predicted).position(|(l, p)| outside(l) || outside(p))
        {
            return Err(format!(
                "row {} of `scores.parquet` (image `{}`) has label {} and predicted {}, but data set `{}` has {} \
                 classes",
                at + 1,
                rows.images[at],
                rows.labels[at],
                rows.predicted[at],
                data.name,
                n_classes
            ));
        }
        Ok(rows)
    }

    fn len(&self) -> usize {
        self.images.len()
    }

    /// Logit of the label minus the largest other one; none where a logit is not finite or there is no other.
    fn margin(&self, at: usize) -> Option<f64> {
        let label = self.labels[at] as usize;
        let mut largest_other = f64::NEG_INFINITY;
        if self.logits.is_empty() {
            return None;
        }
        for (class, logits) in self.logits.iter().enumerate() {
            let logit = logits[at].filter(|logit| logit.is_finite())?;
            if class != label {
                largest_other = largest_other.max(logit);
            }
        }
        self.logits[label][at].map(|logit| logit - largest_other).filter(|margin| margin.is_finite())
    }

    /// Score histograms of the positive sources.
    fn histograms(&self, sources: &[String], data: &DataEntry, range: (f64, f64)) -> Vec<Histogram> {
        let mut names: Vec<String> = Vec::new();
        let mut positions: HashMap<&str, usize> = HashMap::new();
        let mut name_of: Vec<usize> = Vec::with_capacity(self.len());
        for source in &self.sources {
            let position = *positions.entry(source).or_insert_with(|| {
                names.push(source.clone());
                names.len() - 1
            });
            name_of.push(position);
        }
        let rows = name_of
            .iter()
            .zip(&self.labels)
            .zip(&self.scores)
            .map(|((&name, &label), &score)| (name, label, score.unwrap_or(f64::NAN)));
        Histogram::of_run(sources, &data.plan, range, rows, &names)
    }

    fn shot(&self, at: usize, cams: &CamFile) -> Shot {
        Shot {
            image: self.images[at].clone(),
            source: self.sources[at].clone(),
            label: self.labels[at],
            predicted: self.predicted[at],
            score: self.scores[at].unwrap_or(f64::NAN),
            margin: self.margin(at).unwrap_or(f64::NAN),
            cam: cams.cam(at).unwrap_or_default().to_vec(),
        }
    }
}

/// Adds the average CAMs of one run. Sums are whole numbers, so their order does not matter.
fn average(pictures: &mut Pictures, rows: &Rows, cams: &CamFile, n_classes: usize) {
    let cells = cams.grid() * cams.grid();
    let mut sources: Vec<&str> = Vec::new();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    let mut of_classes = vec![(vec![0_u64; cells], 0_u64); n_classes];
    let mut of_sources: Vec<(Vec<u64>, u64)> = Vec::new();
    for at in 0..rows.len() {
        let source = rows.sources[at].as_str();
        let position = *positions.entry(source).or_insert_with(|| {
            sources.push(source);
            of_sources.push((vec![0; cells], 0));
            sources.len() - 1
        });
        let cam = cams.cam(at).unwrap_or_default();
        for (sums, n) in [&mut of_classes[rows.labels[at] as usize], &mut of_sources[position]] {
            *n += 1;
            for (sum, &value) in sums.iter_mut().zip(cam) {
                *sum += u64::from(value);
            }
        }
    }
    pictures.class_cams.resize_with(n_classes, AverageCam::default);
    for (average, (sums, n)) in pictures.class_cams.iter_mut().zip(&of_classes) {
        average.add(sums, *n);
    }
    for (source, (sums, n)) in sources.into_iter().zip(&of_sources) {
        let known = pictures.source_cams.iter().position(|(name, _)| name == source);
        let at = known.unwrap_or_else(|| {
            pictures.source_cams.push((source.to_owned(), AverageCam::default()));
            pictures.source_cams.len() - 1
        });
        pictures.source_cams[at].1.add(sums, *n);
    }
}

/// The few rows with the largest margins, the first of equals first.
struct Largest {
    keep: usize,
    /// (margin, row), falling.
    rows: Vec<(f64, usize)>,
}

impl Largest {
    fn offer(&mut self, margin: f64, row: usize) {
        let at = self.rows.partition_point(|(kept, _)| *kept >= margin);
        if at < self.keep {
            self.rows.insert(at, (margin, row));
            self.rows.truncate(self.keep);
        }
    }
}

fn gallery(seed: u64, rows: &Rows, cams: &CamFile, n_classes: usize) -> Gallery {
    let keep = (GALLERY_IMAGES / n_classes.max(1)).max(1);
    let empty = || -> Vec<Largest> { (0..n_classes).map(|_| Largest { keep, rows: Vec::new() }).collect() };
    let (mut right, mut wrong) = (empty(), empty());
    let mut first: Vec<usize> = Vec::new();
    let mut known: HashSet<&str> = HashSet::new();
    for at in 0..rows.len() {
        if known.insert(rows.sources[at].as_str()) {
            first.push(at);
        }
        let Some(margin) = rows.margin(at) else { continue };
        let label = rows.labels[at] as usize;
        if rows.predicted[at] == rows.labels[at] {
            right[label].offer(margin, at);
        } else {
            wrong[label].offer(-margin, at);
        }
    }
    let shots = |of_classes: Vec<Largest>| -> Vec<Shot> {
        let mut chosen: Vec<(f64, usize)> = of_classes.into_iter().flat_map(|largest| largest.rows).collect();
        chosen.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        chosen.truncate(GALLERY_IMAGES);
        chosen.into_iter().map(|(_, at)| rows.shot(at, cams)).collect()
    };
    Gallery {
        seed,
        best: shots(right),
        worst: shots(wrong),
        first: first.into_iter().map(|at| rows.shot(at, cams)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_largest_and_the_first_of_equals() {
        let mut largest = Largest { keep: 2, rows: Vec::new() };
        for (row, margin) in [0.5, 2.0, 1.0, 2.0, 0.1].into_iter().enumerate() {
            largest.offer(margin, row);
        }
        assert_eq!(largest.rows, [(2.0, 1), (2.0, 3)]);
    }

    #[test]
    fn averages_seeds_not_images() {
        let mut average = AverageCam::default();
        assert_eq!(average.mean(), None);
        average.add(&[255, 510], 2); // 0.5, 1.0
        average.add(&[0, 255], 1); // 0.0, 1.0
        average.add(&[0, 0], 0); // no image: no say
        assert_eq!(average.mean(), Some(vec![0.25, 1.0]));
    }
}
