//! The list of formats: a format is one file, and one line here.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Annotations, FoundFile, PathPattern, Source, Watch};
use crate::AnnotationError;

/// A format's settings, which read its files.
pub trait Reader {
    /// The annotations of one file. What settings name and the file lacks goes to `watch`.
    ///
    /// # Errors
    /// [`AnnotationError::Open`] or [`AnnotationError::Fault`] if nothing in the file can be read. Faulty elements are
    /// errors of the iterator.
    fn read(&self, file: &FoundFile, watch: &Arc<Watch>) -> Result<Annotations, AnnotationError>;
}

/// What a recipe writes of a source of one format.
pub trait Settings {
    /// The settings once they are checked.
    type Options;

    /// The pattern of the files.
    fn files(&self) -> &str;

    /// True if only the pattern's `{image}` can say the image.
    fn must_name_image(&self) -> bool {
        false
    }

    /// Checked.
    ///
    /// # Errors
    /// What is wrong and what would be right.
    fn checked(&self) -> Result<Self::Options, String>;
}

macro_rules! formats {
    ($($(#[$doc:meta])* $Name:ident($Settings:path => $Options:path),)*) => {
        /// A format of annotation files, with its settings.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Format {
            $($(#[$doc])* $Name($Options),)*
        }

        impl Format {
            /// What reads files of the format.
            pub fn reader(&self) -> &dyn Reader {
                match self {
                    $(Self::$Name(options) => options,)*
                }
            }
        }

        /// Annotation files of one format, as a recipe names them. Paths are below the root; `{image}` stands for the image,
        /// `{annotator}` for the person, `*` for anything.
        #[derive(Clone, Debug, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum SourceSettings {
            $($(#[$doc])* $Name($Settings),)*
        }

        impl SourceSettings {
            /// The source that is meant.
            ///
            /// # Errors
            /// What is wrong and what would be right.
            pub fn checked(&self) -> Result<Source, String> {
                let (files, must_name_image, format) = match self {
                    $(Self::$Name(settings) => {
                        (settings.files(), settings.must_name_image(), settings.checked().map(Format::$Name))
                    })*
                };
                let pattern = PathPattern::parse(files).map_err(|error| error.to_string())?;
                if must_name_image && !files.contains("{image}") {
                    return Err("the pattern needs `{image}`, which stands for the image's name".into());
                }
                Ok(Source { files: pattern, format: format? })
            }
        }
    };
}

formats! {
    /// Masks or heat maps, one a file: PNG, TIFF, JPEG, BMP, WebP, NPY or a MATLAB matrix.
    Maps(super::map_file::MapsSettings => super::map_file::MapOptions),
    /// Clicks or fixations, CSV, one a row.
    Points(super::points::PointsSettings => super::points::PointOptions),
    /// Clicks, CSV, one image and person a row with all clicks in one column, as ClickMe.
    ClickLists(super::click_lists::ClickListsSettings => super::click_lists::ClickListOptions),
    /// Boxes or ellipses, CSV, one a row.
    Boxes(super::boxes::BoxesSettings => super::boxes::BoxOptions),
    /// Run-length masks, CSV, one a row, as Kaggle's competitions.
    RunLengths(super::run_lengths::RunLengthOptions => super::run_lengths::RunLengthOptions),
    /// Drawn strokes and regions, one SVG a person and image.
    Svg(super::svg::SvgSettings => super::svg::SvgOptions),
    /// COCO JSON: polygons, run lengths, boxes, key points.
    Coco(super::coco::CocoSettings => super::coco::CocoOptions),
    /// LabelMe JSON, one file an image.
    LabelMe(super::labelme::LabelMeSettings => super::labelme::LabelMeOptions),
    /// Label Studio's JSON export: rectangles, ellipses, polygons, key points and brush masks.
    LabelStudio(super::label_studio::LabelStudioOptions => super::label_studio::LabelStudioOptions),
    /// SALICON's JSON: fixations of many people on COCO's images.
    Salicon(super::salicon::SaliconOptions => super::salicon::SaliconOptions),
    /// Supervisely JSON, one file an image.
    Supervisely(super::supervisely::SuperviselyOptions => super::supervisely::SuperviselyOptions),
    /// VGG Image Annotator: its project or its export, JSON.
    Via(super::via::ViaOptions => super::via::ViaOptions),
    /// CVAT for images, XML.
    Cvat(super::cvat::CvatOptions => super::cvat::CvatOptions),
    /// Pascal VOC XML, one file an image.
    Voc(super::voc::VocSettings => super::voc::VocOptions),
    /// YOLO text files, one an image: boxes or polygons in fractions of the image.
    Yolo(super::yolo::YoloOptions => super::yolo::YoloOptions),
    /// What CVRL's annotation tool stores.
    EyeTagger(super::eyetagger::EyeTaggerSettings => super::eyetagger::EyeTaggerOptions),
    /// MATLAB 5 to 7 files: clicks and fixations in structures.
    Matlab(super::matlab::MatlabSettings => super::matlab::MatlabOptions),
}
