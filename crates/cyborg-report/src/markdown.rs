//! The report as Markdown: what fits a README, an issue or a paper's draft.
use crate::block::{Block, SourceRow};
use crate::digest::Digest;
use crate::escape::{line, markdown, markdown_block};
use crate::number::{DASH, interval, p, plain, signed, spread, value};
use crate::terminal::positive_class;
use crate::verdict::{caution, verdicts};
use crate::words::{definitions, phantom_note, short_title, table_notes};
use cyborg_eval::MetricName;
use std::fmt::Write as _;

/// The whole page.
pub(crate) fn page(digest: &Digest<'_>) -> String {
    let input = digest.input;
    let mut page = format!("# {}\n\n", markdown(&input.title));
    if let Some(positive) = positive_class(digest) {
        let _ = writeln!(page, "{}.\n", markdown(&positive));
    }
    for data in digest.phantoms() {
        let _ = writeln!(page, "> **Phantom data.** {}\n", markdown(&phantom_note(data)));
    }
    for (runs, reason) in digest.failures() {
        let _ = writeln!(page, "> **Failed:** {}: {}\n", markdown(&runs.join("; ")), markdown(reason));
    }
    for warning in &digest.warnings {
        let _ = writeln!(page, "> **Warning.** {}\n", markdown(warning));
    }
    let verdicts = verdicts(digest);
    for verdict in &verdicts {
        let _ = writeln!(page, "**{}.**\n", markdown(&verdict.full()));
        if let Some(beside) = &verdict.beside {
            let _ = writeln!(page, "{}\n", markdown(beside));
        }
    }
    if let Some(caution) = caution(&verdicts) {
        let _ = writeln!(page, "{}\n", markdown(&caution));
    }
    if !input.description.trim().is_empty() {
        let _ = writeln!(page, "{}\n", markdown(&input.description));
    }
    if digest.sweep().is_some() {
        sweep(&mut page, digest);
    }
    for block in &digest.blocks {
        results(&mut page, digest, block);
    }
    about(&mut page, digest);
    page
}

