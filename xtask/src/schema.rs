//! `cargo xtask schema`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use cyborg_cli::print;

#[derive(Args)]
pub(crate) struct SchemaArguments {
    /// Write nothing; fail if a schema in the repository is stale.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &SchemaArguments) -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let schemas = [
        ("experiments/schema.json", cyborg_experiment::experiment_schema()),
        ("data-manifests/schema.json", cyborg_manifest::manifest_schema()),
        ("recipes/schema.json", cyborg_recipe::recipe_schema()),
    ];
    let mut stale = false;
    for (name, schema) in schemas {
        let path = root.join(name);
        let text = format!("{schema:#}\n");
        if fs_err::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        if arguments.check {
            stale = true;
            print(&format!("{name} is stale: run `cargo xtask schema`"));
        } else {
            fs_err::write(&path, text)?;
            print(&format!("wrote {name}"));
        }
    }
    Ok(if stale { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
