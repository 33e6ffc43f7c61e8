//! How measured processes are spoken with: a line of JSON down their stdin, a line of JSON back.
//!
//! Each program runs in a process of its own, so that its memory is its own, and sleeps in a read between its turns, so that
//! it takes no time from the others. `benches/protocol.py` is the other end in Python.

use crate::ops::{ConvTask, Pass};
use crate::{BenchError, Settings};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// What a process is asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Request {
    /// Make the network and the batch. Answer: [`Opened`].
    Open(Settings),
    /// Write weights and batch for the others. Answer: null.
    Export {
        /// An existing folder.
        dir: PathBuf,
    },
    /// The warm-up step; afterwards peaks of memory start anew. Answer: [`Timed`].
    First {
        /// Where to write outputs and gradients, from before the optimiser moves.
        write: Option<PathBuf>,
    },
    /// One step. Answer: [`Timed`].
    Step,
    /// Answer: [`Memory`].
    Memory,
    /// The fastest matrix product. Answer: operations a second.
    Peak,
    /// Make a convolution and its data. Answer: [`Opened`].
    Convolution(ConvTask),
    /// Write the three results as raw f32 in PyTorch's order: `forward`, `input-gradient`, `weight-gradient`. Answer: null.
    Outputs {
        /// An existing folder.
        dir: PathBuf,
    },
    /// Compare the three results with such files. Answer: relative error by [`Pass`].
    Compare {
        /// The folder.
        dir: PathBuf,
    },
    /// One of the three, some times over. Answer: [`Timed`] of one.
    Time {
        /// Which.
        pass: Pass,
        /// How often.
        repeats: usize,
    },
}

impl Request {
    fn name(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::Export { .. } => "export",
            Self::First { .. } => "first",
            Self::Step => "step",
            Self::Memory => "memory",
            Self::Peak => "peak",
            Self::Convolution(_) => "convolution",
            Self::Outputs { .. } => "outputs",
            Self::Compare { .. } => "compare",
            Self::Time { .. } => "time",
        }
    }
}

/// What a process is once it is ready.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Seconds for the network and its initial weights.
    pub network_s: f64,
    /// Seconds for the batch, which a user would not wait for.
    pub data_s: f64,
    /// Versions and settings, for the record.
    pub about: BTreeMap<String, String>,
}

/// A step that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    /// By the clock.
    pub seconds: f64,
    /// On processors, all threads together, where the system tells.
    pub cpu_seconds: Option<f64>,
    /// The loss before the step; in evaluation the mean logit; of a convolution 0.
    pub value: f64,
}

/// Resident memory of a process.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The most since the warm-up step, or since the start where the system cannot forget.
    pub peak_bytes: Option<u64>,
    /// After the start, before the warm-up step.
    pub before_bytes: Option<u64>,
}

impl Memory {
    /// What the steps took beyond what was there before.
    pub fn grown(&self) -> Option<u64> {
        Some(self.peak_bytes?.saturating_sub(self.before_bytes?))
    }
}

/// What a line back holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer<T> {
    Ok(T),
    Error(String),
}

/// How a process is started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// What it is called in messages and tables.
    pub who: String,
    /// Path of the program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Set in its environment, beside the caller's.
    pub environment: Vec<(&'static str, String)>,
    /// What to do where it cannot be started or ends at once, on a line of its own; may be empty.
    pub hint: &'static str,
}

/// A process that waits for requests; it ends when this is dropped.
#[derive(Debug)]
pub struct Process {
    who: String,
    child: Child,
    /// None once it is told to end.
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    /// At least once.
    answered: bool,
    hint: &'static str,
    said: Arc<Mutex<VecDeque<String>>>,
    listener: Option<JoinHandle<()>>,
}

/// Last lines of stderr that are kept.
const LINES: usize = 12;

