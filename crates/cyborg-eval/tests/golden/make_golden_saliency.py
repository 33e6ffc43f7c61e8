"""Expected values for the saliency measures.

    python make_golden_saliency.py

Writes saliency.csv beside this file; its first line names the versions. scikit-image for SSIM, SciPy for the correlations and
the entropy; KL, SIM, NSS, AUC-Judd, IoU and Dice by their definitions in plain NumPy (Bylinskii et al. 2019; KL and
AUC-Judd in the form of the MIT saliency benchmark, without its jitter). Maps are written as 32-bit floats and used as
64-bit ones, so both sides see the same numbers.
"""
from pathlib import Path

import numpy as np
import scipy
import skimage
from scipy import stats
from skimage.metrics import structural_similarity

HERE = Path(__file__).parent
VERSIONS = f"# scikit-image {skimage.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}"
rng = np.random.default_rng(2019)
EPS = np.finfo(float).eps


def text(values):
    return " ".join(str(np.float32(v)) for v in np.ravel(values))


def unit(m):
    return (m - m.min()) / (m.max() - m.min())


def shares(m):
    return unit(m) / unit(m).sum()


def top(m):
    k = max(int(np.floor(m.size / 10 + 0.5)), 1)
    cut = np.sort(m, axis=None)[::-1][k - 1]
    return (m >= cut) & (m > m.min())


def auc_judd(cam, marked):
    thresholds = np.unique(cam[marked])[::-1]
    tp = [0.0] + [np.mean(cam[marked] >= t) for t in thresholds] + [1.0]
    fp = [0.0] + [np.mean(cam[~marked] >= t) for t in thresholds] + [1.0]
    return np.trapezoid(tp, fp)


def window(h, w):
    half = min(max(min(h, w) // 2, 3), 7)
    return half - 1 if half % 2 == 0 else half


def pairs():
    for h, w in ((7, 7), (8, 8), (10, 10), (5, 9), (14, 14), (3, 3)):
        for noise in (0.2, 2.0):
            y, x = np.mgrid[0:h, 0:w]
            human = np.exp(-((y - h * rng.random()) ** 2 + (x - w * rng.random()) ** 2) / (0.05 * h * w + 1))
            yield 3.0 * human + noise * rng.normal(size=(h, w)) - 1.0, human
    yield rng.integers(0, 3, (7, 7)), (rng.random((7, 7)) < 0.15) + 0.0  # ties, and a binary map
    human = np.zeros((7, 7))
    human[3, 2] = human[3, 3] = 1.0  # fewer cells than a tenth, rounded
    yield rng.random((7, 7)), human


with open(HERE / "saliency.csv", "w") as out:
    print(VERSIONS, file=out)
    print("height,width,cam,human,mse,pearson,spearman,kl,sim,nss,auc_judd,iou_top10,dice_top10,ssim,entropy", file=out)
    for cam, human in pairs():
        cam, human = np.float32(cam), np.float32(human)
        c, h = cam.astype(float), human.astype(float)
        p, q, marked, own = shares(h), shares(c), top(h), top(c)
        both = (marked & own).sum()
        values = [
            np.mean((unit(c) - unit(h)) ** 2),
            stats.pearsonr(c.ravel(), h.ravel()).statistic,
            stats.spearmanr(c.ravel(), h.ravel()).statistic,
            np.sum(p * np.log(EPS + p / (q + EPS))),
            np.minimum(p, q).sum(),
            np.mean(((c - c.mean()) / c.std())[marked]),
            auc_judd(c, marked),
            both / (marked | own).sum(),
            2 * both / (marked.sum() + own.sum()),
            structural_similarity(unit(c), unit(h), win_size=window(*c.shape), data_range=1.0),
            stats.entropy(q.ravel()),
        ]
        print(f"{c.shape[0]},{c.shape[1]},{text(cam)},{text(human)},{','.join(repr(float(v)) for v in values)}", file=out)
