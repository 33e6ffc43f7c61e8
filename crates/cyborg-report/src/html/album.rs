//! Images inside the page. Each is stored once and shown by reference, however often it appears.
use crate::colour::colour;
use crate::escape::html;
use base64::Engine as _;
use cyborg_image::{Raster, encode_png, read_map, read_rgb, resize_bilinear};
use image::codecs::jpeg::JpegEncoder;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Longest side of a test image in the page.
const IMAGE_PX: u32 = 128;
/// Longest side of a human map in the page.
const MAP_PX: u32 = 64;
/// Of thumbnails: no artefact shows at this size.
const JPEG_QUALITY: u8 = 85;
/// Pixels a cell of a CAM that is laid over an image.
const SMOOTH: u32 = 6;

/// The images of one page.
#[derive(Default)]
pub(crate) struct Album {
    /// Path and kind -> number and width / height, or none for an unreadable file.
    known: BTreeMap<(String, bool), Option<(usize, f64)>>,
    definitions: String,
    n: usize,
    /// Files that could not be read.
    pub(crate) n_missing: usize,
}

impl Album {
    /// A test image with a map of values 0..=255 laid over it. None when the image cannot be read.
    pub(crate) fn image_with_cam(
        &mut self,
        path: &Path,
        cam: &[u8],
        grid: usize,
        alt: &str,
    ) -> Option<String> {
        let (number, aspect) = self.reference(path, false)?;
        let overlay = smooth(cam, grid)?;
        Some(stacked(number, aspect, &format!("<image {} href=\"{overlay}\"/>", fill(aspect)), alt))
    }

    /// A test image with its human map laid over it. None when one of the two cannot be read.
    pub(crate) fn image_with_map(&mut self, path: &Path, map: &Path, alt: &str) -> Option<String> {
        let (number, aspect) = self.reference(path, false)?;
        let (map, _) = self.reference(map, true)?;
        // The map is stretched over its image: it was drawn on it.
        let over = format!("<use href=\"#p{map}\" transform=\"scale({aspect:.4} 1)\"/>");
        Some(stacked(number, aspect, &over, alt))
    }

    /// What the references point to; to be put into the page once.
    pub(crate) fn definitions(&self) -> String {
        if self.definitions.is_empty() {
            return String::new();
        }
        format!(
            "<svg width=\"0\" height=\"0\" class=\"store\" aria-hidden=\"true\"><defs>{}</defs></svg>",
            self.definitions
        )
    }

    fn reference(&mut self, path: &Path, is_map: bool) -> Option<(usize, f64)> {
        let key = (path.to_string_lossy().into_owned(), is_map);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let image = if is_map { map_thumbnail(path) } else { thumbnail(path) };
        let found = image.map(|(uri, aspect)| {
            let number = self.n;
            self.n += 1;
            // A map takes the unit square, an image its own shape.
            let place = fill(if is_map { 1.0 } else { aspect });
            let _ = write!(self.definitions, "<image id=\"p{number}\" {place} href=\"{uri}\"/>");
            (number, aspect)
        });
        if found.is_none() {
            self.n_missing += 1;
        }
        self.known.insert(key, found);
        found
    }
}

/// Attributes of an image that fills a box of height 1.
fn fill(aspect: f64) -> String {
    format!("width=\"{aspect:.4}\" height=\"1\" preserveAspectRatio=\"none\"")
}

fn stacked(number: usize, aspect: f64, over: &str, alt: &str) -> String {
    format!(
        "<svg class=\"shot\" viewBox=\"0 0 {aspect:.4} 1\" role=\"img\" aria-label=\"{}\">\
         <use href=\"#p{number}\"/><g class=\"over\">{over}</g></svg>",
        html(alt)
    )
}

