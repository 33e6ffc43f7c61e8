//! Two groups of runs against each other: over seeds, and on the same images.
use crate::comparable;
use crate::digest::describe;
use crate::escape::{line, wrap};
use crate::images::{self, OnImages, Pairs, on_images};
use crate::number::{DASH, count, interval, p, signed, value};
use crate::results::{Comparison, comparisons, named};
use crate::subjects::{OverSubjects, over_subjects};
use crate::terminal::{NAME_WIDTH, WIDTH, break_name, draw, new_table, right};
use crate::threshold::with_validation_threshold;
use crate::words::short_title;
use crate::{DataEntry, ReportError, RunEntry, files, whole};
use comfy_table::{Cell, ColumnConstraint, Table};
use cyborg_eval::{
    MetricName, MetricOptions, QUESTIONS, RunKey, read_parquet_columns, read_scores, run_metrics_with,
};
use polars::prelude::DataFrame;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What is compared with what.
#[derive(Clone, Debug)]
pub struct CompareInput {
    /// [`RunKey::method`] of the runs that are compared against.
    pub baseline: String,
    /// [`RunKey::method`] of the runs that are compared with them.
    pub candidate: String,
    /// The data sets; their images are not needed.
    pub data: Vec<DataEntry>,
    /// The runs of both. Those of equal data, backbone and seed are pairs.
    pub runs: Vec<RunEntry>,
    /// Names of the metrics that are shown (see `cyborg_eval::METRICS`); all are in the files.
    pub metrics: Vec<String>,
    /// Also compare each pair of runs on the same images, or, where several images are of one subject, over subjects. A
    /// single pair always is.
    pub on_images: bool,
    /// What must be known first: that the two sides were trained on different images, for instance.
    pub notes: Vec<String>,
}

/// What came of a comparison.
#[derive(Clone, Debug)]
pub struct CompareOutcome {
    /// The tables, and what each answers.
    pub terminal: String,
    /// What was written.
    pub files: Vec<PathBuf>,
}

/// Two runs that differ in the method alone.
struct Pair<'a> {
    data: &'a DataEntry,
    baseline: &'a RunEntry,
    candidate: &'a RunEntry,
}

