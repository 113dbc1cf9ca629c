"""The fine scale of thumbnails: texture and noise, which only copies of one image share."""

from __future__ import annotations

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
    limit = 2 * float(np.median(size[size > 0.5])) if (size > 0.5).any() else 1.0
    clipped: np.ndarray = np.clip(band, -limit, limit)
    return clipped


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
    products = [
        (part * inside).reshape(TILES, len(ours) // TILES, TILES, -1).sum(axis=(1, 3)).ravel()
        for part in (ours * theirs, ours**2, theirs**2)
    ]
    weight = np.sqrt(products[1] * products[2])
    shown = weight > FAINT * weight[weight > 0].mean() if weight.any() else np.zeros(len(weight), dtype=bool)
    if not shown.any():
        return 0.0, 0.0
    correlation = products[0] / np.maximum(weight, 1e-9)
    order = np.argsort(correlation)
    kept = order[np.cumsum(weight[order]) >= DROPPED * weight.sum()]
    mean = float(np.average(correlation[kept], weights=weight[kept]))
    return mean, float(np.quantile(correlation[shown], 0.25))
