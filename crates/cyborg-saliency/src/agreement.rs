//! How far the people who marked one image agree: the ceiling of what a model can agree with them.

use cyborg_seed::Seed;

use crate::SaliencyMap;
use crate::rank::{average_ranks, correlation};

/// How agreement is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgreementRule {
    /// Random halvings that the split-half figure is averaged over, at least 1.
    pub n_splits: usize,
    /// Another seed halves otherwise.
    pub seed: u64,
    /// For IoU: a map marks a pixel where its value is above this share of its own greatest value, in `[0, 1)`.
    pub threshold: f32,
}

impl Default for AgreementRule {
    fn default() -> Self {
        Self { n_splits: 10, seed: 0, threshold: 0.0 }
    }
}

/// Why there is no figure. Never NaN, never a 0 that nobody measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoFigure {
    /// Nobody marked the image.
    NoAnnotator,
    /// Nobody to agree with.
    OneAnnotator,
    /// A correlation needs maps that vary, and one did not.
    Flat,
    /// Nobody marked any pixel.
    NothingMarked,
}

impl std::fmt::Display for NoFigure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoAnnotator => "no annotator",
            Self::OneAnnotator => "one annotator",
            Self::Flat => "flat map",
            Self::NothingMarked => "nothing marked",
        })
    }
}

/// Agreement of one image's annotators.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// How many maps there were.
    pub n_annotators: usize,
    /// Spearman's correlation between the mean maps of two random halves of the people (with an odd number one half has
    /// one more), averaged over the halvings in which both vary.
    pub split_half: Result<f64, NoFigure>,
    /// `2 r / (1 + r)` of [`Agreement::split_half`] (Spearman-Brown): what two groups as large as the whole would reach.
    pub split_half_corrected: Result<f64, NoFigure>,
    /// Spearman's correlation between one person's map and the mean of the others', averaged over the people for whom
    /// both vary.
    pub leave_one_out: Result<f64, NoFigure>,
    /// The same of each person, in the order of the maps; nothing where one side does not vary.
    pub leave_one_out_each: Vec<Option<f64>>,
    /// Intersection over union of what two people marked, averaged over the pairs of whom at least one marked anything.
    pub iou: Result<f64, NoFigure>,
}

/// Measures the agreement between the maps of one image, one map a person.
///
/// `image` names the image; the halvings depend on it and on the seed. A person's weight plays no part. The maps count as
/// they are: blurred ones agree better than sharp ones, and a coarse grid better than a fine one.
///
/// # Panics
/// If the maps have different sizes.
///
/// # Examples
/// ```
/// use cyborg_saliency::{AgreementRule, NoFigure, SaliencyMap, agreement};
/// let map = |values: [f32; 4]| SaliencyMap { width_px: 4, height_px: 1, values: values.to_vec() };
/// let two = [map([1.0, 1.0, 0.0, 0.0]), map([1.0, 0.0, 0.0, 0.0])];
/// let figures = agreement("a.png", &two, &AgreementRule::default());
/// assert_eq!(figures.iou, Ok(0.5));
/// assert_eq!(agreement("a.png", &two[..1], &AgreementRule::default()).iou, Err(NoFigure::OneAnnotator));
/// ```
pub fn agreement(image: &str, maps: &[SaliencyMap], rule: &AgreementRule) -> Agreement {
    if let Some(first) = maps.first() {
        let size = (first.width_px, first.height_px);
        assert!(maps.iter().all(|map| (map.width_px, map.height_px) == size), "maps of one size");
    }
    let missing = match maps.len() {
        0 => Some(NoFigure::NoAnnotator),
        1 => Some(NoFigure::OneAnnotator),
        _ => None,
    };
    if let Some(reason) = missing {
        return Agreement {
            n_annotators: maps.len(),
            split_half: Err(reason),
            split_half_corrected: Err(reason),
            leave_one_out: Err(reason),
            leave_one_out_each: vec![None; maps.len()],
            iou: Err(reason),
        };
    }
    let split_half = split_half(image, maps, rule);
    let leave_one_out_each = leave_one_out(maps);
    Agreement {
        n_annotators: maps.len(),
        split_half,
        split_half_corrected: split_half.and_then(spearman_brown),
        leave_one_out: mean(leave_one_out_each.iter().copied()).ok_or(NoFigure::Flat),
        leave_one_out_each,
        iou: mean_iou(maps, rule.threshold),
    }
}

fn spearman_brown(r: f64) -> Result<f64, NoFigure> {
    // At r = -1 there is nothing left to divide by.
    if r > -1.0 { Ok(2.0 * r / (1.0 + r)) } else { Err(NoFigure::Flat) }
}

fn split_half(image: &str, maps: &[SaliencyMap], rule: &AgreementRule) -> Result<f64, NoFigure> {
    let mut stream = Seed::new(rule.seed).child("split-half").stream(image);
    let mut people: Vec<usize> = (0..maps.len()).collect();
    let figures = (0..rule.n_splits.max(1)).map(|_| {
        stream.shuffle(&mut people);
        let (first, second) = people.split_at(maps.len() / 2);
        // Sums have the ranks of means. Ascending, so that the sum's bits do not depend on the draw.
        let half = |half: &[usize]| {
            let mut half = half.to_vec();
            half.sort_unstable();
            average_ranks(&sum(half.iter().map(|&person| &maps[person])))
        };
        correlation(&half(first), &half(second))
    });
    mean(figures).ok_or(NoFigure::Flat)
}

fn leave_one_out(maps: &[SaliencyMap]) -> Vec<Option<f64>> {
    let figures = maps.iter().enumerate().map(|(person, map)| {
        let others = maps.iter().enumerate().filter(|(other, _)| *other != person).map(|(_, map)| map);
        correlation(&average_ranks(&map.values), &average_ranks(&sum(others)))
    });
    figures.collect()
}

