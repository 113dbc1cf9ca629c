"""The split of a run as it is stored: the one reader of `split.csv`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

SPLIT = "split.csv"
_COLUMNS = ("path", "label", "group", "sha256", "split")


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
