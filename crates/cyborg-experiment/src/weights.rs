//! Weights to start from, fetched before anything is trained.

use std::path::PathBuf;
use std::sync::Mutex;

use cyborg_weights::{Hub, Progress as Watch};

use crate::check::Experiment;
use crate::error_chain;
use crate::progress::{Counter, Progress};

/// Where the pretrained weights of each backbone lie, once they are on this machine: None for a backbone without any,
/// else the reason why its runs cannot start.
pub(crate) fn fetch(experiment: &Experiment, progress: &Progress) -> Vec<Result<Option<PathBuf>, String>> {
    let hub = Hub::from_env();
    let fetch = |source| {
        let watch = Download { progress, bar: Mutex::new(None) };
        hub.fetch(source, &watch).map_err(|error| error_chain(&error))
    };
    experiment.backbones.iter().map(|backbone| backbone.pretrained.as_ref().map(fetch).transpose()).collect()
}

struct Download<'a> {
    progress: &'a Progress,
    /// Bytes here and bytes in all.
    bar: Mutex<Option<(Counter, u64, u64)>>,
}

impl Watch for Download<'_> {
    fn start(&self, wanted: &str, n_bytes: u64, n_here: u64) {
        self.progress.say(&format!("fetching {wanted}: {:.1} MB", n_bytes as f64 / 1e6));
        let counter = self.progress.counter(wanted);
        counter.set(n_here as usize, n_bytes as usize);
        if let Ok(mut bar) = self.bar.lock() {
            *bar = Some((counter, n_here, n_bytes));
        }
    }

    fn advance(&self, n_bytes: u64) {
        if let Ok(mut bar) = self.bar.lock()
            && let Some((counter, here, all)) = bar.as_mut()
        {
            *here += n_bytes;
            counter.set(*here as usize, *all as usize);
        }
    }

    fn note(&self, line: &str) {
        self.progress.say(line);
    }

    fn finish(&self) {
        if let Ok(mut bar) = self.bar.lock() {
            *bar = None;
        }
    }
}