/// Compares two groups of runs: the difference of each source with its interval and test, paired over seeds; and by
/// DeLong's test on the same images. With `output`, writes `differences` and `images` as CSV and parquet and
/// `comparison.txt` into it.
///
/// # Errors
/// [`ReportError::NothingToReport`] if no pair of runs can be compared; [`ReportError::Write`]; [`ReportError::Eval`]
/// for a metric that does not exist and for scores of other images.
pub fn compare(input: &CompareInput, output: Option<&Path>) -> Result<CompareOutcome, ReportError> {
    let metrics_shown: Vec<MetricName> =
        input.metrics.iter().map(|name| named(name)).collect::<Result<_, _>>()?;
    let mut runs: Vec<&RunEntry> = input.runs.iter().collect();
    runs.sort_by(|a, b| a.key.cmp(&b.key));
    let names = [(input.baseline.clone(), input.candidate.clone())];
    let columns = |run: &RunEntry| {
        read_parquet_columns(&run.dir.join("scores.parquet"), &["image", "source", "label"]).ok()
    };
    let mut comparable = comparable::of(
        &input.data,
        &names,
        runs.iter().filter_map(|run| Some((run.key.clone(), columns(run)?))),
    )?;
    let mut measured: Vec<(RunKey, DataFrame)> = Vec::new();
    let mut usable: Vec<&RunEntry> = Vec::new();
    let refused = std::mem::take(&mut comparable.refused);
    let mut left_out: Vec<String> =
        refused.iter().map(|run| format!("{}: {}", describe(&run.key), run.reason)).collect();
    runs.retain(|run| refused.iter().all(|refused| refused.key != run.key));
    let comparable = comparable;
    for run in runs {
        let Some(data) = input.data.iter().find(|data| data.name == run.key.data) else { continue };
        let metrics = read_scores(&run.dir.join("scores.parquet"))
            .and_then(|scores| {
                let scores = comparable.keep(&run.key, &scores)?.unwrap_or(scores);
                Ok((scores, with_validation_threshold(&MetricOptions::default(), &run.dir, &data.plan)?))
            })
            .and_then(|(scores, options)| run_metrics_with(&scores, &data.plan, &options));
        match metrics {
            Ok(frame) => {
                measured.push((run.key.clone(), frame));
                usable.push(run);
            }
            Err(error) => left_out.push(format!("{}: {error}", describe(&run.key))),
        }
    }
    let pairs = pairs(input, &usable);
    if pairs.is_empty() {
        return Err(ReportError::NothingToReport {
            name: format!("{} against {}", input.candidate, input.baseline),
            asked: input.runs.len(),
            first: left_out
                .first()
                .cloned()
                .unwrap_or_else(|| "no two have the same data, backbone and seed".to_owned()),
        });
    }
    let eval = |what: &str| {
        let what = what.to_owned();
        move |source| ReportError::Eval { what, source: Box::new(source) }
    };
    let metrics = cyborg_eval::collect_metrics(&measured).map_err(eval("collect the metrics of the runs"))?;
    let differences = cyborg_eval::compare_all(&metrics, &names).map_err(eval("compare the runs"))?;
    let rows = comparisons(&differences)?;

    let mut text = String::new();
    say(&mut text, &format!("{} against {}", input.candidate, input.baseline), 0);
    for note in input.notes.iter().chain(&comparable.notes) {
        say(&mut text, &format!("NOTE: {note}"), 2);
    }
    for run in &left_out {
        say(&mut text, &format!("LEFT OUT: {run}"), 2);
    }
    for &metric in &metrics_shown {
        // Of a single pair there is no test over seeds, and its AUCs stand in the table below.
        if pairs.len() > 1 || metric != MetricName::Auc {
            over_seeds(&mut text, input, &rows, metric);
        }
    }
    let metrics = MetricOptions::default();
    let paired = Pairs { all: by_place(&pairs), comparable: &comparable, metrics: &metrics };
    let mut warnings = Vec::new();
    let (over, subjects) = if input.on_images || pairs.len() == 1 {
        over_subjects(&paired, &mut warnings)?
    } else {
        (Vec::new(), None)
    };
    for found in &over {
        table_of_subjects(&mut text, found, &metrics_shown);
    }
    // Where several images are of one subject, the table above is the test.
    let images = if (input.on_images || pairs.len() == 1) && over.is_empty() {
        Some(test_on_images(&mut text, &paired, &pairs)?)
    } else {
        None
    };
    for warning in warnings {
        say(&mut text, &format!("NOTE: {warning}"), 2);
    }
    questions(&mut text, pairs.len() > 1, images.is_some(), !over.is_empty());

    let mut outcome = CompareOutcome { terminal: text, files: Vec::new() };
    if let Some(dir) = output {
        fs_err::create_dir_all(dir).map_err(|source| ReportError::Write { path: dir.to_owned(), source })?;
        files::write_table(dir, "differences", &differences)?;
        for (name, frame) in [("images", &images), ("subjects", &subjects)] {
            match frame {
                Some(frame) => files::write_table(dir, name, frame)?,
                // Of an earlier comparison.
                None => files::remove_table(dir, name)?,
            }
        }
        let path = dir.join("comparison.txt");
        whole::write_whole(&path, outcome.terminal.as_bytes())?;
        outcome.files.push(path);
    }
    Ok(outcome)
}

/// Runs of both methods that agree in data, backbone and seed.
fn pairs<'a>(input: &'a CompareInput, runs: &[&'a RunEntry]) -> Vec<Pair<'a>> {
    let of =
        |method: &str| runs.iter().filter(move |run| run.key.method == method).copied().collect::<Vec<_>>();
    let candidates = of(&input.candidate);
    let pair = |baseline: &'a RunEntry| {
        let same = |run: &&&RunEntry| {
            run.key.data == baseline.key.data
                && run.key.backbone == baseline.key.backbone
                && run.key.seed == baseline.key.seed
        };
        let candidate: &'a RunEntry = candidates.iter().find(same)?;
        let data = input.data.iter().find(|data| data.name == baseline.key.data)?;
        Some(Pair { data, baseline, candidate })
    };
    of(&input.baseline).into_iter().filter_map(pair).collect()
}

