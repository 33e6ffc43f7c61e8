//! From the raw recipe to the checked one: everything that can be known without looking at the data.

use std::path::Path;

use cyborg_manifest::{SourceText, Unexpanded, expand};
use cyborg_saliency::{
    Aggregation, AgreementRule, Choice, Crop, DrawOptions, Edge, Granularity, Length, Normalisation,
    PathPattern, PointStyle, PointWeights, Selection, Side, Threshold, View, Weighting,
};
use serde_yaml::Spanned;

use crate::raw::{
    RawAggregate, RawAgreement, RawAnnotators, RawChoice, RawCrop, RawDraw, RawEdge, RawEmpty, RawFrame,
    RawLength, RawNormalisation, RawOutputNormalisation, RawPointWeights, RawRecipe, RawSeen, RawSide,
    RawSize, RawWeights,
};
use crate::raw_map::{RawControl, RawGranularity, RawThreshold};
use crate::recipe::{Ceiling, Control, Empty, Recipe, Seen, Settings, Size};

/// Sides of maps beyond this are a mistake.
const MAX_SIDE_PX: u32 = 16_384;

/// The recipe, if nothing is wrong that would leave it half built; every fault goes to `source`.
pub(crate) fn checked(raw: RawRecipe, path: &Path, source: &mut SourceText) -> Option<Recipe> {
    if let Some(root) = &raw.root {
        if root.value.trim().is_empty() {
            source.fault(root, "`root` must name a folder; `.` is the recipe's own");
        } else if expand(&root.value, &|_| Some(String::new())) == Err(Unexpanded::Unclosed) {
            source.fault(root, "`${` in `root` has no `}`");
        }
    }
    let images = match &raw.images {
        Some(images) => Some(pattern(images, source)?),
        None => None,
    };
    if raw.annotations.value.is_empty() {
        source.fault(&raw.annotations, "`annotations` must name at least one source");
    }
    let sources = raw.annotations.value.iter().map(|raw| match raw.value.checked() {
        Ok(checked) => Some(checked),
        Err(reason) => {
            source.fault(raw, &reason);
            None
        }
    });
    let sources = sources.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>();
    let (frame_px, crop) = frame(&raw.frame, source);
    let draw = draw(&raw.draw, raw.frame.stretch, source);
    let blur = raw.blur.as_ref().map(|blur| length(blur, "blur", source));
    let (selection, at_least) = people(&raw.annotators, source);
    let output = &raw.output;
    let bits = output.bits.as_ref().map_or(8, |bits| {
        if !matches!(bits.value, 8 | 16) {
            source.fault(bits, &format!("`bits` is {}: it must be 8 or 16", bits.value));
        }
        bits.value
    });
    if let Some(blurred) = &output.blurred_images {
        in_range(blurred, blurred.value.sigma_px, 1e-3, 1e4, "sigma_px", "above 0 (pixels)", source);
    }
    let settings = Settings {
        frame_px,
        crop,
        seen: raw.frame.seen.map(|seen| match seen {
            RawSeen::Upright => Seen::Upright,
            RawSeen::Stored => Seen::Stored,
        }),
        selection,
        at_least,
        draw: draw?,
        normalise_each: match raw.normalise_each {
            RawNormalisation::None => Normalisation::None,
            RawNormalisation::Max => Normalisation::Max,
            RawNormalisation::Sum => Normalisation::Sum,
            RawNormalisation::MinMax => Normalisation::MinMax,
        },
        aggregation: aggregation(raw.aggregate.as_ref(), source),
        weighting: weighting(raw.weights.as_ref(), source),
        blur: match blur {
            Some(blur) => Some(blur?),
            None => None,
        },
        blur_edge: raw.draw.edge.map_or(Edge::Reflect, edge),
        threshold: raw.threshold.as_ref().map(|raw| threshold(raw, source)),
        granularity: granularity(raw.granularity.as_ref(), source),
        control: raw.control.as_ref().map(|raw| control(raw, source)),
        empty: match raw.empty {
            RawEmpty::LeaveOut => Empty::LeaveOut,
            RawEmpty::Zeros => Empty::Zeros,
            RawEmpty::Ones => Empty::Ones,
        },
        normalise: match raw.normalise {
            RawOutputNormalisation::Max => Normalisation::Max,
            RawOutputNormalisation::MinMax => Normalisation::MinMax,
            RawOutputNormalisation::None => Normalisation::None,
        },
        bits,
        size: size(output.size.as_ref(), source),
        blurred_images_sigma_px: output.blurred_images.as_ref().map(|blurred| blurred.value.sigma_px),
        agreement: raw.agreement.measure.then(|| ceiling(&raw.agreement, source)),
    };
    Some(Recipe {
        title: raw.title.trim().to_owned(),
        path: path.into(),
        root: raw.root.map(|root| root.value),
        images,
        sources: sources?,
        settings,
    })
}

