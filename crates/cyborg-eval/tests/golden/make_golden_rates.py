"""Expected values for error rates, partial AUC, calibration, DeLong, Wilcoxon, Holm and bootstrap intervals.

    python make_golden_rates.py

Writes rates.csv, delong.csv, wilcoxon.csv, holm.csv and intervals.csv beside this file; the first line of each names the
versions. scikit-learn and SciPy where they have the measure; where they have not, the definition in plain NumPy. DeLong
is the definition itself (structural components over all pairs of images, in whole matrices), not the fast form.
"""
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_auc_score, roc_curve

HERE = Path(__file__).parent
VERSIONS = f"# scikit-learn {sklearn.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}"
rng = np.random.default_rng(30107)


def text(values):
    return " ".join(repr(float(v)) for v in values)


def score_cases():
    for n, name in ((40, "small"), (400, "hundreds"), (2500, "thousands")):
        y = (rng.random(n) < 0.4).astype(int)
        yield name, y, np.round(1 / (1 + np.exp(-(1.3 * rng.normal(size=n) + 1.5 * y - 0.5))), 4)
    y = (rng.random(1500) < 0.3).astype(int)
    yield "ties", y, np.round(np.clip(0.3 * y + 0.6 * rng.random(1500), 0, 1), 2)
    y = (rng.random(1200) < 0.5).astype(int)
    yield "inverted", y, np.round(1 / (1 + np.exp(-(rng.normal(size=1200) - 0.7 * y))), 3)
    y = np.r_[np.zeros(210, int), np.ones(90, int)]
    yield "edges of bins", y, np.r_[rng.integers(0, 16, 210) / 15.0, rng.integers(0, 16, 90) / 15.0]


def ece(y, s, bins=15):
    shares, means = calibration_curve(y, s, n_bins=bins, strategy="uniform")
    edges = np.linspace(0.0, 1.0, bins + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], s), minlength=bins)
    counts = counts[counts > 0]
    return float(np.sum(counts * np.abs(shares - means)) / len(s))


with open(HERE / "rates.csv", "w") as out:
    print(VERSIONS, file=out)
    fields = "name,labels,scores,partial_auc,partial_auc_0_37,balanced_accuracy,d_prime,tdr_0_1,tdr_0_2,tdr_1,tdr_5,"
    print(fields + "apcer,bpcer,apcer_at_bpcer_1,ece,brier", file=out)
    for name, y, s in score_cases():
        p, n = s[y == 1], s[y == 0]
        fpr, tpr, _ = roc_curve(y, s, drop_intermediate=False)
        tdr = [repr(float(tpr[fpr <= f].max())) if len(n) * f >= 1 else "" for f in (0.001, 0.002, 0.01, 0.05)]
        at_1 = repr(float((1 - tpr)[fpr <= 0.01].min())) if len(n) >= 100 else ""
        d = (p.mean() - n.mean()) / np.sqrt((p.var(ddof=1) + n.var(ddof=1)) / 2)
        called = (s >= 0.5).astype(int)
        values = [
            roc_auc_score(y, s, max_fpr=0.1),
            roc_auc_score(y, s, max_fpr=0.37),
            balanced_accuracy_score(y, called),
            d,
        ]
        rates = [np.mean(called[y == 1] == 0), np.mean(called[y == 0] == 1)]
        row = [repr(float(v)) for v in values] + tdr + [repr(float(v)) for v in rates] + [at_1]
        row += [repr(ece(y, s)), repr(float(brier_score_loss(y, s)))]
        print(f'"{name}",{"".join(map(str, y))},{text(s)},{",".join(row)}', file=out)


def components(y, s):
    """Structural components of DeLong et al. 1988: psi averaged over the other class."""
    p, n = s[y == 1], s[y == 0]
    psi = (p[:, None] > n[None, :]) + 0.5 * (p[:, None] == n[None, :])
    return psi.mean(), psi.mean(1), psi.mean(0)


