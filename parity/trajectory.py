"""The released CYBORG training in PyTorch, step by step, against the steps.csv of a run made here.

    python trajectory.py prepare DATA      once: copies a drawn data set into work/, classes in turn, and draws weights
    python trajectory.py follow RUN        trains again in PyTorch and prints the steps side by side

README.md has the commands in between. Needs torch, torchvision, safetensors, pillow and numpy. `follow` trains with one
thread, with two, and with one thread in float64 if `--float64` asks for it. What two threads change in PyTorch is the yardstick
for what another program may change.
"""

import argparse
import csv
import json
import shutil
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file, save_file

NETWORKS = {"resnet50": torchvision.models.resnet50, "densenet121": torchvision.models.densenet121}
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
WORK = Path(__file__).parent / "work"


def prepare(data):
    """Classes in turn, so that a training without shuffling sees both; initial weights of torchvision's own drawing."""
    WORK.mkdir(exist_ok=True)
    with open(data / "table.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    train = [row for row in rows if row["split"] == "train"]
    classes = sorted({row["label"] for row in train})
    queues = [[row for row in train if row["label"] == name] for name in classes]
    in_turn = [row for rows in zip(*queues, strict=True) for row in rows]
    shutil.rmtree(WORK / "images", ignore_errors=True)
    shutil.rmtree(WORK / "maps", ignore_errors=True)
    # Without shuffling a training goes through the images by name.
    for number, row in enumerate(in_turn + [row for row in rows if row["split"] != "train"]):
        for column in ["image", "map"]:
            if row[column]:
                name = Path(f"{column}s/{number:05}.png")
                (WORK / name).parent.mkdir(exist_ok=True)
                shutil.copy(data / row[column], WORK / name)
                row[column] = str(name)
    with open(WORK / "table.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    (WORK / "manifest.yaml").write_text((data / "manifest.yaml").read_text())
    for name, build in NETWORKS.items():
        torch.manual_seed(0)
        save_file(build(num_classes=2).state_dict(), WORK / f"{name}.safetensors")
    print(f"{len(in_turn)} training images in turn, weights of {', '.join(NETWORKS)}: {WORK}")


def preprocessed(path, side):
    image = Image.open(path).convert("RGB").resize((side, side), Image.BILINEAR)
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).to(torch.float32) / 255.0
    return (pixels - MEAN[:, None, None]) / STD[:, None, None]


def human_map(path, grid):
    cells = Image.open(path).convert("L").resize((grid, grid), Image.BILINEAR)
    cells = torch.from_numpy(np.asarray(cells).copy()).to(torch.float32) / 255.0
    cells = cells - cells.min()
    return cells / cells.max()


def batches(rows, classes, side, grid, batch_size):
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        images = torch.stack([preprocessed(WORK / row["image"], side) for row in part])
        maps = torch.stack([human_map(WORK / row["map"], grid) for row in part])
        yield images, torch.tensor([classes.index(row["label"]) for row in part]), maps


def tap_of(network, name, tap):
    """The released code's tensors: resnet50 the last conv3, densenet121 the output of `features`."""
    if name == "densenet121":
        assert tap == "released", "the pooled tensor of densenet121 is after a functional ReLU"
        return network.features
    return network.layer4[-1].conv3 if tap == "released" else network.layer4


def train(identity, rows, classes, weights, threads, dtype, n_steps, second_pass):
    torch.set_num_threads(threads)
    name = identity["backbone"]
    network = NETWORKS[name](num_classes=identity["n_classes"])
    network.load_state_dict(load_file(weights), strict=True)
    network = network.to(dtype).train()
    kept = {}
    # A clone: torchvision's DenseNet applies its last ReLU in place.
    tap_of(network, name, identity["tap"]).register_forward_hook(lambda *call: kept.update(features=call[2].clone()))
    optimiser = torch.optim.SGD(
        network.parameters(), identity["learning_rate"], identity["momentum"], weight_decay=identity["weight_decay"]
    )
    alpha = identity["loss"].get("alpha", 1.0)
    weight = (network.fc if hasattr(network, "fc") else network.classifier).weight
    side = identity["input_px"]
    losses = []
    for step, (images, labels, maps) in enumerate(batches(rows, classes, side, side // 32, identity["batch_size"])):
        if step == n_steps:
            break
        images, maps = images.to(dtype), maps.to(dtype)
        logits = network(images)
        if second_pass:
            network(images)
        cams = torch.einsum("bc,bcij->bij", weight[logits.argmax(1)], kept["features"])
        cams = cams - cams.amin((1, 2), keepdim=True)
        cams = cams / cams.amax((1, 2), keepdim=True)
        cross_entropy = torch.nn.functional.cross_entropy(logits, labels)
        loss = alpha * cross_entropy + (1 - alpha) * torch.nn.functional.mse_loss(cams, maps)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def follow(run, n_steps, second_pass, float64):
    described = json.loads((run / "run.json").read_text())
    identity, classes = described["identity"], described["data"]["classes"]
    assert not identity["shuffle"], "the run shuffles: its order is not PyTorch's"
    with open(WORK / "table.csv", newline="") as file:
        rows = sorted((row for row in csv.DictReader(file) if row["split"] == "train"), key=lambda row: row["image"])
    with open(run / "steps.csv", newline="") as file:
        ours = [float(row["loss"]) for row in csv.DictReader(file) if row["epoch"] == "0"][:n_steps]
    weights = WORK / f"{identity['backbone']}.safetensors"

    def again(threads, dtype):
        return train(identity, rows, classes, weights, threads, dtype, n_steps, second_pass)

    one, two = again(1, torch.float32), again(2, torch.float32)
    exact = again(1, torch.float64) if float64 else one
    assert len(ours) == len(one), f"{len(ours)} steps here, {len(one)} in PyTorch"
    print(f"{identity['backbone']}, {len(one)} steps, torch {torch.__version__}, one thread against two, and against ours")
    print("step  torch (1 thread)  torch (2 threads)  ours       |2 - 1|   |ours - 1|" + ("  |1 - f64|" if float64 else ""))
    for step, (a, b, c, d) in enumerate(zip(one, two, ours, exact, strict=True)):
        line = f"{step:4}  {a:16.7f}  {b:17.7f}  {c:9.7f}  {abs(b - a):8.1e}  {abs(c - a):8.1e}"
        print(line + (f"  {abs(d - a):8.1e}" if float64 else ""))
    for first, last in [(0, 10), (0, len(one))]:
        worst = [max(abs(x - a) for x, a in zip(other[first:last], one[first:last])) for other in (two, ours)]
        print(f"steps {first}..{last - 1}: largest departure of two threads {worst[0]:.1e}, of ours {worst[1]:.1e}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare").add_argument("data", type=Path)
    following = commands.add_parser("follow")
    following.add_argument("run", type=Path)
    following.add_argument("--steps", type=int, default=50)
    following.add_argument("--second-pass", action="store_true", help="as the released DenseNet code: features from a second pass")
    following.add_argument("--float64", action="store_true")
    arguments = parser.parse_args()
    if arguments.command == "prepare":
        prepare(arguments.data)
    else:
        follow(arguments.run, arguments.steps, arguments.second_pass, arguments.float64)
