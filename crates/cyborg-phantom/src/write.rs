//! The data set's folder: drawn in parallel under another name, then renamed, so that it appears whole or not at all.
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use cyborg_image::{Raster, encode_png};
use rayon::prelude::*;

use crate::error::PhantomError;
use crate::manifest::manifest_text;
use crate::phantom::Phantom;
use crate::plan::{PlannedImage, Split, plan};

/// Name of the manifest in the data set's folder.
const MANIFEST: &str = "manifest.yaml";

/// Draws into `parent/<folder_name>/` in parallel (PNGs, maps, `table.csv` and `manifest.yaml`), or does nothing if
/// that is there complete. Appears whole: drawn under another name, then renamed. A second process that wants the
/// same data set waits for the first. `progress` gets (images done, images in all), from any thread. Returns the
/// manifest's path.
///
/// # Errors
/// [`PhantomError::Settings`] with every fault of the settings; [`PhantomError::InTheWay`] if something else has the
/// folder's name; otherwise what could not be written, and why.
pub fn generate(
    phantom: &dyn Phantom,
    parent: &Path,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<PathBuf, PhantomError> {
    refuse_faults(phantom)?;
    let name = phantom.folder_name();
    let folder = parent.join(&name);
    let manifest = folder.join(MANIFEST);
    if manifest.is_file() {
        return Ok(manifest);
    }
    written(parent, fs_err::create_dir_all(parent))?;
    // Released by the system when the process ends, however it ends.
    let lock_path = parent.join(format!(".{name}.lock"));
    let words = format!("process {}", std::process::id());
    let _lock = written(&lock_path, cyborg_files::Lock::wait(&lock_path, &words))?;
    if manifest.is_file() {
        return Ok(manifest);
    }
    if folder.exists() {
        return Err(PhantomError::InTheWay { path: folder });
    }
    let unfinished = parent.join(format!(".{name}.unfinished"));
    if unfinished.exists() {
        written(&unfinished, fs_err::remove_dir_all(&unfinished))?;
    }
    let drawn = draw_all(phantom, &unfinished, progress)
        .and_then(|()| written(&folder, fs_err::rename(&unfinished, &folder)))
        .and_then(|()| sync_folder(parent));
    if let Err(error) = drawn {
        // Frees the disk; what is left if this fails too is removed by the next call.
        let _ = fs_err::remove_dir_all(&unfinished);
        return Err(error);
    }
    let _ = fs_err::remove_file(&lock_path);
    Ok(manifest)
}

pub(crate) fn refuse_faults(phantom: &dyn Phantom) -> Result<(), PhantomError> {
    let faults: Vec<String> = phantom.faults().into_iter().map(|fault| fault.message).collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(PhantomError::Settings { images: phantom.words().images, faults })
}

fn written<T>(path: &Path, result: std::io::Result<T>) -> Result<T, PhantomError> {
    result.map_err(|source| PhantomError::Write { path: path.to_owned(), source })
}

/// Where an image is, relative to the data set's folder.
fn image_path(image: &PlannedImage) -> String {
    format!("images/{}.png", image.id)
}

/// Where its map is: training images have one.
fn map_path(image: &PlannedImage) -> Option<String> {
    (image.split == Split::Train).then(|| format!("maps/{}.png", image.id))
}

fn draw_all(
    phantom: &dyn Phantom,
    folder: &Path,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(), PhantomError> {
    let images = plan(phantom);
    let mut folders: Vec<PathBuf> = images
        .iter()
        .flat_map(|image| [Some(image_path(image)), map_path(image)])
        .flatten()
        .filter_map(|file| folder.join(file).parent().map(Path::to_owned))
        .collect();
    folders.sort();
    folders.dedup();
    for folder in &folders {
        written(folder, fs_err::create_dir_all(folder))?;
    }
    let done = AtomicUsize::new(0);
    images
        .par_iter()
        .map(|image| {
            let picture = phantom.picture(image);
            write_png(&folder.join(image_path(image)), &picture.image(false))?;
            if let Some(map) = map_path(image) {
                write_png(&folder.join(map), &picture.map())?;
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, images.len());
            Ok(())
        })
        .collect::<Result<(), PhantomError>>()?;
    write_file(&folder.join("table.csv"), table(&images, phantom.words().classes).as_bytes())?;
    write_file(&folder.join(MANIFEST), manifest_text(phantom, &images).as_bytes())?;
    for folder in folders.iter().map(PathBuf::as_path).chain([folder]) {
        sync_folder(folder)?;
    }
    Ok(())
}

fn write_png(path: &Path, raster: &Raster) -> Result<(), PhantomError> {
    let bytes =
        encode_png(raster).map_err(|source| PhantomError::Encode { path: path.to_owned(), source })?;
    write_file(path, &bytes)
}

/// Plain writing: the folder's rename is what makes it appear.
fn write_file(path: &Path, bytes: &[u8]) -> Result<(), PhantomError> {
    use std::io::Write as _;
    let mut file = written(path, fs_err::File::create(path))?;
    written(path, file.write_all(bytes))?;
    written(path, file.sync_data())
}

fn sync_folder(folder: &Path) -> Result<(), PhantomError> {
    // Only Unix can open a folder to flush its entries.
    if cfg!(unix) {
        written(folder, fs_err::File::open(folder).and_then(|file| file.sync_all()))?;
    }
    Ok(())
}

/// `table.csv`. No field needs quotes: names are letters, digits, `-`, `/` and `.`.
fn table(images: &[PlannedImage], classes: &[&str]) -> String {
    let mut text = String::from("image,label,source,subject,split,map\n");
    for image in images {
        let subject = if image.anonymous { "" } else { &image.subject };
        let row = [
            &image_path(image),
            classes[image.label],
            &image.source_name,
            subject,
            image.split.name(),
            &map_path(image).unwrap_or_default(),
        ];
        text.push_str(&row.join(","));
        text.push('\n');
    }
    text
}
