"""Checks on all images of a dataset together after reading, for datasets with classes and with masks."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from brainseg.datasets.findings import Finding
from brainseg.datasets.near_copies import NearPair, near_pairs, twin_names
from brainseg.datasets.shortcuts import shortcut_findings

NEAR_CONFLICT = "near-copies-across-labels"
"""Kind of the finding that near copies have different labels."""
EMPTY = 0.01
"""An image is almost empty if a smaller proportion of its pixels is brighter than the background."""


def check_images(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[NearPair, ...], tuple[Finding, ...]]:
    """Check the images of a dataset.

    Args:
        table: One row per image, with the columns of `Dataset.table` and those of `image_facts.FACTS`.

    Returns:
        The table sorted by path, with `twin` filled in; the pairs of near copies; and findings for the user.
    """
    table = table.sort_values("path", ignore_index=True)
    pairs = near_pairs(table)
    table = table.assign(twin=twin_names(table, pairs))
    return (
        table,
        tuple(pairs),
        (
            *near_copies_across_labels(table, pairs),
            *patients_across_splits(table),
            *pixel_findings(table),
            *shortcut_findings(table),
        ),
    )


def near_copies_across_labels(table: pd.DataFrame, pairs: Sequence[NearPair]) -> list[Finding]:
    """Return a finding if near copies have different labels.

    Args:
        table: Columns `path` and `label`.
        pairs: The pairs of near copies.
    """
    labels = dict(zip(table["path"], table["label"], strict=True))
    conflicts = [pair for pair in pairs if labels[pair.first] != labels[pair.second]]
    if not conflicts:
        return []
    first = conflicts[0]
    count = "1 pair of near copies has" if len(conflicts) == 1 else f"{len(conflicts):,} pairs of near copies have"
    message = (
        f"{count} different labels, such as {first.first} ({labels[first.first]}) and {first.second} "
        f"({labels[first.second]}): check them, and remove the wrong ones."
    )
    files = dict.fromkeys(path for pair in conflicts for path in (pair.first, pair.second))
    return [Finding(NEAR_CONFLICT, message, tuple(files))]


def pixel_findings(table: pd.DataFrame) -> list[Finding]:
    """Return findings about unusual pixels, one per kind.

    Args:
        table: Columns `path` and those of `image_facts.FACTS`.
    """
    constant = table["constant"].astype(bool)
    deep = table[table["white"].notna() & (table["white"] > table["black"])]
    windows = "" if deep.empty else f"{_span(deep['black'])} as black and {_span(deep['white'])} as white"
    kinds = [
        ("window", deep, f"more than 8 bits per pixel: each is shown with its own window, {windows}."),
        (
            "outliers",
            table[table["outliers"] > 0],
            "outlier pixels far outside the range of all others: check the export.",
        ),
        ("constant", table[constant], "the same grey value in all pixels: remove them or export them again."),
        (
            "almost empty",
            table[~constant & (table["filled"] < EMPTY)],
            f"less than {100 * EMPTY:.0f} % of their pixels above the background: remove them if they are empty.",
        ),
    ]
    return [
        Finding(kind, f"{_images(len(rows))} {what}", tuple(rows["path"])) for kind, rows, what in kinds if len(rows)
    ]


def _images(count: int) -> str:
    return "1 image has" if count == 1 else f"{count:,} images have"


def _span(column: pd.Series) -> str:
    low, high = float(column.min()), float(column.max())
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def patients_across_splits(table: pd.DataFrame) -> list[Finding]:
    """Return a finding if the given split has images of one patient on several sides.

    Args:
        table: Columns `path`, `group` and `split`.
    """
    known = table[(table["group"] != "") & (table["split"] != "")]
    sides = known.groupby("group", sort=False)["split"].unique()
    divided = sides[sides.map(len) > 1]
    if divided.empty:
        return []
    first = f"{divided.index[0]} in {' and '.join(divided.iloc[0])}"
    message = (
        f"The given split divides the images of {len(divided)} of {len(sides)} patients, such as {first}: metrics on "
        "patients seen in training are too good, so split by groups instead (data.split=grouped)."
    )
    return [Finding("patients-across-splits", message, tuple(known.loc[known["group"].isin(divided.index), "path"]))]