/// A pattern of file names with `{image}`.
fn pattern(raw: &Spanned<String>, source: &mut SourceText) -> Option<PathPattern> {
    match PathPattern::parse(&raw.value) {
        Ok(pattern) => {
            if !raw.value.contains("{image}") {
                source.fault(raw, "the pattern needs `{image}`, which stands for the image's name");
            }
            Some(pattern)
        }
        Err(error) => {
            source.fault(raw, &error.to_string());
            None
        }
    }
}

fn frame(raw: &RawFrame, source: &mut SourceText) -> (Option<(u32, u32)>, Option<Crop>) {
    if let Some(size) = &raw.size_px
        && size.value.contains(&0)
    {
        source.fault(size, "a frame of no pixels: `size_px` is [width, height]");
    }
    let crop = raw.crop.as_ref().map(|crop| {
        let RawCrop { x, y, width, height } = crop.value;
        let finite = [x, y, width, height].iter().all(|number| number.abs() <= 1e6);
        if !finite || width <= 0.0 || height <= 0.0 {
            source.fault(crop, "`crop` needs a finite `x` and `y` and a `width` and `height` above 0");
        }
        if raw.size_px.is_none() {
            source.fault(crop, "`crop` is in pixels of the picture that people saw: say its `size_px`");
        }
        Crop { x, y, width, height }
    });
    (raw.size_px.as_ref().map(|size| (size.value[0], size.value[1])), crop)
}

fn edge(raw: RawEdge) -> Edge {
    match raw {
        RawEdge::Constant => Edge::Constant,
        RawEdge::Reflect => Edge::Reflect,
        RawEdge::Nearest => Edge::Nearest,
        RawEdge::Mirror => Edge::Mirror,
        RawEdge::Wrap => Edge::Wrap,
    }
}

fn draw(raw: &RawDraw, stretch: bool, source: &mut SourceText) -> Option<DrawOptions> {
    let sigma = raw.sigma.as_ref().map(|sigma| length(sigma, "sigma", source));
    let disc = raw.disc.as_ref().map(|disc| length(disc, "disc", source));
    if let (Some(truncate), Some(_)) = (&raw.truncate, &disc) {
        source.fault(truncate, "`truncate` is the Gaussian's, but `disc` draws discs: keep one of them");
    }
    if let Some(truncate) = &raw.truncate {
        in_range(truncate, truncate.value, 0.1, 100.0, "truncate", "from 0.1 to 100 sigma", source);
    }
    if let Some(brush) = &raw.brush_px {
        in_range(brush, brush.value, 1e-3, 1e5, "brush_px", "above 0 (pixels)", source);
    }
    let default = Length::Fraction { of: Side::Shorter, fraction: 0.1 };
    let points = match (sigma, disc) {
        (None, Some(diameter)) => PointStyle::Disc { diameter: diameter? },
        (sigma, _) => PointStyle::Density {
            sigma: sigma.unwrap_or(Some(default))?,
            truncate: raw.truncate.as_ref().map_or(4.0, |truncate| truncate.value),
            edge: raw.edge.map_or(Edge::Constant, edge),
        },
    };
    if let (Some(sigma), Some(_)) = (&raw.sigma, &raw.disc) {
        source.fault(sigma, "points become Gaussians of `sigma` or discs of `disc`: keep one of them");
    }
    Some(DrawOptions {
        points,
        weights: match raw.weigh_points {
            RawPointWeights::Equal => PointWeights::Equal,
            RawPointWeights::Duration => PointWeights::Duration,
        },
        brush_px: raw.brush_px.as_ref().map(|brush| brush.value),
        stretch,
    })
}

