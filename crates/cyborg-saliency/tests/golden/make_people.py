"""Writes people.txt with SciPy and scikit-learn: run in this folder.

Lines of numbers, named by their first word; `draw` is in tests/people.rs as well. Versions at the end.
"""

import pathlib
import sys

import numpy as np
import scipy
import sklearn
from scipy.ndimage import gaussian_filter
from scipy.spatial import ConvexHull
from scipy.stats import spearmanr
from sklearn.metrics import jaccard_score

HERE = pathlib.Path(__file__).parent


def draw(seed, width, height, levels):
    """Values 0, 1/levels ... from a product hash: many ties if there are few levels."""
    y, x = np.mgrid[0:height, 0:width].astype(np.uint32)
    mixed = (x * np.uint32(73856093)) ^ (y * np.uint32(19349663)) ^ np.uint32(seed * 83492791 % 2**32)
    mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(1274126177)
    return (((mixed >> np.uint32(16)) % np.uint32(levels)).astype(np.float32) / np.float32(levels)).astype(np.float32)


def text(numbers):
    return " ".join(f"{n:.7g}" for n in np.asarray(numbers).reshape(-1))


with open(HERE / "people.txt", "w") as out:
    # spearman seed_a seed_b width height levels_a levels_b rho
    for a, b, w, h, la, lb in [(1, 2, 40, 30, 1000, 1000), (3, 4, 31, 17, 4, 7), (5, 6, 64, 64, 2, 2), (7, 8, 5, 3, 3, 50)]:
        rho = spearmanr(draw(a, w, h, la).reshape(-1), draw(b, w, h, lb).reshape(-1)).statistic
        out.write(f"spearman {a} {b} {w} {h} {la} {lb} {rho!r}\n".replace("np.float64(", "").replace(")", ""))
    # Sums of maps that share a part: halves of people.
    maps = [draw(s, 24, 20, 5) + draw(99, 24, 20, 5) for s in range(10, 16)]
    loo = [
        spearmanr(maps[i].reshape(-1), sum(maps[j].astype(np.float64) for j in range(6) if j != i).astype(np.float32).reshape(-1)).statistic
        for i in range(6)
    ]
    out.write(f"leave-one-out {float(np.mean(loo))!r}\n")
    pairs = [
        jaccard_score(maps[i].reshape(-1) > 0.5 * maps[i].max(), maps[j].reshape(-1) > 0.5 * maps[j].max())
        for i in range(6)
        for j in range(i + 1, 6)
    ]
    out.write(f"iou {float(np.mean(pairs))!r}\n")
    # blur sigma, then the bytes of a 13 x 9 RGB picture blurred outside of a map
    picture = np.stack([draw(s, 13, 9, 256) for s in (20, 21, 22)], -1).astype(np.float64) * 256
    m = draw(23, 13, 9, 3).astype(np.float64)
    m = m / m.max()
    for sigma in [0.7, 2.0, 5.5, 16.0]:
        blurred = np.stack([gaussian_filter(picture[..., c], sigma) for c in range(3)], -1)
        mixed = m[..., None] * picture + (1 - m[..., None]) * blurred
        out.write(f"blur {sigma} {text(mixed)}\n")
    # hull: seed, levels, then 1 for each pixel of a 30 x 22 map whose centre is in the hull of those of level 0
    for seed, levels in [(30, 40), (31, 90), (32, 200)]:
        marked = draw(seed, 30, 22, levels) == 0
        points = np.argwhere(marked)[:, ::-1]
        hull = ConvexHull(points)
        y, x = np.mgrid[0:22, 0:30]
        inside = np.all(hull.equations[:, :2] @ np.stack([x.ravel(), y.ravel()]) + hull.equations[:, 2:] <= 1e-9, axis=0)
        out.write(f"hull {seed} {levels} {''.join(str(int(i)) for i in inside)}\n")
    # area: width, height, then means of a 24 x 20 map over equal blocks of pixels, by NumPy on the map repeated
    a = draw(40, 24, 20, 100).astype(np.float64)
    for w, h in [(7, 7), (10, 3), (24, 20), (5, 9)]:
        fine = np.kron(a, np.ones((h, w)))
        out.write(f"area {w} {h} {text(fine.reshape(h, 20, w, 24).mean(axis=(1, 3)))}\n")
    out.write(
        f"# Python {sys.version.split()[0]}, NumPy {np.__version__}, SciPy {scipy.__version__}, "
        f"scikit-learn {sklearn.__version__}\n"
    )
