"""Near copies: images that look the same though their bytes differ, saved again, scaled, mirrored or turned.

A hash of the bytes finds none of them, and a model remembers them as well as true copies. Each image is reduced to a
small grey thumbnail while it is read. Two images are near copies if their thumbnails correlate at a coarse and at a
fine scale: the coarse one is what one sees at a glance, and may be alike in all slices of a simple phantom; the fine
one is texture and noise, which only the same slice has. Cropped copies are not found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import cv2
import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

SIDE = 64
"""Pixels of a thumbnail's side."""
COARSE = SIDE // 2
"""Side of what is compared at a glance."""

ALIKE = 0.99
"""Least correlation of two near copies at the coarse scale. In Kaggle-253 all pairs above 0.993 lie above 0.999. In the
set of 7,023 images, all pairs above 0.995 and nearly all above 0.99 are copies, the latter with changed brightness."""
SAME_DETAIL = 0.92
"""Least correlation of fine detail. Copies in both sets, some of them sharpened, reach 0.93; different slices with the
same outline and noise of their own stay below 0.85."""
ONE_PATIENT = 0.9985
"""Least correlation of whole thumbnails of one patient, whose neighbouring slices share even detail: those of TCGA-LGG
and of the phantom stay below 0.998, copies in Kaggle-253 lie above 0.9985."""

LISTED = 100
"""Pairs that a summary names."""

_LOW = 12
"""Frequencies a direction that are compared first."""
_BLOCK = 1024
"""Images that are compared with as many others at once: bounds the memory."""
_FLAT = 1.0
"""Standard deviation in grey levels below which a thumbnail shows nothing to compare."""
_MOST_PAIRS = 500_000
"""Pairs that are kept; of more, only as many as join the same images."""

_TURNS = [(turned, down, across) for turned in (False, True) for down in (1, -1) for across in (1, -1)]
"""Ways to lay an image on another: transposed or not, then mirrored up-down and left-right where -1 stands."""


@dataclass(frozen=True)
class NearPair:
    """Two images that look the same and differ in bytes; `mirrored` if one is mirrored or turned."""

    first: str
    second: str
    mirrored: bool = False


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """Return an image, (H, W, 3) uint8, as a grey square of (SIDE, SIDE) uint8, whatever its proportions."""
    return cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def near_pairs(table: pd.DataFrame) -> list[NearPair]:
    """Find the pairs of near copies.

    Args:
        table: Columns `path`, `sha256`, `group` ("" where no patient is known) and `thumbnail`.

    Returns:
        The pairs in the order of the table; images with the same bytes are no pair.
    """
    if len(table) < 2:
        return []
    thumbnails = np.stack(table["thumbnail"].to_list())
    content = pd.factorize(table["sha256"])[0]
    patients = np.where(table["group"] == "", -1 - np.arange(len(table)), pd.factorize(table["group"])[0])
    found = _bounded(_compare(thumbnails, content, patients), len(table))
    paths = table["path"].to_list()
    return [NearPair(paths[first], paths[second], bool(mirrored)) for first, second, mirrored in found.tolist()]


def twin_names(table: pd.DataFrame, pairs: Sequence[NearPair]) -> list[str]:
    """Return a name for each row that its near copies share, "" where it has none.

    Args:
        table: Columns `path` and `sha256`.
        pairs: From `near_pairs`.
    """
    row = {path: number for number, path in enumerate(table["path"])}
    ends = np.array([(row[pair.first], row[pair.second]) for pair in pairs], dtype=np.int64).reshape(-1, 2)
    numbers = _clusters(ends, len(table))
    counts, digests = np.bincount(numbers, minlength=1), table["sha256"].to_list()
    first = {number: place for place, number in reversed(list(enumerate(numbers.tolist())))}
    return [f"near {digests[first[number]][:16]}" if counts[number] > 1 else "" for number in numbers.tolist()]