fn row(page: &mut String, cells: &[String]) {
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn header(page: &mut String, cells: &[String], n_text: usize) {
    row(page, cells);
    let rule = |at: usize| if at < n_text { "---".to_owned() } else { "---:".to_owned() };
    row(page, &(0..cells.len()).map(rule).collect::<Vec<_>>());
}

/// One table a block: every source, then the aggregates.
fn results(page: &mut String, digest: &Digest<'_>, block: &Block<'_>) {
    let shown = digest.place(block).unwrap_or_else(|| format!("{}, {}", block.data.title, block.backbone));
    let _ = writeln!(page, "## {}, {}\n", markdown(&shown), markdown(&block.seeds_in_words()));
    let pairs = block.pairs(digest.input);
    let mut cells = vec!["source".to_owned(), "positive".to_owned(), "negative".to_owned()];
    for method in &block.methods {
        for metric in columns(block) {
            cells.push(format!("{} {}", markdown(method), short_title(metric)));
        }
    }
    cells.extend(difference_header(&pairs));
    header(page, &cells, 1);
    for source in &block.rows {
        let mut cells = vec![name(source), source.n_positive.to_string(), source.n_negative.to_string()];
        for method in &block.methods {
            let row = source.of(method);
            cells.extend(columns(block).into_iter().map(|metric| {
                let stat = row.map(|row| row.stat(metric)).unwrap_or_default();
                spread(stat.mean, stat.sd)
            }));
        }
        cells.extend(difference(block, source, &pairs));
        row(page, &cells);
    }
    page.push('\n');
    let notes: Vec<String> =
        table_notes(block, !pairs.is_empty()).into_iter().chain(block.reasons()).collect();
    for note in &notes {
        let _ = writeln!(page, "- {}", markdown(note));
    }
    if !notes.is_empty() {
        page.push('\n');
    }
    subjects(page, digest, block);
}

/// What the main table shows of each method.
fn columns(block: &Block<'_>) -> Vec<MetricName> {
    let first = std::iter::once(MetricName::Auc).chain(block.second);
    first.chain([MetricName::AveragePrecision, MetricName::Eer]).collect()
}

/// The differences over subjects, where several images are of one subject.
fn subjects(page: &mut String, digest: &Digest<'_>, block: &Block<'_>) {
    let here = digest
        .over_subjects
        .iter()
        .filter(|found| found.baseline.data == block.data.name && found.baseline.backbone == block.backbone);
    for found in here {
        let _ = writeln!(page, "### {}\n", markdown(&found.heading()));
        let names = ["source", "metric", &found.baseline.method, &found.candidate.method];
        let mut cells: Vec<String> = names.into_iter().map(markdown).collect();
        cells.extend(["difference", "95 % interval", "p (Holm)"].map(str::to_owned));
        header(page, &cells, 2);
        for metric in digest.headline_metrics() {
            for found in found.of(metric) {
                let (low, high) = found.interval.unzip();
                row(
                    page,
                    &[
                        markdown(&found.source),
                        short_title(metric).to_owned(),
                        value(found.baseline),
                        value(found.candidate),
                        signed(found.difference),
                        interval(low, high).unwrap_or_else(|| DASH.to_owned()),
                        p(found.p_holm).replace('<', "\\<"),
                    ],
                );
            }
        }
        page.push('\n');
    }
}

/// Aggregates are set apart in italics, seen sources marked.
fn name(row: &SourceRow) -> String {
    match (row.is_aggregate, row.is_seen_source()) {
        (true, _) => format!("*{}*", markdown(&row.source)),
        (false, true) => format!("{} (seen)", markdown(&row.source)),
        (false, false) => markdown(&row.source),
    }
}

fn difference_header(pairs: &[(String, String)]) -> Vec<String> {
    pairs
        .iter()
        .flat_map(|(baseline, candidate)| {
            [
                format!("{} - {} AUC", markdown(candidate), markdown(baseline)),
                "95 % interval".to_owned(),
                "p (Holm)".to_owned(),
            ]
        })
        .collect()
}

fn difference(block: &Block<'_>, source: &SourceRow, pairs: &[(String, String)]) -> Vec<String> {
    let cells = |(baseline, candidate): &(String, String)| {
        let row = block.comparison(source, MetricName::Auc, baseline, candidate);
        [
            signed(row.and_then(|row| row.mean_difference)),
            row.and_then(|row| interval(row.ci_low, row.ci_high)).unwrap_or_else(|| DASH.to_owned()),
            p(row.and_then(|row| row.p_holm)).replace('<', "\\<"),
        ]
    };
    pairs.iter().flat_map(cells).collect()
}

fn sweep(page: &mut String, digest: &Digest<'_>) {
    let Some(sweep) = digest.sweep() else { return };
    for (backbone, points) in &sweep.backbones {
        let title = format!("Over {}, {backbone}: AUC, {}", sweep.label, sweep.headline.source());
        let _ = writeln!(page, "## {}\n", markdown(&title));
        let mut cells = vec![markdown(sweep.label)];
        cells.extend(sweep.methods.iter().map(|method| markdown(method)));
        cells.extend(difference_header(&sweep.pairs));
        header(page, &cells, 0);
        for (at, block) in points {
            let Some(source) = block.headline_row() else { continue };
            let mut cells = vec![plain(*at)];
            cells.extend(sweep.methods.iter().map(|method| {
                let auc = source.of(method).map(|row| row.stat(MetricName::Auc)).unwrap_or_default();
                spread(auc.mean, auc.sd)
            }));
            cells.extend(difference(block, source, &sweep.pairs));
            row(page, &cells);
        }
        page.push('\n');
    }
}

/// Data, definitions, how to make it again.
fn about(page: &mut String, digest: &Digest<'_>) {
    let input = digest.input;
    page.push_str("## Data\n\n");
    for data in &input.data {
        let _ = writeln!(page, "- {} (`{}`)", markdown(&data.title), line(&data.name).replace('`', "'"));
        for fact in &data.facts {
            let _ = writeln!(page, "  - {}", markdown(fact));
        }
    }
    page.push_str("\n## What the numbers are\n\n");
    for (term, meaning) in definitions(input.scores_only) {
        let _ = writeln!(page, "- **{}**: {}", markdown(term), markdown(meaning));
    }
    page.push_str("\n## Make it again\n\n");
    page.push_str(&markdown_block(&input.command, "sh"));
    page.push('\n');
    page.push_str(&markdown_block(&input.resolved_yaml, "yaml"));
    if !input.environment.is_empty() {
        page.push_str("\n| environment | |\n| --- | --- |\n");
        for (name, value) in &input.environment {
            row(page, &[markdown(name), markdown(value)]);
        }
    }
}
