//! CAMs against human maps, and against those of other seeds.
use super::{filter_attributes, heading, parts};
use crate::block::Block;
use crate::cam_measures::{CamRow, MEASURES, MOST_IMAGES, Reference};
use crate::digest::Digest;
use crate::escape::html;
use crate::number::{DASH, spread, value};
use std::fmt::Write as _;

/// Both tables of each block.
pub(crate) fn section(digest: &Digest<'_>) -> String {
    let text = parts(digest, 1, |block| {
        let mut text = agreement(digest, block);
        text.push_str(&consistency(digest, block));
        text
    });
    if text.is_empty() {
        return text;
    }
    format!(
        "{text}<p class=\"note\">A CAM is that of the predicted class, also where the prediction is wrong: it then shows \
         why another class was taken. Each CAM is brought to 0..1 by its own minimum and maximum. Mean over images, then over \
         seeds ± 1 standard deviation. Higher means closer to people for r (Pearson), ρ (Spearman), SIM, NSS, AUC-Judd, \
         IoU and Dice (of the top 10 % of cells) and SSIM, lower for MSE and KL. Entropy is a share of the largest \
         possible: 1 is a CAM that looks everywhere alike. CAMs of different seeds against each other: does training \
         again look at the same places? Of more than {MOST_IMAGES} test images as many \
         at even distances are measured.</p>\n"
    )
}

fn open(text: &mut String, digest: &Digest<'_>, block: &Block<'_>, title: &str) {
    let title = format!("{title}: {}", heading(digest, block));
    let _ = write!(
        text,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{t}\" {}>\
         <table class=\"sortable dense\"><caption>{t}</caption><thead><tr>",
        filter_attributes(block),
        t = html(&title)
    );
}

/// All images first, then classes, then sources.
fn place(row: &CamRow) -> (bool, bool) {
    (row.source != ALL, row.label.is_some())
}

/// Sources as the tables of results list them; those that have no row there come first.
fn source_rank(block: &Block<'_>, source: &str) -> usize {
    block.rows.iter().position(|row| row.source == source).map_or(0, |at| at + 1)
}

fn method_rank(block: &Block<'_>, method: &str) -> usize {
    block.methods.iter().position(|known| known == method).unwrap_or(usize::MAX)
}

/// As `cyborg-eval` names the pool of all sources.
const ALL: &str = "all images";

fn agreement(digest: &Digest<'_>, block: &Block<'_>) -> String {
    // A class within a source is in the files, not on the page.
    let mut rows: Vec<&CamRow> =
        block.cam_rows.iter().filter(|row| row.source == ALL || row.label.is_none()).collect();
    if rows.is_empty() {
        return String::new();
    }
    let rank = |row: &CamRow| {
        (place(row), row.label, source_rank(block, &row.source), method_rank(block, &row.method))
    };
    rows.sort_by_key(|row| rank(row));
    let shown: Vec<usize> =
        (0..MEASURES.len()).filter(|&at| rows.iter().any(|row| row.values[at].mean.is_some())).collect();
    let title = match block.reference {
        Reference::OwnMap => "CAM of the predicted class against each test image's human map",
        Reference::ClassAverage => {
            "CAM of the predicted class against the average human map of the image's true class"
        }
        Reference::Nothing => "How far CAMs are spread",
    };
    let mut text = String::new();
    open(&mut text, digest, block, title);
    text.push_str("<th scope=\"col\" data-sort>images</th><th scope=\"col\" data-sort>method</th>");
    for &at in &shown {
        let _ = write!(text, "<th scope=\"col\" class=\"number\" data-sort>{}</th>", html(MEASURES[at].1));
    }
    text.push_str("<th scope=\"col\" class=\"number\" data-sort>n</th></tr></thead><tbody>\n");
    for row in rows {
        let what = what(block, &row.source, row.label);
        let source =
            if row.source == ALL { String::new() } else { format!(" data-source=\"{}\"", html(&row.source)) };
        let _ = write!(
            text,
            "<tr{source} data-method=\"{m}\"><th scope=\"row\">{}</th><td>{m}</td>",
            html(&what),
            m = html(&row.method)
        );
        for &at in &shown {
            let stat = row.values[at];
            let sort = stat.mean.map_or_else(String::new, |mean| mean.to_string());
            let _ = write!(
                text,
                "<td class=\"number\" data-value=\"{sort}\">{}</td>",
                html(&spread(stat.mean, stat.sd))
            );
        }
        let _ = writeln!(text, "<td class=\"number\" data-value=\"{n}\">{n}</td></tr>", n = row.n_images);
    }
    text.push_str("</tbody></table></div>\n");
    if block.reference == Reference::ClassAverage {
        text.push_str(
            "<p class=\"note\">No test image has a human map of its own. The average over the training images of the \
             class stands in: it means something where images are aligned, as faces are.</p>\n",
        );
    }
    text
}

fn what(block: &Block<'_>, source: &str, label: Option<u32>) -> String {
    let class = label.and_then(|label| block.data.classes.get(label as usize));
    match class {
        None => source.to_owned(),
        Some(class) if source == ALL => format!("class {class}"),
        Some(class) => format!("{source}, {class}"),
    }
}

fn consistency(digest: &Digest<'_>, block: &Block<'_>) -> String {
    let mut rows: Vec<_> =
        block.consistency_rows.iter().filter(|row| row.source == ALL || row.label.is_none()).collect();
    if rows.is_empty() {
        return String::new();
    }
    rows.sort_by_key(|row| {
        let place = (row.source != ALL, row.label.is_some());
        (place, row.label, source_rank(block, &row.source), method_rank(block, &row.method))
    });
    let mut text = String::new();
    open(&mut text, digest, block, "CAMs of different seeds against each other");
    text.push_str(
        "<th scope=\"col\" data-sort>images</th><th scope=\"col\" data-sort>method</th>\
         <th scope=\"col\" class=\"number\" data-sort>SSIM</th><th scope=\"col\" class=\"number\" data-sort>r</th>\
         <th scope=\"col\" class=\"number\" data-sort>seeds</th><th scope=\"col\" class=\"number\" data-sort>n</th>\
         </tr></thead><tbody>\n",
    );
    for row in rows {
        let source =
            if row.source == ALL { String::new() } else { format!(" data-source=\"{}\"", html(&row.source)) };
        let _ = write!(
            text,
            "<tr{source} data-method=\"{m}\"><th scope=\"row\">{}</th><td>{m}</td>",
            html(&what(block, &row.source, row.label)),
            m = html(&row.method)
        );
        for number in [row.ssim, row.pearson] {
            let sort = number.map_or_else(String::new, |number| number.to_string());
            let shown = if number.is_some() { value(number) } else { DASH.to_owned() };
            let _ = write!(text, "<td class=\"number\" data-value=\"{sort}\">{shown}</td>");
        }
        for number in [row.n_seeds, row.n_images] {
            let _ = write!(text, "<td class=\"number\" data-value=\"{number}\">{number}</td>");
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
    text
}
