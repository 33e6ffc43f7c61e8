//! Made-up experiments: run folders with drawn numbers, so that a report has something to show.
#![allow(dead_code, reason = "each test crate uses a part")]
#![allow(unreachable_pub, reason = "a module of each test crate, not a crate")]
use cyborg_eval::{EvalPlan, RunKey, ScoreRow, write_scores};
use cyborg_image::{Raster, write_png};
use cyborg_report::cams::CamFile;
use cyborg_report::{DataEntry, ReportInput, RunEntry};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A small generator of numbers in 0..1 (splitmix64), so that the same name gives the same numbers everywhere.
pub struct Draw(u64);

impl Draw {
    pub fn new(name: &str) -> Self {
        // FNV-1a of the name.
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        }))
    }

    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal, of mean 0 and standard deviation 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// How the numbers of a made-up experiment are drawn.
#[derive(Clone)]
pub struct Plan {
    pub sources: Vec<&'static str>,
    pub seen: Vec<&'static str>,
    pub methods: Vec<&'static str>,
    pub backbones: Vec<&'static str>,
    pub seeds: u64,
    /// Of each source.
    pub n_images: usize,
    pub n_epochs: u32,
    pub side_px: u32,
    pub grid: usize,
    /// Positions of a sweep; one data set each.
    pub sweep: Vec<f64>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            sources: vec!["ProGAN", "StyleGAN2"],
            seen: vec!["StyleGAN2"],
            methods: vec!["ce", "cyborg"],
            backbones: vec!["thin_resnet"],
            seeds: 3,
            n_images: 20,
            n_epochs: 3,
            side_px: 16,
            grid: 4,
            sweep: Vec::new(),
        }
    }
}

/// Writes run folders and images below `dir` and returns what the report is built from.
pub fn experiment(dir: &Path, plan: &Plan) -> ReportInput {
    let positions: Vec<Option<f64>> =
        if plan.sweep.is_empty() { vec![None] } else { plan.sweep.iter().copied().map(Some).collect() };
    let data: Vec<DataEntry> = positions.into_iter().map(|at| data(dir, plan, at)).collect();
    let mut runs = Vec::new();
    for entry in &data {
        for backbone in &plan.backbones {
            for method in &plan.methods {
                for seed in 0..plan.seeds {
                    let key = RunKey {
                        data: entry.name.clone(),
                        method: (*method).to_owned(),
                        backbone: (*backbone).to_owned(),
                        seed,
                    };
                    let dir = dir.join(format!("runs/{}-{backbone}-{method}-{seed}", entry.name));
                    write_run(&dir, plan, entry, &key);
                    runs.push(RunEntry { key, dir });
                }
            }
        }
    }
    ReportInput {
        name: "demo".to_owned(),
        title: "Made-up numbers: does saliency help on unseen generators?".to_owned(),
        description: "Every number here is drawn by a small program to show what a report looks like."
            .to_owned(),
        command: "cargo xtask run experiments/demo.yaml".to_owned(),
        warnings: Vec::new(),
        data,
        methods: plan.methods.iter().map(|&method| method.to_owned()).collect(),
        backbones: plan.backbones.iter().map(|&backbone| backbone.to_owned()).collect(),
        seeds: (0..plan.seeds).collect(),
        seeds_asked: usize::try_from(plan.seeds).expect("few"),
        comparisons: plan
            .methods
            .iter()
            .skip(1)
            .map(|&m| (plan.methods[0].to_owned(), m.to_owned()))
            .collect(),
        sweep_label: (!plan.sweep.is_empty()).then(|| "strength of the shortcut".to_owned()),
        alphas: BTreeMap::new(),
        scores_only: false,
        score_range: None,
        metrics: cyborg_eval::MetricOptions::default(),
        runs,
        failed: Vec::new(),
        resolved_yaml: "name: demo\nseeds: [0, 1, 2]\n".to_owned(),
        environment: vec![("cyborg".to_owned(), "0.1.0".to_owned())],
    }
}

