//! The tables of the page: what can be sorted and filtered.
use super::{filter_attributes, heading, parts, style_of};
use crate::digest::{Block, Digest, SourceRow};
use crate::escape::html;
use crate::number::{DASH, interval, p, signed, spread};
use crate::results::{Comparison, Stat};
use crate::verdict::LEVEL;
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
                let stats = row.of(method).map(|summary| [summary.auc, summary.accuracy]).unwrap_or_default();
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
         interval below; bold where p &lt; 0.05. Sources marked <span class=\"seen\">seen</span> were in training \
         or validation. The same tables: <a href=\"per_source.csv\">per_source.csv</a>, \
         <a href=\"runs.csv\">runs.csv</a>, <a href=\"comparisons.csv\">comparisons.csv</a> (and <code>.parquet</code>), \
         <a href=\"report.md\">report.md</a>.</p>\n",
    );
    page
}

/// Every metric of every method, and every test.
pub(crate) fn metrics(digest: &Digest<'_>) -> String {
    parts(digest, 1, |block| {
        let mut text = String::new();
        open_table(&mut text, digest, block, "metrics");
        text.push_str("<thead><tr>");
        let columns = ["source", "method", "AUC", "AP", "EER", "accuracy", "positives", "negatives", "seeds"];
        for (at, column) in columns.iter().enumerate() {
            let class = if at < 2 { "" } else { " class=\"number\"" };
            let _ = write!(text, "<th scope=\"col\"{class} data-sort>{column}</th>");
        }
        text.push_str("</tr></thead>\n");
        for is_aggregate in [false, true] {
            text.push_str(if is_aggregate { "<tbody class=\"aggregates\">\n" } else { "<tbody>\n" });
            for row in block.rows.iter().filter(|row| row.is_aggregate == is_aggregate) {
                for summary in &row.methods {
                    let _ = write!(
                        text,
                        "<tr{} data-method=\"{}\">",
                        source_attribute(row),
                        html(&summary.method)
                    );
                    source_cell(&mut text, row);
                    let _ = write!(text, "<td>{}</td>", html(&summary.method));
                    for stat in [summary.auc, summary.average_precision, summary.eer, summary.accuracy] {
                        stat_cell(&mut text, &summary.method, stat);
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
        tests(&mut text, block);
        text
    })
}

/// Every comparison by every metric.
fn tests(text: &mut String, block: &Block<'_>) {
    if block.comparisons.iter().any(|row| row.n_pairs > 0) {
        text.push_str(
            "<details><summary>All tests</summary>\n<div class=\"scroll\"><table class=\"sortable dense\"><thead><tr>",
        );
        let columns = [
            "source",
            "metric",
            "candidate",
            "baseline",
            "difference",
            "95 % interval",
            "t",
            "df",
            "p",
            "p, sign flip",
            "Cohen's dz",
            "better / worse / equal",
            "seeds",
        ];
        for (at, column) in columns.iter().enumerate() {
            let class = if at < 4 { "" } else { " class=\"number\"" };
            let _ = write!(text, "<th scope=\"col\"{class} data-sort>{}</th>", html(column));
        }
        text.push_str("</tr></thead><tbody>\n");
        for row in block.comparisons.iter().filter(|row| row.n_pairs > 0) {
            let source = if row.is_aggregate {
                String::new()
            } else {
                format!(" data-source=\"{}\"", html(&row.source))
            };
            let metric = match row.metric.as_str() {
                "auc" => "AUC",
                "average_precision" => "AP",
                "eer" => "EER",
                other => other,
            };
            let _ = write!(
                text,
                "<tr{source}><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td>",
                html(&row.source),
                html(metric),
                html(&row.candidate),
                html(&row.baseline)
            );
            number_cell(text, row.mean_difference, &signed(row.mean_difference));
            let reach = interval(row.ci_low, row.ci_high).unwrap_or_else(|| DASH.to_owned());
            number_cell(text, row.ci_low, &reach);
            number_cell(text, row.t, &crate::number::value(row.t));
            number_cell(text, row.df, &row.df.map_or_else(|| DASH.to_owned(), crate::number::plain));
            number_cell(text, row.p, &p(row.p));
            number_cell(text, row.p_sign_flip, &p(row.p_sign_flip));
            number_cell(text, row.cohens_dz, &crate::number::value(row.cohens_dz));
            let counts = format!("{} / {} / {}", row.wins, row.losses, row.ties);
            number_cell(text, Some(f64::from(row.wins)), &counts);
            number_cell(text, Some(f64::from(row.n_pairs)), &row.n_pairs.to_string());
            text.push_str("</tr>\n");
        }
        text.push_str("</tbody></table></div></details>\n");
    }
}

fn open_table(text: &mut String, digest: &Digest<'_>, block: &Block<'_>, class: &str) {
    let _ = write!(
        text,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{h}\" {}>\
         <table class=\"sortable {class}\"><caption>{h}, {}</caption>",
        filter_attributes(block),
        html(&block.seeds_in_words()),
        h = html(&heading(digest, block))
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
