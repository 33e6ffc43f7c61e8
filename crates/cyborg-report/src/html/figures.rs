//! The figures of the page over settings and epochs: sweeps and training curves.
use super::tables::{difference_cells, number_cell};
use super::{heading, parts, style_of};
use crate::block::Block;
use crate::curves::Curve;
use crate::digest::{Digest, Sweep};
use crate::epochs::Epoch;
use crate::escape::html;
use crate::number::{plain, spread};
use crate::pictures::Pictures;
use crate::svg::{Guide, Line, Plot, Point, Range, legend};
use cyborg_eval::MetricName;
use cyborg_eval::band;
use std::fmt::Write as _;

/// A metric along the axis of the sweep, and the differences along it.
pub(crate) fn sweep(digest: &Digest<'_>, sweep: &Sweep<'_>) -> String {
    let mut text = String::new();
    for (backbone, points) in &sweep.backbones {
        let line_of = |method: &String| Line {
            name: method.clone(),
            style: style_of(digest, method),
            range: Range::Bars,
            points: points
                .iter()
                .map(|(at, block)| {
                    let auc = block
                        .headline_row()
                        .and_then(|row| row.of(method))
                        .map(|row| row.stat(MetricName::Auc));
                    let auc = auc.unwrap_or_default();
                    let range = auc.mean.zip(auc.sd).map(|(mean, sd)| (mean - sd, mean + sd));
                    Point { x: *at, y: auc.mean, range }
                })
                .collect(),
        };
        // In the candidate's colour; the second pair with the same candidate takes another.
        let style_of_pair = |at: usize| {
            let candidate = &sweep.pairs[at].1;
            let earlier = sweep.pairs[..at].iter().filter(|(_, other)| other == candidate).count();
            style_of(digest, candidate) + earlier * sweep.methods.len()
        };
        let difference_of = |(at, (baseline, candidate)): (usize, &(String, String))| Line {
            name: format!("{candidate} minus {baseline}"),
            style: style_of_pair(at),
            range: Range::Bars,
            points: points
                .iter()
                .map(|(at, block)| {
                    let row = block.headline_row();
                    let row = row.and_then(|row| block.comparison(row, MetricName::Auc, baseline, candidate));
                    let range = row.and_then(|row| row.ci_low.zip(row.ci_high));
                    Point { x: *at, y: row.and_then(|row| row.mean_difference), range }
                })
                .collect(),
        };
        let methods: Vec<Line> = sweep.methods.iter().map(line_of).collect();
        let differences: Vec<Line> = sweep.pairs.iter().enumerate().map(difference_of).collect();
        if sweep.backbones.len() > 1 {
            let _ = writeln!(text, "<h3>{}</h3>", html(backbone));
        }
        let what = sweep.headline.source();
        text.push_str("<div class=\"plots\">");
        figure(
            &mut text,
            &format!("AUC, {what}; bars: ± 1 standard deviation over seeds"),
            &legend(methods.iter().map(|line| (line.style, line.name.as_str()))),
            &Plot {
                ticks_at_points: true,
                lines: methods,
                ..Plot::new(
                    format!(
                        "AUC ({what}) of each method over {}; the numbers are in the table below",
                        sweep.label
                    ),
                    sweep.label,
                    "AUC",
                    (520.0, 320.0),
                )
            }
            .draw(),
        );
        if !differences.is_empty() {
            figure(
                &mut text,
                "Difference in AUC; bars: 95 % interval over seeds",
                &legend(differences.iter().map(|line| (line.style, line.name.as_str()))),
                &Plot {
                    ticks_at_points: true,
                    guide: Guide::Zero,
                    lines: differences,
                    ..Plot::new(
                        format!(
                            "difference in AUC ({what}) over {}; the numbers are in the table below",
                            sweep.label
                        ),
                        sweep.label,
                        "difference in AUC",
                        (520.0, 320.0),
                    )
                }
                .draw(),
            );
        }
        text.push_str("</div>\n");
        sweep_table(&mut text, sweep, points);
    }
    text
}

