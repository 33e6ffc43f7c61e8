//! COCO's run-length masks.

use crate::SaliencyMap;

/// The most pixels that a mask or map may have; larger ones are refused before anything is allocated.
pub(crate) const MAX_PIXELS: u64 = cyborg_image::MAX_PIXELS;

/// A mask as COCO stores it: down the columns, alternately so many zeros and so many ones, zeros first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs {
    /// Columns.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// Lengths; together all pixels.
    pub counts: Vec<u32>,
}

impl Runs {
    /// Checks that the lengths cover the mask. `size` is `[height, width]`, as COCO has it.
    ///
    /// # Errors
    /// What is wrong, without the place.
    pub fn new([height_px, width_px]: [u32; 2], counts: Vec<u32>) -> Result<Self, String> {
        let pixels = u64::from(width_px) * u64::from(height_px);
        if pixels == 0 || pixels > MAX_PIXELS {
            return Err(format!(
                "a mask of {width_px}x{height_px} pixels: it must have from 1 to {MAX_PIXELS}"
            ));
        }
        let covered: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        if covered != pixels {
            return Err(format!(
                "run lengths cover {covered} pixels, but a mask of {width_px}x{height_px} has {pixels}: \
                 `size` must be [height, width]"
            ));
        }
        Ok(Self { width_px, height_px, counts })
    }

    /// COCO's compressed text: each length less the one two before it (from the fourth on), in groups of 5 bits, low
    /// first, bit 6 for "more follows", the last group's top bit as its sign; 48 added to make it text.
    ///
    /// # Errors
    /// What is wrong, without the place.
    pub fn from_text(size: [u32; 2], text: &str) -> Result<Self, String> {
        let mut counts: Vec<u32> = Vec::new();
        let mut bytes = text.bytes().enumerate();
        while let Some((mut at, mut byte)) = bytes.next() {
            let (mut value, mut shift) = (0i64, 0u32);
            loop {
                let group = i64::from(byte) - 48;
                if !(0..64).contains(&group) || shift > 35 {
                    return Err(format!("byte {} of the compressed run lengths is none of theirs", at + 1));
                }
                value |= (group & 0x1f) << shift;
                shift += 5;
                if group & 0x20 == 0 {
                    if group & 0x10 != 0 {
                        value |= -1 << shift;
                    }
                    break;
                }
                (at, byte) = bytes.next().ok_or("the compressed run lengths end within a number")?;
            }
            if counts.len() > 2 {
                value += i64::from(counts[counts.len() - 2]);
            }
            let count =
                u32::try_from(value).map_err(|_| format!("run {} has length {value}", counts.len() + 1))?;
            counts.push(count);
        }
        Self::new(size, counts)
    }

    /// The mask, 0 and 1.
    pub fn to_map(&self) -> SaliencyMap {
        let (width, height) = (self.width_px as usize, self.height_px as usize);
        let mut map = SaliencyMap::filled(width, height, 0.0);
        let mut at = 0usize;
        for (run, &count) in self.counts.iter().enumerate() {
            let end = (at + count as usize).min(width * height);
            if run % 2 == 1 {
                for pixel in at..end {
                    map.values[(pixel % height) * width + pixel / height] = 1.0;
                }
            }
            at = end;
        }
        map
    }
}
