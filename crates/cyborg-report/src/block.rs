//! One data set with one backbone: its sources and aggregates as rows, and what its tables say first.
use crate::cam_measures::{CamRow, ConsistencyRow, Reference};
use crate::number::count;
use crate::pictures::{self, Pictures};
use crate::results::{Comparison, Counts, Summary, Value};
use crate::{DataEntry, ReportInput};
use cyborg_eval::MetricName;

/// One data set with one backbone.
pub(crate) struct Block<'a> {
    pub(crate) data: &'a DataEntry,
    pub(crate) backbone: String,
    /// The methods that have a result here, in the order of the experiment.
    pub(crate) methods: Vec<String>,
    pub(crate) rows: Vec<SourceRow>,
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) headline: Headline,
    /// Of each method, aligned with `methods`.
    pub(crate) pictures: Vec<Pictures>,
    /// AUCs of single runs.
    values: Vec<Value>,
    pub(crate) cam_rows: Vec<CamRow>,
    pub(crate) consistency_rows: Vec<ConsistencyRow>,
    /// What the CAMs are held against.
    pub(crate) reference: Reference,
    /// What stands beside the AUC; nothing where no such value can be had.
    pub(crate) second: Option<MetricName>,
    /// Whether it is known which sources training and validation saw.
    knows_seen: bool,
}

/// One source, or aggregate, of a block.
pub(crate) struct SourceRow {
    pub(crate) source: String,
    pub(crate) is_aggregate: bool,
    pub(crate) seen: Option<bool>,
    pub(crate) n_positive: u32,
    pub(crate) n_negative: u32,
    /// One for each method that has it.
    pub(crate) methods: Vec<Summary>,
}

impl SourceRow {
    /// What a method reached.
    pub(crate) fn of(&self, method: &str) -> Option<&Summary> {
        self.methods.iter().find(|summary| summary.method == method)
    }

    /// Whether it is a source that training or validation saw.
    pub(crate) fn is_seen_source(&self) -> bool {
        !self.is_aggregate && self.seen == Some(true)
    }
}

/// The aggregate that the verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Headline {
    UnseenMean,
    AllMean,
    AllPooled,
}

impl Headline {
    /// As the tables name it.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::UnseenMean => "unseen mean",
            Self::AllMean => "all mean",
            Self::AllPooled => "all pooled",
        }
    }
}

