//! Every way to call an operation wrongly, and what it says.
#![allow(missing_docs, reason = "a test")]

use candle_core::{DType, Device, Result, Tensor};
use cyborg_ops::{
    Conv2dConfig, PoolConfig, add_relu, avg_pool2d, batch_norm_eval, batch_norm_relu_train, batch_norm_train,
    concat_channels, conv2d, global_avg_pool2d, max_pool2d, relu,
};

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, DType::F32, &Device::Cpu).expect("memory")
}

#[track_caller]
fn check<T>(result: Result<T>, expected: &str) {
    let Err(error) = result else { panic!("no error; expected: {expected}") };
    let found = error.to_string();
    // With RUST_BACKTRACE set candle adds a backtrace behind the message.
    assert_eq!(found.lines().next(), Some(expected));
}

#[test]
fn concat_channels_errors() -> Result<()> {
    let x = zeros(&[2, 3, 4, 5]);
    assert_eq!(concat_channels(&[&x])?.dims(), [2, 3, 4, 5]);
    check(concat_channels(&[]), "`concat_channels`: the number of tensors must be at least 1, found (0, 0)");
    for rank in [1, 2] {
        let tensors = [&x, &x, &zeros(&[2, 3, 4])];
        check(
            concat_channels(&tensors[3 - rank..]),
            "`concat_channels`: `tensors` must be (batch, channels, height, width), found shape [2, 3, 4]",
        );
    }
    for other in [[1, 3, 4, 5], [2, 3, 5, 5], [2, 3, 4, 4]] {
        check(
            concat_channels(&[&x, &zeros(&other)]),
            &format!(
                "`concat_channels`: `tensors` must have the first one's batch, height and width, 2, 4, 5, found \
                 shape {other:?}"
            ),
        );
    }
    check(
        concat_channels(&[&x, &x.to_dtype(DType::F64)?, &x]),
        "`concat_channels`: `tensors` must be f32, found F64; convert it with `to_dtype(DType::F32)`",
    );
    Ok(())
}

#[test]
fn conv2d_errors() {
    let (x, w) = (zeros(&[1, 4, 5, 6]), zeros(&[6, 4, 3, 3]));
    let config = Conv2dConfig::default();
    check(
        conv2d(&zeros(&[4, 5, 6]), &w, None, config),
        "`conv2d`: `input` must be (batch, channels, height, width), found shape [4, 5, 6]",
    );
    check(
        conv2d(&x, &zeros(&[6, 4, 3]), None, config),
        "`conv2d`: `weight` must be (out, in / groups, kernel height, kernel width), found shape [6, 4, 3]",
    );
    check(conv2d(&x, &w, Some(&zeros(&[5])), config), "`channel_bias`: bias must be 6, found 5");
    check(
        conv2d(&x, &zeros(&[6, 3, 3, 3]), None, config),
        "`conv2d`: the second dimension of `weight` (input channels / groups) must be 4, found 3",
    );
    let groups = |groups| Conv2dConfig { groups, ..config };
    check(conv2d(&x, &w, None, groups(3)), "`conv2d`: 3 groups do not divide the input channels, 4");
    check(
        conv2d(&x, &zeros(&[6, 1, 3, 3]), None, groups(4)),
        "`conv2d`: 4 groups do not divide the output channels, 6",
    );
    check(conv2d(&x, &w, None, groups(0)), "`conv2d`: groups must be at least 1, found (0, 0)");
    check(
        conv2d(&x, &w, None, Conv2dConfig { stride: (1, 0), ..config }),
        "`conv2d`: stride must be at least 1, found (1, 0)",
    );
    check(
        conv2d(&x, &w, None, Conv2dConfig { dilation: (0, 1), ..config }),
        "`conv2d`: dilation must be at least 1, found (0, 1)",
    );
    check(
        conv2d(&x, &zeros(&[6, 4, 0, 3]), None, config),
        "`conv2d`: kernel must be at least 1, found (0, 3)",
    );
    check(
        conv2d(&x, &w, None, Conv2dConfig { dilation: (3, 1), ..config }),
        "`conv2d`: a window of (7, 3) (height, width, dilation included) does not fit into the padded input of (5, 6); \
         use a larger image or more padding",
    );
    check(
        conv2d(&zeros(&[1, 4, 0, 6]), &w, None, Conv2dConfig { padding: (2, 2), ..config }),
        "`conv2d`: height and width of `input` must be at least 1, found (0, 6)",
    );
    check(
        conv2d(&zeros(&[1, 0, 5, 6]), &zeros(&[6, 0, 3, 3]), None, config),
        "`conv2d`: input and output channels must be at least 1, found (0, 6)",
    );
    let half = |t: &Tensor| t.to_dtype(DType::F16).expect("a conversion");
    check(
        conv2d(&half(&x), &w, None, config),
        "`conv2d`: `input` must be f32, found F16; convert it with `to_dtype(DType::F32)`",
    );
    check(
        conv2d(&x, &half(&w), None, config),
        "`conv2d`: `weight` must be f32, found F16; convert it with `to_dtype(DType::F32)`",
    );
    check(
        conv2d(&x, &w, Some(&half(&zeros(&[6]))), config),
        "`channel_bias`: `parameter` must be f32, found F16; convert it with `to_dtype(DType::F32)`",
    );
}

