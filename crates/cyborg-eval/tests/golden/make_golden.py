"""Expected values for cyborg-eval from scikit-learn and SciPy.

    python make_golden.py

Writes rankings.csv, rocs.csv and paired.csv beside this file. The versions that made the committed files are in the
first line of each. Floats are written by repr, so they read back to the same bits.
"""
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import stats
from scipy.optimize import brentq
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

HERE = Path(__file__).parent
VERSIONS = f"# scikit-learn {sklearn.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}"
rng = np.random.default_rng(2022)


def text(values):
    return " ".join(repr(float(v)) for v in values)


def eer(fpr, tpr):
    """Root of FNR - FPR on the interpolated ROC. brentq is run over the arc parameter (position along the list of
    points), where both rates are continuous even if the curve rises vertically."""
    at = np.arange(len(fpr))
    gap = lambda s: 1.0 - np.interp(s, at, tpr) - np.interp(s, at, fpr)
    s = brentq(gap, 0.0, len(fpr) - 1.0, xtol=1e-15, rtol=8.9e-16)
    return float(np.interp(s, at, fpr))


def cases():
    yield "textbook", [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    yield "perfect", [0] * 5 + [1] * 7, np.r_[np.linspace(0.0, 0.4, 5), np.linspace(0.6, 1.0, 7)]
    yield "inverted", [1] * 5 + [0] * 7, np.r_[np.linspace(0.0, 0.4, 5), np.linspace(0.6, 1.0, 7)]
    yield "all tied", [0, 1, 0, 1, 1], [0.5] * 5
    yield "one of each, in order", [0, 1], [0.2, 0.7]
    yield "one of each, tied", [0, 1], [0.7, 0.7]
    yield "one positive among many", [0] * 30 + [1], np.r_[rng.random(30), 0.77]
    y = rng.integers(0, 2, 60)
    yield "random", y, rng.random(60)
    yield "many ties (four values)", y, rng.integers(0, 4, 60) / 3.0
    yield "ties and skill", y, np.clip(np.round(0.35 * y + 0.6 * rng.random(60), 1), 0, 1)
    y = (rng.random(80) < 0.1).astype(int)
    yield "few positives", y, np.round(0.3 * y + 0.7 * rng.random(80), 2)
    y = (rng.random(80) < 0.9).astype(int)
    yield "few negatives", y, np.round(0.3 * y + 0.7 * rng.random(80), 2)
    y = rng.integers(0, 2, 50)
    yield "scores at the ends", y, 1.0 / (1.0 + np.exp(-30.0 * (y - 0.5 + rng.normal(0, 1.2, 50))))
    yield "runs of equal steps", [1, 1, 1, 0, 0, 0, 1, 0, 1, 0], np.linspace(0.95, 0.05, 10)


GRID = np.linspace(0.0, 1.0, 11)
with open(HERE / "rankings.csv", "w") as out, open(HERE / "rocs.csv", "w") as rocs:
    print(VERSIONS, file=out)
    print("name,labels,scores,auc,average_precision,eer", file=out)
    print(VERSIONS, file=rocs)
    print("name,fpr,tpr,thresholds,tpr_on_grid_of_11", file=rocs)
    for name, y, s in cases():
        y, s = np.asarray(y), np.asarray(s, dtype=float)
        fpr, tpr, thresholds = roc_curve(y, s, drop_intermediate=False)
        values = [roc_auc_score(y, s), average_precision_score(y, s), eer(fpr, tpr)]
        print(f'"{name}",{"".join(str(v) for v in y)},{text(s)},{",".join(repr(float(v)) for v in values)}', file=out)
        fpr, tpr, thresholds = roc_curve(y, s)
        print(f'"{name}",{text(fpr)},{text(tpr)},{text(thresholds)},{text(np.interp(GRID, fpr, tpr))}', file=rocs)


def paired_cases():
    for n in (2, 3, 4, 5, 6, 8, 10, 13, 20):
        for shift, sd in ((0.0, 0.02), (0.02, 0.02), (0.05, 0.005)):
            baseline = rng.normal(0.62, 0.03, n)
            yield baseline, baseline + rng.normal(shift, sd, n)
    yield np.array([0.5, 0.6, 0.7, 0.8]), np.array([0.625, 0.6, 0.825, 0.675])  # a tie and equal steps
    yield np.full(6, 0.5), 0.5 + np.array([0.25, 0.125, 0.0, 0.125, -0.125, 0.125])  # equal sums of flips
    yield np.array([0.7] * 30), 0.7 + rng.normal(0.01, 0.02, 30)  # too many for sign flips


with open(HERE / "paired.csv", "w") as out:
    print(VERSIONS, file=out)
    print("baseline,candidate,mean,sd,t,p,ci_low,ci_high,cohens_dz,p_sign_flip", file=out)
    for b, c in paired_cases():
        result = stats.ttest_rel(c, b)
        ci = result.confidence_interval(0.95)
        d = c - b
        flip = ""
        if len(d) <= 13:
            flip = repr(
                float(
                    stats.permutation_test(
                        (d,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
                    ).pvalue
                )
            )
        values = [d.mean(), d.std(ddof=1), result.statistic, result.pvalue, ci.low, ci.high, d.mean() / d.std(ddof=1)]
        print(f"{text(b)},{text(c)},{','.join(repr(float(v)) for v in values)},{flip}", file=out)
