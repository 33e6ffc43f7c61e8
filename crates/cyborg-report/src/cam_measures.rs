//! CAMs against human maps and against each other, measured by `cyborg-eval`.
use crate::cams::CamFile;
use crate::files::stack;
use crate::frame::Table;
use crate::{DataEntry, ReportError};
use cyborg_eval::RunKey;
use cyborg_eval::saliency::{AGREEMENTS, CamPair, CamSet, Ceilings, cam_agreement, cam_consistency};
use cyborg_image::{Raster, read_map, resize_bilinear};
use polars::prelude::DataFrame;
use std::collections::BTreeMap;

/// Most images of a run whose CAMs are measured; of more, as many at even distances.
pub(crate) const MOST_IMAGES: usize = 5000;

/// What CAMs are held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reference {
    /// Each test image's own human map.
    #[default]
    OwnMap,
    /// The average human map of the image's class over the training images, where no test image has a map.
    ClassAverage,
    /// There is no human map at all.
    Nothing,
}

/// The images of one run whose CAMs are measured.
pub(crate) struct Measured<'a> {
    pub(crate) key: &'a RunKey,
    pub(crate) images: &'a [String],
    pub(crate) sources: &'a [String],
    pub(crate) labels: &'a [u32],
    pub(crate) cams: &'a CamFile,
}

/// CAMs of one run, kept until those of the other seeds are there.
struct Kept {
    seed: u64,
    images: Vec<String>,
    sources: Vec<String>,
    labels: Vec<u32>,
    cams: Vec<u8>,
}

/// Gathers measures while runs are read.
#[derive(Default)]
pub(crate) struct CamMeasures {
    /// (data, grid, image) -> its human map on the grid.
    maps: BTreeMap<(String, usize, String), Option<Vec<f32>>>,
    agreement: Option<DataFrame>,
    /// By data, backbone and method.
    kept: BTreeMap<(String, String, String), (usize, Vec<Kept>)>,
    /// What the CAMs of each data set are held against.
    pub(crate) references: BTreeMap<String, Reference>,
}

impl CamMeasures {
    /// Measures one run's CAMs.
    pub(crate) fn add(&mut self, data: &DataEntry, run: &Measured<'_>) -> Result<(), ReportError> {
        let grid = run.cams.grid();
        let n = run.images.len();
        let chosen: Vec<usize> = match n {
            0 => return Ok(()),
            n if n <= MOST_IMAGES => (0..n).collect(),
            n => (0..MOST_IMAGES).map(|i| i * n / MOST_IMAGES).collect(),
        };
        let cams: Vec<Vec<f32>> = chosen
            .iter()
            .map(|&at| {
                run.cams.cam(at).unwrap_or_default().iter().map(|&value| f32::from(value) / 255.0).collect()
            })
            .collect();
        for &at in &chosen {
            let image = &run.images[at];
            let key = (data.name.clone(), grid, image.clone());
            self.maps
                .entry(key)
                .or_insert_with(|| data.maps.get(image).and_then(|path| map_on_grid(path, grid)));
        }
        let own = |at: usize| {
            self.maps.get(&(data.name.clone(), grid, run.images[at].clone())).and_then(Option::as_deref)
        };
        let average = |at: usize| {
            let class = data.classes.get(run.labels[at] as usize)?;
            Some(run.cams.human().get(class).filter(|human| human.count > 0)?.mean.as_slice())
        };
        let reference = if chosen.iter().any(|&at| own(at).is_some()) {
            Reference::OwnMap
        } else if chosen.iter().any(|&at| average(at).is_some()) {
            Reference::ClassAverage
        } else {
            Reference::Nothing
        };
        let pairs = chosen.iter().zip(&cams).map(|(&at, cam)| CamPair {
            key: run.key,
            image: &run.images[at],
            source: &run.sources[at],
            label: run.labels[at],
            height: grid,
            width: grid,
            cam,
            human: match reference {
                Reference::OwnMap => own(at),
                Reference::ClassAverage => average(at),
                Reference::Nothing => None,
            },
            marked: None,
        });
        let frame = cam_agreement(pairs, &Ceilings::new()).map_err(|source| ReportError::Eval {
            what: "hold CAMs against human maps".to_owned(),
            source: Box::new(source),
        })?;
        self.references.insert(data.name.clone(), reference);
        stack(&mut self.agreement, frame)?;
        let place = (run.key.data.clone(), run.key.backbone.clone(), run.key.method.clone());
        let kept = Kept {
            seed: run.key.seed,
            images: chosen.iter().map(|&at| run.images[at].clone()).collect(),
            sources: chosen.iter().map(|&at| run.sources[at].clone()).collect(),
            labels: chosen.iter().map(|&at| run.labels[at]).collect(),
            cams: chosen
                .iter()
                .flat_map(|&at| run.cams.cam(at).unwrap_or_default().iter().copied())
                .collect(),
        };
        self.kept.entry(place).or_insert_with(|| (grid, Vec::new())).1.push(kept);
        Ok(())
    }