def summary(table: pd.DataFrame, pairs: Sequence[NearPair]) -> dict[str, Any]:
    """Count near copies; the result can be stored as JSON.

    Args:
        table: Columns `path`, `label`, `split` ("" where none is given), `sha256` and `twin`.
        pairs: All pairs of the table.

    Returns:
        `pairs`, and how many of them are `mirrored`, `across_labels` and `across_splits`; `groups` of images that pairs
        join, and the `files` in them; `leaks`: a list with one dict for each ordered pair of splits: of the `total`
        files in split `of`, `files` have a copy in split `among`, `identical` of them one with the same bytes and
        `upright` one with the same bytes or a near copy that is not mirrored; `listed`: paths of the first pairs, those
        with different labels and then those across splits before the others.
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
        "across_labels": int(other_label.sum()),
        "across_splits": int(other_split.sum()),
        "groups": int(table.loc[table["twin"] != "", "twin"].nunique()),
        "files": int((table["twin"] != "").sum()),
        "leaks": [_leak(rows, pairs, of, among) for of, among in permutations(sorted(set(table["split"]) - {""}), 2)],
        "listed": [[pairs[place].first, pairs[place].second] for place in order[:LISTED]],
    }


def _leak(rows: pd.DataFrame, pairs: Sequence[NearPair], of: str, among: str) -> dict[str, Any]:
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
        **{"of": of, "among": among, "files": len(files), "total": len(mine)},
        **{"identical": len(identical), "upright": len(upright)},
        "labels": dict(sorted(Counter(rows.loc[sorted(files), "label"].astype(str)).items())),
    }


def _compare(thumbnails: np.ndarray, content: np.ndarray, patients: np.ndarray) -> Iterator[np.ndarray]:
    """Yield (K, 3) row numbers of pairs, first below second, and whether the second is mirrored; block by block."""
    low, seen = _frequencies(thumbnails)
    rows = np.flatnonzero(seen)
    blocks = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
    for place, mine in enumerate(blocks):
        for theirs in blocks[place:]:
            allowed = (content[mine][:, None] != content[theirs]) & (mine[:, None] < theirs)
            for turn, possible in _possible(low[mine], low[theirs]):
                first, second = np.nonzero(possible & allowed)
                if len(first):
                    sure = _confirmed(thumbnails, patients, mine[np.unique(first)], theirs[np.unique(second)], turn)
                    hit = sure[np.searchsorted(np.unique(first), first), np.searchsorted(np.unique(second), second)]
                    allowed[first[hit], second[hit]] = False  # one way to lie on each other is enough
                    mirrored = np.full(int(hit.sum()), turn != _TURNS[0])
                    yield np.stack([mine[first[hit]], theirs[second[hit]], mirrored], axis=1)


def _frequencies(thumbnails: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the (N, LOW, LOW) lowest frequencies of the coarse images, and which of the images show anything."""
    low = np.zeros((len(thumbnails), _LOW, _LOW), dtype=np.float32)
    seen = np.zeros(len(thumbnails), dtype=bool)
    for start in range(0, len(thumbnails), _BLOCK):
        part = slice(start, start + _BLOCK)
        coarse = _coarse(thumbnails[part])
        seen[part] = coarse.std(axis=(1, 2)) >= _FLAT
        for place, square in enumerate(_unit(coarse)):
            low[start + place] = cv2.dct(square)[:_LOW, :_LOW]
    return low, seen


