//! What can go wrong with a recipe, apart from single images and annotations.

use std::path::PathBuf;

use cyborg_manifest::Faults;
use cyborg_saliency::AnnotationError;

/// Why no maps could be built at all. What is wrong with one image or annotation is in the report instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The recipe file could not be read.
    #[error("cannot read recipe `{path}`")]
    Read {
        /// The recipe file.
        path: PathBuf,
        /// What the system said; it names the path.
        source: std::io::Error,
    },
    /// The recipe file is not a valid recipe.
    #[error("recipe `{path}` is invalid: {faults}")]
    Invalid {
        /// The recipe file.
        path: PathBuf,
        /// Each with line, column and the line itself.
        faults: Faults,
    },
    /// The folder that the recipe's paths start from is not there.
    #[error("recipe `{path}` starts from the folder {what}: set `root`, or the variable, or `--data-root`")]
    Root {
        /// The recipe file.
        path: PathBuf,
        /// What was looked for and is not there.
        what: String,
    },
    /// The recipe does not say which images there are, and nothing else did.
    #[error(
        "recipe `{path}` names no images: add `images: PATTERN` to it, or name a manifest with `--manifest`"
    )]
    NoImages {
        /// The recipe file.
        path: PathBuf,
    },
    /// Annotation or image files could not be found at all.
    #[error("recipe `{path}`: {source}")]
    Files {
        /// The recipe file.
        path: PathBuf,
        /// Which.
        source: AnnotationError,
    },
    /// The control wants other images' maps, and there are too few.
    #[error(
        "recipe `{path}`: `control: shuffled` needs two annotated images{of_class}, and there {found}: leave it out, or \
         shuffle across classes"
    )]
    NothingToShuffle {
        /// The recipe file.
        path: PathBuf,
        /// ` of class ...`, or nothing.
        of_class: String,
        /// `is 1`, `are 0`.
        found: String,
    },
    /// A folder or file could not be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said; it names the path.
        source: std::io::Error,
    },
    /// The folder holds something that no build put there.
    #[error(
        "folder `{path}` is not empty and was not built by a recipe (it has no `provenance.csv`): name a new folder"
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// A picture could not be written.
    #[error("cannot make `{path}`")]
    Picture {
        /// The picture.
        path: PathBuf,
        /// What is wrong with it.
        source: cyborg_image::ImageError,
    },
    /// A contact sheet would be too large.
    #[error(
        "contact sheet `{path}` would have {n_tiles} pictures of {side_px} pixels: ask for fewer images or a smaller side"
    )]
    SheetSize {
        /// The picture.
        path: PathBuf,
        /// Pictures on it.
        n_tiles: usize,
        /// Their height.
        side_px: u32,
    },
    /// Two different images would be written to one file, or an image has a name that no file can have.
    #[error("the maps of images `{first}` and `{second}` would both be `{file}`: rename one image")]
    SameFile {
        /// One image.
        first: String,
        /// The other.
        second: String,
        /// The file, relative to the folder of maps.
        file: String,
    },
}
