//! The report for the terminal: warnings, the main table, the verdict. At most 100 columns.
use crate::block::{Block, SourceRow};
use crate::compare::{table_of_images, table_of_subjects};
use crate::digest::{Digest, Sweep};
use crate::escape::{line, wrap};
use crate::number::{DASH, p, plain, signed, spread};
use crate::results::Summary;
use crate::verdict::{caution, verdicts};
use crate::words::{short_title, table_notes};
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle};
use cyborg_eval::MetricName;
use std::fmt::Write as _;

/// Columns that the terminal is taken to have.
pub(crate) const WIDTH: usize = 100;

/// Columns left for the names of sources beside the numbers of two methods.
pub(crate) const NAME_WIDTH: usize = 20;

/// The whole text, ending in a line end.
pub(crate) fn table(digest: &Digest<'_>) -> String {
    let mut text = String::new();
    let mut say = |paragraph: &str, indent: usize| {
        text.push_str(&wrap(&line(paragraph), WIDTH, indent));
        text.push('\n');
    };
    if let Some(positive) = positive_class(digest) {
        say(&positive, 0);
    }
    say(&digest.input.title, 0);
    for note in top_notes(digest) {
        say(&note, 2);
    }
    let sweep = digest.sweep();
    if let Some(sweep) = &sweep {
        text.push_str(&sweep_tables(sweep));
    }
    for block in digest.blocks.iter().filter(|block| sweep.is_none() || block.data.at.is_none()) {
        text.push_str(&block_table(digest, block));
    }
    for pair in &digest.on_images {
        table_of_images(&mut text, pair);
    }
    // Beside several seeds it is on the pages: the test over seeds comes first.
    for found in digest.over_subjects.iter().filter(|found| found.n_seeds == 1) {
        table_of_subjects(&mut text, found, &digest.headline_metrics());
    }
    text.push('\n');
    let mut say = |paragraph: &str| {
        text.push_str(&wrap(&line(paragraph), WIDTH, 2));
        text.push('\n');
    };
    let verdicts = verdicts(digest);
    for verdict in &verdicts {
        say(&verdict.full());
        if let Some(beside) = &verdict.beside {
            say(beside);
        }
    }
    if let Some(caution) = caution(&verdicts) {
        say(&caution);
    }
    text
}

/// What counts as positive in scores from elsewhere, which only who wrote them knows.
pub(crate) fn positive_class(digest: &Digest<'_>) -> Option<String> {
    let data = digest.input.data.first().filter(|_| digest.input.scores_only)?;
    let label = data.plan.positive;
    let name = data.classes.get(label as usize).filter(|name| **name != label.to_string());
    let name = name.map_or_else(String::new, |name| format!(" (`{name}`)"));
    Some(format!("Positive class: label {label}{name}; a higher score means more positive"))
}

/// Phantom data, warnings and failed runs, one line each.
fn top_notes(digest: &Digest<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let phantoms: Vec<&str> = digest.phantoms().iter().map(|data| data.title.as_str()).collect();
    if let [first, others @ ..] = phantoms.as_slice() {
        let names =
            if others.is_empty() { (*first).to_owned() } else { format!("{} data sets", phantoms.len()) };
        notes.push(format!("PHANTOM DATA ({names}): drawn by a program, not photographed"));
    }
    let failures = digest.failures();
    notes.extend(failures.iter().map(|(runs, reason)| format!("FAILED: {}: {reason}", runs.join("; "))));
    notes.extend(digest.warnings.iter().map(|warning| format!("WARNING: {warning}")));
    notes
}

pub(crate) fn new_table() -> Table {
    let mut table = Table::new();
    let rule = LineStyle::new('─', '─', '─', '─');
    table
        .load_style(TableStyle::new().header_separator(rule))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH as u16);
    table
}

pub(crate) fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Draws the table, without blanks at line ends.
pub(crate) fn draw(table: &Table) -> String {
    table.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// Data set, backbone and number of seeds.
fn heading(digest: &Digest<'_>, block: &Block<'_>) -> String {
    let shown = digest.place(block).unwrap_or_else(|| format!("{}, {}", block.data.title, block.backbone));
    line(&format!("{shown}, {}", block.seeds_in_words()))
}

fn block_table(digest: &Digest<'_>, block: &Block<'_>) -> String {
    let mut text = format!("\n{}\n", wrap(&heading(digest, block), WIDTH, 2));
    let rows = |is_aggregate: bool| -> Vec<Line<'_>> {
        let rows = block.rows.iter().filter(|row| row.is_aggregate == is_aggregate);
        rows.map(|row| Line { name: row_name(row), block, row }).collect()
    };
    let pairs = block.pairs(digest.input);
    text.push_str(&method_table(&block.methods, &pairs, "source", block.second, &[rows(false), rows(true)]));
    let notes = table_notes(block, !pairs.is_empty());
    for reason in notes.into_iter().chain(block.reasons()) {
        text.push_str(&wrap(&line(&reason), WIDTH, 2));
        text.push('\n');
    }
    text
}