fn length(raw: &Spanned<RawLength>, name: &str, source: &mut SourceText) -> Option<Length> {
    let RawLength { px, fraction, of, degrees, view } = &raw.value;
    let said: Vec<f64> = [px, fraction, degrees].into_iter().copied().flatten().collect();
    let [value] = said[..] else {
        source.fault(raw, &format!("`{name}` must say one of `px`, `fraction` and `degrees`"));
        return None;
    };
    in_range(raw, value, 1e-6, 1e5, name, "above 0", source);
    if px.is_some() {
        return Some(Length::FramePx(value));
    }
    if fraction.is_some() {
        let of = match of {
            RawSide::Shorter => Side::Shorter,
            RawSide::Longer => Side::Longer,
            RawSide::Width => Side::Width,
            RawSide::Height => Side::Height,
        };
        return Some(Length::Fraction { of, fraction: value });
    }
    let Some(view) = view else {
        source.fault(raw, "`degrees` needs `view: {distance_cm, screen_width_cm, screen_width_px}`");
        return None;
    };
    let numbers = [view.distance_cm, view.screen_width_cm, view.screen_width_px, view.magnification];
    if numbers.iter().any(|number| !(1e-3..=1e6).contains(number)) {
        source.fault(raw, "every number of `view` must be above 0");
    }
    Some(Length::Degrees {
        degrees: value,
        view: View {
            distance_cm: view.distance_cm,
            screen_width_cm: view.screen_width_cm,
            screen_width_px: view.screen_width_px,
            magnification: view.magnification,
        },
    })
}

fn people(raw: &RawAnnotators, source: &mut SourceText) -> (Selection, usize) {
    let choose = match raw.choose.as_ref() {
        None => Choice::All,
        Some(choose) => match &choose.value {
            RawChoice::All => Choice::All,
            RawChoice::First => Choice::First,
            RawChoice::MostMarks => Choice::MostMarks,
            RawChoice::Random(random) => {
                if random.n == 0 {
                    source.fault(choose, "`n` is 0: nobody would count");
                }
                Choice::Random { n: random.n, seed: random.seed }
            }
        },
    };
    let selection = Selection {
        keep: raw.keep.as_ref().map(|keep| keep.iter().cloned().collect()),
        drop: raw.drop.iter().cloned().collect(),
        only_correct: raw.only_correct,
        min_duration_s: raw.min_duration_s,
        max_duration_s: raw.max_duration_s,
        min_marks: raw.min_marks,
        choose,
    };
    (selection, raw.at_least.max(1))
}

fn aggregation(raw: Option<&Spanned<RawAggregate>>, source: &mut SourceText) -> Aggregation {
    let Some(raw) = raw else { return Aggregation::Mean };
    match &raw.value {
        RawAggregate::Mean => Aggregation::Mean,
        RawAggregate::Union => Aggregation::Union,
        RawAggregate::Intersection => Aggregation::Intersection,
        RawAggregate::Majority(majority) => {
            share(raw, majority.share, "share", source);
            if !majority.threshold.is_finite() {
                source.fault(raw, "`threshold` must be a number");
            }
            Aggregation::Majority { threshold: majority.threshold, share: majority.share }
        }
    }
}

fn weighting(raw: Option<&Spanned<RawWeights>>, source: &mut SourceText) -> Weighting {
    let Some(raw) = raw else { return Weighting::Equal };
    let (weighting, weights) = match &raw.value {
        RawWeights::Equal => (Weighting::Equal, vec![]),
        RawWeights::Duration => (Weighting::Duration, vec![]),
        RawWeights::Correctness(by) => (
            Weighting::Correctness { right: by.right, wrong: by.wrong, unknown: by.unknown },
            vec![by.right, by.wrong, by.unknown],
        ),
        RawWeights::Annotators(by) => (
            Weighting::Annotator { weights: by.weights.clone(), others: by.others },
            by.weights.values().copied().chain([by.others]).collect(),
        ),
    };
    if weights.iter().any(|weight| !(0.0..=1e9).contains(weight)) {
        source.fault(raw, "every weight must be 0 or more");
    }
    weighting
}

