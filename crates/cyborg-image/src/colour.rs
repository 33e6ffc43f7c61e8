//! Values to colours: one scale for every map that is drawn.

/// Dark blue, purple, orange, yellow: lightness rises evenly, so it reads in grey and for the colour-blind.
/// Nine anchors at equal distances, close to matplotlib's `inferno`.
const ANCHORS: [[u8; 3]; 9] = [
    [0, 0, 4],
    [31, 12, 72],
    [85, 15, 109],
    [136, 34, 106],
    [186, 54, 85],
    [227, 89, 51],
    [249, 140, 10],
    [249, 201, 50],
    [252, 255, 164],
];

/// The colour of a value in 0..1 as red, green and blue from 0 to 255, not rounded: dark where it is low, bright where it
/// is high. Values outside are taken as the nearer end, NaN as 0.
pub fn heat_colour(value: f64) -> [f64; 3] {
    let last = ANCHORS.len() - 1;
    let at = if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) } * last as f64;
    let below = (at as usize).min(last - 1);
    let part = at - below as f64;
    std::array::from_fn(|channel| {
        let [low, high] = [below, below + 1].map(|anchor| f64::from(ANCHORS[anchor][channel]));
        low + part * (high - low)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lightness_rises() {
        // Rec. 709 luma of the encoded values: enough to see the order.
        let luma = |value: f64| {
            let [r, g, b] = heat_colour(value);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let steps: Vec<f64> = (0..=100).map(|step| luma(f64::from(step) / 100.0)).collect();
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]), "{steps:?}");
        assert_eq!(heat_colour(f64::NAN), heat_colour(0.0));
        assert_eq!(heat_colour(7.0), [252.0, 255.0, 164.0]);
    }
}
