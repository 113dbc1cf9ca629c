"""Facts about each image for the checks on a whole dataset, measured while it is read; a few kilobytes per image."""

from __future__ import annotations

import numpy as np

from brainseg.datasets.near_copies import thumbnail
from brainseg.scans import Scan

FACTS = ["thumbnail", "constant", "black", "white", "outliers", "brightness", "filled", "border"]
"""Columns that `checks.check_images` needs; the table of a dataset does not keep them."""

SEEN = 16
"""A pixel differs from the background by more than this many grey levels, out of 255."""
FAINT = 4
"""The same for a dark image, in which a quarter of the brightest values is less than `SEEN`."""


def image_facts(scan: Scan) -> dict[str, object]:
    """Return the columns of `FACTS` for one image.

    `thumbnail` is for near copies; `constant` is true if all pixels are equal; `black` and `white` are the window of an
    image with more than 8 bits per pixel (else NaN), and `outliers` the number of its pixels far outside the window.
    Measured on the thumbnail: `brightness` (mean grey, 0 to 255), `filled` (proportion of pixels brighter than the
    background) and `border` (mean width of the margins around everything that differs from the corner, as a proportion
    of the side).
    """
    small = thumbnail(scan.pixels)
    black, white = scan.window or (np.nan, np.nan)
    return {
        "thumbnail": small,
        "constant": bool(small.min() == small.max()) and bool(scan.pixels.min() == scan.pixels.max()),
        "black": black,
        "white": white,
        "outliers": scan.outliers,
        "brightness": float(small.mean()),
        "filled": float((small > min(max(_bright(small) / 4, FAINT), SEEN)).mean()),
        "border": _border(small),
    }


def _bright(small: np.ndarray) -> float:
    """Return the 99 % quantile, as `np.percentile` does in four times the time."""
    place = 0.99 * (small.size - 1)
    low = int(place)
    parted = np.partition(small, (low, low + 1), axis=None)
    return float(parted[low]) + (float(parted[low + 1]) - float(parted[low])) * (place - low)


def _border(small: np.ndarray) -> float:
    inside = np.abs(small.astype(np.int16) - int(small[0, 0])) > SEEN
    if not inside.any():
        return 0.5
    sides = [np.logical_or.reduce(inside, axis=axis) for axis in (0, 1)]
    margins = [int(np.argmax(line)) for seen in sides for line in (seen, seen[::-1])]
    return sum(margins) / (4 * len(small))
