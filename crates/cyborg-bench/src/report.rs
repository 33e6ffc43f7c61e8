//! Figures as tables for people, in Markdown.

use crate::ops::{OpsFigures, OpsRow, Pass};
use crate::step::{Contestant, StepFigures};
use crate::{Method, Mode};
use comfy_table::{CellAlignment, ContentArrangement, Table};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Which seconds count in the tables of `bench ops`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The clock's.
    Clock,
    /// Those on processors, all threads together: less disturbed by other work on the machine.
    Cpu,
}

/// The table of `bench step`, and what it comes to.
pub fn step_text(figures: &StepFigures) -> String {
    let StepFigures { settings, processor, .. } = figures;
    let what = match settings.mode {
        Mode::Train => "training steps",
        Mode::Eval => "evaluations",
    };
    let load = figures.load_before.map_or(String::new(), |load| format!(", load before {load:.1}"));
    let mut text = format!(
        "{}, {} px, batch {}, {what}; {:.2} GFLOP an image; {processor}{load}\n\n",
        settings.backbone,
        settings.input_px,
        settings.batch,
        figures.operations_per_image * 1e-9
    );
    text += &step_table(figures);
    text.push('\n');
    for line in comparisons(figures) {
        let _ = writeln!(text, "\n{line}");
    }
    for agreement in &figures.agreements {
        let gradients = if agreement.parameters == 0 {
            String::new()
        } else {
            format!(
                ", gradients of {} parameters {:.1e} (worst {:.1e}, {})",
                agreement.parameters,
                agreement.gradients,
                agreement.worst_gradient,
                agreement.worst_parameter
            )
        };
        let (with, method, outputs) = (&agreement.with, &agreement.method, agreement.outputs);
        let _ = writeln!(text, "\nsame numbers as {with}, {method}: outputs {outputs:.1e}{gradients}");
    }
    let mut programs: BTreeMap<&str, &BTreeMap<String, String>> = BTreeMap::new();
    for contestant in &figures.contestants {
        programs.entry(&contestant.program).or_insert(&contestant.about);
    }
    for (program, about) in programs {
        let _ = writeln!(text, "\n{program}: {}", listed(about));
    }
    text
}