fn data(dir: &Path, plan: &Plan, at: Option<f64>) -> DataEntry {
    let name = at.map_or_else(|| "faces".to_owned(), |at| format!("faces-{at}"));
    let (mut images, mut maps) = (BTreeMap::new(), BTreeMap::new());
    for (source, n) in std::iter::once(("FFHQ", 0)).chain(plan.sources.iter().map(|source| (*source, 1))) {
        for index in 0..plan.n_images {
            let id = image_id(source, index);
            let path = dir.join("images").join(format!("{source}-{index}.png"));
            let map = dir.join("maps").join(format!("{source}-{index}.png"));
            if !path.exists() {
                picture(&path, &id, plan.side_px, n == 1);
                human_map(&map, plan.side_px);
            }
            images.insert(id.clone(), path);
            if index % 2 == 0 {
                maps.insert(id, map);
            }
        }
    }
    DataEntry {
        title: at.map_or_else(|| "Phantom faces".to_owned(), |at| format!("Phantom faces, shortcut {at}")),
        name,
        phantom: true,
        classes: vec!["authentic".to_owned(), "synthetic".to_owned()],
        plan: EvalPlan {
            positive: 1,
            pairs: BTreeMap::new(),
            seen: plan.seen.iter().map(|&source| source.to_owned()).collect::<BTreeSet<_>>(),
        },
        at,
        images,
        maps,
        facts: vec![format!("test: {} images of each source", plan.n_images)],
    }
}

pub fn image_id(source: &str, index: usize) -> String {
    format!("demo/{source}/{index:04}.png")
}

fn write_run(dir: &Path, plan: &Plan, data: &DataEntry, key: &RunKey) {
    fs_err::create_dir_all(dir).expect("run folder");
    let is_cyborg = key.method != plan.methods[0];
    let at = data.at.unwrap_or(0.5);
    // A seed's luck is shared by both methods, as in a real pair of runs.
    let luck = 0.10 * Draw::new(&format!("{}/{}/{}", data.name, key.backbone, key.seed)).normal();
    let mut draw = Draw::new(&format!("{key:?}"));
    let noise = 0.04 * draw.normal();
    let mut rows = Vec::new();
    let mut cams = CamFile::new(plan.grid);
    for (source, label) in std::iter::once(("FFHQ", 0)).chain(plan.sources.iter().map(|source| (*source, 1)))
    {
        let ease = 0.5 * Draw::new(source).uniform();
        let gain = if is_cyborg { 0.20 + 0.35 * at } else { 0.12 };
        let shift = f64::from(label) * (0.4 - 0.4 * at + ease + gain + luck + noise);
        for index in 0..plan.n_images {
            let logit = shift - 0.3 + 0.9 * draw.normal();
            let score = 1.0 / (1.0 + (-logit).exp());
            rows.push(ScoreRow {
                image: image_id(source, index),
                source: source.to_owned(),
                label,
                predicted: u32::from(score >= 0.5),
                score,
                logits: vec![0.0, logit as f32],
            });
            cams.push(&cam(plan.grid, is_cyborg, &mut draw)).expect("cam");
        }
    }
    write_scores(&dir.join("scores.parquet"), &rows).expect("scores");
    for class in &data.classes {
        let mean: Vec<f32> = (0..plan.grid * plan.grid).map(|cell| face_weight(plan.grid, cell)).collect();
        cams.set_human(class, 400, &mean).expect("human map");
    }
    cams.write(&dir.join("cams.safetensors")).expect("cams");
    write_epochs(&dir.join("epochs.csv"), plan, is_cyborg, &mut draw);
}

