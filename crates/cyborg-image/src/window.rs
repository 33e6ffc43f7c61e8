//! Which stored values become black and white.

use crate::ImageError;

/// The values of 16-bit samples that become 0 and 255; between them it is linear, beyond them it is cut. What radiology calls a
/// window by its ends. Detectors store 10 to 14 bits in 16: without a window, which keeps the high byte, 12 bits are nearly
/// black.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    low: u16,
    high: u16,
}

impl Window {
    /// From the value that becomes black to the one that becomes white.
    ///
    /// # Errors
    /// [`ImageError::Window`] unless `low` is below `high`.
    pub fn new(low: u16, high: u16) -> Result<Self, ImageError> {
        if low < high { Ok(Self { low, high }) } else { Err(ImageError::Window { low, high }) }
    }

    /// The value that becomes 0, and the one that becomes 255.
    pub fn ends(self) -> (u16, u16) {
        (self.low, self.high)
    }

    /// `255 (value - low) / (high - low)`, rounded to the nearest, halves up.
    pub(crate) fn byte(self, value: u16) -> u8 {
        let (low, high) = (u32::from(self.low), u32::from(self.high));
        let above = u32::from(value).clamp(low, high) - low;
        let span = high - low;
        ((above * 510 + span) / (2 * span)) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_black_and_white() {
        let window = Window::new(1000, 4095).expect("ends");
        // 255 * 1547 / 3095 = 127.46, 255 * 1548 / 3095 = 127.54.
        let found = [0, 1000, 2547, 2548, 4095, 65535].map(|value| window.byte(value));
        assert_eq!(found, [0, 0, 127, 128, 255, 255]);
        let whole = Window::new(0, 65535).expect("ends");
        // 65535 / 255 = 257 values a step.
        assert_eq!([0, 128, 129, 257, 65535].map(|value| whole.byte(value)), [0, 0, 1, 1, 255]);
        assert!(Window::new(5, 5).is_err() && Window::new(6, 5).is_err());
    }
}