impl Block<'_> {
    /// What the verdict is about, as a sentence starts with it.
    pub(crate) fn scope(&self) -> &'static str {
        let has_sources = self.rows.iter().any(|row| !row.is_aggregate);
        match self.headline {
            _ if !has_sources => "On all images",
            Headline::UnseenMean => "On unseen sources",
            Headline::AllMean if !self.knows_seen => "In the mean over sources",
            Headline::AllPooled if !self.knows_seen => "On all images pooled",
            Headline::AllMean => "On all sources (training or validation saw every one)",
            Headline::AllPooled => "On all images pooled (training or validation saw every source)",
        }
    }

    /// The row of the aggregate that the verdict is about.
    pub(crate) fn headline_row(&self) -> Option<&SourceRow> {
        self.rows.iter().find(|row| row.is_aggregate && row.source == self.headline.source())
    }

    /// The comparison of a row by a metric, for one pair of methods.
    pub(crate) fn comparison(
        &self,
        row: &SourceRow,
        metric: MetricName,
        baseline: &str,
        candidate: &str,
    ) -> Option<&Comparison> {
        self.comparisons.iter().find(|comparison| {
            comparison.source == row.source
                && comparison.is_aggregate == row.is_aggregate
                && comparison.metric == metric
                && comparison.baseline == baseline
                && comparison.candidate == candidate
        })
    }

    /// The 95 % interval around a method's mean AUC: over seeds, Student's t; of a single run, over its images, DeLong.
    pub(crate) fn auc_interval(&self, row: &SourceRow, method: &str) -> Option<(f64, f64)> {
        let of_row = |value: &&Value| {
            value.method == method && value.source == row.source && value.is_aggregate == row.is_aggregate
        };
        let values: Vec<&Value> = self.values.iter().filter(of_row).collect();
        if let [single] = values.as_slice() {
            return single.auc_interval;
        }
        let aucs: Option<Vec<f64>> = values.iter().map(|value| value.auc).collect();
        let aucs = aucs?;
        // One sample against nothing: the paired test with zeros.
        let ci = cyborg_eval::paired_test(&vec![0.0; aucs.len()], &aucs, false).ci;
        // No AUC lies beyond 0 or 1, and so no mean of some.
        ci.map(|(low, high)| (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0)))
    }

    /// The most seeds that a method has here.
    pub(crate) fn n_seeds(&self) -> usize {
        let of_method =
            |method: &String| self.rows.iter().find_map(|row| row.of(method)).map_or(0, |row| row.n_seeds);
        self.methods.iter().map(of_method).max().unwrap_or(0) as usize
    }

    /// `5 seeds`; where methods differ, `5 seeds (cyborg: 4)`.
    pub(crate) fn seeds_in_words(&self) -> String {
        let of_method = |method: &String| {
            self.rows.iter().find_map(|row| row.of(method)).map_or(0, |row| row.n_seeds as usize)
        };
        let most = self.methods.iter().map(of_method).max().unwrap_or(0);
        let fewer: Vec<String> = self
            .methods
            .iter()
            .filter(|method| of_method(method) < most)
            .map(|method| format!("{method}: {}", of_method(method)))
            .collect();
        let seeds = count(most, "seed");
        if fewer.is_empty() { seeds } else { format!("{seeds} ({})", fewer.join(", ")) }
    }

    /// Why values are missing, and what means leave out: one line a row, the first method that says so.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for row in &self.rows {
            let summary = row.methods.iter().find(|summary| summary.reason.is_some());
            if let Some(Summary { method, reason: Some(reason), .. }) = summary {
                reasons.push(format!("{} ({method}): {reason}", row.source));
            }
        }
        reasons
    }

    /// The pairs of methods that are compared here: (baseline, candidate).
    pub(crate) fn pairs(&self, input: &ReportInput) -> Vec<(String, String)> {
        let is_compared = |(baseline, candidate): &&(String, String)| {
            self.comparisons
                .iter()
                .any(|row| row.baseline == *baseline && row.candidate == *candidate && row.n_pairs > 0)
        };
        input.comparisons.iter().filter(is_compared).cloned().collect()
    }
}

/// The frames as rows.
pub(crate) struct Tables {
    pub(crate) summaries: Vec<Summary>,
    pub(crate) counts: Vec<Counts>,
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) values: Vec<Value>,
    pub(crate) cam_rows: Vec<CamRow>,
    pub(crate) consistency_rows: Vec<ConsistencyRow>,
}

/// The blocks, in the order of the runs.
pub(crate) fn blocks<'a>(
    input: &'a ReportInput,
    tables: &Tables,
    pictures: &mut pictures::Collector<'_>,
) -> Vec<Block<'a>> {
    let Tables { summaries, counts, comparisons, .. } = tables;
    let mut places: Vec<(&str, &str)> = Vec::new();
    for row in summaries {
        let place = (row.data.as_str(), row.backbone.as_str());
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let mut blocks = Vec::new();
    let references = pictures.cams.references.clone();
    for (name, backbone) in places {
        let Some(data) = input.data.iter().find(|data| data.name == name) else { continue };
        let here: Vec<&Summary> =
            summaries.iter().filter(|row| row.data == name && row.backbone == backbone).collect();
        let mut methods: Vec<String> = Vec::new();
        for row in &here {
            if !methods.contains(&row.method) {
                methods.push(row.method.clone());
            }
        }
        // Scores from elsewhere come without a word on training, unless `--seen` says it.
        let knows_seen = !input.scores_only || !data.plan.seen.is_empty();
        let mut rows = source_rows(&here, counts);
        if !knows_seen {
            rows.retain(|row| !(row.is_aggregate && row.seen.is_some()));
        }
        let comparisons: Vec<Comparison> =
            comparisons.iter().filter(|row| row.data == name && row.backbone == backbone).cloned().collect();
        let pictures = methods.iter().map(|method| pictures.take(name, backbone, method)).collect();
        let headline = headline(&rows, knows_seen);
        let second = second(&rows, headline);
        let reference = references.get(name).copied().unwrap_or_default();
        blocks.push(Block {
            data,
            backbone: backbone.to_owned(),
            methods,
            rows,
            comparisons,
            headline,
            pictures,
            values: tables
                .values
                .iter()
                .filter(|row| row.data == name && row.backbone == backbone)
                .cloned()
                .collect(),
            cam_rows: tables
                .cam_rows
                .iter()
                .filter(|row| row.data == name && row.backbone == backbone)
                .cloned()
                .collect(),
            consistency_rows: tables
                .consistency_rows
                .iter()
                .filter(|row| row.data == name && row.backbone == backbone)
                .cloned()
                .collect(),
            reference,
            second,
            knows_seen,
        });
    }
    blocks
}

