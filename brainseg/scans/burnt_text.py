"""Find text that is burnt into the pixels of a slice, which may name a patient.

Letters are small bright parts of nearly one height that stand in a line, outside the head or on it. No character is
read: it is enough to warn.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

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
    _, _, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=8)
    low, high = _HEIGHTS
    tall, wide = stats[1:, cv2.CC_STAT_HEIGHT], stats[1:, cv2.CC_STAT_WIDTH]
    fill = stats[1:, cv2.CC_STAT_AREA] / np.maximum(1, tall * wide)
    letters = stats[1:][(tall >= low) & (tall <= high) & (wide <= 1.2 * tall) & (fill < 0.85)]
    if not _LETTERS <= len(letters) <= _MOST_PARTS:
        return False
    return any(_line_from(letters, number) >= _LETTERS for number in range(len(letters)))


def _line_from(letters: NDArray[np.int32], first: int) -> int:
    """Return how many letters stand in a line to the right of one of them, with it."""
    x, y, wide, tall = (int(value) for value in letters[first][:4])
    feet = letters[:, cv2.CC_STAT_TOP] + letters[:, cv2.CC_STAT_HEIGHT]
    alike = np.abs(letters[:, cv2.CC_STAT_HEIGHT] - tall) <= max(1, _LIKE * tall)
    alike &= np.abs(feet - (y + tall)) <= max(1, _LIKE * tall)
    count, end = 1, x + wide
    for place in np.argsort(letters[:, cv2.CC_STAT_LEFT]):
        left = int(letters[place, cv2.CC_STAT_LEFT])
        if alike[place] and end <= left <= end + _GAP * tall:
            count, end = count + 1, left + int(letters[place, cv2.CC_STAT_WIDTH])
    return count
