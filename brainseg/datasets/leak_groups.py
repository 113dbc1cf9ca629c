"""Groups of images that must not be on both sides of a split: copies, near copies, and slices of one patient."""

from __future__ import annotations

import numpy as np
import pandas as pd


def leak_groups(table: pd.DataFrame) -> np.ndarray:
    """Number the groups that must stay on one side of a split.

    Two rows belong to one group if their files are byte-identical, if they are near copies or if they are of the same
    patient; chains of such rows form one group.

    Args:
        table: Columns `sha256`, `twin` and `group` (the last two are "" if there is none).

    Returns:
        (N,) int64 group numbers, counted from 0 in order of appearance.
    """
    parent = list(range(len(table)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for column in ("sha256", "twin", "group"):
        first: dict[str, int] = {}
        for row, key in enumerate(table[column]):
            if key:
                parent[root(row)] = root(first.setdefault(key, row))
    return pd.factorize(np.array([root(row) for row in range(len(table))]))[0]