fn sweep_table(text: &mut String, sweep: &Sweep<'_>, points: &[(f64, &Block<'_>)]) {
    let _ = write!(
        text,
        "<div class=\"scroll\"><table class=\"sortable\"><thead><tr><th scope=\"col\" data-sort>{}</th>",
        html(sweep.label)
    );
    for method in &sweep.methods {
        let _ = write!(text, "<th scope=\"col\" class=\"number\" data-sort>{} AUC</th>", html(method));
    }
    for (baseline, candidate) in &sweep.pairs {
        let _ = write!(
            text,
            "<th scope=\"col\" class=\"number\" data-sort>{} &minus; {}</th>\
             <th scope=\"col\" class=\"number\" data-sort>p (Holm)</th>",
            html(candidate),
            html(baseline)
        );
    }
    text.push_str("<th scope=\"col\" class=\"number\" data-sort>seeds</th></tr></thead><tbody>\n");
    for (at, block) in points {
        let Some(row) = block.headline_row() else { continue };
        let _ = write!(text, "<tr><th scope=\"row\" data-value=\"{at}\">{}</th>", plain(*at));
        for method in &sweep.methods {
            let auc = row.of(method).map(|row| row.stat(MetricName::Auc)).unwrap_or_default();
            number_cell(text, auc.mean, &spread(auc.mean, auc.sd));
        }
        for (baseline, candidate) in &sweep.pairs {
            difference_cells(text, block.comparison(row, MetricName::Auc, baseline, candidate));
        }
        let seeds = row.methods.iter().map(|summary| summary.n_seeds).max().unwrap_or(0);
        number_cell(text, Some(f64::from(seeds)), &seeds.to_string());
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
}

pub(super) fn figure(text: &mut String, caption: &str, legend: &str, plot: &str) {
    let _ = write!(text, "<figure><figcaption>{}{legend}</figcaption>{plot}</figure>", html(caption));
}

/// What is drawn over epochs: heading, axis and value.
type Quantity = (&'static str, &'static str, fn(&Epoch) -> Option<f64>);

/// Loss and accuracy over epochs: mean over seeds with a band of one standard deviation.
pub(crate) fn training(digest: &Digest<'_>) -> String {
    let quantities: [Quantity; 3] = [
        ("Training loss (each method's own objective)", "loss", |epoch| epoch.train_loss),
        ("Validation accuracy", "accuracy", |epoch| epoch.validation_accuracy),
        ("CAM against human map in training", "mean squared error", |epoch| epoch.train_saliency_mse),
    ];
    let text = parts(digest, 1, |block| {
        let mut text = method_legend(digest, block);
        text.push_str("<div class=\"plots small\">");
        for (caption, y_label, of_epoch) in quantities {
            let lines = epoch_lines(digest, block, of_epoch);
            if lines.is_empty() {
                continue;
            }
            let description = format!("{caption} over epochs, {}", heading(digest, block));
            let plot = Plot { lines, ..Plot::new(description, "epoch", y_label, (350.0, 250.0)) };
            figure(&mut text, caption, "", &plot.draw());
        }
        text.push_str("</div>\n");
        let best: Vec<String> = block.methods.iter().zip(&block.pictures).filter_map(best_epochs).collect();
        if !best.is_empty() {
            let _ =
                writeln!(text, "<p class=\"note\">Tested weights come from {}.</p>", html(&best.join("; ")));
        }
        text
    });
    if text.is_empty() {
        return text;
    }
    format!("{text}<p class=\"note\">Mean over seeds; the band is ± 1 standard deviation.</p>\n")
}

fn epoch_lines(digest: &Digest<'_>, block: &Block<'_>, of_epoch: fn(&Epoch) -> Option<f64>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (method, pictures) in block.methods.iter().zip(&block.pictures) {
        let curves: Vec<Curve> = pictures
            .epochs
            .iter()
            .map(|(_, epochs)| {
                epochs.iter().filter_map(|row| Some((f64::from(row.number), of_epoch(row)?))).collect()
            })
            .collect();
        if curves.iter().any(|curve| !curve.is_empty()) {
            let style = style_of(digest, method);
            lines.push(Line {
                name: method.clone(),
                style,
                points: band_points(&curves),
                range: Range::Band,
            });
        }
    }
    lines
}

/// `ce: epochs 7, 9, 8`: of each seed, the last epoch marked as the best.
fn best_epochs((method, pictures): (&String, &Pictures)) -> Option<String> {
    let best: Vec<String> = pictures
        .epochs
        .iter()
        .filter_map(|(_, epochs)| epochs.iter().rev().find(|epoch| epoch.best))
        .map(|epoch| epoch.number.to_string())
        .collect();
    let noun = if best.len() == 1 { "epoch" } else { "epochs" };
    (!best.is_empty()).then(|| format!("{noun} {} ({method})", best.join(", ")))
}

/// The mean of several curves and ± 1 standard deviation around it.
pub(super) fn band_points(curves: &[Curve]) -> Vec<Point> {
    band(curves)
        .into_iter()
        .map(|point| Point {
            x: point.x,
            y: point.y.map(|spread| spread.mean),
            range: point.y.and_then(|y| y.sd.map(|sd| (y.mean - sd, y.mean + sd))),
        })
        .collect()
}

pub(super) fn method_legend(digest: &Digest<'_>, block: &Block<'_>) -> String {
    legend(block.methods.iter().map(|method| (style_of(digest, method), method.as_str())))
}

/// Metrics over alpha, where methods differ in it alone.
pub(crate) fn alphas(digest: &Digest<'_>) -> String {
    let mut points: Vec<(f64, &String)> =
        digest.input.alphas.iter().map(|(name, alpha)| (*alpha, name)).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    if points.len() < 2 {
        return String::new();
    }
    parts(digest, 1, |block| {
        let mut lines = Vec::new();
        let sources = block.rows.iter().filter(|row| !row.is_aggregate);
        for (at, row) in block.headline_row().into_iter().chain(sources).enumerate() {
            let of_point = |(alpha, method): &(f64, &String)| {
                let auc = row.of(method).map(|row| row.stat(MetricName::Auc))?;
                let range = auc.mean.zip(auc.sd).map(|(mean, sd)| (mean - sd, mean + sd));
                // Bars of seven lines would hide each other.
                Some(Point { x: *alpha, y: auc.mean, range: range.filter(|_| at == 0) })
            };
            lines.push(Line {
                name: row.source.clone(),
                style: at,
                range: Range::Bars,
                points: points.iter().filter_map(of_point).collect(),
            });
        }
        // Styles that can be told apart: the rest is in the table.
        lines.truncate(crate::svg::STYLES);
        if lines.iter().all(|line| line.points.len() < 2) {
            return String::new();
        }
        let mut text = String::new();
        figure(
            &mut text,
            "AUC over alpha, the weight of the cross-entropy: 1 is cross-entropy alone; bars: ± 1 standard deviation \
             over seeds",
            &legend(lines.iter().map(|line| (line.style, line.name.as_str()))),
            &Plot {
                ticks_at_points: true,
                lines,
                ..Plot::new(
                    "AUC over alpha; the numbers are in the results table".to_owned(),
                    "alpha",
                    "AUC",
                    (640.0, 340.0),
                )
            }
            .draw(),
        );
        text
    })
}
