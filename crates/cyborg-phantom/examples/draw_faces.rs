//! Draws a face phantom and its contact sheet: `draw_faces PARENT [SETTINGS.json]`.
#![allow(clippy::print_stdout)]
use std::path::Path;

use cyborg_phantom::{FacePhantom, contact_sheet, generate_faces};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().ok_or("usage: draw_faces PARENT [SETTINGS.json]")?;
    let settings: FacePhantom = match arguments.next() {
        Some(file) => serde_json::from_str(&fs_err::read_to_string(file)?)?,
        None => FacePhantom::default(),
    };
    let manifest = generate_faces(&settings, Path::new(&parent), &|_, _| ())?;
    contact_sheet(&settings, &Path::new(&parent).join(format!("{}.png", settings.folder_name())))?;
    println!("{}", manifest.display());
    Ok(())
}