/// A map of values in 0..1 as an `<img>` of square cells.
pub(crate) fn heat_image(values: &[f64], grid: usize, alt: &str) -> String {
    match heat_png(values, grid) {
        Some(uri) => format!("<img class=\"heat\" src=\"{uri}\" alt=\"{}\">", html(alt)),
        None => "<span class=\"gap\">no image</span>".to_owned(),
    }
}

/// The colour scale from 0 to 1.
pub(crate) fn scale_image() -> String {
    let values: Vec<u8> = (0..128_u8).flat_map(|step| colour(f64::from(step) / 127.0)).collect();
    let raster = Raster { width_px: 128, height_px: 1, channels: 3, pixels: values };
    match encode_png(&raster) {
        Ok(png) => {
            format!("<img class=\"scale\" src=\"{}\" alt=\"colour scale from 0 to 1\">", data_uri(&png))
        }
        Err(_) => String::new(),
    }
}

fn heat_png(values: &[f64], grid: usize) -> Option<String> {
    let side_px = u32::try_from(grid).ok()?;
    if grid == 0 || values.len() != grid * grid {
        return None;
    }
    let pixels = values.iter().flat_map(|&value| colour(value)).collect();
    let png = encode_png(&Raster { width_px: side_px, height_px: side_px, channels: 3, pixels }).ok()?;
    Some(data_uri(&png))
}

/// Enlarged here, so that every viewer and printer smooths it alike.
fn smooth(cam: &[u8], grid: usize) -> Option<String> {
    let side_px = u32::try_from(grid).ok()?;
    if grid == 0 || cam.len() != grid * grid {
        return None;
    }
    let small = Raster { width_px: side_px, height_px: side_px, channels: 1, pixels: cam.to_vec() };
    let side_px = (SMOOTH * side_px).min(MAP_PX).max(side_px);
    let large = resize_bilinear(&small, side_px, side_px);
    let pixels = large.pixels.iter().flat_map(|&value| colour(f64::from(value) / 255.0)).collect();
    picture_uri(&Raster { width_px: side_px, height_px: side_px, channels: 3, pixels })
}

/// As JPEG or PNG, whichever is smaller: photographs compress, drawings stay exact.
fn picture_uri(raster: &Raster) -> Option<String> {
    let png = encode_png(raster).ok()?;
    let mut jpeg = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY).encode(
        &raster.pixels,
        raster.width_px,
        raster.height_px,
        image::ExtendedColorType::Rgb8,
    );
    match encoded {
        Ok(()) if jpeg.len() < png.len() => {
            Some(format!("data:image/jpeg;base64,{}", base64::engine::general_purpose::STANDARD.encode(jpeg)))
        }
        _ => Some(data_uri(&png)),
    }
}

fn thumbnail(path: &Path) -> Option<(String, f64)> {
    let raster = shrink(read_rgb(path).ok()?, IMAGE_PX);
    let aspect = f64::from(raster.width_px) / f64::from(raster.height_px);
    Some((picture_uri(&raster)?, aspect))
}

fn map_thumbnail(path: &Path) -> Option<(String, f64)> {
    let raster = shrink(read_map(path).ok()?, MAP_PX);
    let (width_px, height_px) = (raster.width_px, raster.height_px);
    let pixels = raster.pixels.iter().flat_map(|&value| colour(f64::from(value) / 255.0)).collect();
    let uri = picture_uri(&Raster { width_px, height_px, channels: 3, pixels })?;
    Some((uri, f64::from(width_px) / f64::from(height_px)))
}

/// Brings the longer side to at most `longest_px`; never enlarges.
fn shrink(raster: Raster, longest_px: u32) -> Raster {
    let longest = raster.width_px.max(raster.height_px);
    if longest <= longest_px {
        return raster;
    }
    let scaled = |side: u32| {
        let scaled = (f64::from(side) * f64::from(longest_px) / f64::from(longest)).round() as u32;
        scaled.max(1)
    };
    resize_bilinear(&raster, scaled(raster.width_px), scaled(raster.height_px))
}

fn data_uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(png))
}
