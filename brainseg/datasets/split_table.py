"""The split of a run as it is stored: the one reader of `split.csv`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SPLIT = "split.csv"
_COLUMNS = ("path", "label", "group", "sha256", "split")


def evaluated_set(sides: pd.Series[str]) -> str:
    """Return the set that a model is evaluated on: the test set if there is one, else the validation set."""
    return "test" if (sides == "test").any() else "valid"


def copies_of(learnt: pd.DataFrame, images: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return which images are copies of training images; both kinds make metrics too good.

    Args:
        learnt: The training images: columns `sha256` and `twin`.
        images: The images that are asked about, with the same columns.

    Returns:
        Two arrays, (N,) bool: exact copies, and near copies that differ in bytes.
    """
    identical = images["sha256"].isin(learnt["sha256"])
    near = (images["twin"] != "") & images["twin"].isin(learnt["twin"]) & ~identical
    return identical.to_numpy(), near.to_numpy()


def read_split(file: Path) -> pd.DataFrame:
    """Read the set of each image.

    Returns:
        Columns `path`, `label`, `group`, `sha256`, `twin` and `split`, all texts; an empty cell is "". In runs of
        earlier versions, which did not record near copies, `twin` is empty.

    Raises:
        ValueError: A column is missing, or the file is no table.
    """
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    if missing := [name for name in _COLUMNS if name not in table]:
        raise ValueError(f"The split lacks {', '.join(missing)}.")
    return table if "twin" in table else table.assign(twin="")
