//! Draws from ranges that a file states.

use cyborg_seed::Stream;
use cyborg_settings::Fault;

/// A fault unless the range [least, greatest] has its ends in order.
pub(super) fn check_order(field: &str, [least, greatest]: [f64; 2]) -> Result<(), Fault> {
    if least <= greatest {
        return Ok(());
    }
    let message = format!("expected the least value first, found [{least}, {greatest}]");
    Err(Fault::of_field(field, message, Some(format!("swap them: [{greatest}, {least}]"))))
}

/// Uniform in a range.
pub(super) fn uniform([least, greatest]: [f64; 2], draws: &mut Stream) -> f64 {
    draws.uniform_in(least, greatest)
}

/// Uniform in the logarithm: a factor and its inverse are equally likely.
pub(super) fn log_uniform([least, greatest]: [f64; 2], draws: &mut Stream) -> f64 {
    libm::exp(draws.uniform_in(libm::log(least), libm::log(greatest)))
}

/// A rectangle of whole pixels in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rectangle {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// A rectangle whose area is a share of the image's in `scale` and whose width is `ratio` times its height, in a random
/// place; None if ten draws all stick out. As torchvision's `RandomResizedCrop` and `RandomErasing` draw.
pub(super) fn rectangle(
    (width, height): (usize, usize),
    scale: [f64; 2],
    ratio: [f64; 2],
    draws: &mut Stream,
) -> Option<Rectangle> {
    for _ in 0..10 {
        let area = width as f64 * height as f64 * uniform(scale, draws);
        let ratio = log_uniform(ratio, draws);
        let (w, h) = ((area * ratio).sqrt().round() as usize, (area / ratio).sqrt().round() as usize);
        if (1..=width).contains(&w) && (1..=height).contains(&h) {
            let (top, left) = (draws.below(height - h + 1), draws.below(width - w + 1));
            return Some(Rectangle { left, top, width: w, height: h });
        }
    }
    None
}
