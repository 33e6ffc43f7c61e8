//! Figures as tables for people, in Markdown.

use crate::check::Agreement;
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
    let work = match settings.mode {
        Mode::Train => "training steps",
        Mode::Eval => "evaluations",
    };
    let busy = match figures.load_before {
        Some(load) if load >= 0.5 => {
            format!("other work was running (load {load:.1}): the clock misleads, CPU seconds less so\n\n")
        }
        _ => String::new(),
    };
    let mut text = format!(
        "{}, {} px, batch {}, {work}; {:.2} GFLOP an image; {processor}\n\n{busy}",
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
        let Agreement { with, outputs, .. } = agreement;
        let method = match settings.mode {
            Mode::Train => format!(", {}", agreement.method),
            Mode::Eval => String::new(),
        };
        let _ = writeln!(text, "\nsame numbers as {with}{method}: outputs {outputs:.1e}{gradients}");
    }
    for contestant in figures.contestants.iter().filter(|contestant| contestant.variant.is_some()) {
        if let Some(error) = figures.second_loss_error(contestant) {
            let Contestant { program, threads, .. } = contestant;
            let method = contestant.method.name();
            let _ = writeln!(
                text,
                "\nafter one step of the optimiser, {program}, {method}, {threads} thread(s): losses {error:.1e} apart"
            );
        }
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
        "before MiB",
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
            what(figures, contestant).to_owned(),
            contestant.threads.to_string(),
            format!("{rate:.2}"),
            format!("{low:.2} to {high:.2}"),
            format!("{:.1}", flops * 1e-9),
            contestant
                .gemm_peak
                .map_or("unknown".to_owned(), |peak| format!("{:.0} %", 100.0 * flops / peak)),
            contestant.median_cpu_s().map_or("unknown".to_owned(), three_digits),
            mebibytes(contestant.memory.peak_bytes),
            mebibytes(contestant.memory.before_bytes),
            three_digits(contestant.start_s),
            three_digits(contestant.network_s),
            three_digits(contestant.first_s),
        ]);
    }
    align(&mut table, 2);
    table.to_string()
}

/// What a step is for.
fn what(figures: &StepFigures, contestant: &Contestant) -> &'static str {
    match figures.settings.mode {
        Mode::Train => contestant.method.name(),
        Mode::Eval => "evaluation",
    }
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or("unknown".to_owned(), |bytes| (bytes >> 20).to_string())
}

