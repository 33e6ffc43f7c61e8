//! Class activation maps as pictures and numbers.

mod names;
mod overlay;

use crate::batches::{Answer, Effort, OnProgress, failure, for_each_answer};
use crate::classes::class_logits;
use crate::csv_io::{inner, io_error, path_cell, text_cell};
use crate::npy::npy_bytes;
use crate::predict::{Outcome, outcome};
use crate::{Classes, Failure, Image, Images, Model, PredictError};
use candle_core::{Device, Tensor};
use cyborg_data::{ahead, read_image};
use cyborg_files::WholeFile;
use cyborg_image::{Raster, encode_png, resize_bilinear};
use cyborg_loss::{cam_from_features, min_max_normalise};
use cyborg_loss::{largest, softmax};
use names::Names;
use overlay::overlay;
use std::io::{BufWriter, IntoInnerError};
use std::path::{Path, PathBuf};

/// Whose activation is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CamTarget {
    /// The class with the largest logit of each image.
    Predicted,
    /// Each image's own class; an image without a label fails.
    True,
    /// One class for all, by index.
    Class(usize),
}

impl CamTarget {
    /// `predicted`, `true`, a class's name or its index.
    ///
    /// # Errors
    /// [`PredictError::Setting`] for anything else.
    pub fn from_word(word: &str, classes: &Classes) -> Result<Self, PredictError> {
        match word {
            "predicted" => Ok(Self::Predicted),
            "true" => Ok(Self::True),
            _ => {
                let expected = "`predicted`, `true` or a class";
                let class = classes
                    .find(word)
                    .ok_or_else(|| PredictError::no_class("class", word, expected, classes));
                class.map(Self::Class)
            }
        }
    }
}

/// How CAMs are drawn.
#[derive(Clone, Copy, Debug)]
pub struct CamOptions {
    /// Whose.
    pub target: CamTarget,
    /// How much of the picture the highest value covers, 0 to 1.
    pub opacity: f64,
    /// Also write the map alone as an 8-bit PNG of the picture's size.
    pub maps: bool,
    /// How much is done at once.
    pub effort: Effort,
}

impl CamOptions {
    /// The usual [`opacity`](Self::opacity).
    pub const OPACITY: f64 = 0.65;
}

/// Draws the CAMs of all pictures into `folder`:
///
/// - `overlays/IMAGE.png`: the picture at its own size, the CAM over it. The CAM is brought to 0..1 by its own minimum and
///   maximum (a flat one to 0), to 8 bit, and to the picture's size bilinearly.
/// - `cams/IMAGE.npy`: the CAM as it is, `(grid, grid)` f32, `W_c . F` before anything is subtracted or divided.
/// - `maps/IMAGE.png`, if asked for: what the overlay is drawn from, one channel.
/// - `cams.csv`: a row a picture, in the order of the list. Written last.
///
/// A picture that cannot be used becomes a failure and does not stop the others.
///
/// # Errors
/// [`PredictError::NoLabels`] if the true class is asked for and no image has one; [`PredictError::Setting`] for a class
/// or opacity that cannot be; [`PredictError::NothingLeft`] if no picture could be used; [`PredictError::Write`].
pub fn draw_cams(
    model: &Model,
    images: &Images,
    options: CamOptions,
    folder: &Path,
    progress: OnProgress<'_>,
) -> Result<Outcome, PredictError> {
    check(model, images, options)?;
    let mut names = Names::default();
    let names: Vec<String> = images.items.iter().map(|image| names.next(&image.id)).collect();
    fs_err::create_dir_all(folder).map_err(|source| write_error(folder, source))?;
    let mut index = Index::create(&folder.join("cams.csv"))?;
    let mut n_done = 0;
    let new = for_each_answer(model, &images.items, options.effort, progress, |answer, failures| {
        let drawings = drawings(model, &images.items, options.target, answer, failures)?;
        let draw = |at: usize| {
            let drawing: &Drawing = &drawings[at];
            drawing.draw(&images.items[drawing.number], &names[drawing.number], options, folder)
        };
        let n_threads = options.effort.n_threads;
        ahead(drawings.len(), n_threads, n_threads, draw, |at, drawn| {
            let drawing = &drawings[at];
            let image = &images.items[drawing.number];
            match drawn {
                Ok(files) => {
                    index.push(image, drawing, &files, model.classes())?;
                    n_done += 1;
                }
                Err(Undrawn::Picture(reason)) => failures.push((drawing.number, failure(image, reason))),
                Err(Undrawn::Folder(error)) => return Err(error),
            }
            Ok(())
        })
    })?;
    let outcome = outcome(images, n_done, new)?;
    index.finish()?;
    Ok(outcome)
}

