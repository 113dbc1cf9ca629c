"""Find text that is burnt into the pixels of a slice, which may name a patient.

Letters are small bright parts of nearly one height that stand in a line, outside the head or on it. No character is
read: it is enough to warn.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from brainseg.scans.parts import part_statistics

SENTENCE = "There seems to be text in its pixels, which may name a patient: check it before you share it."
_BRIGHT = 0.6
"""Letters are at least this bright, as a fraction of the slice's brightest pixel: overlays are drawn in white."""
_HEIGHTS = (5, 48)
_LETTERS = 4
"""Parts in a line that make a text; three bright dots in a line are frequent in a head."""
_LIKE = 0.25
"""Largest difference of the letters' heights and of their feet, as a fraction of their height."""
_MOST_PARTS = 300
"""A slice with more parts of the size of letters shows noise or a texture, and the search would take long."""
_GAP = 1.5
"""Largest gap between two letters, as a multiple of their height."""


def has_text(pixels: NDArray[np.uint8]) -> bool:
    """Return whether a slice seems to have text in it.

    Args:
        pixels: (H, W) uint8, grey.
    """
    top = int(pixels.max(initial=0))
    if top == 0:
        return False
    _, bright = cv2.threshold(pixels, math.ceil(_BRIGHT * top) - 1, 1, cv2.THRESH_BINARY)  # OpenCV takes values above
    parts = part_statistics(np.asarray(bright, dtype=np.uint8))
    low, high = _HEIGHTS
    tall, wide = parts[:, cv2.CC_STAT_HEIGHT], parts[:, cv2.CC_STAT_WIDTH]
    fill = parts[:, cv2.CC_STAT_AREA] / np.maximum(1, tall * wide)
    letters = parts[(tall >= low) & (tall <= high) & (wide <= 1.2 * tall) & (fill < 0.85)]
    if not _LETTERS <= len(letters) <= _MOST_PARTS:
        return False
    letters = letters[np.argsort(letters[:, cv2.CC_STAT_LEFT])]
    alike = _alike(letters)
    # The others of a line all begin after its first letter, which rules out nearly all letters at once.
    ends = letters[:, cv2.CC_STAT_LEFT] + letters[:, cv2.CC_STAT_WIDTH]
    later = letters[:, cv2.CC_STAT_LEFT] >= ends[:, None]
    first = np.flatnonzero((alike & later).sum(axis=1) >= _LETTERS - 1)
    return any(_line_from(letters, number, np.flatnonzero(alike[number])) >= _LETTERS for number in first.tolist())


def _alike(letters: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return for each letter which ones are about as tall and stand on about the same line, (L, L)."""
    tall = letters[:, cv2.CC_STAT_HEIGHT]
    feet = letters[:, cv2.CC_STAT_TOP] + tall
    most = np.maximum(1, _LIKE * tall)[:, None]
    alike: NDArray[np.bool_] = (np.abs(tall - tall[:, None]) <= most) & (np.abs(feet - feet[:, None]) <= most)
    return alike


def _line_from(letters: NDArray[np.int32], first: int, others: NDArray[np.int64]) -> int:
    """Return how many letters stand in a line to the right of one of them, with it; `others` are those like it."""
    tall = int(letters[first, cv2.CC_STAT_HEIGHT])
    lefts, widths = letters[:, cv2.CC_STAT_LEFT].tolist(), letters[:, cv2.CC_STAT_WIDTH].tolist()
    count, end = 1, lefts[first] + widths[first]
    for place in others.tolist():
        if end <= lefts[place] <= end + _GAP * tall:
            count, end = count + 1, lefts[place] + widths[place]
    return count
