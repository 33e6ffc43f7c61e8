//! Our end of the line: this process is measured.

use crate::conv::Convolution;
use crate::protocol::{Answer, Memory, Opened, Request, Timed};
use crate::system::Stopwatch;
use crate::workload::Workload;
use crate::{BenchError, system};
use cyborg_causes::on_one_line;
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
                json(&convolution.time(pass, repeats))
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
    let mut watch = Stopwatch::default();
    let computed = watch.time(|| workload.compute())?;
    if let Some(path) = write {
        workload.write(&computed, path)?;
    }
    let value = watch.time(|| -> Result<f64, BenchError> {
        workload.update(&computed)?;
        let value = f64::from(computed.value.to_scalar::<f32>()?);
        drop(computed);
        Ok(value)
    })?;
    Ok(watch.read(1, value))
}

fn json(value: &impl Serialize) -> Result<Value, BenchError> {
    Ok(serde_json::to_value(value).map_err(std::io::Error::other)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Method, Mode, Settings};
    use std::collections::BTreeSet;

    fn settings() -> Settings {
        Settings {
            backbone: "thin-resnet8".to_owned(),
            input_px: 24,
            batch: 2,
            method: Method::Cyborg,
            mode: Mode::Train,
            threads: rayon::current_num_threads(),
            seed: 3,
            variant: None,
            inputs: None,
        }
    }

    fn ask(requests: &[Request]) -> Vec<Value> {
        let lines: Vec<String> =
            requests.iter().map(|request| serde_json::to_string(request).expect("JSON")).collect();
        ask_lines(&lines.join("\n"))
    }

    fn ask_lines(lines: &str) -> Vec<Value> {
        let mut answers = Vec::new();
        serve(lines.as_bytes(), &mut answers).expect("served");
        let text = String::from_utf8(answers).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    #[test]
    fn steps_move_the_network_and_repeat_themselves() {
        let requests =
            [Request::Open(settings()), Request::First { write: None }, Request::Step, Request::Memory];
        let answers = ask(&requests);
        let loss = |index: usize| answers[index]["ok"]["value"].as_f64().expect("a loss");
        assert!(loss(2) < loss(1), "{answers:?}");
        let again = ask(&requests);
        assert_eq!([&again[1]["ok"]["value"], &again[2]["ok"]["value"]], [&loss(1), &loss(2)]);
        let cross_entropy = Settings { method: Method::CrossEntropy, ..settings() };
        let other = ask(&[Request::Open(cross_entropy), Request::First { write: None }]);
        assert_ne!(other[1]["ok"]["value"], loss(1));
    }

    #[test]
    fn evaluation_moves_nothing() {
        let eval = Settings { mode: Mode::Eval, ..settings() };
        let answers = ask(&[Request::Open(eval), Request::First { write: None }, Request::Step]);
        assert!(answers[1]["ok"]["value"].is_f64());
        assert_eq!(answers[1]["ok"]["value"], answers[2]["ok"]["value"]);
    }

    #[test]
    fn what_is_written_is_what_pytorch_reads() {
        let dir = tempfile::tempdir().expect("a folder");
        let ours = dir.path().join("ours");
        let answers = ask(&[
            Request::Open(settings()),
            Request::Export { dir: dir.path().to_owned() },
            Request::First { write: Some(ours.clone()) },
        ]);
        assert!(answers.iter().all(|answer| answer.get("ok").is_some()), "{answers:?}");
        let names = |name: &str| -> BTreeSet<String> {
            let file = candle_core::safetensors::load(dir.path().join(name), &candle_core::Device::Cpu);
            file.expect("safetensors").into_keys().collect()
        };
        assert_eq!(names("batch.safetensors"), ["images", "labels", "maps"].map(ToOwned::to_owned).into());
        assert!(names("weights.safetensors").contains("layer1.0.bn1.num_batches_tracked"));
        let written = names("ours");
        for name in ["loss", "map term", "logits", "features", "gradient of fc.bias"] {
            assert!(written.contains(name), "`{name}` is missing in {written:?}");
        }
        // 29 parameters: 9 convolutions, as many batch norms with two each, and the classifier's two.
        assert_eq!(written.iter().filter(|name| name.starts_with("gradient of ")).count(), 29);
        let same = crate::check::compare((&ours, &ours), ("a", "b"), "cyborg", &[]).expect("the same");
        assert_eq!((same.outputs, same.gradients, same.worst_gradient, same.parameters), (0.0, 0.0, 0.0, 29));
    }

    #[test]
    fn what_goes_wrong_is_an_answer() {
        let unknown = Settings { backbone: "resnet19".to_owned(), ..settings() };
        let small = Settings { backbone: "densenet121".to_owned(), ..settings() };
        let threads = Settings { threads: 1000, ..settings() };
        let requests = [
            Request::Step,
            Request::Open(unknown),
            Request::Open(small),
            Request::Open(threads),
            Request::Time { pass: crate::Pass::Forward, repeats: 1 },
        ];
        let answers = ask(&requests);
        for (answer, words) in answers.iter().zip([
            "`open` is out of turn",
            "`--backbone` is `resnet19`, expected one of `thin-resnet8`",
            "expected at least 29 for `densenet121`",
            "RAYON_NUM_THREADS=1000",
            "`convolution` is out of turn",
        ]) {
            let error = answer["error"].as_str().expect("an error");
            assert!(error.contains(words), "{error}");
        }
        let nonsense = ask_lines("{\"do\": \"dance\"}");
        assert!(nonsense[0]["error"].as_str().is_some_and(|error| error.contains("dance")), "{nonsense:?}");
    }
}
