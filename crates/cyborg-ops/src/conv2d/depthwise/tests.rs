//! All three passes against their definitions, with every length of vector.

use super::*;
use crate::conv2d::geometry::Axis;

/// One direction: (cells, kernel, stride, padding, dilation).
type Direction = (usize, usize, usize, usize, usize);

fn geometry(batch: usize, channels: usize, down: Direction, across: Direction) -> Geometry {
    let axis = |(input, kernel, stride, padding, dilation): Direction| {
        let output = (input + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
        Axis { input, output, kernel, stride, padding, dilation }
    };
    Geometry { batch, groups: channels, group_in: 1, group_out: 1, down: axis(down), across: axis(across) }
}

/// Multiples of 1/16 between -1 and 1: their products, and sums of up to 65536 of these, are exact in f32.
fn sixteenths(len: usize, factor: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * factor + i / 7 + 3) % 33) as f32 / 16.0 - 1.0).collect()
}

/// Values of all sizes below 1, with all bits of f32 in use.
fn waves(len: usize, factor: f64) -> Vec<f32> {
    (0..len).map(|i| (i as f64 * factor).sin() as f32).collect()
}

/// Calls `work` with the indices of an output, an input and a weight for each product in the definition.
fn for_each_product(g: &Geometry, mut work: impl FnMut(usize, usize, usize)) {
    let (input, output) = (Plane::of_input(g), Plane::of_output(g));
    for image in 0..g.batch {
        for (oy, ox) in (0..output.rows).flat_map(|oy| (0..output.columns).map(move |ox| (oy, ox))) {
            for (ky, kx) in (0..g.down.kernel).flat_map(|ky| (0..g.across.kernel).map(move |kx| (ky, kx))) {
                let y = (oy * g.down.stride + ky * g.down.dilation).wrapping_sub(g.down.padding);
                let x = (ox * g.across.stride + kx * g.across.dilation).wrapping_sub(g.across.padding);
                if y < input.rows && x < input.columns {
                    for channel in 0..g.groups {
                        work(
                            ((image * output.rows + oy) * output.columns + ox) * g.groups + channel,
                            ((image * input.rows + y) * input.columns + x) * g.groups + channel,
                            (channel * g.down.kernel + ky) * g.across.kernel + kx,
                        );
                    }
                }
            }
        }
    }
}

/// (x, weight, dy) for a geometry.
fn operands(g: &Geometry, values: impl Fn(usize, usize) -> Vec<f32>) -> [Vec<f32>; 3] {
    let (input, output) = (g.batch * Plane::of_input(g).len(), g.batch * Plane::of_output(g).len());
    [values(input, 0), values(g.groups * g.down.kernel * g.across.kernel, 1), values(output, 2)]
}

#[test]
fn all_passes_are_their_definitions() {
    let plain = |cells| (cells, 3, 1, 1, 1);
    let cases = [
        // 3x3 at stride 1: whole and partial tiles, partial vectors, several bands.
        (2, 45, plain(19), plain(19)),
        (3, 16, plain(10), plain(7)),
        (1, 17, plain(70), plain(5)),
        (1, 600, plain(13), plain(5)),
        (2, 520, plain(4), plain(3)),
        (2, 3, plain(6), plain(8)),
        (9, 5, plain(8), plain(2)),
        (1, 33, plain(1), plain(1)),
        (1, 24, plain(2), plain(1)),
        (1, 8, (5, 3, 1, 0, 1), (3, 3, 1, 2, 1)),
        (1, 19, (3, 3, 1, 0, 1), (9, 3, 1, 0, 1)),
        // More padding than the window is wide: windows, and gradients, that see nothing.
        (1, 20, (2, 3, 1, 4, 1), (7, 3, 1, 3, 1)),
        (1, 515, (1, 3, 1, 5, 1), (4, 3, 1, 3, 1)),
        // Other strides, sizes and dilations.
        (2, 37, (11, 3, 2, 1, 1), (10, 3, 2, 1, 1)),
        (1, 16, (9, 3, 1, 1, 1), (9, 3, 2, 1, 1)),
        (2, 21, (12, 3, 3, 0, 1), (13, 2, 3, 1, 1)),
        (1, 40, (9, 5, 1, 2, 1), (6, 5, 1, 2, 1)),
        (1, 9, (7, 7, 2, 3, 1), (8, 1, 1, 0, 1)),
        (1, 18, (9, 3, 1, 2, 2), (10, 3, 2, 3, 3)),
        (1, 5, (3, 3, 1, 4, 3), (2, 4, 2, 5, 2)),
        (2, 16, (5, 1, 1, 0, 1), (4, 1, 3, 0, 1)),
        // A stride beyond the window: cells that no window sees.
        (1, 31, (11, 2, 5, 1, 1), (9, 1, 4, 1, 1)),
        (0, 16, plain(4), plain(4)),
    ];
    for (batch, channels, down, across) in cases {
        let g = geometry(batch, channels, down, across);
        let [x, weight, dy] = operands(&g, |len, which| sixteenths(len, [5, 7, 11][which]));
        let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; weight.len()]);
        for_each_product(&g, |at_y, at_x, at_w| {
            y[at_y] += f64::from(x[at_x]) * f64::from(weight[at_w]);
            dx[at_x] += f64::from(dy[at_y]) * f64::from(weight[at_w]);
            dw[at_w] += f64::from(x[at_x]) * f64::from(dy[at_y]);
        });
        let exact = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<_>>();
        let (y, dx, dw) = (exact(y), exact(dx), exact(dw));
        for vectors in Vectors::all(channels) {
            assert!(forward_on(vectors, &g, &x, &weight) == y, "forward, {vectors:?}, {g:?}");
            assert!(input_gradient_on(vectors, &g, &weight, &dy) == dx, "input gradient, {vectors:?}, {g:?}");
            assert!(weight_gradient_on(vectors, &g, &x, &dy) == dw, "weight gradient, {vectors:?}, {g:?}");
        }
    }
}

