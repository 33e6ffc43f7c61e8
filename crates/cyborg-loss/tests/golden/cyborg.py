"""Golden values of the CYBORG loss, by PyTorch's own operations in float64.

python cyborg.py    writes cyborg.safetensors beside itself

Made with Python 3.11.7, torch 2.15.0 (CPU), safetensors 0.8.0. Inputs are float32 (so exact in float64), expected
values float64. The loss is written out here from its definition:
alpha * cross-entropy + (1 - alpha) * MSE(min-max normalised CAM, map), per-image `cam -= cam.min(); cam /= cam.max()`.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

torch.set_num_threads(1)
BATCH, CHANNELS, GRID, CLASSES = 4, 5, 3, 3


def minmax(cam):
    """The released form has no guard; a flat map is a DIFFERENCE and does not occur in these inputs."""
    shifted = cam - cam.min()
    return shifted / shifted.max()


def loss(logits, features, weight, labels, maps, has_map, alpha, cam_class):
    cross_entropy = torch.nn.functional.cross_entropy(logits, labels)
    chosen = logits.argmax(1) if cam_class == "predicted" else labels
    rows = []
    for image in range(BATCH):
        if has_map[image]:
            cam = (weight[chosen[image]][:, None, None] * features[image]).sum(0)
            rows.append((minmax(cam) - maps[image]) ** 2)
    mse = torch.stack(rows).mean()
    return alpha * cross_entropy + (1 - alpha) * mse, cross_entropy, mse


def main():
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    inputs = {
        "logits": draw(BATCH, CLASSES),
        "features": draw(BATCH, CHANNELS, GRID, GRID),
        "weight": draw(CLASSES, CHANNELS),
        "maps": torch.rand(BATCH, GRID, GRID, generator=generator),
    }
    # Image 2 has ties: its features repeat in two cells, so that minimum or maximum is shared there.
    inputs["features"][2] = inputs["features"][2].reshape(CHANNELS, -1)[:, [0, 1, 2, 0, 1, 2, 0, 1, 2]].reshape(
        CHANNELS, GRID, GRID
    )
    labels = torch.tensor([0, 1, 2, 1])
    predicted = inputs["logits"].argmax(1)
    assert (predicted != labels).any() and (predicted == labels).any(), predicted
    out = dict(inputs, labels=labels.to(torch.uint32))
    for coverage, has_map in {"all": [1, 1, 1, 1], "some": [1, 0, 1, 0]}.items():
        for cam_class in ["predicted", "true"]:
            for alpha in [0.0, 0.5, 1.0]:
                leaves = {k: inputs[k].double().requires_grad_() for k in ["logits", "features", "weight"]}
                parts = loss(
                    **leaves, labels=labels, maps=inputs["maps"].double(), has_map=has_map, alpha=alpha, cam_class=cam_class
                )
                parts[0].backward()
                case = f"{coverage}/{cam_class}/{alpha}"
                out[f"{case}/parts"] = torch.stack([p.detach() for p in parts])
                for name, leaf in leaves.items():
                    out[f"{case}/{name}"] = leaf.grad if leaf.grad is not None else torch.zeros_like(leaf)

    # Ties alone: two minima and three maxima.
    cam = torch.tensor([[-1.0, 3.0, 3.0], [0.5, -1.0, 2.0], [3.0, 1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    towards = torch.arange(9, dtype=torch.float64).reshape(3, 3)
    (minmax(cam) * towards).sum().backward()
    out["ties/cam"], out["ties/towards"], out["ties/gradient"] = cam.detach().float(), towards.float(), cam.grad
    save_file({k: v.contiguous() for k, v in out.items()}, Path(__file__).with_name("cyborg.safetensors"))


main()