    /// CAM against human map, one row a run, source and class; none without a CAM.
    pub(crate) fn agreement(&self) -> Option<&DataFrame> {
        self.agreement.as_ref().filter(|frame| frame.height() > 0)
    }

    /// CAMs of the seeds of each method against each other; none where no method has two seeds.
    pub(crate) fn consistency(&mut self) -> Result<Option<DataFrame>, ReportError> {
        let mut all = None;
        for ((data, backbone, method), (grid, mut seeds)) in std::mem::take(&mut self.kept) {
            seeds.sort_by_key(|kept| kept.seed);
            let cells = grid * grid;
            // Seeds that were scored on other images cannot be held against the first one.
            let images = seeds[0].images.clone();
            seeds.retain(|kept| kept.images == images);
            if seeds.len() < 2 {
                continue;
            }
            let floats: Vec<Vec<f32>> = seeds
                .iter()
                .map(|kept| kept.cams.iter().map(|&value| f32::from(value) / 255.0).collect())
                .collect();
            let of_image: Vec<Vec<&[f32]>> = (0..images.len())
                .map(|at| floats.iter().map(|cams| &cams[at * cells..(at + 1) * cells]).collect())
                .collect();
            let sets = of_image.iter().enumerate().map(|(at, cams)| CamSet {
                data: &data,
                method: &method,
                backbone: &backbone,
                image: &images[at],
                source: &seeds[0].sources[at],
                label: seeds[0].labels[at],
                height: grid,
                width: grid,
                cams,
            });
            let frame = cam_consistency(sets).map_err(|source| ReportError::Eval {
                what: "hold the CAMs of several seeds against each other".to_owned(),
                source: Box::new(source),
            })?;
            stack(&mut all, frame)?;
        }
        Ok(all.filter(|frame: &DataFrame| frame.height() > 0))
    }
}

/// A map file on the grid of the CAM, as training takes it: shrunk with antialiasing. None if it cannot be read.
fn map_on_grid(path: &std::path::Path, grid: usize) -> Option<Vec<f32>> {
    let side_px = u32::try_from(grid).ok()?;
    let map: Raster = resize_bilinear(&read_map(path).ok()?, side_px, side_px);
    Some(map.pixels.iter().map(|&value| f32::from(value) / 255.0).collect())
}

/// What the page shows of one method on one source: means over seeds, with their spread.
#[derive(Clone, Debug)]
pub(crate) struct CamRow {
    pub(crate) data: String,
    pub(crate) backbone: String,
    pub(crate) method: String,
    pub(crate) source: String,
    pub(crate) label: Option<u32>,
    pub(crate) n_images: u32,
    /// In the order of [`MEASURES`].
    pub(crate) values: Vec<crate::results::Stat>,
}

