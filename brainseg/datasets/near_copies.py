"""Near copies: images that look the same but are not byte-identical, because they were saved again, scaled or cropped.

A hash of the bytes does not find them, but a model memorises them like exact copies. Each image is reduced to a small
grey thumbnail while it is read. Two images are near copies if their thumbnails, laid on each other, correlate at a
coarse and at a fine scale. The coarse scale shows the overall shape, which may be the same in all slices of a simple
phantom. The fine scale shows texture and noise, which only the same slice shares. Copies are found that were saved
again, scaled, mirrored or turned, shifted, cropped by up to a tenth of each side, or changed in brightness or contrast,
and copies with text on the margin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import cv2
import numpy as np
import pandas as pd

from brainseg.datasets.near_memory import remembered
from brainseg.datasets.near_search import SIDE, clusters, compare, limited_pairs
from brainseg.datasets.report_fields import NearCopies, NearOverlap

LISTED = 100
"""Most pairs that a summary lists."""


@dataclass(frozen=True)
class NearPair:
    """Two images that look the same but are not byte-identical.

    Attributes:
        first: Path of the first one.
        second: Path of the second one.
        mirrored: Whether one is mirrored or turned.
        aligned: Whether they look the same only after one was laid on the other: it is cropped or shifted, or has other
            margins, other brightness or text on it.
    """

    first: str
    second: str
    mirrored: bool = False
    aligned: bool = False


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """Return an image, (H, W, 3) uint8, as a grey square of (SIDE, SIDE) uint8, whatever its proportions."""
    return cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def near_pairs(table: pd.DataFrame) -> list[NearPair]:
    """Find the pairs of near copies.

    Args:
        table: Columns `path`, `sha256`, `group` ("" if no patient is known) and `thumbnail`.

    Returns:
        The pairs in the order of the table, without byte-identical images.
    """
    if len(table) < 2:
        return []
    thumbnails = np.stack(table["thumbnail"].to_list())
    content = pd.factorize(table["sha256"])[0]
    patients = np.where(table["group"] == "", -1 - np.arange(len(table)), pd.factorize(table["group"])[0])
    found = remembered(
        lambda: limited_pairs(compare(thumbnails, content, patients), len(table)), thumbnails, content, patients
    )
    paths = table["path"].to_list()
    return [NearPair(paths[first], paths[second], *map(bool, facts)) for first, second, *facts in found.tolist()]


def twin_names(table: pd.DataFrame, pairs: Sequence[NearPair]) -> list[str]:
    """Return for each row a name that it shares with its near copies, "" if it has none.

    Args:
        table: Columns `path` and `sha256`.
        pairs: From `near_pairs`.
    """
    row = {path: number for number, path in enumerate(table["path"])}
    ends = np.array([(row[pair.first], row[pair.second]) for pair in pairs], dtype=np.int64).reshape(-1, 2)
    numbers = clusters(ends, len(table))
    counts, digests = np.bincount(numbers, minlength=1), table["sha256"].to_list()
    first = {number: place for place, number in reversed(list(enumerate(numbers.tolist())))}
    return [f"near {digests[first[number]][:16]}" if counts[number] > 1 else "" for number in numbers.tolist()]


def summary(table: pd.DataFrame, pairs: Sequence[NearPair]) -> NearCopies:
    """Count near copies; the result can be stored as JSON.

    Args:
        table: Columns `path`, `label`, `split` ("" if none is given), `sha256` and `twin`.
        pairs: All pairs of the table.

    Returns:
        `pairs`: number of pairs; `mirrored`, `aligned`, `across_labels` and `across_splits`: how many are so.
        `groups`: number of groups of images that pairs connect, and `files`: number of files in them.
        `leaks`: a list with one dict for each ordered pair of splits: of the `total` files in split `of`, `files` have
        a copy in split `among`; `identical` of these have a byte-identical copy, and `upright` have a byte-identical
        copy or a near copy that is not mirrored.
        `listed`: paths of the first pairs, first those with different labels, then those across splits.
    """
    rows = table.set_index("path")
    ends = [[pair.first for pair in pairs], [pair.second for pair in pairs]]
    other_label, other_split = (
        rows.loc[ends[0], column].to_numpy() != rows.loc[ends[1], column].to_numpy() for column in ("label", "split")
    )
    order = np.lexsort((~other_split, ~other_label))
    return {
        "pairs": len(pairs),
        "mirrored": sum(pair.mirrored for pair in pairs),
        "aligned": sum(pair.aligned for pair in pairs),
        "across_labels": int(other_label.sum()),
        "across_splits": int(other_split.sum()),
        "groups": int(table.loc[table["twin"] != "", "twin"].nunique()),
        "files": int((table["twin"] != "").sum()),
        "leaks": [_leak(rows, pairs, of, among) for of, among in permutations(sorted(set(table["split"]) - {""}), 2)],
        "listed": [[pairs[place].first, pairs[place].second] for place in order[:LISTED]],
    }


def _leak(rows: pd.DataFrame, pairs: Sequence[NearPair], of: str, among: str) -> NearOverlap:
    split = rows["split"].to_dict()
    mine, theirs = rows[rows["split"] == of], rows[rows["split"] == among]
    identical = set(mine.index[mine["sha256"].isin(theirs["sha256"])])
    near: dict[bool, set[str]] = {False: set(), True: set()}
    for pair in pairs:
        for this, that in ((pair.first, pair.second), (pair.second, pair.first)):
            if split[this] == of and split[that] == among:
                near[pair.mirrored].add(this)
    upright = identical | near[False]
    files = upright | near[True]
    return {
        "of": of,
        "among": among,
        "files": len(files),
        "total": len(mine),
        "identical": len(identical),
        "upright": len(upright),
        "labels": dict(sorted(Counter(rows.loc[sorted(files), "label"].astype(str)).items())),
    }
