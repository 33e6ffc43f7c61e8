"""Writes the golden values of cyborg-ops: inputs, settings, outputs and gradients as PyTorch computes them.

    python generate.py        # writes conv2d, batch_norm, max_pool2d, avg_pool2d, conv2d_more, concat .safetensors
                              # beside itself

Made with PyTorch 2.15.0 (CPU), safetensors 0.8.0, Python 3.11. Inputs are float32; PyTorch computes in float64, so that
the expected values carry no rounding of their own. A case is a set of tensors `CASE/NAME`; gradients (`d_NAME`) are those
of sum(output * cotangent).
"""

import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
torch.set_num_threads(1)
torch.manual_seed(20240)


def gradients(output, cotangent, **inputs):
    grads = torch.autograd.grad((output * cotangent.double()).sum(), list(inputs.values()))
    return {f"d_{name}": grad.float() for name, grad in zip(inputs, grads)}


def wide(tensor):
    return tensor.double().requires_grad_()


def write(name, cases):
    flat = {f"{case}/{key}": value.clone().contiguous() for case, tensors in cases.items() for key, value in tensors.items()}
    save_file(flat, HERE / f"{name}.safetensors")


# name: batch, in, out, (height, width), kernel, stride, padding, dilation, groups, bias
CONVS = {
    "plain_3x3": (2, 3, 4, (6, 7), (3, 3), (1, 1), (1, 1), (1, 1), 1, True),
    "no_padding": (2, 3, 5, (5, 6), (3, 3), (1, 1), (0, 0), (1, 1), 1, False),
    "pointwise": (3, 5, 7, (4, 3), (1, 1), (1, 1), (0, 0), (1, 1), 1, True),
    "pointwise_stride_2": (2, 4, 6, (5, 7), (1, 1), (2, 2), (0, 0), (1, 1), 1, False),
    "pointwise_padded": (1, 2, 3, (3, 4), (1, 1), (1, 1), (1, 2), (1, 1), 1, True),
    # 12 * 12 cells are whole vectors: the image is multiplied as it lies.
    "pointwise_as_it_lies": (2, 5, 3, (12, 12), (1, 1), (1, 1), (0, 0), (1, 1), 1, True),
    "pointwise_as_it_lies_groups": (2, 4, 6, (8, 6), (1, 1), (1, 1), (0, 0), (1, 1), 2, False),
    "stem_7x7": (1, 3, 4, (13, 11), (7, 7), (2, 2), (3, 3), (1, 1), 1, False),
    "not_square": (2, 2, 3, (7, 5), (3, 2), (2, 1), (1, 0), (1, 1), 1, True),
    "asymmetric": (1, 2, 2, (9, 8), (1, 7), (1, 1), (0, 3), (1, 1), 1, False),
    "stride_beyond_kernel": (2, 2, 3, (9, 10), (2, 2), (3, 4), (0, 1), (1, 1), 1, True),
    "padding_beyond_kernel": (1, 2, 3, (3, 4), (2, 3), (1, 2), (3, 4), (1, 1), 1, True),
    "depthwise": (2, 6, 6, (5, 6), (3, 3), (1, 1), (1, 1), (1, 1), 6, True),
    "depthwise_stride_2": (1, 4, 8, (6, 7), (3, 3), (2, 2), (1, 1), (1, 1), 4, False),
    "two_groups": (2, 4, 6, (5, 5), (3, 3), (1, 1), (1, 1), (1, 1), 2, True),
    "dilated": (2, 3, 2, (9, 8), (3, 3), (1, 1), (2, 2), (2, 2), 1, True),
    "dilated_strided_grouped": (1, 4, 4, (11, 9), (3, 2), (2, 3), (2, 1), (2, 3), 2, False),
    "one_cell": (1, 3, 2, (1, 1), (3, 3), (1, 1), (1, 1), (1, 1), 1, True),
    "whole_plane": (2, 3, 4, (5, 4), (5, 4), (1, 1), (0, 0), (1, 1), 1, True),
    "seventeen_channels": (5, 17, 19, (8, 9), (3, 3), (1, 1), (1, 1), (1, 1), 1, False),
    "wide_row": (2, 3, 9, (3, 37), (3, 3), (1, 1), (1, 1), (1, 1), 1, False),
    "wide_row_stride_2": (2, 3, 9, (5, 37), (3, 3), (2, 2), (1, 1), (1, 1), 1, False),
    "narrow": (2, 3, 4, (9, 1), (3, 3), (1, 1), (1, 1), (1, 1), 1, False),
}

