"""Golden values of the taps: what each named module of torchvision's (and Cadene's) networks gives in evaluation, in float64.

    python taps.py      writes taps.safetensors beside itself

Made with Python 3.11.7, torch 2.15.0 (CPU), torchvision 0.29.2, pretrainedmodels 0.7.4 (xception), timm 1.0.31
(efficientnet_lite0), safetensors 0.8.0. Weights, images and digests are those of `networks.py`; one image of each network's small size.
"""

import warnings

import torch
from networks import CLASSES, HERE, NETWORKS, digest, formula, pictures
from safetensors.torch import save_file

RESNET = {"maxpool": "maxpool"} | {f"layer{i}": f"layer{i}" for i in range(1, 5)}
# Tap -> module, and what is done to its output.
TAPS = {
    # Its stem's ReLU is no module of the definition in networks.py.
    "thin-resnet8": {"relu": ("bn1", torch.relu)} | {f"layer{i}": f"layer{i}" for i in range(1, 4)},
    "resnet18": RESNET,
    "resnet34": RESNET,
    "resnet50": RESNET,
    "resnet101": RESNET,
    "resnet152": RESNET,
    "densenet121": {"pool0": "features.pool0"}
    | {f"denseblock{i}": f"features.denseblock{i}" for i in range(1, 5)}
    | {f"transition{i}": f"features.transition{i}" for i in range(1, 4)},
    "inception_v3": {"maxpool2": "maxpool2"}
    | {f"Mixed_{m}": f"Mixed_{m}" for m in ["5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"]},
    "tf_efficientnet_lite0": {"bn1": "bn1"} | {f"blocks.{i}": f"blocks.{i}" for i in range(7)},
    "efficientnet_lite0": {"bn1": "bn1"} | {f"blocks.{i}": f"blocks.{i}" for i in range(7)},
    "xception": {"conv4": "conv4"} | {f"block{i}": f"block{i}" for i in range(1, 13)},
}


def main():
    warnings.simplefilter("ignore")
    written = {}
    for name, taps in TAPS.items():
        network = NETWORKS[name]
        model = network.make(num_classes=CLASSES).double().eval()
        model.load_state_dict({k: formula(k, v.shape, network.calm) for k, v in model.state_dict().items()})
        for tap, where in taps.items():
            module, then = where if isinstance(where, tuple) else (where, torch.clone)
            # A copy: the next ReLU may work in place.
            model.get_submodule(module).register_forward_hook(
                lambda _m, _i, o, key=f"{name}/{tap}", then=then: written.__setitem__(key, digest(then(o)))
            )
        with torch.no_grad():
            model(pictures(network, network.small)[:1].double())
    save_file(written, HERE / "taps.safetensors")
    print(f"{len(written)} taps of {len(TAPS)} networks")


main()
