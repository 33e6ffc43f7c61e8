//! The tables of the page: what can be sorted and filtered.
use super::{filter_attributes, heading, parts, style_of};
use crate::block::{Block, SourceRow};
use crate::digest::Digest;
use crate::escape::html;
use crate::number::{DASH, interval, p, signed, spread};
use crate::results::{Comparison, Stat};
use crate::verdict::LEVEL;
use crate::words::{FAMILY, short_title, table_notes};
use cyborg_eval::MetricName::{
    self, Accuracy, AccuracyAtValidation, Acer, AcerAtValidation, AcerWorst, Apcer, ApcerAtBpcer1Percent,
    ApcerAtBpcer5Percent, ApcerAtBpcer10Percent, ApcerAtValidation, ApcerWorst, Auc, AveragePrecision,
    BalancedAccuracy, BalancedAccuracyAtValidation, Bpcer, BpcerAtValidation, Brier, DPrime, Ece, Eer,
    PartialAuc, TdrAtFdr01Percent, TdrAtFdr1Percent, TdrAtFdr02Percent, TdrAtFdr5Percent,
};
use cyborg_eval::{METRIC_INFO, Metric};
use std::fmt::Write as _;

/// Main tables that are open from the start.
const OPEN_TABLES: usize = 3;

/// The main table of each block: AUC and balanced accuracy of each method, the difference in AUC and its p.
pub(crate) fn results(digest: &Digest<'_>) -> String {
    let mut page = filters(digest);
    page.push_str(&parts(digest, OPEN_TABLES, |block| {
        let mut text = String::new();
        let pairs = block.pairs(digest.input);
        let class = if block.methods.len() > 2 { "main dense" } else { "main" };
        text.push_str(&super::rates::by_source(digest, block));
        open_table(&mut text, digest, block, class);
        text.push_str("<thead><tr><th rowspan=\"2\" scope=\"col\" data-sort>source</th>");
        for method in &block.methods {
            let _ = write!(
                text,
                "<th colspan=\"{}\" scope=\"colgroup\" class=\"method m{}\" data-method=\"{m}\">{m}</th>",
                1 + usize::from(block.second.is_some()),
                style_of(digest, method) % crate::svg::STYLES,
                m = html(method)
            );
        }
        for (baseline, candidate) in &pairs {
            let _ = write!(
                text,
                "<th colspan=\"2\" scope=\"colgroup\" class=\"group\">{} &minus; {}, AUC</th>",
                html(candidate),
                html(baseline)
            );
        }
        text.push_str("</tr><tr>");
        for method in &block.methods {
            for metric in std::iter::once(Auc).chain(block.second) {
                let _ = write!(
                    text,
                    "<th scope=\"col\" class=\"number\" data-sort data-method=\"{}\" title=\"{}\">{}</th>",
                    html(method),
                    html(metric.info().definition),
                    html(short_title(metric))
                );
            }
        }
        for _ in &pairs {
            text.push_str(
                "<th scope=\"col\" class=\"number\" data-sort>difference</th>\
                 <th scope=\"col\" class=\"number\" data-sort>p (Holm)</th>",
            );
        }
        text.push_str("</tr></thead>\n");
        body(&mut text, block, |text, row| {
            source_cell(text, row);
            for method in &block.methods {
                for metric in std::iter::once(Auc).chain(block.second) {
                    let stat = row.of(method).map(|summary| summary.stat(metric)).unwrap_or_default();
                    stat_cell(text, method, stat);
                }
            }
            for (baseline, candidate) in &pairs {
                difference_cells(text, block.comparison(row, Auc, baseline, candidate));
            }
        });
        text.push_str("</table></div>\n");
        for note in table_notes(block, !pairs.is_empty()) {
            let _ = writeln!(text, "<p class=\"note\">{}.</p>", html(&note));
        }
        reasons(&mut text, block);
        text
    }));
    page.push_str(
        "<p class=\"note\">Mean ± standard deviation over seeds. A difference is the mean over seeds with its 95 % \
         interval below, and says where the mean of other seeds would lie; bold where p after Holm's correction is below \
         0.05. Sources marked <span class=\"seen\">seen</span> were in training \
         or validation. The same tables: <a href=\"per_source.csv\">per_source.csv</a>, \
         <a href=\"runs.csv\">runs.csv</a>, <a href=\"comparisons.csv\">comparisons.csv</a> (and <code>.parquet</code>), \
         <a href=\"report.md\">report.md</a>.</p>\n",
    );
    page
}

