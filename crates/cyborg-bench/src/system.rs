//! What the system says of this process. Linux tells; elsewhere figures are None.

use crate::protocol::Timed;
use candle_core::{Device, Tensor};
use cyborg_ops::{Conv2dConfig, Tape};
use std::time::Instant;

/// Most memory that was resident at once since the start or the last [`reset_peak`], in bytes.
pub(crate) fn peak_bytes() -> Option<u64> {
    status("VmHWM:")
}

/// Resident memory in bytes.
pub(crate) fn resident_bytes() -> Option<u64> {
    status("VmRSS:")
}

/// Forgets earlier peaks of memory. False where the system cannot.
pub(crate) fn reset_peak() -> bool {
    fs_err::write("/proc/self/clear_refs", "5").is_ok()
}

/// Seconds that all threads of this process were on a processor.
pub(crate) fn cpu_seconds() -> Option<f64> {
    let tasks = fs_err::read_dir("/proc/self/task").ok()?;
    let mut nanoseconds = 0.0;
    for task in tasks {
        let text = fs_err::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += text.split_whitespace().next()?.parse::<f64>().ok()?;
    }
    Some(nanoseconds * 1e-9)
}

/// The processor's name, or its kind.
pub fn processor() -> String {
    let named = || {
        let text = fs_err::read_to_string("/proc/cpuinfo").ok()?;
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    named().unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// Share of one processor that is taken by other work: runnable processes of the last minute.
pub fn load() -> Option<f64> {
    fs_err::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

fn status(field: &str) -> Option<u64> {
    let text = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// The fastest of some matrix products in f32, in operations a second: what this machine can do with as many threads as this
/// process has. By candle, 2048 x 2048 x 2048, and by `cyborg-ops`, of 8192 rows, as a convolution of one cell.
pub(crate) fn gemm_peak() -> candle_core::Result<f64> {
    const SIDE: usize = 2048;
    const ROWS: usize = 4 * SIDE;
    let tensor = |name, dims: [usize; 4]| {
        let values = crate::noise::noise(name, dims.iter().product());
        Tensor::from_vec(values, dims.as_slice(), &Device::Cpu)
    };
    let (a, b) = (tensor("a", [1, 1, SIDE, SIDE])?, tensor("b", [1, 1, SIDE, SIDE])?);
    let candle = fastest(|| a.matmul(&b).map(drop))?;
    let tape = Tape::new(false);
    let rows = tape.input(&tensor("rows", [1, SIDE, 1, ROWS])?)?;
    let weight = b.reshape((SIDE, SIDE, 1, 1))?;
    let ours = fastest(|| tape.conv2d(&rows, &weight, Conv2dConfig::default()).map(drop))?;
    let operations = |rows: usize| 2.0 * (rows * SIDE * SIDE) as f64;
    Ok((operations(SIDE) / candle).max(operations(ROWS) / ours))
}

/// Seconds of the fastest of at least three runs, as many as fit into a second.
fn fastest(work: impl Fn() -> candle_core::Result<()>) -> candle_core::Result<f64> {
    const AT_LEAST: usize = 3;
    const SECONDS: f64 = 1.0;
    let (begin, mut best, mut runs) = (Instant::now(), f64::INFINITY, 0);
    while runs < AT_LEAST || begin.elapsed().as_secs_f64() < SECONDS {
        let clock = Instant::now();
        work()?;
        best = best.min(clock.elapsed().as_secs_f64());
        runs += 1;
    }
    Ok(best)
}

/// Seconds of some work by the clock and on processors, in parts: what lies between them does not count.
#[derive(Default)]
pub(crate) struct Stopwatch {
    seconds: f64,
    cpu_seconds: Option<f64>,
    parts: usize,
}

impl Stopwatch {
    pub(crate) fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (cpu, clock) = (cpu_seconds(), Instant::now());
        let result = work();
        self.seconds += clock.elapsed().as_secs_f64();
        let used = cpu.zip(cpu_seconds()).map(|(before, after)| after - before);
        self.cpu_seconds =
            if self.parts == 0 { used } else { self.cpu_seconds.zip(used).map(|(sum, used)| sum + used) };
        self.parts += 1;
        result
    }

    /// Over so many equal pieces of work.
    pub(crate) fn read(&self, pieces: usize, value: f64) -> Timed {
        let each = |seconds: f64| seconds / pieces as f64;
        Timed { seconds: each(self.seconds), cpu_seconds: self.cpu_seconds.map(each), value }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_touched_shows() {
        const N: usize = 64 << 20;
        let before = resident_bytes().expect("Linux tells");
        let page = std::hint::black_box(vec![1u8; N]);
        let peak = peak_bytes().expect("Linux tells");
        assert!(peak >= before + N as u64 / 2, "{peak} after {before}");
        drop(page);
        // Linux adds up its counters now and then only.
        let after = peak_bytes().expect("Linux tells");
        assert!(after >= before + N as u64 / 2, "a peak stays: {after} after {before}");
    }

    #[test]
    fn work_takes_time_on_a_processor() {
        let before = cpu_seconds().expect("Linux tells");
        let clock = Instant::now();
        let mut sum = 0u64;
        while clock.elapsed().as_millis() < 40 {
            sum = std::hint::black_box(sum + 1);
        }
        let used = cpu_seconds().expect("Linux tells") - before;
        assert!(used > 1e-3, "{used} s");
    }

    #[test]
    fn a_stopwatch_adds_its_parts() {
        let mut watch = Stopwatch::default();
        for _ in 0..2 {
            watch.time(|| std::thread::sleep(std::time::Duration::from_millis(10)));
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let Timed { seconds, cpu_seconds, .. } = watch.read(2, 0.0);
        assert!((0.01..0.05).contains(&seconds), "{seconds} s");
        // Asleep; other tests of this process may have worked meanwhile.
        assert!(cpu_seconds.is_some());
    }
}