/// Columns that are shown: of the frame, heading, whether more is better.
pub(crate) const MEASURES: [(&str, &str); AGREEMENTS.len() + 1] = [
    ("mse", "MSE"),
    ("pearson", "r"),
    ("spearman", "ρ"),
    ("kl", "KL"),
    ("sim", "SIM"),
    ("nss", "NSS"),
    ("auc_judd", "AUC-Judd"),
    ("iou_top10", "IoU"),
    ("dice_top10", "Dice"),
    ("ssim", "SSIM"),
    ("entropy_relative", "entropy"),
];

/// The agreement of each method, over seeds.
pub(crate) fn agreement_rows(frame: &DataFrame) -> Result<Vec<CamRow>, ReportError> {
    let table = Table { frame, what: "CAMs against human maps" };
    let (data, method, backbone) = (table.text("data")?, table.text("method")?, table.text("backbone")?);
    let (source, label) = (table.text("source")?, table.numbers("label")?);
    let n_images = table.counts("n_images")?;
    let columns = MEASURES.iter().map(|(name, _)| table.numbers(name)).collect::<Result<Vec<_>, _>>()?;
    let mut groups: Vec<(CamRow, Vec<usize>)> = Vec::new();
    for at in 0..frame.height() {
        let label = label[at].map(|label| label as u32);
        let known = groups.iter_mut().find(|(row, _)| {
            row.data == data[at]
                && row.backbone == backbone[at]
                && row.method == method[at]
                && row.source == source[at]
                && row.label == label
        });
        match known {
            Some((_, members)) => members.push(at),
            None => groups.push((
                CamRow {
                    data: data[at].clone(),
                    backbone: backbone[at].clone(),
                    method: method[at].clone(),
                    source: source[at].clone(),
                    label,
                    n_images: n_images[at],
                    values: Vec::new(),
                },
                vec![at],
            )),
        }
    }
    Ok(groups
        .into_iter()
        .map(|(mut row, members)| {
            row.values = columns
                .iter()
                .map(|column| {
                    let values: Option<Vec<f64>> = members.iter().map(|&at| column[at]).collect();
                    let spread = values.and_then(|values| cyborg_eval::spread(&values));
                    spread.map_or_else(Default::default, |s| crate::results::Stat {
                        mean: Some(s.mean),
                        sd: s.sd,
                    })
                })
                .collect();
            row
        })
        .collect())
}

/// One row of `cam_consistency`.
#[derive(Clone, Debug)]
pub(crate) struct ConsistencyRow {
    pub(crate) data: String,
    pub(crate) backbone: String,
    pub(crate) method: String,
    pub(crate) source: String,
    pub(crate) label: Option<u32>,
    pub(crate) n_images: u32,
    pub(crate) n_seeds: u32,
    pub(crate) pearson: Option<f64>,
    pub(crate) ssim: Option<f64>,
}

/// How alike the CAMs of different seeds are.
pub(crate) fn consistency_rows(frame: &DataFrame) -> Result<Vec<ConsistencyRow>, ReportError> {
    let table = Table { frame, what: "CAMs of several seeds" };
    let (data, method, backbone) = (table.text("data")?, table.text("method")?, table.text("backbone")?);
    let (source, label) = (table.text("source")?, table.numbers("label")?);
    let (n_images, n_seeds) = (table.counts("n_images")?, table.counts("n_seeds")?);
    let (pearson, ssim) = (table.numbers("pearson")?, table.numbers("ssim")?);
    let row = |at: usize| ConsistencyRow {
        data: data[at].clone(),
        backbone: backbone[at].clone(),
        method: method[at].clone(),
        source: source[at].clone(),
        label: label[at].map(|label| label as u32),
        n_images: n_images[at],
        n_seeds: n_seeds[at],
        pearson: pearson[at],
        ssim: ssim[at],
    };
    Ok((0..frame.height()).map(row).collect())
}