/// Metrics that belong together, as one table.
const THEMES: [(&str, &[MetricName]); 5] = [
    ("Ranking", &[Auc, PartialAuc, AveragePrecision, Eer, DPrime]),
    (
        "At fixed error rates",
        &[
            TdrAtFdr01Percent,
            TdrAtFdr02Percent,
            TdrAtFdr1Percent,
            TdrAtFdr5Percent,
            ApcerAtBpcer1Percent,
            ApcerAtBpcer5Percent,
            ApcerAtBpcer10Percent,
        ],
    ),
    ("At the fixed threshold", &[BalancedAccuracy, Accuracy, Apcer, Bpcer, Acer, ApcerWorst, AcerWorst]),
    (
        "At the threshold chosen on validation images",
        &[
            BalancedAccuracyAtValidation,
            AccuracyAtValidation,
            ApcerAtValidation,
            BpcerAtValidation,
            AcerAtValidation,
        ],
    ),
    ("Calibration", &[Ece, Brier]),
];

/// Every metric of every method, by theme. What no method has a value of is left out.
pub(crate) fn metrics(digest: &Digest<'_>) -> String {
    let themed = |id: MetricName| THEMES.iter().any(|(_, metrics)| metrics.contains(&id));
    let other: Vec<MetricName> =
        METRIC_INFO.iter().map(|metric| metric.id).filter(|id| !themed(*id)).collect();
    let text = parts(digest, 1, |block| {
        let mut text = String::new();
        let themes =
            THEMES.iter().map(|(title, names)| (*title, *names)).chain([("Other", other.as_slice())]);
        for (title, names) in themes {
            let has_value = |metric: &&&Metric| {
                let summaries = block.rows.iter().flat_map(|row| &row.methods);
                summaries.into_iter().any(|summary| summary.stat(metric.id).mean.is_some())
            };
            let shown: Vec<&Metric> = names
                .iter()
                .map(|name| name.info())
                .collect::<Vec<_>>()
                .iter()
                .filter(has_value)
                .copied()
                .collect();
            if !shown.is_empty() {
                let open = if title == THEMES[0].0 { " open" } else { "" };
                let _ = writeln!(text, "<details{open}><summary>{title}</summary>");
                theme(&mut text, digest, block, title, &shown);
                text.push_str("</details>\n");
            }
        }
        text
    });
    format!(
        "{text}<p class=\"note\">Mean ± standard deviation over seeds. ↑ more is better, ↓ less is better. Attack means \
         the positive class, bona fide every other.</p>\n"
    )
}

fn theme(text: &mut String, digest: &Digest<'_>, block: &Block<'_>, title: &str, shown: &[&Metric]) {
    open_named_table(text, digest, block, "metrics", title);
    text.push_str(
        "<thead><tr><th scope=\"col\" data-sort>source</th><th scope=\"col\" data-sort>method</th>",
    );
    for metric in shown {
        let _ = write!(
            text,
            "<th scope=\"col\" class=\"number\" title=\"{}\" data-sort>{} {}</th>",
            html(metric.definition),
            html(metric.title),
            if metric.lower_is_better { "↓" } else { "↑" }
        );
    }
    for column in ["positives", "negatives", "seeds"] {
        let _ = write!(text, "<th scope=\"col\" class=\"number\" data-sort>{column}</th>");
    }
    text.push_str("</tr></thead>\n");
    for is_aggregate in [false, true] {
        text.push_str(if is_aggregate { "<tbody class=\"aggregates\">\n" } else { "<tbody>\n" });
        for row in block.rows.iter().filter(|row| row.is_aggregate == is_aggregate) {
            for summary in &row.methods {
                let _ =
                    write!(text, "<tr{} data-method=\"{}\">", source_attribute(row), html(&summary.method));
                source_cell(text, row);
                let _ = write!(text, "<td>{}</td>", html(&summary.method));
                for metric in shown {
                    stat_cell(text, &summary.method, summary.stat(metric.id));
                }
                for count in [row.n_positive, row.n_negative, summary.n_seeds] {
                    let _ = write!(text, "<td class=\"number\" data-value=\"{count}\">{count}</td>");
                }
                text.push_str("</tr>\n");
            }
        }
        text.push_str("</tbody>\n");
    }
    text.push_str("</table></div>\n");
}

/// Metrics whose tests are on the page; those of all others are in the files.
const TESTED: [MetricName; 7] =
    [Auc, PartialAuc, Eer, BalancedAccuracy, BalancedAccuracyAtValidation, Acer, ApcerAtBpcer1Percent];

