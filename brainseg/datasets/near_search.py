"""Search thumbnails for near copies: an index proposes pairs, and their pixels confirm them.

Two searches propose pairs. `near_frames` compares whole images, and finds all copies that show the same part.
`near_landmarks` compares spots of images, and finds copies that were cropped or shifted or that have text on them;
`near_alignment` lays these on each other before their pixels are compared. The time of both grows nearly in proportion
to the number of images.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import scipy

from brainseg.datasets.near_alignment import Likeness, likeness
from brainseg.datasets.near_frames import not_flat, same_frame
from brainseg.datasets.near_landmarks import Candidate, sharing
from brainseg.datasets.near_turns import TURNS

SIDE = 64
"""Side of a thumbnail, in pixels."""

ALIKE_ALIGNED = 0.98
"""Least correlation of two aligned near copies at the coarse scale."""

SAME_TILES = 0.96, 0.9
"""Least correlation of detail of two aligned near copies in the tiles that differ least, and least lower quartile over
all tiles. In TCGA-LGG, different patients stay below 0.955; slices of simple phantoms with one outline but different
noise reach 0.98, but hardly the quartile."""

ONE_PATIENT_ALIGNED = 0.9985, 0.986
"""Least correlation of all pixels and of all detail of two aligned images of one patient, whose neighbouring slices
resemble each other: in TCGA-LGG, none of them reaches both."""

SHARED_BY_ONE_PATIENT = 6
"""Fewest landmarks that copies of one patient share: neighbouring slices share some, and there are many of those."""

_MOST_PAIRS = 500_000
"""Most pairs that are kept; beyond that, only as many as connect the same images."""

_BLOCK = 4096
"""Candidates that are laid on each other at once, to limit memory."""


def compare(thumbnails: np.ndarray, content: np.ndarray, patients: np.ndarray) -> Iterator[np.ndarray]:
    """Yield blocks of (K, 4) pairs: the row numbers, the smaller first, and whether one is mirrored, and aligned.

    Of byte-identical images, only the first is compared; the others are in the same pairs.

    Args:
        thumbnails: (N, SIDE, SIDE) uint8.
        content: (N,) numbers; rows with the same number are byte-identical.
        patients: (N,) numbers; rows with the same number are of one patient.
    """
    files = _Files(content)
    rows = files.first[np.isin(files.first, not_flat(thumbnails))]
    seen: set[int] = set()

    def new(pairs: np.ndarray) -> np.ndarray:
        """Return the pairs that were not found before, in each case with the smaller row first."""
        pairs[:, :2] = np.sort(pairs[:, :2], axis=1)
        keys = (pairs[:, 0] * len(thumbnails) + pairs[:, 1]).tolist()
        fresh = [place for place, key in enumerate(keys) if key not in seen and not seen.add(key)]  # type: ignore[func-returns-value]
        return files.of(pairs[fresh])

    for first, second, turn in same_frame(thumbnails, patients, rows):
        if len(first):
            yield new(
                np.stack([first, second, np.full(len(first), turn != 0), np.zeros(len(first))], axis=1).astype(int)
            )
    asked = (
        found
        for found in sharing(thumbnails, rows)
        if found.first * len(thumbnails) + found.second not in seen
        and (patients[found.first] != patients[found.second] or len(found.ours) >= SHARED_BY_ONE_PATIENT)
    )

    def laid(found: Candidate) -> list[int] | None:
        like = likeness(thumbnails[found.first], TURNS[found.turn].of(thumbnails[found.second]), found)
        if like and _is_copy(like, bool(patients[found.first] == patients[found.second])):
            return [found.first, found.second, found.turn != 0, True]
        return None

    with ThreadPoolExecutor(max_workers=2) as pool:  # OpenCV and NumPy release the interpreter lock
        while block := list(islice(asked, _BLOCK)):
            if copies := [pair for pair in pool.map(laid, block) if pair]:
                yield new(np.array(copies, dtype=np.int64))


def _is_copy(like: Likeness, one_patient: bool) -> bool:
    if one_patient and (like.all_coarse < ONE_PATIENT_ALIGNED[0] or like.all_detail < ONE_PATIENT_ALIGNED[1]):
        return False
    return like.coarse >= ALIKE_ALIGNED and like.detail >= SAME_TILES[0] and like.quartile >= SAME_TILES[1]


class _Files:
    """Which rows are byte-identical."""

    def __init__(self, content: np.ndarray) -> None:
        self._order = np.argsort(content, kind="stable")
        _, starts, self._counts = np.unique(content[self._order], return_index=True, return_counts=True)
        self._start = dict(zip(self._order[starts].tolist(), range(len(starts)), strict=True))
        self._starts = starts
        self.first = np.sort(self._order[starts])
        """The first row of each content."""

    def of(self, pairs: np.ndarray) -> np.ndarray:
        """Return pairs of contents as pairs of all files with these contents."""
        rows = [
            [min(one, two), max(one, two), *facts]
            for first, second, *facts in pairs.tolist()
            for one in self._same(first)
            for two in self._same(second)
        ]
        return np.array(rows, dtype=np.int64).reshape(-1, pairs.shape[1])

    def _same(self, row: int) -> list[int]:
        place = self._start[row]
        same: list[int] = self._order[self._starts[place] : self._starts[place] + self._counts[place]].tolist()
        return same


def limited_pairs(found: Iterator[np.ndarray], count: int) -> np.ndarray:
    """Join blocks of pairs; if there are too many, keep only as many as connect the same images."""
    pairs = np.empty((0, 4), dtype=np.int64)
    for block in found:
        pairs = np.concatenate([pairs, block])
        if len(pairs) > _MOST_PAIRS:
            numbers = clusters(pairs[:, :2], count)
            chain = np.argsort(numbers, kind="stable")
            joined = numbers[chain[1:]] == numbers[chain[:-1]]
            ends = np.stack([chain[:-1][joined], chain[1:][joined]], axis=1)
            pairs = np.pad(ends, ((0, 0), (0, 2))).astype(np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def clusters(ends: np.ndarray, count: int) -> np.ndarray:
    """Return the number of the cluster of each of `count` images; `ends` (M, 2) are pairs that belong together."""
    graph = scipy.sparse.coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return np.asarray(scipy.sparse.csgraph.connected_components(graph, directed=False)[1])