#[test]
fn sums_of_many_products_stay_accurate() {
    for direction in [(64, 3, 1, 1, 1), (64, 3, 2, 1, 1)] {
        let g = geometry(2, 16, direction, direction);
        // Of one sign, so that rounding errors of a running sum grow with its length.
        let positive = |len, which| waves(len, [0.7, 1.3, 0.9][which]).into_iter().map(f32::abs).collect();
        let [x, weight, dy] = operands(&g, positive);
        let mut expected = vec![0.0_f64; weight.len()];
        for_each_product(&g, |at_y, at_x, at_w| expected[at_w] += f64::from(x[at_x]) * f64::from(dy[at_y]));
        let mut running = vec![0.0_f32; weight.len()];
        for_each_product(&g, |at_y, at_x, at_w| running[at_w] += x[at_x] * dy[at_y]);
        let worst = |found: &[f32]| {
            let errors =
                found.iter().zip(&expected).map(|(&found, &sum)| (f64::from(found) / sum - 1.0).abs());
            errors.fold(0.0, f64::max)
        };
        assert!(worst(&running) > 1e-6, "a running sum would do");
        for vectors in Vectors::all(16) {
            let error = worst(&weight_gradient_on(vectors, &g, &x, &dy));
            // Measured: up to 2.3e-7, and 1.9e-6 to 3.8e-6 for a running sum in f32.
            assert!(error < 5e-7, "{error:e} with {vectors:?}");
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    for (channels, direction) in [(45, (40, 3, 1, 1, 1)), (600, (14, 3, 1, 1, 1)), (20, (33, 3, 2, 1, 1))] {
        let g = geometry(3, channels, direction, direction);
        let [x, weight, dy] = operands(&g, |len, which| waves(len, [0.7, 1.3, 0.9][which]));
        let passes = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
            pool.install(|| {
                [forward(&g, &x, &weight), input_gradient(&g, &weight, &dy), weight_gradient(&g, &x, &dy)]
            })
        };
        let one = passes(1);
        assert!(one == passes(2) && one == passes(5), "{g:?}");
    }
}

#[test]
fn bands_are_all_rows_in_order() {
    for (batch, rows) in [(1, 1), (1, 10), (2, 147), (20, 19), (3, 33), (0, 5), (1, 1000)] {
        let bands = bands(batch, rows);
        let covered = bands.iter().flat_map(|(image, rows)| rows.clone().map(move |row| (*image, row)));
        let all = (0..batch).flat_map(|image| (0..rows).map(move |row| (image, row)));
        assert!(covered.eq(all), "{batch} images of {rows} rows");
        assert!(bands.iter().all(|(_, rows)| (1..=MAX_BAND).contains(&rows.len())), "{bands:?}");
    }
}

#[test]
#[should_panic(expected = "left == right")]
fn values_that_the_geometry_does_not_have_are_refused() {
    let g = geometry(1, 16, (4, 3, 1, 1, 1), (4, 3, 1, 1, 1));
    forward(&g, &[0.0; 16 * 4 * 4 - 1], &[0.0; 16 * 9]);
}
