"""The fine scale of thumbnails: texture and noise, which only copies of one image share."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

TILES = 8
"""Tiles along each side of a thumbnail."""

DROPPED = 0.2
"""Proportion of the detail that may differ, in the tiles with the lowest correlation: text, a marker, the frame of a
screenshot."""

FAINT = 0.1
"""A tile shows something if it has this proportion of the mean detail of the tiles with any."""


def detail(thumbnail: np.ndarray) -> np.ndarray:
    """Return detail between coarse shapes and single pixels, (SIDE, SIDE) float32, with strong edges clipped."""
    square = thumbnail.astype(np.float32)
    band = cv2.GaussianBlur(square, (0, 0), 0.7) - cv2.GaussianBlur(square, (0, 0), 2.0)
    size = np.abs(band)
    # Rounding alone gives half a level. A large black background must not affect the limit for strong edges.
    clear = size[size > 0.5]
    limit = 2 * _median(clear) if len(clear) else 1.0
    clipped: np.ndarray = np.clip(band, -limit, limit)
    return clipped


def _median(values: np.ndarray) -> float:
    """Return the median of numbers, (K,); `np.median` takes as long again to check its arguments."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    parted = np.partition(values, (low, high))
    return float((parted[low] + parted[high]) / 2)


def tile_likeness(ours: np.ndarray, theirs: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """Correlate the detail of two images tile by tile.

    Args:
        ours: Detail of the first image, (SIDE, SIDE) float32.
        theirs: That of the second one, laid on the first.
        inside: Which pixels both images show, (SIDE, SIDE) bool.

    Returns:
        The mean correlation of the tiles, weighted by their detail, without those that differ most; and the lower
        quartile of the correlations of all tiles that show something. Outlines that many images share have most of the
        detail, but lie in few tiles, so the quartile tells such images apart.
    """
    mine, other = ours * inside, theirs * inside
    adding = _tile_sums(len(ours))
    both, own, others = (adding @ np.stack([mine * other, mine * mine, other * other]) @ adding.T).reshape(3, -1)
    weight = np.sqrt(own * others)
    total, filled = float(weight.sum()), int(np.count_nonzero(weight))
    shown = weight > FAINT * total / max(filled, 1)
    if not shown.any():
        return 0.0, 0.0
    correlation = both / np.maximum(weight, 1e-9)
    order = np.argsort(correlation)
    kept = order[np.cumsum(weight[order]) >= DROPPED * total]
    mean = float(correlation[kept] @ weight[kept] / weight[kept].sum())
    return mean, _lower_quartile(correlation[order][shown[order]])


@lru_cache
def _tile_sums(side: int) -> np.ndarray:
    """Return the (TILES, side) float32 matrix that adds up the rows of each tile: much faster than sums over axes."""
    return np.kron(np.eye(TILES, dtype=np.float32), np.ones((1, side // TILES), dtype=np.float32))


def _lower_quartile(rising: np.ndarray) -> float:
    """Return the lower quartile of sorted numbers, with linear interpolation as in `np.quantile`."""
    place, rest = divmod(len(rising) - 1, 4)
    return float(rising[place] + rest / 4 * (rising[min(place + 1, len(rising) - 1)] - rising[place]))
