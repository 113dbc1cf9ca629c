"""What the checks on a whole set need of each image, gathered while its pixels are there; a few kilobytes an image."""

from __future__ import annotations

import numpy as np

from brainseg.datasets.near_copies import thumbnail
from brainseg.scans import Scan

FACTS = ["thumbnail", "constant", "black", "white", "outliers", "brightness", "filled", "border"]
"""Columns that reading an image adds for `checks.check_images`; the table of a dataset does not keep them."""

SEEN = 16
"""Grey levels, of 255, by which a pixel differs from the background."""
FAINT = 4
"""The same in a dark image, in which a quarter of the brightest values is less than `SEEN`."""


def image_facts(scan: Scan) -> dict[str, object]:
    """Return the columns of `FACTS` for one image.

    `thumbnail` is for near copies; `constant` says that all pixels are equal; `black` and `white` are the window of an
    image with more than 8 bits a pixel (else NaN), and `outliers` its pixels far outside. Measured on the thumbnail:
    `brightness` (mean grey, 0 to 255), `filled` (proportion of pixels brighter than the background) and `border` (mean
    width of the margins round what differs from the corner, as a proportion of the side).
    """
    small = thumbnail(scan.pixels)
    black, white = scan.window or (np.nan, np.nan)
    return {
        "thumbnail": small,
        "constant": bool(scan.pixels.min() == scan.pixels.max()),
        "black": black,
        "white": white,
        "outliers": scan.outliers,
        "brightness": float(small.mean()),
        "filled": float((small > np.clip(np.percentile(small, 99) / 4, FAINT, SEEN)).mean()),
        "border": _border(small),
    }


def _border(small: np.ndarray) -> float:
    inside = np.abs(small.astype(np.int16) - int(small[0, 0])) > SEEN
    if not inside.any():
        return 0.5
    sides = [np.logical_or.reduce(inside, axis=axis) for axis in (0, 1)]
    margins = [int(np.argmax(line)) for seen in sides for line in (seen, seen[::-1])]
    return sum(margins) / (4 * len(small))