#[test]
fn batch_norm_errors() {
    let (x, c) = (zeros(&[2, 3, 4, 4]), zeros(&[3]));
    check(
        batch_norm_train(&zeros(&[2, 3]), &c, &c, 1e-5),
        "`batch_norm_train`: `input` must be (batch, channels, height, width), found shape [2, 3]",
    );
    check(batch_norm_train(&x, &zeros(&[2]), &c, 1e-5), "`batch_norm_train`: gamma must be 3, found 2");
    check(
        batch_norm_relu_train(&x, &c, &zeros(&[4]), 1e-5),
        "`batch_norm_relu_train`: beta must be 3, found 4",
    );
    check(
        batch_norm_train(&zeros(&[1, 3, 1, 1]), &c, &c, 1e-5),
        "`batch_norm_train`: needs at least 2 values a channel to estimate a variance, found 1; use a larger batch, or \
         `batch_norm_eval`",
    );
    check(
        batch_norm_train(&x, &c, &c, -1.0),
        "`batch_norm_train`: eps must be finite and not negative, found -1",
    );
    check(
        batch_norm_eval(&x, &c, &c, &c, &zeros(&[3, 1]), 1e-5),
        "`batch_norm_eval`: `running_var` must be (channels), found shape [3, 1]",
    );
    let wide = c.to_dtype(DType::F64).expect("a conversion");
    check(
        batch_norm_eval(&x, &c, &c, &wide, &c, 1e-5),
        "`batch_norm_eval`: `running_mean` must be f32, found F64; convert it with `to_dtype(DType::F32)`",
    );
}

#[test]
fn pool_errors() {
    let x = zeros(&[1, 2, 4, 5]);
    let config = PoolConfig { kernel: (3, 3), stride: (2, 2), padding: (1, 1), ceil_mode: false };
    check(
        max_pool2d(&zeros(&[2, 4, 5]), config),
        "`max_pool2d`: `input` must be (batch, channels, height, width), found shape [2, 4, 5]",
    );
    check(
        max_pool2d(&x, PoolConfig { kernel: (0, 3), ..config }),
        "`max_pool2d`: kernel must be at least 1, found (0, 3)",
    );
    check(
        avg_pool2d(&x, PoolConfig { stride: (1, 0), ..config }, true),
        "`avg_pool2d`: stride must be at least 1, found (1, 0)",
    );
    // PyTorch too: "pad should be at most half of effective kernel size".
    check(
        max_pool2d(&x, PoolConfig { padding: (1, 2), ..config }),
        "`max_pool2d`: padding (1, 2) must be at most half the kernel (3, 3)",
    );
    check(
        avg_pool2d(&x, PoolConfig { kernel: (7, 3), padding: (1, 1), ..config }, false),
        "`avg_pool2d`: a window of (7, 3) (height, width, dilation included) does not fit into the padded input of \
         (6, 7); use a larger image or more padding",
    );
    check(
        max_pool2d(&zeros(&[1, 2, 0, 5]), config),
        "`max_pool2d`: height and width of `input` must be at least 1, found (0, 5)",
    );
    check(
        max_pool2d(&x.to_dtype(DType::U8).expect("a conversion"), config),
        "`max_pool2d`: `input` must be f32, found U8; convert it with `to_dtype(DType::F32)`",
    );
    check(
        global_avg_pool2d(&zeros(&[1, 2, 3, 0])),
        "`global_avg_pool2d`: height and width of `input` must be at least 1, found (3, 0)",
    );
    check(
        global_avg_pool2d(&zeros(&[2, 3])),
        "`global_avg_pool2d`: `input` must be (batch, channels, height, width), found shape [2, 3]",
    );
}

#[test]
fn relu_errors() {
    let x = zeros(&[2, 3]);
    check(
        relu(&x.to_dtype(DType::I64).expect("a conversion")),
        "`relu`: `input` must be f32, found I64; convert it with `to_dtype(DType::F32)`",
    );
    check(add_relu(&x, &zeros(&[3, 2])), "`add_relu`: `b` must have the shape of `a`, [2, 3], found [3, 2]");
}
