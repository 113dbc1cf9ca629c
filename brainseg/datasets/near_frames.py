"""Near copies that show the same part of an image: saved again, scaled, mirrored or turned, but not cropped.

An index of low frequencies finds the images that look most alike as a whole, and a correlation at two scales confirms
them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import cv2
import numpy as np

from brainseg.datasets.near_detail import detail
from brainseg.datasets.near_turns import TURNS, Turn

if TYPE_CHECKING:
    from scipy.spatial import KDTree

ALIKE = 0.99
"""Least correlation of two near copies at the coarse scale. In Kaggle-253, all pairs above 0.993 are above 0.999. In
the set of 7,023 images, all pairs above 0.995 and nearly all above 0.99 are copies, the latter with changed
brightness."""

SAME_DETAIL = 0.92
"""Least correlation of fine detail. Copies in both sets, some of them sharpened, reach 0.93; different slices with the
same outline but different noise stay below 0.85."""

ONE_PATIENT = 0.9985
"""Least correlation of whole thumbnails of one patient, because neighbouring slices of one patient share even detail:
those of TCGA-LGG and of the phantom stay below 0.998, copies in Kaggle-253 are above 0.9985."""

FLAT = 1.0
"""Standard deviation in grey levels below which a thumbnail shows nothing to compare."""

_LOW = 12
"""Number of frequencies per direction that are compared first."""

_KEPT = 12
"""Numbers per image in the index: the principal components of its low frequencies."""

_UPRIGHT, _TURNED = 16, 4
"""Images that are compared with each image as it is, and with each way to turn it. If an image has more copies, those
that are found connect the others."""

_BLOCK = 1024
"""Number of images or pairs that are compared at once, to limit memory."""

_QUERIES = 16_384
"""Number of pairs whose frequencies are compared at once, to limit memory."""

_REMEMBERED = 4096
"""Images whose detail is kept: 64 MB."""

Pairs = tuple[np.ndarray, np.ndarray, int]
"""Rows of the first images, rows of the second ones, and the place in `TURNS` that brings the second to the first."""


def not_flat(thumbnails: np.ndarray) -> np.ndarray:
    """Return the row numbers of the thumbnails that are not uniform."""
    blocks = (_coarse(thumbnails[start : start + _BLOCK]) for start in range(0, len(thumbnails), _BLOCK))
    deviations = [block.std(axis=(1, 2)) for block in blocks]
    return np.flatnonzero(np.concatenate([*deviations, np.zeros(0)]) >= FLAT)


def same_frame(thumbnails: np.ndarray, patients: np.ndarray, rows: np.ndarray) -> Iterator[Pairs]:
    """Yield the confirmed pairs of images that show the same part, once for each way to turn one of them.

    Args:
        thumbnails: (N, SIDE, SIDE) uint8.
        patients: (N,) numbers; rows with the same number are of one patient.
        rows: The row numbers to search.
    """
    if len(rows) < 2:
        return
    from scipy.spatial import KDTree  # imported here, since it is slow to import

    low = _frequencies(thumbnails, rows)
    middle = low.mean(axis=0)
    flat = (low - middle).reshape(len(low), -1)
    axes = np.linalg.eigh((flat.T @ flat).astype(np.float64))[1][:, ::-1][:, :_KEPT].astype(np.float32)
    index = KDTree(flat @ axes, balanced_tree=False, compact_nodes=False)
    details = Details(thumbnails)
    for number, turn in enumerate(TURNS):
        turned = _turned_frequencies(low, turn).reshape(len(low), -1)
        first, second = _nearest(index, (turned - middle.ravel()) @ axes, _UPRIGHT if number == 0 else _TURNED)
        likely = _likely(low.reshape(len(low), -1), turned, first, second)
        first, second = rows[first[likely]], rows[second[likely]]
        for start in range(0, len(first), _BLOCK):
            pair = first[start : start + _BLOCK], second[start : start + _BLOCK]
            sure = _confirmed(thumbnails, patients, *pair, turn, details)
            yield pair[0][sure], pair[1][sure], number


def _likely(low: np.ndarray, turned: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return which pairs may correlate at the coarse scale as much as near copies do, (K,) bool.

    The frequencies that are not in `low` cannot contribute more than the product of their lengths, which are what is
    missing to 1. So no copy is lost, and pixels of few pairs are compared.
    """
    rest = np.sqrt(np.maximum(0, 1 - (low**2).sum(axis=1)))
    likely = np.empty(len(first), dtype=bool)
    for start in range(0, len(first), _QUERIES):
        one, other = first[start : start + _QUERIES], second[start : start + _QUERIES]
        most = np.einsum("kn,kn->k", low[one], turned[other]) + rest[one] * rest[other]
        likely[start : start + _QUERIES] = most >= ALIKE - 1e-4
    return likely


