"""Byte-identical files: how many there are, and whether they leak between splits.

A model has memorised a test file that is also a training file. This is common in the two Kaggle datasets that most
brain-tumour tutorials use: 25 of the 253 files of one are surplus copies, and 216 of the 1,311 test files of the other
are also training files. Copies that were scaled or saved again are not byte-identical: see `near_copies`.

All functions are pure and take a table with one row per file and the columns `path`, `label`, `split` and `sha256`
(see `brainseg.files.sha256_file`). `split` is None for files without a split.
"""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pandas as pd

from brainseg.datasets.report_fields import Duplicates, Overlap
from brainseg.errors import DataError

COLUMNS = ("path", "label", "split", "sha256")


def duplicate_groups(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each content that several files share, the largest group first.

    Args:
        table: Columns `path`, `label`, `split`, `sha256`.

    Returns:
        Columns `sha256` (str), `count` (int, at least 2), `labels` and `splits` (sorted lists of the distinct values)
        and `paths` (list, in the order of the table).

    Raises:
        DataError: A column is missing, or a file has no hash.
    """
    _check(table)
    copies = table[table["sha256"].duplicated(keep=False)]
    rows = [
        {
            "sha256": digest,
            "count": len(group),
            "labels": _distinct(group["label"]),
            "splits": _distinct(group["split"]),
            "paths": group["path"].tolist(),
        }
        for digest, group in copies.groupby("sha256", sort=False, observed=True)
    ]
    groups = pd.DataFrame(rows, columns=["sha256", "count", "labels", "splits", "paths"])
    return groups.sort_values("count", ascending=False, kind="stable", ignore_index=True)


def summary(table: pd.DataFrame) -> Duplicates:
    """Count duplicates; the result can be stored as JSON.

    Args:
        table: Columns `path`, `label`, `split`, `sha256`.

    Returns:
        `groups`: number of contents that several files share.
        `surplus`: number of files that could be removed without losing any content, the sum of (count - 1).
        `across_labels`: number of groups whose files have different labels; at least one of these labels is wrong.
        `across_splits`: a list with one dict for each ordered pair of splits: `files` of the `total` files in split
        `of` are byte-identical to a file in split `among`, and `labels` counts these files by label.

    Raises:
        DataError: A column is missing, or a file has no hash.
    """
    groups = duplicate_groups(table)
    return {
        "groups": len(groups),
        "surplus": int((groups["count"] - 1).sum()),
        "across_labels": sum(len(labels) > 1 for labels in groups["labels"]),
        "across_splits": [_overlap(table, of, among) for of, among in permutations(_distinct(table["split"]), 2)],
    }


def _overlap(table: pd.DataFrame, of: str, among: str) -> Overlap:
    mine, theirs = table[table["split"] == of], table[table["split"] == among]
    shared = mine[mine["sha256"].isin(theirs["sha256"])]
    labels = dict(sorted(Counter(shared["label"].dropna().astype(str)).items()))
    return {"of": of, "among": among, "files": len(shared), "total": len(mine), "labels": labels}


def _distinct(values: pd.Series) -> list[str]:
    return sorted(values.dropna().unique().tolist())


def _check(table: pd.DataFrame) -> None:
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise DataError(f"A search for duplicates needs a column {missing[0]!r}; the table has {list(table.columns)}.")
    without = table["path"][table["sha256"].isna()]
    if len(without):
        raise DataError(f"A search for duplicates needs the hash of every file; {without.iloc[0]} has none.")