fn three_digits(value: f64) -> String {
    let before_the_point = value.abs().max(1e-3).log10().floor() as i32;
    format!("{value:.*}", (2 - before_the_point).max(0) as usize)
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
                _ => "unknown parts".to_owned(),
            };
            let grown = match (mine.memory.grown(), other.memory.grown()) {
                (Some(mine), Some(other)) => format!("{:.2}", mine as f64 / other as f64),
                _ => "unknown parts".to_owned(),
            };
            lines.push(format!(
                "{} over {}, {}, {} thread(s): {:.2} times the images/s{}; {memory} of its peak memory, \
                 {grown} of what it takes beyond `before`",
                mine.program,
                other.program,
                what(figures, mine),
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
                what(figures, many),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConvShape, Memory, Settings, Variant};

    fn settings() -> Settings {
        Settings {
            backbone: "resnet18".to_owned(),
            input_px: 224,
            batch: 20,
            method: Method::Cyborg,
            mode: Mode::Train,
            threads: 1,
            seed: 0,
            variant: None,
            inputs: None,
        }
    }

    fn contestant(variant: Option<Variant>, method: Method, threads: usize, seconds: f64) -> Contestant {
        Contestant {
            program: variant.map_or("cyborg", Variant::name).to_owned(),
            variant,
            method,
            threads,
            start_s: 0.123,
            network_s: 0.1,
            first_s: 12.345,
            seconds: vec![seconds; 3],
            cpu_seconds: Some(vec![2.0 * seconds; 3]),
            values: vec![0.5, 0.25],
            memory: Memory { peak_bytes: Some((seconds * 1e9) as u64), before_bytes: Some(500_000_000) },
            gemm_peak: Some(1e11),
            about: BTreeMap::from([("threads".to_owned(), threads.to_string())]),
        }
    }

    fn text(contestants: Vec<Contestant>) -> String {
        step_text(&StepFigures {
            settings: settings(),
            processor: "a processor".to_owned(),
            load_before: Some(2.0),
            operations_per_image: 1e10,
            agreements: Vec::new(),
            contestants,
        })
    }

    #[test]
    fn ratios_are_between_what_differs_in_one_thing() {
        let text = text(vec![
            contestant(None, Method::Cyborg, 1, 4.0),
            contestant(None, Method::CrossEntropy, 1, 3.2),
            contestant(Some(Variant::Nchw), Method::Cyborg, 1, 6.0),
            contestant(None, Method::Cyborg, 2, 2.5),
        ]);
        // 20 images in 4 s, 1e10 operations each, of a peak of 1e11.
        let row = text.lines().find(|line| line.starts_with("| cyborg ")).expect("a row");
        let cells: Vec<&str> = row.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect();
        let expected = ["cyborg", "cyborg", "1", "5.00", "5.00 to 5.00", "50.0", "50 %", "8.00"];
        assert_eq!(cells[..8], expected, "{text}");
        assert_eq!(cells[8..], ["3814", "476", "0.123", "0.100", "12.3"], "{text}");
        for words in [
            "cyborg over PyTorch NCHW, cyborg, 1 thread(s): 1.50 times the images/s (1.50 by CPU time); 0.67 of its \
             peak memory, 0.64 of what it takes beyond `before`",
            "cyborg's step over cross-entropy's, 1 thread(s): +25.0 % (+25.0 % by CPU time)",
            "cyborg, cyborg, 2 threads over 1: 1.60 times the images/s",
            "losses 0.0e0 apart",
            "other work was running (load 2.0)",
        ] {
            assert!(text.contains(words), "`{words}` is missing in:\n{text}");
        }
    }

    #[test]
    fn what_the_system_does_not_tell_is_unknown() {
        let mut one = contestant(None, Method::Cyborg, 1, 4.0);
        (one.cpu_seconds, one.gemm_peak) = (None, None);
        one.memory = Memory { peak_bytes: None, before_bytes: None };
        let text = text(vec![one]);
        let row = text.lines().find(|line| line.starts_with("| cyborg ")).expect("a row");
        assert_eq!(row.matches("unknown").count(), 4, "{text}");
    }

    #[test]
    fn totals_are_weighted_by_count() {
        let mut shape: ConvShape =
            crate::convolutions(cyborg_backbones::Architecture::ResNet18, 224).remove(1);
        shape.count = 4;
        let row = |pass, seconds: f64| OpsRow {
            shape: shape.clone(),
            pass,
            operations: 1e9,
            seconds: vec![seconds, 2.0 * seconds],
            cpu_seconds: Some(vec![3.0 * seconds; 2]),
            errors: vec![1e-6],
        };
        let programs = ["cyborg", "PyTorch NCHW"].map(|name| (name.to_owned(), BTreeMap::new()));
        let figures = OpsFigures {
            settings: settings(),
            processor: "a processor".to_owned(),
            programs: programs.to_vec(),
            rows: vec![row(Pass::Forward, 0.01), row(Pass::WeightGradient, 0.02)],
        };
        let cells = |by: By| -> Vec<String> {
            let text = ops_text(&figures, by);
            let row = text.lines().find(|line| line.contains("| all three")).expect("a row").to_owned();
            row.split('|').map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect()
        };
        // 4 x (10 + 20) ms, 8e9 operations.
        let expected = ["all, times count", "4", "all three", "120.000", "66.7", "240.000", "33.3", "2.00"];
        assert_eq!(cells(By::Clock), expected);
        assert_eq!(cells(By::Cpu)[3..], ["360.000", "22.2", "360.000", "22.2", "1.00"]);
    }
}
