//! Which images the runs of a report have in common, before anything is measured. `cyborg-eval` decides; here it is asked.
use crate::{DataEntry, FailedRun, ReportError, ReportInput, RunEntry};
use cyborg_causes::on_one_line;
use cyborg_eval::{CommonImages, EvalError, RunKey, read_parquet_columns};
use polars::prelude::DataFrame;

/// What is compared, and what of it counts.
#[derive(Debug, Default)]
pub(crate) struct Comparable {
    sets: Vec<ComparedSet>,
    /// What must be said first: that the runs were not scored on the same images.
    pub(crate) notes: Vec<String>,
    /// Runs that cannot be used at all: an image stands twice in them.
    pub(crate) refused: Vec<FailedRun>,
}

/// The runs of one data set that are compared.
#[derive(Debug)]
struct ComparedSet {
    data: String,
    methods: Vec<String>,
    common: CommonImages,
}

impl Comparable {
    /// The rows that count of a run's scores; nothing where all do.
    pub(crate) fn keep(&self, key: &RunKey, scores: &DataFrame) -> Result<Option<DataFrame>, EvalError> {
        let set = self.sets.iter().find(|set| set.data == key.data && set.methods.contains(&key.method));
        match set {
            Some(set) if !set.common.is_same() => set.common.keep(scores).map(Some),
            _ => Ok(None),
        }
    }
}

/// Asks of runs in folders. A file that cannot be read is left to whoever reads it for its numbers.
pub(crate) fn of_files(input: &ReportInput, runs: &[&RunEntry]) -> Result<Comparable, ReportError> {
    let frame = |run: &RunEntry| {
        read_parquet_columns(&run.dir.join("scores.parquet"), &["image", "source", "label"]).ok()
    };
    of(&input.data, &input.comparisons, runs.iter().filter_map(|run| Some((run.key.clone(), frame(run)?))))
}

/// Asks of runs in memory.
pub(crate) fn of(
    data: &[DataEntry],
    comparisons: &[(String, String)],
    runs: impl Iterator<Item = (RunKey, DataFrame)>,
) -> Result<Comparable, ReportError> {
    let mut comparable = Comparable::default();
    let mut all: Vec<(String, CommonImages, Option<String>)> = Vec::new();
    let is_compared = |method: &String| comparisons.iter().any(|(a, b)| a == method || b == method);
    let failed = |source| ReportError::Eval {
        what: "find the images that all compared runs have".to_owned(),
        source: Box::new(source),
    };
    for (key, frame) in runs {
        let known = all.iter().position(|(data, ..)| *data == key.data).unwrap_or_else(|| {
            all.push((key.data.clone(), CommonImages::default(), None));
            all.len() - 1
        });
        match all[known].1.add(&key, &frame) {
            Ok(()) => {}
            Err(error @ EvalError::ImageTwice { .. }) => {
                comparable.refused.push(FailedRun { key, reason: on_one_line(&error) });
                continue;
            }
            Err(error) => {
                all[known].2.get_or_insert(on_one_line(&error));
            }
        }
        if !is_compared(&key.method) {
            continue;
        }
        let at = comparable.sets.iter().position(|set| set.data == key.data).unwrap_or_else(|| {
            let set =
                ComparedSet { data: key.data.clone(), methods: Vec::new(), common: CommonImages::default() };
            comparable.sets.push(set);
            comparable.sets.len() - 1
        });
        let set = &mut comparable.sets[at];
        set.common.add(&key, &frame).map_err(failed)?;
        if !set.methods.contains(&key.method) {
            set.methods.push(key.method);
        }
    }
    for set in &comparable.sets {
        if let Some(entry) = data.iter().find(|entry| entry.name == set.data) {
            set.common.check(&entry.plan).map_err(failed)?;
        }
        if let Some(difference) = set.common.difference() {
            comparable.notes.push(format!(
                "{}: the runs were not scored on the same images, so what is compared ({}) is shown on the {} images that \
                 all of these runs have, and on no others; left out: {difference}",
                set.data,
                set.methods.join(", "),
                set.common.len()
            ));
        }
    }
    for (data, common, contradiction) in all {
        let is_said = comparable.sets.iter().any(|set| set.data == data && !set.common.is_same());
        let difference = contradiction.or_else(|| common.difference());
        if let Some(difference) = difference.filter(|_| !is_said) {
            comparable.notes.push(format!(
                "{data}: not all runs were scored on the same images, and their numbers stand side by side without being \
                 comparable; images that not every run has: {difference}"
            ));
        }
    }
    Ok(comparable)
}
