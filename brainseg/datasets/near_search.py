"""Search thumbnails for near copies: first by low frequencies, then by correlation at two scales."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

SIDE = 64
"""Side of a thumbnail, in pixels."""

COARSE = SIDE // 2
"""Side of a thumbnail at the coarse scale, in pixels."""

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

_LOW = 12
"""Number of frequencies per direction that are compared first."""

_BLOCK = 1024
"""Number of images that are compared with as many others at once, to limit memory."""

FLAT = 1.0
"""Standard deviation in grey levels below which a thumbnail shows nothing to compare."""

_MOST_PAIRS = 500_000
"""Most pairs that are kept; beyond that, only as many as connect the same images."""

_TURNS = [(turned, down, across) for turned in (False, True) for down in (1, -1) for across in (1, -1)]
"""Ways to place an image on another: transposed or not, then mirrored up-down and left-right (-1) or not (1)."""


def compare(thumbnails: np.ndarray, content: np.ndarray, patients: np.ndarray) -> Iterator[np.ndarray]:
    """Yield blocks of (K, 3) pairs: the row numbers, the smaller first, and whether the second image is mirrored."""
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
                    allowed[first[hit], second[hit]] = False  # one matching turn is enough
                    mirrored = np.full(int(hit.sum()), turn != _TURNS[0])
                    yield np.stack([mine[first[hit]], theirs[second[hit]], mirrored], axis=1)


def _frequencies(thumbnails: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the (N, LOW, LOW) lowest frequencies of the coarse images, and which images are not uniform."""
    low = np.zeros((len(thumbnails), _LOW, _LOW), dtype=np.float32)
    seen = np.zeros(len(thumbnails), dtype=bool)
    for start in range(0, len(thumbnails), _BLOCK):
        part = slice(start, start + _BLOCK)
        coarse = _coarse(thumbnails[part])
        seen[part] = coarse.std(axis=(1, 2)) >= FLAT
        for place, square in enumerate(_unit(coarse)):
            low[start + place] = cv2.dct(square)[:_LOW, :_LOW]
    return low, seen


def _possible(mine: np.ndarray, theirs: np.ndarray) -> Iterator[tuple[tuple[bool, int, int], np.ndarray]]:
    """Yield each turn with the pairs, (M, T) bool, that may be near copies under it; no near copy is missed.

    Mirroring an image changes the signs of its odd frequencies, and transposing it swaps the two directions. Vectors of
    length 1 with a correlation of ALIKE have a distance of at most sqrt(2 - 2 ALIKE), and the distance between some of
    their frequencies cannot be larger.
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
    """Return detail between coarse shapes and single pixels, (N, SIDE, SIDE) float32, with strong edges clipped."""
    detail = np.empty(thumbnails.shape, dtype=np.float32)
    for place, square in enumerate(thumbnails.astype(np.float32)):
        band = cv2.GaussianBlur(square, (0, 0), 0.7) - cv2.GaussianBlur(square, (0, 0), 2.0)
        size = np.abs(band)
        # Rounding alone gives half a level. A large black background must not affect the limit for strong edges.
        limit = 2 * float(np.median(size[size > 0.5])) if (size > 0.5).any() else 1.0
        np.clip(band, -limit, limit, out=detail[place])
    return detail


def _correlation(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    found: np.ndarray = _unit(mine).reshape(len(mine), -1) @ _unit(theirs).reshape(len(theirs), -1).T
    return found


def _unit(images: np.ndarray) -> np.ndarray:
    """Return images with mean 0 and length 1; a constant image becomes 0."""
    centred = images - images.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    length = np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True))
    unit: np.ndarray = centred / np.maximum(length, 1e-6)
    return unit


def limited_pairs(found: Iterator[np.ndarray], count: int) -> np.ndarray:
    """Join blocks of pairs; if there are too many, keep only as many as connect the same images."""
    pairs = np.empty((0, 3), dtype=np.int64)
    for block in found:
        pairs = np.concatenate([pairs, block])
        if len(pairs) > _MOST_PAIRS:
            numbers = clusters(pairs[:, :2], count)
            chain = np.argsort(numbers, kind="stable")
            joined = numbers[chain[1:]] == numbers[chain[:-1]]
            pairs = np.stack([chain[:-1][joined], chain[1:][joined], np.zeros(joined.sum())], axis=1).astype(np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def clusters(ends: np.ndarray, count: int) -> np.ndarray:
    """Return the number of the cluster of each of `count` images; `ends` (M, 2) are pairs that belong together."""
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])
