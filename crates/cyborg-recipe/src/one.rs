//! One image: people's annotations to one map.

use cyborg_causes::on_one_line;
use cyborg_image::{Raster, encode_png, encode_png_16, read_rgb, resize_bilinear};
use cyborg_saliency::{
    Aggregator, Agreement, Drawn, Gaussian, Normalisation, Outside, SaliencyMap, agreement, area_average,
    blur_outside, centre_prior, draw, gaussian_blur, inverted, normalise, random_blobs, threshold, uniform,
};

use crate::image::Image;
use crate::people::Person;
use crate::place::Seat;
use crate::provenance::Row;
use crate::recipe::{Ceiling, Control, Empty, Settings};

/// What came of one image.
#[derive(Clone, Debug)]
pub(crate) struct ImageOutcome {
    /// The one map; why there is none.
    pub(crate) map: Result<SaliencyMap, String>,
    /// Names of those who counted.
    pub(crate) annotators: Vec<String>,
    /// How many did not.
    pub(crate) n_dropped: usize,
    /// Of those who counted.
    pub(crate) n_marks: usize,
    /// Of all people, marks that could not be read.
    pub(crate) n_marks_lost: usize,
    /// Of those who counted, marks outside of the image.
    pub(crate) outside: Outside,
    /// If it was asked for and maps could be drawn.
    pub(crate) agreement: Option<Agreement>,
}

impl ImageOutcome {
    /// What a table says of it, apart from the map.
    pub(crate) fn row(&self, image: &Image) -> Row {
        Row {
            image: image.name.clone(),
            n_annotators: self.annotators.len(),
            annotators: self.annotators.join(";"),
            n_dropped: self.n_dropped,
            n_marks: self.n_marks,
            n_marks_lost: self.n_marks_lost,
            n_marks_outside: self.outside.n_outside,
            n_marks_inside_if_swapped: self.outside.n_inside_if_swapped,
            ..Row::default()
        }
    }

    /// Nothing, and why.
    pub(crate) fn nothing(reason: String) -> Self {
        Self {
            map: Err(reason),
            annotators: vec![],
            n_dropped: 0,
            n_marks: 0,
            n_marks_lost: 0,
            outside: Outside::default(),
            agreement: None,
        }
    }
}

/// What is wanted of [`make`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// The map, and the agreement if the settings ask for it.
    Map,
    /// People's one map as it is before controls, granularity and the like, for the image that gets it instead.
    Donor,
    /// The agreement alone.
    Agreement,
}

/// Draws, puts together, finishes. Everything that can be wrong with one image ends up as [`ImageOutcome::map`]'s reason.
pub(crate) fn make(
    image: &Image,
    seat: &Seat,
    people: &[Person],
    settings: &Settings,
    want: Want,
) -> ImageOutcome {
    let mut made = ImageOutcome::nothing(String::new());
    made.map = people_map(image, seat, people, settings, want, &mut made)
        .and_then(|map| if want == Want::Map { finished(map, image, seat, settings) } else { Ok(map) });
    made
}