/// One table for each data set and backbone.
fn over_seeds(text: &mut String, input: &CompareInput, rows: &[Comparison], metric: MetricName) {
    let title = metric.info().title;
    let mut places: Vec<(&str, &str)> = Vec::new();
    for row in rows.iter().filter(|row| row.n_pairs > 0) {
        if !places.contains(&(&row.data, &row.backbone)) {
            places.push((&row.data, &row.backbone));
        }
    }
    for (data, backbone) in places {
        let here: Vec<&Comparison> = rows
            .iter()
            .filter(|row| {
                row.data == data && row.backbone == backbone && row.metric == metric && row.n_pairs > 0
            })
            .collect();
        let Some(first) = here.first() else { continue };
        let shown = input.data.iter().find(|entry| entry.name == data).map_or(data, |entry| &entry.title);
        let unpaired = match first.n_unpaired {
            0 => String::new(),
            n => format!(" ({} without a counterpart left out)", count(n as usize, "run")),
        };
        let heading = format!(
            "{shown} [{data}], {backbone}: {title}, {} minus {}, {}{unpaired}",
            input.candidate,
            input.baseline,
            count(first.n_pairs as usize, "seed")
        );
        text.push('\n');
        say(text, &heading, 2);
        let mut table = new_table();
        table.set_header([
            Cell::new("source"),
            right(line(&input.baseline)),
            right(line(&input.candidate)),
            right("difference".to_owned()),
            right("95 % interval".to_owned()),
            right("p".to_owned()),
            right("p, Holm".to_owned()),
            right("+/-/=".to_owned()),
        ]);
        for (at, row) in here.iter().enumerate() {
            if at > 0 && row.is_aggregate && !here[at - 1].is_aggregate {
                table.add_row([Cell::new("")]);
            }
            table.add_row([
                Cell::new(break_name(&line(&row.source), NAME_WIDTH)),
                right(value(row.mean_baseline)),
                right(value(row.mean_candidate)),
                right(signed(row.mean_difference)),
                right(interval(row.ci_low, row.ci_high).unwrap_or_else(|| DASH.to_owned())),
                right(p(row.p)),
                right(p(row.p_holm)),
                right(format!("{}/{}/{}", row.wins, row.losses, row.ties)),
            ]);
        }
        finish(text, &mut table);
        let mut reasons: Vec<&str> = here.iter().filter_map(|row| row.reason.as_deref()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        for reason in reasons {
            say(text, reason, 2);
        }
    }
}

/// The pairs of one data set and backbone together, with their seeds.
fn by_place<'a>(pairs: &[Pair<'a>]) -> Vec<images::Pair<'a>> {
    let mut places: Vec<images::Pair<'a>> = Vec::new();
    for pair in pairs {
        let seed = (pair.baseline, pair.candidate);
        let is_here = |place: &&mut images::Pair<'a>| {
            let first = &place.seeds[0].0.key;
            first.data == pair.baseline.key.data && first.backbone == pair.baseline.key.backbone
        };
        match places.iter_mut().find(is_here) {
            Some(place) => place.seeds.push(seed),
            None => places.push(images::Pair { data: pair.data, seeds: vec![seed] }),
        }
    }
    places
}

