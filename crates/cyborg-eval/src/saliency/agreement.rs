//! All measures of one CAM and one human map.

use super::marked::top_of;
use super::{
    CAM, HUMAN, NoMeasure, auc_judd, dice, iou, kl_divergence, map_mse, nss, pearson, similarity, spearman,
    ssim,
};

/// The measures of agreement, in the order of the columns of [`super::cam_agreement`].
pub const AGREEMENTS: [&str; 10] =
    ["mse", "pearson", "spearman", "kl", "sim", "nss", "auc_judd", "iou_top10", "dice_top10", "ssim"];

/// A value for each of [`AGREEMENTS`], or why there is none.
pub type Agreement = [Result<f64, NoMeasure>; AGREEMENTS.len()];

/// Every measure of one image. `marked` are the cells that people fixated or marked, for `nss` and `auc_judd`; without
/// them they are taken from the top tenth of the human map ([`super::top_cells`]). IoU and Dice always compare the top
/// tenths of both maps.
///
/// # Examples
/// ```
/// use cyborg_eval::saliency::{AGREEMENTS, agreement};
/// let map: Vec<f32> = (0..49).map(|i| (i * i % 31) as f32).collect();
/// let found = agreement(&map, &map, 7, 7, None);
/// let at = |name| AGREEMENTS.iter().position(|known| *known == name).map(|i| found[i].clone());
/// assert_eq!(at("mse"), Some(Ok(0.0)));
/// assert_eq!(at("iou_top10"), Some(Ok(1.0)));
/// ```
pub fn agreement(
    cam: &[f32],
    human: &[f32],
    height: usize,
    width: usize,
    marked: Option<&[bool]>,
) -> Agreement {
    let top = || Ok((top_of(cam, CAM)?, top_of(human, HUMAN)?));
    let with_marked = |measure: fn(&[f32], &[bool]) -> Result<f64, NoMeasure>| match marked {
        Some(marked) => measure(cam, marked),
        None => measure(cam, &top_of(human, HUMAN)?),
    };
    let with_tops = |measure: fn(&[bool], &[bool]) -> Result<f64, NoMeasure>| {
        let (cam, human): (Vec<bool>, Vec<bool>) = top()?;
        measure(&cam, &human)
    };
    [
        map_mse(cam, human),
        pearson(cam, human),
        spearman(cam, human),
        kl_divergence(cam, human),
        similarity(cam, human),
        with_marked(nss),
        with_marked(auc_judd),
        with_tops(iou),
        with_tops(dice),
        ssim(cam, human, height, width),
    ]
}

/// How well people agree with people: for each of [`AGREEMENTS`] the mean over annotators of the agreement of one's map
/// with the mean of the others' (each map brought to [0, 1] first, flat ones, and those of another size, left out). `None` where a measure has no value,
/// or fewer than two maps are left. The mean of this over images is the ceiling that no model can be asked to pass.
pub fn human_ceiling(maps: &[&[f32]], height: usize, width: usize) -> [Option<f64>; AGREEMENTS.len()] {
    let usable: Vec<Vec<f64>> = maps
        .iter()
        .filter(|map| map.len() == height * width)
        .filter_map(|map| super::min_max(map, HUMAN).ok())
        .collect();
    if usable.len() < 2 {
        return [None; AGREEMENTS.len()];
    }
    let mut sums = [Some(0.0); AGREEMENTS.len()];
    for (i, own) in usable.iter().enumerate() {
        let mean = |cell: usize| {
            let others = usable.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, map)| map[cell]);
            (others.sum::<f64>() / (usable.len() - 1) as f64) as f32
        };
        let others: Vec<f32> = (0..own.len()).map(mean).collect();
        let own: Vec<f32> = own.iter().map(|value| *value as f32).collect();
        for (sum, found) in sums.iter_mut().zip(agreement(&own, &others, height, width, None)) {
            *sum = sum.zip(found.ok()).map(|(sum, found)| sum + found);
        }
    }
    sums.map(|sum| sum.map(|sum| sum / usable.len() as f64))
}

/// A value as a share of what people reach: `value / ceiling`; for `auc_judd`, where chance is 0.5, `(value - 0.5) /
/// (ceiling - 0.5)`. `None` for `mse` and `kl`, where 0 is perfect and a share says nothing, and for a ceiling that
/// is not above chance.
///
/// # Examples
/// ```
/// use cyborg_eval::saliency::of_ceiling;
/// assert_eq!(of_ceiling("spearman", 0.25, 0.5), Some(0.5));
/// assert_eq!(of_ceiling("auc_judd", 0.625, 0.75), Some(0.5));
/// assert_eq!(of_ceiling("mse", 0.1, 0.05), None);
/// ```
pub fn of_ceiling(measure: &str, value: f64, ceiling: f64) -> Option<f64> {
    let chance = if measure == "auc_judd" { 0.5 } else { 0.0 };
    let is_usable = !matches!(measure, "mse" | "kl") && ceiling.is_finite() && ceiling > chance;
    is_usable.then(|| (value - chance) / (ceiling - chance))
}
