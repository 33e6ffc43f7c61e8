//! Annotation files, one format a file.
//!
//! Every reader delivers what is good and an error for each element that is not: one bad row, object or file does not
//! take the rest down. Readers are lazy: masks and heat maps stay on disk until they are drawn ([`StoredMap`]), and
//! tables are read row by row.
//!
//! Each format's module begins with what its files look like; `samples/` beside the sources has one of each.

pub mod boxes;
pub mod click_lists;
pub mod coco;
pub mod cvat;
pub mod eyetagger;
mod formats;
mod json;
pub mod label_studio;
pub mod labelme;
pub mod map_file;
mod mat5;
pub mod matlab;
mod npy;
mod pattern;
pub mod points;
mod positions;
mod rle;
pub mod run_lengths;
pub mod salicon;
mod stored;
pub mod supervisely;
pub mod svg;
mod svg_path;
mod svg_rules;
mod svg_style;
mod table;
pub mod table_settings;
mod uploads;
pub mod via;
pub mod voc;
mod watch;
pub mod yolo;

use std::path::Path;
use std::sync::Arc;

use crate::{Annotation, AnnotationError};

pub use boxes::{BoxOptions, BoxShape, Sides};
pub use click_lists::ClickListOptions;
pub use coco::{CocoMarks, CocoOptions};
pub use cvat::CvatOptions;
pub use eyetagger::EyeTaggerOptions;
pub use formats::{Format, Reader, Settings, SourceSettings};
pub use label_studio::LabelStudioOptions;
pub use labelme::LabelMeOptions;
pub use map_file::{Channel, Invalid, MapOptions, Scale, read_map};
pub use matlab::{MatlabOptions, MatlabPoints};
pub use pattern::{FoundFile, PathPattern};
pub use points::PointOptions;
pub(crate) use rle::MAX_PIXELS;
pub use rle::Runs;
pub use run_lengths::{RunLengthOptions, Start};
pub use salicon::SaliconOptions;
pub use stored::{MapData, StoredMap};
pub use supervisely::SuperviselyOptions;
pub use svg::{Paint, SvgOptions};
pub use table::{Columns, FirstPixel, Table, Unit};
pub use uploads::uploaded_name;
pub use via::ViaOptions;
pub use voc::VocOptions;
pub use watch::Watch;
pub use yolo::YoloOptions;

/// Annotations one after the other. An error stands for one element (a row, an object, a file); the iterator goes on
/// after it.
pub type Annotations = Box<dyn Iterator<Item = Result<Annotation, AnnotationError>> + Send>;

/// Annotation files and what is in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Which files, below a root folder. One file is a pattern without placeholders: `fixations.csv`.
    pub files: PathPattern,
    /// Their format.
    pub format: Format,
}

/// All annotations of all files that match, in the order of the sorted paths. What the pattern takes from a path fills in
/// where a file does not itself say which image or who. At the end come errors for what settings name and no file has
/// ([`AnnotationError::NowhereFound`]).
///
/// # Errors
/// [`AnnotationError::NoFiles`] if nothing matches, [`AnnotationError::Open`] if a folder cannot be listed. A file that
/// cannot be read is an error of the iterator.
pub fn read_source(root: &Path, source: &Source) -> Result<Annotations, AnnotationError> {
    read_source_except(root, source, &|_| false)
}

/// As [`read_source`], but not in folders that `is_left_out` names, as [`PathPattern::find_except`].
///
/// # Errors
/// As [`read_source`].
pub fn read_source_except(
    root: &Path,
    source: &Source,
    is_left_out: &dyn Fn(&Path) -> bool,
) -> Result<Annotations, AnnotationError> {
    let files = source.files.find_except(root, is_left_out)?;
    let format = source.format.clone();
    let pattern = source.files.as_str().to_owned();
    let watch = Arc::new(Watch::default());
    let at_the_end = Arc::clone(&watch);
    let annotations = files.into_iter().flat_map(move |file| match read_file(&file, &format, &watch) {
        Ok(annotations) => annotations,
        Err(error) => Box::new(std::iter::once(Err(error))) as Annotations,
    });
    let missing =
        std::iter::once(at_the_end).flat_map(move |watch| watch.missing(&pattern).into_iter().map(Err));
    Ok(Box::new(annotations.chain(missing)))
}

/// The annotations of one file.
///
/// # Errors
/// [`AnnotationError::Open`] or [`AnnotationError::Fault`] if nothing in the file can be read. Faulty elements are
/// errors of the iterator.
pub fn read_file(
    file: &FoundFile,
    format: &Format,
    watch: &Arc<Watch>,
) -> Result<Annotations, AnnotationError> {
    let annotations = format.reader().read(file, watch)?;
    let (image, annotator) = (file.image.clone(), file.annotator.clone());
    Ok(Box::new(annotations.map(move |annotation| {
        annotation.map(|mut annotation| {
            if annotation.image.is_empty() {
                annotation.image = image.clone().unwrap_or_default();
            }
            if annotation.annotator.is_none() {
                annotation.annotator.clone_from(&annotator);
            }
            annotation
        })
    })))
}

/// One annotation of a file that holds one.
pub(crate) fn one(annotation: Annotation) -> Annotations {
    Box::new(std::iter::once(Ok(annotation)))
}

/// Elements that are already in memory.
pub(crate) fn many(items: Vec<Result<Annotation, AnnotationError>>) -> Annotations {
    Box::new(items.into_iter())
}

/// The bytes of a file that fits in memory.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, AnnotationError> {
    const MAX_BYTES: u64 = 4 << 30;
    let length = fs_err::metadata(path).map_err(|source| AnnotationError::open(path, source))?.len();
    if length > MAX_BYTES {
        let reason = format!("it has {length} bytes, more than the limit of {MAX_BYTES}: split it");
        return Err(AnnotationError::fault(path, crate::Place::File, reason));
    }
    fs_err::read(path).map_err(|source| AnnotationError::open(path, source))
}

/// The text of a file in UTF-8, without its byte order mark.
pub(crate) fn text(path: &Path) -> Result<String, AnnotationError> {
    let text = String::from_utf8(bytes(path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|&byte| byte == b'\n').count() as u64;
        AnnotationError::line(path, line, json::not_utf8(error.as_bytes(), path))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
