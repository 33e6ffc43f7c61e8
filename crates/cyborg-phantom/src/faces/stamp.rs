//! The shortcut: a date stamp on a dark plate in the lower right corner, as old cameras burn it in.
use cyborg_seed::Stream;

use crate::canvas::Canvas;

/// Digits on a grid of 3 x 5, a row of three bits each.
const DIGITS: [[u8; 5]; 10] = [
    [7, 5, 5, 5, 7],
    [2, 6, 2, 2, 7],
    [7, 1, 7, 4, 7],
    [7, 1, 7, 1, 7],
    [5, 5, 7, 1, 1],
    [7, 4, 7, 1, 7],
    [7, 4, 7, 5, 7],
    [7, 1, 2, 2, 2],
    [7, 5, 7, 5, 7],
    [7, 5, 7, 1, 7],
];
const COLOUR: [f32; 3] = [1.0, 0.62, 0.15];
const PLATE: [f32; 3] = [0.05, 0.05, 0.08];
const OPACITY: f32 = 0.9;

/// Where stamps can be, in 64ths of the side: left, top, right, bottom. No region of the face reaches it.
#[cfg(test)]
pub(crate) const CORNER: [f32; 4] = [48.0, 54.0, 64.0, 64.0];

/// Burns three digits on a dark plate into the corner.
pub(crate) fn burn(canvas: &mut Canvas, stream: &mut Stream) {
    let unit = canvas.side as f32 / 64.0;
    let left = 50.5 + stream.uniform_in(-1.0, 1.0) as f32;
    let top = 56.5 + stream.uniform_in(-1.0, 1.0) as f32;
    let plate = [left - 1.0, top - 1.0, left + 12.0, top + 6.0];
    fill(canvas, plate.map(|v| v * unit), PLATE);
    for place in 0..3 {
        let digit = DIGITS[stream.below(10)];
        for (line, bits) in digit.iter().enumerate() {
            for column in 0..3 {
                if bits & (4 >> column) != 0 {
                    let x = left + (place * 4 + column) as f32;
                    let y = top + line as f32;
                    let dot = [x, y, x + 1.0, y + 1.0];
                    fill(canvas, dot.map(|v| v * unit), COLOUR);
                }
            }
        }
    }
}

/// Paints a rectangle, its border's pixels by the share that it covers.
fn fill(canvas: &mut Canvas, [left, top, right, bottom]: [f32; 4], colour: [f32; 3]) {
    let side = canvas.side;
    let span = |low: f32, high: f32| (low.floor() as usize)..(high.ceil() as usize).min(side);
    for row in span(top, bottom) {
        let high = (bottom.min(row as f32 + 1.0) - top.max(row as f32)).clamp(0.0, 1.0);
        for column in span(left, right) {
            let wide = (right.min(column as f32 + 1.0) - left.max(column as f32)).clamp(0.0, 1.0);
            let pixel = canvas.pixel_mut(column, row);
            for c in 0..3 {
                pixel[c] += OPACITY * high * wide * (colour[c] - pixel[c]);
            }
        }
    }
}
