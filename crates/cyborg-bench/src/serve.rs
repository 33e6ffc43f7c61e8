//! Our end of the line: this process is measured.

use crate::conv::Convolution;
use crate::protocol::{Answer, Memory, Opened, Request, Timed};
use crate::workload::{Computed, Workload};
use crate::{BenchError, system};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

/// Does what the lines of `requests` say, a line of `answers` each, until there are no more.
///
/// # Errors
/// Where the lines cannot be read or written; what goes wrong with a request is its answer.
pub fn serve(requests: impl BufRead, mut answers: impl Write) -> std::io::Result<()> {
    let mut server = Server { workload: None, convolution: None, before_bytes: None };
    for line in requests.lines() {
        let answer = match serde_json::from_str::<Request>(&line?) {
            Ok(request) => match server.answer(request) {
                Ok(value) => Answer::Ok(value),
                Err(error) => Answer::Error(on_one_line(&error)),
            },
            Err(error) => Answer::Error(error.to_string()),
        };
        serde_json::to_writer(&mut answers, &answer)?;
        answers.write_all(b"\n")?;
        answers.flush()?;
    }
    Ok(())
}

fn on_one_line(error: &BenchError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

struct Server {
    workload: Option<Workload>,
    convolution: Option<Convolution>,
    before_bytes: Option<u64>,
}

impl Server {
    fn answer(&mut self, request: Request) -> Result<Value, BenchError> {
        match request {
            Request::Open(settings) => {
                self.workload = None;
                check_threads(settings.threads)?;
                let (workload, made) = Workload::open(&settings)?;
                self.workload = Some(workload);
                self.before_bytes = system::resident_bytes();
                json(&Opened { network_s: made.network, data_s: made.data, about: about() })
            }
            Request::Export { dir } => json(&self.workload()?.export(&dir)?),
            Request::First { write } => {
                let timed = timed_step(self.workload()?, write.as_deref())?;
                system::reset_peak();
                json(&timed)
            }
            Request::Step => json(&timed_step(self.workload()?, None)?),
            Request::Memory => {
                let (peak_bytes, before_bytes) = (system::peak_bytes(), self.before_bytes);
                json(&Memory { peak_bytes, before_bytes })
            }
            Request::Peak => json(&system::gemm_peak()?),
            Request::Convolution(task) => {
                self.convolution = None;
                check_threads(task.threads)?;
                let clock = Instant::now();
                self.convolution = Some(Convolution::new(&task)?);
                let data_s = clock.elapsed().as_secs_f64();
                json(&Opened { network_s: 0.0, data_s, about: about() })
            }
            Request::Compare { dir } => json(&self.convolution()?.compare(&dir)?),
            Request::Time { pass, repeats } => {
                let convolution = self.convolution()?;
                let (cpu, clock) = (system::cpu_seconds(), Instant::now());
                for _ in 0..repeats {
                    convolution.run(pass)?;
                }
                let each = |total: f64| total / repeats as f64;
                let seconds = each(clock.elapsed().as_secs_f64());
                let used = || Some(each(system::cpu_seconds()? - cpu?));
                json(&Timed { seconds, cpu_seconds: used(), value: 0.0 })
            }
            Request::Outputs { .. } => Err(out_of_turn("outputs", "are written by the other program")),
        }
    }

    fn workload(&mut self) -> Result<&mut Workload, BenchError> {
        self.workload.as_mut().ok_or_else(|| out_of_turn("open", "is to come first"))
    }

    fn convolution(&mut self) -> Result<&mut Convolution, BenchError> {
        self.convolution.as_mut().ok_or_else(|| out_of_turn("convolution", "is to come first"))
    }
}

fn out_of_turn(setting: &'static str, expected: &str) -> BenchError {
    BenchError::Setting { setting, found: "out of turn".to_owned(), expected: format!("it {expected}") }
}

/// The pool is made once a process, so whoever starts it says how large by `RAYON_NUM_THREADS`.
fn check_threads(threads: usize) -> Result<(), BenchError> {
    let found = rayon::current_num_threads();
    if found == threads {
        return Ok(());
    }
    let expected = format!("{threads}: start the process with RAYON_NUM_THREADS={threads}");
    Err(BenchError::Setting { setting: "threads", found: found.to_string(), expected })
}

fn about() -> BTreeMap<String, String> {
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    BTreeMap::from([
        ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("profile".to_owned(), profile.to_owned()),
    ])
}

fn timed_step(workload: &mut Workload, write: Option<&Path>) -> Result<Timed, BenchError> {
    let (cpu, clock) = (system::cpu_seconds(), Instant::now());
    let computed = workload.compute()?;
    let mut seconds = clock.elapsed().as_secs_f64();
    if let Some(path) = write {
        workload.write(&computed, path)?;
    }
    let clock = Instant::now();
    workload.update(&computed)?;
    let Computed { value, .. } = &computed;
    let value = f64::from(value.to_scalar::<f32>()?);
    drop(computed);
    seconds += clock.elapsed().as_secs_f64();
    // What was written is not to count.
    let used = || Some(system::cpu_seconds()? - cpu?);
    let cpu_seconds = if write.is_none() { used() } else { None };
    Ok(Timed { seconds, cpu_seconds, value })
}

fn json(value: &impl Serialize) -> Result<Value, BenchError> {
    Ok(serde_json::to_value(value).map_err(std::io::Error::other)?)
}
