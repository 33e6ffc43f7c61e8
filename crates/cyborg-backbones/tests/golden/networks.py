"""Golden values of the networks: forward and backward passes of torchvision's (and Cadene's) networks in float64.

    python networks.py                          writes NETWORK.safetensors beside itself: small images, for the tests
    python networks.py --full DIR [NETWORK ...] writes DIR/NETWORK.safetensors at the size that the papers use, for
                                                `cargo run -p cyborg-backbones --example parity -- DIR`, and prints how
                                                far PyTorch's own float32 is from float64 and from itself

Made with Python 3.11.7, torch 2.15.0 (CPU), torchvision 0.29.2, pretrainedmodels 0.7.4 (xception), timm 1.0.31 (efficientnet_lite0), numpy 2.4.6, safetensors
0.8.0. Weights are a formula of their name and index that `oracle/mod.rs` computes too, so nothing large is stored: of each
large tensor only its norm, a product with a formula's vector, and four values. Images are cut from `photo.safetensors`,
(3, 144, 144) 8-bit: the United States Navy's portrait of Grace Hopper (public domain), cropped to the face.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pretrainedmodels
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
CLASSES = 3
LABELS = [2, 0, 1, 2]
BATCHES = [1, 4]
TAPS = ["released", "pooled"]
IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
HALF = [0.5] * 3, [0.5] * 3
# (x - 127) / 128 on 0 to 255.
LITE = [127 / 255] * 3, [128 / 255] * 3


def uniform(name, n):
    """n numbers in [-1, 1), multiples of 2^-23, exact in float32: the mixer of splitmix64, keyed by FNV-1a of the name."""
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(key) + np.arange(n, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1.0


def formula(name, shape, calm):
    """Values of about the size that training starts from, each rounded to float32 once.

    With ordinary values (`calm` is None) float32 PyTorch is 8 % off float64 in single gradients of resnet50 at 96 pixels: of
    millions of ReLU inputs some are so near 0 that rounding moves them across, and 18 cells per channel (batch 2, grid
    3x3) do not average that out. In a calm network each channel is clearly on or clearly off, so gradients can be compared
    closely. `calm` has the ends of the names of biases that may switch a channel off: those of a batch norm that nothing
    but a ReLU follows; the others keep the sums of residual blocks clearly on. And it has the ends of the names of
    batch norms that add little, lest sums of many blocks grow large against what varies in them.
    """
    n = int(np.prod(shape))
    u = uniform(name, n)
    if name.endswith("num_batches_tracked"):
        return torch.tensor(5)
    if len(shape) == 4:
        u = u * np.sqrt(6.0 / (shape[1] * shape[2] * shape[3]))
    elif len(shape) == 2:
        u = u / np.sqrt(shape[1])
    elif name.endswith("running_var"):
        u = 1.0 + 0.25 * u
    elif name.endswith("weight"):
        u = (1.0 + 0.25 * u) * (1.0 if calm is None else 0.0625 if name.endswith(calm[1]) else 0.25)
    elif calm is not None and n != CLASSES and not name.endswith("running_mean"):
        if name.endswith(calm[1]):
            u = 0.0625 * u
        else:
            sign = np.where(u < -0.5, -1.0, 1.0) if name.endswith(calm[0]) else 1.0
            u = (1.0 + 0.125 * u) * sign
    else:
        u = 0.25 * u
    return torch.from_numpy(u.astype(np.float32).reshape(shape)).double()


class BasicBlock(torch.nn.Module):
    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(n_out)
        self.conv2 = torch.nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(n_out)
        self.downsample = None
        if stride != 1 or n_in != n_out:
            self.downsample = torch.nn.Sequential(
                torch.nn.Conv2d(n_in, n_out, 1, stride, bias=False), torch.nn.BatchNorm2d(n_out)
            )

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        inner = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(inner)) + shortcut).relu()


class ThinResNet8(torch.nn.Module):
    """What `thin-resnet8` is, in PyTorch."""

    def __init__(self, num_classes):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(16)
        self.layer1 = torch.nn.Sequential(BasicBlock(16, 16, 1))
        self.layer2 = torch.nn.Sequential(BasicBlock(16, 32, 2))
        self.layer3 = torch.nn.Sequential(BasicBlock(32, 64, 2))
        self.fc = torch.nn.Linear(64, num_classes)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def inception_v3(num_classes):
    return torchvision.models.inception_v3(num_classes=num_classes, aux_logits=False, init_weights=False, dropout=0.0)


def xception(num_classes):
    # Cadene's, its last layer replaced as the released code does (it insists on 1,000 classes with weights only).
    return pretrainedmodels.xception(num_classes=num_classes, pretrained=None)


def tf_efficientnet_lite0(num_classes):
    return timm.create_model("tf_efficientnet_lite0", num_classes=num_classes)


def efficientnet_lite0(num_classes):
    return timm.create_model("efficientnet_lite0", num_classes=num_classes)


class Network:
    """How to make one, the size of its images in the tests and in the papers, their mean and deviation, the modules whose
    outputs the taps are (with what is done to them), the classifier, and `calm` (see `formula`)."""

    def __init__(self, make, small, side, normalisation, released, pooled, classifier, calm):
        self.make, self.small, self.side, self.normalisation = make, small, (side, side), normalisation
        self.taps, self.classifier, self.calm = {"released": released, "pooled": pooled}, classifier, calm


BASIC = ("bn1.bias",), ()
BOTTLENECK = ("bn1.bias", "bn2.bias"), ("bn3.weight", "bn3.bias")
ALL = (".bias",), ()
INVERTED = ("bn1.bias", "bn2.bias"), ()
SEPARABLE = ("bn1.bias", "bn2.bias", "bn3.bias", "bn4.bias", "rep.1.bias", "rep.2.bias"), ()
models = torchvision.models
# Sides unlike each other and odd, so that no direction can be mistaken and rounding shows; grids of 2 to 6 cells.
NETWORKS = {
    "thin-resnet8": Network(ThinResNet8, (44, 37), 64, IMAGENET, "layer3.0.conv2", "layer3", "fc", None),
    "resnet18": Network(models.resnet18, (96, 65), 224, IMAGENET, "layer4.1.conv2", "layer4", "fc", BASIC),
    "resnet34": Network(models.resnet34, (61, 80), 224, IMAGENET, "layer4.2.conv2", "layer4", "fc", BASIC),
    "resnet50": Network(models.resnet50, (65, 93), 224, IMAGENET, "layer4.2.conv3", "layer4", "fc", BOTTLENECK),
    "resnet101": Network(models.resnet101, (65, 96), 224, IMAGENET, "layer4.2.conv3", "layer4", "fc", BOTTLENECK),
    "resnet152": Network(models.resnet152, (96, 65), 224, IMAGENET, "layer4.2.conv3", "layer4", "fc", BOTTLENECK),
    "densenet121": Network(
        models.densenet121, (93, 62), 224, IMAGENET, "features", ("features", torch.relu), "classifier", ALL
    ),
    # Of some sides the one where the two largest cells of a window are furthest apart: 3e-6 of their value behind the stem. At
    # 139 x 107 it is 1e-7, so that rounding decides: PyTorch's own float32 is 6.9e-4 off with channels last, 8e-6 without.
    "inception_v3": Network(inception_v3, (131, 107), 299, HALF, "Mixed_7c", "Mixed_7c", "fc", ALL),
    # An even and an odd side: the SAME padding of its strided convolutions is then of either kind.
    "tf_efficientnet_lite0": Network(tf_efficientnet_lite0, (98, 67), 224, LITE, "bn2", "bn2", "classifier", INVERTED),
    "efficientnet_lite0": Network(efficientnet_lite0, (98, 67), 224, IMAGENET, "bn2", "bn2", "classifier", INVERTED),
    "xception": Network(xception, (71, 60), 299, HALF, "conv4", ("bn4", torch.relu), "last_linear", SEPARABLE),
}


def pictures(network, size):
    """Four pieces of the photograph of this size, the second and fourth mirrored, normalised as the network wants it."""
    photo = load_file(HERE / "photo.safetensors")["photo"]
    height, width = size
    if max(size) > photo.shape[1]:
        # At full size there is no need for Rust to compute the same: the images are written.
        large = torch.nn.functional.interpolate(photo[None].double(), (height + 24, width + 24), mode="bicubic")
        photo = large[0].round().clamp(0, 255).to(torch.uint8)
    pieces = []
    for index in range(4):
        # The corners of the photograph.
        top = (index // 2) * (photo.shape[1] - height)
        left = (index % 2) * (photo.shape[2] - width)
        piece = photo[:, top : top + height, left : left + width]
        pieces.append(piece.flip(2) if index % 2 else piece)
    mean, deviation = (torch.tensor(values, dtype=torch.float32)[:, None, None] for values in network.normalisation)
    # In float32, as Rust does it.
    return (torch.stack(pieces).float() / 255 - mean) / deviation


# A period that no tensor's shape has.
TOWARDS = torch.from_numpy(uniform("digest", 9973))


def digest(tensor):
    flat = tensor.detach().reshape(-1).double()
    towards = TOWARDS.repeat(-(-len(flat) // len(TOWARDS)))[: len(flat)]
    samples = flat[[(2 * i + 1) * len(flat) // 8 for i in range(4)]]
    return torch.cat([torch.stack([flat.norm(), flat @ towards]), samples])


def cyborg(model, network, logits, maps):
    """The released loss, alpha 0.5: CAM of the predicted class, normalised by minimum and maximum."""
    labels = torch.tensor(LABELS[: len(logits)])
    weight = model.get_submodule(network.classifier).weight[logits.argmax(1)]
    cams = (weight[:, :, None, None] * maps).sum(1)
    normalised = cams - cams.amin((1, 2), keepdim=True)
    normalised = normalised / normalised.amax((1, 2), keepdim=True)
    human = 0.5 + 0.5 * torch.from_numpy(uniform("maps", cams.numel()).reshape(cams.shape)).to(cams.dtype)
    cross_entropy = torch.nn.functional.cross_entropy(logits, labels)
    return cams, 0.5 * cross_entropy + 0.5 * ((normalised - human) ** 2).mean()


def run(network, images, dtype, calm):
    """Everything that is compared."""
    out = {}
    model = network.make(num_classes=CLASSES).to(dtype)
    start = {k: formula(k, v.shape, calm) for k, v in model.state_dict().items()}
    maps = {}
    for tap, where in network.taps.items():
        module, then = where if isinstance(where, tuple) else (where, torch.clone)
        # A copy: the next ReLU may work in place.
        model.get_submodule(module).register_forward_hook(
            lambda _m, _i, o, tap=tap, then=then: maps.__setitem__(tap, then(o))
        )
    for batch in BATCHES:
        model.load_state_dict(start)
        x = images[:batch].to(dtype)
        model.eval()
        with torch.no_grad():
            out[f"{batch}/eval/logits"] = model(x)
        out[f"{batch}/eval/features"] = torch.stack([digest(maps[tap]) for tap in TAPS])
        model.train()
        logits = model(x)
        out[f"{batch}/logits"] = logits.detach()
        out[f"{batch}/features"] = torch.stack([digest(maps[tap]) for tap in TAPS])
        for tap in TAPS:
            cams, loss = cyborg(model, network, logits, maps[tap])
            out[f"{batch}/cams/{tap}"] = cams.detach()
            out[f"{batch}/loss/{tap}"] = loss.detach()[None]
            gradients = torch.autograd.grad(
                loss, list(model.parameters()), retain_graph=True, materialize_grads=True
            )
            out[f"{batch}/gradients/{tap}"] = torch.stack([digest(g) for g in gradients])
        state = model.state_dict()
        out[f"{batch}/running"] = torch.stack([digest(state[k]) for k in sorted(state) if "running" in k])
        assert all(v == 6 for k, v in state.items() if k.endswith("num_batches_tracked"))
    return {k: v.double().contiguous() for k, v in out.items()}


def distances(found, expected):
    """The largest error of each kind, relative to the norm of what is compared; a gradient counts for at least a
    hundredth of the largest, because some are 0 but for rounding (a bias that the next batch norm takes away)."""
    worst = {}
    for key, value in expected.items():
        kind = key.split("/")[-1 if key.endswith(("logits", "features", "running")) else 1]
        shape = (-1, 6) if kind in ("features", "gradients", "running") else (1, -1)
        rows, theirs = value.reshape(shape), found[key].reshape(shape)
        if kind in ("features", "gradients", "running"):
            error = (rows - theirs).abs() / rows[:, :1].clamp(min=0.01 * rows[:, 0].max())
        else:
            error = (rows - theirs).abs() / rows.norm()
        if kind == "gradients":
            # All but one parameter in 20, and all: see `worst_gradient` in `oracle/mod.rs`.
            errors = error.amax(1).sort()[0]
            most = float(errors[(len(errors) - 1) * 19 // 20])
            worst[kind] = max(worst.get(kind, 0.0), most)
            kind = "worst gradient"
        worst[kind] = max(worst.get(kind, 0.0), float(error.max()))
    return worst


def report(name, what, errors):
    print(f"{name}, {what}: " + ", ".join(f"{kind} {error:.1e}" for kind, error in errors.items()), flush=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--full", type=Path, metavar="DIR")
    arguments.add_argument("networks", nargs="*", metavar="NETWORK")
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")
    for name in arguments.networks or NETWORKS:
        network = NETWORKS[name]
        images = pictures(network, network.side if arguments.full else network.small)
        written = {}
        # At full size with ordinary weights too: there each gradient averages over many cells.
        for kind, calm in [("calm", network.calm)] + ([("ordinary", None)] if arguments.full and network.calm else []):
            torch.set_num_threads(1)
            expected = run(network, images, torch.float64, calm)
            single = run(network, images, torch.float32, calm)
            torch.set_num_threads(2)
            double = run(network, images, torch.float32, calm)
            report(name, f"{kind}, PyTorch float32 against float64", distances(single, expected))
            report(name, f"{kind}, PyTorch float32, 2 threads against 1", distances(double, single))
            prefix = f"{kind}/" if arguments.full else ""
            written |= {prefix + key: value if arguments.full else value.float() for key, value in expected.items()}
        if arguments.full:
            arguments.full.mkdir(parents=True, exist_ok=True)
            written["images"] = images
        save_file(written, (arguments.full or HERE) / f"{name}.safetensors")


if __name__ == "__main__":
    main()
