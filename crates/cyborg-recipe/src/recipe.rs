//! A checked recipe, and how to read one.

use std::path::{Path, PathBuf};

use cyborg_manifest::{SourceText, Unexpanded, expand};
use cyborg_saliency::{
    Aggregation, AgreementRule, Crop, DrawOptions, Edge, Granularity, Length, Normalisation, PathPattern,
    Selection, Source, Threshold, Weighting,
};

use crate::RecipeError;
use crate::check;

/// A checked recipe: what the YAML says, validated, before any file is looked for.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// One line for tables and reports; may be empty.
    pub title: String,
    /// The recipe file.
    pub path: PathBuf,
    /// As written: may hold `${NAME}`, may be relative to the recipe file.
    pub root: Option<String>,
    /// The image files, where no manifest says them.
    pub images: Option<PathPattern>,
    /// Annotation files, at least one.
    pub sources: Vec<Source>,
    /// What is done with them.
    pub settings: Settings,
}

/// Everything of a recipe that a map's values depend on, apart from the annotations.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Width and height of the picture that people saw, where a file does not state it.
    pub frame_px: Option<(u32, u32)>,
    /// The part of that picture that the images are.
    pub crop: Option<Crop>,
    /// How people saw images that are stored turned; nothing: such images are refused.
    pub seen: Option<Seen>,
    /// Which people count.
    pub selection: Selection,
    /// Images with fewer people get no map.
    pub at_least: usize,
    /// How marks become values.
    pub draw: DrawOptions,
    /// Of each person's map.
    pub normalise_each: Normalisation,
    /// How people's maps become one.
    pub aggregation: Aggregation,
    /// How much each person's map weighs.
    pub weighting: Weighting,
    /// A Gaussian over the one map: its sigma.
    pub blur: Option<Length>,
    /// What lies beyond the border for that Gaussian.
    pub blur_edge: Edge,
    /// Makes the one map binary.
    pub threshold: Option<Threshold>,
    /// How finely the map says where.
    pub granularity: Granularity,
    /// A map that nobody drew, instead.
    pub control: Option<Control>,
    /// What an empty map becomes.
    pub empty: Empty,
    /// Of the map in the file: `Max`, `MinMax` or `None`.
    pub normalise: Normalisation,
    /// Of the PNG files: 8 or 16.
    pub bits: u8,
    /// Of the maps.
    pub size: Size,
    /// Sigma in pixels of the blurred images, if they are wanted.
    pub blurred_images_sigma_px: Option<f64>,
    /// How agreement is measured, if it is.
    pub agreement: Option<Ceiling>,
}

/// How agreement between people is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ceiling {
    /// Seed, splits and threshold.
    pub rule: AgreementRule,
    /// On maps shrunk to this longer side.
    pub longest_side_px: Option<u32>,
}

/// How people saw images that are stored turned (EXIF orientation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Turned as the tag says.
    Upright,
    /// As the pixels are stored.
    Stored,
}

/// What an empty map becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// No map.
    LeaveOut,
    /// A map of zeros.
    Zeros,
    /// A map of ones.
    Ones,
}

/// Size of the maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// The image's.
    Image,
    /// The image's shape at this length of the longer side; smaller images keep their size.
    LongestSide(u32),
    /// This one, for images of its shape.
    Fixed(u32, u32),
}

/// A map that nobody drew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    /// 1 everywhere.
    Uniform,
    /// Bright where people did not look.
    Inverted,
    /// A Gaussian over the middle.
    CentrePrior {
        /// As a share of each side.
        sigma: f64,
    },
    /// Another image's map.
    Shuffled {
        /// Another seed gives others' maps.
        seed: u64,
        /// Only maps of images of the same class.
        within_class: bool,
    },
    /// Blobs in random places, of the same area as the map.
    RandomBlobs {
        /// Smoothness, as a share of the longer side.
        size: f64,
        /// The area is that of values above this share of the greatest.
        threshold: f32,
        /// Another seed draws others.
        seed: u64,
    },
}

/// Raised when equal settings begin to give other maps.
const VERSION: u32 = 2;

impl Settings {
    /// Digest (blake3, hex, 32 digits) of everything here.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("cyborg-recipe 2026 settings");
        // Every field, floats to their last digit, in the order of their declaration.
        hasher.update(format!("{VERSION} {self:?}").as_bytes());
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// Reads and checks a recipe. Errors carry file, line, column, snippet, the nearest valid name.
///
/// # Errors
/// [`RecipeError::Read`] if there is no such file, [`RecipeError::Invalid`] if it is no valid recipe.
pub fn read_recipe(path: &Path) -> Result<Recipe, RecipeError> {
    let text =
        fs_err::read_to_string(path).map_err(|source| RecipeError::Read { path: path.into(), source })?;
    parse_recipe(&text, path)
}

/// As [`read_recipe`], from text; `path` is where it stands or will stand.
///
/// # Errors
/// [`RecipeError::Invalid`] if it is no valid recipe.
pub fn parse_recipe(text: &str, path: &Path) -> Result<Recipe, RecipeError> {
    let mut source = SourceText::new(path, text);
    let recipe = source.parse().and_then(|raw| check::checked(raw, path, &mut source));
    source.built(recipe).map_err(|faults| RecipeError::Invalid { path: path.into(), faults })
}

/// The environment variable that committed files start their roots with; `--data-root` stands in for it.
const BASE_VARIABLE: &str = "CYBORG_DATA";

impl Recipe {
    /// The folder that the recipe's paths start from: its own `root`, with `${CYBORG_DATA}` meaning `data_root` if given;
    /// else `data_set`, the root of the data set that names it; else the recipe file's folder.
    ///
    /// # Errors
    /// [`RecipeError::Root`] if it is not there, or a variable is not set.
    pub fn root(&self, data_set: Option<&Path>, data_root: Option<&Path>) -> Result<PathBuf, RecipeError> {
        let beside = self.path.parent().unwrap_or(Path::new(""));
        let root = match (&self.root, data_set) {
            (Some(root), _) => {
                let lookup = |name: &str| match data_root {
                    Some(base) if name == BASE_VARIABLE => Some(base.display().to_string()),
                    _ => std::env::var(name).ok(),
                };
                let expanded = expand(root, &lookup).map_err(|fault| {
                    let what = match fault {
                        Unexpanded::Unset(name) => {
                            format!("`{root}`, and environment variable `{name}` is not set")
                        }
                        Unexpanded::Unclosed => format!("`{root}`, where a `${{` has no `}}`"),
                    };
                    RecipeError::Root { path: self.path.clone(), what }
                })?;
                if root.starts_with("${") { PathBuf::from(expanded) } else { beside.join(expanded) }
            }
            (None, Some(data_set)) => data_set.to_owned(),
            (None, None) if beside.as_os_str().is_empty() => PathBuf::from("."),
            (None, None) => beside.to_owned(),
        };
        if root.is_dir() {
            return Ok(root);
        }
        let what = format!("`{}`, which is not there", root.display());
        Err(RecipeError::Root { path: self.path.clone(), what })
    }
}
