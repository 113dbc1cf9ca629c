"""Detect files that look like masks: they have a few values instead of shades of grey."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from brainseg.errors import ScanError
from brainseg.scans import read_scan

SAMPLE = 12
"""Most pairs of files that are read."""
FEW = 20
"""Most distinct values in a mask."""
FLAT = 0.97
"""Least fraction of the pixels of a blurred mask in its two most common levels; a level is 16 values wide."""


def looks_like_masks(pairs: Sequence[tuple[Path, Path]]) -> bool:
    """Return whether the second file of each pair looks like a mask of the first.

    Args:
        pairs: Pairs of files; at most `SAMPLE` pairs are read.
    """
    chosen = [pairs[round(place)] for place in np.linspace(0, len(pairs) - 1, min(SAMPLE, len(pairs)))]
    marked, images = 0, 0
    for image, mask in chosen:
        try:
            pixels, mask_pixels = read_scan(image).pixels, read_scan(mask).pixels
        except ScanError:
            continue
        if pixels.shape != mask_pixels.shape or not is_flat(mask_pixels):
            return False
        images += not is_flat(pixels)
        marked += mask_pixels.min() < mask_pixels.max()
    return bool(marked) and 2 * images > len(chosen)


def is_flat(pixels: np.ndarray) -> bool:
    """Return whether an image has only a few values, like a mask, even if JPEG has blurred them.

    Args:
        pixels: (H, W, 3) uint8.
    """
    counts = np.bincount(pixels[..., 0].ravel(), minlength=256)
    if np.count_nonzero(counts) <= FEW:
        return True
    levels = np.sort(counts.reshape(16, 16).sum(axis=1))
    return bool(levels[-2:].sum() >= FLAT * counts.sum())