# Shapes of Inception-v3 and Xception that are not above.
MORE_CONVS = {
    "inception_1x7": (2, 3, 5, (9, 9), (1, 7), (1, 1), (0, 3), (1, 1), 1, False),
    "inception_7x1": (2, 3, 5, (9, 9), (7, 1), (1, 1), (3, 0), (1, 1), 1, False),
    "inception_7x1_beyond_plane": (2, 3, 4, (2, 3), (7, 1), (1, 1), (3, 0), (1, 1), 1, False),
    "inception_1x3": (2, 4, 3, (4, 5), (1, 3), (1, 1), (0, 1), (1, 1), 1, False),
    "inception_3x1": (2, 4, 3, (4, 5), (3, 1), (1, 1), (1, 0), (1, 1), 1, False),
    "inception_5x5": (1, 3, 4, (7, 6), (5, 5), (1, 1), (2, 2), (1, 1), 1, False),
    "stem_3x3_unpadded": (2, 3, 4, (11, 10), (3, 3), (2, 2), (0, 0), (1, 1), 1, False),
    "xception_depthwise": (2, 10, 10, (9, 19), (3, 3), (1, 1), (1, 1), (1, 1), 10, False),
    "xception_skip": (2, 4, 6, (9, 10), (1, 1), (2, 2), (0, 0), (1, 1), 1, False),
}


