"""Golden values of the methods' losses, by PyTorch's own operations in float64.

python methods.py    writes methods.safetensors and methods.json beside itself

Made with Python 3.11.7, torch 2.15.0 (CPU), safetensors 0.8.0. Inputs are float32 (so exact in float64), expected values
float64. Each loss is written out here from its definition, with torch's own functions wherever it has one. CASES names the
method as experiment files do, its settings, and which images have a map.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_num_threads(1)
BATCH, CHANNELS, GRID, CLASSES = 5, 6, 4, 3

CASES = [
    ("cross-entropy", {}, "some"),
    ("cyborg", {"alpha": 0.5}, "all"),
    ("cyborg", {"alpha": 0.2, "cam_class": "true"}, "some"),
    ("cyborg", {"alpha": 1.0}, "all"),
    ("viser", {}, "all"),
    ("viser", {"gradient_through_alpha": False, "cam_class": "true"}, "some"),
    ("viser", {}, "none"),
    ("energy", {}, "all"),
    ("energy", {"weight": 0.3}, "some"),
    ("cam-l1", {"weight": 2.0}, "some"),
    ("cam-l1", {"cam_class": "true"}, "all"),
    ("cam-bce", {"weight": 0.5}, "some"),
    ("cam-bce", {"cam_class": "true"}, "all"),
    ("res", {}, "all"),
    ("res", {"weight": 0.5, "eta": 0.2, "marked_from": 0.6, "unmarked_to": 0.3, "cam_class": "true"}, "some"),
    ("rrr-g", {"weight": 3.0}, "some"),
    ("rrr-g", {"cam_class": "true"}, "all"),
    ("cam-entropy", {}, "none"),
    ("cam-entropy", {"weight": 0.2, "saliency_weight": 0.7, "cam_class": "true"}, "some"),
    ("act-diff", {"weight": 0.4}, "all"),
    ("act-diff", {}, "some"),
    ("blurred-background", {}, "all"),
    ("masked-background", {}, "all"),
]
HAS_MAP = {"all": [1, 1, 1, 1, 1], "some": [1, 0, 1, 1, 0], "none": [0, 0, 0, 0, 0]}


def minmax(cam):
    shifted = cam - cam.min()
    return shifted / shifted.max()


def cams(x, labels, cam_class):
    chosen = x["logits"].argmax(1) if cam_class == "predicted" else labels
    return torch.stack([(x["weight"][c][:, None, None] * f).sum(0) for c, f in zip(chosen, x["features"])])


def mean_over(values, has_map):
    rows = [v for v, has in zip(values, has_map) if has]
    return torch.stack(rows).mean() if rows else torch.zeros((), dtype=torch.float64)


def res_of_image(cam, human, eta, marked_from, unmarked_to):
    """Gao et al., KDD 2022, with the threshold of most agreements (the smallest of equals, in steps of 0.05)."""
    marks = torch.where(human >= marked_from, 1.0, torch.where(human <= unmarked_to, -1.0, 0.0)).double()
    decided = marks != 0
    candidates = [step / 20 for step in range(21)]
    agree = [int(((cam.detach() >= a).double() * 2 - 1)[decided].eq(marks[decided]).sum()) for a in candidates]
    threshold = candidates[agree.index(max(agree))]
    distance = (torch.tanh(5 * (cam - threshold)) - marks).abs()[decided]
    first = F.relu((distance.mean() if decided.any() else torch.zeros(()).double()) - eta)
    kernel = torch.tensor([1.0, 2.0, 1.0]).double()
    kernel = (kernel[:, None] * kernel[None, :] / 16)[None, None]
    soft = F.conv2d(marks.clamp(min=0)[None, None], kernel, padding=1)[0, 0]
    if soft.max() > 0:
        soft = soft / soft.max()
    return first + (cam - soft).abs().mean()


def loss(method, s, x, labels, maps, has_map):
    ce = F.cross_entropy(x["logits"], labels)
    terms = {"cross_entropy": ce}
    cam_class = s.get("cam_class", "predicted")
    normal = [minmax(cam) for cam in cams(x, labels, cam_class)]
    mse = mean_over([F.mse_loss(a, m) for a, m in zip(normal, maps)], has_map)
    weight = s.get("weight", 1.0)
    if method in ("cross-entropy", "blurred-background", "masked-background"):
        return ce, terms
    if method == "cyborg":
        terms["saliency_mse"] = mse
        return s["alpha"] * ce + (1 - s["alpha"]) * mse, terms
    if method == "viser":
        alpha = ce / (ce + mse + 1e-8)
        if not s.get("gradient_through_alpha", True):
            alpha = alpha.detach()
        terms |= {"saliency_mse": mse, "alpha": alpha}
        return alpha * ce + (1 - alpha) * mse, terms
    if method == "energy":
        outside = []
        for cam, human in zip(cams(x, labels, "true"), maps):
            positive = F.relu(cam)
            total = positive.sum()
            inside = (positive * human).sum()
            outside.append(1 - inside / total if total >= 1e-7 else 1 - inside)
        terms["energy_outside"] = mean_over(outside, has_map)
        return ce + weight * terms["energy_outside"], terms
    if method == "cam-l1":
        terms["saliency_l1"] = mean_over([F.l1_loss(a, m) for a, m in zip(normal, maps)], has_map)
        return ce + weight * terms["saliency_l1"], terms
    if method == "cam-bce":
        each = [F.binary_cross_entropy(a.clamp(1e-4, 1 - 1e-4), m) for a, m in zip(normal, maps)]
        terms["saliency_bce"] = mean_over(each, has_map)
        return ce + weight * terms["saliency_bce"], terms
    if method == "res":
        how = (s.get("eta", 0.0), s.get("marked_from", 0.5), s.get("unmarked_to", 0.1))
        terms["res"] = mean_over([res_of_image(a, m, *how) for a, m in zip(normal, maps)], has_map)
        return ce + weight * terms["res"], terms
    if method == "rrr-g":
        each = [((1 - m) * a).square().mean() for a, m in zip(normal, maps)]
        terms["attention_outside"] = mean_over(each, has_map)
        return ce + weight * terms["attention_outside"], terms
    if method == "cam-entropy":
        shares = torch.stack(normal).flatten(1) + 1e-6
        entropy = torch.distributions.Categorical(probs=shares).entropy() / torch.log(torch.tensor(GRID * GRID).double())
        total = ce + weight * entropy.mean()
        if s.get("saliency_weight", 0.0) > 0:
            terms["saliency_mse"] = mse
            total = total + s["saliency_weight"] * mse
        terms["cam_entropy"] = entropy.mean()
        return total, terms
    if method == "act-diff":
        a, b = x["features"].mean((2, 3)), x["features_second"].mean((2, 3))
        distance = ((a - b).square().sum(1) + 1e-12).sqrt()
        terms["activation_difference"] = mean_over(list(distance), has_map)
        return ce + weight * terms["activation_difference"], terms
    raise ValueError(method)


def main():
    generator = torch.Generator().manual_seed(3)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    inputs = {
        "logits": draw(BATCH, CLASSES),
        "features": draw(BATCH, CHANNELS, GRID, GRID),
        "features_second": draw(BATCH, CHANNELS, GRID, GRID),
        "weight": draw(CLASSES, CHANNELS),
        "maps": torch.rand(BATCH, GRID, GRID, generator=generator),
    }
    # Image 3 has a CAM without a positive cell for its true class: the energy of an image may be 0.
    labels = torch.tensor([0, 1, 2, 1, 0])
    inputs["features"][3] = -inputs["weight"][1][:, None, None].expand(CHANNELS, GRID, GRID) * torch.rand(
        GRID, GRID, generator=generator
    )
    predicted = inputs["logits"].argmax(1)
    assert (predicted != labels).any() and (predicted == labels).any(), predicted
    out, cases = dict(inputs, labels=labels.to(torch.uint32)), []
    leaves = ["logits", "features", "features_second", "weight"]
    for number, (method, settings, coverage) in enumerate(CASES):
        has_map = HAS_MAP[coverage]
        x = {name: inputs[name].double().requires_grad_() for name in leaves}
        total, terms = loss(method, settings, x, labels, inputs["maps"].double(), has_map)
        total.backward()
        out[f"{number}/total"] = total.detach()
        for name, value in terms.items():
            out[f"{number}/term/{name}"] = value.detach().double()
        for name in leaves:
            gradient = x[name].grad
            out[f"{number}/gradient/{name}"] = torch.zeros_like(x[name]) if gradient is None else gradient
        cases.append({"method": method, "settings": settings, "has_map": has_map, "terms": list(terms)})
    # Label smoothing and class weights of cross-entropy, by torch's own arguments.
    smooth = []
    for number, (smoothing, weights) in enumerate([(0.1, None), (0.0, [1.0, 0.5, 2.0]), (0.3, [0.2, 1.0, 3.0]), (1.0, None)]):
        logits = inputs["logits"].double().requires_grad_()
        weight = None if weights is None else torch.tensor(weights).double()
        total = F.cross_entropy(logits, labels, weight=weight, label_smoothing=smoothing)
        total.backward()
        out[f"smooth/{number}/total"], out[f"smooth/{number}/gradient"] = total.detach(), logits.grad
        smooth.append({"label_smoothing": smoothing, "class_weights": weights})
    here = Path(__file__).parent
    save_file({name: tensor.clone().contiguous() for name, tensor in out.items()}, here / "methods.safetensors")
    (here / "methods.json").write_text(json.dumps({"cases": cases, "smooth": smooth}, indent=1) + "\n")


main()