fn threshold(raw: &Spanned<RawThreshold>, source: &mut SourceText) -> Threshold {
    match raw.value {
        RawThreshold::Value(value) => {
            in_range(raw, value, -1e30, 1e30, "value", "a number", source);
            Threshold::Value(value)
        }
        RawThreshold::ShareOfMax(value) => {
            in_range(raw, value, 0.0, 1.0, "share-of-max", "from 0 to 1", source);
            Threshold::ShareOfMax(value)
        }
        RawThreshold::TopShare(value) => {
            in_range(raw, value, 0.0, 1.0, "top-share", "from 0 to 1", source);
            Threshold::TopShare(value)
        }
    }
}

fn granularity(raw: Option<&Spanned<RawGranularity>>, source: &mut SourceText) -> Granularity {
    let Some(raw) = raw else { return Granularity::Features };
    match raw.value {
        RawGranularity::Features => Granularity::Features,
        RawGranularity::Area(marked) => {
            share(raw, f64::from(marked.threshold), "threshold", source);
            Granularity::Area { threshold: marked.threshold }
        }
        RawGranularity::Boundary(marked) => {
            share(raw, f64::from(marked.threshold), "threshold", source);
            Granularity::Boundary { threshold: marked.threshold }
        }
    }
}

fn control(raw: &Spanned<RawControl>, source: &mut SourceText) -> Control {
    match raw.value {
        RawControl::Uniform => Control::Uniform,
        RawControl::Inverted => Control::Inverted,
        RawControl::CentrePrior(prior) => {
            in_range(raw, prior.sigma, 1e-3, 1e3, "sigma", "above 0 (a share of each side)", source);
            Control::CentrePrior { sigma: prior.sigma }
        }
        RawControl::Shuffled(shuffled) => {
            Control::Shuffled { seed: shuffled.seed, within_class: shuffled.within_class }
        }
        RawControl::RandomBlobs(blobs) => {
            in_range(raw, blobs.size, 1e-3, 10.0, "size", "above 0 (a share of the longer side)", source);
            share(raw, f64::from(blobs.threshold), "threshold", source);
            Control::RandomBlobs { size: blobs.size, threshold: blobs.threshold, seed: blobs.seed }
        }
    }
}

fn size(raw: Option<&Spanned<RawSize>>, source: &mut SourceText) -> Size {
    let Some(raw) = raw else { return Size::Image };
    let (size, sides) = match raw.value {
        RawSize::Image => return Size::Image,
        RawSize::LongestSidePx(side) => (Size::LongestSide(side), [side, side]),
        RawSize::FixedPx([width, height]) => (Size::Fixed(width, height), [width, height]),
    };
    if sides.iter().any(|side| !(1..=MAX_SIDE_PX).contains(side)) {
        source.fault(raw, &format!("the maps' sides must be from 1 to {MAX_SIDE_PX} pixels"));
    }
    size
}

fn ceiling(raw: &RawAgreement, source: &mut SourceText) -> Ceiling {
    let default = AgreementRule::default();
    if let Some(n) = &raw.n_splits
        && !(1..=10_000).contains(&n.value)
    {
        source.fault(n, "`n_splits` must be from 1 to 10000");
    }
    if let Some(threshold) = &raw.threshold {
        share(threshold, f64::from(threshold.value), "threshold", source);
    }
    if let Some(side) = &raw.longest_side_px
        && !(2..=MAX_SIDE_PX).contains(&side.value)
    {
        source.fault(side, &format!("`longest_side_px` must be from 2 to {MAX_SIDE_PX}"));
    }
    Ceiling {
        rule: AgreementRule {
            n_splits: raw.n_splits.as_ref().map_or(default.n_splits, |n| n.value),
            seed: raw.seed,
            threshold: raw.threshold.as_ref().map_or(default.threshold, |threshold| threshold.value),
        },
        longest_side_px: raw.longest_side_px.as_ref().map(|side| side.value),
    }
}

fn share<T>(at: &Spanned<T>, value: f64, name: &str, source: &mut SourceText) {
    if !(0.0..1.0).contains(&value) {
        source.fault(at, &format!("`{name}` is {value}: it must be a share from 0 to less than 1"));
    }
}

fn in_range<T>(
    at: &Spanned<T>,
    value: f64,
    least: f64,
    most: f64,
    name: &str,
    expected: &str,
    source: &mut SourceText,
) {
    if !(least..=most).contains(&value) {
        source.fault(at, &format!("`{name}` is {value}: it must be {expected}"));
    }
}