with open(HERE / "delong.csv", "w") as out:
    print(VERSIONS, file=out)
    print("labels,baseline,candidate,auc_baseline,se_baseline,ci_low,ci_high,auc_candidate,se,z,p", file=out)
    for n, ties in ((12, False), (50, False), (300, False), (200, True), (80, True)):
        y = np.r_[1, 1, 0, 0, (rng.random(n - 4) < 0.4).astype(int)]
        common = rng.normal(size=n) + 0.9 * y
        a, b = common + 0.8 * rng.normal(size=n), common + 0.4 * rng.normal(size=n)
        a, b = (np.round(a), np.round(b, 1)) if ties else (np.round(a, 4), np.round(b, 4))
        (auc_a, v10_a, v01_a), (auc_b, v10_b, v01_b) = components(y, a), components(y, b)
        var_a = v10_a.var(ddof=1) / len(v10_a) + v01_a.var(ddof=1) / len(v01_a)
        s10, s01 = np.cov(v10_a, v10_b), np.cov(v01_a, v01_b)
        cov = s10 / len(v10_a) + s01 / len(v01_a)
        se = np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
        z = (auc_b - auc_a) / se
        half = stats.norm.ppf(0.975) * np.sqrt(var_a)
        low, high = max(auc_a - half, 0.0), min(auc_a + half, 1.0)
        values = [auc_a, np.sqrt(var_a), low, high, auc_b, se, z, 2 * stats.norm.sf(abs(z))]
        print(f'{"".join(map(str, y))},{text(a)},{text(b)},{",".join(repr(float(v)) for v in values)}', file=out)

with open(HERE / "wilcoxon.csv", "w") as out:
    print(VERSIONS, file=out)
    print("differences,statistic,p", file=out)
    cases = [rng.normal(0.5, 1.0, n) for n in (3, 5, 6, 8, 10, 20, 35, 50)]
    cases += [np.array([1.0, 2.0, 2.0, -1.0, 3.0, 0.0, 4.0]), np.array([0.5, 0.5, 0.5, -0.5, 1.0, 1.0, 0.0, 0.0, 2.0])]
    cases += [np.array([1.0, 1.0, 1.0, 1.0, -1.0]), np.array([-1.0, -2.0, -3.0, -4.0, -5.0, -6.0])]
    for d in cases:
        nonzero = d[d != 0]
        tied = len(np.unique(np.abs(nonzero))) < len(d)
        # With ties or zeros SciPy's exact answer is the permutation of all signs.
        method = stats.PermutationMethod(n_resamples=np.inf) if tied else "exact"
        result = stats.wilcoxon(d, zero_method="wilcox", method=method)
        print(f"{text(d)},{float(result.statistic)!r},{float(result.pvalue)!r}", file=out)
    for n in (250, 400):  # above the number up to which ours is exact
        d = np.round(rng.normal(0.05, 1.0, n), 1)
        result = stats.wilcoxon(d, zero_method="wilcox", correction=False, method="asymptotic")
        print(f"{text(d)},{float(result.statistic)!r},{float(result.pvalue)!r}", file=out)

with open(HERE / "holm.csv", "w") as out:
    print(VERSIONS + "; p.adjust of R does the same: cummax of (n - i + 1) p_(i), at most 1", file=out)
    print("p,adjusted", file=out)
    for p in ([0.01, 0.04, 0.03, 0.005], list(rng.random(12) ** 3), [0.5, 0.5, 0.9], [0.0, 1.0, 0.02, 0.02]):
        p = np.array(p)
        order = np.argsort(p, kind="stable")
        adjusted = np.empty_like(p)
        adjusted[order] = np.minimum(1, np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order]))
        print(f"{text(p)},{text(adjusted)}", file=out)

with open(HERE / "intervals.csv", "w") as out:
    print(VERSIONS + "; BCa from scipy.stats._resampling._bca_interval", file=out)
    print("value,replicates,jackknife_0,jackknife_1,low,high,bca_low,bca_high", file=out)
    from scipy.stats._resampling import _bca_interval, _jackknife_resample

    def auc(p, n, axis=-1):
        p, n = np.asarray(p), np.asarray(n)
        above = (p[..., :, None] > n[..., None, :]) + 0.5 * (p[..., :, None] == n[..., None, :])
        return above.mean(axis=(-1, -2))

    for n_p, n_n in ((9, 14), (25, 12)):
        p, n = np.round(rng.normal(0.8, 1.0, n_p), 1), np.round(rng.normal(0.0, 1.0, n_n), 1)
        replicates = np.array(
            [auc(rng.choice(p, n_p), rng.choice(n, n_n)) for _ in range(199)]
        )
        low, high = np.quantile(replicates, [0.025, 0.975])
        alpha = 0.025
        bounds = _bca_interval((p, n), auc, axis=-1, alpha=alpha, theta_hat_b=replicates, batch=None, xp=np)
        bca = np.quantile(replicates, [float(bounds[0]), float(bounds[1])])
        without_p = [auc(np.delete(p, i), n) for i in range(n_p)]
        without_n = [auc(p, np.delete(n, i)) for i in range(n_n)]
        row = [repr(float(auc(p, n))), text(replicates), text(without_p), text(without_n)]
        print(",".join(row + [repr(float(v)) for v in (low, high, *bca)]), file=out)
