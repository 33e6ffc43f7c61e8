//! The figures of the page: sweep, training curves, ROCs.
use super::tables::{difference_cells, number_cell};
use super::{heading, parts, style_of};
use crate::digest::{Block, Digest, Sweep};
use crate::epochs::Epoch;
use crate::escape::html;
use crate::number::{count, plain, spread, value};
use crate::pictures::{Curve, Pictures};
use crate::svg::{Guide, Line, Plot, Point, Range, legend};
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
                    let auc = block.headline_row().and_then(|row| row.of(method)).map(|row| row.auc);
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
                    let row = row.and_then(|row| block.comparison(row, "auc", baseline, candidate));
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
                description: format!(
                    "AUC ({what}) of each method over {}; the numbers are in the table below",
                    sweep.label
                ),
                x_label: sweep.label.to_owned(),
                y_label: "AUC".to_owned(),
                x_limits: None,
                ticks_at_points: true,
                y_limits: None,
                width: 520.0,
                height: 320.0,
                guide: Guide::None,
                lines: methods,
            }
            .draw(),
        );
        if !differences.is_empty() {
            figure(
                &mut text,
                "Difference in AUC; bars: 95 % interval over seeds",
                &legend(differences.iter().map(|line| (line.style, line.name.as_str()))),
                &Plot {
                    description: format!(
                        "difference in AUC ({what}) over {}; the numbers are in the table below",
                        sweep.label
                    ),
                    x_label: sweep.label.to_owned(),
                    y_label: "difference in AUC".to_owned(),
                    x_limits: None,
                    ticks_at_points: true,
                    y_limits: None,
                    width: 520.0,
                    height: 320.0,
                    guide: Guide::Zero,
                    lines: differences,
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
             <th scope=\"col\" class=\"number\" data-sort>p</th>",
            html(candidate),
            html(baseline)
        );
    }
    text.push_str("<th scope=\"col\" class=\"number\" data-sort>seeds</th></tr></thead><tbody>\n");
    for (at, block) in points {
        let Some(row) = block.headline_row() else { continue };
        let _ = write!(text, "<tr><th scope=\"row\" data-value=\"{at}\">{}</th>", plain(*at));
        for method in &sweep.methods {
            let auc = row.of(method).map(|row| row.auc).unwrap_or_default();
            number_cell(text, auc.mean, &spread(auc.mean, auc.sd));
        }
        for (baseline, candidate) in &sweep.pairs {
            difference_cells(text, block.comparison(row, "auc", baseline, candidate));
        }
        let seeds = row.methods.iter().map(|summary| summary.n_seeds).max().unwrap_or(0);
        number_cell(text, Some(f64::from(seeds)), &seeds.to_string());
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
}

fn figure(text: &mut String, caption: &str, legend: &str, plot: &str) {
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
            let plot = Plot {
                description: format!("{caption} over epochs, {}", heading(digest, block)),
                x_label: "epoch".to_owned(),
                y_label: y_label.to_owned(),
                x_limits: None,
                ticks_at_points: false,
                y_limits: None,
                width: 350.0,
                height: 250.0,
                guide: Guide::None,
                lines,
            };
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
fn band_points(curves: &[Curve]) -> Vec<Point> {
    band(curves)
        .into_iter()
        .map(|point| Point {
            x: point.x,
            y: point.y.map(|spread| spread.mean),
            range: point.y.and_then(|y| y.sd.map(|sd| (y.mean - sd, y.mean + sd))),
        })
        .collect()
}

fn method_legend(digest: &Digest<'_>, block: &Block<'_>) -> String {
    legend(block.methods.iter().map(|method| (style_of(digest, method), method.as_str())))
}

/// One small plot for each positive source.
pub(crate) fn rocs(digest: &Digest<'_>) -> String {
    let text = parts(digest, 1, |block| {
        let mut text = method_legend(digest, block);
        text.push_str("<div class=\"plots small\">");
        let mut n_drawn = 0;
        for row in block.rows.iter().filter(|row| !row.is_aggregate) {
            let mut lines = Vec::new();
            let mut areas = Vec::new();
            for (method, pictures) in block.methods.iter().zip(&block.pictures) {
                let curves =
                    pictures.rocs.iter().find(|(source, _)| *source == row.source).map(|(_, rocs)| rocs);
                let Some(curves) = curves.filter(|curves| !curves.is_empty()) else { continue };
                let mut points = band_points(curves);
                // Nothing is called positive: the corner where every ROC starts.
                points.insert(0, Point { x: 0.0, y: Some(0.0), range: None });
                lines.push(Line {
                    name: method.clone(),
                    style: style_of(digest, method),
                    points,
                    range: Range::Band,
                });
                areas.push(format!("{method} {}", value(row.of(method).and_then(|row| row.auc.mean))));
            }
            let seen = if row.is_seen_source() { " (seen)" } else { "" };
            if lines.is_empty() {
                let reason = row.methods.iter().find_map(|row| row.reason.as_deref()).unwrap_or("no value");
                let caption = format!("{}{seen}: no curve, {reason}", row.source);
                let _ = write!(
                    text,
                    "<figure data-source=\"{}\"><figcaption>{}</figcaption></figure>",
                    html(&row.source),
                    html(&caption)
                );
                continue;
            }
            n_drawn += 1;
            let plot = Plot {
                description: format!("ROC on {}: AUC {}", row.source, areas.join(", ")),
                x_label: "false positive rate".to_owned(),
                y_label: "true positive rate".to_owned(),
                x_limits: Some((0.0, 1.0)),
                ticks_at_points: false,
                y_limits: Some((0.0, 1.0)),
                width: 350.0,
                height: 290.0,
                guide: Guide::Diagonal,
                lines,
            };
            let _ = write!(
                text,
                "<figure data-source=\"{}\"><figcaption><strong>{}{seen}</strong><br>AUC {}</figcaption>{}</figure>",
                html(&row.source),
                html(&row.source),
                html(&areas.join(", ")),
                plot.draw()
            );
        }
        text.push_str("</div>\n");
        if n_drawn == 0 { String::new() } else { text }
    });
    if text.is_empty() {
        return text;
    }
    let seeds = count(digest.input.seeds.len(), "seed");
    format!(
        "{text}<p class=\"note\">Averaged over up to {seeds} at fixed false positive rates; the band is ± 1 standard \
         deviation. The AUC beside a name is the mean of the seeds' AUCs, as in the table.</p>\n"
    )
}
