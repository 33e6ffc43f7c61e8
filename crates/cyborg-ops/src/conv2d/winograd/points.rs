//! The transforms of one direction, from the interpolation points 0, 3/4, -3/4, 3/2, -3/2 and infinity.
//!
//! Four outputs of a window of three are a product of polynomials that is known at six points (Lavin and Gray 2016,
//! "Fast Algorithms for Convolutional Neural Networks"). These points lose less to rounding than the usual 0, 1, -1, 2, -2
//! (Barabasz et al. 2020, "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks"),
//! and all numbers of the transforms of maps are exact in `f32`: what must be divided by lies with the weights.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use pulp::Simd;

/// Points, and values of a tile in one direction.
pub(super) const POINTS: usize = 6;
/// Outputs of a tile in one direction.
pub(super) const OUTPUTS: usize = 4;
/// Taps of the window in one direction.
pub(super) const TAPS: usize = 3;

/// The smaller pair of points is `P` and `-P`.
const P: f32 = 0.75;
/// The larger pair.
const Q: f32 = 1.5;
const P2: f32 = P * P;
const Q2: f32 = Q * Q;

/// For each point, one over the product of its distances from the other finite points: the transform of the window lacks
/// this factor, which [`super::weights`] brings in at the end for both directions at once.
pub(super) const FACTORS: [f64; POINTS] =
    [64.0 / 81.0, -128.0 / 243.0, -128.0 / 243.0, 32.0 / 243.0, 32.0 / 243.0, 1.0];

/// Six values of a map: multiplied with the window's points, they give those of the outputs.
#[inline(always)]
pub(super) fn input<S: Simd>(simd: S, d: [S::f32s; POINTS]) -> [S::f32s; POINTS] {
    let splat = |value| simd.splat_f32s(value);
    let (sum, product) = (splat(P2 + Q2), splat(P2 * Q2));
    let (even_p, odd_p) = (
        simd.negate_mul_add_e_f32s(splat(Q2), d[2], d[4]),
        simd.negate_mul_add_e_f32s(splat(Q2), d[1], d[3]),
    );
    let (even_q, odd_q) = (
        simd.negate_mul_add_e_f32s(splat(P2), d[2], d[4]),
        simd.negate_mul_add_e_f32s(splat(P2), d[1], d[3]),
    );
    [
        simd.mul_add_e_f32s(product, d[0], simd.negate_mul_add_e_f32s(sum, d[2], d[4])),
        simd.mul_add_e_f32s(splat(P), odd_p, even_p),
        simd.negate_mul_add_e_f32s(splat(P), odd_p, even_p),
        simd.mul_add_e_f32s(splat(Q), odd_q, even_q),
        simd.negate_mul_add_e_f32s(splat(Q), odd_q, even_q),
        simd.mul_add_e_f32s(product, d[1], simd.negate_mul_add_e_f32s(sum, d[3], d[5])),
    ]
}

/// Four outputs from their points.
#[inline(always)]
pub(super) fn output<S: Simd>(simd: S, m: [S::f32s; POINTS]) -> [S::f32s; OUTPUTS] {
    let splat = |value| simd.splat_f32s(value);
    let (even_p, odd_p) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
    let (even_q, odd_q) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
    [
        simd.add_f32s(simd.add_f32s(m[0], even_p), even_q),
        simd.mul_add_e_f32s(splat(Q), odd_q, simd.mul_f32s(splat(P), odd_p)),
        simd.mul_add_e_f32s(splat(Q2), even_q, simd.mul_f32s(splat(P2), even_p)),
        simd.mul_add_e_f32s(splat(Q2 * Q), odd_q, simd.mul_add_e_f32s(splat(P2 * P), odd_p, m[5])),
    ]
}