fn people_map(
    image: &Image,
    seat: &Seat,
    people: &[Person],
    settings: &Settings,
    want: Want,
    made: &mut ImageOutcome,
) -> Result<SaliencyMap, String> {
    if people.is_empty() {
        return Err("no annotation".to_owned());
    }
    made.n_marks_lost = people.iter().map(Person::n_lost).sum();
    // Of whom nothing could be read is nobody who marked nothing.
    let readable: Vec<&Person> = people.iter().filter(|person| !person.is_lost()).collect();
    let people = readable;
    if people.is_empty() {
        return Err("no annotation that could be read".to_owned());
    }
    let annotators: Vec<_> = people.iter().map(|person| person.annotator()).collect();
    let chosen = settings.selection.chosen(&image.name, &annotators);
    made.annotators = chosen.iter().map(|&at| people[at].name.clone()).collect();
    made.n_dropped = people.len() - chosen.len();
    made.n_marks = chosen.iter().map(|&at| annotators[at].n_marks).sum();
    if chosen.len() < settings.at_least {
        let least = settings.at_least;
        return Err(match (people.len(), chosen.len()) {
            (1, 0) => "the one annotator does not count".to_owned(),
            (all, 0) => format!("none of {all} annotators counts"),
            (_, 1) => format!("1 annotator, and the recipe wants at least {least}"),
            (_, n) => format!("{n} annotators, and the recipe wants at least {least}"),
        });
    }
    let ceiling = if want == Want::Donor { None } else { settings.agreement };
    let (width, height) = (seat.map_px.0 as usize, seat.map_px.1 as usize);
    let mut aggregator = Aggregator::new(settings.aggregation, width, height);
    let mut maps = Vec::new();
    for &at in &chosen {
        let weight = settings.weighting.weight_of(&annotators[at]).ok_or_else(|| {
            let (name, origin) = (&people[at].name, &people[at].annotations[0].origin);
            format!("annotator `{name}` ({origin}) has no weight: what `weights` goes by is not in the file")
        })?;
        let mut map = drawn(seat, people[at], settings, made)?;
        // An empty map stays empty; that is not the person's fault.
        let _ = normalise(&mut map, settings.normalise_each);
        if want != Want::Agreement {
            aggregator.add(&map, weight);
        }
        if let Some(ceiling) = ceiling {
            maps.push(shrunk(map, &ceiling));
        }
    }
    if let Some(ceiling) = ceiling {
        made.agreement = Some(agreement(&image.name, &maps, &ceiling.rule));
    }
    if want == Want::Agreement {
        return Err("not asked for".to_owned());
    }
    aggregator.finish().ok_or_else(|| "every annotator weighs nothing".to_owned())
}

/// One person's map as it is, divided by its greatest value: for looking at.
pub(crate) fn person_map(seat: &Seat, person: &Person, settings: &Settings) -> Result<SaliencyMap, String> {
    let mut map = drawn(seat, person, settings, &mut ImageOutcome::nothing(String::new()))?;
    let _is_empty = normalise(&mut map, Normalisation::Max);
    Ok(map)
}

/// One person's map: marks of one frame at once, several frames by the pixelwise maximum.
fn drawn(
    seat: &Seat,
    person: &Person,
    settings: &Settings,
    made: &mut ImageOutcome,
) -> Result<SaliencyMap, String> {
    let mut one: Option<SaliencyMap> = None;
    for mut annotation in person.by_frame() {
        let placement = seat
            .place(&mut annotation, settings)
            .map_err(|error| {
                format!(
                    "cannot place annotation {}: {error}; if people saw the image squashed, say `frame: {{stretch: true}}`",
                    annotation.origin
                )
            })?;
        let Drawn { map, outside } =
            draw(&annotation, &placement, &settings.draw).map_err(|error| on_one_line(&error))?;
        made.outside.add(outside);
        match &mut one {
            None => one = Some(map),
            Some(one) => {
                for (value, other) in one.values.iter_mut().zip(map.values) {
                    *value = value.max(other);
                }
            }
        }
    }
    one.ok_or_else(|| "no annotation".to_owned())
}

/// At most as large as agreement is measured on.
fn shrunk(map: SaliencyMap, ceiling: &Ceiling) -> SaliencyMap {
    let longest = map.width_px.max(map.height_px);
    match ceiling.longest_side_px {
        Some(side) if (side as usize) < longest => {
            let scaled = |n: usize| ((n as f64 * f64::from(side) / longest as f64).round() as usize).max(1);
            area_average(&map, scaled(map.width_px), scaled(map.height_px))
        }
        _ => map,
    }
}

