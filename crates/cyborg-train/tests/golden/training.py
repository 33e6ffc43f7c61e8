"""Golden values of training: the optimiser alone, and a whole training of thin-resnet8 with the CYBORG loss, by PyTorch.

python training.py    writes training.safetensors beside itself and prints how far float32 takes PyTorch itself

Made with Python 3.11.7, torch 2.15.0 (CPU), numpy 2.4.6, safetensors 0.8.0. Weights, images and maps are a formula that
`parity.rs` computes too. The training is in float64, starting from float32 values.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

TRAIN, VALIDATION, SIDE, GRID, BATCH, EPOCHS = 16, 9, 48, 6, 6, 4
LR, MOMENTUM, DECAY, LR_STEP, LR_FACTOR, ALPHA = 0.02, 0.9, 0.01, 2, 0.1, 0.5
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


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


def weights(name, shape):
    u = uniform(name, int(np.prod(shape)))
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if len(shape) == 4:
        u = u * np.sqrt(6.0 / (shape[0] * shape[2] * shape[3]))
    elif len(shape) == 2:
        u = u / np.sqrt(shape[1])
    elif name.endswith("running_var") or name.endswith("weight"):
        u = 1.0 + 0.25 * u
    else:
        u = 0.25 * u
    return torch.from_numpy(u.astype(np.float32).reshape(shape))


def image(name, index, label):
    """8-bit noise, rows first, RGB interleaved; class 1 has brighter rows in its upper half."""
    noise = np.floor((uniform(f"{name}/{index}", SIDE * SIDE * 3) + 1.0) * 100.0).reshape(SIDE, SIDE, 3)
    if label == 1:
        noise[: SIDE // 2 : 2] += 40.0
    pixels = torch.from_numpy(noise.astype(np.uint8)).permute(2, 0, 1)
    # torchvision's ToTensor and Normalize, in float32.
    scaled = pixels.to(torch.float32) / 255.0
    return (scaled - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def human(index):
    """Cells from 0 to 1, both reached; every fourth image has no map."""
    cells = (np.arange(GRID * GRID) * 5 + 3 * index) % 9 / np.float32(8.0)
    return torch.from_numpy(cells.astype(np.float32).reshape(GRID, GRID)), index % 4 != 3


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
        self.tap = self.conv2(self.bn1(self.conv1(x)).relu())
        return (self.bn2(self.tap) + shortcut).relu()


class ThinResNet8(torch.nn.Module):
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
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3))), self.layer3[0].tap


def saliency_mse(cams, maps, has_map):
    low = cams.amin((1, 2), keepdim=True)
    cams = (cams - low) / (cams - low).amax((1, 2), keepdim=True)
    return ((cams - maps)[has_map] ** 2).mean() if has_map.any() else cams.sum() * 0.0


def digest(name, tensor):
    """Euclidean norm and the product with a formula's vector."""
    flat = tensor.detach().double().reshape(-1)
    return torch.stack([flat.norm(), flat @ torch.from_numpy(uniform(f"digest/{name}", len(flat)))])


def train(dtype, threads):
    torch.set_num_threads(threads)
    model = ThinResNet8(2)
    model.load_state_dict({k: weights(k, v.shape) for k, v in model.state_dict().items()})
    model.to(dtype)
    optimiser = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=LR_STEP, gamma=LR_FACTOR)
    labels = torch.arange(TRAIN) % 2
    images = torch.stack([image("train", i, i % 2) for i in range(TRAIN)]).to(dtype)
    maps = torch.stack([human(i)[0] for i in range(TRAIN)]).to(dtype)
    has_map = torch.tensor([human(i)[1] for i in range(TRAIN)])
    validation_labels = torch.arange(VALIDATION) % 2
    validation = torch.stack([image("validation", i, i % 2) for i in range(VALIDATION)]).to(dtype)
    losses, rows = [], []
    for _ in range(EPOCHS):
        model.train()
        sums = torch.zeros(4, dtype=torch.float64)
        for start in range(0, TRAIN, BATCH):
            part = slice(start, start + BATCH)
            optimiser.zero_grad()
            logits, features = model(images[part])
            chosen = logits.argmax(1)
            cams = (model.fc.weight[chosen][:, :, None, None] * features).sum(1)
            cross_entropy = torch.nn.functional.cross_entropy(logits, labels[part])
            mse = saliency_mse(cams, maps[part], has_map[part])
            loss = ALPHA * cross_entropy + (1 - ALPHA) * mse
            loss.backward()
            optimiser.step()
            losses.append(loss.detach().double())
            correct = (chosen == labels[part]).sum()
            n, n_maps = len(logits), has_map[part].sum()
            sums += torch.stack([t.detach().double() for t in (loss * n, cross_entropy * n, mse * n_maps, correct)])
        model.eval()
        with torch.no_grad():
            logits, _ = model(validation)
            validation_loss = torch.nn.functional.cross_entropy(logits, validation_labels).double()
            validation_accuracy = (logits.argmax(1) == validation_labels).double().mean()
        rate = torch.tensor(optimiser.param_groups[0]["lr"], dtype=torch.float64)
        means = sums / torch.tensor([TRAIN, TRAIN, has_map.sum(), TRAIN])
        rows.append(torch.stack([rate, *means, validation_loss, validation_accuracy]))
        schedule.step()
    state = {k: v for k, v in sorted(model.state_dict().items()) if not k.endswith("num_batches_tracked")}
    return {
        "losses": torch.stack(losses),
        "rows": torch.stack(rows),
        "weights": torch.stack([digest(k, v) for k, v in state.items()]),
        "logits": logits.double(),
    }


def sgd(dtype, momentum):
    """Twenty steps towards the minimum of sum(scale * p^2 / 2 - offset * p), the rate divided by 10 every 7 steps."""
    start, scale, offset = (torch.from_numpy(uniform(f"sgd/{k}", 8).astype(np.float32)).to(dtype) for k in "pso")
    p = torch.nn.Parameter(start.clone())
    optimiser = torch.optim.SGD([p], lr=0.1, momentum=momentum, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=7, gamma=0.1)
    values = []
    for _ in range(20):
        p.grad = scale.detach() * p.detach() - offset
        optimiser.step()
        schedule.step()
        values.append(p.detach().clone())
    return torch.stack(values).double()


def main():
    out = {f"training/{k}": v for k, v in train(torch.float64, 1).items()}
    for momentum in [0.9, 0.0]:
        out[f"sgd/{momentum}"] = sgd(torch.float32, momentum)
    save_file({k: v.contiguous() for k, v in out.items()}, Path(__file__).with_name("training.safetensors"))
    print(out["training/rows"])
    print(out["training/logits"])
    one, two = train(torch.float32, 1), train(torch.float32, 2)
    for key in one:
        off = [(x - out[f"training/{key}"]).abs().max() for x in (one[key], two[key])]
        between = (one[key] - two[key]).abs().max()
        print(f"{key}: float32 PyTorch with 1 and 2 threads is {off[0]:.1e} and {off[1]:.1e} off, {between:.1e} apart")
    for momentum in [0.9, 0.0]:
        print(f"sgd {momentum}: float32 is {(sgd(torch.float64, momentum) - out[f'sgd/{momentum}']).abs().max():.1e} off")


main()
