//! Scores of many models, and the time that their tables take.
//!
//! ```text
//! many_scores generate FOLDER [RUNS] [IMAGES]   writes FOLDER/run-NNN/scores.parquet (default 120 runs, 700,000 images)
//! many_scores table FOLDER [RUNS]               every metric of every source of every run, and the time it took
//! many_scores auc FOLDER [RUNS]                 the same, and prints the AUCs as CSV, for a comparison
//! many_scores read FILE                          reads image, label, source, score and seed of a CSV or parquet file
//! many_scores intervals FOLDER [REPLICATES]     bootstrap intervals of the first run (default 1000 replicates)
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

use cyborg_eval::outside::{Field, ScoreColumns, read_score_table};
use cyborg_eval::{
    Bootstrap, EvalPlan, MetricOptions, RunKey, ScoreFile, collect_metrics, measure_files, read_scores,
    run_intervals, summarise, write_parquet,
};
use cyborg_seed::Seed;
use polars::prelude::{Column, DataFrame};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The released protocol: six generators of 100,000 images, 30,000 and 70,000 authentic ones.
const SOURCES: [(&str, u32, u64); 8] = [
    ("CelebA-HQ", 0, 30),
    ("FFHQ", 0, 70),
    ("ProGAN", 1, 100),
    ("StyleGAN", 1, 100),
    ("StyleGAN2", 1, 100),
    ("StyleGAN2-ADA", 1, 100),
    ("StyleGAN3", 1, 100),
    ("StarGANv2", 1, 100),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| arguments.get(at).map_or(Ok(default), |text| text.parse());
    match (arguments.first().map(String::as_str), arguments.get(1)) {
        (Some("generate"), Some(folder)) => generate(Path::new(folder), number(2, 120)?, number(3, 700_000)?),
        (Some("table"), Some(folder)) => table(Path::new(folder), number(2, usize::MAX)?, false),
        (Some("auc"), Some(folder)) => table(Path::new(folder), number(2, usize::MAX)?, true),
        (Some("intervals"), Some(folder)) => intervals(Path::new(folder), number(2, 1000)?),
        (Some("read"), Some(file)) => read(Path::new(file)),
        _ => Err("usage: many_scores generate FOLDER [RUNS] [IMAGES], or table, auc FOLDER [RUNS], or intervals FOLDER \
                  [REPLICATES]"
            .into()),
    }
}

fn path(folder: &Path, run: usize) -> PathBuf {
    folder.join(format!("run-{run:03}")).join("scores.parquet")
}

/// What a run's number stands for: two methods, four networks, the rest seeds.
fn key(run: usize) -> RunKey {
    RunKey {
        data: "faces".to_owned(),
        method: ["ce", "cyborg"][run % 2].to_owned(),
        backbone: ["resnet50", "densenet121", "inception_v3", "xception"][run / 2 % 4].to_owned(),
        seed: (run / 8) as u64,
    }
}

fn generate(folder: &Path, runs: usize, images: usize) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mut rows: Vec<(usize, u32)> = Vec::with_capacity(images);
    for (at, (_, label, share)) in SOURCES.into_iter().enumerate() {
        let n = images * share as usize / 700;
        rows.extend(std::iter::repeat_n((at, label), n));
    }
    let image = |(i, (source, _)): (usize, &(usize, u32))| format!("{}/{i:07}.png", SOURCES[*source].0);
    let labels: Vec<u32> = rows.iter().map(|row| row.1).collect();
    let names = Column::new("image".into(), rows.iter().enumerate().map(image).collect::<Vec<String>>());
    let sources =
        Column::new("source".into(), rows.iter().map(|row| SOURCES[row.0].0).collect::<Vec<&str>>());
    (0..runs).into_par_iter().try_for_each(|run| -> Result<(), String> {
        let mut stream = Seed::new(run as u64).stream("scores");
        let skill = 0.3 + 0.1 * (run % 7) as f64;
        let logits: Vec<f32> = rows
            .iter()
            .map(|&(source, label)| {
                let shift = if label == 1 { skill + 0.15 * source as f64 } else { 0.1 * source as f64 };
                (1.5 * (stream.normal() + shift)) as f32
            })
            .collect();
        // As a network gives them: softmax of two 32-bit logits.
        let scores: Vec<f64> = logits.iter().map(|logit| 1.0 / (1.0 + f64::from(-logit).exp())).collect();
        let frame = DataFrame::new_infer_height(vec![
            names.clone(),
            sources.clone(),
            Column::new("label".into(), labels.clone()),
            Column::new(
                "predicted".into(),
                logits.iter().map(|logit| u32::from(*logit > 0.0)).collect::<Vec<u32>>(),
            ),
            Column::new("score".into(), scores),
            Column::new("logit_0".into(), vec![0.0_f32; logits.len()]),
            Column::new("logit_1".into(), logits),
        ])
        .map_err(|error| error.to_string())?;
        let path = path(folder, run);
        fs_err::create_dir_all(path.with_file_name("")).map_err(|error| error.to_string())?;
        write_parquet(&path, &frame).map_err(|error| error.to_string())
    })?;
    eprintln!("{runs} runs of {} scores in {:.1} s", rows.len(), start.elapsed().as_secs_f64());
    Ok(())
}

