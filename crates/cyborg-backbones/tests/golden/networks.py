"""Golden values of the networks: one training step's forward and backward pass, by torchvision in float64.

python networks.py    writes one NETWORK.safetensors per network beside itself

Made with Python 3.11.7, torch 2.15.0 (CPU), torchvision 0.29.2, numpy 2.4.6, safetensors 0.8.0. Weights and images are a
formula of their name and index that `golden.rs` computes too, so nothing large is stored: of each large tensor only
sum, sum of absolute values, Euclidean norm, a product with a formula's vector, and sixteen values spread over it.
"""

from pathlib import Path

import numpy as np
import torch
import torchvision
from safetensors.torch import save_file

torch.set_num_threads(1)
BATCH, CLASSES = 2, 3
LABELS = [2, 0]


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

    With ordinary values float32 PyTorch is 8 % off float64 in single gradients of resnet50: of millions of ReLU inputs
    some are so near 0 that rounding moves them across, and 18 cells per channel (batch 2, grid 3x3) do not average
    that out. In a `calm` network each channel is clearly on or clearly off (the sums of a block clearly on), so
    gradients can be compared closely; thin-resnet8 is not calm and shows that ordinary ReLUs are right too.
    """
    n = int(np.prod(shape))
    u = uniform(name, n)
    if name.endswith("num_batches_tracked"):
        return torch.tensor(5)
    if len(shape) == 4:
        u = u * np.sqrt(6.0 / (shape[0] * shape[2] * shape[3]))
    elif len(shape) == 2:
        u = u / np.sqrt(shape[1])
    elif name.endswith("running_var"):
        u = 1.0 + 0.25 * u
    elif name.endswith("weight"):
        u = (1.0 + 0.25 * u) * (0.25 if calm else 1.0)
    elif name.endswith("bias") and calm and name != "fc.bias":
        inside = name.endswith("bn1.bias") or (name.endswith("bn2.bias") and calm == "bottleneck")
        sign = np.where(u < -0.5, -1.0, 1.0) if inside else 1.0
        u = (1.75 + 0.25 * u) * sign
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


TAPS = ["released", "pooled"]
# network, input side, modules whose outputs the taps are, which kind of `calm`
NETWORKS = {
    "thin-resnet8": (ThinResNet8, 44, ["layer3.0.conv2", "layer3"], None),
    "resnet18": (torchvision.models.resnet18, 96, ["layer4.1.conv2", "layer4"], "basic"),
    "resnet50": (torchvision.models.resnet50, 96, ["layer4.2.conv3", "layer4"], "bottleneck"),
}


def digest(name, tensor):
    flat = tensor.detach().reshape(-1)
    towards = torch.from_numpy(uniform(f"digest/{name}", len(flat)))
    samples = flat[[(2 * i + 1) * len(flat) // 32 for i in range(16)]]
    return torch.cat([torch.stack([flat.sum(), flat.abs().sum(), flat.norm(), flat.double() @ towards]), samples])


def losses_of(model, logits, maps):
    """Cross-entropy and, for each tap, the squared distance of the true class's CAM, minus its mean, from a map: a
    gradient for every tensor on the way to either. (The CYBORG loss itself is checked where it lives.)"""
    labels = torch.tensor(LABELS)
    cross_entropy = torch.nn.functional.cross_entropy(logits, labels)
    losses = []
    for tap in TAPS:
        cams = (model.fc.weight[labels][:, :, None, None] * maps[tap]).sum(1)
        cams = cams - cams.mean((1, 2), keepdim=True)
        human = torch.from_numpy(uniform("maps", cams.numel()).reshape(cams.shape)).to(cams.dtype)
        losses.append(0.5 * cross_entropy + 0.5 * ((cams - human) ** 2).mean())
    return losses


def run(network, dtype):
    make, side, modules, calm = NETWORKS[network]
    model = make(num_classes=CLASSES).to(dtype)
    model.load_state_dict({k: formula(k, v.shape, calm) for k, v in model.state_dict().items()})
    images = torch.from_numpy(uniform("images", BATCH * 3 * side * side).reshape(BATCH, 3, side, side)).to(dtype)
    maps, out = {}, {}
    for tap, module in zip(TAPS, modules):
        model.get_submodule(module).register_forward_hook(lambda _m, _i, o, tap=tap: maps.__setitem__(tap, o))

    model.eval()
    with torch.no_grad():
        out["eval/logits"] = model(images)
    out["eval/features"] = torch.stack([digest(f"features/{tap}", maps[tap]) for tap in TAPS])

    model.train()
    logits = model(images)
    out["logits"] = logits.detach()
    out["features"] = torch.stack([digest(f"features/{tap}", maps[tap]) for tap in TAPS])
    losses = losses_of(model, logits, maps)
    out["losses"] = torch.stack(losses).detach()
    for tap, loss in zip(TAPS, losses):
        gradients = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True, materialize_grads=True)
        named = [name for name, _ in model.named_parameters()]
        out[f"gradients/{tap}"] = torch.stack([digest(n, g) for n, g in zip(named, gradients)])
    running = sorted(k for k in model.state_dict() if "running" in k)
    out["running"] = torch.stack([digest(k, model.state_dict()[k]) for k in running])
    assert model.state_dict()["bn1.num_batches_tracked"] == 6
    return {k: v.double().contiguous() for k, v in out.items()}


def main():
    for network in NETWORKS:
        expected = run(network, torch.float64)
        save_file(expected, Path(__file__).with_name(f"{network}.safetensors"))
        # How far float32 takes PyTorch itself from these values, for judging our own distance.
        single = run(network, torch.float32)
        for key, value in expected.items():
            rows, theirs = (t.reshape(-1, t.shape[-1]) for t in (value, single[key]))
            if rows.shape[1] == 20:
                # Some gradients are 0 but for rounding (a bias that the next batch norm takes away): the floor.
                scale = rows[:, 2:3].clamp(min=1e-2 * rows[:, 2].max())
                error = (rows - theirs)[:, 2:].abs() / scale
            else:
                error = (rows - theirs).abs() / rows.norm()
            print(f"{network} {key}: float32 PyTorch is {error.max():.1e} off")


main()
