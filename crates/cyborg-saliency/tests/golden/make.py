"""Writes grids.txt with PIL (below 13, see cyborg-image) and NumPy: run in this folder.

Each line: kind of map, its width and height, grid width and height, and the float32 cells as bits in hex.
The maps are drawn by `draw`, in tests/grid.rs as well.
"""

import pathlib
import sys

import numpy as np
import PIL
from PIL import Image

HERE = pathlib.Path(__file__).parent


def draw(kind, width, height):
    y, x = np.mgrid[0:height, 0:width]
    if kind == "noise":
        mixed = (x.astype(np.uint32) * np.uint32(73856093)) ^ (y.astype(np.uint32) * np.uint32(19349663))
        return ((mixed >> np.uint32(8)) & np.uint32(255)).astype(np.uint8)
    if kind == "box":  # a drawn region
        inside = (x * 4 >= width) & (x * 2 < width) & (y * 3 >= height) & (y * 3 < 2 * height)
        return np.where(inside, 255, 0).astype(np.uint8)
    if kind == "faint":  # a ramp of few levels above a base
        return (40 + (x * 5) // width + (y * 3) // height).astype(np.uint8)
    raise ValueError(kind)


assert int(PIL.__version__.split(".")[0]) < 13
with open(HERE / "grids.txt", "w") as out:
    for kind in ["noise", "box", "faint"]:
        for width, height in [(224, 224), (299, 299), (64, 64), (500, 323), (80, 121), (5, 3), (1, 2)]:
            for grid_width, grid_height in [(7, 7), (8, 8), (10, 10), (4, 6)]:
                image = Image.fromarray(draw(kind, width, height))
                h = np.asarray(image.resize((grid_width, grid_height), Image.BILINEAR)).astype(np.float32)
                h = h / np.float32(255)
                h = h - h.min()
                if h.max() == 0:
                    continue  # 0 / 0 as released; tested without golden values
                h = h / h.max()
                assert h.dtype == np.float32
                bits = h.reshape(-1).view(np.uint32)
                cells = "".join(f"{value:08x}" for value in bits)
                out.write(f"{kind} {width} {height} {grid_width} {grid_height} {cells}\n")
(HERE / "versions.txt").write_text(
    f"Python {sys.version.split()[0]}, Pillow {PIL.__version__}, NumPy {np.__version__}\n"
)
