"""Golden values of the operations that are types of their own, and of convolutions with more padding behind than before.

    python operations.py        # writes operations.safetensors beside itself

Made with PyTorch 2.15.0 (CPU), safetensors 0.8.0, Python 3.11. As `generate.py` does it: float32 inputs, float64 sums, gradients
(`d_NAME`) of sum(output * cotangent).
"""

import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
torch.set_num_threads(1)
torch.manual_seed(20261)
CASES = {}


def case(name, function, **inputs):
    wide = {key: value.double().requires_grad_() for key, value in inputs.items()}
    output = function(*wide.values())
    cotangent = torch.randn(output.shape)
    gradients = torch.autograd.grad((output * cotangent.double()).sum(), list(wide.values()))
    tensors = dict(inputs, output=output.detach().float(), cotangent=cotangent)
    tensors |= {f"d_{key}": gradient.float() for key, gradient in zip(wide, gradients)}
    CASES.update({f"{name}/{key}": value.clone().contiguous() for key, value in tensors.items()})


SHAPE = (2, 5, 3, 4)
for name, other in [("same", SHAPE), ("channel", (2, 1, 3, 4)), ("pixel", (2, 5, 1, 1)), ("one", (2, 1, 1, 1))]:
    case(f"product {name}", torch.mul, a=torch.randn(SHAPE), b=torch.randn(other))
    case(f"sum {name}", torch.add, a=torch.randn(SHAPE), b=torch.randn(other))
case("sigmoid", torch.sigmoid, a=torch.randn(SHAPE) * 5)
case("tanh", torch.tanh, a=torch.randn(SHAPE) * 2)
edges = torch.tensor([-1.0, 0.0, 1.0, 6.0, 7.0]).repeat(24).reshape(SHAPE)
case("relu6", F.relu6, a=edges)
case("channel_bias", lambda a, b: a + b[None, :, None, None], a=torch.randn(SHAPE), b=torch.randn(5))
for height, width in [(7, 9), (6, 8), (2, 3), (3, 4), (1, 1), (8, 2)]:
    for mode in ["nearest", "bilinear"]:
        settings = {} if mode == "nearest" else {"align_corners": False}
        case(
            f"{mode} {height} {width}",
            lambda a: F.interpolate(a, size=(height, width), mode=mode, **settings),
            a=torch.randn(SHAPE),
        )
# kernel, stride, groups, padding before and behind: as TensorFlow's SAME pads sides of 8 and 7, and further.
for name, kernel, stride, groups, down, across in [
    ("dense", 3, 2, 1, (0, 1), (1, 1)),
    ("dense wide", 3, 1, 1, (0, 2), (1, 2)),
    ("depthwise three", 3, 1, 6, (1, 2), (0, 1)),
    ("depthwise five", 5, 2, 6, (1, 2), (2, 2)),
]:
    case(
        f"conv2d {name} {stride} {groups} {down[0]} {across[0]} {down[1] - down[0]} {across[1] - across[0]}",
        lambda a, b: F.conv2d(F.pad(a, (*across, *down)), b, stride=stride, groups=groups),
        a=torch.randn(2, 6, 8, 7),
        b=torch.randn(6, 6 // groups, kernel, kernel),
    )
save_file(CASES, HERE / "operations.safetensors")
