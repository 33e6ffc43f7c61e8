//! How far a command over many pictures is: a bar on a terminal, a line now and then in a log. Always on stderr.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use cyborg_predict::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a log hears of it.
const LINE_EVERY: Duration = Duration::from_secs(30);

pub(crate) struct Pictures {
    bar: ProgressBar,
    lines: bool,
    started: Instant,
    last_line: Instant,
}

impl Pictures {
    pub(crate) fn new(of: usize, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::new(of as u64);
        let template = "{wide_bar} {pos}/{len}  {msg}  {eta} left";
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        if quiet || !terminal {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let now = Instant::now();
        Self { bar, lines: !quiet && !terminal, started: now, last_line: now }
    }

    #[expect(clippy::print_stderr, reason = "progress goes to stderr; stdout carries the result")]
    pub(crate) fn set(&mut self, progress: Progress) {
        let Progress { done, of, failed } = progress;
        let rate = self.rate(done);
        let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
        self.bar.set_position(done as u64);
        self.bar.set_message(format!("{rate:.1} images/s{failed}"));
        if self.lines && done < of && self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            let left = ((of - done) as f64 / rate).round() as u64;
            eprintln!(
                "{done}/{of} images, {rate:.1} images/s{failed}, {}:{:02}:{:02} left",
                left / 3600,
                left / 60 % 60,
                left % 60
            );
        }
    }

    /// Images a second since the start.
    pub(crate) fn rate(&self, done: usize) -> f64 {
        done as f64 / self.started.elapsed().as_secs_f64().max(1e-9)
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
