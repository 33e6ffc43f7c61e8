//! Draws a phantom and its contact sheet: `draw_phantom DOMAIN PARENT [SETTINGS.json]`.
#![allow(clippy::print_stdout)]
use std::path::Path;

use cyborg_phantom::{PHANTOMS, contact_sheet, generate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: draw_phantom DOMAIN PARENT [SETTINGS.json]";
    let (domain, parent) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    let fields = match arguments.next() {
        Some(file) => serde_json::from_str(&fs_err::read_to_string(file)?)?,
        None => serde_json::Map::new(),
    };
    let phantom = cyborg_settings::find(PHANTOMS, &domain)?.parse(&fields)?;
    let manifest = generate(phantom.as_ref(), Path::new(&parent), &|_, _| ())?;
    contact_sheet(phantom.as_ref(), &Path::new(&parent).join(format!("{}.png", phantom.folder_name())))?;
    println!("{}", manifest.display());
    Ok(())
}
