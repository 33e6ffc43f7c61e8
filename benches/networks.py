"""The networks in PyTorch, with names as torchvision's (`xception`: Cadene's; EfficientNets: timm's), and where the released code takes the CAM."""

import warnings

import torch
import torchvision
from torch import nn

# The module whose output the features are, and the classifier.
TAPS = {
    "thin-resnet8": ("layer3.0.conv2", "fc"),
    "resnet18": ("layer4.1.conv2", "fc"),
    "resnet34": ("layer4.2.conv2", "fc"),
    "resnet50": ("layer4.2.conv3", "fc"),
    "resnet101": ("layer4.2.conv3", "fc"),
    "resnet152": ("layer4.2.conv3", "fc"),
    "densenet121": ("features", "classifier"),
    "inception_v3": ("Mixed_7c", "fc"),
    "xception": ("conv4", "last_linear"),
    "tf_efficientnet_lite0": ("bn2", "classifier"),
    "efficientnet_lite0": ("bn2", "classifier"),
}


def make(name, classes):
    if name == "thin-resnet8":
        return ThinResNet8(classes)
    if name == "inception_v3":
        # Without dropout, whose draws would differ.
        return torchvision.models.inception_v3(
            num_classes=classes, aux_logits=False, transform_input=False, init_weights=False, dropout=0.0
        )
    if name == "xception":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                import pretrainedmodels
            except ImportError:
                return Xception(classes)
            return pretrainedmodels.xception(num_classes=classes, pretrained=None)
    if name.endswith("efficientnet_lite0"):
        import timm

        return timm.create_model(name, num_classes=classes)
    return getattr(torchvision.models, name)(num_classes=classes)


class BasicBlock(nn.Module):
    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.downsample = None
        if stride != 1 or n_in != n_out:
            self.downsample = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        inner = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(inner)) + shortcut)


class ThinResNet8(nn.Module):
    """What `thin-resnet8` is."""

    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(BasicBlock(16, 16, 1))
        self.layer2 = nn.Sequential(BasicBlock(16, 32, 2))
        self.layer3 = nn.Sequential(BasicBlock(32, 64, 2))
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class Separable(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_in, 3, 1, 1, groups=n_in, bias=False)
        self.pointwise = nn.Conv2d(n_in, n_out, 1, bias=False)

    def forward(self, x):
        return self.pointwise(self.conv1(x))


class XceptionBlock(nn.Module):
    """Separable convolutions with a batch norm each and a ReLU before each, beside a shortcut."""

    def __init__(self, channels, starts_with_relu):
        super().__init__()
        n_in, n_out = channels[0], channels[-1]
        self.skip = None
        if n_in != n_out:
            self.skip = nn.Conv2d(n_in, n_out, 1, 2, bias=False)
            self.skipbn = nn.BatchNorm2d(n_out)
        layers = []
        for n_from, n_to in zip(channels, channels[1:]):
            layers += [nn.ReLU(inplace=True), Separable(n_from, n_to), nn.BatchNorm2d(n_to)]
        # The first ReLU must not change the shortcut's input.
        layers = [nn.ReLU(inplace=False)] + layers[1:] if starts_with_relu else layers[1:]
        if self.skip is not None:
            layers.append(nn.MaxPool2d(3, 2, 1))
        self.rep = nn.Sequential(*layers)

    def forward(self, x):
        shortcut = x if self.skip is None else self.skipbn(self.skip(x))
        return self.rep(x) + shortcut


class Xception(nn.Module):
    """Chollet's network with the names of Cadene's port, for where `pretrainedmodels` is not installed."""

    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, 2, 0, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(32, 64, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.block1 = XceptionBlock([64, 128, 128], False)
        self.block2 = XceptionBlock([128, 256, 256], True)
        self.block3 = XceptionBlock([256, 728, 728], True)
        for index in range(4, 12):
            setattr(self, f"block{index}", XceptionBlock([728] * 4, True))
        self.block12 = XceptionBlock([728, 728, 1024], True)
        self.conv3 = Separable(1024, 1536)
        self.bn3 = nn.BatchNorm2d(1536)
        self.conv4 = Separable(1536, 2048)
        self.bn4 = nn.BatchNorm2d(2048)
        self.last_linear = nn.Linear(2048, classes)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        for index in range(1, 13):
            x = getattr(self, f"block{index}")(x)
        x = self.relu(self.bn3(self.conv3(x)))
        x = self.relu(self.bn4(self.conv4(x)))
        return self.last_linear(x.mean((2, 3)))