/// DeLong's test for each pair; returns all of them as one frame.
fn test_on_images(
    text: &mut String,
    paired: &Pairs<'_>,
    pairs: &[Pair<'_>],
) -> Result<DataFrame, ReportError> {
    let mut all: Option<DataFrame> = None;
    for pair in pairs {
        let scores = |run: &RunEntry| {
            paired.scores(run).map_err(|source| ReportError::Eval {
                what: format!("read the scores of {}", describe(&run.key)),
                source: Box::new(source),
            })
        };
        let (baseline, candidate) = (scores(pair.baseline)?, scores(pair.candidate)?);
        let (found, frame) = on_images(pair.data, (pair.baseline, &baseline), (pair.candidate, &candidate))?;
        table_of_images(text, &found);
        files::stack(&mut all, frame)?;
    }
    Ok(all.unwrap_or_default())
}

/// Two methods over subjects, for the terminal.
pub(crate) fn table_of_subjects(text: &mut String, found: &OverSubjects, metrics: &[MetricName]) {
    text.push('\n');
    say(text, &found.heading(), 2);
    let mut table = new_table();
    table.set_header([
        Cell::new("source"),
        Cell::new("metric"),
        right(line(&found.baseline.method)),
        right(line(&found.candidate.method)),
        right("difference".to_owned()),
        right("95 % interval".to_owned()),
        right("p, Holm".to_owned()),
    ]);
    for &metric in metrics {
        for row in found.of(metric) {
            let (low, high) = row.interval.unzip();
            table.add_row([
                Cell::new(break_name(&line(&row.source), NAME_WIDTH)),
                Cell::new(short_title(metric)),
                right(value(row.baseline)),
                right(value(row.candidate)),
                right(signed(row.difference)),
                right(interval(low, high).unwrap_or_else(|| DASH.to_owned())),
                right(p(row.p_holm)),
            ]);
        }
    }
    finish(text, &mut table);
    let mut reasons: Vec<&str> =
        metrics.iter().flat_map(|metric| found.of(*metric)).filter_map(|row| row.reason.as_deref()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        say(text, reason, 2);
    }
}

/// One pair of runs on the same images, for the terminal.
pub(crate) fn table_of_images(text: &mut String, found: &OnImages) {
    let key = &found.baseline;
    text.push('\n');
    let heading =
        format!("On the same images (DeLong), AUC: {}, {}, seed {}", key.data, key.backbone, key.seed);
    say(text, &heading, 2);
    let mut table = new_table();
    table.set_header([
        Cell::new("source"),
        right(line(&key.method)),
        right(line(&found.candidate.method)),
        right("difference".to_owned()),
        right("95 % interval".to_owned()),
        right("p".to_owned()),
        right("p, Holm".to_owned()),
        right("images".to_owned()),
    ]);
    for (at, row) in found.rows.iter().enumerate() {
        if at > 0 && row.is_aggregate && !found.rows[at - 1].is_aggregate {
            table.add_row([Cell::new("")]);
        }
        let (low, high) = row.interval.unzip();
        table.add_row([
            Cell::new(break_name(&line(&row.source), NAME_WIDTH)),
            right(value(row.baseline)),
            right(value(row.candidate)),
            right(signed(row.difference)),
            right(interval(low, high).unwrap_or_else(|| DASH.to_owned())),
            right(p(row.p)),
            right(p(row.p_holm)),
            right(format!("{}+{}", row.n_positive, row.n_negative)),
        ]);
    }
    finish(text, &mut table);
    for row in &found.rows {
        if let Some(reason) = &row.reason {
            say(text, &format!("{}: {reason}", row.source), 2);
        }
    }
}

fn finish(text: &mut String, table: &mut Table) {
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if at > 0 {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    text.push_str(&draw(table));
}

/// What the tables above answer.
fn questions(text: &mut String, over_seeds: bool, on_images: bool, over_subjects: bool) {
    text.push('\n');
    let shown = QUESTIONS.iter().filter(|question| {
        (over_seeds && (question.name.starts_with("paired t-test") || question.name.starts_with("Holm")))
            || (on_images && question.name.starts_with("DeLong"))
            || (over_subjects && question.name.starts_with("cluster bootstrap"))
    });
    for question in shown {
        say(
            text,
            &format!("{}: {} Says nothing about: {}.", question.name, question.answers, question.silent_on),
            2,
        );
    }
    if !over_seeds {
        say(text, "One run of each: nothing is said of other seeds; train more for that.", 2);
    }
}

fn say(text: &mut String, paragraph: &str, indent: usize) {
    let _ = writeln!(text, "{}", wrap(&line(paragraph), WIDTH, indent));
}