fn intervals(folder: &Path, replicates: usize) -> Result<(), Box<dyn Error>> {
    let scores = read_scores(&path(folder, 0))?;
    let start = Instant::now();
    let bootstrap = Bootstrap { replicates, ..Bootstrap::default() };
    let intervals = run_intervals(&scores, &plan(), &MetricOptions::default(), &bootstrap)?;
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "{replicates} replicates of {} images, {} intervals: {seconds:.2} s",
        scores.height(),
        intervals.height()
    );
    Ok(())
}

fn read(file: &Path) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let columns = ScoreColumns { seed: Field::Column("seed".to_owned()), ..ScoreColumns::default() };
    let runs = read_score_table(file, &columns)?;
    let n: usize = runs.iter().map(|(_, frame)| frame.height()).sum();
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "{} runs, {n} rows: {seconds:.2} s, {:.2} million rows a second",
        runs.len(),
        n as f64 / 1e6 / seconds
    );
    Ok(())
}

fn plan() -> EvalPlan {
    let ffhq = || vec!["FFHQ".to_owned()];
    let celeba = || vec!["CelebA-HQ".to_owned()];
    let pair = |name: &str| if matches!(name, "ProGAN" | "StarGANv2") { celeba() } else { ffhq() };
    let generators = SOURCES.into_iter().filter(|(_, label, _)| *label == 1);
    EvalPlan {
        positive: 1,
        pairs: generators.map(|(name, _, _)| (name.to_owned(), pair(name))).collect::<BTreeMap<_, _>>(),
        seen: BTreeSet::from(["StyleGAN2".to_owned()]),
    }
}

fn table(folder: &Path, runs: usize, print_auc: bool) -> Result<(), Box<dyn Error>> {
    let plan = plan();
    let files: Vec<ScoreFile<'_>> = (0..runs)
        .map(|run| ScoreFile { key: key(run), path: path(folder, run), plan: &plan })
        .take_while(|file| file.path.exists())
        .collect();
    let start = Instant::now();
    let measured = measure_files(&files, &MetricOptions::default());
    let measured = measured
        .into_iter()
        .map(|(key, found)| Ok((key, found?)))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let metrics = collect_metrics(&measured)?;
    let summary = summarise(&metrics)?;
    let seconds = start.elapsed().as_secs_f64();
    if print_auc {
        println!("run,source,auc");
        for (run, (_, frame)) in measured.iter().enumerate() {
            let (sources, auc) = (frame.column("source")?.str()?, frame.column("auc")?.f64()?);
            for (source, auc) in sources.iter().zip(auc.iter()) {
                println!(
                    "{run},{},{}",
                    source.unwrap_or_default(),
                    auc.map_or(String::new(), |auc| auc.to_string())
                );
            }
        }
    }
    let per_run: f64 = measured.first().map_or(0.0, |(_, frame)| {
        let count =
            |column: &str| frame.column(column).ok().and_then(|c| c.u32().ok()).and_then(|c| c.get(9));
        f64::from(count("n_positive").unwrap_or(0) + count("n_negative").unwrap_or(0))
    });
    let n = per_run * files.len() as f64;
    eprintln!(
        "{} runs, {:.1} million scores: {} rows of metrics, {} of means, {seconds:.2} s, {:.1} million scores a second",
        files.len(),
        n / 1e6,
        metrics.height(),
        summary.height(),
        n / 1e6 / seconds
    );
    Ok(())
}
