//! Convolutions of all kinds of shapes against the definition, exactly: values are multiples of 1/4 between -1 and 1, so
//! that products and the sums of thousands of them are exact in f32, in any order.
#![allow(missing_docs, reason = "a test")]

mod common;

use candle_core::{Device, Result, Tensor, Var};
use common::{noise, values};
use cyborg_ops::{Conv2dConfig, conv2d};

fn quarters(shape: &[usize], seed: u64) -> Vec<f32> {
    values(&noise(shape, seed)).into_iter().map(|x| (x * 4.0).round() / 4.0).collect()
}

/// Output, gradient of the input and gradient of the weights of one convolution.
fn definition(
    [batch, cin, height, width]: [usize; 4],
    [cout, group_in, kh, kw]: [usize; 4],
    config: Conv2dConfig,
    (x, w): (&[f32], &[f32]),
    cotangent: impl Fn(&[usize; 4]) -> Vec<f32>,
) -> ([usize; 4], [Vec<f32>; 3]) {
    let Conv2dConfig { stride, padding, extra_padding: extra, dilation, groups } = config;
    let oh = (height + 2 * padding.0 + extra.0 - dilation.0 * (kh - 1) - 1) / stride.0 + 1;
    let ow = (width + 2 * padding.1 + extra.1 - dilation.1 * (kw - 1) - 1) / stride.1 + 1;
    let shape = [batch, cout, oh, ow];
    let c = cotangent(&shape);
    let (mut out, mut dx, mut dw) = (vec![0.0; c.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
    for o in 0..c.len() {
        let (ox, oy, oc, n) = (o % ow, o / ow % oh, o / ow / oh % cout, o / ow / oh / cout);
        for k in 0..group_in * kh * kw {
            let (kx, ky, ic) = (k % kw, k / kw % kh, k / kw / kh);
            let (y, x_at) = (oy * stride.0 + ky * dilation.0, ox * stride.1 + kx * dilation.1);
            if y < padding.0 || x_at < padding.1 || y - padding.0 >= height || x_at - padding.1 >= width {
                continue;
            }
            let channel = n * cin + oc / (cout / groups) * group_in + ic;
            let i = (channel * height + y - padding.0) * width + x_at - padding.1;
            let k = oc * group_in * kh * kw + k;
            out[o] += x[i] * w[k];
            dx[i] += c[o] * w[k];
            dw[k] += c[o] * x[i];
        }
    }
    (shape, [out, dx, dw])
}

#[test]
fn convolutions_of_many_shapes_are_their_definition() -> Result<()> {
    let mut done = 0;
    for case in 0..400_u64 {
        let draw: Vec<usize> =
            values(&noise(&[16], case + 1)).iter().map(|x| ((x + 1.0) * 500_000.0) as usize).collect();
        let groups = [1, 1, 1, 2, 3][draw[0] % 5];
        let (group_in, group_out) = (1 + draw[1] % 5, 1 + draw[2] % 11);
        let input = [1 + draw[3] % 3, groups * group_in, 1 + draw[4] % 13, 1 + draw[5] % 21];
        let weight = [groups * group_out, group_in, 1 + draw[6] % 4, 1 + draw[7] % 4];
        let config = Conv2dConfig {
            stride: (1 + draw[8] % 3, 1 + draw[9] % 3),
            padding: (draw[10] % 5, draw[11] % 5),
            extra_padding: (draw[14] % 3, draw[15] % 3),
            dilation: (1 + draw[12] % 3, 1 + draw[13] % 3),
            groups,
        };
        let fits = |size, padding, dilation, kernel| size + 2 * padding > dilation * (kernel - 1);
        if !fits(input[2], config.padding.0, config.dilation.0, weight[2])
            || !fits(input[3], config.padding.1, config.dilation.1, weight[3])
        {
            continue;
        }
        let (x, w) = (quarters(&input, case + 1000), quarters(&weight, case + 2000));
        let cotangent = |shape: &[usize; 4]| quarters(shape, case + 3000);
        let (shape, expected) = definition(input, weight, config, (&x, &w), cotangent);
        let var = |values, shape: [usize; 4]| {
            Var::from_tensor(&Tensor::from_vec(values, shape.to_vec(), &Device::Cpu)?)
        };
        let (x, w) = (var(x, input)?, var(w, weight)?);
        let out = conv2d(&x, &w, None, config)?;
        assert_eq!(out.dims(), shape, "{input:?} {weight:?} {config:?}");
        let cotangent = Tensor::from_vec(cotangent(&shape), shape.to_vec(), &Device::Cpu)?;
        let gradients = (&out * cotangent)?.sum_all()?.backward()?;
        let found = [Some(&out), gradients.get(&x), gradients.get(&w)];
        for ((found, expected), what) in found.iter().zip(&expected).zip(["output", "dx", "dw"]) {
            let found = found.map(values);
            assert_eq!(found.as_ref(), Some(expected), "{what} of {input:?} {weight:?} {config:?}");
        }
        done += 1;
    }
    assert!(done > 300, "{done} cases fit");
    Ok(())
}