/// Every comparison by the metrics that papers state, and which question each test answers.
pub(crate) fn tests(digest: &Digest<'_>) -> String {
    let text = parts(digest, 1, |block| {
        let mut text = String::new();
        for metric in TESTED.iter().map(|metric| metric.info()) {
            let shown = |row: &&Comparison| {
                row.n_pairs > 0 && row.mean_difference.is_some() && row.metric == metric.id
            };
            let rows: Vec<&Comparison> = block.comparisons.iter().filter(shown).collect();
            if !rows.is_empty() {
                let open = if metric.id == TESTED[0] { " open" } else { "" };
                let _ = writeln!(text, "<details{open}><summary>{}</summary>", html(metric.title));
                tests_of(&mut text, digest, block, metric, &rows);
                text.push_str("</details>\n");
            }
        }
        text.push_str(&super::subjects::on_images(digest, block));
        text.push_str(&super::subjects::section(digest, block));
        text
    });
    if text.is_empty() {
        return text;
    }
    format!(
        "{text}<p class=\"note\">Difference: candidate minus baseline, with its 95 % t-interval over seeds. Correlation: of both methods over the paired \
         seeds. {}. Which question each test answers, and which it does not: \
         <a href=\"#questions\">below</a>. Every metric: <a href=\"comparisons.csv\">comparisons.csv</a>; over \
         sources in place of seeds: <a href=\"sources.csv\">sources.csv</a>.</p>\n",
        html(FAMILY)
    )
}

fn tests_of(
    text: &mut String,
    digest: &Digest<'_>,
    block: &Block<'_>,
    metric: &Metric,
    rows: &[&Comparison],
) {
    let pairs = block.pairs(digest.input);
    let name = match pairs.as_slice() {
        [(baseline, candidate)] => format!("{candidate} minus {baseline}, {}", metric.title),
        _ => format!("Differences in {}", metric.title),
    };
    open_named_table(text, digest, block, "dense", &name);
    let several = pairs.len() > 1;
    text.push_str("<thead><tr><th scope=\"col\" data-sort>source</th>");
    if several {
        text.push_str("<th scope=\"col\" data-sort>candidate</th><th scope=\"col\" data-sort>baseline</th>");
    }
    let columns = [
        "difference",
        "95 % interval",
        "t",
        "p, t-test",
        "p, Holm",
        "p, sign flip",
        "p, Wilcoxon",
        "Cohen's dz",
        "correlation",
        "better / worse / equal",
        "seeds",
    ];
    for column in columns {
        let _ = write!(text, "<th scope=\"col\" class=\"number\" data-sort>{}</th>", html(column));
    }
    text.push_str("</tr></thead>\n");
    for is_aggregate in [false, true] {
        text.push_str(if is_aggregate { "<tbody class=\"aggregates\">\n" } else { "<tbody>\n" });
        for row in rows.iter().filter(|row| row.is_aggregate == is_aggregate) {
            test_row(text, row, several);
        }
        text.push_str("</tbody>\n");
    }
    text.push_str("</table></div>\n");
}

fn test_row(text: &mut String, row: &Comparison, with_methods: bool) {
    let source =
        if row.is_aggregate { String::new() } else { format!(" data-source=\"{}\"", html(&row.source)) };
    let _ = write!(text, "<tr{source}><th scope=\"row\">{}</th>", html(&row.source));
    if with_methods {
        let _ = write!(text, "<td>{}</td><td>{}</td>", html(&row.candidate), html(&row.baseline));
    }
    number_cell(text, row.mean_difference, &signed(row.mean_difference));
    let reach = interval(row.ci_low, row.ci_high).unwrap_or_else(|| DASH.to_owned());
    number_cell(text, row.ci_low, &reach);
    number_cell(text, row.t, &crate::number::value(row.t));
    for tested in [row.p, row.p_holm, row.p_sign_flip, row.p_wilcoxon] {
        number_cell(text, tested, &p(tested));
    }
    number_cell(text, row.cohens_dz, &crate::number::value(row.cohens_dz));
    number_cell(text, row.correlation, &crate::number::value(row.correlation));
    let counts = format!("{} / {} / {}", row.wins, row.losses, row.ties);
    number_cell(text, Some(f64::from(row.wins)), &counts);
    number_cell(text, Some(f64::from(row.n_pairs)), &row.n_pairs.to_string());
    text.push_str("</tr>\n");
}

fn open_table(text: &mut String, digest: &Digest<'_>, block: &Block<'_>, class: &str) {
    open_named_table(text, digest, block, class, "");
}

pub(super) fn open_named_table(
    text: &mut String,
    digest: &Digest<'_>,
    block: &Block<'_>,
    class: &str,
    name: &str,
) {
    let heading = heading(digest, block);
    let heading = if name.is_empty() { heading } else { format!("{name}: {heading}") };
    let _ = write!(
        text,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{h}\" {}>\
         <table class=\"sortable {class}\"><caption>{h}, {}</caption>",
        filter_attributes(block),
        html(&block.seeds_in_words()),
        h = html(&heading)
    );
}

