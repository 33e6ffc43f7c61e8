//! Why this crate exists: what candle does on its own. A test that fails here is good news.
#![allow(missing_docs, reason = "a test")]

mod common;

use candle_core::{Device, Result, Tensor, Var};
use common::{noise, values};

fn image() -> Result<Var> {
    Var::from_tensor(&noise(&[1, 1, 4, 4], 1))
}

fn gradient_sum(x: &Var, y: &Tensor) -> Result<f32> {
    let gradients = y.sum_all()?.backward()?;
    Ok(values(gradients.get(x).expect("a gradient")).iter().sum())
}

#[test]
fn max_pool_trains_only_where_stride_is_kernel_and_then_too_slowly() -> Result<()> {
    let x = image()?;
    let error = x.max_pool2d_with_stride(3, 1)?.sum_all()?.backward().map(|_| ()).expect_err("no gradient");
    assert!(error.to_string().contains("if ksize (3, 3) != stride (1, 1)"), "{error}");
    // Four windows, each passing a gradient of 1 to its winner: 4 in all. candle passes on a quarter.
    let y = x.max_pool2d(2)?;
    assert_eq!(gradient_sum(&x, &y)?, 1.0);
    Ok(())
}

#[test]
fn avg_pool_trains_only_where_stride_is_kernel() -> Result<()> {
    let x = image()?;
    let error = x.avg_pool2d_with_stride(3, 1)?.sum_all()?.backward().map(|_| ()).expect_err("no gradient");
    assert!(error.to_string().contains("if ksize (3, 3) != stride (1, 1)"), "{error}");
    Ok(())
}

#[test]
fn bilinear_upsampling_does_not_train() -> Result<()> {
    let error = image()?
        .upsample_bilinear2d(8, 8, false)?
        .sum_all()?
        .backward()
        .map(|_| ())
        .expect_err("no gradient");
    assert!(error.to_string().contains("upsample"), "{error}");
    Ok(())
}

#[test]
fn relu_passes_the_gradient_on_at_zero() -> Result<()> {
    // PyTorch: 0. It matters behind a ReLU that has made zeros.
    let x = Var::new(&[0.0_f32], &Device::Cpu)?;
    assert_eq!(gradient_sum(&x, &x.relu()?)?, 1.0);
    Ok(())
}

#[test]
fn strided_convolution_trains_on_square_images_only() -> Result<()> {
    // The padding of the gradient is worked out from the height alone.
    let (x, w) = (Var::from_tensor(&noise(&[2, 3, 7, 6], 1))?, Var::from_tensor(&noise(&[4, 3, 3, 3], 2))?);
    let error = x.conv2d(&w, 1, 2, 1, 1)?.sum_all()?.backward().map(|_| ()).expect_err("no gradient");
    assert!(error.to_string().contains("shape mismatch"), "{error}");
    Ok(())
}

/// Where candle has a gradient, it is ours: an independent check.
#[test]
fn convolution_agrees_where_it_has_a_gradient() -> Result<()> {
    let config =
        cyborg_ops::Conv2dConfig { stride: (2, 2), padding: (1, 1), ..cyborg_ops::Conv2dConfig::default() };
    let (x, w) = (Var::from_tensor(&noise(&[2, 3, 7, 7], 1))?, Var::from_tensor(&noise(&[4, 3, 3, 3], 2))?);
    let ours = cyborg_ops::conv2d(&x, &w, None, config)?.sqr()?.sum_all()?.backward()?;
    let stock = x.conv2d(&w, 1, 2, 1, 1)?.sqr()?.sum_all()?.backward()?;
    for var in [&x, &w] {
        let (ours, stock) = (ours.get(var).map(values), stock.get(var).map(values));
        for (a, b) in ours.expect("a gradient").iter().zip(stock.expect("a gradient")) {
            // Sums of up to 128 products, the sums below 20: 20 * 6e-8 * sqrt(128) = 1.4e-5.
            assert!((a - b).abs() < 5e-5, "{a} {b}");
        }
    }
    Ok(())
}
