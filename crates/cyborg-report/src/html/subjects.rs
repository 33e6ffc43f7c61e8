//! Tests on the test images: DeLong's where they are independent, over subjects where several are of one.
use super::tables::{number_cell, open_named_table};
use crate::block::Block;
use crate::digest::Digest;
use crate::escape::html;
use crate::number::{DASH, interval, p, signed, value};
use crate::verdict::LEVEL;
use crate::words::short_title;
use std::fmt::Write as _;

/// Differences over subjects, in the metrics of the main table.
pub(crate) fn section(digest: &Digest<'_>, block: &Block<'_>) -> String {
    let mut text = String::new();
    let here = digest
        .over_subjects
        .iter()
        .filter(|found| found.baseline.data == block.data.name && found.baseline.backbone == block.backbone);
    for found in here {
        open_named_table(&mut text, digest, block, "dense", &found.heading());
        text.push_str(
            "<thead><tr><th scope=\"col\" data-sort>source</th><th scope=\"col\" data-sort>metric</th>",
        );
        let names = [
            found.baseline.method.as_str(),
            found.candidate.method.as_str(),
            "difference",
            "95 % interval",
            "p",
            "p, Holm",
        ];
        for name in names {
            let _ = write!(text, "<th scope=\"col\" class=\"number\" data-sort>{}</th>", html(name));
        }
        text.push_str("</tr></thead>\n");
        for is_aggregate in [false, true] {
            text.push_str(if is_aggregate { "<tbody class=\"aggregates\">\n" } else { "<tbody>\n" });
            for metric in digest.headline_metrics() {
                for row in found.of(metric).filter(|row| row.is_aggregate == is_aggregate) {
                    let significant = row.p_holm.is_some_and(|p| p < LEVEL);
                    let class = if significant { " class=\"significant\"" } else { "" };
                    let source = if is_aggregate {
                        String::new()
                    } else {
                        format!(" data-source=\"{}\"", html(&row.source))
                    };
                    let _ = write!(
                        text,
                        "<tr{class}{source}><th scope=\"row\">{}</th><td>{}</td>",
                        html(&row.source),
                        html(short_title(metric))
                    );
                    for number in [row.baseline, row.candidate] {
                        number_cell(&mut text, number, &value(number));
                    }
                    number_cell(&mut text, row.difference, &signed(row.difference));
                    let (low, high) = row.interval.unzip();
                    number_cell(&mut text, low, &interval(low, high).unwrap_or_else(|| DASH.to_owned()));
                    for tested in [row.p, row.p_holm] {
                        number_cell(&mut text, tested, &p(tested));
                    }
                    text.push_str("</tr>\n");
                }
            }
            text.push_str("</tbody>\n");
        }
        text.push_str("</table></div>\n");
        text.push_str(
            "<p class=\"note\">Several images are of one subject and no independent witnesses, so subjects are drawn with all \
             their images, the same for both methods. Every metric: <a href=\"subjects.csv\">subjects.csv</a>.</p>\n",
        );
    }
    text
}

/// DeLong's test, where there is one run of each of two methods.
pub(crate) fn on_images(digest: &Digest<'_>, block: &Block<'_>) -> String {
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
                    number_cell(&mut text, auc, &value(auc));
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