/// From people's one map to the one that is written: blur, threshold, granularity, control, range.
pub(crate) fn finished(
    mut map: SaliencyMap,
    image: &Image,
    seat: &Seat,
    settings: &Settings,
) -> Result<SaliencyMap, String> {
    let (width, height) = (map.width_px, map.height_px);
    if let Some(length) = settings.blur {
        let (image_width, image_height) = (f64::from(seat.stored_px.0), f64::from(seat.stored_px.1));
        let sigma = length.in_frame_px((image_width, image_height)).map_err(|error| on_one_line(&error))?;
        let gaussian = Gaussian {
            sigma_x_px: sigma * width as f64 / image_width,
            sigma_y_px: sigma * height as f64 / image_height,
            ..Gaussian::new(sigma)
        };
        map = gaussian_blur(&map, &gaussian, settings.blur_edge).map_err(|error| on_one_line(&error))?;
    }
    if let Some(rule) = settings.threshold {
        map = threshold(&map, rule).map_err(|error| on_one_line(&error))?;
    }
    map = settings.granularity.of(map);
    map = match settings.control {
        // Another image's map is what comes in here.
        None | Some(Control::Shuffled { .. }) => map,
        Some(Control::Uniform) => uniform(width, height),
        Some(Control::Inverted) => inverted(map),
        Some(Control::CentrePrior { sigma }) => centre_prior(width, height, sigma),
        Some(Control::RandomBlobs { size, threshold, seed }) => {
            random_blobs(&map, threshold, size, &image.name, seed)
        }
    };
    let max = map.values.iter().copied().fold(0.0, f32::max);
    if max <= 0.0 {
        return match settings.empty {
            Empty::LeaveOut => Err("empty map".to_owned()),
            Empty::Zeros => Ok(SaliencyMap::filled(width, height, 0.0)),
            Empty::Ones => Ok(uniform(width, height)),
        };
    }
    // A uniform map has no contrast for min-max; it stays uniform.
    let rule = match settings.normalise {
        Normalisation::MinMax if map.values.iter().all(|&value| value == max) => Normalisation::Max,
        rule => rule,
    };
    let _ = normalise(&mut map, rule);
    for value in &mut map.values {
        *value = value.clamp(0.0, 1.0);
    }
    Ok(map)
}

/// Another image's map at this one's size.
pub(crate) fn fitted(map: SaliencyMap, (width, height): (u32, u32)) -> SaliencyMap {
    if (map.width_px, map.height_px) == (width as usize, height as usize) {
        return map;
    }
    area_average(&map, width as usize, height as usize)
}

/// The image, blurred where the map is dark.
pub(crate) fn blurred(image: &Image, map: &SaliencyMap, sigma_px: f64) -> Result<Raster, String> {
    let pixels = read_rgb(&image.path).map_err(|error| on_one_line(&error))?;
    let size = (pixels.width_px, pixels.height_px);
    if (map.width_px, map.height_px) == (size.0 as usize, size.1 as usize) {
        return blur_outside(&pixels, map, sigma_px).map_err(|error| on_one_line(&error));
    }
    let small = grey(map);
    let large = resize_bilinear(&small, size.0, size.1);
    let values = large.pixels.iter().map(|&value| f32::from(value) / 255.0).collect();
    let map = SaliencyMap { width_px: size.0 as usize, height_px: size.1 as usize, values };
    blur_outside(&pixels, &map, sigma_px).map_err(|error| on_one_line(&error))
}

/// 8 bits: the nearest level.
pub(crate) fn grey(map: &SaliencyMap) -> Raster {
    let pixels = map.values.iter().map(|value| (value * 255.0).round() as u8).collect();
    Raster { width_px: map.width_px as u32, height_px: map.height_px as u32, channels: 1, pixels }
}

/// PNG bytes of a map in `[0, 1]`: the nearest of 256 or 65,536 levels.
pub(crate) fn png(map: &SaliencyMap, bits: u8) -> Result<Vec<u8>, cyborg_image::ImageError> {
    if bits == 16 {
        let samples: Vec<u16> = map.values.iter().map(|value| (value * 65535.0).round() as u16).collect();
        return encode_png_16(map.width_px as u32, map.height_px as u32, &samples);
    }
    encode_png(&grey(map))
}
