//! Where an annotation lies on an image, and how large the map is.

use cyborg_causes::on_one_line;
use cyborg_image::{dimensions, orientation};
use cyborg_saliency::{
    Annotation, FRACTIONS, GeometryError, Orientation, Placement, aspect_agrees, check_aspect,
};

use crate::image::Image;
use crate::recipe::{Seen, Settings, Size};

/// What must be known of an image file before anything is drawn on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    /// Of the pixels as they are stored.
    pub(crate) stored_px: (u32, u32),
    /// How they must be turned to be upright.
    pub(crate) orientation: Orientation,
    /// Of the map.
    pub(crate) map_px: (u32, u32),
}

impl Seat {
    /// Reads the image's size and orientation.
    pub(crate) fn new(image: &Image, settings: &Settings) -> Result<Self, String> {
        let stored_px = dimensions(&image.path).map_err(|error| on_one_line(&error))?;
        let exif = orientation(&image.path).map_err(|error| on_one_line(&error))?;
        let orientation = Orientation::from_exif(exif).unwrap_or_default();
        if orientation != Orientation::Upright && settings.seen.is_none() {
            return Err(format!(
                "image `{}` is stored turned (EXIF orientation {exif}), and the recipe does not say how people saw it: \
                 add `frame: {{seen: upright}}`, or `stored`",
                image.path.display()
            ));
        }
        Ok(Self { stored_px, orientation, map_px: map_px(stored_px, settings.size)? })
    }

    /// The image's size as people saw it, if they saw all of it.
    fn seen_px(&self, settings: &Settings) -> (u32, u32) {
        match settings.seen {
            Some(Seen::Upright) => self.orientation.turned_size(self.stored_px),
            Some(Seen::Stored) | None => self.stored_px,
        }
    }

    /// The annotation's placement on the map. An annotation in shares of the sides becomes one in pixels, so that lengths
    /// in pixels mean something.
    pub(crate) fn place(
        &self,
        annotation: &mut Annotation,
        settings: &Settings,
    ) -> Result<Placement, GeometryError> {
        let seen_px = self.seen_px(settings);
        let default = settings.frame_px.unwrap_or(seen_px);
        if annotation.frame_px == Some(FRACTIONS) {
            annotation.fractions_to_pixels(default);
        }
        let frame_px = annotation.frame_px.unwrap_or(default);
        let on_image = |image_px| {
            if settings.draw.stretch {
                Ok(Placement::new(frame_px).resized(image_px))
            } else {
                Placement::on_image(frame_px, image_px)
            }
        };
        let on_seen = match settings.crop {
            None => on_image(seen_px)?,
            Some(crop) => {
                // The crop is in pixels of the recipe's frame; a file may have stated the same picture at another size.
                let cropped = on_image(default)?.cropped(crop);
                if !settings.draw.stretch {
                    check_aspect(cropped.size_px(), seen_px)?;
                }
                cropped.resized(seen_px)
            }
        };
        let on_stored = match settings.seen {
            Some(Seen::Upright) => on_seen.stored(self.orientation),
            Some(Seen::Stored) | None => on_seen,
        };
        Ok(on_stored.resized(self.map_px))
    }
}

fn map_px((width, height): (u32, u32), size: Size) -> Result<(u32, u32), String> {
    match size {
        Size::Image => Ok((width, height)),
        Size::LongestSide(longest) if width.max(height) <= longest => Ok((width, height)),
        Size::LongestSide(longest) => {
            let side = |side: u32| {
                let side = f64::from(side) * f64::from(longest) / f64::from(width.max(height));
                (side.round() as u32).max(1)
            };
            Ok((side(width), side(height)))
        }
        Size::Fixed(map_width, map_height) if aspect_agrees((map_width, map_height), (width, height)) => {
            Ok((map_width, map_height))
        }
        Size::Fixed(map_width, map_height) => Err(format!(
            "the image is {width}x{height}, another shape than `fixed-px: [{map_width}, {map_height}]`: maps must \
             have their image's shape; use `longest-side-px`"
        )),
    }
}
