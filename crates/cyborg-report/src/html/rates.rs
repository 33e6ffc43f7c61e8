//! The figures of scores: AUC by source, ROC, DET, histograms.
use super::figures::{band_points, figure, method_legend};
use super::{parts, style_of};
use crate::block::{Block, SourceRow};
use crate::curves::{Curve, DET_LIMITS, LOG_FROM, Rates};
use crate::digest::Digest;
use crate::escape::html;
use crate::number::{count, value};
use crate::svg::{Forest, ForestRow, Guide, Line, Plot, Point, Range, Scale, legend};
use cyborg_eval::MetricName;
use std::fmt::Write as _;

/// AUC of every source with its interval.
pub(crate) fn by_source(digest: &Digest<'_>, block: &Block<'_>) -> String {
    let mut rows: Vec<ForestRow> = Vec::new();
    for row in &block.rows {
        let marks: Vec<_> = block
            .methods
            .iter()
            .filter_map(|method| {
                let auc = row.of(method)?.stat(MetricName::Auc).mean?;
                Some((style_of(digest, method), auc, block.auc_interval(row, method)))
            })
            .collect();
        if marks.is_empty() {
            continue;
        }
        let apart = row.is_aggregate && rows.last().is_some_and(|_| !rows.iter().any(|row| row.apart));
        let seen = if row.is_seen_source() { " (seen)" } else { "" };
        rows.push(ForestRow { name: format!("{}{seen}", row.source), marks, apart });
    }
    if rows.len() < 2 {
        return String::new();
    }
    let caption = match block.n_seeds() {
        1 => "AUC by source; bars: 95 % DeLong interval over the test images (one seed: nothing is said of others)"
            .to_owned(),
        n => format!(
            "AUC by source; bars: 95 % t-interval of the mean over {n} seeds (where would the mean of other seeds lie?)"
        ),
    };
    let forest = Forest {
        description: "AUC of each method on each source with its interval; the numbers are in the table"
            .to_owned(),
        x_label: "AUC".to_owned(),
        reference: 0.5,
        rows,
    };
    let mut text = String::new();
    figure(&mut text, &caption, &method_legend(digest, block), &forest.draw());
    format!("<div class=\"plots wide\">{text}</div>\n")
}

/// One kind of curve.
struct Kind {
    title: &'static str,
    x_label: &'static str,
    y_label: &'static str,
    of: fn(&Rates) -> &Curve,
    shape: fn(Plot) -> Plot,
    /// Where the curve begins, if it is not its first point.
    origin: Option<(f64, f64)>,
}

const KINDS: [Kind; 3] = [
    Kind {
        title: "ROC",
        x_label: "false positive rate",
        y_label: "true positive rate",
        of: |rates| &rates.linear,
        shape: |plot| Plot {
            x_limits: Some((0.0, 1.0)),
            y_limits: Some((0.0, 1.0)),
            guide: Guide::Diagonal,
            ..plot
        },
        // Nothing is called positive: the corner where every ROC starts.
        origin: Some((0.0, 0.0)),
    },
    Kind {
        title: "ROC, small false positive rates",
        x_label: "false positive rate",
        y_label: "true positive rate",
        of: |rates| &rates.log,
        shape: |plot| Plot {
            x_scale: Scale::Log,
            x_limits: Some((LOG_FROM, 1.0)),
            y_limits: Some((0.0, 1.0)),
            guide: Guide::Chance,
            ..plot
        },
        origin: None,
    },
    Kind {
        title: "DET",
        x_label: "BPCER",
        y_label: "APCER",
        of: |rates| &rates.det,
        shape: |plot| Plot {
            x_scale: Scale::Probit,
            y_scale: Scale::Probit,
            x_limits: Some(DET_LIMITS),
            y_limits: Some(DET_LIMITS),
            guide: Guide::Falling,
            ..plot
        },
        origin: None,
    },
];

/// ROC, ROC with a logarithmic axis, DET and histograms of each block.
pub(crate) fn section(digest: &Digest<'_>) -> String {
    let text = parts(digest, 1, |block| {
        let mut text = String::new();
        for (at, kind) in KINDS.iter().enumerate() {
            let body = curves(digest, block, kind);
            if !body.is_empty() {
                let open = if at == 0 { " open" } else { "" };
                let _ = writeln!(
                    text,
                    "<details{open}><summary>{}</summary>\n{}<div class=\"plots small\">{body}</div></details>",
                    kind.title,
                    method_legend(digest, block)
                );
            }
        }
        let body = histograms(block);
        if !body.is_empty() {
            let _ = writeln!(text, "<details><summary>Score histograms</summary>\n{body}</details>");
        }
        text
    });
    if text.is_empty() {
        return text;
    }
    let seeds = count(digest.input.seeds.len(), "seed");
    format!(
        "{text}<p class=\"note\">Curves are averaged over up to {seeds} at fixed false positive rates (BPCER); the band \
         is ± 1 standard deviation. The dotted line is chance. The AUC beside a name is the mean of the seeds' AUCs, as \
         in the table. Small false positive \
         rates are drawn where there are 100 negative images or more, and down to one of them. Histograms pool \
         the seeds.</p>\n"
    )
}

