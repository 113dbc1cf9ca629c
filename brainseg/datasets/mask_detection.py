"""Whether files look like masks: a few values instead of shades of grey."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from brainseg.errors import ScanError
from brainseg.scans import read_scan

SAMPLE = 12
"""Pairs of files that are looked at."""
FEW = 20
"""Different values that a mask may hold."""
FLAT = 0.97
"""Part of the pixels of a blurred mask that its two commonest levels hold; levels are 16 values wide."""


def looks_like_masks(pairs: Sequence[tuple[Path, Path]]) -> bool:
    """Say whether the second file of each pair looks like a mask of the first.

    Args:
        pairs: Files, of which `SAMPLE` are read.
    """
    chosen = [pairs[round(place)] for place in np.linspace(0, len(pairs) - 1, min(SAMPLE, len(pairs)))]
    marked, images = 0, 0
    for image, mask in chosen:
        try:
            picture, marks = read_scan(image).pixels, read_scan(mask).pixels
        except ScanError:
            continue
        if picture.shape != marks.shape or not is_flat(marks):
            return False
        images += not is_flat(picture)
        marked += marks.min() < marks.max()
    return bool(marked) and 2 * images > len(chosen)


def is_flat(pixels: np.ndarray) -> bool:
    """Say whether a picture holds a few values only, as masks do, be they blurred by JPEG.

    Args:
        pixels: (H, W, 3) uint8.
    """
    counts = np.bincount(pixels[..., 0].ravel(), minlength=256)
    if np.count_nonzero(counts) <= FEW:
        return True
    levels = np.sort(counts.reshape(16, 16).sum(axis=1))
    return bool(levels[-2:].sum() >= FLAT * counts.sum())