/// `ProGAN`, `StyleGAN2 (seen)`.
fn row_name(row: &SourceRow) -> String {
    let seen = if row.is_seen_source() { " (seen)" } else { "" };
    format!("{}{seen}", line(&row.source))
}

/// A long name in lines of at most `width` characters, broken after a hyphen, underscore, slash or blank if there is one.
pub(crate) fn break_name(name: &str, width: usize) -> String {
    let mut broken = String::new();
    let mut rest: Vec<char> = name.chars().collect();
    while rest.len() > width {
        let joint = rest[..width].iter().rposition(|character| matches!(character, '-' | '_' | '/' | ' '));
        let tail = rest.split_off(joint.map_or(width, |at| at + 1));
        broken.extend(rest.iter().chain(['\n'].iter()));
        rest = tail;
    }
    broken.extend(rest);
    broken
}

/// A sweep: one table a backbone, one row a point, of the aggregate that the verdict is about.
fn sweep_tables(sweep: &Sweep<'_>) -> String {
    let mut text = String::new();
    for (backbone, points) in &sweep.backbones {
        let what = format!("{backbone}: {}, over {}", sweep.headline.source(), sweep.label);
        let _ = write!(text, "\n{}\n", wrap(&line(&what), WIDTH, 2));
        let lines = points
            .iter()
            .filter_map(|(at, block)| block.headline_row().map(|row| Line { name: plain(*at), block, row }))
            .collect();
        let second = points.iter().find_map(|(_, block)| block.second);
        text.push_str(&method_table(&sweep.methods, &sweep.pairs, &line(sweep.label), second, &[lines]));
        if let Some((_, block)) = points.iter().find(|(_, block)| block.second.is_some()) {
            for note in table_notes(block, !sweep.pairs.is_empty()) {
                let _ = writeln!(text, "{}", wrap(&line(&note), WIDTH, 2));
            }
        }
    }
    text
}

/// One row of the table.
struct Line<'a> {
    name: String,
    block: &'a Block<'a>,
    row: &'a SourceRow,
}

/// Two methods stand side by side, more below each other.
fn method_table(
    methods: &[String],
    pairs: &[(String, String)],
    first_column: &str,
    second: Option<MetricName>,
    groups: &[Vec<Line<'_>>],
) -> String {
    let mut table = new_table();
    let side_by_side = methods.len() <= 2;
    let mut header = vec![Cell::new(first_column)];
    if side_by_side {
        for method in methods {
            header.push(right(format!("{}\nAUC", line(method))));
            header.extend(second.map(|metric| right(format!("\n{}", short_title(metric)))));
        }
        for (baseline, candidate) in pairs {
            // With one pair of two methods the verdict below says which way round.
            let difference = if pairs.len() == 1 && methods.len() == 2 && *baseline == methods[0] {
                "AUC\ndiff.".to_owned()
            } else {
                format!("{} -\n{}", line(candidate), line(baseline))
            };
            header.push(right(difference));
            header.push(right("p\n(Holm)".to_owned()));
        }
    } else {
        header.push(Cell::new("method"));
        header.push(right("AUC".to_owned()));
        header.extend(second.map(|metric| right(short_title(metric).to_owned())));
    }
    table.set_header(header);
    for (at, group) in groups.iter().enumerate() {
        if at > 0 && !group.is_empty() {
            table.add_row([Cell::new("")]);
        }
        for Line { name, block, row } in group {
            if side_by_side {
                let mut cells = vec![Cell::new(break_name(name, NAME_WIDTH))];
                cells.extend(methods.iter().flat_map(|method| stats(row.of(method), second)));
                for (baseline, candidate) in pairs {
                    let comparison = block.comparison(row, MetricName::Auc, baseline, candidate);
                    cells.push(right(signed(comparison.and_then(|row| row.mean_difference))));
                    cells.push(right(p(comparison.and_then(|row| row.p_holm))));
                }
                table.add_row(cells);
                continue;
            }
            for (at, method) in methods.iter().enumerate() {
                let name = if at == 0 { name.as_str() } else { "" };
                let mut cells = vec![Cell::new(name), Cell::new(line(method))];
                cells.extend(stats(row.of(method), second));
                table.add_row(cells);
            }
        }
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        // Numbers stay whole: a long name breaks instead.
        if at > 0 {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    draw(&table)
}

/// AUC and what stands beside it.
fn stats(summary: Option<&Summary>, second: Option<MetricName>) -> Vec<Cell> {
    let cell = |metric: MetricName| match summary.map(|row| row.stat(metric)) {
        Some(stat) => right(spread(stat.mean, stat.sd)),
        None => right(DASH.to_owned()),
    };
    std::iter::once(MetricName::Auc).chain(second).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::break_name;

    #[test]
    fn long_names_break_at_their_joints() {
        assert_eq!(break_name("checkerboard-nose-mouth-hairline", 22), "checkerboard-nose-\nmouth-hairline");
        assert_eq!(break_name("StyleGAN2 (seen)", 22), "StyleGAN2 (seen)");
        assert_eq!(break_name("abcdef", 4), "abcd\nef");
    }
}
