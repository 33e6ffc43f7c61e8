//! What a person sees while an experiment runs: bars on a terminal, lines in a log.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cyborg_train::{EpochRow, Observer};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// One for an experiment.
pub(crate) struct Progress {
    bars: MultiProgress,
    lines: bool,
    hidden: bool,
    runs: Mutex<Option<ProgressBar>>,
    finished: AtomicUsize,
    of: AtomicUsize,
    started: Instant,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let bars = MultiProgress::new();
        if quiet || !terminal {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self {
            bars,
            lines: !quiet && !terminal,
            hidden: quiet,
            runs: Mutex::new(None),
            finished: AtomicUsize::new(0),
            of: AtomicUsize::new(0),
            started: Instant::now(),
        }
    }

    /// A line that stays.
    #[expect(clippy::print_stderr, reason = "progress goes to stderr; stdout carries the result")]
    pub(crate) fn say(&self, text: &str) {
        if self.lines {
            eprintln!("{text}");
        } else if !self.hidden {
            // Fails only when the terminal is gone.
            let _ = self.bars.println(text);
        }
    }

    /// The bar over all runs that are to be done.
    pub(crate) fn begin_runs(&self, of: usize) {
        self.of.store(of, Ordering::Relaxed);
        let bar = self.bars.add(ProgressBar::new(of as u64));
        bar.set_style(style("{msg:<44} {wide_bar} {pos}/{len} runs  {elapsed}"));
        bar.set_message("all runs");
        bar.enable_steady_tick(Duration::from_millis(500));
        if let Ok(mut runs) = self.runs.lock() {
            *runs = Some(bar);
        }
    }

    pub(crate) fn run_finished(&self, text: &str) {
        let done = self.finished.fetch_add(1, Ordering::Relaxed) + 1;
        let of = self.of.load(Ordering::Relaxed);
        let elapsed = self.started.elapsed().as_secs();
        self.say(&format!("[{done}/{of}] {text}  ({}:{:02})", elapsed / 60, elapsed % 60));
        if let Ok(runs) = self.runs.lock()
            && let Some(bar) = runs.as_ref()
        {
            bar.inc(1);
        }
    }

    pub(crate) fn end(&self) {
        if let Ok(mut runs) = self.runs.lock()
            && let Some(bar) = runs.take()
        {
            bar.finish_and_clear();
        }
    }

    /// A bar for something that counts, such as the loading of images.
    pub(crate) fn counter(&self, what: &str) -> Counter {
        let bar = self.bars.add(ProgressBar::new(0));
        bar.set_style(style("{msg:<44} {wide_bar} {pos}/{len}  {eta} left"));
        bar.set_message(what.to_owned());
        Counter { bar }
    }

    /// Follows one run.
    pub(crate) fn run(&self, what: &str) -> RunBar<'_> {
        let bar = self.bars.insert_from_back(1, ProgressBar::new(0));
        bar.set_style(style("{prefix:<44} {wide_bar} {msg}"));
        bar.set_prefix(what.to_owned());
        RunBar { progress: self, bar, what: what.to_owned(), state: Mutex::new(RunState::default()) }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// See [`Progress::counter`].
pub(crate) struct Counter {
    bar: ProgressBar,
}

impl Counter {
    pub(crate) fn set(&self, done: usize, of: usize) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
    }

    pub(crate) fn say(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// See [`Progress::run`].
pub(crate) struct RunBar<'a> {
    progress: &'a Progress,
    bar: ProgressBar,
    what: String,
    state: Mutex<RunState>,
}

#[derive(Default)]
struct RunState {
    n_epochs: usize,
    n_steps: usize,
    /// Since training began or went on, to tell the speed and the time left.
    since: Option<Instant>,
    first_step: usize,
    images: usize,
    last_line: Option<Instant>,
}

impl Observer for RunBar<'_> {
    fn started(&self, epoch: usize, step: usize, n_epochs: usize, n_steps: usize) {
        if epoch > 0 || step > 0 {
            self.progress.say(&format!("{}: goes on at epoch {}, step {step}", self.what, epoch + 1));
        }
        self.bar.set_length((n_epochs * n_steps) as u64);
        self.bar.set_position((epoch * n_steps + step) as u64);
        if let Ok(mut state) = self.state.lock() {
            *state = RunState {
                n_epochs,
                n_steps,
                since: Some(Instant::now()),
                first_step: epoch * n_steps + step,
                images: 0,
                last_line: None,
            };
        }
    }

    fn pretrained(&self, lines: &[String]) {
        for line in lines {
            self.progress.say(&format!("{}: pretrained weights: {line}", self.what));
        }
    }

    fn step(&self, epoch: usize, step: usize, n_steps: usize, loss: f64, accuracy: f64, images: usize) {
        let position = epoch * n_steps + step + 1;
        self.bar.set_position(position as u64);
        let Ok(mut state) = self.state.lock() else { return };
        state.images += images;
        let seconds = state.since.map_or(0.0, |s| s.elapsed().as_secs_f64()).max(1e-9);
        let done = position.saturating_sub(state.first_step).max(1);
        let left = (state.n_epochs * state.n_steps).saturating_sub(position) as f64 * seconds / done as f64;
        self.bar.set_message(format!(
            "epoch {}/{} loss {loss:.3} acc {accuracy:.3} {:.0} img/s {} left",
            epoch + 1,
            state.n_epochs,
            state.images as f64 / seconds,
            minutes(left)
        ));
    }

    fn epoch(&self, row: &EpochRow, _seconds: f64) {
        let Ok(mut state) = self.state.lock() else { return };
        // A log wants to know that a long run lives, not every epoch of a short one.
        let quiet_for = state.last_line.or(state.since).map_or(Duration::ZERO, |t| t.elapsed());
        if self.progress.lines && quiet_for > Duration::from_secs(15) {
            state.last_line = Some(Instant::now());
            self.progress.say(&format!(
                "{}: epoch {}/{}, loss {:.3}, validation accuracy {:.3}",
                self.what,
                row.epoch + 1,
                state.n_epochs,
                row.train_loss,
                row.validation_accuracy
            ));
        }
    }

    fn scoring(&self, done: usize, of: usize) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message("scoring test images");
    }
}

impl Drop for RunBar<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `1:05` or `2:03:00`.
pub(crate) fn minutes(seconds: f64) -> String {
    let s = seconds.round().max(0.0) as u64;
    if s >= 3600 {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    } else {
        format!("{}:{:02}", s / 60, s % 60)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_read_as_people_write_them() {
        assert_eq!(super::minutes(65.4), "1:05");
        assert_eq!(super::minutes(7380.0), "2:03:00");
    }
}