fn check(model: &Model, images: &Images, options: CamOptions) -> Result<(), PredictError> {
    if options.target == CamTarget::True && !images.have_labels() {
        return Err(PredictError::NoLabels { what: images.what.clone() });
    }
    if let CamTarget::Class(class) = options.target
        && class >= model.classes().len()
    {
        return Err(PredictError::no_class("class", &class.to_string(), "a class", model.classes()));
    }
    if !(0.0..=1.0).contains(&options.opacity) {
        let (found, expected) = (options.opacity.to_string(), "a number from 0 to 1".to_owned());
        return Err(PredictError::Setting { field: "opacity", found, expected });
    }
    Ok(())
}

/// One CAM, and what its row says.
struct Drawing {
    number: usize,
    class: usize,
    predicted: usize,
    probability: f64,
    grid: (usize, usize),
    /// `W_c . F`, rows first.
    cam: Vec<f32>,
    /// In [0, 1].
    normalised: Vec<f32>,
}

/// The CAMs of a batch.
fn drawings(
    model: &Model,
    images: &[Image],
    target: CamTarget,
    answer: Answer,
    failures: &mut Vec<(usize, Failure)>,
) -> Result<Vec<Drawing>, PredictError> {
    let Answer { numbers, output, logits } = answer;
    let logits: Vec<Option<Vec<f32>>> = logits.into_iter().map(|row| row.map(class_logits)).collect();
    let class_of = |number: usize, logits: &[f32]| match target {
        CamTarget::Predicted => Some(largest(logits)),
        CamTarget::True => images[number].label,
        CamTarget::Class(class) => Some(class),
    };
    let classes: Vec<Option<usize>> = numbers
        .iter()
        .zip(&logits)
        .map(|(&number, logits)| logits.as_deref().and_then(|logits| class_of(number, logits)))
        .collect();
    // One logit has one CAM: that of class 1. What speaks against it speaks for class 0.
    let is_one_logit = model.network().n_classes() == 1;
    // Rows that are not drawn take part with class 0, so that batches keep their shape.
    let indices: Vec<u32> =
        classes.iter().map(|class| if is_one_logit { 0 } else { class.unwrap_or(0) as u32 }).collect();
    let indices = Tensor::from_vec(indices, numbers.len(), &Device::Cpu)?;
    let weight = model.network().classifier_weight().detach();
    let mut cams = cam_from_features(&output.features(&model.tap())?.detach(), &weight, &indices)?;
    if is_one_logit {
        let sign = |class: &Option<usize>| if *class == Some(1) { 1.0_f32 } else { -1.0 };
        let signs: Vec<f32> = classes.iter().map(sign).collect();
        cams = cams.broadcast_mul(&Tensor::from_vec(signs, (numbers.len(), 1, 1), &Device::Cpu)?)?;
    }
    let (_, height, width) = cams.dims3()?;
    let normalised = min_max_normalise(&cams)?.flatten_from(1)?.to_vec2::<f32>()?;
    let cams = cams.flatten_from(1)?.to_vec2::<f32>()?;
    let mut drawings = Vec::with_capacity(numbers.len());
    let rows = numbers.into_iter().zip(logits).zip(classes).zip(cams.into_iter().zip(normalised));
    for (((number, logits), class), (cam, normalised)) in rows {
        let Some(logits) = logits else { continue };
        let Some(class) = class else {
            let reason = "it has no label, so there is no true class to draw".to_owned();
            failures.push((number, failure(&images[number], reason)));
            continue;
        };
        if cam.iter().any(|cell| !cell.is_finite()) {
            let reason = "its CAM is not finite: the network's weights are damaged".to_owned();
            failures.push((number, failure(&images[number], reason)));
            continue;
        }
        let (predicted, probability) = (largest(&logits), softmax(&logits)[class]);
        drawings.push(Drawing {
            number,
            class,
            predicted,
            probability,
            grid: (height, width),
            cam,
            normalised,
        });
    }
    Ok(drawings)
}

