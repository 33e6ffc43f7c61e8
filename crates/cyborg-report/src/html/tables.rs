//! The tables of the page: what can be sorted and filtered.
use super::{filter_attributes, heading, parts, style_of};
use crate::digest::{Block, Digest, SourceRow};
use crate::escape::html;
use crate::number::{DASH, interval, p, signed, spread};
use crate::results::{Comparison, Stat};
use crate::verdict::LEVEL;
use cyborg_eval::{METRICS, Metric, metric};
use std::fmt::Write as _;

/// Main tables that are open from the start.
const OPEN_TABLES: usize = 3;

/// The main table of each block: AUC and accuracy of each method, the difference in AUC and its p.
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
                "<th colspan=\"2\" scope=\"colgroup\" class=\"method m{}\" data-method=\"{m}\">{m}</th>",
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
            for metric in ["AUC", "accuracy"] {
                let _ = write!(
                    text,
                    "<th scope=\"col\" class=\"number\" data-sort data-method=\"{}\">{metric}</th>",
                    html(method)
                );
            }
        }
        for _ in &pairs {
            text.push_str(
                "<th scope=\"col\" class=\"number\" data-sort>difference</th>\
                 <th scope=\"col\" class=\"number\" data-sort>p</th>",
            );
        }
        text.push_str("</tr></thead>\n");
        body(&mut text, block, |text, row| {
            source_cell(text, row);
            for method in &block.methods {
                let stats = row
                    .of(method)
                    .map(|summary| [summary.stat("auc"), summary.stat("accuracy")])
                    .unwrap_or_default();
                for stat in stats {
                    stat_cell(text, method, stat);
                }
            }
            for (baseline, candidate) in &pairs {
                difference_cells(text, block.comparison(row, "auc", baseline, candidate));
            }
        });
        text.push_str("</table></div>\n");
        reasons(&mut text, block);
        text
    }));
    page.push_str(
        "<p class=\"note\">Mean ± standard deviation over seeds. A difference is the mean over seeds with its 95 % \
         interval below, and says where the mean of other seeds would lie; p: paired t-test over seeds, below it the \
         same after Holm's correction; bold where p &lt; 0.05. Sources marked <span class=\"seen\">seen</span> were in training \
         or validation. The same tables: <a href=\"per_source.csv\">per_source.csv</a>, \
         <a href=\"runs.csv\">runs.csv</a>, <a href=\"comparisons.csv\">comparisons.csv</a> (and <code>.parquet</code>), \
         <a href=\"report.md\">report.md</a>.</p>\n",
    );
    page
}

/// Metrics that belong together, as one table.
const THEMES: [(&str, &[&str]); 5] = [
    ("Ranking", &["auc", "partial_auc", "average_precision", "eer", "d_prime"]),
    (
        "At fixed error rates",
        &[
            "tdr_at_fdr_0_1_percent",
            "tdr_at_fdr_0_2_percent",
            "tdr_at_fdr_1_percent",
            "tdr_at_fdr_5_percent",
            "apcer_at_bpcer_1_percent",
        ],
    ),
    (
        "At the fixed threshold",
        &["accuracy", "balanced_accuracy", "apcer", "bpcer", "acer", "apcer_worst", "acer_worst"],
    ),
    (
        "At the threshold chosen on validation images",
        &["accuracy_at_validation", "apcer_at_validation", "bpcer_at_validation", "acer_at_validation"],
    ),
    ("Calibration", &["ece", "brier"]),
];

