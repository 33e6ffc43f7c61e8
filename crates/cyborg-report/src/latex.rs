//! The tables as LaTeX: `tables.tex`, to be read with `\input`; needs `booktabs`.
use crate::block::{Block, SourceRow};
use crate::digest::Digest;
use crate::escape::latex;
use crate::number::count;
use crate::number::{DASH, interval, p, signed, spread};
use crate::words::{short_title, table_notes};
use cyborg_eval::MetricName;
use std::fmt::Write as _;

/// One `table` environment a block, and one for a sweep.
pub(crate) fn tables(digest: &Digest<'_>) -> String {
    let mut text = "% \\usepackage{booktabs}\n".to_owned();
    for data in digest.phantoms() {
        let _ =
            writeln!(text, "% PHANTOM DATA: {} is drawn by a program, not photographed", latex(&data.title));
    }
    for block in &digest.blocks {
        table(&mut text, digest, block);
    }
    text
}

fn table(text: &mut String, digest: &Digest<'_>, block: &Block<'_>) {
    let pairs = block.pairs(digest.input);
    let place = digest.place(block).unwrap_or_else(|| format!("{}, {}", block.data.title, block.backbone));
    let phantom = if block.data.phantom { "Drawn phantom images, not photographs. " } else { "" };
    let test = if pairs.is_empty() {
        String::new()
    } else {
        " Differences: mean over seeds with its 95 % t-interval.".replace('%', "\\%")
    };
    let mut notes = String::new();
    for note in table_notes(block, !pairs.is_empty()) {
        let first = note.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        let kept = if note.starts_with("p:") { note.clone() } else { first + &note[1..] };
        let _ = write!(notes, " {}.", latex(&kept));
    }
    let second =
        block.second.map_or_else(String::new, |metric| format!(" and {}", latex(short_title(metric))));
    let second_head = block.second.map_or_else(String::new, |m| format!(" & {}", latex(short_title(m))));
    let n_columns = 1 + usize::from(block.second.is_some());
    let _ = write!(
        text,
        "\n\\begin{{table}}\n  \\centering\n  \\caption{{{}. AUC{second}, mean $\\pm$ standard deviation over {}. \
         {phantom}{test}{notes}}}\n  \\begin{{tabular}}{{l{}{}}}\n    \\toprule\n",
        latex(&place),
        latex(&block.seeds_in_words()),
        "r".repeat(n_columns * block.methods.len()),
        "rr".repeat(pairs.len()),
    );
    let mut head = String::new();
    let mut rules = String::new();
    let mut column = 2;
    for method in &block.methods {
        let _ = write!(head, " & \\multicolumn{{{n_columns}}}{{c}}{{{}}}", latex(method));
        let _ = write!(rules, "\\cmidrule(lr){{{column}-{}}}", column + n_columns - 1);
        column += n_columns;
    }
    for (baseline, candidate) in &pairs {
        let _ =
            write!(head, " & \\multicolumn{{2}}{{c}}{{{} $-$ {}, AUC}}", latex(candidate), latex(baseline));
        let _ = write!(rules, "\\cmidrule(lr){{{column}-{}}}", column + 1);
        column += 2;
    }
    let _ = write!(
        text,
        "   {head} \\\\\n    {rules}\n    source{}{} \\\\\n    \\midrule\n",
        format!(" & AUC{second_head}").repeat(block.methods.len()),
        " & difference & $p$ (Holm)".repeat(pairs.len())
    );
    for (at, row) in block.rows.iter().enumerate() {
        if at > 0 && row.is_aggregate && !block.rows[at - 1].is_aggregate {
            text.push_str("    \\midrule\n");
        }
        let _ = write!(text, "    {}", name(row));
        for method in &block.methods {
            for metric in std::iter::once(MetricName::Auc).chain(block.second) {
                let stat = row.of(method).map(|summary| summary.stat(metric)).unwrap_or_default();
                let _ = write!(text, " & {}", latex(&spread(stat.mean, stat.sd)));
            }
        }
        for (baseline, candidate) in &pairs {
            let comparison = block.comparison(row, MetricName::Auc, baseline, candidate);
            let difference = latex(&signed(comparison.and_then(|row| row.mean_difference)));
            let reach = comparison.and_then(|row| interval(row.ci_low, row.ci_high));
            let reach = reach.map_or_else(String::new, |reach| format!(" {}", latex(&reach)));
            let _ =
                write!(text, " & {difference}{reach} & {}", latex(&p(comparison.and_then(|row| row.p_holm))));
        }
        text.push_str(" \\\\\n");
    }
    text.push_str("    \\bottomrule\n  \\end{tabular}\n\\end{table}\n");
    for reason in block.reasons() {
        let _ = writeln!(text, "% {} {}", DASH.replace('–', "--"), latex(&reason));
    }
    let failed = digest.failed.len();
    if failed > 0 {
        let _ = writeln!(text, "% {} failed and are missing here", count(failed, "run"));
    }
}

/// Aggregates in italics, seen sources marked.
fn name(row: &SourceRow) -> String {
    match (row.is_aggregate, row.is_seen_source()) {
        (true, _) => format!("\\emph{{{}}}", latex(&row.source)),
        (false, true) => format!("{} (seen)", latex(&row.source)),
        (false, false) => latex(&row.source),
    }
}
