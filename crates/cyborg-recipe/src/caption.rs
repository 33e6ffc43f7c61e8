//! One line of text below a picture.

use cyborg_image::Raster;
use font8x8::{BASIC_FONTS, UnicodeFonts as _};

/// Height of a line of text with the space above it.
pub(crate) const CAPTION_PX: u32 = 24;

/// Letters are 8 x 8 pixels, drawn twice as large.
const LETTER_PX: u32 = 16;

/// Writes black letters below `top` from `left` on. What does not fit into `width_px` is cut at its start, where names of
/// files differ least; letters that the font lacks become `?`.
pub(crate) fn write_caption(sheet: &mut Raster, text: &str, left: u32, top: u32, width_px: u32) {
    let room = (width_px / LETTER_PX) as usize;
    let letters: Vec<char> = text.chars().collect();
    let cut = letters.len().saturating_sub(room);
    for (at, letter) in letters[cut..].iter().enumerate() {
        let letter = if cut > 0 && at == 0 { '<' } else { *letter };
        let rows = BASIC_FONTS.get(letter).or_else(|| BASIC_FONTS.get('?')).unwrap_or_default();
        for y in 0..LETTER_PX {
            for x in 0..LETTER_PX {
                if rows[(y / 2) as usize] >> (x / 2) & 1 == 1 {
                    let (x, y) = (left + at as u32 * LETTER_PX + x, top + CAPTION_PX - LETTER_PX - 2 + y);
                    let start = (y as usize * sheet.width_px as usize + x as usize) * 3;
                    sheet.pixels[start..start + 3].fill(0);
                }
            }
        }
    }
}