/// Every metric of every method, by theme. What no method has a value of is left out.
pub(crate) fn metrics(digest: &Digest<'_>) -> String {
    let themed = |name: &str| THEMES.iter().any(|(_, names)| names.contains(&name));
    let other: Vec<&str> = METRICS.into_iter().filter(|name| !themed(name)).collect();
    let text = parts(digest, 1, |block| {
        let mut text = String::new();
        let themes =
            THEMES.iter().map(|(title, names)| (*title, *names)).chain([("Other", other.as_slice())]);
        for (title, names) in themes {
            let has_value = |name: &&&str| {
                let summaries = block.rows.iter().flat_map(|row| &row.methods);
                summaries.into_iter().any(|summary| summary.stat(name).mean.is_some())
            };
            let shown: Vec<&Metric> =
                names.iter().filter(has_value).filter_map(|name| metric(name)).collect();
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
                    stat_cell(text, &summary.method, summary.stat(metric.name));
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
const TESTED: [&str; 6] = ["auc", "partial_auc", "eer", "accuracy", "acer", "apcer_at_bpcer_1_percent"];

/// Every comparison by the metrics that papers state, and which question each test answers.
pub(crate) fn tests(digest: &Digest<'_>) -> String {
    let text = parts(digest, 1, |block| {
        let mut text = String::new();
        for metric in TESTED.iter().filter_map(|name| metric(name)) {
            let shown = |row: &&Comparison| {
                row.n_pairs > 0 && row.mean_difference.is_some() && row.metric == metric.name
            };
            let rows: Vec<&Comparison> = block.comparisons.iter().filter(shown).collect();
            if !rows.is_empty() {
                let open = if metric.name == TESTED[0] { " open" } else { "" };
                let _ = writeln!(text, "<details{open}><summary>{}</summary>", html(metric.title));
                tests_of(&mut text, digest, block, metric, &rows);
                text.push_str("</details>\n");
            }
        }
        text.push_str(&on_images(digest, block));
        text
    });
    if text.is_empty() {
        return text;
    }
    format!(
        "{text}<p class=\"note\">Difference: candidate minus baseline, with its 95 % t-interval over seeds. The Holm column \
         corrects the t-test: the sources of all data sets, backbones and pairs of methods are one family, each \
         aggregate is one by itself. Which question each test answers, and which it does not: \
         <a href=\"#questions\">below</a>. Every metric: <a href=\"comparisons.csv\">comparisons.csv</a>.</p>\n"
    )
}

/// DeLong's test, where there is one run of each of two methods.
fn on_images(digest: &Digest<'_>, block: &Block<'_>) -> String {
    let mut text = String::new();
    let here = digest
        .on_images
        .iter()
        .filter(|pair| pair.baseline.data == block.data.name && pair.baseline.backbone == block.backbone);
    for pair in here {
        let name = format!(
            "{} minus {}, AUC on the same images (DeLong), seed {}",
            pair.candidate.method, pair.baseline.method, pair.baseline.seed
        );
        open_named_table(&mut text, digest, block, "dense", &name);
        text.push_str("<thead><tr><th scope=\"col\" data-sort>source</th>");
        for column in [
            pair.baseline.method.as_str(),
            pair.candidate.method.as_str(),
            "difference",
            "95 % interval",
            "p",
            "p, Holm",
            "positives",
            "negatives",
        ] {
            let _ = write!(text, "<th scope=\"col\" class=\"number\" data-sort>{}</th>", html(column));
        }
        text.push_str("</tr></thead>\n");
        for is_aggregate in [false, true] {
            text.push_str(if is_aggregate { "<tbody class=\"aggregates\">\n" } else { "<tbody>\n" });
            for row in pair.rows.iter().filter(|row| row.is_aggregate == is_aggregate) {
                let source = if is_aggregate {
                    String::new()
                } else {
                    format!(" data-source=\"{}\"", html(&row.source))
                };
                let _ = write!(text, "<tr{source}><th scope=\"row\">{}</th>", html(&row.source));
                for auc in [row.baseline, row.candidate] {
                    number_cell(&mut text, auc, &crate::number::value(auc));
                }
                number_cell(&mut text, row.difference, &signed(row.difference));
                let (low, high) = row.interval.unzip();
                number_cell(&mut text, low, &interval(low, high).unwrap_or_else(|| DASH.to_owned()));
                for tested in [row.p, row.p_holm] {
                    number_cell(&mut text, tested, &p(tested));
                }
                for n in [row.n_positive, row.n_negative] {
                    number_cell(&mut text, Some(f64::from(n)), &n.to_string());
                }
                text.push_str("</tr>\n");
            }
            text.push_str("</tbody>\n");
        }
        text.push_str("</table></div>\n");
        for row in &pair.rows {
            if let Some(reason) = &row.reason {
                let _ = writeln!(text, "<p class=\"note\">{}: {}</p>", html(&row.source), html(reason));
            }
        }
        text.push_str(
            "<p class=\"note\">One run of each: would this one trained network rank other images of these sources better \
             than that one? Nothing is said of other seeds.</p>\n",
        );
    }
    text
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
    let counts = format!("{} / {} / {}", row.wins, row.losses, row.ties);
    number_cell(text, Some(f64::from(row.wins)), &counts);
    number_cell(text, Some(f64::from(row.n_pairs)), &row.n_pairs.to_string());
    text.push_str("</tr>\n");
}

fn open_table(text: &mut String, digest: &Digest<'_>, block: &Block<'_>, class: &str) {
    open_named_table(text, digest, block, class, "");
}

fn open_named_table(text: &mut String, digest: &Digest<'_>, block: &Block<'_>, class: &str, name: &str) {
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
    let tested = row.and_then(|row| row.p);
    let class = if tested.is_some_and(|p| p < LEVEL) { "number test significant" } else { "number test" };
    let _ = write!(
        text,
        "<td class=\"{class}\" data-value=\"{value}\">{}<small>{}</small></td>",
        html(&signed(difference)),
        html(&reach)
    );
    let value = tested.map_or_else(String::new, |p| p.to_string());
    let holm = row.and_then(|row| row.p_holm);
    let holm = holm.map_or_else(String::new, |_| format!("<small>Holm {}</small>", html(&p(holm))));
    let _ = write!(text, "<td class=\"{class}\" data-value=\"{value}\">{}{holm}</td>", html(&p(tested)));
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