fn listed(about: &BTreeMap<String, String>) -> String {
    about.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

fn step_table(figures: &StepFigures) -> String {
    let mut table = markdown(&[
        "program",
        "method",
        "threads",
        "images/s",
        "smallest to largest",
        "GFLOP/s",
        "of GEMM peak",
        "CPU s a step",
        "peak MiB",
        "start s",
        "of it network s",
        "first step s",
    ]);
    let batch = figures.settings.batch;
    for contestant in &figures.contestants {
        let (rate, low, high) = contestant.images_per_second(batch);
        let flops = rate * figures.operations_per_image;
        table.add_row([
            contestant.program.clone(),
            if figures.settings.mode == Mode::Train { contestant.method.name() } else { "-" }.to_owned(),
            contestant.threads.to_string(),
            format!("{rate:.2}"),
            format!("{low:.2} to {high:.2}"),
            format!("{:.1}", flops * 1e-9),
            contestant
                .gemm_peak
                .map_or("unknown".to_owned(), |peak| format!("{:.0} %", 100.0 * flops / peak)),
            contestant.median_cpu_s().map_or("unknown".to_owned(), |seconds| format!("{seconds:.2}")),
            contestant.memory.peak_bytes.map_or("unknown".to_owned(), |bytes| format!("{}", bytes >> 20)),
            format!("{:.2}", contestant.start_s),
            format!("{:.2}", contestant.network_s),
            format!("{:.2}", contestant.first_s),
        ]);
    }
    align(&mut table, 2);
    table.to_string()
}

/// Ratios between contestants that differ in one thing only.
fn comparisons(figures: &StepFigures) -> Vec<String> {
    let all = &figures.contestants;
    let ours = |contestant: &&Contestant| contestant.variant.is_none();
    let mut lines = Vec::new();
    for mine in all.iter().filter(ours) {
        let same = |other: &&Contestant| other.threads == mine.threads && other.method == mine.method;
        for other in all.iter().filter(same).filter(|other| other.variant.is_some()) {
            let memory = match (mine.memory.peak_bytes, other.memory.peak_bytes) {
                (Some(mine), Some(other)) => format!("{:.2}", mine as f64 / other as f64),
                _ => "unknown".to_owned(),
            };
            lines.push(format!(
                "{} over {}, {}, {} thread(s): {:.2} times the images/s{}; {memory} of its peak memory",
                mine.program,
                other.program,
                mine.method.name(),
                mine.threads,
                other.median_s() / mine.median_s(),
                by_cpu(mine, other)
            ));
        }
        let baseline = |other: &&Contestant| {
            other.threads == mine.threads && other.method == Method::CrossEntropy && ours(other)
        };
        if mine.method == Method::Cyborg
            && let Some(other) = all.iter().find(baseline)
        {
            let more = |mine: f64, other: f64| format!("{:+.1} %", 100.0 * (mine / other - 1.0));
            let cpu = match (mine.median_cpu_s(), other.median_cpu_s()) {
                (Some(mine), Some(other)) => format!(" ({} by CPU time)", more(mine, other)),
                _ => String::new(),
            };
            let clock = more(mine.median_s(), other.median_s());
            let threads = mine.threads;
            lines.push(format!("cyborg's step over cross-entropy's, {threads} thread(s): {clock}{cpu}"));
        }
    }
    let few = all.iter().map(|contestant| contestant.threads).min().unwrap_or(1);
    for many in all.iter().filter(|contestant| contestant.threads > few) {
        let same = |other: &&Contestant| {
            other.threads == few && other.variant == many.variant && other.method == many.method
        };
        if let Some(one) = all.iter().find(same) {
            lines.push(format!(
                "{}, {}, {} threads over {few}: {:.2} times the images/s",
                many.program,
                many.method.name(),
                many.threads,
                one.median_s() / many.median_s()
            ));
        }
    }
    lines
}

fn by_cpu(mine: &Contestant, other: &Contestant) -> String {
    match (mine.median_cpu_s(), other.median_cpu_s()) {
        (Some(mine), Some(other)) => format!(" ({:.2} by CPU time)", other / mine),
        _ => String::new(),
    }
}

/// The table of `bench ops`, a row a product, and totals over the network.
pub fn ops_text(figures: &OpsFigures, by: By) -> String {
    let OpsFigures { settings, processor, programs, rows } = figures;
    let (by, unit) = match (by, rows.iter().all(|row| row.cpu_seconds.is_some())) {
        (By::Cpu, true) => (By::Cpu, "on processors"),
        _ => (By::Clock, "by the clock"),
    };
    let seconds = |row: &OpsRow| -> Vec<f64> {
        let cpu = row.cpu_seconds.as_ref().filter(|_| by == By::Cpu);
        cpu.unwrap_or(&row.seconds).clone()
    };
    let mut text = format!(
        "convolutions of {}, {} px, batch {}, {} thread(s); milliseconds {unit}, and GFLOP/s; {processor}\n\n",
        settings.backbone, settings.input_px, settings.batch, settings.threads
    );
    let mut header = vec!["first of them", "shape", "count", "product"];
    let names: Vec<[String; 2]> =
        programs.iter().map(|(name, _)| [format!("{name} ms"), "GFLOP/s".to_owned()]).collect();
    header.extend(names.iter().flatten().map(String::as_str));
    let ratios: Vec<String> = programs.iter().skip(1).map(|(name, _)| format!("over {name}")).collect();
    header.extend(ratios.iter().map(String::as_str));
    let mut table = markdown(&header);
    let cells = |seconds: &[f64], operations: f64| -> Vec<String> {
        let mut cells: Vec<String> = seconds
            .iter()
            .flat_map(|s| [format!("{:.3}", 1e3 * s), format!("{:.1}", 1e-9 * operations / s)])
            .collect();
        cells.extend(seconds.iter().skip(1).map(|other| format!("{:.2}", other / seconds[0])));
        cells
    };
    let weighted = |rows: &[&OpsRow]| -> (Vec<f64>, f64) {
        let mut total = (vec![0.0; programs.len()], 0.0);
        for row in rows {
            let count = row.shape.count as f64;
            total.0.iter_mut().zip(seconds(row)).for_each(|(total, seconds)| *total += count * seconds);
            total.1 += count * row.operations;
        }
        total
    };
    for row in rows {
        let mut line = vec![
            row.shape.name.clone(),
            row.shape.label(),
            row.shape.count.to_string(),
            row.pass.name().to_owned(),
        ];
        line.extend(cells(&seconds(row), row.operations));
        table.add_row(line);
    }
    let sums = Pass::ALL.iter().map(|pass| (pass.name(), Some(*pass))).chain([("all three", None)]);
    for (name, pass) in sums {
        let part: Vec<&OpsRow> = rows.iter().filter(|row| pass.is_none_or(|pass| row.pass == pass)).collect();
        let (total, operations) = weighted(&part);
        let count: usize =
            rows.iter().filter(|row| row.pass == Pass::Forward).map(|row| row.shape.count).sum();
        let mut line = vec!["all, times count".to_owned(), String::new(), count.to_string(), name.to_owned()];
        line.extend(cells(&total, operations));
        table.add_row(line);
    }
    align(&mut table, 2);
    if let Some(column) = table.column_mut(3) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    text += &table.to_string();
    text.push('\n');
    for (index, (name, _)) in programs.iter().skip(1).enumerate() {
        let worst = rows.iter().map(|row| row.errors[index]).fold(0f64, f64::max);
        let _ = writeln!(text, "\nsame numbers as {name}: {worst:.1e} of the largest value at most");
    }
    for (name, about) in programs {
        let _ = writeln!(text, "\n{name}: {}", listed(about));
    }
    text
}

fn markdown(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    table
}

/// Numbers to the right, from this column on.
fn align(table: &mut Table, from: usize) {
    for column in table.column_iter_mut().skip(from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}
