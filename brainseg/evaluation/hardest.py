"""Finds the images with the highest losses."""

from __future__ import annotations

import operator

import pandas as pd

from brainseg.evaluation.checks import losses, require_columns


def hardest_cases(table: pd.DataFrame, k: int = 6) -> pd.DataFrame:
    """Return the `k` images with the highest losses, hardest first.

    Args:
        table: Predictions; needs the columns `path` and `loss` (cross-entropy of the true class, nats).
        k: Number of images, at least 1; a shorter table is returned whole.

    Returns:
        The rows with all columns, numbered from 0. Equal losses are ordered by `path`, so the order of the rows in the
        table does not matter.

    Raises:
        ValueError: `k` is not a whole number of at least 1, a column is missing, or a loss is not finite.
    """
    try:
        count = operator.index(k)
    except TypeError:
        raise ValueError(f"k must be a whole number, got {k!r}.") from None
    if count < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    require_columns(table, ["path", "loss"])
    losses(table)
    ordered = table.sort_values(["loss", "path"], ascending=[False, True], kind="stable")
    return ordered.head(count).reset_index(drop=True)