def _possible(mine: np.ndarray, theirs: np.ndarray) -> Iterator[tuple[tuple[bool, int, int], np.ndarray]]:
    """Yield each turn with the pairs, (M, T) bool, that may be near copies under it; none that are is missed.

    To mirror an image changes the signs of its odd frequencies, to transpose it swaps the two directions. Vectors of
    length 1 that correlate by ALIKE are at a distance of at most sqrt(2 - 2 ALIKE), and so is what a part of their
    frequencies says of them.
    """
    lengths = [(part**2).sum(axis=(1, 2)) for part in (mine, theirs)]
    needed = (lengths[0][:, None] + lengths[1] - (2 - 2 * ALIKE)) / 2 - 1e-5
    for transposed in (False, True):
        others = theirs.transpose(0, 2, 1) if transposed else theirs
        parts = {
            (down, across): mine[:, down::2, across::2].reshape(len(mine), -1)
            @ others[:, down::2, across::2].reshape(len(others), -1).T
            for down in (0, 1)
            for across in (0, 1)
        }
        for turn in _TURNS:
            if turn[0] == transposed:
                signed = [turn[1] ** down * turn[2] ** across * part for (down, across), part in parts.items()]
                yield turn, sum(signed[1:], signed[0]) >= needed


def _confirmed(
    thumbnails: np.ndarray, patients: np.ndarray, mine: np.ndarray, theirs: np.ndarray, turn: tuple[bool, int, int]
) -> np.ndarray:
    """Return which of the rows `mine` and `theirs` are near copies under a turn, (M, T) bool."""
    transposed, down, across = turn
    ours = thumbnails[mine]
    others = thumbnails[theirs].transpose(0, 2, 1) if transposed else thumbnails[theirs]
    others = np.ascontiguousarray(others[:, ::down, ::across])
    sure = _correlation(_coarse(ours), _coarse(others)) >= ALIKE
    if sure.any():
        sure &= _correlation(_detail(ours), _detail(others)) >= SAME_DETAIL
    one_patient = patients[mine][:, None] == patients[theirs]
    if (sure & one_patient).any():
        sure &= ~one_patient | (_correlation(ours, others) >= ONE_PATIENT)
    return sure


def _coarse(thumbnails: np.ndarray) -> np.ndarray:
    coarse: np.ndarray = thumbnails.reshape(-1, COARSE, 2, COARSE, 2).mean(axis=(2, 4), dtype=np.float32)
    return coarse


def _detail(thumbnails: np.ndarray) -> np.ndarray:
    """Return what is between coarse shapes and single pixels, (N, SIDE, SIDE) float32, strong edges clipped."""
    detail = np.empty(thumbnails.shape, dtype=np.float32)
    for place, square in enumerate(thumbnails.astype(np.float32)):
        band = cv2.GaussianBlur(square, (0, 0), 0.7) - cv2.GaussianBlur(square, (0, 0), 2.0)
        size = np.abs(band)
        # Rounding alone makes half a level. A large black background must not decide what a strong edge is.
        limit = 2 * float(np.median(size[size > 0.5])) if (size > 0.5).any() else 1.0
        np.clip(band, -limit, limit, out=detail[place])
    return detail


def _correlation(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    found: np.ndarray = _unit(mine).reshape(len(mine), -1) @ _unit(theirs).reshape(len(theirs), -1).T
    return found


def _unit(images: np.ndarray) -> np.ndarray:
    """Return images of mean 0 and length 1; a constant one becomes 0."""
    centred = images - images.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    length = np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True))
    unit: np.ndarray = centred / np.maximum(length, 1e-6)
    return unit


def _bounded(found: Iterator[np.ndarray], count: int) -> np.ndarray:
    """Join blocks of pairs, and keep of very many only those that hold the same images together."""
    pairs = np.empty((0, 3), dtype=np.int64)
    for block in found:
        pairs = np.concatenate([pairs, block])
        if len(pairs) > _MOST_PAIRS:
            numbers = _clusters(pairs[:, :2], count)
            chain = np.argsort(numbers, kind="stable")
            joined = numbers[chain[1:]] == numbers[chain[:-1]]
            pairs = np.stack([chain[:-1][joined], chain[1:][joined], np.zeros(joined.sum())], axis=1).astype(np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _clusters(ends: np.ndarray, count: int) -> np.ndarray:
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])
