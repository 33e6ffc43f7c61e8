//! Grid and receptive field from the windows (convolutions and pools) on the way to the tap.

/// A convolution or pool as its geometry sees it; square, dilation 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

/// `N` convolutions of 3x3 with padding 1, one after the other, the first of which has this stride.
pub(crate) const fn convs3x3<const N: usize>(first_stride: usize) -> [Window; N] {
    let mut windows = [conv3x3(1); N];
    windows[0] = conv3x3(first_stride);
    windows
}

/// A 3x3 convolution with padding 1.
pub(crate) const fn conv3x3(stride: usize) -> Window {
    Window { kernel: 3, stride, padding: 1 }
}

/// Side of the output after all `windows` for a side of `input_px`, or None where a window does not fit.
pub(crate) fn output_side(windows: impl IntoIterator<Item = Window>, input_px: usize) -> Option<usize> {
    if input_px == 0 {
        return None;
    }
    windows.into_iter().try_fold(input_px, |side, window| {
        let room = (side + 2 * window.padding).checked_sub(window.kernel)?;
        Some(room / window.stride + 1)
    })
}

/// Side in pixels of the input square that one output cell can see.
pub(crate) fn receptive_field(windows: impl IntoIterator<Item = Window>) -> usize {
    let (mut field, mut jump) = (1, 1);
    for window in windows {
        field += (window.kernel - 1) * jump;
        jump *= window.stride;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_does_not_fit_gives_none() {
        let valid = Window { kernel: 3, stride: 2, padding: 0 };
        assert_eq!(output_side([valid], 2), None);
        assert_eq!(output_side([valid], 3), Some(1));
        assert_eq!(output_side([valid], 5), Some(2));
        assert_eq!(output_side([conv3x3(1)], 0), None);
    }

    #[test]
    fn two_3x3_see_five_pixels() {
        assert_eq!(receptive_field([conv3x3(1), conv3x3(1)]), 5);
        assert_eq!(receptive_field([conv3x3(2), conv3x3(1)]), 7);
    }
}
