//! The program `cyborg`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use clap_complete::Shell;

/// See the workspace's Cargo.toml for why.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Trains image classifiers that look where people look, and reports how they hold up on data they never saw.
#[derive(Parser)]
#[command(name = "cyborg", version = env!("CYBORG_VERSION"), max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    User(cyborg_cli::Command),
    /// Print a script that completes this program's arguments in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the manual pages of all commands.
    Man {
        /// Folder of the pages; made if it is not there.
        dir: PathBuf,
    },
}

fn main() -> ExitCode {
    cyborg_cli::with_tuned_environment(|| cyborg_cli::main("cyborg", run))
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.command {
        Command::User(command) => return cyborg_cli::run(command),
        Command::Completions { shell } => {
            let mut command = cyborg_cli::command_of::<Arguments>();
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut command, "cyborg", &mut script);
            cyborg_cli::print(&String::from_utf8_lossy(&script));
        }
        Command::Man { dir } => {
            fs_err::create_dir_all(dir)?;
            clap_mangen::generate_to(cyborg_cli::command_of::<Arguments>(), dir)
                .with_context(|| format!("cannot write the manual pages into `{}`", dir.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