/// Sources first, then aggregates, each in order of first appearance.
fn source_rows(here: &[&Summary], counts: &[Counts]) -> Vec<SourceRow> {
    let mut rows: Vec<SourceRow> = Vec::new();
    for summary in here {
        if rows.iter().any(|row| row.source == summary.source && row.is_aggregate == summary.is_aggregate) {
            continue;
        }
        let count = counts.iter().find(|count| {
            count.data == summary.data
                && count.source == summary.source
                && count.is_aggregate == summary.is_aggregate
        });
        let same = here
            .iter()
            .filter(|row| row.source == summary.source && row.is_aggregate == summary.is_aggregate);
        rows.push(SourceRow {
            source: summary.source.clone(),
            is_aggregate: summary.is_aggregate,
            seen: summary.seen,
            n_positive: count.map_or(0, |count| count.n_positive),
            n_negative: count.map_or(0, |count| count.n_negative),
            methods: same.map(|row| (*row).clone()).collect(),
        });
    }
    rows.sort_by_key(|row| row.is_aggregate);
    // A mean over seen (or unseen) sources says nothing where there is none.
    let has_sources = |seen: Option<bool>| rows.iter().any(|row| !row.is_aggregate && row.seen == seen);
    let is_empty: Vec<bool> =
        rows.iter().map(|row| row.is_aggregate && row.seen.is_some() && !has_sources(row.seen)).collect();
    let mut is_empty = is_empty.into_iter();
    rows.retain(|_| !is_empty.next().unwrap_or(false));
    rows
}

/// The mean over unseen sources; where none is unseen, the mean over all; where that is undefined, all pooled.
fn headline(rows: &[SourceRow], knows_seen: bool) -> Headline {
    let has_value = |headline: Headline| {
        rows.iter()
            .filter(|row| row.is_aggregate && row.source == headline.source())
            .flat_map(|row| row.methods.iter())
            .any(|summary| summary.stat(MetricName::Auc).mean.is_some())
    };
    if knows_seen && rows.iter().any(|row| !row.is_aggregate && row.seen == Some(false)) {
        Headline::UnseenMean
    } else if has_value(Headline::AllMean) || !has_value(Headline::AllPooled) {
        Headline::AllMean
    } else {
        Headline::AllPooled
    }
}

/// What stands beside the AUC: balanced accuracy at the threshold that validation images chose, or, where there is none for
/// every method, at the fixed threshold.
fn second(rows: &[SourceRow], headline: Headline) -> Option<MetricName> {
    let of_headline = || rows.iter().filter(|row| row.is_aggregate && row.source == headline.source());
    [MetricName::BalancedAccuracyAtValidation, MetricName::BalancedAccuracy].into_iter().find(|metric| {
        let has_value =
            |row: &SourceRow| row.methods.iter().all(|summary| summary.stat(*metric).mean.is_some());
        of_headline().next().is_some() && of_headline().all(has_value)
    })
}
