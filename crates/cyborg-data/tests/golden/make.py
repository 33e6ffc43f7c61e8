"""Writes transforms.txt: what PIL and torchvision make of a small drawn image and map.

Run: python make.py > transforms.txt
Made with Python 3.11.7, torch 2.15.0 (CPU), torchvision 0.29.2, Pillow 13.0.0, numpy 2.4.6.

Each line: name, width, height, channels, bytes in hexadecimal. The image is drawn by a formula that the test repeats. Crops
are of a kind (both sides shrink, or both grow, by the same factor) whose resizing all versions of Pillow agree on.
"""

import numpy
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

SIDE = 24


def drawn(width, height, channels):
    y, x, c = numpy.mgrid[0:height, 0:width, 0:channels]
    values = (x * 9 + y * 5 + c * 40 + (x // 5 * 37 + y // 7 * 61) % 90) % 256
    return values.astype(numpy.uint8)


def write(name, array):
    array = numpy.asarray(array)
    array = array.reshape(array.shape[0], array.shape[1], -1)
    height, width, channels = array.shape
    print(name, width, height, channels, array.astype(numpy.uint8).tobytes().hex())


def floats(array):
    return torch.from_numpy(array.astype(numpy.float32)).permute(2, 0, 1) / 255


def levels(tensor):
    return (tensor * 255).round().clamp(0, 255).permute(1, 2, 0).numpy()


square = drawn(SIDE, SIDE, 3)
wide = drawn(40, 30, 3)
write("flip", Image.fromarray(square).transpose(Image.Transpose.FLIP_LEFT_RIGHT))
for degrees, how in [(90, Image.Transpose.ROTATE_90), (180, Image.Transpose.ROTATE_180), (-90, Image.Transpose.ROTATE_270)]:
    write(f"rotation{degrees}", Image.fromarray(square).transpose(how))
for degrees in (30, -17):
    turned = F.rotate(floats(square), degrees, InterpolationMode.BILINEAR, fill=None)
    write(f"rotation{degrees}", levels(turned))
# Shifted by an eighth to the right and a quarter up, and grown by 1.2.
moved = F.affine(floats(square), 0, [SIDE // 8, -SIDE // 4], 1.2, [0.0, 0.0], InterpolationMode.BILINEAR, fill=None)
write("affine", levels(moved))
# The window from (8, 3) of 16 x 16 pixels, to 24 x 24, and that from (2, 0) of 30 x 30, to 24 x 24.
for left, top, size in [(8, 3, 16), (2, 0, 30)]:
    window = Image.fromarray(wide).crop((left, top, left + size, top + size))
    write(f"crop{size}", window.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
for sigma in (0.7, 2.5):
    radius = int(numpy.ceil(3 * sigma))
    write(f"blur{sigma}", levels(F.gaussian_blur(floats(square), [2 * radius + 1] * 2, [sigma] * 2)))
for brightness, contrast, gamma in [(1.3, 1.0, 1.0), (1.0, 0.6, 1.0), (1.0, 1.0, 1.7), (0.8, 1.4, 0.9)]:
    changed = F.adjust_brightness(floats(square), brightness)
    changed = F.adjust_contrast(changed, contrast)
    write(f"adjust/{brightness}/{contrast}/{gamma}", levels(F.adjust_gamma(changed, gamma)))