def _nearest(index: KDTree, asked: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of an image and one that, turned, is among its nearest ones.

    Vectors of length 1 with a correlation of ALIKE have a distance of at most sqrt(2 - 2 ALIKE), and the distance
    between some of their components cannot be larger.
    """
    size = index.n
    limit = float(np.sqrt(2 - 2 * ALIKE)) + 1e-3
    nearest_ones = np.arange(1, min(count, size) + 1)
    _, nearest = index.query(asked, k=nearest_ones, distance_upper_bound=limit, workers=-1)
    second = np.repeat(np.arange(size), nearest.shape[1])
    first = nearest.ravel()
    known = (first < size) & (first != second)
    return first[known], second[known]


def _frequencies(thumbnails: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the (M, LOW, LOW) lowest frequencies of the coarse images, whose lengths are at most 1."""
    half = thumbnails.shape[1] // 2
    waves = cv2.dct(np.eye(half, dtype=np.float32), flags=cv2.DCT_ROWS).T[:_LOW]
    low = np.zeros((len(rows), _LOW, _LOW), dtype=np.float32)
    for start in range(0, len(rows), _BLOCK):
        low[start : start + _BLOCK] = waves @ _unit(_coarse(thumbnails[rows[start : start + _BLOCK]])) @ waves.T
    return low


def _turned_frequencies(low: np.ndarray, turn: Turn) -> np.ndarray:
    """Mirroring an image changes the signs of its odd frequencies, and transposing it swaps the two directions."""
    odd = np.where(np.arange(_LOW) % 2, -1, 1).astype(np.float32)
    signs = (odd if turn.down < 0 else np.abs(odd))[:, None] * (odd if turn.across < 0 else np.abs(odd))
    turned: np.ndarray = (low.transpose(0, 2, 1) if turn.transposed else low) * signs
    return turned


def _confirmed(
    thumbnails: np.ndarray, patients: np.ndarray, first: np.ndarray, second: np.ndarray, turn: Turn, details: Details
) -> np.ndarray:
    """Return which pairs are near copies if the second image is turned, (K,) bool."""
    sure = _correlation(_coarse(thumbnails[first]), turn.of(_coarse(thumbnails[second]))) >= ALIKE
    of_one = sure & (patients[first] == patients[second])
    sure[of_one] = _correlation(thumbnails[first[of_one]], turn.of(thumbnails[second[of_one]])) >= ONE_PATIENT
    ours, theirs = details.of(first[sure]), turn.of(details.of(second[sure]))
    sure[sure] = (ours * theirs).sum(axis=(1, 2)) >= SAME_DETAIL
    return sure


class Details:
    """The detail of images, with mean 0 and length 1; that of the last `_REMEMBERED` images is kept.

    Detail of a turned image is the turned detail, so each image is filtered once and not once for each pair.
    """

    def __init__(self, thumbnails: np.ndarray) -> None:
        self._thumbnails = thumbnails
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Return the detail of some rows, (K, SIDE, SIDE) float32."""
        found = np.empty((len(rows), *self._thumbnails.shape[1:]), dtype=np.float32)
        for place, row in enumerate(rows.tolist()):
            found[place] = self._one(row)
        return found

    def _one(self, row: int) -> np.ndarray:
        kept = self._kept.pop(row, None)
        if kept is None:
            kept = _unit(detail(self._thumbnails[row])[None])[0]
            if len(self._kept) >= _REMEMBERED:
                self._kept.popitem(last=False)
        self._kept[row] = kept
        return kept


def _coarse(thumbnails: np.ndarray) -> np.ndarray:
    """Return the means of two by two pixels, which are exact in float32."""
    rows = thumbnails[:, ::2].astype(np.uint16) + thumbnails[:, 1::2]
    coarse: np.ndarray = (rows[..., ::2] + rows[..., 1::2]).astype(np.float32) / 4
    return coarse


def _correlation(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    found: np.ndarray = (_unit(ours) * _unit(theirs)).sum(axis=(1, 2))
    return found


def _unit(images: np.ndarray) -> np.ndarray:
    """Return images with mean 0 and length 1; a constant image becomes 0."""
    centred = images - images.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    length = np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True))
    unit: np.ndarray = centred / np.maximum(length, 1e-6)
    return unit