/// Sources, then aggregates set apart.
fn body(text: &mut String, block: &Block<'_>, mut cells: impl FnMut(&mut String, &SourceRow)) {
    for is_aggregate in [false, true] {
        text.push_str(if is_aggregate { "<tbody class=\"aggregates\">\n" } else { "<tbody>\n" });
        for row in block.rows.iter().filter(|row| row.is_aggregate == is_aggregate) {
            let headline = is_aggregate && row.source == block.headline.source();
            let class = if headline { " class=\"headline\"" } else { "" };
            let _ = write!(text, "<tr{class}{}>", source_attribute(row));
            cells(text, row);
            text.push_str("</tr>\n");
        }
        text.push_str("</tbody>\n");
    }
}

/// Aggregates are no choice of the filter and always stay.
fn source_attribute(row: &SourceRow) -> String {
    if row.is_aggregate { String::new() } else { format!(" data-source=\"{}\"", html(&row.source)) }
}

fn source_cell(text: &mut String, row: &SourceRow) {
    let seen = if row.is_seen_source() { " <span class=\"seen\">seen</span>" } else { "" };
    let _ = write!(
        text,
        "<th scope=\"row\" title=\"{} positive, {} negative images\">{}{seen}</th>",
        row.n_positive,
        row.n_negative,
        html(&row.source)
    );
}

fn stat_cell(text: &mut String, method: &str, stat: Stat) {
    let value = stat.mean.map_or_else(String::new, |mean| mean.to_string());
    let _ = write!(
        text,
        "<td class=\"number\" data-method=\"{}\" data-value=\"{value}\">{}</td>",
        html(method),
        html(&spread(stat.mean, stat.sd))
    );
}

pub(crate) fn number_cell(text: &mut String, value: Option<f64>, shown: &str) {
    let value = value.map_or_else(String::new, |value| value.to_string());
    let _ = write!(text, "<td class=\"number\" data-value=\"{value}\">{}</td>", html(shown));
}

pub(crate) fn difference_cells(text: &mut String, row: Option<&Comparison>) {
    let difference = row.and_then(|row| row.mean_difference);
    let value = difference.map_or_else(String::new, |value| value.to_string());
    let reach = row.and_then(|row| interval(row.ci_low, row.ci_high)).unwrap_or_default();
    let tested = row.and_then(|row| row.p_holm);
    let class = if tested.is_some_and(|p| p < LEVEL) { "number test significant" } else { "number test" };
    let _ = write!(
        text,
        "<td class=\"{class}\" data-value=\"{value}\">{}<small>{}</small></td>",
        html(&signed(difference)),
        html(&reach)
    );
    let value = tested.map_or_else(String::new, |p| p.to_string());
    let _ = write!(text, "<td class=\"{class}\" data-value=\"{value}\">{}</td>", html(&p(tested)));
}

fn reasons(text: &mut String, block: &Block<'_>) {
    let reasons = block.reasons();
    if !reasons.is_empty() {
        text.push_str("<ul class=\"note\">");
        for reason in reasons {
            let _ = write!(text, "<li>{}</li>", html(&reason));
        }
        text.push_str("</ul>\n");
    }
}

/// Choices of what to show; the script makes them appear, for without it they would do nothing.
fn filters(digest: &Digest<'_>) -> String {
    fn add<'a>(names: &mut Vec<(&'a str, &'a str)>, value: &'a str, shown: &'a str) {
        if names.iter().all(|(known, _)| *known != value) {
            names.push((value, shown));
        }
    }
    let (mut data, mut backbones, mut methods, mut sources) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for block in &digest.blocks {
        add(&mut data, &block.data.name, &block.data.title);
        add(&mut backbones, &block.backbone, &block.backbone);
        block.methods.iter().for_each(|method| add(&mut methods, method, method));
        let named = block.rows.iter().filter(|row| !row.is_aggregate);
        named.for_each(|row| add(&mut sources, &row.source, &row.source));
    }
    let mut text = "<form class=\"filters\" hidden aria-label=\"Show only\">".to_owned();
    let choices = [
        ("data", "data", data),
        ("backbone", "backbone", backbones),
        ("method", "method", methods),
        ("source", "source", sources),
    ];
    for (name, label, values) in choices.iter().filter(|(_, _, values)| values.len() > 1) {
        let _ = write!(text, "<label>{label} <select name=\"{name}\"><option value=\"\">all</option>");
        for (value, shown) in values {
            let _ = write!(text, "<option value=\"{}\">{}</option>", html(value), html(shown));
        }
        text.push_str("</select></label>");
    }
    text.push_str("</form>\n");
    text
}