/// Sums in 64 bits, cut to 32: values that people's maps make equal stay equal, and so tie.
fn sum<'a>(maps: impl Iterator<Item = &'a SaliencyMap>) -> Vec<f32> {
    let mut sums: Vec<f64> = Vec::new();
    for map in maps {
        sums.resize(map.values.len(), 0.0);
        for (sum, &value) in sums.iter_mut().zip(&map.values) {
            *sum += f64::from(value);
        }
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}

fn mean(figures: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, n) = figures.flatten().fold((0.0, 0usize), |(sum, n), figure| (sum + figure, n + 1));
    (n > 0).then(|| sum / n as f64)
}

fn mean_iou(maps: &[SaliencyMap], threshold: f32) -> Result<f64, NoFigure> {
    let marked: Vec<Vec<u64>> = maps.iter().map(|map| marked_bits(map, threshold)).collect();
    let pairs = (0..marked.len()).flat_map(|a| (a + 1..marked.len()).map(move |b| (a, b)));
    mean(pairs.map(|(a, b)| {
        let (mut both, mut either) = (0u64, 0u64);
        for (a, b) in marked[a].iter().zip(&marked[b]) {
            both += u64::from((a & b).count_ones());
            either += u64::from((a | b).count_ones());
        }
        (either > 0).then(|| both as f64 / either as f64)
    }))
    .ok_or(NoFigure::NothingMarked)
}

/// One bit a pixel: above that share of the map's greatest value.
fn marked_bits(map: &SaliencyMap, threshold: f32) -> Vec<u64> {
    let limit = threshold * map.values.iter().copied().fold(0.0, f32::max);
    let word = |values: &[f32]| {
        values.iter().enumerate().fold(0, |bits, (at, &value)| bits | (u64::from(value > limit) << at))
    };
    map.values.chunks(64).map(word).collect()
}

/// Intersection over union of what two maps mark (values above the threshold's share of each map's own greatest), as
/// `sklearn.metrics.jaccard_score`.
///
/// DIFFERENCE: nothing if neither marks anything; scikit-learn warns and gives 0.
///
/// # Panics
/// If the sizes differ.
pub fn iou(a: &SaliencyMap, b: &SaliencyMap, threshold: f32) -> Option<f64> {
    assert_eq!((a.width_px, a.height_px), (b.width_px, b.height_px), "maps of one size");
    mean_iou(&[a.clone(), b.clone()], threshold).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[f32]) -> SaliencyMap {
        SaliencyMap { width_px: values.len(), height_px: 1, values: values.to_vec() }
    }

    #[test]
    fn no_figure_says_why() {
        let rule = AgreementRule::default();
        let figures = |maps: &[SaliencyMap]| agreement("a.png", maps, &rule);
        assert_eq!(figures(&[]).split_half, Err(NoFigure::NoAnnotator));
        assert_eq!(figures(&[map(&[1.0, 0.0])]).leave_one_out, Err(NoFigure::OneAnnotator));
        let flat = figures(&[map(&[0.0; 3]), map(&[0.0; 3])]);
        assert_eq!((flat.split_half, flat.iou), (Err(NoFigure::Flat), Err(NoFigure::NothingMarked)));
        // One empty map among three: the halvings and people in which both sides vary still count.
        let some = figures(&[map(&[0.0, 0.0, 0.0]), map(&[1.0, 0.0, 0.0]), map(&[1.0, 0.0, 0.5])]);
        assert!(some.leave_one_out.is_ok() && some.split_half.is_ok());
        // Opposites: r = -1, where the correction divides by zero.
        let opposite = figures(&[map(&[1.0, 0.0]), map(&[0.0, 1.0])]);
        assert_eq!((opposite.split_half, opposite.split_half_corrected), (Ok(-1.0), Err(NoFigure::Flat)));
    }

    #[test]
    fn two_people_have_one_halving() {
        // Ranks 3.5 3.5 1.5 1.5 and 4 2 2 2: deviations 1 1 -1 -1 and 1.5 -.5 -.5 -.5: 2 / sqrt(4 * 3).
        let maps = [map(&[1.0, 1.0, 0.0, 0.0]), map(&[1.0, 0.0, 0.0, 0.0])];
        let figures = agreement("a.png", &maps, &AgreementRule::default());
        let r = 2.0 / 12f64.sqrt();
        assert!((figures.split_half.expect("both vary") - r).abs() < 1e-12);
        assert!((figures.leave_one_out.expect("both vary") - r).abs() < 1e-12);
        let corrected = figures.split_half_corrected.expect("r is not -1");
        assert!((corrected - 2.0 * r / (1.0 + r)).abs() < 1e-12);
        assert_eq!(figures.iou, Ok(0.5));
        assert!(figures.leave_one_out_each.iter().all(|each| (each.expect("both vary") - r).abs() < 1e-12));
    }

    #[test]
    fn the_seed_and_the_image_choose_the_halves() {
        let maps: Vec<SaliencyMap> = (0..7)
            .map(|person| map(&(0..50).map(|at| ((at * (person + 3)) % 11) as f32).collect::<Vec<_>>()))
            .collect();
        let of = |image, seed| {
            let rule = AgreementRule { seed, n_splits: 3, ..AgreementRule::default() };
            agreement(image, &maps, &rule).split_half.expect("all vary")
        };
        assert_eq!(of("a", 0), of("a", 0));
        assert_ne!(of("a", 0), of("a", 1));
        assert_ne!(of("a", 0), of("b", 0));
    }
}