/// Why a picture has no drawing.
enum Undrawn {
    /// It cannot be used.
    Picture(String),
    /// Nothing can be written.
    Folder(PredictError),
}

/// The files of a drawing, relative to the folder, with `/`.
struct Files {
    overlay: String,
    cam: String,
    map: Option<String>,
}

impl Drawing {
    fn draw(&self, image: &Image, name: &str, options: CamOptions, folder: &Path) -> Result<Files, Undrawn> {
        let picture = read_image(&image.path, image.window).map_err(Undrawn::Picture)?;
        let (height, width) = self.grid;
        let quantise = |&cell: &f32| (cell.clamp(0.0, 1.0) * 255.0).round() as u8;
        let grid = Raster {
            width_px: width as u32,
            height_px: height as u32,
            channels: 1,
            pixels: self.normalised.iter().map(quantise).collect(),
        };
        let map = resize_bilinear(&grid, picture.width_px, picture.height_px);
        let over = overlay(picture, &map, options.opacity);
        let files = Files {
            overlay: format!("overlays/{name}.png"),
            cam: format!("cams/{name}.npy"),
            map: options.maps.then(|| format!("maps/{name}.png")),
        };
        let png = |raster: &Raster| encode_png(raster).map_err(|error| Undrawn::Picture(error.to_string()));
        write(&folder.join(&files.overlay), &png(&over)?)?;
        write(&folder.join(&files.cam), &npy_bytes(&[height, width], &self.cam))?;
        if let Some(file) = &files.map {
            write(&folder.join(file), &png(&map)?)?;
        }
        Ok(files)
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Undrawn> {
    let folder = path.parent().map_or(Ok(()), fs_err::create_dir_all);
    folder
        .and_then(|()| cyborg_files::write_whole(path, bytes))
        .map_err(|source| Undrawn::Folder(write_error(path, source)))
}

fn write_error(path: &Path, source: std::io::Error) -> PredictError {
    PredictError::Write { path: path.to_owned(), source }
}

/// `cams.csv`.
struct Index {
    path: PathBuf,
    writer: csv::Writer<BufWriter<WholeFile>>,
}

const INDEX_COLUMNS: [&str; 13] = [
    "image",
    "source",
    "label",
    "predicted",
    "predicted_class",
    "class",
    "class_name",
    "probability",
    "cam_min",
    "cam_max",
    "overlay",
    "cam",
    "map",
];

impl Index {
    fn create(path: &Path) -> Result<Self, PredictError> {
        let file = WholeFile::create(path).map_err(|source| write_error(path, source))?;
        let mut index =
            Self { path: path.to_owned(), writer: csv::Writer::from_writer(BufWriter::new(file)) };
        index.write(INDEX_COLUMNS.map(ToOwned::to_owned))?;
        Ok(index)
    }

    fn push(
        &mut self,
        image: &Image,
        drawing: &Drawing,
        files: &Files,
        classes: &Classes,
    ) -> Result<(), PredictError> {
        let cells = || drawing.cam.iter().copied();
        self.write([
            path_cell(&image.id).into_owned(),
            text_cell(image.source.as_deref().unwrap_or_default()).into_owned(),
            image.label.map(|label| label.to_string()).unwrap_or_default(),
            drawing.predicted.to_string(),
            text_cell(&classes.names()[drawing.predicted]).into_owned(),
            drawing.class.to_string(),
            text_cell(&classes.names()[drawing.class]).into_owned(),
            format!("{:?}", drawing.probability),
            format!("{:?}", cells().fold(f32::INFINITY, f32::min)),
            format!("{:?}", cells().fold(f32::NEG_INFINITY, f32::max)),
            files.overlay.clone(),
            files.cam.clone(),
            files.map.clone().unwrap_or_default(),
        ])
    }

    fn write(&mut self, fields: [String; INDEX_COLUMNS.len()]) -> Result<(), PredictError> {
        self.writer.write_record(&fields).map_err(|error| write_error(&self.path, io_error(error)))
    }

    fn finish(self) -> Result<(), PredictError> {
        let Self { path, writer } = self;
        inner(writer)
            .and_then(|file| file.into_inner().map_err(IntoInnerError::into_error))
            .and_then(WholeFile::finish)
            .map_err(|source| write_error(&path, source))
    }
}
