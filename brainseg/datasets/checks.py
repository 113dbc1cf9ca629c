"""What is checked on all images of a set together once they are read, for classes and masks alike."""

from __future__ import annotations

import pandas as pd

from brainseg.datasets.findings import Finding
from brainseg.datasets.near_copies import NearPair, near_pairs, twin_names

FACTS = ["thumbnail"]
"""Columns that reading an image adds for these checks; the table of a dataset does not keep them."""


def check_images(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[NearPair, ...], tuple[Finding, ...]]:
    """Check the images of a set.

    Args:
        table: One row an image: the columns of `Dataset.table` and those of `FACTS`.

    Returns:
        The table sorted by path, with `twin` filled in; the pairs of near copies; and what a user should know.
    """
    table = table.sort_values("path", ignore_index=True)
    pairs = near_pairs(table)
    return table.assign(twin=twin_names(table, pairs)), tuple(pairs), ()
