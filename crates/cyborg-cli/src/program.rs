//! A program from its arguments to its exit code, and the name by which its texts call it.

use std::process::ExitCode;
use std::sync::OnceLock;

use anyhow::Result;
use clap::{CommandFactory, FromArgMatches};

/// The name that texts are written with, in all crates.
const WRITTEN: &str = "cargo xtask";

static NAME: OnceLock<&'static str> = OnceLock::new();

/// The name of the running program.
pub(crate) fn name() -> &'static str {
    NAME.get().copied().unwrap_or(WRITTEN)
}

/// The text with the running program's name in place of the one that it was written with.
pub(crate) fn in_its_name(text: &str) -> String {
    if name() == WRITTEN { text.to_owned() } else { text.replace(WRITTEN, name()) }
}

/// Parses the process's arguments, carries the command out and prints its error, if it has one.
///
/// `name` is how the user calls the program; hints and help show it. The process ends here if the arguments cannot be parsed
/// or ask for help.
#[expect(clippy::print_stderr, reason = "the command line speaks to people")]
pub fn main<A: CommandFactory + FromArgMatches>(
    name: &'static str,
    run: impl FnOnce(&A) -> Result<ExitCode>,
) -> ExitCode {
    NAME.get_or_init(|| name);
    let matches = command_of::<A>().get_matches();
    let arguments = match A::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.format(&mut command_of::<A>()).exit(),
    };
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", in_its_name(&cyborg_experiment::error_chain(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

/// The program's command tree, with the running program's name in all help texts.
pub fn command_of<A: CommandFactory>() -> clap::Command {
    renamed(A::command())
}

fn renamed(mut command: clap::Command) -> clap::Command {
    type Set = fn(clap::Command, String) -> clap::Command;
    let texts: [(Option<String>, Set); 4] = [
        (command.get_about().map(ToString::to_string), |c, text| c.about(text)),
        (command.get_long_about().map(ToString::to_string), |c, text| c.long_about(text)),
        (command.get_after_help().map(ToString::to_string), |c, text| c.after_help(text)),
        (command.get_after_long_help().map(ToString::to_string), |c, text| c.after_long_help(text)),
    ];
    for (text, set) in texts {
        if let Some(text) = text.filter(|text| text.contains(WRITTEN)) {
            command = set(command, in_its_name(&text));
        }
    }
    command.mut_subcommands(renamed)
}

/// Prints a result to stdout, a line at least. A reader that has gone away (`| head`) is no error of ours; a result that cannot
/// be written for another reason, such as a full disk, ends the process with exit code 1.
#[expect(clippy::print_stderr, reason = "the command line speaks to people")]
pub fn print(text: &str) {
    use std::io::{ErrorKind, Write};
    let mut stdout = std::io::stdout().lock();
    let written = writeln!(stdout, "{}", in_its_name(text.trim_end())).and_then(|()| stdout.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        eprintln!("error: cannot write the result to standard output: {error}");
        std::process::exit(1);
    }
}
