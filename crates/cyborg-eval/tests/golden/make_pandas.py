"""A parquet file as PyTorch users write one: pandas, with its own types.

    python make_pandas.py

Writes pandas.parquet beside this file: labels as int32, a category of generators, 32-bit probabilities, a missing score, seeds
as floats (a merge makes them so), 8-bit numbers, a column of nothing, two groups of rows.
"""
from pathlib import Path

import numpy as np
import pandas as pd

n = 8
table = pd.DataFrame(
    {
        "path": [f"img/{i}.png" for i in range(n)],
        "generator": pd.Categorical(["FFHQ", "ProGAN"] * 4),
        "target": np.array([0, 1] * 4, dtype=np.int32),
        "small": np.array([0, 1] * 4, dtype=np.int8),
        "nothing": [None] * n,
        "fake": np.array([0.25, 0.75, 0.5, 0.125, np.nan, 1.0, 0.0, 0.625], dtype=np.float32),
        "is_fake": [False, True] * 4,
        "run": [0.0] * 4 + [1.0] * 4,
        "person": ["ann", "bob", None, "ann", "cid", "cid", "dee", "eve"],
    }
)
table.to_parquet(Path(__file__).parent / "pandas.parquet", row_group_size=5, compression="snappy")
