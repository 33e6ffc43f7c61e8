"""Names, types and shapes of every network's state dict, as torchvision (xception: Cadene's pretrainedmodels, EfficientNets: timm) has them.

    python names.py > names.txt

One line a network: its name, how many tensors, and the SHA-256 over the sorted lines `name type shape`. `../names.rs`
computes the same of our networks. With 5 classes. names.txt says with which versions it was made."""

import hashlib
import warnings

import pretrainedmodels
import timm
import torch
import torchvision

warnings.filterwarnings("ignore")
TYPES = {torch.float32: "F32", torch.int64: "I64"}
VISION = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "densenet121")


def networks(num_classes=5):
    for name in VISION:
        yield name, getattr(torchvision.models, name)(num_classes=num_classes)
    yield "inception_v3", torchvision.models.inception_v3(
        num_classes=num_classes, aux_logits=False, init_weights=False
    )
    xception = pretrainedmodels.xception(num_classes=num_classes, pretrained=None)
    if hasattr(xception, "fc"):
        xception.last_linear = xception.fc
        del xception.fc
    yield "xception", xception
    for name in ("tf_efficientnet_lite0", "efficientnet_lite0"):
        yield name, timm.create_model(name, num_classes=num_classes)


if __name__ == "__main__":
    print(f"# torch {torch.__version__}, torchvision {torchvision.__version__}, pretrainedmodels 0.7.4, timm {timm.__version__}")
    for name, network in networks():
        state = network.state_dict()
        lines = [f"{key} {TYPES[value.dtype]} {list(value.shape)}\n" for key, value in sorted(state.items())]
        print(name, len(lines), hashlib.sha256("".join(lines).encode()).hexdigest())