impl Process {
    /// # Errors
    /// [`BenchError::Start`].
    pub fn start(launch: &Launch) -> Result<Self, BenchError> {
        let Launch { who, program, arguments, environment, hint } = launch;
        let failed = |source| BenchError::Start {
            who: who.clone(),
            program: program.display().to_string(),
            hint,
            source,
        };
        let mut child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (to, from, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(from), Some(errors)) = (from, errors) else {
            return Err(failed(std::io::Error::other("its output is not a pipe")));
        };
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&said);
        let listener = Some(std::thread::spawn(move || keep_last_lines(errors, &kept)));
        Ok(Self {
            who: who.clone(),
            child,
            to,
            from: BufReader::new(from),
            answered: false,
            hint,
            said,
            listener,
        })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`BenchError::Refused`] in the process's own words; [`BenchError::Broken`] where it has ended or says something else.
    pub fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, BenchError> {
        let asked = request.name();
        let mut line = serde_json::to_string(request).map_err(std::io::Error::other)?;
        line.push('\n');
        let mut answer = String::new();
        let spoken = match &mut self.to {
            Some(to) => to.write_all(line.as_bytes()).and_then(|()| to.flush()),
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        };
        if spoken.and_then(|()| self.from.read_line(&mut answer)).unwrap_or(0) == 0 {
            return Err(self.ended(asked));
        }
        match serde_json::from_str(&answer) {
            Ok(Answer::Ok(value)) => {
                self.answered = true;
                Ok(value)
            }
            Ok(Answer::Error(reason)) => {
                Err(BenchError::Refused { who: self.who.clone(), asked: asked.to_owned(), reason })
            }
            Err(_) => {
                let start: String = answer.trim_end().chars().take(200).collect();
                Err(self.broken(format!("answered `{start}`"), asked))
            }
        }
    }

    fn ended(&mut self, asked: &str) -> BenchError {
        self.to = None;
        let what = match self.child.wait() {
            Ok(status) => format!("ended ({status})"),
            Err(error) => format!("is lost ({error})"),
        };
        if let Some(listener) = self.listener.take() {
            // Nothing depends on how it ended.
            let _ = listener.join();
        }
        self.broken(what, asked)
    }

    fn broken(&self, what: String, asked: &str) -> BenchError {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = said.iter().map(String::as_str).collect();
        let said = if lines.is_empty() { String::new() } else { format!(":\n{}", lines.join("\n")) };
        // Of a program that does not even start in earnest; later its own words are all there is to say.
        let hint = if self.answered { "" } else { self.hint };
        BenchError::Broken { who: self.who.clone(), what, asked: asked.to_owned(), said, hint }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of its stdin ends it. One that hangs is ended all the same: nobody waits for its answer any more.
        self.to = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep_last_lines(from: impl Read, kept: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let launch = Launch {
            who: "the shell".to_owned(),
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: vec![("LOUDLY", "yes".to_owned())],
            hint: "",
        };
        Process::start(&launch).expect("a shell")
    }

    #[test]
    fn answers_come_back_in_turn() {
        let mut process = shell(
            r#"read line; echo "{\"ok\": {\"seconds\": 1.5, \"cpu_seconds\": null, \"value\": 0.25}}"
               read line; case "$line" in *'"do":"peak"'*) echo "{\"ok\": 2e9}";; *) echo "{\"ok\": 0}";; esac"#,
        );
        let timed: Timed = process.ask(&Request::Step).expect("an answer");
        assert_eq!(timed, Timed { seconds: 1.5, cpu_seconds: None, value: 0.25 });
        assert_eq!(process.ask::<f64>(&Request::Peak).expect("an answer"), 2e9);
    }

    #[test]
    fn a_process_that_says_no_is_heard() {
        let mut process = shell(r#"read line; echo "{\"error\": \"no such network\"}"; read line"#);
        let error = process.ask::<Timed>(&Request::Step).expect_err("it refused");
        assert_eq!(error.to_string(), "the shell cannot `step`: no such network");
    }

    #[test]
    fn a_process_that_ends_is_reported_with_its_last_words() {
        let mut process = shell("read line; echo \"no module named $LOUDLY\" >&2; exit 3");
        let error = process.ask::<Timed>(&Request::Memory).expect_err("it ended");
        let expected = "the shell ended (exit status: 3) when asked to `memory`:\nno module named yes";
        assert_eq!(error.to_string(), expected);
        // And again: it is not waited for.
        let error = process.ask::<Timed>(&Request::Memory).expect_err("it ended");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn nonsense_is_shown() {
        let mut process = shell("read line; echo hello; read line");
        let error = process.ask::<Timed>(&Request::Step).expect_err("no JSON");
        assert_eq!(error.to_string(), "the shell answered `hello` when asked to `step`");
    }

    #[test]
    fn a_program_that_does_not_exist_has_a_hint() {
        let launch = Launch {
            who: "PyTorch".to_owned(),
            program: "/nowhere/python".into(),
            arguments: vec![],
            environment: vec![],
            hint: "\n  hint: name a Python with `--python`",
        };
        let error = Process::start(&launch).expect_err("nothing to start");
        let expected = "cannot start PyTorch as `/nowhere/python`\n  hint: name a Python with `--python`";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn one_that_hangs_does_not_hold_us_up() {
        let clock = std::time::Instant::now();
        drop(shell("sleep 60"));
        assert!(clock.elapsed().as_secs() < 10);
    }
}