def conv2d(file, cases):
    written = {}
    for name, (batch, cin, cout, size, kernel, stride, padding, dilation, groups, biased) in cases.items():
        tensors = {"input": torch.randn(batch, cin, *size), "weight": torch.randn(cout, cin // groups, *kernel)}
        if biased:
            tensors["bias"] = torch.randn(cout)
        inputs = {key: wide(value) for key, value in tensors.items()}
        output = F.conv2d(
            inputs["input"], inputs["weight"], inputs.get("bias"), stride, padding, dilation, groups
        )
        tensors["cotangent"] = torch.randn(output.shape)
        written[name] = {
            **tensors,
            **gradients(output, tensors["cotangent"], **inputs),
            "output": output.detach().float(),
            "settings": torch.tensor([*stride, *padding, *dilation, groups]),
        }
    write(file, written)


def batch_norm():
    # name: shape, offset and spread of the input, eps
    cases = {
        "plain": ((4, 3, 5, 6), 0.5, 2.0, 1e-5),
        "one_image": ((1, 4, 3, 7), -1.0, 1.0, 1e-5),
        "one_cell": ((5, 3, 1, 1), 0.0, 1.0, 1e-3),
        "two_values": ((2, 2, 1, 1), 0.0, 1.0, 1e-5),
        "far_from_zero": ((3, 2, 6, 5), 300.0, 0.25, 1e-5),
        "large_plane": ((1, 1, 65, 64), 0.1, 1.0, 1e-5),
        "inception_eps": ((2, 3, 4, 5), 0.0, 0.01, 1e-3),
    }
    written = {}
    for name, (shape, offset, spread, eps) in cases.items():
        channels = shape[1]
        tensors = {
            "input": torch.randn(shape) * spread + offset,
            "gamma": torch.randn(channels),
            "beta": torch.randn(channels),
        }
        running = {"running_mean": torch.randn(channels), "running_var": torch.rand(channels) + 0.1}
        cotangent = torch.randn(shape)
        case = {**tensors, **running, "cotangent": cotangent, "eps": torch.tensor([eps], dtype=torch.float64)}
        for mode in ("train", "eval"):
            inputs = {key: wide(value) for key, value in tensors.items()}
            # Momentum 1 leaves the statistics of this very batch.
            mean, var = running["running_mean"].double().clone(), running["running_var"].double().clone()
            output = F.batch_norm(
                inputs["input"], mean, var, inputs["gamma"], inputs["beta"], mode == "train", 1.0, eps
            )
            if mode == "train":
                case |= {"mean": mean.float(), "variance": var.float()}
            case[f"{mode}_output"] = output.detach().float()
            case |= {f"{mode}_{key}": value for key, value in gradients(output, cotangent, **inputs).items()}
        written[name] = case
    write("batch_norm", written)


# name: shape, kernel, stride, padding, ceil mode
POOLS = {
    "resnet_stem": ((2, 3, 8, 10), (3, 3), (2, 2), (1, 1), False),
    "two_by_two": ((2, 2, 6, 8), (2, 2), (2, 2), (0, 0), False),
    "inception_stem": ((1, 2, 9, 7), (3, 3), (2, 2), (0, 0), False),
    "inception_stem_ceil": ((1, 2, 8, 7), (3, 3), (2, 2), (0, 0), True),
    "overlapping": ((2, 2, 7, 5), (3, 3), (1, 1), (1, 1), False),
    "not_square": ((2, 3, 9, 5), (4, 2), (3, 1), (2, 1), False),
    "stride_beyond_kernel": ((1, 2, 9, 11), (2, 2), (3, 4), (1, 0), False),
    "stride_beyond_kernel_ceil": ((1, 2, 9, 11), (2, 2), (3, 4), (1, 0), True),
    # The last window would start in the padding behind the input, so there is none: 3 + 2 * 1 cells, 2 by 2, stride 2.
    "ceil_window_in_padding": ((1, 2, 3, 3), (2, 2), (2, 2), (1, 1), True),
    # The last window reaches beyond the padding behind the input.
    "ceil_beyond_padding": ((2, 2, 6, 7), (3, 3), (2, 2), (1, 1), True),
    "ceil_large_stride": ((1, 1, 5, 6), (3, 3), (4, 4), (1, 1), True),
    "one_cell": ((2, 3, 1, 1), (1, 1), (1, 1), (0, 0), False),
    "one_cell_padded": ((1, 2, 1, 1), (3, 3), (2, 2), (1, 1), False),
    "whole_plane": ((2, 3, 4, 6), (4, 6), (1, 1), (0, 0), False),
}


def pools():
    maximum, average = {}, {}
    for name, (shape, kernel, stride, padding, ceil) in POOLS.items():
        settings = torch.tensor([*kernel, *stride, *padding, int(ceil)])
        # Whole numbers from a small range: ties everywhere, and the order of a sum cannot matter.
        for ties, values in (("", torch.randn(shape)), ("_ties", torch.randint(-1, 2, shape).float())):
            inputs = {"input": wide(values)}
            output = F.max_pool2d(inputs["input"], kernel, stride, padding, 1, ceil)
            cotangent = torch.randn(output.shape)
            maximum[name + ties] = {
                "input": values,
                "cotangent": cotangent,
                "settings": settings,
                "output": output.detach().float(),
                **gradients(output, cotangent, **inputs),
            }
        values = torch.randn(shape)
        case = {"input": values, "settings": settings}
        for counted in (True, False):
            inputs = {"input": wide(values)}
            output = F.avg_pool2d(inputs["input"], kernel, stride, padding, ceil, counted)
            case.setdefault("cotangent", torch.randn(output.shape))
            prefix = "with_pad_" if counted else "without_pad_"
            case[f"{prefix}output"] = output.detach().float()
            case[f"{prefix}d_input"] = gradients(output, case["cotangent"], **inputs)["d_input"]
        average[name] = case
    # NaN and minus infinity: which cell gets the gradient.
    values = torch.tensor([[1.0, float("nan"), 3.0, 2.0], [4.0, 0.0, float("nan"), 5.0], [-float("inf")] * 4] * 2)
    values = values.reshape(1, 1, 6, 4)
    for name, (kernel, stride, padding) in {
        "nan": ((2, 2), (1, 1), (0, 0)),
        "nan_padded": ((3, 3), (2, 2), (1, 1)),
        "infinite": ((1, 4), (1, 1), (0, 0)),
    }.items():
        inputs = {"input": wide(values)}
        output = F.max_pool2d(inputs["input"], kernel, stride, padding)
        cotangent = torch.randn(output.shape)
        maximum[name] = {
            "input": values,
            "cotangent": cotangent,
            "settings": torch.tensor([*kernel, *stride, *padding, 0]),
            "output": output.detach().float(),
            **gradients(output, cotangent, **inputs),
        }
    write("max_pool2d", maximum)
    write("avg_pool2d", average)


def concat():
    written = {}
    for name, channels, batch, size in [
        ("two", [3, 2], 2, (3, 4)),
        ("three", [1, 4, 2], 3, (2, 5)),
        ("four", [2, 3, 1, 5], 2, (3, 3)),
        ("five", [1, 2, 3, 4, 5], 1, (1, 2)),
    ]:
        tensors = {f"input{index}": torch.randn(batch, n, *size) for index, n in enumerate(channels)}
        inputs = {key: wide(value) for key, value in tensors.items()}
        output = torch.cat(list(inputs.values()), 1)
        cotangent = torch.randn(output.shape)
        written[name] = {
            **tensors,
            **gradients(output, cotangent, **inputs),
            "output": output.detach().float(),
            "cotangent": cotangent,
        }
    write("concat", written)


conv2d("conv2d", CONVS)
batch_norm()
pools()
conv2d("conv2d_more", MORE_CONVS)
concat()