/// The transpose of [`output`]: four gradients at the points.
#[inline(always)]
pub(super) fn output_gradient<S: Simd>(simd: S, y: [S::f32s; OUTPUTS]) -> [S::f32s; POINTS] {
    let splat = |value| simd.splat_f32s(value);
    let (even_p, odd_p) =
        (simd.mul_add_e_f32s(splat(P2), y[2], y[0]), simd.mul_add_e_f32s(splat(P2), y[3], y[1]));
    let (even_q, odd_q) =
        (simd.mul_add_e_f32s(splat(Q2), y[2], y[0]), simd.mul_add_e_f32s(splat(Q2), y[3], y[1]));
    [
        y[0],
        simd.mul_add_e_f32s(splat(P), odd_p, even_p),
        simd.negate_mul_add_e_f32s(splat(P), odd_p, even_p),
        simd.mul_add_e_f32s(splat(Q), odd_q, even_q),
        simd.negate_mul_add_e_f32s(splat(Q), odd_q, even_q),
        y[3],
    ]
}

/// A window of three at the points, but for [`FACTORS`].
#[inline(always)]
pub(super) fn window<S: Simd>(simd: S, w: [S::f32s; TAPS]) -> [S::f32s; POINTS] {
    let splat = |value| simd.splat_f32s(value);
    let (even_p, even_q) =
        (simd.mul_add_e_f32s(splat(P2), w[2], w[0]), simd.mul_add_e_f32s(splat(Q2), w[2], w[0]));
    [
        w[0],
        simd.mul_add_e_f32s(splat(P), w[1], even_p),
        simd.negate_mul_add_e_f32s(splat(P), w[1], even_p),
        simd.mul_add_e_f32s(splat(Q), w[1], even_q),
        simd.negate_mul_add_e_f32s(splat(Q), w[1], even_q),
        w[2],
    ]
}

/// The transpose of [`window`]: the gradient of a window from that of its points, times [`FACTORS`].
#[inline(always)]
pub(super) fn window_gradient<S: Simd>(simd: S, u: [S::f32s; POINTS]) -> [S::f32s; TAPS] {
    let splat = |value| simd.splat_f32s(value);
    let (even_p, odd_p) = (simd.add_f32s(u[1], u[2]), simd.sub_f32s(u[1], u[2]));
    let (even_q, odd_q) = (simd.add_f32s(u[3], u[4]), simd.sub_f32s(u[3], u[4]));
    [
        simd.add_f32s(simd.add_f32s(u[0], even_p), even_q),
        simd.mul_add_e_f32s(splat(Q), odd_q, simd.mul_f32s(splat(P), odd_p)),
        simd.mul_add_e_f32s(splat(Q2), even_q, simd.mul_add_e_f32s(splat(P2), even_p, u[5])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multiples of 1/4 whose transforms by the exact numbers above are exact in `f32`.
    fn values<const N: usize>(factor: usize) -> [f32; N] {
        std::array::from_fn(|i| ((i * factor + 2) % 11) as f32 / 4.0 - 1.0)
    }

    #[test]
    fn four_outputs_are_sums_of_windows() {
        for factor in 1..11 {
            let (d, w) = (values::<POINTS>(factor), values::<TAPS>(3 * factor + 1));
            let (v, u) = (input(pulp::Scalar, d), window(pulp::Scalar, w));
            let products = std::array::from_fn(|i| (f64::from(v[i] * u[i]) * FACTORS[i]) as f32);
            let found = output(pulp::Scalar, products);
            for (i, found) in found.into_iter().enumerate() {
                let expected = d[i] * w[0] + d[i + 1] * w[1] + d[i + 2] * w[2];
                // The factors are the only rounding: numbers up to 40 add up to `expected`.
                assert!((found - expected).abs() < 2e-5, "output {i} of {d:?}, {w:?}: {found}, {expected}");
            }
        }
    }

    /// `<output(m), y> = <m, output_gradient(y)>`, and the same for windows: all numbers here are exact.
    #[test]
    fn gradients_are_transposes() {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        for factor in 1..11 {
            let (m, y, w) =
                (values::<POINTS>(factor), values::<OUTPUTS>(factor + 4), values::<TAPS>(factor + 6));
            let simd = pulp::Scalar;
            assert_eq!(dot(&output(simd, m), &y), dot(&m, &output_gradient(simd, y)));
            assert_eq!(dot(&window_gradient(simd, m), &w), dot(&m, &window(simd, w)));
        }
    }
}