/// One small plot for each positive source.
fn curves(digest: &Digest<'_>, block: &Block<'_>, kind: &Kind) -> String {
    let mut text = String::new();
    let mut n_drawn = 0;
    'sources: for row in block.rows.iter().filter(|row| !row.is_aggregate) {
        let mut lines = Vec::new();
        let mut areas = Vec::new();
        for (method, pictures) in block.methods.iter().zip(&block.pictures) {
            let rates =
                pictures.rocs.iter().find(|(source, _)| *source == row.source).map(|(_, rates)| rates);
            let Some(rates) = rates.filter(|rates| !rates.is_empty()) else { continue };
            let curves: Vec<Curve> = rates.iter().map(|rates| (kind.of)(rates).clone()).collect();
            // Too few negatives for such small rates: no plot.
            if curves.iter().all(Vec::is_empty) {
                continue 'sources;
            }
            let mut points = band_points(&curves);
            if let Some((x, y)) = kind.origin {
                points.insert(0, Point { x, y: Some(y), range: None });
            }
            lines.push(Line {
                name: method.clone(),
                style: style_of(digest, method),
                points,
                range: Range::Band,
            });
            areas.push(format!(
                "{method} {}",
                value(row.of(method).and_then(|row| row.stat(MetricName::Auc).mean))
            ));
        }
        if lines.is_empty() {
            let reason = row.methods.iter().find_map(|row| row.reason.as_deref()).unwrap_or("no value");
            let _ = write!(
                text,
                "<figure data-source=\"{}\"><figcaption>{}{}: no curve, {}</figcaption></figure>",
                html(&row.source),
                html(&row.source),
                seen(row),
                html(reason)
            );
            continue;
        }
        n_drawn += 1;
        let description = format!("{} on {}: AUC {}", kind.title, row.source, areas.join(", "));
        let plot = (kind.shape)(Plot {
            lines,
            ..Plot::new(description, kind.x_label, kind.y_label, (350.0, 290.0))
        });
        let _ = write!(
            text,
            "<figure data-source=\"{}\"><figcaption><strong>{}{}</strong><br>AUC {}</figcaption>{}</figure>",
            html(&row.source),
            html(&row.source),
            seen(row),
            html(&areas.join(", ")),
            plot.draw()
        );
    }
    if n_drawn == 0 { String::new() } else { text }
}

fn seen(row: &SourceRow) -> &'static str {
    if row.is_seen_source() { " (seen)" } else { "" }
}

/// The scores of each source's positives and of the negatives against them, a row a method.
fn histograms(block: &Block<'_>) -> String {
    let mut text = legend([(0, "negative"), (1, "positive")]);
    let mut n_drawn = 0;
    for (method, pictures) in block.methods.iter().zip(&block.pictures) {
        if pictures.histograms.is_empty() {
            continue;
        }
        let _ =
            write!(text, "<div data-method=\"{m}\"><h3>{m}</h3><div class=\"plots tiny\">", m = html(method));
        for row in block.rows.iter().filter(|row| !row.is_aggregate) {
            let Some(histogram) = pictures.histograms.iter().find(|h| h.source == row.source) else {
                continue;
            };
            let (negatives, positives) = histogram.outlines();
            let line = |name: &str, style, curve: Curve| Line {
                name: name.to_owned(),
                style,
                range: Range::Area,
                points: curve.into_iter().map(|(x, y)| Point { x, y: Some(y), range: None }).collect(),
            };
            let description =
                format!("scores of {method} on {}: shares of positive and negative images", row.source);
            let plot = Plot {
                x_limits: Some(histogram.limits()),
                lines: vec![line("negative", 0, negatives), line("positive", 1, positives)],
                ..Plot::new(description, "score", "share of images", (270.0, 190.0))
            };
            n_drawn += 1;
            let _ = write!(
                text,
                "<figure data-source=\"{s}\"><figcaption>{s}{}</figcaption>{}</figure>",
                seen(row),
                plot.draw(),
                s = html(&row.source)
            );
        }
        text.push_str("</div></div>\n");
    }
    if n_drawn == 0 { String::new() } else { text }
}
