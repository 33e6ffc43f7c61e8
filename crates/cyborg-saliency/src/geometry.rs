//! Whether a map can lie over its image.

/// A map that cannot be stretched over its image without shifting what people marked.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeometryError {
    /// The two shapes differ by more than rounding to whole pixels can explain.
    #[error(
        "saliency map is {}x{}, but its image is {}x{}: another shape, so marks would land beside what was marked; \
         export the map over the whole image, at any size",
        map.0, map.1, image.0, image.1
    )]
    Aspect {
        /// Width and height of the map, in pixels.
        map: (u32, u32),
        /// Width and height of the image, in pixels.
        image: (u32, u32),
    },
}

/// True if the map, of any size, has the shape of its image: both are `(width, height)` in pixels.
///
/// A map may be larger or smaller than its image (eye trackers and annotation tools have their own sizes), and
/// shrinking rounds each side to whole pixels. So a map agrees if some common shape rounds to both: each side of the
/// smaller one is within one pixel of what the other's shape makes it.
pub fn aspect_agrees(map: (u32, u32), image: (u32, u32)) -> bool {
    let (small, large) = if area(map) <= area(image) { (map, image) } else { (image, map) };
    let [small_width, small_height, large_width, large_height] =
        [small.0, small.1, large.0, large.1].map(f64::from);
    // Scale by the width and compare heights, or the other way round: one of them must fit.
    let by_width = large_height * small_width / large_width;
    let by_height = large_width * small_height / large_height;
    (by_width - small_height).abs() <= 1.0 || (by_height - small_width).abs() <= 1.0
}

/// [`aspect_agrees`] with the message that says what to do.
///
/// # Errors
/// [`GeometryError::Aspect`] if the shapes differ.
pub fn check_aspect(map: (u32, u32), image: (u32, u32)) -> Result<(), GeometryError> {
    if aspect_agrees(map, image) { Ok(()) } else { Err(GeometryError::Aspect { map, image }) }
}

fn area((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn another_shape_is_told_from_rounding() {
        assert!(aspect_agrees((224, 224), (224, 224)));
        assert!(aspect_agrees((224, 224), (1024, 1024)));
        assert!(aspect_agrees((500, 323), (1000, 645)));
        assert!(aspect_agrees((7, 5), (640, 480)), "7 * 480 / 640 = 5.25");
        assert!(!aspect_agrees((640, 480), (512, 512)));
        assert!(!aspect_agrees((480, 640), (640, 480)));
        assert!(!aspect_agrees((224, 224), (224, 230)));
        assert_eq!(
            check_aspect((640, 480), (512, 512)).expect_err("another shape").to_string(),
            "saliency map is 640x480, but its image is 512x512: another shape, so marks would land beside what was \
             marked; export the map over the whole image, at any size"
        );
    }

    proptest! {
        #[test]
        fn any_shrinking_agrees(width in 1u32..3000, height in 1u32..3000, factor in 0.001f64..1.0) {
            let side = |side: u32| (f64::from(side) * factor).round().max(1.0) as u32;
            let small = (side(width), side(height));
            prop_assume!(f64::from(width) * factor >= 0.5 && f64::from(height) * factor >= 0.5);
            prop_assert!(aspect_agrees(small, (width, height)));
            prop_assert!(aspect_agrees((width, height), small));
        }
    }
}
