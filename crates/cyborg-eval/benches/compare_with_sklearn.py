"""The per-source AUC table by pandas and scikit-learn, and by this crate, on the same files.

    python compare_with_sklearn.py PROGRAM FOLDER [RUNS]

PROGRAM is the built example `many_scores`, FOLDER what `many_scores generate` wrote, RUNS how many of its runs are taken
(default 4). Checks that all AUCs are equal to 1e-12, then prints both times and their ratio, with one thread and with all
that the machine has; CPU seconds beside seconds on the clock, for machines that do other work too. Imports are not
counted; reading the files is. What each does:

- pandas + scikit-learn: read source, label and score; `roc_auc_score` of every generator against its authentic set, of all
  pooled, and the two means. Single-threaded, as users run it.
- this crate: the same files, checked for damage; every metric of the table, AUC among them.
"""
import csv
import io
import os
import re
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import scipy
import sklearn
from sklearn.metrics import roc_auc_score

PAIRS = {
    "ProGAN": "CelebA-HQ",
    "StyleGAN": "FFHQ",
    "StyleGAN2": "FFHQ",
    "StyleGAN2-ADA": "FFHQ",
    "StyleGAN3": "FFHQ",
    "StarGANv2": "CelebA-HQ",
}
SEEN = {"StyleGAN2"}


def table(folder, runs):
    rows = {}
    for run in range(runs):
        path = os.path.join(folder, f"run-{run:03}", "scores.parquet")
        scores = pd.read_parquet(path, columns=["source", "label", "score"])
        of_source = dict(tuple(scores.groupby("source", sort=False)))
        auc = {}
        for generator, authentic in PAIRS.items():
            both = pd.concat([of_source[generator], of_source[authentic]])
            auc[generator] = roc_auc_score(both["label"], both["score"])
        rows |= {(run, source): value for source, value in auc.items()}
        rows[run, "unseen mean"] = np.mean([value for source, value in auc.items() if source not in SEEN])
        rows[run, "seen mean"] = np.mean([value for source, value in auc.items() if source in SEEN])
        rows[run, "all mean"] = np.mean(list(auc.values()))
        rows[run, "all pooled"] = roc_auc_score(scores["label"], scores["score"])
    return rows


def ours(program, folder, runs, threads):
    environment = os.environ | ({"RAYON_NUM_THREADS": str(threads)} if threads else {})
    cpu = child_cpu()
    done = subprocess.run([program, "auc", folder, str(runs)], capture_output=True, text=True, check=True, env=environment)
    rows = {(int(r["run"]), r["source"]): float(r["auc"]) for r in csv.DictReader(io.StringIO(done.stdout))}
    return rows, float(re.search(r"([0-9.]+) s,", done.stderr).group(1)), child_cpu() - cpu


def child_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main():
    program, folder = sys.argv[1:3]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    print(f"pandas {pd.__version__}, scikit-learn {sklearn.__version__}, SciPy {scipy.__version__}, {os.cpu_count()} cores")
    table(folder, 1)  # once, so that files and code are warm
    start, start_cpu = time.perf_counter(), time.process_time()
    expected = table(folder, runs)
    theirs, their_cpu = time.perf_counter() - start, time.process_time() - start_cpu
    print(f"pandas + scikit-learn: {runs} runs, {len(expected)} AUCs in {theirs:.2f} s ({their_cpu:.2f} s of CPU)")
    for threads in (1, None):
        found, seconds, cpu = ours(program, folder, runs, threads)
        assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
        worst = max(abs(found[key] - expected[key]) for key in expected)
        assert worst < 1e-12, worst
        name = "one thread" if threads else "all threads"
        ratios = f"{theirs / seconds:.1f} times as fast, {their_cpu / cpu:.1f} times by CPU"
        print(f"this crate, {name}: {seconds:.2f} s ({cpu:.2f} s of CPU), {ratios}; AUCs differ by {worst:.1e} at most")


main()