fn write_epochs(path: &Path, plan: &Plan, is_cyborg: bool, draw: &mut Draw) {
    let mut text = "epoch,learning_rate,train_loss,train_cross_entropy,train_saliency_mse,train_accuracy,\
                    validation_loss,validation_accuracy,best\n"
        .to_owned();
    let mut best = f64::NEG_INFINITY;
    for epoch in 0..plan.n_epochs {
        let progress = 1.0 - (-f64::from(epoch) / (0.35 * f64::from(plan.n_epochs))).exp();
        let cross_entropy = 0.69 - 0.45 * progress + 0.02 * draw.normal();
        let mse = if is_cyborg { 0.12 - 0.10 * progress + 0.003 * draw.normal() } else { f64::NAN };
        let loss = if is_cyborg { 0.5 * cross_entropy + 0.5 * mse } else { cross_entropy };
        let accuracy = 0.5 + (if is_cyborg { 0.38 } else { 0.30 }) * progress + 0.015 * draw.normal();
        let is_best = accuracy >= best;
        best = best.max(accuracy);
        let mse = if mse.is_nan() { String::new() } else { mse.to_string() };
        let _ = writeln!(
            text,
            "{epoch},0.005,{loss},{cross_entropy},{mse},{accuracy},{cross_entropy},{accuracy},{is_best}"
        );
    }
    fs_err::write(path, text).expect("epochs");
}

/// High on eyes, nose and mouth.
fn face_weight(grid: usize, cell: usize) -> f32 {
    let at = |x: f64, y: f64, width: f64| {
        let (column, row) = ((cell % grid) as f64 + 0.5, (cell / grid) as f64 + 0.5);
        let (dx, dy) = (column / grid as f64 - x, row / grid as f64 - y);
        (-(dx * dx + dy * dy) / (2.0 * width * width)).exp()
    };
    (at(0.35, 0.4, 0.1) + at(0.65, 0.4, 0.1) + 0.6 * at(0.5, 0.58, 0.09) + 0.8 * at(0.5, 0.75, 0.12)).min(1.0)
        as f32
}

fn cam(grid: usize, is_cyborg: bool, draw: &mut Draw) -> Vec<f32> {
    (0..grid * grid)
        .map(|cell| {
            let face = face_weight(grid, cell);
            let noise = draw.uniform() as f32;
            let corner = if cell == grid * grid - 1 { 1.2 } else { 0.0 };
            if is_cyborg { face + 0.35 * noise } else { 0.35 * face + 0.8 * noise + corner }
        })
        .collect()
}

/// An oval with two eyes and noise: enough to see that an image is there.
fn picture(path: &Path, id: &str, side_px: u32, is_fake: bool) {
    let mut draw = Draw::new(id);
    let tint = [0.55 + 0.3 * draw.uniform(), 0.45 + 0.3 * draw.uniform(), 0.4 + 0.3 * draw.uniform()];
    let mut pixels = Vec::new();
    for at in 0..side_px * side_px {
        let (x, y) =
            (f64::from(at % side_px) / f64::from(side_px), f64::from(at / side_px) / f64::from(side_px));
        let inside =
            |cx: f64, cy: f64, rx: f64, ry: f64| ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) < 1.0;
        let stripe = if is_fake && inside(0.5, 0.75, 0.15, 0.06) { 0.25 * f64::from(at % 2) } else { 0.0 };
        for channel in tint {
            let base = if inside(0.35, 0.4, 0.07, 0.04) || inside(0.65, 0.4, 0.07, 0.04) {
                0.1
            } else if inside(0.5, 0.75, 0.15, 0.05) {
                channel * 0.6
            } else if inside(0.5, 0.52, 0.33, 0.43) {
                channel
            } else {
                0.25 + 0.2 * y
            };
            pixels.push(((base + stripe + 0.06 * draw.normal()).clamp(0.0, 1.0) * 255.0) as u8);
        }
    }
    save(path, Raster { width_px: side_px, height_px: side_px, channels: 3, pixels });
}

fn human_map(path: &Path, side_px: u32) {
    let side = side_px as usize;
    let pixels = (0..side * side).map(|cell| (face_weight(side, cell) * 255.0) as u8).collect();
    save(path, Raster { width_px: side_px, height_px: side_px, channels: 1, pixels });
}

fn save(path: &Path, raster: Raster) {
    fs_err::create_dir_all(path.parent().expect("a folder")).expect("folder");
    write_png(path, &raster).expect("picture");
}

/// The folder of one of the runs.
pub fn run_dir(input: &ReportInput, method: &str, seed: u64) -> PathBuf {
    let run = input.runs.iter().find(|run| run.key.method == method && run.key.seed == seed);
    run.expect("such a run").dir.clone()
}
