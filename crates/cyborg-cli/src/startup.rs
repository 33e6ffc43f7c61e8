//! The environment that the program needs to be fast.

use std::process::{Command, ExitCode};

/// Variables and values, as in `.cargo/config.toml`, which says why.
pub(crate) const ENVIRONMENT: [(&str, &str); 2] =
    [("CANDLE_NUM_THREADS", "1"), ("MIMALLOC_PURGE_DELAY", "10000")];

/// Calls `main` with `CANDLE_NUM_THREADS` and `MIMALLOC_PURGE_DELAY` set.
///
/// Where one of them is not set yet, the program is started again with it: the allocator reads its variable before `main` begins.
/// On Unix the process is replaced and keeps its number; elsewhere a second process runs and its exit code is handed on. If
/// that cannot be done, `main` is called as things are: the results are the same and take longer.
pub fn with_tuned_environment(main: impl FnOnce() -> ExitCode) -> ExitCode {
    let missing: Vec<_> =
        ENVIRONMENT.into_iter().filter(|(name, _)| std::env::var_os(name).is_none()).collect();
    let (false, Ok(program)) = (missing.is_empty(), std::env::current_exe()) else { return main() };
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).envs(missing);
    again(command).unwrap_or_else(main)
}

/// Runs the command in place of this process; nothing if it cannot be started.
#[cfg(unix)]
fn again(mut command: Command) -> Option<ExitCode> {
    use std::os::unix::process::CommandExt;
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    // Returns only if it failed.
    let _ = command.exec();
    None
}

/// Runs the command beside this process and waits for it; nothing if it cannot be started.
#[cfg(not(unix))]
fn again(mut command: Command) -> Option<ExitCode> {
    let code = command.status().ok()?.code()?;
    Some(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}
